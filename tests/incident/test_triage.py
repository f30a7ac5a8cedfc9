"""What a person decides about an incident as a whole."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import paged, staff_reports, triage
from incident.models import AuthorityNotification, Awareness, Closure, Duty, DutyState
from incident.rules.lifecycle import State
from notifications import delivery, paging
from playbooks import runs
from tests import people
from tests.incident import desk


def fix(cast, incident_id, at, *, reason="HostCo telephoned.", after=1, by="Astrid Holm"):
    with desk.working(cast, incident_id) as incident:
        return triage.fix_awareness(incident, at, reason=reason, after=after, by=by, now=utcnow())


def file_with_authority(cast, incident_id):
    """Slice B's doing, in rows."""
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    with desk.working(cast, incident_id) as incident:
        now = utcnow()
        owed = db.session.get_one(Duty, duty.id)
        owed.state, owed.met_at, owed.first_filed_at, owed.late_by = DutyState.MET, now, now, timedelta()
        db.session.add(
            AuthorityNotification(
                organisation_id=incident.organisation_id, incident_id=incident_id, duty_id=duty.id,
                authority=duty.recipient, number=1, locale="da", content={}, content_sha256="0" * 64,
                facts_number=1, state="filed", drafted_by="Dorthe", drafted_at=now, approved_by="Dorthe",
                approved_at=now, approved_sha256="0" * 64, filed_by="Dorthe", filed_at=now,
            )
        )  # fmt: skip


# --- awareness ----------------------------------------------------------------------------------


def test_awareness_moved_back_moves_the_clock_back_and_keeps_both_moments(app, cast):
    incident_id = desk.reported(cast)
    provisional = desk.incident_of(cast, incident_id).aware_at
    at = desk.ago(hours=3)

    fix(cast, incident_id, at)

    assert desk.clock_of(cast, incident_id, "authority_notification").due_at == at + timedelta(hours=72)
    with acting_for(cast.promark):
        kept = db.session.scalars(select(Awareness).order_by(Awareness.number)).all()
    assert [(each.aware_at, each.provisional, each.by) for each in kept] == [
        (provisional, True, "Breachclock"), (at, False, "Astrid Holm"),
    ]  # fmt: skip


def test_awareness_can_move_forward_as_well(app, cast, clock):
    incident_id = desk.reported(cast)
    clock.move(hours=5)
    at = desk.ago(minutes=10)

    fix(cast, incident_id, at, reason="Only the logs made it certain.")

    assert desk.clock_of(cast, incident_id, "authority_notification").due_at == at + timedelta(hours=72)


def test_steps_reckoned_from_awareness_move_with_it(app, cast):
    incident_id = desk.reported(cast)
    at = desk.ago(hours=3)

    fix(cast, incident_id, at)

    with acting_for(cast.promark):
        steps = {step.key: step for step in runs.steps_for(f"incident/{incident_id}")}
    assert steps["assess"].due_at == at + timedelta(hours=36)
    assert steps["fix_awareness"].done_by == "Astrid Holm"


def test_what_would_move_is_shown_before_anything_is_saved(app, cast):
    incident_id = desk.reported(cast)
    at, due = desk.ago(hours=3), desk.clock_of(cast, incident_id, "authority_notification").due_at

    with acting_for(cast.promark):
        told = triage.preview(desk.incident_of(cast, incident_id), at, now=utcnow())

    moved = {each.kind: each for each in told.clocks}
    assert moved["authority_notification"].after == at + timedelta(hours=72)
    assert "own_promise_authority" not in moved, "the promise counts from the breach itself"
    assert "Assess the risk to people" in [step.title for step in told.steps]
    assert desk.clock_of(cast, incident_id, "authority_notification").due_at == due


@pytest.mark.parametrize(
    ("at", "reason", "said"),
    [
        (timedelta(minutes=-5), "Because.", "future"),
        (timedelta(hours=1), "  ", "reason"),
        (timedelta(hours=30), "Because.", "had not happened yet"),
    ],
)
def test_awareness_that_cannot_be_is_refused_and_says_why(app, cast, at, reason, said):
    incident_id = desk.reported(cast)

    with pytest.raises(Invalid, match=said):
        fix(cast, incident_id, utcnow() - at, reason=reason)

    assert desk.incident_of(cast, incident_id).awareness_is_provisional


def test_after_the_first_filing_awareness_moves_no_more(app, cast):
    incident_id = desk.assessed(cast)
    file_with_authority(cast, incident_id)

    with pytest.raises(Refused, match="has been notified"):
        fix(cast, incident_id, desk.ago(hours=1))


def test_the_same_correction_sent_twice_is_one_correction(app, cast):
    incident_id, at = desk.reported(cast), desk.ago(hours=2)

    fix(cast, incident_id, at)
    fix(cast, incident_id, at)

    assert desk.actions(cast, incident_id).count("awareness.fixed") == 1


