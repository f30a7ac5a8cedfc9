"""Carries playbooks out: start, complete, approve, skip, add, move, advance; each with its ledger entry.

Stage functions: they never commit, and `now` is an aware instant. `about` is a chain of the ledger
("incident/<uuid>"), all that is known here of an incident. An acknowledged page quiets nothing: a
step is spoken of until it is done, skipped with a reason, or its run has ended.
"""

from playbooks.reminding import is_paged_for
from playbooks.runs.adding import add_step
from playbooks.runs.advancing import advance, due, oldest_due, postpone
from playbooks.runs.doing import (
    Attached,
    approve_step,
    complete_step,
    end,
    happened,
    move_anchor,
    send_step_back,
    skip_step,
)
from playbooks.runs.shown import (
    Asked,
    FileView,
    StepView,
    evidence_file,
    gates,
    next_steps,
    served,
    steps_for,
    wanting,
)
from playbooks.runs.starting import Start, begin, has_run, prepare, start, start_fitting

__all__ = [
    "Asked",
    "Attached",
    "FileView",
    "Start",
    "StepView",
    "add_step",
    "advance",
    "approve_step",
    "begin",
    "complete_step",
    "due",
    "end",
    "evidence_file",
    "gates",
    "happened",
    "has_run",
    "is_paged_for",
    "move_anchor",
    "next_steps",
    "oldest_due",
    "postpone",
    "prepare",
    "send_step_back",
    "served",
    "skip_step",
    "start",
    "start_fitting",
    "steps_for",
    "wanting",
]
