"""Receipts in copies, backwards, late, for nobody, never: what is known never goes backwards."""

import pytest
import requests
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from foundation.database import db
from notifications.models import Attempt, Receipt
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN
from tests.faults.installation import Installation

pytestmark = pytest.mark.faults


def tell(product: Installation, attempt: str, sid: str, status: str, code: str = "") -> requests.Response:
    """A receipt as Twilio signs it."""
    url = f"{product.url}/callbacks/twilio/status?a={attempt}"
    form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": SANDBOX_ACCOUNT_SID}
    form |= {"ErrorCode": code} if code else {}
    signature = RequestValidator(SANDBOX_AUTH_TOKEN).compute_signature(url, form)
    return requests.post(url, data=form, headers={"X-Twilio-Signature": signature}, timeout=10)


def attempt_of(product: Installation, message_id: object) -> tuple[str, str]:
    with product.at_work():
        found = db.session.execute(
            select(Attempt.id, Attempt.provider_id).where(Attempt.message_id == message_id)
        ).one()
    return str(found.id), found.provider_id


def receipts(product: Installation) -> int:
    with product.at_work():
        return db.session.scalar(select(func.count()).select_from(Receipt)) or 0


@pytest.mark.parametrize(("channel", "provider"), [("sms", "twilio"), ("email", "sendgrid")])
@pytest.mark.parametrize("way", [{"copies": 50}, {"mode": "reversed"}, {"mode": "reversed", "copies": 3}])
def test_receipts_in_copies_or_backwards_come_to_the_same(product: Installation, channel, provider, way):
    product.sandbox.call_back(provider, **{"mode": "in_order", **way})

    notice = product.notice(channel=channel)

    product.wait_for_state(notice, "delivered")
    product.sandbox.settle(within=20)
    assert product.row(notice).state == "delivered"
    assert product.row(notice).attempts == 1


def test_a_failure_told_after_the_delivery_changes_nothing(product: Installation):
    notice = product.notice(channel="sms")
    product.wait_for_state(notice, "delivered")
    attempt, sid = attempt_of(product, notice)

    answers = [tell(product, attempt, sid, status, "30008").status_code for status in ("failed", "sent")]

    assert answers == [204, 204]
    assert product.row(notice).state == "delivered"


def test_a_receipt_for_a_message_we_never_sent_changes_nothing_and_is_not_asked_for_again(
    product: Installation,
):
    before = [(row.id, row.state) for row in product.rows()]

    answer = tell(product, "00000000-0000-4000-8000-000000000000", "SM" + "0" * 32, "delivered")

    assert answer.status_code == 204
    assert [(row.id, row.state) for row in product.rows()] == before


def test_an_unsigned_receipt_changes_nothing(product: Installation):
    product.sandbox.call_back("twilio", "never")
    notice = product.notice(channel="sms")
    product.wait_until_sent(notice)
    attempt, sid = attempt_of(product, notice)
    before = receipts(product)

    answer = requests.post(
        f"{product.url}/callbacks/twilio/status?a={attempt}",
        data={"MessageSid": sid, "MessageStatus": "delivered", "AccountSid": SANDBOX_ACCOUNT_SID},
        headers={"X-Twilio-Signature": "bm90IHNpZ25lZA=="},
        timeout=10,
    )

    assert answer.status_code == 403
    assert (receipts(product), product.row(notice).state) == (before, "accepted")


def test_without_any_receipt_a_message_stays_accepted_and_goes_once(product: Installation):
    product.sandbox.call_back("twilio", "never")
    product.sandbox.call_back("sendgrid", "never")

    notices = [product.notice(channel=channel) for channel in ("sms", "email")]
    product.wait_until_sent(*notices)

    assert [product.row(each).state for each in notices] == ["accepted", "accepted"]


def test_a_receipt_tells_of_acceptance_before_anybody_has_to_ask(product: Installation):
    """The provider hung up after it took the message; its first receipt says so, and nothing goes again."""
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "reset_after_body", to=number)
    product.sandbox.fail("twilio", "5xx", times=None, operation="search", status=503)

    notice = product.notice(channel="sms", to=number)

    product.wait_for_state(notice, "delivered")
    assert (product.copies_of(notice), product.row(notice).attempts) == (1, 1)


@pytest.mark.parametrize("code", [30003, 30008])
def test_a_text_that_did_not_arrive_this_time_goes_again(product: Installation, code: int):
    number = product.address("sms", next(product.numbers))
    product.sandbox.outcome(number, "undelivered", times=1, code=code)

    notice = product.notice(channel="sms", to=number)

    product.may_be_twice.add(notice)  # the first did not arrive, by the provider's own word
    product.wait_for_state(notice, "delivered")
    assert (product.copies_of(notice), product.row(notice).attempts) == (2, 2)


@pytest.mark.parametrize(
    ("channel", "outcome"), [("sms", "undelivered"), ("email", "bounce"), ("email", "dropped")]
)
def test_what_cannot_arrive_falls_back_to_the_other_channel(
    product: Installation, channel: str, outcome: str
):
    other = {"sms": "email", "email": "sms"}[channel]
    address = product.address(channel, next(product.numbers))
    product.sandbox.outcome(address, outcome, **({"code": 30005} if channel == "sms" else {}))

    notice = product.notice(channel=channel, to=address, then=(other,))

    row = product.wait_for_state(notice, "unreached")
    later = [each.id for each in product.rows() if each.dedupe_key == f"{row.dedupe_key}>{other}"]
    product.wait_until_sent(*later)
    assert [product.copies_of(each) for each in later] == [1]


def test_receipts_that_come_while_web_is_dead_are_asked_for_again(product: Installation):
    product.supervisor.rest("web")
    notices = [product.notice(channel=channel) for channel in ("sms", "email")]
    product.wait_until_sent(*notices)

    product.supervisor.wake("web")

    for notice in notices:
        product.wait_for_state(notice, "delivered")
