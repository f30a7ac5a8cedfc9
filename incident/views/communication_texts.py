"""The pages of one text to people: written beside what is found in it, looked at as its readers get it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Missing
from foundation.http import limiter
from incident import clocks, contact_shown, letters, previews, subject_communication
from incident.access import locked_incident, visible_incident
from incident.communication_texts import drafts, measures, reading, segments, wire
from incident.communication_texts import fields as own
from incident.communication_texts.drafts import Known
from incident.communication_texts.parts import Finding
from incident.communication_texts.reading import Reading
from incident.lists import people
from incident.models import Incident, SubjectCommunication
from incident.subject_communication import wiring
from notifications.rendering import NotTranslated

bp = Blueprint(
    "communication_texts", __name__,
    url_prefix="/incidents/<uuid:incident_id>/communications/<uuid:communication_id>/texts/<locale>",
)  # fmt: skip
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
FRAMING_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
WIDTHS = ("desktop", "phone")
LOOKED_AT = "looked_at"  # in the session: whose message, and since when (seconds)
LOOK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is found in a text, for the page beside it; a measure is None where none fits the language."""

    grave: Sequence[Finding]
    mild: Sequence[Finding]
    reading: Reading | None
    band: int  # from 0, which is easy, to 4
    longest: Sequence[str]
    sms: segments.Segments | None
    sms_text: str


def checked(told: Mapping[str, str], locale: str, known: Known) -> Checked:
    """The findings of a text as it stands, saved or not."""
    found = letters.findings(told, locale, known, now=utcnow())
    body = "\n\n".join(told.get(part, "") for part in drafts.BODY)
    level = reading.read(body, locale, now=utcnow())
    sms = _sms(told, locale)
    return Checked(
        [each for each in found if each.grave], [each for each in found if not each.grave], level,
        reading.ORDER.index(level.band) if level else 0, reading.longest(body, locale),
        wire.counted(sms) if sms else None, sms["text"] if sms else "",
    )  # fmt: skip


def _sms(told: Mapping[str, str], locale: str) -> dict[str, str] | None:
    """The text message; None in a language that it is not written in."""
    try:
        return wiring.wired_in(told, locale, own.fields_used({locale: told}))["sms"]
    except NotTranslated:
        return None


# --- writing ------------------------------------------------------------------------------------


def editor(incident: Incident, communication: SubjectCommunication, locale: str) -> str:
    """The page on which a text is written, with what is found in it and the measures beside each other.

    `take=measures` fills in those that the authority was told; nothing is saved by that.
    """
    if locale not in communication.texts:
        raise Missing(_("There is no letter in this language yet."))
    known = wiring.known_of(incident, communication)
    told = dict(communication.texts[locale])
    taken = request.args.get("take") == "measures" and known.measures is not None
    if taken:
        told["measures"] = drafts.measures_of(letters.catalog(), locale, known.measures)
    return render_template(
        "incident/communication_letter.html", incident=incident, communication=communication, locale=locale,
        parts=told, names=letters.PARTS, labels=letters.LABELS, one_line=letters.ONE_LINE,
        required=letters.REQUIRED, facts=clocks.current_facts(incident), has_brackets=letters.has_brackets,
        checked=checked(told, locale, known), taken=taken, fields=sorted(known.fields or ()),
        kind=letters.kinds(locales.current()).get(communication.kind, ""), bands=reading.ORDER,
        **_side_by_side(told, locale, known),
    )  # fmt: skip


def _side_by_side(told: Mapping[str, str], locale: str, known: Known) -> dict[str, Any]:
    """The measures as the authority was told them, where the text says otherwise or cannot be compared."""
    if known.measures is None:
        return {"told_measures": "", "told_locale": "", "differ": False}
    heading = drafts.planned_heading(letters.catalog(), locale)
    done, planned = measures.split(told.get("measures", ""), heading)
    same = known.measures.locale == locale and not measures.differences(known.measures, done, planned)
    there = drafts.measures_of(letters.catalog(), known.measures.locale, known.measures)
    return {"told_measures": there, "told_locale": known.measures.locale, "differ": not same}


# --- looking ------------------------------------------------------------------------------------


