"""What an authority was told and is not so any more is spoken of until somebody has seen to it, and once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, utcnow
from incident import authority_notification, intake, jobs, packs, rungs, stages
from incident.models import DutyRung, DutyState, Incident
from incident.rules.phases import Phase
from notifications.models import Message
from tests import people
from tests.incident import desk
from tests.incident.test_after_filing import learn
from tests.incident.test_authority_notification import (
    approve,
    do,
    draft,
    drafted,
    edit,
    file,
    stored,
)
from tests.incident.test_merging import merge
from tests.incident.test_phases import DAY, begin, filed, follow_up, more_people, promise

WHOLE = {"consequences.impact_types": ["fraud"]}


def filed_whole(cast, **changes):
    """An incident of which Datatilsynet was told everything: its duty is met."""
    incident_id, notification_id = drafted(cast, **changes)
    edit(cast, incident_id, notification_id, WHOLE, to_follow=frozenset())
    approve(cast, incident_id, notification_id)
    file(cast, incident_id, notification_id)
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET
    return incident_id, notification_id


def waiting(cast, incident_id):
    """The rungs of the duty that are still to be given."""
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    with acting_for(cast.promark):
        db.session.rollback()
        mine = select(DutyRung).where(
            DutyRung.duty_id == duty.id, DutyRung.sent_at.is_(None), DutyRung.set_aside_at.is_(None)
        )
        return [(each.stage, each.kind) for each in db.session.scalars(mine)]


def told(cast):
    """The texts of the reminders that Dorthe got by e-mail."""
    with acting_for(cast.promark):
        db.session.rollback()
        mine = select(Message).where(Message.template == "duty_reminder", Message.channel == "email")
        rows = db.session.scalars(mine.order_by(Message.id))
        return [each.content["text"] for each in rows if each.staff_id == cast.staff[people.DORTHE]]


# --- a duty that was met --------------------------------------------------------------------------


def test_a_correction_after_the_duty_was_met_is_reminded_of_again_and_again(app, cast, clock):
    incident_id, _first = filed_whole(cast)
    assert waiting(cast, incident_id) == []
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    assert follow_up(cast, incident_id).kind == Phase.CORRECTION
    assert waiting(cast, incident_id) == [(rungs.FOLLOW_UP, "ageing")]

    before = len(told(cast))
    for _day in range(8):
        clock.move(days=1)
        jobs.remind_of_duties()

    reminders = [each for each in told(cast)[before:] if "what has changed since" in each]
    assert len(reminders) >= 2
    assert all("overdue" not in each.splitlines()[2] or "duties" in each for each in reminders)
    assert waiting(cast, incident_id) == [(rungs.FOLLOW_UP, "ageing")]
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET


@pytest.mark.parametrize("how", ["filed", "dropped"])
def test_it_is_silent_once_the_correction_is_filed_or_dropped(app, cast, how):
    incident_id, _first = filed_whole(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)

    if how == "filed":
        approve(cast, incident_id, opened.id)
        file(cast, incident_id, opened.id)
    else:
        do(cast, incident_id, opened.id, authority_notification.drop, why="Counted twice.")

    assert waiting(cast, incident_id) == []


def test_next_says_what_changed_by_itself_and_what_somebody_began(app, cast, signed_in):
    incident_id, _first = filed_whole(cast)
    begin(cast, incident_id, Phase.FINAL)
    page = signed_in(people.DORTHE).get("/next").text
    assert "Final notification: " in page
    assert "Facts changed after the filing" not in page

    changed, _other = filed_whole(cast, reference="HC-7")
    with desk.working(cast, changed) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-7", **more_people()), now=utcnow())
    jobs.open_follow_ups()
    assert "Facts changed after the filing" in signed_in(people.DORTHE).get("/next").text


# --- an incident that carries another -------------------------------------------------------------


def carried_after_filing(cast):
    """One was told of, then merged into another that knows of more people: (carried, its text, carrier)."""
    carried, first = filed_whole(cast, reference="HC-1")
    carrier = desk.assessed(cast, reference="HC-2", **more_people())
    merge(cast, carried, carrier)
    return carried, first, carrier


def test_what_was_told_under_a_carried_incident_is_followed_up_by_the_one_that_carries_it(app, cast):
    carried, first, carrier = carried_after_filing(cast)

    assert jobs.open_follow_ups() == 1
    assert jobs.open_follow_ups() == 0, "the authority hears of it once"

    opened = follow_up(cast, carrier)
    assert (opened.kind, opened.follows_id, opened.content["kind"]) == (Phase.FURTHER, first, "further")
    assert packs.answer(opened.content, "notification.authority_reference") == "2026-442-10001"
    assert packs.answer(opened.content, "notification.type") == "follow_up"
    with acting_for(cast.promark):
        said = [(each.before, each.after) for each in authority_notification.changes(opened)]
    assert any("500" in after and "500" not in before for before, after in said)
    assert follow_up(cast, carried) is None


def test_nobody_drafts_a_first_notification_beside_it(app, cast):
    _carried, first, carrier = carried_after_filing(cast)

    made = draft(cast, carrier)

    told_first = stored(cast, carrier, made)
    assert (told_first.kind, told_first.follows_id) == (Phase.FURTHER, first)
    assert draft(cast, carrier) == made
    assert jobs.open_follow_ups() == 0


def test_filing_it_ends_what_the_carrier_owed(app, cast):
    _carried, _first, carrier = carried_after_filing(cast)
    jobs.open_follow_ups()
    opened = follow_up(cast, carrier)
    edit(cast, carrier, opened.id, WHOLE, to_follow=frozenset())
    approve(cast, carrier, opened.id)

    file(cast, carrier, opened.id)

    duty = desk.duty_of(cast, carrier, "gdpr-33")
    assert (duty.state, duty.late_by) == (DutyState.MET, timedelta(0))
    assert waiting(cast, carrier) == []


def test_a_carrier_whose_form_says_what_the_authority_has_opens_nothing(app, cast):
    carried, _first = filed_whole(cast, reference="HC-1")
    carrier = desk.assessed(cast, reference="HC-2")
    merge(cast, carried, carrier)

    jobs.open_follow_ups()

    opened = follow_up(cast, carrier)
    with acting_for(cast.promark):
        assert opened is None or authority_notification.changes(opened)
        assert db.session.get_one(Incident, carrier).follow_ups_for > 0


@pytest.mark.parametrize(
    ("phase", "left"), [(Phase.FURTHER, DutyState.FILED_IN_PART), (Phase.FINAL, DutyState.MET)]
)
def test_what_is_filed_under_a_carried_incident_tells_the_part_that_its_carrier_owes(app, cast, phase, left):
    carried, _first = filed(cast, reference="HC-1")
    day = utcnow().replace(microsecond=0) + 9 * DAY
    promise(cast, carried, day)
    follows = begin(cast, carried, phase)
    if phase is Phase.FINAL:
        edit(cast, carried, follows, WHOLE, to_follow=frozenset())
    approve(cast, carried, follows)
    carrier = desk.assessed(cast, reference="HC-2")
    merge(cast, carried, carrier)

    file(cast, carried, follows)

    owing = desk.duty_of(cast, carrier, "gdpr-33")
    with acting_for(cast.promark):
        told, *rest = stages.of(owing)
    assert (owing.state, told.filed_at is not None) == (left, True)
    assert [each.due_at for each in rest] == ([day] if left == DutyState.FILED_IN_PART else [])
    assert desk.duty_of(cast, carried, "gdpr-33").state == DutyState.CARRIED
