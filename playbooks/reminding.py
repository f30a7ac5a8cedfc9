"""Says that a step is due: to its owner, else to its role, else to who is on call.

What is said is recorded in the same transaction, as a unique row and in the ledger. Whoever cannot be
reached makes it louder: a reminder that reaches nobody becomes a page.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select

from accounts import people
from accounts.models import Organisation, Role
from foundation import ledger
from foundation.database import db, insert_rows, part
from notifications import alarms, on_duty, outbox, paging, ways
from playbooks.models import ReminderRecord, Run, RunState, StepRecord, StepState
from playbooks.rules import timeline
from playbooks.rules.definition import INCIDENT_ROLES, ON_CALL, Action, Anchor, Step
from playbooks.rules.timeline import Kind, Owed, Rung

STEP_PAGE, REPORT_PAGE = "page_deadline", "page_report"
CLOCK = "Breachclock"  # the actor of what nobody did but the clock
REPLACED = "a later reminder of the same step was due as well when the clock came by"
log = structlog.get_logger()


def say(run: Run, record: StepRecord, owed: Owed, now: datetime) -> None:
    """Page or remind, and record the rung with those it replaces: each is given once."""
    if owed.rung.kind is Kind.ACTION and owed.step.action is Action.DRAFT:
        _ask(run, record, owed, now)
        return
    told = [] if owed.rung.kind is Kind.ACTION and owed.rung.page else _remind(run, record, owed, now)
    paged = owed.rung.page or not told
    if paged and not owed.rung.page:
        log.error("step.reminds_nobody", run=str(run.id), step=record.key, role=record.role)
    if paged:
        _page(run, owed, now)
    replaced = [_reminder(run, record, rung, skipped_because=REPLACED) for rung in owed.replaced]
    insert_rows(ReminderRecord, *replaced, _reminder(run, record, owed.rung, sent_at=now, paged=paged))
    enter_step(
        run, record, "step.paged" if paged else "step.reminded", CLOCK, now,
        kind=owed.rung.kind, due_at=owed.due_at, planned_at=owed.rung.at, staff=told,
        replaced=len(owed.replaced),
    )  # fmt: skip


def _ask(run: Run, record: StepRecord, owed: Owed, now: datetime) -> None:
    """Note that a draft is asked for: `runs.wanting` hands it up, and the step's reminders tell people."""
    insert_rows(ReminderRecord, _reminder(run, record, owed.rung, sent_at=now))
    enter_step(run, record, "step.draft_wanted", CLOCK, now, due_at=owed.due_at)


def approval_wanted(run: Run, record: StepRecord, step: Step, now: datetime) -> None:
    """Tell those who may approve that a step was handed in; each hand-in is told of once."""
    for each in _whose(run, record, now):
        _reached(run, record, _at_once(record, step, "approval", now), each, now, template="step_to_approve")


def sent_back(run: Run, record: StepRecord, step: Step, whose: UUID, now: datetime) -> None:
    """Tell who handed a step in that it waits for them again; what is missing the record says."""
    _reached(run, record, _at_once(record, step, "back", now), whose, now)


def _at_once(record: StepRecord, step: Step, what: str, now: datetime) -> Owed:
    key = f"{what}@{now.isoformat(timespec='seconds')}"
    return Owed(step, record.due_at or now, Rung(now, key, Kind.APPROACHING))


def _reminder(run: Run, record: StepRecord, rung: Rung, **how: Any) -> dict[str, Any]:
    return {
        "organisation_id": run.organisation_id, "run_id": run.id, "step_id": record.id, "key": rung.key,
        "kind": rung.kind, "at": rung.at, "sent_at": None, "paged": False, "skipped_because": None, **how,
    }  # fmt: skip


def _page(run: Run, owed: Owed, now: datetime) -> None:
    """Page who is on call: that somebody reported, or that a step's time runs out."""
    reported = owed.rung.kind is Kind.ACTION and owed.step.anchor is Anchor.REPORTED
    paging.page(
        organisation_id=run.organisation_id, about=run.about, must_by=None, actor=CLOCK, now=now,
        template=REPORT_PAGE if reported else STEP_PAGE,
        context=_context(run, owed, now) | (_what_runs_out(run, now) if reported else {}),
    )  # fmt: skip


def _what_runs_out(run: Run, now: datetime) -> dict[str, str]:
    """Whoever is woken by a report is told what the report sets running, not when to be awake."""
    due = timeline.anchors_in(run.anchors).get(Anchor.DUE)
    if due is None:
        return {"due_at": "", "hours_left": ""}
    return {"due_at": due.isoformat(timespec="seconds"), "hours_left": f"{timeline.hours_left(due, now):g}"}


def _remind(run: Run, record: StepRecord, owed: Owed, now: datetime) -> list[UUID]:
    """Remind those whose step it is, and return who could be; who is paged anyway is not told twice."""
    paged = on_duty.on_call(run.organisation_id, now)[:1] if owed.rung.page else []
    whom = [each for each in _whose(run, record, now) if each not in paged]
    return [each for each in whom if _reached(run, record, owed, each, now)]


