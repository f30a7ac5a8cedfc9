"""Neighbouring regimes and contracts: switched on, owed in stages, filed, or decided not to apply."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Organisation
from foundation import ledger
from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import assessment, decisions, jobs, neighbours, rungs, stages
from incident.decisions import Answer
from incident.models import DutyState, Kind, Question
from incident.neighbours import Part
from incident.rules.regimes import REGIMES, after_months
from tests import people
from tests.incident import desk

HOUR = timedelta(hours=1)


def by_dorthe(cast, act, *args, **more):
    with acting_for(cast.promark), transaction():
        organisation = db.session.get_one(Organisation, cast.promark)
        return act(organisation, *args, by=desk.person(cast, people.DORTHE), now=utcnow(), **more)


def owing(cast, *regimes, **changes):
    """An incident assessed while the organisation is under these regimes; its id."""
    for key in regimes:
        by_dorthe(cast, neighbours.switch, key, on=True)
    incident_id = desk.assessed(cast, **changes)
    jobs.keep_duties()
    return incident_id


def stages_of(cast, incident_id, regime, recipient):
    duty = desk.duty_of(cast, incident_id, regime, recipient)
    with acting_for(cast.promark):
        return {each.key: each for each in stages.of(duty)}


def filed(cast, incident_id, stage, *, at=None, reference="C-1"):
    with desk.working(cast, incident_id) as incident:
        part = Part(at or utcnow(), reference)
        return neighbours.file_stage(
            incident, stage.id, part, by=desk.person(cast, people.DORTHE), now=utcnow()
        )


# --- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-01-31", "2026-02-28"), ("2028-01-31", "2028-02-29"), ("2026-12-15", "2027-01-15")],
)
def test_a_month_is_a_month_of_the_calendar(start, end):
    at = datetime.fromisoformat(f"{start}T12:00:00+00:00")

    assert after_months(at, 1).isoformat() == f"{end}T12:00:00+00:00"


@pytest.mark.parametrize(
    ("classified", "hours"), [(1, 5), (19, 23), (21, 24), (30, 24), (None, 24)]
)  # fmt: skip
def test_of_two_anchors_the_earlier_end_holds(classified, hours):
    aware = datetime(2026, 10, 6, 9, tzinfo=UTC)
    moments = {"aware": aware, "classified": aware + classified * HOUR if classified else None}

    (initial, *_) = REGIMES.stages("dora", aware)

    assert initial.window(moments)[1] == aware + hours * HOUR


def test_pecr_has_72_hours_only_since_the_act_that_gave_them():
    before, after = (datetime(2025, 8, day, tzinfo=UTC) for day in (19, 20))

    assert [REGIMES.stages("pecr", each)[0].amount for each in (before, after)] == [24, 72]


# --- in the product --------------------------------------------------------------------------------


def test_nobody_owes_by_a_neighbour_that_is_not_switched_on_and_who_switched_is_on_record(app, cast):
    incident_id = desk.assessed(cast)
    jobs.keep_duties()
    assert desk.duty_of(cast, incident_id, "nis2", "csirt") is None

    assert by_dorthe(cast, neighbours.switch, "nis2", on=True) is True
    assert by_dorthe(cast, neighbours.switch, "nis2", on=True) is False
    jobs.keep_duties()

    duty = desk.duty_of(cast, incident_id, "nis2", "csirt")
    assert duty.due_at == desk.incident_of(cast, incident_id).aware_at + 24 * HOUR
    with acting_for(cast.promark):
        (line,) = [e for e in ledger.entries(f"organisation/{cast.promark}") if e.action == "regime.on"]
    assert (line.actor, line.details["regime"]) == ("Dorthe Friis", "nis2")
    by_dorthe(cast, neighbours.switch, "nis2", on=False)
    jobs.keep_duties()
    assert desk.duty_of(cast, incident_id, "nis2", "csirt").is_owed, "what is there stays"


def test_stages_start_at_the_filing_before_and_the_duty_is_met_with_the_last(app, cast, clock):
    incident_id = owing(cast, "nis2")
    clock.move(hours=30)
    early = stages_of(cast, incident_id, "nis2", "csirt")["early"]
    with pytest.raises(Refused, match="Early warning"):
        filed(cast, incident_id, stages_of(cast, incident_id, "nis2", "csirt")["final"])
    with pytest.raises(Invalid, match="reference"):
        filed(cast, incident_id, early, reference=" ")

    at = utcnow().replace(microsecond=0)
    assert [filed(cast, incident_id, early, at=at), filed(cast, incident_id, early)] == [True, False]
    part = desk.duty_of(cast, incident_id, "nis2", "csirt")
    assert (part.state, part.late_by) == (DutyState.FILED_IN_PART, at - part.due_at)
    assert part.late_by > timedelta()
    assert stages_of(cast, incident_id, "nis2", "csirt")["final"].due_at is None, "it starts at the second"
    told = utcnow().replace(microsecond=0)
    filed(cast, incident_id, stages_of(cast, incident_id, "nis2", "csirt")["notification"], at=told)

    final = stages_of(cast, incident_id, "nis2", "csirt")["final"]
    assert final.due_at == after_months(told, 1)
    filed(cast, incident_id, final)
    met = desk.duty_of(cast, incident_id, "nis2", "csirt")
    assert (met.state, met.late_by) == (DutyState.MET, part.late_by)


def test_classifying_it_as_major_brings_the_initial_notification_forward(app, cast):
    incident_id = owing(cast, "dora", timeline={"aware_at": (utcnow() - HOUR).isoformat()})
    before = desk.duty_of(cast, incident_id, "dora", "financial-supervisor").due_at
    at = utcnow().replace(microsecond=0)

    with desk.working(cast, incident_id) as incident:
        neighbours.classify(
            incident, at, reason="Payments stand.", by=desk.person(cast, people.DORTHE), now=utcnow()
        )

    duty = desk.duty_of(cast, incident_id, "dora", "financial-supervisor")
    assert before > duty.due_at == at + 4 * HOUR
    assert desk.incident_of(cast, incident_id).next_due_at <= duty.due_at


def test_two_people_decide_that_a_regime_does_not_apply_and_one_alone_does_not(app, cast):
    incident_id = owing(cast, "nis2")
    answer = Answer(Question.NIS2, Kind.REGIME_NOT_OWED, "Not significant: no service stood still.")
    with desk.working(cast, incident_id) as incident:
        judged = assessment.latest(incident)
        decisions.decide(incident, [answer], judged, by=desk.person(cast, people.DORTHE), now=utcnow())
    assert desk.duty_of(cast, incident_id, "nis2", "csirt").is_owed

    desk.agree(cast, incident_id)

    duty = desk.duty_of(cast, incident_id, "nis2", "csirt")
    assert (duty.state, duty.reason) == (DutyState.NOT_REQUIRED, answer.reason)
    assert duty.decision_id is not None


def test_a_clause_of_a_contract_makes_a_duty_with_its_own_hours(app, cast):
    by_dorthe(
        cast, neighbours.add_clause, name="Tryg Forsikring", clause="Policy 7.2", hours=48, anchor="reported"
    )
    with pytest.raises(Refused, match="already"):
        by_dorthe(cast, neighbours.add_clause, name="Tryg Forsikring", clause="x", hours=1, anchor="aware")

    incident_id = desk.assessed(cast)
    jobs.keep_duties()

    duty = desk.duty_of(cast, incident_id, "contract", "tryg-forsikring")
    assert duty.due_at == desk.incident_of(cast, incident_id).reported_at + 48 * HOUR
    assert duty.terms["name"] == "Tryg Forsikring"

    (told,) = stages_of(cast, incident_id, "contract", "tryg-forsikring").values()
    assert filed(cast, incident_id, told, reference="By telephone, 10:15")
    assert desk.duty_of(cast, incident_id, "contract", "tryg-forsikring").state == DutyState.MET


def test_a_clause_that_was_ended_can_be_agreed_anew_and_a_name_is_never_too_long_for_a_column(app, cast):
    first = by_dorthe(cast, neighbours.add_clause, name="Nordea", clause="4", hours=24, anchor="aware")
    by_dorthe(cast, neighbours.end_clause, first.id)

    again = by_dorthe(cast, neighbours.add_clause, name="Nordea", clause="5", hours=12, anchor="aware")

    assert (again.id, again.clause, again.hours, again.active) == (first.id, "5", 12, True)
    with pytest.raises(Invalid, match="200"):
        by_dorthe(cast, neighbours.add_clause, name="N" * 201, clause="4", hours=1, anchor="aware")


def test_telling_people_has_no_figure_and_is_spoken_of_by_its_age(app, cast, clock):
    incident_id = owing(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-34")

    with acting_for(cast.promark):
        waiting = [
            each for each in rungs.of_incident(desk.incident_of(cast, incident_id)) if each.duty_id == duty.id
        ]

    assert duty.due_at is None
    assert [each.kind for each in waiting] == ["ageing"]


# --- pages --------------------------------------------------------------------------------------


def test_pages_show_regimes_stages_ladder_and_what_holds_a_filing_up(app, cast, signed_in):
    dorthe = signed_in(people.DORTHE)
    assert dorthe.post("/regimes/dora", data={"on": "yes"}).status_code == 303
    kept = {"name": "Nordea", "clause": "§ 4", "hours": "1,5", "anchor": "aware"}
    assert dorthe.post("/regimes/clauses", data=kept).status_code == 303
    assert dorthe.post("/regimes/clauses", data=kept).status_code == 409
    assert "Nordea" in dorthe.get("/regimes").text
    incident_id = owing(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")

    shown = dorthe.get(f"/incidents/{incident_id}").text
    for each in ("Initial notification", "It was classified as major", "−48h", "Nordea", "Next reminder"):
        assert each in shown, each
    address = f"/incidents/{incident_id}/duties/{duty.id}/reasons"
    assert dorthe.post(address, data={"text": "HostCo has not sent its logs."}).status_code == 303
    assert "HostCo has not sent" in dorthe.get(f"/incidents/{incident_id}/authority-notifications").text
    assert signed_in(people.NILS).post("/regimes/nis2", data={"on": "yes"}).status_code == 403
