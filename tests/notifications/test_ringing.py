"""Pages over hours: ringing again puts off no way, nothing held waits for ever, what is over stays over."""

import os
from datetime import timedelta
from itertools import pairwise
from threading import Thread

import pytest
from sqlalchemy import select, text, update

from foundation.database import db, everyone, new_id, transaction
from foundation.errors import Refused
from notifications import bundles, jobs, outbox, paging
from notifications.models import ContactMethod, Message, Page, PageState, Ring, State
from notifications.paging import locking

SQLITE = os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql"
FAR = {"due_at": "2026-11-27T02:00:00+00:00"}
HOUR_LEFT = {"due_at": "2026-11-24T02:00:00+00:00"}


@pytest.fixture
def clock(house, monkeypatch):
    """Lets minutes pass, with the clock looking in each step."""
    monkeypatch.setattr(jobs, "database_now", lambda: house.now)

    def run(minutes, step=5):
        for _ in range(round(minutes / step)):
            house.later(minutes=step)
            jobs.escalate()

    return run


def a_page_each(house, count, template="page_report"):
    """So many incidents at once, none of them urgent; their pages."""
    made = []
    for number in range(count):
        house.about = f"incident/{new_id()}"
        made.append(house.page(template, number=f"PM-{number}", **FAR))
    return made


def minutes(house, began, **where):
    """When these messages were made, in minutes."""
    return [(m.created_at - began) / timedelta(minutes=1) for m in house.messages(**where)]


# --- nobody answers ---------------------------------------------------------------------------------


def test_a_later_way_keeps_its_time_however_often_the_page_rings_again(house, clock):
    with transaction():
        db.session.execute(
            update(ContactMethod).where(ContactMethod.channel == "email").values(delay_minutes=20)
        )
    began = house.now
    house.page()

    clock(180)

    mails = minutes(house, began, channel="email", staff_id=house.astrid)
    assert mails[0] == 20
    assert max(late - early for early, late in pairwise([*mails, 180])) <= 15, "then with each ringing"


def test_what_is_held_is_told_within_half_an_hour_though_all_pages_ring_on(house, clock):
    began = house.now
    pages = a_page_each(house, 7)

    clock(180)

    for page_id in pages:
        told = [
            (each.posted_at - began) / timedelta(minutes=1)
            for each in db.session.scalars(
                select(Ring)
                .where(Ring.page_id == page_id, Ring.staff_id == house.astrid, Ring.channel == "sms")
                .where(Ring.posted_at.is_not(None))
                .order_by(Ring.posted_at)
            )
        ]
        assert max(late - early for early, late in pairwise([0, *told, 180])) <= 45


def test_a_faulty_report_is_news_also_when_there_was_one_before(house, clock):
    a_page_each(house, 5)
    house.about = f"organisation/{house.promark}"
    house.page("page_faulty_report")
    clock(1, step=1)
    house.do(paging.end, house.about, actor="Dorthe", reason="It was read.")
    house.later(minutes=11)

    page_id = house.page("page_faulty_report")

    mine = select(Ring).where(Ring.page_id == page_id, Ring.channel == "sms")
    assert db.session.scalars(mine).one().posted_at == house.now


def test_pages_that_are_due_longest_come_first(house, monkeypatch):
    first, second = a_page_each(house, 2)
    with transaction():
        db.session.get_one(Page, first).next_at = house.now - timedelta(minutes=1)
        db.session.get_one(Page, second).next_at = house.now - timedelta(minutes=2)
    monkeypatch.setattr(outbox, "BATCH", 1)

    assert paging.due(house.now) == [second]


def test_what_comes_to_wait_while_a_bundle_is_made_waits_for_the_next(house, monkeypatch):
    a_page_each(house, 8)
    held = db.session.scalars(select(Ring).where(Ring.held, Ring.channel == "sms")).all()
    late = held[-1].id
    with transaction():
        db.session.execute(update(Ring).where(Ring.id == late).values(held=False))
    house.later(hours=1)
    plain = db.session.scalars

    def first_look(statement):
        found = plain(statement).all()
        monkeypatch.undo()
        db.session.execute(update(Ring).where(Ring.id == late).values(held=True))
        return found

    monkeypatch.setattr(db.session, "scalars", first_look)
    assert house.do(bundles.send, (house.astrid, held[0].way))

    waiting = select(Ring.id).where(Ring.held, Ring.channel == "sms", Ring.posted_at.is_(None))
    assert db.session.scalars(waiting).all() == [late]


