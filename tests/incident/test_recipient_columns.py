"""Columns are guessed, shown and chosen; a choice by which nobody could be told is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import Invalid
from incident.recipient_lists import columns, words
from incident.recipient_lists.columns import FIELDS, LABELS, By, chosen, free_field, guess, guessed, headless
from incident.recipient_lists.rows import Known, Person, Reader

ROWS = [
    ("Åse Bjørnsæter", "ase@kunde.example", "+45 20 12 34 56", "da"),
    ("Ole Holm", "ole@kunde.example", "", "norsk"),
    ("Ulla Åkesson", "ulla@kunde.example", "30 12 34 56", "sv"),
]


def fields(header, rows=(), country="DK"):
    return [each.field for each in guess(header, rows, country=country)]


@pytest.mark.parametrize(
    "header",
    ["Navn;E-mail;Tlf.;Sprog", "Navn;E-post;Mobil;Språk", "Namn;E-postadress;Telefon;Språk",
     "Full_name;Email address;Mobile;Language", "fullName;eMail;MobilePhone;LANGUAGE",
     "Kundens navn;Kundens e-mail;Mobil (privat);Sprogkode"],
)  # fmt: skip
def test_columns_are_known_by_their_danish_norwegian_swedish_and_english_names(header):
    assert fields(header.split(";"), ROWS) == ["name", "email", "phone", "language"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Fornavn;Efternavn;Mail;Adresse;Postnr.;By;Land",
         "first_name last_name email line1 postcode city country"),
        ("Förnamn;Efternamn;E-post;Adress;Postnummer;Ort;Land",
         "first_name last_name email line1 postcode city country"),
        ("Fornavn;Etternavn;E-post;Gateadresse;Postnr;Poststed;Land",
         "first_name last_name email line1 postcode city country"),
        ("Kundenr;Navn;C/O;Adresse 1;Adressebeskyttelse;Gruppe",
         "own_id name line2 line1 protected_address group"),
        ("Member number;Name;Address line 1;Address line 2;Town;Postcode",
         "own_id name line1 line2 city postcode"),
    ],
)  # fmt: skip
def test_every_field_is_known_by_what_lists_call_it(header, found):
    assert fields(header.split(";")) == found.split()


def test_a_column_without_a_name_that_we_know_is_guessed_by_what_stands_in_it():
    found = guess(("a", "b", "c", "d"), ROWS, country="DK")

    assert [each.field for each in found] == ["name", "email", "phone", "language"]
    assert {each.by for each in found} == {By.CONTENT}


def test_countries_are_told_from_languages_and_bare_digits_are_no_number():
    rows = [("Ida Holm", "SE", "20123456"), ("Ole Holm", "NO", "30123456")]

    assert fields(("a", "b", "c"), rows) == ["name", "country", ""]


def test_numbers_of_persons_are_guessed_to_be_nothing():
    rows = [("Ida Holm", "0101701234", "010170-1234"), ("Ole Holm", "0202801234", "020280-1234")]

    assert fields(("Navn", "CPR", "Personnummer"), rows) == ["name", "", ""]


def test_of_two_columns_for_one_field_the_better_word_is_taken_and_the_other_shown():
    found = guess(("Navn", "Telefon", "Mobil", "E-mail", "E-mail 2"), [("Ida", "1", "2", "a@b.dk", "c@d.dk")],
                  country="DK")  # fmt: skip

    assert [each.field for each in found] == ["name", "", "", "email", ""]  # "1" and "2" look like no number
    found = guess(("Navn", "Telefon", "Mobil"), [("Ida", "33123456", "20123456")], country="DK")
    assert [(each.field, each.by) for each in found[1:]] == [("", By.TAKEN), ("phone", By.HEADER)]


def test_a_second_column_of_addresses_is_shown_and_not_used():
    found = guess(("Navn", "E-mail", "E-mail 2"), [("Ida", "a@b.dk", "c@d.dk")], country="DK")

    assert [(each.field, each.by) for each in found[1:]] == [("email", By.HEADER), ("", By.TAKEN)]


def test_of_two_columns_that_look_alike_one_is_guessed_and_the_other_shown():
    found = guess(("a", "b", "Navn"), [("a@b.dk", "c@d.dk", "Ida")], country="DK")

    assert [(each.field, each.by) for each in found[:2]] == [("email", By.CONTENT), ("", By.TAKEN)]


def test_a_header_that_its_cells_belie_is_not_believed():
    assert fields(("Navn", "Mail", "Adresse"), [("Ida", "ja", "ida@kunde.example")]) == ["name", "", "line1"]


def test_the_whole_name_is_taken_where_a_list_has_its_parts_as_well():
    assert fields(("Navn", "Fornavn", "Efternavn", "E-mail")) == ["name", "", "", "email"]


def test_a_file_without_a_header_is_seen_and_its_first_row_is_a_person():
    first, *below = ROWS

    assert headless(first)
    assert not headless(("Navn", "E-mail", "Telefon"))
    found = guessed(first, guess(first, [first, *below], country="DK"))
    assert Reader(found, Known("DK", "da")).read(1, first).name == "Åse Bjørnsæter"


# --- choosing ------------------------------------------------------------------------------------


def test_what_a_person_chose_counts_and_is_said_by_what_the_file_calls_it():
    header = ("Kontakt", "Gade", "Nr", "Postnr", "By", "Saldo")
    told = chosen(header, {0: "name", 1: "line1", 2: "line1", 3: "postcode", 4: "city", 5: "field:saldo"})

    assert told.named()["line1"] == "Gade + Nr"
    person = Reader(told, Known("DK", "da")).read(2, ("Ida", "Vej", "1", "2100", "By", "7"))
    assert isinstance(person, Person)
    assert (person.address.line1, dict(person.fields)) == ("Vej 1", {"saldo": "7"})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "No column"),
        ({0: "name"}, "No column"),
        ({0: "email"}, "No column"),
        ({0: "name", 1: "email", 2: "email"}, "Two columns"),
        ({0: "name", 1: "phone", 2: "phone"}, "Two columns"),
        ({0: "name", 1: "email", 2: "name"}, "Two columns"),
        ({0: "name", 1: "email", 2: "first_name"}, "parts"),
        ({0: "name", 1: "email", 2: "field:x", 3: "field:x"}, "Two columns"),
        ({0: "name", 1: "email", 9: "phone"}, "does not fit"),
        ({0: "name", 1: "email", -1: "phone"}, "does not fit"),
        ({0: "name", 1: "email", 2: "password"}, "does not fit"),
        ({0: "name", 1: "email", 2: "field:{{ x }}"}, "does not fit"),
    ],
)
def test_a_choice_by_which_nobody_could_be_told_or_two_stand_in_one_field_is_refused(told, why):
    with pytest.raises(Invalid, match=why) as refused:
        chosen(("a", "b", "c", "d"), told)

    assert refused.value.next_step


def test_a_list_with_one_column_is_refused_with_what_to_do():
    with pytest.raises(Invalid, match="No column"):
        guessed(("Navn",), guess(("Navn",), [("Ida",)], country="DK"))


def test_more_fields_of_a_letter_than_it_may_have_are_refused():
    told = {at + 2: f"field:f{at}" for at in range(columns.MOST_FREE + 1)}

    with pytest.raises(Invalid, match="fields of the letter"):
        chosen(["x"] * 30, {0: "name", 1: "email", **told})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_header_makes_a_field_of_the_letter(header):
    found = chosen(("a", "b", header), {0: "name", 1: "email", 2: free_field(header)})

    assert found.fields[2].startswith("field:")


def test_a_field_of_the_letter_is_called_as_the_column_is():
    assert free_field("Kunde nr.") == "field:kunde_nr"
    assert free_field("Årets beløb") == "field:aarets_beloeb"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_guess_is_made_of_any_file_gives_each_field_once_and_never_crashes(data):
    width = data.draw(st.integers(0, 6))
    cell = st.one_of(
        st.text(max_size=20), st.sampled_from(["Navn", "E-mail", "a@b.dk", "+45 20123456", "Ida Holm"])
    )
    header = data.draw(st.lists(cell, min_size=width, max_size=width))
    found = guess(header, data.draw(st.lists(st.lists(cell, max_size=7), max_size=5)), country="DK")

    assert len(found) == width
    used = [each.field for each in found if each.field]
    assert len(used) == len(set(used))
    headless(header)


def test_every_field_has_a_label_and_words_to_be_known_by():
    assert set(words.data()["columns"]) == set(FIELDS) == set(LABELS)
