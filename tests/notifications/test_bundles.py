"""Bundles: a storm gives nobody two hundred texts and eats no incident, and reminders come together."""

import os
import re
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, update

from accounts.models import Role, StaffMember
from foundation.database import db, everyone, new_id, transaction
from foundation.errors import Refused
from notifications import bundles, delivery, outbox, paging, replies, ways
from notifications.channels import Refusal
from notifications.models import ContactMethod, Page, QuietHours, Ring, State
from tests.notifications.conftest import PHONES, clock

DEAD = Refusal("Twilio refused (code 21211)", code="21211")


# --- a storm -----------------------------------------------------------------------------------------------


def storm(house, count):
    """So many incidents within a minute, with the clock running beside; their pages."""
    made = []
    for number in range(count):
        house.about = f"incident/{new_id()}"
        made.append(house.page(number=f"PM-{number:04d}", due_at="2026-11-27T02:00:00+00:00"))
        clock(house, seconds=60 / count)
    for _quarter in range(4):
        clock(house, seconds=15)
    return made


def test_a_storm_gives_each_person_a_bounded_number_of_texts_and_loses_no_incident(house):
    pages = storm(house, 60)

    texts = house.messages(staff_id=house.astrid, channel="sms")
    assert len(texts) <= 8
    assert [m.template for m in texts[:5]] == ["page_report"] * 5, "the first few go alone"
    covered = {page_id for m in texts for page_id in paging.pages_of(m)}
    assert covered == set(pages), "each is in a message"
    waited = db.session.scalars(select(Ring).where(Ring.held, Ring.channel == "sms")).all()
    assert all(each.posted_at - each.rung_at <= timedelta(minutes=1) for each in waited)
    bundle = next(m for m in texts if m.template == "page_bundle")
    for page_id in paging.pages_of(bundle):
        about = db.session.get_one(Page, page_id).about
        assert "page.sent_with_others" in house.record(about)


def test_a_bundle_whose_pages_were_all_taken_is_not_sent_and_of_one_left_its_own_message(house):
    pages = [house.page(number="1")]
    for number in range(2, 9):
        house.about = f"incident/{new_id()}"
        pages.append(house.page(number=str(number)))
    held = db.session.scalars(select(Ring.page_id).where(Ring.held, Ring.channel == "sms")).all()
    assert len(held) == 3
    for page_id in held[:2]:
        house.do(paging.acknowledge, page_id, house.birk, way="screen")

    clock(house, seconds=60)

    texts = house.messages(staff_id=house.astrid, channel="sms")
    assert [m.template for m in texts] == ["page_report"] * 6
    assert texts[-1].page_id == held[2]


def test_a_bundle_is_cancelled_only_when_nobody_is_wanted_for_any_of_it(house):
    storm(house, 12)
    bundle = next(m for m in house.messages(channel="sms") if m.template == "page_bundle")
    first, *others = paging.pages_of(bundle)
    house.do(paging.acknowledge, first, house.birk, way="screen")
    assert house.claim(bundle.id)

    house.do(delivery.record, house.claimed, Refusal("asks to wait", code="429"))

    for each in others:
        house.do(paging.acknowledge, each, house.birk, way="screen")
    house.later(minutes=10)
    assert house.claim(bundle.id) is None
    assert house.message(bundle.id).state is State.CANCELLED


def test_the_link_of_a_bundle_shows_ones_own_pages_and_not_what_a_colleague_has(house):
    storm(house, 12)
    bundle = next(m for m in house.messages(channel="sms") if m.template == "page_bundle")
    link = re.search(r"/a/[\w-]+", bundle.content["text"])[0]
    theirs, mine, *others = [(each, db.session.get_one(Page, each)) for each in paging.pages_of(bundle)]
    for page_id, _page in [theirs, *others]:
        house.do(paging.acknowledge, page_id, house.birk, way="screen")
    house.do(paging.acknowledge, mine[0], bundle.staff_id, way="screen")

    shown = house.app.test_client().get(link).text

    assert mine[1].context["number"] in shown
    assert theirs[1].context["number"] not in shown
    assert "You have it." in shown


