"""Who goes first, when it stops by itself, and what a group keeps of its people."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from notifications.rules.sending import (
    WIDTH,
    Counts,
    Member,
    Verdict,
    figures,
    first,
    packed,
    parts,
    unpacked,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ON = figures(NOW)


@pytest.mark.parametrize(
    ("people", "canary"), [(1, 0), (50, 0), (51, 50), (431, 50), (10_000, 100), (1_000_000, 1000)]
)
def test_fifty_or_one_in_a_hundred_go_first(people, canary):
    assert ON.canary(people) == canary


@pytest.mark.parametrize(
    ("counts", "minutes", "verdict"),
    [
        (Counts(50, 0, 0), None, Verdict.GO_ON),
        (Counts(40, 0, 10), 14, Verdict.WAIT),
        (Counts(40, 0, 10), 15, Verdict.GO_ON),
        (Counts(40, 0, 10), None, Verdict.WAIT),  # some were not even handed over
        (Counts(0, 5, 45), 15, Verdict.GO_ON),
        (Counts(0, 6, 44), None, Verdict.STOP),  # it does not wait to see worse
        (Counts(0, 6, 94), None, Verdict.WAIT),  # bounces come first
        (Counts(90, 10, 0), None, Verdict.GO_ON),
        (Counts(89, 11, 0), None, Verdict.STOP),
    ],
)
def test_what_the_first_few_show(counts, minutes, verdict):
    assert ON.judge(counts, None if minutes is None else timedelta(minutes=minutes)) is verdict


def test_what_a_person_has_looked_at_stops_nothing_again():
    assert not ON.is_too_much(Counts(100, 60, 0).since(0, 55))


def test_a_group_keeps_its_people_in_their_order():
    people = [Member(UUID(int=number), "DK" if number % 2 else "", number % 8) for number in range(1000)]

    kept = packed(people)

    assert unpacked(kept) == people
    assert len(kept) == 1000 * WIDTH
    assert [len(unpacked(part)) for part in parts(kept, 300)] == [300, 300, 300, 100]


@pytest.mark.parametrize(("bits", "way"), [(7, "sms"), (5, "email"), (4, "letter"), (0, None)])
def test_the_first_way_is_the_first_in_the_order_that_was_chosen(bits, way):
    assert first(("sms", "email", "letter"), bits) == way


@pytest.mark.parametrize(
    ("hours", "must_by", "decides"),
    [(0.5, None, False), (1.1, None, True), (0.1, 11, True), (0.1, 13, False)],
)
def test_a_person_decides_of_what_nobody_knows_after_an_hour_or_near_the_deadline(hours, must_by, decides):
    deadline = NOW + timedelta(hours=must_by) if must_by else None

    assert ON.is_for_a_person(NOW - timedelta(hours=hours), deadline, NOW) is decides
