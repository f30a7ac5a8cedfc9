"""What a merger would do, before anybody does it; nothing is written."""

from dataclasses import dataclass

from sqlalchemy import select

from foundation.database import db
from incident.clocks import Moved
from incident.merging import duties, times
from incident.merging.checks import refuse_impossible
from incident.merging.together import lapsing
from incident.merging.told import Told, told_already
from incident.models import (
    AuthorityNotification,
    CommunicationState,
    Decision,
    Incident,
    NoticeRound,
    NotificationState,
    RoundState,
    SubjectCommunication,
)
from incident.rules.lifecycle import State
from incident.rules.merging import Aware, Owing
from notifications import delivery, paging
from playbooks import runs


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merger would change in the incident that carries, and what would end in the other.

    `duties` are (provision, how it stands now or None, how it would stand). `left_behind` are drafts of
    the other that nobody filed or sent: they stay with it to be read.
    """

    awareness: Aware
    awareness_before: Aware
    clocks: tuple[Moved, ...]
    duties: tuple[tuple[str, Owing | None, Owing], ...]
    decisions: tuple[Decision, ...]
    confirms: bool
    restricts: bool
    calls: bool
    steps: int
    messages: int
    sending: int
    left_behind: int
    told: tuple[Told, ...]


def preview(carried: Incident, carrier: Incident) -> Preview:
    """What merging would do. Raises: as `merge` does for two incidents that cannot be merged."""
    refuse_impossible(carried, carrier)
    moved = [
        Moved(theirs.kind, ours.due_at if ours else None, window.due_at)
        for ours, theirs, window in times.joined_clocks(carried, carrier)
        if ours is None or (ours.starts_at, ours.due_at) != (window.starts_at, window.due_at)
    ]
    steps = [each for each in runs.steps_for(carried.chain) if each.state == "open"]
    open_page = bool(paging.nobody_has([carried.chain]))
    return Preview(
        awareness=times.joined(carried, carrier), awareness_before=times.aware(carrier),
        clocks=tuple(moved),
        duties=tuple(
            (each.source.provision, each.change.before, each.change.after)
            for each in duties.joined(carried, carrier)
        ),
        decisions=tuple(lapsing(carried, carrier)),
        confirms=carried.state == State.CONFIRMED and carrier.state == State.REPORTED,
        restricts=carried.restricted and not carrier.restricted,
        calls=open_page and not paging.nobody_has([carrier.chain]), steps=len(steps),
        messages=len(delivery.log_for(carried.chain)),
        sending=_communications(carried, CommunicationState.SENDING),
        left_behind=_left_behind(carried), told=tuple(told_already(carried)),
    )  # fmt: skip


def _communications(incident: Incident, *states: CommunicationState) -> int:
    mine = select(SubjectCommunication.id).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(states),
        SubjectCommunication.dropped_at.is_(None),
    )  # fmt: skip
    return len(db.session.scalars(mine).all())


def _left_behind(incident: Incident) -> int:
    """Notifications that nobody filed; communications, and notices to customers, that nobody sent."""
    drafted = select(AuthorityNotification.id).where(
        AuthorityNotification.incident_id == incident.id,
        AuthorityNotification.state != NotificationState.FILED,
    )
    before = _communications(incident, CommunicationState.DRAFT, CommunicationState.APPROVED)
    notices = select(NoticeRound.id).where(
        NoticeRound.incident_id == incident.id,
        NoticeRound.state.in_((RoundState.DRAFT, RoundState.APPROVED)),
    )
    return len(db.session.scalars(drafted).all()) + before + len(db.session.scalars(notices).all())
