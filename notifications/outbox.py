"""The outbox: a message owed is a row, written in the transaction that owes it.

`post` owes it, `claim` takes it for one attempt, `due` finds what waits. A claim is a compare-and-set
with a lease: of any number of workers one gets it, and a dead one's message comes back.

A recipient is `Outside`, a person with an address, or `Pretend`, who has none. What a drill is about can
only go to the second, by type here and by a check of the table (docs/decisions/0008-a-drill-cannot-send.md).
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias, assert_never
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, insert, or_, select, true, update

from foundation import ledger, queue
from foundation.database import changed, db, insert_rows, new_id
from foundation.encryption import blind_index
from notifications import breaker, circuits, codes, hurrying, kept, rendering, standing
from notifications.models import OUTSIDE, Attempt, Channel, Kind, Message, State
from notifications.rules.pretend import HIDDEN, is_drill, pretended
from notifications.rules.retry import ONCE, PAGING, REMINDING, Terms
from notifications.rules.routing import Order
from notifications.rules.watching import is_probe

RING_AGAIN = timedelta(seconds=5)
NOBODY_CAME = timedelta(seconds=20)  # a person waits for it, and no worker has taken it
BATCH = 200
FIRST_TO_LAST = ((Kind.ONCALL,), (Kind.AUTHORITY, Kind.INTERNAL), (Kind.SUBJECT,))
TERMS = {Kind.ONCALL: PAGING, Kind.INTERNAL: REMINDING}
JOB = "notifications.jobs.deliver"


Ways: TypeAlias = tuple[tuple[str, str], ...]  # channel and address, the next one first


class WrongRecipient(RuntimeError):
    """A drill was about to write to somebody outside, or earnest to nobody: a fault of ours, and refused."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Where a message goes: channel and address, the person's language, and where to go next."""

    channel: str
    address: str
    locale: str
    staff_id: UUID | None = None
    fallbacks: Ways = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for a channel that reaches nobody."""
        for channel, _address in ((self.channel, ""), *self.fallbacks):
            if channel not in OUTSIDE:
                raise ValueError(f"{channel} leads to nobody outside.")


@dataclass(frozen=True, slots=True)
class Pretend:
    """Whom a drill writes to: nobody. `channel` is the way it would be; the address is masked beforehand."""

    channel: str
    shown: str
    locale: str
    staff_id: UUID | None = None
    fallbacks: Ways = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for an address that somebody could be reached by."""
        if not all(HIDDEN in address for _channel, address in ((self.channel, self.shown), *self.fallbacks)):
            raise ValueError("A drill keeps no address that somebody could be reached by.")


Recipient: TypeAlias = Outside | Pretend


def recipient(  # noqa: PLR0917  as they are said: what about, which way, whose
    about: str, channel: str, address: str, locale: str, staff_id: UUID | None = None, fallbacks: Ways = ()
) -> Recipient:
    """Whom a message about this goes to: in a drill nobody. The one place that makes recipients."""
    if not is_drill(about):
        return Outside(channel, address, locale, staff_id, fallbacks)
    later = tuple((way, pretended(each)) for way, each in fallbacks)
    return Pretend(channel, pretended(address), locale, staff_id, later)


@dataclass(frozen=True, slots=True)
class Claim:
    """One message in the hands of one worker, until the lease ends."""

    message_id: UUID
    attempt_id: UUID
    number: int
    kind: Kind
    channel: Channel
    provider: str
    recipient: str
    content: dict[str, str]
    reference: str
    started_at: datetime


def terms(kind: Kind) -> Terms:
    """How a kind is treated: pages rather twice than never, reminders once more, all else never twice."""
    return TERMS.get(kind, ONCE)


def queue_of(kind: Kind) -> str:
    """The queue of a kind; communications have their own, so that a million of them delay no page."""
    return queue.BULK if kind is Kind.SUBJECT else queue.URGENT


