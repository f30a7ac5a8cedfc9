"""People told in public, GDPR art. 34(3)(c): why, with which text, where and from when to when, with proof.

It takes the place of telling each only where that would be out of proportion, and must inform as well. So
it meets the duty where that was decided, once a second person approved it and it was seen at every place.
Nothing here commits.
"""

from incident.public_notices.places import (
    KINDS,
    MOST_BYTES,
    Place,
    add,
    end,
    look_again,
    place_of,
    places_of,
    prove,
    remind,
    remove,
    unproven,
    waiting,
)
from incident.public_notices.texts import (
    add_language,
    approve,
    create,
    document,
    findings,
    fingerprint,
    of,
    of_incident,
    set_text,
    set_why,
)

__all__ = [
    "KINDS", "MOST_BYTES", "Place", "add", "add_language", "approve", "create", "document", "end", "findings",
    "fingerprint", "look_again", "of", "of_incident", "place_of", "places_of", "prove", "remind", "remove",
    "set_text", "set_why", "unproven", "waiting",
]  # fmt: skip
