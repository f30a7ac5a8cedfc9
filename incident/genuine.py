"""Codes on what people are told, so that each can check that a message is ours; no row is kept for any.

A code holds the second in which the communication was begun, a number that differs from person to person,
and a MAC over both and the communication's id. The secret is the installation's: a code is good after the
contact data was destroyed, and after keys were changed. What a code opens is what the message itself says;
it never says to whom the message went, nor whether anybody stands on a list.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from accounts.models import Organisation
from foundation import locales
from foundation.database import database_now, db, insert_unless_there, is_writing
from incident import authorities, coverage, drafting
from incident.models import CodeKey, CommunicationState, Incident, SubjectCommunication
from incident.profile import profile_of
from incident.rules import codes
from incident.rules.codes import Slip
from incident.rules.completeness import Contact
from notifications import sending

SAMPLE: Final = "XXXXX-XXXXX-XXXXX-XXXXX"  # in previews, before any communication was approved here
_BEGAN: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
_HASH: Final = "sha256"  # by its name it is fastest
_WHEN, _PERSON, _MAC = 30, 25, 40  # bits: 34 years of seconds, who, proof
_SENT: Final = (CommunicationState.SENDING, CommunicationState.COMPLETE)


class Found(StrEnum):
    """What a typed code is."""

    GENUINE = "genuine"
    EMPTY = "empty"  # nothing was typed
    SLIP = "slip"  # it can be no code: something was mistyped, or somebody made it up
    WRONG = "wrong"  # it is well formed, and nobody gave it out
    NOT_SENT = "not_sent"  # it is ours, of a message that nobody outside was sent


@dataclass(frozen=True, slots=True)
class Genuine:
    """A communication that went out, as its own readers may hear of it. Instants are UTC.

    What it says is here as well: whoever was told by a text message reads it here and nowhere else.
    """

    communication_id: UUID
    organisation_id: UUID
    organisation: str
    website: str
    zone: str
    sent_at: datetime
    subject: str
    corrects_at: datetime | None  # when the one went out that this one corrects
    corrected_at: datetime | None  # when a correction of this one went out that somebody has
    contact: Contact
    officer: Contact  # the data protection officer; without a name where none is registered
    authority: str
    authority_website: str
    drill: bool
    locale: str = ""  # of the subject and of what is said
    parts: Mapping[str, str] = field(default_factory=dict)  # the message itself, as it was written


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking at a code; `organisation_id` where it names a communication's second."""

    found: Found
    genuine: Genuine | None = None
    slip: str = ""
    organisation_ids: Sequence[UUID] = field(default=())


# --- made ---------------------------------------------------------------------------------------


def code_of(communication: SubjectCommunication | UUID, position_or_id: int | UUID) -> str:
    """The code on one person's message, "3WK2K-73YVJ-MZ0J7-80601"; the same each time.

    A person is told by an id or a place in the list. Without a secret, and outside a transaction that
    could make one: `SAMPLE`. For many people at once take `coder`.
    """
    return coder(communication)(position_or_id)


def coder(communication: SubjectCommunication | UUID) -> Callable[[int | UUID], str]:
    """What makes the codes of one communication, for many people at once: some microseconds for each."""
    secret = _secret()
    if secret is None:
        return lambda _position_or_id: SAMPLE
    communication_id = communication if isinstance(communication, UUID) else communication.id
    begins, when = b"person:" + communication_id.bytes, _second(communication_id) << _PERSON

    def made(position_or_id: int | UUID) -> str:
        whom = position_or_id.bytes if isinstance(position_or_id, UUID) else b"%d" % position_or_id
        drawn = hmac.digest(secret, begins + whom, _HASH)
        person = int.from_bytes(drawn[:4]) >> 32 - _PERSON
        return codes.written((when | person) << _MAC | _mac(secret, communication_id, person))

    return made


def secret_for(purpose: bytes) -> bytes | None:
    """32 bytes for another purpose than codes, derived from the installation's secret; as `code_of`."""
    secret = _secret()
    return None if secret is None else hmac.digest(secret, b"purpose:" + purpose, _HASH)


