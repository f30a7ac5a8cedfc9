"""Callbacks: only what a provider signed for our address counts, each once; an answer takes one page."""

import json
import time
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import delete, func, select, update
from twilio.request_validator import RequestValidator

from accounts.models import Role, StaffMember
from foundation import encryption
from foundation.database import db, everyone, transaction
from notifications import codes, outbox, paging
from notifications.channels import Accepted
from notifications.hurrying import BUNDLE
from notifications.models import ContactMethod, Message, PageState, Receipt, ReplyCode, Ring, State
from tests.notifications.conftest import CONTEXT, PHONES
from tests.notifications.installation import EVENT_KEY

PUBLIC = "https://breachclock.promark.example"
ACCOUNT = "AC" + "5" * 32
FORM = "application/x-www-form-urlencoded"
SIGNED = "X-Twilio-Signature"


def sid(number=1):
    return f"SM{number:032x}"


def post_form(house, path, fields, *, signed_for=None, token="token", **headers):
    fields = {"AccountSid": ACCOUNT, **fields}
    signature = RequestValidator(token).compute_signature((signed_for or PUBLIC) + path, fields)
    return house.app.test_client().post(
        path, data=urlencode(fields), content_type=FORM, headers={SIGNED: signature} | headers
    )


def tell_status(house, status, *, attempt=None, number=1, **more):
    fields = {"MessageSid": sid(number), "MessageStatus": status, **more}
    query = f"?a={attempt or house.claimed.attempt_id}"
    return post_form(house, f"/callbacks/twilio/status{query}", fields)


def text(house, body, *, who="astrid", number=None, sender=None):
    number = number if number is not None else uuid4().int >> 8
    fields = {
        "MessageSid": f"SM{number:032x}"[:34],
        "From": sender or PHONES[who],
        "To": "+4552512345",
        "Body": body,
    }
    return post_form(house, "/callbacks/twilio/inbound", fields)


