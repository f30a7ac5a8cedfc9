"""What a text costs as text messages is known before anybody approves it, and which sign makes it dear."""

import pytest

from incident.communication_texts import segments
from notifications import rendering

DANISH = "Kære Åse, vi skriver, fordi et brud på persondatasikkerheden berører dig. Ærlig talt: læs øverst. "


@pytest.mark.parametrize(
    ("text", "alphabet", "count"),
    [
        ("", "GSM-7", 0),
        ("a", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("ł" * 70, "UCS-2", 1),
        ("ł" * 71, "UCS-2", 2),
        ("ł" * 134, "UCS-2", 2),
        ("ł" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_a_text_takes_as_many_messages_as_the_standard_says(text, alphabet, count):
    found = segments.of(text)

    assert (found.alphabet, found.count) == (alphabet, count)


def test_letters_of_the_north_cost_no_more_than_others():
    found = segments.of("æøåÆØÅäöÄÖéü ÅSE")

    assert (found.alphabet, found.foreign) == ("GSM-7", ())


def test_every_sign_of_the_extension_table_takes_two_places():
    assert segments.of("^{}\\[~]|€").used == 18
    assert segments.of("a€b€").doubled == ("€",)


def test_a_sign_of_two_places_is_not_cut_in_half_between_two_messages():
    cut = "a" * 152 + "€" + "a" * 152

    assert segments.of(cut).count == 3
    assert segments.of("a" * 151 + "€" + "a" * 153).count == 2


def test_a_picture_of_two_places_is_not_cut_in_half_either():
    assert segments.of("ł" * 66 + "😀" + "ł" * 66).count == 3


def test_the_sign_that_made_a_text_dear_is_named_with_its_place_and_its_like():
    text = "Don’t worry – it’s over."
    found = segments.of(text)

    apostrophe, dash = found.foreign
    assert found.alphabet == "UCS-2"
    assert (apostrophe.sign, apostrophe.code, apostrophe.times, apostrophe.first) == ("’", "U+2019", 2, 4)
    assert (apostrophe.name, apostrophe.instead) == ("RIGHT SINGLE QUOTATION MARK", "'")
    assert (dash.sign, dash.instead) == ("–", "-")
    assert segments.of(rendering.gsm(text)).alphabet == "GSM-7"


def test_a_sign_without_its_like_says_so():
    assert [each.instead for each in segments.of("Привет").foreign] == [""] * 6


def test_one_foreign_sign_halves_what_goes_into_a_message():
    text = (DANISH * 2)[:150]

    assert segments.of(text).count == 1
    assert segments.of(text.replace(".", "…", 1)).count == 3


def test_what_is_left_in_the_last_message_is_told():
    assert segments.of("a" * 150).left == 10
    assert segments.of("a" * 161).left == 145
    assert segments.of("").left == 0


def test_a_letter_written_in_two_signs_counts_as_written():
    decomposed = "A\u030a"

    assert [each.code for each in segments.of(decomposed).foreign] == ["U+030A"]
    assert segments.of(rendering.gsm(decomposed)).alphabet == "GSM-7"


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\u202e", "\x1b"])
def test_signs_that_nobody_sees_are_named_and_break_nothing(text):
    (found,) = segments.of(text).foreign

    assert found.code.startswith("U+")
