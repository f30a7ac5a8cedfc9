"""The same person on two lists is one; whom a communication picks is asked of all their rows."""

import csv
import io

import pytest

from foundation.database import db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident.lists import faults, folding, keys, people, uploading
from incident.models import Ways
from tests import people as cast_people
from tests.incident import desk, lists


@pytest.fixture
def incident_id(app, cast):
    return desk.confirmed(cast)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(folding, "PAGE", 3)


def folds(list_id):
    """Lines of a list that are folded, each with the line of the row it is folded into."""
    with everyone():
        found = {}
        for each in lists.rows(list_id):
            if each.folded_into_id:
                found[each.line] = db.session.get_one(uploading.Recipient, each.folded_into_id).line
        return found


def picked(cast, incident_id, **selection):
    """The names of those a selection picks."""
    chosen = lists.communication(cast, incident_id, **selection)
    with everyone():
        found = people.after(chosen, None, 1000)
        assert people.count(chosen) == len(found) == sum(people.by(chosen).values())
        told = people.contacts(incident_id, [each.id for each in found])
        db.session.rollback()
    with everyone(), transaction():
        db.session.delete(db.session.get_one(type(chosen), chosen.id))
    return sorted(told[each.id].name for each in found)


# --- folded -------------------------------------------------------------------------------------


def test_the_case_of_an_address_and_the_form_of_a_number_make_no_other_person(cast, incident_id):
    made = lists.read(cast, incident_id, [
        lists.row("Ida", "Ida@Kunde.example"), lists.row("Ida H", "ida@kunde.example"),
        lists.row("Ole", "", "20 12 34 56"), lists.row("Ole", "", "+45 20123456"),
        lists.row("Eva", "", "", "", "Vej 1", "2100", "By"),
        lists.row("EVA", "", "", "", "vej  1", "2100", "BY"),
    ])  # fmt: skip

    assert folds(made) == {3: 2, 5: 4, 7: 6}
    assert lists.of(made).folded == 3


def test_two_addresses_with_one_number_stay_two_people(cast, incident_id):
    made = lists.read(cast, incident_id, [
        lists.row("Ida", "ida@kunde.example", "20123456"), lists.row("Ole", "ole@kunde.example", "20123456")
    ])  # fmt: skip

    assert folds(made) == {}


def test_two_names_behind_one_number_are_shown_and_neither_gets_what_a_letter_says_of_the_other(
    cast, incident_id
):
    fields = ("name", "phone", "field:sum", "field:what")
    first = lists.read(cast, incident_id, b"a;b;c;d\nIda;20123456;;\nida;20123456;;\n", fields=fields)
    second = lists.read(cast, incident_id, b"a;b;c;d\nOle;20123456;17;x\nIda;20123456;18;\n", fields=fields)
    (ida, *_more), (ole, *_others) = lists.rows(first), lists.rows(second)

    assert ole.folded_into_id == ida.id
    assert lists.faults(first) == []
    assert [(each.line, each.code, each.keeps_out) for each in lists.faults(second)] == [(2, "shared", False)]
    assert lists.of(second).noted == 1
    with everyone():
        assert people.contacts(incident_id, [ida.id])[ida.id].fields == {"sum": "18"}


def test_a_row_with_a_number_only_is_who_has_it_with_an_address_wherever_they_stand(cast, incident_id):
    made = lists.read(cast, incident_id, [
        lists.row("Ida", "", "20123456"), lists.row("Ida", "", "20123456"),
        lists.row("Ida", "ida@kunde.example", "20123456"),
    ])  # fmt: skip

    assert folds(made) == {2: 4, 3: 4}


def test_two_people_at_one_address_with_nothing_else_stay_two(cast, incident_id):
    made = lists.read(cast, incident_id, [
        lists.row("Ida", "", "", "", "Vej 1", "2100", "By"),
        lists.row("Ole", "", "", "", "Vej 1", "2100", "By"),
        lists.row("Ib", "", "", "", "Vej 1", "2100", "By", own_id="1"),
        lists.row("Ib", "", "", "", "Vej 1", "2100", "By", own_id="2"),
    ])  # fmt: skip

    assert folds(made) == {}


def test_the_same_person_in_two_lists_is_told_once_and_by_the_ways_of_both(cast, incident_id):
    lists.read(cast, incident_id, [lists.row("Ida", "ida@kunde.example"), *lists.many(4)])
    second = lists.read(cast, incident_id, [
        *lists.many(4, 20), lists.row("Ida H", "IDA@kunde.example", "20123456", "", "Vej 1", "2100", "By")
    ])  # fmt: skip
    chosen = lists.communication(cast, incident_id)

    assert folds(second) == {6: 2}
    with everyone():
        assert people.count(chosen) == 9
        ida, *_others = people.after(chosen, None, 9)
        contact = people.contacts(incident_id, [ida.id])[ida.id]
        assert (contact.name, contact.phone, contact.address.city) == ("Ida", "+4520123456", "By")
        assert ida.ways == contact.ways == Ways.EMAIL | Ways.SMS | Ways.LETTER