def tell_events(house, events, *, key=EVENT_KEY, at=None, body=None, **headers):
    body = json.dumps(events).encode() if body is None else body
    at = str(int(time.time()) if at is None else at)
    signature = b64encode(key.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    prefix = "X-Twilio-Email-Event-Webhook"
    return house.app.test_client().post(
        "/callbacks/sendgrid/events", data=body, content_type="application/json",
        headers={f"{prefix}-Signature": signature, f"{prefix}-Timestamp": at} | headers,
    )  # fmt: skip


def receipts():
    return db.session.scalar(select(func.count()).select_from(Receipt))


@pytest.fixture
def sent(house):
    message = house.send(house.post(channel="sms", to="+4520000009"), Accepted(sid()))
    return message.id


@pytest.fixture
def mailed(house):
    return house.send(house.post(), Accepted("14c5d75ce93.dfd.64b469")).id


def test_a_signed_receipt_counts(house, sent):
    assert tell_status(house, "delivered").status_code == 204
    assert house.message(sent).state is State.DELIVERED


def test_the_same_receipt_again_is_answered_and_changes_nothing(house, sent):
    for _ in range(3):
        assert tell_status(house, "delivered").status_code == 204

    assert (receipts(), house.record().count("message.delivered")) == (1, 1)


def test_a_failure_replayed_after_the_delivery_changes_nothing(house, sent):
    tell_status(house, "delivered")

    tell_status(house, "failed", ErrorCode="30003")

    assert house.message(sent).state is State.DELIVERED


@pytest.mark.parametrize(
    "attempt", ["00000000-0000-4000-8000-000000000000", "no-uuid", "'; drop table--", "%00"]
)
def test_a_receipt_for_what_is_not_ours_is_kept_and_answered(house, sent, attempt):
    answer = tell_status(house, "failed", attempt=attempt, number=77)

    assert answer.status_code == 204
    assert receipts() == 1
    assert house.message(sent).state is State.ACCEPTED


def test_a_receipt_without_its_attempt_is_found_by_the_providers_id(house, sent):
    tell_status(house, "delivered", attempt="lost")

    assert house.message(sent).state is State.DELIVERED


FORGERIES = {
    "no signature": {"signature": None},
    "empty signature": {"signature": ""},
    "no base64": {"signature": "%%%"},
    "letters beyond ascii": {"signature": "ÆØÅ=" * 7},
    "another token": {"token": "guessed"},
    "another address": {"signed_for": "https://evil.example"},
    "http instead of https": {"signed_for": "http://breachclock.promark.example"},
    "another port": {"signed_for": PUBLIC + ":8443"},
    "a field changed": {"change": ("MessageStatus=delivered", "MessageStatus=failed")},
    "a field added": {"change": ("MessageStatus=", "Extra=1&MessageStatus=")},
    "a field twice": {"change": ("MessageStatus=", "MessageStatus=delivered&MessageStatus=")},
    "not utf-8": {"change": ("delivered", "%ff%fe")},
    "raw bytes": {"raw": b"\xff\xfe\x00"},
    "nothing at all": {"raw": b""},
    "json": {"content_type": "application/json"},
    "no type": {"content_type": ""},
    "very large": {"raw": b"MessageStatus=" + b"d" * 100_000},
    "another account": {"account": "AC" + "6" * 32},
}


def send_forged(house, forged):
    path = f"/callbacks/twilio/status?a={house.claimed.attempt_id}"
    fields = {"AccountSid": forged.get("account", ACCOUNT), "MessageSid": sid(), "MessageStatus": "delivered"}
    computed = RequestValidator(forged.get("token", "token")).compute_signature(
        forged.get("signed_for", PUBLIC) + path, fields
    )
    signature = forged.get("signature", computed)
    body = forged.get("raw", urlencode(fields).replace(*forged.get("change", ("", ""))).encode())
    headers = {} if signature is None else {SIGNED: signature}
    answer = house.app.test_client().post(
        path, data=body, content_type=forged.get("content_type", FORM), headers=headers
    )
    return answer.status_code


def test_the_forgeries_below_would_be_believed_without_what_is_wrong_with_them(house, sent):
    assert send_forged(house, {}) == 204


@pytest.mark.parametrize("how", FORGERIES)
def test_what_twilio_did_not_sign_is_refused_and_changes_nothing(house, sent, how):
    assert send_forged(house, FORGERIES[how]) == 403
    assert (receipts(), house.message(sent).state) == (0, State.ACCEPTED)


def test_the_query_is_signed_too(house, sent):
    fields = {"AccountSid": ACCOUNT, "MessageSid": sid(), "MessageStatus": "failed"}
    signature = RequestValidator("token").compute_signature(
        f"{PUBLIC}/callbacks/twilio/status?a=other", fields
    )

    answer = house.app.test_client().post(
        f"/callbacks/twilio/status?a={house.claimed.attempt_id}", data=urlencode(fields), content_type=FORM,
        headers={SIGNED: signature},
    )  # fmt: skip

    assert answer.status_code == 403


def test_signed_events_of_mail_count_each_once(house, mailed):
    event = {"event": "delivered", "sg_event_id": "e1", "a": str(house.claimed.attempt_id),
             "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"}  # fmt: skip

    answers = [tell_events(house, [event, event]).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert (house.message(mailed).state, receipts()) == (State.DELIVERED, 1)


def test_an_event_without_our_attempt_is_found_by_the_prefix_of_its_message_id(house, mailed):
    tell_events(house, [{"event": "delivered", "sg_message_id": "14c5d75ce93.dfd.64b469.recvd-7c9-xk2.0"}])

    assert house.message(mailed).state is State.DELIVERED


def test_events_of_one_request_are_read_in_the_light_of_each_other(house, mailed):
    events = [
        {"event": name, "sg_event_id": name, "a": str(house.claimed.attempt_id)}
        for name in ("delivered", "deferred", "processed", "unsubscribe", "bounce")
    ]

    tell_events(house, events)

    assert house.message(mailed).state is State.DELIVERED


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"null", b'["x", 1, null]', b'[{"event": 5}]', b"\xff\xfe"]
)
def test_signed_nonsense_is_answered_and_changes_nothing(house, mailed, body):
    assert tell_events(house, None, body=body).status_code in {204, 403}
    assert house.message(mailed).state is State.ACCEPTED


