"""Each row of a list is a person or has a fault, and nothing of one person stands in another's field."""

import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, format_number, is_possible_number_with_reason, parse
from phonenumbers.phonenumberutil import NumberParseException, ValidationResult

from incident.recipient_lists import cells, words
from incident.recipient_lists.columns import FIELDS, Columns
from incident.recipient_lists.faults import KEPT, SAID, Code, Fault, Faulty, masked
from incident.recipient_lists.rows import Address, Known, Person, Reader

FOUR = ("name", "email", "phone", "language")
WHOLE = ("name", "email", "line1", "line2", "postcode", "city", "country", "protected_address")
TEXT = st.text(max_size=60)
NASTY = st.one_of(
    TEXT,
    st.sampled_from(["", " ", "\0", "=1+1", "'+45 20123456", "a@b.dk;c@d.dk", "4,52E+09", "#REF!", "\u202e"]),
    st.sampled_from(["x\ny@z.dk", "\ud800", "Å" * 10_000, "ida@kunde.example", "ja", "DK", "Vej 1\n2100 By"]),
)  # fmt: skip


def read(*row, fields=FOUR, country="DK", language="da", languages=("en", "da", "nb", "sv")):
    columns = Columns(tuple(fields), tuple(fields))
    return Reader(columns, Known(country, language, languages)).read(7, row)


def codes(found):
    assert not isinstance(found, Person)
    return [(each.column, str(each.code)) for each in found]


def noted(person):
    return [(each.column, str(each.code)) for each in person.noted]


# --- what the lists of today promise -------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("", "ida@kunde.example", "", "da"), ("name", "name_missing")),
        (("Ida", "", "", "da"), ("", "nowhere")),
        (("", "", "", ""), ("", "empty")),
        (("Ida", "ida(at)kunde", "", "da"), ("email", "email")),
        (("Ida", "bjørn@kunde.example", "", "da"), ("email", "email")),
        (("Ida", "ida@kunde.example, ole@kunde.example", "", "da"), ("email", "emails")),
        (("Ida", "ida@kunde.example\nole@kunde.example", "", "da"), ("email", "emails")),
        (("Ida", "Ida <ida@kunde.example>", "", "da"), ("email", "email")),
        (("Ida", "=A2&B2", "", "da"), ("email", "formula")),
        (("Ida", "#REF!", "", "da"), ("email", "formula_error")),
        (("Ida", "", "#I/T", "da"), ("phone", "formula_error")),
        (("Ida", "", "########", "da"), ("phone", "formula_error")),
        (("Ida", "", "4,52E+09", "da"), ("phone", "phone_rewritten")),
        (("Ida", "", "4.52012E+9", "da"), ("phone", "phone_rewritten")),
        (("Ida", "", "20123456.0", "da"), ("phone", "phone_rewritten")),
        (("Ida", "", "4520000000", "da"), ("phone", "phone_rewritten")),
        (("Ida", "", "20123456 / 30123456", "da"), ("phone", "phones")),
        (("Ida", "", "20123456, 30123456", "da"), ("phone", "phones")),
        (("Ida", "", "+4520123456+4530123456", "da"), ("phone", "phones")),
        (("Ida", "", "20123456 30123456", "da"), ("phone", "phone_digits")),
        (("Ida", "", "123", "da"), ("phone", "phone_digits")),
        (("Ida", "", "ring i morgen", "da"), ("phone", "phone")),
        (("Ida", "", "20123\u202e456", "da"), ("phone", "phone")),
        (('=HYPERLINK("http://evil.example")', "ida@kunde.example", "", "da"), ("name", "formula")),
        (("@SUM(A1)", "ida@kunde.example", "", "da"), ("name", "formula")),
        (("Ida http://evil.example", "ida@kunde.example", "", "da"), ("name", "name_link")),
        (("Ida\nBcc: Ole", "ida@kunde.example", "", "da"), ("name", "signs")),
        (("Ida\x07", "ida@kunde.example", "", "da"), ("name", "signs")),
        (("Ida\0Ole", "ida@kunde.example", "", "da"), ("name", "signs")),
        (("Ida \u202egnitset", "ida@kunde.example", "", "da"), ("name", "signs")),
        (("Bj\ufffdrn", "ida@kunde.example", "", "da"), ("name", "lost")),
        (("I" * 201, "ida@kunde.example", "", "da"), ("name", "too_long")),
        (("I" * 10_000, "ida@kunde.example", "", "da"), ("name", "too_long")),
        (("ole@kunde.example", "ida@kunde.example", "", "da"), ("name", "name_none")),
        (("20123456", "ida@kunde.example", "", "da"), ("name", "name_none")),
        (("Ida Holm; Ole Holm", "ida@kunde.example", "", "da"), ("name", "several")),
        (("Holm", " Ida", "ida@kunde.example", "", "da"), ("", "width")),
        (("Ida", "ida@kunde.example"), ("", "width")),
    ],
)
def test_a_row_with_a_fault_is_nobody_and_names_the_column_and_why(row, fault):
    assert codes(read(*row)) == [fault]


