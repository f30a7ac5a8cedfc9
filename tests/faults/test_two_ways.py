"""One of two ways out is gone: pages go by the other, and nobody is told twice because of it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.faults.conftest import FAILED, Kept
from tests.faults.installation import Installation, token
from tests.faults.oracle import assert_conserved
from tests.people import Cast

pytestmark = pytest.mark.faults

# What the first provider does from now on -> the fault, and its options.
GONE = {
    "refuses our account": ("4xx", {"status": 401, "code": 20003}),
    "never answers": ("hang", {}),
    "fails": ("5xx", {"status": 500}),
}


@pytest.fixture(scope="module")
def with_two_ways(kept: Kept, databases: object, installation: tuple[Flask, Cast]) -> Iterator[Installation]:
    """An installation with a second provider of texts and of mail; no other test gets it."""
    kept.drop()
    kept.installation = Installation(databases, installation, second=True)
    kept.installation.start()
    yield kept.installation
    kept.drop()


@pytest.fixture
def both(request: pytest.FixtureRequest, with_two_ways: Installation) -> Iterator[Installation]:
    """It, and after the test everything that must always hold."""
    yield with_two_ways
    if not request.node.stash.get(FAILED, False):
        with_two_ways.calm()
        assert_conserved(with_two_ways)
        with_two_ways.end_pages()


def by(product: Installation, provider: str) -> set[str]:
    """The attempts that a provider accepted."""
    return {token(line) for line in product.sandbox.accepted(provider)}


@pytest.mark.parametrize("how", GONE)
def test_pages_go_by_the_other_provider_and_a_communication_waits_to_be_known(both: Installation, how: str):
    fault, options = GONE[how]
    both.sandbox.fail("twilio", fault, times=None, **options)
    before = len(by(both, "gateway"))

    pages = [both.page()["sms"] for _ in range(4)]
    took = both.wait_until_sent(*pages)
    notice = both.notice(channel="sms")
    both.wait_for_state(notice, "accepted", "delivered", "uncertain")

    assert len(by(both, "gateway")) >= before + len(pages)
    assert took < 10, "no page waited for the first provider's recovery"
    assert both.row(both.page()["sms"]).state  # one more, while the first is left alone
    both.sandbox.behave()
    both.wait_until_sent(notice)
    assert both.copies_of(notice) == 1
    assert both.metric("provider_switches") >= 1


def test_a_mail_server_killed_when_it_had_the_text_leaves_the_letter_to_a_person(both: Installation):
    both.sandbox.fail("sendgrid", "4xx", times=None, status=401)
    both.wait_until_sent(both.notice())  # by the mail server
    to = both.address("email", next(both.numbers))
    both.sandbox.fail("smtp", "accept_then_hang", to=to, times=1)

    notice = both.notice(to=to)
    both.wait_for(lambda: both.sandbox.accepted("smtp", to), "the letter at the mail server")
    both.sandbox.kill()
    both.sandbox.start_again(process=True)

    assert both.wait_for_state(notice, "held").wants_person
    assert both.copies_of(notice) == 1
    page = both.page()
    both.wait_until_sent(*page.values())
