"""What people and events do to runs: complete, approve, leave out, add, move, end."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from accounts import people
from foundation.database import db
from foundation.errors import Invalid, Refused
from playbooks import library, reminding, rows
from playbooks.models import EvidenceFile, Run, StepRecord, StepState
from playbooks.rules import timeline
from playbooks.rules.definition import EVENTS, Anchor
from playbooks.runs.advancing import settle
from playbooks.runs.starting import stored

LONGEST_NOTE = 2000  # characters of what a person says of a step
FURTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that shows something was done, as it was uploaded."""

    name: str
    content: bytes


# --- one step -----------------------------------------------------------------------------------


def complete_step(
    step_id: UUID,
    *,
    by: str,
    now: datetime,
    note: str = "",
    staff_id: UUID | None = None,
    evidence: str = "",
    files: Sequence[Attached] = (),
) -> None:
    """A person did the step; `by` is their name, `note` what they say of it.

    Where it asks for evidence, `evidence` says what shows it and where that is; files are kept with it.
    Where it asks for approval it is handed in, by `staff_id`, and stays open until a second person
    approves. Raises: Missing when there is none, Refused when it is not open any more or handed in
    already, Invalid without the evidence it asks for.
    """
    run, record = rows.open_step(step_id)
    if record.handed_in_at:
        raise Refused(
            _("This step was handed in already and waits for a second person."),
            next_step=_("Ask a colleague to approve it."),
        )
    record.evidence = _evidence(run, record, evidence)
    shown = [_keep(record, each, by, now) for each in files]
    if record.approval_asked:
        _hand_in(run, record, staff_id, note, now)
        reminding.enter_step(run, record, "step.handed_in", by, now, due_at=record.due_at, evidence=shown)
    else:
        rows.close(run, record, StepState.DONE, by=by, now=now, note=note, evidence=shown)
    settle(run, now)


def _evidence(run: Run, record: StepRecord, said: str) -> str | None:
    """What was said to show it. Raises: Invalid when the step asks for it and nothing was said."""
    if len(said) > LONGEST_NOTE:
        raise Invalid(
            _("That is longer than %(count)d characters.", count=LONGEST_NOTE),
            next_step=_("Say where it is, and attach the rest as a file."),
        )
    if record.evidence_asked and not said.strip():
        wanted = rows.definition(run, record).evidence
        raise Invalid(
            _("This step is done only with evidence: %(wanted)s", wanted=wanted),
            next_step=_("Say what shows it and where that is kept; a file may be attached as well."),
        )
    return said.strip() or None


def _keep(record: StepRecord, file: Attached, by: str, now: datetime) -> dict[str, Any]:
    """Keep a file byte by byte; returns how the ledger tells it, by its hash and not by its name."""
    if not file.content:
        raise Invalid(_("The file is empty."), next_step=_("Choose it again, or save it again first."))
    sha256 = hashlib.sha256(file.content).hexdigest()
    db.session.add(
        EvidenceFile(
            organisation_id=record.organisation_id, step_id=record.id, name=_safe(file.name),
            content=file.content, size=len(file.content), sha256=sha256, by=by, at=now,
        )
    )  # fmt: skip
    return {"sha256": sha256, "size": len(file.content)}


def _safe(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable()).strip(". ")[-120:] or "evidence"


def _hand_in(run: Run, record: StepRecord, whose: UUID | None, note: str, now: datetime) -> None:
    if whose is None:
        raise ValueError("A step that asks for approval is handed in by somebody: say whom.")
    record.handed_in_by_id, record.handed_in_at, record.note = whose, now, note
    db.session.flush()
    reminding.approval_wanted(run, record, rows.definition(run, record), now)