def test_every_fault_of_a_row_is_told_at_once():
    assert codes(read("", "ida", "12", "da")) == [
        ("name", "name_missing"), ("email", "email"), ("phone", "phone_digits"),
    ]  # fmt: skip


def test_a_person_has_the_line_of_the_file_and_what_the_row_says():
    person = read(" Åse  Bjørnsæter ", "Ase@KUNDE.example", "20 12 34 56", "norsk")

    assert (person.line, person.name, person.email) == (7, "Åse Bjørnsæter", "Ase@kunde.example")
    assert (person.phone, person.language, person.noted) == ("+4520123456", "nb", ())


def test_empty_cells_beyond_the_header_are_nothing_and_full_ones_a_fault():
    assert read("Ida", "ida@kunde.example", "", "da", "", " ").name == "Ida"
    assert codes(read("Ida", "ida@kunde.example", "", "da", "", "Ole")) == [("", "width")]


def test_an_apostrophe_from_an_export_is_taken_off_again():
    assert read("Ida", "", "'+4520123456", "da").phone == "+4520123456"
    assert read("'t Hooft", "ida@kunde.example", "", "").name == "'t Hooft"


@pytest.mark.parametrize(
    ("said", "language", "assumed"),
    [("", "da", False), ("suomi", "da", True), ("nn-NO", "nb", False), ("sv_SE", "sv", False),
     ("no", "nb", False), ("Engelsk", "en", False), ("SWE", "sv", False), ("Norwegian Bokmål", "nb", False),
     ("\0", "da", True)],
)  # fmt: skip
def test_a_language_we_do_not_have_is_replaced_by_the_first_of_our_letters_and_said(said, language, assumed):
    person = read("Ida", "ida@kunde.example", "", said)

    assert (person.language, noted(person)) == (language, [("language", "language")] if assumed else [])


def test_a_language_that_a_letter_was_added_in_is_known_by_its_code_and_by_its_name():
    told = [
        read("Ida", "a@b.example", "", said, languages=("da", "fi")) for said in ("fi", "Finska", "suomi")
    ]

    assert [each.language for each in told] == ["fi"] * 3


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "محمد علي",
        "דוד לוי",
        "می\u200cنا رضایی",
        "Nguyễn Thị Minh",
        "O'Brien",
        "Holm, Ida",
        "李小龍",
        "Ida-Marie Ø.",
    ],
)
def test_names_in_any_script_are_kept_as_they_are(name):
    assert read(name, "ida@kunde.example", "", "").name == name


def test_marks_of_direction_around_a_name_are_no_part_of_it():
    assert read("\u200fمحمد\u200f", "ida@kunde.example", "", "").name == "محمد"


def test_first_and_last_name_are_joined_and_each_is_read_by_itself():
    fields = ("last_name", "email", "first_name")

    assert read("Holm", "ida@kunde.example", "Ida", fields=fields).name == "Ida Holm"
    assert read("", "ida@kunde.example", "Ida", fields=fields).name == "Ida"
    assert codes(read("=A1", "ida@kunde.example", "www.evil.example", fields=fields)) == [
        ("last_name", "formula"), ("first_name", "name_link"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["Ida og Ole Holm", "Ida & Ole Holm", "Ida och Ole", "Ida and Ole"])
def test_a_name_that_may_be_two_people_is_kept_and_said(name):
    assert noted(read(name, "ida@kunde.example", "", "")) == [("name", "two_names")]


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "country", "phone"),
    [("070-174 06 05", "SE", "+46701740605"), ("+46 (0)70-174 06 05", "DK", "+46701740605"),
     ("0045 20123456", "DK", "+4520123456"), ("4520123456", "DK", "+4520123456"),
     ("20.12.34.56", "DK", "+4520123456"), ("\u202a+45\u00a020123456\u202c", "NO", "+4520123456"),
     ("40612345", "NO", "+4740612345"), ("07700 900123", "GB", "+447700900123"),
     ("040 1234567", "FI", "+358401234567"), ("+1 212-555-0123", "DK", "+12125550123")],
)  # fmt: skip
def test_a_number_is_written_as_it_is_dialled_from_abroad(cell, country, phone):
    assert read("Ida", "", cell, "", country=country).phone == phone


