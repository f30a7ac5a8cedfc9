"""The register as a file: every fault of every row at once, nothing by halves, and the same file back."""

import re

import pytest
from sqlalchemy import event, func, select

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid
from incident import spreadsheets
from incident.models import Processor
from incident.processor_cli import processor_group
from incident.processor_register import contacts, exporting, importing, planning, table, tree
from tests import people
from tests.incident import browsing
from tests.incident.test_processor_pages import processor

FAULTY = """Navn;Arbejder for;Land;Frist (timer);Kategorier;Lande;Overførsler;Telefon;Kontakt
Alfa ApS;Beta AS;Danmark;24;navne;DK;;;
Beta AS;Gamma;Atlantis;soon;navne, sjæle;DK, Narnia;US: ønske;12;
alfa  aps;;DK;;;;;;
;;DK;;;;;;
Delta;Nobody Ltd;DK;;;;;;
Gamma;Alfa ApS;NO;;;;;;
Kort;række
"""
GOOD = """name,works_for,country,service,notice_hours,contact_name,contact_email,contact_phone
Tiny,Parent below,FI,Tapes,12,Duty,duty@tiny.example,+358401234567
Parent below,us,SE,"=HYPERLINK(""http://evil.example"")",24,,,
HostCo ApS,,,,36,,,
"""


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def plan(cast, text, *, organisation="promark"):
    data = text if isinstance(text, bytes) else text.encode()
    with acting_for(cast.organisations[organisation]):
        db.session.rollback()
        db.session.expire_all()
        read = table.read(data)
        return planning.plan(read, table.guess(read.header), now=utcnow())


def take_over(cast, made, *, organisation="promark"):
    organisation_id, now = cast.organisations[organisation], utcnow()
    ready = importing.prepare(made, organisation_id=organisation_id, file_sha256="f" * 64, now=now)
    with acting_for(organisation_id), transaction():
        importing.apply(ready, organisation_id=organisation_id, actor="Dorthe", now=now)


def count():
    with everyone():
        db.session.rollback()
        return db.session.scalar(select(func.count()).select_from(Processor))


def preview(browser, text, status=200):
    data = {"file": (__import__("io").BytesIO(text.encode()), "list.csv")}
    answer = browser.post("/processors/import/preview", data=data)
    assert answer.status_code == status
    return answer.text


def test_all_faults_of_all_rows_are_named_at_once_with_line_and_column(app, cast):
    made = plan(cast, FAULTY)

    told = {(each.line, each.column) for each in made.faults}
    assert told >= {
        (2, "works_for"), (3, "country"), (3, "notice_hours"), (3, "data_categories"), (3, "countries"),
        (3, "transfers"), (3, "contact_name"), (3, "contact_phone"), (3, "works_for"), (4, "name"),
        (5, "name"), (6, "works_for"), (7, "works_for"), (8, ""),
    }  # fmt: skip
    said = " ".join(each.what for each in made.faults)
    for word in ("in a circle: Alfa ApS → Beta AS → Gamma → Alfa ApS", "sjæle", "Narnia", "name of line 2"):
        assert word in said
    with acting_for(cast.promark), pytest.raises(Invalid):
        importing.prepare(made, organisation_id=cast.promark, file_sha256="", now=utcnow())


def test_a_faulty_file_shows_its_faults_and_has_no_button(dorthe, cast):
    page = preview(dorthe, FAULTY, status=422)

    assert "Line 8" in page
    assert "Take over" not in page
    assert count() == 9


def test_what_was_looked_at_is_taken_over_and_nothing_else(dorthe, cast):
    page = preview(dorthe, GOOD)
    form = browsing.form(page, "/processors/import")

    other = dorthe.post("/processors/import", data=form | {"column.3": ["notes"]})
    done = dorthe.post("/processors/import", data=form)
    again = dorthe.post("/processors/import", data=form)

    assert (other.status_code, done.status_code, again.status_code) == (409, 303, 409)
    tiny, parent = processor(cast, "Tiny"), processor(cast, "Parent below")
    assert (tiny.serves_id, tiny.notice_hours) == (parent.id, 12)
    assert processor(cast, people.HOSTCO).notice_hours == 36
    assert processor(cast, people.HOSTCO).service == "Hosting of the customer portal"  # empty says nothing
    assert "+358401234567" in dorthe.get(f"/processors/{tiny.id}").text
    with acting_for(cast.promark):
        entry = ledger.entries(f"organisation/{cast.promark}")[-1]
    assert (entry.action, entry.details["added"], entry.details["changed"]) == ("processors.imported", 2, 1)


def test_columns_can_be_chosen_on_the_page(dorthe, cast):
    page = preview(dorthe, "Wer,Wo\nTiny,FI\n", status=422)
    form = browsing.form(page, "/processors/import/preview")

    mapped = dorthe.post(
        "/processors/import/preview", data=form | {"column.0": ["name"], "column.1": ["country"]}
    )

    assert mapped.status_code == 200
    dorthe.post("/processors/import", data=browsing.form(mapped.text, "/processors/import"))
    assert processor(cast, "Tiny").country == "FI"


def test_a_register_that_moved_meanwhile_is_looked_at_again(dorthe, cast):
    made = plan(cast, GOOD)
    hostco = processor(cast, people.HOSTCO)
    dorthe.post(f"/processors/{hostco.id}/end", data={"reason": "Moved."})

    with pytest.raises(importing.Outdated):
        take_over(cast, made)
    assert count() == 9


