"""What only a person can tell of the authority, and the short inquiry after a tip, stand where one works."""

from datetime import timedelta
from typing import get_args

import pytest

from foundation.database import utcnow
from incident import triage
from incident.forms import words
from incident.rules.deadlines import ClockKind
from tests import people
from tests.incident import desk

GREENLAND = {"subjects": {"total": {"exactly": 20}, "by_country": {"DK": 15, "GL": 5}}}
ASKED = "People in Greenland: the older Danish act applies there"


def tip(cast):
    """A colleague saw something that may be a breach: nobody is certain, and no processor told."""
    at = utcnow() - timedelta(hours=2)
    return desk.reported(
        cast, processor=None, chain=[], compromised=None, disclosure=None, cause=None,
        timeline={"detected_at": at.isoformat()},
    )  # fmt: skip


@pytest.mark.parametrize("place", ["", "/facts/new", "/assessments/new"])
def test_a_question_about_the_office_stands_beside_the_authorities_with_where_to_answer_it(
    cast, signed_in, place
):
    incident_id = desk.confirmed(cast, **GREENLAND)

    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}{place}").text

    assert page.index("Competent authorities") < page.index(ASKED)
    assert f'href="/incidents/{incident_id}#notes"' in page


def test_without_a_question_nothing_is_asked(cast, signed_in):
    incident_id = desk.confirmed(cast)

    assert "Which authority is told" not in signed_in(people.DORTHE).get(f"/incidents/{incident_id}").text


@pytest.mark.parametrize("place", ["", "/facts/new"])
def test_after_a_tip_the_inquiry_is_shown_until_awareness_is_fixed(cast, signed_in, place):
    incident_id, dorthe = tip(cast), signed_in(people.DORTHE)
    before = dorthe.get(f"/incidents/{incident_id}{place}").text

    with desk.working(cast, incident_id) as incident:
        triage.fix_awareness(
            incident, utcnow() - timedelta(hours=1), reason="We saw the log.", after=1, by="Dorthe Friis",
            now=utcnow(),
        )  # fmt: skip
    after = dorthe.get(f"/incidents/{incident_id}{place}").text

    assert before.count("undecided then means aware") == 1
    assert "undecided then means aware" not in after


def test_word_from_a_processor_is_no_tip(cast, signed_in):
    incident_id = desk.reported(cast)

    assert "undecided then" not in signed_in(people.DORTHE).get(f"/incidents/{incident_id}").text


def test_every_clock_has_a_label_and_one_of_another_release_is_shown_by_its_name():
    assert [kind for kind in get_args(ClockKind) if kind not in words.CLOCKS] == []
    assert words.CLOCKS["of_tomorrow"] == "of_tomorrow"
