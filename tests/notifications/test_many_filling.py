"""Filling in what differs from person to person: a value stays a value, and no mark reaches a reader."""

import pytest

from notifications.rules import filling
from notifications.rules.filling import Unfillable

LETTER = {
    "subject": "Brud hos ProMark, ⟦name⟧",
    "text": "Kære ⟦name⟧\n\nDin kode: ⟦code⟧",
    "html": "<p>Kære ⟦name.html⟧</p><p>Din kode: ⟦code.html⟧</p>",
    "sender": "ProMark A/S",
}


def written(**values):
    return filling.filled(LETTER, {"code": "7QK2", **values})


def test_everybody_reads_their_own_name_and_code():
    assert written(name="Anna Ålborg") == {
        "subject": "Brud hos ProMark, Anna Ålborg",
        "text": "Kære Anna Ålborg\n\nDin kode: 7QK2",
        "html": "<p>Kære Anna Ålborg</p><p>Din kode: 7QK2</p>",
        "sender": "ProMark A/S",
    }


def test_a_name_is_no_html():
    letter = written(name='<a href="https://evil.example">Anna & "co"</a>')

    assert "<a" not in letter["html"]
    assert "&lt;a href=&quot;https://evil.example&quot;&gt;Anna &amp; &quot;co&quot;" in letter["html"]
    assert '<a href="https://evil.example">' in letter["text"]


@pytest.mark.parametrize("name", ["⟦code⟧", "⟦code.html⟧", "⟦", "⟧⟦code⟧"])
def test_a_name_that_looks_like_a_mark_brings_nothing_else_in(name):
    letter = written(name=name)

    assert letter["text"].count("7QK2") == letter["html"].count("7QK2") == 1
    assert not set("⟦⟧") & set("".join(letter.values()))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1e"])
def test_a_name_adds_no_line_to_the_subject(end):
    subject = written(name=f"Anna{end}Bcc: everybody@example.org")["subject"]

    assert len(subject.splitlines()) == 1


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\ud800"])
def test_signs_that_are_no_letters_are_left_out(sign):
    assert written(name=f"An{sign}na")["text"].startswith("Kære Anna\n")


def test_an_address_keeps_its_lines_in_a_text():
    assert written(name="Anna\r\nVej 1\r8000 Aarhus")["text"].startswith("Kære Anna\nVej 1\n8000 Aarhus\n")


def test_an_empty_value_is_a_value():
    assert written(name="")["text"].startswith("Kære \n")


def test_a_mark_without_a_value_stops_the_letter():
    with pytest.raises(Unfillable, match="name"):
        written()


@pytest.mark.parametrize(
    "content",
    [
        {"subject": "x", "text": "Kære ⟦name"},
        {"subject": "x", "text": "Kære name⟧"},
        {"subject": "x", "text": "Kære ⟦⟧"},
        {"subject": "x", "text": "Kære ⟦na\nme⟧"},
        {"subject": "x", "text": "Kære ⟦na⟦me⟧⟧"},
        {"subject": "x", "text": "Kære ⟦name.html⟧"},
        {"subject": "⟦name.html⟧", "text": "x"},
        {"subject": "x", "text": "x", "html": "<p>⟦name⟧</p>"},
    ],
)
def test_a_text_with_half_a_mark_or_one_of_the_wrong_kind_is_refused(content):
    with pytest.raises(Unfillable):
        filling.filled(content, {"name": "Anna"})


def test_what_a_provider_puts_in_is_what_we_would_have_put_in():
    values = {"name": "Anna <b> ⟦code⟧", "code": "7QK2"}
    put = filling.substitutions(filling.marks(LETTER), values)
    text, html = LETTER["text"], LETTER["html"]
    for mark, value in put.items():
        text, html = text.replace(mark, value), html.replace(mark, value)

    assert (text, html) == (filling.filled(LETTER, values)["text"], filling.filled(LETTER, values)["html"])


def test_free_fields_have_names_of_their_own():
    assert filling.marks({"text": "⟦field:Kunde nr.⟧"}) == {"field:Kunde nr."}
