"""The register of customers: a file is taken over whole or not at all, and two of one name are refused."""

import io
from dataclasses import replace

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo

from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Refused
from incident import customer_lists, customers
from incident.customer_lists import Contact
from incident.example import controllers as example
from incident.models import CustomerContact
from tests import people
from tests.incident import controllers
from tests.incident.browsing import form
from wsgi import cli

GOOD = (
    "name;notice_hours;language;processors;people;contact_name;contact_email\r\n"
    "Butik Nord A/S;24;dansk;NordHost AS;40;Karin Vagt;k@butik.example\r\n"
    "Åkeri Söder AB;;sv;;;Maja;m@akeri.example\r\n"
)
BAD = (
    "name;notice_hours;language;processors;categories;contact_name;contact_email\r\n"
    "Butik Nord A/S;soon;dansk;NordHost AS;name;Karin;k@butik.example\r\n"
    "butik  nord a/s;24;da;;;Karin;k@butik.example\r\n"
    ";24;fi;Nobody AS;blood;Karin;not an address\r\n"
)


def known(cast):
    with acting_for(cast.promark):
        return customers.listed()[0]


def sent(browser, text):
    return browser.post("/customers/import/preview", data={"list": (io.BytesIO(text), "customers.csv")})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_file_is_shown_before_it_is_taken_over_and_taken_over_whole(cast, signed_in, encoding):
    dorthe = signed_in(people.DORTHE)
    page = sent(dorthe, GOOD.encode(encoding))
    assert "2 added" in page.text
    assert known(cast) == []

    dorthe.post("/customers/import", data=form(page.text, "/customers/import"))
    again = sent(dorthe, GOOD.encode(encoding)).text

    assert [(each.name, each.notice_hours, each.locale) for each in known(cast)] == [
        ("Butik Nord A/S", 24.0, "da"), ("Åkeri Söder AB", None, "sv")
    ]  # fmt: skip
    assert "2 as they are" in again


def test_every_fault_of_every_row_is_told_at_once_and_nothing_is_imported(cast, signed_in):
    page = sent(signed_in(people.DORTHE), BAD.encode())

    assert page.status_code == 422
    for said in ("above 0", "the name is missing", "da, nb, sv and en", "Nobody AS", "blood", "written to"):
        assert said in page.text
    assert "Take over" not in page.text
    assert known(cast) == []


def test_two_rows_of_one_name_are_a_fault_whatever_their_case(app, cast):
    with acting_for(cast.promark):
        against = customer_lists.Known("DK", "da", {}, utcnow())
        reading = customer_lists.read(b"name\nButik Nord A/S\nbutik  nord a/s\n", against)

    assert [(each.line, "line 2" in each.what) for each in reading.faults] == [(3, True)]


def test_a_preview_of_one_person_is_not_another_persons(cast, signed_in):
    page = sent(signed_in(people.DORTHE), GOOD.encode())

    answer = signed_in(people.NILS).post("/customers/import", data=form(page.text, "/customers/import"))

    assert answer.status_code in (403, 422)
    assert known(cast) == []


def test_two_customers_of_one_name_are_refused_and_what_was_typed_stays(cast, signed_in):
    controllers.register(cast, controllers.details(cast, "Butik Nord A/S"))

    page = signed_in(people.DORTHE).post(
        "/customers", data={"name": "BUTIK NORD a/s", "reference": "typed with care", "language": "da"}
    )

    assert page.status_code == 409
    assert "typed with care" in page.text
    assert len(known(cast)) == 1


def test_what_is_saved_as_a_file_reads_back_as_it_was(app, cast, signed_in):
    with acting_for(cast.promark), transaction():
        example.plant(now=utcnow())
    dorthe = signed_in(people.DORTHE)
    saved = dorthe.get("/customers/export.csv").data

    assert "4 as they are" in sent(dorthe, saved).text
    with acting_for(cast.promark), pytest.raises(Refused), transaction():
        customers.take_over(cast.promark, customer_lists.Reading(faults=("one",)), by="x", now=utcnow())


def test_a_column_that_a_file_does_not_have_changes_nothing(app, cast, signed_in):
    second = Contact("Ole Stedfortræder", "ole@butik.example", verified_at=utcnow().replace(hour=0))
    first = controllers.details(cast, "Butik Nord A/S").contacts[0]
    before = controllers.details(cast, "Butik Nord A/S", "da", contacts=(first, second))
    controllers.register(cast, before)
    dorthe = signed_in(people.DORTHE)

    assert "1 as they are" in sent(dorthe, b"name;notice_hours\nButik Nord A/S;24\n").text
    more = "name;notice_hours;contact2_name;contact2_phone\nButik Nord A/S;48;Ole Stedfortræder;70101010\n"
    page = sent(dorthe, more.encode())
    dorthe.post("/customers/import", data=form(page.text, "/customers/import"))

    with acting_for(cast.promark):
        (after,) = customers.details(customers.listed()[0])
    ole = replace(second, phone="+4570101010", verified_at=None)  # a number nobody has verified
    assert after == replace(before, notice_hours=48.0, contacts=(first, ole))


def test_contacts_are_encrypted_and_shown_to_those_who_may_see_them(app, cast, signed_in):
    known_by = controllers.register(cast, controllers.details(cast, "Butik Nord A/S"))
    raw = db.session.connection().exec_driver_sql("SELECT name, email FROM customer_contacts").all()
    path = f"/customers/{known_by['Butik Nord A/S']}"

    assert b"Karin" not in bytes(raw[0][0])
    assert "Karin Vagt" in signed_in(people.DORTHE).get(path).text
    assert "Karin Vagt" not in signed_in(people.NILS).get(path).text
    with acting_for(cast.promark):
        assert db.session.query(CustomerContact).one().name == "Karin Vagt"


def test_the_command_line_imports_by_the_same_rules(app, cast, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text(GOOD, encoding="utf-8")
    run = CliRunner()
    told = ScriptInfo(create_app=lambda: app)
    dry = run.invoke(
        cli, ["customer", "import", str(file), "--organisation", "promark", "--dry-run"], obj=told
    )
    assert (dry.exit_code, len(known(cast))) == (0, 0), (dry.output, repr(dry.exception))
    done = run.invoke(cli, ["customer", "import", str(file), "--organisation", "promark"], obj=told)
    file.write_text(BAD, encoding="utf-8")
    bad = run.invoke(cli, ["customer", "import", str(file), "--organisation", "promark"], obj=told)

    assert "2 would be added" in dry.output
    assert "2 added" in done.output
    assert bad.exit_code == 2
    assert "line 4" in bad.output
    assert len(known(cast)) == 2
