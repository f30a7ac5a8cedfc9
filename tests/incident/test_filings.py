"""What was filed is logged once, byte by byte, with what came back; the log is added to and never changed."""

import json
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
import typst
from cryptography.fernet import Fernet
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from foundation import encryption, ledger
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import authorities, authority_notification, clocks, filed, pack_files, packs, register
from incident.authority_notification import Later, Proof, Unusual, numbers, receipts
from incident.models import AuthorityFiling, AuthorityNotification, FilingProof
from tests import people
from tests.incident import desk
from tests.incident.test_authority_notification import (
    BRITISH,
    DANISH,
    PDF,
    address,
    approve,
    approved,
    do,
    draft,
    drafted,
    edit,
    file,
    late,
    proofs,
    running,
    stored,
)

PNG, JPEG = b"\x89PNG\r\n\x1a\n\x00", b"\xff\xd8\xff\xe0\x00\x10JFIF"
EML = b"From: noreply@virk.example\r\nTo: dpo@promark.example\r\nSubject: Kvittering\r\n\r\nTak.\r\n"
HTML = b"<!-- gemt --><!DOCTYPE html><html><body>Kvittering</body></html>"
NUMBER = "2026-442-10001"
FORMER = [
    ("nature", "description"), ("nature", "losses"), ("people", "groups"), ("people", "number"),
    ("data", "categories"), ("data", "records"), ("contact", "contact_name"), ("contact", "contact_phone"),
    ("consequences", "likely"), ("measures", "taken"),
]  # fmt: skip
HERE = ZoneInfo("Europe/Copenhagen")


def field(key):
    return {"key": key, "label": key, "answer": "et svar", "source": "/", "as_told": False, "edited": False,
            "to_follow": False}  # fmt: skip


def keep(cast, incident_id, notification_id, *told, **more):
    stage = authority_notification.keep_proof
    return do(cast, incident_id, notification_id, stage, Later(*told, **more))


def logged(cast, incident_id, action):
    """The ledger's entries of one kind."""
    with acting_for(cast.promark):
        db.session.rollback()
        return [each for each in ledger.entries(f"incident/{incident_id}") if each.action == action]


def rows(cast, table):
    with acting_for(cast.promark):
        db.session.rollback()
        return list(db.session.scalars(select(table)))


# --- the log ------------------------------------------------------------------------------------


def test_a_filing_is_logged_with_who_when_how_and_how_late(app, cast, clock):
    incident_id, notification_id = approved(cast)
    filed_at = utcnow()
    clock.move(minutes=20)

    file(cast, incident_id, notification_id, filed_at=filed_at, why_later="No network in the train.")

    (row,) = rows(cast, AuthorityFiling)
    text_of = stored(cast, incident_id, notification_id)
    assert (row.filed_at, row.filed_by, row.filed_by_id) == (
        filed_at, "Dorthe Friis", cast.staff[people.DORTHE],
    )  # fmt: skip
    assert (row.channel, row.case_number, row.why_later) == ("portal", NUMBER, "No network in the train.")
    assert row.recorded_at - row.filed_at >= timedelta(minutes=20)
    assert (row.content_sha256, row.number, row.kind) == (text_of.approved_sha256, 1, "initial")
    assert row.late_by == timedelta(0)
    assert row.due_at == desk.duty_of(cast, incident_id, "gdpr-33").due_at


def test_a_late_filing_says_how_late_and_stays_so(app, cast, clock):
    incident_id, notification_id = late(cast, clock, hours=2)
    edit(cast, incident_id, notification_id, {"timeline.delay_reasons": "Logs came late."})
    approve(cast, incident_id, notification_id)

    file(cast, incident_id, notification_id)
    clock.move(days=3)

    (row,) = rows(cast, AuthorityFiling)
    assert row.late_by == desk.duty_of(cast, incident_id, "gdpr-33").late_by >= timedelta(hours=2)