def test_a_bundle_that_fails_moves_each_of_its_pages_on(house):
    with transaction():
        db.session.query(ContactMethod).filter_by(channel="email").delete()
    storm(house, 9)
    bundle = next(m for m in house.messages(channel="sms") if m.template == "page_bundle")

    house.send(bundle.id, DEAD)

    for page_id in paging.pages_of(bundle):
        assert db.session.get_one(Page, page_id, populate_existing=True).next_at == house.now


@pytest.mark.skipif(
    os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql", reason="one writer at a time"
)
def test_taking_a_bundle_while_its_pages_end_waits_and_breaks_nothing(house):
    pages, start, faults = storm(house, 9), Barrier(2), []

    def act(what):
        try:
            with house.app.app_context(), everyone():
                start.wait()
                with transaction():
                    what()
        except Exception as fault:  # noqa: BLE001  told below
            faults.append(fault)

    abouts = [db.session.get_one(Page, each).about for each in pages]
    db.session.rollback()
    threads = [
        Thread(target=act, args=(lambda: [
            paging.acknowledge(each, house.astrid, way="sms", now=house.now) for each in sorted(pages)
        ],)),
        Thread(target=act, args=(lambda: paging.end(
            abouts[-1], actor="Dorthe", reason="Over.", now=house.now
        ),)),
    ]  # fmt: skip
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)

    assert not [fault for fault in faults if not isinstance(fault, Refused)]


def test_a_message_for_several_pages_goes_to_nobody_who_may_be_paged_no_more(house):
    storm(house, 9)
    bundle = next(m for m in house.messages(channel="sms") if m.template == "page_bundle")
    with transaction():
        db.session.get_one(StaffMember, house.astrid).role = Role.NONE

    assert house.claim(bundle.id) is None


def test_who_wants_to_be_called_about_several_pages_is_called_once(house):
    storm(house, 9)
    bundle = next(m for m in house.messages(channel="sms") if m.template == "page_bundle")

    house.do(replies.answer, sender=PHONES["astrid"], body=f"ring {bundle.reference}", sid="SM" + "1" * 32)

    assert len(house.messages(channel="voice", staff_id=house.astrid)) == 1


# --- reminders ----------------------------------------------------------------------------------------------


def remind(house, number, *, hours=72, template="step_reminder", **more):
    due = house.now + timedelta(hours=hours)
    step = {
        "number": f"PM-{number}", "organisation": "ProMark A/S", "step": "Ask", "due_at": due.isoformat(),
        "timezone": "Europe/Copenhagen", "hours_left": str(hours), "path": f"/incidents/{number}",
    } | more  # fmt: skip
    return house.do(
        ways.remind, organisation_id=house.promark, about=house.about, staff_ids=[house.dorthe],
        template=template, context=step, dedupe_key=f"step:{number}", urgent=False, must_by=None,
    )  # fmt: skip


def undisturbed_at_night(house):
    with transaction():
        db.session.add(
            QuietHours(
                staff_id=house.dorthe, organisation_id=house.promark, timezone="Europe/Copenhagen",
                spans=[{"days": list(range(7)), "from": "22:00", "to": "07:00"}],
            )
        )  # fmt: skip


def test_many_reminders_come_in_one_mail_that_names_each_and_each_once(house):
    told = [remind(house, number) for number in range(12)]
    assert all(told), "none counts as having reached nobody"
    remind(house, 11)
    assert len(house.messages()) == 5

    house.later(minutes=10)
    for staff_id in bundles.due_reminders(house.now):
        house.do(bundles.send_reminders, staff_id)

    together = house.messages(template="reminder_bundle")
    assert len(together) == 1
    assert all(f"PM-{number}" in together[0].content["text"] for number in range(5, 12))
    assert "PM-9: Ask" in together[0].content["text"]
    house.later(minutes=60)
    remind(house, 11)
    assert bundles.due_reminders(house.now) == []
    assert len(house.messages()) == 6