@pytest.mark.parametrize("at", [0, 999999999999, 10**30, int(time.time()) - 3600, int(time.time()) + 3600])
def test_old_events_and_those_of_the_future_are_refused(house, mailed, at):
    event = {"event": "bounce", "sg_event_id": "e1", "a": str(house.claimed.attempt_id)}

    assert tell_events(house, [event], at=at).status_code == 403
    assert house.message(mailed).state is State.ACCEPTED


@pytest.mark.parametrize(
    "how",
    ["another key", "body changed", "no signature", "no timestamp", "no base64", "beyond ascii", "no number"],
)
def test_what_sendgrid_did_not_sign_is_refused_and_changes_nothing(house, mailed, how):
    prefix = "X-Twilio-Email-Event-Webhook"
    event = [{"event": "bounce", "sg_event_id": "e1", "a": str(house.claimed.attempt_id)}]
    wrong = {
        "no signature": {f"{prefix}-Signature": ""}, "no timestamp": {f"{prefix}-Timestamp": ""},
        "no base64": {f"{prefix}-Signature": "%%%"}, "beyond ascii": {f"{prefix}-Signature": "ÆØÅ"},
        "no number": {f"{prefix}-Timestamp": "½"},
    }.get(how, {})  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1()) if how == "another key" else EVENT_KEY
    if how == "body changed":
        good = tell_events(house, event)
        assert good.status_code == 204
        altered = good.request.headers
        answer = house.app.test_client().post(
            "/callbacks/sendgrid/events", data=json.dumps(event) + " ", headers=dict(altered)
        )
    else:
        answer = tell_events(house, event, key=key, **wrong)
        assert house.message(mailed).state is State.ACCEPTED

    assert answer.status_code == 403


def test_the_code_of_a_text_takes_its_page(house):
    house.page()
    code = house.messages(channel="sms")[0].reference

    answer = text(house, f"ok {code[:2]} {code[2:].lower()}")

    assert "PM-2026-0012 is yours" in answer.text
    assert house.the_page().state is PageState.ACKNOWLEDGED
    assert house.takers() == [house.astrid]


def test_the_same_text_again_has_no_second_effect_and_no_second_answer(house):
    house.page()
    code = house.messages(channel="sms")[0].reference

    first, second = text(house, code, number=5), text(house, code, number=5)

    assert "is yours" in first.text
    assert "<Message>" not in second.text
    assert house.record().count("page.acknowledged") == 1


def test_a_colleagues_code_takes_nothing_from_another_telephone(house):
    house.page()
    code = house.messages(channel="sms")[0].reference

    answer = text(house, code, who="birk")

    assert "is yours" not in answer.text
    assert house.the_page().state is PageState.OPEN


def test_a_late_answer_hears_who_has_it(house):
    page_id = house.page()
    house.do(paging.acknowledge, page_id, house.birk, way="screen")

    answer = text(house, house.messages(channel="sms")[0].reference)

    assert "Birk has it already" in answer.text
    assert house.takers() == [house.birk]
    assert house.record()[-1] == "page.answered_late"


def test_an_answer_to_what_has_ended_says_so(house):
    house.page()
    house.do(paging.end, house.about, actor="Dorthe", reason="It was none.")

    assert "has ended" in text(house, house.messages(channel="sms")[0].reference).text


