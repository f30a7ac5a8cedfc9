"""Whom to tell is decided by one person, whom not by two; until then nothing changes."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, NotAllowed, Refused
from incident import assessment, decisions, intake, triage
from incident.models import Decision, DecisionState, DutyState, Kind, Question
from playbooks import runs
from tests import people
from tests.incident import desk

WHY = "Keys safe."
NOT_TO_NOTIFY = desk.verdict(Kind.DO_NOT_NOTIFY, Kind.COMMUNICATE, Kind.KEEP_PROMISE, reason=WHY)


def waiting(cast, *, who=people.DORTHE, told=NOT_TO_NOTIFY):
    """An incident with a decision not to notify that waits for a second person."""
    incident_id = desk.confirmed(cast)
    desk.assess(cast, incident_id, told, who=who)
    return incident_id


def act(cast, incident_id, what, *, who, question=Question.AUTHORITY, **more):
    with desk.working(cast, incident_id) as incident:
        made = [each for each in decisions.of_incident(incident) if each.question == question]
        by = desk.person(cast, who)
        return what(incident, made[-1], by=by, now=utcnow(), **more)


def agree(cast, incident_id, *, who=people.BIRK, facts_number=1):
    with desk.working(cast, incident_id) as incident:
        judged = assessment.latest(incident)
    return act(cast, incident_id, decisions.agree, who=who, judged=judged, facts_number=facts_number)


# --- alone, and together --------------------------------------------------------------------------


def test_a_decision_not_to_notify_by_one_person_alone_changes_no_duty(app, cast):
    incident_id = waiting(cast)

    assert desk.decisions_of(cast, incident_id)[0] == ("do_not_notify", "pending")
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN
    clock = desk.clock_of(cast, incident_id, "authority_notification")
    assert (clock.stopped_at, clock.due_at is None) == (None, False)


def test_it_is_in_force_when_a_second_person_has_agreed(app, cast):
    incident_id = waiting(cast)

    assert agree(cast, incident_id) is True

    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (duty.state, duty.reason) == (DutyState.NOT_REQUIRED, WHY)
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is not None
    assert {"decision.proposed", "decision.agreed"} <= set(desk.actions(cast, incident_id))


def test_who_decided_cannot_be_the_second_person(app, cast):
    incident_id = waiting(cast)

    with pytest.raises(NotAllowed, match="yourself"):
        agree(cast, incident_id, who=people.DORTHE)


def test_two_responders_cannot_decide_it_between_them(app, cast):
    incident_id = waiting(cast, who=people.ASTRID)

    with pytest.raises(NotAllowed, match="may approve notifications"):
        agree(cast, incident_id, who=people.BIRK)
    assert agree(cast, incident_id, who=people.DORTHE) is True


@pytest.mark.parametrize("who", [people.NILS, people.OLGA])
def test_who_only_reads_agrees_to_nothing(app, cast, who):
    incident_id = waiting(cast)

    with pytest.raises(NotAllowed):
        agree(cast, incident_id, who=who)


def test_agreeing_twice_is_agreeing_once(app, cast):
    incident_id = waiting(cast)

    assert [agree(cast, incident_id) for _ in range(2)] == [True, False]
    assert desk.actions(cast, incident_id).count("decision.agreed") == 1


def test_nobody_agrees_to_what_they_have_not_seen(app, cast):
    incident_id = waiting(cast)
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1", title="Worse"), now=utcnow())

    with pytest.raises(Refused, match="New facts came in"):
        agree(cast, incident_id, facts_number=1)
    assert agree(cast, incident_id, facts_number=2) is True


# --- the database itself --------------------------------------------------------------------------


def tamper(**values):
    """Write past the code; what the database says to it."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    with everyone(), transaction() as session:
        bound = {name: value.hex if db.engine.dialect.name == "sqlite" and hasattr(value, "hex") else value
                 for name, value in values.items()}  # fmt: skip
        session.execute(text(f"UPDATE decisions SET {changes} WHERE kind = 'do_not_notify'"), bound)


def test_the_database_refuses_the_same_person_twice(app, cast):
    waiting(cast)

    with pytest.raises(DatabaseError, match="two_different_people"):
        tamper(state="in_force", agreed_by_id=cast.staff[people.DORTHE], agreed_at=utcnow())


