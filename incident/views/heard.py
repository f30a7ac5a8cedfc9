"""Pages of the hot-line: a quick form for whoever is on the telephone, and what was heard from whom."""

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing, NotAllowed, Refused
from incident import contact_shown, heard, letter_posting, subject_communication
from incident.access import locked_incident, visible_incident
from incident.communication_texts.drafts import BODY
from incident.communication_texts.parts import LABELS
from incident.forms.fields import Sheet, sheet_of
from incident.heard import Told
from incident.models import CommunicationState, HeardKind, Incident, PersonHeard

bp = Blueprint("heard", __name__, url_prefix="/incidents/<uuid:incident_id>/heard")
WIDE: Final = 1_000  # of the picture
HIGH: Final = 120
SENT: Final = (CommunicationState.SENDING, CommunicationState.COMPLETE)


@bp.get("")
@requires(Permission.SEE_RECIPIENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """Who was heard from, the latest first, and how many by day."""
    incident, only = visible_incident(incident_id), request.args.get("only", "")
    days = heard.by_day(incident, now=utcnow())
    return render_template(
        "incident/heard.html", incident=incident, now=utcnow(), only=only, kinds=heard.KINDS,
        wants=heard.WANTS, entries=heard.of_incident(incident, only=only), open=heard.to_be_done(incident),
        days=days, bars=list(_bars(days)), most=max((each.total for each in days), default=0),
        wide=WIDE, high=HIGH,
    )  # fmt: skip


def _bars(days: list[heard.Day]) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of each day's bar."""
    most, step = max((each.total for each in days), default=0), WIDE / max(len(days), 1)
    return [
        (round(place * step + step * 0.1, 1), round(HIGH - HIGH * day.total / most, 1),
         round(min(step * 0.8, 60), 1), round(HIGH * day.total / most, 1))
        for place, day in enumerate(days) if day.total
    ]  # fmt: skip


@bp.get("/new")
@requires(Permission.SEE_RECIPIENTS)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form for a person on the telephone, with what people were told beside it."""
    at = locales.local(utcnow(), locales.zone()).strftime("%Y-%m-%dT%H:%M")
    sheet = Sheet({"kind": ["call"], "at": [at]})
    for name in ("kind", "recipient"):
        if told := request.args.get(name):
            sheet.typed[name] = [told]
    return _form(visible_incident(incident_id), sheet)


@bp.post("/search")
@requires(Permission.SEE_RECIPIENTS)
def search(incident_id: UUID) -> ResponseReturnValue:
    """The form with who may be meant; what is looked for is personal data and stands in no address."""
    return _form(visible_incident(incident_id), sheet_of(request.form), looked=True)


def _form(
    incident: Incident, sheet: Sheet, refusal: Refused | None = None, *, looked: bool = False
) -> ResponseReturnValue:
    found = heard.found(incident, sheet.one("about"))
    told = [each for each in subject_communication.of_incident(incident) if each.state in SENT]
    page = render_template(
        "incident/heard_new.html", incident=incident, sheet=sheet, refusal=refusal, looked=looked,
        found=found, kinds=heard.KINDS, wants=heard.WANTS, told=told, body=BODY, labels=LABELS,
        masked=contact_shown.masked,
        earlier={each.id: heard.of_incident(incident, recipient_id=each.id)[:5] for each, _who in found[:5]},
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@bp.post("/new")
@requires(Permission.SEE_RECIPIENTS)
def keep(incident_id: UUID) -> ResponseReturnValue:
    """Keep what a person said; what cannot be is shown with what was typed."""
    sheet = sheet_of(request.form)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            entry = heard.keep(incident, _told(sheet), by=current_staff(), now=utcnow())
            strayed = _strayed(incident, entry)
    except (Missing, NotAllowed):
        raise
    except Refused as refusal:
        return _form(visible_incident(incident_id), sheet, refusal)
    flash(_("Kept."), "success")
    if strayed:
        flash(_("No letter to this person is recorded as posted: nothing else was changed."), "warning")
    again = sheet.one("kind") == "call" and may(current_staff(), Permission.SEE_RECIPIENTS)
    return redirect(url_for(".new" if again else ".index", incident_id=incident_id), 303)


def _strayed(incident: Incident, entry: PersonHeard) -> bool:
    """Whether a letter came back of which we know nothing."""
    whose = entry.recipient_id if entry.kind == HeardKind.RETURNED else None
    return whose is not None and not letter_posting.was_posted(incident, whose)


def _told(sheet: Sheet) -> Told:
    at = sheet.time("at", locales.zone())
    if faults := sheet.faults.get("at"):
        raise Invalid(" ".join(faults))
    try:
        person = UUID(sheet.one("recipient")) if sheet.one("recipient") else None
    except ValueError:
        raise Invalid(_("Say who it was, or that they stand on no list.")) from None
    now = utcnow().replace(second=0, microsecond=0)
    return Told(
        sheet.one("kind"), at or now, sheet.one("said"), sheet.one("answer"), sheet.one("wants"), person
    )  # fmt: skip


@bp.post("/<uuid:heard_id>/done")
@requires(Permission.SEE_RECIPIENTS)
def done(incident_id: UUID, heard_id: UUID) -> ResponseReturnValue:
    """What a person wanted is done."""
    with transaction():
        incident = locked_incident(incident_id)
        entry = heard.of(incident, heard_id)
        heard.done(incident, entry, answer=request.form.get("answer", ""), by=current_staff(), now=utcnow())
    return redirect(url_for(".index", incident_id=incident_id), 303)