@pytest.mark.parametrize("step", ["insert_ready", "_change", "_enter"])
def test_an_import_that_breaks_off_leaves_nothing(app, cast, monkeypatch, step):
    made, before = plan(cast, GOOD), count()
    real = getattr(importing, step)

    def broken(*args, **kwargs):
        real(*args, **kwargs)
        raise RuntimeError("power cut")

    monkeypatch.setattr(importing, step, broken)
    with pytest.raises(RuntimeError, match="power cut"):
        take_over(cast, made)

    assert count() == before
    assert processor(cast, people.HOSTCO).notice_hours == 24
    with everyone():
        assert ledger.verify() == []


def test_what_is_exported_reads_back_to_the_same(dorthe, cast):
    take_over(cast, plan(cast, GOOD))

    sent = dorthe.get("/processors/export.csv")

    made = plan(cast, sent.data)
    assert (made.new, made.changed, made.faults, made.same) == ([], [], [], 8)
    there = plan(cast, sent.data, organisation="softwerk")
    take_over(cast, there, organisation="softwerk")
    with acting_for(cast.organisations["softwerk"]):
        mine = exporting.export().decode("utf-8-sig").splitlines()
    assert set(sent.data.decode("utf-8-sig").splitlines()) <= set(mine)


def test_no_spreadsheet_runs_what_is_exported(dorthe, cast):
    take_over(cast, plan(cast, GOOD))

    sent = dorthe.get("/processors/export.csv").text

    assert "'=HYPERLINK" in sent
    assert "'+358401234567" in sent
    assert not re.search(r'(^|,)"?[=+@-]', sent, re.MULTILINE)
    for cell in ("'=1", "=1", "-x", "+45", "@a", "'plain", "", "''=1"):
        assert spreadsheets.plain(spreadsheets.harmless(cell)) == cell


@pytest.mark.parametrize(
    "data",
    [
        "name,country\nBlåbær ApS,DK\n".encode("utf-8-sig"),
        "name;country\nBlåbær ApS;DK\n".encode("latin-1"),
        "name\tcountry\r\nBlåbær ApS\tDK\r\n".encode("utf-16"),
        "sep=;\r\nNamn;Land\r\nBlåbær ApS;Danmark\r\n".encode(),
    ],
)
def test_files_as_spreadsheets_write_them_are_read(app, cast, data):
    made = plan(cast, data)

    assert ([row.name for row in made.new], made.faults) == (["Blåbær ApS"], [])


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"name,country\n", b"PK\x03\x04\0\0", b'name\n"open', b"\xff\xfe\0"]
)
def test_what_is_no_list_is_refused_as_a_whole(app, data):
    with pytest.raises(Invalid):
        table.read(data)


def test_who_has_left_is_no_row_and_no_parent(dorthe, cast):
    dorthe.post(f"/processors/{processor(cast, people.NORDHOST).id}/end", data={"reason": "Moved."})

    made = plan(cast, "name,works_for,country\nNordHost AS,,NO\nTiny,nordhost as,FI\n")

    assert {(each.line, each.column) for each in made.faults} == {(2, "name"), (3, "works_for")}


def test_many_rows_take_no_more_statements_than_a_few(app, cast):
    """Reports wait for whoever writes on the embedded database: ten thousand rows must be quick work."""
    rows = [
        f"Nr {n},{f'Nr {n % 50}' if n >= 50 else 'us'},DK,Web {n},Duty,n{n}@a.example" for n in range(300)
    ]
    header = "name,works_for,country,service,contact_name,contact_email\n"
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    for text in ("\n".join(rows), "\n".join(rows).replace("Web", "Work").replace("Duty", "Desk")):
        made = plan(cast, header + text)
        asked.clear()
        take_over(cast, made)
        assert len(asked) < 30, asked
    event.remove(db.engine, "before_cursor_execute", note)
    with acting_for(cast.promark):
        assert len(tree.known()) == 306
        last = db.session.scalars(select(Processor).where(Processor.name == "Nr 299")).one()
        assert (last.service, len(importing.history(last))) == ("Work 299", 2)
        assert [each.name for each in contacts.of(last.id)] == ["Desk"]
    with everyone():
        assert ledger.verify() == []


def test_the_command_line_imports_too_and_a_dry_run_does_nothing(app, cast, tmp_path):
    file, bad = tmp_path / "list.csv", tmp_path / "bad.csv"
    file.write_text(GOOD)
    bad.write_text(FAULTY)
    run = app.test_cli_runner().invoke

    told = run(processor_group, ["import", str(bad), "--organisation", "promark"])
    dry = run(processor_group, ["import", str(file), "--organisation", "promark", "--dry-run"])
    assert (told.exit_code, dry.exit_code, count()) == (2, 0, 9)
    assert "line 3: country: there is no country “Atlantis”" in told.stderr
    done = run(processor_group, ["import", str(file), "--organisation", "promark"])

    assert done.stdout == "Taken over: 2 new, 1 changed, 0 as they were.\n"
    shown = run(processor_group, ["show", "tiny"]).stdout
    assert '"works_for": "Parent below"' in shown
    assert "    Tapevault Inc [US]" in run(processor_group, ["list", "--organisation", "promark"]).stdout
    assert run(processor_group, ["end", "Tiny", "--reason", "Sold."]).stdout == "Tiny has left.\n"
    added = run(processor_group, ["add", "tiny", "--organisation", "promark", "--country", "Suomi"])
    assert added.exit_code == 1
    assert "no country" in added.stderr
