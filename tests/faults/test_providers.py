"""The providers hang, refuse, answer nonsense: nobody is told twice, nothing is lost in silence."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest
from sqlalchemy import select, update

from foundation.database import db, transaction
from notifications.models import ContactMethod, Message, State
from tests.faults.installation import Installation
from tests.people import ASTRIDS_PHONE, BIRKS_PHONE

pytestmark = pytest.mark.faults

# What the provider does -> (fault, its options, copies of a communication, copies of a page).
UNSURE = {
    "takes it and never answers": ("accept_then_hang", {}, 1, 2),
    "does not take it and never answers": ("hang", {}, 1, 1),
    "hangs up without reading": ("reset_before_body", {}, 1, 1),
    "takes it and hangs up": ("reset_after_body", {}, 1, 2),
    "fails with 500": ("5xx", {"status": 500}, 1, 1),
    "fails with 502 and has it": ("5xx", {"status": 502, "accepted": True}, 1, 2),
    "fails with 503 and has it": ("5xx", {"status": 503, "accepted": True}, 1, 2),
    "fails with 503 and has not": ("5xx", {"status": 503}, 1, 1),
}
NONSENSE = {
    "answers with nothing": ("empty", {}, 1, 2),
    "answers with a web page": ("html", {}, 1, 2),
    "answers with half of it": ("truncated", {}, 1, 2),
}
REFUSED_FOR_NOW = {
    "asks to wait a second": ("429", {"retry_after": "1"}, 1, 1),
    "asks to wait until a date": ("429", {"retry_after": "A DATE"}, 1, 1),
    "asks to wait for three years": ("429", {"retry_after": "99999999"}, 1, 1),
    "asks to wait and does not say how long": ("429", {}, 1, 1),
    "sends us elsewhere": ("redirect", {"status": 307, "location": "http://127.0.0.1:9/"}, 1, 1),
}


def wrong(product: Installation, channel: str, ways: dict) -> dict[tuple[str, str], UUID]:
    """One message of each kind for each way, to an address of its own, all at once."""
    provider = {"sms": "twilio", "email": "sendgrid"}[channel]
    product.sandbox.call_back(provider, "never")
    made = {}
    for name, (fault, options, *_copies) in ways.items():
        if options.get("retry_after") == "A DATE":
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            options = {**options, "retry_after": date}  # noqa: PLW2901
        for kind in ("subject", "oncall"):
            number = next(product.numbers)
            to = product.address(channel, number)
            product.sandbox.fail(provider, fault, to=to, times=1, **options)
            made[name, kind] = product.notice(kind=kind, channel=channel, to=to)
    return made


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_whatever_a_provider_answers_everybody_is_told_and_no_subject_twice(
    product: Installation, channel: str
):
    ways = {**UNSURE, **REFUSED_FOR_NOW, **(NONSENSE if channel == "sms" else {})}

    made = wrong(product, channel, ways)
    product.wait_until_sent(*made.values())

    copies = product.copies()
    told = {key: copies[message_id] for key, message_id in made.items()}
    expected = {(name, "subject"): way[2] for name, way in ways.items()}
    expected |= {(name, "oncall"): way[3] for name, way in ways.items()}
    assert told == expected


@pytest.mark.parametrize("code", [21211, 21614, 21610])
def test_a_number_refused_for_good_falls_back_to_email_and_says_why(product: Installation, code: int):
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "4xx", to=number, times=None, status=400, code=code)

    notice = product.notice(channel="sms", to=number, then=("email",))

    row = product.wait_for_state(notice, "unreached")
    later = [each for each in product.rows() if each.dedupe_key == f"{row.dedupe_key}>email"]
    assert str(code) in (row.why or "")
    product.wait_until_sent(*[each.id for each in later])
    assert [product.copies_of(each.id) for each in later] == [1]


def test_a_subject_reached_by_no_channel_is_put_before_a_person_and_the_dpo_hears_of_it(
    product: Installation,
):
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "4xx", to=number, times=None, status=400, code=21211)

    notice = product.notice(channel="sms", to=number)

    assert product.wait_for_state(notice, "unreached").wants_person
    alarms = product.wait_for(lambda: alarms_about(product, notice), "an alarm")
    product.wait_until_sent(*alarms)


def alarms_about(product: Installation, message_id: UUID) -> list[UUID]:
    return [row.id for row in product.rows() if row.dedupe_key.startswith(f"alarm:{message_id}:")]


def test_a_page_to_an_opted_out_number_pages_the_next_person_at_once(product: Installation):
    with product.at_work():
        phone = {"astrid": ASTRIDS_PHONE, "birk": BIRKS_PHONE}
    for number in phone.values():
        product.sandbox.fail("twilio", "4xx", to=number, times=1, status=400, code=21610)

    page = product.page()
    product.wait_for_state(page["sms"], "unreached")
    page_id = product.row(page["sms"]).page_id

    product.wait_for(lambda: len(turns(product, page_id)) > 1, "the next person's turn", within=20)
    with product.at_work(), transaction():
        opted = db.session.execute(
            update(ContactMethod).where(ContactMethod.opted_out_at.is_not(None)).values(opted_out_at=None)
        )
    assert opted.rowcount >= 1


def turns(product: Installation, page_id: UUID | None) -> set[str]:
    return {row.dedupe_key.split(":")[2] for row in product.rows() if row.page_id == page_id}


def test_a_provider_that_refuses_our_account_is_told_of_by_the_other(product: Installation):
    number = product.sandbox.fail("twilio", "4xx", times=None, status=401, code=20003)
    before = len(told_of_refusal(product))

    notice = product.notice(channel="sms")
    product.wait_for(lambda: len(told_of_refusal(product)) > before, "an alarm by e-mail")
    assert product.row(notice).state == "pending"
    assert product.row(notice).attempts <= 2

    product.sandbox.behave()
    product.wait_until_sent(notice)
    assert product.copies_of(notice) == 1
    assert number


def told_of_refusal(product: Installation) -> list[Message]:
    with product.at_work():
        return list(
            db.session.scalars(
                select(Message).where(
                    Message.template == "provider_refuses", Message.channel == "email",
                    Message.state.in_((State.ACCEPTED, State.DELIVERED)),
                )
            )
        )  # fmt: skip


def test_a_provider_that_can_never_be_asked_leaves_the_message_to_a_person(product: Installation):
    product.sandbox.call_back("twilio", "never")
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "reset_after_body", to=number)
    product.sandbox.fail("twilio", "5xx", times=None, operation="search", status=503)

    notice = product.notice(channel="sms", to=number)

    assert product.wait_for_state(notice, "held").wants_person
    product.wait_for(lambda: alarms_about(product, notice), "an alarm")
    assert product.copies_of(notice) == 1


def test_a_provider_whose_search_lags_is_asked_until_it_shows_what_it_has(product: Installation):
    """The search does not show the message that the provider has just confirmed: its no proves nothing."""
    product.sandbox.call_back("twilio", "never")
    shown = product.notice(channel="sms")
    product.wait_until_sent(shown)
    product.sandbox.lag_searches("twilio", 3600)
    number = product.address("sms", next(product.numbers))
    product.sandbox.fail("twilio", "reset_after_body", to=number)
    notice = product.notice(channel="sms", to=number)
    product.wait_for_state(notice, "uncertain")
    product.wait_for(lambda: product.asked(notice), "a question to the provider", within=20)
    assert product.row(notice).state == "uncertain"

    product.sandbox.lag_searches("twilio", 0)

    product.wait_until_sent(notice)
    assert product.copies_of(notice) == 1