def _reached(
    run: Run, record: StepRecord, owed: Owed, staff_id: UUID, now: datetime, *, template: str = ""
) -> bool:
    """Remind one person; a fault with one, such as a number nobody can read, costs no other theirs."""
    try:
        with part():
            posted = ways.remind(
                organisation_id=run.organisation_id, about=run.about, staff_ids=[staff_id],
                template=template or ("deadline_reminder" if _is_the_deadline(owed) else "step_reminder"),
                context=_context(run, owed, now), dedupe_key=f"step:{record.id}:{owed.rung.key}",
                urgent=owed.rung.page or owed.rung.kind is Kind.OVERDUE, must_by=None, now=now,
            )  # fmt: skip
    except Exception:  # whatever it was, the others must still be told
        log.exception("step.person_not_reminded", run=str(run.id), step=record.key, staff=str(staff_id))
        return False
    return bool(posted)


def _is_the_deadline(owed: Owed) -> bool:
    """Whether the step falls due with the deadline itself; what prepares it is a step like others."""
    return owed.step.anchor is Anchor.DUE and not owed.step.offset


def _whose(run: Run, record: StepRecord, now: datetime) -> list[UUID]:
    """The step's owner; else everyone with its role; else who is on call.

    Once it was handed in, those of them who did not hand it in, since they can approve it, and where that
    is nobody the data protection officers.
    """
    owner = people.staff_member(record.owner_id) if record.owner_id else None
    owners = [owner.id] if owner and owner.active else []
    of_nobody_by_itself = record.role == ON_CALL or record.role in INCIDENT_ROLES
    role = None if of_nobody_by_itself else Role(record.role)
    holders = [each.id for each in people.staff_with_role(run.organisation_id, role)] if role else []
    for found in (owners, holders, on_duty.on_call(run.organisation_id, now)):
        if left := [each for each in found if each != record.handed_in_by_id]:
            return left
    if record.handed_in_by_id is None:
        return []
    others = people.staff_with_role(run.organisation_id, Role.DPO)
    return [each.id for each in others if each.id != record.handed_in_by_id]


def _context(run: Run, owed: Owed, now: datetime) -> dict[str, str]:
    """What a message may say: no personal data, instants in ISO 8601 UTC, hours negative when late."""
    organisation = db.session.get_one(Organisation, run.organisation_id)
    return {
        "number": run.summary,
        "organisation": organisation.name,
        "timezone": organisation.timezone,
        "step": owed.step.title,
        "due_at": owed.due_at.isoformat(timespec="seconds"),
        "hours_left": f"{timeline.hours_left(owed.due_at, now):g}",
        "path": alarms.path(run.about),
    }


def end_pages(run: Run, closed: StepRecord, *, actor: str, now: datetime) -> None:
    """Stop paging about the incident once no step is open that somebody was paged for.

    What somebody has of the report itself stays theirs, and comes back until it was said what it is. Pages
    of duties are not of playbooks: they end with what is owed.
    A reminder of the step that still waits, for quiet hours to end, need not go any more.
    """
    outbox.withdraw(run.about, keys=f"step:{closed.id}:", reason=f"{closed.title}: {closed.state}.", now=now)
    if not _paged(StepRecord.id == closed.id) or is_paged_for(run.about):
        return
    reason = f"{closed.title}: {closed.state}."
    paging.end(run.about, actor=actor, reason=reason, now=now, template=STEP_PAGE)
    paging.end(run.about, actor=actor, reason=reason, now=now, template=REPORT_PAGE, taken=False)


def is_paged_for(about: str) -> bool:
    """Whether a step is open that somebody was paged for."""
    running = Run.about == about, Run.state == RunState.RUNNING
    return _paged(*running, StepRecord.state == StepState.OPEN)


def _paged(*where: ColumnElement[bool]) -> bool:
    steps = select(ReminderRecord.id).join(StepRecord, StepRecord.id == ReminderRecord.step_id)
    found = steps.join(Run, Run.id == StepRecord.run_id).where(ReminderRecord.paged, *where)
    return db.session.scalars(found.limit(1)).first() is not None


def enter_step(run: Run, record: StepRecord, action: str, actor: str, now: datetime, **details: Any) -> None:
    """Write the ledger's entry about one step; its title too, for not every step is in the library."""
    enter(run, action, actor, now, step=record.key, title=record.title, **details)


def enter(
    run: Run, action: str, actor: str, now: datetime, *, reason: str | None = None, **details: Any
) -> None:
    """Write the ledger's entry about the run's incident."""
    ledger.append(
        run.about, action, organisation_id=run.organisation_id, actor=actor, at=now, reason=reason,
        playbook=run.playbook, **details,
    )  # fmt: skip
