"""What an organisation writes into playbooks of its own silences no call and stops no report or clock."""

from datetime import UTC, datetime, timedelta

import pytest

from playbooks import library, own
from playbooks.rules import picture, timeline
from playbooks.rules.reading import DefinitionError, read

GENERAL = library.playbook("processor_breach").text
STEP = """
[[steps]]
key = "look"
title = "Look"
role = "on_call"
anchor = "occurred"
offset = "+4h"
overdue_every = "P14D"
done_when = "Somebody looked."
source = "Ours"
"""
TOP = 'key = "house"\ntitle = "House"\npurpose = "Ours"\nsource = "Ours"\n'


def faults(text):
    with pytest.raises(DefinitionError) as refused:
        own.check(text)
    return str(refused.value)


def test_in_the_place_of_ours_somebody_is_woken_as_by_ours():
    silent = GENERAL.replace('action = "page"', 'action = "remind"')
    later = GENERAL.replace('offset = "PT0S"\naction = "page"', 'offset = "+9h"\naction = "page"')

    assert own.check(GENERAL + "# ours\n")
    for text in (silent, later):
        assert "wakes who is on call" in faults(text)


def test_in_the_place_of_ours_nothing_ends_it_sooner():
    early = GENERAL.replace('ended_by = ["incident.rejected"', 'ended_by = ["page.acknowledged"')

    assert "'page.acknowledged' ends it before our" in faults(early)


@pytest.mark.parametrize("word", ["title", "done_when", "source"])
def test_a_sign_that_a_database_cannot_keep_is_refused_with_its_line(word):
    text = TOP + STEP.replace(f'{word} = "', f'{word} = "\\u0000', 1)

    assert f"{word} holds the sign NUL" in faults(text)


@pytest.mark.parametrize("bomb", ["a = " + "[" * 3000, "a = " + "9" * 6000])
def test_a_text_that_crashes_a_parser_is_a_fault_like_others(bomb):
    assert "not TOML that can be read" in faults(bomb)


def test_a_report_from_the_end_of_time_stops_no_run():
    book = read(TOP + STEP, "house")
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    now = datetime(2026, 10, 2, tzinfo=UTC)

    for occurred in (last, last - timedelta(days=1)):
        anchors = {"occurred": occurred}
        assert timeline.look(book, anchors, closed=(), settled=(), now=now).owed == ()
        timeline.timetable(book, anchors)
        picture.draw(book, picture.imagined(now, anchors))
