"""Whatever somebody writes is text: on every page that links lead to it makes no element and no address."""

import io
from uuid import UUID

import pytest

from foundation import locales
from incident.authorities.forms import normal_form
from notifications import rendering
from tests import pdf_text, people
from tests.attacks import crawling, sending
from tests.incident import browsing, desk, lists

EVIL = "\"'><xss onxss=1>{{7*7}}<!--</textarea></title></script>"
FILE = "'><xss onxss=1>.csv"
LIST = (
    f'name;e-mail;phone;language\n"Ida {EVIL.replace(chr(34), chr(34) * 2)}";ida@kunde.example;;da\n'
    "Åsa Öberg;asa@kund.example;;sv\n"
)
FILES = ("text/csv", "application/pdf", "application/json")
IN_WORDS = {"text", "textarea", "address", "contact", "phone", "list"}


def _reported(client, cast):
    """HostCo tells nothing but evil."""
    link = {"name": EVIL, "role": "processor", "reference": EVIL}
    told = {
        "title": EVIL, "description": EVIL, "reference": EVIL, "chain": [link, link],
        "reported_by": {"name": EVIL, "organisation": EVIL, "phone": EVIL[:40]},
        "measures": {"taken": [EVIL, EVIL], "planned": [EVIL]}, "organisation": {"name": EVIL},
    }  # fmt: skip
    assert sending.post(client, cast.hostco, EVIL.encode()).status_code == 400  # kept, and shown
    return UUID(sending.post(client, cast.hostco, sending.report(**told)).json["incident_id"])


def _typed(browser, page, action):
    """Send the form on a page with evil in every text of it; whether it was taken."""
    found = browsing.form(browser.get(page).text, action)
    typed = {name: values if name in ("seen", "locale") else [EVIL] for name, values in found.items()}
    return browser.post(action or page, data=typed).status_code == 303


def _typed_pack(browser, page):
    """Evil in every box of a notification is refused and shown again; in those for words it is taken."""
    found = browsing.form(browser.get(page).text, "")
    refused = browser.post(page, data={name: [EVIL] for name in found} | {"seen": found["seen"]})
    assert refused.status_code == 422
    _is_harmless(page, refused.text)

    words = {each.path for each in normal_form().paths if each.kind in IN_WORDS and not each.codes}
    typed = {name: [EVIL] if name in words else values for name, values in found.items()}
    assert browser.post(page, data=typed).status_code == 303


@pytest.fixture
def written(cast, client, signed_in):
    """An incident with evil in it wherever somebody may write, and Dorthe's browser."""
    incident_id, dorthe = _reported(client, cast), signed_in(people.DORTHE)
    place = f"/incidents/{incident_id}"
    dorthe.post(f"{place}/notes", data={"text": EVIL})
    dorthe.post(f"{place}/confirmation", data={"note": EVIL})
    dorthe.post("/processors", data={"name": EVIL, "country": "DK", "service": EVIL})
    dorthe.post("/reports", data={"title": EVIL, "description": EVIL, "form_id": EVIL})
    desk.assess(cast, incident_id)
    with desk.working(cast, incident_id):
        duty = desk.duty_of(cast, incident_id, "gdpr-33").id
    notification = dorthe.post(f"{place}/authority-notifications", data={"duty": str(duty)}).location
    _typed_pack(dorthe, f"{notification}/text")
    letters = dorthe.post(f"{place}/communications").location
    _put_list(dorthe, place)
    assert _typed(dorthe, f"{letters}/letters/da", "")
    return incident_id, dorthe


def _put_list(browser, incident):
    kept = browser.post(
        f"{incident}/recipient-lists", data={"list": (io.BytesIO(LIST.encode()), FILE)}
    ).location
    sample = browser.get(kept)
    assert sample.status_code == 200
    _is_harmless("sample", sample.text)
    chosen = browsing.form(sample.text, f"{kept}/columns")
    assert browser.post(f"{kept}/columns", data=chosen).status_code == 303
    lists.work()


def _is_harmless(address, text):
    seen = crawling.Seen(text)
    assert "xss" not in seen.elements, address
    assert not [name for name in seen.attributes if name.startswith("on")], address
    for name in ("href", "src", "action", "formaction"):
        assert all(each.startswith(("/", "#", "http://127.0.0.1:", "?", "data:image", "mailto:", "tel:", "https://"))
                   for each in seen.attributes.get(name, ())), address  # fmt: skip


def test_evil_text_is_text_on_every_page(app, written):
    """B37, B38: escaped wherever it stands; nothing of it is run or reckoned."""
    _incident, dorthe = written

    shown = []
    for address, answer in crawling.pages(dorthe):
        assert answer.status_code == 200, address
        if answer.mimetype in FILES:  # taken away; no browser reads it as a page
            assert answer.headers["Content-Disposition"].startswith("attachment"), address
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            continue
        _is_harmless(address, answer.text)
        shown += [address] if "{{7*7}}" in answer.text else []

    assert len(shown) >= 20


def _read(answer):
    return pdf_text.read(answer.data).text if answer.mimetype == "application/pdf" else answer.text


@pytest.mark.parametrize("reader", [people.NILS])
def test_who_may_not_see_recipients_finds_no_address_on_any_page_nor_in_the_evidence(
    app, written, signed_in, reader
):
    """A2: names and addresses of people concerned stay with those who write to them."""
    incident_id, _dorthe = written
    browser = signed_in(reader)

    evidence = browser.post(f"/incidents/{incident_id}/evidence").text
    told = {address: _read(answer) for address, answer in crawling.pages(browser)} | {"evidence": evidence}
    for name in ("Ida Eksempel", "Åsa Exempelsson"):  # nobody who lives
        told = {address: text.replace(name, "") for address, text in told.items()}

    assert len(told) >= 20
    assert str(incident_id) in evidence
    for word in ("kunde.example", "kund.example", "Ida ", "Åsa", "\\u00c5sa"):
        assert not [address for address, text in told.items() if word in text], word


def test_evil_text_is_text_in_the_letter_that_people_get(app):
    """B37, B41: a mail program reads HTML too, and a subject is one line."""
    told = {
        "name": EVIL, "subject": f"{EVIL}\r\nBcc: all@evil.example", "paragraphs": [[EVIL, EVIL]],
        "contact": EVIL, "controller": EVIL,
    }  # fmt: skip

    for locale in locales.LOCALES:
        mail = rendering.render("subject_notice", locale, "email", told)
        assert "xss" not in crawling.Seen(mail["html"]).elements
        assert "{{7*7}}" in mail["html"]
        assert "\n" not in mail["subject"]
        assert "\r" not in mail["subject"]
