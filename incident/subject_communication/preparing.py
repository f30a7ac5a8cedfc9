"""Text and list of a communication, and the approval that binds both as they stand."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from flask_babel import gettext as _
from sqlalchemy import delete, select

from accounts.models import StaffMember
from foundation import ledger, locales
from foundation.database import db, new_id
from foundation.encryption import blind_index
from foundation.errors import Invalid, Missing, Refused
from incident import drafting, letters, meeting
from incident.letters import Lack
from incident.models import CommunicationState, Duty, Incident, Recipient, SubjectCommunication
from incident.recipients import Person, Reading
from playbooks import runs

OWED = ("gdpr-34", "promise-subjects")
BEFORE_SENDING = (CommunicationState.DRAFT, CommunicationState.APPROVED)
WRITING = ("communication.drafted", "communication.text_changed", "communication.list_changed")


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


def people_of(communication: SubjectCommunication) -> list[Recipient]:
    """Everybody on the list, in its order."""
    mine = select(Recipient).where(Recipient.communication_id == communication.id)
    return list(db.session.scalars(mine.order_by(Recipient.position)))


def duties_of(incident: Incident) -> list[Duty]:
    """The duties to tell the people, by law and by promise."""
    return meeting.duties_of(incident, *OWED)


def create(incident: Incident, *, by: StaffMember, now: datetime) -> SubjectCommunication:
    """Begin a communication with a draft in each language of the organisation's letters.

    While one is being prepared, that one is returned.
    """
    known = of_incident(incident)
    if known and known[-1].state in BEFORE_SENDING:
        return known[-1]
    material = drafting.gather(incident)
    wanted = letters.languages_of(material.organisation)
    texts = {locale: letters.draft(material, locale) for locale in wanted}
    owed = duties_of(incident)
    made = SubjectCommunication(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, texts=texts,
        duty_id=owed[0].id if owed else None, number=len(known) + 1, content_sha256="", drafted_by=by.name,
        drafted_at=now, state=CommunicationState.DRAFT, recipients=0,
    )  # fmt: skip
    db.session.add(made)
    made.content_sha256 = fingerprint(made)
    db.session.flush()
    log(incident, made, "communication.drafted", by, now, languages=sorted(texts))
    runs.happened(incident.chain, "subjects.drafted", actor=by.name, now=now)
    return made


# --- text and list ------------------------------------------------------------------------------


def set_texts(
    incident: Incident, communication: SubjectCommunication, locale: str, parts: Mapping[str, str], *,
    seen: str, by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Write the text of one language; whether it changed. An approval is void once it does.

    `seen` is the hash that was on the page. Raises: Refused when it was sent or changed meanwhile.
    """
    _refuse_sent(communication)
    _refuse_stale(incident, communication, seen)
    if locale not in locales.LOCALES:
        raise Invalid(_("This is no language of ours."))
    written = letters.cleaned(parts)
    if communication.texts.get(locale) == written:
        return False
    communication.texts = {**communication.texts, locale: written}
    _changed(incident, communication, "communication.text_changed", by=by, now=now, language=locale)
    return True