# --- what is over -----------------------------------------------------------------------------------


def test_a_page_that_a_new_one_follows_is_over_and_no_answer_opens_it_again(house):
    old = house.page()
    house.do(paging.acknowledge, old, house.astrid, way="sms")
    house.later(minutes=1)

    new = house.page()

    assert db.session.get_one(Page, old, populate_existing=True).state is PageState.ENDED
    for answer in (paging.release, paging.decline):
        more = {"reason": ""} if answer is paging.release else {"way": "link"}
        with pytest.raises(Refused, match="ended"):
            house.do(answer, old, house.astrid, **more)
    house.do(paging.acknowledge, new, house.birk, way="sms")
    assert house.do(paging.release, new, house.birk, reason="") != []


def test_what_was_taken_before_pages_came_back_ends_with_what_it_is_about(house, monkeypatch):
    page_id = house.page()
    house.do(paging.acknowledge, page_id, house.astrid, way="sms")
    with transaction():
        house.the_page().quiet_until = None
    told = len(house.messages())

    monkeypatch.setitem(house.app.extensions, "page_wanted", lambda about, template: False)
    assert house.do(paging.release, page_id, house.astrid, reason="") == [], "an incident closed long ago"
    assert (house.the_page().state, len(house.messages())) == (PageState.ENDED, told)

    with transaction():
        house.the_page().state = PageState.ACKNOWLEDGED
    assert house.do(paging.end, house.about, actor="Dorthe", reason="Closed.") == 1


def test_a_colleague_has_minutes_to_take_what_is_handed_over_however_late_that_is(house):
    page_id = house.page(**HOUR_LEFT)
    house.do(paging.acknowledge, page_id, house.astrid, way="sms")
    house.later(minutes=16)

    house.do(paging.hand_over, page_id, house.astrid, house.birk)

    assert house.the_page().quiet_until == house.now + timedelta(minutes=5)


# --- the order of locks -------------------------------------------------------------------------------


@pytest.mark.skipif(SQLITE, reason="on SQLite writers come one after another and lock no rows")
@pytest.mark.parametrize("gives", ["hand_over", "release"])
def test_who_gives_a_page_away_waits_for_its_messages_before_the_page(house, gives):
    page_id = house.page()

    def give():
        with house.app.app_context(), everyone(), transaction():
            if gives == "release":
                paging.release(page_id, house.astrid, reason="", now=house.now)
            else:
                paging.hand_over(page_id, house.astrid, house.dorthe, now=house.now)

    giving = Thread(target=give)
    with transaction():
        mine = Message.page_id == page_id, Message.state == State.PENDING
        assert db.session.execute(select(Message.id).where(*mine).with_for_update()).all()
        giving.start()
        giving.join(0.5)
        with db.engine.begin() as another:
            page = select(Page.id).where(Page.id == page_id).with_for_update(skip_locked=True)
            assert another.execute(page).first() is not None, "the page was locked before its messages"
    giving.join(10)
    assert not giving.is_alive()


@pytest.mark.skipif(SQLITE, reason="on SQLite writers come one after another and lock no rows")
def test_who_has_the_pages_waits_for_nobody_who_may_want_them(house):
    page_id = house.page()
    first, second = (each.id for each in house.messages())
    house.claim(first)
    with transaction():
        db.session.execute(text("SET LOCAL lock_timeout = '1s'"))
        locking.lock_waiting(page_id)
        again = update(Message).where(Message.id == first).values(state=State.PENDING, lease_until=None)
        with db.engine.begin() as another:
            another.execute(again)
        with db.engine.begin() as another:
            another.execute(select(Message.id).where(Message.id == first).with_for_update())
            assert list(locking.lock_waiting(page_id)) == [second]