def test_who_has_a_number_alone_gets_one_address_and_not_that_of_two_people(cast, incident_id):
    first = lists.read(cast, incident_id, [lists.row("Ida", "", "20123456")])
    second = lists.read(cast, incident_id, [
        lists.row("Ida", "ida@kunde.example", "20123456"), lists.row("Ole", "ole@kunde.example", "20123456"),
        lists.row("Ida", "ida@kunde.example", ""),
    ])  # fmt: skip

    assert folds(first) == {}
    assert folds(second) == {2: 2, 4: 2}


def test_when_a_list_is_withdrawn_who_stood_in_it_stands_again_once(cast, incident_id):
    first = lists.read(cast, incident_id, lists.many(5))
    second = lists.read(cast, incident_id, lists.many(5))
    third = lists.read(cast, incident_id, lists.many(7))
    lists.withdraw(cast, incident_id, first)
    with everyone():
        chosen = lists.communication(cast, incident_id)
        assert [each.id for each in people.unsettled(chosen)] == [first]
        unfinished = people.fingerprint(chosen)
    lists.work()

    assert folds(second) == {}
    assert folds(third) == {line: line for line in range(2, 7)}
    assert (lists.of(second).folded, lists.of(third).folded) == (0, 5)
    with everyone():
        assert people.count(chosen) == 7
        assert people.unsettled(chosen) == []
        assert people.fingerprint(chosen) != unfinished


def test_when_a_list_is_withdrawn_who_shares_a_number_with_another_is_said_anew(cast, incident_id):
    names = ("Ida", "Ole", "Eva", "ole")
    ida, ole, eva, again = (
        lists.read(cast, incident_id, [lists.row(each, "", "20123456")]) for each in names
    )
    assert [lists.of(each).noted for each in (ida, ole, eva, again)] == [0, 1, 1, 1]

    lists.withdraw(cast, incident_id, ida)
    lists.work()

    assert [folds(each) for each in (ole, eva, again)] == [{}, {2: 2}, {2: 2}]
    assert [lists.of(each).noted for each in (ole, eva, again)] == [0, 1, 0]
    assert [[fault.code for fault in lists.faults(each)] for each in (ole, eva, again)] == [
        [],
        ["shared"],
        [],
    ]


def test_a_way_that_only_the_withdrawn_list_knew_is_known_no_more(cast, incident_id):
    first = lists.read(cast, incident_id, [lists.row("Ida", "ida@kunde.example")])
    second = lists.read(cast, incident_id, [lists.row("Ida", "ida@kunde.example", "20123456")])
    assert lists.rows(first)[0].ways == Ways.EMAIL | Ways.SMS
    lists.withdraw(cast, incident_id, second)
    lists.work()

    assert lists.rows(first)[0].ways == Ways.EMAIL


def test_what_was_folded_is_shown_with_where_it_stands_and_why(cast, incident_id, signed_in):
    lists.read(cast, incident_id, [*lists.many(3), lists.row("Ida", "ida@kunde.example")])
    second = lists.read(cast, incident_id, [
        lists.row("Ole", "", "20123456"), lists.row("Ida H", "IDA@kunde.example"),
        lists.row("Ole", "", "+45 20 12 34 56"), lists.row("Eva", "eva@kunde.example"),
    ])  # fmt: skip
    place, dorthe = f"/incidents/{incident_id}/recipient-lists/{second}", signed_in(cast_people.DORTHE)

    page, file = dorthe.get(place).text, dorthe.get(f"{place}/folded.csv").text

    assert "list 1, line 5" in page
    assert [each.split(";") for each in file.splitlines()[1:]] == [
        ["3", "1", "5", "the same e-mail address"], ["4", "2", "2", "the same number"],
    ]  # fmt: skip
    assert "kunde.example" not in page + file


def test_folding_again_changes_nothing(cast, incident_id):
    lists.read(cast, incident_id, lists.many(5))
    second = lists.read(cast, incident_id, lists.many(7))
    before = [each.folded_into_id for each in lists.rows(second)]
    with everyone():
        assert folding.fold(incident_id) == 5

    assert [each.folded_into_id for each in lists.rows(second)] == before


# --- picked -------------------------------------------------------------------------------------


