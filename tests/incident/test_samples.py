"""What is in the data: counts of a sample, and nothing of the sample anywhere afterwards."""

import io
import json
import logging
import tempfile

import openpyxl
import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, utcnow
from foundation.errors import Invalid
from incident.models import Incident
from incident.recipient_lists import samples
from incident.recipient_lists.identifiers import Kind
from tests import people
from tests.incident import desk

CARD = "4571 0000 0000 0001"
MAIL = "zzcanary@example.org"


@pytest.fixture
def incident_id(app, cast):
    return desk.confirmed(cast)


@pytest.fixture
def astrid(app, signed_in):
    return signed_in(people.ASTRID)


def ask(browser, incident_id, text="", file=None):
    told = {"sample": text} | ({"file": (io.BytesIO(file), "sample.csv")} if file is not None else {})
    answer = browser.post(f"/incidents/{incident_id}/sample", data=told, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # a large one is in a file that nobody else closes
    return answer


def looks(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        chain = db.session.get_one(Incident, incident_id).chain
        entries = db.session.scalars(select(ledger.Entry).where(ledger.Entry.chain == chain))
        return [each.details for each in entries if each.action == "sample.looked_at"]


def workbook(*rows, hidden=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if hidden:
        sheet = book.create_sheet("old")
        sheet.sheet_state = "hidden"
        for row in hidden:
            sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_the_answer_is_counts_and_the_record_has_no_value(astrid, cast, incident_id, caplog):
    caplog.set_level(logging.DEBUG)
    answer = ask(astrid, incident_id, f"name,mail\nBo,{MAIL}\nEva,eva@example.org\n")

    assert answer.status_code == 200
    assert "2 found, 2 different" in answer.text
    assert "In the facts: Telephone or e-mail" in answer.text
    assert "zzcanary" not in answer.text + caplog.text
    (entry,) = looks(cast, incident_id)
    assert entry["kinds"] == {"email": {"sure": 2}}
    assert entry["found"] == 2
    assert "zzcanary" not in json.dumps(entry)
    assert "zzcanary" not in astrid.get(f"/incidents/{incident_id}/sample").text


def test_a_file_larger_than_memory_of_forms_makes_no_file_on_disk(astrid, incident_id, monkeypatch):
    def refuse(*_told, **_more):
        raise AssertionError("a file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)

    assert ask(astrid, incident_id, file=f"{MAIL}\n".encode() + b"nothing\n" * 300_000).status_code == 200


def test_a_hidden_sheet_is_looked_at_too():
    data = workbook(["nothing"], hidden=[[MAIL]])

    assert samples.look(data, now=utcnow()).found(Kind.EMAIL) == 1


def test_rows_wider_than_the_first_and_open_quotes_hide_nothing():
    data = f'a;b\n"open;{MAIL}\n1;2;3;x@example.org\n'.encode()

    assert samples.look(data, now=utcnow()).found(Kind.EMAIL) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The sample is empty."),
        (b"\0" * 5000, "The sample is empty."),
        (b"%PDF-1.7 zzcanary", "This is no text and no XLSX file."),
        (bytes(range(32)) * 500, "This is no text and no XLSX file."),
        (b"PK\x03\x04zzcanary", "This file is damaged"),
        (b"a" * (samples.MOST_BYTES + 1), "The sample is larger than 4 MiB."),
    ],
    ids=["empty", "zeros", "pdf", "binary", "broken", "large"],
)
def test_what_is_no_sample_is_refused_in_words_and_noted_nowhere(astrid, cast, incident_id, data, said):
    answer = ask(astrid, incident_id, file=data)

    assert answer.status_code == 422
    assert said in answer.text
    assert "zzcanary" not in answer.text
    assert looks(cast, incident_id) == []


def test_far_too_much_is_refused_with_the_limit(astrid, incident_id):
    answer = ask(astrid, incident_id, file=b"a" * (samples.MOST_BYTES + (2 << 20)))

    assert answer.status_code == 413
    assert "at most 4 MiB" in answer.text


def test_a_line_without_end_is_answered_and_said_to_be_seen_in_part(astrid, incident_id):
    answer = ask(astrid, incident_id, "x" * 1_000_000)

    assert answer.status_code == 200
    assert "some of it was left unseen" in answer.text


def test_zero_bytes_within_text_hide_nothing(astrid, incident_id):
    assert "1 found" in ask(astrid, incident_id, f"a\0b\n{MAIL}\n").text


def test_an_error_of_reading_holds_nothing_of_the_sample(monkeypatch):
    def broken(_data):
        raise ValueError(MAIL)
        yield

    monkeypatch.setattr(samples, "_of_text", broken)
    with pytest.raises(Invalid) as refused:
        samples.look(b"zzcanary", now=utcnow())

    assert refused.value.__context__ is None
    assert refused.value.__cause__ is None


def test_who_may_not_change_facts_may_not_look(signed_in, app, cast, incident_id):
    assert ask(signed_in(people.NILS), incident_id, MAIL).status_code == 403
    assert looks(cast, incident_id) == []


def test_the_page_is_linked_from_facts_and_lists(astrid, incident_id):
    for place in ("facts/new", "recipient-lists"):
        assert f"/incidents/{incident_id}/sample" in astrid.get(f"/incidents/{incident_id}/{place}").text
