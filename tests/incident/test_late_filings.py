"""Approved in time and filed late: what happened is recorded, and the reasons reach the authority."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from foundation.database import acting_for, db, utcnow
from foundation.errors import Refused
from incident import authority_notification, delays, packs
from incident.authority_notification import Unexplained
from incident.authority_notification.differing import CHANGED
from incident.models import AuthorityFiling
from incident.rules.phases import Phase
from tests import people
from tests.incident import desk
from tests.incident.test_authority_notification import (
    DANISH,
    address,
    approve,
    edit,
    file,
    late,
    stored,
)
from tests.incident.test_filings import local, logged, rows
from tests.incident.test_phases import begin, follow_up

LATE = {"why_late": "Logfilerne kom sent.", "delay": "owed"}


def approved_in_time(cast, clock):
    """A text approved one minute before the deadline; now is one minute after it."""
    incident_id, notification_id = late(cast, clock, minutes=-1)
    edit(cast, incident_id, notification_id, {"consequences.impact_types": ["fraud"]}, to_follow=frozenset())
    approve(cast, incident_id, notification_id)
    clock.move(minutes=2)
    return incident_id, notification_id


def write_down(cast, incident_id, reason):
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == DANISH)
        delays.add_reason(incident, duty, reason, by=desk.person(cast, people.DORTHE), now=utcnow())


def duty_of(cast, incident_id):
    return desk.duty_of(cast, incident_id, "gdpr-33")


def reasons_in(notification):
    return packs.answer(notification.content, packs.REASONS)


def test_what_was_approved_in_time_and_filed_late_is_recorded_with_the_reasons(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)

    file(cast, incident_id, notification_id, **LATE)

    (row,) = rows(cast, AuthorityFiling)
    assert (row.why_late, row.why_late_owed) == ("Logfilerne kom sent.", True)
    assert row.late_by == duty_of(cast, incident_id).late_by >= timedelta(minutes=1)
    (entry,) = logged(cast, incident_id, "notification.filed")
    assert ("Logfilerne kom sent." in entry.reason, entry.details["reasons_owed"]) == (True, True)


@pytest.mark.parametrize(
    "said", [{}, {"why_late": "Logs."}, {"delay": "owed"}, {"delay": "told", "why_late": "  "},
             {"why_late": "x" * 2001, "delay": "owed"}],
)  # fmt: skip
def test_without_a_word_on_the_delay_it_is_asked_for_and_nothing_is_kept(app, cast, clock, said):
    incident_id, notification_id = approved_in_time(cast, clock)

    with pytest.raises(Unexplained):
        file(cast, incident_id, notification_id, **said)

    assert rows(cast, AuthorityFiling) == []
    assert stored(cast, incident_id, notification_id).state == "approved"


def test_reasons_that_the_authority_has_not_got_are_owed_as_a_further_notification(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)
    file(cast, incident_id, notification_id, **LATE)

    further = follow_up(cast, incident_id)
    assert (further.kind, further.follows_id, reasons_in(further)) == (
        "further", notification_id, "Logfilerne kom sent.",
    )  # fmt: skip
    assert duty_of(cast, incident_id).state == "filed_in_part"

    shown = {each["paths"][0]: each["answer"] for each in packs.fields(further.content) if each["paths"]}
    assert shown[packs.REASONS] == "Logfilerne kom sent."

    approve(cast, incident_id, further.id)
    file(cast, incident_id, further.id)
    assert duty_of(cast, incident_id).state == "met"


def test_reasons_that_went_with_the_filing_are_kept_and_owed_no_more(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)

    file(cast, incident_id, notification_id, **LATE | {"delay": "told"})

    assert duty_of(cast, incident_id).state == "met"
    assert follow_up(cast, incident_id) is None
    assert rows(cast, AuthorityFiling)[0].why_late == "Logfilerne kom sent."


def test_a_delay_that_nobody_can_explain_yet_is_recorded_and_stays_owed_until_it_is_told(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)
    file(cast, incident_id, notification_id, delay="unknown")

    without = follow_up(cast, incident_id)
    with acting_for(cast.promark):
        points = authority_notification.open_points(without, at=utcnow())
    assert [each.stops for each in points if each.gap and each.gap.point == "33(1)"] == [False]
    approve(cast, incident_id, without.id)
    file(cast, incident_id, without.id)
    assert duty_of(cast, incident_id).state == "filed_in_part", "it gave no reasons either"

    final = begin(cast, incident_id, Phase.FINAL)
    with pytest.raises(Refused, match="reasons for the delay"):
        approve(cast, incident_id, final)
    edit(cast, incident_id, final, {packs.REASONS: "Logfilerne kom sent."}, to_follow=frozenset())
    approve(cast, incident_id, final)
    file(cast, incident_id, final)
    assert duty_of(cast, incident_id).state == "met"


def test_the_reasons_that_were_written_down_are_offered_and_shown_with_the_filing(
    app, cast, clock, signed_in
):
    incident_id, notification_id = approved_in_time(cast, clock)
    write_down(cast, incident_id, "NordHost sent logs on the third day.")
    browser, place = signed_in(people.DORTHE), address(incident_id, notification_id, "/filing")
    assert "NordHost sent logs on the third day." in browser.get(place).text

    told = {"filed_at": local(), "channel": "portal", "case_number": "2026-442-10001"}
    refused = browser.post(place, data=told)
    assert refused.status_code == 422
    assert "the text gives no reasons for the delay" in refused.text
    browser.post(place, data=told | LATE)

    page = browser.get(place).text
    assert "Logfilerne kom sent." in page
    assert "they go to the authority as a further notification" in page


def test_in_time_nobody_is_asked_about_a_delay(app, cast, clock, signed_in):
    incident_id, notification_id = late(cast, clock, minutes=-5)
    approve(cast, incident_id, notification_id)

    assert (
        "reasons for the delay"
        not in signed_in(people.DORTHE).get(address(incident_id, notification_id, "/filing")).text
    )


def test_that_reasons_are_owed_changes_no_more_and_the_ledger_holds_them(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)
    file(cast, incident_id, notification_id, **LATE)

    with pytest.raises(DatabaseError, match="stands"), db.engine.begin() as connection:
        connection.execute(text("UPDATE authority_filings SET why_late_owed = NOT why_late_owed"))
    assert LATE["why_late"] in logged(cast, incident_id, "notification.filed")[0].reason


def test_the_further_notification_names_the_reasons_and_what_is_written_since(app, cast, clock):
    incident_id, notification_id = approved_in_time(cast, clock)
    file(cast, incident_id, notification_id, **LATE)
    further = follow_up(cast, incident_id)
    (reasons,) = packs.answer(further.content, CHANGED)
    assert "72 timer" in reasons

    edit(cast, incident_id, further.id, {"nature.root_cause": "Misbrugt nøgle."}, to_follow=frozenset())

    named = packs.answer(stored(cast, incident_id, further.id).content, CHANGED)
    assert (reasons in named, len(named) > 1) == (True, True)
