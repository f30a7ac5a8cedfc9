"""A file of people becomes rows: each with its line, none merged with another, none lost in silence."""

import io
import tracemalloc
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from foundation.errors import Invalid
from incident.recipient_lists import FLAWS, FlawKind, delimited, open_table, shared_strings, tables, xml_parts
from incident.recipient_lists.table_rows import LONGEST_CELL, MOST_COLUMNS

HEADER = "navn;e-mail;adresse\n"


OPEN = []


@pytest.fixture(autouse=True)
def _closed():
    yield
    while OPEN:
        OPEN.pop().close()


def opened(text, written="utf-8", **told):
    data = text if isinstance(text, bytes) else text.encode(written)
    OPEN.append(open_table(io.BytesIO(data), "kunder.csv", **told))
    return OPEN[-1]


def cells(table):
    return [row.cells for row in table.rows()]


def flaws(table):
    """The flaws of each line that has any."""
    return {row.line: [(flaw.kind, flaw.column) for flaw in row.flaws] for row in table.rows() if row.flaws}


def workbook(*rows, formats=(), **sheets):
    """The bytes of an XLSX file: a first sheet of `rows`, then `sheets` by name."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, number_format in formats:
        book.active[place].number_format = number_format
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    return saved(book)


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data, **parts):
    """An XLSX file with parts of another content; `sheet` is the first sheet, `strings` its strings."""
    names = {
        "sheet": "xl/worksheets/sheet1.xml",
        "strings": "xl/sharedStrings.xml",
        "book": "xl/workbook.xml",
    }
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content |= {names[key]: part for key, part in parts.items()}
    relations = content["xl/_rels/workbook.xml.rels"].decode()
    more = '<Relationship Id="s" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    if "strings" in parts:
        content["xl/_rels/workbook.xml.rels"] = relations.replace("</Relationships>", more)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in content.items():
            made.writestr(name, part)
    return out.getvalue()


def sheet(rows, head=""):
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?>{head}<worksheet xmlns="{name}"><sheetData>{rows}</sheetData></worksheet>'


def strung(rows):
    """An XLSX file as Excel writes it, with its texts in a part of their own, each once."""
    numbers = {
        text: number for number, text in enumerate(dict.fromkeys(cell for row in rows for cell in row))
    }
    lines = [
        f'<row r="{line}">' + "".join(f'<c t="s"><v>{numbers[cell]}</v></c>' for cell in row) + "</row>"
        for line, row in enumerate(rows, 1)
    ]
    strings = "".join(f"<si><t>{text}</t></si>" for text in numbers)
    return repacked(workbook(["x"]), sheet=sheet("".join(lines)), strings=f"<sst>{strings}</sst>")


def said(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def peak_of(data):
    table = open_table(io.BytesIO(data))
    tracemalloc.start()
    try:
        count = sum(1 for _row in table.rows())
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        table.close()


# --- letters and separators -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "iso8859-15"]
)
def test_nordic_letters_survive_each_encoding_by_itself(encoding):
    text = HEADER + "Åse Bjørnsæter;ase@kunde.example;Öster 1\nŠimon;s@kunde.example;\n"
    table = opened(text, encoding)

    assert [row[0] for row in cells(table)] == ["Åse Bjørnsæter", "Šimon"]


def test_mac_roman_is_read_where_a_person_says_so():
    text = HEADER + "Åse Bjørnsæter;ase@kunde.example;\n"

    assert cells(opened(text, "mac-roman", encoding="mac-roman"))[0][0] == "Åse Bjørnsæter"


def test_one_broken_byte_is_a_flaw_of_its_row_and_does_not_turn_the_other_letters():
    data = (HEADER + "Bjørn;b@kunde.example;\n").encode() + b"S\xf8ren;s@kunde.example;\n"

    table = opened(data)

    assert cells(table)[0][0] == "Bjørn"
    assert flaws(table) == {3: [(FlawKind.LOST_LETTER, 0)]}


def test_a_first_letter_beyond_ascii_after_a_megabyte_is_still_read_right():
    data = HEADER.encode() + b"Ida;ida@kunde.example;Vej 1\n" * 40_000 + "Bjørn;b@x;\n".encode("cp1252")

    assert cells(opened(data))[-1][0] == "Bjørn"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found_by_the_rows(separator):
    text = "\n".join(separator.join(row) for row in [("navn", "mail", "by"), ("Ida", "ida@x.example", "Ry")])

    table = opened(text)

    assert (table.separator, cells(table)) == (separator, [("Ida", "ida@x.example", "Ry")])


def test_commas_in_addresses_and_in_a_heading_do_not_pass_for_separators():
    text = "navn, fulde;mail;adresse\n" + "Ida Holm, dr.;ida@x.example;Skovvej 1, 2. tv, Ry\n" * 9

    assert opened(text).header == ("navn, fulde", "mail", "adresse")


@pytest.mark.parametrize("line", ["sep=,", '"sep=,"', "sep=,,,", "SEP=,"])
def test_the_line_on_which_excel_says_the_separator_is_obeyed_and_is_no_row(line):
    table = opened(f"{line}\r\nnavn;fulde,mail\r\nIda;Holm,ida@x.example\r\n", "utf-16")

    assert (table.header, cells(table)) == (("navn;fulde", "mail"), [("Ida;Holm", "ida@x.example")])
    assert [row.line for row in table.rows()] == [3]


def test_what_a_person_says_of_separator_and_header_counts():
    table = opened("a,b;c\nd,e;f\n", separator=",", has_header=False)

    assert (table.header, cells(table)) == (("", ""), [("a", "b;c"), ("d", "e;f")])


@pytest.mark.parametrize("told", [{"encoding": "rot13"}, {"separator": "x"}])
def test_an_encoding_or_separator_that_is_not_read_here_is_refused_with_the_choice(told):
    with pytest.raises(Invalid) as refused:
        opened(HEADER + "a;b;c\n", **told)

    assert "Choose" in refused.value.next_step


# --- rows and their lines -------------------------------------------------------------------------


def test_line_breaks_inside_quotes_stay_in_their_cell_and_lines_are_counted_as_an_editor_does():
    text = HEADER + 'Ida;ida@x.example;"Skovvej 1\r\n2. tv\r\n8680 Ry"\n\n;;\nBo;bo@x.example;"Vej ""2"""\n'

    table = opened(text)

    assert cells(table)[0][2] == "Skovvej 1\r\n2. tv\r\n8680 Ry"
    assert cells(table)[1] == ("Bo", "bo@x.example", 'Vej "2"')
    assert [row.line for row in table.rows()] == [2, 7]


