"""The ladder of a duty: each rung once, caught up after an outage, moved with the deadline, never quieted."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, transaction, utcnow
from incident import assessment, clocks, decisions, intake, jobs, meeting, owed, reminding, roles, triage
from incident.models import AuthorityNotification, Duty, DutyRung, DutyState
from notifications import paging
from notifications.models import Message
from notifications.rendering import render
from playbooks import runs
from tests import people
from tests.incident import controllers, desk

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
GOOD_FRIDAY = datetime(2028, 4, 14, 16, 45, tzinfo=COPENHAGEN)
EASTER_MONDAY = date(2028, 4, 17)


@pytest.fixture
def at(clock):
    """Moves the clock to an instant: `at(GOOD_FRIDAY)`."""
    return lambda instant: clock.move(seconds=(instant - utcnow()).total_seconds())


def tick():
    """One round of what the clock does about duties."""
    jobs.keep_duties()
    return jobs.remind_of_duties()


def told(cast, template="duty_reminder", channel="email"):
    """What was written about duties, oldest first, as (hours left, replaced, how many duties)."""
    with acting_for(cast.promark):
        db.session.rollback()
        mine = select(Message).where(Message.template == template, Message.channel == channel)
        return [
            (each.context["hours_left"], each.context.get("replaced", ""), each.context["count"])
            for each in db.session.scalars(mine.order_by(Message.id))
            if template != "duty_reminder" or each.staff_id == cast.staff[people.DORTHE]
        ]


def rungs_of(cast, duty_id):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        mine = select(DutyRung).where(DutyRung.duty_id == duty_id).order_by(DutyRung.at, DutyRung.key)
        return list(db.session.scalars(mine))


def through(clock, hours, every=0.25):
    """Let so many hours pass with the clock looking every quarter."""
    for _ in range(round(hours / every)):
        clock.move(hours=every)
        tick()


def pages(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return [each for each in paging.pages_for(f"incident/{incident_id}") if each.template == "page_duty"]


def only_the_authority(cast, incident_id):
    """Leave one duty alone in the incident, so that what is told is of it."""
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    with desk.working(cast, incident_id) as incident:
        for each in owed.duties_of(incident):
            if each.id != duty.id:
                meeting.meet(incident, each, at=utcnow(), actor="Dorthe", now=utcnow())
    return desk.duty_of(cast, incident_id, "gdpr-33")


def reported_now(cast, **changes):
    """An incident of which we have known since this minute."""
    incident_id = desk.reported(cast, timeline={"aware_at": utcnow().isoformat()}, processor=None, **changes)
    jobs.keep_duties()
    return incident_id


# --- from the evaluation --------------------------------------------------------------------------


def test_duties_exist_before_anybody_has_judged_anything(app, cast):
    incident_id = desk.reported(cast)
    assert desk.duties_of(cast, incident_id) == set()

    assert [jobs.keep_duties(), jobs.keep_duties()] == [1, 0]

    found = desk.duties_of(cast, incident_id)
    assert ("gdpr-33", "dk-datatilsynet", "open") in found
    assert {state for *_, state in found} == {"open"}
    with acting_for(cast.promark):
        assert {each.playbook for each in runs.steps_for(f"incident/{incident_id}")} == {"processor_breach"}


def test_new_facts_that_say_less_take_no_duty_away_and_open_none_again(app, cast):
    incident_id = desk.assessed(cast, desk.NOT_TOLD)
    desk.agree(cast, incident_id)
    before = desk.duties_of(cast, incident_id)
    learn(cast, incident_id, subjects={"total": {"exactly": 1}}, data={"categories": ["name"]})

    jobs.keep_duties()

    assert desk.duties_of(cast, incident_id) >= before


def learn(cast, incident_id, **changes):
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1", **changes), now=utcnow())


def test_an_authority_named_after_the_others_were_notified_is_owed_and_its_clock_runs(app, cast):
    incident_id = desk.assessed(cast, subjects={"by_country": {"DK": 4}})
    with desk.working(cast, incident_id) as incident:
        for each in meeting.duties_of(incident, "gdpr-33"):
            meeting.meet(incident, each, at=utcnow(), actor="Dorthe", now=utcnow())
        clocks.stop(incident, clocks.TELL_AUTHORITY, why="All are notified.", actor="Dorthe", now=utcnow())
    learn(cast, incident_id, subjects={"by_country": {"DK": 4, "GB": 3}})

    jobs.keep_duties()

    new = desk.duty_of(cast, incident_id, "gdpr-33", "gb-ico")
    clock = desk.clock_of(cast, incident_id, "authority_notification")
    assert new.is_unfiled
    assert (clock.stopped_at, clock.due_at) == (None, new.due_at)
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET
    assert desk.incident_of(cast, incident_id).next_due_at <= new.due_at


# --- Easter -------------------------------------------------------------------------------------


def test_a_report_before_easter_is_due_on_easter_monday_and_reminded_of_on_holidays(app, cast, clock, at):
    at(GOOD_FRIDAY)
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)

    due = duty.due_at.astimezone(COPENHAGEN)
    assert (due.strftime("%a %H:%M"), due.date()) == ("Mon 16:45", EASTER_MONDAY)
    noted = desk.clock_of(cast, incident_id, "authority_notification").latest_by_regulation_1182_71
    assert noted > duty.due_at, "the other reckoning is noted beside and nothing is planned by it"

    through(clock, 73.5)

    given = [each for each in rungs_of(cast, duty.id) if each.sent_at]
    days = {each.sent_at.astimezone(COPENHAGEN).strftime("%a") for each in given}
    assert days == {"Sat", "Sun", "Mon"}
    assert [round(float(left), 1) for left, *_ in told(cast)] == [48, 24, 12, 6, 3, 1, 0.2, 0, -1]
    assert {replaced for _, replaced, _ in told(cast)} == {""}


# --- an outage ----------------------------------------------------------------------------------


def test_after_three_hours_without_a_clock_one_message_names_the_two_it_replaces(app, cast, clock):
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)
    through(clock, 68.5, every=0.5)
    before = len(told(cast))

    clock.move(hours=3.4)  # over the rungs 3 h, 1 h and a quarter before
    assert tick() == 1

    (left, replaced, _), *more = told(cast)[before:]
    assert more == []
    assert (round(float(left), 1), replaced) == (0.1, "-3h, -1h")
    rows = {each.key: each for each in rungs_of(cast, duty.id)}
    given = rows["-15min"]
    assert [rows[key].replaced_by_id for key in ("-3h", "-1h")] == [given.id, given.id]
    assert tick() == 0
    with acting_for(cast.promark):
        entry = [e for e in ledger.entries(f"incident/{incident_id}") if e.action == "duties.paged"][-1]
    assert entry.details["duties"][0]["replaced"] == ["-3h", "-1h"]


def test_a_clock_killed_between_two_lines_loses_no_rung_and_repeats_none(app, cast, clock, monkeypatch):
    incident_id = reported_now(cast)
    only_the_authority(cast, incident_id)
    clock.move(hours=24.1)
    real = reminding._settle
    monkeypatch.setattr(reminding, "_settle", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        tick()
    assert told(cast) == []

    monkeypatch.setattr(reminding, "_settle", real)
    tick()
    tick()

    assert len(told(cast)) == 1


def test_one_bad_incident_stops_no_other(app, cast, clock, monkeypatch):
    first, second = reported_now(cast), reported_now(cast, reference="HC-2")
    for each in (first, second):
        only_the_authority(cast, each)
    clock.move(hours=24.1)
    real = reminding.speak

    def speak(incident_id, *, now):
        if incident_id == first:
            raise ValueError("a bad one")
        return real(incident_id, now=now)

    monkeypatch.setattr(reminding, "speak", speak)
    tick()
    assert len(told(cast)) == 1

    monkeypatch.setattr(reminding, "speak", real)
    clock.move(minutes=2)
    tick()
    assert len(told(cast)) == 2


# --- the deadline moves --------------------------------------------------------------------------


def test_awareness_corrected_twice_moves_clock_duty_and_rungs_and_says_nothing_twice(app, cast, clock):
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)
    first = duty.starts_at
    clock.move(hours=25)
    tick()  # the first reminder, 48 hours before what was the deadline then
    assert len(told(cast)) == 1

    for number, hours in ((1, 6), (2, 2)):
        fix(cast, incident_id, first - timedelta(hours=-hours), after=number)
        moved = desk.duty_of(cast, incident_id, "gdpr-33")
        assert moved.starts_at == first + timedelta(hours=hours)
        assert moved.due_at == moved.starts_at + timedelta(hours=72)
        assert desk.clock_of(cast, incident_id, "authority_notification").due_at == moved.due_at
        tick()

    waits = [each for each in rungs_of(cast, duty.id) if not each.sent_at and not each.set_aside_at]
    aside = [each for each in rungs_of(cast, duty.id) if each.set_aside_at]
    assert {each.counts_to for each in waits} == {moved.due_at}
    assert {each.set_aside_because for each in aside} == {"its due time moved"}
    assert len(told(cast)) == 1, "48 hours before the new deadline is yet to come"
    through(clock, 3)
    assert len(told(cast)) == 2
    fix(cast, incident_id, first + timedelta(hours=6), after=3)
    fix(cast, incident_id, first + timedelta(hours=2), after=4)  # back to what was told of already
    tick()
    assert len(told(cast)) == 2


def fix(cast, incident_id, moment, *, after):
    with desk.working(cast, incident_id) as incident:
        triage.fix_awareness(incident, moment, reason="Logs.", after=after, by="Astrid Holm", now=utcnow())


# --- quieting nothing ----------------------------------------------------------------------------


def test_a_page_that_was_taken_comes_back_until_something_is_filed(app, cast, clock):
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)
    clock.move(hours=69.1)
    for hours in (2, 1, 1, 1):  # 3 h before, 1 h, at the deadline, an hour after
        tick()
        (mine,) = [each for each in pages(cast, incident_id) if each.state == "open"]
        with acting_for(cast.promark), transaction():
            paging.acknowledge(mine.id, cast.staff[people.ASTRID], way="screen", now=utcnow())
        clock.move(hours=hours)

    assert len(pages(cast, incident_id)) == 4
    tick()
    with desk.working(cast, incident_id) as incident:
        meeting.meet(incident, db.session.get_one(Duty, duty.id), at=utcnow(), actor="Dorthe", now=utcnow())
    assert pages(cast, incident_id)[0].state == "ended"
    said = len(pages(cast, incident_id))
    through(clock, 5, every=1)
    assert len(pages(cast, incident_id)) == said


def test_a_decision_of_two_ends_the_ladder_and_taking_it_back_resumes_it(app, cast, clock):
    incident_id = desk.assessed(cast, desk.NOT_TOLD)
    desk.agree(cast, incident_id)
    clock.move(hours=80)
    assert tick() == 0

    with desk.working(cast, incident_id) as incident:
        for each in decisions.of_incident(incident):
            decisions.withdraw(
                incident, each, assessment.latest(incident), reason="Logs lied.",
                by=desk.person(cast, people.DORTHE), now=utcnow(),
            )  # fmt: skip

    assert tick() > 0
    assert pages(cast, incident_id)


def test_duties_that_are_due_together_are_told_in_one_message(app, cast, clock):
    incident_id, now = reported_now(cast), utcnow()
    only_the_authority(cast, incident_id)
    more = [
        owed.Owed("gdpr-33-2", f"customer-{n}", "none", "GDPR art. 33(2)", {"hours": 24, "name": f"No. {n}"},
                  now, now + timedelta(hours=24))
        for n in range(3)
    ]  # fmt: skip
    with desk.working(cast, incident_id) as incident:
        owed.add_all(incident, more, by="Astrid", reason="Ours.", now=now)

    clock.move(hours=12.1)
    tick()

    assert [count for *_, count in told(cast)] == [3]


def test_reminders_that_reach_nobody_become_a_page(app, cast, clock, monkeypatch):
    incident_id = reported_now(cast)
    only_the_authority(cast, incident_id)
    monkeypatch.setattr(reminding, "owners", lambda *_: [])
    clock.move(hours=24.1)

    tick()

    assert len(pages(cast, incident_id)) == 1


# --- by itself -----------------------------------------------------------------------------------


def test_from_hour_48_a_notification_is_drafted_and_from_hour_60_reasons_are_asked_for(app, cast, clock):
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)
    through(clock, 48.2, every=0.5)

    with acting_for(cast.promark):
        draft = db.session.scalars(select(AuthorityNotification)).one()
    assert (draft.drafted_by, draft.state, draft.duty_id) == ("Breachclock", "draft", duty.id)
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.IN_PREPARATION
    assert told(cast, "delay_reasons") == []

    through(clock, 12.2, every=0.5)

    assert len(told(cast, "delay_reasons")) == 1


def test_while_we_are_processor_nothing_is_drafted_and_nothing_fails_until_we_are_controller(
    app, cast, clock, caplog
):
    incident_id = reported_now(cast)
    duty = only_the_authority(cast, incident_id)
    learn(cast, incident_id, our_role="processor")
    clock.move(hours=49)
    tick()
    at = next(each.at for each in rungs_of(cast, duty.id) if each.kind == "draft")
    assert at > utcnow() + timedelta(minutes=30)
    assert "not_drafted" not in caplog.text

    learn(cast, incident_id, our_role="controller")
    clock.move(hours=1.1)
    tick()

    with acting_for(cast.promark):
        assert len(db.session.scalars(select(AuthorityNotification)).all()) == 1


def test_nothing_is_said_of_an_incident_that_was_rejected(app, cast, clock):
    incident_id = reported_now(cast)
    with desk.working(cast, incident_id) as incident:
        triage.reject(incident, reason="A drill of theirs.", by="Astrid Holm", now=utcnow())
    clock.move(hours=71)

    assert tick() == 0

    with desk.working(cast, incident_id) as incident:
        triage.reopen(incident, reason="It was none.", by="Astrid Holm", now=utcnow())
    assert tick() > 0


def test_who_holds_the_dpo_role_is_reminded_and_of_many_customers_one_line_tells(app, cast, clock):
    several = [controllers.details(cast, f"Kunde {n} ApS", notice_hours=24.0 + n) for n in range(5)]
    controllers.register(cast, *several)
    incident_id = desk.reported(cast, timeline={"aware_at": utcnow().isoformat()})
    controllers.owe()
    jobs.fill_roles()
    with desk.working(cast, incident_id) as incident:
        given = roles.Given(roles.Role.DPO, cast.staff[people.BIRK], "Dorthe is away.")
        roles.give(incident, given, by=desk.person(cast, people.DORTHE), now=utcnow())
    clock.move(hours=23.5)

    tick()

    with acting_for(cast.promark):
        mine = select(Message).where(Message.template == "duty_reminder", Message.channel == "email")
        sent = list(db.session.scalars(mine))
        lines = [each for each in sent[0].context["duties"] if each["regime"] == "gdpr-33-2"]
    assert {cast.staff[people.BIRK], cast.staff[people.DORTHE]} <= {each.staff_id for each in sent}
    assert [(each["customers"], each["hours_left"]) for each in lines] == [("5", "0.5")]
    extra = {"name": "Birk", "reference": "R"}
    for locale, said in (
        ("da", "Underret 5 kunder"),
        ("sv", "Underrätta 5 kunder"),
        ("en", "Tell 5 customers"),
    ):
        assert said in str(render("duty_reminder", locale, "email", sent[0].context | extra))