def test_of_two_who_correct_awareness_at_once_the_second_is_told_of_the_first(app, cast):
    incident_id = desk.reported(cast)
    fix(cast, incident_id, desk.ago(hours=2), by="Birk Lund", after=1)

    with pytest.raises(Refused, match="Birk Lund fixed awareness"):
        fix(cast, incident_id, desk.ago(hours=1), after=1)


def test_a_report_that_comes_later_does_not_move_awareness_that_a_person_fixed(app, cast):
    from incident import intake  # noqa: PLC0415

    incident_id, at = desk.reported(cast), desk.ago(hours=2)
    fix(cast, incident_id, at)

    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1"), now=utcnow())

    assert desk.incident_of(cast, incident_id).aware_at == at


# --- breach or none -----------------------------------------------------------------------------


def test_confirming_ends_the_call_for_somebody_to_look(app, cast):
    incident_id = desk.confirmed(cast)

    assert desk.incident_of(cast, incident_id).state == State.CONFIRMED
    assert desk.clock_of(cast, incident_id, "triage").stopped_at is not None
    with acting_for(cast.promark):
        assert {page.state for page in paging.pages_for(f"incident/{incident_id}")} == {"ended"}


def test_confirming_twice_confirms_once(app, cast):
    incident_id = desk.confirmed(cast)

    with desk.working(cast, incident_id) as incident:
        assert triage.confirm(incident, by="Astrid Holm", now=utcnow()) is False

    assert desk.actions(cast, incident_id).count("incident.confirmed") == 1


def reject(cast, incident_id, reason="A drill of HostCo's."):
    with desk.working(cast, incident_id) as incident:
        return triage.reject(incident, reason=reason, by="Astrid Holm", now=utcnow())


def test_a_rejected_incident_calls_nobody_and_counts_down_to_nothing(app, cast):
    incident_id = desk.reported(cast)

    reject(cast, incident_id)

    incident = desk.incident_of(cast, incident_id)
    assert (incident.state, incident.next_due_at) == (State.REJECTED, None)
    with acting_for(cast.promark):
        about = incident.chain
        assert not paging.nobody_has([about])
        assert runs.next_steps([about]) == {}
        assert {line.state for line in delivery.log_for(about)} == {"cancelled"}


def test_a_rejection_needs_a_reason(app, cast):
    incident_id = desk.reported(cast)

    with pytest.raises(Invalid, match="say why"):
        reject(cast, incident_id, reason=" ")


def test_what_an_authority_was_told_of_cannot_be_rejected(app, cast):
    incident_id = desk.assessed(cast)
    file_with_authority(cast, incident_id)

    with pytest.raises(Refused, match="has been told"):
        reject(cast, incident_id)


def reopen(cast, incident_id, reason="The drill was none."):
    with desk.working(cast, incident_id) as incident:
        return triage.reopen(incident, reason=reason, by="Astrid Holm", now=utcnow())


def test_a_rejection_taken_back_costs_no_time_of_the_72_hours_and_gives_none(app, cast, clock):
    incident_id = desk.reported(cast)
    due = desk.clock_of(cast, incident_id, "authority_notification").due_at
    reject(cast, incident_id)
    clock.move(hours=10)

    reopen(cast, incident_id)

    running = desk.clock_of(cast, incident_id, "authority_notification")
    assert (running.due_at, running.stopped_at) == (due, None)
    assert desk.incident_of(cast, incident_id).state == State.REPORTED
    with acting_for(cast.promark):
        assert runs.next_steps([f"incident/{incident_id}"]) != {}


def test_duties_that_a_rejection_set_aside_are_owed_again_when_it_is_taken_back(app, cast):
    incident_id = desk.assessed(cast)
    reject(cast, incident_id)
    assert {state for *_, state in desk.duties_of(cast, incident_id)} == {"not_required"}

    reopen(cast, incident_id)
    assert reopen(cast, incident_id) is False

    assert {state for *_, state in desk.duties_of(cast, incident_id)} == {"open"}


# --- closing ------------------------------------------------------------------------------------


def close(cast, incident_id, *, reason="All is done.", unreached_reason=""):
    with desk.working(cast, incident_id) as incident:
        return triage.close(
            incident, reason=reason, unreached_reason=unreached_reason, by="Dorthe Friis", now=utcnow()
        )


def settle_duties(cast, incident_id):
    with acting_for(cast.promark), transaction():
        for duty in db.session.scalars(select(Duty).where(Duty.incident_id == incident_id)):
            duty.state, duty.met_at = DutyState.MET, utcnow()
            duty.first_filed_at, duty.late_by = duty.met_at, timedelta()