def test_a_selection_asks_all_rows_of_a_person(cast, incident_id):
    first = lists.read(cast, incident_id, [
        lists.row("Ida", "ida@kunde.example", language="da"),
        lists.row("Ole", "ole@kunde.example", language="sv"),
    ])  # fmt: skip
    second = lists.read(cast, incident_id, [
        lists.row("Ida", "ida@kunde.example", group="patients"), lists.row("Eva", "eva@kunde.example")
    ])  # fmt: skip

    assert picked(cast, incident_id) == ["Eva", "Ida", "Ole"]
    assert picked(cast, incident_id, lists=[str(second)]) == ["Eva", "Ida"]
    assert picked(cast, incident_id, lists=[str(first)]) == ["Ida", "Ole"]
    assert picked(cast, incident_id, groups=["patients"]) == ["Ida"]
    assert picked(cast, incident_id, lists=[str(first)], groups=["patients"]) == []
    assert picked(cast, incident_id, locales=["sv"]) == ["Ole"]


def test_that_a_list_says_nothing_of_protection_is_no_yes(cast, incident_id):
    data = (
        b"name;e-mail;protected;financial\n"
        b"Ida;ida@k.example;yes;yes\nOle;ole@k.example;no;\nEva;eva@k.example;;no\n"
    )
    fields = ("name", "email", "protected_address", "national_id_with_financial")
    lists.read(cast, incident_id, data, fields=fields)
    lists.read(cast, incident_id, b"name;e-mail;protected\nEva;eva@k.example;yes\n", fields=fields[:3])

    assert picked(cast, incident_id, protected=True) == ["Eva", "Ida"]
    assert picked(cast, incident_id, protected=False) == ["Ole"]
    assert picked(cast, incident_id, financial=True) == ["Ida"]


def test_who_was_told_is_asked_of_those_who_send(app, cast, incident_id, monkeypatch):
    made = lists.read(cast, incident_id, lists.many(3))
    first = lists.rows(made)[0].id
    monkeypatch.setitem(
        app.extensions, people.TOLD,
        lambda _incident, _by: people.select(uploading.Recipient.id).where(uploading.Recipient.id == first),
    )  # fmt: skip

    assert picked(cast, incident_id, untold=True) == ["Person 1", "Person 2"]
    assert picked(cast, incident_id, told_by=str(made)) == ["Person 0"]


def test_who_was_taken_out_is_told_no_more_and_the_approval_is_of_others(cast, incident_id):
    made = lists.read(cast, incident_id, [*lists.many(3), *lists.many(1)])
    chosen = lists.communication(cast, incident_id)
    with everyone():
        before = people.fingerprint(chosen)
    for again in (True, False):
        with desk.working(cast, incident_id):
            person = db.session.get_one(uploading.Recipient, lists.rows(made)[0].id)
            by = desk.person(cast, cast_people.ASTRID)
            with pytest.raises(Invalid):
                uploading.take_out(person, " ", by, utcnow())
            assert uploading.take_out(person, "told by phone", by, utcnow()) is again

    assert lists.of(made).taken_out == 1
    with everyone():
        assert people.count(chosen) == 2
        assert people.fingerprint(chosen) != before


@pytest.mark.parametrize("again", [
    lists.row("Ida H", "IDA@kunde.example"), lists.row("Ida", "", "20123456"),
], ids=["by address", "by number"])  # fmt: skip
def test_who_was_taken_out_stays_out_when_a_later_list_names_them_until_a_person_puts_them_back(
    cast, incident_id, again
):
    made = lists.read(cast, incident_id, [lists.row("Ida", "ida@kunde.example", "20123456"), *lists.many(1)])
    ida = lists.rows(made)[0].id

    def say(what, why):
        with desk.working(cast, incident_id):
            person = db.session.get_one(uploading.Recipient, ida)
            return what(person, why, desk.person(cast, cast_people.ASTRID), utcnow())

    assert say(uploading.take_out, "she works on the case")
    later = lists.read(cast, incident_id, [again, *lists.many(1, 5)])

    assert folds(later) == {2: 2}
    assert picked(cast, incident_id) == ["Person 0", "Person 5"]
    assert (say(uploading.put_back, "she does not"), say(uploading.put_back, "she does not")) == (True, False)
    assert lists.of(made).taken_out == 0
    assert picked(cast, incident_id) == ["Ida", "Person 0", "Person 5"]


def test_the_fingerprint_is_the_same_until_something_changes(cast, incident_id):
    lists.read(cast, incident_id, lists.many(3))
    chosen = lists.communication(cast, incident_id)
    with everyone():
        before = people.fingerprint(chosen)
        assert people.fingerprint(chosen) == before
    lists.read(cast, incident_id, lists.many(1, 50))

    with everyone():
        assert people.fingerprint(chosen) != before


