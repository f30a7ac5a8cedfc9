"""What becomes of a message: every way an attempt can end, and everything a provider may say later."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from foundation.database import db, everyone, transaction
from notifications import circuits, delivery, fates, outbox
from notifications.channels import Accepted, Refusal, Unsure
from notifications.models import Circuit, ContactMethod, Kind, Message, Outcome, State

UNREACHABLE = Refusal("Twilio could not be reached (ConnectTimeout)")
BOUNCED = (("sms", "+4520000009"),)


def test_an_accepted_message_is_the_providers_to_deliver(house):
    message = house.send(house.post())

    assert (message.state, message.provider_id, message.lease_until) == (
        State.ACCEPTED,
        "SM" + "a" * 32,
        None,
    )
    assert house.record() == ["message.posted", "message.accepted"]


def test_asking_twice_for_the_same_message_tells_nobody_twice(house):
    assert house.post(key="letter:7")

    assert house.post(key="letter:7") is None
    assert len(house.messages()) == 1


def test_a_provider_that_is_not_there_is_tried_until_the_attempts_are_spent(house):
    message_id = house.post()

    for number in range(1, 8):
        assert house.send(message_id, UNREACHABLE).state is State.PENDING, number
        house.later(minutes=20)

    assert house.send(message_id, UNREACHABLE).state is State.UNREACHED


def test_a_provider_that_asks_to_wait_is_left_alone_for_so_long(house):
    message = house.send(house.post(), Refusal("asks to wait", code="429", retry_after=300))

    assert message.ready_at >= house.now + timedelta(seconds=300)
    assert house.claim(message.id) is None


def test_a_number_that_does_not_exist_is_given_up_at_once_and_a_person_is_asked(house):
    message = house.send(house.post(channel="sms", to="+4500"), Refusal("Twilio refused", code="21211"))

    assert message.state is State.UNREACHED
    assert message.wants_person_at == house.now


def test_a_code_nobody_knows_gets_a_second_try_and_then_a_person(house):
    message_id = house.post()
    first = house.send(message_id, Refusal("?", code="99999")).state
    house.later(minutes=1)

    assert (first, house.send(message_id, Refusal("?", code="99999")).state) == (
        State.PENDING,
        State.UNREACHED,
    )


def test_a_bounced_letter_goes_on_by_sms_in_the_same_transaction(house):
    house.send(house.post(fallbacks=BOUNCED), Accepted("mail-1"))

    house.receipt("bounce")

    letter, text = house.messages()
    assert (letter.state, letter.wants_person_at) == (State.UNREACHED, None)
    assert (text.state, text.channel, text.recipient, text.locale) == (
        State.PENDING,
        "sms",
        "+4520000009",
        "da",
    )
    assert fates.outcomes(house.about, ["letter:1"]) == {"letter:1": "pending"}


def test_a_bounce_told_twice_sends_one_sms(house):
    house.send(house.post(fallbacks=BOUNCED), Accepted("mail-1"))

    house.receipt("bounce", event="one")
    house.receipt("bounce", event="two")

    assert len(house.messages(channel="sms")) == 1


@pytest.mark.parametrize(
    "order", [("queued", "sending", "sent", "delivered"), ("delivered", "sent", "sending", "queued")]
)
def test_receipts_lead_to_the_same_end_in_any_order(house, order):
    message = house.send(house.post(channel="sms", to="+4520000009"))

    for status in order:
        house.receipt(status)

    assert house.message(message.id).state is State.DELIVERED


def test_a_failure_told_after_the_delivery_changes_nothing(house):
    message = house.send(house.post(channel="sms", to="+4520000009"))
    house.receipt("delivered")

    house.receipt("failed", code="30003")

    assert house.message(message.id).state is State.DELIVERED
    assert house.attempts(message.id)[0].outcome is Outcome.ACCEPTED


def test_a_receipt_told_fifty_times_counts_once(house):
    house.send(house.post(channel="sms", to="+4520000009"))

    told = [house.receipt("delivered", event="the same") for _ in range(50)]

    assert told == [True] + [False] * 49
    assert house.record().count("message.delivered") == 1


def test_a_receipt_for_a_message_we_do_not_know_is_kept_and_harms_nothing(house):
    message = house.send(house.post())

    assert house.do(
        delivery.receipt, provider="twilio", event_id="SMx:failed", status="failed", attempt_id=None,
        provider_id="SMx", code=None,
    )  # fmt: skip

    assert house.message(message.id).state is State.ACCEPTED


def test_a_receipt_proves_that_a_message_was_accepted_whose_sender_died(house):
    message_id = house.post(channel="sms", to="+4520000009")
    house.claim(message_id)

    house.receipt("sent", provider_id="SM1")

    message = house.message(message_id)
    assert (message.state, message.provider_id) == (State.ACCEPTED, "SM1")
    assert house.attempts(message_id)[0].outcome is Outcome.FOUND


def test_a_broken_answer_does_not_undo_what_a_receipt_proved(house):
    message_id = house.post(channel="sms", to="+4520000009")
    claimed = house.claim(message_id)
    house.receipt("sent", provider_id="SM1")

    house.do(delivery.record, claimed, Unsure("it did not answer"))
    house.receipt("delivered", provider_id="SM1")

    assert house.message(message_id).state is State.DELIVERED
    assert "message.duplicate_detected" not in house.record()


def test_a_claim_that_was_lost_keeps_only_its_evidence(house):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")
    lost = house.claim(message_id)
    house.do(delivery.lease_ended, house.message(message_id))
    second = house.claim(message_id)
    house.do(delivery.record, second, Accepted("SM2"))

    house.do(delivery.record, lost, Refusal("refused", code="21211"))

    assert house.message(message_id).state is State.ACCEPTED


def test_a_second_copy_is_seen_and_written_down(house):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")
    lost = house.claim(message_id)
    house.do(delivery.lease_ended, house.message(message_id))
    house.do(delivery.record, house.claim(message_id), Accepted("SM2"))

    house.do(delivery.record, lost, Accepted("SM1"))

    assert house.attempts(message_id)[0].outcome is Outcome.DUPLICATE
    assert house.record().count("message.duplicate_detected") == 1


def two_copies(house):
    """A page's message that the provider has twice: attempts SM1 and SM2."""
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")
    lost = house.claim(message_id)
    house.do(delivery.lease_ended, house.message(message_id))
    house.do(delivery.record, house.claim(message_id), Accepted("SM2"))
    house.do(delivery.record, lost, Accepted("SM1"))
    return message_id


