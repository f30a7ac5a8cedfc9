"""What a drill is about goes to nobody: by type, by the table, by a channel without transport."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from foundation.database import db, new_id, transaction
from notifications import (
    alarms,
    breaker,
    channels,
    delivery,
    drilling,
    figures,
    jobs,
    outbox,
    paging,
    replies,
    settling,
    ways,
)
from notifications.channels.deadline import Round
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio
from notifications.models import ContactMethod, Kind, State
from notifications.rules.pretend import pretended
from tests.notifications.conftest import CONTEXT, PHONES

LETTER = {"name": "Anna", "subject": "Brud", "paragraphs": [["Hvad", "Det"]], "contact": "Dorthe",
          "controller": "ProMark A/S"}  # fmt: skip


@pytest.fixture
def drill(house):
    """A house in which a drill runs."""
    house.about = f"drill/{new_id()}"
    return house


@pytest.fixture
def asked(monkeypatch):
    """Every call that anything made to a provider that reaches people."""
    calls = []
    for provider in (Twilio, SendGrid):
        for name in ("send", "find", "told"):
            what = f"{provider.name}.{name}"
            monkeypatch.setattr(provider, name, lambda *_a, _what=what, **_k: calls.append(_what))
    return calls


def write(house, *, kind="subject", address="anna@example.org", key="letter:1", fallbacks=()):
    recipient = outbox.recipient(house.about, "email", address, "da", fallbacks=fallbacks)
    return house.do(
        outbox.post, organisation_id=house.promark, about=house.about, kind=kind, template="subject_notice",
        recipient=recipient, context=LETTER, dedupe_key=key,
    )  # fmt: skip


def deliver_all(house):
    """What the workers do until nothing is due; returns how many were delivered."""
    count = 0
    while ids := [each.id for each in house.messages(state=State.PENDING) if each.ready_at <= house.now]:
        for each in ids:
            jobs.deliver(str(each))
        count += len(ids)
    return count


@pytest.fixture(autouse=True)
def _time(house, monkeypatch):
    monkeypatch.setattr(jobs, "database_now", lambda: house.now)


def test_a_drill_refuses_somebody_outside_and_earnest_refuses_to_pretend(house):
    drill, real = f"drill/{new_id()}", house.about
    outside = outbox.Outside("sms", "+4520000001", "da")
    pretend = outbox.Pretend("sms", pretended("+4520000001"), "da")

    for about, recipient in ((drill, outside), (real, pretend)):
        with pytest.raises(outbox.WrongRecipient):
            house.do(
                outbox.post, organisation_id=house.promark, about=about, kind="oncall",
                template="subject_notice", recipient=recipient, context=LETTER, dedupe_key="k",
            )  # fmt: skip
    assert house.messages() == []


def test_pretend_keeps_no_address_and_outside_knows_no_pretend_channel():
    with pytest.raises(ValueError, match="reached by"):
        outbox.Pretend("sms", "+4520000001", "da")
    with pytest.raises(ValueError, match="reached by"):
        outbox.Pretend("sms", pretended("+4520000001"), "da", fallbacks=(("email", "anna@example.org"),))
    with pytest.raises(ValueError, match="nobody outside"):
        outbox.Outside("pretend", "+4520000001", "da")
    with pytest.raises(ValueError, match="nobody outside"):
        outbox.Outside("sms", "+4520000001", "da", fallbacks=(("pretend", "+4520000001"),))


@pytest.mark.parametrize(
    "change",
    [
        "channel = 'sms', instead_of = NULL",  # a drill's message on its way outside
        "channel = 'email'",
        "about = 'incident/1'",  # one of a drill taken for earnest
        "instead_of = NULL",
    ],
)
def test_the_database_itself_refuses_a_drill_that_could_send(drill, change):
    write(drill)

    with pytest.raises((IntegrityError, DBAPIError)), transaction():
        db.session.execute(text(f"UPDATE messages SET {change}"))


def test_the_database_refuses_a_row_of_a_drill_by_a_real_channel_and_an_earnest_one_by_none(drill, house):
    write(drill)
    (row,) = db.session.execute(text("SELECT * FROM messages")).mappings().all()
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    db.session.rollback()
    for changed in (
        {"channel": "sms", "instead_of": None}, {"about": f"incident/{new_id()}"},
        {"about": "incident/1", "channel": "sms"},
    ):  # fmt: skip
        new = {**row, **changed, "id": new_id().hex, "dedupe_key": "by hand", "reference": "X"}
        with pytest.raises((IntegrityError, DBAPIError)), transaction():
            db.session.execute(text(f"INSERT INTO messages ({names}) VALUES ({values})"), new)
    assert len(house.messages()) == 1


def test_whatever_posts_in_a_drill_asks_no_provider(drill, asked):
    page = drill.page()
    for kind in Kind:
        write(drill, kind=kind, key=f"letter:{kind}")
    drill.do(
        ways.remind, organisation_id=drill.promark, about=drill.about, template="step_reminder",
        staff_ids=list(drill.people.values()),
        context=CONTEXT | {"step": "Look", "hours_left": "3"}, dedupe_key="step:1",
        urgent=False, must_by=None,
    )  # fmt: skip
    nowhere = write(drill, address="bo@nowhere.example", key="letter:bo", fallbacks=(("sms", "+4520000009"),))
    lost = write(drill, address="pia@nowhere.example", key="letter:pia")
    deliver_all(drill)
    drill.later(minutes=6)
    drill.do(paging.escalate, page)  # nobody answered
    drill.do(alarms.tell)  # of what reached nobody
    deliver_all(drill)

    assert asked == []
    assert {each.channel for each in drill.messages()} == {"pretend"}
    assert drill.message(nowhere).state is State.UNREACHED
    assert [m.state for m in drill.messages() if m.dedupe_key == "letter:bo>sms"] == [State.DELIVERED]
    assert drill.message(lost).wants_person_at
    told = [each for each in drill.messages() if each.template == "not_reached"]
    assert {each.about for each in told} == {drill.about}
    assert told


def test_a_worker_that_dies_in_a_drill_is_made_up_for_without_asking_a_provider(drill, asked):
    for number in range(3):  # of the earlier ones it is known that they were taken
        message_id = write(drill, key=f"letter:{number}")
    drill.claim(message_id)
    drill.later(minutes=5)
    drill.do(lambda *, now: delivery.lease_ended(drill.message(message_id), now=now))
    assert drill.message(message_id).state is State.UNCERTAIN
    drill.later(minutes=5)

    heard, found = settling._ask_all(drill.message(message_id), Round())
    drill.do(lambda *, now: settling._decide(message_id, heard, found, now=now))

    assert drill.message(message_id).state is State.ACCEPTED
    assert asked == []


def test_a_page_of_a_drill_is_taken_by_its_reply_and_by_its_link(drill):
    page = drill.page()
    deliver_all(drill)
    phone = next(each for each in drilling.devices(drill.about) if each.channel == "sms")

    said = drill.do(drilling.answer, drill.about, phone.texts[0].id, phone.texts[0].code)

    assert "PM-2026-0012" in said
    assert paging.acknowledged_by(page) == "Astrid"
    answer = drill.app.test_client().get(phone.texts[0].link)
    assert "Nothing leaves, nothing counts." in answer.text


def test_a_real_phone_hears_nothing_of_a_drill_and_takes_nothing_in_it(drill):
    page = drill.page()
    deliver_all(drill)
    code = next(m.reference for m in drill.messages() if m.instead_of == "sms")

    for number, body in enumerate((code, "ok")):
        said = drill.do(replies.answer, sender=PHONES["astrid"], body=body, sid=f"SM{number}")
        assert "PM-2026" not in said
    assert paging.acknowledged_by(page) == ""
    drill.do(replies.answer, sender=pretended(PHONES["astrid"]), body="STOP", sid="SM9")
    assert all(way.opted_out_at is None for way in paging_ways(drill))


def paging_ways(house):
    return list(db.session.scalars(select(ContactMethod).where(ContactMethod.staff_id == house.astrid)))


def test_a_drill_neither_stops_letters_nor_is_stopped_by_real_ones(drill):
    for number in range(3):
        message_id = write(drill, key=f"letter:{number}")
        first = drill.claim(message_id)
        drill.do(lambda *, now, m=message_id: delivery.lease_ended(drill.message(m), now=now))
        drill.do(lambda *, now, m=message_id: delivery.not_there(drill.message(m), now=now))
        for claimed in (first, drill.claim(message_id)):
            drill.do(delivery.record, claimed, channels.Accepted(f"copy-{claimed.attempt_id}"))
    assert breaker.stop_of(drill.promark) is None

    with transaction():
        breaker._stop(drill.promark, "people were told twice", drill.now)
    assert drill.claim(write(drill, key="letter:9")) is not None


def test_figures_and_lists_leave_drills_out(drill):
    before = figures.by_state(), figures.wanting_a_person(), figures.oldest_due_by_kind(drill.now)
    write(drill, address="pia@nowhere.example")
    drill.page()
    drill.later(hours=1)

    assert figures.oldest_due(drill.now) is None
    assert (figures.by_state(), 0, figures.oldest_due_by_kind(drill.now)) == before
    deliver_all(drill)
    assert any(each.wants_person_at for each in drill.messages())
    assert figures.wanting_a_person() == 0
    assert delivery.waiting_for_a_person() == []


def test_those_who_take_part_are_called_in_their_order(drill):
    with transaction():
        drilling.set_ladder(
            drill.about, [drill.dorthe, drill.astrid], organisation_id=drill.promark, minutes=5
        )
    page = drill.page()
    drill.later(minutes=6)
    drill.do(paging.escalate, page)

    called = [each.staff_id for each in drill.messages() if each.instead_of == "sms"]
    assert called == [drill.dorthe, drill.astrid]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("+4520304050", "+45••••50"), ("astrid@promark.example", "a••••@promark.example"),
        ("+45••••50", "+45••••50"), ("+4512", "••••12"),
    ],
)  # fmt: skip
def test_a_masked_address_tells_its_owner_and_nobody_else(given, shown):
    assert pretended(given) == shown
