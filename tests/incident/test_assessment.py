"""Whom to tell is decided by a named person; duties follow, and nothing weakens one in silence."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, utcnow
from foundation.errors import Invalid, Refused
from incident import assessment, intake, owed, triage
from incident.models import Assessment, Duty, DutyState, Kind
from playbooks import runs
from tests import people
from tests.incident import desk

PROMISED = {
    ("promise-authority", "authorities", "open"), ("promise-subjects", "subjects", "open"),
}  # fmt: skip
BY_LAW = {
    ("gdpr-33", "dk-datatilsynet", "open"), ("gdpr-33", "gb-ico", "open"), ("gdpr-34", "subjects", "open"),
}  # fmt: skip


def running(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        steps = runs.steps_for(f"incident/{incident_id}")
        return {step.playbook for step in steps if step.state == "open"}


def test_a_decision_to_tell_makes_duties_by_law_and_by_our_own_promise(app, cast):
    incident_id = desk.assessed(cast)

    assert desk.duties_of(cast, incident_id) == BY_LAW | PROMISED


def test_a_duty_is_due_when_its_clock_runs_out_and_holds_its_terms(app, cast):
    incident_id = desk.assessed(cast)

    duty = desk.duty_of(cast, incident_id, "gdpr-33")

    assert duty.due_at == desk.incident_of(cast, incident_id).aware_at + timedelta(hours=72)
    assert (duty.terms["hours"], duty.terms["role"], duty.provision) == (72, "lead", "GDPR art. 33(1)")
    assert desk.duty_of(cast, incident_id, "gdpr-33", "gb-ico").provision == "UK GDPR art. 33(1)"


def test_the_promise_counts_from_the_breach_and_the_law_from_awareness(app, cast):
    incident_id = desk.assessed(cast)

    promised = desk.duty_of(cast, incident_id, "promise-authority")

    assert desk.duty_of(cast, incident_id, "gdpr-33").due_at - promised.due_at > timedelta(hours=19)


def test_the_playbooks_of_telling_start_and_aim_at_the_earliest_deadline(app, cast):
    incident_id = desk.assessed(cast)

    assert {"authority_notification", "subject_communication"} <= running(cast, incident_id)
    with acting_for(cast.promark):
        steps = {(s.playbook, s.key): s for s in runs.steps_for(f"incident/{incident_id}")}
    filing = steps["authority_notification", "file"]
    assert filing.due_at == desk.duty_of(cast, incident_id, "promise-authority").due_at
    assert steps["processor_breach", "decide"].done_by == "Dorthe Friis"


def test_an_assessment_keeps_the_advice_as_it_stood(app, cast):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1", compromised=None), now=utcnow())

    with acting_for(cast.promark):
        kept = db.session.scalars(select(Assessment)).one()

    assert kept.facts_number == 1
    assert kept.advice["breach"] == "yes"
    assert kept.advice["authority_notification"]["reasons"][0]["source"] == "GDPR art. 33(1)"


def test_the_same_decision_sent_twice_is_recorded_once(app, cast):
    incident_id = desk.assessed(cast)

    desk.assess(cast, incident_id, after=0)

    assert desk.actions(cast, incident_id).count("assessment.recorded") == 1
    assert desk.duties_of(cast, incident_id) == BY_LAW | PROMISED


def test_of_two_who_assess_at_once_the_second_is_told_of_the_first(app, cast):
    incident_id = desk.assessed(cast)

    with pytest.raises(Refused, match="Dorthe Friis assessed it"):
        desk.assess(cast, incident_id, desk.verdict(*desk.TELL, risk="risk"), after=0)


def test_a_decision_on_facts_that_are_no_longer_the_latest_is_refused(app, cast):
    incident_id = desk.confirmed(cast)
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1"), now=utcnow())

    with pytest.raises(Refused, match="New facts came in"):
        desk.assess(cast, incident_id, facts_number=1)


def test_what_two_people_decided_is_not_owed_says_why(app, cast):
    incident_id = desk.assessed(cast, desk.NOT_TOLD)

    desk.agree(cast, incident_id)

    with acting_for(cast.promark):
        duties = db.session.scalars(select(Duty)).all()
    assert {(duty.state, duty.reason) for duty in duties} == {("not_required", "Keys safe.")}
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is not None
    assert "authority_notification" not in running(cast, incident_id)


def test_no_decision_stands_without_a_reason(app, cast):
    incident_id = desk.confirmed(cast)

    with pytest.raises(Invalid, match="reason"):
        desk.assess(cast, incident_id, desk.verdict(*desk.TELL, reason=" "))


def test_only_a_confirmed_breach_is_assessed(app, cast):
    incident_id = desk.reported(cast)

    with pytest.raises(Refused, match="confirmed"):
        desk.assess(cast, incident_id)


def test_a_change_of_mind_towards_telling_makes_the_duty_owed_again_with_its_old_deadline(app, cast):
    incident_id = desk.assessed(cast, desk.NOT_TOLD)
    desk.agree(cast, incident_id)
    due = desk.duty_of(cast, incident_id, "gdpr-33").due_at

    desk.assess(cast, incident_id, desk.verdict(*desk.TELL, reason="The key was taken too."))

    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (duty.state, duty.due_at) == (DutyState.OPEN, due)
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is None
    assert "duty.reopened" in desk.actions(cast, incident_id)
    assert "authority_notification" in running(cast, incident_id)


def test_a_duty_that_is_met_stays_met_whatever_is_decided_later(app, cast):
    incident_id = desk.assessed(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    with desk.working(cast, incident_id):
        met = db.session.get_one(Duty, duty.id)
        met.state, met.met_at = DutyState.MET, utcnow()
        met.first_filed_at, met.late_by = met.met_at, timedelta()

    desk.assess(cast, incident_id, desk.NOT_TOLD)
    desk.agree(cast, incident_id)

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.NOT_REQUIRED


def test_a_lower_risk_takes_back_no_duty_by_itself(app, cast):
    incident_id = desk.assessed(cast)

    desk.assess(cast, incident_id, desk.verdict(risk="risk", reason="Fewer people."))

    assert desk.duty_of(cast, incident_id, "gdpr-34").state == DutyState.OPEN


def test_at_softwerk_which_promises_nothing_only_the_law_counts(app, cast):
    incident_id = desk.reported(cast, organisation="softwerk", processor=None)
    with desk.working(cast, incident_id, "softwerk") as incident:
        triage.confirm(incident, by="Eskil", now=utcnow())
        assessment.record(
            incident,
            desk.verdict(Kind.NOTIFY, Kind.COMMUNICATE),
            after=0,
            facts_number=1,
            by=desk.person(cast, people.ESKIL),
            now=utcnow(),
        )
        assert {duty.regime for duty in owed.duties_of(incident)} == {"gdpr-33", "gdpr-34"}


def test_people_who_are_told_without_a_law_that_asks_are_owed_it_all_the_same(app, cast):
    incident_id = desk.reported(
        cast, organisation="softwerk", processor=None, disclosure={"exfiltration": "not_excluded"},
        data={"categories": ["name"], "identifiability": "direct"}, cause={"category": "human_error"},
    )  # fmt: skip
    told = desk.verdict(Kind.NOTIFY, Kind.COMMUNICATE, risk="risk")
    with desk.working(cast, incident_id, "softwerk") as incident:
        triage.confirm(incident, by="Eskil", now=utcnow())
        assessment.record(
            incident, told, after=0, facts_number=1, by=desk.person(cast, people.ESKIL), now=utcnow()
        )
        found = {duty.regime: duty for duty in owed.duties_of(incident)}
    assert found["gdpr-34"].state == DutyState.OPEN
    assert found["gdpr-34"].due_at is None


def test_awareness_corrected_after_the_decision_moves_duty_and_reminders(app, cast):
    incident_id, at = desk.assessed(cast), desk.ago(hours=9)

    with desk.working(cast, incident_id) as incident:
        triage.fix_awareness(incident, at, reason="Telephone.", after=1, by="Dorthe Friis", now=utcnow())

    assert desk.duty_of(cast, incident_id, "gdpr-33").due_at == at + timedelta(hours=72)


def test_a_promise_that_ran_out_before_anybody_knew_does_not_hide_the_laws_deadline(app, cast, clock):
    early = {"occurred_from": (utcnow() - timedelta(hours=100)).isoformat(), "ongoing": "no"}
    incident_id = desk.assessed(cast, timeline=early)

    with acting_for(cast.promark):
        steps = {(s.playbook, s.key): s for s in runs.steps_for(f"incident/{incident_id}")}

    assert desk.duty_of(cast, incident_id, "promise-authority").due_at < utcnow()
    filing = steps["authority_notification", "file"]
    assert filing.due_at == desk.duty_of(cast, incident_id, "gdpr-33").due_at