def test_old_mac_line_ends_make_rows_too():
    assert len(cells(opened("navn;mail\rIda;i@x.example\rBo;b@x.example\r"))) == 2


@pytest.mark.parametrize("last", ['Ida;"ida', 'Ida;"ida\nOle;ole@x.example;Vej 3\n'])
def test_an_open_quote_is_a_flaw_of_its_line_and_the_rows_below_are_read(last):
    table = opened(HEADER + "Bo;bo@x.example;Vej 2\n" + last)

    assert flaws(table) == {3: [(FlawKind.OPEN_QUOTE, None)]}
    assert [row[0] for row in cells(table)] == ["Bo", "", *(["Ole"] if "Ole" in last else [])]


def test_two_stray_quotes_do_not_make_one_person_of_the_rows_between_them():
    table = opened(HEADER + 'Jens;"Jay;Vej 1\nIda;ida@x.example;Vej 2\nBo;Bo";Vej 3\n')

    assert flaws(table) == {2: [(FlawKind.OPEN_QUOTE, None)]}
    assert [row[0] for row in cells(table)] == ["", "Ida", "Bo"]


def test_two_stray_quotes_swallow_nobody_though_a_line_between_them_is_no_row():
    table = opened(HEADER + 'Ida;i@x.example;"note\nmore\nOle;o@y.example;foo"\n')

    assert flaws(table) == {2: [(FlawKind.OPEN_QUOTE, None)], 3: [(FlawKind.TOO_FEW_CELLS, None)]}
    assert cells(table)[-1] == ("Ole", "o@y.example", 'foo"')


def test_ten_thousand_open_quotes_are_ten_thousand_flaws():
    table = opened(HEADER + 'Ida;q";"x\n' * 10_000)

    assert len(flaws(table)) == 10_000


