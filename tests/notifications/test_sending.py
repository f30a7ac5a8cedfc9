"""Telling many: each person once, whoever dies; the next way where one fails; nothing before it may."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation import database
from foundation.database import database_now, db, transaction
from foundation.errors import Invalid, Refused
from notifications import alarms, breaker, sending
from notifications.channels import Accepted, Many, Refusal, Unsure
from notifications.models import (
    Delivery,
    GroupState,
    Outcome,
    Receipt,
    SendingAttempt,
    SendingState,
    Stop,
)
from notifications.sending import claiming, handing_over, jobs, reasons, recording
from tests.notifications import telling as people_to_tell
from tests.notifications.telling import BITS, Killed

NAMES = ("Anna", "Bo", "Cecilie", "David", "Eva")
DEAD = 91  # seconds after which a dead worker's group comes back
SETTLED = 121  # seconds after which a provider is asked


@pytest.fixture
def telling(house, monkeypatch):
    """Five people with e-mail; two of them have a phone as well."""
    database.clock.offset = timedelta()
    made = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    for number, name in enumerate(NAMES):
        phone = {"sms": f"+452000000{number}"} if name in ("Anna", "Bo") else {}
        made.people.add(name, email=f"{name.lower()}@example.org", **phone)
    return made


def later(**passed):
    database.clock.offset += timedelta(**passed)


def everybody(telling):
    return sorted(f"{name.lower()}@example.org" for name in NAMES)


def finish(telling):
    """Time passes until whatever died was taken back, and the provider was asked."""
    for _ in range(4):
        later(seconds=DEAD)
        telling.clock()
        later(seconds=SETTLED)
        jobs.settle()
        telling.go()


def test_each_person_is_told_once_and_has_a_row(telling):
    telling.begin()
    telling.go()

    assert sorted(telling.mail.got) == everybody(telling)
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")
    assert [group.size for group in telling.groups()] == [3, 2]
    assert "Kære Anna" in telling.mail.texts


def test_whoever_waits_is_counted_by_way_and_language_until_a_provider_has_them(telling):
    telling.people.add("Finn", locale="sv", sms="+4520000009")
    telling.begin()

    tally = telling.counted()
    assert tally["grouped"] == [["email", "da", 5], ["sms", "sv", 1]]
    assert tally["waiting"] == {"email": {"pending": 5}, "sms": {"pending": 1}}
    telling.go()
    assert telling.counted()["grouped"] == []


def test_it_is_begun_once_however_often_it_is_asked_for(telling):
    first = telling.begin()

    assert telling.begin() == first
    telling.go()
    assert sorted(telling.mail.got) == everybody(telling)


def test_it_ends_when_all_is_known_and_says_so_in_the_ledger(telling, house):
    telling.begin()
    telling.go()
    telling.hear(telling.told("delivered"))
    telling.clock()
    later(seconds=3)
    telling.clock()

    assert telling.row().state == SendingState.ENDED
    assert telling.fates() == dict.fromkeys(NAMES, "email delivered")
    assert [each for each in house.record() if each.startswith("sending.")] == [
        "sending.begun", "sending.planned", "sending.ended",
    ]  # fmt: skip
    assert sending.of("people:1").tally["counts"] == [["email", "delivered", "da", "DK", 5]]


# --- a worker dies -------------------------------------------------------------------------------


def killed_in(monkeypatch, module, name, *, after=False, times=1):
    """Let the process die in a function, once: before it does its work, or after it."""
    done = getattr(module, name)
    left = [times]

    def die(*args, **kwargs):
        if not left[0]:
            return done(*args, **kwargs)
        left[0] -= 1
        if after:
            done(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(module, name, die)


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [
        (claiming, "_take", False),  # before the attempt
        (claiming, "_take", True),  # the attempt is written, and not committed
        (handing_over, "hand_over", False),  # the attempt is committed
        (handing_over, "_people", True),  # before the provider is asked
        (handing_over, "record", False),  # the provider has it
        (recording, "record", True),  # recorded, and not committed
        (handing_over, "record", True),  # all is done
    ],
)
def test_each_person_is_told_once_whenever_a_worker_dies(telling, monkeypatch, module, name, after):
    telling.begin()  # the second group goes after it, and the provider shows that it has it
    killed_in(monkeypatch, module, name, after=after)
    with pytest.raises(Killed):
        telling.work()
    db.session.remove()

    finish(telling)

    assert sorted(telling.mail.got) == everybody(telling)
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")


def test_what_nobody_knows_goes_to_nobody_again_before_the_provider_was_asked(telling):
    telling.begin()
    telling.mail.answers = [Unsure("it did not answer"), Unsure("it did not answer")]
    telling.go()

    assert [each.state for each in telling.groups()] == [GroupState.UNCERTAIN] * 2
    assert telling.fates() == {}
    finish(telling)
    assert sorted(telling.mail.got) == everybody(telling)
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")


def test_two_workers_at_once_take_no_group_twice(telling):
    telling.begin()
    with transaction():
        first = claiming.claim(telling.id, without=(), now=database_now())
    with transaction():
        second = claiming.claim(telling.id, without=(), now=database_now())
    with transaction():
        third = claiming.claim(telling.id, without=(), now=database_now())

    assert first.group_id != second.group_id
    assert third is None


def test_a_frozen_worker_that_wakes_late_sends_nothing(telling):
    telling.begin()
    with transaction():
        frozen = claiming.claim(telling.id, without=(), now=database_now())
    later(seconds=DEAD)
    telling.clock()

    handing_over.hand_over(frozen)

    assert telling.mail.got == []


def test_an_answer_that_can_not_be_recorded_is_kept_and_taken_over(telling, monkeypatch):
    telling.begin()
    with transaction():
        claimed = claiming.claim(telling.id, without=(), now=database_now())
    handing_over._keep_in_journal(claimed, Many(Accepted("mail-1")))

    assert jobs.settle() == 1

    group = next(each for each in telling.groups() if each.id == claimed.group_id)
    assert group.state == GroupState.ACCEPTED
    assert handing_over.kept_answers() == []


def test_a_second_copy_of_a_group_stops_all_communications(telling):
    telling.begin()
    with transaction():
        lost = claiming.claim(telling.id, without=(), now=database_now())
    later(seconds=DEAD)
    telling.clock()
    with transaction():
        recording.void(telling.groups()[0], now=database_now())
        recording.again(telling.groups()[0], "as if it were not there", now=database_now())
    telling.go()
    handing_over.record(lost, Many(Accepted("again")), until=0)

    assert db.session.scalar(select(func.count()).select_from(Stop)) == 1
    assert breaker.stop_of(telling.organisation)


# --- receipts --------------------------------------------------------------------------------------


def test_a_receipt_before_the_record_proves_that_the_provider_has_the_group(telling, monkeypatch):
    telling.begin()

    def heard_first(attempt_id):
        telling.hear(telling.told("delivered"))
        return Unsure("it did not answer")

    telling.mail.answers = [heard_first, heard_first]
    telling.work()

    assert telling.fates() == dict.fromkeys(NAMES, "email delivered")
    assert [each.state for each in telling.groups()] == [GroupState.ACCEPTED] * 2
    outcomes = db.session.scalars(select(SendingAttempt.outcome)).all()
    assert set(outcomes) == {Outcome.FOUND}


def test_receipts_count_once_and_never_go_back(telling):
    telling.begin()
    telling.go()
    delivered, processed = telling.told("delivered", "Anna"), telling.told("processed", "Anna")

    assert telling.hear(delivered, delivered, processed) == 2
    assert telling.hear(delivered) == 0
    telling.hear(telling.told("deferred", "Anna"))

    assert telling.fates()["Anna"] == "email delivered"
    assert telling.fates()["Bo"] == "email accepted"
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 3


def test_a_bounce_that_comes_before_delivery_is_known_gives_way_to_it(telling):
    telling.begin()
    telling.go()
    telling.hear(telling.told("delivered", "Eva"), telling.told("bounce", "Eva"))
    telling.hear(telling.told("dropped", "Eva"))

    assert telling.fates()["Eva"] == "email delivered"


def test_who_bounces_is_told_by_the_next_way_and_then_by_people(telling):
    telling.begin()
    telling.go()
    telling.hear(telling.told("bounce", "Anna", "Eva", code="5.1.1"))
    telling.go()

    assert telling.texts.got == ["+4520000000"]
    assert telling.fates()["Anna"] == "sms accepted"
    assert telling.fates()["Eva"] == "email manual"
    left = sending.manual(telling.id, None, 10)
    assert [(each.channel, each.why) for each in left] == [
        ("email", "sendgrid could not deliver it (code 5.1.1)")
    ]

    telling.hear(telling.told("undelivered", provider="twilio", code="30005"))
    telling.go()
    assert telling.fates()["Anna"] == "sms manual"
    anna = next(id_ for id_, each in telling.people.people.items() if each[2] == "Anna")
    assert [(each.channel, each.fate) for each in sending.deliveries_of(telling.id, anna)] == [
        ("email", "failed"), ("sms", "manual"),
    ]  # fmt: skip


def test_who_waits_too_long_is_told_by_the_next_way_as_well_and_the_first_proof_ends_it(telling):
    telling.begin()
    telling.go()
    telling.hear(telling.told("delivered", "Bo"))
    later(minutes=16)
    telling.go()
    later(hours=6)
    telling.go()

    assert telling.texts.got == ["+4520000000"]
    assert telling.fates()["Anna"] == "sms accepted"
    assert telling.fates()["Eva"] == "email manual"  # no other way: it was accepted, and no more is known

    telling.hear(telling.told("delivered", "Anna"))
    telling.hear(telling.told("undelivered", provider="twilio"))
    telling.go()
    assert telling.fates()["Anna"] == "email delivered"


def test_a_bounce_after_the_end_is_still_acted_on(telling):
    telling.begin()
    telling.go()
    telling.hear(telling.told("delivered"))
    later(seconds=5)
    telling.clock()
    later(hours=1)
    with transaction():
        db.session.execute(Delivery.__table__.update().values(rank=3, fate="accepted"))
    assert telling.row().state == SendingState.ENDED

    telling.hear(telling.told("bounce", "Anna"))
    telling.clock()

    assert telling.row().state == SendingState.RUNNING
    telling.go()
    assert telling.texts.got == ["+4520000000"]


# --- who goes, and who does not --------------------------------------------------------------------


def test_who_has_no_way_is_left_to_people_and_a_letter_waits_to_be_printed(telling):
    telling.people.add("Nobody")
    telling.people.add("Letter", letter="Vej 1")
    telling.people.add("Finn", locale="fi", email="finn@example.org")
    telling.people.add("Hidden", kept=BITS["letter"])
    telling.begin()
    telling.go()

    fates = telling.fates()
    assert (fates["Nobody"], fates["Letter"], fates["Finn"]) == (
        "manual manual", "letter waiting", "manual manual",
    )  # fmt: skip
    assert {(each.code, each.why) for each in sending.manual(telling.id, None, 10)} == {
        reasons.NO_WAY, reasons.NO_TEXT, reasons.PROTECTED,
    }  # fmt: skip


def test_an_address_that_is_gone_meanwhile_goes_to_the_next_way_and_the_others_are_told(telling):
    telling.begin()
    anna = next(id_ for id_, each in telling.people.people.items() if each[2] == "Anna")
    telling.people.people[anna][1].pop("email")
    telling.go()

    assert telling.fates()["Anna"] == "sms accepted"
    assert "anna@example.org" not in telling.mail.got
    assert len(telling.mail.got) == 4


def test_who_is_refused_one_by_one_takes_the_next_way(telling):
    telling.begin()
    telling.mail.answers = [Many(Accepted("mail-0"), {0: Refusal("no such address", code="400")})]
    telling.go()

    assert telling.fates()["Anna"] == "sms accepted"
    assert telling.fates()["Bo"] == "email accepted"


def test_a_group_refused_for_good_is_divided_until_it_is_known_for_whom(telling):
    telling.begin()
    bad = Refusal("SendGrid refused (400)", code="400")
    telling.mail.answers = [bad, bad]  # Anna, Bo and Cecilie; then Anna and Bo
    telling.go()

    assert sorted(telling.mail.got) == everybody(telling)
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")


def test_one_person_refused_for_good_takes_the_next_way(telling):
    telling.mail.most = 1
    telling.begin()
    telling.mail.answers = [Refusal("SendGrid refused (400)", code="400")]
    telling.go()

    assert telling.fates()["Anna"] == "sms accepted"


def test_a_provider_that_takes_fewer_gets_smaller_groups(telling):
    telling.begin()
    telling.mail.most = 2
    telling.go()

    assert sorted(telling.mail.got) == everybody(telling)
    assert sorted(each.size for each in telling.groups(state="accepted")) == [1, 2, 2]


def test_another_number_of_people_than_was_approved_sends_nothing_and_people_are_told(telling, house):
    telling.begin(count=4)
    telling.go()

    assert telling.mail.got == []
    assert telling.row().state == SendingState.PAUSED
    assert "4 people were approved, and 5 are there" in telling.row().paused_why
    telling.do(alarms.tell)
    assert {each.staff_id for each in house.messages(template="sending_waits")} == {
        house.astrid, house.dorthe,
    }  # fmt: skip
    with pytest.raises(Refused):
        telling.do(sending.resume, telling.id, by="Dorthe", why="try")


# --- the first few, pause, stop --------------------------------------------------------------------


@pytest.fixture
def many(telling):
    """A hundred and twenty people more; twenty in a group, and the first fifty go first."""
    telling.mail.most = 20
    for number in range(120):
        telling.people.add(f"P{number}", email=f"p{number}@example.org")
    return telling


def test_the_first_few_go_alone_and_the_rest_when_they_arrived(many):
    many.begin()
    many.go()
    assert len(many.mail.got) == 50
    many.hear(many.told("delivered"))
    many.go()

    assert len(many.mail.got) == len(set(many.mail.got)) == 125
    assert many.row().canary == 50


def test_the_rest_goes_when_the_first_few_said_nothing_for_long_enough(many):
    many.begin()
    many.go()
    later(minutes=14)
    many.go()
    assert len(many.mail.got) == 50
    later(minutes=2)
    many.go()
    assert len(many.mail.got) == 125


def test_too_many_failures_of_the_first_few_stop_it_and_a_person_lets_it_go_on(many, house):
    many.begin()
    many.go()
    many.hear(many.told("bounce", *(f"P{number}" for number in range(6))))
    many.go()

    assert many.row().state == SendingState.PAUSED
    assert many.row().paused_why == "6 of the first 50 were not reached"
    assert len(many.mail.got) == 50
    many.do(alarms.tell)
    assert len(house.messages(template="sending_waits")) > 0

    many.do(sending.resume, many.id, by="Dorthe", why="an old list, as we knew")
    many.go()
    later(seconds=5)
    many.go()
    assert many.row().state == SendingState.RUNNING
    assert len(many.mail.got) == len(set(many.mail.got)) == 125


def test_it_pauses_by_itself_when_too_many_fail_later(many):
    many.begin()
    many.go()
    many.hear(many.told("delivered"))
    many.go()
    many.hear(many.told("bounce", *(f"P{number}" for number in range(60, 80)), again="late"))
    later(seconds=5)
    many.clock()

    assert many.row().state == SendingState.PAUSED
    assert many.row().paused_by is None


def test_a_pause_holds_between_two_groups_and_goes_on_with_the_next_person(many):
    many.begin()

    def stopped_here(attempt_id):
        many.do(sending.pause, many.id, by="Astrid", why="a question came in")
        return Accepted(attempt_id)

    many.mail.answers = [None, stopped_here]
    many.work()
    assert len(many.mail.got) == 40
    many.go()
    assert len(many.mail.got) == 40

    many.do(sending.resume, many.id, by="Astrid", why="answered")
    many.go()
    many.hear(many.told("delivered"))
    many.go()
    assert len(many.mail.got) == len(set(many.mail.got)) == 125


def test_who_stops_it_leaves_the_others_to_people(many):
    many.begin()
    many.work()
    many.do(sending.stop, many.id, by="Dorthe", why="wrong text")
    many.go()

    assert len(many.mail.got) == 50
    assert many.row().state == SendingState.STOPPED
    left = sending.manual(many.id, None, 1000)
    assert len(left) == 75
    assert {(each.code, each.why) for each in left} == {("stopped", "the sending was stopped")}
    assert many.do(sending.settle_manual, many.id, None, "called them", by="Dorthe") == 75
    with pytest.raises(Refused):
        many.do(sending.stop, many.id, by="Dorthe", why="again")


def test_a_pause_needs_a_reason(telling):
    telling.begin()
    with pytest.raises(Invalid):
        telling.do(sending.pause, telling.id, by="Astrid", why=" ")


def test_a_stop_of_all_communications_holds_this_one(telling):
    telling.begin()
    with transaction():
        breaker._stop(telling.organisation, "twice", database_now())
    telling.go()
    assert telling.mail.got == []
    telling.do(breaker.release, telling.organisation, by="Dorthe", reason="found it")
    telling.go()
    assert sorted(telling.mail.got) == everybody(telling)


# --- what nobody knows -----------------------------------------------------------------------------


def hold(telling):
    telling.begin()
    telling.mail.speaks = False
    telling.mail.answers = [Unsure("it did not answer")]
    telling.go()
    for _ in range(2):
        later(minutes=31)
        jobs.settle()
    return telling.groups(state="held")[0]


def test_a_group_nobody_can_be_asked_about_is_held_and_people_are_told(telling, house):
    group = hold(telling)

    telling.do(alarms.tell)

    assert len(telling.mail.got) == 5
    assert [each.id for each in sending.held(telling.id)] == [group.id]
    texts = [each.content["text"] for each in house.messages(template="sending_waits", channel="email")]
    assert "nobody knows whether the provider has" in texts[0]


def test_a_held_group_that_went_gets_its_rows(telling):
    group = hold(telling)

    telling.do(sending.release_held, group.id, True, by="Dorthe", why="SendGrid's log shows it")

    telling.go()
    assert len(telling.mail.got) == 5
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")
    with pytest.raises(Refused):
        telling.do(sending.release_held, group.id, True, by="Dorthe", why="again")


def test_a_held_group_goes_again_when_a_person_says_so(telling):
    group = hold(telling)

    telling.do(sending.release_held, group.id, False, by="Dorthe", why="SendGrid has nothing")

    telling.go()
    assert len(telling.mail.got) == 5 + group.size
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")


def test_too_many_groups_that_nobody_knows_of_pause_it(many):
    many.mail.most = 5
    many.begin()
    many.mail.answers = [Unsure("it did not answer")] * 6
    for _ in range(8):
        later(minutes=1, seconds=1)
        many.work()

    assert many.row().state == SendingState.PAUSED
    assert len(many.mail.got) == 25


def test_a_drill_sends_nothing(telling, house, monkeypatch):
    telling.about = "drill/" + telling.about.partition("/")[2]
    telling.people.add("Lost", email="lost@nowhere.example", sms="+4520999999")
    telling.begin()
    telling.go()

    assert telling.mail.got == telling.texts.got == []
    fates = telling.fates()
    assert fates.pop("Lost") == "sms delivered"
    assert fates == dict.fromkeys(NAMES, "email delivered")
    assert {each.channel for each in telling.groups()} == {"pretend"}