def test_the_pack_is_kept_as_it_was_filed_encrypted_and_named_in_the_ledger_by_its_hash(app, cast):
    incident_id, notification_id = approved(cast)

    file(cast, incident_id, notification_id)

    (entry,) = logged(cast, incident_id, "notification.filed")
    with acting_for(cast.promark):
        row = db.session.scalars(select(AuthorityFiling)).one()
        for name, begins in (("pack_pdf", b"%PDF-"), ("pack_json", b"{")):
            data, told = getattr(row, name), getattr(row, f"{name}_sha256")
            assert data.startswith(begins)
            assert sha256(data).hexdigest() == told == entry.details[f"{name}_sha256"]
            assert begins not in db.session.scalar(text(f"SELECT {name} FROM authority_filings"))
        assert json.loads(row.pack_json)["fields"]


def test_what_was_filed_is_what_the_approved_text_offered_before(app, cast, signed_in, clock):
    incident_id, notification_id = approved(cast)
    browser, place = signed_in(people.DORTHE), address(incident_id, notification_id)
    before = [browser.get(f"{place}/pack.{kind}").data for kind in ("pdf", "json")]
    clock.move(minutes=10)

    file(cast, incident_id, notification_id)

    assert [browser.get(f"{place}/filed.{kind}").data for kind in ("pdf", "json")] == before


def test_a_pack_that_cannot_be_printed_keeps_nobody_from_recording_the_filing(app, cast, monkeypatch):
    incident_id, notification_id = approved(cast)

    def fails(*_told):
        raise typst.TypstError("no font")

    monkeypatch.setattr(pack_files, "pdf", fails)
    file(cast, incident_id, notification_id)

    (row,) = rows(cast, AuthorityFiling)
    assert (row.pack_pdf_sha256, row.pack_json_sha256 is None) == (None, False)
    assert stored(cast, incident_id, notification_id).state == "filed"


def test_a_text_of_the_former_shape_that_was_approved_before_is_filed_whole(app, cast):
    incident_id, notification_id = approved(cast)
    former = {
        "schema": 1, "authority": DANISH, "locale": "da", "title": "Anmeldelse",
        "sections": [{"key": key, "title": key, "point": None, "fields": [field(f"{key}.{name}")]}
                     for key, name in FORMER],
    }  # fmt: skip
    with desk.working(cast, incident_id) as incident:
        told = authority_notification.of(incident, notification_id)
        told.content, told.content_sha256 = former, packs.fingerprint(former)
        told.approved_sha256 = told.content_sha256

    file(cast, incident_id, notification_id)

    with acting_for(cast.promark):
        row = db.session.scalars(select(AuthorityFiling)).one()
        assert json.loads(row.pack_json) == former
        assert row.pack_pdf.startswith(b"%PDF-")
        assert sha256(row.pack_json).hexdigest() == row.content_sha256


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE authority_filings SET filed_by = 'Somebody'",
        "UPDATE authority_filings SET case_number = NULL, why_no_number = 'x'",
        "UPDATE authority_filings SET late_by = NULL",
        "UPDATE authority_filings SET pack_json = NULL, pack_json_sha256 = NULL",
        "DELETE FROM filing_proofs",
        "UPDATE filing_proofs SET sha256 = 'x'",
        "UPDATE filing_proofs SET name = 'other.pdf'",
        "UPDATE authority_notifications SET state = 'draft'",
        "UPDATE authority_notifications SET filed_by = 'Somebody'",
        "DELETE FROM authority_notifications",
    ],
)
def test_the_database_refuses_to_change_what_was_filed(app, cast, change):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    with pytest.raises(DatabaseError, match="stands: add a row"), everyone(), transaction():
        db.session.execute(text(change))


