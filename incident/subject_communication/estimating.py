"""What sending a communication comes to: when the last one would be out, and the price."""

from collections import Counter
from datetime import datetime

from accounts.models import Organisation
from foundation.database import db
from incident.models import Incident, SubjectCommunication
from incident.profile import profile_of
from incident.subject_communication import sending, wiring
from incident.subject_communication.choosing import Counts
from notifications import estimates
from notifications.rules.capacity import Estimate
from notifications.rules.capacity_terms import Money


def estimate(
    incident: Incident, communication: SubjectCommunication, counts: Counts, *, now: datetime
) -> Estimate | None:
    """What it comes to when it begins `now` (UTC); None where nothing tells how fast a way is, or for nobody.

    Reckoned is the first way of each person; what falls back to another comes on top of it.
    """
    sizes = segments(communication, counts)
    loads: Counter[tuple[str, str, int]] = Counter()
    for way, country, locale, count in counts.loads():
        loads[way, country, sizes.get(locale, 1) if way == "sms" else 1] += count
    prices = profile_of(db.session.get_one(Organisation, incident.organisation_id)).prices
    own = {way: Money(amount, prices.currency) for way, amount in prices.by_way().items()}
    return estimates.reckon(loads, start=now, deadline=sending.due_at(incident), own_prices=own)


def segments(communication: SubjectCommunication, counts: Counts) -> dict[str, int]:
    """How many messages the text message of each language is that somebody reads."""
    found = {}
    for locale in counts.by_language:
        if parts := communication.texts.get(locale):
            content = wiring.wired_in(parts, locale, wiring.fields_used(parts))
            found[locale] = max(wiring.segments_of(content).count, 1)
    return found
