"""Two reports of one breach become one incident: nothing vanishes, nothing gets later, both numbers work."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import jobs, merging, register, related, stages, triage
from incident.models import Duty, DutyState, Incident, Kind
from incident.rules.lifecycle import State
from notifications import paging
from playbooks import runs
from tests import people
from tests.incident import desk
from tests.incident.test_triage import file_with_authority


def merge(cast, carried, carrier, *, reason="The same copy of the same backup.", who=people.ASTRID):
    with acting_for(cast.promark), transaction():
        found = related.lock(cast.promark, [carried, carrier])
        by = desk.person(cast, who)
        return merging.merge(found[carried], found[carrier], reason=reason, by=by, now=utcnow())


def split_off(cast, carried, *, reason="Another backup after all."):
    with acting_for(cast.promark), transaction():
        incident = related.locked(carried)
        carrier = db.session.get_one(Incident, incident.merged_into_id or carried)
        by = desk.person(cast, people.ASTRID)
        return merging.split_off(incident, carrier, reason=reason, by=by, now=utcnow())


def two(cast, **changes):
    """Two incidents of one breach; the second is the one to be carried."""
    return desk.reported(cast, reference="HC-1"), desk.reported(cast, reference="HC-2", **changes)


def fix(cast, incident_id, at):
    with desk.working(cast, incident_id) as incident:
        after = triage.latest_awareness(incident).number
        triage.fix_awareness(incident, at, reason="They rang.", after=after, by="Astrid Holm", now=utcnow())


def owed_by(cast, incident_id):
    return {(regime, to): state for regime, to, state in desk.duties_of(cast, incident_id)}


# --- awareness and clocks -----------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_the_earlier_awareness_holds_whichever_carries(app, cast, turned):
    one, other = two(cast)
    at = desk.ago(hours=3)
    fix(cast, other, at)
    carried, carrier = (one, other) if turned else (other, one)

    merge(cast, carried, carrier)

    held = desk.incident_of(cast, carrier)
    assert (held.aware_at, held.awareness_is_provisional) == (at, False)
    assert desk.clock_of(cast, carrier, "authority_notification").due_at == at + timedelta(hours=72)
    with acting_for(cast.promark):
        reason = triage.latest_awareness(held).reason
    assert "They rang." in reason
    assert "Provisional, from" in reason


def test_new_facts_do_not_reckon_a_provisional_awareness_later_again(app, cast, clock):
    from incident import intake  # noqa: PLC0415

    early = desk.reported(cast, reference="HC-2")
    due = desk.clock_of(cast, early, "authority_notification").due_at
    clock.move(hours=5)
    late = desk.reported(cast, reference="HC-1")
    merge(cast, early, late)

    with desk.working(cast, late) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1"), now=utcnow())

    assert desk.clock_of(cast, late, "authority_notification").due_at == due
    assert desk.incident_of(cast, late).awareness_is_provisional


def test_a_promise_that_ran_out_earlier_is_not_put_off_by_the_facts_of_the_other(app, cast, clock):
    early = desk.reported(cast, reference="HC-2")
    due = desk.clock_of(cast, early, "own_promise_authority").due_at
    clock.move(hours=5)
    late = desk.reported(cast, reference="HC-1")
    merge(cast, early, late)

    fix(cast, late, desk.ago(minutes=1))

    assert desk.clock_of(cast, late, "own_promise_authority").due_at == due


# --- duties -------------------------------------------------------------------------------------


def test_what_either_owes_is_owed_by_the_one_and_carried_rows_point_there(app, cast):
    carrier, carried = desk.confirmed(cast, reference="HC-1"), desk.assessed(cast, reference="HC-2")
    owed = owed_by(cast, carried)

    merge(cast, carried, carrier)

    assert set(owed) <= set(owed_by(cast, carrier))
    assert set(owed_by(cast, carried).values()) == {"carried"}
    with acting_for(cast.promark):
        for duty in db.session.scalars(select(Duty).where(Duty.incident_id == carried)):
            held = db.session.get_one(Duty, duty.carried_by_id)
            assert (held.incident_id, held.regime, held.recipient, held.state) == (
                carrier, duty.regime, duty.recipient, "open",
            )  # fmt: skip
            assert duty.due_at is None or held.due_at <= duty.due_at


def test_what_one_has_filed_counts_in_part_and_its_lateness_stays_frozen(app, cast):
    carrier, carried = desk.assessed(cast, reference="HC-1"), desk.assessed(cast, reference="HC-2")
    file_with_authority(cast, carried)
    frozen = desk.duty_of(cast, carried, "gdpr-33")

    merge(cast, carried, carrier)

    held, stays = desk.duty_of(cast, carrier, "gdpr-33"), desk.duty_of(cast, carried, "gdpr-33")
    assert (held.state, held.first_filed_at) == ("filed_in_part", frozen.met_at)
    assert (stays.state, stays.met_at, stays.late_by) == ("met", frozen.met_at, frozen.late_by)
    assert stays.carried_by_id == held.id
    assert owed_by(cast, carrier)["gdpr-33", "gb-ico"] == "open", "nobody has told the ICO yet"


def test_two_who_decided_to_tell_nobody_did_not_decide_on_the_other(app, cast):
    carrier = desk.assessed(cast, desk.NOT_TOLD, reference="HC-1")
    desk.agree(cast, carrier)
    assert owed_by(cast, carrier)["gdpr-33", "dk-datatilsynet"] == "not_required"
    carried = desk.confirmed(cast, reference="HC-2")

    merge(cast, carried, carrier)

    assert owed_by(cast, carrier)["gdpr-33", "dk-datatilsynet"] == "open"
    assert (Kind.DO_NOT_NOTIFY, "withdrawn") in desk.decisions_of(cast, carrier)
    assert desk.clock_of(cast, carrier, "authority_notification").stopped_at is None


# --- what ends and what goes on -----------------------------------------------------------------


def test_nothing_is_said_about_the_carried_one_and_somebody_is_called_for_it(app, cast):
    carrier, carried = desk.confirmed(cast, reference="HC-1"), desk.reported(cast, reference="HC-2")

    merge(cast, carried, carrier)

    chains = [desk.incident_of(cast, each).chain for each in (carried, carrier)]
    with acting_for(cast.promark):
        assert paging.nobody_has(chains) == {chains[1]}
        assert runs.next_steps([chains[0]]) == {}
        assert runs.next_steps([chains[1]]) != {}
    assert desk.incident_of(cast, carried).next_due_at is None


def test_the_same_again_changes_nothing(app, cast):
    carrier, carried = two(cast)
    merge(cast, carried, carrier)
    before = desk.actions(cast, carrier), desk.actions(cast, carried)

    assert merge(cast, carried, carrier) is False

    assert (desk.actions(cast, carrier), desk.actions(cast, carried)) == before


def test_without_a_reason_nothing_is_merged(app, cast):
    carrier, carried = two(cast)

    with pytest.raises(Invalid, match="say why"):
        merge(cast, carried, carrier, reason=" ")

    assert desk.incident_of(cast, carried).state == State.REPORTED


def test_what_cannot_be_merged_is_refused_and_says_why(app, cast):
    carrier, carried = two(cast)
    with pytest.raises(Invalid, match="into itself"):
        merge(cast, carrier, carrier)
    with desk.working(cast, carrier) as incident:
        triage.reject(incident, reason="None.", by="Astrid Holm", now=utcnow())
    with pytest.raises(Refused, match="stands still"):
        merge(cast, carried, carrier)
    with desk.working(cast, carrier) as incident:
        incident.drill = True
    with pytest.raises(Refused, match="drills only"):
        merge(cast, carried, carrier)


def test_of_two_opposite_mergers_at_once_one_wins_and_there_is_no_ring(app, cast):
    one, other = two(cast)
    start, outcomes = threading.Barrier(2), {}

    def press(carried, carrier):
        with app.app_context():
            start.wait()
            try:
                outcomes[carried] = merge(cast, carried, carrier)
            except Refused as refusal:
                outcomes[carried] = refusal
            db.session.remove()

    threads = [threading.Thread(target=press, args=pair) for pair in ((one, other), (other, one))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(str(type(each).__name__) for each in outcomes.values()) == ["Refused", "bool"]
    states = {desk.incident_of(cast, each).state for each in (one, other)}
    assert states == {State.REPORTED, State.MERGED}


# --- later reports, record, evidence ------------------------------------------------------------


def test_the_record_tells_both_stories_in_order_and_the_evidence_can_be_checked(app, cast):
    carrier, carried = two(cast)
    merge(cast, carried, carrier)
    with acting_for(cast.promark):
        incident, other = (desk.incident_of(cast, each) for each in (carrier, carried))
        lines = register.record(incident)
        bundle = register.bundle(incident, by="Nils Aas", now=utcnow())

    assert [each.at for each in lines] == sorted(each.at for each in lines)
    assert {each.of for each in lines} == {"", other.number}
    assert len(lines) == len(desk.actions(cast, carrier)) + len(desk.actions(cast, carried))
    assert register.verify_bundle(bundle) == []
    bundle["carries"][0]["entries"][1]["reason"] = "Another one."
    assert [each.chain for each in register.verify_bundle(bundle)] == [other.chain]


# --- taken back ---------------------------------------------------------------------------------


def test_split_off_again_it_owes_what_it_owed_and_the_other_keeps_what_it_owes(app, cast, clock):
    carrier, carried = desk.confirmed(cast, reference="HC-1"), desk.assessed(cast, reference="HC-2")
    due = desk.clock_of(cast, carried, "authority_notification").due_at
    merge(cast, carried, carrier)
    owed = owed_by(cast, carrier)
    clock.move(hours=10)

    split_off(cast, carried)
    assert split_off(cast, carried) is False

    again = desk.incident_of(cast, carried)
    assert (again.state, again.merged_into_id) == (State.CONFIRMED, None)
    assert set(owed_by(cast, carried).values()) == {"open"}
    assert desk.clock_of(cast, carried, "authority_notification").due_at == due
    assert owed_by(cast, carrier) == owed
    with acting_for(cast.promark):
        assert runs.next_steps([again.chain]) != {}


def test_through_two_mergers_all_of_it_reaches_the_last(app, cast):
    first = desk.assessed(cast, reference="HC-1")
    second, third = desk.confirmed(cast, reference="HC-2"), desk.confirmed(cast, reference="HC-3")
    owed = owed_by(cast, first)

    merge(cast, first, second)
    merge(cast, second, third)

    assert set(owed) <= set(owed_by(cast, third))
    with pytest.raises(Refused, match="merged into another"):
        merge(cast, third, first)
    with acting_for(cast.promark):
        assert related.carrier_of(desk.incident_of(cast, first)).id == third
        assert {each.id for each in related.carried_by(desk.incident_of(cast, third))} == {first, second}


def test_what_comes_to_one_that_has_filed_stays_owed_in_part_and_can_be_filed(app, cast):
    carrier, carried = two(cast)
    with everyone():
        jobs.keep_duties()
    file_with_authority(cast, carrier)

    merge(cast, carried, carrier)

    duty = desk.duty_of(cast, carrier, "gdpr-33")
    with acting_for(cast.promark):
        left = [each.key for each in stages.of(duty) if each.filed_at is None]
    assert (duty.state, left) == (DutyState.FILED_IN_PART, ["rest"])