def test_rows_with_faults_stand_in_the_way_until_somebody_says_why(cast, incident_id):
    made = lists.read(cast, incident_id, [*lists.many(2), lists.row("Nobody")])
    chosen = lists.communication(cast, incident_id)
    with everyone():
        assert [each.id for each in people.unsettled(chosen)] == [made]
    with desk.working(cast, incident_id) as incident:
        by = desk.person(cast, cast_people.ASTRID)
        uploading.leave_out_faulty(uploading.of(incident, made), "no address known", by, utcnow())

    with everyone():
        assert people.unsettled(chosen) == []


def test_a_list_whose_people_are_being_told_cannot_be_withdrawn(cast, incident_id):
    made = lists.read(cast, incident_id, lists.many(2))
    with desk.working(cast, incident_id):
        chosen = lists.uploading.SubjectCommunication
        db.session.add(
            chosen(
                organisation_id=cast.promark, incident_id=incident_id, texts={}, number=1, kind="",
                content_sha256="x", approved_sha256="x", approved_at=utcnow(), drafted_by="A",
                drafted_at=utcnow(), state="sending", sent_at=utcnow(), ways=["email"], selection={},
            )
        )  # fmt: skip

    with pytest.raises(Refused, match="being told"):
        lists.withdraw(cast, incident_id, made)


# --- found --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [" IDA@kunde.example ", "20 12 34 56", "+4520123456", "k-17", "K-17"])
def test_a_person_is_found_by_whatever_they_say_of_themselves(cast, incident_id, text):
    made = lists.read(cast, incident_id, [
        *lists.many(3), lists.row("Ida", "ida@kunde.example", "20123456", own_id="K-17"),
        lists.row("Ida", "ida@kunde.example"),
    ])  # fmt: skip

    with everyone():
        found = people.find(lists.incident(incident_id), text)
    assert [(each.list_id, each.line) for each in found] == [(made, 5)]


def test_who_is_on_no_list_is_not_found(cast, incident_id):
    with everyone():
        assert people.find(lists.incident(incident_id), "ida@kunde.example") == []
    lists.read(cast, incident_id, lists.many(1))

    with everyone():
        for text in ("", "x@kunde.example", "a@b@c", "12", "x" * 5000):
            assert people.find(lists.incident(incident_id), text) == []


def test_people_are_found_after_they_were_forgotten(cast, incident_id):
    lists.read(cast, incident_id, lists.many(2))
    with everyone(), transaction():
        keys.destroy(lists.incident(incident_id), why="time is over", by="Astrid Holm", now=utcnow())

    with everyone():
        assert len(people.find(lists.incident(incident_id), "p1@kunde.example")) == 1


# --- faults -------------------------------------------------------------------------------------


def test_ten_thousand_faults_are_all_shown_page_by_page_and_in_the_file(cast, incident_id):
    made = lists.read(cast, incident_id, [lists.row("Ida", f"{at}@@") for at in range(10_000)])
    with everyone():
        kept = lists.of(made)
        seen, last = [], None
        while found := faults.page(kept, last, 3000):
            seen += [each.line for each in found]
            last = faults.place(found[-1])
        lines = list(csv.reader(io.StringIO("".join(faults.download(kept))), delimiter=";"))

    assert kept.faulty == len(seen) == len(lines) - 1 == 10_000
    assert seen == sorted(seen)
    assert [int(each[0]) for each in lines[1:]] == seen


def test_the_file_of_faults_can_be_taken_from_the_page(cast, incident_id, signed_in):
    made = lists.read(cast, incident_id, [*lists.many(1), lists.row("Ida", "nobody"), lists.row("Ole")])

    file = signed_in(cast_people.DORTHE).get(f"/incidents/{incident_id}/recipient-lists/{made}/faults.csv")

    assert [line.partition(";")[0] for line in file.text.splitlines()[1:]] == ["3", "4"]


def test_no_spreadsheet_runs_what_stood_in_a_cell(cast, incident_id):
    made = lists.read(cast, incident_id, [lists.row("=1+1", "+x@kunde.example"), lists.row("@SUM(A1)", "-1")])
    with everyone():
        text = "".join(faults.download(lists.of(made)))

    cells = [cell for line in csv.reader(io.StringIO(text), delimiter=";") for cell in line]
    assert len(cells) > 12
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]


def test_faults_are_counted_by_what_they_are(cast, incident_id):
    made = lists.read(cast, incident_id, [lists.row("Nobody"), lists.row("Nobody"), lists.row("Ida", "x")])
    with everyone():
        counted = faults.counts(lists.of(made))
        words = {faults.said(each) for each in lists.faults(made)}

    assert counted == {("nowhere", True): 2, ("email", True): 1}
    assert "the e-mail address is none that can be written to" in words