def test_a_copy_that_arrives_makes_the_message_delivered(house):
    message_id = two_copies(house)

    house.receipt("delivered", number=1)
    house.receipt("failed", number=2, code="30003")

    assert house.message(message_id).state is State.DELIVERED


def test_a_copy_that_fails_is_not_the_end_while_another_is_under_way(house):
    message_id = two_copies(house)

    house.receipt("failed", number=2, code="30003")

    assert house.message(message_id).state is State.ACCEPTED


def test_when_every_copy_has_failed_the_message_goes_again(house):
    message_id = two_copies(house)

    house.receipt("failed", number=2, code="30003")
    house.receipt("failed", number=1, code="30003")

    assert house.message(message_id).state is State.PENDING


def test_a_letter_nobody_is_sure_of_waits_and_goes_to_nobody(house):
    message = house.send(house.post(), Unsure("it did not answer"))

    assert message.state is State.UNCERTAIN
    assert house.claim(message.id) is None


def test_a_page_nobody_is_sure_of_goes_again_at_once(house):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")

    message = house.send(message_id, Unsure("it did not answer"))

    assert (message.state, message.ready_at) == (State.PENDING, house.now)


def test_a_page_that_never_gets_an_answer_stops_at_five_copies(house):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")

    states = [house.send(message_id, Unsure("it did not answer")).state for _ in range(5)]

    assert states == [State.PENDING] * 4 + [State.UNREACHED]


def test_a_provider_that_refuses_our_account_is_left_alone_and_nothing_counts_as_tried(house):
    message = house.send(house.post(), Refusal("SendGrid refused (401)", code="401", account=True))

    circuit = db.session.get_one(Circuit, "sendgrid")
    assert (circuit.open_until, circuit.told_at) == (house.now + circuits.LEFT_ALONE, None)
    assert message.state is State.PENDING
    assert house.claim(house.post(key="letter:2")) is None


REFUSED = Refusal("SendGrid refused (401)", code="401", account=True)


