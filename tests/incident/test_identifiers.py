"""A sample shows what kinds of numbers were breached, and the look at it leaves no copy of any."""

import logging
import time
import traceback
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import Invalid
from incident.recipient_lists import numbers
from incident.recipient_lists.identifiers import NAMES, SURENESS, Count, Sure, scan, scan_text
from incident.recipient_lists.number_data import rules_at
from incident.recipient_lists.numbers import Kind

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FIRST, SECOND = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def seen(*cells):
    """What a scan says of cells, as (kind, how sure, how many)."""
    return [(each.kind, each.sure, each.found) for each in scan(cells, now=NOW).counts]


def norwegian(nine):
    """Nine digits with the two that check them."""
    for weights in (FIRST, SECOND):
        left = sum(int(digit) * weight for digit, weight in zip(nine, weights, strict=True)) % 11
        nine += str(-left % 11)
    return nine


def danish(nine):
    """Nine digits with the tenth that makes them divisible by 11 when weighed."""
    left = sum(int(digit) * weight for digit, weight in zip(nine, (4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True))
    return nine + str(-left % 11)


# --- one number at a time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "kind", "sure"),
    [
        ("211062-5629", Kind.CPR, Sure.SURE),
        ("2110625629", Kind.CPR, Sure.LIKELY),
        ("010165-1233", Kind.CPR, Sure.LIKELY),  # no check digit, as some of 1 January since 2007
        ("0101651233", Kind.CPR, Sure.POSSIBLE),
        ("211062-5628", Kind.CPR, Sure.POSSIBLE),
        ("811218-9876", Kind.PERSONNUMMER, Sure.SURE),
        ("19811218-9876", Kind.PERSONNUMMER, Sure.SURE),
        ("198112189876", Kind.PERSONNUMMER, Sure.SURE),
        ("8112189876", Kind.PERSONNUMMER, Sure.LIKELY),
        ("811218+9876", Kind.PERSONNUMMER, Sure.SURE),
        ("701063-2391", Kind.SAMORDNINGSNUMMER, Sure.SURE),
        ("19701063-2391", Kind.SAMORDNINGSNUMMER, Sure.SURE),
        ("31129956715", Kind.FODSELSNUMMER, Sure.SURE),
        ("311299 56715", Kind.FODSELSNUMMER, Sure.SURE),
        (norwegian("410170123"), Kind.D_NUMBER, Sure.SURE),
        (norwegian("014170125"), Kind.H_NUMBER, Sure.SURE),
        ("AB 12 34 56 C", Kind.NATIONAL_INSURANCE, Sure.SURE),
        ("ab123456c", Kind.NATIONAL_INSURANCE, Sure.LIKELY),
        ("AB123456", Kind.NATIONAL_INSURANCE, Sure.POSSIBLE),
        ("4111 1111 1111 1111", Kind.CARD, Sure.SURE),
        ("4111-1111-1111-1111", Kind.CARD, Sure.SURE),
        ("3782 822463 10005", Kind.CARD, Sure.SURE),
        ("5555555555554444", Kind.CARD, Sure.LIKELY),
        ("2223003122003222", Kind.CARD, Sure.LIKELY),
        ("DK50 0040 0440 1162 43", Kind.IBAN, Sure.SURE),
        ("NO9386011117947", Kind.IBAN, Sure.SURE),
        ("gb82west12345698765432", Kind.IBAN, Sure.SURE),
        ("DE89 3704 0044 0532 0130 00", Kind.IBAN, Sure.SURE),
        ("Astrid Holm <astrid.holm+hr@promark.example>", Kind.EMAIL, Sure.SURE),
        ("åse@blåbærgrød.example", Kind.EMAIL, Sure.SURE),
    ],
)
def test_a_number_is_known_by_its_form_and_how_sure_that_is_by_its_checks(cell, kind, sure):
    assert seen(cell) == [(kind, sure, 1)]


