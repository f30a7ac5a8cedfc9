"""Text messages from phones: a code answers its page, STOP and START are kept, nothing is guessed.

What was written is not kept here. A text that answers no page is handed on to whoever keeps what people say
who were told (`app.extensions["people_heard"]`); notifications know of no list of people. An answer to last
night's page must never take tonight's, so a bare "ok" is asked back, with the codes of what is open;
automatic answers have a limit, so that two machines cannot talk for ever; and so have wrong codes, so that
nobody can guess under somebody else's number. A stranger, to whom nobody ever wrote, gets no answer at all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from sqlalchemy import func, select

from accounts.models import StaffMember
from accounts.permissions import pageable
from foundation import locales
from foundation.database import db, part
from foundation.encryption import blind_index, blind_indexes
from notifications import alarms, answering, received, rendering
from notifications.answering import Became
from notifications.models import Channel, ContactMethod, Kind, Message, Page, PageState, Receipt, Ring
from notifications.rules.replies import Meaning, Reply, read

ANSWERS_AN_HOUR = 5
WRONG_CODES_AN_HOUR = 10  # texts with codes that are none of this number's; after them none is tried
LOOKED_THROUGH = 200  # messages of open pages to one number
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164; senders with letters and short numbers are nobody's phone
ANSWERS_NO_PAGE = ("reply_unknown", "reply_stopped", "reply_started")
log = structlog.get_logger()
ACTS: dict[Meaning, answering.Act] = {
    Meaning.CODE: answering.take, Meaning.NOT_ME: answering.pass_on, Meaning.CALL: answering.call,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Answer:
    template: str
    context: dict[str, Any] = field(default_factory=dict)


def is_number(sender: str) -> bool:
    """Whether a sender can be a phone that we know: a whole number in E.164, in plain digits."""
    return bool(NUMBER.fullmatch(sender))


def answer(*, sender: str, body: str, sid: str, now: datetime) -> str | None:
    """Do what a text asks for; what to answer in the sender's language, or None for silence.

    `sender` is a number in E.164, `sid` the provider's id of the text: a second telling of the same
    has no effect and no answer.
    """
    if not received.once("twilio", f"{sid}:received", "received", now=now):
        return None
    staff = _staff(sender)
    reply = read(body)
    found = _act(reply, sender, staff, sid, now)
    if found.template in ANSWERS_NO_PAGE:
        _hand_on(sender, body, now)
    if not (staff or _written_to(sender)) or not _may_answer(sender, now):
        return None
    return rendering.render(found.template, _locale(sender, staff), "sms", found.context)["text"]


def _hand_on(sender: str, body: str, now: datetime) -> None:
    """Let those who keep what people say look at a text; a fault of theirs costs nobody an answer."""
    heard = current_app.extensions.get("people_heard")
    if heard is None:
        return
    try:
        with part():
            heard(sender, body, now)
    except Exception:  # whatever it was, STOP must be kept and the answer must go out
        log.exception("text.not_handed_on")


def _act(reply: Reply, sender: str, staff: Sequence[StaffMember], sid: str, now: datetime) -> _Answer:
    if reply.meaning is Meaning.STOP:
        return _stop(sender, staff, sid, now)
    if reply.meaning is Meaning.START:
        received.opted_in(sender, now=now)
        return _Answer("reply_started")
    if reply.codes and _too_many_wrong(sender, now):
        return _Answer("reply_too_many")
    if message := _message(sender, reply.codes):
        return _on_page(reply.meaning, message, now)
    if reply.codes:
        _count_wrong(sender, now)
    waiting = _waiting(sender)
    if len(waiting) == 1 and not reply.codes and reply.meaning in (Meaning.NOT_ME, Meaning.CALL):
        return _on_page(reply.meaning, waiting[0][0], now)  # neither takes anything: no harm in doing it
    if waiting:
        codes = [{"number": number, "code": message.reference} for message, number in waiting]
        return _Answer("reply_which", {"count": len(codes), "codes": codes})
    return _Answer("reply_unknown")


def _message(sender: str, codes: Sequence[str]) -> Message | None:
    """The page's message to this number with one of these codes."""
    return db.session.scalars(
        select(Message)
        .join(StaffMember, StaffMember.id == Message.staff_id)
        .where(
            Message.recipient_index.in_(blind_indexes(sender)),
            Message.reference.in_(codes),
            Message.kind == Kind.ONCALL,
            pageable(),
        )
        .order_by(Message.id.desc())
    ).first()


