"""Texts of a communication, who of the lists it picks, and what was done to either by whom."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import rfc8785
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import Organisation, StaffMember
from foundation import ledger, locales
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import coverage, drafting, letters, meeting
from incident.lists import people
from incident.models import BEFORE_SENDING, WAYS, CommunicationState, Duty, Incident, SubjectCommunication
from notifications import sending
from playbooks import runs

LETTERS_TO_PROTECTED: Final = "letters_to_protected"
OWED: Final = ("gdpr-34", "promise-subjects")
SENT: Final = (CommunicationState.SENDING, CommunicationState.COMPLETE)
TEXTS: Final = letters.WRITTEN
WRITING: Final = (
    *TEXTS, "communication.list_changed", "communication.selection_changed", "communication.told_left_out",
)  # fmt: skip
LISTED: Final = (
    "list.uploaded", "list.chosen", "list.faulty_left_out", "list.person_taken_out", "list.person_put_back",
    "list.withdrawn",
)  # fmt: skip


def of_incident(incident: Incident) -> list[SubjectCommunication]:
    """The communications of an incident, by number."""
    mine = select(SubjectCommunication).where(SubjectCommunication.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(SubjectCommunication.number)))


def of(incident: Incident, communication_id: UUID) -> SubjectCommunication:
    """One communication of an incident, read afresh. Raises: Missing."""
    found = db.session.scalars(
        select(SubjectCommunication)
        .where(SubjectCommunication.id == communication_id, SubjectCommunication.incident_id == incident.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Missing(_("There is no such communication."))
    return found


def duties_of(incident: Incident) -> list[Duty]:
    """The duties to tell the people, by law and by promise."""
    return meeting.duties_of(incident, *OWED)


# --- beginning ----------------------------------------------------------------------------------


def create(incident: Incident, *, by: StaffMember, now: datetime) -> SubjectCommunication:
    """Begin a communication with a draft in each language of the organisation's letters.

    While one is being prepared, that one is returned. A further one goes to whom none has told yet.
    """
    known = of_incident(incident)
    if known and known[-1].is_prepared:
        return known[-1]
    material = drafting.gather(incident)
    wanted = letters.languages_of(material.organisation)
    kind = letters.kind_of(material.facts)
    texts = {locale: letters.draft(material, locale, kind) for locale in wanted}
    selection = {"untold": True} if any(each.state in SENT for each in known) else {}
    return _begun(incident, texts, selection, None, kind=kind, by=by, now=now)


def correct(
    incident: Incident, wrong: SubjectCommunication, *, by: StaffMember, now: datetime
) -> SubjectCommunication:
    """Begin the correction of one that was sent: to everybody who had it, and it says what it is.

    While one is being prepared, that one is returned if it corrects the same. Raises: Refused when the
    other was not sent, or when another communication is being prepared.
    """
    known = of_incident(incident)
    if wrong.state not in SENT:
        raise Refused(
            _("It was not sent: nobody has read what is wrong in it."), next_step=_("Change its text.")
        )
    if known[-1].is_prepared:
        if known[-1].corrects_id == wrong.id:
            return known[-1]
        raise Refused(
            _("Communication %(number)s is being prepared.", number=known[-1].number),
            next_step=_("Send it first, then begin the correction."),
        )
    texts = {locale: _corrected(incident, wrong, parts, locale) for locale, parts in wrong.texts.items()}
    selection: dict[str, Any] = {"told_by": str(wrong.id)}
    if wrong.selection.get(LETTERS_TO_PROTECTED):
        selection[LETTERS_TO_PROTECTED] = True
    return _begun(incident, texts, selection, wrong, kind=wrong.kind, by=by, now=now)


def _corrected(
    incident: Incident, wrong: SubjectCommunication, parts: Mapping[str, str], locale: str
) -> dict[str, str]:
    zone = db.session.get_one(Organisation, incident.organisation_id).timezone
    return letters.corrected(parts, locale, locales.local(wrong.sent_at or wrong.drafted_at, zone).date())


def _begun(
    incident: Incident, texts: dict[str, dict[str, str]], selection: dict[str, Any],
    wrong: SubjectCommunication | None, *, kind: str, by: StaffMember, now: datetime,
) -> SubjectCommunication:  # fmt: skip
    owed = duties_of(incident)
    made = SubjectCommunication(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, texts=texts,
        duty_id=owed[0].id if owed else None, number=len(of_incident(incident)) + 1, content_sha256="",
        drafted_by=by.name, drafted_at=now, state=CommunicationState.DRAFT, recipients=0,
        kind=kind, corrects_id=wrong.id if wrong else None,
        ways=[*(wrong.ways if wrong else WAYS)], selection=selection,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    settle_hash(made)
    log(
        incident, made, "communication.drafted", by, now, languages=sorted(texts),
        corrects=wrong.number if wrong else None,
    )  # fmt: skip
    runs.happened(incident.chain, "subjects.drafted", actor=by.name, now=now)
    return made


# --- texts --------------------------------------------------------------------------------------


def set_texts(
    incident: Incident, communication: SubjectCommunication, locale: str, parts: Mapping[str, str], *,
    seen: str, by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Write the text of one language; whether it changed. An approval is void once it does.

    `seen` is the hash that was on the page. Raises: Refused when it was sent or changed meanwhile.
    """
    refuse_sent(communication)
    refuse_stale(incident, communication, seen)
    if locale not in locales.LOCALES:
        raise Invalid(_("This is no language of ours."))
    written = letters.cleaned(parts)
    if communication.texts.get(locale) == written:
        return False
    communication.texts = {**communication.texts, locale: written}
    changed(incident, communication, "communication.text_changed", by=by, now=now, language=locale)
    return True