@pytest.mark.parametrize("word", ["ok", "ja", "yes"])
def test_a_bare_yes_takes_nothing_and_is_asked_for_the_code(house, word):
    house.page()

    answer = text(house, word)

    assert "code" in answer.text
    assert house.the_page().state is PageState.OPEN


def test_a_bare_yes_with_two_open_pages_hears_which_with_their_codes(house):
    house.page()
    house.page("page_deadline", step="Tell", hours_left="1", number="PM-2026-0013")
    codes = [each.reference for each in house.messages(channel="sms")]

    said = text(house, "ok").text

    assert f"2 pages wait for you: PM-2026-0013 = {codes[1]}, PM-2026-0012 = {codes[0]}" in said
    assert house.takers() == []


def test_a_no_with_the_code_calls_the_next_at_once_and_takes_nothing(house):
    house.page()
    code = house.messages(channel="sms")[0].reference

    said = text(house, f"kan ikke, {code}").text

    assert "Birk is called now" in said
    assert f"reply {code}" in said
    assert house.paged() == ["astrid", "birk"]
    assert (house.takers(), house.the_page().state) == ([], PageState.OPEN)


def test_who_said_no_may_take_it_after_all_and_who_has_it_may_give_it_back(house):
    house.page()
    code = house.messages(channel="sms")[0].reference
    text(house, f"nej {code}")

    text(house, code)
    assert house.takers() == [house.astrid]
    text(house, f"nej {code}")

    assert house.the_page().state is PageState.OPEN
    assert house.record().count("page.released") == 1


@pytest.mark.parametrize("ask", ["ring {code}", "CALL {code}", "ring mig"])
def test_call_me_rings_the_same_number_now_and_takes_nothing(house, ask):
    house.page()

    said = text(house, ask.format(code=house.messages(channel="sms")[0].reference)).text

    (call,) = house.messages(channel="voice")
    assert "you are called now" in said
    assert call.recipient == PHONES["astrid"]
    assert house.the_page().state is PageState.OPEN


def test_a_code_of_eight_signs_from_before_still_takes_its_page(house):
    house.page()
    with transaction():
        house.messages(channel="sms")[0].reference = "K7Q2MXPD"

    assert "is yours" in text(house, "k7q2-mxpd").text


def test_no_code_is_ever_given_to_a_number_twice(house, monkeypatch):
    drawn = iter(["CC22", "CC22", "DD33", "CC22", "DD33", "FF44"])
    monkeypatch.setattr(codes, "_made", lambda _length: next(drawn))
    given = [house.do(codes.draw, "+4520000001", organisation_id=house.promark) for _ in range(2)]
    with transaction():
        db.session.execute(delete(Ring))
        db.session.execute(delete(Message))  # not even when nothing is left of its message
    given.append(house.do(codes.draw, "+45 20 00 00 01", organisation_id=house.softwerk))

    assert given == ["CC22", "DD33", "FF44"]


def test_codes_stay_given_out_when_the_key_of_their_index_is_changed(house, monkeypatch):
    drawn = iter(["CC22", "CC22", "DD33"])
    monkeypatch.setattr(codes, "_made", lambda _length: next(drawn))
    house.do(codes.draw, "+4520000001", organisation_id=house.promark)
    keys = [Fernet.generate_key().decode(), *encryption.keyring.keys]
    encryption.keyring.use(tuple(keys))

    assert house.do(codes.draw, "+4520000001", organisation_id=house.promark) == "DD33"
    with everyone(), transaction():
        assert encryption.reencrypt(db.session(), ReplyCode) == 2
    indexes = set(db.session.scalars(select(ReplyCode.recipient_index)))
    assert indexes == {encryption.blind_index("+4520000001")}


