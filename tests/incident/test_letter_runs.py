"""A letter on paper reaches the person it names, and its envelope tells nobody what it is about."""

import csv
import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import tomllib
import zlib
from datetime import UTC, date, datetime
from pathlib import Path

import psutil
import pytest
from flask import Flask
from flask_babel import Babel

from foundation.errors import Invalid
from incident import letter_runs
from incident.letter_runs import Address, Batch, Fault, Letter, Manifest, Part, Run, Sender, Text, setting
from incident.letter_runs.addresses import Unusable, lines_of
from incident.letter_runs.setting import Addressed
from incident.letter_runs.windows import Window
from tests import pdf_text

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LANGUAGES = ("da", "nb", "sv", "en")
KEYS = [each.key for each in letter_runs.all_windows()]
LONG = "Rød grød med fløde. " * 300  # more than one page
TELLTALE = """
from tests.incident import test_letter_runs as t
with t.made().app_context():
    print(t.printed([t.letter(1), t.letter(2, country="SE", postcode="11122")])[0].pdf.sha256)
"""
DANISH = Text(
    "da", "Brud på sikkerheden for dine personoplysninger",
    (Part("Hvad er der sket?", "Nogen så dine oplysninger på Ærø.\n\nVi beklager."), Part("", "Æ, ø og å.")),
    ("Med venlig hilsen", "Æblehaven Løn A/S"),
)  # fmt: skip


def made():
    app = Flask("letters", template_folder=str(ROOT / "templates"))
    app.config["DATA"] = ROOT
    Babel(app)
    return app


@pytest.fixture(autouse=True)
def around():
    with made().app_context():
        yield


def window(key="nordic-c5"):
    return letter_runs.window(key, at=NOON)


def run(**changes):
    sender = Sender("Æblehaven Løn A/S", ("Frugtvej 12", "8000 Aarhus C"), ("Telefon 86 12 34 56",))
    told = {"number": "AH-2026-0012", "sender": sender, "country": "DK", "locale": "da",
            "day": date(2026, 11, 28), "made_at": NOON, "window": window()}  # fmt: skip
    return Run(**(told | changes))


def address(**changes):
    told = {"name": "Søren Østergård", "line1": "Åboulevarden 117, 3. tv.", "postcode": "8000",
            "city": "Aarhus C"}  # fmt: skip
    return Address(**(told | changes))


def letter(number=1, text=DANISH, opening="Kære Søren Østergård", **changes):
    return Letter(f"key-{number}", f"K7Q-{number:04d}", address(**changes), text, opening)


def long(times=1):
    return dataclasses.replace(DANISH, parts=(Part("Hvad er der sket?", LONG * times),))


def everything(people, **changes):
    return list(letter_runs.printed(people, run(**changes)))


def printed(people, **changes):
    return [each for each in everything(people, **changes) if isinstance(each, Batch)]


def faults(people, **changes):
    told = [each for each in everything(people, **changes) if isinstance(each, Fault)]
    return [(each.key, each.code) for each in told]


def pages(people, **changes):
    return pdf_text.read(printed(people, **changes)[0].pdf.data).pages


def lines(sent_from="DK", locale="da", **changes):
    return [each.text for each in lines_of(address(**changes), sent_from=sent_from, locale=locale)]


# --- where the address stands -------------------------------------------------------------------


def test_a_letter_that_lies_anywhere_in_its_envelope_shows_the_whole_address():
    din = window("din-dl")

    assert din.play == (10, 5)
    assert (din.safe.x, din.safe.y, din.safe.width, din.safe.height) == (21, 51, 78, 38)
    assert (din.seen.x, din.seen.y, din.seen.right, din.seen.bottom) == (9, 44, 111, 96)


@pytest.mark.parametrize("changes", [{"left": 140}, {"folds": (120.0, 240.0)}, {"width": 8}])
def test_measures_that_cannot_be_are_refused(changes):
    assert list(dataclasses.replace(window("din-dl"), **changes).faults())


@pytest.mark.parametrize("country", ["DK", "NO", "SE", "GB"])
def test_each_country_has_a_window_at_the_left_for_both_envelopes(country):
    common = letter_runs.common_in(country)

    assert {each.envelope for each in common if each.side == "left"} == {"DL", "C5"}
    assert all(each.source and each.checked <= NOON.date() for each in common)


def test_a_window_is_that_of_its_day():
    with pytest.raises(KeyError):
        letter_runs.window("din-dl", at=datetime(2008, 1, 31, tzinfo=UTC))


def dark(picture, area, mm):
    """Whether anything is printed in an area; `mm` is how many dots there are to one."""
    width, rows = picture
    left, right = max(0, int(area.x * mm)), min(width, int(area.right * mm) + 1)
    return [
        (x / mm, y / mm)
        for y in range(max(0, int(area.y * mm)), int(area.bottom * mm) + 1)
        for x in range(left, right) if min(rows[y][x * 4 : x * 4 + 3]) < 200
    ]  # fmt: skip


