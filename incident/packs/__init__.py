"""The notification as a document: answers by path, laid out as an authority's form asks them.

Drafted from what is known, in the language of the form; what nothing answers stays empty and is named. The
document is stored whole and hashed, so that an approval is of these very words.
"""

from incident.authorities.forms import form_for
from incident.filling import Told
from incident.packs.article import REASONS
from incident.packs.documents import (
    FIXED,
    answer,
    as_of,
    asking_secrecy,
    differences,
    document,
    fields,
    fingerprint,
    follows,
    is_former,
    labels,
    may_follow,
    reasons_for_delay,
    renewed,
    typed,
    with_changes,
    with_claims,
)
from incident.packs.edpb import edpb_json
from incident.packs.layout import Choice, choices, form_in, laid_out
from incident.packs.points import Open, open_points
from incident.packs.reading import NotTaken, Typed
from incident.packs.values import CLAIMS

__all__ = [
    "CLAIMS",
    "FIXED",
    "REASONS",
    "Choice",
    "NotTaken",
    "Open",
    "Told",
    "Typed",
    "answer",
    "as_of",
    "asking_secrecy",
    "choices",
    "differences",
    "document",
    "edpb_json",
    "fields",
    "fingerprint",
    "follows",
    "form_for",
    "form_in",
    "is_former",
    "labels",
    "laid_out",
    "may_follow",
    "open_points",
    "reasons_for_delay",
    "renewed",
    "typed",
    "with_changes",
    "with_claims",
]