def _mac(secret: bytes, communication_id: UUID, person: int) -> int:
    said = b"code:" + communication_id.bytes + person.to_bytes(4)
    return int.from_bytes(hmac.digest(secret, said, _HASH)[: _MAC // 8])


def _second(communication_id: UUID) -> int:
    """The second of an id's making (UUID version 7), counted from 2026."""
    return (communication_id.int >> 80) // 1000 - _BEGAN & (1 << _WHEN) - 1


def _secret() -> bytes | None:
    """The installation's secret; made where there is none and a transaction is open."""
    kept = db.session.get(CodeKey, 1)
    if kept is None and is_writing():
        insert_unless_there(
            CodeKey, {"number": 1, "secret": secrets.token_bytes(32), "made_at": database_now()}
        )
        kept = db.session.get(CodeKey, 1)
    return kept.secret if kept else None


# --- read ---------------------------------------------------------------------------------------


def read(code: str, locale: str = locales.DEFAULT) -> Genuine | None:
    """The communication that a code stands for; None for any other text. Under `everyone()`."""
    return look(code, locale).genuine


def look(code: str, locale: str = locales.DEFAULT) -> Looked:
    """What a typed code is, and the communication in the reader's language. Under `everyone()`."""
    try:
        number = codes.read(code)
    except Slip as slip:
        return Looked(Found.EMPTY if slip.kind == "empty" else Found.SLIP, slip=slip.kind)
    when = number >> _PERSON + _MAC
    person = number >> _MAC & (1 << _PERSON) - 1
    near = _of_second(when)
    secret = _secret()
    for each in near if secret else ():
        proof = _mac(secret, each.id, person) if secret else 0
        if hmac.compare_digest(proof.to_bytes(8), (number & (1 << _MAC) - 1).to_bytes(8)):
            return _told(each, locale)
    return Looked(Found.WRONG, organisation_ids=sorted({each.organisation_id for each in near}))


def _of_second(when: int) -> list[SubjectCommunication]:
    """The communications whose ids were made in a second, counted from 2026; mostly one, or none."""
    first, last = (UUID(int=(when + _BEGAN + more) * 1000 << 80) for more in (0, 1))
    mine = SubjectCommunication.id
    return list(db.session.scalars(select(SubjectCommunication).where(mine >= first, mine < last)))


def _told(communication: SubjectCommunication, locale: str) -> Looked:
    if communication.state not in _SENT or communication.sent_at is None:
        return Looked(Found.NOT_SENT, organisation_ids=[communication.organisation_id])
    organisation = db.session.get_one(Organisation, communication.organisation_id)
    known, dpo = profile_of(organisation), profile_of(organisation).dpo
    where = next((each for each in authorities.all_authorities() if _is_of(each, organisation)), None)
    written_in = _language(communication, locale, organisation.locale)
    parts = communication.texts.get(written_in, {})
    genuine = Genuine(
        communication_id=communication.id, organisation_id=organisation.id,
        organisation=known.legal_name or organisation.name, website=known.website,
        zone=organisation.timezone, sent_at=communication.sent_at, contact=drafting.contact_of(organisation),
        subject=str(parts.get("subject", "")).strip(), locale=written_in, parts=parts,
        corrects_at=_sent_at(SubjectCommunication.id == communication.corrects_id),
        corrected_at=_corrected_at(communication),
        officer=Contact(dpo.name, dpo.email, dpo.phone),
        authority=where.named(locale) if where else "", authority_website=where.website if where else "",
        drill=db.session.get_one(Incident, communication.incident_id).drill,
    )  # fmt: skip
    return Looked(Found.GENUINE, genuine, organisation_ids=[organisation.id])


def _is_of(authority: authorities.Authority, organisation: Organisation) -> bool:
    return authority.country == organisation.country and not authority.code


def _language(communication: SubjectCommunication, *preferred: str) -> str:
    """The first of these languages that people read it in; one that nobody reads may be a draft still."""
    texts = communication.texts
    written = [each for each in (*preferred, *texts) if str(texts.get(each, {}).get("subject", "")).strip()]
    whole = (each for each in written if "[" not in "".join(map(str, texts[each].values())))
    return next(whole, next(iter(written), ""))


def _sent_at(condition: ColumnElement[bool]) -> datetime | None:
    at = SubjectCommunication.sent_at
    newest = select(at).where(condition, at.is_not(None)).order_by(at.desc()).limit(1)
    return db.session.scalars(newest).first()


def _corrected_at(communication: SubjectCommunication) -> datetime | None:
    """When the newest correction of it went out; one that was stopped before anybody had it is none."""
    at = SubjectCommunication.sent_at
    corrections = select(SubjectCommunication.id, at).where(
        SubjectCommunication.corrects_id == communication.id, at.is_not(None)
    )
    newest = db.session.execute(corrections.order_by(at.desc())).all()
    return next((at for id_, at in newest if sending.anybody_has(coverage.source_of(id_))), None)
