"""A list is read whole or not at all: each row once, whoever dies, whoever reads it as well."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select

from foundation import encryption, ledger, queue
from foundation.database import acting_for, database_now, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import jobs
from incident.access import locked_incident
from incident.lists import contacts, files, keys, leases, reading, uploading
from incident.lists.keys import Damaged, Forgotten
from incident.models import IncidentKey, ListState, Recipient, RecipientList
from tests import people
from tests.incident import desk, lists
from tests.incident.test_recipient_tables import repacked, sheet, workbook

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 10)


@pytest.fixture
def incident_id(app, cast):
    return desk.confirmed(cast)


def told(list_id):
    """Every row as read, without what is new each time."""
    return [(each.line, each.sha256, each.email_key, each.locale) for each in lists.rows(list_id)]


def test_every_row_is_a_person_or_has_a_fault(cast, incident_id):
    made = lists.read(cast, incident_id, [
        *lists.many(25), lists.row("Nobody"), lists.row("", "x@kunde.example"),
        lists.row("Two", "a@x.example;b"), lists.row("Rewritten", "", "4,52E+09"),
    ])  # fmt: skip

    kept = lists.of(made)
    out = {each.line for each in lists.faults(made) if each.keeps_out}
    assert kept.state == ListState.READ
    assert (kept.people, kept.faulty) == (25, 4)
    assert {each.line for each in lists.rows(made)} | out == set(range(2, 31))
    assert kept.bytes_read == kept.file_bytes
    assert not files.path_of(made).exists()


def test_of_many_faults_it_is_said_first_which_kinds_there_are(cast, incident_id, signed_in):
    wrong = [lists.row("Nobody") for _ in range(101)]
    made = lists.read(cast, incident_id, [*wrong, lists.row("Rewritten", "", "4,52E+09")])

    page = signed_in(people.ASTRID).get(f"/incidents/{incident_id}/recipient-lists/{made}").text

    assert "101 × there is neither" in page
    assert page.index("101 ×") < page.index("1 × a spreadsheet has rewritten")


@pytest.mark.parametrize("killed_in", [1, 2, 3])
@pytest.mark.parametrize("when", ["before the rows", "after the rows"])
def test_a_reader_killed_in_a_part_is_followed_by_one_that_reads_the_same_rows_once(
    cast, incident_id, monkeypatch, killed_in, when
):
    lines = [*lists.many(3), lists.row("Nobody"), *lists.many(32, 50)]
    whole = lists.read(cast, incident_id, lines)
    wanted, digest = told(whole), lists.of(whole).rows_sha256
    lists.withdraw(cast, incident_id, whole)
    lists.work()
    made = lists.chosen(cast, incident_id, lines)
    insert, calls = reading.insert_ready, []

    def dies(*bound):
        calls.append(1)
        if len(calls) == killed_in and when == "before the rows":
            raise Killed
        insert(*bound)
        if len(calls) == killed_in:
            raise Killed

    monkeypatch.setattr(reading, "insert_ready", dies)
    with everyone(), pytest.raises(Killed):
        reading.read_on(made)
    monkeypatch.setattr(reading, "insert_ready", insert)
    kept = lists.of(made)
    assert kept.people + kept.faulty == (killed_in - 1) * 10
    assert len(lists.rows(made)) == kept.people
    end_leases(made)
    lists.work()

    assert told(made) == wanted
    assert lists.of(made).rows_sha256 == digest
    assert len(lists.faults(made)) == 1


def end_leases(list_id):
    with everyone(), transaction():
        db.session.get_one(uploading.RecipientList, list_id).lease_until = None


def test_who_was_stopped_between_reading_and_folding_folds_all_the_same(cast, incident_id, monkeypatch):
    made = lists.chosen(cast, incident_id, [*lists.many(12), *lists.many(12)])
    with monkeypatch.context() as patch, everyone():
        patch.setattr(reading.folding, "_write", lambda _found: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            reading.read_on(made)
    end_leases(made)
    lists.work()

    assert (lists.of(made).people, lists.of(made).folded) == (24, 12)


def test_a_round_that_ends_goes_on_in_the_next(cast, incident_id):
    made = lists.chosen(cast, incident_id, lists.many(25))
    with everyone():
        assert reading.read_on(made, seconds=0)
        assert lists.of(made).lines_read == 11
        assert 0 < lists.of(made).bytes_read <= lists.of(made).file_bytes
    lists.work()

    assert [each.line for each in lists.rows(made)] == list(range(2, 27))


def test_a_round_gives_back_the_room_that_it_made_for_itself(cast, incident_id):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has its room to itself")
    made = lists.chosen(cast, incident_id, lists.many(25))
    with everyone():
        assert reading.read_on(made, seconds=0)
        first = [db.engine.connect() for _each in range(3)]  # whoever comes next, whichever they are given
        kept = [each.exec_driver_sql("PRAGMA cache_size").scalar() for each in first]
        for each in first:
            each.close()

    assert kept == [-2000] * 3


def test_the_clock_begins_at_once_and_rests_for_no_round_in_between(cast, incident_id, monkeypatch):
    bell, rounds = queue.BELL + queue.LISTS, 0
    queue.server().delete(bell)
    monkeypatch.setattr(reading.read_on, "__kwdefaults__", {"seconds": 0})
    made = lists.chosen(cast, incident_id, lists.many(25))

    while queue.server().delete(bell):  # it was rung
        jobs.read_lists()
        rounds += 1

    assert rounds > 1
    assert lists.of(made).state == ListState.READ


def test_two_readers_at_once_read_it_once(app, cast, incident_id):
    made = lists.chosen(cast, incident_id, lists.many(95))

    def read_it(_):
        with app.app_context(), everyone():
            try:
                return reading.read_on(made)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_it, range(4)))
    lists.work()

    assert [each.line for each in lists.rows(made)] == list(range(2, 97))


def test_a_reader_that_wakes_too_late_writes_nothing(cast, incident_id, clock):
    made = lists.chosen(cast, incident_id, lists.many(25))
    with everyone():
        late = leases.claim(made)
        assert leases.claim(made) is None
        clock.move(minutes=2)
        assert leases.claim(made) is not None
        with pytest.raises(leases.Lost), transaction():
            late.hold(ListState.READING, people=10)

    assert lists.of(made).people == 0


def test_a_list_withdrawn_while_it_is_read_leaves_nobody_behind(cast, incident_id):
    other = lists.read(cast, incident_id, lists.many(3))
    made = lists.chosen(cast, incident_id, lists.many(45, 100))
    with everyone():
        reading.read_on(made, seconds=0)
    assert lists.withdraw(cast, incident_id, made)
    assert not lists.withdraw(cast, incident_id, made)
    lists.work()

    assert lists.of(made).state == ListState.WITHDRAWN
    assert lists.rows(made) == lists.faults(made) == []
    assert len(lists.rows(other)) == 3
    assert not files.path_of(made).exists()


def test_a_part_that_was_under_way_when_the_list_was_withdrawn_is_not_kept(cast, incident_id, monkeypatch):
    made = lists.chosen(cast, incident_id, lists.many(45))
    following = reading.Reading.next
    asked = []

    def withdraws(self, rows):
        asked.append(1)
        if len(asked) == 2:
            lists.withdraw(cast, incident_id, made)
        return following(self, rows)

    monkeypatch.setattr(reading.Reading, "next", withdraws)
    with everyone():
        reading.read_on(made)
    assert len(lists.rows(made)) == 10
    lists.work()

    assert lists.rows(made) == []


def test_rows_that_a_filter_hides_are_read_and_it_is_said_that_they_are_hidden(
    app, cast, incident_id, signed_in
):
    cells = '<c t="inlineStr"><is><t>{}</t></is></c>' * 2
    rows = '<row r="1">{}</row><row r="2">{}</row><row r="3" hidden="1">{}</row>'.format(
        cells.format("name", "e-mail"), cells.format("Ida", "ida@kunde.example"),
        cells.format("Ole", "ole@kunde.example"),
    )  # fmt: skip
    made = lists.sent(cast, incident_id, repacked(workbook(["x"]), sheet=sheet(rows)))
    browser, place = signed_in(people.DORTHE), f"/incidents/{incident_id}/recipient-lists/{made}"
    assert "Of the first rows 1 is hidden in the file." in browser.get(place).text

    lists.choose(cast, incident_id, made, fields=("name", "email"))
    lists.work()

    assert [each.line for each in lists.rows(made)] == [2, 3]
    assert [(each.line, each.code, each.keeps_out) for each in lists.faults(made)] == [(3, "hidden", False)]
    assert "1 row is hidden in the file." in browser.get(place).text


def test_a_list_of_another_kind_is_refused_when_it_is_looked_at(cast, incident_id):
    made = lists.sent(cast, incident_id, b"%PDF-1.7 ...", name="people.csv")

    with everyone(), pytest.raises(Invalid, match="PDF"):
        uploading.sample(lists.of(made))


def test_choosing_columns_opens_no_file_while_the_incident_is_locked_and_twice_is_once(
    app, cast, incident_id, signed_in, monkeypatch
):
    made = lists.sent(cast, incident_id, lists.many(3))
    form = {f"col-{at}": field for at, field in enumerate(lists.FIELDS)}
    form |= {"header": "yes", "country": "DK", "locale": "da"}
    browser, place = signed_in(people.DORTHE), f"/incidents/{incident_id}/recipient-lists/{made}/columns"

    def locked(incident_id):
        monkeypatch.setattr(files, "open", None)
        return locked_incident(incident_id)

    with monkeypatch.context() as only_here:
        only_here.setattr("incident.views.recipient_lists.locked_incident", locked)
        assert browser.post(place, data=form).status_code == 303
    monkeypatch.undo()
    lists.work()

    assert browser.post(place, data=form).status_code == 303
    assert lists.of(made).people == 3


def test_a_file_that_is_gone_before_it_was_read_makes_a_refused_list_and_no_half(cast, incident_id):
    made = lists.chosen(cast, incident_id, lists.many(45))
    with everyone():
        reading.read_on(made, seconds=0)
    files.path_of(made).unlink()
    lists.work()

    assert lists.of(made).state == ListState.REFUSED
    assert lists.of(made).why
    assert lists.rows(made) == []


def test_zero_bytes_and_long_names_are_faults_of_their_rows(cast, incident_id):
    made = lists.read(cast, incident_id, [
        lists.row("Id\0a", "ida@kunde.example"), lists.row("x" * 10_000, "x@kunde.example"),
        *lists.many(2), lists.row("עִדָּה", "he@kunde.example"),
    ])  # fmt: skip

    assert [each.line for each in lists.rows(made)] == [4, 5, 6]
    assert {each.line for each in lists.faults(made) if each.keeps_out} == {2, 3}


def test_what_is_wrong_with_a_column_nobody_reads_keeps_nobody_out(cast, incident_id):
    data = b"name;e-mail;remark\nIda;ida@kunde.example;\0\n"
    made = lists.read(cast, incident_id, data, fields=("name", "email", ""))

    assert [each.line for each in lists.rows(made)] == [2]


def test_the_ledger_says_what_happened_and_names_nobody(cast, incident_id):
    made = lists.read(cast, incident_id, [lists.row("Ida Ørsted", "ida@kunde.example")])
    lists.withdraw(cast, incident_id, made)

    with everyone():
        entries = [
            each for each in ledger.entries(lists.incident(incident_id).chain) if "list" in each.details
        ]
        assert ledger.verify() == []
    assert [each.action for each in entries] == [
        "list.uploaded", "list.chosen", "list.read", "list.withdrawn"
    ]  # fmt: skip
    assert "ida" not in str([(each.details, each.reason) for each in entries]).casefold()


# --- sealed -------------------------------------------------------------------------------------


def test_nothing_of_a_person_is_readable_on_disk_or_in_the_database(cast, incident_id):
    made = lists.chosen(cast, incident_id, lists.many(3))
    assert b"kunde" not in files.path_of(made).read_bytes()
    lists.work()

    with everyone():
        key = keys.key_of(incident_id)
        first = lists.rows(made)[0]
        assert b"kunde" not in first.sealed
        assert contacts.contact_of(first, key).email == "p0@kunde.example"


def test_a_file_is_read_from_any_place_and_a_changed_one_is_damaged(cast, incident_id):
    data = bytes(range(256)) * 1024
    made = lists.sent(cast, incident_id, data)

    with everyone():
        with files.open(lists.of(made)) as file:
            assert file.seek(0, 2) == len(data)
            for at in (0, 65_535, 65_536, 100_001, len(data) - 3):
                file.seek(at)
                assert file.read(70_000) == data[at : at + 70_000]
        path = files.path_of(made)
        whole = path.read_bytes()
        for broken in (whole[:-65_552], whole[:100] + b"x" + whole[101:], b"plain"):
            path.write_bytes(broken)
            with pytest.raises(Damaged), files.open(lists.of(made)) as file:
                file.read()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 131_072])
def test_files_of_every_size_come_back_as_they_were(cast, incident_id, size):
    made = lists.sent(cast, incident_id, b"x" * size)

    with everyone(), files.open(lists.of(made)) as file:
        assert file.read() == b"x" * size


def test_a_file_that_is_too_large_leaves_nothing_behind(cast, incident_id, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    with acting_for(cast.promark):
        before = set(files.folder().glob("*"))
        with pytest.raises(Invalid, match="2 GiB"):
            uploading.receive(incident_id, BytesIO(b"x" * 1001))
        assert set(files.folder().glob("*")) == before


def test_when_the_key_is_destroyed_addresses_are_gone_and_who_was_told_is_known(cast, incident_id):
    made = lists.read(cast, incident_id, lists.many(3))
    with everyone(), transaction():
        incident = db.session.get_one(uploading.Incident, incident_id)
        assert keys.destroy(incident, why="kept long enough", by="Astrid Holm", now=utcnow())
        assert not keys.destroy(incident, why="kept long enough", by="Astrid Holm", now=utcnow())

    with everyone():
        with pytest.raises(Forgotten):
            keys.key_of(incident_id)
        hashed = keys.hashes_of(incident_id).hash("email", "p1@kunde.example")
        assert hashed == lists.rows(made)[1].email_key


def test_after_the_keys_of_the_installation_were_changed_everything_still_opens(cast, incident_id):
    made = lists.read(cast, incident_id, lists.many(2))
    older = encryption.keyring.keys
    newest = encryption.Fernet.generate_key().decode()
    with everyone():
        before = keys.hashes_of(incident_id).hash("email", "p1@kunde.example")
        encryption.keyring.use((newest, *older))
        with transaction():
            encryption.reencrypt(db.session, IncidentKey)
        encryption.keyring.use((newest,))
        key = keys.key_of(incident_id)

        assert contacts.contact_of(lists.rows(made)[1], key).name == "Person 1"
        assert key.hash("email", "p1@kunde.example") == before


def test_columns_nobody_could_be_told_by_are_asked_for_again_where_they_are_chosen(
    cast, incident_id, signed_in
):
    list_id = lists.sent(cast, incident_id, b"Who;Post\nOle;ole@kunde.example\n")
    form = {"col-0": "", "col-1": "email", "header": "yes", "country": "DK", "locale": "da"}

    place = f"/incidents/{incident_id}/recipient-lists/{list_id}"
    answer = signed_in(people.ASTRID).post(f"{place}/columns", data=form)

    assert answer.status_code == 422
    assert "No column holds the name" in answer.text
    assert 'value="email" selected' in answer.text
    assert "Read the list" in answer.text


def test_choosing_twice_is_once_and_otherwise_is_refused(cast, incident_id):
    made = lists.chosen(cast, incident_id, lists.many(2))
    lists.choose(cast, incident_id, made)

    with pytest.raises(Refused, match="chosen already"):
        lists.choose(cast, incident_id, made, country="SE")


def test_memory_holds_one_part_however_long_the_list_is(cast, incident_id, monkeypatch):
    held = []
    part = reading.Part.ready

    def counted(self):
        held.append(len(self.people) + len(self.faults))
        return part(self)

    monkeypatch.setattr(reading.Part, "ready", counted)
    lists.read(cast, incident_id, lists.many(205))

    assert max(held) == 10
    assert sum(held) == 205


def test_a_file_that_no_list_waits_for_is_removed_after_a_day(cast, incident_id, clock):
    with acting_for(cast.promark):
        stray = uploading.receive(incident_id, BytesIO(b"x"))
    kept = lists.sent(cast, incident_id, lists.many(1))
    with everyone():
        uploading.remove_strays(utcnow())
        assert files.path_of(stray.id).exists()
        clock.move(hours=25)
        uploading.remove_strays(utcnow())

    assert not files.path_of(stray.id).exists()
    assert files.path_of(kept).exists()


def test_lists_of_one_incident_are_read_one_after_the_other(cast, incident_id):
    first = lists.chosen(cast, incident_id, lists.many(2))
    lists.chosen(cast, incident_id, lists.many(2, 10))

    with everyone():
        assert reading.due(database_now()) == [first]
    lists.work()
    with everyone():
        assert db.session.scalar(select(func.count()).select_from(Recipient)) == 4


def test_who_astrid_is_stands_by_the_list(cast, incident_id):
    made = lists.sent(cast, incident_id, lists.many(1), name="C:\\temp\\li\nst.csv", who=people.DORTHE)

    assert lists.of(made).file_name == "list.csv"
    assert lists.of(made).uploaded_by_id == cast.staff[people.DORTHE]


@pytest.mark.parametrize(
    ("read", "left"), [(0, None), (250, timedelta(minutes=3)), (1000, timedelta()), (1001, timedelta())]
)
def test_how_long_a_file_is_still_read_is_told_by_its_pace(read, left):
    kept = RecipientList(state=ListState.READING, file_bytes=1000, bytes_read=read, ready_at=NOW)

    assert kept.time_left(NOW + timedelta(minutes=1)) == left


def test_a_list_names_only_whom_it_adds():
    kept = RecipientList(people=433, folded=1, taken_out=2)

    assert kept.told_once == 430
