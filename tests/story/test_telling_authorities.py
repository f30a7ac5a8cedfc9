"""Three authorities are told of one breach: each in its own form and language, by its own clock, with proof.

One story is played once; each test looks at what Dorthe saw on the way. What was typed wrong on it stands
between: too long, filed too early or twice, another authority's number, an empty receipt.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest

from foundation.database import utcnow
from incident import pack_files
from tests import pdf_text, people
from tests.story.driver import CASE, DATATILSYNET, ICO, RECEIPT, Story, local
from tests.story.screen import Screen
from tests.story.telling import AUTHORITIES, COMPLETE, IMY, KEYS, LED, NUMBERS, WITHOUT_A_LEAD, Files, Telling

pytestmark = pytest.mark.story
FORMS = {
    DATATILSYNET: ("Indberetning af brud på sikkerhed", "Danish", "Anmeldelse af brud"),
    IMY: ("Anmäl personuppgiftsincident", "Swedish", "Anmälan av personuppgiftsincident"),
    ICO: ("Report a personal data breach", "English", "Notification of a personal data breach"),
}
WHAT_HAPPENED = "Q16"  # of IMY's form
WHY_SECRET = "Uppgiften röjer våra säkerhetsåtgärder (OSL 18 kap. 8 §)."
AGAIN = "Yes, I stand behind it"


@dataclass
class Seen:
    """What Dorthe saw, by authority where there is one page for each."""

    owed: Screen = field(init=False)
    led: Screen = field(init=False)
    led_files: Files = field(init=False)
    after_one: Screen = field(init=False)
    after_all: Screen = field(init=False)
    secrecy: Screen = field(init=False)
    approved_secretly: Screen = field(init=False)
    voided: Screen = field(init=False)
    record: Screen = field(init=False)
    drafted: dict[str, Screen] = field(default_factory=dict)
    read: dict[str, Screen] = field(default_factory=dict)
    approved: dict[str, Screen] = field(default_factory=dict)
    filed: dict[str, Screen] = field(default_factory=dict)
    packs: dict[str, Files] = field(default_factory=dict)
    as_filed: dict[str, Files] = field(default_factory=dict)
    receipts: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    kept: str = ""  # what stands in the box after a refusal


@pytest.fixture(scope="module")
def seen(opening) -> Seen:
    """The whole story."""
    with opening() as opened:
        return play(Telling(Story(*opened, twice=False)))


def play(telling: Telling) -> Seen:
    seen = Seen()
    telling.established(WITHOUT_A_LEAD)
    telling.breach("HC-2026-201", **COMPLETE)
    seen.owed = telling.overview()
    places = {}
    for authority in AUTHORITIES:
        places[authority] = telling.draft(authority)
        seen.drafted[authority] = telling.dorthe.screen
    write_too_much(telling, places[DATATILSYNET], seen)
    file_too_early(telling, places[DATATILSYNET], seen)
    claim_secrecy(telling, places[IMY], seen)
    for authority, place in places.items():
        seen.read[authority] = telling.dorthe.open(place)
        seen.approved[authority] = telling.approve(place)
    change_what_is_approved(telling, places[DATATILSYNET], seen)
    for authority, place in places.items():
        seen.packs[authority] = telling.files(place)
        if authority == DATATILSYNET:
            record_it_wrongly(telling, place, seen)
        record_it(telling, place, authority, seen)
        if authority == DATATILSYNET:
            seen.after_one = telling.overview()
            file_twice(telling, place, seen)
    telling.story.work()
    seen.after_all = telling.overview()
    seen.record = telling.story.at_desk(people.NILS).open(f"{telling.story.incident}/record")
    one_leads(telling, seen)
    return seen


def write_too_much(telling: Telling, place: str, seen: Seen) -> None:
    screen = telling.write(place, status=422, **{"consequences.impact_description": "å" * 20_001})
    seen.refused["too long"] = screen.status, screen.text
    form, _button = screen.form_with("Save")
    seen.kept = str(dict(form.fields)["consequences.impact_description"])


def file_too_early(telling: Telling, place: str, seen: Seen) -> None:
    told = {"filed_at": local(utcnow()), "case_number": CASE, "channel": "portal"}
    seen.refused["too early"] = telling.send(f"{place}/filing", **told)
    seen.refused["no form"] = 200, str(telling.dorthe.open(f"{place}/filing").text)


def claim_secrecy(telling: Telling, place: str, seen: Seen) -> None:
    telling.dorthe.open(f"{place}/secrecy")
    seen.secrecy = telling.dorthe.screen
    telling.dorthe.press(
        "Claim secrecy for these", field=[WHAT_HAPPENED], **{f"why.{WHAT_HAPPENED}": WHY_SECRET}
    )
    seen.approved_secretly = telling.dorthe.open(f"{place}/secrecy")


def change_what_is_approved(telling: Telling, place: str, seen: Seen) -> None:
    """Read, approved, changed: what was read before cannot be approved any more, what stands now can."""
    seen.voided = telling.write(
        place, **{"consequences.impact_description": "Nogen kan udgive sig for de berørte."}
    )
    before = dict(seen.read[DATATILSYNET].form_with(AGAIN)[0].fields)["seen"]
    seen.refused["not as read"] = telling.send(f"{place}/approval", seen=before)
    telling.approve(place)


def record_it_wrongly(telling: Telling, place: str, seen: Seen) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "another's number": {"case_number": NUMBERS[ICO]},
        "empty receipt": {"receipt": (b"", "kvittering.pdf")},
        "another type": {"receipt": (b"PK\x03\x04\x14\x00word", "kvittering.pdf")},
        "no number": {"case_number": ""},
    }
    for what, typed in wrong.items():
        screen = telling.file(place, DATATILSYNET, status=422, **typed)
        seen.refused[what] = screen.status, screen.text


def record_it(telling: Telling, place: str, authority: str, seen: Seen) -> None:
    telling.file(place, authority)
    seen.filed[authority] = telling.dorthe.open(place)
    seen.as_filed[authority] = telling.files(place, "filed")
    seen.receipts[authority] = telling.fetched(telling.dorthe.screen.links["Download the receipt"])


def file_twice(telling: Telling, place: str, seen: Seen) -> None:
    told = {"filed_at": local(utcnow()), "channel": "portal", "receipt": RECEIPT}
    seen.refused["twice"] = telling.send(f"{place}/filing", case_number="2026-442-01172", **told)


def one_leads(telling: Telling, seen: Seen) -> None:
    """Another breach, once the main establishment is registered."""
    telling.established(LED)
    telling.breach("HC-2026-202", **COMPLETE)
    place = telling.draft(DATATILSYNET)
    seen.led_files = telling.files(place)
    seen.led = telling.overview()


def part(screen: Screen, authority: str) -> str:
    """What an overview says of one authority."""
    begins = {each: screen.text.find(each) for each in AUTHORITIES if each in screen.text}
    after = [at for at in begins.values() if at > begins[authority]]
    return screen.text[begins[authority] : min(after, default=None)]


def told(files: Files) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files.json)
    return document


# --- each its own ---------------------------------------------------------------------------------


def test_each_authority_has_its_own_clock_its_own_form_and_its_own_language(seen: Seen) -> None:
    for authority in AUTHORITIES:
        owed = part(seen.owed, authority)
        assert "Owed" in owed
        assert "left" in owed, owed
        assert "Draft it from the facts" in owed
        form, language, title = FORMS[authority]
        for each in (f"Form: {form}", f"in {language}", title):
            assert each in seen.drafted[authority], (authority, each)
    assert "UK GDPR art. 33(1)" in part(seen.owed, ICO)


def test_complete_facts_leave_nothing_open_but_what_only_a_person_can_say(seen: Seen) -> None:
    for authority in (DATATILSYNET, ICO):
        assert "Nothing stands in the way of approving it" in seen.drafted[authority]
        assert seen.drafted[authority].form_with(AGAIN)
    swedish = seen.drafted[IMY]
    assert "Whether secrecy is claimed for any part" in swedish
    assert "It cannot be approved while points are open" in swedish


def test_without_a_lead_each_authority_is_told_and_named_to_the_others(seen: Seen) -> None:
    for authority in (DATATILSYNET, IMY):
        assert "One of several" in part(seen.owed, authority)
    assert "Notified separately" in part(seen.owed, ICO)
    other = told(seen.packs[DATATILSYNET])["fields"]["118"]["value"]
    assert [each for each in other if "IMY" in each]
    assert any("Datatilsynet" in each for each in told(seen.packs[IMY])["fields"]["118"]["value"])


def test_where_one_leads_it_is_named_with_those_concerned_and_the_ico_stands_beside(seen: Seen) -> None:
    assert "Lead authority" in part(seen.led, DATATILSYNET)
    assert "Notified separately" in part(seen.led, ICO)
    named = seen.led.text[seen.led.text.index("Named in the notification, not notified by us") :]
    assert IMY in named
    fields = told(seen.led_files)["fields"]
    assert fields["114"]["value"] == "Datatilsynet"
    assert set(fields["116"]["value"]) == {"DK", "SE"}


# --- secrecy and approval -------------------------------------------------------------------------


def test_what_becomes_public_in_sweden_is_asked_about_before_it_is_approved(seen: Seen) -> None:
    assert "anybody may ask to read it" in seen.secrecy
    assert WHY_SECRET in seen.approved_secretly.html
    text = pdf_text.read(seen.packs[IMY].pdf).text
    assert "18 kap. 8 §" in text
    assert "becomes a public record" not in seen.drafted[DATATILSYNET]


def test_an_approval_is_of_the_hash_that_was_read_and_void_once_the_text_changes(seen: Seen) -> None:
    for authority in AUTHORITIES:
        read = dict(seen.read[authority].form_with(AGAIN)[0].fields)["seen"]
        assert read in seen.read[authority].text
        assert "Approved by Dorthe Friis" in seen.approved[authority]
        assert read in seen.approved[authority]
    assert "Approved by" not in seen.voided
    assert seen.voided.form_with(AGAIN)
    status, said = seen.refused["not as read"]
    assert (status, "changed meanwhile by Dorthe Friis" in said) == (409, True)


# --- filed, with proof ----------------------------------------------------------------------------


def test_each_is_filed_with_its_number_and_its_receipt_byte_by_byte(seen: Seen) -> None:
    for authority in AUTHORITIES:
        screen = seen.filed[authority]
        for each in (NUMBERS[authority], "Filed by Dorthe Friis", "kvittering.pdf", "met in time"):
            assert each in screen, (authority, each)
        assert hashlib.sha256(RECEIPT[0]).hexdigest() in screen
        assert seen.receipts[authority] == RECEIPT[0]


def test_one_filing_changes_nothing_for_the_other_authorities(seen: Seen) -> None:
    assert "Filed met in time" in part(seen.after_one, DATATILSYNET)
    for authority in (IMY, ICO):
        other = part(seen.after_one, authority)
        assert "Approved" in other
        assert "File it" in other
        assert "met" not in other.split("Open the notification")[0], other
    for authority in AUTHORITIES:
        assert "Filed met in time" in part(seen.after_all, authority)


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_what_was_approved_is_downloaded_and_the_very_same_bytes_are_what_was_filed(
    seen: Seen, authority: str
) -> None:
    files = seen.packs[authority]
    document, pdf = told(files), pdf_text.read(files.pdf)

    assert files == seen.as_filed[authority]
    jsonschema.validate(document, pack_files.schema())
    assert document["authority"] == KEYS[authority]
    assert document["kind"] == "initial"
    hashed = document["content_sha256"]
    assert hashed in seen.filed[authority]
    assert hashed in pdf.text.replace(" ", "")
    assert "ProMark A/S" in pdf.text
    assert FORMS[authority][2] in pdf.text
    assert document["fields"]["12"]["value"] == "ProMark A/S"
    assert document["fields"]["68"]["value"] == 400


def test_the_record_tells_of_each_filing_once(seen: Seen) -> None:
    for authority in AUTHORITIES:
        filed = f"The notification was filed with {authority}"
        assert seen.record.text.count(filed) == 1, filed


# --- what cannot be -------------------------------------------------------------------------------


def test_what_is_too_long_is_refused_with_the_limit_and_nothing_typed_is_lost(seen: Seen) -> None:
    status, said = seen.refused["too long"]

    assert status == 422
    assert "at most 20000 characters" in said.replace(",", "").replace("\u00a0", "")
    assert seen.kept.strip() == "å" * 20_001


@pytest.mark.parametrize(
    ("what", "status", "why"),
    [
        ("too early", 409, "Only an approved text is filed."),
        ("no form", 200, "Nothing is filed before a named person has approved exactly this text."),
        ("another's number", 422, "This is written like a case number of Information Commissioner's Office"),
        ("empty receipt", 422, "The receipt is an empty file."),
        ("another type", 422, "The receipt is no PDF, picture (PNG, JPEG), e-mail (EML), web page or text."),
        ("no number", 422, "The case number is missing."),
        ("twice", 409, "This notification was filed already, by Dorthe Friis."),
    ],
)
def test_a_filing_that_cannot_be_is_refused_and_says_why(
    seen: Seen, what: str, status: int, why: str
) -> None:
    assert seen.refused[what][0] == status
    assert why in seen.refused[what][1]