def test_a_number_without_a_country_code_is_of_the_country_of_its_row():
    fields = ("name", "phone", "country")

    assert read("Liv", "40612345", "Norge", fields=fields).phone == "+4740612345"
    assert read("Liv", "40612345", "", fields=fields).phone == "+4540612345"


def by_the_library(dialled, country):
    try:
        number = parse(dialled, country)
    except NumberParseException:
        return None
    possible = is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return format_number(number, PhoneNumberFormat.E164) if possible else None


def ours(dialled, country):
    try:
        return cells.phone_of(dialled, country)
    except Faulty:
        return None


PLUS = ("+", "00", "")
COUNTRIES = sorted({*words.data()["phones"]["heads"], "DE", "FI", "IT", "AT", "US"})
CODES = sorted(words.data()["phones"]["codes"])


@settings(max_examples=400, deadline=None)
@given(
    country=st.sampled_from(COUNTRIES),
    before=st.sampled_from(["", "0", "00", *(f"{plus}{code}" for plus in PLUS for code in CODES)]),
    rest=st.text("0123456789", min_size=3, max_size=12).filter(lambda each: not each.endswith("000000")),
)  # fmt: skip
def test_what_is_worked_out_once_for_many_numbers_is_what_the_library_says_of_each(country, before, rest):
    dialled = before + rest
    assume(not dialled.startswith("000"))  # no number anywhere; the library makes one up

    assert ours(dialled, country) == by_the_library(dialled, country)


# --- e-mail --------------------------------------------------------------------------------------


