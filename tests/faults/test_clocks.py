"""Two clocks, three, one of them frozen in the middle of a pass: every step is taken once."""

import time

import pytest
from sqlalchemy import func, select

from foundation.database import db
from foundation.ledger import Entry
from tests.faults.installation import Installation

pytestmark = pytest.mark.faults


@pytest.fixture
def more_clocks(product: Installation):
    """Start further clocks; they end with the test."""
    started = []

    def start(number: int) -> None:
        for each in range(number):
            name = f"clock-{each + 2}"
            started.append(name)
            product.supervisor.add(product.process("clock", called=name))

    yield start
    for name in started:
        product.supervisor.forget(name)


@pytest.mark.parametrize("clocks", [2, 3])
def test_any_number_of_clocks_sends_each_message_once(product: Installation, more_clocks, clocks: int):
    more_clocks(clocks - 1)
    time.sleep(2)  # until they are at work

    notices = [product.notice(channel=("sms", "email")[each % 2]) for each in range(15)]
    product.wait_until_sent(*notices)

    copies = product.copies()
    assert [copies[each] for each in notices] == [1] * 15


def test_any_number_of_clocks_sends_each_message_once_with_no_queue_server(
    product: Installation, more_clocks
):
    more_clocks(2)
    product.queue.kill()
    time.sleep(2)

    notices = [product.notice(channel=("sms", "email")[each % 2]) for each in range(15)]
    page = product.page()
    product.wait_until_sent(*notices, *page.values())

    copies = product.copies()
    assert [copies[each] for each in notices] == [1] * 15


def test_three_clocks_raise_one_alarm(product: Installation, more_clocks):
    more_clocks(2)
    time.sleep(2)
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "4xx", to=number, times=None, status=400, code=21211)

    notice = product.notice(channel="sms", to=number)

    product.wait_for(lambda: alarms(product, notice), "an alarm")
    time.sleep(2)
    assert len(alarms(product, notice)) == len(set(alarms(product, notice)))
    with product.at_work():
        entries = select(func.count()).select_from(Entry).where(Entry.action == "message.unreached")
        of_it = entries.where(Entry.details["message"].as_string() == str(notice))
        assert db.session.scalar(of_it) == 1


def alarms(product: Installation, message_id: object) -> list[str]:
    return [row.dedupe_key for row in product.rows() if row.dedupe_key.startswith(f"alarm:{message_id}:")]


def test_a_clock_frozen_in_the_middle_of_a_pass_and_thawed_does_no_harm(product: Installation, more_clocks):
    more_clocks(1)
    time.sleep(2)
    product.queue.kill()  # so that clocks send by themselves, and hold messages when they freeze

    notices = [product.notice(channel=("sms", "email")[each % 2]) for each in range(10)]
    time.sleep(0.1)
    product["clock"].freeze()
    time.sleep(7)  # longer than any lease
    product["clock"].thaw()
    frozen_behind_the_fence = [each for each in notices if product.row(each).attempts > 1]
    product.may_be_twice.update(frozen_behind_the_fence)  # eight calls at most were on their way

    product.wait_until_sent(*notices)
    assert len(frozen_behind_the_fence) <= 8
