"""The rungs of duties as rows: made with a duty, moved with its due time, set aside when nothing is owed.

A rung that was given, or that a later one replaced, counts for good: for the same due time it is never made
again. One that was set aside before its time is made anew when the due time comes back.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, or_, select, update

from foundation.database import changed, db, insert_rows, new_id
from incident.models import (
    OWED,
    UNFILED,
    AuthorityNotification,
    Duty,
    DutyRung,
    DutyStage,
    DutyState,
    Incident,
    NotificationState,
    Phase,
)
from incident.rules import ladder
from incident.rules.ladder import Kind, Rung
from incident.rules.regimes import REGIMES
from notifications import paging

PAGE: Final = "page_duty"
MOVED: Final = "its due time moved"
ENDED: Final = "the duty is not owed any more, or somebody outside was told"
FOLLOW_UP: Final = "follow_up"  # in the place of a stage's key
AT_ONCE: Final = 500  # duties whose rungs one query reads


@dataclass(frozen=True, slots=True)
class Track:
    """What a ladder is reckoned for: a duty as a whole, or one of its later stages; instants are UTC."""

    duty: Duty
    stage: str
    starts_at: datetime | None
    due_at: datetime | None
    ages: bool
    drafts: bool

    @property
    def counts_to(self) -> datetime | None:
        """What its rungs are reckoned from."""
        return self.due_at or (self.starts_at if self.ages else None)

    def wanted(self) -> list[Rung]:
        """The rungs it begins with."""
        at = self.starts_at or self.duty.created_at
        return ladder.rungs(
            REGIMES.ladder(at), starts_at=self.starts_at, due_at=self.due_at, ages=self.ages,
            drafts=self.drafts,
        )  # fmt: skip

    def following(self, now: datetime) -> Rung | None:
        """The next rung of one that is past all it began with; None while it has none."""
        if (counts_to := self.counts_to) is None or counts_to > now:
            return None
        kind: Kind = "overdue" if self.due_at else "ageing"
        return ladder.following(REGIMES.ladder(counts_to), kind, counts_to, now)


def tracks(
    duty: Duty, stages: Iterable[DutyStage] = (), follow_up: datetime | None = None
) -> Iterator[Track]:
    """What of a duty is owed and minded by a ladder now; `stages` are its own.

    `follow_up`: since when an open follow-up waits (UTC). Once the duty is met nothing else is left to speak
    of it, so it ages by itself.
    """
    if follow_up and duty.state == DutyState.MET:
        yield Track(duty, FOLLOW_UP, follow_up, None, ages=True, drafts=False)
    regime = REGIMES.regime(duty.regime, duty.starts_at or duty.created_at)
    if duty.is_unfiled:
        ages, drafts = bool(regime and regime.ages), bool(regime and regime.drafts)
        yield Track(duty, "", duty.starts_at, duty.due_at, ages, drafts)
    if not duty.is_owed:
        return
    for stage in stages:
        first = duty.is_unfiled and stage.number == 1
        if stage.filed_at is None and stage.starts_at and not first:
            yield Track(duty, stage.key, stage.starts_at, stage.due_at, ages=True, drafts=False)


def follow(incident: Incident, duties: Sequence[Duty], *, now: datetime, reason: str = MOVED) -> None:
    """Bring the rungs of these duties of the incident in line with what is owed and by when.

    Rungs that wait for another due time are set aside for this reason; those that are missing are made.
    """
    db.session.flush()
    for start in range(0, len(duties), AT_ONCE):
        _follow(incident, duties[start : start + AT_ONCE], now, reason)


def _follow(incident: Incident, duties: Sequence[Duty], now: datetime, reason: str) -> None:
    ids = [each.id for each in duties]
    stages, waiting = _stages(ids), follow_ups(ids)
    running = [
        track for duty in duties for track in tracks(duty, stages.get(duty.id, ()), waiting.get(duty.id))
    ]
    counts = {(track.duty.id, track.stage): track.counts_to for track in running}
    stale, there, waits = [], set(), set()
    for row in db.session.execute(_ROWS.where(DutyRung.duty_id.in_(ids))):
        track = row.duty_id, row.stage
        is_waiting = row.sent_at is None and row.set_aside_at is None
        if is_waiting and counts.get(track) != row.counts_to:
            stale.append(row.id)
        elif is_waiting or row.sent_at or row.replaced_by_id:
            there.add((*track, row.key, row.counts_to))
            waits |= {track} if is_waiting else set()
    _set_aside(stale, reason, now)
    made = [row for track in running for row in _missing(incident, track, there, waits, now)]
    insert_rows(DutyRung, *made)


_ROWS = select(
    DutyRung.id, DutyRung.duty_id, DutyRung.stage, DutyRung.key, DutyRung.counts_to, DutyRung.sent_at,
    DutyRung.set_aside_at, DutyRung.replaced_by_id,
)  # fmt: skip


def _stages(duty_ids: Sequence[UUID]) -> dict[UUID, list[DutyStage]]:
    found: dict[UUID, list[DutyStage]] = {}
    mine = select(DutyStage).where(DutyStage.duty_id.in_(duty_ids)).order_by(DutyStage.number)
    for stage in db.session.scalars(mine):
        found.setdefault(stage.duty_id, []).append(stage)
    return found


def follow_ups(duty_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when a follow-up waits that is neither filed nor dropped (UTC), by its duty."""
    made = AuthorityNotification
    mine = select(made.duty_id, made.drafted_at).where(
        made.duty_id.in_(duty_ids), made.kind != Phase.INITIAL, made.state != NotificationState.FILED,
        made.dropped_at.is_(None),
    )  # fmt: skip
    return {row.duty_id: row.drafted_at for row in db.session.execute(mine)}


