"""Duties as rows: added once, never lost, their terms and their lateness as they were."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from foundation import ledger
from foundation.database import acting_for, db, transaction, utcnow
from incident import meeting, owed
from incident.models import Duty, DutyRung, DutyState
from tests.incident import desk

CUSTOMERS = 2000


def notices(count, now):
    return [
        owed.Owed(
            "gdpr-33-2", f"customer-{number}", "notice_to_controller", "GDPR art. 33(2)",
            {"hours": 24 + number % 3, "rules": "test"}, now, now + timedelta(hours=24 + number % 3),
        )
        for number in range(count)
    ]  # fmt: skip


def waiting(cast, incident_id, duty_id=None):
    """(key, at) of the rungs that wait, in order."""
    with acting_for(cast.promark):
        db.session.rollback()
        mine = select(DutyRung).where(
            DutyRung.incident_id == incident_id, DutyRung.sent_at.is_(None), DutyRung.set_aside_at.is_(None)
        )
        rows = db.session.scalars(mine.order_by(DutyRung.at, DutyRung.key))
        return [(each.key, each.at) for each in rows if duty_id in (None, each.duty_id)]


# --- bulk ---------------------------------------------------------------------------------------


def test_two_thousand_duties_are_added_at_once_and_only_once(app, cast):
    incident_id, now = desk.reported(cast), utcnow()

    for expected in (CUSTOMERS, 0):
        with desk.working(cast, incident_id) as incident:
            added = owed.add_all(incident, notices(CUSTOMERS, now), by="Astrid", reason="Ours.", now=now)
        assert added == expected

    with acting_for(cast.promark):
        (line,) = [e for e in ledger.entries(f"incident/{incident_id}") if e.action == "duties.opened"]
    assert len({each["recipient"] for each in line.details["duties"]}) == CUSTOMERS
    assert len(waiting(cast, incident_id)) >= CUSTOMERS * 6


# --- what the database refuses ------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"regime": "gdpr-34"}, {"recipient": "se-imy"}, {"provision": "none"}, {"terms": {"hours": 720}},
    ],
)  # fmt: skip
def test_the_copied_terms_of_a_duty_cannot_be_changed(app, cast, change):
    incident_id = desk.assessed(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")

    with pytest.raises(DBAPIError), acting_for(cast.promark), transaction():
        db.session.execute(update(Duty).where(Duty.id == duty.id).values(**change))

    assert desk.duty_of(cast, incident_id, "gdpr-33").provision == "GDPR art. 33(1)"


def test_a_duty_and_its_rungs_cannot_be_removed(app, cast):
    incident_id = desk.assessed(cast)
    for table in (DutyRung, Duty):
        with pytest.raises(DBAPIError), acting_for(cast.promark), transaction():
            db.session.execute(delete(table))

    assert desk.duty_of(cast, incident_id, "gdpr-33").is_owed


@pytest.mark.parametrize(
    "change",
    [
        {"state": "lost"}, {"state": "met"}, {"state": "filed_in_part"}, {"state": "in_preparation"},
        {"state": "not_required", "reason": "Because."}, {"late_by": timedelta()},
    ],
)  # fmt: skip
def test_a_state_without_what_it_says_is_refused(app, cast, change):
    incident_id = desk.assessed(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")

    with pytest.raises(IntegrityError), acting_for(cast.promark), transaction():
        db.session.execute(update(Duty).where(Duty.id == duty.id).values(**change))


def test_how_late_a_duty_was_is_frozen_with_its_first_filing(app, cast, clock):
    incident_id = desk.assessed(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    first = duty.due_at + timedelta(hours=2)
    clock.move(hours=100)

    with desk.working(cast, incident_id) as incident:
        mine = db.session.get_one(Duty, duty.id)
        meeting.meet(incident, mine, at=first, actor="Dorthe", now=utcnow(), in_part=True)
    with desk.working(cast, incident_id) as incident:
        mine = db.session.get_one(Duty, duty.id)
        meeting.meet(incident, mine, at=first + timedelta(hours=9), actor="Dorthe", now=utcnow())

    met = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (met.state, met.first_filed_at, met.late_by) == (DutyState.MET, first, timedelta(hours=2))
    for change in ({"late_by": timedelta()}, {"due_at": first}, {"first_filed_at": duty.due_at}):
        with pytest.raises(DBAPIError), acting_for(cast.promark), transaction():
            db.session.execute(update(Duty).where(Duty.id == duty.id).values(**change))


def test_rungs_are_made_with_a_duty_and_set_aside_when_it_is_met(app, cast):
    incident_id = desk.assessed(cast)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    keys = [key for key, _at in waiting(cast, incident_id, duty.id)]
    assert keys == ["-48h", "-24h", "draft", "-12h", "reasons", "-6h", "-3h", "-1h", "-15min", "+0h"]

    with desk.working(cast, incident_id) as incident:
        meeting.meet(incident, db.session.get_one(Duty, duty.id), at=utcnow(), actor="Dorthe", now=utcnow())

    assert waiting(cast, incident_id, duty.id) == []
    with acting_for(cast.promark):
        said = db.session.execute(text("SELECT DISTINCT set_aside_because FROM duty_rungs")).scalars().all()
    assert any(said)
