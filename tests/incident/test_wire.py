"""What goes out says the same by every channel, tells nothing of others, and is one person's own."""

import json
import re
from dataclasses import dataclass, field
from html import unescape

import pytest

from incident.communication_texts import drafts, fields, segments, wire
from incident.communication_texts.wire import Unwritable
from tests.incident.test_communication_texts import KNOWN, LANGUAGES, TEXTS

PAGE = "https://promark.example/sag"


@dataclass(frozen=True)
class Person:
    name: str = "Åsa <b>Öberg</b>"
    fields: dict[str, str] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def _inside(app):
    with app.test_request_context():
        yield


def told(locale="en", **changes):
    return {**drafts.draft(TEXTS, "stolen", locale, KNOWN), **changes}


def wired(locale="en", *, check_url=PAGE, known=("policy number",), **changes):
    return wire.wire(told(locale, **changes), locale=locale, check_url=check_url, fields=known)


def read(locale="en", person=Person(), code="ABC234", **changes):
    values = wire.values(person, locale, code)
    return {channel: wire.filled(content, values) for channel, content in wired(locale, **changes).items()}


def words(text):
    """The words of a text or page, in their order."""
    plain = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>|<[^>]+>", " ", text)
    return re.findall(r"\w+", unescape(plain))


def test_a_field_that_no_list_has_is_refused_by_its_name():
    with pytest.raises(Unwritable, match="car"):
        wired(data="Your {field:car}.")


def test_marks_that_somebody_typed_or_is_called_are_no_marks():
    found = read(person=Person("⟦code⟧"), advice="Call ⟦name⟧ at once.")

    assert "Call [name] at once." in found["email"]["text"]
    assert "Dear [code]" in found["email"]["text"]
    assert not [part for content in found.values() for part in content.values() if "⟦" in part]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_text_and_page_of_an_e_mail_say_the_same(locale):
    found = read(locale, person=Person("Åsa Öberg"))["email"]

    assert words(found["html"])[len(words(found["subject"])) :] == words(found["text"])


def test_what_a_person_is_called_is_escaped_in_html_and_nowhere_else():
    found = read()

    assert "Dear Åsa &lt;b&gt;Öberg&lt;/b&gt;" in found["email"]["html"]
    assert "Dear Åsa <b>Öberg</b>" in found["email"]["text"]
    assert found["letter"]["opening"] == "Dear Åsa <b>Öberg</b>"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_who_has_no_name_is_greeted_all_the_same(locale):
    found = read(locale, person=Person(""))

    greeting = TEXTS.shared(locale, "greeting_unnamed")
    assert found["email"]["text"].startswith(greeting)
    assert found["letter"]["opening"] == greeting
    assert f"<p>{greeting}</p>" in found["email"]["html"]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_text_message_says_nothing_of_the_reader_has_one_link_and_fits_in_two(locale):
    content = wired(locale)["sms"]
    counted = wire.counted(content)
    said = read(locale)["sms"]["text"]

    assert (counted.alphabet, counted.count) <= ("GSM-7", 2)
    assert segments.of(said).count <= counted.count
    assert said.count("https://") == 1
    assert PAGE in said.split()
    assert said.endswith("ABC234")
    for each in ("Öberg", "HostCo", "CPR", "stolen", "national"):
        assert each not in said


def test_the_address_of_the_page_may_hold_the_code_where_it_need_not_be_typed():
    found = read(check_url=f"{PAGE}/⟦code⟧")

    assert f"{PAGE}/ABC234" in found["sms"]["text"]
    for part in (found["email"]["text"], found["email"]["html"], found["letter"]["parts"]):
        assert f"{PAGE}. " in part
        assert f"{PAGE}/" not in part


@pytest.mark.parametrize("locale", LANGUAGES)
def test_with_a_short_address_a_text_message_is_one_segment_and_has_the_code_once(locale):
    content = wired(locale, check_url="https://promark.example/g/⟦code⟧", sender="ProMark A/S")["sms"]
    counted = wire.counted(content)

    assert (counted.alphabet, counted.count) == ("GSM-7", 1), counted.used
    assert content["text"].count("⟦code⟧") == 1


def test_without_a_page_a_text_message_names_the_contact_and_has_no_link():
    found = read(check_url="")

    assert "Dorthe Friis" in found["sms"]["text"]
    assert "://" not in found["sms"]["text"]
    assert "really from us" not in found["email"]["text"]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_an_e_mail_loads_nothing_follows_nobody_and_prints_the_page(locale):
    html = read(locale)["email"]["html"]

    assert not re.search(r"<(img|script|link|iframe|a)\b|url\(|@import|src=", html)
    assert PAGE in html
    assert f'lang="{locale}"' in html


def test_a_field_of_the_list_stands_where_it_was_written():
    found = read(person=Person("Ida", {"policy number": "7 & 8"}), data="Policy {field: policy number }.")

    assert "Policy 7 & 8." in found["email"]["text"]
    assert "Policy 7 &amp; 8." in found["email"]["html"]
    assert ["Your information that is affected", "Policy 7 & 8."] in json.loads(found["letter"]["parts"])


def test_a_value_that_could_break_a_letter_apart_stays_a_value():
    odd = 'x"], ["y\\'
    found = read(person=Person("Ida", {"policy number": odd}), data="Policy {field:policy number}.")

    assert ["Your information that is affected", f"Policy {odd}."] in json.loads(found["letter"]["parts"])


def test_what_a_text_uses_and_a_person_lacks_is_found_before_anybody_approves():
    used = fields.fields_used({"en": told(data="{field:car} and {field:policy}"), "da": told("da")})

    assert used == {"car", "policy"}
    assert fields.empty_fields(used, Person("Ida", {"car": " ", "policy": "7"})) == ["car"]


def test_what_is_planned_stands_under_its_own_heading():
    body = dict(json.loads(wired()["letter"]["parts"]))

    assert body["What we have done"].startswith("– The key is blocked.")
    assert body["What we will do"] == "– All keys are changed."


def test_a_letter_names_the_contact_and_who_writes():
    letter = wired()["letter"]

    assert "Dorthe Friis" in dict(json.loads(letter["parts"]))["Whom you can contact"]
    assert letter["closing"] == "Yours sincerely\nProMark A/S"
