"""The rota as people change it: the past stays, nothing typed is lost, whom it concerns is told."""

import re
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select

from accounts.models import Role, StaffMember
from foundation.database import db, transaction
from foundation.errors import Invalid, NotAllowed, Refused
from notifications import alarms, jobs, on_duty, paging, shifts
from notifications.models import OnCallRecord, Override, Rotation, Schedule, Swap, SwapState
from notifications.rota import editing, hints, overrides, swaps, telling
from notifications.rota.overrides import Wanted
from notifications.rota.swaps import Offer
from notifications.rules.plan import Change

ZONE = ZoneInfo("Europe/Copenhagen")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def nights(house) -> UUID:
    """Astrid and Birk a week each, from this night on; the record begins."""
    schedule = db.session.scalars(select(Schedule)).one().id
    house.do(on_duty.keep, schedule)
    return schedule


def person(house, name):
    return db.session.get_one(StaffMember, house.people[name])


def stand_in(house, schedule, after, start, end, *, before=None, by="dorthe", change=Change.REPLACE):
    wanted = Wanted(change, house.people.get(before), house.people.get(after), start, end)
    return house.do(overrides.make, schedule, wanted, by=person(house, by))


def records():
    db.session.expire_all()
    found = db.session.scalars(select(OnCallRecord).order_by(OnCallRecord.starts_at))
    return [(each.staff_id, each.starts_at, each.ends_at) for each in found]


def told(house, template):
    names = {each: name for name, each in house.people.items()}
    return [names[each.staff_id] for each in house.messages(template=template)]


# --- the record ------------------------------------------------------------------------------------


def test_after_an_outage_the_clock_fills_in_the_whole_time_and_another_round_adds_nothing(
    house, nights, monkeypatch
):
    start = house.now
    monkeypatch.setattr("notifications.jobs.database_now", lambda: house.now)
    house.later(days=16)  # over two handovers

    assert jobs.keep_rota() == 1
    assert jobs.keep_rota() == 0
    house.later(minutes=1)
    jobs.keep_rota()

    assert records() == [
        (house.astrid, start, start + 7 * DAY), (house.birk, start + 7 * DAY, start + 14 * DAY),
        (house.astrid, start + 14 * DAY, house.now),
    ]  # fmt: skip


def test_an_edit_changes_what_comes_and_nothing_of_what_was_though_no_clock_ran(house, nights):
    start = house.now
    rotation = db.session.scalars(select(Rotation)).one()
    house.later(days=2)
    draft = editing.Draft("Nights", [house.birk], start, 7, [], None, None)

    house.do(editing.save, nights, rotation.id, draft, seen=1, by="Dorthe")

    assert sorted(told(house, "rota_changed")) == ["astrid", "birk"], "it changes hands within a shift"
    assert on_duty.on_call(house.promark, house.now - HOUR) == [house.astrid]
    assert on_duty.on_call(house.promark, house.now) == [house.birk]
    assert records() == [(house.astrid, start, house.now)]
    house.do(editing.remove, nights, rotation.id, by="Dorthe")
    assert on_duty.on_call(house.promark, house.now - HOUR) == [house.astrid]
    assert on_duty.on_call(house.promark, house.now + HOUR) == []
    done = [each for each in house.record(telling.chain(nights)) if each.startswith("rotation")]
    assert done == ["rotation.changed", "rotation.removed"]


def test_a_rotation_moved_up_by_a_page_that_was_read_before_stays_where_it_is(house, nights):
    draft = editing.Draft("Days", [house.birk], house.now, 7, [], None, None)
    house.do(editing.add, nights, draft, seen=1, by="Dorthe")
    version = db.session.get_one(Schedule, nights).version
    below = on_duty.rotations(nights)[1].id

    assert house.do(editing.move_up, nights, below, seen=version, by="Dorthe")
    with pytest.raises(Refused, match="changed this schedule"):
        house.do(editing.move_up, nights, on_duty.rotations(nights)[1].id, seen=version, by="Dorthe")
    assert on_duty.rotations(nights)[0].id == below