def test_the_database_refuses_a_filing_of_another_text_than_the_approved_one(app, cast):
    incident_id, notification_id = approved(cast)
    told = stored(cast, incident_id, notification_id)
    now = utcnow()

    with (
        pytest.raises(DatabaseError, match="Only the approved text"),
        acting_for(cast.promark),
        transaction(),
    ):
        db.session.add(
            AuthorityFiling(
                organisation_id=cast.promark, incident_id=incident_id, duty_id=told.duty_id,
                notification_id=notification_id, authority=told.authority, number=1, kind="initial",
                channel="portal", filed_at=now, filed_by="Dorthe Friis", recorded_at=now, case_number=NUMBER,
                content_sha256="0" * 64,
            )
        )  # fmt: skip


def test_a_new_data_key_can_be_taken_into_use_and_everything_filed_is_still_the_same(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)
    newest = Fernet.generate_key().decode()
    before = encryption.keyring.keys
    try:
        encryption.keyring.use((newest, *before))
        with everyone(), transaction() as session:
            assert encryption.reencrypt(session, AuthorityFiling) == 1
            assert encryption.reencrypt(session, FilingProof) == 1
        encryption.keyring.use((newest,))
        with acting_for(cast.promark):
            db.session.expire_all()
            row = db.session.scalars(select(AuthorityFiling)).one()
            proof = db.session.scalars(select(FilingProof)).one()
            assert filed.damaged(filed.Filed(row, [proof])) == []
            assert proof.data == PDF
    finally:
        encryption.keyring.use((*before, newest))


def test_why_it_was_recorded_late_or_has_no_number_is_readable_to_nobody_else(app, cast):
    incident_id, notification_id = approved(cast)
    file(
        cast, incident_id, notification_id, case_number="", why_later="Hanne Krog was ill.",
        why_no_number="Hanne Krog has it.",
    )  # fmt: skip

    with everyone(), transaction() as session:
        kept = session.execute(text("SELECT why_later, why_no_number FROM authority_filings")).one()
        assert not any(b"Krog" in bytes(each) for each in kept)
        assert encryption.reencrypt(session, AuthorityFiling) == 1
    assert rows(cast, AuthorityFiling)[0].why_later == "Hanne Krog was ill."
    with acting_for(cast.promark):
        assert register.verify_installation() == []


def test_bytes_that_were_changed_past_the_database_are_found(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)
    forged = encryption.keyring.encrypt(b"%PDF-1.7 another")
    with everyone(), transaction() as session:
        session.execute(text("UPDATE filing_proofs SET data = :data"), {"data": forged})

    with acting_for(cast.promark):
        assert filed.damaged(proofs(cast, incident_id, notification_id)) == ["kvittering.pdf"]
        (broken,) = register.verify_installation()
    assert (broken.chain, broken.why) == (
        f"incident/{incident_id}", "the kvittering.pdf was changed after it was filed",
    )  # fmt: skip


# --- twice, before, by whom ---------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_filing(app, cast):
    incident_id, notification_id = approved(cast)
    at = utcnow()
    file(cast, incident_id, notification_id, filed_at=at)

    file(cast, incident_id, notification_id, filed_at=at)

    assert len(rows(cast, AuthorityFiling)) == len(rows(cast, FilingProof)) == 1
    assert len(logged(cast, incident_id, "notification.filed")) == 1


@pytest.mark.parametrize(
    "changes",
    [{"case_number": "2026-442-10002"}, {"receipt": None}, {"channel": "telephone"}, {"filed_at": None}],
)
def test_a_second_filing_that_says_something_else_is_told_who_filed(app, cast, clock, changes):
    incident_id, notification_id = approved(cast)
    at = utcnow()
    file(cast, incident_id, notification_id, filed_at=at)
    clock.move(minutes=1)
    if "filed_at" in changes:
        changes = {"filed_at": utcnow()}

    with pytest.raises(Refused, match="filed already, by Dorthe Friis"):
        file(cast, incident_id, notification_id, **({"filed_at": at} | changes))

    assert len(rows(cast, AuthorityFiling)) == 1


def test_nothing_is_logged_of_what_was_not_approved(app, cast):
    incident_id, notification_id = drafted(cast)

    with pytest.raises(Refused, match="approved"):
        file(cast, incident_id, notification_id)
    with pytest.raises(Refused, match="no proof of what is not filed"):
        keep(cast, incident_id, notification_id, NUMBER)

    assert rows(cast, AuthorityFiling) == []


