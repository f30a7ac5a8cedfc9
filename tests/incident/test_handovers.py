"""Handover at a change of shift: asked once, written or not, given on, read; by interval."""

import re

import pytest

from accounts import people as accounts
from accounts.models import Role
from foundation import ledger
from foundation.database import acting_for, everyone, transaction, utcnow
from incident import jobs, triage
from incident.models import Handover
from tests import people
from tests.incident import browsing, desk, rota
from tests.incident.rota import FIRST_LINE


@pytest.fixture
def shift(app, cast, clock):
    """Astrid has the shift this Tuesday at noon, and hands over to Birk on Wednesday at nine."""
    rota.lay(cast, FIRST_LINE, ("2 Deputy", (people.BIRK, people.ASTRID)))
    rota.at(clock, 2027, 3, 2, 12, 0)
    return cast


def write(browser, cast, text="Keys are revoked.", **more):
    [handover] = [each for each in rota.handovers(cast) if not each.written_at]
    data = {"handover": str(handover.id), f"done-{handover.id}": text}
    return browser.post("/handovers", data=data | {f"{name}-{handover.id}": it for name, it in more.items()})


def test_whose_shift_ends_is_asked_half_an_hour_before_and_once(shift, clock):
    incident_id = desk.reported(shift)
    rota.at(clock, 2027, 3, 3, 8, 29)
    assert rota.rounds()[0][1] == 0

    rota.at(clock, 2027, 3, 3, 8, 31)
    rota.rounds(3)

    assert [each.from_id for each in rota.handovers(shift)] == [shift.staff[people.ASTRID]]
    assert rota.messages(shift, "handover_wanted") == ["astrid"]
    assert desk.actions(shift, incident_id).count("handover.asked") == 1


def test_after_an_outage_over_the_change_it_is_asked_once_and_who_came_on_gets_a_summary(shift, clock):
    incident_id = desk.confirmed(shift)
    rota.rounds()
    rota.at(clock, 2027, 3, 3, 11, 7)  # the clock was away from before half past eight

    rota.rounds(3)

    assert rota.messages(shift, "handover_wanted") == ["astrid"]
    assert set(rota.messages(shift, "handover_given")) == {"birk"}
    [handover] = rota.handovers(shift)
    assert "Confirmed as a personal data breach." in handover.summary["done"]
    assert handover.summary["open"]
    told = desk.actions(shift, incident_id)
    assert [told.count(f"handover.{each}") for each in ("asked", "told_without", "told")] == [1, 1, 0]


def test_a_change_that_came_long_ago_is_over(shift, clock):
    desk.reported(shift)
    rota.lay(shift, FIRST_LINE, days=7)  # hands over on Wednesday, the third
    rota.at(clock, 2027, 3, 5, 9, 0)

    rota.rounds()

    assert rota.handovers(shift) == []


def test_over_the_change_to_summer_time_it_is_asked_half_an_hour_before_nine_there(shift, clock):
    """In the night before Sunday 28 March the clocks go on: the shift has 23 hours, and ends at 9 as ever."""
    rota.at(clock, 2027, 3, 27, 12, 0)
    desk.reported(shift)
    rota.rounds()
    rota.at(clock, 2027, 3, 28, 8, 29)
    assert rota.rounds()[0][1] == 0

    rota.at(clock, 2027, 3, 28, 8, 31)
    rota.rounds()

    [handover] = rota.handovers(shift)
    assert handover.ends_at == rota.local(2027, 3, 28, 9)
    assert (handover.ends_at - handover.began_at).total_seconds() == 23 * 3600


def test_the_note_is_kept_in_cipher_given_on_and_read(shift, clock, signed_in):
    incident_id = desk.reported(shift)
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()
    astrid, birk = signed_in(people.ASTRID), signed_in(people.BIRK)
    page = astrid.get("/handovers").text
    assert desk.incident_of(shift, incident_id).number in page

    assert write(astrid, shift, watch="Karen Møller called twice.").status_code == 303
    assert rota.messages(shift, "handover_given") == []  # the shift has not changed yet
    rota.at(clock, 2027, 3, 3, 9, 1)
    rota.rounds(2)

    [handover] = rota.handovers(shift)
    assert set(rota.messages(shift, "handover_given")) == {"birk"}
    assert "read the handover" in birk.get("/").text
    assert "Karen Møller called twice." in birk.get(f"/handovers/{handover.id}").text
    assert astrid.post(f"/handovers/{handover.id}/reading").status_code == 403
    assert birk.post(f"/handovers/{handover.id}/reading").status_code == 303
    assert "read the handover" not in birk.get("/").text
    with acting_for(shift.promark):
        entries = ledger.entries(f"incident/{incident_id}")
        [written] = [each for each in entries if each.action == "handover.written"]
        assert written.details["sha256"] == handover.note_sha256
        assert not any("Karen" in str(each.details) for each in entries)


def test_a_note_after_the_change_is_told_of_and_to_be_read_anew(shift, clock, signed_in):
    desk.reported(shift)
    rota.at(clock, 2027, 3, 3, 9, 2)
    rota.rounds()
    [handover] = rota.handovers(shift)
    birk = signed_in(people.BIRK)
    birk.post(f"/handovers/{handover.id}/reading")
    before = len(rota.messages(shift, "handover_given"))

    write(signed_in(people.ASTRID), shift)

    assert len(rota.messages(shift, "handover_given")) == 2 * before
    assert "handover note" in birk.get("/").text