def test_the_database_refuses_not_to_tell_without_a_second_person(app, cast):
    waiting(cast)

    with pytest.raises(DatabaseError, match="do_not_needs_two"):
        tamper(state="in_force")


@pytest.mark.parametrize(
    "change", [{"kind": "notify_authority"}, {"reason": "Other."}, {"advised": "communicate"}, {"number": 9}]
)
def test_the_database_lets_nobody_edit_what_was_decided(app, cast, change):
    waiting(cast)

    with pytest.raises(DatabaseError, match="stands as it was said"):
        tamper(**change)


def test_nor_who_decided_it(app, cast):
    waiting(cast)

    with pytest.raises(DatabaseError, match="stands as it was said"):
        tamper(by_id=cast.staff[people.BIRK])


def test_the_database_lets_no_decision_come_back(app, cast):
    incident_id = waiting(cast)
    act(cast, incident_id, decisions.decline, who=people.BIRK, reason="No.")

    with pytest.raises(DatabaseError, match="does not hold again"):
        tamper(state="pending")


def test_the_database_lets_no_decision_go(app, cast):
    waiting(cast)

    with pytest.raises(DatabaseError, match="stands as it was said"), everyone(), transaction() as session:
        session.execute(text("DELETE FROM decisions"))


def once_more(cast):
    """Write the decision towards the authority a second time, past the code."""
    with acting_for(cast.promark), transaction() as session:
        held = session.scalars(select(Decision).where(Decision.question == Question.AUTHORITY)).one()
        columns = {each.name for each in Decision.__table__.columns} - {"id", "number"}
        session.add(Decision(number=99, **{name: getattr(held, name) for name in columns}))


def test_one_decision_at_a_time_is_in_force_on_a_question(app, cast):
    desk.assessed(cast)

    with pytest.raises(DatabaseError):
        once_more(cast)


# --- otherwise ------------------------------------------------------------------------------------


def test_who_does_not_agree_says_why_and_the_duty_stays_open(app, cast):
    incident_id = waiting(cast)

    act(cast, incident_id, decisions.decline, who=people.BIRK, reason="The key was in the copy.")

    assert desk.decisions_of(cast, incident_id)[0] == ("do_not_notify", "declined")
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN
    with pytest.raises(Refused, match="does not wait"):
        agree(cast, incident_id)


def test_a_decision_to_notify_after_one_not_to_holds_at_once_and_the_duty_is_owed_again(app, cast):
    incident_id = waiting(cast)
    agree(cast, incident_id)
    due = desk.duty_of(cast, incident_id, "gdpr-33").due_at

    desk.assess(cast, incident_id, desk.verdict(Kind.NOTIFY, reason="The key was taken too."))

    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (duty.state, duty.due_at) == (DutyState.OPEN, due)
    kinds = [each for each in desk.decisions_of(cast, incident_id) if each[0] != "communicate"]
    assert kinds == [("do_not_notify", "replaced"), ("keep_promise", "in_force"),
                     ("notify_authority", "in_force")]  # fmt: skip


def test_to_notify_holds_on_while_not_to_waits(app, cast):
    incident_id = desk.assessed(cast)

    desk.assess(cast, incident_id, desk.verdict(Kind.DO_NOT_NOTIFY, reason="Keys safe."))

    states = [each for each in desk.decisions_of(cast, incident_id) if "notify" in each[0]]
    assert states == [("notify_authority", "in_force"), ("do_not_notify", "pending")]
    agree(cast, incident_id)
    states = [each for each in desk.decisions_of(cast, incident_id) if "notify" in each[0]]
    assert states == [("notify_authority", "replaced"), ("do_not_notify", "in_force")]


def test_what_is_withdrawn_is_open_again_and_what_is_open_is_owed(app, cast):
    incident_id = waiting(cast)
    agree(cast, incident_id)
    with desk.working(cast, incident_id) as incident:
        judged = assessment.latest(incident)

    act(cast, incident_id, decisions.withdraw, who=people.ASTRID, judged=judged, reason="Too early.")

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is None
    assert desk.decisions_of(cast, incident_id)[0] == ("do_not_notify", "withdrawn")