def test_an_override_taken_back_while_it_runs_leaves_what_has_passed(house, nights):
    start = house.now
    row = stand_in(house, nights, "dorthe", start + HOUR, start + 5 * HOUR)
    house.later(hours=3)

    assert house.do(overrides.cancel, row.id, by=person(house, "dorthe")) == 1
    assert house.do(overrides.cancel, row.id, by=person(house, "dorthe")) == 0

    assert [on_duty.on_call(house.promark, start + n * HOUR) for n in (0, 1, 2, 3, 4)] == [
        [house.astrid], [house.dorthe], [house.dorthe], [house.astrid], [house.astrid],
    ]  # fmt: skip


# --- overrides -------------------------------------------------------------------------------------


def test_pages_alarms_and_shifts_go_to_who_stands_in(house, nights):
    with transaction():
        person(house, "olga").role = Role.RESPONDER
    stand_in(house, nights, "olga", house.now, house.now + HOUR, by="dorthe")
    olga = house.olga

    assert on_duty.on_call(house.promark, house.now) == [olga]
    for target in ({"schedule": str(nights)}, {"rotation": str(nights)}):  # the second is an old page's
        assert [each.id for each in paging.people_of(house.promark, target, house.now)] == [olga]
    assert olga in alarms.guardians(house.promark, house.now)
    [mine] = shifts.of_person(house.promark, olga, house.now, house.now + DAY)
    assert (mine.shift.start, mine.shift.end) == (house.now, house.now + HOUR)
    [change] = shifts.changes(house.promark, house.now, ahead=2 * HOUR, back=-HOUR / 2)
    assert (change.before, change.after, change.at) == (olga, house.astrid, house.now + HOUR)


def test_whom_an_override_concerns_is_told_and_not_who_made_it(house, nights):
    stand_in(house, nights, "dorthe", house.now + HOUR, house.now + 2 * HOUR, by="dorthe")

    assert told(house, "rota_changed") == ["astrid"]


def test_whoever_has_the_shift_again_is_told_when_a_change_is_taken_back(house, nights):
    row = stand_in(house, nights, "birk", house.now + HOUR, house.now + 2 * HOUR)
    house.later(minutes=20)

    house.do(overrides.cancel, row.id, by=person(house, "dorthe"))

    assert told(house, "rota_changed") == ["astrid", "birk", "astrid", "birk"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": 5, "end": 4}, "ends before it begins"),
        ({"start": -5, "end": -4}, "That time is over"),
        ({"end": 24 * 400}, "longer than a year"),
        ({"before": "birk"}, "Birk is not on duty in that time"),
        ({"before": "astrid", "after": "astrid"}, "Both are the same person"),
        ({"after": None}, "Say who is to be on duty"),
        ({"after": "eskil"}, "no such colleague"),
    ],
)
def test_what_would_not_hold_is_refused_in_words(house, nights, wrong, words):
    wanted = {"before": None, "after": "dorthe", "start": 1, "end": 3} | wrong
    with pytest.raises(Invalid, match=words):
        stand_in(
            house, nights, wanted["after"], house.now + wanted["start"] * HOUR,
            house.now + wanted["end"] * HOUR, before=wanted["before"],
        )  # fmt: skip
    assert db.session.scalars(select(Override)).all() == []


def test_an_overlap_is_refused_and_says_with_what(house, nights):
    at = house.now
    stand_in(house, nights, "dorthe", at + HOUR, at + 3 * HOUR)

    with pytest.raises(Refused, match="Dorthe for whoever it would be, Tue 24 Nov 2026, 03:00 CET"):
        stand_in(house, nights, "birk", at + 2 * HOUR, at + 4 * HOUR, before="astrid")
    stand_in(house, nights, "birk", at + 3 * HOUR, at + 4 * HOUR, before="astrid")