def picture_of(page):
    """A PNG of eight bits and four channels, as rows of bytes."""
    data, at, packed, width = page, 8, b"", 0
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width = int.from_bytes(body[:4], "big")
            assert body[8:10] == bytes([8, 6])
        packed += body if kind == b"IDAT" else b""
        at += length + 12
    raw, size, before, rows = zlib.decompress(packed), width * 4, bytearray(width * 4), []
    for start in range(0, len(raw), size + 1):
        row = bytearray(raw[start + 1 : start + 1 + size])
        for place in range(size if raw[start] else 0):
            left = row[place - 4] if place >= 4 else 0
            corner = before[place - 4] if place >= 4 else 0
            row[place] = (row[place] + guess(raw[start], left, before[place], corner)) & 255
        rows.append(row)
        before = row
    return width, rows


def guess(kind, left, above, corner):
    if kind == 4:
        sides = {left: abs(above - corner), above: abs(left - corner)}
        sides.setdefault(corner, abs(left + above - 2 * corner))
        return min((left, above, corner), key=sides.__getitem__)
    return {1: left, 2: above, 3: (left + above) // 2}[kind]


@pytest.mark.parametrize("beside", [1, 30])
@pytest.mark.parametrize("key", KEYS)
def test_nothing_but_the_address_can_ever_be_seen_through_the_window(key, beside):
    at = window(key)
    told = run(window=at, sender=Sender("Æblehaven Løn A/S", ("Frugtvej 12",), ("Telefon",) * beside))
    one = letter(text=dataclasses.replace(DANISH, subject="Brud på sikkerheden " * 8))
    addressed = Addressed(one, lines_of(one.address, sent_from="DK", locale="da"))
    ppi = 60
    found = picture_of(setting.page_of([addressed], told, 1).pictures(ppi=ppi)[0])
    seen = dark(found, at.seen, ppi / 25.4)

    dot = 25.4 / ppi
    assert seen
    assert all(at.safe.x - dot <= x <= at.safe.right for x, _y in seen)
    assert all(at.safe.y - dot <= y <= at.safe.bottom for _x, y in seen)


# --- how an address is written ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "last"),
    [
        ({"country": "DK"}, ["8000 Aarhus C"]),
        ({"country": ""}, ["8000 Aarhus C"]),
        ({"postcode": "DK-8000"}, ["8000 Aarhus C"]),
        ({"country": "no", "postcode": "0151", "city": "Oslo"}, ["0151 Oslo", "NORGE"]),
        ({"country": "SE", "postcode": "11122", "city": "Stockholm"}, ["111 22 Stockholm", "SVERIGE"]),
        ({"country": "GB", "postcode": "sw1a1aa", "city": "Leeds"}, ["LEEDS", "SW1A 1AA", "STORBRITANNIEN"]),
        ({"country": "NL", "postcode": "1234ab", "city": "Delft"}, ["1234 AB Delft", "NEDERLANDENE"]),
        ({"country": "BR", "postcode": "01310-100", "city": "São"}, ["01310-100 São", "BRASILIEN"]),
    ],
)  # fmt: skip
def test_an_address_ends_as_its_country_writes_it(told, last):
    assert lines(**told) == ["Søren Østergård", "Åboulevarden 117, 3. tv.", *last]


def test_the_country_is_named_only_abroad_in_the_language_of_the_sender():
    assert lines("GB", "en", country="GB", postcode="SW1A 1AA", city="London")[-1] == "SW1A 1AA"
    assert lines("GB", "en", country="DK")[-1] == "DENMARK"


@pytest.mark.parametrize(
    ("told", "code", "part"),
    [
        ({"name": " "}, "missing", "name"),
        ({"line1": ""}, "missing", "line1"),
        ({"city": ""}, "missing", "city"),
        ({"postcode": ""}, "missing", "postcode"),
        ({"postcode": "800"}, "postcode", "postcode"),
        ({"country": "NO", "postcode": "151"}, "postcode", "postcode"),
        ({"postcode": "٨٠٠٠"}, "postcode", "postcode"),
        ({"country": "Danmark"}, "no_such_country", "country"),
        ({"country": "QQ"}, "no_such_country", "country"),
        ({"name": "Søren\nAnne"}, "line_break", "name"),
        ({"line1": "Åvej 1\x00"}, "line_break", "line1"),
    ],
)
def test_an_address_that_cannot_be_written_says_where(told, code, part):
    with pytest.raises(Unusable) as why:
        lines(**told)
    assert (why.value.code, why.value.part) == (code, part)


# --- one letter ---------------------------------------------------------------------------------


