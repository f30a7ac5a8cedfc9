"""What an authority is told of telling the people: whom it went to, and who is told by nothing."""

from typing import Final

from incident import decisions, filling, meeting
from incident.filling.filled import Told
from incident.lists import people
from incident.models import Incident

_OWED: Final = ("gdpr-34", "promise-subjects")


def told_of(incident: Incident) -> Told:
    """What is known of telling the people of an incident, those among them whom no communication tells.

    They count while it is owed to tell them: a person says with a reason that they need not be told, or it
    is decided that they read it in public.
    """
    owed = any(each.is_owed for each in meeting.duties_of(incident, *_OWED))
    if not owed or decisions.in_public(incident):
        return filling.told_of(incident)
    return filling.told_of(incident, untold=people.untold(incident.id))
