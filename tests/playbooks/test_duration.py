"""Spans as playbooks write them."""

from datetime import timedelta

import pytest

from playbooks.rules import duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "4 h",
        "P",
        "PT",
        "P1M",
        "P1Y",
        "PT1.5H",
        "--4h",
        "P1DT",
        "4weeks",
        "+9999999h",
        "P367D",
        "PT4H ",
    ],
)
def test_a_span_that_has_no_fixed_length_or_is_not_understood_is_refused(text):
    with pytest.raises(ValueError, match=r"span|year"):
        duration.read(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("PT0S", 0), ("+4h", 240), ("4h", 240), ("-24h", -1440), ("-15min", -15), ("-PT24H", -1440),
     ("P3D", 4320), ("P1W", 10080), ("P1DT2H30M", 1590), ("2d", 2880)],
)  # fmt: skip
def test_iso_durations_and_short_ones_are_read_as_elapsed_time(text, minutes):
    assert duration.read(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["PT0S", "-PT48H", "PT1H30M", "-PT15M", "PT30S"])
def test_what_is_written_reads_as_the_same_span(text):
    assert duration.write(duration.read(text)) == text