def test_the_code_of_a_text_for_several_pages_answers_all_of_them(house):
    pages = [house.page(number="PM-2026-0012")]
    house.about = "incident/other"
    pages.append(house.page(number="PM-2026-0013"))
    message_id = house.do(
        outbox.post, organisation_id=house.promark, about=f"organisation/{house.promark}", kind="oncall",
        template=BUNDLE, dedupe_key="bundle:1", linked=True,
        recipient=outbox.Outside("sms", PHONES["astrid"], "en", house.astrid),
        context=CONTEXT | {"name": "Astrid", "count": "2", "numbers": ["PM-2026-0012", "PM-2026-0013"]},
    )  # fmt: skip
    with transaction():
        mine = Ring.staff_id == house.astrid, Ring.channel == "sms"
        db.session.execute(update(Ring).where(*mine).values(message_id=message_id))
    code = house.message(message_id).reference

    assert f"PM-2026-0012 + PM-2026-0013 = {code}" in text(house, "ok").text
    house.do(paging.acknowledge, pages[1], house.birk, way="screen")
    assert "PM-2026-0012 is yours" in text(house, code).text

    assert [paging.acknowledged_by(each) for each in pages] == ["Astrid", "Birk"]
    assert "reply" in text(house, f"nej {code}").text
    assert [paging.acknowledged_by(each) for each in pages] == ["", "Birk"]


def test_a_page_that_goes_hours_later_says_what_is_left_then(house):
    house.now = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
    house.page(hours_left="64")

    assert "5 h 30 min left" in house.messages(channel="sms")[0].content["text"]


def test_a_stop_is_kept_and_the_team_hears_of_it(house):
    text(house, "Stop.")

    stopped = db.session.scalars(select(ContactMethod).where(ContactMethod.opted_out_at.is_not(None))).all()
    assert [each.address for each in stopped] == [PHONES["astrid"]]
    alarms = house.messages(template="number_opted_out")
    assert {m.staff_id for m in alarms} == {house.astrid, house.dorthe}
    assert PHONES["astrid"] not in {m.recipient for m in alarms}


def test_a_start_opens_the_number_again(house):
    text(house, "STOP")

    assert "again" in text(house, "START").text
    assert (
        db.session.scalars(select(ContactMethod).where(ContactMethod.opted_out_at.is_not(None))).all() == []
    )


def test_a_stop_of_a_stranger_raises_no_alarm(house):
    assert text(house, "STOP", sender="+4599999999").status_code == 200
    assert house.messages() == []


def test_two_machines_can_not_talk_for_ever(house):
    answered = ["<Message>" in text(house, "What?").text for _ in range(8)]

    assert answered == [True] * 5 + [False] * 3


def test_a_machine_that_is_answered_no_more_still_takes_its_page(house):
    for _ in range(6):
        text(house, "What?")
    house.page()

    text(house, house.messages(channel="sms")[0].reference)

    assert house.takers() == [house.astrid]


def test_the_answer_comes_in_the_persons_language(house):
    with transaction():
        db.session.get_one(StaffMember, house.astrid).locale = "sv"

    assert "Det här numret" in text(house, "Hur?").text


@pytest.mark.parametrize("body", ["</Message><Dial>+1900</Dial>", "😀" * 800, "x" * 1600, ""])
def test_what_a_text_says_reaches_neither_answer_nor_record(house, body):
    house.page()

    answer = text(house, body)

    assert answer.status_code == 200
    assert "Dial" not in answer.text
    assert sha256(body.encode()).hexdigest() not in str(house.record())


def test_what_came_from_our_own_number_is_not_answered(house):
    assert "<Message>" not in text(house, "hello", sender="+4552512345").text


@pytest.mark.parametrize("gone", [{"active": False}, {"role": Role.AUDITOR}])
def test_somebody_who_left_or_is_paged_no_more_takes_nothing(house, gone):
    house.page()
    with transaction():
        db.session.query(StaffMember).filter_by(id=house.astrid).update(gone)

    text(house, house.messages(channel="sms")[0].reference)

    assert house.the_page().state is PageState.OPEN