def test_a_gap_that_an_override_makes_is_found(house, nights):
    start, end = house.now + HOUR, house.now + 2 * HOUR
    stand_in(house, nights, None, start, end, before="astrid", change=Change.REMOVE)

    [gap] = on_duty.gaps(house.promark, house.now, house.now + 14 * DAY)

    assert (gap.schedule, gap.start, gap.end) == (nights, start, end)


# --- swaps -----------------------------------------------------------------------------------------


def offer(house, schedule, *, back=True):
    """Birk offers his week, which begins in seven days, to Astrid for the one after."""
    start = house.now + 7 * DAY
    theirs = (start + 7 * DAY, start + 14 * DAY) if back else None
    wanted = Offer(house.astrid, (start, start + 7 * DAY), theirs, "My sister's wedding")
    return house.do(swaps.propose, schedule, wanted, by=person(house, "birk")).id


def weeks(house):
    return [on_duty.on_call(house.promark, house.now + n * DAY)[0] for n in (8, 15)]


def test_a_swap_changes_nothing_before_it_is_accepted_and_then_both_weeks(house, nights):
    swap = offer(house, nights)
    assert offer(house, nights) == swap, "pressed twice it is one offer"
    assert weeks(house) == [house.birk, house.astrid]
    assert told(house, "swap_proposed") == ["astrid"]

    assert house.do(swaps.accept, swap, by=person(house, "astrid"))
    assert not house.do(swaps.accept, swap, by=person(house, "astrid"))

    assert weeks(house) == [house.astrid, house.birk]
    assert told(house, "swap_answered") == ["birk"]
    assert house.record(telling.chain(nights)).count("override.made") == 2
    half = db.session.scalars(select(Override)).first()
    assert house.do(overrides.cancel, half.id, by=person(house, "dorthe")) == 2
    assert weeks(house) == [house.birk, house.astrid]


def test_a_swap_of_which_one_half_cannot_be_made_changes_nothing(house, nights):
    swap = offer(house, nights)
    start = house.now + 15 * DAY
    stand_in(house, nights, "birk", start, start + HOUR, change=Change.ADD)  # stands in the way of the second

    with pytest.raises(Refused, match="overlaps"):
        house.do(swaps.accept, swap, by=person(house, "astrid"))

    db.session.expire_all()
    assert db.session.get_one(Swap, swap).state is SwapState.PROPOSED
    assert weeks(house)[0] == house.birk


def test_only_whom_it_concerns_answers_and_only_in_time(house, nights):
    swap = offer(house, nights)
    for act, who in ((swaps.accept, "birk"), (swaps.decline, "dorthe"), (swaps.withdraw, "astrid")):
        with pytest.raises(NotAllowed):
            house.do(act, swap, by=person(house, who))
    assert house.do(swaps.withdraw, swap, by=person(house, "birk"))
    with pytest.raises(Refused, match="withdrawn already"):
        house.do(swaps.accept, swap, by=person(house, "astrid"))
    late = offer(house, nights, back=False)
    house.later(days=8)
    with pytest.raises(Refused, match="too late"):
        house.do(swaps.accept, late, by=person(house, "astrid"))


def test_an_offer_of_centuries_is_refused_before_anybody_waits_for_it(house, nights, monkeypatch):
    monkeypatch.setattr(editing, "lock", None)
    wanted = Offer(house.astrid, (house.now + 7 * DAY, house.now + 500 * 365 * DAY), None)
    with pytest.raises(Invalid, match="longer than a year"):
        house.do(swaps.propose, nights, wanted, by=person(house, "birk"))


def test_nobody_offers_a_shift_that_is_not_theirs(house, nights):
    wanted = Offer(house.astrid, (house.now + 7 * DAY, house.now + 14 * DAY), None)
    with pytest.raises(Invalid, match="not yours"):
        house.do(swaps.propose, nights, wanted, by=person(house, "dorthe"))


# --- pages -----------------------------------------------------------------------------------------


@pytest.fixture
def tonight(house, monkeypatch):
    for name in ("on_call", "schedules", "rotations", "overrides", "schedule_feeds"):
        monkeypatch.setattr(f"notifications.views.{name}.utcnow", lambda: house.now)
    return house


