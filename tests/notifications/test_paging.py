"""Paging: someone acts, or it gets louder; nobody is called for what a colleague has."""

import os
from datetime import timedelta
from threading import Barrier, Event, Thread
from time import sleep

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts.models import StaffMember
from foundation.database import db, everyone, transaction
from foundation.errors import Invalid, Refused
from notifications import alarms, delivery, jobs, on_duty, outbox, paging, received, ways
from notifications.channels import Refusal
from notifications.models import ContactMethod, Kind, Message, PageState, State
from notifications.paging import locking
from tests.notifications.conftest import CONTEXT

SQLITE = os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql"
DEAD = Refusal("Twilio refused (code 21211)", code="21211")


def escalate(house):
    return [house.do(paging.escalate, page_id) for page_id in paging.due(house.now)]


def test_a_page_goes_to_telephone_and_mailbox_of_who_is_on_call(house):
    house.page()

    assert {(m.staff_id, m.channel) for m in house.messages()} == {
        (house.astrid, "sms"),
        (house.astrid, "email"),
    }
    assert all(m.kind is Kind.ONCALL and m.link_hash for m in house.messages())


def test_paging_again_for_the_same_thing_pages_nobody_twice(house):
    assert house.page() == house.page()
    assert house.paged() == ["astrid"]


def test_of_two_who_page_for_the_same_at_once_one_pages_and_both_name_it(house):
    begun, go_on, pages = Event(), Event(), []

    def page_slowly():
        with house.app.app_context(), everyone(), transaction():
            pages.append(a_page(house))
            begun.set()
            go_on.wait(10)

    def page_too():
        with house.app.app_context(), everyone(), transaction():
            pages.append(a_page(house))

    first, second = Thread(target=page_slowly), Thread(target=page_too)
    first.start()
    assert begun.wait(10)
    second.start()
    second.join(1)
    go_on.set()
    first.join(10)
    second.join(10)

    assert len(pages) == 2
    assert len(set(pages)) == 1
    db.session.rollback()
    assert house.paged() == ["astrid"]


def a_page(house):
    return paging.page(
        organisation_id=house.promark, about=house.about, template="page_report", context=CONTEXT,
        must_by=None, actor="HostCo", now=house.now,
    )  # fmt: skip


def test_the_database_refuses_a_second_open_page_about_the_same(house):
    house.page()
    first = house.the_page()
    row = {name: getattr(first, name) for name in paging.Page.__table__.columns.keys() if name != "id"}  # noqa: SIM118

    with pytest.raises(IntegrityError), transaction():
        db.session.add(paging.Page(**row))


def test_when_nobody_answers_the_next_is_paged_and_then_all_of_them_again(house):
    house.page()

    for minutes in (5, 10, 5, 10):
        escalate(house)
        house.later(minutes=minutes - 0.1)
        assert not escalate(house), "too early"
        house.later(minutes=0.1)
        assert escalate(house) == [True]

    assert house.paged() == ["astrid", "birk", "astrid", "astrid", "birk", "astrid"]


def test_two_clocks_page_the_next_person_once(house):
    page_id = house.page()
    house.later(minutes=5)

    moved = [house.do(paging.escalate, page_id) for _ in range(2)]

    assert moved == [True, False]
    assert house.paged() == ["astrid", "birk"]


def test_a_later_edit_of_the_policy_silences_no_open_page(house):
    page_id = house.page()
    with transaction():
        for method in db.session.query(paging.EscalationPolicy):
            method.steps = []
    house.later(minutes=5)

    assert house.do(paging.escalate, page_id)
    assert house.paged() == ["astrid", "birk"]


def test_a_telephone_that_is_dead_moves_the_page_on_at_once(house):
    house.page()
    sms = house.messages(channel="sms")[0]

    house.send(sms.id, DEAD)

    assert house.the_page().next_at == house.now


def test_a_dead_telephone_does_not_make_the_rounds_chase_each_other(house):
    house.page()

    for _ in range(60):
        escalate(house)
        for message in house.messages(channel="sms", state=State.PENDING):
            house.send(message.id, DEAD)
        house.later(seconds=5)

    assert len(house.messages()) <= 12


def test_an_old_failure_does_not_hurry_a_page_that_moved_on_since(house):
    house.page()
    first = house.messages(channel="sms")[0]
    house.send(first.id)
    house.later(minutes=5)
    escalate(house)
    planned = house.the_page().next_at

    house.receipt("failed", code="21211")

    assert house.the_page().next_at == planned


def test_who_takes_it_quiets_the_page(house):
    page_id = house.page()

    assert house.do(paging.acknowledge, page_id, house.astrid, way="link") == (True, "Astrid")

    house.later(minutes=30)
    assert paging.due(house.now) == []
    assert {m.state for m in house.messages()} == {State.CANCELLED}
    assert house.record()[-1] == "page.acknowledged"


