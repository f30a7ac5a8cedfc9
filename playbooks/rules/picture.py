"""The timetable of a playbook as lengths on one scale, for a page that draws it without a script."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from playbooks.rules import timeline
from playbooks.rules.definition import Anchor, Playbook, Step

DECIDED_AFTER = timedelta(hours=48)
DUE_AFTER = timedelta(hours=72)
WIDEST = timedelta(hours=96)  # what lies further out is drawn at the edge


@dataclass(frozen=True, slots=True)
class Bar:
    """One step on the scale from 0 to 100: from its anchor to its due time, ticks for reminders."""

    step: Step
    due_at: datetime | None
    reminders: tuple[datetime, ...]
    start: float
    end: float
    ticks: tuple[float, ...]
    beyond: bool


def imagined(start: datetime, given: Mapping[str, datetime]) -> dict[str, datetime]:
    """Every anchor of an imagined incident: those given, else as if all began at `start`.

    Decided after 48 and due after 72 elapsed hours, so that a dry run shows every step.
    """
    aware = given.get(Anchor.AWARE, start)
    usual = {
        Anchor.OCCURRED: start, Anchor.REPORTED: start, Anchor.AWARE: start,
        Anchor.DECIDED: timeline.plus(aware, DECIDED_AFTER),
        Anchor.DUE: timeline.plus(aware, DUE_AFTER),
    }  # fmt: skip
    return {anchor.value: given.get(anchor, at) for anchor, at in usual.items()}


def draw(playbook: Playbook, anchors: Mapping[str, datetime]) -> tuple[list[Bar], list[float]]:
    """The bars of a playbook's steps, and where each whole day after the first anchor stands."""
    rows = timeline.timetable(playbook, anchors)
    begin = min((anchors[step.anchor] for step, due, _ in rows if due), default=None)
    if begin is None:
        return [Bar(step, None, (), 0, 0, (), beyond=False) for step, *_ in rows], []
    furthest = max(due for _, due, _ in rows if due) - begin
    scale = min(max(furthest, timedelta(hours=1)), WIDEST)

    def place(at: datetime) -> float:
        return round(min(max((at - begin) / scale, 0), 1) * 100, 2)

    bars = [
        Bar(
            step, due, reminders, start=place(min(anchors[step.anchor], due)) if due else 0,
            end=place(due) if due else 0, ticks=tuple(place(at) for at in reminders if at - begin <= scale),
            beyond=due is not None and due - begin > scale,
        )
        for step, due, reminders in rows
    ]  # fmt: skip
    days = range(1, int(scale / timedelta(hours=24)) + 1)
    return bars, [round(timedelta(hours=24 * day) / scale * 100, 2) for day in days]
