"""How far a sending is, counted now and then for pages; when it pauses by itself; when it is over.

Counting takes longer the more people there are: it never takes more than a tenth of the time.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from foundation.database import db
from notifications.models import Delivery, Fate, Sending, SendingGroup, SendingState
from notifications.rules.sending import Counts, figures
from notifications.sending import pausing, rows

EVERY = timedelta(seconds=2)
SHARE = 10  # times as long as counting took before it is done again
OVER = (SendingState.ENDED, SendingState.STOPPED)


def due(now: datetime) -> list[UUID]:
    """The sendings to count: those under way, and those over where something became of people since."""
    going = Sending.state.not_in(OVER), or_(Sending.tallied_at.is_(None), Sending.tallied_at <= now - EVERY)
    found = db.session.execute(
        select(Sending.id, Sending.tallied_at, Sending.tally).where(
            or_(Sending.tallied_at.is_(None), going[0] & going[1])
        )
    )
    return [
        row.id
        for row in found
        if row.tallied_at is None
        or row.tallied_at + timedelta(seconds=SHARE * float(row.tally.get("took", 0))) <= now
    ]


def count(sending_id: UUID) -> tuple[dict[str, Any], float]:
    """People by way, fate, language and country; whom no way has yet, by state and language of their group.

    Returns that and how many seconds it took. Takes no lock.
    """
    begun = time.monotonic()
    heard = db.session.scalar(select(Sending.heard).where(Sending.id == sending_id))  # before anything else
    by = Delivery.channel, Delivery.fate, Delivery.locale, Delivery.country, Delivery.is_last, Delivery.rank
    told = list(
        db.session.execute(select(*by, func.count()).where(Delivery.sending_id == sending_id).group_by(*by))
    )
    lasts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for channel, fate, locale, country, is_last, _rank, number in told:
        if is_last:
            lasts[channel, fate, locale, country] += number
    counts = [[*key, number] for key, number in lasts.items()]
    by_rank = ((channel, fate, rank, number) for channel, fate, _, _, _, rank, number in told)
    lately = pausing.summed(by_rank, pausing.taken(sending_id))
    way = func.coalesce(SendingGroup.instead_of, SendingGroup.channel)
    kinds = way, SendingGroup.state, SendingGroup.locale
    groups = select(*kinds, func.sum(SendingGroup.size)).where(
        SendingGroup.sending_id == sending_id, SendingGroup.state.in_(rows.OPEN)
    )
    waiting: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grouped: dict[tuple[str, str], int] = defaultdict(int)
    for channel, state, locale, people in db.session.execute(groups.group_by(*kinds)):
        waiting[channel][state] += int(people)
        grouped[channel, locale] += int(people)
    found = {
        "counts": counts, "waiting": {channel: dict(states) for channel, states in waiting.items()},
        "grouped": [[*key, people] for key, people in sorted(grouped.items())], "lately": lately,
        "heard": heard,
    }  # fmt: skip
    return found, time.monotonic() - begun


def tally(sending_id: UUID, counted: Mapping[str, Any], took: float, *, now: datetime) -> None:
    """Keep what was counted, and act on it. Inside the caller's transaction.

    What is over and was heard of while it was counted, or was not over then, is counted once more.
    """
    sending = rows.locked(sending_id)
    seen = sending.tally.get("seen", {})
    sending.tally = {**counted, "seen": seen, "took": round(took, 3)}
    sending.tallied_at = None if sending.state in OVER and counted["heard"] != sending.heard else now
    if sending.state != SendingState.RUNNING:
        return
    by_fate: dict[str, int] = defaultdict(int)
    for _channel, fate, _locale, _country, number in counted["counts"]:
        by_fate[fate] += number
    lately = counted["lately"]
    counts = Counts(lately["arrived"], lately["failed"]).since(seen.get("arrived", 0), seen.get("failed", 0))
    if figures(now).is_too_much(counts):
        why = f"{counts.failed} of {counts.failed + counts.arrived} were not reached"
        pausing.by_itself(sending, why, now)
    elif not counted["waiting"] and _is_over(sending_id):
        sending.state, sending.ended_at, sending.tallied_at = SendingState.ENDED, now, None
        rows.enter(
            sending, "sending.ended", now, people=sending.planned, fates=dict(by_fate),
            content_sha256=sending.content_sha256,
        )  # fmt: skip


def _is_over(sending_id: UUID) -> bool:
    """Whether nothing more happens by itself: no group is under way, no next way due, no proof waited for."""
    mine = Delivery.sending_id == sending_id
    falls = select(Delivery.recipient_id).where(mine, Delivery.next_at.is_not(None))
    groups = SendingGroup.sending_id == sending_id
    open_ = select(SendingGroup.id).where(groups, SendingGroup.state.in_(rows.OPEN))
    patient = select(SendingGroup.id).where(groups, SendingGroup.patience_until.is_not(None))
    unheard = Delivery.group_id == SendingGroup.id, Delivery.fate == Fate.ACCEPTED
    waits = patient.where(select(Delivery.recipient_id).where(*unheard).exists())
    return not db.session.scalar(select(falls.exists() | open_.exists() | waits.exists()))
