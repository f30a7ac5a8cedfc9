"""People are told once, each alone, in their language; informed is who was reached, and nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import func, select

from foundation import ledger
from foundation.database import acting_for, database_now, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import coverage, jobs, recipients, subject_communication
from incident.models import Recipient, SubjectCommunication
from notifications import delivery, outbox
from notifications.channels import Accepted
from notifications.models import Attempt, Message
from notifications.rules.routing import Order
from tests import people
from tests.incident import desk

LIST = (
    "name;e-mail;phone;language\n"
    "Ida Ørsted;ida@kunde.example;+4520123456;da\n"
    "Åsa Öberg;asa@kund.example;;sv\n"
    "Edward Hill;edward@client.example;+447700900777;en\n"
)
WORDS = {
    "consequences": "Falske henvendelser.", "measures": "Nøglen er spærret.", "data": "Navn.",
    "nature": "En kopi blev hentet.",
}  # fmt: skip


def begun(cast, text=LIST, *, who=people.ASTRID, whole=True, **changes):
    """A communication by Astrid with a list, its letters whole: (incident id, communication id)."""
    incident_id = desk.assessed(cast, **changes)
    with desk.working(cast, incident_id) as incident:
        made = subject_communication.create(incident, by=desk.person(cast, who), now=utcnow()).id
    if text:
        put_list(cast, incident_id, made, text, who=who)
    if whole:
        for locale in ("da", "sv", "en"):
            write(cast, incident_id, made, locale, who=who)
    return incident_id, made


def do(cast, incident_id, communication_id, stage, *args, who=people.DORTHE, **more):
    """One stage on the communication as it is now, committed, as somebody."""
    with desk.working(cast, incident_id) as incident:
        communication = subject_communication.of(incident, communication_id)
        more.setdefault("seen", communication.content_sha256)
        if stage is subject_communication.settle:
            more.pop("seen")
        return stage(incident, communication, *args, by=desk.person(cast, who), now=utcnow(), **more)


def put_list(cast, incident_id, communication_id, text, *, who=people.ASTRID, why="", **more):
    reading = recipients.read(text.encode(), country="DK", locale="da")
    do(cast, incident_id, communication_id, subject_communication.set_list, reading, who=who,
       why_left_out=why, **more)  # fmt: skip


def write(cast, incident_id, communication_id, locale, *, who=people.ASTRID, **parts):
    known = stored(cast, incident_id, communication_id).texts[locale]
    texts = {**known, **WORDS, **parts}
    do(cast, incident_id, communication_id, subject_communication.set_texts, locale, texts, who=who)


def approve(cast, incident_id, communication_id, *, who=people.DORTHE, **more):
    do(cast, incident_id, communication_id, subject_communication.approve, who=who, **more)


def send(cast, incident_id, communication_id, *, count=3, who=people.DORTHE, **more):
    return do(cast, incident_id, communication_id, subject_communication.send, count=count, who=who, **more)


def sent(cast, text=LIST, count=3, **changes):
    incident_id, communication_id = begun(cast, text, **changes)
    approve(cast, incident_id, communication_id)
    assert send(cast, incident_id, communication_id, count=count) == count
    return incident_id, communication_id


def stored(cast, incident_id, communication_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return subject_communication.of(desk.incident_of(cast, incident_id), communication_id)


def covered(cast, incident_id, communication_id):
    with acting_for(cast.promark):
        return coverage.of(stored(cast, incident_id, communication_id))


def messages(cast):
    """(recipient, language, channel, state) of every message to people, by position."""
    with acting_for(cast.promark):
        db.session.rollback()
        found = db.session.scalars(
            select(Message).where(Message.template == "subject_notice").order_by(Message.id)
            .execution_options(populate_existing=True)
        )  # fmt: skip
        return [(m.recipient, m.locale, m.channel.value, m.state.value) for m in found]


def say(address, status, *, code=None, provider=None):
    """Hand the message for this address to its provider, and let the provider say what became of it."""
    with everyone():
        message = next(m for m in db.session.scalars(select(Message)) if m.recipient == address)
        provider = {"email": "sendgrid", "sms": "twilio"}[message.channel]
        if message.state == "pending":
            with transaction():
                claim = outbox.claim(
                    message.id, provider_of={message.channel.value: Order((provider,))}, now=database_now()
                )
            with transaction():
                delivery.record(claim, Accepted(f"id-{address}"), now=utcnow())
        attempt = db.session.scalars(select(Attempt).where(Attempt.message_id == message.id)).one()
        with transaction():
            delivery.receipt(
                provider=provider, event_id=f"{address}-{status}", status=status, attempt_id=attempt.id,
                provider_id=f"id-{address}", code=code, now=utcnow(),
            )  # fmt: skip


def actions(cast, incident_id, prefix):
    return [each for each in desk.actions(cast, incident_id) if each.startswith(prefix)]


# --- letters ------------------------------------------------------------------------------------


def test_a_draft_in_each_language_says_what_the_facts_say_and_leaves_brackets_for_people(app, cast):
    told = stored(cast, *begun(cast, whole=False))

    assert set(told.texts) == {"da", "nb", "sv", "en"}
    assert "HostCo ApS" in told.texts["sv"]["nature"]
    assert "Obehöriga har haft tillgång" in told.texts["sv"]["nature"]
    assert told.texts["da"]["measures"].startswith("[")
    assert "Dorthe Friis" in told.texts["da"]["contact"]
    assert not [text for parts in told.texts.values() for text in parts.values() if ": letter" in text]


@pytest.mark.parametrize("part", ["nature", "contact", "consequences", "measures", "subject", "sender"])
def test_a_letter_without_one_of_the_parts_of_article_34_is_not_approved(app, cast, part):
    incident_id, communication_id = begun(cast)
    write(cast, incident_id, communication_id, "sv", **{part: " "})

    with pytest.raises(Refused, match="Svenska"):
        approve(cast, incident_id, communication_id)


def test_a_letter_with_brackets_left_is_not_approved(app, cast):
    incident_id, communication_id = begun(cast)
    write(cast, incident_id, communication_id, "en", advice="[Say what to do.]")

    with pytest.raises(Refused, match="English: What the reader can do"):
        approve(cast, incident_id, communication_id)


def test_only_languages_that_somebody_reads_must_be_whole(app, cast):
    incident_id, communication_id = begun(cast)

    approve(cast, incident_id, communication_id)

    assert "[" in stored(cast, incident_id, communication_id).texts["nb"]["measures"]


# --- the list -----------------------------------------------------------------------------------


def test_rows_with_faults_are_left_out_only_with_a_reason_that_stands_in_the_record(app, cast):
    incident_id, communication_id = begun(cast, text=None, whole=False)
    faulty = LIST + "Nobody;nowhere;;da\n"
    with pytest.raises(Invalid, match="5"):
        put_list(cast, incident_id, communication_id, faulty)

    put_list(cast, incident_id, communication_id, faulty, why="Telephoned already.")

    with acting_for(cast.promark):
        last = ledger.entries(f"incident/{incident_id}")[-1]
    assert (last.reason, last.details["left_out_lines"]) == ("Telephoned already.", [5])
    assert last.details["people"] == 3
    assert "kunde.example" not in str(last.details)


def test_a_second_list_takes_the_place_of_the_first(app, cast):
    incident_id, communication_id = begun(cast)

    put_list(cast, incident_id, communication_id, "name;e-mail\nOle;ole@kunde.example\n")

    with acting_for(cast.promark):
        found = subject_communication.people_of(stored(cast, incident_id, communication_id))
    assert [each.name for each in found] == ["Ole"]


# --- approval -----------------------------------------------------------------------------------


def test_who_wrote_last_does_not_approve(app, cast):
    incident_id, communication_id = begun(cast, who=people.DORTHE)

    with pytest.raises(Refused, match="second person"):
        approve(cast, incident_id, communication_id, who=people.DORTHE)

    assert stored(cast, incident_id, communication_id).state == "draft"


def test_nobody_can_send_what_was_changed_after_the_approval(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    seen = stored(cast, incident_id, communication_id).content_sha256
    write(cast, incident_id, communication_id, "da", advice="Ring til os.")

    with pytest.raises(Refused, match="approved"):
        send(cast, incident_id, communication_id, seen=seen)

    told = stored(cast, incident_id, communication_id)
    assert (told.state, told.approved_by) == ("draft", None)
    assert messages(cast) == []


def test_a_changed_list_voids_the_approval(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)

    put_list(cast, incident_id, communication_id, LIST)

    assert stored(cast, incident_id, communication_id).state == "draft"


def test_approving_what_was_changed_meanwhile_is_refused_and_says_by_whom(app, cast):
    incident_id, communication_id = begun(cast)
    seen = stored(cast, incident_id, communication_id).content_sha256
    write(cast, incident_id, communication_id, "da", advice="Ring til os.")

    with pytest.raises(Refused, match="Astrid Holm"):
        approve(cast, incident_id, communication_id, seen=seen)


def test_a_row_that_was_changed_in_the_database_is_not_written_to(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    with acting_for(cast.promark), transaction():
        db.session.scalars(select(Recipient)).first().email = "somebody@else.example"

    with pytest.raises(Refused, match="not those that were approved"):
        send(cast, incident_id, communication_id)

    assert messages(cast) == []


def test_a_count_other_than_the_one_on_the_page_sends_nothing(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)

    with pytest.raises(Refused):
        send(cast, incident_id, communication_id, count=4)

    assert messages(cast) == []


# --- sending ------------------------------------------------------------------------------------


def test_three_people_in_three_languages_get_one_message_each_alone(app, cast):
    sent(cast)

    assert messages(cast) == [
        ("ida@kunde.example", "da", "email", "pending"), ("asa@kund.example", "sv", "email", "pending"),
        ("edward@client.example", "en", "email", "pending"),
    ]  # fmt: skip
    with acting_for(cast.promark):
        swedish = next(m for m in db.session.scalars(select(Message)) if m.locale == "sv")
    assert "Åsa Öberg" in swedish.content["text"]
    assert "Ida" not in str(swedish.content)
    assert "Vad har hänt?" in swedish.content["text"]


def test_pressing_twice_or_two_people_at_once_sends_once(app, cast):
    incident_id, communication_id = sent(cast)

    assert send(cast, incident_id, communication_id) == 0
    assert send(cast, incident_id, communication_id, who=people.DORTHE, seen="stale") == 0
    assert len(messages(cast)) == 3
    assert actions(cast, incident_id, "communication.sent") == ["communication.sent"]


def test_two_people_pressing_in_the_same_moment_send_once(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    place = f"/incidents/{incident_id}/communications/{communication_id}/sending"
    form, browsers = {"seen": _seen(cast), "count": "3"}, [signed_in(people.DORTHE) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda browser: browser.post(place, data=form).status_code, browsers))

    assert answers == [303] * 6
    assert len(messages(cast)) == 3
    assert actions(cast, incident_id, "communication.sent") == ["communication.sent"]


def test_an_unapproved_communication_is_not_sent(app, cast):
    with pytest.raises(Refused, match="approved"):
        send(cast, *begun(cast))


def test_who_has_no_address_gets_a_text_message(app, cast):
    sent(cast, "name;phone;language\nIda;20123456;da\n", count=1)

    assert messages(cast) == [("+4520123456", "da", "sms", "pending")]


def test_the_deadline_of_a_message_is_the_earliest_that_is_owed(app, cast):
    incident_id, _ = sent(cast)

    with acting_for(cast.promark):
        due = set(db.session.scalars(select(Message.must_by).where(Message.template == "subject_notice")))
    assert due == {desk.duty_of(cast, incident_id, "promise-subjects").due_at}


# --- whom it reached ----------------------------------------------------------------------------


def test_accepted_by_a_provider_is_not_yet_informed(app, cast):
    incident_id, communication_id = sent(cast)

    say("ida@kunde.example", "processed")
    jobs.reconcile()

    assert covered(cast, incident_id, communication_id).informed == 0
    assert stored(cast, incident_id, communication_id).state == "sending"


def test_a_bounce_goes_to_the_phone_and_then_everybody_is_reached(app, cast):
    incident_id, communication_id = sent(cast)
    say("asa@kund.example", "delivered")
    say("edward@client.example", "delivered")

    say("ida@kunde.example", "bounce")
    jobs.reconcile()
    assert messages(cast)[-1] == ("+4520123456", "da", "sms", "pending")
    assert stored(cast, incident_id, communication_id).state == "sending"
    say("+4520123456", "delivered")
    jobs.reconcile()

    assert covered(cast, incident_id, communication_id).informed == 3
    assert stored(cast, incident_id, communication_id).state == "complete"


def all_delivered(cast):
    found = sent(cast)
    for address in ("ida@kunde.example", "asa@kund.example", "edward@client.example"):
        say(address, "delivered")
    return found


def test_once_everybody_is_reached_the_duties_are_met_and_their_clocks_stop(app, cast):
    incident_id, communication_id = all_delivered(cast)

    jobs.reconcile()

    told = stored(cast, incident_id, communication_id)
    assert (told.state, told.completed_at is not None) == ("complete", True)
    for regime in ("gdpr-34", "promise-subjects"):
        duty = desk.duty_of(cast, incident_id, regime)
        assert (duty.state, duty.late_by) == ("met", timedelta(0))
    for kind in ("subject_communication", "own_promise_subjects"):
        assert desk.clock_of(cast, incident_id, kind).stopped_at == told.completed_at


def test_reconciling_again_and_again_writes_nothing_new(app, cast):
    incident_id, _ = all_delivered(cast)
    jobs.reconcile()
    before = desk.actions(cast, incident_id)

    assert [jobs.reconcile() for _ in range(3)] == [0, 0, 0]

    assert desk.actions(cast, incident_id) == before


def one_unreached(cast):
    found = sent(cast)
    say("ida@kunde.example", "delivered")
    say("edward@client.example", "delivered")
    say("asa@kund.example", "bounce")
    jobs.reconcile()
    jobs.reconcile()
    return found


def test_somebody_not_reached_keeps_the_duty_open_and_is_noted_once(app, cast):
    incident_id, communication_id = one_unreached(cast)

    assert stored(cast, incident_id, communication_id).state == "sending"
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == "open"
    assert actions(cast, incident_id, "communication.not_all") == ["communication.not_all_reached"]


def test_a_message_that_reached_nobody_raises_its_alarm_and_nobody_is_told_twice(app, cast):
    one_unreached(cast)
    with acting_for(cast.promark):
        waiting = select(func.count()).select_from(Message).where(Message.wants_person_at.is_not(None))
        told = select(func.count()).select_from(Message).where(Message.template == "not_reached")

        assert db.session.scalar(waiting) == 1
        assert db.session.scalar(told) == 0  # the alarm of the message itself tells, see notifications


def test_a_person_settles_who_was_not_reached_with_a_reason(app, cast):
    incident_id, communication_id = one_unreached(cast)
    settle = subject_communication.settle
    with pytest.raises(Invalid):
        do(cast, incident_id, communication_id, settle, why=" ")

    do(cast, incident_id, communication_id, settle, why="Telephoned, she knows.")

    assert stored(cast, incident_id, communication_id).state == "complete"
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == "met"


def test_nobody_settles_while_messages_are_under_way(app, cast):
    incident_id, communication_id = sent(cast)
    say("asa@kund.example", "bounce")

    with pytest.raises(Refused, match="under way"):
        do(cast, incident_id, communication_id, subject_communication.settle, why="Telephoned.")


# --- pages --------------------------------------------------------------------------------------


def test_the_story_by_hand_upload_write_approve_and_send(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    astrid, dorthe = signed_in(people.ASTRID), signed_in(people.DORTHE)
    place = astrid.post(f"/incidents/{incident_id}/communications").location
    communication_id = UUID(place.rpartition("/")[2])
    seen = _seen(cast)
    shown = astrid.post(
        f"{place}/recipients/preview", data={"list": (BytesIO(LIST.encode("cp1252")), "people.csv")}
    )
    sealed = shown.text.split('name="sealed" value="')[1].split('"')[0]
    astrid.post(f"{place}/recipients", data={"seen": seen, "sealed": sealed})
    for locale in ("da", "sv", "en"):
        write(cast, incident_id, communication_id, locale)
    dorthe.post(f"{place}/approval", data={"seen": _seen(cast)})
    page = dorthe.get(place).text
    first = dorthe.post(f"{place}/sending", data={"seen": _seen(cast), "count": "3"})
    second = dorthe.post(f"{place}/sending", data={"seen": _seen(cast), "count": "3"})

    assert "Åsa Öberg" in shown.text
    assert "You send 3 e-mails and 0 text messages to 3 people: English 1, Danish 1, Swedish 1." in page
    assert (first.status_code, second.status_code) == (303, 303)
    assert len(messages(cast)) == 3


def test_the_page_looks_again_while_messages_are_under_way_and_can_be_held_still(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    place, dorthe = f"/incidents/{incident_id}/communications/{communication_id}", signed_in(people.DORTHE)

    assert dorthe.get(place).headers["Refresh"] == "10"
    assert "Refresh" not in dorthe.get(f"{place}?steady=1").headers
    for address in ("ida@kunde.example", "asa@kund.example", "edward@client.example"):
        say(address, "delivered")
    assert "Refresh" not in dorthe.get(place).headers


def _seen(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalar(select(SubjectCommunication.content_sha256))


def test_contact_data_is_shown_to_those_who_may_see_recipients_only(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    nils, dorthe = signed_in(people.NILS), signed_in(people.DORTHE)

    for page in ("", "/recipients", "/letters/da"):
        assert "ida@kunde" not in nils.get(place + page).text
        assert "Ørsted" not in nils.get(place + page).text
    assert "ida@kunde.example" in dorthe.get(f"{place}/recipients").text
    with acting_for(cast.promark):
        ida = subject_communication.people_of(stored(cast, incident_id, communication_id))[0]
    assert nils.get(f"{place}/recipients/{ida.id}/letter").status_code == 403
    assert "Kære Ida Ørsted" in dorthe.get(f"{place}/recipients/{ida.id}/letter").text


@pytest.mark.parametrize(
    ("who", "what", "status"),
    [
        (people.ASTRID, "/approval", 403), (people.ASTRID, "/sending", 403),
        (people.NILS, "/letters/da", 403), (people.OLGA, "/sending", 403), (people.ESKIL, "/sending", 404),
    ],
)  # fmt: skip
def test_only_who_may_can_approve_and_send(cast, signed_in, who, what, status):
    incident_id, communication_id = begun(cast)
    place = f"/incidents/{incident_id}/communications/{communication_id}"

    assert signed_in(who).post(place + what, data={"seen": _seen(cast), "count": "3"}).status_code == status
    assert messages(cast) == []