def add_language(
    incident: Incident, communication: SubjectCommunication, locale: str, *, seen: str, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """Draft the text in one more language; false when there is one. Raises: as `set_texts`."""
    if locale in communication.texts:
        return False
    draft = letters.draft(drafting.gather(incident), locale)
    return set_texts(incident, communication, locale, draft, seen=seen, by=by, now=now)


def set_list(
    incident: Incident, communication: SubjectCommunication, reading: Reading, *, why_left_out: str,
    seen: str, by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """Put the people read from a file on the list, in place of whoever was on it.

    Rows with faults are left out only with a reason, which is recorded. A language that somebody reads
    and nobody has written yet is drafted. Raises: Refused as `set_texts`, Invalid without that reason.
    """
    _refuse_sent(communication)
    _refuse_stale(incident, communication, seen)
    left_out = reading.faulty_lines
    if left_out and not why_left_out.strip():
        raise Invalid(
            _("Lines with faults are left out only with a reason: %(lines)s.",
              lines=", ".join(map(str, left_out[:20]))),
            next_step=_("Mend them in the file and send it again, or say why they are left out."),
        )  # fmt: skip
    if not reading.people:
        raise Invalid(_("Every line has a fault."), next_step=_("Mend them and send the file again."))
    db.session.execute(delete(Recipient).where(Recipient.communication_id == communication.id))
    db.session.add_all(
        _recipient(communication, position, each) for position, each in enumerate(reading.people, start=1)
    )
    communication.recipients = len(reading.people)
    _draft_missing(incident, communication, {each.locale for each in reading.people})
    _changed(
        incident, communication, "communication.list_changed", by=by, now=now,
        reason=why_left_out.strip() if left_out else None, people=len(reading.people),
        left_out_lines=list(left_out), folded=len(reading.folded), file_sha256=reading.file_sha256,
    )  # fmt: skip


def _draft_missing(incident: Incident, communication: SubjectCommunication, wanted: set[str]) -> None:
    if missing := sorted(wanted - communication.texts.keys()):
        material = drafting.gather(incident)
        drafts = {locale: letters.draft(material, locale) for locale in missing}
        communication.texts = {**communication.texts, **drafts}


def _recipient(communication: SubjectCommunication, position: int, person: Person) -> Recipient:
    made = Recipient(
        id=new_id(), organisation_id=communication.organisation_id, communication_id=communication.id,
        position=position, name=person.name, email=person.email or None, phone=person.phone or None,
        locale=person.locale, person_index=blind_index(person.key),
    )  # fmt: skip
    made.sha256 = _row_hash(made)
    return made


def _row_hash(person: Recipient) -> str:
    row = [str(person.id), person.name, person.email, person.phone, person.locale]
    return hashlib.sha256(rfc8785.dumps(row)).hexdigest()


def fingerprint(communication: SubjectCommunication) -> str:
    """SHA-256 over texts and list as they are in the database now: what an approval is of."""
    people = [_row_hash(each) for each in people_of(communication)]
    document: dict[str, Any] = {"texts": communication.texts, "people": people, "count": len(people)}
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def lacking(communication: SubjectCommunication, people: Sequence[Recipient]) -> list[Lack]:
    """What the letters lack in the languages that somebody on the list reads."""
    read = {each.locale for each in people}
    return letters.lacking(communication.texts, [each for each in locales.LOCALES if each in read])


def _changed(
    incident: Incident, communication: SubjectCommunication, action: str, *, by: StaffMember, now: datetime,
    **details: Any,
) -> None:  # fmt: skip
    if communication.state == CommunicationState.APPROVED:
        details["approval_void"] = communication.approved_by
        communication.state = CommunicationState.DRAFT
        communication.approved_by = communication.approved_at = communication.approved_sha256 = None
    db.session.flush()
    communication.content_sha256 = fingerprint(communication)
    db.session.flush()
    log(incident, communication, action, by, now, **details)


def _refuse_sent(communication: SubjectCommunication) -> None:
    if communication.state not in BEFORE_SENDING:
        raise Refused(
            _("This communication was sent: what people have been told changes no more."),
            next_step=_("What is new, or was wrong, goes to them as a further communication."),
        )


def _refuse_stale(incident: Incident, communication: SubjectCommunication, seen: str) -> None:
    if seen == communication.content_sha256:
        return
    latest = authors_of(incident, communication)[-1]
    raise Refused(
        _("Text or list were changed meanwhile by %(who)s. Nothing of yours was saved.", who=latest),
        next_step=_("Open the communication again, look at it as it is now, and repeat what you did."),
    )


# --- approval -----------------------------------------------------------------------------------


def approve(
    incident: Incident, communication: SubjectCommunication, *, seen: str, by: StaffMember, now: datetime
) -> None:
    """Stand behind these texts to these people. Approving it twice changes nothing.

    The second of two persons: whoever wrote last does not approve it. Raises: Refused for that, when it
    was sent, when text or list changed meanwhile, when nobody is on the list, or when a letter lacks a part.
    """
    _refuse_sent(communication)
    _refuse_stale(incident, communication, seen)
    if communication.state == CommunicationState.APPROVED:
        return
    meeting.refuse_when_over(incident)
    _refuse_same_person(incident, communication, by)
    people = people_of(communication)
    if not people:
        raise Refused(_("Nobody is on the list."), next_step=_("Send a list of recipients first."))
    if left := lacking(communication, people):
        parts = [f"{locales.NAMES[each.locale]}: {letters.LABELS[each.part]}" for each in left]
        raise Refused(
            _("The letters are not whole yet: %(parts)s.", parts="; ".join(parts)),
            next_step=_("Write what is missing, and replace whatever stands in [brackets]."),
        )
    if fingerprint(communication) != communication.content_sha256:
        raise Refused(
            _("Text or list differ from what was saved."),
            next_step=_("Send the list again, then approve it."),
        )
    communication.state = CommunicationState.APPROVED
    communication.approved_by, communication.approved_at = by.name, now
    communication.approved_sha256 = communication.content_sha256
    db.session.flush()
    log(
        incident, communication, "communication.approved", by, now, people=len(people),
        written_by=authors_of(incident, communication)[-1],
    )  # fmt: skip
    runs.happened(incident.chain, "subjects.approved", actor=by.name, now=now)


def _refuse_same_person(incident: Incident, communication: SubjectCommunication, by: StaffMember) -> None:
    if written(incident, communication)[-1].details.get("staff") == str(by.id):
        raise Refused(
            _("You wrote this last: a second person approves it before it goes out."),
            next_step=_("Ask a colleague who may approve communications to read and approve it."),
        )


def written(incident: Incident, communication: SubjectCommunication) -> list[ledger.Entry]:
    """What was done to text and list, by the ledger."""
    return [
        each for each in ledger.entries(incident.chain)
        if each.action in WRITING and each.details.get("communication") == str(communication.id)
    ]  # fmt: skip


def authors_of(incident: Incident, communication: SubjectCommunication) -> list[str]:
    """Who wrote text or list, the last one last."""
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
