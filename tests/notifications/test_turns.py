"""Turns of a rota: at the same local time, one after another, also when the clocks change."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from notifications.rules.oncall import Turns, named_for

ANNA, BO = uuid4(), uuid4()
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def turns(hour, minute=0, *, days=1):
    """Daily turns from Monday 22 March 2027 on; summer time begins on the 28th, and ends on 31 October."""
    return Turns(
        (ANNA, BO), datetime(2027, 3, 22, hour, minute, tzinfo=COPENHAGEN), days, "Europe/Copenhagen"
    )


def test_a_shift_over_the_change_to_summer_time_is_an_hour_shorter():
    shift = turns(9).shift(datetime(2027, 3, 28, 2, tzinfo=UTC))

    assert shift.start == datetime(2027, 3, 27, 8, tzinfo=UTC)
    assert shift.end == datetime(2027, 3, 28, 7, tzinfo=UTC)


@pytest.mark.parametrize("day", [datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 10, 31, tzinfo=UTC)])
@pytest.mark.parametrize(("hour", "minute"), [(9, 0), (2, 30), (2, 0), (3, 0), (0, 0)])
def test_somebody_hands_over_once_a_day_and_nobody_gets_it_back(hour, minute, day):
    """Also at a time that the clocks leave out, or show twice."""
    rota, at = turns(hour, minute), day - timedelta(hours=12)
    seen = []
    while at < day + timedelta(hours=36):
        if not seen or rota.on_call(at) != seen[-1][1]:
            seen.append((at, rota.on_call(at)))
        at += timedelta(minutes=5)

    changes = [at for at, _who in seen[1:]]
    assert len(changes) == 2
    for change in changes:
        assert rota.next_handover(change - timedelta(minutes=5)) == change
        assert rota.shift(change).start == change
        assert rota.shift(change - timedelta(minutes=5)).end == change


def test_before_the_first_handover_the_first_is_on_call():
    rota = turns(9, days=7)
    early = datetime(2027, 3, 1, tzinfo=UTC)

    assert rota.on_call(early) == ANNA
    assert rota.next_handover(early) == datetime(2027, 3, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("3 Legal", "legal"),
        ("IT", "it"),
        ("Databeskyttelsesrådgiver", "dpo"),
        ("1 On call", None),
        ("Vito", None),
    ],
)
def test_a_rotation_is_named_for_a_role_or_is_a_line(name, role):
    assert named_for(name) == role
