"""People's own ways: verified by a code, theirs alone, and never silently gone."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import encryption
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from notifications import contacts, jobs, replies, ways
from notifications.channels import Refusal
from notifications.contacts import overview, testing, verifying
from notifications.models import Channel, ContactCode, ContactMethod, Kind, State
from notifications.rules.contacts import LIMITS, Tried
from tests.notifications.conftest import CONTEXT

NEW = "+4520999999"


def person(house, name):
    return db.session.get_one(StaffMember, house.people[name])


def add(house, *, name="astrid", channel="sms", address=NEW, delay=0, rehearsal=True):
    return house.do(
        contacts.add, person(house, name), channel=channel, address=address, delay=delay, rehearsal=rehearsal
    )


def code_sent(house, method_id, *, name="astrid"):
    """Have a code sent, and read it off the phone."""
    house.do(verifying.send_code, person(house, name), method_id)
    return read_code(house)


def read_code(house):
    text = house.messages(template="contact_code")[-1].content["text"]
    return re.match(r"\d+", text)[0]


def confirm(house, method_id, code, *, name="astrid"):
    return house.do(verifying.confirm, person(house, name), method_id, code)


def the(method_id):
    return db.session.get_one(ContactMethod, method_id, populate_existing=True)


def keys(house, name="astrid"):
    return [each.key for each in ways.ways_of(person(house, name))]


def other(code):
    return f"{(int(code) + 1) % 10**LIMITS.digits:0{LIMITS.digits}d}"


# --- codes -----------------------------------------------------------------------------------------


def test_a_number_is_rung_only_once_its_code_was_typed(house):
    added = add(house)
    code = code_sent(house, added)
    before = keys(house)

    tried = confirm(house, added, f" {code[:3]} {code[3:]} ")

    assert str(added) not in before
    assert tried is Tried.RIGHT
    assert keys(house)[-1] == str(added)
    message = house.messages(template="contact_code")[0]
    assert (message.recipient, message.channel, message.kind) == (NEW, Channel.SMS, Kind.ONCALL)


def test_five_wrong_codes_spend_it_and_then_the_right_one_is_wrong_too(house):
    added = add(house)
    code = code_sent(house, added)

    tried = [confirm(house, added, other(code)) for _ in range(LIMITS.tries)]

    assert tried == [Tried.WRONG] * (LIMITS.tries - 1) + [Tried.SPENT]
    assert confirm(house, added, code) is Tried.SPENT
    assert the(added).verified_at is None
    house.later(minutes=2)
    assert confirm(house, added, code_sent(house, added)) is Tried.RIGHT


def test_an_old_code_is_too_old_and_a_replaced_one_is_none(house):
    added = add(house)
    first = code_sent(house, added)
    house.later(minutes=2)
    second = code_sent(house, added)

    assert first == second or confirm(house, added, first) is Tried.WRONG
    assert house.messages(template="contact_code")[0].state is State.CANCELLED  # it need not go any more
    house.later(seconds=LIMITS.valid.total_seconds())
    assert confirm(house, added, second) is Tried.EXPIRED


def test_a_code_fits_no_other_way_and_no_second_time(house):
    one, two = add(house), add(house, address="+4520888888")
    code = code_sent(house, one)
    code_sent(house, two)
    theirs = read_code(house)

    assert code == theirs or confirm(house, two, code) is Tried.WRONG
    assert confirm(house, one, code) is Tried.RIGHT
    assert confirm(house, one, code) is Tried.NONE


def test_nothing_in_the_database_shows_a_code_or_an_address(house):
    added = add(house)
    code = code_sent(house, added)

    rows = db.session.connection().exec_driver_sql("SELECT * FROM contact_codes").all()
    kept = str(rows) + str(db.session.connection().exec_driver_sql("SELECT * FROM contact_methods").all())

    assert code not in str([row.code_hash for row in db.session.scalars(select(ContactCode))])
    assert NEW not in kept
    assert NEW[1:] not in str(house.record(f"organisation/{house.promark}"))


def test_the_same_code_is_kept_differently_for_each_way(house, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _most: 42917)
    for address in (NEW, "+4520888888"):
        code_sent(house, add(house, address=address))

    kept = [each.code_hash for each in db.session.scalars(select(ContactCode))]

    assert read_code(house) == "042917"
    assert len(set(kept)) == 2


def test_a_code_typed_after_a_change_of_keys_still_counts(house):
    added = add(house)
    code = code_sent(house, added)
    older = encryption.keyring.keys
    encryption.keyring.use((encryption.Fernet.generate_key().decode(), *older))
    with transaction():
        encryption.reencrypt(db.session, ContactMethod)

    assert confirm(house, added, code) is Tried.RIGHT


def test_codes_are_not_sent_without_an_end(house):
    added = add(house)
    code_sent(house, added)
    with pytest.raises(Refused):
        code_sent(house, added)
    for _ in range(LIMITS.an_hour_per_address - 1):
        house.later(minutes=2)
        code_sent(house, added)
    house.later(minutes=2)
    house.do(contacts.remove, person(house, "astrid"), added, sure=False)
    again = add(house)  # taking it away and adding it anew is no way around

    with pytest.raises(Refused):
        code_sent(house, again)
    assert len(house.messages(template="contact_code")) == LIMITS.an_hour_per_address


def test_a_landline_gets_its_code_by_a_call_that_reads_it_digit_by_digit(house):
    with pytest.raises(Invalid, match="landline"):
        add(house, address="+46 12 34 56 78")
    added = add(house, channel="voice", address="+46 12 34 56 78")
    house.do(verifying.send_code, person(house, "astrid"), added)

    (call,) = house.messages(template="contact_code")
    told = re.search(r"(\d)((, \d)+)", call.content["text"])[0].replace(", ", "")

    assert (call.channel, call.recipient) == (Channel.VOICE, "+4612345678")
    assert confirm(house, added, told) is Tried.RIGHT


# --- whose -----------------------------------------------------------------------------------------


def test_a_colleague_s_way_is_nobody_else_s(house):
    added = add(house, name="birk")
    code = code_sent(house, added, name="birk")

    for act in (
        lambda: confirm(house, added, code),
        lambda: house.do(verifying.send_code, person(house, "astrid"), added),
        lambda: house.do(contacts.move, person(house, "astrid"), added, up=True),
        lambda: house.do(contacts.wait, person(house, "astrid"), added, delay=5),
        lambda: house.do(contacts.remove, person(house, "astrid"), added, sure=True),
        lambda: house.do(testing.ring, person(house, "astrid"), method_id=added),
    ):
        with pytest.raises(Missing):
            act()
    assert the(added).verified_at is None


@pytest.mark.parametrize("typed", [NEW, "20 99 99 99", "0045 20 99 99 99", "+45 (20) 99-99-99"])
def test_the_same_number_twice_is_one_however_it_is_written(house, typed):
    add(house)

    with pytest.raises(Refused, match="already"):
        add(house, address=typed)


@pytest.mark.parametrize(
    ("channel", "typed"),
    [
        ("sms", "112"), ("sms", "hello"), ("sms", ""), ("voice", "+4590112233"), ("email", "astrid@"),
        ("email", "a@b.example\r\nBcc: x@y.example"), ("chat", "file:///etc/passwd"), ("pretend", "x"),
        ("chat", "ntfy://ntfy.sh/in-the-clear"), ("fax", "33120000"),
    ],
)  # fmt: skip
def test_what_reaches_nobody_is_refused_in_words(house, channel, typed):
    with pytest.raises(Invalid):
        add(house, channel=channel, address=typed, rehearsal=False)


# --- STOP ------------------------------------------------------------------------------------------


def test_a_code_that_does_not_arrive_is_said_on_the_page(house):
    astrid = house.browser("astrid")
    house.now = utcnow()
    added = add(house)
    code_sent(house, added)
    before = astrid.get("/reached-by").text

    house.send(house.messages(template="contact_code")[0].id, Refusal("Twilio refused", code="21614"))

    assert "did not arrive" not in before
    assert "did not arrive" in astrid.get("/reached-by").text
    assert house.messages(template="not_reached") == []


def test_stop_while_verifying_stops_that_number_and_alarms_nobody(house):
    added = add(house)
    code = code_sent(house, added)
    house.do(replies.answer, sender=NEW, body="STOP", sid="SM1")

    confirm(house, added, code)

    assert str(added) not in keys(house)
    assert house.messages(template="number_opted_out") == []  # nobody has shown that it is Astrid's
    assert "contact.stopped" in house.record(f"organisation/{house.promark}")
    house.do(replies.answer, sender=NEW, body="START", sid="SM2")
    assert str(added) in keys(house)


def test_no_code_is_sent_to_a_number_that_answered_stop(house):
    added = add(house)
    house.do(replies.answer, sender=NEW, body="STOP", sid="SM1")

    with pytest.raises(Refused, match="STOP"):
        code_sent(house, added)


def test_stop_ends_texts_and_not_calls_to_the_same_number(house):
    called = add(house, channel="voice", address="+4520000001")
    assert confirm(house, called, _digits(house, called)) is Tried.RIGHT

    house.do(replies.answer, sender="+4520000001", body="STOP", sid="SM1")

    assert [each.channel for each in ways.ways_of(person(house, "astrid"))] == [Channel.EMAIL, Channel.VOICE]
    assert house.messages(template="number_opted_out") != []


def test_what_was_owed_before_a_stop_goes_that_way_no_more_and_the_page_moves_on(house, monkeypatch):
    monkeypatch.setattr("notifications.jobs.database_now", lambda: house.now)
    house.page()
    text, mail = house.messages(staff_id=house.astrid)
    house.do(
        ways.remind, organisation_id=house.promark, about=house.about, staff_ids=[house.astrid],
        template="step_reminder", context=CONTEXT | {"step": "Ask", "hours_left": "24"}, dedupe_key="r:1",
        urgent=False, must_by=None,
    )  # fmt: skip
    reminder = house.messages(template="step_reminder")[0]
    assert reminder.fallbacks == [["sms", text.recipient]]

    house.do(replies.answer, sender=text.recipient, body="STOP", sid="SM1")
    jobs.deliver(str(text.id))
    house.send(reminder.id)
    house.receipt("bounce")

    assert (house.message(text.id).state, house.attempts(text.id)) == (State.UNREACHED, [])
    assert house.the_page().next_at == house.now, "the next one is called at once"
    assert house.message(reminder.id).wants_person_at == house.now
    assert [m.id for m in house.messages(channel="sms", staff_id=house.astrid)] == [text.id]
    assert house.claim(mail.id) is not None, "the address of signing in still counts"


def test_what_is_owed_to_somebody_who_has_left_goes_nowhere(house):
    house.page()
    with transaction():
        person(house, "astrid").active = False

    assert [house.claim(m.id) for m in house.messages(staff_id=house.astrid)] == [None, None]


def _digits(house, method_id):
    house.do(verifying.send_code, person(house, "astrid"), method_id)
    text = house.messages(template="contact_code")[-1].content["text"]
    return re.search(r"(\d)((, \d)+)", text)[0].replace(", ", "")


# --- order, delays, the last one -------------------------------------------------------------------


def test_ways_ring_in_their_order_and_after_their_delay_the_first_at_once(house):
    astrid = person(house, "astrid")
    sms, email = contacts.of(house.astrid)
    house.do(contacts.wait, astrid, sms.id, delay=5)
    house.do(contacts.wait, astrid, email.id, delay=2)
    house.do(contacts.move, astrid, email.id, up=True)
    house.do(contacts.move, astrid, email.id, up=True)  # it is the first already

    found = ways.ways_of(astrid)

    assert [(each.channel, each.after) for each in found] == [
        (Channel.EMAIL, timedelta(0)),
        (Channel.SMS, timedelta(minutes=3)),
    ]
    with pytest.raises(Invalid):
        house.do(contacts.wait, astrid, sms.id, delay=600)


def test_the_last_way_goes_only_when_its_owner_knows_and_not_on_duty(house):
    def remove(name, method, *, sure):
        house.do(contacts.remove, person(house, name), method.id, sure=sure)

    for name in ("astrid", "birk"):
        remove(name, contacts.of(house.people[name])[1], sure=False)

    with pytest.raises(Refused, match="on call now"):
        remove("astrid", contacts.of(house.astrid)[0], sure=True)
    with pytest.raises(Refused, match="last way"):
        remove("birk", contacts.of(house.birk)[0], sure=False)
    remove("birk", contacts.of(house.birk)[0], sure=True)

    assert not ways.reachable(house.birk)
    assert ways.reachable(house.astrid)


def test_who_has_no_verified_way_is_told_at_the_sign_in_address_and_that_is_said(house):
    db.session.query(ContactMethod).filter_by(staff_id=house.astrid).update({"verified_at": None})
    db.session.commit()

    house.page()

    assert [m.recipient for m in house.messages(staff_id=house.astrid)] == ["astrid@promark.example"]
    assert "person.without_way" in house.record()
    assert ways.unverified(house.promark) == [house.astrid]
    seen = overview.of(house.promark, house.now)
    assert (seen[0].name, seen[0].reachable, seen[0].on_call) == ("Astrid", False, True)


# --- quiet hours -----------------------------------------------------------------------------------


def test_in_quiet_hours_reminders_wait_and_urgent_ones_do_not(house):
    spans = [{"days": list(range(7)), "from": "22:00", "to": "07:00"}]
    house.do(contacts.keep_quiet, person(house, "dorthe"), timezone="Europe/Copenhagen", spans=spans)

    def remind(key, due, *, urgent):
        context = CONTEXT | {"step": "Ask", "due_at": due, "hours_left": "24"}
        (told,) = house.do(
            ways.remind, organisation_id=house.promark, about=house.about, staff_ids=[house.dorthe],
            template="step_reminder", context=context, dedupe_key=key, urgent=urgent, must_by=None,
        )[:1]  # fmt: skip
        return house.message(told)

    calm = remind("calm", "2026-11-26T01:00:00+00:00", urgent=False)
    soon = remind("soon", "2026-11-24T09:00:00+00:00", urgent=False)
    loud = remind("loud", "2026-11-26T01:00:00+00:00", urgent=True)

    assert calm.ready_at - house.now == timedelta(hours=5)  # until seven
    assert calm.context["hours_left"] == "19"
    assert (soon.ready_at, loud.ready_at) == (house.now, house.now)


@pytest.mark.parametrize(
    ("timezone", "span"),
    [
        ("Europe/Nowhere", {"days": [0], "from": "22:00", "to": "07:00"}),
        ("UTC", {"days": [], "from": "22:00", "to": "07:00"}),
        ("UTC", {"days": [0], "from": "25:00", "to": "07:00"}),
        ("UTC", {"days": [0], "from": "22:00", "to": "22:00"}),
        ("UTC", {"days": [0], "from": "", "to": "07:00"}),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused(house, timezone, span):
    with pytest.raises(Invalid):
        house.do(contacts.keep_quiet, person(house, "astrid"), timezone=timezone, spans=[span])


# --- pages -----------------------------------------------------------------------------------------


def test_from_the_page_a_number_is_added_verified_tried_and_removed(house):
    astrid = house.browser("astrid")
    added = astrid.post(
        "/reached-by/methods", data={"channel": "sms", "address": "20 99 99 99", "delay": "2"}
    )
    page = astrid.get("/reached-by").text
    method = house.messages(template="contact_code")[0]
    way = contacts.of(house.astrid)[-1].id

    wrong = astrid.post(f"/reached-by/methods/{way}/verification", data={"code": other(read_code(house))})
    right = astrid.post(f"/reached-by/methods/{way}/verification", data={"code": read_code(house)})
    rung = astrid.post("/reached-by/test")

    assert (added.status_code, method.recipient) == (303, NEW)
    assert "20 99 99 99" in page
    assert "not verified" in page
    assert (wrong.status_code, right.status_code, rung.status_code) == (422, 303, 303)
    assert "not the code" in wrong.text
    first, second, third = house.messages(template="test_page")
    assert third.ready_at - first.ready_at == timedelta(minutes=2)
    house.now = utcnow()
    house.send(first.id)
    house.receipt("delivered")
    assert "arrived" in astrid.get("/reached-by").text
    assert astrid.post(f"/reached-by/methods/{way}/removal").status_code == 303
    assert the_rest(house) == [Channel.SMS, Channel.EMAIL]
    assert second.state is State.PENDING


def the_rest(house):
    return [each.channel for each in contacts.of(house.astrid)]


def test_what_was_typed_stays_on_the_page_with_what_is_wrong_with_it(house):
    astrid = house.browser("astrid")

    told = astrid.post("/reached-by/methods", data={"channel": "sms", "address": "+4612345678", "delay": "0"})
    quiet = astrid.post("/reached-by/quiet-hours", data={"timezone": "UTC", "days-0": "1", "from-0": "21:00"})

    assert told.status_code == quiet.status_code == 422
    assert "landline" in told.text
    assert 'value="+4612345678"' in told.text
    assert 'value="21:00"' in quiet.text
    assert house.messages(template="contact_code") == []


def test_one_cannot_have_oneself_rung_for_ever(house):
    astrid = house.browser("astrid")

    answers = [astrid.post("/reached-by/test").status_code for _ in range(LIMITS.tests_an_hour + 1)]

    assert answers == [303] * LIMITS.tests_an_hour + [409]


def test_who_answers_for_the_rota_sees_how_and_not_where(house):
    add(house, name="birk", address="+4520888888")

    shown = house.browser("dorthe").get("/reached-by/colleagues")

    assert "not verified" in shown.text
    assert not re.search(r"888888|20 88 88|promark\.example", shown.text.partition("<main")[2])
    assert house.browser("astrid").get("/reached-by/colleagues").status_code == 403
    assert house.browser("olga").get("/reached-by").status_code == 403
