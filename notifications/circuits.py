"""A provider that refuses our account, or that fails, is left alone for a minute at a time.

Messages go by the channel's next provider at once, or wait where there is none; who refuses our account
is told of. After the minute one message goes first; the others follow when it shows that the provider
takes them. Each change is a switch: a row, an entry in the ledger of each organisation, a line in the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from accounts import people
from foundation import ledger, queue
from foundation.database import changed, db
from notifications import channels
from notifications.models import Attempt, Channel, Circuit, Message, State
from notifications.models.providers import Switch
from notifications.rules import routing

LEFT_ALONE = timedelta(seconds=60)
FORGOTTEN = 5 * LEFT_ALONE  # quiet for so long: the next refusal is news again
JUDGING = 72_3301  # PostgreSQL's advisory locks while the providers of a channel are judged
AT_ONCE = 500  # messages that one statement lets go
LOOKED_AT, MOST_SHOWN = timedelta(days=7), 10  # of the switches that people are shown
log = structlog.get_logger()


def leave_alone(provider: str, *, channel: str, why: str, now: datetime, account: bool = True) -> None:
    """Send nothing by this provider for a minute; a refused account is told of, anew after a quiet time."""
    circuit = db.session.get(Circuit, provider, with_for_update=True)
    leaves = circuit is None or circuit.closed_at is not None
    if circuit is None:
        circuit = Circuit(
            provider=provider, open_until=now + LEFT_ALONE, opened_at=now, why=why, account=account,
            told_at=None if account else now,
        )  # fmt: skip
        db.session.add(circuit)
    else:
        if account and (circuit.open_until <= now - FORGOTTEN or not circuit.account):
            circuit.told_at = None
        if leaves or circuit.told_at is None:
            circuit.opened_at = now
        circuit.open_until, circuit.why, circuit.closed_at = now + LEFT_ALONE, why, None
        circuit.account = account
    if leaves:
        db.session.flush()
        _switch(provider, channel, back=False, why=why, now=now)


def failed(provider: str, *, channel: str, now: datetime) -> None:
    """A call did not end as it should: leave a provider that keeps failing alone while another one works."""
    if not another(channel, provider) or provider not in working([provider]):
        return
    calls = db.session.execute(
        select(Attempt.message_id, Attempt.outcome, Attempt.code)
        .where(Attempt.provider == provider, Attempt.started_at > now - routing.WITHIN)
        .order_by(Attempt.started_at.desc())
        .limit(2 * routing.IN_A_ROW)
    )
    if not routing.is_down([routing.Call(*row) for row in calls]):
        return
    _one_after_the_other(channel)
    if another(channel, provider):
        why = f"{routing.IN_A_ROW} calls failed one after the other"
        leave_alone(provider, channel=channel, why=why, now=now, account=False)


def _one_after_the_other(channel: str) -> None:
    """Until this transaction ends nobody else judges the providers of a channel: the last one is to stay."""
    if db.session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
        db.session.execute(select(func.pg_advisory_xact_lock(JUDGING, func.hashtext(channel))))


def working(names: Sequence[str]) -> list[str]:
    """Those of these providers that are not left alone."""
    left = _open(names)
    return [name for name in names if name not in left]


def another(channel: str, provider: str) -> list[str]:
    """The other providers of a channel that are not left alone."""
    serving = channels.names().get(channel)
    return working([name for name in serving.names if name != provider]) if serving else []


def instead_of(provider: str) -> list[str]:
    """The providers that take over all that goes by this one; empty where some channel has no other."""
    served = [channel for channel, order in channels.names().items() if provider in order.names]
    found = [another(channel, provider) for channel in served]
    return [name for others in found for name in others] if all(found) else []


def lately(now: datetime) -> list[Switch]:
    """The switches of the last week, the latest first, so many as are looked at."""
    wanted = select(Switch).where(Switch.at > now - LOOKED_AT).order_by(Switch.at.desc(), Switch.id.desc())
    return list(db.session.scalars(wanted.limit(MOST_SHOWN)))


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider of a channel as people see it; `until` and `why` where it is left alone."""

    channel: str
    provider: str
    share: int | None  # percent of messages it gets while all work; None where the first gets all
    until: datetime | None
    why: str


