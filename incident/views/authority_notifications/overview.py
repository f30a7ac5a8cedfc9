"""The authorities of an incident: each with its clock, its form, how far it is, and what is next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Missing
from incident import authorities, authority_notification, delays, drafting, filed, packs
from incident.access import locked_incident, visible_incident
from incident.authorities import Authority
from incident.authority_notification import mailed
from incident.forms import pack_lines, words
from incident.forms.pack_lines import Part
from incident.models import AuthorityNotification, DelayReason, Duty, Incident, NotificationState
from incident.rules.competence import Competent
from incident.rules.forms import Form
from incident.views.authority_notifications.blueprint import back, bp, laid

OVER = ("not_required", "carried")


@dataclass(frozen=True, slots=True)
class Row:
    """One authority that is owed a notification: what there is for it, and what somebody does next."""

    duty: Duty
    authority: Authority | None
    notification: AuthorityNotification | None
    form: Form | None
    progress: pack_lines.Progress | None
    open: int
    reasons: list[DelayReason]
    newer: bool
    mailed: bool

    @property
    def next(self) -> str:
        """What is to be done next, as one short sentence; empty when nothing is."""
        made = self.notification
        if made is None:
            return "" if self.duty.state in OVER else _("Draft it from the facts.")
        if made.state == NotificationState.FILED:
            return self._after()
        if self.mailed:
            return _("Record the filing: it went by e-mail.")
        if made.state == NotificationState.APPROVED:
            sign_in = self.authority.portal.sign_in if self.authority else ""
            return _("File it; sign in with %(what)s.", what=sign_in) if sign_in else _("File it.")
        if self.open:
            return _("Answer what stands in the way of approval: %(count)s.", count=self.open)
        return _("Read it and approve it.")

    def _after(self) -> str:
        kept = filed.filing_of(self.notification) if self.notification else None
        if kept is None or (kept.case_number and kept.receipts):
            return _("Send what is to follow.") if self.duty.state == "filed_in_part" else ""
        return _("Add the case number.") if kept.receipts else _("Add the receipt.")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The authorities that are owed a notification, and those that hear of it from another."""
    incident, now = visible_incident(incident_id), utcnow()
    told = authority_notification.of_incident(incident)  # the last one that was not dropped is shown
    drafts = {each.duty_id: each for each in told if each.dropped_at is None}
    rows = list(_rows(incident, drafts, now))
    return render_template(
        "incident/notifications.html", incident=incident, now=now, rows=rows, over=OVER,
        named=_named(incident, {each.duty.recipient for each in rows}), name_of=drafting.name_of,
        phases=words.PHASES,
    )  # fmt: skip


def _rows(incident: Incident, drafts: Mapping[UUID, AuthorityNotification], now: datetime) -> Iterator[Row]:
    for duty in authority_notification.duties_of(incident):
        made = drafts.get(duty.id)
        points, parts = laid(incident, made, now) if made is not None else ([], ())
        yield Row(
            duty, authorities.by_key(duty.recipient), made, _form(made, parts),
            pack_lines.progress(parts) if parts else None,
            sum(each.stops for each in points), delays.reasons_of(duty),
            newer=made is not None and made.facts_number < incident.facts_number,
            mailed=made is not None and mailed.is_mailed(incident, made),
        )  # fmt: skip


def _form(made: AuthorityNotification | None, parts: Sequence[Part]) -> Form | None:
    return packs.form_in(made.content) if made and parts else None


def _named(incident: Incident, owed: set[str]) -> list[Competent]:
    """The authorities that hear of it from the lead: named there, and owed no filing of their own."""
    if incident.aware_at is None:
        return []
    found = drafting.gather(incident).competent()
    return [each for each in found if not each.notified_by_controller and each.key not in owed]


@bp.post("")
@requires(Permission.PREPARE_NOTIFICATION)
def draft(incident_id: UUID) -> ResponseReturnValue:
    """Draft the notification of one duty; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        duty = authority_notification.duty_of(incident, _id("duty"))
        made = authority_notification.draft(incident, duty, by=current_staff(), now=utcnow())
    return back(incident_id, made.id)


def _id(name: str) -> UUID:
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        raise Missing(_("The form does not say which.")) from None