@bp.get("/preview")
@requires(Permission.SEE_INCIDENTS)
def preview(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """A text by every channel, as a made-up person gets it."""
    incident, communication = _text(incident_id, communication_id, locale)
    seen = previews.shown(communication, locale, previews.made_up(locale))
    return _page(incident, communication, locale, seen, None)


@bp.get("/preview/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def preview_as(
    incident_id: UUID, communication_id: UUID, locale: str, recipient_id: UUID
) -> ResponseReturnValue:
    """The same as one person of the lists gets it: masked, until somebody has said why they look."""
    incident, communication = _text(incident_id, communication_id, locale)
    return _page(incident, communication, locale, _seen(incident, communication, locale, recipient_id),
                 recipient_id)  # fmt: skip


@bp.post("/preview/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def reveal(incident_id: UUID, communication_id: UUID, locale: str, recipient_id: UUID) -> ResponseReturnValue:
    """Show this one person's in the clear for some minutes; that somebody looked, and why, is recorded."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.person_of(subject_communication.of(incident, communication_id), recipient_id)
        person = contact_shown.person(incident, recipient_id)
        reason = request.form.get("reason", "")
        contact_shown.reveal(incident, person, reason, by=current_staff(), now=utcnow())
    session[LOOKED_AT] = [str(recipient_id), int(utcnow().timestamp())]
    place = url_for(
        ".preview_as", incident_id=incident_id, communication_id=communication_id, locale=locale,
        recipient_id=recipient_id,
    )  # fmt: skip
    return redirect(place, 303)


def _in_the_clear(recipient_id: UUID | None) -> bool:
    """Whether whoever is signed in has said lately why they look at this person."""
    whose, since = session.get(LOOKED_AT) or ("", 0)
    return whose == str(recipient_id) and 0 <= utcnow().timestamp() - since < LOOK.total_seconds()


def _page(
    incident: Incident, communication: SubjectCommunication, locale: str, seen: previews.Shown,
    recipient_id: UUID | None,
) -> ResponseReturnValue:  # fmt: skip
    width = request.args.get("width", WIDTHS[0])
    page = render_template(
        "incident/communication_preview.html", incident=incident, communication=communication, locale=locale,
        seen=seen, recipient_id=recipient_id, width=width if width in WIDTHS else WIDTHS[0], widths=WIDTHS,
        in_the_clear=_in_the_clear(recipient_id),
    )  # fmt: skip
    return page, {"Content-Security-Policy": FRAMING_POLICY}


@bp.get("/mail")
@requires(Permission.SEE_INCIDENTS)
def mail(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """The e-mail to a made-up person alone, in its frame."""
    _incident, communication = _text(incident_id, communication_id, locale)
    return _mail(previews.shown(communication, locale, previews.made_up(locale)))


@bp.get("/mail/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def mail_as(
    incident_id: UUID, communication_id: UUID, locale: str, recipient_id: UUID
) -> ResponseReturnValue:
    """The same to one person of the lists."""
    incident, communication = _text(incident_id, communication_id, locale)
    return _mail(_seen(incident, communication, locale, recipient_id))


def _mail(seen: previews.Shown) -> ResponseReturnValue:
    return seen.content["email"]["html"], {"Content-Security-Policy": MAIL_POLICY}


@bp.get("/letter.<any(pdf, png):form>")
@requires(Permission.SEE_INCIDENTS)
def paper(incident_id: UUID, communication_id: UUID, locale: str, form: str) -> ResponseReturnValue:
    """The letter to a made-up person: as a printer gets it, or a picture of its first page."""
    incident, communication = _text(incident_id, communication_id, locale)
    seen = previews.shown(communication, locale, previews.made_up(locale))
    return _paper(incident, locale, seen, form)


@bp.get("/letter/<uuid:recipient_id>.<any(pdf, png):form>")
@requires(Permission.SEE_RECIPIENTS)
def paper_as(
    incident_id: UUID, communication_id: UUID, locale: str, recipient_id: UUID, form: str
) -> ResponseReturnValue:
    """The same to one person of the lists."""
    incident, communication = _text(incident_id, communication_id, locale)
    return _paper(incident, locale, _seen(incident, communication, locale, recipient_id), form)


def _paper(incident: Incident, locale: str, seen: previews.Shown, form: str) -> ResponseReturnValue:
    make = previews.printed if form == "pdf" else previews.picture
    data = make(incident, current_staff().organisation, locale, seen, utcnow())
    answer = Response(data, mimetype="application/pdf" if form == "pdf" else "image/png")
    if form == "pdf":  # taken away, so that no browser reads it as a page
        answer.headers["Content-Disposition"] = f'attachment; filename="{incident.number}-{locale}.pdf"'
    return answer


def _text(incident_id: UUID, communication_id: UUID, locale: str) -> tuple[Incident, SubjectCommunication]:
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    if locale not in communication.texts:
        raise Missing(_("There is no letter in this language yet."))
    return incident, communication


def _seen(
    incident: Incident, communication: SubjectCommunication, locale: str, recipient_id: UUID
) -> previews.Shown:
    subject_communication.person_of(communication, recipient_id)
    found = people.contacts(incident.id, [recipient_id]).get(recipient_id)
    if found is None:
        raise Missing(_("The addresses of this person were forgotten."))
    if not _in_the_clear(recipient_id):
        found = previews.masked(found, locale)
    return previews.shown(communication, locale, found)


# --- a proof copy -------------------------------------------------------------------------------


def _by_person() -> str:
    return str(current_staff().id)


@bp.post("/proof")
@requires(Permission.PREPARE_COMMUNICATION)
@limiter.limit("10 per hour", key_func=_by_person)
def proof(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """Send it to oneself; nobody else gets it, and nobody counts as told."""
    with transaction():
        incident = locked_incident(incident_id)
        communication = subject_communication.of(incident, communication_id)
        if locale not in communication.texts:
            raise Missing(_("There is no letter in this language yet."))
        address = previews.send_to_self(
            incident, communication, locale, request.form.get("channel", "email"), to=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("A proof copy is on its way to %(address)s.", address=address), "success")
    back = url_for(".preview", incident_id=incident_id, communication_id=communication_id, locale=locale)
    return redirect(back, 303)