def test_a_file_in_which_every_quote_is_open_is_given_up_before_it_takes_all_night(monkeypatch):
    monkeypatch.setattr(delimited, "MOST_AGAIN", 10_000)
    table = opened(HEADER + 'Ida;q";"x\n' * 10_000)

    with pytest.raises(Invalid, match="cannot be read as CSV"):
        cells(table)


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        ("Ida;i\0da@x.example;", (FlawKind.ZERO_BYTE, 1)),
        (f"{'I' * 10_000};ida@x.example;", (FlawKind.CELL_TOO_LONG, 0)),
        ("Ida;ida@x.example;Vej 1;Bo;bo@x.example", (FlawKind.TOO_MANY_CELLS, None)),
        ("Ida;ida@x.example", (FlawKind.TOO_FEW_CELLS, None)),
        ("I" * 300_000, (FlawKind.ROW_TOO_LONG, None)),
        ("Ida\ufffd;ida@x.example;", (FlawKind.LOST_LETTER, 0)),
    ],
)
def test_what_is_wrong_with_a_row_is_told_at_the_row_and_the_next_is_read(row, flaw):
    table = opened(f"{HEADER}{row}\nBo;bo@x.example;Vej 2\n")

    first, second = table.rows()

    assert [(each.kind, each.column) for each in first.flaws] == [flaw]
    assert (second.line, second.cells, second.flaws) == (3, ("Bo", "bo@x.example", "Vej 2"), ())


def test_a_row_with_a_flaw_is_as_wide_as_the_others_and_safe_to_store():
    table = opened(f"{HEADER}{'I' * 10_000};i\0da@x.example\nBo;b;c;d;e\n")

    assert all(len(row) == 3 for row in cells(table))
    assert all("\0" not in cell and len(cell) <= LONGEST_CELL for row in cells(table) for cell in row)


def test_empty_cells_beyond_the_header_are_none_too_many():
    assert flaws(opened(HEADER + "Ida;ida@x.example;Vej 1;; ;\n")) == {}


def test_every_flaw_has_words():
    assert set(FLAWS) == set(FlawKind)
    assert all(str(word) for word in FLAWS.values())


def test_a_list_of_one_column_is_read_and_no_comma_splits_it():
    table = opened("navn\nHolm, Ida\nHansen, Bo\n")

    assert cells(table) == [("Holm, Ida",), ("Hansen, Bo",)]


def test_without_a_header_the_first_person_is_a_row_like_any_other():
    table = opened("Ida;ida@x.example\nBo;bo@x.example\n")

    assert (table.has_header, table.header, len(cells(table))) == (False, ("", ""), 2)


# --- files that are no list -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n \n", b";;;\n;;\n", HEADER.encode(), b"\0" * 5000, b"%PDF-1.7 ...", b"\xd0\xcf\x11\xe0",
        b"<html><table>", bytes(range(256)) * 9, b"PK\x03\x04 and no more", b"a;" * 600 + b"\n1\n",
        b'"navn;mail\nIda;x\n', b"x" * 300_000, b"\xff\xfe", b"\xef\xbb\xbf",
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_is_refused_with_what_to_do(data):
    with pytest.raises(Invalid) as refused:
        opened(data)

    assert refused.value.next_step


def test_a_file_larger_than_any_list_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(tables, "MOST_BYTES", 10)

    with pytest.raises(Invalid, match="larger than"):
        opened(HEADER + "Ida;ida@x.example;\n")


# --- XLSX -----------------------------------------------------------------------------------------


def test_a_spreadsheet_is_read_with_the_rows_that_a_person_sees():
    table = opened(workbook(["navn", "mail", "by"], ["Åse", "a@x.example"], [], ["Bo", None, "Ry"]))

    assert (table.header, table.sheet, table.sheets) == (("navn", "mail", "by"), "Sheet", ("Sheet",))
    assert cells(table) == [("Åse", "a@x.example", ""), ("Bo", "", "Ry")]
    assert [row.line for row in table.rows()] == [2, 4]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (4520123456, "General", "4520123456"),
        (452012345678, "0", "452012345678"),
        (20123456, '"+45 "00 00 00 00', "+45 20 12 34 56"),
        (150, "0000", "0150"),
        (12345, "000 00", "123 45"),
        (1.5, "0.00", "1.5"),
        (45201234567890123, "General", "4.52012345678901E+16"),
        (date(2026, 11, 28), "dd-mm-yyyy", "2026-11-28"),
        (date(2026, 11, 28), "DD.MM.YYYY", "2026-11-28"),
        (datetime(2026, 11, 28, 14, 5), "yyyy-mm-dd hh:mm", "2026-11-28 14:05"),  # noqa: DTZ001
        (time(9, 30), "h:mm", "09:30"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (-5, "00", "-05"),
        (True, "General", "TRUE"),
    ],
)
def test_numbers_and_dates_are_as_a_person_sees_them(value, number_format, shown):
    data = workbook(["navn", "felt"], ["Ida", value], formats=[("B2", number_format)])

    assert cells(opened(data)) == [("Ida", shown)]


