"""Escalation: what was taken comes back, nobody is passed over in silence, a storm eats no incident."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from accounts.models import Role, StaffMember
from accounts.permissions import PAGED
from foundation import ledger
from foundation.database import db, everyone, new_id, transaction
from foundation.errors import Refused
from notifications import (
    alarms,
    paging,
    ringing,
    targets,
    teams,
    ways,
)
from notifications.channels import Refusal
from notifications.models import ContactMethod, EscalationPolicy, Page, PageState, Ring, Rotation, State
from tests.notifications.conftest import clock

DEAD = Refusal("Twilio refused (code 21211)", code="21211")
HOUR_LEFT = {"due_at": "2026-11-24T02:00:00+00:00"}


def called(house):
    """Who was called by SMS since the last look, whatever for."""
    seen = getattr(house, "seen", set())
    new = [m for m in house.messages(channel="sms") if m.id not in seen and m.kind == "oncall"]
    object.__setattr__(house, "seen", seen | {m.id for m in new})
    names = {staff_id: name for name, staff_id in house.people.items()}
    return [names[m.staff_id] for m in new]


@pytest.fixture
def taken(house):
    """A page with an hour left that Astrid has taken: quiet for a quarter of that."""
    page_id = house.page(**HOUR_LEFT)
    house.do(paging.acknowledge, page_id, house.astrid, way="sms")
    called(house)
    return page_id


# --- what was taken comes back -----------------------------------------------------------------------


def test_what_was_taken_comes_back_to_its_taker_alone_and_then_to_the_next(house, taken):
    clock(house, minutes=14.9)
    assert called(house) == []
    clock(house, minutes=0.1)
    assert (called(house), house.messages()[-1].template) == (["astrid"], "page_back")
    assert paging.nobody_has([house.about]), "it is open again"

    clock(house, minutes=5)
    assert called(house) == ["birk"]


def test_it_comes_back_sooner_each_time_and_ends_only_with_what_it_is_about(house, taken):
    spans = []
    for _again in range(4):
        before = house.now
        clock(house, seconds=(house.the_page().quiet_until - house.now).total_seconds())
        spans.append(house.now - before)
        assert called(house) == ["astrid"]
        house.do(paging.acknowledge, taken, house.astrid, way="sms")

    assert spans == sorted(spans, reverse=True)
    house.do(paging.end, house.about, actor="Dorthe", reason="Filed.")
    clock(house, hours=12)
    assert called(house) == []
    assert house.the_page().state is PageState.ENDED
    assert paging.acknowledged_by(taken) == "Astrid"


def test_a_page_whose_matter_was_met_meanwhile_does_not_ring_its_taker(house, taken, monkeypatch):
    monkeypatch.setitem(house.app.extensions, "page_wanted", lambda about, template: False)

    clock(house, minutes=15)

    assert (called(house), house.the_page().state) == ([], PageState.ENDED)
    assert house.record()[-1] == "page.ended"


def test_a_taker_who_left_meanwhile_is_not_waited_for(house, taken):
    with transaction():
        db.session.get_one(StaffMember, house.astrid).active = False

    clock(house, minutes=15)

    assert called(house) == ["birk"]


def test_a_new_page_about_the_same_takes_the_place_of_what_was_taken(house, taken):
    house.later(minutes=1)
    house.page(**HOUR_LEFT)
    called(house)

    house.do(paging.end, house.about, actor="Dorthe", reason="Over.")
    clock(house, minutes=15)

    assert called(house) == []


# --- answers ------------------------------------------------------------------------------------------


def test_not_me_calls_the_next_at_once_and_only_once(house):
    page_id = house.page()
    called(house)

    assert house.do(paging.decline, page_id, house.astrid, way="sms") == ["Birk"]
    assert called(house) == ["birk"]
    assert {m.state for m in house.messages(staff_id=house.astrid)} == {State.CANCELLED}
    house.do(paging.decline, page_id, house.birk, way="voice")
    called(house)
    said = [e for e in ledger.entries(house.about) if e.action == "page.declined"]
    assert [(e.actor, e.details["way"]) for e in said] == [("Astrid", "sms"), ("Birk", "voice")]


def test_saying_not_me_twice_moves_the_page_on_once(house):
    page_id = house.page()
    house.do(paging.decline, page_id, house.astrid, way="sms")
    turn = house.the_page().turn

    assert house.do(paging.decline, page_id, house.astrid, way="sms") == []
    assert house.the_page().turn == turn


def test_who_can_not_any_more_gives_it_back_and_the_next_is_called_at_once(house, taken):
    assert house.do(paging.release, taken, house.astrid, reason="On a train.") == ["Birk"]

    assert called(house) == ["birk"]
    assert paging.acknowledged_by(taken) == ""
    entry = next(e for e in ledger.entries(house.about) if e.action == "page.released")
    assert (entry.actor, entry.reason) == ("Astrid", "On a train.")


def test_nobody_gives_back_or_hands_over_what_a_colleague_has(house, taken):
    with pytest.raises(Refused, match="Astrid has"):
        house.do(paging.release, taken, house.birk, reason="")
    with pytest.raises(Refused, match="Astrid has"):
        house.do(paging.hand_over, taken, house.birk, house.dorthe)


def test_what_is_handed_over_stays_with_its_giver_until_the_colleague_takes_it(house, taken):
    assert house.do(paging.hand_over, taken, house.astrid, house.dorthe) == "Dorthe"

    offered = house.messages(staff_id=house.dorthe, channel="sms")[-1]
    assert offered.template == "page_offered"
    assert house.claim(offered.id), "it is sent although somebody has the page"
    assert paging.acknowledged_by(taken) == "Astrid"
    called(house)
    clock(house, minutes=5)
    assert called(house) == ["astrid"], "the giver is asked again"
    assert house.do(paging.acknowledge, taken, house.dorthe, way="link") == (True, "Dorthe")


def test_who_is_asked_twice_to_take_it_over_is_rung_once(house, taken):
    for _ in range(2):
        assert house.do(paging.hand_over, taken, house.astrid, house.dorthe) == "Dorthe"

    assert len(house.messages(staff_id=house.dorthe, channel="sms", template="page_offered")) == 1
    clock(house, minutes=5)
    called(house)
    house.do(paging.acknowledge, taken, house.astrid, way="sms")
    house.do(paging.hand_over, taken, house.astrid, house.dorthe)
    assert len(house.messages(staff_id=house.dorthe, channel="sms", template="page_offered")) == 2


def test_a_colleague_who_takes_what_was_offered_has_it_and_the_giver_hears_it(house, taken):
    house.do(paging.hand_over, taken, house.astrid, house.birk)

    assert house.do(paging.acknowledge, taken, house.birk, way="sms") == (True, "Birk")
    assert paging.acknowledged_by(taken) == "Birk"
    assert [m.staff_id for m in house.messages(template="taken_over")] == [house.astrid]
    clock(house, minutes=12)
    assert "astrid" not in called(house)


def test_taking_over_from_a_colleague_is_said_to_them(house, taken):
    assert house.do(paging.take_over, taken, house.birk, way="screen") == "Astrid"
    assert paging.acknowledged_by(taken) == "Birk"
    assert house.record()[-2:] == ["page.taken_over", "message.posted"]


def test_what_has_ended_takes_no_answer(house):
    page_id = house.page()
    house.do(paging.end, house.about, actor="Dorthe", reason="None.")

    for answer, more in (
        (paging.acknowledge, {"way": "sms"}), (paging.decline, {"way": "sms"}),
        (paging.take_over, {"way": "sms"}), (paging.release, {"reason": ""}), (paging.call_me, {}),
    ):  # fmt: skip
        with pytest.raises(Refused, match="ended"):
            house.do(answer, page_id, house.astrid, **more)


def test_of_taking_and_escalating_at_once_the_page_is_taken_or_rings_once_more(house):
    for _round in range(4):
        house.about = f"incident/{new_id()}"
        page_id, start, faults = house.page(), Barrier(2), []
        house.later(minutes=5)

        def act(what, *args, start=start, faults=faults, **more):
            try:
                with house.app.app_context(), everyone():
                    start.wait()
                    with transaction():
                        what(*args, now=house.now, **more)
            except Exception as fault:  # noqa: BLE001  told below
                faults.append(fault)

        threads = [
            Thread(target=act, args=(paging.acknowledge, page_id, house.astrid), kwargs={"way": "sms"}),
            Thread(target=act, args=(paging.escalate, page_id)),
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
        db.session.rollback()

        found = db.session.get_one(Page, page_id, populate_existing=True)
        assert (faults, found.state) == ([], PageState.ACKNOWLEDGED)
        waiting = [m for m in house.messages(about=house.about, state=State.PENDING) if house.claim(m.id)]
        assert waiting == [], "nobody is called for what somebody has"


# --- each person's ways --------------------------------------------------------------------------------


@pytest.fixture
def slowly(monkeypatch):
    """E-mail is everybody's second way, ten minutes after the first."""
    plain = ringing.after
    monkeypatch.setattr(
        ringing, "after", lambda way: timedelta(minutes=10) if way.channel == "email" else plain(way)
    )