def test_a_channel_that_is_none_is_refused(app, cast):
    with pytest.raises(Invalid, match="no such channel"):
        file(cast, *approved(cast), channel="fax")


# --- case numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "whose"), [("IC-123456-A1B2", "ICO"), ("IMY-2026-1234", "IMY"), ("21/03126", "Norwegian")]
)
def test_a_case_number_of_another_authority_is_refused_by_its_name(app, cast, number, whose):
    incident_id, notification_id = approved(cast)

    with pytest.raises(Invalid, match=f"like a case number of .*{whose}"):
        file(cast, incident_id, notification_id, case_number=number, confirmed=True)

    assert rows(cast, AuthorityFiling) == []


@pytest.mark.parametrize("number", ["2026/442/1", "442-10001", "ic-123456"])
def test_an_unusual_case_number_is_kept_once_somebody_says_that_it_is_right(app, cast, number):
    incident_id, notification_id = approved(cast)
    with pytest.raises(Unusual, match="not written as usual, such as 2021-442-13805"):
        file(cast, incident_id, notification_id, case_number=number)

    file(cast, incident_id, notification_id, case_number=number, confirmed=True)

    (row,) = rows(cast, AuthorityFiling)
    assert (row.case_number, row.number_confirmed) == (number, True)
    assert logged(cast, incident_id, "notification.filed")[0].details["number_confirmed"] is True


def test_a_usual_number_needs_no_confirmation_and_gets_none(app, cast):
    incident_id, notification_id = approved(cast)

    file(cast, incident_id, notification_id, case_number=" 2026\u2011442\u201110001\n", confirmed=True)

    (row,) = rows(cast, AuthorityFiling)
    assert (row.case_number, row.number_confirmed) == (NUMBER, False)


def test_the_number_of_the_receipt_is_told_from_that_of_the_case(app, cast):
    with pytest.raises(Unusual, match="like the Referencenummer, not like the Journalnummer"):
        file(cast, *approved(cast), case_number="0123456789abcdef" * 2 + "01234567")


def test_a_number_that_is_too_long_is_refused_before_the_database_is(app, cast):
    with pytest.raises(Invalid, match="more than 80 signs"):
        file(cast, *approved(cast), case_number="2" * 81, confirmed=True)


def test_of_an_authority_whose_numbers_are_not_known_only_those_of_others_are_asked_about(app):
    assert numbers.check("TSV/12/2026", "fi-tietosuoja", confirmed=False) is False
    with pytest.raises(Unusual, match="Information Commissioner"):
        numbers.check("IC-123456-A1B2", "fi-tietosuoja", confirmed=False)
    assert numbers.check("IC-123456-A1B2", "fi-tietosuoja", confirmed=True) is True


@pytest.mark.parametrize("authority", authorities.all_authorities(), ids=lambda each: each.key)
def test_every_authority_knows_its_own_numbers(app, authority):
    if authority.case_number:
        assert numbers.check(authority.case_number.example, authority.key, confirmed=False) is False


# --- receipts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "application/pdf"), (b"\xef\xbb\xbf\n%PDF-1.4", "application/pdf"), (PNG, "image/png"),
        (JPEG, "image/jpeg"), (EML, "message/rfc822"), (HTML, "text/html"),
        (b"\xef\xbb\xbf<html>", "text/html"), ("Kvittering æøå".encode(), "text/plain"),
        ("Kvittering æøå".encode("cp1252"), "text/plain"), ("Tak for æ".encode("utf-16"), "text/plain"),
        (b"Subject: a note of mine\n\nfiled", "text/plain"), (b"From: me\nnothing", "text/plain"),
    ],
)  # fmt: skip
def test_a_receipt_is_what_its_content_is_whatever_its_name_says(data, kind):
    assert receipts.check(Proof("kvittering.exe", data)) == kind


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"), (b" \r\n", "empty file"), (b"PK\x03\x04\x14\x00docx", "no PDF"),
        (b"MZ\x90\x00\x03", "no PDF"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "no PDF"),
        (b"\x00" * 20, "no PDF"),
        (b"%PDF-" + b"x" * receipts.MOST_BYTES, "larger than 10 MiB"), (b"\xff\xfe\x00", "no PDF"),
    ],
)  # fmt: skip
def test_an_empty_a_large_and_a_strange_file_are_refused_and_nothing_is_filed(app, cast, data, why):
    incident_id, notification_id = approved(cast)

    with pytest.raises(Invalid, match=why):
        file(cast, incident_id, notification_id, receipt=Proof("kvittering.pdf", data))

    assert rows(cast, AuthorityFiling) == []
    assert stored(cast, incident_id, notification_id).state == "approved"


