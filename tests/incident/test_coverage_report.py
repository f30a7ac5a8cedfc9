"""A coverage report says who was told by what proof, names nobody, and anybody can check it."""

import hashlib
import json
from datetime import date

import jsonschema
import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from foundation.errors import Refused
from incident import contact_shown, coverage_report, drafting
from incident.contact_data import Contact
from incident.coverage_report import printing, signing
from incident.models import CoverageReport, LetterRun, Recipient, SubjectCommunication
from notifications import told
from notifications.sending import reasons
from tests import pdf_text, people
from tests.incident import desk, telling_rows

pytestmark = pytest.mark.usefixtures("app")
NO_MAIL = {"code": "bounce", "why": "550 no such user"}


@pytest.fixture
def sent(cast):
    """Seven: by mail, by text message after a bounce, by letter, under way, left, settled, not begun."""
    incident_id, communication_id, ids = telling_rows.told(cast, 7)
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        telling_rows.sending(made, [
            (ids[0], "email", "delivered", {}),
            (ids[1], "email", "failed", NO_MAIL | {"is_last": False}), (ids[1], "sms", "delivered", {}),
            (ids[2], "letter", "posted", {"country": "SE", "locale": "sv"}),
            (ids[3], "email", "accepted", {}),
            (ids[4], "sms", "manual", NO_MAIL), (ids[5], "manual", "settled", {"note": "Called."}),
        ], state="running")  # fmt: skip
        db.session.add(
            LetterRun(
                id=new_id(), organisation_id=cast.promark, communication_id=made.id, number=1, window="dl",
                waiting=1, made_on=date(2026, 11, 26), ready_at=utcnow(), state="made", finished_at=utcnow(),
                letters=1, left_out=0, manifest={}, made_by="Astrid Holm", made_at=utcnow(),
                posted_on=date(2026, 11, 27), posted_by="Astrid Holm", posted_said_at=utcnow(),
                posted_with="PostNord",
            )
        )  # fmt: skip
    return incident_id, communication_id, ids


@pytest.fixture
def report(cast, sent):
    """The report of them."""
    with desk.working(cast, sent[0]) as incident:
        made = db.session.get_one(SubjectCommunication, sent[1])
        by = desk.person(cast, people.DORTHE)
        return coverage_report.make(incident, made, by=by, now=utcnow())


def test_each_person_counts_once_by_the_best_proof(report):
    assert report.document["people"] == {
        "people": 7, "delivered": 2, "posted": 1, "settled": 1, "under_way": 1, "left": 1, "not_begun": 1,
    }  # fmt: skip
    by = {each["channel"]: each["people"] for each in report.document["by_channel"]}
    assert by == {"email": 2, "sms": 2, "letter": 1, "manual": 1}
    assert report.document["left_by_reason"] == [{"reason": "bounce", "channel": "sms", "people": 1}]
    assert [each["country"] for each in report.document["by_country"]] == ["DK", "SE"]


def test_a_late_proof_by_an_earlier_way_counts_though_a_later_one_failed(cast, sent):
    _incident, communication_id, ids = sent
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        sending = told.sending_of(f"communication:{made.id}")
        row = telling_rows.Delivery
        db.session.add(
            row(sending_id=sending.id, recipient_id=ids[4], organisation_id=cast.promark, channel="email",
                locale="da", country="DK", left=0, fate="delivered", at=utcnow(), is_last=False)
        )  # fmt: skip
        db.session.flush()
        counted = coverage_report.told(made)

    assert (counted.delivered, counted.left, counted.informed) == (3, 0, 4)
    assert not counted.whole


def test_the_json_is_as_published_and_its_signature_holds(app, report):
    data = coverage_report.json_bytes(report)
    told_json = json.loads(data)
    jsonschema.Draft202012Validator(coverage_report.schema()).validate(told_json)
    signed = coverage_report.canonical(told_json["coverage"])

    assert hashlib.sha256(signed).hexdigest() == told_json["sha256"] == report.sha256
    key, value = told_json["signature"]["public_key"], told_json["signature"]["value"]
    assert signing.is_signed(signed, value, key)
    assert not signing.is_signed(signed.replace(b'"left":1', b'"left":0'), value, key)
    answer = app.test_client().get("/coverage-key.json")
    assert answer.json == {"algorithm": "Ed25519", "public_key": key}
    assert app.test_client().get("/coverage.schema.json").json == coverage_report.schema()


def test_the_ledger_holds_the_hash_of_each_report(cast, sent, report):
    with acting_for(cast.promark):
        db.session.rollback()
        chain = f"incident/{sent[0]}"
        found = [each for each in ledger.entries(chain) if each.action == "coverage.reported"]
    assert [each.details["report_sha256"] for each in found] == [report.sha256]


@pytest.mark.parametrize(
    ("language", "said"),
    [("da", "3 af 7 personer har fået besked"), ("nb", "3 av 7 personer har fått beskjed"),
     ("sv", "3 av 7 personer har informerats"), ("en", "3 of 7 people were told")],
)  # fmt: skip
def test_the_pdf_reads_well_in_each_language_and_says_the_same(report, language, said):
    data = coverage_report.pdf(report, language)
    text = " ".join(pdf_text.read(data).text.split())

    assert data == coverage_report.pdf(report, language)
    assert said in text
    assert report.sha256[:30] in text.replace(" ", "")
    assert "PostNord" in text
    assert "[" + language not in text