def test_a_later_way_comes_after_its_delay_and_after_any_outage(house, slowly):
    house.page()
    assert [m.channel for m in house.messages()] == ["sms"]
    with transaction():
        house.the_page().next_at = house.now + timedelta(hours=3)

    clock(house, minutes=9.9)
    assert len(house.messages()) == 1
    clock(house, minutes=70)
    assert [m.channel for m in house.messages()] == ["sms", "email"]


def test_a_way_that_fails_brings_the_persons_next_way_now_and_then_the_next_person(house, slowly):
    house.page()
    sms = house.messages()[0]
    planned = house.the_page().next_at

    house.send(sms.id, DEAD)
    assert house.the_page().next_at == planned, "Astrid herself can still be reached"
    clock(house)
    email = house.messages(channel="email")[0]
    house.send(email.id, DEAD)

    assert house.the_page().next_at == house.now
    clock(house)
    assert called(house) == ["astrid", "birk"]


def test_later_ways_of_a_page_that_was_taken_are_never_rung(house, slowly):
    page_id = house.page()
    house.do(paging.acknowledge, page_id, house.birk, way="sms")

    clock(house, minutes=11)

    assert len(house.messages(channel="email")) == 0
    assert db.session.scalars(select(Ring.why).where(Ring.dropped_at.is_not(None))).all()


