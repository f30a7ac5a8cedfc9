"""The record of one breach and the register of all of them (GDPR art. 33(5)), read from the ledger.

Nothing is written here. What the register shows is what the ledger and the versioned tables hold; an
export carries the entries with their hashes, so that whoever gets it can check it without us.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db
from foundation.ledger import GENESIS, Broken
from incident import clocks, filed, related
from incident.models import Assessment, Decision, DecisionState, Duty, Incident
from incident.rules.facts import Facts, FactsFault
from incident.rules.lifecycle import State
from incident.wording import Line, line_of

BUNDLE: Final = "urn:breachclock:evidence:1"
HASHED: Final = (
    "chain", "number", "at", "action", "actor", "reason", "details", "previous", "organisation_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One breach in the register: facts, effects, remedial action, and the reasoning; instants are UTC."""

    incident: Incident
    facts: Facts | None  # None when they cannot be read any more by this release
    assessment: Assessment | None
    decisions: tuple[Decision, ...]  # in force or waiting; each holds what the rules advised
    duties: tuple[Duty, ...]
    reasoning: str


# --- the record of one breach -------------------------------------------------------------------


def record(incident: Incident) -> list[Line]:
    """Every line of an incident's story, oldest first: when, who, what, why.

    With the stories of those that it carries, in the order of time, each line under its number.
    """
    lines = [line_of(each) for each in ledger.entries(incident.chain)]
    for other in related.carried_by(incident):
        lines += [line_of(each, other.number) for each in ledger.entries(other.chain)]
    return sorted(lines, key=lambda each: each.at)  # a stable sort: each story keeps its own order


def head(chain: str) -> tuple[int, str]:
    """How many entries a chain has, and the hash of the last: enough to recognise it later."""
    found = db.session.scalar(select(ledger.Head).where(ledger.Head.chain == chain))
    return (found.number, found.hash) if found else (0, GENESIS)


# --- the register -------------------------------------------------------------------------------


def register(
    visible: Select[Incident], *, state: str = "", since: datetime | None = None,
    until: datetime | None = None,
) -> list[Row]:  # fmt: skip
    """The breaches among those `visible`, the latest first; also those rejected or not notified.

    `state` is one of `lifecycle.State`; `since` and `until` bound when it was reported.
    """
    wanted = visible
    if state in set(State):
        wanted = wanted.where(Incident.state == state)
    if since:
        wanted = wanted.where(Incident.reported_at >= since)
    if until:
        wanted = wanted.where(Incident.reported_at < until)
    incidents = list(db.session.scalars(wanted.order_by(Incident.reported_at.desc(), Incident.id.desc())))
    ids = [each.id for each in incidents]
    assessments = _latest_assessments(ids)
    duties, decided = _duties(ids), _decisions(ids)
    reasons = _reasons([each.chain for each in incidents])
    return [
        Row(
            each, _facts(each), assessments.get(each.id), tuple(decided.get(each.id, ())),
            tuple(duties.get(each.id, ())),
            _reasoning(assessments.get(each.id), reasons.get(each.chain)),
        )
        for each in incidents
    ]  # fmt: skip


def _facts(incident: Incident) -> Facts | None:
    try:
        return clocks.current_facts(incident)
    except FactsFault:
        return None


def _latest_assessments(ids: Sequence[UUID]) -> dict[UUID, Assessment]:
    mine = select(Assessment).where(Assessment.incident_id.in_(ids)).order_by(Assessment.number)
    return {each.incident_id: each for each in db.session.scalars(mine)}


def _duties(ids: Sequence[UUID]) -> dict[UUID, list[Duty]]:
    found: dict[UUID, list[Duty]] = {}
    mine = select(Duty).where(Duty.incident_id.in_(ids)).order_by(Duty.regime, Duty.recipient)
    for duty in db.session.scalars(mine):
        found.setdefault(duty.incident_id, []).append(duty)
    return found


def _decisions(ids: Sequence[UUID]) -> dict[UUID, list[Decision]]:
    found: dict[UUID, list[Decision]] = {}
    alive = (DecisionState.PENDING, DecisionState.IN_FORCE)
    mine = select(Decision).where(Decision.incident_id.in_(ids), Decision.state.in_(alive))
    for decision in db.session.scalars(mine.order_by(Decision.number)):
        found.setdefault(decision.incident_id, []).append(decision)
    return found


