"""A list of people is read whole: whoever is on it is told or named, and nobody is dropped in silence."""

import pytest

from foundation.errors import Invalid
from incident import recipients

HEADER = "name;e-mail;phone;language\r\n"


def read(text, *, encoding="utf-8", header=HEADER, country="DK", locale="da"):
    return recipients.read((header + text).encode(encoding), country=country, locale=locale)


def lines(noted):
    return [each.line for each in noted]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_names_with_nordic_letters_survive_each_encoding_a_spreadsheet_writes(encoding):
    found = read("Åse Bjørnsæter;ase@kunde.example;;nb\r\n", encoding=encoding)

    assert [(each.name, each.locale) for each in found.people] == [("Åse Bjørnsæter", "nb")]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_comma_semicolon_and_tab_separate_columns(separator):
    text = separator.join(("Ida", "ida@kunde.example", "+45 20 12 34 56", "en"))
    header = separator.join(("name", "e-mail", "phone", "language")) + "\n"

    (person,) = read(text, header=header).people

    assert (person.email, person.phone, person.locale) == ("ida@kunde.example", "+4520123456", "en")


@pytest.mark.parametrize(
    "header",
    ["Navn;E-mail;Tlf.;Sprog\n", "Navn;E-post;Mobil;Språk\n", "Namn;E-postadress;Telefon;Språk\n",
     "Full_name;Email address;Mobile;Language\n"],
)  # fmt: skip
def test_columns_are_known_by_their_danish_norwegian_swedish_and_english_names(header):
    (person,) = read("Ida;ida@kunde.example;20123456;svensk\n", header=header).people

    assert (person.name, person.phone, person.locale) == ("Ida", "+4520123456", "sv")


def test_a_number_without_a_country_code_is_of_the_organisations_country():
    (person,) = read("Sven;;070-174 06 05;sv\n", country="SE").people

    assert person.phone == "+46701740605"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (";ida@kunde.example;;da", "the name is missing"),
        ("Ida;;;da", "neither an e-mail address nor a number"),
        ("Ida;ida(at)kunde;;da", "e-mail address"),
        ("Ida;bjørn@kunde.example;;da", "e-mail address"),
        ("Ida;;4,52E+09;da", "spreadsheet"),
        ("Ida;;123;da", "digits"),
        ('=HYPERLINK("http://evil.example");ida@kunde.example;;da', "formula"),
        ("@SUM(A1);ida@kunde.example;;da", "formula"),
        ("Ida http://evil.example;ida@kunde.example;;da", "link"),
        ('"Ida\nBcc: x@y.example";ida@kunde.example;;da', "line break"),
        ("Ida\x07;ida@kunde.example;;da", "control character"),
        ("Ida \u202egnitset;ida@kunde.example;;da", "control character"),
        ("I" * 201 + ";ida@kunde.example;;da", "longer"),
        ("Holm; Ida;ida@kunde.example;;da", "more or fewer columns"),
        ("Ida;ida@kunde.example", "more or fewer columns"),
    ],
)
def test_a_row_with_a_fault_is_named_with_its_line_and_is_nobody(row, why):
    found = read(f"Ole;ole@kunde.example;;da\n{row}\nUlla;ulla@kunde.example;;sv\n")

    assert [each.name for each in found.people] == ["Ole", "Ulla"]
    assert lines(found.faults) == [3]
    assert why in found.faults[0].what


def test_lines_are_those_of_the_file_also_after_a_name_that_spans_two():
    found = read('"Ida\nHolm";ida@kunde.example;;da\n\nOle;nowhere;;da\n')

    assert lines(found.faults) == [2, 5]


def test_a_person_on_two_rows_is_told_once_and_what_was_folded_is_shown():
    found = read(
        "Ida;ida@kunde.example;;da\nOle;ole@kunde.example;;da\nIda;IDA@KUNDE.EXAMPLE;20123456;da\n"
        "Ida H.;;+45 20 12 34 56;en\n"
    )

    assert [(each.name, each.phone) for each in found.people] == [("Ida", "+4520123456"), ("Ole", "")]
    assert lines(found.folded) == [4, 5]
    assert "line 2" in found.folded[0].what
    assert "another name" in found.folded[1].what


def test_two_addresses_with_one_number_are_two_people():
    found = read("Ida;ida@kunde.example;20123456;da\nOle;ole@kunde.example;20123456;da\n")

    assert len(found.people) == 2
    assert found.folded == ()


def test_a_language_we_do_not_have_is_replaced_by_the_first_of_our_letters_and_said():
    found = read("Ida;ida@kunde.example;;suomi\nOle;ole@kunde.example;;\nLiv;liv@kunde.example;;nn-NO\n")

    assert [each.locale for each in found.people] == ["da", "da", "nb"]
    assert lines(found.assumed) == [2]


def test_an_apostrophe_from_an_export_is_taken_off_again():
    (person,) = read("Ida;ida@kunde.example;'+4520123456;da\n").people

    assert person.phone == "+4520123456"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"name;e-mail\n", "nobody"),
        (b"name\nIda\n", "header"),
        (b"ida@kunde.example;Ida\n", "header"),
        (b"name;e-mail;mail\nIda;a@b.example;c@d.example\n", "Two columns"),
        (b'name;e-mail\n"Ida;ida@kunde.example\n', "line 2"),
        (b"PK\x03\x04\x00\x00", "zero bytes"),
        (b"name;e-mail\nIda\x81;ida@kunde.example\n", "UTF-8"),
        (b"name;e-mail\n" + b"x" * 1024 * 1024, "1 MiB"),
    ],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(data, why):
    with pytest.raises(Invalid, match=why):
        recipients.read(data, country="DK", locale="da")


def test_more_people_than_one_communication_takes_are_refused_and_not_cut():
    rows = "".join(f"Ida {n};ida{n}@kunde.example;;da\n" for n in range(recipients.MOST_PEOPLE + 1))

    with pytest.raises(Invalid, match="1000"):
        read(rows)


def test_what_a_preview_sends_back_is_readable_by_us_only_and_for_that_communication_only(app):
    reading = read("Ida;ida@kunde.example;;da\nOle;nowhere;;da\n")

    sealed = recipients.seal(reading, "communication 1")

    assert "kunde.example" not in sealed
    assert recipients.unseal(sealed, "communication 1") == reading
    changed = sealed[:-9] + "AAAAAAAA="
    for text, bound_to in ((sealed, "communication 2"), (changed, "communication 1"), ("x", "")):
        with pytest.raises(Invalid, match="out of date"):
            recipients.unseal(text, bound_to)
