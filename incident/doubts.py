"""What a processor told that cannot be so: kept as it was told, and put before a person.

A doubt opens no other way and holds up nothing: clocks run by what was told. It stands in the record with
the version of the facts it is about, and marks its incident until a person has kept facts without it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from foundation.ledger import Entry
from incident.models import Incident
from incident.rules.facts import Facts
from incident.rules.faults import Fault
from incident.rules.plausibility import implausible

DOUBTED = "facts.doubted"
AWARENESS = "/timeline/aware_at"  # what is told of it counts no more once a person has fixed it


def of(facts: Facts, told_at: datetime) -> tuple[Fault, ...]:
    """What cannot be so in facts told at that moment (UTC), leaving out what they say of our organisation."""
    return tuple(
        each for each in implausible(facts, told_at) if not each.pointer.startswith("/organisation/")
    )


def enter(
    chain: str, version: int, doubts: Sequence[Fault], *, organisation_id: UUID, actor: str, now: datetime
) -> None:
    """Enter into the incident's chain what cannot be so in a version of its facts; no doubt, no line."""
    if doubts:
        ledger.append(
            chain, DOUBTED, organisation_id=organisation_id, actor=actor, at=now, version=version,
            doubts=[{"pointer": each.pointer, "detail": each.detail} for each in doubts],
        )  # fmt: skip


def marked(incidents: Sequence[Incident]) -> set[UUID]:
    """Those of the incidents whose latest facts hold what cannot be so; one query for all of them."""
    by_chain = {each.chain: each for each in incidents}
    lines = db.session.execute(
        select(Entry.chain, Entry.details).where(Entry.chain.in_(by_chain), Entry.action == DOUBTED)
    )
    return {
        by_chain[line.chain].id for line in lines if _still(by_chain[line.chain], line.details)
    }  # fmt: skip


def _still(incident: Incident, details: dict[str, object]) -> bool:
    if details["version"] != incident.facts_number:
        return False
    told = details["doubts"]
    pointers = {each["pointer"] for each in told} if isinstance(told, list) else set()
    return bool(pointers if incident.awareness_is_provisional else pointers - {AWARENESS})