def by_the_validator(address):
    try:
        found = validate_email(
            address, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except (EmailNotValidError, UnicodeError):
        return None
    return found.ascii_email


@settings(max_examples=300, deadline=None)
@given(
    local=st.one_of(
        st.text("ab.Z+-_'!/ 0", max_size=70), st.sampled_from(["Info", "postmaster", "ida.holm"])
    ),
    domain=st.one_of(
        st.text("abZ-.0_", max_size=20), st.sampled_from(["KUNDE.example", "bücher.example", "[::1]"])
    ),
)
def test_an_address_is_taken_where_the_validator_takes_it_and_written_alike(local, domain):
    address = f"{local}@{domain}"
    try:
        found = cells.email_of(address)
    except Faulty:
        found = None

    assert found == by_the_validator(address)


# --- postal addresses, flags, fields -------------------------------------------------------------


def posted(*row):
    return read(*row, fields=WHOLE)


def test_an_address_with_commas_and_line_breaks_is_one_address():
    told = posted("Ida", "", "Vej 1, 2. tv\nBaghuset", "c/o Holm", "2100", "København Ø", "Danmark", "")

    assert told.address == Address("Vej 1, 2. tv", "Baghuset, c/o Holm", "2100", "København Ø", "DK")


@pytest.mark.parametrize(
    "cell", ["Vej 1, 2100 København Ø", "Vej 1\r\n2100 København Ø", "Vej 1,2100  København Ø"]
)
def test_an_address_in_one_cell_is_taken_apart_at_its_postcode(cell):
    assert posted("Ida", "", cell, "", "", "", "", "").address == Address(
        "Vej 1", "", "2100", "København Ø", "DK"
    )


def test_somebody_with_a_postal_address_alone_can_be_told_and_with_half_of_one_only_by_e_mail():
    whole, half = ("Vej 1", "", "2100", "By", "", ""), ("Vej 1", "", "", "", "", "")

    assert posted("Ida", "", *whole).address.whole
    assert codes(posted("Ida", "", *half)) == [("", "nowhere")]
    assert noted(posted("Ida", "ida@kunde.example", *half)) == [("line1", "address_part")]


@pytest.mark.parametrize(
    "cell",
    ["Vej 1\nOle;ole@kunde.example;Vej 2", "Vej 1\nOle,+45 20 12 34 56,Vej 2", "Vej 1\nOle\tVej 2",
     "ole@kunde.example", "a\nb\nc\nd\ne"],
)  # fmt: skip
def test_rows_that_a_quotation_mark_swallowed_are_a_fault_and_nobodys_address(cell):
    assert codes(posted("Ida", "ida@kunde.example", cell, "", "2100", "By", "", "")) == [("line1", "several")]


def test_zeros_that_a_spreadsheet_took_off_a_postcode_are_put_back_and_said():
    told = posted("Liv", "", "Vei 1", "", "150", "Oslo", "NO", "")

    assert (told.address.postcode, noted(told)) == ("0150", [("postcode", "postcode_filled")])


@pytest.mark.parametrize(
    ("said", "country"),
    [("dk", "DK"), ("DNK", "DK"), ("Sverige", "SE"), ("Storbritannien", "GB"), ("U.K.", "GB")],
)
def test_a_country_is_known_by_its_code_and_by_its_name(said, country):
    assert posted("Ida", "a@b.example", "", "", "", "", said, "").country == country


def test_a_country_that_there_is_not_is_a_fault():
    assert codes(posted("Ida", "a@b.example", "", "", "", "", "Atlantis", "")) == [("country", "country")]


@pytest.mark.parametrize(
    ("said", "protected"),
    [("", None), ("Ja", True), ("kode 6", True), ("nej", False), ("Sekretessmarkering", True)],
)
def test_a_protected_address_is_yes_no_or_not_told(said, protected):
    assert posted("Ida", "a@b.example", "", "", "", "", "", said).protected_address is protected


def test_what_is_not_understood_is_never_taken_for_no_protection():
    assert codes(posted("Ida", "a@b.example", "", "", "", "", "", "måske")) == [("protected_address", "flag")]


def test_the_fields_of_a_letter_group_and_own_number_are_kept_beside_the_person():
    fields = ("name", "email", "own_id", "group", "field:policy", "field:shop")
    told = read("Ida", "a@b.example", "K 17", "kunder", "-500 kr.", "", fields=fields)

    assert (told.own_id, told.group, dict(told.fields)) == ("K 17", "kunder", {"policy": "-500 kr."})
    swallowed = read("Ida", "a@b.example", "K 17", "kunder", "x\nOle;b@c.example", "", fields=fields)
    assert codes(swallowed) == [("field:policy", "several")]


# --- keys, masks, words --------------------------------------------------------------------------


def test_two_rows_of_one_person_have_the_same_key_however_they_are_written():
    fields = ("name", "email", "phone", "own_id")
    first = read("Ida", "Ida@KUNDE.example", "+45 20 12 34 56", "K 17", fields=fields).keys
    second = read("Ida H.", "ida@kunde.example", "20123456", "k17", fields=fields).keys

    assert first == second
    assert first.chief == "email:ida@kunde.example"


def test_two_addresses_with_one_number_have_keys_of_their_own():
    ida, ole = (read(name, f"{name}@kunde.example", "20123456", "").keys for name in ("Ida", "Ole"))

    assert ida.chief != ole.chief
    assert ida.phone == ole.phone


def test_people_with_a_postal_address_alone_are_told_apart_by_name_within_a_household():
    ida, again, ole = (
        posted(name, "", street, "", "2100", "By", "", "").keys
        for name, street in (("Ida Holm", "Vej 1"), ("ida holm", "VEJ 1."), ("Ole Holm", "Vej 1"))
    )

    assert ida.chief == again.chief != ole.chief


def test_numbers_of_an_address_that_are_written_apart_are_no_one_number():
    told = [
        posted("Ida Holm", "", street, "", postcode, "By", "", "").keys.post
        for street, postcode in (
            ("Nygade 1, 12. th", "211 34"), ("nygade 1 12 TH", "21134"), ("Nygade 11, 2. th", "21134"),
            ("Nygade 1 A, 2. th", "21134"), ("Nygade 1a 2.th.", "21134"), ("Nygade 1, A2. th", "21134"),
        )
    ]  # fmt: skip

    assert told[0] == told[1]
    assert told[3] == told[4]
    assert len(set(told)) == 4


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("ida(at)kunde", "i••(••)•••••"), ("4,52E+09", "4,•••+••"), ("a@b.dk;c@d.dk", "a@•.••;•@•.••"),
     ("Ib", "••"), ("Ida\u202e\n", "I••��"), ("Ø" * 30, "Ø" + "•" * 23 + "…"), ("", "")],
)  # fmt: skip
def test_a_list_of_faults_shows_the_shape_of_a_cell_and_nobody(cell, shown):
    assert masked(cell) == shown


