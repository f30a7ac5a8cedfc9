"""A window is so many elapsed hours, through every change of clocks of 2020 to 2040, wherever one works."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident.rules.deadlines import after_hours, latest_by_regulation_1182_71
from incident.rules.evaluation import evaluate
from incident.rules.local_time import AmbiguousTime, NonexistentTime, resolve_local

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
# Every zone of the EEA, of the United Kingdom, Switzerland, and of places that answer to one of them.
ZONES = (
    "Europe/Vienna", "Europe/Brussels", "Europe/Sofia", "Europe/Zagreb", "Asia/Nicosia", "Asia/Famagusta",
    "Europe/Prague", "Europe/Copenhagen", "Europe/Tallinn", "Europe/Helsinki", "Europe/Mariehamn",
    "Europe/Paris", "Europe/Berlin", "Europe/Busingen", "Europe/Athens", "Europe/Budapest", "Europe/Dublin",
    "Europe/Rome", "Europe/Riga", "Europe/Vilnius", "Europe/Luxembourg", "Europe/Malta", "Europe/Amsterdam",
    "Europe/Warsaw", "Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores", "Europe/Bucharest",
    "Europe/Bratislava", "Europe/Ljubljana", "Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary",
    "Europe/Stockholm", "Atlantic/Reykjavik", "Europe/Vaduz", "Europe/Oslo", "Arctic/Longyearbyen",
    "Europe/London", "Europe/Jersey", "Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Gibraltar",
    "Europe/Zurich", "Atlantic/Faroe", "America/Nuuk", "America/Cayenne", "America/Guadeloupe",
    "America/Martinique", "America/Marigot", "Indian/Reunion", "Indian/Mayotte",
)  # fmt: skip
WITHOUT_SUMMER_TIME = {
    "Atlantic/Reykjavik", "America/Cayenne", "America/Guadeloupe", "America/Martinique", "America/Marigot",
    "Indian/Reunion", "Indian/Mayotte",
}  # fmt: skip
HOUR = timedelta(hours=1)


@cache
def changes(zone):
    """The moments (UTC, to the hour) at which clocks change in 2020 to 2040."""
    place, found = ZoneInfo(zone), []
    day, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    while day < end:
        tomorrow = day + timedelta(days=1)
        if day.astimezone(place).utcoffset() != tomorrow.astimezone(place).utcoffset():
            hours = (day + n * HOUR for n in range(1, 25))
            before = day.astimezone(place).utcoffset()
            found.append(next(at for at in hours if at.astimezone(place).utcoffset() != before))
        day = tomorrow
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_due_is_start_and_hours_in_utc_through_every_change_of_clocks(zone):
    place = ZoneInfo(zone)
    moments = changes(zone)

    assert (len(moments) >= 40) is (zone not in WITHOUT_SUMMER_TIME)
    for change in moments or [NOW]:
        for hours in (4, 24, 72, 96):
            for before in (0, 1, hours - 1, hours, hours + 1):
                start = change - before * HOUR - timedelta(minutes=17)
                due = after_hours(start.astimezone(place), hours)
                assert due - start == timedelta(hours=hours)
                assert due.utcoffset() == timedelta(0)


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31)),  # noqa: DTZ001  local times are made of them
    st.integers(1, 400),
    st.integers(0, 1),
)
def test_any_start_in_any_zone_has_its_deadline_exactly_so_many_hours_later(zone, naive, hours, fold):
    local = naive.replace(tzinfo=ZoneInfo(zone), fold=fold)
    start = local.astimezone(UTC)

    assert after_hours(local, hours) - start == timedelta(hours=hours)
    latest = latest_by_regulation_1182_71(local, hours)
    assert after_hours(local, hours) < latest <= after_hours(local, hours + 1)
    assert (latest.minute, latest.second, latest.microsecond) == (0, 0, 0)


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "Europe/London", "Atlantic/Azores", "Europe/Helsinki"])
def test_a_report_written_with_the_offset_of_its_zone_is_reckoned_like_one_in_utc(zone):
    for change in changes(zone):
        local = (change - 36 * HOUR).astimezone(ZoneInfo(zone))
        told, same = (
            evaluate({"timeline": {"aware_at": at.isoformat()}}, NOW).clocks[0]
            for at in (local, local.astimezone(UTC))
        )
        assert told == same


@pytest.mark.parametrize("zone", sorted(set(ZONES) - WITHOUT_SUMMER_TIME))
def test_each_hour_that_was_twice_is_asked_about_and_each_that_never_was_refused(zone):
    place = ZoneInfo(zone)
    for change in changes(zone):
        before, after = ((change - HOUR).astimezone(place), change.astimezone(place))
        if after.utcoffset() > before.utcoffset():
            missing = (before + HOUR).replace(tzinfo=None, minute=30)
            with pytest.raises(NonexistentTime):
                resolve_local(missing.isoformat(" ", "minutes"), zone)
        else:
            twice = after.replace(tzinfo=None, minute=30)
            with pytest.raises(AmbiguousTime) as asked:
                resolve_local(twice.isoformat(" ", "minutes"), zone)
            first, second = asked.value.candidates
            assert second - first == HOUR
            assert first < change < second
