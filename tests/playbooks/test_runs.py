"""Playbooks carried out on a database: started, spoken of, done, moved, ended."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, transaction
from foundation.errors import Missing, Refused
from notifications import paging
from notifications.models import Rotation
from playbooks import library, runs
from playbooks.models import ReminderRecord, Run, RunState, StepRecord, StepState

HOUR = timedelta(hours=1)


def actions(house):
    return [entry.action for entry in ledger.entries(house.about)]


def finish(house, *events):
    for event in events:
        house.do(runs.happened, house.about, event, actor="Astrid")


def leave(staff_id):
    with transaction():
        db.session.execute(update(StaffMember).where(StaffMember.id == staff_id).values(active=False))


# --- starting -----------------------------------------------------------------------------------


def test_a_report_pages_who_is_on_call_in_the_transaction_that_starts_the_playbook(house):
    house.start()

    [page] = house.pages()
    assert (page.about, page.template) == (house.about, "page_report")
    assert house.messages(to=house.astrid) == [("page_report", "Reach whoever is on call", "")]


def test_when_the_transaction_fails_neither_run_nor_page_is_left(house):
    def start_and_fail(now):
        runs.start(
            "processor_breach", organisation_id=house.promark, about=house.about, summary="PM-1", facts={},
            anchors={"reported": now}, actor="HostCo", now=now,
        )  # fmt: skip
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        house.do(start_and_fail)

    assert (house.pages(), house.steps(), ledger.entries(house.about)) == ([], {}, [])


def test_the_same_report_again_starts_nothing_twice(house):
    first = house.start()

    assert house.start().id == first.id
    assert len(house.pages()) == 1
    assert actions(house).count("playbook.started") == 1


def test_the_database_itself_refuses_a_second_running_run_about_the_same(house):
    run = house.start()

    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            Run(
                organisation_id=house.promark, about=run.about, playbook=run.playbook, definition="",
                definition_hash="", anchors={}, summary="", started_at=house.now, started_by="x",
            )
        )  # fmt: skip


def test_a_message_names_the_step_the_time_left_and_where_to_go_and_no_person(house):
    house.start(reported=house.now, due=house.now + timedelta(hours=72))

    [page] = house.pages()

    assert page.context == {
        "number": "PM-2026-0007", "organisation": "ProMark", "step": "Reach whoever is on call",
        "timezone": "Europe/Copenhagen", "due_at": "2026-10-05T01:00:00+00:00", "hours_left": "72",
        "path": house.about.replace("incident/", "/incidents/"),
    }  # fmt: skip


def test_steps_whose_anchor_is_unknown_wait_without_a_time(house):
    house.start(reported=house.now)

    steps = house.steps()

    assert steps["triage"].due_at == house.now + 4 * HOUR
    assert steps["decide"].due_at is None
    assert next(iter(steps)) == "reach_on_call"
    assert list(steps)[-1] == "record"


def test_facts_rule_a_step_out_with_a_reason_and_unknown_ones_do_not(house):
    house.start(facts={"timeline": {"ongoing": "no"}})
    house.start(about="incident/other", facts={"timeline": {"ongoing": "unknown"}})

    ruled_out = house.steps()["contain"]
    assert (ruled_out.state, ruled_out.reason) == (
        StepState.NOT_APPLICABLE,
        "The facts rule it out: timeline.ongoing",
    )
    assert house.steps("incident/other")["contain"].state is StepState.OPEN


def test_a_run_keeps_the_text_it_started_with(house):
    run = house.start()

    assert run.definition == library.playbook("processor_breach").text
    assert run.definition_hash == library.playbook("processor_breach").hash


def test_an_unknown_anchor_or_an_instant_without_a_zone_starts_nothing(house):
    with pytest.raises(ValueError, match="yesterday"):
        house.start(yesterday=house.now)
    with pytest.raises(ValueError, match="zone"):
        house.start(reported=datetime(2026, 10, 2, 3, 0))  # noqa: DTZ001  the fault under test

    assert house.steps() == {}


# --- reminders ----------------------------------------------------------------------------------


def test_a_reminder_arrives_by_itself_and_once(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)

    house.until(25)

    told = [m for m in house.messages(to=house.dorthe) if m[1] == "File it with the authority"]
    assert told == [("deadline_reminder", "File it with the authority", "48")]


def test_after_an_outage_of_twenty_hours_one_reminder_comes_and_the_others_are_on_record(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    house.until(47.9)

    house.now += 20 * HOUR
    house.until(68.1)

    told = [m[2] for m in house.messages(to=house.dorthe) if m[1] == "File it with the authority"]
    assert told == ["48", "4"]
    rows = db.session.scalars(
        select(ReminderRecord)
        .join(StepRecord, StepRecord.id == ReminderRecord.step_id)
        .where(StepRecord.key == "file")
        .order_by(ReminderRecord.at)
    )
    assert [(row.sent_at is not None, row.skipped_because is not None) for row in rows] == [
        (True, False), (False, True), (False, True), (True, False)
    ]  # fmt: skip


def test_reminders_go_on_after_the_deadline_until_it_is_filed(house):
    house.start("authority_notification", due=house.now + 2 * HOUR)
    house.until(6.2)

    finish(house, "authority.filed")
    before = len(house.messages())
    house.until(20, step=HOUR)

    filing = [m[2] for m in house.messages(to=house.dorthe) if m[1] == "File it with the authority"]
    assert filing[-4:] == ["-1", "-2", "-3", "-4"]
    assert [m[1] for m in house.messages()[before:]] == []


def test_an_acknowledged_page_quiets_no_reminder(house):
    house.start()
    [page] = house.pages()
    house.do(paging.acknowledge, page.id, house.astrid, way="sms")

    house.until(2.1)

    assert house.messages(to=house.astrid, template="step_reminder") == [
        ("step_reminder", "Read the report and say what it is", "2")
    ]


def test_an_acknowledged_page_completes_the_step_that_waited_for_it(house):
    house.start()
    [page] = house.pages()
    house.do(paging.acknowledge, page.id, house.astrid, way="sms")

    house.until(0.1)

    step = house.steps()["reach_on_call"]
    assert (step.state, step.done_by) == (StepState.DONE, "Astrid")


@pytest.mark.parametrize("owned", [True, False])
def test_the_owner_is_reminded_and_without_one_everybody_with_the_role(house, owned):
    house.start(owners={"responder": house.birk} if owned else {})

    house.until(6.1)

    fixing = ("step_reminder", "Fix the moment of awareness", "2")
    assert fixing in house.messages(to=house.birk)
    assert (fixing in house.messages(to=house.astrid)) is not owned


def test_a_step_of_somebody_who_has_left_goes_to_the_role(house):
    house.start("authority_notification", owners={"dpo": house.birk}, due=house.now + 48 * HOUR + HOUR / 2)
    with transaction():
        db.session.execute(update(StaffMember).where(StaffMember.id == house.birk).values(active=False))

    house.until(1)

    assert house.messages(to=house.birk) == []
    assert house.messages(to=house.dorthe) == [("deadline_reminder", "File it with the authority", "48")]


def test_a_reminder_that_would_reach_nobody_pages_who_is_on_call(house):
    with transaction():
        db.session.execute(update(StaffMember).where(StaffMember.id == house.dorthe).values(active=False))
        db.session.execute(delete(Rotation))
    house.start("authority_notification", due=house.now + 48 * HOUR)

    assert len(house.pages()) == 1
    assert "step.paged" in actions(house)


def test_who_is_paged_is_not_reminded_as_well(house):
    house.start()

    house.until(3.1)

    last = [m for m in house.messages(to=house.astrid) if m[2] == "1"]
    assert last == [("page_deadline", "Read the report and say what it is", "1")]


def test_an_acknowledged_deadline_is_paged_again_while_its_step_is_open(house):
    house.start("authority_notification", due=house.now + 3 * HOUR)
    [page] = house.pages()
    house.do(paging.acknowledge, page.id, house.astrid, way="sms")

    house.until(2.1)

    assert [(each.template, each.state) for each in house.pages()] == [
        ("page_deadline", "ended"),
        ("page_deadline", "open"),
    ]


# --- moving -------------------------------------------------------------------------------------


def test_a_corrected_awareness_moves_what_is_not_done_and_nothing_else(house):
    house.start()
    finish(house, "assessment.recorded")

    earlier = house.now - 10 * HOUR
    house.do(runs.move_anchor, house.about, "aware", earlier, actor="Astrid", reason="HostCo knew before.")

    steps = house.steps()
    assert steps["decide"].due_at == earlier + 48 * HOUR
    assert steps["assess"].due_at == house.midnight + 36 * HOUR
    assert steps["triage"].due_at == house.midnight + 4 * HOUR
    [moved] = [entry for entry in ledger.entries(house.about) if entry.action == "anchor.moved"]
    assert moved.reason == "HostCo knew before."
    assert datetime.fromisoformat(moved.details["after"]) == earlier
    assert "assess" not in moved.details["steps"]


def test_a_correction_that_changes_nothing_leaves_no_trace(house):
    house.start()

    house.do(runs.move_anchor, house.about, "aware", house.now, actor="Astrid", reason="Again.")

    assert "anchor.moved" not in actions(house)


def test_an_awareness_that_lies_long_ago_is_spoken_of_at_once(house):
    house.start(reported=house.now)

    house.do(
        runs.move_anchor, house.about, "aware", house.now - 47 * HOUR, actor="Astrid", reason="Told then."
    )

    assert ("step_reminder", "Decide whom to tell", "1") in house.messages(to=house.dorthe)


# --- steps --------------------------------------------------------------------------------------


def test_a_step_is_done_by_a_named_person_with_a_note(house):
    house.start()
    step = house.steps()["ask_processor"]

    house.do(runs.complete_step, step.id, by="Astrid", note="Asked by telephone.")

    done = house.steps()["ask_processor"]
    assert (done.state, done.done_by, done.done_at, done.note) == (
        StepState.DONE, "Astrid", house.now, "Asked by telephone."
    )  # fmt: skip
    assert actions(house)[-1] == "step.completed"


def test_a_step_is_left_out_only_with_a_reason(house):
    house.start()
    step = house.steps()["ask_processor"]

    with pytest.raises(Refused, match="reason"):
        house.do(runs.skip_step, step.id, by="Astrid", reason="  ")
    house.do(runs.skip_step, step.id, by="Astrid", reason="HostCo told everything.")

    assert house.steps()["ask_processor"].reason == "HostCo told everything."


def test_a_closed_step_is_not_closed_again(house):
    house.start()
    step = house.steps()["ask_processor"]
    house.do(runs.complete_step, step.id, by="Astrid")

    with pytest.raises(Refused, match="closed already"):
        house.do(runs.skip_step, step.id, by="Birk", reason="Not needed.")
    with pytest.raises(Missing):
        house.do(runs.complete_step, house.promark, by="Birk")


@pytest.mark.parametrize(
    "lie", [{"state": "done"}, {"state": "open", "done_at": datetime.fromisoformat("2026-10-02T01:00Z")},
            {"state": "skipped", "done_at": datetime.fromisoformat("2026-10-02T01:00Z"), "done_by": "x"}]
)  # fmt: skip
def test_the_database_refuses_a_state_that_its_row_cannot_show(house, lie):
    house.start()

    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(StepRecord).where(StepRecord.key == "triage").values(**lie))


def test_an_event_completes_the_steps_it_does_and_stops_the_page(house):
    house.start()

    count = house.do(runs.happened, house.about, "awareness.fixed", actor="Astrid")

    done = {key for key, step in house.steps().items() if step.state is StepState.DONE}
    assert done == {"reach_on_call", "triage", "fix_awareness"}
    assert count == 3
    assert {page.state for page in house.pages()} == {"ended"}


def test_a_step_that_is_done_ends_no_page_of_a_duty(house):
    house.start()
    duties = {
        "number": "PM-1", "organisation": "ProMark", "timezone": "Europe/Copenhagen", "count": "1",
        "duties": [], "step": "", "due_at": house.now.isoformat(), "hours_left": "0", "path": "/",
    }  # fmt: skip
    house.do(
        paging.page, organisation_id=house.promark, about=house.about, template="page_duty", must_by=None,
        actor="Breachclock", context=duties,
    )  # fmt: skip

    house.do(runs.happened, house.about, "awareness.fixed", actor="Astrid")

    assert {page.template: page.state for page in house.pages()} == {
        "page_report": "ended",
        "page_duty": "open",
    }


def test_an_event_nobody_knows_is_refused(house):
    with pytest.raises(ValueError, match="no event"):
        house.do(runs.happened, house.about, "incident.exploded", actor="Astrid")


def test_a_rejected_incident_ends_its_run_and_is_never_spoken_of_again(house):
    house.start()

    finish(house, "incident.rejected")
    before = len(house.messages())
    house.until(40)

    assert {step.state for step in house.steps().values()} == {StepState.DONE, StepState.NOT_APPLICABLE}
    assert len(house.messages()) == before
    assert "playbook.ended" in actions(house)


def test_a_run_ends_with_its_last_step(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)

    finish(house, "authority.drafted", "authority.approved", "authority.filed", "authority.receipt")

    run = db.session.scalars(select(Run)).one()
    assert (run.state, run.next_due_at, run.ended_at) == (RunState.ENDED, None, house.now)


def test_what_has_ended_is_not_moved(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    house.do(runs.end, house.about, actor="Dorthe", reason="No risk.")
    before = actions(house)

    later = house.now + 96 * HOUR
    house.do(runs.move_anchor, house.about, "due", later, actor="Dorthe", reason="Too late for that.")

    assert actions(house) == before
    assert house.steps()["file"].due_at == house.now + 72 * HOUR


def test_a_decision_not_to_notify_ends_that_playbook_alone(house):
    house.start()
    house.start("authority_notification", due=house.now + 72 * HOUR)

    house.do(runs.end, house.about, "authority_notification", actor="Dorthe", reason="No risk.")

    states = {run.playbook: run.state for run in db.session.scalars(select(Run))}
    assert states == {"processor_breach": RunState.RUNNING, "authority_notification": RunState.ENDED}
    assert house.steps()["file"].reason == "No risk."


def test_every_change_of_a_run_stands_in_a_ledger_that_holds(house):
    house.start()
    house.until(5)
    finish(house, "incident.confirmed", "assessment.recorded", "incident.closed")

    assert ledger.verify() == []
    sent = db.session.scalar(select(func.count()).where(ReminderRecord.sent_at.is_not(None)))
    assert sum(action in {"step.paged", "step.reminded"} for action in actions(house)) == sent
