"""A page by telephone: what is said when somebody picks up, and what a key does.

4 takes it, 6 passes it on, 5 says it again. Each key acts once in a call, so that Twilio asking twice, or
somebody playing its question again a night later, changes nothing; then only what is true now is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation.database import db
from notifications import answering, delivery, paging, received, rendering
from notifications.answering import Answered, Became
from notifications.channels.voice import Script
from notifications.models import Attempt, Message, Page, PageState
from notifications.rules.receipts import CALLS

TAKE, AGAIN, PASS = "4", "5", "6"
ACTS: dict[str, answering.Act] = {TAKE: answering.take, PASS: answering.pass_on}


@dataclass(frozen=True, slots=True)
class Call:
    """A call as Twilio speaks of it: our attempt, its own id, and the number that was rung."""

    attempt_id: UUID
    sid: str
    to: str


def picked_up(call: Call, *, now: datetime) -> Script | None:
    """What to say when somebody picks up, or a machine; None when the call is none of ours."""
    message = _message(call)
    if message is None:
        return None
    delivery.receipt(
        provider=CALLS, event_id=f"{call.sid}:in-progress", status="in-progress", provider_id=call.sid,
        attempt_id=call.attempt_id, code=None, now=now,
    )  # fmt: skip
    return _script(message)


def pressed(call: Call, key: str, *, now: datetime) -> Script | None:
    """Do what a key asks for, and say what became of it; None when the call is none of ours."""
    message = _message(call)
    if message is None:
        return None
    pages, person = answering.pages_of(message), _person(message)
    if not pages or person is None or key not in ACTS:
        other = () if key == AGAIN else (rendering.spoken("other", message.locale),)
        return _script(message, *other)
    if not received.once(CALLS, f"{call.sid}:key:{key}", "key", now=now):
        for each in pages:  # read before the first telling had ended
            db.session.refresh(each)
        return _as_it_stands(message, pages, person)
    # The message first, then the pages, as everybody locks them.
    delivery.receipt(
        provider=CALLS, event_id=f"{call.sid}:keyed", status="keyed", provider_id=call.sid,
        attempt_id=call.attempt_id, code=None, now=now,
    )  # fmt: skip
    done = answering.answer(ACTS[key], pages, person, way="voice", now=now)
    return Script(message.locale, (_told(done, message.locale),))


def _message(call: Call) -> Message | None:
    """What this call reads out: the attempt is a call, this very one, to this number, to who works here."""
    attempt = db.session.get(Attempt, call.attempt_id)
    if attempt is None or not _is_of(attempt, call):
        return None
    message = db.session.get_one(Message, attempt.message_id)
    if message.recipient != call.to:
        return None
    person = _person(message)
    return message if person is None or may_be_paged(person) else None


def _person(message: Message) -> StaffMember | None:
    return db.session.get(StaffMember, message.staff_id) if message.staff_id else None


def _is_of(attempt: Attempt, call: Call) -> bool:
    return attempt.provider == CALLS and attempt.provider_id in (None, call.sid)


def _script(message: Message, *before: str) -> Script:
    """The text, with its keys while this person's answer counts; else who has it."""
    pages, person, locale = answering.pages_of(message), _person(message), message.locale
    text = message.content["text"]
    if not pages or person is None:
        return Script(locale, (text, text, rendering.spoken("goodbye", locale)))
    if not any(answering.concerns(page, person) for page in pages):
        return _as_it_stands(message, pages, person)
    keys, without = rendering.spoken("keys", locale), rendering.spoken("no_key", locale)
    return Script(locale, (*before, text), keys=keys, without=without)


def _as_it_stands(message: Message, pages: Sequence[Page], person: StaffMember) -> Script:
    """Who has it now, without doing anything."""
    page = next((each for each in pages if each.state is not PageState.ENDED), pages[0])
    if page.state is PageState.OPEN:
        known = Answered(Became.PASSED, "", "")
    elif page.state is PageState.ENDED:
        known = Answered(Became.ENDED, "", "")
    else:
        became = Became.TAKEN if answering.has_it(page, person) else Became.TAKEN_ALREADY
        number = str(page.context.get("number", ""))
        known = Answered(became, number, "", paging.acknowledged_by(page.id))
    return Script(message.locale, (_told(known, message.locale),))


def _told(answered: Answered, locale: str) -> str:
    key = "passed_to" if answered.became is Became.PASSED and answered.who else answered.became.value
    what = rendering.spelled(answered.number) or "Breachclock"
    return rendering.spoken(key, locale, what=what, who=rendering.brief(answered.who, 80))


def told(call: Call, status: str, *, now: datetime) -> bool:
    """What became of a call, as Twilio tells it later; false when it was told before or is none of ours."""
    attempt = db.session.get(Attempt, call.attempt_id)
    if attempt is None or not _is_of(attempt, call):
        return False
    return delivery.receipt(
        provider=CALLS, event_id=f"{call.sid}:{status}", status=status, provider_id=call.sid,
        attempt_id=call.attempt_id, code=None, now=now,
    )  # fmt: skip


def slow(locale: str, again: str) -> Script:
    """What to say while our own house is slow: a moment, and where to be asked again.

    Without `again` it was tried often enough: the caller is told to answer by another way.
    """
    return Script(locale, (rendering.spoken("moment" if again else "failed", locale),), again=again)
