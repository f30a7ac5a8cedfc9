"""Decisions: whom to tell and whom not, each a row of its own, by a named person, with the advice then.

To tell takes one person. Not to tell, and an exemption, takes two: until a second one has agreed nothing
changes, the duty stays open and its clock runs. One of the two must be somebody who may approve
notifications. What was decided is never edited; it is agreed to, declined, withdrawn or replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import Select, select

from accounts.models import StaffMember
from accounts.permissions import Permission, may
from foundation.database import db
from foundation.errors import Invalid, Missing, NotAllowed, Refused
from incident import advice as advising
from incident import clocks, meeting, owed
from incident.advice import Advised
from incident.models import Assessment, Decision, DecisionState, Incident, Kind, PublicNotice, Question
from incident.owed import log
from incident.owing import Holding, Standing
from incident.rules.lifecycle import State
from playbooks import runs

ALIVE = (DecisionState.PENDING, DecisionState.IN_FORCE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person decides on one question, and why."""

    question: Question
    kind: Kind
    reason: str


def of_incident(incident: Incident) -> list[Decision]:
    """Every decision on the incident, oldest first."""
    mine = select(Decision).where(Decision.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Decision.number)))


def of(incident: Incident, decision_id: UUID) -> Decision:
    """One decision of the incident. Raises: Missing."""
    mine = select(Decision).where(Decision.incident_id == incident.id, Decision.id == decision_id)
    if (found := db.session.scalars(mine).one_or_none()) is None:
        raise Missing(_("There is no such decision."))
    return found


def holding(incident: Incident) -> Holding:
    """The decision in force on each question that has one."""
    return owed.holding(incident)


def in_public(incident: Incident) -> bool:
    """Whether it is decided that people are told in public in place of messages, art. 34(3)(c)."""
    decision = holding(incident).get(Question.PEOPLE)
    return decision is not None and decision.kind == Kind.EXEMPT_C


def waiting(incident: Incident) -> list[Decision]:
    """The decisions that a second person must agree to."""
    return [each for each in of_incident(incident) if each.state == DecisionState.PENDING]


def waiting_in(visible: Select[Incident]) -> list[tuple[Incident, Decision]]:
    """The same over many incidents, the longest-waiting first: for the board."""
    ids = visible.with_only_columns(Incident.id)
    wanted = (
        select(Incident, Decision)
        .join(Decision, Decision.incident_id == Incident.id)
        .where(Decision.state == DecisionState.PENDING, Incident.id.in_(ids))
        .order_by(Decision.at)
    )
    return [(row.Incident, row.Decision) for row in db.session.execute(wanted)]


def undecided(incident: Incident, advice: Advised) -> list[Question]:
    """The questions without a decision in force; undecided means notify."""
    held = holding(incident)
    return [each for each in advice.questions if each not in held]


# --- deciding -----------------------------------------------------------------------------------


def decide(
    incident: Incident, answers: Sequence[Answer], judged: Assessment, *, by: StaffMember, now: datetime
) -> list[Decision]:
    """Enter answers; those to tell hold at once, the others wait for a second person.

    The very same again by the same person is no second decision. Raises: Refused unless the incident is a
    confirmed breach, Invalid without reasons.
    """
    check_open(incident)
    for answer in answers:
        if not answer.reason.strip():
            raise Invalid(
                _("A decision needs its reason: it stands in the record for the authority to verify."),
                next_step=_("One sentence will do."),
            )
    advice = advising.advised(incident, now=now)
    made = [
        _enter(incident, answer, advice, by, now) for answer in answers if not _said(incident, answer, by)
    ]
    if made:
        follow(incident, judged, advice, by=by.name, reason=made[0].reason, now=now)
    return made


def check_open(incident: Incident) -> None:
    """Refuse to judge or decide what is no confirmed breach. Raises: Refused."""
    if incident.state != State.CONFIRMED:
        raise Refused(
            _("Only a confirmed personal data breach is assessed."),
            next_step=_("Confirm it first, or reject it with a reason."),
        )


def _said(incident: Incident, answer: Answer, by: StaffMember) -> bool:
    """Whether this very person's decision on the question says this already, in these words."""
    return any(
        (each.kind, each.reason, each.by_id) == (answer.kind, answer.reason.strip(), by.id)
        for each in _alive(incident, answer.question)
    )


def _alive(incident: Incident, question: Question) -> list[Decision]:
    return [each for each in of_incident(incident) if each.question == question and each.state in ALIVE]