ROTATION = {
    "name": "Week nights", "kind": "hours", "days": "7", "first": "2026-11-23", "handover": "09:00",
    "days_0": ["0", "1", "2", "3", "4"], "start_0": "17:00", "end_0": "08:00", "seen": "1",
}  # fmt: skip


def test_a_schedule_is_made_by_forms_alone_and_pages_follow_it(tonight):
    dorthe = tonight.browser("dorthe")
    made = dorthe.post("/on-call/schedules", data={"name": "0 Nights", "timezone": "Europe/Copenhagen"})
    place = made.headers["Location"].removesuffix("/new")

    answer = dorthe.post(place, data=ROTATION | {"member": [str(tonight.birk), "", str(tonight.dorthe)]})

    assert answer.status_code == 303, answer.text
    at = datetime(2026, 11, 26, 23, tzinfo=ZONE)
    assert on_duty.on_call(tonight.promark, at)[0] == tonight.birk
    assert on_duty.on_call(tonight.promark, at + 7 * DAY)[0] == tonight.dorthe
    assert on_duty.on_call(tonight.promark, at - 12 * HOUR)[0] == tonight.astrid  # by the other line


def test_every_fault_is_named_at_once_and_what_was_typed_stays(tonight, nights):
    wrong = ROTATION | {"name": "Kept as typed", "days": "0", "first": "", "start_0": "", "member": [""]}

    answer = tonight.browser("dorthe").post(f"/on-call/schedules/{nights}/rotations", data=wrong)

    assert answer.status_code == 422
    for words in ("at least one colleague", "from 1 to 92 days", "on which day", "Every row of hours"):
        assert words in answer.text
    assert 'value="Kept as typed"' in answer.text


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_year_that_no_calendar_has_is_a_slip_of_the_finger(tonight, nights, at):
    dorthe, place = tonight.browser("dorthe"), f"/on-call/schedules/{nights}"
    change = {"change": "replace", "after": str(tonight.birk), "start": at, "end": at}
    swap = {"mine": f"{at}+00:00|{at}:30+00:00", "theirs": str(tonight.astrid)}

    answers = [
        dorthe.get(f"/on-call?at={at}"), dorthe.post("/on-call/policies", data={"do": "show", "at": at}),
        dorthe.post(f"{place}/overrides", data=change), dorthe.post(f"{place}/swaps", data=swap),
    ]  # fmt: skip

    assert [each.status_code for each in answers] == [200, 200, 422, 422]


def test_a_second_editor_is_told_what_is_in_force_and_loses_nothing(tonight, nights):
    place = f"/on-call/schedules/{nights}/rotations/{nights}"
    dorthe = tonight.browser("dorthe")
    form = {"kind": "weekly", "first": "2026-11-24", "handover": "02:00", "seen": "1"}
    first = form | {"name": "First", "member": [str(tonight.birk)]}
    second = form | {"name": "Second", "member": [str(tonight.dorthe)]}

    assert dorthe.post(place, data=first).status_code == 303
    refused = dorthe.post(place, data=second)

    assert refused.status_code == 409
    assert "Somebody else has changed this schedule" in refused.text
    assert "In force now" in refused.text
    assert 'value="Second"' in refused.text
    assert on_duty.on_call(tonight.promark, tonight.now) == [tonight.birk]
    again = re.search(r'name="seen" value="(\d+)"', refused.text)[1]
    assert dorthe.post(place, data=second | {"seen": again}).status_code == 303
    assert on_duty.on_call(tonight.promark, tonight.now) == [tonight.dorthe]