def approve_step(step_id: UUID, *, staff_id: UUID, by: str, now: datetime) -> None:
    """A second person approves what was handed in: the step is done. The database refuses the same one.

    Raises: Missing when there is none, Refused when it does not wait for this person's approval.
    """
    run, record = _handed_in(step_id)
    if record.handed_in_by_id == staff_id:
        raise Refused(
            _("A second person approves this step, not the one who did it."),
            next_step=_("Ask a colleague to look at it."),
        )
    record.approved_by_id, record.approved_at = staff_id, now
    doer = people.staff_member(record.handed_in_by_id).name if record.handed_in_by_id else by
    rows.close(
        run, record, StepState.DONE, by=by, now=now, note=record.note, done_by=doer, approved=True,
        handed_in_by=record.handed_in_by_id,
    )  # fmt: skip
    settle(run, now)


def send_step_back(step_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """What was handed in does not do: the step is open again, for this reason.

    Raises: Missing when there is none, Invalid without a reason, Refused when it waits for nobody.
    """
    if not reason.strip():
        raise Invalid(_("A step is sent back only with a reason."), next_step=_("Say what is missing."))
    run, record = _handed_in(step_id)
    whose = record.handed_in_by_id
    record.handed_in_by_id = record.handed_in_at = None
    db.session.flush()
    reminding.enter_step(run, record, "step.sent_back", by, now, reason=reason.strip(), handed_in_by=whose)
    if whose:
        reminding.sent_back(run, record, rows.definition(run, record), whose, now)
    settle(run, now)


def _handed_in(step_id: UUID) -> tuple[Run, StepRecord]:
    run, record = rows.open_step(step_id)
    if record.handed_in_at is None:
        raise Refused(_("This step does not wait for approval."), next_step=_("Look at the steps again."))
    return run, record


def skip_step(step_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """A person leaves the step out and says why.

    Raises: Refused without a reason or when it is not open any more, Missing when there is none.
    """
    if not reason.strip():
        raise Refused(
            _("A step is left out only with a reason."), next_step=_("Say why it is not needed here.")
        )
    run, record = rows.open_step(step_id)
    rows.close(run, record, StepState.SKIPPED, by=by, now=now, reason=reason.strip(), note=record.note)
    settle(run, now)


# --- whole runs ---------------------------------------------------------------------------------


def happened(about: str, event: str, *, actor: str, now: datetime) -> int:
    """Something happened to the incident: steps that it does are done, runs that it ends are ended.

    Returns how many steps it completed. Raises: ValueError for an event outside `definition.EVENTS`.
    """
    if event not in EVENTS:
        raise ValueError(f"{event!r} is no event that playbooks know; see playbooks/rules/definition.py.")
    completed = 0
    for run in rows.lock_running(about):
        completed += rows.complete_by(run, event, actor, now)
        if event in library.pinned(run.definition).ended_by:
            rows.end(run, actor, f"It ends with {event}.", now)
        settle(run, now)
    return completed


def end(about: str, playbook_key: str | None = None, *, actor: str, reason: str, now: datetime) -> None:
    """End what runs about this, or one playbook of it; its open steps no longer apply, for this reason."""
    for run in rows.lock_running(about):
        if playbook_key in (None, run.playbook):
            rows.end(run, actor, reason, now)


def move_anchor(
    about: str,
    anchor: str,
    at: datetime,
    *,
    actor: str,
    reason: str,
    now: datetime,
    playbook: str | None = None,
) -> None:
    """Give or correct an anchor: what is not done moves with it, and what is then owed is done at once.

    In every run about this, or in those of one playbook. Raises: ValueError for an unknown anchor or a
    naive instant.
    """
    anchor, moved_to = Anchor(anchor).value, stored(at)
    for run in rows.lock_running(about):
        if playbook not in (None, run.playbook):
            continue
        before = run.anchors.get(anchor)
        steps = [step for step in library.pinned(run.definition).steps if step.anchor == anchor]
        if not steps or before == moved_to:
            continue
        run.anchors = {**run.anchors, anchor: moved_to}
        known, records = timeline.anchors_in(run.anchors), rows.open_steps(run)
        moved = [step.key for step in steps if step.key in records]
        for step in steps:
            if step.key in records:
                records[step.key].due_at = timeline.due_at(step, known)
        reminding.enter(
            run, "anchor.moved", actor, now, reason=reason, anchor=anchor, before=before, after=moved_to,
            steps=moved,
        )  # fmt: skip
        settle(run, now)
