"""Many are told while processes die and providers misbehave: each has one message, or a person the reason.

What counts is what arrived at the providers, by the sandbox's own ledger.
"""

from collections import Counter
from datetime import datetime

import pytest
from sqlalchemy import select

from foundation.database import db
from notifications.models import Attempt, Fate, GroupState, Message
from tests.faults.crashing import Point
from tests.faults.installation import Installation, token
from tests.faults.telling import OURS, Telling

pytestmark = pytest.mark.faults
PEOPLE = 431
FEW = 45  # nobody goes first alone, and each language is one group
BEYOND_THE_FIRST = 5  # a group in the middle of a job
LINES = (Point.GROUP_CLAIMED, Point.GROUP_SENT, Point.GROUP_INSIDE_RECORD)
FAULTS = {
    "error": "5xx", "hangs": "hang", "taken": "accept_then_hang", "reset": "reset_after_body", "busy": "429",
}  # fmt: skip


@pytest.fixture
def telling(product: Installation) -> Telling:
    """People to tell, in an installation at work."""
    return Telling(product)


def silent(product: Installation) -> None:
    """Providers that never call back, so that what they have must be asked for."""
    for provider in ("twilio", "sendgrid"):
        product.sandbox.call_back(provider, "never")


def test_431_people_are_told_once_or_left_to_a_person_though_the_worker_is_killed_in_the_middle(
    product: Installation, telling: Telling
):
    product.sandbox.outcome(r"canary\.subject\.\d*[05]7@.*", "bounce")

    told = telling.begin(PEOPLE, phones=120, crash=Point.GROUP_SENT, at=BEYOND_THE_FIRST)
    telling.wait_until_out(told)
    bounced = [each for each in told.addresses if each[-16:].startswith(("07@", "57@"))]
    by_phone = [told.phones[each] for each in bounced if each in told.phones]
    product.wait_for(lambda: telling.fates(told)[Fate.MANUAL] == len(bounced) - len(by_phone), "bounces")
    telling.wait_until_out(told)

    assert telling.died(told, Point.GROUP_SENT, BEYOND_THE_FIRST)
    assert by_phone
    assert telling.copies(told) == Counter([*told.addresses, *by_phone])
    assert all(telling.left(told))


def test_a_worker_killed_at_any_line_tells_nobody_twice_though_providers_never_call_back(
    product: Installation, telling: Telling
):
    silent(product)

    told = {point: telling.begin(FEW, crash=point, at=2) for point in LINES}

    for point, each in told.items():
        telling.assert_once_each(each)
        assert telling.died(each, point, 2)


def test_a_clock_killed_while_it_plans_plans_nobody_twice_and_forgets_nobody(
    product: Installation, telling: Telling
):
    told = telling.begin(FEW, crash=Point.INSIDE_PLANNING, at=2)

    telling.assert_once_each(told)
    assert telling.died(told, Point.INSIDE_PLANNING, 2)


def test_a_queue_server_flushed_in_the_middle_holds_nobody_up(product: Installation, telling: Telling):
    slowly(product)
    told = telling.begin(FEW * 4)

    for groups in (1, 2, 4):
        telling.wait_until_some_went(told, groups)
        product.queue.flush()

    telling.assert_once_each(told)


def test_without_a_queue_server_the_clock_tells_everybody(product: Installation, telling: Telling):
    product.queue.kill()

    told = telling.begin(FEW)

    telling.assert_once_each(told)


def test_a_provider_that_errs_or_loses_its_answer_gives_nobody_a_second_message(
    product: Installation, telling: Telling
):
    silent(product)
    for name, fault in FAULTS.items():
        mine = rf"canary\.subject\.{name}\d.*"
        product.sandbox.fail("sendgrid", "accept", to=mine, times=1)
        product.sandbox.fail("sendgrid", fault, to=mine, times=1)

    told = [telling.begin(FEW, named=name) for name in FAULTS]

    for each in told:
        telling.assert_once_each(each)


def test_receipts_that_found_no_web_process_are_told_again_and_taken_in(
    product: Installation, telling: Telling
):
    product.sandbox.call_back("sendgrid", delay=0.3)
    told = telling.begin(FEW * 2)
    telling.wait_until_some_went(told)

    product["web"].kill()

    telling.assert_once_each(told)
    product.wait_for(lambda: telling.fates(told) == {Fate.DELIVERED: FEW * 2}, "every receipt")


def test_a_page_goes_within_its_bound_while_two_thousand_are_told(
    product: Installation, telling: Telling, record_property
):
    slowly(product)
    told = telling.begin(2000)
    telling.wait_until_some_went(told, 4)

    pages = [each for _ in range(2) for each in paged(product)]
    waits = telling.groups(told)[GroupState.PENDING]
    product.sandbox.behave()

    taken = sorted(seconds(product, pages))
    record_property("latency", f"worst {taken[-1]:.2f} s")
    print(f"commit to provider while many are told: worst {taken[-1]:.2f} s")  # noqa: T201
    assert waits
    assert taken[-1] < 4
    telling.assert_once_each(told)


def slowly(product: Installation) -> None:
    """Whoever is on a list takes the provider some time."""
    product.sandbox.fail("sendgrid", "slow", to=OURS, times=None, seconds=0.3)


def paged(product: Installation) -> list:
    page = list(product.page().values())
    product.wait_until_sent(*page, within=20)
    return page


def seconds(product: Installation, ids: list) -> list[float]:
    """From the commit that owes each of these to the provider that has it."""
    with product.at_work():
        owed = {
            str(attempt): at
            for attempt, at in db.session.execute(
                select(Attempt.id, Message.created_at)
                .join(Message, Message.id == Attempt.message_id)
                .where(Message.id.in_(ids))
            )
        }
    return [
        (datetime.fromisoformat(line["at"]) - owed[token(line)]).total_seconds()
        for line in product.sandbox.accepted()
        if token(line) in owed
    ]
