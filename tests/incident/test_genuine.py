"""People check by a code that a message is ours; nobody learns from it who was written to."""

import time
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from foundation import encryption
from foundation.database import db, everyone, transaction, utcnow
from incident import genuine, wrong_codes
from incident.genuine import Found
from incident.models import CodeKey, SubjectCommunication, WrongCodes
from incident.rules import codes
from incident.rules.proof import terms
from incident.views import genuine as views
from notifications.models import Message
from notifications.sending import reasons
from tests.incident import telling_rows

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def sent(cast):
    """A communication that went out, and a code of it."""
    wrong_codes.taken()  # what an earlier page kept in mind
    _incident, communication_id, people = telling_rows.told(cast)
    with everyone(), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        return made.id, genuine.code_of(made, people[0])


def looked(code):
    with everyone():
        db.session.rollback()
        db.session.expire_all()
        return genuine.look(code, "da")


def test_a_code_tells_the_organisation_and_the_subject_in_the_readers_language(sent):
    found = looked(sent[1])

    assert found.found == Found.GENUINE
    assert (found.genuine.organisation, found.genuine.subject) == (
        "ProMark A/S",
        "Dine oplysninger hos ProMark",
    )
    assert found.genuine.authority == "Datatilsynet"


def test_the_same_person_has_the_same_code_and_others_have_others(sent):
    with everyone(), transaction():
        of = [genuine.code_of(sent[0], place) for place in (*range(200), 0)]

    assert len(set(of)) == 200
    assert of[0] == of[-1]
    assert all(looked(each).found == Found.GENUINE for each in of[::50])


def test_a_code_that_somebody_made_up_is_wrong_though_its_check_is_right(sent):
    number = codes.read(sent[1])

    for forged in (number ^ 1, number ^ 1 << 39, number ^ 1 << 50, number ^ 1 << 80):
        assert looked(codes.written(forged)).found == Found.WRONG


def test_a_code_is_good_after_every_key_of_the_installation_was_changed(sent):
    before = encryption.keyring.keys
    new = Fernet.generate_key().decode()
    try:
        encryption.keyring.use((new, *before))
        with everyone(), transaction() as session:
            assert encryption.reencrypt(session, CodeKey) == 1
            encryption.reencrypt(session, SubjectCommunication)
        encryption.keyring.use((new,))
        with everyone():
            db.session.rollback()
            db.session.expire_all()
            kept = db.session.get_one(CodeKey, 1)
            assert kept.secret
    finally:
        encryption.keyring.use((new, *before))
        assert looked(sent[1]).found == Found.GENUINE
        encryption.keyring.use(before)


def test_a_message_that_was_not_sent_is_not_called_genuine(cast):
    _incident, communication_id, people = telling_rows.told(cast, state="approved")
    with everyone(), transaction():
        code = genuine.code_of(communication_id, people[0])

    assert looked(code).found == Found.NOT_SENT
    assert looked(code).genuine is None


@pytest.mark.parametrize(
    ("fate", "more", "newer"),
    [
        ("manual", {"why": "the sending was stopped"}, False), ("failed", {}, False),
        ("settled", {"note": "Nobody need know."}, False), ("waiting", {}, False), ("accepted", {}, True),
        ("settled", {"why": reasons.UNPROVEN.why, "note": "The log has it."}, True),
    ],
)  # fmt: skip
def test_a_newer_message_is_spoken_of_only_where_somebody_has_it(client, sent, fate, more, newer):
    with everyone(), transaction():
        wrong = db.session.get_one(SubjectCommunication, sent[0])
        correction = telling_rows.communication(
            wrong.incident_id, wrong.organisation_id, number=2, corrects_id=wrong.id
        )
        telling_rows.sending(correction, [(uuid4(), "email", fate, more)], state="stopped")

    answer = client.get(f"/g/{sent[1]}?lang=en")

    assert ("There is a newer message about the same matter" in answer.text) == newer