def test_bad_input_loses_nothing_and_a_note_is_written_once(shift, clock, signed_in):
    desk.reported(shift)
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()
    astrid = signed_in(people.ASTRID)

    empty = write(astrid, shift, "")
    assert empty.status_code == 422
    assert "A few words are needed" in empty.text
    long = write(astrid, shift, "Done.", watch="x" * 8001)
    assert long.status_code == 422
    assert "x" * 8001 in long.text

    [handover] = rota.handovers(shift)
    data = {"handover": str(handover.id), f"done-{handover.id}": "Done."}
    assert [astrid.post("/handovers", data=data).status_code for _ in range(2)] == [303, 303]
    other = astrid.post("/handovers", data=data | {f"done-{handover.id}": "Other words."})
    assert other.status_code == 409
    assert "Other words." in other.text
    assert rota.handovers(shift)[0].note["done"] == "Done."
    forged = signed_in(people.BIRK).post("/handovers", data=data)
    assert forged.status_code == 403


def test_the_lead_goes_along_where_the_one_who_leaves_says_so(shift, clock, signed_in):
    incident_id = desk.reported(shift)
    rota.rounds()
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()
    astrid = signed_in(people.ASTRID)
    fields = browsing.form(astrid.get("/handovers").text, "/handovers")

    assert astrid.post("/handovers", data=fields).status_code == 303

    assert rota.holders(shift, incident_id)["lead"] == "birk"


def test_who_is_not_in_the_first_line_is_asked_only_with_a_role(shift, clock):
    """Dorthe answers for the incident as its DPO; Nils has the night porter's shift and no part in it."""
    rota.lay(
        shift,
        FIRST_LINE,
        ("2 Deputy", (people.DORTHE, people.BIRK)),
        ("9 Porter", (people.NILS, people.BIRK)),
    )
    with everyone(), transaction():
        desk.person(shift, people.NILS).role = Role.RESPONDER
    desk.reported(shift)
    rota.rounds()
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()

    asked = {each.from_id for each in rota.handovers(shift)}
    assert asked == {shift.staff[people.ASTRID], shift.staff[people.DORTHE]}


def test_what_is_over_restricted_or_gone_reaches_nobody_it_should_not(shift, clock):
    over = desk.reported(shift, reference="1")
    hidden = desk.reported(shift, reference="2")
    rota.lay(shift, FIRST_LINE)
    with desk.working(shift, over) as incident:
        triage.reject(incident, reason="A drill of theirs.", by="Dorthe Friis", now=utcnow())
    with desk.working(shift, hidden) as incident:
        incident.restricted = True  # nobody has a role in it yet, and Astrid no business with it
    rota.at(clock, 2027, 3, 3, 9, 1)

    jobs.hand_over()

    assert [each.incident_id for each in rota.handovers(shift)] == [hidden]
    assert rota.messages(shift, "handover_wanted") == rota.messages(shift, "handover_given") == []
    assert "handover.told_nobody" in desk.actions(shift, hidden)


def test_where_who_comes_on_is_not_here_any_more_who_is_on_call_is_told(shift, clock):
    desk.reported(shift)
    rota.rounds()
    rota.lay(shift, FIRST_LINE, ("2 Deputy", (people.DORTHE,)))
    with everyone(), transaction():
        accounts.disable(desk.person(shift, people.BIRK), by="Test", now=utcnow())
    rota.at(clock, 2027, 3, 3, 9, 1)

    rota.rounds()

    assert set(rota.messages(shift, "handover_given")) == {"dorthe"}


def test_several_incidents_are_written_in_one_form_all_or_none(shift, clock, signed_in):
    for reference in ("1", "2"):
        desk.reported(shift, reference=reference)
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()
    astrid = signed_in(people.ASTRID)
    page = astrid.get("/handovers").text
    ids = re.findall(r'name="handover" value="([^"]+)"', page)
    assert len(ids) == 2

    data = {"handover": ids, f"done-{ids[0]}": "First."}
    assert astrid.post("/handovers", data=data).status_code == 422
    assert [each.written_at for each in rota.rows(shift, Handover)] == [None, None]

    assert astrid.post("/handovers", data=data | {f"done-{ids[1]}": "Second."}).status_code == 303
    assert all(each.written_at for each in rota.rows(shift, Handover))


def test_who_stands_in_writes_the_note_and_is_lead(shift, clock):
    rota.stand_in(shift, people.DORTHE, rota.local(2027, 3, 2, 20), rota.local(2027, 3, 3, 6))
    rota.at(clock, 2027, 3, 2, 23, 0)
    opened = desk.reported(shift, reference="HC-NIGHT")
    rota.rounds()
    rota.at(clock, 2027, 3, 3, 5, 45)
    rota.rounds()
    rota.at(clock, 2027, 3, 3, 6, 1)
    rota.rounds(2)

    assert rota.holders(shift, opened)["lead"] == "dorthe"
    [back] = [each for each in rota.handovers(shift) if each.incident_id == opened]
    assert (back.from_id, back.to_id) == (shift.staff[people.DORTHE], shift.staff[people.ASTRID])
    assert "astrid" in rota.messages(shift, "handover_given")