def test_after_the_minute_one_letter_goes_first_and_the_others_stay(house):
    ids = [house.post(key=f"letter:{n}") for n in range(3)]
    house.send(ids[0], REFUSED)
    house.later(seconds=60)

    claims = [house.claim(each) is not None for each in ids]

    assert claims == [True, False, False]
    assert {house.message(each).ready_at for each in ids[1:]} == {house.now + circuits.LEFT_ALONE}


@pytest.mark.parametrize(
    ("answer", "free"),
    [
        (Accepted("mail-1"), True),
        (Refusal("SendGrid refused (400)", code="400"), True),
        (Unsure("it did not answer"), False),
        (Refusal("SendGrid could not be reached"), False),
        (REFUSED, False),
    ],
)
def test_what_the_first_letter_meets_decides_of_the_others(house, answer, free):
    first, second = house.post(), house.post(key="letter:2")
    house.send(first, REFUSED)
    house.later(seconds=60)
    claimed = house.claim(first)
    assert house.claim(second) is None
    house.later(seconds=1)

    house.do(delivery.record, claimed, answer)

    assert (house.claim(second) is not None) is free


def test_a_yes_to_a_letter_sent_before_the_refusal_frees_nobody(house):
    early = house.claim(house.post())
    house.later(seconds=1)
    house.send(house.post(key="letter:2"), REFUSED)

    house.do(delivery.record, early, Accepted("mail-1"))

    assert house.claim(house.post(key="letter:3")) is None


def test_while_one_provider_is_left_alone_the_other_goes_on(house):
    house.send(house.post(), Refusal("SendGrid refused (401)", code="401", account=True))

    assert house.claim(house.post(channel="sms", to="+4520000009", key="text:1")) is not None


@pytest.mark.parametrize("how", ["refused", "reported"])
def test_a_number_that_answered_stop_is_left_alone_and_a_person_hears_of_it(house, how):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000001")
    if how == "refused":
        house.send(message_id, Refusal("Twilio refused", code="21610"))
    else:
        house.send(message_id)
        house.receipt("failed", code="21610")

    methods = db.session.query(ContactMethod).filter(ContactMethod.opted_out_at.is_not(None)).all()
    assert [each.address for each in methods] == ["+4520000001"]
    assert house.message(message_id).wants_person_at == house.now


def test_what_is_withdrawn_is_not_sent_and_stands_in_the_record(house):
    message_id = house.post()

    assert house.do(outbox.cancel, house.about, reason="the decision was taken back") == 1

    assert house.claim(message_id) is None
    assert house.record()[-1] == "messages.withdrawn"


def test_what_a_provider_sends_for_a_code_is_cut_to_what_a_row_holds(house):
    house.send(house.post(channel="sms", to="+4520000009"))

    assert house.receipt("sent", code="x" * 500, provider_id="y" * 500)


def test_a_second_transaction_reads_what_another_process_wrote_meanwhile(house):
    message_id = house.post()
    with transaction():
        seen = db.session.get_one(Message, message_id)

    def withdraw():
        with house.app.app_context(), everyone(), transaction():
            outbox.cancel(house.about, reason="taken back", now=house.now)

    other = Thread(target=withdraw)
    other.start()
    other.join(20)

    with transaction():
        assert db.session.get_one(Message, message_id) is seen
        assert seen.state is State.CANCELLED


def test_receipts_at_the_same_moment_end_as_if_one_had_waited(house):
    for number in range(10):
        message_id = house.post(channel="sms", to="+4520000009", key=f"text:{number}")
        house.send(message_id, Accepted(f"SM{number}"))
        attempt_id, start = house.claimed.attempt_id, Barrier(3)

        def tell(status, attempt_id=attempt_id, start=start):
            with house.app.app_context(), everyone():
                start.wait(20)
                with transaction():
                    delivery.receipt(
                        provider="twilio", event_id=f"{attempt_id}:{status}", status=status,
                        attempt_id=attempt_id, provider_id=None, code=None, now=house.now,
                    )  # fmt: skip

        threads = [Thread(target=tell, args=(status,)) for status in ("delivered", "sent", "sending")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        db.session.rollback()  # our own look at the database is older
        assert house.message(message_id).state is State.DELIVERED
        assert house.attempts(message_id)[0].rank == 6
    assert "message.duplicate_detected" not in house.record()
