"""A contact at a customer is taken as it is written to, or its fault is told: no formula, no link."""

import pytest

from incident.customer_lists import contact_cells
from incident.customer_lists.contact_cells import Faulty


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "the name is missing"),
        ('=HYPERLINK("http://evil.example")', "formula"),
        ("@SUM(A1)", "formula"),
        ("Ida http://evil.example", "link"),
        ("Ida\nBcc: x@y.example", "line break"),
        ("Ida\x07", "control character"),
        ("Ida \u202egnitset", "control character"),
        ("I" * 201, "longer"),
    ],
)
def test_a_name_that_could_harm_whoever_reads_it_is_no_name(app, name, why):
    with pytest.raises(Faulty, match=why):
        contact_cells.name_of(name)


@pytest.mark.parametrize("address", ["ida(at)kunde", "bjørn@kunde.example", "a@b.example, c@b.example"])
def test_an_address_that_nobody_can_write_to_is_refused(app, address):
    with pytest.raises(Faulty, match="e-mail address"):
        contact_cells.email_of(address)


@pytest.mark.parametrize(("number", "why"), [("4,52E+09", "spreadsheet"), ("123", "digits")])
def test_a_number_that_nobody_can_call_is_refused(app, number, why):
    with pytest.raises(Faulty, match=why):
        contact_cells.phone_of(number, "DK")


def test_a_number_without_a_country_code_is_of_the_customers_country(app):
    assert contact_cells.phone_of("070-174 06 05", "SE") == "+46701740605"


def test_an_apostrophe_from_an_export_is_taken_off_again(app):
    assert contact_cells.phone_of("'+4520123456", "DK") == "+4520123456"


def test_what_is_not_told_is_empty_and_no_fault(app):
    assert (contact_cells.email_of(" "), contact_cells.phone_of("", "DK")) == ("", "")
