"""A pack on paper says what was approved and nothing else, to eyes, to searches and to screen readers."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask

from incident import pack_files, packs
from incident.authorities import forms
from incident.pack_files import Imprint
from tests import pdf_text

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 10, 6, 10, tzinfo=UTC)
APPROVED = {"approved_by": "Dorthe Friis", "approved_at": NOON + timedelta(hours=1)}
LANGUAGES = ("da", "nb", "sv", "en")
TELLTALE = """
from tests.incident import test_pack_files as t
import hashlib
with t.made().app_context():
    print(hashlib.sha256(t.printed(t.document())).hexdigest())
"""


def made():
    app = Flask("packs", template_folder=str(ROOT / "templates"))
    app.config["DATA"] = ROOT
    return app


@pytest.fixture(autouse=True)
def around():
    with made().app_context():
        yield


def field(label="Hvad er der sket?", answer="Rød grød med fløde på Ærø.", **more):
    return {
        "key": "R49", "number": None, "label": label, "wording": "verbatim", "help": "", "kind": "textarea",
        "paths": ["nature.description"], "other": None, "codes": [], "longest": None, "answer": answer,
        "source": "/description", "as_told": False, "edited": False, "to_follow": False, "required": True,
        "point": None,
    } | more  # fmt: skip


def document(*fields, locale="da", authority="dk-datatilsynet", language="", **more):
    told = {"value": "x", "source": "/description", "as_told": True, "edited": False, "to_follow": False}
    form = forms.all_forms()["dk-datatilsynet"][-1]
    return {
        "schema": 2, "authority": authority, "kind": "initial", "locale": locale,
        "answers": {"nature.description": {**told, "language": language}},
        "form": {"key": form.key, "version": form.version}, "title": "Anmeldelse af brud",
        "sections": [{"key": "A", "title": "Bruddet", "fields": list(fields or (field(),))}],
    } | more  # fmt: skip


def imprint(**changes):
    told = {"organisation": "Æblehaven Løn A/S", "number": "AH-2026-0012", "count": 1,
            "zone": "Europe/Copenhagen", "made_at": NOON}  # fmt: skip
    return Imprint(**(told | APPROVED | changes))


def printed(content, **changes):
    return pack_files.pdf(content, imprint(**changes))


def read(content, **changes):
    return pdf_text.read(printed(content, **changes))


# --- what it says -------------------------------------------------------------------------------


def test_every_heading_and_answer_can_be_searched_in_the_order_of_the_form():
    text = read(document(field(), field("Hvornår?", "Tirsdag på Åen"), field("Af hvem?", "Öresund, ßä"))).text

    said = ["Bruddet", "Hvad er der sket?", "Rød grød med fløde på Ærø.", "Hvornår?", "Tirsdag på Åen",
            "Af hvem?", "Öresund, ßä"]  # fmt: skip
    places = [text.index(each) for each in said]
    assert places == sorted(places)


def test_every_page_names_the_organisation_itself_and_the_very_content():
    content = document(*[field(f"Spørgsmål {n}") for n in range(60)])
    pages = read(content).pages

    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert f"Side {number} af {len(pages)}" in page
        assert "Æblehaven Løn A/S" in page
        assert "AH-2026-0012, anmeldelse 1 · formular dk-datatilsynet, version 2026-11-22" in page
        assert packs.fingerprint(content) in page


def test_it_says_to_whom_it_goes_what_it_is_and_who_stands_behind_it():
    text = read(document(kind="further")).text

    assert "Til Datatilsynet" in text
    assert "Supplerende anmeldelse" in text
    assert "Godkendt af Dorthe Friis, tirs. 6. okt. 2026 kl. 13.00 CEST" in text
    assert "Indberetning af brud på sikkerhed, 2026-11-22" in text


def test_a_draft_says_on_every_page_that_it_is_one_and_an_approved_text_does_not():
    content = document(*[field(f"Spørgsmål {n}") for n in range(60)])
    draft = read(content, approved_by="", approved_at=None)

    assert [page for page in draft.pages if "Kladde" not in page] == []
    assert "må ikke indgives" in draft.text
    assert "Kladde" not in read(content).text


def test_a_drill_is_marked_even_when_it_is_approved():
    text = read(document(), drill=True).text

    assert "Øvelse" in text
    assert "Intet af dette er sket." in text


def test_what_is_to_follow_is_marked_where_it_stands_and_listed_in_front():
    read_ = read(document(field("Konsekvenser", "", to_follow=True), field("Antal", "")))

    assert read_.text.count("Konsekvenser") == 2
    assert "Konsekvenser Følger" in read_.text
    assert "artikel 33, stk. 4" in read_.text
    assert "Antal Ikke besvaret" in read_.text


def test_what_nobody_translated_says_so_and_from_which_language():
    swedish, unknown = (read(document(field(as_told=True), language=each)).text for each in ("sv", ""))

    assert "Ikke oversat: svensk Rød grød" in swedish
    assert "Ikke oversat Rød grød" in unknown


@pytest.mark.parametrize("wording", ["topic", "mirror", "recalled", "proposed"])
def test_a_heading_that_is_not_known_to_be_the_authoritys_is_never_passed_off_as_theirs(wording):
    text = read(document(field(wording=wording), field("Fra myndigheden selv"))).text

    assert "Hvad er der sket? †" in text
    assert "† Overskriften er vores ord" in text
    assert "Fra myndigheden selv †" not in text


def test_marks_are_explained_only_where_they_stand():
    text = read(document()).text

    assert not any(each in text for each in ("†", "»Følger«", "»Ikke oversat«"))


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_pack_is_whole_in_each_language(locale):
    everything = field(to_follow=True, answer=""), field(as_told=True, wording="proposed")
    for changes in ({}, {"approved_at": None}, {"drill": True}):
        for kind in ("initial", "further", "final", "correction", "withdrawal"):
            text = read(document(*everything, locale=locale, kind=kind, language="fi"), **changes).text

            assert f"[{locale}:" not in text


def test_what_is_to_be_kept_secret_is_marked_where_it_stands():
    claims = {"value": [{"field": "R49", "reason": "OSL 18 kap. 8 §"}], "source": "Dorthe Friis",
              "as_told": False, "edited": True, "to_follow": False, "language": "sv"}  # fmt: skip
    content = document(field(), field("Antal", "12", key="R50"), locale="sv")
    content["answers"][packs.CLAIMS] = claims

    assert read(content).text.count("Sekretess begärs") == 1


def test_the_number_of_a_field_stands_beside_it_where_the_form_numbers_its_fields():
    assert "49 Hvad er der sket?" in read(document(field(number=49))).text


def test_a_document_of_the_former_kind_can_be_printed():
    old = field()
    for key in (
        "number",
        "wording",
        "help",
        "kind",
        "paths",
        "other",
        "codes",
        "longest",
        "required",
        "point",
    ):
        del old[key]
    content = document(old, schema=1)
    del content["form"], content["kind"], content["answers"]

    assert "Rød grød med fløde på Ærø." in read(content).text


# --- what people may write into it --------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    '#panic("out") #read("/etc/passwd") #let x = 1', "*stærk* _kursiv_ `kode` $x^2$ = Overskrift",
    "@henvisning <mærke> // bemærkning /* mere */", '"}]} \\u0041 \\ #eval("1+1") ~ -- ---', "- a + b / c: d",
])  # fmt: skip
def test_what_looks_like_markup_is_printed_as_it_was_written(answer):
    assert answer in read(document(field(answer=answer), field(label=answer))).text


@pytest.mark.parametrize(("sign", "shown"), [
    ("\U0001f600", "[U+1F600]"), ("日", "[U+65E5]"), ("\x00", "[U+0000]"), ("\x07", "[U+0007]"),
    ("\ue000", "[U+E000]"), ("\U0001f469\u200d\U0001f4bb", "[U+1F469][U+200D][U+1F4BB]"),
])  # fmt: skip
def test_a_sign_that_cannot_be_printed_is_told_by_its_number_and_stops_nothing(sign, shown):
    text = read(document(field(answer=f"før {sign} efter"), field(label=f"Et {sign} spørgsmål"))).text

    assert f"før {shown} efter" in text
    assert f"Et {shown} spørgsmål" in text


def test_signs_that_would_turn_the_words_around_are_left_out():
    assert "Beløb 100" in read(document(field(answer="Beløb \u202e100\u202c\u2066\u200f"))).text


def test_a_letter_with_its_ring_apart_is_found_by_whoever_searches_for_the_letter():
    assert "på Ærø" in read(document(field(answer="pa\u030a Ærø"))).text


def test_paragraphs_and_lines_stay_apart():
    lines = read(document(field(answer="Første linje\nAnden linje\r\n\r\nNyt afsnit"))).pages[0].splitlines()

    assert [each for each in lines if "linje" in each or "afsnit" in each] == [
        "Første linje", "Anden linje", "Nyt afsnit",
    ]  # fmt: skip


def test_a_very_long_answer_goes_on_over_the_pages_and_loses_nothing():
    answer = " ".join(f"ord{n}" for n in range(6000))
    found = read(document(field(answer=answer), field("Efter", "Til sidst")))

    said = {each for page in found.pages for each in page.split()}
    assert [n for n in range(6000) if f"ord{n}" not in said] == []
    assert "Til sidst" in found.text


def test_an_answer_of_very_many_lines_goes_on_over_the_pages():
    said = read(document(field(answer="\n".join(f"l{n}" for n in range(150))))).text.split()

    assert [n for n in range(150) if f"l{n}" not in said] == []


def test_a_word_without_a_gap_breaks_within_the_page_and_gains_no_sign():
    address = "https://example.com/" + "abcdefghij" * 30
    pages = read(document(field(answer=address), field(label=address))).pages

    assert address in "".join("".join(pages).split())
    assert max(len(line) for page in pages for line in page.splitlines()) < 110


# --- what machines make of it -------------------------------------------------------------------


def test_a_screen_reader_finds_title_sections_and_questions_by_their_tags():
    found = read(document(field(), field("Hvornår?"), field("Hvorfor?", "")))
    counted = Counter(found.tags)

    assert (counted["H1"], counted["H2"], counted["H3"]) == (1, 1, 3)
    assert counted["P"] >= 3
    assert "/Marked true" in found.said
    assert "/Lang(da" in found.said.replace(" (", "(")


def test_the_file_says_that_it_keeps_to_the_standards():
    said = read(document()).said

    assert "<pdfuaid:part>1</pdfuaid:part>" in said
    assert "<pdfaid:part>2</pdfaid:part>" in said
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in said


def test_words_in_another_language_are_tagged_as_such():
    assert "/Lang(sv" in read(document(field(as_told=True), language="sv")).said.replace(" (", "(")


@pytest.mark.parametrize("language", ["", "x", "not a language", "#panic()", "SV"])
def test_a_language_that_is_none_stops_nothing(language):
    assert "Rød grød" in read(document(field(as_told=True), language=language)).text


def test_the_same_pack_has_the_same_bytes_whenever_and_wherever_it_is_made():
    again = subprocess.run(
        [sys.executable, "-c", TELLTALE], check=True, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    ).stdout.strip()  # fmt: skip

    assert sha256(printed(document())).hexdigest() == again
    assert printed(document(), made_at=NOON + timedelta(days=3)) == printed(document())


def test_another_word_or_another_approval_makes_other_bytes():
    first = printed(document())

    assert printed(document(field(answer="Rød grød med fløde på Fanø."))) != first
    assert printed(document(), approved_at=NOON + timedelta(hours=2)) != first


def test_a_font_of_the_machine_changes_nothing(tmp_path, monkeypatch):
    first = printed(document())
    monkeypatch.setenv("TYPST_FONT_PATHS", str(tmp_path))

    assert printed(document()) == first
