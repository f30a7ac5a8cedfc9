"""Kill -9 of workers, of their horses, of clocks and of the provider, with everything else at work."""

import pytest

from tests.faults import crashing
from tests.faults.crashing import Act, Point
from tests.faults.installation import WORKERS, Installation

pytestmark = pytest.mark.faults


def silent(product: Installation) -> None:
    """Providers that never call back, so that what was accepted must be asked for."""
    for provider in ("twilio", "sendgrid"):
        product.sandbox.call_back(provider, "never")


@pytest.mark.parametrize("act", [Act.KILL, Act.KILL_ALONE])
def test_a_worker_killed_when_the_provider_has_it_tells_nobody_twice(product: Installation, act: Act):
    silent(product)

    notice = product.notice(channel="sms", crash=Point.AFTER_SEND, act=act)

    product.wait_until_sent(notice)
    assert product.copies_of(notice) == 1


@pytest.mark.parametrize("act", [Act.KILL, Act.KILL_ALONE])
def test_a_worker_killed_before_it_could_page_pages_all_the_same(product: Installation, act: Act):
    silent(product)

    page = product.page(crash=Point.BEFORE_FENCE, act=act)

    product.wait_until_sent(*page.values())
    assert [product.copies_of(each) for each in page.values()] == [1, 1]


def test_a_horse_that_outlives_its_worker_finishes_and_nobody_sends_again(product: Installation):
    notice = product.notice(crash=Point.BEFORE_SEND, act=Act.KILL_PARENT)

    product.wait_until_sent(notice)
    assert crashing.is_spent(product.crashes, Point.BEFORE_SEND, notice)
    assert product.copies_of(notice) == 1
    assert product.row(notice).attempts == 1


def test_a_clock_killed_while_it_sends_by_itself_tells_no_subject_twice(product: Installation):
    silent(product)
    product.queue.kill()

    notice = product.notice(crash=Point.AFTER_SEND)
    unsent = product.notice(crash=Point.BEFORE_SEND)

    product.wait_until_sent(notice, unsent)
    assert product["clock"].starts >= 2
    assert product.copies_of(notice) == product.copies_of(unsent) == 1


def test_a_dead_clock_makes_readiness_red_and_what_was_due_goes_when_it_is_back(product: Installation):
    product.supervisor.rest("clock")
    notice = product.notice()

    product.wait_for(lambda: any("clock" in each for each in product.faults()), "a red light")
    assert product.row(notice).state == "pending"

    product.supervisor.wake("clock")
    product.wait_until_sent(notice)
    product.wait_for(lambda: not product.faults(), "a green light")


def test_without_workers_messages_wait_and_none_is_lost(product: Installation):
    for name in WORKERS:
        product.supervisor.rest(name)
    notices = [product.notice() for _ in range(5)]
    product.wait_for(lambda: product.metric("messages_pending") >= 5, "a figure of what waits")

    for name in WORKERS:
        product.supervisor.wake(name)

    product.wait_until_sent(*notices)


def test_a_provider_that_is_not_there_gets_everything_when_it_is_back(product: Installation):
    product.sandbox.kill()
    notices = [product.notice(channel=channel) for channel in ("email", "sms")]
    page = product.page()
    product.wait_for(lambda: product.row(page["sms"]).attempts >= 1, "a try")

    product.sandbox.start_again(process=True)

    product.wait_until_sent(*notices)
    copies = product.copies()
    assert [copies[each] for each in notices] == [1, 1]


def test_a_page_goes_when_every_worker_is_dead_and_the_queue_server_takes_ids_all_the_same(
    product: Installation,
):
    for name in WORKERS:
        product.supervisor.rest(name)

    page = product.page()

    product.wait_until_sent(*page.values(), within=20)


def test_messages_that_nobody_takes_make_readiness_red(product: Installation):
    for name in WORKERS:
        product.supervisor.rest(name)
    notice = product.notice()

    product.wait_for(lambda: any("waited" in each for each in product.faults()), "a red light")

    for name in WORKERS:
        product.supervisor.wake(name)
    product.wait_until_sent(notice)
    product.wait_for(lambda: not product.faults(), "a green light")