def post(
    *,
    organisation_id: UUID,
    about: str,
    kind: str,
    template: str,
    recipient: Recipient,
    context: dict[str, object],
    dedupe_key: str,
    now: datetime,
    ready_at: datetime | None = None,
    must_by: datetime | None = None,
    page_id: UUID | None = None,
    linked: bool = False,
    attached: Mapping[str, str] | None = None,
) -> UUID | None:
    """Owe a message; its id, or None when the same `dedupe_key` was posted before.

    Inside the caller's transaction. `context` is rendered now, in the recipient's language, with
    "reference" and, for pages and where it is `linked`, "token" added. The key is unique within the
    organisation: who asks twice is not told twice. `attached` goes with an e-mail: "attachment" (base64),
    "attachment_name" and "attachment_type"; "reply_to" is the address that answers go to.
    Raises: rendering.NotTranslated, WrongRecipient.
    """
    addressed = _addressed(about, recipient)
    if db.session.execute(_KNOWN, {"organisation": organisation_id, "key": dedupe_key}).first():
        return None
    message_id, link = new_id(), secrets.token_urlsafe(16) if page_id or linked else None
    reference = _reference(Kind(kind), recipient, addressed["recipient"], organisation_id, now)
    full = {**context, **_left(context, now), "reference": reference, "token": link}
    content = rendering.render(template, recipient.locale, recipient.channel, full)
    content |= attached or {}
    sha256 = rendering.fingerprint(content)
    row = {
        "id": message_id, "organisation_id": organisation_id, "about": about, "kind": Kind(kind),
        "template": template, "locale": recipient.locale,
        "context": context, "content": content, "content_sha256": sha256, **addressed,
        "fallbacks": [list(each) for each in recipient.fallbacks], "staff_id": recipient.staff_id,
        "page_id": page_id, "dedupe_key": dedupe_key, "reference": reference, "link_hash": hash_link(link),
        "ready_at": ready_at or now, "must_by": must_by, "created_at": now,
    }  # fmt: skip
    db.session.flush()  # what the row refers to
    insert_rows(Message, row)
    enter(
        about, "message.posted", organisation_id=organisation_id, actor="Breachclock", at=now,
        message=message_id, kind=kind, channel=addressed["channel"], template=template,
        language=recipient.locale, content_sha256=sha256, staff=recipient.staff_id,
    )  # fmt: skip
    queue.ring_after_commit(queue.MESSAGES)
    return message_id


def enter(about: str, action: str, **entry: Any) -> None:
    """Record what happened to a message; what we send to ourselves is evidence of nothing."""
    if not is_probe(about):
        ledger.append(about, action, **entry)


def wanted(about: str, now: datetime) -> datetime | None:
    """Since when a message wants a person; None of a probe, of which its series tells over another way."""
    return None if is_probe(about) else now


def _addressed(about: str, recipient: Recipient) -> dict[str, Any]:
    """The columns that say where a message goes. Raises: WrongRecipient."""
    if is_drill(about) != isinstance(recipient, Pretend):
        raise WrongRecipient(f"{type(recipient).__name__} is nobody to write to about {about}.")
    match recipient:
        case Outside(channel=channel, address=address):
            way, instead_of = Channel(channel), None
        case Pretend(channel=channel, shown=address):
            way, instead_of = Channel.PRETEND, Channel(channel)
        case _:
            assert_never(recipient)
    return {
        "channel": way, "instead_of": instead_of, "recipient": address,
        "recipient_index": blind_index(address),
    }  # fmt: skip


def _reference(kind: Kind, recipient: Recipient, address: str, organisation_id: UUID, now: datetime) -> str:
    """What finds the message again; of a page by text message the code to answer with."""
    if kind is Kind.ONCALL and recipient.channel == Channel.SMS:
        return codes.draw(address, organisation_id=organisation_id, now=now)
    return codes.reference()


def _left(context: dict[str, object], now: datetime) -> dict[str, str]:
    """How long it is now to what is due: a page may go hours after it was begun."""
    due = context.get("due_at")
    if not isinstance(due, str) or not due:
        return {}
    return {"hours_left": f"{round((datetime.fromisoformat(due) - now).total_seconds() / 3600, 2):g}"}


_KNOWN = select(Message.id).where(
    Message.organisation_id == bindparam("organisation"), Message.dedupe_key == bindparam("key")
)


def hash_link(token: str | None) -> str | None:
    """What is stored of a link's token, so that the database alone opens no link."""
    return hashlib.sha256(token.encode()).hexdigest() if token else None


