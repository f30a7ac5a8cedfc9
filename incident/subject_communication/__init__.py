"""What people are told: a text per language and a choice among lists, approved together, sent once.

Each person gets a message of their own. Informed is who a provider says was reached, or whose letter was
posted, and nobody else; who was not reached stays named until a person settles it. Stages never commit.
"""

from incident.subject_communication.approving import (
    Obstacle,
    approve,
    lacking,
    obstacles,
    stands,
    step,
)
from incident.subject_communication.choosing import (
    LABELS,
    Choice,
    Counts,
    choose,
    counts,
    groups_of,
    lists_of,
    standing_lists,
)
from incident.subject_communication.estimating import estimate, segments
from incident.subject_communication.kin import leave_out as leave_out_told
from incident.subject_communication.kin import told_already
from incident.subject_communication.persons import (
    person_of,
    put_back,
    rows_of,
    take_out,
    ways_for,
    why_left,
)
from incident.subject_communication.preparing import (
    BEFORE_SENDING,
    SENT,
    add_language,
    authors_of,
    correct,
    create,
    duties_of,
    fingerprint,
    of,
    of_incident,
    set_kind,
    set_texts,
)
from incident.subject_communication.sending import (
    follow,
    held,
    leave_rest,
    left_untold,
    pause,
    release,
    resume,
    say_still_true,
    send,
    settle,
    stop,
    under_way,
)

__all__ = [
    "BEFORE_SENDING",
    "LABELS",
    "SENT",
    "Choice",
    "Counts",
    "Obstacle",
    "add_language",
    "approve",
    "authors_of",
    "choose",
    "correct",
    "counts",
    "create",
    "duties_of",
    "estimate",
    "fingerprint",
    "follow",
    "groups_of",
    "held",
    "lacking",
    "leave_out_told",
    "leave_rest",
    "left_untold",
    "lists_of",
    "obstacles",
    "of",
    "of_incident",
    "pause",
    "person_of",
    "put_back",
    "release",
    "resume",
    "rows_of",
    "say_still_true",
    "segments",
    "send",
    "set_kind",
    "set_texts",
    "settle",
    "standing_lists",
    "stands",
    "step",
    "stop",
    "take_out",
    "told_already",
    "under_way",
    "ways_for",
    "why_left",
]