def _on_page(meaning: Meaning, message: Message, now: datetime) -> _Answer:
    person, pages = db.session.get_one(StaffMember, message.staff_id), answering.pages_of(message)
    if not pages:
        return _Answer("reply_unknown")
    done = answering.answer(ACTS[meaning], pages, person, way="sms", now=now)
    what = {"what": done.number}
    match done.became:
        case Became.TAKEN:
            return _Answer("reply_taken", what | {"path": done.path, "code": message.reference})
        case Became.TAKEN_ALREADY:
            return _Answer("reply_taken_already", what | {"who": done.who})
        case Became.PASSED:
            return _Answer("reply_passed", what | {"who": done.who, "code": message.reference})
        case Became.CALLING:
            return _Answer("reply_calling", what)
        case Became.ENDED:
            return _Answer("reply_ended", what)
        case Became.NO_NUMBER:
            return _Answer("reply_unknown")


def _waiting(sender: str) -> list[tuple[Message, str]]:
    """What is open and was sent to this number, newest first: the last text of each page, and its number.

    A text that stands for several pages comes once, with the numbers of all that are open.
    """
    in_bundle = Page.id.in_(select(Ring.page_id).where(Ring.message_id == Message.id).correlate(Message))
    found = db.session.execute(
        select(Message, Page)
        .join(Page, (Page.id == Message.page_id) | in_bundle)
        .join(StaffMember, StaffMember.id == Message.staff_id)
        .where(
            Message.recipient_index.in_(blind_indexes(sender)),
            Message.kind == Kind.ONCALL,
            Page.state == PageState.OPEN,
            pageable(),
        )
        .order_by(Message.id.desc())
        .limit(LOOKED_THROUGH)
    ).all()
    last: dict[UUID, tuple[Message, str]] = {}
    for message, page in sorted(found, key=lambda row: row.Message.way is not Channel.SMS):
        last.setdefault(page.id, (message, str(page.context.get("number", ""))))
    texts: dict[UUID, tuple[Message, list[str]]] = {}
    for message, number in last.values():
        texts.setdefault(message.id, (message, []))[1].append(number)
    newest = sorted(texts.values(), key=lambda each: each[0].id, reverse=True)
    return [(message, " + ".join(filter(None, numbers))) for message, numbers in newest]


def _slots(what: str, sender: str, count: int, now: datetime) -> list[str]:
    """The names of rows of which each stands for one of so many in this hour."""
    return [f"{what}:{blind_index(sender)}:{now:%Y%m%d%H}:{slot}" for slot in range(count)]


def _too_many_wrong(sender: str, now: datetime) -> bool:
    slots = _slots("wrong", sender, WRONG_CODES_AN_HOUR, now)
    counted = select(func.count()).where(Receipt.provider == "twilio", Receipt.event_id.in_(slots))
    return (db.session.scalar(counted) or 0) >= WRONG_CODES_AN_HOUR


def _count_wrong(sender: str, now: datetime) -> None:
    any(
        received.once("twilio", slot, "wrong", now=now)
        for slot in _slots("wrong", sender, WRONG_CODES_AN_HOUR, now)
    )


def _stop(sender: str, staff: Sequence[StaffMember], sid: str, now: datetime) -> _Answer:
    if received.opted_out(sender, now=now):
        for person in staff:
            alarms.opted_out(
                person.organisation_id, who=person.name, message_key=f"{sid}:{person.id}", now=now
            )
    return _Answer("reply_stopped")


def _staff(sender: str) -> list[StaffMember]:
    """Whose number it is, as they have shown; one phone may serve in two organisations."""
    query = (
        select(StaffMember)
        .join(ContactMethod, ContactMethod.staff_id == StaffMember.id)
        .where(
            ContactMethod.address_index.in_(blind_indexes(sender)),
            ContactMethod.verified_at.is_not(None),
            StaffMember.active,
        )
        .order_by(StaffMember.id)
    )
    return list(db.session.scalars(query).unique())


def _written_to(sender: str) -> bool:
    """Whether we ever wrote to this number; who else may be behind it gets no answer."""
    theirs = select(Message.id).where(Message.recipient_index.in_(blind_indexes(sender)))
    return bool(db.session.scalar(select(theirs.exists())))


def _locale(sender: str, staff: Sequence[StaffMember]) -> str:
    """The colleague's language, else that of the last message to this number, else English."""
    last = select(Message.locale).where(Message.recipient_index.in_(blind_indexes(sender)))
    written = staff[0].locale if staff else db.session.scalar(last.order_by(Message.id.desc()).limit(1))
    return locales.choose(written)


def _may_answer(sender: str, now: datetime) -> bool:
    """Take one of the hour's answers to this number; the slots are unique rows, whoever counts."""
    return any(
        received.once("twilio", slot, "answered", now=now)
        for slot in _slots("answer", sender, ANSWERS_AN_HOUR, now)
    )