def claim(
    message_id: UUID,
    *,
    provider_of: Mapping[str, Order],
    now: datetime,
    kept_back: Callable[[Message, datetime], object] | None = None,
    lost: Callable[[Message, datetime], object] | None = None,
) -> Claim | None:
    """Take a message for one attempt, or None when it is not due or somebody else has it.

    `provider_of` maps a channel to the providers that serve it; `now` is the database's clock. A message
    that none of them can be given now, since all are left alone, waits, and `kept_back` hears of it. One to
    a colleague whose way is gone does not go, and `lost` hears of it.
    """
    message = db.session.get(Message, message_id, with_for_update=True)
    if message is None or message.state is not State.PENDING or message.ready_at > now:
        return None
    wanted = hurrying.is_wanted(message)
    if not wanted or not standing.stands(message):
        why = standing.GONE if wanted else "nobody is paged for this any more"
        message.state, message.why, message.done_at = State.CANCELLED, why, now
        if wanted and lost:
            lost(message, now)
        return None
    earnest = message.channel is not Channel.PRETEND
    if earnest and message.kind is Kind.SUBJECT and breaker.stop_of(message.organisation_id):
        message.ready_at = now + breaker.LOOK_AGAIN
        return None
    order = provider_of[message.channel].of(str(message.id), tried(message))
    provider = circuits.choose(order, kind=message.kind, now=now)
    if isinstance(provider, datetime):
        message.ready_at = provider
        if kept_back:
            kept_back(message, now)
        return None
    taken = db.session.scalar(
        update(Message)
        .where(Message.id == message_id, Message.state == State.PENDING, Message.attempts == message.attempts)
        .values(
            state=State.SENDING,
            attempts=Message.attempts + 1,
            provider=provider,
            lease_until=now + terms(message.kind).lease,
        )
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        return None
    return _start(message, provider, now)


def tried(message: Message) -> dict[str, int]:
    """How often each provider had a message before."""
    if not message.attempts:
        return {}
    made = select(Attempt.provider, func.count()).where(Attempt.message_id == message.id)
    return {row[0]: row[1] for row in db.session.execute(made.group_by(Attempt.provider))}


def _start(message: Message, provider: str, now: datetime) -> Claim:
    """Write the attempt down before anybody is asked, and hand the claim out."""
    attempt_id, number = uuid4(), message.attempts + 1
    db.session.execute(
        insert(Attempt).values(
            id=attempt_id, organisation_id=message.organisation_id, message_id=message.id, number=number,
            provider=provider, started_at=now, rank=0,
        )
    )  # fmt: skip
    claimed = Claim(
        message.id, attempt_id, number, message.kind, message.channel, provider, message.recipient,
        dict(message.content), message.reference, now,
    )  # fmt: skip
    db.session.expire(message)
    return claimed


def is_held(claimed: Claim) -> bool:
    """The fence: whether the claim still stands, asked last before the provider is."""
    row = db.session.execute(
        select(Message.state, Message.attempts).where(Message.id == claimed.message_id)
    ).one()
    db.session.rollback()
    return (row.state, row.attempts) == (State.SENDING, claimed.number)


def anything_due(now: datetime) -> bool:
    """Whether anything waits that was not rung for lately; a look that takes no lock."""
    quiet = or_(Message.rung_at.is_(None), Message.rung_at < now - RING_AGAIN)
    waiting = select(Message.id).where(Message.state == State.PENDING, Message.ready_at <= now, quiet)
    return bool(db.session.scalar(select(waiting.exists())))


def due(now: datetime) -> dict[str, list[UUID]]:
    """What waits and has not been rung for lately, by queue; marks it as rung for.

    Pages first, then by how long it has waited. Each group has a batch of its own: with one for all,
    a backlog of communications, older than any page, would fill it for ever.
    """
    quiet = or_(Message.rung_at.is_(None), Message.rung_at < now - RING_AGAIN)
    waiting: dict[str, list[UUID]] = {}
    for kinds in FIRST_TO_LAST:
        found = db.session.scalars(
            select(Message.id)
            .where(Message.state == State.PENDING, Message.kind.in_(kinds), Message.ready_at <= now, quiet)
            .order_by(Message.ready_at)
            .limit(BATCH)
        ).all()
        waiting.setdefault(queue_of(kinds[0]), []).extend(found)
    _mark_rung([message_id for ids in waiting.values() for message_id in ids], now)
    return {name: ids for name, ids in waiting.items() if ids}


def not_taken(ids: Sequence[UUID]) -> None:
    """There was no room for these: they are rung for again at the next look, not seconds later."""
    changed(update(Message).where(Message.id.in_(ids), Message.state == State.PENDING).values(rung_at=None))


def left_waiting(ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Which of these the workers should have taken long ago, the oldest first; communications aside."""
    return list(
        db.session.scalars(
            select(Message.id)
            .where(Message.id.in_(ids), Message.kind != Kind.SUBJECT, Message.ready_at < now - NOBODY_CAME)
            .order_by(Message.ready_at)
        )
    )


def _mark_rung(ids: list[UUID], now: datetime) -> None:
    if ids:
        db.session.execute(
            update(Message)
            .where(Message.id.in_(ids), Message.state == State.PENDING)
            .values(rung_at=now)
            .execution_options(synchronize_session=False)
        )


def cancel(
    about: str, *, reason: str, now: datetime, kinds: Sequence[Kind] = tuple(Kind),
    templates: Sequence[str] | None = None,
) -> int:  # fmt: skip
    """Withdraw what no provider has yet; returns how many. What is under way ends as it ends.

    With `templates` only messages of these.
    """
    these = Message.template.in_(templates) if templates is not None else true()
    withdrawn = db.session.scalars(
        update(Message)
        .where(Message.about == about, Message.state == State.PENDING, Message.kind.in_(kinds), these)
        .values(state=State.CANCELLED, why=reason, done_at=now)
        .returning(Message.organisation_id)
        .execution_options(synchronize_session=False)
    ).all()
    if Kind.INTERNAL in kinds:
        kept.let_go(about, templates=templates)
    if withdrawn:
        ledger.append(
            about, "messages.withdrawn", organisation_id=withdrawn[0], actor="Breachclock", at=now,
            reason=reason, count=len(withdrawn), kinds=[each.value for each in kinds],
        )  # fmt: skip
    return len(withdrawn)


def withdraw(about: str, *, keys: str, reason: str, now: datetime) -> int:
    """Withdraw what about one thing has a dedupe key that begins so and no provider yet; returns how many."""
    mine = Message.about == about, Message.dedupe_key.startswith(keys, autoescape=True)
    kept.let_go(about, keys=keys)
    return changed(
        update(Message)
        .where(*mine, Message.state == State.PENDING)
        .values(state=State.CANCELLED, why=reason, done_at=now)
    )