def test_the_first_sheet_that_is_seen_and_holds_rows_is_read_or_the_one_that_is_named():
    book = openpyxl.Workbook()
    for name, state in (("Skjult", "hidden"), ("Kunder", "visible"), ("Andre", "visible")):
        sheet = book.create_sheet(name)
        sheet.append(["navn"])
        sheet.append([name])
        sheet.sheet_state = state
    data = saved(book)

    assert cells(opened(data)) == [("Kunder",)]
    assert cells(opened(data, sheet="Andre")) == [("Andre",)]
    assert cells(opened(data, sheet="Skjult")) == [("Skjult",)]
    with pytest.raises(Invalid) as refused:
        opened(data, sheet="Borte")
    assert "Kunder" in refused.value.next_step


def test_flaws_of_cells_in_a_spreadsheet_are_flaws_of_their_rows():
    data = workbook(
        ["navn", "mail", "by"], ["Ida", "=A1&1", ""], ["Bo", "#N/A", ""], ["I" * 10_000, "b", ""],
        ["Ole", "o@x.example", "Ry", "Per", "p@x.example"], ["_x0000_", "n", ""],
        ["Eva", "e@x.example", "Ry"],
    )  # fmt: skip
    table = opened(data)

    assert flaws(table) == {
        2: [(FlawKind.NO_RESULT, 1)],
        3: [(FlawKind.ERROR_VALUE, 1)],
        4: [(FlawKind.CELL_TOO_LONG, 0)],
        5: [(FlawKind.TOO_MANY_CELLS, None)],
        6: [(FlawKind.ZERO_BYTE, 0)],
    }
    assert cells(table)[-1] == ("Eva", "e@x.example", "Ry")


def test_two_cells_in_one_place_are_a_flaw_and_never_one_person():
    rows = f'<row r="1">{said("A1", "navn")}{said("B1", "by")}</row>'
    rows += f'<row r="2">{said("A2", "Ida")}{said("A2", "Bo")}</row>'

    table = opened(repacked(workbook(["x"]), sheet=sheet(rows)))

    assert flaws(table) == {2: [(FlawKind.MISPLACED, 1)]}


def test_many_strings_are_kept_outside_memory_and_each_is_found_again():
    names = [f"Navn {number:05}" for number in range(9_000)]
    rows = list(zip(names, names[::-1], strict=True))

    assert cells(opened(strung([("navn", "igen"), *rows]))) == rows


def test_letters_of_several_fonts_are_one_text_and_readings_of_signs_are_no_part_of_it():
    first = "<si><r><t>Ida </t></r><r><t>Holm</t></r><rPh><t>x</t></rPh></si>"
    rows = f'<row>{said("A1", "navn")}</row><row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>'
    strings = f"<sst>{first}<si><t>a_x000A_b</t></si></sst>"

    table = opened(repacked(workbook(["x"]), sheet=sheet(rows), strings=strings))

    assert cells(table) == [("Ida Holm",), ("a\nb",)]


def test_names_that_wait_on_the_disk_cannot_be_read_there(monkeypatch):
    monkeypatch.setattr(shared_strings, "IN_MEMORY", 0)
    table = opened(strung([("navn",), *((f"Ida Holm {number}",) for number in range(2_000))]))

    assert len(cells(table)) == 2_000
    kept = table._source._strings._kept
    kept.seek(0)
    found = kept.read()
    assert len(found) > 10_000
    assert b"Holm" not in found


# --- XLSX made to do harm -------------------------------------------------------------------------


def one_row(text):
    return sheet(f'<row r="1">{said("A1", "navn")}</row><row r="2">{said("A2", text)}</row>')


