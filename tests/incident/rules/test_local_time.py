from datetime import UTC, datetime

import pytest

from incident.rules.local_time import AmbiguousTime, LocalTimeFault, NonexistentTime, resolve_local


def test_an_hour_that_never_was_is_refused():
    with pytest.raises(NonexistentTime, match="put forward"):
        resolve_local("2027-03-28 02:30", "Europe/Copenhagen")


def test_an_hour_that_was_twice_asks_which():
    with pytest.raises(AmbiguousTime) as asked:
        resolve_local("2027-10-31 02:30", "Europe/Stockholm")

    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert asked.value.candidates == (first, second)
    assert resolve_local("2027-10-31 02:30", "Europe/Stockholm", fold=0) == first
    assert resolve_local("2027-10-31 02:30", "Europe/Stockholm", fold=1) == second


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-06",
        "09:30",
        "2026-10-06T09:30:00+02:00",
        "2026-10-06T09:30Z",
        "2026-02-30 09:30",
        "2026-10-06 24:30",
        "0001-01-01 00:30",
        "２０２６-10-06 09:30",
        "yesterday",
        "",
    ],
)
def test_text_that_is_no_local_time_is_refused(text):
    with pytest.raises(LocalTimeFault):
        resolve_local(text, "Europe/Oslo")


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-10-06 09:30", "Europe/Copenhagen", "2026-10-06T07:30:00+00:00"),
        ("2026-12-07T10:05:30", "Europe/Oslo", "2026-12-07T09:05:30+00:00"),
        ("2027-03-28 01:59", "Europe/London", None),
        ("2027-03-28 03:00", "Europe/Stockholm", "2027-03-28T01:00:00+00:00"),
    ],
)
def test_an_ordinary_time_is_one_instant(text, zone, utc):
    if utc is None:
        with pytest.raises(NonexistentTime):
            resolve_local(text, zone)
    else:
        assert resolve_local(text, zone).isoformat() == utc