def test_of_a_team_one_dead_telephone_calls_nobody_else_while_another_may_answer(house):
    with transaction():
        db.session.query(ContactMethod).filter_by(channel="email").delete()
        db.session.scalars(select(EscalationPolicy)).one().steps = [
            {"targets": [{"staff": str(house.astrid)}, {"staff": str(house.birk)}], "minutes": 5},
            {"staff": str(house.dorthe), "minutes": 5},
        ]
    house.page()
    planned = house.the_page().next_at
    first, second = house.messages(channel="sms")

    house.send(first.id, DEAD)
    assert house.the_page().next_at == planned
    house.send(second.id, DEAD)
    assert house.the_page().next_at == house.now


# --- nobody there, and wider -----------------------------------------------------------------------------


def steps(house, *those, **values):
    with transaction():
        policy = db.session.scalars(select(EscalationPolicy)).one()
        policy.steps = [{"targets": list(each), "minutes": 5} for each in those]
        for name, value in values.items():
            setattr(policy, name, value)


def test_whom_a_page_goes_to_at_last_may_take_it():
    assert set(targets.LAST) == set(PAGED)


def test_what_was_deleted_reaches_nobody_and_rings_louder(house):
    with transaction():
        db.session.get_one(StaffMember, house.olga).role = Role.RESPONDER
    team = house.do(
        teams.save, house.promark, None, name="Night team", members=[house.olga], revision=0,
        by=db.session.get_one(StaffMember, house.dorthe),
    )  # fmt: skip
    steps(house, [{"team": str(team)}], [{"staff": str(house.birk)}])
    house.page()
    assert called(house) == [], "Olga has a mailbox only"
    assert [m.staff_id for m in house.messages()] == [house.olga]
    house.about = f"incident/{new_id()}"
    house.do(teams.delete, team, by=db.session.get_one(StaffMember, house.dorthe))

    house.page()

    assert set(called(house)) == {"birk", "astrid", "dorthe"}, "the next step and the backstop"
    house.do(alarms.tell)
    told = house.messages(template="step_reaches_nobody")
    assert {m.staff_id for m in told} == {house.astrid, house.dorthe}
    assert "1" in told[0].context["steps"]
    assert house.do(alarms.tell) == 0


def test_nobody_on_duty_rings_louder_than_somebody_on_duty(house):
    nights = db.session.scalars(select(Rotation)).one().id
    steps(house, [{"rotation": str(nights)}], [{"staff": str(house.birk)}])
    house.page()
    assert called(house) == ["astrid"]
    house.about = f"incident/{new_id()}"
    with transaction():
        db.session.get_one(Rotation, nights).members = []

    house.page()

    assert set(called(house)) == {"birk", "astrid", "dorthe"}


def test_after_its_rounds_a_page_goes_to_everybody_and_on_for_ever(house):
    steps(house, [{"staff": str(house.astrid)}], rounds=1)
    with transaction():
        db.session.get_one(StaffMember, house.olga).role = Role.ADMIN
        ways.add_contact_method(
            organisation_id=house.promark, staff_id=house.olga, channel="sms", address="+4520000009",
            position=0, verified_at=house.now,
        )  # fmt: skip
    house.page()
    called(house)

    clock(house, minutes=5)
    assert set(called(house)) == {"astrid", "birk", "dorthe"}
    clock(house, minutes=10)
    assert set(called(house)) == {"astrid", "birk", "dorthe", "olga"}
    for _hour in range(20):
        clock(house, minutes=61)
        assert set(called(house)) >= {"dorthe"}, "never silent"


def test_a_policy_deleted_under_an_open_page_silences_nothing(house):
    house.page()
    called(house)
    with transaction():
        db.session.query(EscalationPolicy).delete()

    clock(house, minutes=5)

    assert called(house) == ["birk"]


def test_two_people_without_a_contact_method_are_both_called(house):
    with transaction():
        db.session.query(ContactMethod).delete()
    steps(house, [{"role": "responder"}])

    house.page()

    assert {m.staff_id for m in house.messages()} == {house.astrid, house.birk}
