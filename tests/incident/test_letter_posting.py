"""Who can be told on paper alone is in one letter run, once; posted is what a person says was posted."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import event

from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import genuine, letter_posting, subject_communication
from incident.letter_posting import jobs, making
from incident.models import LetterRun
from tests import pdf_text, people
from tests.incident import desk, on_lists
from tests.incident.on_lists import contact

WINDOW = "nordic-c5"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def around(app, cast):
    on_lists.addressed(cast)


@pytest.fixture
def incident_id(app, cast):
    return desk.assessed(cast)


def asked(cast, incident_id, communication_id, *, window=WINDOW, who=people.DORTHE):
    with desk.working(cast, incident_id) as incident:
        communication = subject_communication.of(incident, communication_id)
        by = desk.person(cast, who)
        return letter_posting.make(incident, communication, window=window, by=by, now=utcnow()).id


def run_of(cast, run_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.get_one(LetterRun, run_id, populate_existing=True)


def files_of(cast, incident_id, run_id):
    with acting_for(cast.promark):
        db.session.rollback()
        incident = desk.incident_of(cast, incident_id)
        _communication, run = letter_posting.of(incident, run_id)
        return [(e, letter_posting.opened(incident, e)) for e in letter_posting.files_of(run)]


def post(cast, incident_id, run_id, *, on=None, carrier="PostNord", why="", now=None):
    now = now or utcnow()
    with desk.working(cast, incident_id) as incident:
        _communication, run = letter_posting.of(incident, run_id)
        return letter_posting.post(
            incident, run, on=on or run.made_on, carrier=carrier, why=why,
            by=desk.person(cast, people.DORTHE), now=now,
        )  # fmt: skip


def take_back(cast, incident_id, run_id, why="The printer broke."):
    with desk.working(cast, incident_id) as incident:
        _communication, run = letter_posting.of(incident, run_id)
        by = desk.person(cast, people.DORTHE)
        letter_posting.take_back(incident, run, why=why, by=by, now=utcnow())


def made(cast, incident_id, *names):
    communication_id, listed = on_lists.told(cast, incident_id, *map(contact, names or ("Søren", "Åse")))
    run_id = asked(cast, incident_id, communication_id)
    jobs.make_letters()
    return communication_id, listed, run_id


def test_everybody_whose_letter_waits_is_in_the_run_and_each_file_has_the_hash_that_is_told(
    cast, incident_id
):
    _communication, listed, run_id = made(cast, incident_id, "Søren Østergård", "Åse Ærø")

    files = files_of(cast, incident_id, run_id)
    run = run_of(cast, run_id)

    assert (run.state, run.letters, run.left_out) == ("made", 2, 0)
    assert [each.kind for each, _data in files] == ["sheet_csv", "sheet_pdf", "letters"]
    assert all(hashlib.sha256(data).hexdigest() == each.sha256 for each, data in files)
    said = pdf_text.read(files[-1][1]).text
    assert "Søren Østergård" in said
    assert all(text.splitlines()[0] in said for text in on_lists.LETTER.values())
    assert "Vi ser efter." in said
    assert "Åse Ærø" in said
    with acting_for(cast.promark):
        assert letter_posting.members_of(run) == listed


def test_files_are_kept_unreadable_and_the_manifest_names_nobody(cast, incident_id):
    _communication, _listed, run_id = made(cast, incident_id, "Zzcanary Qvist")

    files, run = files_of(cast, incident_id, run_id), run_of(cast, run_id)

    assert not any(b"%PDF" in each.data or b"Qvist" in each.data for each, _opened in files)
    assert "Qvist" not in json.dumps(run.manifest)
    assert run.manifest["letters"] == 1
    with everyone():
        entries = [str(vars(e)) for e in desk_entries(cast, incident_id)]
    assert not any("Qvist" in each for each in entries)


def desk_entries(cast, incident_id):
    from foundation import ledger  # noqa: PLC0415

    return ledger.entries(f"incident/{incident_id}")


def test_pressed_twice_there_is_one_run_and_nobody_is_in_two(cast, incident_id):
    communication_id, _listed = on_lists.told(cast, incident_id, contact("Søren"), contact("Åse"))
    first, again = (asked(cast, incident_id, communication_id) for _ in range(2))
    jobs.make_letters()

    with pytest.raises(Refused, match="No letter waits"):
        asked(cast, incident_id, communication_id)
    assert first == again


def test_a_maker_that_dies_after_a_batch_is_followed_by_one_that_goes_on_there(
    cast, incident_id, monkeypatch
):
    monkeypatch.setattr(making, "AT_ONCE", 1)
    names = ["Søren", "Åse", "Øjvind"]
    communication_id, listed = on_lists.told(cast, incident_id, *map(contact, names))
    run_id = asked(cast, incident_id, communication_id)
    with everyone():
        with transaction():
            assert letter_posting.claim(run_id, now=utcnow())
        printed = letter_posting.printable(run_id)
        with transaction():
            assert letter_posting.keep(run_id, printed, now=utcnow())
        with transaction():
            assert not letter_posting.keep(run_id, printed, now=utcnow())  # by one that was thought dead
    assert files_of(cast, incident_id, run_id) == []  # nothing can be taken of half a run
    assert jobs.make_letters() == 0  # its lease still runs

    with everyone(), transaction():
        letter_posting.let_go(run_id, now=utcnow())
    jobs.make_letters()

    run = run_of(cast, run_id)
    assert (run.state, run.letters, run.batches) == ("made", 3, 3)
    with acting_for(cast.promark):
        assert letter_posting.members_of(run) == listed


def test_a_run_that_fails_again_and_again_is_given_up_and_its_letters_wait_for_another(
    cast, incident_id, monkeypatch
):
    communication_id, _listed = on_lists.told(cast, incident_id, contact("Søren"))
    run_id = asked(cast, incident_id, communication_id)
    with monkeypatch.context() as broken:
        broken.setattr(making, "printable", lambda _run: 1 / 0)
        broken.setattr(making, "LEASE", timedelta(0))
        for _time in range(making.TRIES):
            assert jobs.make_letters() == 0
            assert run_of(cast, run_id).state == "making"
        jobs.make_letters()

    assert run_of(cast, run_id).state == "failed"
    assert "5 times" in run_of(cast, run_id).why
    again = asked(cast, incident_id, communication_id)
    jobs.make_letters()
    assert run_of(cast, again).letters == 1


def test_a_letter_that_cannot_be_printed_stops_no_other_and_its_person_is_on_the_manual_list(
    cast, incident_id
):
    communication_id, listed = on_lists.told(
        cast, incident_id, contact("Søren"),
        contact("Uden postnummer", address=("Vej 1", "", "80", "By", "DK")),
        contact("Uden adresse", address=None),
    )  # fmt: skip
    run_id = asked(cast, incident_id, communication_id)
    jobs.make_letters()

    run = run_of(cast, run_id)

    assert (run.letters, run.left_out) == (1, 2)
    assert on_lists.fates(cast, listed) == [
        ("waiting", None), ("manual", "postcode"), ("manual", "no_address"),
    ]  # fmt: skip
    assert run.manifest["left_out"] == {"postcode": 1, "no_address": 1}


def test_a_language_that_nobody_wrote_is_no_letter(cast, incident_id):
    communication_id, listed = on_lists.told(cast, incident_id, contact("Sven"), locale="sv")
    run_id = asked(cast, incident_id, communication_id)
    jobs.make_letters()

    assert on_lists.fates(cast, listed) == [("manual", "no_text")]
    assert run_of(cast, run_id).state == "failed"


def test_letters_are_posted_on_the_day_that_is_told_and_a_mistake_is_mended_by_a_further_entry(
    cast, incident_id
):
    _communication, listed, run_id = made(cast, incident_id)
    later = utcnow() + 3 * DAY
    first = run_of(cast, run_id).made_on

    assert post(cast, incident_id, run_id, on=first, now=later)
    assert not post(cast, incident_id, run_id, on=first, now=later)  # sent twice
    with pytest.raises(Invalid, match="another day"):
        post(cast, incident_id, run_id, on=first + DAY, now=later)
    assert post(cast, incident_id, run_id, on=first + DAY, why="It was collected a day later.", now=later)

    assert {fate for fate, _code in on_lists.fates(cast, listed)} == {"posted"}
    assert run_of(cast, run_id).posted_on == first + DAY
    told = [e for e in desk_entries_of(cast, incident_id) if e.action.startswith("letters.posted")]
    assert [e.action for e in told] == ["letters.posted", "letters.posted_corrected"]
    assert told[1].details["before_on"] == first.isoformat()


def desk_entries_of(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return list(desk_entries(cast, incident_id))


@pytest.mark.parametrize(("away", "carrier"), [(1, "PostNord"), (-1, "PostNord"), (0, "  ")])
def test_nothing_is_posted_in_the_future_nor_before_it_was_made_nor_by_nobody(
    cast, incident_id, away, carrier
):
    _communication, listed, run_id = made(cast, incident_id)
    day = run_of(cast, run_id).made_on + away * DAY

    with pytest.raises(Invalid):
        post(cast, incident_id, run_id, on=day, carrier=carrier)

    assert {fate for fate, _code in on_lists.fates(cast, listed)} == {"waiting"}


def test_a_run_that_was_taken_back_is_never_posted_and_its_letters_wait_again(cast, incident_id):
    communication_id, listed, run_id = made(cast, incident_id)
    take_back(cast, incident_id, run_id)
    again = asked(cast, incident_id, communication_id)
    jobs.make_letters()

    with pytest.raises(Refused, match="taken back"):
        post(cast, incident_id, run_id)
    with acting_for(cast.promark):
        assert letter_posting.members_of(run_of(cast, again)) == listed
    post(cast, incident_id, again)
    with pytest.raises(Refused, match="posted"):
        take_back(cast, incident_id, again)


def test_a_run_taken_back_while_it_is_made_keeps_nothing(cast, incident_id):
    communication_id, _listed = on_lists.told(cast, incident_id, contact("Søren"))
    run_id = asked(cast, incident_id, communication_id)
    take_back(cast, incident_id, run_id)
    jobs.make_letters()

    assert run_of(cast, run_id).state == "failed"
    assert files_of(cast, incident_id, run_id) == []


def test_without_an_address_of_ours_no_letter_is_made(cast, incident_id):
    communication_id, _listed = on_lists.told(cast, incident_id, contact("Søren"))
    on_lists.addressed(cast, "")

    with pytest.raises(Invalid, match="not registered"):
        asked(cast, incident_id, communication_id)


def test_the_reference_on_a_letter_leads_to_its_person_however_it_is_typed(cast, incident_id):
    communication_id, listed, run_id = made(cast, incident_id)
    said = pdf_text.read(files_of(cast, incident_id, run_id)[-1][1]).text

    with acting_for(cast.promark):
        incident = desk.incident_of(cast, incident_id)
        reference = genuine.code_of(communication_id, listed[1])
        assert reference in said
        typed = f" {reference.lower().replace('-', ' ')} "
        assert letter_posting.people_by_reference(incident, typed) == [listed[1]]
        assert letter_posting.people_by_reference(incident, "AAAA-AAAA") == []
    with everyone():
        assert genuine.read(reference) is not None


def test_the_files_of_a_run_can_be_taken_together_by_those_who_may_see_recipients(
    cast, incident_id, signed_in
):
    _communication, _listed, run_id = made(cast, incident_id)
    base = f"/incidents/{incident_id}/letters"
    dorthe = signed_in(people.DORTHE)

    answer = dorthe.get(f"{base}/{run_id}/zip")
    kept = zipfile.ZipFile(io.BytesIO(answer.data))

    assert answer.status_code == 200
    assert kept.testzip() is None
    assert len(kept.namelist()) == 4
    assert json.loads(kept.read("manifest.json"))["letters"] == 2
    assert dorthe.get(base).status_code == dorthe.get(f"{base}/{run_id}").status_code == 200
    assert "letters.downloaded" in desk.actions(cast, incident_id)
    nils = signed_in(people.NILS)
    assert nils.get(f"{base}/{run_id}").status_code == 200
    assert nils.get(f"{base}/{run_id}/zip").status_code == 403


def test_letters_are_read_of_the_database_one_file_at_a_time_and_by_no_page(cast, incident_id, signed_in):
    _communication, _listed, run_id = made(cast, incident_id)
    browser, place, asked_for = signed_in(people.DORTHE), f"/incidents/{incident_id}/letters/{run_id}", []

    def note(_connection, _cursor, statement, *_more):
        asked_for.extend(["data"] * ("letter_run_files.data" in statement))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert browser.get(place).status_code == 200
        assert asked_for == []
        assert browser.get(f"{place}/zip").data
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked_for) == 3