def test_a_reminder_of_what_is_nearly_due_goes_by_itself_and_withdrawn_ones_do_not_go(house):
    for number in range(7):
        remind(house, number)
    remind(house, 99, hours=3)
    assert len(house.messages()) == 6

    house.do(outbox.withdraw, house.about, keys="step:5", reason="Done.")
    house.do(outbox.withdraw, house.about, keys="step:6", reason="Done.")

    assert bundles.due_reminders(house.now + timedelta(hours=1)) == []


def test_a_duty_among_many_reminders_is_named_and_a_reminder_left_alone_is_itself(house):
    def owed(number):
        duty = {"regime": "gdpr-33", "stage": "", "whom": "Datatilsynet", "due_at": ""}
        return remind(house, number, template="duty_reminder", step="", count="1", duties=[duty])

    for number in range(5):
        remind(house, number)
    owed(5)
    owed(6)
    house.later(minutes=10)
    house.do(bundles.send_reminders, house.dorthe)

    [together] = house.messages(template="reminder_bundle")
    assert "PM-5: Notify the authority (Datatilsynet), due" in together.content["text"]

    house.later(minutes=20)
    for number in range(7, 12):
        remind(house, number)
    owed(12)
    house.later(minutes=10)
    house.do(bundles.send_reminders, house.dorthe)
    [alone] = house.messages(template="duty_reminder")
    assert "a duty is to be met: Notify the authority" in alone.content["subject"]


def test_reminders_that_come_together_wait_for_quiet_hours_to_end_and_never_call(house):
    with transaction():
        db.session.execute(
            update(ContactMethod)
            .where(ContactMethod.staff_id == house.dorthe, ContactMethod.channel == "email")
            .values(verified_at=None)
        )
        ways.add_contact_method(
            organisation_id=house.promark, staff_id=house.dorthe, channel="voice", address="+4520000003",
            position=-1, verified_at=house.now,
        )  # fmt: skip
    undisturbed_at_night(house)
    for number in range(7):
        remind(house, number)
    house.later(minutes=10)

    assert not house.do(bundles.send_reminders, house.dorthe)
    house.now = datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert bundles.due_reminders(house.now) == [house.dorthe]
    house.do(bundles.send_reminders, house.dorthe)

    [together] = house.messages(template="reminder_bundle")
    assert (together.channel, together.ready_at) == ("sms", datetime(2026, 11, 24, 6, tzinfo=UTC))


def test_what_is_done_in_quiet_hours_is_told_no_more_when_they_end(house):
    undisturbed_at_night(house)
    for number in range(7):
        remind(house, number)
    house.later(minutes=10)
    house.do(bundles.send_reminders, house.dorthe)
    house.do(outbox.withdraw, house.about, keys="step:", reason="Done.")

    house.now = datetime(2026, 11, 24, 6, tzinfo=UTC)

    assert not house.do(bundles.send_reminders, house.dorthe)
    assert {each.state for each in house.messages()} == {State.CANCELLED}


def test_a_reminder_that_comes_while_others_wait_for_the_morning_does_not_wait_past_its_deadline(house):
    undisturbed_at_night(house)
    for number in range(7):
        remind(house, number)
    house.later(minutes=10)
    house.do(bundles.send_reminders, house.dorthe)

    remind(house, 7, hours=5)
    house.later(minutes=10)

    assert bundles.due_reminders(house.now) == [house.dorthe]
    assert house.do(bundles.send_reminders, house.dorthe)


def test_a_reminder_that_went_by_itself_is_not_kept_to_be_told_again(house):
    for number in range(5):
        remind(house, number)

    assert remind(house, 0) == []
    assert bundles.due_reminders(house.now + timedelta(hours=1)) == []