def test_who_may_not_edit_sees_the_rota_and_offers_shifts_and_changes_nothing(tonight, nights):
    birk, place = tonight.browser("birk"), f"/on-call/schedules/{nights}"
    shown = birk.get(place).text
    mine = re.search(r'<option value="(2026-12-01[^"]+)"', birk.get(f"{place}/swaps/new").text)[1]

    offered = birk.post(f"{place}/swaps", data={"mine": mine, "theirs": str(tonight.astrid)})

    assert offered.status_code == 303
    assert "Offer a shift" in shown
    assert "Add a rotation" not in shown
    for path in (
        "/on-call/schedules",
        place,
        f"{place}/rotations",
        f"{place}/overrides",
        f"{place}/retirement",
    ):
        assert birk.post(path).status_code == 403


def test_the_calendar_shows_people_gaps_holidays_and_this_moment(tonight, nights):
    start = datetime(2026, 12, 24, 3, tzinfo=ZONE)
    stand_in(tonight, nights, None, start, start + HOUR, before="astrid", change=Change.REMOVE)
    birk = tonight.browser("birk")

    december = birk.get("/on-call/calendar?date=2026-12-01").text
    week = birk.get("/on-call/calendar?view=week").text

    assert "rc-bar--gap" in december
    assert "rc-bar--mine" in december
    assert "Christmas Day" in december
    assert 'class="rc-now"' in week
    assert 'class="rc-now"' not in december
    asked = birk.get("/on-call?at=2026-12-24T03:30").text.partition('id="ask"')[2]
    assert "Nobody" in asked.partition("</section>")[0]


def test_a_schedule_that_is_paged_is_not_ended_and_one_that_is_ended_keeps_its_record(tonight, nights):
    policy = {"schedule": str(nights), "minutes": 5}
    with transaction():
        paging.add_policy(organisation_id=tonight.promark, name="Night policy", steps=[policy])
    dorthe = tonight.browser("dorthe")
    place = f"/on-call/schedules/{nights}/retirement"

    assert "Night policy" in dorthe.post(place).text
    with transaction():
        db.session.scalars(select(paging.EscalationPolicy)).all()[-1].steps = []
    tonight.later(hours=2)
    assert dorthe.post(place).status_code == 303

    assert on_duty.on_call(tonight.promark, tonight.now) == []
    asked = dorthe.get(f"/on-call?at={tonight.now.astimezone(ZONE) - HOUR:%Y-%m-%dT%H:%M}").text
    assert "There was no schedule" not in asked


def test_the_calendar_of_a_schedule_follows_overrides_and_ends_with_its_address(tonight, nights):
    dorthe, anybody = tonight.browser("dorthe"), tonight.app.test_client()
    page = dorthe.post(f"/on-call/schedules/{nights}/feed").text
    path = re.search(r"https://[^<\"]+(/rota/[\w-]+\.ics)", page)[1]
    stand_in(tonight, nights, "dorthe", tonight.now + HOUR, tonight.now + 2 * HOUR)

    shown = [
        (str(each["SUMMARY"]), each["DTSTART"].dt)
        for each in Calendar.from_ical(anybody.get(path).data).walk("VEVENT")
    ]

    assert ("Nights: Dorthe", tonight.now + HOUR) in shown
    assert ("Nights: Astrid", tonight.now + 2 * HOUR) in shown
    for role, status in ((Role.NONE, 404), (Role.DPO, 200)):
        with transaction():
            person(tonight, "dorthe").role = role
        assert anybody.get(path).status_code == status
    assert dorthe.post(f"/on-call/schedules/{nights}/feed/revocation").status_code == 303
    assert anybody.get(path).status_code == 404


@pytest.mark.parametrize(
    ("country", "locale", "name"),
    [
        ("DK", "da", "Juledag"),
        ("NO", "nb", "Første juledag"),
        ("SE", "sv", "Juldagen"),
        ("SE", "en", "Christmas Day"),
        ("DE", "nb", "Erster Weihnachtstag"),
    ],
)
def test_holidays_are_named_in_the_readers_language_or_the_countrys(country, locale, name):
    day = datetime(2026, 12, 25, tzinfo=ZONE).date()

    assert hints.between(country, day, day, locale) == {day: name}
    assert hints.between("XX", day, day, locale) == {}