def _enter(incident: Incident, answer: Answer, advice: Advised, by: StaffMember, now: datetime) -> Decision:
    document = advice.evaluation.document()
    for earlier in _alive(incident, answer.question):
        if earlier.state == DecisionState.PENDING or not answer.kind.needs_two:
            _end(earlier, DecisionState.REPLACED, by.name, now)
    state = DecisionState.PENDING if answer.kind.needs_two else DecisionState.IN_FORCE
    made = Decision(
        organisation_id=incident.organisation_id, incident_id=incident.id,
        number=len(of_incident(incident)) + 1, question=answer.question, kind=answer.kind, state=state,
        facts_number=incident.facts_number, advised=advising.kind_advised(document, answer.question),
        advice=document, reason=answer.reason.strip(), by_id=by.id, by=by.name, at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    log(
        incident, "decision.recorded" if state == DecisionState.IN_FORCE else "decision.proposed", by.name,
        now, made.reason, decision=made.number, question=made.question, kind=made.kind, advised=made.advised,
        against_advice=made.against_advice, facts_version=made.facts_number,
        rules=advice.evaluation.rules_version, staff=by.id,
    )  # fmt: skip
    return made


def _end(decision: Decision, state: DecisionState, by: str, now: datetime, reason: str | None = None) -> None:
    decision.state, decision.ended_by, decision.ended_at, decision.ended_reason = state, by, now, reason
    db.session.flush()


def follow(
    incident: Incident, judged: Assessment, advice: Advised, *, by: str, reason: str, now: datetime
) -> None:
    """Let duties, clocks and playbooks follow what holds now; a step ends when nothing is left to decide."""
    standing = Standing(judged, advice, holding(incident))
    owed.settle(incident, standing, by=by, reason=reason, now=now)
    if not undecided(incident, advice) and not waiting(incident):
        runs.happened(incident.chain, "decision.recorded", actor=by, now=now)


# --- the second person --------------------------------------------------------------------------


def hindrance(decision: Decision, staff: StaffMember) -> str | None:
    """Why this person cannot agree to the decision; None for somebody who can."""
    if decision.by_id == staff.id:
        return _("You decided it yourself: a second person must agree.")
    if not may(staff, Permission.AGREE_TO_DECISION):
        return _("Your role does not allow this.")
    first = db.session.get_one(StaffMember, decision.by_id)
    if not may(staff, Permission.APPROVE_NOTIFICATION) and not may(first, Permission.APPROVE_NOTIFICATION):
        return _("One of the two must be somebody who may approve notifications.")
    return None


def agree(
    incident: Incident, decision: Decision, judged: Assessment, *, facts_number: int, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """A second person agrees, and the decision is in force; false when they have agreed already.

    `facts_number` is the version they saw. Raises: NotAllowed for somebody who cannot, Refused when the
    decision has ended or the facts have moved on.
    """
    if decision.agreed_by_id == by.id and decision.state == DecisionState.IN_FORCE:
        return False
    _check_second(incident, decision, by)
    if incident.facts_number != facts_number:
        raise Refused(
            _("New facts came in while you were reading. Nothing was changed."),
            next_step=_("Read the new facts and what the rules make of them, then decide again."),
        )
    for earlier in _alive(incident, Question(decision.question)):
        if earlier.state == DecisionState.IN_FORCE:
            _end(earlier, DecisionState.REPLACED, by.name, now)
    decision.agreed_by_id, decision.agreed_by, decision.agreed_at = by.id, by.name, now
    decision.state = DecisionState.IN_FORCE
    db.session.flush()
    log(
        incident, "decision.agreed", by.name, now, decision.reason, decision=decision.number,
        question=decision.question, kind=decision.kind, decided_by=decision.by, staff=by.id,
        facts_version=facts_number,
    )  # fmt: skip
    both = _("%(first)s, with %(second)s", first=decision.by, second=by.name)
    advice = advising.advised(incident, now=now)
    follow(incident, judged, advice, by=both, reason=decision.reason, now=now)
    return True


def _check_second(incident: Incident, decision: Decision, by: StaffMember) -> None:
    meeting.refuse_when_over(incident)
    if decision.state != DecisionState.PENDING:
        raise Refused(
            _("This decision does not wait for anybody any more."),
            next_step=_("Look at what was decided since."),
        )
    if why := hindrance(decision, by):
        raise NotAllowed(why, next_step=_("Ask a colleague who may agree."))


def decline(incident: Incident, decision: Decision, *, reason: str, by: StaffMember, now: datetime) -> bool:
    """The second person does not agree, and says why; nothing changes but that it waits no more.

    Raises: as `agree`, and Invalid without a reason.
    """
    if (decision.state, decision.ended_by, decision.ended_reason) == (
        DecisionState.DECLINED, by.name, reason.strip(),
    ):  # fmt: skip
        return False
    _check_second(incident, decision, by)
    _need(reason)
    _end(decision, DecisionState.DECLINED, by.name, now, reason.strip())
    log(
        incident, "decision.declined", by.name, now, reason.strip(), decision=decision.number,
        question=decision.question, kind=decision.kind, staff=by.id,
    )  # fmt: skip
    return True


def withdraw(
    incident: Incident, decision: Decision, judged: Assessment, *, reason: str, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """Take a decision back; its question is open again, and what is open is owed. False for a repetition.

    Raises: Refused when it has ended, Invalid without a reason.
    """
    if (decision.state, decision.ended_by, decision.ended_reason) == (
        DecisionState.WITHDRAWN, by.name, reason.strip(),
    ):  # fmt: skip
        return False
    meeting.refuse_when_over(incident)
    if decision.state not in ALIVE:
        raise Refused(_("This decision has ended already."))
    _need(reason)
    _end(decision, DecisionState.WITHDRAWN, by.name, now, reason.strip())
    log(
        incident, "decision.withdrawn", by.name, now, reason.strip(), decision=decision.number,
        question=decision.question, kind=decision.kind, staff=by.id,
    )  # fmt: skip
    advice = advising.advised(incident, now=now)
    follow(incident, judged, advice, by=by.name, reason=reason.strip(), now=now)
    return True


def lapse(incident: Incident, decision: Decision, *, reason: str, by: StaffMember, now: datetime) -> None:
    """End a decision because what it was about has changed; whoever does so lets the duties follow."""
    _end(decision, DecisionState.WITHDRAWN, by.name, now, reason)
    log(
        incident, "decision.withdrawn", by.name, now, reason, decision=decision.number,
        question=decision.question, kind=decision.kind, staff=by.id,
    )  # fmt: skip


def _need(reason: str) -> None:
    if not reason.strip():
        raise Invalid(_("Say why: it stands in the record."))


def published(
    incident: Incident, decision: Decision, *, where: str, at: datetime, by: StaffMember, now: datetime
) -> bool:
    """People were told in public at `at` (UTC) in place of messages, art. 34(3)(c): the duty is met.

    False when it was met before. Raises: Refused unless that exemption is in force, Invalid without a
    place and for a moment to come.
    """
    meeting.refuse_when_over(incident)
    if (decision.kind, decision.state) != (Kind.EXEMPT_C, DecisionState.IN_FORCE):
        raise Refused(
            _("Only where telling each person takes disproportionate effort are people told in public."),
            next_step=_("Decide that first; a second person must agree."),
        )
    if not where.strip():
        raise Invalid(_("Say where it was published, as an address or the name of a paper."))
    if at > now:
        raise Invalid(_("It cannot have been published in the future."))
    if _unproven_notice(incident):
        raise Refused(
            _("A public notice is prepared here, and was not seen at every place yet."),
            next_step=_("Keep the proof of each place on its page: that meets the duty."),
        )
    duties = meeting.still_open(meeting.duties_of(incident, *clocks.CARRIED[clocks.TELL_PEOPLE]))
    if not duties:
        return False
    log(
        incident, "communication.published", by.name, now, where.strip(), decision=decision.number,
        published_at=at, staff=by.id,
    )  # fmt: skip
    for duty in duties:
        meeting.meet(incident, duty, at=at, actor=by.name, now=now)
        clocks.stop(incident, duty.clock_kind, why=_("The people are told."), actor=by.name, now=now, at=at)
    runs.happened(incident.chain, "subjects.sent", actor=by.name, now=now)
    return True


def _unproven_notice(incident: Incident) -> bool:
    mine = select(PublicNotice.id).where(
        PublicNotice.incident_id == incident.id, PublicNotice.met_at.is_(None)
    )
    return db.session.scalar(mine.limit(1)) is not None


# --- beside the advice --------------------------------------------------------------------------


def advice_has_turned(decision: Decision, now_advised: Kind) -> bool:
    """Whether facts that came since have turned the advice on its question: shown loudly beside it."""
    return decision.state in ALIVE and decision.advised != now_advised
