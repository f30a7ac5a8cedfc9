"""The risk to people is judged by a named person, beside the advice, and with it may be decided whom to tell.

What is judged opens duties: undecided means notify. What is decided stands in `incident.decisions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import advice as advising
from incident import decisions
from incident.advice import Advised
from incident.decisions import Answer
from incident.models import Assessment, Incident
from incident.owed import log
from playbooks import runs


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a named person judged of the risk, in the evaluation's words, and what they decide with it."""

    breach: str
    identifiable: str
    risk: str
    reason: str
    answers: Sequence[Answer] = ()


def assessments_of(incident: Incident) -> list[Assessment]:
    """Every assessment of the incident, oldest first; the last one holds."""
    mine = select(Assessment).where(Assessment.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Assessment.number)))


def latest(incident: Incident) -> Assessment:
    """The assessment that holds. Raises: Refused while nobody has judged the risk."""
    if not (made := assessments_of(incident)):
        raise Refused(
            _("Nobody has assessed the risk yet: a decision rests on it."), next_step=_("Assess it first.")
        )
    return made[-1]


def seen(incident: Incident) -> int:
    """How much was judged and decided so far: tells whether a colleague was quicker."""
    return len(assessments_of(incident)) + len(decisions.of_incident(incident))


def record(
    incident: Incident, verdict: Verdict, *, after: int, facts_number: int, by: StaffMember, now: datetime
) -> Assessment:
    """Record what was judged, with the advice as it stood, and what was decided with it.

    `after` is what `seen` said and `facts_number` which facts the person saw. The same sent twice is
    recorded once. Raises: Refused before confirmation and when a colleague was quicker, Invalid without a
    reason.
    """
    before = assessments_of(incident)
    if before and _same(before[-1], verdict, by.name) and not _new(incident, verdict, by):
        return before[-1]
    decisions.check_open(incident)
    _check_seen(incident, after, facts_number)
    _check(verdict)
    advice = advising.advised(incident, now=now)
    made = before[-1] if before and _same(before[-1], verdict, by.name) else None
    made = made or _add(incident, verdict, advice, len(before) + 1, by, now)
    runs.happened(incident.chain, "assessment.recorded", actor=by.name, now=now)
    if not decisions.decide(incident, verdict.answers, made, by=by, now=now):
        decisions.follow(incident, made, advice, by=by.name, reason=made.reason, now=now)
    return made


def _add(  # noqa: PLR0917  a row's columns in their order
    incident: Incident, verdict: Verdict, advice: Advised, number: int, by: StaffMember, now: datetime
) -> Assessment:
    made = Assessment(
        organisation_id=incident.organisation_id, incident_id=incident.id, number=number,
        facts_number=incident.facts_number, advice=advice.evaluation.document(), by=by.name, at=now,
        breach=verdict.breach, identifiable=verdict.identifiable, risk=verdict.risk,
        reason=verdict.reason.strip(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    log(
        incident, "assessment.recorded", by.name, now, made.reason, number=made.number, breach=made.breach,
        identifiable=made.identifiable, risk=made.risk, facts_version=made.facts_number,
        rules=advice.evaluation.rules_version, advised_risk=advice.evaluation.judgement.risk.level,
    )  # fmt: skip
    return made


def _same(held: Assessment, verdict: Verdict, by: str) -> bool:
    told = (verdict.breach, verdict.identifiable, verdict.risk, verdict.reason.strip(), by)
    return (held.breach, held.identifiable, held.risk, held.reason, held.by) == told


def _new(incident: Incident, verdict: Verdict, by: StaffMember) -> bool:
    """Whether anything in it was not said before by this person, in these words."""
    said = {
        (each.question, each.kind, each.reason)
        for each in decisions.of_incident(incident) if each.by_id == by.id
    }  # fmt: skip
    return any((each.question, each.kind, each.reason.strip()) not in said for each in verdict.answers)


def _check_seen(incident: Incident, after: int, facts_number: int) -> None:
    if seen(incident) != after:
        names = [
            *((each.at, each.by) for each in assessments_of(incident)),
            *((each.at, each.by) for each in decisions.of_incident(incident)),
        ]
        raise Refused(
            _("%(name)s assessed it while you were writing. Nothing of yours was saved.",
              name=max(names)[1] if names else "?"),
            next_step=_("Read that assessment, and record another if you still see it otherwise."),
        )  # fmt: skip
    if incident.facts_number != facts_number:
        raise Refused(
            _("New facts came in while you were writing. Nothing of yours was saved."),
            next_step=_("Read the new facts and what the rules make of them, then decide again."),
        )


def _check(verdict: Verdict) -> None:
    if verdict.breach == "no":
        raise Invalid(
            _("An assessment of a confirmed breach cannot say that it is none."),
            next_step=_("Reject the incident with that reason instead."),
        )
    if not verdict.reason.strip():
        raise Invalid(
            _("A decision needs its reason: it stands in the record for the authority to verify."),
            next_step=_("One sentence will do."),
        )