def test_no_word_of_the_page_is_missing_in_any_language(report):
    for language in ("da", "nb", "sv", "en"):
        page = json.dumps(printing.page_of(report.document, report.sha256, report.signature, language))
        assert f"[{language}:" not in page


def test_who_is_left_without_a_providers_word_has_a_reason_of_ours_in_every_language(cast, sent):
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, sent[1])
        sending = told.sending_of(f"communication:{made.id}")
        for reason in (reasons.PROTECTED, reasons.NO_TEXT, None):
            db.session.add(
                telling_rows.Delivery(
                    sending_id=sending.id, recipient_id=new_id(), organisation_id=cast.promark, left=0,
                    channel="manual", locale="da", country="DK", fate="manual", at=utcnow(),
                    **(reason._asdict() if reason else {}),
                )
            )  # fmt: skip
        db.session.flush()
        counted = coverage_report.told(made).reasons()

    assert counted == {("bounce", "sms"): 1} | {
        (each, "manual"): 1 for each in ("protected", "no_text", "no_way")
    }  # fmt: skip
    for language in ("da", "nb", "sv", "en"):
        words = drafting.words_over(printing.FOLDER, "coverage", language)
        assert all(words.has("coverage_reasons", code) for code in reasons.OURS)


@pytest.mark.parametrize(
    ("state", "said"), [("ended", "There is no way to reach them"), ("stopped", "It was stopped by a person")]
)
def test_where_no_provider_gave_a_reason_the_page_says_ours(report, state, said):
    document = report.document | {"left_by_reason": [{"reason": "", "channel": "manual", "people": 1}]}
    document["times"] = document["times"] | {"state": state}

    page = printing.page_of(document, report.sha256, report.signature, "en")

    assert said in json.dumps(page)
    assert "No reason is known" not in json.dumps(page)


def test_the_report_names_nobody(report, sent):
    data = coverage_report.json_bytes(report).decode()

    assert not any(str(each) in data for each in sent[2])


def test_nothing_is_reported_before_anything_was_sent(cast):
    incident_id, communication_id, _ids = telling_rows.told(cast, state="draft")
    with desk.working(cast, incident_id) as incident:
        made = db.session.get_one(SubjectCommunication, communication_id)
        by = desk.person(cast, people.DORTHE)
        with pytest.raises(Refused):
            coverage_report.make(incident, made, by=by, now=utcnow())
    with everyone():
        assert db.session.scalars(select(CoverageReport)).first() is None


# --- the manual list ----------------------------------------------------------------------------


@pytest.fixture
def named(monkeypatch):
    """Everybody is called as somebody who tries to run a formula."""
    known = Contact("=HYPERLINK(1)", "@x@mail.example", "+4520304050", ("Æblevej 1", "8000 Aarhus"))
    monkeypatch.setattr("incident.contact_data.contacts", lambda _incident, ids: dict.fromkeys(ids, known))


def test_the_manual_list_names_who_is_left_and_runs_no_formula(cast, sent, named):
    with desk.working(cast, sent[0]) as incident:
        made = db.session.get_one(SubjectCommunication, sent[1])
        by = desk.person(cast, people.DORTHE)
        lines = list(
            contact_shown.export(incident, made, "To call them.", settled=False, by=by, now=utcnow())
        )

    assert len(lines) == 2
    assert str(sent[2][4]) in lines[1]
    assert ";'=HYPERLINK(1);'@x@mail.example;'+4520304050;Æblevej 1, 8000 Aarhus;" in lines[1]
    assert "550 no such user" in lines[1]


def test_of_a_protected_address_the_manual_list_does_not_say_that_there_is_none(cast, sent, named):
    with everyone(), acting_for(cast.promark), transaction():
        db.session.get_one(Recipient, sent[2][5]).protected = True
    with desk.working(cast, sent[0]) as incident:
        made = db.session.get_one(SubjectCommunication, sent[1])
        by = desk.person(cast, people.DORTHE)
        lines = list(contact_shown.export(incident, made, "To call.", settled=True, by=by, now=utcnow()))

    (mine,) = [each for each in lines if str(sent[2][5]) in each]
    assert "the address is protected" in mine


def test_taking_the_list_away_is_recorded_with_its_reason_and_needs_one(cast, sent, named, signed_in):
    path = f"/incidents/{sent[0]}/communications/{sent[1]}/manual-list.csv"
    dorthe = signed_in(people.DORTHE)

    assert dorthe.post(path, data={"reason": " "}).status_code == 422
    answer = dorthe.post(path, data={"reason": "To call them.", "settled": "yes"})
    assert answer.status_code == 200
    assert answer.text.count("\r\n") == 3
    assert signed_in(people.NILS).post(path, data={"reason": "I am curious."}).status_code == 403
    with acting_for(cast.promark):
        db.session.rollback()
        entry = next(
            each for each in ledger.entries(f"incident/{sent[0]}") if each.action == "manual_list.exported"
        )
    assert (entry.reason, entry.details["people"]) == ("To call them.", 1)


def test_the_pages_of_reports_are_there_for_whoever_may(sent, report, signed_in):
    here = f"/incidents/{sent[0]}/communications/{sent[1]}/coverage"
    dorthe = signed_in(people.DORTHE)

    assert "3 of 7 told by proof" in dorthe.get(here).text
    for ending, kind in (("pdf", "application/pdf"), ("json", "application/json")):
        answer = dorthe.get(f"{here}/{report.id}.{ending}")
        assert (answer.status_code, answer.mimetype) == (200, kind)
    assert dorthe.get(f"{here}/{report.id}.exe").status_code == 404
    assert dorthe.post(here).status_code == 303
