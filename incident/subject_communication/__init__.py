"""What people are told: a text per language and a list, approved together by a second person, sent once.

Each person gets a message of their own. Informed is who a provider says was reached, and nobody else; who
was not reached stays named until a person settles it. Stages never commit.
"""

from incident.subject_communication.preparing import (
    add_language,
    approve,
    authors_of,
    create,
    duties_of,
    fingerprint,
    lacking,
    of,
    of_incident,
    people_of,
    set_list,
    set_texts,
)
from incident.subject_communication.sending import TEMPLATE, follow, send, settle, under_way

__all__ = [
    "TEMPLATE",
    "add_language",
    "approve",
    "authors_of",
    "create",
    "duties_of",
    "fingerprint",
    "follow",
    "lacking",
    "of",
    "of_incident",
    "people_of",
    "send",
    "set_list",
    "set_texts",
    "settle",
    "under_way",
]