def add_language(
    incident: Incident, communication: SubjectCommunication, locale: str, *, seen: str, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """Draft the text in one more language; false when there is one. Raises: as `set_texts`."""
    if locale in communication.texts:
        return False
    draft = letters.draft(drafting.gather(incident), locale, communication.kind)
    if communication.corrects_id:
        draft = _corrected(incident, of(incident, communication.corrects_id), draft, locale)
    return set_texts(incident, communication, locale, draft, seen=seen, by=by, now=now)


def set_kind(
    incident: Incident, communication: SubjectCommunication, kind: str, *, seen: str, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """Say what kind of breach it is, and draft every text anew for it; false where it is of that kind.

    Raises: as `set_texts`.
    """
    refuse_sent(communication)
    refuse_stale(incident, communication, seen)
    if kind not in letters.catalog().kinds:
        raise Invalid(_("There are no texts for this kind of breach."))
    if kind == communication.kind:
        return False
    material = drafting.gather(incident)
    communication.kind = kind
    communication.texts = {each: letters.draft(material, each, kind) for each in communication.texts}
    changed(
        incident, communication, "communication.kind_changed", by=by, now=now, kind=kind,
        languages=sorted(communication.texts),
    )  # fmt: skip
    return True


# --- what is bound together ---------------------------------------------------------------------


def fingerprint(communication: SubjectCommunication) -> str:
    """SHA-256 over texts, ways, choice, lists and count as they are in the database now: what is approved."""
    document = [people.fingerprint(communication), communication.kind, str(communication.corrects_id or "")]
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def settle_hash(communication: SubjectCommunication) -> None:
    """Keep hash and number of people as they are now; an approval of anything else is void."""
    communication.recipients = people.count(communication)
    communication.content_sha256 = fingerprint(communication)
    db.session.flush()


def changed(
    incident: Incident, communication: SubjectCommunication, action: str, *, by: StaffMember, now: datetime,
    **details: Any,
) -> None:  # fmt: skip
    """Keep what was changed, void an approval, and write the ledger's entry."""
    if voided := void(communication):
        details["approval_void"] = voided
    db.session.flush()
    settle_hash(communication)
    if "people" in details:
        details["people"] = communication.recipients
    log(incident, communication, action, by, now, **details)


def void(communication: SubjectCommunication) -> str | None:
    """Take an approval back; whose it was."""
    if communication.state != CommunicationState.APPROVED:
        return None
    who, communication.state = communication.approved_by, CommunicationState.DRAFT
    communication.approved_by = communication.approved_at = communication.approved_sha256 = None
    return who


def drop(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> bool:
    """Nobody is to be told by it, says a person; false when that was said before. It stays to be read.

    An approval is void by it. Raises: Refused once it was sent, Invalid without a reason.
    """
    if communication.dropped_at is not None:
        return False
    refuse_sent(communication)
    if not why.strip():
        raise Invalid(_("Say why nobody is told by it."), next_step=_("It stands in the record."))
    voided = void(communication)
    communication.dropped_at, communication.dropped_by = now, by.name
    communication.dropped_why = why.strip()
    db.session.flush()
    log(
        incident, communication, "communication.dropped", by, now, reason=why.strip(),
        number=communication.number, approval_void=voided,
    )  # fmt: skip
    return True


def refuse_dropped(communication: SubjectCommunication) -> None:
    """Raises: Refused once it was dropped."""
    if communication.dropped_at is not None:
        raise Refused(
            _("%(name)s dropped this communication: nobody is told by it.", name=communication.dropped_by),
            next_step=_("Whoever is to be told after all is told by a further communication."),
        )


def refuse_sent(communication: SubjectCommunication) -> None:
    """Raises: Refused once it was sent, or dropped."""
    refuse_dropped(communication)
    if communication.state not in BEFORE_SENDING:
        raise Refused(
            _("This communication was sent: what people have been told changes no more."),
            next_step=_("What is new, or was wrong, goes to them as a further communication."),
        )


def refuse_while_planned(incident: Incident) -> None:
    """Raises: Refused while a sending asks who its people are: they must be those who were approved."""
    sent = [coverage.source_of(each.id) for each in of_incident(incident) if each.state in SENT]
    if sent and sending.is_being_planned(sent):
        raise Refused(
            _("A communication to the people of these lists is just being begun."),
            next_step=_("Try again in a minute, when everybody is planned."),
        )


def refuse_stale(incident: Incident, communication: SubjectCommunication, seen: str) -> None:
    """Raises: Refused when text or choice are not what was on the page."""
    if seen == communication.content_sha256:
        return
    latest = authors_of(incident, communication)[-1]
    raise Refused(
        _("Text or list were changed meanwhile by %(who)s. Nothing of yours was saved.", who=latest),
        next_step=_("Open the communication again, look at it as it is now, and repeat what you did."),
    )


# --- by whom ------------------------------------------------------------------------------------


def written(incident: Incident, communication: SubjectCommunication) -> list[ledger.Entry]:
    """What was done to its text and choice, and to the lists of the incident, by the ledger."""
    mine = select(ledger.Entry).where(
        ledger.Entry.chain == incident.chain, ledger.Entry.action.in_((*WRITING, *LISTED))
    )
    return [
        each for each in db.session.scalars(mine.order_by(ledger.Entry.number))
        if each.action in LISTED or each.details.get("communication") == str(communication.id)
    ]  # fmt: skip


def authors_of(incident: Incident, communication: SubjectCommunication) -> list[str]:
    """Who wrote text, choice or lists, the last one last."""
    return [each.actor for each in written(incident, communication)]


def log(
    incident: Incident, communication: SubjectCommunication, action: str, by: StaffMember, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a communication: hashes and counts, never who is told."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason, communication=communication.id, content_sha256=communication.content_sha256,
        staff=by.id, **details,
    )  # fmt: skip
