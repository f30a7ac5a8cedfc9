"""What a person decides about an incident as a whole: awareness, breach or none, closed, taken up again.

Every decision is a row or a state with who, when and why, enters the ledger, and is followed at once by
clocks, duties, playbooks and pages. The same form sent twice decides once.
"""

from incident.clocks import first_filing
from incident.triage.awareness import awareness_rows, fix_awareness, latest_awareness, preview
from incident.triage.breach import confirm, reject, reopen
from incident.triage.closing import close, hindrances

__all__ = [
    "awareness_rows",
    "close",
    "confirm",
    "first_filing",
    "fix_awareness",
    "hindrances",
    "latest_awareness",
    "preview",
    "reject",
    "reopen",
]