def test_whoever_is_second_hears_who_has_it(house):
    page_id = house.page()
    house.do(paging.acknowledge, page_id, house.birk, way="sms")

    assert house.do(paging.acknowledge, page_id, house.astrid, way="link") == (False, "Birk")
    assert house.takers() == [house.birk]


def test_of_two_who_take_it_at_once_one_has_it(house):
    page_id, start, told = house.page(), Barrier(2), []

    def take(name):
        with house.app.app_context(), everyone():
            start.wait()
            with transaction():
                told.append(paging.acknowledge(page_id, house.people[name], way="screen", now=house.now))

    threads = [Thread(target=take, args=(name,)) for name in ("astrid", "birk")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(first for first, _ in told) == [False, True]
    assert len({name for _, name in told}) == 1
    assert len(house.takers()) == 1


@pytest.mark.skipif(SQLITE, reason="on SQLite writers come one after another and lock no rows")
def test_who_takes_a_page_locks_its_messages_in_one_order(house):
    page_id = house.page()
    lower, upper = sorted(m.id for m in house.messages())
    house.send(lower, Refusal("asks to wait", code="429"))  # it now lies behind the other one
    with transaction():
        locked = select(Message.id).where(Message.id == lower).with_for_update()
        db.session.execute(locked)
        taking = Thread(target=take, args=(house, page_id))
        taking.start()
        taking.join(1)
        with db.engine.begin() as another:
            free = another.execute(
                select(Message.id).where(Message.id == upper).with_for_update(skip_locked=True)
            )
            assert free.first() is not None, "the second message was locked before the first"
    taking.join(10)

    assert house.takers() == [house.astrid]


def take(house, page_id):
    with house.app.app_context(), everyone(), transaction():
        paging.acknowledge(page_id, house.astrid, way="screen", now=house.now)


def test_a_turn_made_while_somebody_took_the_page_calls_nobody(house):
    page_id = house.page()
    house.do(paging.acknowledge, page_id, house.astrid, way="link")
    late = house.do(
        outbox.post, organisation_id=house.promark, about=house.about, kind=Kind.ONCALL, template="page_bare",
        recipient=outbox.Outside("sms", "+4520000002", "en", house.birk), context={"name": "Birk"},
        dedupe_key=f"page:{page_id}:1:late", page_id=page_id,
    )  # fmt: skip

    assert house.claim(late) is None
    assert house.message(late).state is State.CANCELLED


def test_a_message_that_failed_is_not_tried_again_after_the_page_was_taken(house):
    page_id = house.page()
    sms = house.messages(channel="sms")[0]
    claimed = house.claim(sms.id)
    house.do(paging.acknowledge, page_id, house.birk, way="screen")
    house.do(delivery.record, claimed, Refusal("asks to wait", code="429"))
    house.later(minutes=20)

    assert house.claim(sms.id) is None


def test_a_page_whose_matter_has_ended_calls_nobody_and_can_not_be_taken(house):
    page_id = house.page()
    assert house.do(paging.end, house.about, actor="Dorthe", reason="It was none.") == 1
    house.later(minutes=30)

    assert paging.due(house.now) == []
    assert all(house.claim(m.id) is None for m in house.messages())
    with pytest.raises(Refused, match="ended"):
        house.do(paging.acknowledge, page_id, house.astrid, way="link")
    assert house.the_page().state is PageState.ENDED


def test_somebody_without_any_contact_method_is_paged_at_the_sign_in_address(house):
    with transaction():
        db.session.query(ContactMethod).filter_by(staff_id=house.astrid).delete()

    house.page()

    assert [(m.channel, m.recipient) for m in house.messages()] == [("email", "astrid@promark.example")]


def test_somebody_who_answered_stop_is_paged_by_mail(house):
    house.do(received.opted_out, "+45 20 00 00 01")

    house.page()

    assert [m.channel for m in house.messages()] == ["email"]


def test_a_step_that_reaches_nobody_is_passed_over_at_once_and_rings_louder(house):
    with transaction():
        db.session.get_one(StaffMember, house.astrid).active = False

    house.page()

    assert house.paged() == ["birk", "dorthe"], "the next step and the backstop, in the same instant"
    assert house.record()[-1] == "page.sent"
    assert "page.reached_nobody" in house.record()


def test_when_nobody_is_left_the_page_stays_open_without_filling_the_record(house):
    with transaction():
        for name in ("astrid", "birk"):
            db.session.get_one(StaffMember, house.people[name]).active = False

    house.page()
    for _ in range(100):
        house.later(seconds=5)
        escalate(house)

    assert house.the_page().state is PageState.OPEN
    assert house.record().count("page.reached_nobody") <= 6


def test_a_page_whose_text_can_not_be_made_goes_out_all_the_same(house):
    house.page(template="page_unheard_of")

    assert {m.template for m in house.messages()} == {"page_bare"}
    assert house.paged() == ["astrid"]


def test_a_colleague_whose_language_lacks_a_text_reads_english(house):
    with transaction():
        db.session.get_one(StaffMember, house.astrid).locale = "fi"

    house.page()

    assert {(m.template, m.locale) for m in house.messages()} == {("page_report", "en")}


def test_a_page_that_fails_does_not_hold_up_the_others(house):
    broken = house.page()
    about = house.about
    house.about = about[:-1] + ("0" if about[-1] != "0" else "1")
    house.page()
    with transaction():
        db.session.get_one(paging.Page, broken).policy = [{"role": "no such role"}]
    house.later(minutes=6)

    with house.app.app_context(), everyone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "database_now", lambda: house.now)
        assert jobs.escalate() == 1

    assert house.paged()[-1] == "birk"


