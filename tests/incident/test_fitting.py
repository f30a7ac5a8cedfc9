"""Playbooks that start by the facts: by the clock, once, also late, also with two clocks."""

import threading

import pytest

from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Refused
from incident import authority_notification, fitting, intake, jobs, triage
from playbooks import jobs as playbook_jobs
from playbooks import own, runs
from tests import people
from tests.incident import desk

RANSOMWARE = {"category": "external_malicious", "kind": "ransomware"}
FIRST = {"category": "external_malicious", "kind": "unknown"}
HERE = {"reference": None, "chain": [], "cause": FIRST, "compromised": {}}


def started(cast, incident_id):
    """Which playbooks run or ran about it, each as often as it started."""
    with acting_for(cast.promark):
        db.session.rollback()
        steps = runs.steps_for(f"incident/{incident_id}")
    return sorted(playbook for playbook, _run in {(each.playbook, each.run_id) for each in steps})


def learn(cast, incident_id, **changes):
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, **HERE | changes), now=utcnow())


@pytest.fixture
def at_home(app, cast):
    return desk.reported(cast, processor=None, **HERE)


def test_what_is_unknown_starts_nothing_and_a_later_version_of_the_facts_starts_it_once(cast, clock, at_home):
    assert jobs.start_playbooks() == 0
    assert started(cast, at_home) == ["personal_data_breach"]

    clock.move(hours=30)
    learn(cast, at_home, cause=RANSOMWARE)
    told_at = utcnow()
    assert [jobs.start_playbooks() for _ in range(2)] == [1, 0]
    learn(cast, at_home, cause=RANSOMWARE, title="Still ransomware")
    jobs.start_playbooks()

    assert started(cast, at_home) == ["personal_data_breach", "ransomware"]
    with acting_for(cast.promark):
        steps = {each.key: each for each in runs.steps_for(f"incident/{at_home}")}
    assert abs((steps["isolate"].due_at - told_at).total_seconds() - 3600) < 60  # from when we were told


def test_two_clocks_at_once_start_it_once(cast, app, at_home):
    learn(cast, at_home, cause=RANSOMWARE)
    together, faults = threading.Barrier(2), []

    def clock_of_its_own():
        with app.app_context():
            try:
                together.wait(timeout=20)
                jobs.start_playbooks()
            except Exception as fault:  # noqa: BLE001  told below
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=clock_of_its_own) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)

    assert faults == []
    assert started(cast, at_home) == ["personal_data_breach", "ransomware"]


def test_a_clock_that_dies_leaves_nothing_half_started(cast, at_home):
    learn(cast, at_home, cause=RANSOMWARE)

    def fit_and_die():
        with desk.working(cast, at_home):
            fitting.fit(at_home, now=utcnow())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit_and_die()

    assert started(cast, at_home) == ["personal_data_breach"]
    assert jobs.start_playbooks() == 1


def test_an_own_playbook_that_starts_by_the_facts_starts_too(cast, at_home):
    with acting_for(cast.promark), transaction():
        text = own.find("ransomware", cast.promark).text.replace(
            '"ransomware"\ntitle', '"our_ransomware"\ntitle'
        )
        own.save(text, organisation_id=cast.promark, by="Dorthe", now=utcnow())
    learn(cast, at_home, cause=RANSOMWARE)

    jobs.start_playbooks()

    assert started(cast, at_home) == ["our_ransomware", "personal_data_breach", "ransomware"]


def test_what_was_rejected_starts_nothing_and_once_taken_up_again_it_starts_again(cast, at_home):
    learn(cast, at_home, cause=RANSOMWARE)
    jobs.start_playbooks()
    with desk.working(cast, at_home) as incident:
        triage.reject(incident, reason="A test machine.", by="Astrid Holm", now=utcnow())
    learn(cast, at_home, cause=RANSOMWARE, title="As before")
    assert jobs.start_playbooks() == 0

    with desk.working(cast, at_home) as incident:
        triage.reopen(incident, reason="It was not.", by="Astrid Holm", now=utcnow())
    jobs.start_playbooks()

    assert started(cast, at_home) == ["personal_data_breach"] * 2 + ["ransomware"] * 2


def test_whoever_is_the_processor_gets_the_playbook_of_processors_also_when_that_is_learned_later(app, cast):
    first = desk.reported(cast, processor=None, **HERE, our_role="processor")
    second = desk.reported(cast, processor=None, **HERE)
    assert (started(cast, first), started(cast, second)) == (["we_are_processor"], ["personal_data_breach"])

    learn(cast, second, our_role="sub_processor")
    jobs.start_playbooks()

    assert started(cast, first) == ["we_are_processor"]
    assert started(cast, second) == ["personal_data_breach", "we_are_processor"]


def test_an_open_gate_stands_in_the_way_of_closing(cast, at_home):
    learn(cast, at_home, cause=RANSOMWARE)
    jobs.start_playbooks()
    playbook_jobs.tick()
    title = "Show that the way in is closed and nobody is left inside"

    with desk.working(cast, at_home) as incident:
        triage.confirm(incident, by="Astrid Holm", now=utcnow())
        assert any(title in each for each in triage.hindrances(incident).open_ones)
        with pytest.raises(Refused, match="nobody is left inside"):
            triage.close(incident, reason="Done.", by="Dorthe", now=utcnow())
        gate = next(each for each in runs.steps_for(incident.chain) if each.title == title)
        runs.skip_step(gate.id, by="Dorthe", reason="The machine was scrapped.", now=utcnow())

        assert not any(title in each for each in triage.hindrances(incident).open_ones)


def test_a_step_that_asks_for_a_draft_gets_one_once_and_none_where_one_was_begun(cast, clock, app, caplog):
    with acting_for(cast.promark), transaction():
        text = own.find("processor_breach", cast.promark).text
        asks = text.replace('offset = "+60h"', 'offset = "+1h"\naction = "draft"').replace(
            'reminders = ["-6h"]\ndone_when = "A notification', 'done_when = "A notification'
        )
        assert 'action = "draft"' in asks
        own.save(asks, organisation_id=cast.promark, by="Dorthe", now=utcnow())
    first, second = desk.assessed(cast), desk.assessed(cast, reference="HC-2")
    with desk.working(cast, second) as incident:
        for duty in authority_notification.duties_of(incident):
            authority_notification.draft(incident, duty, by=desk.person(cast, people.DORTHE), now=utcnow())
    third = desk.assessed(cast, reference="HC-3")
    with desk.working(cast, third) as incident:  # corrected: the controllers notify
        intake.learn(incident, desk.told(cast, reference="HC-3", our_role="processor"), now=utcnow())
    clock.move(hours=2)
    playbook_jobs.tick()

    drafted = [jobs.draft_what_is_asked_for() for _ in range(2)]

    with desk.working(cast, first) as incident:
        count = len([duty for duty in authority_notification.duties_of(incident) if duty.is_owed])
        by = [each.drafted_by for each in authority_notification.of_incident(incident)]
    assert by == ["Breachclock"] * count
    assert drafted == [count, 0]
    assert "not_drafted" not in caplog.text
    assert count > 0