def standing() -> list[Standing]:
    """Every provider, by channel in its order; the one of drills aside."""
    found = []
    for channel, order in channels.names().items():
        left = _open(order.names)
        for place, name in enumerate(order.names):
            each = left.get(name)
            until, why = (each.open_until, each.why) if each else (None, "")
            found.append(Standing(channel, name, order.share(place), until, why))
    return [each for each in found if each.channel != Channel.PRETEND]


def _open(names: Sequence[str]) -> dict[str, Circuit]:
    wanted = select(Circuit).where(Circuit.provider.in_(names), Circuit.closed_at.is_(None))
    found = db.session.scalars(wanted.execution_options(populate_existing=True))
    return {each.provider: each for each in found}


def choose(names: Sequence[str], *, kind: str, now: datetime) -> str | datetime:
    """Which of these providers, best first, gets a message; or until when it waits, since all are left alone.

    A provider whose minute is over gets one message, which goes ahead of all others.
    """
    left = _open(names)
    others_work = len(left) < len(names)
    for name in names:
        if name not in left:
            return name
        if others_work and not routing.may_try(kind, now - left[name].opened_at):
            continue
        if left[name].open_until <= now and _goes_first(name, now):
            return name
    left = _open(names)
    return next((name for name in names if name not in left), None) or min(
        max(each.open_until, now + timedelta(seconds=1)) for each in left.values()
    )


def _goes_first(provider: str, now: datetime) -> bool:
    mine = Circuit.provider == provider, Circuit.open_until <= now, Circuit.closed_at.is_(None)
    return bool(changed(update(Circuit).where(*mine).values(open_until=now + LEFT_ALONE)))


def not_tried(provider: str, *, now: datetime) -> None:
    """What `choose` gave this provider at `now` did not go: whether it takes messages the next one shows."""
    mine = Circuit.provider == provider, Circuit.closed_at.is_(None), Circuit.open_until == now + LEFT_ALONE
    changed(update(Circuit).where(*mine).values(open_until=now))


def takes_messages(provider: str, *, channel: str, asked_at: datetime, now: datetime) -> None:
    """The provider dealt with a message of ours: all that waited for it may go.

    A call that began before its last refusal proves nothing.
    """
    circuit = db.session.get(Circuit, provider)
    if circuit is None or circuit.closed_at:
        return
    waiting = _lock_waiting()  # before the circuit, as whoever claims a message does
    db.session.refresh(circuit, with_for_update=True)
    if circuit.closed_at or asked_at < circuit.open_until - LEFT_ALONE:
        return
    for start in range(0, len(waiting), AT_ONCE):
        stayed = Message.id.in_(waiting[start : start + AT_ONCE]), Message.state == State.PENDING
        changed(update(Message).where(*stayed).values(ready_at=now, rung_at=None))
    circuit.closed_at, circuit.open_until = now, now
    _switch(provider, channel, back=True, why="it takes messages again", now=now)
    queue.ring_after_commit(queue.MESSAGES)


def _lock_waiting() -> Sequence[UUID]:
    """Lock, in one order for all who do, what waits until one of the providers left alone may be tried."""
    until = select(Circuit.open_until).where(Circuit.closed_at.is_(None))
    stayed = select(Message.id).where(Message.state == State.PENDING, Message.ready_at.in_(until))
    return db.session.scalars(stayed.order_by(Message.id).with_for_update()).all()


def _switch(provider: str, channel: str, *, back: bool, why: str, now: datetime) -> None:
    """Write down that messages go another way from now on; `back`: by this provider again."""
    instead = None if back else next(iter(another(channel, provider)), None)
    db.session.add(
        Switch(at=now, channel=channel, provider=provider, instead=instead, back=back, why=why[:300])
    )
    action = "provider.used_again" if back else "provider.left_alone"
    for each in people.organisations():
        ledger.append(
            f"organisation/{each.id}", action, organisation_id=each.id, actor="Breachclock", at=now,
            reason=why, provider=provider, channel=channel, instead=instead,
        )  # fmt: skip
    log.warning(action, provider=provider, channel=channel, instead=instead, why=why)
