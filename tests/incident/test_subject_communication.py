"""People are told once, each alone, in their language; informed is who was reached, and nobody else."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import coverage_report, jobs, subject_communication
from incident.models import Recipient
from incident.subject_communication import Choice, Obstacle
from notifications.models import Delivery, Sending
from tests import people
from tests.incident import desk, lists
from tests.incident.telling import (
    ASA,
    EDWARD,
    IDA,
    LIST,
    actions,
    approve,
    begun,
    covered,
    deliveries,
    do,
    put_list,
    send,
    sending_of,
    sent,
    stored,
    write,
)


def pages_hash(cast, incident_id, communication_id):
    """The hash that a page of the communication shows, for approval and sending."""
    with acting_for(cast.promark):
        return subject_communication.fingerprint(stored(cast, incident_id, communication_id))


# --- letters ------------------------------------------------------------------------------------


def test_a_draft_in_each_language_says_what_the_facts_say_and_leaves_brackets_for_people(app, cast):
    told = stored(cast, *begun(cast, is_whole=False))

    assert set(told.texts) == {"da", "nb", "sv", "en"}
    assert told.kind == "stolen"
    assert "HostCo ApS" in told.texts["sv"]["nature"]
    assert "obehöriga" in told.texts["sv"]["nature"]
    assert "[" in told.texts["da"]["measures"]
    assert "Dorthe Friis" in told.texts["da"]["contact"]


@pytest.mark.parametrize("part", ["nature", "contact", "consequences", "measures", "subject", "sender"])
def test_a_letter_without_one_of_the_parts_of_article_34_is_not_approved(app, cast, part):
    incident_id, communication_id = begun(cast)
    write(cast, incident_id, communication_id, "sv", **{part: " "})

    with pytest.raises(Refused, match="Swedish: 1 point is open"):
        approve(cast, incident_id, communication_id)


def test_a_letter_with_brackets_left_is_not_approved(app, cast):
    incident_id, communication_id = begun(cast)
    write(cast, incident_id, communication_id, "en", advice="[Say what to do.]")

    with pytest.raises(Refused, match="English: 2 points are open"):
        approve(cast, incident_id, communication_id)


def test_what_is_open_is_said_in_one_line_for_each_language_and_leads_there(app, cast, signed_in):
    incident_id, communication_id = begun(cast, is_whole=False)
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    with desk.working(cast, incident_id) as incident:
        communication = subject_communication.of(incident, communication_id)
        found = subject_communication.obstacles(incident, communication)

    assert sorted(each.locale for each in found) == ["da", "en", "sv"]
    assert subject_communication.step(found, approved=False) == 3
    page = signed_in(people.DORTHE).get(place).text
    for each in found:
        assert f'<li><a href="{place}/letters/{each.locale}">{each.said}</a></li>' in page


@pytest.mark.parametrize(
    ("codes", "approved", "step"),
    [
        (["none"], False, 1), (["texts", "faulty", "nobody"], False, 1), (["texts", "told"], False, 2),
        (["texts", "texts"], False, 3), ([], False, 4), ([], True, 5),
    ],
)  # fmt: skip
def test_the_way_says_what_is_to_be_done_first(codes, approved, step):
    found = [Obstacle(each, "So it is.", "Do this.") for each in codes]

    assert subject_communication.step(found, approved=approved) == step


def test_only_languages_that_somebody_reads_must_be_whole(app, cast):
    incident_id, communication_id = begun(cast)

    approve(cast, incident_id, communication_id)

    assert "[" in stored(cast, incident_id, communication_id).texts["nb"]["measures"]


# --- the list -----------------------------------------------------------------------------------


def test_rows_with_faults_are_left_out_only_with_a_reason_that_stands_in_the_record(app, cast, signed_in):
    incident_id, communication_id = begun(cast, LIST + "Nobody;nowhere;;da\n")
    with pytest.raises(Refused, match="1 row of list 1 is nobody yet"):
        approve(cast, incident_id, communication_id)
    (kept,) = standing(cast, incident_id)

    place = f"/incidents/{incident_id}/recipient-lists/{kept.id}"
    signed_in(people.ASTRID).post(f"{place}/left-out", data={"why": "Telephoned already."})
    approve(cast, incident_id, communication_id)

    (entry,) = [each for each in record(cast, incident_id) if each.action == "list.faulty_left_out"]
    assert (entry.reason, entry.details["rows"]) == ("Telephoned already.", 1)
    assert not [each for each in record(cast, incident_id) if "kunde.example" in str(each.details)]


def test_nobody_is_approved_while_a_list_is_still_read_or_its_columns_are_not_chosen(app, cast):
    incident_id, communication_id = begun(cast)
    list_id = lists.sent(cast, incident_id, b"name;e-mail\nOle;ole@kunde.example\n")
    with pytest.raises(Refused, match="List 2 was not read yet"):
        approve(cast, incident_id, communication_id)

    lists.choose(cast, incident_id, list_id, fields=("name", "email"))
    with pytest.raises(Refused, match="List 2 is still being read"):
        approve(cast, incident_id, communication_id)
    lists.work()
    approve(cast, incident_id, communication_id)

    assert stored(cast, incident_id, communication_id).recipients == 4


def test_of_a_list_that_was_withdrawn_nobody_says_that_it_is_still_read(app, cast):
    incident_id, communication_id = begun(cast)
    (kept,) = standing(cast, incident_id)
    lists.withdraw(cast, incident_id, kept.id)

    with pytest.raises(Refused, match="The people of list 1 are being taken out"):
        approve(cast, incident_id, communication_id)


def standing(cast, incident_id):
    with acting_for(cast.promark):
        return subject_communication.standing_lists(desk.incident_of(cast, incident_id))


def record(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return ledger.entries(f"incident/{incident_id}")


def choose(cast, incident_id, communication_id, **chosen):
    stage = subject_communication.choose
    return do(cast, incident_id, communication_id, stage, Choice(**chosen), who=people.ASTRID)


def test_two_lists_that_name_the_same_person_tell_them_once(app, cast, sandbox, work):
    incident_id, communication_id = begun(cast)
    put_list(
        cast,
        incident_id,
        "name;e-mail;phone;language\nI. Ørsted;IDA@kunde.example;;da\nOle;o@k.example;;da\n",
    )
    approve(cast, incident_id, communication_id)
    send(cast, incident_id, communication_id, count=4)

    work()

    assert len(sandbox.mail_to(IDA)) == 1
    assert len(sandbox.mail_to("o@k.example")) == 1


def test_who_is_told_can_be_chosen_by_list_and_by_language(app, cast):
    incident_id, communication_id = begun(cast)
    second = put_list(cast, incident_id, "name;e-mail;phone;language\nOle;ole@kunde.example;;da\n")

    for chosen, count in (
        ({}, 4), ({"lists": (second,)}, 1), ({"locales": ("sv", "en")}, 2),
        ({"lists": (second,), "locales": ("sv",)}, 0),
    ):  # fmt: skip
        choose(cast, incident_id, communication_id, **chosen)
        with acting_for(cast.promark):
            picked = subject_communication.counts(stored(cast, incident_id, communication_id))
            assert picked.people == count


def test_nobody_is_taken_out_while_another_communication_asks_who_its_people_are(app, cast, sandbox, work):
    """Else those who are planned would not be as many as were approved, and nobody would be told."""
    incident_id, first = sent(cast)
    with desk.working(cast, incident_id) as incident:
        further = subject_communication.create(incident, by=desk.person(cast, people.ASTRID), now=utcnow())
        person = db.session.scalars(select(Recipient)).first()

    def take_out(why):
        with desk.working(cast, incident_id) as incident:
            communication = subject_communication.of(incident, further.id)
            subject_communication.take_out(
                communication, person.id, why=why, by=desk.person(cast, people.ASTRID), now=utcnow()
            )

    with pytest.raises(Refused, match="just being begun"):
        take_out("a colleague")
    work()

    assert sending_of(first).people == 3
    assert sum(len(sandbox.mail_to(each)) for each in (IDA, ASA, EDWARD)) == 3
    take_out("a colleague")


def test_nobody_picked_is_nobody_approved(app, cast):
    incident_id, communication_id = begun(cast)
    choose(cast, incident_id, communication_id, financial=True)

    with pytest.raises(Refused, match="Nobody is picked"):
        approve(cast, incident_id, communication_id)


PROTECTED = "name;e-mail;phone;language;address;postcode;town;country;protected address\n"
WITH_ADDRESS = (
    "name",
    "email",
    "phone",
    "language",
    "line1",
    "postcode",
    "city",
    "country",
    "protected_address",
)
HIDDEN_AND_SEEN = (
    PROTECTED + "Åsa;;;sv;Storgatan 1;111 22;Stockholm;SE;yes\nBo;;;sv;Storgatan 2;111 22;Stockholm;SE;no\n"
)


def test_a_protected_address_gets_no_letter_by_itself_and_the_reason_is_said(app, cast, work, signed_in):
    incident_id, communication_id = sent(cast, HIDDEN_AND_SEEN, 2, fields=WITH_ADDRESS)

    work()

    assert deliveries(communication_id) == [("sv", "manual", "manual"), ("sv", "letter", "waiting")]
    page = signed_in(people.DORTHE).get(
        f"/incidents/{incident_id}/communications/{communication_id}/recipients?only=manual"
    )
    assert page.text.count("the address is protected") == 1
    with acting_for(cast.promark):
        left = coverage_report.told(stored(cast, incident_id, communication_id)).reasons()
    assert left == {("protected", "manual"): 1}


def test_letters_go_to_protected_addresses_where_a_person_chose_so(app, cast, work):
    incident_id, communication_id = begun(cast, HIDDEN_AND_SEEN, fields=WITH_ADDRESS)
    choose(cast, incident_id, communication_id, letters_to_protected=True)
    approve(cast, incident_id, communication_id)
    send(cast, incident_id, communication_id, count=2)

    work()

    assert deliveries(communication_id) == [("sv", "letter", "waiting"), ("sv", "letter", "waiting")]


# --- approval -----------------------------------------------------------------------------------


def test_who_wrote_last_does_not_approve(app, cast):
    incident_id, communication_id = begun(cast, who=people.DORTHE)

    with pytest.raises(Refused, match="second person"):
        approve(cast, incident_id, communication_id, who=people.DORTHE)

    assert stored(cast, incident_id, communication_id).state == "draft"


def test_who_wrote_the_texts_does_not_approve_them_when_another_chose_the_people_since(app, cast):
    incident_id, communication_id = begun(cast, who=people.DORTHE)
    stage, chosen = subject_communication.choose, Choice(locales=("da", "sv"))
    do(cast, incident_id, communication_id, stage, chosen, who=people.ASTRID)

    with pytest.raises(Refused, match="second person"):
        approve(cast, incident_id, communication_id, who=people.DORTHE)


def test_nobody_can_send_what_was_changed_after_the_approval(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    seen = pages_hash(cast, incident_id, communication_id)
    write(cast, incident_id, communication_id, "da", advice="Ring til os.")

    with pytest.raises(Refused, match="approved"):
        send(cast, incident_id, communication_id, seen=seen)

    told = stored(cast, incident_id, communication_id)
    assert (told.state, told.approved_by) == ("draft", None)
    assert sending_of(communication_id) is None


def test_a_further_list_voids_the_approval(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)

    put_list(cast, incident_id, "name;e-mail;phone;language\nOle;ole@kunde.example;;da\n")

    for count in (3, 4):
        with pytest.raises(Refused, match="not those that were approved"):
            send(cast, incident_id, communication_id, count=count)
    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text
    assert "approved again before it goes out" in page
    approve(cast, incident_id, communication_id)
    assert send(cast, incident_id, communication_id, count=4) == 4


def test_another_choice_or_other_ways_void_the_approval(app, cast):
    incident_id, communication_id = begun(cast)
    for chosen in ({"locales": ("da",)}, {"ways": ("sms", "email")}):
        approve(cast, incident_id, communication_id)
        choose(cast, incident_id, communication_id, **chosen)

        assert stored(cast, incident_id, communication_id).state == "draft"


def test_approving_what_was_changed_meanwhile_is_refused_and_says_by_whom(app, cast):
    incident_id, communication_id = begun(cast)
    seen = pages_hash(cast, incident_id, communication_id)
    write(cast, incident_id, communication_id, "da", advice="Ring til os.")

    with pytest.raises(Refused, match="Astrid Holm"):
        approve(cast, incident_id, communication_id, seen=seen)


def test_a_row_that_was_removed_from_the_database_stops_the_sending(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    with acting_for(cast.promark), transaction():
        db.session.delete(db.session.scalars(select(Recipient)).first())

    with pytest.raises(Refused, match="not those that were approved"):
        send(cast, incident_id, communication_id)

    assert sending_of(communication_id) is None


def test_a_count_other_than_the_one_on_the_page_sends_nothing(app, cast):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)

    with pytest.raises(Refused):
        send(cast, incident_id, communication_id, count=4)

    assert sending_of(communication_id) is None


# --- sending ------------------------------------------------------------------------------------


def test_three_people_in_three_languages_get_one_message_each_alone(app, cast, sandbox, work):
    sent(cast)

    work()

    assert [len(sandbox.mail_to(each)) for each in (IDA, ASA, EDWARD)] == [1, 1, 1]
    (swedish,) = sandbox.mail_to(ASA)
    assert "Hej Åsa Öberg" in swedish["body"]
    assert "Ida" not in swedish["body"]
    assert "Vad har hänt?" in swedish["body"]


def test_each_message_has_a_code_of_its_own_by_which_it_is_known_as_ours(app, cast, client, sandbox, work):
    sent(cast)

    work()

    mails = [sandbox.mail_to(each)[0]["body"] for each in (IDA, ASA)]
    codes = {re.search(r"\b((?:[0-9A-Z]{5}-){3}[0-9A-Z]{5})\b", each)[1] for each in mails}
    assert len(codes) == 2
    for code in codes:
        assert client.get(f"/g/{code}").status_code == 200


def test_pressing_twice_or_two_people_at_once_sends_once(app, cast, sandbox, work):
    incident_id, communication_id = sent(cast)

    assert send(cast, incident_id, communication_id) == 0
    assert send(cast, incident_id, communication_id, who=people.DORTHE, seen="stale") == 0
    work()
    assert len(sandbox.mail_to(IDA)) == 1
    assert actions(cast, incident_id, "communication.sent") == ["communication.sent"]


def test_two_people_pressing_in_the_same_moment_send_once(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    place = f"/incidents/{incident_id}/communications/{communication_id}/sending"
    form = {"seen": pages_hash(cast, incident_id, communication_id), "count": "3"}
    browsers = [signed_in(people.DORTHE) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda browser: browser.post(place, data=form).status_code, browsers))

    assert answers == [303] * 6
    assert actions(cast, incident_id, "communication.sent") == ["communication.sent"]


def test_an_unapproved_communication_is_not_sent(app, cast):
    with pytest.raises(Refused, match="approved"):
        send(cast, *begun(cast))


def test_who_has_no_address_gets_a_text_message(app, cast, sandbox, work):
    sent(cast, "name;e-mail;phone;language\nIda;;20123456;da\n", 1)

    work()

    assert len(sandbox.sms_to("+4520123456")) == 1


def test_the_deadline_of_a_sending_is_the_earliest_that_is_owed(app, cast):
    incident_id, communication_id = sent(cast)

    assert sending_of(communication_id).must_by == desk.duty_of(cast, incident_id, "promise-subjects").due_at


# --- whom it reached ----------------------------------------------------------------------------


def test_accepted_by_a_provider_is_not_yet_informed(app, cast, sandbox, work):
    incident_id, communication_id = sent(cast)
    sandbox.outcome(ASA, "processed")

    work()
    jobs.reconcile()

    found = covered(cast, incident_id, communication_id)
    assert (found.informed, found.count("accepted"), found.ended) == (2, 1, False)
    assert stored(cast, incident_id, communication_id).state == "sending"


def test_a_bounce_goes_to_the_phone_and_then_everybody_is_reached(app, cast, sandbox, work):
    incident_id, communication_id = sent(cast)
    sandbox.outcome(IDA, "bounce")

    for _round in range(3):
        work()

    assert deliveries(communication_id)[0] == ("da", "sms", "delivered")
    assert len(sandbox.sms_to("+4520123456")) == 1
    assert covered(cast, incident_id, communication_id).informed == 3
    assert stored(cast, incident_id, communication_id).state == "complete"


@pytest.fixture
def all_delivered(app, cast, sandbox, work):
    found = sent(cast)
    for _round in range(2):
        work()
    return found


def test_once_everybody_is_reached_the_duties_are_met_and_their_clocks_stop(cast, all_delivered):
    incident_id, communication_id = all_delivered

    told = stored(cast, incident_id, communication_id)
    assert (told.state, told.completed_at is not None) == ("complete", True)
    for regime in ("gdpr-34", "promise-subjects"):
        duty = desk.duty_of(cast, incident_id, regime)
        assert (duty.state, duty.late_by) == ("met", timedelta(0))
    for kind in ("subject_communication", "own_promise_subjects"):
        assert desk.clock_of(cast, incident_id, kind).stopped_at == told.completed_at


def test_reconciling_again_and_again_writes_nothing_new(cast, all_delivered):
    incident_id, _ = all_delivered
    before = desk.actions(cast, incident_id)

    assert [jobs.reconcile() for _ in range(3)] == [0, 0, 0]

    assert desk.actions(cast, incident_id) == before


@pytest.fixture
def one_unreached(app, cast, sandbox, work):
    found = sent(cast)
    sandbox.outcome(ASA, "bounce")
    for _round in range(3):
        work()
    return found


def test_somebody_not_reached_keeps_the_duty_open_and_is_noted_once(cast, one_unreached):
    incident_id, communication_id = one_unreached

    assert stored(cast, incident_id, communication_id).state == "sending"
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == "open"
    assert actions(cast, incident_id, "communication.not_all") == ["communication.not_all_reached"]


def test_who_was_not_reached_is_left_to_a_person_with_the_reason(cast, one_unreached, signed_in):
    incident_id, communication_id = one_unreached
    place = f"/incidents/{incident_id}/communications/{communication_id}/recipients"

    page = signed_in(people.DORTHE).get(f"{place}?only=unreached").text

    assert covered(cast, incident_id, communication_id).manual == 1
    assert "Å•••• Ö••••" in page
    assert "E••••" not in page


def test_the_page_of_a_person_leads_to_the_address_in_the_clear(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    with acting_for(cast.promark):
        person = db.session.scalars(select(Recipient.id)).first()
    place = f"/incidents/{incident_id}/communications/{communication_id}/recipients/{person}"

    page = signed_in(people.DORTHE).get(place).text
    assert f"/incidents/{incident_id}/contact-data/people/{person}" in page


def test_a_person_settles_who_was_not_reached_with_a_reason(cast, one_unreached):
    incident_id, communication_id = one_unreached
    settle = subject_communication.settle
    with pytest.raises(Invalid):
        do(cast, incident_id, communication_id, settle, why=" ")

    do(cast, incident_id, communication_id, settle, why="Telephoned, she knows.")

    assert stored(cast, incident_id, communication_id).state == "complete"
    assert desk.duty_of(cast, incident_id, "gdpr-34").state == "met"


def test_a_letter_that_comes_back_when_all_was_complete_is_left_to_a_person(cast, one_unreached, signed_in):
    incident_id, communication_id = one_unreached
    settle = subject_communication.settle
    do(cast, incident_id, communication_id, settle, why="Telephoned, she knows.")
    with acting_for(cast.promark), transaction():
        db.session.scalars(select(Delivery).where(Delivery.fate == "settled")).one().fate = "manual"
        row = db.session.scalars(select(Sending)).one()
        row.tally = row.tally | {"counts": [
            [way, fate.replace("settled", "manual"), *rest] for way, fate, *rest in row.tally["counts"]
        ]}  # fmt: skip
    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text

    assert "since then a letter came back" in page
    assert "Nothing is owed to these people" not in page

    do(cast, incident_id, communication_id, settle, why="Called on her at home.")
    assert stored(cast, incident_id, communication_id).state == "complete"
    assert actions(cast, incident_id, "communication.completed") == ["communication.completed"]


def test_nobody_settles_while_messages_are_under_way(app, cast):
    incident_id, communication_id = sent(cast)

    with pytest.raises(Refused, match="under way"):
        do(cast, incident_id, communication_id, subject_communication.settle, why="Telephoned.")


def test_one_person_is_settled_by_themselves_and_the_others_are_left(app, cast, sandbox, work, signed_in):
    incident_id, communication_id = sent(cast)
    for each in (ASA, EDWARD, "+447700900777"):
        sandbox.outcome(each, "bounce" if "@" in each else "undelivered")
    for _round in range(4):
        work()
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    dorthe = signed_in(people.DORTHE)
    with everyone():
        asa, edward = db.session.scalars(select(Recipient.id).order_by(Recipient.line)).all()[1:]

    dorthe.post(f"{place}/settlement", data={"why": "Telephoned, she knows.", "recipient": str(asa)})
    assert stored(cast, incident_id, communication_id).state == "sending"
    assert deliveries(communication_id)[1:] == [("sv", "email", "settled"), ("en", "sms", "manual")]
    work()
    dorthe.post(f"{place}/settlement", data={"why": "Moved, nobody knows where.", "recipient": str(edward)})

    assert stored(cast, incident_id, communication_id).state == "complete"
    assert covered(cast, incident_id, communication_id).informed == 1
