"""Letters as runs for a printer: asked for by a person, made by the clock, posted on a day a person tells.

A run is whole or not there: its files can be taken once every letter that waited is in one of them or was
left out with a reason. Files are sealed under the incident's own key. Nothing here commits.
"""

from incident.letter_posting.making import WHY, Made, claim, due, keep, let_go, make, printable, refuse
from incident.letter_posting.posting import note_taken, post, returned, take_back, was_posted
from incident.letter_posting.reading import (
    file_of,
    files_of,
    manifest_of,
    members_of,
    of,
    of_communication,
    of_incident,
    opened,
    people_by_reference,
    sending_of,
    waiting,
)

__all__ = [
    "WHY", "Made", "claim", "due", "file_of", "files_of", "keep", "let_go", "make", "manifest_of",
    "members_of", "note_taken", "of", "of_communication", "of_incident", "opened", "people_by_reference",
    "post", "printable", "refuse", "returned", "sending_of", "take_back", "waiting",
    "was_posted",
]  # fmt: skip