def test_a_letter_says_to_whom_by_whom_when_and_what_in_this_order():
    (first, back) = pages([letter()])

    said = ["Æblehaven Løn A/S · Frugtvej 12 · 8000 Aarhus C", "Søren Østergård", "Åboulevarden 117, 3. tv.",
            "\n8000 Aarhus C", "Telefon 86 12 34 56", "Dato: 28. november 2026", "Vores reference: K7Q-0001",
            "Brud på sikkerheden for dine personoplysninger", "Kære Søren Østergård", "Hvad er der sket?",
            "Nogen så dine oplysninger på Ærø.", "Med venlig hilsen", "Side 1 af 1", "001-1"]  # fmt: skip
    places = [first.index(each) for each in said]
    assert places == sorted(places)
    assert back == ""


def test_a_letter_is_tagged_for_screen_readers_in_its_own_language():
    english = Text("en", "A breach", (Part("What happened", "Somebody saw it."),))
    read = pdf_text.read(printed([letter(1), letter(2, english)])[0].pdf.data)

    assert read.tags.count("H1") == 2
    assert "pdfuaid" in read.said
    assert "pdfaid" in read.said
    assert "/Lang(da)" in read.said
    assert "/Lang(en" in read.said
    assert "Our reference: K7Q-0002" in read.text


def test_what_people_wrote_is_never_read_as_markup():
    odd = '#panic("x") *a* _b_ $c$ <d> @e {f} {{g}} [h] \\i // j " \' `k`'
    text = dataclasses.replace(DANISH, subject=odd, parts=(Part(odd, odd),))
    told = pages([letter(1, text, opening=odd, name=odd[:30], line1=odd[30:])])[0]

    assert " ".join(told.split()).count(odd) == 5


def test_each_letter_begins_on_a_front_page_and_counts_its_own_pages():
    found = pages([letter(1), letter(2, long()), letter(3)])

    assert [("Side 1 af" in each, each == "") for each in found] == [
        (True, False), (False, True),  # one page, and its blank back
        (True, False), (False, False),
        (True, False), (False, True),
    ]  # fmt: skip
    assert "Side 2 af 2" in found[3]
    assert "K7Q-0002" in found[3]


def test_on_one_side_there_are_no_blank_pages():
    found = pages([letter(1), letter(2, long()), letter(3)], duplex=False)

    assert len(found) == 4
    assert all(found)


def test_a_long_name_goes_on_to_a_second_line_and_a_postcode_stays_with_its_city():
    name = "Anne Margrethe Wilhelmine Kirstine Frederikke Oxholm von Rosenkrantz af Bækkeskov"
    told = pages([letter(name=name, line1="Åvej 1")])[0].splitlines()

    assert " ".join(told[1:3]).replace("  ", " ") == name
    assert told[3:5] == ["Åvej 1", "8000 Aarhus C"]


@pytest.mark.parametrize("key", ["din-c5", "uk-dl"])
def test_six_lines_fit_a_window_of_the_usual_height(key):
    abroad = letter(country="GB", postcode="SW1A 1AA", city="London", line2="Westminster")
    assert not faults([abroad], window=window(key))


def test_a_drill_says_so_on_every_page():
    assert all("Øvelse" in each for each in pages([letter(text=long())], drill=True))


# --- letters that are left out ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": "Æ" * 10_000}, "too_wide"),
        ({"opening": "Kære " + "Æ" * 10_000}, "too_wide"),
        ({"city": "Ødis " * 20}, "too_wide"),
        ({"name": "Søren Østergård " * 8}, "too_high"),
        ({"name": "Søren 😀"}, "unprintable"),
        ({"text": dataclasses.replace(DANISH, subject="Brud \U000f0000")}, "unprintable"),
        ({"text": long(20)}, "too_many_sheets"),
        ({"postcode": "0"}, "postcode"),
    ],
)
def test_a_letter_that_cannot_be_printed_right_is_named_and_stops_no_other(wrong, code):
    letters = [letter(1), letter(2, **wrong), letter(3)]
    told = everything(letters)

    (fault,) = [each for each in told if isinstance(each, Fault)]
    (batch,) = [each for each in told if isinstance(each, Batch)]
    assert (fault.key, fault.code) == ("key-2", code)
    assert str(fault.why)
    assert [each.key for each in batch.letters] == ["key-1", "key-3"]
    assert "K7Q-0002" not in pdf_text.read(batch.pdf.data).text


def test_a_sender_too_long_for_the_window_is_refused_before_anything_is_printed():
    sender = Sender(
        "Æblehaven Løn og Bogholderi for Frugtavlere A/S", ("Frugtvej 12, 4. sal, bygning C", "8000")
    )
    with pytest.raises(Invalid):
        everything([letter()], sender=sender)