def test_what_reached_nobody_is_told_to_dpo_and_on_call_once(house):
    house.send(house.post(channel="sms", to="+4500"), DEAD)

    made = house.do(alarms.tell)

    alarm = house.messages(template="not_reached")
    assert {m.staff_id for m in alarm} == {house.astrid, house.dorthe}
    assert (made, len(alarm)) == (4, 4)
    assert (house.do(alarms.tell), alarms.waiting()) == (0, False)


def test_an_alarm_that_does_not_arrive_raises_no_other(house):
    house.send(house.post(channel="sms", to="+4500"), DEAD)
    house.do(alarms.tell)
    for message in house.messages(template="not_reached"):
        house.send(message.id, DEAD)

    assert house.do(alarms.tell) == 0


def test_a_provider_that_refuses_us_is_told_of_once_to_each_organisation(house):
    for key in ("letter:1", "letter:2"):
        message_id = house.post(key=key)
        if house.claim(message_id):
            house.do(
                delivery.record, house.claimed, Refusal("SendGrid refused (401)", code="401", account=True)
            )

    house.do(alarms.tell)
    house.later(minutes=1)
    house.do(alarms.tell)

    assert len(house.messages(template="provider_refuses", organisation_id=house.promark)) == 4


def test_a_reminder_goes_by_mail_and_falls_back_to_the_telephone(house):
    told = house.do(
        ways.remind, organisation_id=house.promark, about=house.about, staff_ids=[house.dorthe],
        template="reminder_bare", context={}, dedupe_key="step:1", urgent=False, must_by=None,
    )  # fmt: skip
    house.send(told[0], Refusal("SendGrid refused (400)", code="400"))

    assert [(m.channel, m.state) for m in house.messages()] == [
        ("email", State.UNREACHED),
        ("sms", State.PENDING),
    ]


def test_an_urgent_reminder_goes_every_way_at_once(house):
    house.do(
        ways.remind, organisation_id=house.promark, about=house.about,
        staff_ids=[house.dorthe, house.dorthe],
        template="reminder_bare", context={}, dedupe_key="step:1", urgent=True, must_by=None,
    )  # fmt: skip

    assert sorted(m.channel for m in house.messages()) == ["email", "sms"]


def test_who_is_on_call_changes_at_the_same_local_time_in_winter_and_in_summer(house):
    assert on_duty.on_call(house.promark, house.now) == [house.astrid]
    assert on_duty.on_call(house.promark, house.now + timedelta(days=7, seconds=1)) == [house.birk]
    assert on_duty.on_call(house.softwerk, house.now) == []


@pytest.mark.parametrize("wrong", [{"members": []}, {"shift_days": 0}])
def test_a_rotation_in_which_nobody_would_be_on_call_is_refused(house, wrong):
    wanted = {
        "organisation_id": house.promark, "name": "Days", "timezone": "Europe/Copenhagen",
        "first_handover": house.now, "shift_days": 7, "members": [house.astrid],
    }  # fmt: skip
    with pytest.raises(Invalid), transaction():
        on_duty.add_rotation(**wanted | wrong)


def test_who_ends_a_page_while_somebody_takes_it_waits_for_them(house):
    page_id = house.page()
    holds, faults = Event(), []

    def take_slowly():
        try:
            with house.app.app_context(), everyone(), transaction():
                locking.lock_waiting(page_id)
                holds.set()
                sleep(0.5)
                paging.acknowledge(page_id, house.astrid, way="reply", now=house.now)
        except Exception as fault:  # noqa: BLE001  told below
            faults.append(fault)

    other = Thread(target=take_slowly)
    other.start()
    assert holds.wait(10)
    with everyone(), transaction():  # as what a drill or an incident does at its end
        ended = paging.end(house.about, actor="Dorthe", reason="Over.", now=house.now)
        outbox.cancel(house.about, reason="Over.", now=house.now)
    other.join(20)

    assert (faults, ended) == ([], 1), "it ends what they have just taken: that would come back"
    assert house.record()[-2:] == ["page.acknowledged", "page.ended"]