def test_every_code_has_its_words_and_only_what_keeps_a_row_out_is_called_a_fault(app):
    with app.app_context():
        assert all(str(SAID[each]) for each in Code)
    assert all(Fault(1, "", each).keeps_out is (each not in KEPT) for each in Code)


# --- whatever a file holds -----------------------------------------------------------------------

ALL = (*FIELDS[:1], *FIELDS[3:], "field:note")
READER = Reader(Columns(ALL, ALL), Known("DK", "da"))
GOOD = (
    "Ida Holm", "ida@kunde.example", "20123456", "Vej 1", "c/o Holm", "2100", "By", "DK", "da", "kunder",
    "K 17", "nej", "ja", "x",
)  # fmt: skip
# A good row in which some cells are anything: the faults of the others hide nothing.
SPOILT = st.dictionaries(st.integers(0, len(GOOD) - 1), NASTY, max_size=3).map(
    lambda told: [told.get(at, cell) for at, cell in enumerate(GOOD)]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(SPOILT, st.lists(NASTY, max_size=len(ALL) + 2)))
def test_each_row_is_a_person_or_has_a_fault_and_nothing_crashes(row):
    found = READER.read(3, row)

    if isinstance(found, Person):
        assert found.line == 3
        assert found.name.strip()
        assert found.email or found.phone or found.address.whole
        assert not any(each.keeps_out for each in found.noted)
    else:
        assert found
        assert all(each.line == 3 and each.keeps_out for each in found)


@settings(max_examples=400, deadline=None)
@given(SPOILT)
def test_nobody_has_two_addresses_two_numbers_or_a_line_break_in_a_field(row):
    found = READER.read(3, row)

    if isinstance(found, Person):
        assert found.email.count("@") == bool(found.email)
        assert re.fullmatch(r"(?:\+[1-9]\d{3,14})?", found.phone)
        told = (
            found.name,
            found.email,
            *(found.address or ()),
            found.group,
            found.own_id,
            *found.fields.values(),
        )
        assert not any(set(each) & set("\r\n\0\u202e") for each in told)


PEOPLE = st.tuples(st.sampled_from(["ida", "ole", "liv"]), st.integers(20000001, 99999998)).map(
    lambda told: (told[0].title(), f"{told[0]}{told[1]}@kunde.example", str(told[1]), "da")
)


@settings(max_examples=100, deadline=None)
@given(PEOPLE, PEOPLE, st.sampled_from([0, 1, 2]), st.sampled_from([";", ", ", "\n", " / ", " ; ", "|"]))
def test_what_belongs_to_two_people_in_one_cell_is_nobodys(first, second, at, between):
    row = list(first)
    row[at] = f"{first[at]}{between}{second[at]}"
    if at == 0 and between in (", ", " / "):  # "Holm, Ida" is a name
        return

    assert not isinstance(read(*row), Person)


ODD = ("", " ", "'", "=", "#", "@", "Ida Holm", "Ida & Ole Holm", "'Ida", "=Ida", "²", "Ida\ufffd", "https://x",
       "ida@x.dk", "'ida@x.dk", "=ida@x.dk", "ida@x.dk, ole@x.dk", "IDA@X.DK", "20123456", "'20123456",
       "+45 20 12 34 56", "004520123456", "4,52E+09", "20000000", "da", "=da", "'da", "dansk", "xx", "da-DK",
       "Sørensen\u200b", "O'Neill", "Ida  Holm", "ida@\ufffd.dk")  # fmt: skip


@given(st.lists(st.sampled_from(ODD) | st.text(max_size=12), min_size=4, max_size=4))
def test_a_row_read_at_once_is_what_the_long_way_makes_of_it(row):
    columns = Columns(("n", "e", "p", "l"), ("name", "email", "phone", "language"))
    at_once, long_way = (Reader(columns, Known("DK", "en")) for _ in range(2))
    long_way._at = None

    assert at_once.read(7, row) == long_way.read(7, row)