# --- batches ------------------------------------------------------------------------------------


def test_batches_hold_what_a_printer_takes_and_everybody_once_in_order():
    batches = printed([letter(n) for n in range(1, 8)], letters=3)

    assert [each.number for each in batches] == [1, 2, 3]
    assert [len(each.letters) for each in batches] == [3, 3, 1]
    assert [one.key for each in batches for one in each.letters] == [f"key-{n}" for n in range(1, 8)]
    assert len({each.pdf.name for each in batches}) == 3


def test_a_batch_has_no_more_sheets_than_it_may():
    batches = printed([letter(n, long(2)) for n in range(1, 5)], sheets=4)

    assert [(each.number, each.sheets, each.pages) for each in batches] == [(1, 4, 8), (2, 4, 8)]
    assert [len(pdf_text.read(each.pdf.data).pages) for each in batches] == [8, 8]


def test_letters_are_taken_only_as_they_are_needed():
    taken = []

    def coming():
        for number in range(1, 1_000_000):
            taken.append(number)
            yield letter(number)

    next(letter_runs.printed(coming(), run(letters=4)))
    assert len(taken) == 4


def test_memory_does_not_grow_with_the_number_of_batches():
    made = letter_runs.printed((letter(n, name=f"Søren {n}") for n in range(1, 181)), run(letters=20))
    used = [psutil.Process().memory_info().rss / 2**20 for _batch in made]

    assert len(used) == 9
    assert used[-1] - used[2] < 30


def test_the_same_letters_give_the_same_bytes_in_another_process():
    found = {
        subprocess.run(
            [sys.executable, "-c", TELLTALE], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            check=True, capture_output=True, text=True, timeout=120,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip

    assert found == {printed([letter(1), letter(2, country="SE", postcode="11122")])[0].pdf.sha256}


# --- the sheet and the manifest -----------------------------------------------------------------


def test_no_cell_of_the_address_sheet_is_a_formula():
    (batch,) = printed([letter(name='=HYPERLINK("http://a.example";"Søren")', line1="+45 Åvej")])
    rows = list(csv.reader(io.StringIO(batch.sheet_csv.data.decode("utf-8-sig")), delimiter=";"))

    assert rows[0] == ["Nr.", "Reference", "Navn", "Adresse", "Land", "Sider", "Ark"]
    assert rows[1][2] == '\'=HYPERLINK("http://a.example";"Søren")'
    assert rows[1][3] == "'+45 Åvej, 8000 Aarhus C"
    assert rows[1][4:] == ["DK", "1", "1"]


def test_the_printed_sheet_names_the_file_by_its_hash_and_everybody_in_it():
    (batch,) = printed([letter(1), letter(2, country="SE", postcode="11122", city="Malmö")])
    told = "".join(pdf_text.read(batch.sheet_pdf.data).text.split())

    assert hashlib.sha256(batch.pdf.data).hexdigest() in told
    assert batch.pdf.name in told
    assert "Breve2" in told
    assert "11122Malmö,SVERIGE" in told
    assert "148.5mm" in told


def test_the_manifest_counts_everybody_and_names_nobody():
    letters = [letter(1), letter(2, postcode="0"), letter(3)]
    gathered, at, files = Manifest(run(letters=1)), run(letters=1), []
    for each in letter_runs.printed(letters, at):
        gathered.add(each)
        files += each.files if isinstance(each, Batch) else []
    told = json.loads(gathered.json_bytes())

    assert (told["letters"], told["left_out"], gathered.letters) == (2, {"postcode": 1}, 2)
    said = {one["name"]: one["sha256"] for each in told["batches"] for one in each["files"]}
    assert said == {each.name: hashlib.sha256(each.data).hexdigest() for each in files}
    assert len(said) == 6
    assert "Søren" not in json.dumps(told, ensure_ascii=False)
    assert gathered.json_bytes() == letter_runs.manifest(letter_runs.printed(letters, at), at)


def test_a_letter_says_the_same_things_in_every_language():
    def keys(language):
        told = tomllib.loads((ROOT / f"templates/letter_runs/{language}.toml").read_text("utf-8"))
        return [(key, list(each) if isinstance(each, dict) else None) for key, each in told.items()]

    assert len({str(keys(language)) for language in LANGUAGES}) == 1


def test_a_row_that_is_no_window_is_refused():
    row = {field.name: getattr(window(), field.name) for field in dataclasses.fields(Window)}
    own = {key: row.pop(key) for key in ("paper_width", "paper_height", "tolerance")}
    paper = {"width": own["paper_width"], "height": own["paper_height"]}

    assert Window.read(row, paper, own["tolerance"]) == window()
    with pytest.raises(ValueError, match="nordic-c5"):
        Window.read(row | {"left": 200}, paper, own["tolerance"])
