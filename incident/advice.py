"""What the rules advise: now, by the facts as they stand, and as it was kept for each version of them.

Kept advice is a row per version of the facts and release of the rules, and never changes. Screens that
make a version keep its advice with it; what a report made is kept a moment later by the clock, since
taking a report in must be quick.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, or_, select

from foundation import ledger
from foundation.database import db, insert_unless_there, new_id
from incident import clocks
from incident.models import Evaluated, FactsVersion, Incident, Kind, Question
from incident.rules.evaluation import Evaluation
from incident.rules.facts import FactsFault, parse
from incident.rules.law import LAW

EXEMPTIONS: Final = {"GDPR art. 34(3)(a)": Kind.EXEMPT_A, "GDPR art. 34(3)(b)": Kind.EXEMPT_B}
PROMISES: Final = ("own_promise_authority", "own_promise_subjects")
NOT_READABLE: Final = "not readable"  # in place of a hash: no advice, and why there is none
AT_ONCE: Final = 100  # versions that one round of the clock evaluates


@dataclass(frozen=True, slots=True)
class Advised:
    """What the rules advise by the facts as they stand, and which of it is our own promise."""

    evaluation: Evaluation
    promise_authority: bool
    promise_people: bool

    @property
    def notify_authority(self) -> bool:
        """Whether the authority should be notified, by law or by promise."""
        return self.evaluation.judgement.authority_notification.required or self.promise_authority

    @property
    def tell_people(self) -> bool:
        """Whether people should be told, by law or by promise."""
        return self.evaluation.judgement.subject_communication.required or self.promise_people

    @property
    def questions(self) -> tuple[Question, ...]:
        """What there is to decide: the promise only where there is one that covers this."""
        promised = self.promise_authority or self.promise_people
        of_law = [each for each in Question if not each.is_of_a_neighbour]
        return tuple(each for each in of_law if each is not Question.PROMISE or promised)


def advised(incident: Incident, *, now: datetime) -> Advised:
    """What the rules advise now."""
    return _advised(clocks.advice_for(incident, clocks.current_facts(incident), now=now))


def of_document(incident: Incident, document: Mapping[str, Any], *, now: datetime) -> Advised:
    """What the rules would advise if the facts were these. Raises: FactsFault."""
    facts = clocks.in_organisation(parse(document), clocks.Registered.of(incident.organisation_id))
    return _advised(clocks.advice_for(incident, facts, now=now))


def _advised(found: Evaluation) -> Advised:
    authority, people = (found.clock(kind) is not None for kind in PROMISES)
    return Advised(found, authority, people)


def kind_advised(document: Mapping[str, Any], question: Question) -> Kind:
    """The answer to a question by an evaluation's document; the law's questions by the law alone."""
    if question is Question.AUTHORITY:
        return Kind.NOTIFY if document["authority_notification"]["required"] else Kind.DO_NOT_NOTIFY
    if question is Question.PEOPLE:
        people = document["subject_communication"]
        milder = EXEMPTIONS.get(people["exemption"] or "", Kind.DO_NOT_COMMUNICATE)
        return Kind.COMMUNICATE if people["required"] else milder
    if question.is_of_a_neighbour:
        return Kind.REGIME_OWED
    promised = any(each["kind"] in PROMISES for each in document["clocks"])
    return Kind.KEEP_PROMISE if promised else Kind.PROMISE_NOT_OWED


# --- kept for each version ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """The advice on one version; `at` is None while it was only reckoned for the page and not kept yet."""

    document: Mapping[str, Any]
    rules_version: str
    at: datetime | None


def on_version(incident: Incident, version: FactsVersion, *, now: datetime) -> Kept:
    """The advice that was kept for a version when it came; until it is, reckoned now. Raises: FactsFault."""
    mine = select(Evaluated).where(
        Evaluated.incident_id == incident.id, Evaluated.facts_number == version.number,
        Evaluated.sha256 != NOT_READABLE,
    )  # fmt: skip
    if row := db.session.scalars(mine.order_by(Evaluated.at)).first():
        return Kept(row.document, row.rules_version, row.at)
    found = of_document(incident, version.facts, now=now).evaluation
    return Kept(found.document(), found.rules_version, None)


def keep(incident: Incident, number: int, *, now: datetime) -> None:
    """Keep what the rules make of a version; the same again changes nothing. Raises: FactsFault."""
    version = db.session.scalars(
        select(FactsVersion).where(FactsVersion.incident_id == incident.id, FactsVersion.number == number)
    ).one()
    found = of_document(incident, version.facts, now=now).evaluation
    document = found.document()
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id,
        "facts_number": number, "rules_version": found.rules_version, "document": document, "sha256": sha256,
        "at": now,
    }  # fmt: skip
    if insert_unless_there(Evaluated, row):
        ledger.append(
            incident.chain, "advice.recorded", organisation_id=incident.organisation_id,
            actor="Breachclock", at=now, facts_version=number, risk=document["risk"],
            rules=found.rules_version,
            authority=kind_advised(document, Question.AUTHORITY), sha256=sha256,
            people=kind_advised(document, Question.PEOPLE),
        )  # fmt: skip


def mark_unreadable(incident: Incident, number: int, *, now: datetime) -> bool:
    """Note that these rules cannot read a version, and why; whether it was so, and not noted before.

    It stands until other rules try. Facts that can be read are not marked, whatever else failed.
    """
    version = db.session.scalars(
        select(FactsVersion).where(FactsVersion.incident_id == incident.id, FactsVersion.number == number)
    ).one()
    try:
        parse(version.facts)
    except FactsFault as fault:
        faults = [{"pointer": each.pointer, "detail": each.detail} for each in fault.errors]
    else:
        return False
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id,
        "facts_number": number, "rules_version": LAW.version, "document": {"not_readable": faults},
        "sha256": NOT_READABLE, "at": now,
    }  # fmt: skip
    if not insert_unless_there(Evaluated, row):
        return False
    ledger.append(
        incident.chain, "advice.not_readable", organisation_id=incident.organisation_id, actor="Breachclock",
        at=now, facts_version=number, rules=LAW.version,
    )  # fmt: skip
    return True


def missing() -> list[tuple[UUID, int]]:
    """The versions, by incident and number, whose advice nobody has kept yet; the newest first.

    What these very rules could not read is not asked of them again.
    """
    same = and_(
        Evaluated.incident_id == FactsVersion.incident_id, Evaluated.facts_number == FactsVersion.number,
        or_(Evaluated.sha256 != NOT_READABLE, Evaluated.rules_version == LAW.version),
    )  # fmt: skip
    wanted = (
        select(FactsVersion.incident_id, FactsVersion.number)
        .outerjoin(Evaluated, same)
        .where(Evaluated.id.is_(None))
        .order_by(FactsVersion.at.desc())
        .limit(AT_ONCE)
    )
    return [(row.incident_id, row.number) for row in db.session.execute(wanted)]
