"""Starts playbooks: prepared before any lock, begun in the caller's transaction, once about one thing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from foundation import ledger, queue
from foundation.database import (
    Ready,
    db,
    insert_at_end,
    insert_ready,
    insert_unless_there,
    new_id,
    ready,
)
from playbooks import own, rows
from playbooks.models import Run, RunState, StepRecord, StepState
from playbooks.reminding import CLOCK
from playbooks.rules import timeline
from playbooks.rules.definition import Anchor, Playbook, Step

EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Start:
    """A run about to start: its row but for what messages call it, its steps, and how the ledger tells it."""

    row: dict[str, Any]
    steps: Ready
    entry: dict[str, Any]


def prepare(
    playbook_key: str,
    *,
    organisation_id: UUID,
    about: str,
    anchors: Mapping[str, datetime],
    facts: Mapping[str, Any],
    owners: Mapping[str, UUID] | None = None,
    actor: str,
    now: datetime,
) -> Start:
    """All of a run that can be known beforehand, for `begin`; needs no transaction.

    The organisation's own playbook of this key takes the place of ours. `facts` is the facts document,
    `owners` staff by role. Raises: KeyError for an unknown playbook, ValueError for an unknown anchor or a
    naive instant.
    """
    return _prepared(
        own.find(playbook_key, organisation_id), organisation_id=organisation_id, about=about,
        anchors=anchors, facts=facts, owners=owners, actor=actor, now=now,
    )  # fmt: skip


def _prepared(
    book: Playbook, *, organisation_id: UUID, about: str, anchors: Mapping[str, datetime],
    facts: Mapping[str, Any], owners: Mapping[str, UUID] | None, actor: str, now: datetime,
) -> Start:  # fmt: skip
    kept = {Anchor(name).value: stored(at) for name, at in anchors.items()}
    run_id, known = new_id(), timeline.anchors_in(kept)
    ruled_out = {step.key for step in book.steps if not step.applies(facts)}
    row = {
        "id": run_id, "organisation_id": organisation_id, "about": about, "playbook": book.key,
        "definition_hash": book.hash, "definition": book.text, "anchors": kept,
        "state": RunState.RUNNING, "next_due_at": now, "started_at": now,
        "started_by": actor,
    }  # fmt: skip
    steps = [
        {"organisation_id": organisation_id, "run_id": run_id}
        | _row(position, step, owners or {}, timeline.due_at(step, known))
        | (_ruled_out(step, now) if step.key in ruled_out else {})
        for position, step in enumerate(book.steps)
    ]
    entry = {
        "organisation_id": organisation_id, "actor": actor, "at": now, "playbook": book.key,
        "definition": book.hash, "anchors": kept, "title": book.title,
        "not_applicable": [step.key for step in book.steps if step.key in ruled_out],
    }  # fmt: skip
    return Start(row, ready(StepRecord, *steps), entry)


def begin(prepared: Start, *, summary: str, about_is_new: bool = False) -> UUID:
    """Begin a prepared run; its id, or that of the one that runs already.

    `summary` is what messages call it, an incident's number, without personal data; `about_is_new` that
    nothing can run about it yet. What the run owes at once the clock does, which is rung for: beginning
    is on the way of every report.
    """
    row = prepared.row | {"summary": summary}
    if about_is_new:
        insert_at_end(ready(Run, row), prepared.steps)
    elif insert_unless_there(Run, row):
        insert_ready(prepared.steps)
    else:
        return rows.running(row["about"], row["playbook"]).id
    ledger.append(row["about"], "playbook.started", **prepared.entry)
    queue.ring_after_commit(queue.RUNS)
    run_id: UUID = row["id"]
    return run_id


def start(playbook_key: str, *, summary: str, **known: Any) -> UUID:
    """Prepare a run and begin it, in the caller's transaction; arguments as theirs."""
    return begin(prepare(playbook_key, **known), summary=summary)


def has_run(about: str, playbook_keys: Collection[str]) -> bool:
    """Whether one of these has ever begun about this."""
    begun = select(Run.id).where(Run.about == about, Run.playbook.in_(playbook_keys)).limit(1)
    return db.session.scalar(begun) is not None


def start_fitting(
    *,
    organisation_id: UUID,
    about: str,
    summary: str,
    anchors: Mapping[str, datetime],
    facts: Mapping[str, Any],
    here: bool,
    actor: str,
    now: datetime,
) -> list[str]:
    """Start, beside what runs about this, each playbook that these facts start; returns their keys.

    Each once: what began since the oldest of those that run now does not begin again, also when it has
    ended. Moments that are not given, such as decided, and owners by role are those of what runs; reported
    is never before it was reported there. `here` is whether it happened with us. Where nothing runs any
    more, what ever began does not begin again. The caller holds the incident's lock, and has seen that it
    is under way.
    """
    running = rows.lock_running(about)
    fitting = [book for book in own.starting(organisation_id) if book.fits(facts, here=here)]
    begun = _begun_since(about, min((run.started_at for run in running), default=EVER))
    started = [book for book in fitting if book.key not in begun]
    for book in started:
        begin(
            _prepared(
                book, organisation_id=organisation_id, about=about,
                anchors=_beside(running[0], anchors) if running else anchors,
                facts=facts, owners=rows.owners(running), actor=actor, now=now,
            ), summary=summary,
        )  # fmt: skip
    return [book.key for book in started]


def _beside(run: Run, anchors: Mapping[str, datetime]) -> dict[str, datetime]:
    """The moments of a run that starts beside this one."""
    known = timeline.anchors_in(run.anchors)
    told = {**known, **anchors}
    if "reported" in known and "reported" in anchors:
        told["reported"] = max(known["reported"], anchors["reported"])
    return told


def _begun_since(about: str, since: datetime) -> set[str]:
    return {*db.session.scalars(select(Run.playbook).where(Run.about == about, Run.started_at >= since))}


def _row(position: int, step: Step, owners: Mapping[str, UUID], due_at: datetime | None) -> dict[str, Any]:
    return {
        "id": new_id(), "position": position, "key": step.key, "title": step.title, "role": step.role,
        "owner_id": owners.get(step.role),
        "due_at": due_at, "note": "", "state": StepState.OPEN, "done_at": None, "done_by": None,
        "reason": None, "evidence_asked": bool(step.evidence), "approval_asked": step.approval,
    }  # fmt: skip


def _ruled_out(step: Step, now: datetime) -> dict[str, Any]:
    reason = "The facts rule it out: " + ", ".join(each.fact for each in step.only_if)
    return {"state": StepState.NOT_APPLICABLE, "done_at": now, "done_by": CLOCK, "reason": reason}


def stored(at: datetime) -> str:
    """An anchor as runs keep it. Raises: ValueError for a naive instant."""
    if at.tzinfo is None:
        raise ValueError("An anchor needs an instant with a zone.")
    return at.astimezone(UTC).isoformat()