def test_a_million_codes_take_seconds(sent):
    with everyone(), transaction():
        began, code_of = time.process_time(), genuine.coder(sent[0])
        for place in range(5_000):
            code_of(place)
        assert time.process_time() - began < 0.5  # of one processor: a million in less than 100 s


# --- the page -----------------------------------------------------------------------------------


def test_the_page_says_who_and_about_what_and_never_to_whom(client, sent):
    answer = client.get(f"/g/{sent[1].lower()}?lang=da")

    assert answer.status_code == 200
    for said in ("ProMark A/S", "Dine oplysninger hos ProMark", "Datatilsynet", "artikel 34"):
        assert said in answer.text
    assert "liste.csv" not in answer.text


def test_whoever_was_told_by_a_text_message_reads_all_of_it_there(client, sent):
    parts = {
        "subject": "Dine oplysninger",
        "nature": "En tyv tog {field: police} den 3. maj.",
        "advice": "Skift kode.",
    }
    draft = {"subject": "Your data", "nature": "[Say in plain words how it happened.]"}
    with everyone(), transaction():
        db.session.get_one(SubjectCommunication, sent[0]).texts = {"da": parts, "en": draft}

    answer = client.get(f"/g/{sent[1]}?lang=en")

    assert "En tyv tog … den 3. maj." in answer.text
    assert "Skift kode." in answer.text
    assert "[Say in plain words" not in answer.text  # nobody reads it: it is a draft still


@pytest.mark.parametrize("language", ["da", "nb", "sv", "en"])
def test_every_language_answers_the_same_questions(client, sent, language):
    answer = client.get(f"/g/{sent[1]}?lang={language}")

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert answer.text.count("<dt><strong>") == 7
    assert "{organisation}" not in answer.text


def test_typed_with_a_slip_it_is_asked_for_again_and_with_a_false_code_we_warn(client, sent):
    slip = client.post("/g", data={"code": sent[1][:-1] + ("2" if sent[1][-1] != "2" else "3")})
    false = client.post("/g", data={"code": codes.written(codes.read(sent[1]) ^ 5)})

    assert (slip.status_code, false.status_code) == (422, 404)
    assert "mistyped" in slip.text
    assert "No message of ours has this code." in false.text
    assert client.post("/g", data={}).status_code == 422
    assert client.get("/g").status_code == 200


def test_what_is_typed_is_never_taken_for_markup(client):
    answer = client.post("/g", data={"code": '"><script>alert(1)</script>'})

    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


# --- wrong ones ---------------------------------------------------------------------------------


def alarms():
    with everyone():
        db.session.rollback()
        query = select(func.count()).select_from(Message).where(Message.template == "wrong_codes")
        return db.session.scalar(query)


def wrong(count, code):
    for _n in range(count):
        assert wrong_codes.note(looked(code))
    views.write_down()


def test_a_few_slips_alarm_nobody(sent):
    wrong(terms(utcnow()).wrong_per_hour - 1, codes.written(codes.read(sent[1]) ^ 1))
    wrong(20, "ABC")

    assert alarms() == 0


def test_many_false_codes_alarm_staff_once(sent):
    false = codes.written(codes.read(sent[1]) ^ 1)
    wrong(terms(utcnow()).wrong_per_hour, false)
    told = alarms()
    wrong(500, false)

    assert told >= 1
    assert alarms() == told


def test_codes_of_nobody_alarm_whoever_told_people_lately(sent):
    wrong(terms(utcnow()).wrong_per_hour, codes.written(12345))

    assert alarms() >= 1


def test_of_wrong_codes_counts_are_kept_and_nothing_else(sent):
    wrong(3, codes.written(codes.read(sent[1]) ^ 1))

    with everyone():
        db.session.rollback()
        row = db.session.scalars(select(WrongCodes)).one()
    assert (row.count, row.kind, row.hour.minute) == (3, "wrong", 0)


def test_a_code_of_an_unknown_communication_is_wrong(sent):
    with everyone(), transaction():
        assert looked_in(genuine.code_of(uuid4(), 1)) == Found.WRONG


def looked_in(code):
    return genuine.look(code).found
