"""The queue server killed, flushed, frozen, full, gone for good: it is a doorbell, and the clock has eyes."""

import time
from uuid import UUID

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from foundation import queue
from notifications import outbox
from tests.faults.installation import Installation

pytestmark = pytest.mark.faults


def some(product: Installation, number: int = 12) -> list[UUID]:
    return [product.notice(channel=("email", "sms")[each % 2]) for each in range(number)]


def once_each(product: Installation, ids: list[UUID]) -> None:
    copies = product.copies()
    assert [copies[each] for each in ids] == [1] * len(ids)


def test_a_queue_server_killed_and_restarted_loses_nothing(product: Installation):
    notices = some(product)
    product.queue.kill()
    page = product.page()
    time.sleep(0.5)
    product.queue.start()
    notices += some(product, 4)

    product.wait_until_sent(*notices, *page.values())

    once_each(product, notices)


def test_a_queue_server_that_lost_its_memory_loses_nothing(product: Installation):
    notices = some(product)
    product.queue.lose_everything()
    product.queue.start()

    product.wait_until_sent(*notices)

    once_each(product, notices)


def test_a_flushed_queue_server_loses_nothing(product: Installation):
    notices = []
    for _ in range(5):
        notices += some(product, 4)
        product.queue.flush()

    product.wait_until_sent(*notices)

    once_each(product, notices)


def test_without_a_queue_server_the_clock_sends_and_a_page_goes_within_its_bound(product: Installation):
    product.queue.kill()
    product.wait_for(lambda: any("queue" in each for each in product.faults()), "a red light")

    notices = some(product)
    page = product.page()
    product.wait_for(lambda: all(product.copies_of(each) for each in page.values()), "the page", within=20)
    product.wait_until_sent(*notices, *page.values())

    once_each(product, notices)
    product.queue.start()
    product.wait_for(lambda: not product.faults(), "a green light")


def test_a_frozen_queue_server_holds_up_no_page(product: Installation):
    pid = product.queue.freeze()
    try:
        page = product.page()
        notice = product.notice()
        product.wait_until_sent(*page.values(), notice)
    finally:
        product.queue.thaw(pid)

    assert product.copies_of(notice) == 1


def test_a_full_queue_server_holds_up_no_page(product: Installation):
    product.queue.client.config_set("maxmemory", 1)
    try:
        page = product.page()
        notice = product.notice()
        product.wait_until_sent(*page.values(), notice)
    finally:
        product.queue.client.config_set("maxmemory", 0)

    assert product.copies_of(notice) == 1


def test_ids_that_ring_twice_or_come_back_from_the_dead_send_nothing_again(product: Installation):
    notices = some(product, 6)
    with product.at_work():
        for _ in range(5):
            queue.enqueue(queue.BULK, outbox.JOB, notices, timeout=40)
    product.wait_until_sent(*notices)

    with product.at_work():
        queue.enqueue(queue.BULK, outbox.JOB, notices, timeout=40)
    bulk = Queue(queue.BULK, connection=product.queue.client, serializer=JSONSerializer)
    product.wait_for(lambda: bulk.count == 0, "an empty queue")

    once_each(product, notices)


def test_a_job_for_a_message_that_is_not_there_sends_nothing(product: Installation):
    before = len(product.sandbox.accepted())

    with product.at_work():
        queue.enqueue(queue.URGENT, outbox.JOB, [UUID(int=7)], timeout=40)
    notice = product.notice(kind="internal")
    product.wait_until_sent(notice)

    assert len(product.sandbox.accepted()) == before + 1


@pytest.mark.parametrize(
    ("name", "wrong", "right", "told"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "evict"),
        ("appendonly", "no", "yes", "forgets"),
    ],
)
def test_a_queue_server_set_up_to_lose_work_is_named(product: Installation, name, wrong, right, told):
    product.queue.client.config_set(name, wrong)
    try:
        with product.at_work():
            faults = queue.faults()
    finally:
        product.queue.client.config_set(name, right)

    assert [each for each in faults if told in each] == faults != []


def test_workers_find_a_queue_server_again_within_seconds_of_its_return(product: Installation):
    """They must not wait the longer the longer it was away: a page would wait with them."""
    product.queue.kill()
    time.sleep(8)
    product.queue.start()

    notice = product.notice()

    assert product.wait_until_sent(notice, within=20) < 4
