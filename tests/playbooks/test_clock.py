"""The clock: any number of them, any of them killed, and one bad run costs no other its reminders."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import LargeBinary, literal, select, type_coerce, update

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction
from notifications.models import ContactMethod
from playbooks import jobs, runs
from playbooks.models import ReminderRecord, Run, StepRecord

HOUR = timedelta(hours=1)


def clocks(house, number):
    """So many clocks that tick at the same instant, each with a connection of its own."""
    together = Barrier(number, timeout=20)

    def one(_):
        with house.app.app_context(), everyone():
            together.wait()
            try:
                return jobs.tick(house.now)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(number) as pool:
        return sum(pool.map(one, range(number)))


def test_two_clocks_at_once_tell_everybody_once(house):
    for number in range(5):
        house.start("authority_notification", about=f"incident/{number}", due=house.now + 72 * HOUR)
    db.session.rollback()
    house.now += 25 * HOUR

    advanced = clocks(house, 4)

    told = Counter(house.messages(to=house.dorthe))
    assert advanced == 5
    assert told == {("deadline_reminder", "File it with the authority", "47"): 5}


def test_a_tick_repeated_does_nothing(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    house.now += 25 * HOUR

    assert [jobs.tick(house.now) for _ in range(3)] == [1, 0, 0]


def test_a_clock_that_runs_behind_does_nothing_again(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    house.now += 25 * HOUR
    jobs.tick(house.now)

    assert jobs.tick(house.now - timedelta(minutes=5)) == 0


def test_two_processes_that_start_the_same_playbook_start_one(house):
    together = Barrier(3, timeout=20)

    def one(_):
        with house.app.app_context(), acting_for(house.promark):
            together.wait()
            try:
                return house.start().id
            finally:
                db.session.remove()

    db.session.rollback()
    with ThreadPoolExecutor(3) as pool:
        ids = set(pool.map(one, range(3)))

    assert len(ids) == 1
    assert len(house.pages()) == 1


def test_a_bad_run_is_postponed_loudly_and_the_others_go_on(house, caplog):
    for number in range(3):
        house.start("authority_notification", about=f"incident/{number}", due=house.now + 72 * HOUR)
    with transaction():
        db.session.execute(update(Run).where(Run.about == "incident/0").values(definition="not a playbook"))
    house.now += 25 * HOUR

    with caplog.at_level(logging.ERROR):
        advanced = jobs.tick(house.now)

    assert advanced == 2
    bad = db.session.scalars(select(Run).where(Run.about == "incident/0")).one()
    assert bad.next_due_at == house.now + timedelta(minutes=1)


def test_a_step_that_cannot_be_spoken_of_silences_no_other_and_is_tried_again(house):
    run = house.start("authority_notification", due=house.now + 37 * HOUR)
    before = len(house.messages())
    with transaction():
        db.session.execute(update(StepRecord).where(StepRecord.key == "draft").values(role="nobody's"))
    house.now += 13 * HOUR

    jobs.tick(house.now)

    assert [m[1] for m in house.messages()[before:]] == ["File it with the authority"]
    db.session.refresh(run)
    assert run.next_due_at == house.now + timedelta(minutes=1)
    with transaction():
        db.session.execute(update(StepRecord).where(StepRecord.key == "draft").values(role="dpo"))
    house.now += timedelta(minutes=1)
    jobs.tick(house.now)
    assert [m[1] for m in house.messages()[before:]][-1] == "Draft the notification"


def spoil(staff_id):
    """Whoever's numbers lie under a lost key cannot be written to. Returns how to mend it."""
    own = select(ContactMethod.__table__.c.id, type_coerce(ContactMethod.__table__.c.address, LargeBinary))
    kept = db.session.execute(own.where(ContactMethod.__table__.c.staff_id == staff_id)).all()
    write(dict.fromkeys((key for key, _ in kept), b"not ours"))
    return lambda: write(dict(tuple(row) for row in kept))


def write(addresses):
    table = ContactMethod.__table__
    with transaction():
        for key, address in addresses.items():
            new = literal(address, LargeBinary)
            db.session.execute(update(table).where(table.c.id == key).values(address=new))


def test_a_colleague_who_cannot_be_written_to_costs_nobody_else_the_reminder(house):
    house.start()
    spoil(house.birk)
    house.now += 6 * HOUR

    jobs.tick(house.now)

    fixing = ("step_reminder", "Fix the moment of awareness", "2")
    assert house.messages(to=house.astrid).count(fixing) == 1
    assert house.messages(to=house.birk, template="step_reminder") == []


def test_a_step_that_fails_half_way_leaves_nothing_half_said(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    for step in house.steps().values():
        if step.key != "file":
            house.do(runs.complete_step, step.id, by="Dorthe")
    house.now += 69 * HOUR
    mend = spoil(house.astrid)

    jobs.tick(house.now)
    half = [m for m in house.messages(to=house.dorthe) if m[1] == "File it with the authority"]
    recorded = {entry.action for entry in ledger.entries(house.about)}
    mend()
    house.now += timedelta(minutes=1)
    jobs.tick(house.now)

    assert half == []
    assert {"page.started", "message.posted"}.isdisjoint(recorded)
    assert ("deadline_reminder", "File it with the authority", "2.98") in house.messages(to=house.dorthe)
    assert [page.template for page in house.pages()] == ["page_deadline"]


def test_runs_of_every_organisation_are_advanced_whoever_asks(house):
    house.start("authority_notification", due=house.now + 72 * HOUR)
    house.now += 25 * HOUR

    with acting_for(house.astrid):  # some other organisation
        assert jobs.tick(house.now) == 1


@pytest.mark.parametrize("seed", range(3))
def test_however_the_clock_is_killed_and_started_every_reminder_is_sent_or_replaced_once(house, seed):
    chance = Random(seed)
    house.start("authority_notification", due=house.now + 72 * HOUR)
    while house.now < house.midnight + 73 * HOUR:
        house.now += timedelta(minutes=chance.choice([5, 30, 300, 1200]))
        jobs.tick(house.now)

    rows = list(db.session.scalars(select(ReminderRecord).where(ReminderRecord.key.like("-%"))))
    steps = Counter(row.step_id for row in rows)
    assert sorted(steps.values()) == [2, 2, 3, 7]  # as many as the playbook has reminders for each
    assert all((row.sent_at is None) != (row.skipped_because is None) for row in rows)