@pytest.mark.parametrize("kind", [Kind.EXEMPT_A, Kind.EXEMPT_B])
def test_an_exemption_takes_two_and_frees_from_telling_people(app, cast, kind):
    incident_id = waiting(cast, told=desk.verdict(Kind.NOTIFY, kind, Kind.KEEP_PROMISE, reason=WHY))
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.OPEN

    desk.agree(cast, incident_id)

    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.NOT_REQUIRED
    assert desk.duty_of(cast, incident_id, "promise-subjects").state == DutyState.OPEN


def test_disproportionate_effort_frees_from_nothing_until_people_were_told_in_public(app, cast):
    told = desk.verdict(Kind.NOTIFY, Kind.EXEMPT_C, Kind.PROMISE_NOT_OWED, reason=WHY)
    incident_id = waiting(cast, told=told)
    desk.agree(cast, incident_id)
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.OPEN

    publish = {"where": "Jyllands-Posten, page 3", "at": utcnow()}
    act(cast, incident_id, decisions.published, who=people.DORTHE, question=Question.PEOPLE, **publish)

    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.MET
    assert desk.clock_of(cast, incident_id, "subject_communication").stopped_at is not None


def test_a_promise_is_not_owed_only_when_two_say_so(app, cast):
    told = desk.verdict(Kind.NOTIFY, Kind.COMMUNICATE, Kind.PROMISE_NOT_OWED, identifiable="no")
    incident_id = waiting(cast, told=told)
    assert desk.duty_of(cast, incident_id, "promise-authority").state == DutyState.OPEN

    desk.agree(cast, incident_id)

    assert desk.duty_of(cast, incident_id, "promise-authority").state == DutyState.NOT_REQUIRED
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN


def test_a_decision_needs_its_reason_and_an_assessment_beneath_it(app, cast):
    incident_id = desk.confirmed(cast)
    with desk.working(cast, incident_id) as incident, pytest.raises(Refused, match="assessed the risk"):
        assessment.latest(incident)

    desk.assess(cast, incident_id, desk.verdict())
    answer = decisions.Answer(Question.AUTHORITY, Kind.NOTIFY, " ")
    with desk.working(cast, incident_id) as incident:
        judged, by = assessment.latest(incident), desk.person(cast, people.DORTHE)
        with pytest.raises(Invalid, match="reason"):
            decisions.decide(incident, [answer], judged, by=by, now=utcnow())


# --- beside the advice ----------------------------------------------------------------------------


def test_a_decision_keeps_what_was_advised_and_says_that_it_differs(app, cast):
    waiting(cast)

    with acting_for(cast.promark):
        kept = db.session.scalars(select(Decision).where(Decision.question == "authority")).one()
    assert (kept.kind, kept.advised, kept.against_advice) == ("do_not_notify", "notify_authority", True)
    assert kept.advice["authority_notification"]["required"] is True


def test_an_undecided_question_leaves_the_duty_open_and_the_step_undone(app, cast):
    incident_id = desk.confirmed(cast)
    desk.assess(cast, incident_id, desk.verdict(Kind.COMMUNICATE, Kind.KEEP_PROMISE))

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN
    with acting_for(cast.promark):
        steps = {each.key: each.state for each in runs.steps_for(f"incident/{incident_id}")}
    assert (steps["assess"], steps["decide"]) == ("done", "open")


def test_an_incident_with_a_decision_that_waits_is_not_closed(app, cast):
    incident_id = desk.assessed(cast, desk.verdict(*desk.TELL_NOBODY, reason=WHY))

    with pytest.raises(Refused, match="waits for a second person"), desk.working(cast, incident_id) as it:
        triage.close(it, reason="Done.", by="Dorthe Friis", now=utcnow())

    desk.agree(cast, incident_id)
    with desk.working(cast, incident_id) as incident:
        told = {"reason": "Done.", "owes_nothing_because": WHY, "by": "Dorthe Friis", "now": utcnow()}
        assert triage.close(incident, **told) is True


def test_history_is_kept_of_everything_that_was_decided(app, cast):
    incident_id = waiting(cast)
    act(cast, incident_id, decisions.decline, who=people.BIRK, reason="No.")
    desk.assess(cast, incident_id, desk.verdict(Kind.DO_NOT_NOTIFY, reason="Logs prove it."))
    agree(cast, incident_id)

    states = [state for kind, state in desk.decisions_of(cast, incident_id) if kind == "do_not_notify"]

    assert states == [DecisionState.DECLINED, DecisionState.IN_FORCE]
