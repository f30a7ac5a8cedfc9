"""Who of the lists is told, and by which ways."""

from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import subject_communication
from incident.access import locked_incident, visible_incident
from incident.models import WAYS
from incident.subject_communication import Choice
from incident.views.subject_communications.blueprint import back, bp, named, seen


@bp.get("/<uuid:communication_id>/who")
@requires(Permission.SEE_INCIDENTS)
def who(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """What can be chosen, what is, and how many that are."""
    incident = visible_incident(incident_id)
    communication = named(incident, communication_id)
    return render_template(
        "incident/communication_who.html", incident=incident, communication=communication,
        lists=subject_communication.standing_lists(incident), ways=subject_communication.LABELS,
        groups=subject_communication.groups_of(incident), locales=locales.LOCALES,
        counts=subject_communication.counts(communication), writable=communication.is_prepared,
        corrects=named(incident, communication.corrects_id) if communication.corrects_id else None,
    )  # fmt: skip


@bp.post("/<uuid:communication_id>/who")
@requires(Permission.PREPARE_COMMUNICATION)
def choose(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Choose; an approval of other people is void."""
    choice = _choice()
    with transaction():
        incident = locked_incident(incident_id)
        communication = named(incident, communication_id)
        subject_communication.choose(
            incident, communication, choice, seen=seen(), by=current_staff(), now=utcnow()
        )
        count = communication.recipients
    said = locales.number(count, locales.current())
    flash(
        ngettext("%(count)s person is picked.", "%(count)s people are picked.", count, count=said), "success"
    )
    return back(incident_id, communication_id, request.form.get("next", "who"))


@bp.post("/<uuid:communication_id>/who/told")
@requires(Permission.PREPARE_COMMUNICATION)
def leave_out_told(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Take everybody out who was told under an incident that is or was one with this."""
    with transaction():
        incident = locked_incident(incident_id)
        count = subject_communication.leave_out_told(
            incident, named(incident, communication_id), seen=seen(), by=current_staff(), now=utcnow()
        )
    said = ngettext(
        "%(num)s person was left out: they were told before.",
        "%(num)s people were left out: they were told before.", count,
    )  # fmt: skip
    flash(said, "success")
    return back(incident_id, communication_id)


def _choice() -> Choice:
    form = request.form
    ranked = [form.get(f"way-{place}", "") for place in range(1, len(WAYS) + 1)]
    return Choice(
        lists=_ids(form.getlist("lists")), groups=tuple(form.getlist("groups")),
        locales=tuple(form.getlist("locales")), financial="financial" in form, protected="protected" in form,
        untold="untold" in form, again="again" in form, letters_to_protected="letters_to_protected" in form,
        ways=tuple(each for each in ranked if each),
    )  # fmt: skip


def _ids(told: list[str]) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(each) for each in told)
    except ValueError:
        raise Invalid(_("This is no list.")) from None