def _reasons(chains: Sequence[str]) -> dict[str, str]:
    """Why each incident was last rejected, merged or closed: the reasoning where nobody assessed it."""
    ended = ("incident.rejected", "incident.merged", "incident.closed")
    mine = select(ledger.Entry.chain, ledger.Entry.reason).where(
        ledger.Entry.chain.in_(chains), ledger.Entry.action.in_(ended)
    )
    rows = db.session.execute(mine.order_by(ledger.Entry.chain, ledger.Entry.number))
    return {chain: reason for chain, reason in rows if reason}


def _reasoning(assessment: Assessment | None, ended: str | None) -> str:
    return " ".join(filter(None, (assessment.reason if assessment else None, ended)))


# --- evidence -----------------------------------------------------------------------------------


def bundle(incident: Incident, *, by: str, now: datetime) -> dict[str, Any]:
    """The ledger's entries about an incident with their hashes and the chain's head, as JSON values.

    With a chain of its own for each incident that it carries.
    """
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    return {
        "schema": BUNDLE, "incident": incident.number, "organisation": organisation.name,
        "exported_at": _instant(now), "exported_by": by,
        "how_to_check": "hash = SHA-256 of the entry's other members as JSON: keys sorted, no spaces, UTF-8; "
        "previous = hash of the entry before, 64 zeros at the first; the last hash is the head's.",
        **_chain(incident),
        "carries": [{"incident": each.number, **_chain(each)} for each in related.carried_by(incident)],
    }  # fmt: skip


def _chain(incident: Incident) -> dict[str, Any]:
    """A chain with its head, so that each can be checked alone."""
    number, hashed = head(incident.chain)
    return {
        "head": {"chain": incident.chain, "number": number, "hash": hashed},
        "entries": [_exported(each) for each in ledger.entries(incident.chain)],
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _exported(entry: ledger.Entry) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in HASHED}
    return told | {"at": _instant(entry.at), "organisation_id": str(entry.organisation_id),
                   "hash": entry.hash}  # fmt: skip


def verify_bundle(document: object) -> list[Broken]:
    """The first break of an exported bundle, as a list of none or one; whatever is sent is only looked at."""
    if not isinstance(document, Mapping) or document.get("schema") != BUNDLE:
        return [Broken("(none)", 0, "this is no evidence bundle")]
    carried = document.get("carries", [])  # bundles of earlier releases have none
    if not isinstance(carried, list):
        return [Broken("(none)", 0, "the bundle lacks the incidents that are carried")]
    return next(filter(None, map(_broken, [document, *carried])), [])


def _broken(part: object) -> list[Broken]:
    """The first break of one chain of a bundle."""
    told, entries = (part.get("head"), part.get("entries")) if isinstance(part, Mapping) else (None, None)
    if not isinstance(told, Mapping) or not isinstance(entries, list):
        return [Broken("(none)", 0, "the bundle lacks its head or its entries")]
    chain, previous = str(told.get("chain")), GENESIS
    for number, entry in enumerate(entries, start=1):
        if why := _fault(entry, chain, number, previous):
            return [Broken(chain, number, why)]
        previous = entry["hash"]
    if (told.get("number"), told.get("hash")) != (len(entries), previous):
        return [Broken(chain, len(entries) + 1, "the chain ends earlier or later than its head says")]
    return []


def _fault(entry: object, chain: str, number: int, previous: str) -> str:
    """What is wrong with one exported entry; empty when nothing is."""
    if not isinstance(entry, Mapping) or set(entry) != {*HASHED, "hash"}:
        return "the entry is not whole"
    if entry["chain"] != chain:
        return "the entry is of another chain"
    if entry["number"] != number:
        return "the entry is missing"
    if entry["previous"] != previous:
        return "it does not follow the entry before it"
    if ledger.digest(**{name: entry[name] for name in HASHED}) != entry["hash"]:
        return "its content was changed after it was written"
    return ""


def verify_installation() -> list[Broken]:
    """The first break of every chain, and what was filed and is no longer so, of all in the present scope."""
    return [*ledger.verify(), *filed.verify()]