def test_an_incident_with_open_duties_cannot_be_closed_and_they_are_named(app, cast):
    incident_id = desk.assessed(cast)

    with pytest.raises(Refused, match=r"GDPR art\. 33\(1\) towards dk-datatilsynet is still owed"):
        close(cast, incident_id)


def test_an_incident_that_nobody_assessed_cannot_be_closed(app, cast):
    incident_id = desk.confirmed(cast)

    with pytest.raises(Refused, match="nobody has assessed"):
        close(cast, incident_id)


def test_where_we_are_only_processor_the_risk_is_for_the_controllers_to_judge(app, cast):
    as_controller = desk.confirmed(cast, reference="HC-2")
    as_processor = desk.confirmed(cast, our_role="processor")

    def in_the_way(incident_id):
        with desk.working(cast, incident_id) as incident:
            return "; ".join(triage.hindrances(incident).open_ones)

    assert "nobody has assessed" in in_the_way(as_controller)
    assert "nobody has assessed" not in in_the_way(as_processor)


def test_a_closed_incident_is_quiet_and_says_who_closed_it(app, cast):
    incident_id = desk.assessed(cast)
    settle_duties(cast, incident_id)

    close(cast, incident_id)
    assert close(cast, incident_id) is False

    with acting_for(cast.promark):
        closure = db.session.scalars(select(Closure)).one()
        assert (closure.by, closure.reason) == ("Dorthe Friis", "All is done.")
        assert runs.next_steps([f"incident/{incident_id}"]) == {}
    assert desk.incident_of(cast, incident_id).next_due_at is None


def test_messages_that_reached_nobody_need_a_word_before_closing(app, cast):
    incident_id = desk.assessed(cast)
    settle_duties(cast, incident_id)
    with acting_for(cast.promark), transaction():
        from notifications.models import Message  # noqa: PLC0415

        message = db.session.scalars(select(Message)).first()
        message.wants_person_at = utcnow()

    with pytest.raises(Invalid, match="reached nobody"):
        close(cast, incident_id)
    close(cast, incident_id, unreached_reason="Told by telephone.")

    assert desk.incident_of(cast, incident_id).state == State.CLOSED


def test_what_is_told_of_a_closed_incident_stays_wanted_until_somebody_has_noted_it(app, cast, clock):
    incident_id = desk.assessed(cast)
    settle_duties(cast, incident_id)
    close(cast, incident_id)
    clock.move(minutes=1)
    with desk.working(cast, incident_id) as incident:
        page_id = paging.page(
            organisation_id=incident.organisation_id, about=incident.chain, template="page_report",
            context={
                "number": incident.number, "organisation": "ProMark A/S", "processor": "HostCo",
                "timezone": "Europe/Copenhagen", "path": f"/incidents/{incident.id}",
            },
            must_by=None, actor="Breachclock", now=utcnow(),
        )  # fmt: skip
    with desk.working(cast, incident_id) as incident:
        paging.acknowledge(page_id, cast.staff[people.ASTRID], way="sms", now=utcnow())

    with desk.working(cast, incident_id) as incident:
        assert paged.wanted(incident.chain, "page_report")
        staff_reports.add_note(incident, "Known already.", by="Astrid Holm", now=utcnow())
    with desk.working(cast, incident_id) as incident:
        assert not paged.wanted(incident.chain, "page_report")


def test_who_takes_all_pages_of_an_incident_locks_the_oldest_first_and_all_messages_before(
    app, cast, monkeypatch
):
    incident_id = desk.reported(cast)
    locked = []
    for name in ("lock_waiting", "acknowledge"):
        monkeypatch.setattr(paging, name, lambda *ids, **_: locked.append([e for e in ids if e != by]))
    with desk.working(cast, incident_id) as incident:
        for template in ("page_deadline", "page_duty"):
            paging.page(
                organisation_id=incident.organisation_id, about=incident.chain, template=template,
                context={"name": "Astrid"}, must_by=None, actor="Breachclock", now=utcnow(),
            )  # fmt: skip
        by = cast.staff[people.ASTRID]
        opened = sorted(each.id for each in paging.pages_for(incident.chain) if each.state == "open")
        staff_reports.acknowledge(incident, by=desk.person(cast, people.ASTRID), now=utcnow())

    assert locked == [opened, *([each] for each in opened)]
    assert len(opened) == 3


def test_a_closed_incident_can_be_taken_up_again_without_waking_anybody(app, cast):
    incident_id = desk.assessed(cast)
    settle_duties(cast, incident_id)
    close(cast, incident_id)

    reopen(cast, incident_id, reason="More people are concerned.")

    assert desk.incident_of(cast, incident_id).state == State.CONFIRMED
    with acting_for(cast.promark):
        assert not paging.nobody_has([f"incident/{incident_id}"])
        steps = {step.key: step.state for step in runs.steps_for(f"incident/{incident_id}")}
    assert steps["assess"] in ("open", "not_applicable")