def _missing(
    incident: Incident, track: Track, there: set[tuple[Any, ...]], waits: set[tuple[UUID, str]], now: datetime
) -> Iterator[dict[str, Any]]:
    own = track.duty.id, track.stage
    fresh = [each for each in track.wanted() if (*own, each.key, each.counts_to) not in there]
    if not fresh and own not in waits and (next_one := track.following(now)):
        fresh = [next_one]
    for each in fresh:
        yield row_of(incident, track.duty.id, track.stage, each, now)


def row_of(incident: Incident, duty_id: UUID, stage: str, rung: Rung, now: datetime) -> dict[str, Any]:
    """A rung as a row that waits for its time."""
    return {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id,
        "duty_id": duty_id, "stage": stage, "key": rung.key, "kind": rung.kind, "page": rung.page,
        "at": rung.at, "counts_to": rung.counts_to, "created_at": now,
    }  # fmt: skip


def _set_aside(ids: Sequence[UUID], reason: str, now: datetime) -> None:
    if ids:
        changed(
            update(DutyRung)
            .where(DutyRung.id.in_(ids))
            .values(set_aside_at=now, set_aside_because=reason[:200])
        )


_UNFILED_STAGE = (
    select(DutyStage.id)
    .where(
        DutyStage.duty_id == DutyRung.duty_id, DutyStage.key == DutyRung.stage, DutyStage.filed_at.is_(None)
    )
    .correlate(DutyRung)
    .exists()
)


def quieten(incident: Incident, *, actor: str, reason: str, now: datetime) -> None:
    """End the page about duties once nothing is unfiled that somebody was paged for."""
    if not is_paged_for(incident):
        paging.end(incident.chain, actor=actor, reason=reason, now=now, template=PAGE)


def is_paged_for(incident: Incident) -> bool:
    """Whether something is unfiled that somebody was paged for."""
    db.session.flush()
    paged_for = (
        select(DutyRung.id)
        .join(Duty, Duty.id == DutyRung.duty_id)
        .where(
            Duty.incident_id == incident.id, Duty.state.in_(OWED), DutyRung.page,
            DutyRung.sent_at.is_not(None),
            or_(and_(DutyRung.stage == "", Duty.state.in_(UNFILED)), _UNFILED_STAGE),
        )
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(paged_for) is not None


def of_incident(incident: Incident) -> list[DutyRung]:
    """Every rung of the incident's duties, by instant: for its page."""
    mine = select(Duty.id).where(Duty.incident_id == incident.id)
    rows = select(DutyRung).where(DutyRung.duty_id.in_(mine)).order_by(DutyRung.at, DutyRung.key)
    return list(db.session.scalars(rows))
