"""Steps that a person adds to what runs: what no playbook foresaw."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from foundation.database import db, new_id
from foundation.errors import Invalid, Refused
from playbooks import reminding, rows
from playbooks.models import Run, StepRecord
from playbooks.rules import added
from playbooks.rules.definition import ROLES
from playbooks.runs.advancing import settle

FURTHEST = timedelta(days=366)


def add_step(
    about: str,
    *,
    title: str,
    role: str,
    due_at: datetime,
    done_when: str,
    by: str,
    now: datetime,
    owner_id: UUID | None = None,
    reminders: Sequence[timedelta] = added.REMINDERS,
    evidence: str = "",
    approval: bool = False,
    gate: str = "",
) -> UUID:
    """Add a step to the oldest playbook that runs about this; returns its id. It is spoken of like others.

    `title` goes into messages, so without personal data; `reminders` lie before `due_at`, those past are
    left out. The same title, still open, is the step that is there already. Raises: Invalid with every
    fault, Refused when nothing runs about this.
    """
    title, done_when = " ".join(title.split()), " ".join(done_when.split())
    if faults := _faults(title, role, due_at, done_when, reminders=reminders, now=now):
        raise Invalid(" ".join(faults), next_step=_("Correct that and add the step again."))
    running = rows.lock_running(about)
    if not running:
        raise Refused(
            _("No playbook runs here any more, so there is nothing to add a step to."),
            next_step=_("Take the incident up again first."),
        )
    run, there = running[0], rows.open_steps(running[0])
    if same := next((each for each in there.values() if each.added and each.title == title), None):
        return same.id
    position = _next_position(run)
    record = StepRecord(
        id=new_id(), organisation_id=run.organisation_id, run_id=run.id, position=position,
        key=f"added-{position}", title=title, role=role,
        owner_id=owner_id or rows.owners(running).get(role), due_at=due_at,
        evidence_asked=bool(evidence.strip()), approval_asked=approval,
        added=added.document(
            at=now, done_when=done_when, evidence=evidence.strip(), gate=gate,
            reminders=added.ahead(tuple(reminders), due_at=due_at, now=now),
        ),
    )  # fmt: skip
    db.session.add(record)
    db.session.flush()
    reminding.enter_step(run, record, "step.added", by, now, due_at=due_at, role=role, owner=record.owner_id)
    settle(run, now)
    return record.id


def _next_position(run: Run) -> int:
    mine = select(func.max(StepRecord.position)).where(StepRecord.run_id == run.id)
    return (db.session.scalar(mine) or 0) + 1


def _faults(
    title: str, role: str, due_at: datetime, done_when: str, *, reminders: Sequence[timedelta], now: datetime
) -> list[str]:
    found = []
    if not 0 < len(title) <= 200:
        found.append(_("Give the step a title of at most 200 characters."))
    if not 0 < len(done_when) <= 1000:
        found.append(_("Say in at most 1000 characters when it is done."))
    if role not in ROLES:
        found.append(_("Choose whose step it is."))
    if not now < due_at <= now + FURTHEST:
        found.append(_("It must be due after now and within a year."))
    if any(span >= timedelta() for span in reminders):
        found.append(_("Reminders lie before the step is due."))
    return found