def test_a_page_of_a_thousand_comments_does_not_hold_anybody_up(app):
    assert receipts.media_type(b"<!---->" * 1000 + b"x") == "text/plain"


def test_a_receipt_closes_the_filing_and_not_the_duty_while_parts_are_owed(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id, case_number="", why_no_number="By letter.", receipt=None)
    assert not proofs(cast, incident_id, notification_id).is_closed

    keep(cast, incident_id, notification_id, receipt=Proof("kvittering.pdf", PDF))

    assert proofs(cast, incident_id, notification_id).is_closed
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == "filed_in_part"
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is None


def test_further_receipts_are_added_and_the_same_one_is_kept_once(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    assert keep(cast, incident_id, notification_id, receipt=Proof("svar.eml", EML)) is True
    assert keep(cast, incident_id, notification_id, receipt=Proof("igen.pdf", PDF)) is False

    kept = proofs(cast, incident_id, notification_id)
    assert [(each.number, each.name) for each in kept.receipts] == [(1, "kvittering.pdf"), (2, "svar.eml")]
    assert len(logged(cast, incident_id, "notification.proof_kept")) == 1


def test_a_wrong_number_is_put_right_with_a_reason_and_both_stay(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    keep(cast, incident_id, notification_id, "2026-442-10010", why="A digit was wrong.")

    kept = proofs(cast, incident_id, notification_id)
    assert (kept.case_number, kept.numbers_before) == ("2026-442-10010", [NUMBER])
    assert logged(cast, incident_id, "notification.proof_kept")[0].reason == "A digit was wrong."


def test_the_number_that_is_known_is_not_added_again(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    assert keep(cast, incident_id, notification_id, NUMBER) is False
    with pytest.raises(Invalid, match="Nothing was added"):
        keep(cast, incident_id, notification_id, " ")


def test_a_number_told_later_is_held_to_the_same_patterns(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id, case_number="", why_no_number="By letter.")

    with pytest.raises(Invalid, match="ICO"):
        keep(cast, incident_id, notification_id, "IC-123456-A1B2", confirmed=True)
    with pytest.raises(Unusual):
        keep(cast, incident_id, notification_id, "7")


def test_the_step_for_the_receipt_ends_when_every_filing_has_one(app, cast):
    incident_id, danish = approved(cast)
    file(cast, incident_id, danish, case_number="", why_no_number="By letter.", receipt=None)
    british = draft(cast, incident_id, BRITISH)
    edit(cast, incident_id, british)
    approve(cast, incident_id, british)
    file(cast, incident_id, british, case_number="IC-100000-A1B2", receipt=None)
    assert running(cast, incident_id) != set()

    keep(cast, incident_id, danish, NUMBER)

    assert running(cast, incident_id) == set()


# --- pages --------------------------------------------------------------------------------------


def local():
    return utcnow().astimezone(HERE).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize("kind", ["json", "pdf"])
def test_what_was_filed_is_downloaded_as_it_was_filed(app, cast, signed_in, kind):
    incident_id, notification_id = approved(cast)
    browser = signed_in(people.DORTHE)
    pack = f"{address(incident_id, notification_id)}/filed.{kind}"
    assert browser.get(pack).status_code == 404
    file(cast, incident_id, notification_id)

    answer = browser.get(pack)

    (row,) = rows(cast, AuthorityFiling)
    assert sha256(answer.data).hexdigest() == getattr(row, f"pack_{kind}_sha256")
    assert f"dk-datatilsynet-1.{kind}" in answer.headers["Content-Disposition"]
    assert browser.get(f"{address(incident_id, notification_id)}/proofs/{new_id()}").status_code == 404


def test_an_unusual_number_is_asked_back_and_what_was_typed_stays(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    place, browser = address(incident_id, notification_id, "/filing"), signed_in(people.DORTHE)
    assert 'name="confirmed"' not in browser.get(place).text
    form = {"filed_at": local(), "case_number": "2026/7", "channel": "telephone"}

    asked = browser.post(place, data=form)
    answer = browser.post(place, data=form | {"confirmed": "yes"})

    assert asked.status_code == 422
    assert all(each in asked.text for each in ('name="confirmed"', 'value="2026/7"', 'telephone" selected'))
    assert answer.status_code == 303
    assert rows(cast, AuthorityFiling)[0].case_number == "2026/7"


def test_proof_that_cannot_be_is_shown_on_the_page_of_the_filing(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id, case_number="", why_no_number="By letter.", receipt=None)
    browser, place = signed_in(people.DORTHE), address(incident_id, notification_id)

    refused = browser.post(f"{place}/proofs", data={"receipt": (BytesIO(b""), "tom.pdf")})
    kept = browser.post(
        f"{place}/proofs", data={"receipt": (BytesIO(PNG), "skærm.png"), "case_number": NUMBER}
    )

    assert (refused.status_code, kept.status_code) == (422, 303)
    assert "empty file" in refused.text
    page = browser.get(place).text
    assert "skærm.png" in page
    assert NUMBER in page


def test_a_draft_says_on_the_page_of_its_filing_that_it_must_be_approved(app, cast, signed_in):
    incident_id, notification_id = drafted(cast)

    page = signed_in(people.DORTHE).get(address(incident_id, notification_id, "/filing"))

    assert "before a named person has approved" in page.text
    assert "Record the filing" not in page.text


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (people.ASTRID, (True, False, False, True)),  # responder
        (people.DORTHE, (True, True, True, True)),  # DPO
        (people.NILS, (False, False, False, True)),  # auditor
        (people.OLGA, (False, False, False, False)),  # administrator
        (people.ESKIL, (False, False, False, False)),  # of another organisation
    ],
)
def test_who_may_prepare_who_may_approve_who_may_file(app, cast, signed_in, who, may):
    prepares, approves, files, sees = may
    incident_id, notification_id = drafted(cast)
    browser, place = signed_in(who), address(incident_id, notification_id)

    def done(what, **form):
        return browser.post(f"{place}/{what}", data=form).status_code == 303

    seen = stored(cast, incident_id, notification_id).content_sha256
    assert done("text", seen=seen, to_follow="consequences.impact_types") is prepares
    if not prepares:
        edit(cast, incident_id, notification_id)
    seen = stored(cast, incident_id, notification_id).content_sha256
    assert done("approval", seen=seen) is approves
    if not approves:
        approve(cast, incident_id, notification_id)
    assert done("filing", filed_at=local(), case_number=NUMBER) is files
    if not files:
        file(cast, incident_id, notification_id)
    assert done("proofs", receipt=(BytesIO(PNG), "a.png")) is files
    assert (browser.get(f"{place}/filed.json").status_code == 200) is sees
    assert ('name="filed_at"' in browser.get(place).text) is False


# --- what was there before ----------------------------------------------------------------------


def test_the_first_filing_still_holds_awareness_in_place(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    with acting_for(cast.promark):
        assert clocks.first_filing(desk.incident_of(cast, incident_id)) == "Dorthe Friis"
        assert db.session.scalars(select(AuthorityNotification.state)).all() == ["filed"]
