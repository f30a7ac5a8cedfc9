"""Letters with authorities: kept as they were, and what they ask is owed in time like everything else."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import correspondence, jobs, merging, register, related, rungs, stages, triage
from incident.correspondence import Written
from incident.models import AuthorityLetter, DutyState, LetterKind
from tests import people
from tests.conftest import DATABASE
from tests.incident import desk

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DANISH, BRITISH = "dk-datatilsynet", "gb-ico"


def question(**changes):
    now = utcnow().replace(microsecond=0)
    asked = Written(
        DANISH, LetterKind.QUESTION, "e-mail", now - HOUR, "How many people?", "Tell us by day.",
        "2026-442-1", now + 10 * DAY,
    )  # fmt: skip
    return replace(asked, **changes)


def keep(cast, incident_id, written, *, by=people.DORTHE):
    with desk.working(cast, incident_id) as incident:
        return correspondence.keep(incident, written, by=desk.person(cast, by), now=utcnow()).id


def about(cast, incident_id, letter_id, kind=LetterKind.ANSWER, **changes):
    now = utcnow().replace(microsecond=0)
    made = Written(DANISH, kind, "e-mail", now, "As asked", "412 people.", about=letter_id)
    return keep(cast, incident_id, replace(made, **changes))


def request_of(cast, incident_id, authority=DANISH):
    return desk.duty_of(cast, incident_id, "authority-request", authority)


def parts_of(cast, incident_id, authority=DANISH):
    with acting_for(cast.promark):
        return stages.of(request_of(cast, incident_id, authority))


def waiting(cast, incident_id, duty):
    with acting_for(cast.promark):
        found = rungs.of_incident(desk.incident_of(cast, incident_id))
        return [e for e in found if e.duty_id == duty.id and not e.sent_at and not e.set_aside_at]


# --- what is asked is owed ------------------------------------------------------------------------


def test_a_question_is_owed_by_the_date_it_names_and_climbs_the_ladder(app, cast, clock):
    incident_id = desk.assessed(cast)
    asked = question()

    keep(cast, incident_id, asked)

    duty = request_of(cast, incident_id)
    assert (duty.state, duty.due_at, duty.starts_at) == (DutyState.OPEN, asked.due_at, asked.written_at)
    assert {each.counts_to for each in waiting(cast, incident_id, duty)} == {asked.due_at}
    assert any(each.page for each in waiting(cast, incident_id, duty)), "who is on call hears of it at last"
    clock.move(days=9, hours=23, minutes=10)
    assert jobs.remind_of_duties() > 0
    with acting_for(cast.promark):
        spoken = [e for e in ledger.entries(f"incident/{incident_id}") if e.action == "duties.paged"]
    assert "authority-request" in {each["regime"] for each in spoken[-1].details["duties"]}


def test_our_answer_meets_it_and_how_late_it_was_is_frozen(app, cast, clock):
    incident_id = desk.assessed(cast)
    asked = question(due_at=utcnow().replace(microsecond=0) + HOUR)
    letter = keep(cast, incident_id, asked)
    clock.move(hours=3)

    at = utcnow().replace(microsecond=0)
    about(cast, incident_id, letter, written_at=at)

    duty = request_of(cast, incident_id)
    assert (duty.state, duty.met_at, duty.late_by) == (DutyState.MET, at, at - asked.due_at)
    assert waiting(cast, incident_id, duty) == []
    with pytest.raises(Refused, match="any more"):
        about(cast, incident_id, letter, subject="Once more", written_at=at)


def test_a_second_question_is_a_part_of_its_own_and_the_duty_is_owed_until_both_are_answered(app, cast):
    incident_id = desk.assessed(cast)
    first = keep(cast, incident_id, question())
    second = keep(cast, incident_id, question(subject="And where?", due_at=utcnow() + 2 * DAY))

    about(cast, incident_id, second)
    assert request_of(cast, incident_id).state == DutyState.FILED_IN_PART
    about(cast, incident_id, first)

    assert request_of(cast, incident_id).state == DutyState.MET
    assert [each.filed_at is not None for each in parts_of(cast, incident_id)] == [True, True]


def test_what_is_asked_after_everything_was_answered_is_owed_again(app, cast):
    incident_id = desk.assessed(cast)
    about(cast, incident_id, keep(cast, incident_id, question()))
    late = request_of(cast, incident_id).late_by

    later = question(kind=LetterKind.ORDER, subject="Erase the copies", due_at=utcnow() + 3 * DAY)
    keep(cast, incident_id, later)

    duty = request_of(cast, incident_id)
    assert (duty.state, duty.met_at, duty.late_by) == (DutyState.FILED_IN_PART, None, late)
    assert {each.counts_to for each in waiting(cast, incident_id, duty)} == {later.due_at}
    assert desk.incident_of(cast, incident_id).next_due_at <= later.due_at


def test_what_names_no_date_ages_and_what_gets_another_date_follows_it(app, cast):
    incident_id = desk.assessed(cast)
    letter = keep(cast, incident_id, question(due_at=None))
    duty = request_of(cast, incident_id)
    assert [each.kind for each in waiting(cast, incident_id, duty)] == ["ageing"]

    until = utcnow().replace(microsecond=0) + 20 * DAY
    about(cast, incident_id, letter, LetterKind.EXTENSION, due_at=until)

    duty = request_of(cast, incident_id)
    assert (duty.state, duty.due_at) == (DutyState.OPEN, until)
    assert {each.counts_to for each in waiting(cast, incident_id, duty)} == {until}


def test_a_question_that_is_taken_back_is_owed_no_more_and_was_not_late(app, cast, clock):
    incident_id = desk.assessed(cast)
    letter = keep(cast, incident_id, question(due_at=utcnow() + HOUR))
    clock.move(hours=5)

    about(cast, incident_id, letter, LetterKind.TAKEN_BACK)

    (part,) = parts_of(cast, incident_id)
    assert (request_of(cast, incident_id).state, part.late_by) == (DutyState.MET, timedelta())


def test_clocks_that_move_move_no_date_that_an_authority_named(app, cast):
    incident_id = desk.assessed(cast)
    asked = question()
    keep(cast, incident_id, asked)
    with desk.working(cast, incident_id) as incident:
        at = incident.aware_at - 5 * HOUR
        triage.fix_awareness(
            incident, at, reason="Seen in the log.", after=1, by="Dorthe Friis", now=utcnow()
        )

    assert request_of(cast, incident_id).due_at == asked.due_at
    assert [each.due_at for each in parts_of(cast, incident_id)] == [asked.due_at]


def test_who_is_owed_an_answer_stops_closing_and_rejecting(app, cast):
    incident_id = desk.assessed(cast)
    keep(cast, incident_id, question())

    with desk.working(cast, incident_id) as incident:
        assert any("58(1)" in each for each in triage.hindrances(incident).open_ones)
    with pytest.raises(Refused, match="waits for an answer"), desk.working(cast, incident_id) as incident:
        triage.reject(incident, reason="A test.", by="Dorthe Friis", now=utcnow())


def test_a_merged_incident_brings_its_letters_and_what_they_ask(app, cast):
    carrier, carried = desk.assessed(cast), desk.assessed(cast, reference="HC-2")
    keep(cast, carrier, question())
    letter = keep(cast, carried, question(subject="And this one?", due_at=utcnow() + 2 * DAY))
    with acting_for(cast.promark), transaction():
        rows = related.lock(cast.promark, [carried, carrier])
        by = desk.person(cast, people.DORTHE)
        merging.merge(rows[carried], rows[carrier], reason="One breach.", by=by, now=utcnow())

    assert len([each for each in parts_of(cast, carrier) if each.filed_at is None]) == 2
    with pytest.raises(Refused, match="was merged"):
        keep(cast, carried, question(subject="Another"))
    about(cast, carrier, letter)

    assert request_of(cast, carrier).state == DutyState.FILED_IN_PART
    assert len([each for each in parts_of(cast, carrier) if each.filed_at is None]) == 1


# --- kept as it was -------------------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_letter(app, cast):
    incident_id = desk.assessed(cast)
    asked = question()

    assert keep(cast, incident_id, asked) == keep(cast, incident_id, asked)

    assert len(parts_of(cast, incident_id)) == 1


@pytest.mark.parametrize(
    "changes", [{"due_at": utcnow().replace(microsecond=0) + 3 * DAY}, {"due_at": None}, {"reference": ""}]
)
def test_a_letter_with_another_date_or_case_number_is_another_letter(app, cast, changes):
    incident_id = desk.assessed(cast)
    asked = question()

    assert keep(cast, incident_id, asked) != keep(cast, incident_id, replace(asked, **changes))

    assert len(parts_of(cast, incident_id)) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"subject": " "}, "in a line"), ({"subject": "x" * 201}, "at most 200"),
        ({"text": "x" * 20_001}, "at most 20000"), ({"channel": "pigeon"}, "came or went"),
        ({"authority": "atlantis"}, "which authority"), ({"reference": "9" * 81}, "at most 80"),
        ({"file_name": "scan.pdf", "file": b""}, "empty"),
        ({"file_name": "scan.pdf", "file": b"MZ\x90\x00\x03"}, "no PDF"),
        ({"reference": "IMY-2026-1234"}, "IMY"),
        ({"written_at": utcnow() + 2 * DAY, "due_at": None}, "future"),
        ({"due_at": utcnow() - 2 * DAY}, "before the letter"),
        ({"kind": LetterKind.INFORMATION}, "Only what asks"),
        ({"kind": LetterKind.ANSWER, "due_at": None}, "which letter"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_reason_and_nothing_is_kept(app, cast, changes, why):
    incident_id = desk.assessed(cast)

    with pytest.raises(Invalid, match=why):
        keep(cast, incident_id, question(**changes))

    with acting_for(cast.promark):
        assert correspondence.of_incident(desk.incident_of(cast, incident_id)) == []


def test_an_answer_to_one_authority_answers_no_other(app, cast):
    incident_id = desk.assessed(cast)
    letter = keep(cast, incident_id, question())

    with pytest.raises(Invalid, match="this authority"):
        about(cast, incident_id, letter, authority=BRITISH)

    assert request_of(cast, incident_id).state == DutyState.OPEN


EMPTIED = ["TRUNCATE authority_letters"] if DATABASE == "postgresql" else []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE authority_letters SET due_at = NULL", "UPDATE authority_letters SET text_sha256 = 'x'",
        "DELETE FROM authority_letters", *EMPTIED,
    ],
)  # fmt: skip
def test_the_database_itself_refuses_to_change_or_remove_a_letter(app, cast, change):
    incident_id = desk.assessed(cast)
    keep(cast, incident_id, question())

    with everyone(), Session(db.engine) as other, pytest.raises(DatabaseError, match="stays as it was"):
        other.execute(text(change))


def test_what_a_letter_says_is_held_by_its_hash_in_the_row_and_in_the_record(app, cast):
    incident_id = desk.assessed(cast)
    letter_id = keep(cast, incident_id, question())

    with acting_for(cast.promark):
        letter = correspondence.of(desk.incident_of(cast, incident_id), letter_id)
        (entry,) = [e for e in ledger.entries(f"incident/{incident_id}") if e.action == "letter.received"]
    assert letter.text_sha256 == sha256(b"How many people?\nTell us by day.").hexdigest()
    assert entry.details["text_sha256"] == letter.text_sha256


def test_the_record_tells_of_each_letter(app, cast):
    incident_id = desk.assessed(cast)
    about(cast, incident_id, keep(cast, incident_id, question()))

    with acting_for(cast.promark):
        lines = {e.action: e for e in register.record(desk.incident_of(cast, incident_id))}

    assert "Danish" in lines["letter.received"].text
    assert lines["letter.sent"].details["about"] == 1


# --- on the page ----------------------------------------------------------------------------------


def typed(**changes):
    at = utcnow().replace(microsecond=0) - 3 * HOUR
    return {
        "kind": "question", "authority": DANISH, "channel": "e-mail", "written_at": f"{at:%Y-%m-%dT%H:%M}",
        "subject": "How many people?", "text": "", "reference": "", "due_on": f"{at + 9 * DAY:%Y-%m-%d}",
    } | changes  # fmt: skip


def test_a_letter_is_kept_with_its_file_and_given_back_byte_by_byte(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    page = f"/incidents/{incident_id}/correspondence"
    browser = signed_in(people.DORTHE)
    scan = b"%PDF-1.7 a letter"

    form = typed(file=(BytesIO(scan), "../brev.pdf"))
    assert browser.post(f"{page}/new", data=form).status_code == 303

    with everyone():
        letter = db.session.scalars(select(AuthorityLetter)).one()
        local = letter.due_at.astimezone(tz=None)
        assert local.minute == 59, "the whole last day counts"
    sent = browser.get(f"{page}/{letter.id}/file")
    assert (sent.data, sent.mimetype) == (scan, "application/octet-stream")
    assert "brev.pdf" in sent.headers["Content-Disposition"]
    assert "How many people?" in browser.get(page).text


def test_what_is_refused_is_shown_with_what_was_typed(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    browser = signed_in(people.DORTHE)

    answer = browser.post(
        f"/incidents/{incident_id}/correspondence/new", data=typed(written_at="", text="Æble")
    )

    assert answer.status_code == 422
    assert "Æble" in answer.text
    assert "Say when it came or went" in answer.text


def test_who_may_not_file_may_keep_a_question_but_not_end_one(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    letter = keep(cast, incident_id, question())
    page = f"/incidents/{incident_id}/correspondence/new"
    astrid = signed_in(people.ASTRID)

    assert astrid.post(page, data=typed(subject="A second one")).status_code == 303
    answer = typed(kind="answer", about=str(letter), due_on="")
    assert astrid.post(page, data=answer).status_code == 403
    assert signed_in(people.DORTHE).post(page, data=answer | {"written_at": f"{utcnow():%Y-%m-%dT%H:%M}"})

    assert astrid.get(page).status_code == 200
    assert 'value="answer"' not in astrid.get(page).text
