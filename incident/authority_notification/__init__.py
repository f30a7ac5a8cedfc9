"""What an authority is told: drafted from the facts, approved as that very text, filed with proof.

Filing itself is a human act behind the authority's sign-in; here stands what is to be filed, who answers
for it, and what came back. Stages never commit: the caller's transaction holds all of it or none.
"""

from incident.authority_notification.delay import Given, Unexplained, is_unexplained, written_down
from incident.authority_notification.differing import Change
from incident.authority_notification.filing import CHANNELS, Filing, Later, file, keep_proof
from incident.authority_notification.numbers import Unusual
from incident.authority_notification.parts import hard_limit, promise, rest_of
from incident.authority_notification.phases import (
    begin,
    behind,
    changes,
    draft,
    drop,
    last_filed,
    look,
    open_one,
)
from incident.authority_notification.receipts import Proof
from incident.authority_notification.text import (
    approve,
    asked,
    claim_secrecy,
    duties_of,
    duty_of,
    edit,
    of,
    of_incident,
    open_points,
    predecessor,
    renew,
    shown,
)

__all__ = [
    "CHANNELS",
    "Change",
    "Filing",
    "Given",
    "Later",
    "Proof",
    "Unexplained",
    "Unusual",
    "approve",
    "asked",
    "begin",
    "behind",
    "changes",
    "claim_secrecy",
    "draft",
    "drop",
    "duties_of",
    "duty_of",
    "edit",
    "file",
    "hard_limit",
    "is_unexplained",
    "keep_proof",
    "last_filed",
    "look",
    "of",
    "of_incident",
    "open_one",
    "open_points",
    "predecessor",
    "promise",
    "renew",
    "rest_of",
    "shown",
    "written_down",
]