@pytest.mark.parametrize(
    "cell",
    [
        "Bredgade 12, 1260 København K", "+45 20 30 40 50", "+4620304050", "2026-11-28", "28-11-2026",
        "321062-5629",  # no such day
        "211362-5629",  # no such month
        "290201-5627",  # 2001 had no 29 February
        "811218-9875",  # Luhn fails
        "811218-0004",  # nobody has the birth number 000
        "20991218-9878",  # not born yet
        "31129956714",  # the second check digit
        "31129956725",  # the first
        "4111 1111 1111 1112",  # Luhn fails
        "9999999999999995",  # Luhn passes, no issuer
        "0000000000000000",
        "DK51 0040 0440 1162 43",  # modulus 97 fails
        "DK50 0040 0440 1162 4",  # too short
        "XX50 0040 0440 1162 43",  # no such country
        "QQ123456C", "GB123456A", "AO123456A", "AB123456E",
        "550e8400-e29b-41d4-a716-446655440000", "192.168.211.062", "v21106256290", "a@localhost", "@handle",
        "٢١١٠٦٢-٥٦٢٩",  # digits of another script are left alone, and break nothing
        "", " ", "\x00", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_person_is_not_counted(cell):
    assert seen(cell) == []


def test_a_number_is_seen_as_word_processors_and_file_names_write_it():
    assert seen("211062\u20135629", "cpr_2110625629.pdf", "DK50\u00a00040\u00a00440\u00a01162\u00a043") == [
        (Kind.CPR, Sure.SURE, 1), (Kind.CPR, Sure.LIKELY, 1), (Kind.IBAN, Sure.SURE, 1),
    ]  # fmt: skip


def test_a_number_whose_first_zero_a_spreadsheet_ate_is_seen_where_it_is_the_whole_cell():
    assert seen(danish("010190123")[1:]) == [(Kind.CPR, Sure.LIKELY, 1)]
    assert seen(norwegian("010170125")[1:]) == [(Kind.FODSELSNUMMER, Sure.LIKELY, 1)]
    assert seen("ref " + danish("010190123")[1:]) == []


def test_an_account_hides_no_second_number_and_a_number_in_an_address_is_seen():
    assert seen("DE89 3704 0044 0532 0130 00 4111 1111 1111 1111") == [
        (Kind.CARD, Sure.SURE, 1), (Kind.IBAN, Sure.SURE, 1),
    ]  # fmt: skip
    assert [kind for kind, _sure, _found in seen("211062-5629@post.example")] == [Kind.CPR, Kind.EMAIL]
    assert seen("2026 4111 1111 1111 1111") == [(Kind.CARD, Sure.SURE, 1)]


def test_the_century_of_a_cpr_number_is_in_its_seventh_digit():
    born = [numbers.cpr_birthday(each, date(2026, 11, 28)) for each in (
        "2902000009", "2902004009", "0101374000", "0101365000", "0101585000", "0101574000",
    )]  # fmt: skip

    assert born == [
        None, date(2000, 2, 29), date(1937, 1, 1), None, date(1858, 1, 1), date(1957, 1, 1),
    ]  # fmt: skip


# --- a sample as a whole ----------------------------------------------------------------------------


def test_a_number_that_two_countries_could_have_given_is_of_the_country_the_sample_is_of():
    both = "010203-1598"
    assert numbers.has_cpr_check("0102031598") is numbers.has_luhn("0102031598") is True

    danes = seen("211062-5629", "311299-" + danish("311299123")[6:], both)
    swedes = seen("811218-9876", both)

    assert danes == [(Kind.CPR, Sure.SURE, 3)]
    assert swedes == [(Kind.PERSONNUMMER, Sure.SURE, 2)]
    assert seen(both) == [(Kind.CPR, Sure.POSSIBLE, 1)]


def test_a_column_of_numbers_that_pass_by_chance_is_only_possible():
    telephones = [f"07{number:08d}" for number in range(10_000_000, 10_005_000, 7)]

    assert {sure for _kind, sure, _found in seen(*telephones)} == {Sure.POSSIBLE}


def test_cells_are_counted_beside_numbers_and_different_ones_beside_all():
    found = scan(["211062-5629 og 211062-5629", "211062-5629", "Birk", "", "  "], now=NOW)

    assert found.counts == (Count(Kind.CPR, Sure.SURE, found=3, different=1, cells=2, share=2 / 3),)
    assert (found.cells, found.whole, found.found(Kind.CPR), found.found(Kind.CARD)) == (3, True, 3, 0)


def test_pasted_text_is_cut_into_cells_as_lists_are():
    found = scan_text("navn;cpr|mail\nAstrid;211062-5629|a@promark.example\r\nBirk\t\t", now=NOW)

    assert found.cells == 7
    assert [(each.kind, each.share) for each in found.counts] == [(Kind.CPR, 1 / 7), (Kind.EMAIL, 1 / 7)]


def test_every_kind_and_sureness_has_a_name_for_the_screen():
    assert set(NAMES) == set(Kind)
    assert set(SURENESS) == set(Sure)


# --- nothing leaves ---------------------------------------------------------------------------------


def broken():
    """Cells of which the last cannot be read; such an error holds the bytes it could not read."""
    yield "211062-5629"
    yield b"311299-1234 \xff".decode()


def test_an_error_of_reading_holds_nothing_of_what_was_read(app):
    with app.app_context(), pytest.raises(Invalid) as raised:
        scan(broken(), now=NOW)

    error = raised.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert error.__context__ is error.__cause__ is None
    assert [each for each in ("211062", "5629", "311299", "1234") if each in told + repr(error)] == []


def test_what_was_found_is_in_no_answer_and_no_log(caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        found = scan(["211062-5629 4111 1111 1111 1111 AB123456C astrid@promark.example"], now=NOW)

    said = repr(found) + caplog.text + "".join(capsys.readouterr())
    assert len(found.counts) == 4
    assert [each for each in ("5629", "1111", "123456", "astrid", "promark") if each in said] == []


# --- hostile samples --------------------------------------------------------------------------------

HOSTILE = {
    "digits": "1", "spaced digits": "1 ", "groups": "1111 ", "cards that fail": "4111 1111 1111 1112 ",
    "letters": "a", "ats": "a@", "domains": "a" * 64 + "@" + "a." * 8, "long labels": "a@" + "a" * 63 + ".",
    "insurance": "AB 12 34 56 ", "accounts": "DK12 1234 1234 1234 12 ", "countries": "MT12", "dashes": "1-",
    "underscores": "_1", "dots": "1.", "blanks": " ",
}  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_time_as_its_length_and_no_more(part):
    def spent(length):
        text = (part * length)[:length]
        begun = time.process_time()
        scan([text[at : at + 10_000] for at in range(0, length, 10_000)], now=NOW)
        return time.process_time() - begun

    spent(10_000)

    short, long = min(spent(20_000) for _ in range(3)), min(spent(80_000) for _ in range(2))
    assert long < 10 * short + 0.05  # four times the text; a square would be sixteen times
    assert long < 2


def test_a_sample_ends_at_its_limits_and_says_so():
    limit = rules_at(NOW).limit

    def endless(cell):
        while True:
            yield cell

    assert scan(["x" * (limit.cell_signs + 1)], now=NOW).whole is False
    assert scan(endless("x"), now=NOW).cells == limit.cells
    assert scan(endless(""), now=NOW).whole is False
    assert scan(["x" * limit.cell_signs] * 3, now=NOW).whole is True


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60) | st.from_regex(r"[0-9 +@.A-Z-]{0,40}", fullmatch=True), max_size=8))
def test_any_text_is_counted_and_breaks_nothing(cells):
    found = scan(cells, now=NOW)

    assert all(0 < each.different <= each.found and 0 < each.share <= 1 for each in found.counts)
