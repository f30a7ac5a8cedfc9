"""Text messages from phones: a code takes its page, STOP and START are kept, nothing is guessed.

What was written is not kept. An answer to last night's page must never take tonight's, so a bare "ok"
is asked back; and automatic answers have a limit, so that two machines cannot talk for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from accounts.models import StaffMember
from foundation import ledger, locales
from foundation.database import db
from foundation.encryption import blind_index, blind_indexes
from foundation.errors import Refused
from notifications import alarms, paging, received, rendering
from notifications.models import ContactMethod, Message, Page, PageState
from notifications.rules.replies import Meaning, Reply, read

ANSWERS_AN_HOUR = 5


@dataclass(frozen=True, slots=True)
class _Answer:
    template: str
    context: dict[str, Any] = field(default_factory=dict)


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
    if not _may_answer(sender, now):
        return None
    return rendering.render(found.template, _locale(sender, staff), "sms", found.context)["text"]


def _act(reply: Reply, sender: str, staff: Sequence[StaffMember], sid: str, now: datetime) -> _Answer:
    if reply.meaning is Meaning.STOP:
        return _stop(sender, staff, sid, now)
    if reply.meaning is Meaning.START:
        _start(sender)
        return _Answer("reply_started")
    if message := _message(sender, reply.codes):
        return _take(message, now)
    waiting = _waiting(sender)
    if waiting and reply.meaning in (Meaning.YES, Meaning.CODE):
        return _Answer("reply_which", {"count": waiting})
    return _Answer("reply_unknown")


def _message(sender: str, codes: Sequence[str]) -> Message | None:
    """The page's message to this number with one of these codes."""
    return db.session.scalars(
        select(Message)
        .join(StaffMember, StaffMember.id == Message.staff_id)
        .where(
            Message.recipient_index.in_(blind_indexes(sender)),
            Message.reference.in_(codes),
            Message.page_id.is_not(None),
            StaffMember.active,
        )
        .order_by(Message.id.desc())
    ).first()


def _take(message: Message, now: datetime) -> _Answer:
    assert message.page_id is not None  # noqa: S101  asked for by the query
    assert message.staff_id is not None  # noqa: S101
    page = db.session.get_one(Page, message.page_id)
    what = str(page.context.get("number", ""))
    person = db.session.get_one(StaffMember, message.staff_id)
    try:
        first, who = paging.acknowledge(page.id, person.id, way="sms", now=now)
    except Refused:
        _late(page, person, now)
        return _Answer("reply_ended", {"what": what})
    if not first and who != person.name:
        _late(page, person, now)
        return _Answer("reply_taken_already", {"what": what, "who": who})
    return _Answer("reply_taken", {"what": what, "path": alarms.path(page.about)})


def _late(page: Page, person: StaffMember, now: datetime) -> None:
    ledger.append(
        page.about, "page.answered_late", organisation_id=page.organisation_id, actor=person.name, at=now,
        page=page.id, way="sms",
    )  # fmt: skip


def _waiting(sender: str) -> int:
    """How many open pages this number was paged for."""
    query = (
        select(func.count(Message.page_id.distinct()))
        .join(Page, Page.id == Message.page_id)
        .where(Message.recipient_index.in_(blind_indexes(sender)), Page.state == PageState.OPEN)
    )
    return db.session.scalar(query) or 0


def _stop(sender: str, staff: Sequence[StaffMember], sid: str, now: datetime) -> _Answer:
    if received.opted_out(sender, now=now):
        for person in staff:
            alarms.opted_out(
                person.organisation_id, who=person.name, message_key=f"{sid}:{person.id}", now=now
            )
    return _Answer("reply_stopped")


def _start(sender: str) -> None:
    db.session.execute(
        update(ContactMethod)
        .where(ContactMethod.address_index.in_(blind_indexes(sender)))
        .values(opted_out_at=None)
        .execution_options(synchronize_session=False)
    )


def _staff(sender: str) -> list[StaffMember]:
    """Whose number it is; one phone may serve in two organisations."""
    query = (
        select(StaffMember)
        .join(ContactMethod, ContactMethod.staff_id == StaffMember.id)
        .where(ContactMethod.address_index.in_(blind_indexes(sender)), StaffMember.active)
        .order_by(StaffMember.id)
    )
    return list(db.session.scalars(query).unique())


def _locale(sender: str, staff: Sequence[StaffMember]) -> str:
    """The colleague's language, else that of the last message to this number, else English."""
    last = select(Message.locale).where(Message.recipient_index.in_(blind_indexes(sender)))
    written = staff[0].locale if staff else db.session.scalar(last.order_by(Message.id.desc()).limit(1))
    return locales.choose(written)


def _may_answer(sender: str, now: datetime) -> bool:
    """Take one of the hour's answers to this number; the slots are unique rows, whoever counts."""
    hour = f"{blind_index(sender)}:{now:%Y%m%d%H}"
    return any(
        received.once("twilio", f"answer:{hour}:{slot}", "answered", now=now)
        for slot in range(ANSWERS_AN_HOUR)
    )
