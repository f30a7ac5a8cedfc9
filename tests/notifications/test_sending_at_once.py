"""Telling many with several workers, clocks and callbacks at once: each person once, one last row of each."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation import database
from foundation.database import database_now, db, everyone, transaction
from notifications.channels import Accepted, Many, Refusal
from notifications.models import Delivery, SendingAttempt, SendingGroup, SendingState
from notifications.received import Told
from notifications.sending import claiming, falling_back, jobs, receipts, recording
from tests.notifications import telling as people_to_tell

CROWD = 90
AT_WORK = 4.0  # seconds


@pytest.fixture
def telling(house, monkeypatch):
    database.clock.offset = timedelta()
    made = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    yield made
    database.clock.offset = timedelta()


def apart(telling, act, *args):
    """Done by another process, as it were."""
    with telling.app.app_context(), everyone():
        try:
            return act(*args)
        finally:
            db.session.remove()


def lasts():
    found = db.session.execute(select(Delivery.recipient_id).where(Delivery.is_last))
    return Counter(row.recipient_id for row in found)


def test_a_proof_of_one_way_and_the_yes_of_another_at_once_leave_one_last_row(telling):
    dora = telling.people.add("Dora", email="dora@example.org", sms="+4520000009")
    telling.begin(ways=("email", "sms"))
    telling.go()
    telling.hear(telling.told("bounce", "Dora"))
    telling.clock()
    with transaction():
        texted = claiming.claim(telling.id, without=(), now=database_now())
    assert texted.way == "sms"
    written = threading.Event()

    def says_yes():
        with transaction():
            recording.record(texted, Many(Accepted("text-1")), now=database_now())
            db.session.flush()
            written.set()
            time.sleep(0.5)

    with ThreadPoolExecutor(1) as pool:
        yes = pool.submit(apart, telling, says_yes)
        assert written.wait(10)
        telling.hear(telling.told("delivered", "Dora"))
        yes.result()

    assert lasts() == {dora: 1}
    assert telling.fates() == {"Dora": "email delivered"}


def test_a_proof_of_one_way_at_the_moment_the_next_one_is_begun_leaves_one_last_row(telling):
    dora = telling.people.add("Dora", email="dora@example.org", sms="+4520000009", letter="Vej 1")
    telling.begin(ways=("email", "sms", "letter"))
    telling.go()
    database.clock.offset += timedelta(hours=6, minutes=1)
    telling.go()
    telling.hear(telling.told("undelivered", provider="twilio", code="30005"))
    begun = threading.Event()

    def takes_next():
        with transaction():
            falling_back.take_next(telling.id, now=database_now())
            db.session.flush()
            begun.set()
            time.sleep(0.5)

    with ThreadPoolExecutor(1) as pool:
        letter = pool.submit(apart, telling, takes_next)
        assert begun.wait(10)
        telling.hear(telling.told("delivered", "Dora"))
        letter.result()

    assert lasts() == {dora: 1}
    assert telling.fates() == {"Dora": "email delivered"}


class Moody:
    """A provider of three at once that refuses a group with somebody bad in it, and now and then is busy."""

    name, most = "sendgrid", 3

    def __init__(self):
        self.got, self.lock, self.draw = Counter(), threading.Lock(), random.Random(7)

    def send_many(self, people, *, content, attempt_id, reference, limit, late):
        with self.lock:
            luck = self.draw.random()
        if luck < 0.1:
            return Many(Refusal("busy", code="429", retry_after=1.0))
        if any(each.address.startswith("bad") for each in people):
            return Many(Refusal("one of them is none", code="400"))
        with self.lock:
            self.got.update(each.address for each in people)
        return Many(Accepted(f"mail-{attempt_id}"))

    def find(self, **_):
        return None


def hear_of_some(seed):
    """Receipts of some attempts, in any order, now and then twice."""
    draw = random.Random(seed)
    groups = dict(db.session.execute(select(SendingGroup.id, SendingGroup.size)).all())
    accepted = select(SendingAttempt).where(SendingAttempt.outcome == "accepted")
    attempts = list(db.session.scalars(accepted))
    told = [
        Told(each.provider, f"{each.id}:{place}:{status}", status, each.id, place, None, None)
        for each in draw.sample(attempts, min(8, len(attempts)))
        for place in range(groups[each.group_id])
        for status in (("delivered", "bounce") if each.provider == "sendgrid" else ("delivered", "failed"))
        if draw.random() < 0.3
    ]
    if told:
        draw.shuffle(told)
        with transaction():
            receipts.take(told, now=database_now())


def test_many_workers_clocks_and_callbacks_tell_each_person_once(telling, monkeypatch):
    mail = Moody()
    monkeypatch.setitem(telling.app.extensions["channels"], "email", (mail,))
    for number in range(CROWD):
        name = "bad" if number % 10 == 9 else "good"
        telling.people.add(f"P{number}", email=f"{name}{number}@example.org", sms=f"+4520000{number:03d}")
    telling.begin(ways=("email", "sms"))
    with transaction():
        telling.row().state = SendingState.RUNNING
        telling.row().tally = {"seen": {"failed": 10_000}}
    until, troubles = time.monotonic() + AT_WORK, []

    def over_and_over(act, *args):
        while time.monotonic() < until:
            try:
                apart(telling, act, *args)
            except Exception as trouble:  # noqa: BLE001  what is found is compared below
                troubles.append(repr(trouble))

    with ThreadPoolExecutor(6) as pool:
        for seed in range(2):
            pool.submit(over_and_over, jobs.send_groups, str(telling.id))
            pool.submit(over_and_over, jobs.look)
            pool.submit(over_and_over, hear_of_some, seed)
    for _ in range(12):
        database.clock.offset += timedelta(seconds=80)
        telling.go()

    assert troubles == []
    assert set(mail.got.values()) == {1}
    assert max(Counter(telling.texts.got).values(), default=1) == 1
    assert lasts() == dict.fromkeys(telling.people.people, 1)
