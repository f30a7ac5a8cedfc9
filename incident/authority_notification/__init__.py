"""What an authority is told: drafted from the facts, approved as that very text, filed with proof.

Filing itself is a human act behind the authority's sign-in; here stands what is to be filed, who answers
for it, and what came back. Stages never commit: the caller's transaction holds all of it or none.
"""

from incident.authority_notification.filing import Filing, Proof, file, keep_proof
from incident.authority_notification.text import (
    approve,
    draft,
    duties_of,
    duty_of,
    edit,
    of,
    of_incident,
    open_points,
    renew,
)

__all__ = [
    "Filing",
    "Proof",
    "approve",
    "draft",
    "duties_of",
    "duty_of",
    "edit",
    "file",
    "keep_proof",
    "of",
    "of_incident",
    "open_points",
    "renew",
]