@pytest.mark.parametrize(
    "content",
    [
        one_row("x" * (40 << 20)),  # packs to a thousandth
        sheet("", head="<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"),
        sheet("", head="<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
        sheet("<a>" * 200 + "</a>" * 200),
        sheet("".join(f"<n{number}/>" for number in range(1000))),
        sheet('<row r="' + "1" * (3 << 20) + '"/>'),
        sheet("<row><row></row></row>"),
        sheet("<row>"),
        sheet('<row r="1"><c t="s"><v>99</v></c></row>'),
        sheet('<row r="1"><c t="s"><v>-1</v></c></row>'),
        '<?xml version="1.0" encoding="nonsense"?><x/>',
        "",
    ],
    ids=["bomb", "entities", "external", "deep", "names", "tag", "nested", "open", "index", "minus",
         "coded", "none"],
)  # fmt: skip
def test_a_sheet_made_to_do_harm_is_refused_with_what_to_do(content):
    with pytest.raises(Invalid) as refused:
        opened(repacked(workbook(["x"]), sheet=content))

    assert refused.value.next_step


def test_a_cell_without_end_is_a_flaw_of_its_row_and_is_not_kept(monkeypatch):
    monkeypatch.setattr(xml_parts, "MOST_RATIO", 10_000)
    data = repacked(workbook(["x"]), sheet=one_row("x" * (30 << 20)))

    count, peak = peak_of(data)

    assert flaws(opened(data)) == {2: [(FlawKind.CELL_TOO_LONG, 0)]}
    assert (count, peak < 4 << 20) == (1, True)


def test_cells_and_rows_far_away_take_neither_time_nor_memory():
    rows = f'<row r="1">{said("A1", "navn")}</row><row r="999999999">{said("XFDXFD9", "Ida")}</row>'
    rows += f'<row r="3">{said("A3", "Bo")}</row>'

    found = list(opened(repacked(workbook(["x"]), sheet=sheet(rows))).rows())

    assert [(row.line, row.cells[0], len(row.flaws)) for row in found] == [(2, "", 1), (3, "Bo", 0)]
    assert MOST_COLUMNS < 1000


def test_a_file_that_breaks_off_gives_the_rows_before_and_then_says_so():
    data = strung([("navn",), *((f"Navn {number}",) for number in range(9_000))])
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        content = whole.read("xl/worksheets/sheet1.xml")
    rows = opened(repacked(data, sheet=content[: len(content) // 2])).rows()

    assert next(rows).cells == ("Navn 0",)
    with pytest.raises(Invalid, match="damaged"):
        list(rows)


@pytest.mark.parametrize("part", [{"book": "<workbook/>"}, {"book": "no xml"}, {"strings": "<sst><si>"}])
def test_a_book_whose_parts_are_broken_is_refused(part):
    with pytest.raises(Invalid):
        opened(repacked(strung([("navn",), ("Ida",)]), **part))


def test_another_archive_is_refused_as_no_xlsx_file():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("kunder.csv", "navn")

    with pytest.raises(Invalid, match="no XLSX"):
        opened(out.getvalue())


# --- memory, progress, reading again --------------------------------------------------------------


def csv_of(rows):
    return HEADER.encode() + b"".join(b"Ida %d;i%d@x.example;Skovvej 1\n" % (n, n) for n in range(rows))


def xlsx_of(rows):
    return strung([("navn", "mail"), *((f"Ida {number}", f"i{number}@x.example") for number in range(rows))])


@pytest.mark.parametrize(("made", "few", "many"), [(csv_of, 3_000, 30_000), (xlsx_of, 2_000, 20_000)])
def test_memory_does_not_grow_with_the_list(made, few, many):
    (count, small), (more, large) = peak_of(made(few)), peak_of(made(many))

    assert (count, more) == (few, many)
    assert large - small < 4 << 20


@pytest.mark.parametrize("made", [csv_of, xlsx_of])
def test_progress_grows_row_by_row_and_ends_at_the_whole(made):
    table = opened(made(12_000))

    seen = [table.read for _row in table.rows()]

    assert seen == sorted(seen)
    assert seen[0] < table.total / 2 < seen[-1] <= table.read == table.total
    assert seen[5_999] / table.total == pytest.approx(0.5, abs=0.25)


@pytest.mark.parametrize("made", [csv_of, xlsx_of])
def test_a_sample_in_the_middle_of_reading_disturbs_nothing(made):
    table = opened(made(3_000))
    rows = table.rows()
    found = [next(rows)]

    sample = table.sample(10)

    assert [*found, *rows] == list(table.rows())
    assert list(sample) == list(table.rows())[:10]


def test_a_path_is_opened_and_closed_and_a_stream_stays_open(tmp_path):
    path = tmp_path / "kunder.csv"
    path.write_bytes(csv_of(3))
    stream = io.BytesIO(csv_of(3))

    with open_table(path) as first, open_table(stream, "kunder") as second:
        assert cells(first) == cells(second)

    assert not stream.closed
    assert second.name == "kunder"
