"""A rota of the test's own at ProMark, and the clock's rounds over it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete

from accounts.models import StaffMember
from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import jobs
from incident.models import Handover, RoleHeld
from notifications import on_duty
from notifications.models import Message, OnCallRecord, Override, Rotation, Schedule, Swap
from notifications.rota import overrides
from notifications.rota.overrides import Wanted
from notifications.rules.plan import Change
from tests import people

ZONE = "Europe/Copenhagen"


def local(*when):
    """A time in Copenhagen."""
    return datetime(*when, tzinfo=ZoneInfo(ZONE))


def lay(cast, *rotations, first=None, days=1):
    """Lay these rotations in place of the example's: each a name and its members by address."""
    with everyone(), transaction():
        for table in (OnCallRecord, Override, Swap, Rotation, Schedule):
            db.session.execute(delete(table))
        for name, members in rotations:
            on_duty.add_rotation(
                organisation_id=cast.promark, name=name, timezone=ZONE, shift_days=days,
                first_handover=first or local(2027, 2, 24, 9), members=[cast.staff[each] for each in members],
            )  # fmt: skip


def at(clock, *when):
    """Let it be that time in Copenhagen."""
    clock.move(seconds=(local(*when) - utcnow()).total_seconds())


def stand_in(cast, who, start, end):
    """Let somebody stand in for whoever it would be, in the first schedule."""
    with acting_for(cast.promark), transaction():
        schedule = on_duty.schedules(cast.promark)[0]
        wanted = Wanted(Change.REPLACE, None, cast.staff[who], start, end)
        by = db.session.get_one(StaffMember, cast.staff[people.DORTHE])
        overrides.make(schedule.id, wanted, by=by, now=utcnow())


def rounds(times=1):
    """One round of both duties of the clock, or more; what they say they did."""
    return [(jobs.fill_roles(), jobs.hand_over()) for _ in range(times)]


def rows(cast, table, **where):
    """Rows of a table at ProMark, as stored."""
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        return [
            each for each in db.session.query(table).order_by(table.id)
            if all(getattr(each, name) == value for name, value in where.items())
        ]  # fmt: skip


def holders(cast, incident_id):
    """Who holds which role now, by first name."""
    names = {staff_id: email.partition("@")[0] for email, staff_id in cast.staff.items()}
    return {
        each.role: names.get(each.staff_id)
        for each in rows(cast, RoleHeld, incident_id=incident_id, until=None)
    }


def handovers(cast):
    """Every handover."""
    return rows(cast, Handover)


def messages(cast, template):
    """To whom messages of this template went, by first name, each channel once."""
    names = {staff_id: email.partition("@")[0] for email, staff_id in cast.staff.items()}
    return [names[each.staff_id] for each in rows(cast, Message, template=template)]


FIRST_LINE = ("1 On call", (people.ASTRID, people.BIRK))
