"""Authorities are told late, with reasons that grew; and in phases, from the first notice to the last letter.

Two stories are played once; each test looks at what Dorthe saw on the way.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest

from incident import pack_files
from tests import people
from tests.story.driver import DATATILSYNET, ICO, Story
from tests.story.screen import Screen
from tests.story.telling import (
    AUTHORITIES,
    COMPLETE,
    CONSEQUENCES,
    IMY,
    LED,
    MAY_COME,
    NUMBERS,
    WITHOUT_A_LEAD,
    Files,
    Telling,
    in_days,
)
from tests.story.test_telling_authorities import part

pytestmark = pytest.mark.story
REASONS = "timeline.delay_reasons"
GREW = ("The logs of NordHost came only after two days.", "HostCo's duty desk could not be reached.")
OURS = "We read the logs twice, since the first copy was cut short."
AGAIN = "Yes, I stand behind it"
WHY_WITHDRAWN = "Nobody in the United Kingdom was in the copy."
QUESTION = "How many of the people concerned are children?"
ANSWER = "None: only employees of our customers are in the system."


# --- late -----------------------------------------------------------------------------------------


@dataclass
class Late:
    """What Dorthe saw of two late notifications, one with reasons that grew and one without."""

    waiting: Screen = field(init=False)
    demanded: dict[str, Screen] = field(default_factory=dict)
    texts: dict[str, Screen] = field(default_factory=dict)
    refused: tuple[int, str] = field(init=False)
    filed: dict[str, Screen] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    frozen: dict[str, Screen] = field(default_factory=dict)


@pytest.fixture(scope="module")
def late(opening) -> Late:
    """Both are drafted in time; 72 hours pass before anybody files."""
    with opening() as opened:
        return play_late(Telling(Story(*opened, twice=False)))


def play_late(telling: Telling) -> Late:
    seen = Late()
    telling.established(LED)
    telling.breach("HC-2026-301", **COMPLETE)
    places = {each: telling.draft(each) for each in (DATATILSYNET, ICO)}
    for hours, reason in zip((60, 9), GREW, strict=True):
        telling.later(hours=hours)
        telling.overview()
        seen.waiting = telling.dorthe.press("Write it down", DATATILSYNET, text=reason)
    telling.later(hours=3)
    for authority, place in places.items():
        seen.demanded[authority] = telling.dorthe.open(place)
        seen.texts[authority] = telling.dorthe.open(f"{place}/text")
    hashed = dict(seen.texts[ICO].form_with("Save")[0].fields)["seen"]
    seen.refused = telling.send(f"{places[ICO]}/approval", seen=hashed)
    telling.write(places[DATATILSYNET])
    telling.write(places[ICO], **{REASONS: OURS})
    for authority, place in places.items():
        telling.approve(place)
        seen.files[authority] = telling.files(place)
        telling.file(place, authority)
        seen.filed[authority] = telling.dorthe.open(place)
    telling.later(hours=50)
    for authority, place in places.items():
        seen.frozen[authority] = telling.dorthe.open(place)
    return seen


def test_the_reasons_for_a_delay_are_written_down_as_they_become_known(late: Late) -> None:
    assert "Reasons for the delay, as they become known (2)" in late.waiting
    for each in GREW:
        assert each in part(late.waiting, DATATILSYNET)


def test_once_it_is_late_the_reasons_are_demanded_and_no_approval_goes_without(late: Late) -> None:
    for authority in (DATATILSYNET, ICO):
        assert "The reasons for the delay art. 33(1) · needed now" in late.demanded[authority]
    status, said = late.refused
    assert status == 409
    assert "It is later than the deadline, and the text gives no reasons for the delay." in said


def test_what_was_written_down_is_offered_as_it_grew_and_what_was_not_is_asked(late: Late) -> None:
    danish, british = (
        dict(late.texts[each].form_with("Save")[0].fields)[REASONS] for each in (DATATILSYNET, ICO)
    )

    assert str(danish).split("\n") == list(GREW)
    assert not british
    fields = {each: json.loads(late.files[each].json)["fields"] for each in late.files}
    assert fields[DATATILSYNET]["49"]["value"].split("\n") == list(GREW)
    assert fields[DATATILSYNET]["49"]["as_told"], "nobody has said that this is Danish"
    assert fields[ICO]["49"]["value"] == OURS


def test_how_late_it_was_is_frozen_with_the_filing(late: Late) -> None:
    for authority in (DATATILSYNET, ICO):
        (was,) = {lateness(each[authority]) for each in (late.filed, late.frozen)}
        assert was.startswith("met 2 h")


def lateness(screen: Screen) -> str:
    begins = screen.text.index("met 2 h")
    return screen.text[begins : screen.text.index(" late", begins)]


# --- in phases ------------------------------------------------------------------------------------


@dataclass
class Phased:
    """What was seen of notifications in phases: by name, and by authority where there is one for each."""

    pages: dict[str, Screen] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    begun: dict[str, Screen] = field(default_factory=dict)
    changed: dict[str, Screen] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)

    def document(self, name: str) -> dict[str, Any]:
        """The JSON of a notification."""
        told: dict[str, Any] = json.loads(self.files[name].json)
        return told


@pytest.fixture(scope="module")
def phased(opening) -> Phased:
    """From three incomplete notices to the last filing, and what an authority asked in between."""
    with opening() as opened:
        return play_phased(Telling(Story(*opened, twice=False)))


def play_phased(telling: Telling) -> Phased:
    seen = Phased()
    telling.established(WITHOUT_A_LEAD)
    telling.breach("HC-2026-302")
    places = {}
    for authority in AUTHORITIES:
        places[authority] = telling.notify(authority, to_follow=[MAY_COME[authority]])
        seen.begun[authority] = telling.dorthe.screen
        seen.files[authority] = telling.files(places[authority])
    seen.pages["in part"] = telling.overview()
    date_what_follows(telling, places, seen)
    answer_a_letter(telling, seen)
    telling.hostco_tells_more(subjects=people_of(DK=380, SE=120, GB=20))
    seen.pages["opened"] = telling.overview()
    for authority, place in places.items():
        telling.dorthe.open(f"{telling.follow_up(place, 'Further notification')}/changes")
        seen.changed[authority] = telling.dorthe.screen
    go_on_to_the_end(telling, places[DATATILSYNET], seen)
    correct_it(telling, places[DATATILSYNET], seen)
    withdraw(telling, places[ICO], seen)
    seen.pages["record"] = telling.story.at_desk(people.NILS).open(f"{telling.story.incident}/record")
    return seen


def people_of(**by_country: int) -> dict[str, Any]:
    total = {"at_least": sum(by_country.values()), "estimate": True}
    return {"total": total, "by_country": by_country, "groups": ["customers", "employees"]}


def date_what_follows(telling: Telling, places: dict[str, str], seen: Phased) -> None:
    for name, authority, days in (("too far", IMY, 40), ("named", DATATILSYNET, 9)):
        path = f"{places[authority]}/supplement"
        telling.dorthe.open(f"{places[authority]}/changes")
        assert telling.dorthe.screen.form_with("Keep the day")
        seen.refused[name] = telling.send(path, due_on=in_days(days))
    seen.pages["dated"] = telling.incident()


def answer_a_letter(telling: Telling, seen: Phased) -> None:
    new, told = f"{telling.story.incident}/correspondence/new", {"authority": "se-imy", "channel": "letter"}
    asked = {"kind": "question", "subject": QUESTION, "due_on": in_days(10), **told}
    telling.dorthe.open(new)
    screen = telling.keep_letter(status=422, reference=NUMBERS[ICO], **asked)
    seen.refused["another's letter"] = screen.status, screen.text
    seen.pages["asked"] = telling.keep_letter(reference=NUMBERS[IMY], **asked)
    seen.pages["owed"] = telling.incident()
    telling.dorthe.open(seen.pages["asked"].links["We answered it"])
    seen.pages["answered"] = telling.keep_letter(subject="Our answer", text=ANSWER)
    seen.pages["answer owed no more"] = telling.incident()


def go_on_to_the_end(telling: Telling, first: str, seen: Phased) -> None:
    further = telling.follow_up(first, "Further notification")
    seen.pages["further"] = telling.approve_and_file(further, DATATILSYNET)
    seen.files["further"] = telling.files(further)
    seen.pages["after further"] = telling.overview()
    final = telling.begin(further, "final")
    seen.refused["final too early"] = telling.approve(final, status=409).status, telling.dorthe.screen.text
    telling.write(final, **{CONSEQUENCES: "Nogen kan udgive sig for de berørte."})
    seen.pages["final"] = telling.approve_and_file(final, DATATILSYNET)
    seen.files["final"] = telling.files(final)
    seen.pages["after final"] = telling.overview()


def correct_it(telling: Telling, first: str, seen: Phased) -> None:
    telling.hostco_tells_more(subjects=people_of(DK=360, SE=120, GB=20))
    correction = telling.follow_up(first, "Correction")
    seen.pages["correction"] = telling.approve_and_file(correction, DATATILSYNET)
    seen.files["correction"] = telling.files(correction)
    seen.pages["after correction"] = telling.overview()


def withdraw(telling: Telling, first: str, seen: Phased) -> None:
    telling.begin(first, "withdrawal", status=422)
    seen.refused["no reason"] = 422, telling.dorthe.screen.text
    mine = telling.begin(first, "withdrawal", why=WHY_WITHDRAWN)
    seen.refused["alone"] = telling.approve(mine, status=403).status, telling.dorthe.screen.text
    telling.dorthe.open(f"{mine}/changes")
    seen.pages["dropped"] = telling.dorthe.press("Drop it", why="A colleague begins it.")
    theirs = telling.begin(first, "withdrawal", who=telling.story.astrid, why=WHY_WITHDRAWN)
    seen.pages["withdrawn"] = telling.approve_and_file(theirs, ICO)
    seen.files["withdrawn"] = telling.files(theirs)
    seen.refused["after it"] = telling.send(f"{first}/follow-up", kind="further")


def test_what_is_not_known_yet_is_said_to_follow_and_the_duty_stays(phased: Phased) -> None:
    for authority in AUTHORITIES:
        document = phased.document(authority)
        jsonschema.validate(document, pack_files.schema())
        follows = {number for number, each in document["fields"].items() if each.get("to_follow")}
        assert follows & {"85", "86"}, authority
        assert "Filed" in part(phased.pages["in part"], authority)
        assert "Send what is to follow." in part(phased.pages["in part"], authority)
    assert "Foreløbig - yderligere oplysninger følger" in phased.begun[DATATILSYNET]


def test_what_is_to_follow_has_a_date_which_in_sweden_is_four_weeks_and_no_later(phased: Phased) -> None:
    status, said = phased.refused["too far"]
    assert status == 422
    assert "The authority waits no longer than" in said
    assert phased.refused["named"][0] == 303
    shown, due = phased.pages["dated"].text, {}
    for authority in AUTHORITIES:
        rest = rf"Notify the authority Filed in part {authority}.*?What was to follow · "
        due[authority] = re.findall(rest + r"(.*?(?: left| undue delay))", shown)[0]
    assert "27 d 23 h left" in due[IMY]
    assert "9 d" in due[DATATILSYNET]
    assert "without undue delay" in due[ICO], "no limit is known, and nobody has named a day"


def test_a_fact_that_changes_opens_a_follow_up_to_each_authority_that_shows_the_difference(
    phased: Phased,
) -> None:
    for authority in AUTHORITIES:
        assert "Draft" in part(phased.pages["opened"], authority)
        screen = phased.changed[authority]
        assert "Changed since number 1 was filed" in screen
        was, now = (
            " ".join(re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", screen.html)) for tag in ("del", "ins")
        )
        assert "400" in was, authority
        assert "520" in now, authority


def test_further_notices_leave_the_duty_owed_and_the_final_one_ends_it(phased: Phased) -> None:
    assert phased.document("further")["kind"] == "further"
    assert phased.document("further")["fields"]["68"]["value"] == 520
    assert phased.document("further")["fields"]["6"]["value"] == NUMBERS[DATATILSYNET]
    assert "Send what is to follow." in part(phased.pages["after further"], DATATILSYNET)
    status, said = phased.refused["final too early"]
    assert (status, "A final notification leaves nothing to follow." in said) == (409, True)
    assert phased.document("final")["kind"] == "final"
    assert not [each for each in phased.document("final")["fields"].values() if each.get("to_follow")]
    ended = part(phased.pages["after final"], DATATILSYNET)
    assert "Send what is to follow." not in ended
    assert "met in time" in ended
    assert "Send what is to follow." not in part(phased.pages["after final"], DATATILSYNET)


def test_after_the_end_what_was_said_wrongly_is_corrected_by_a_notice_of_its_own(phased: Phased) -> None:
    document = phased.document("correction")

    assert (document["kind"], document["fields"]["68"]["value"]) == ("correction", 500)
    assert "Filed" in part(phased.pages["after correction"], DATATILSYNET)
    assert "Send what is to follow." not in part(phased.pages["after correction"], DATATILSYNET)


def test_a_withdrawal_needs_a_reason_and_a_second_person_and_nothing_follows_it(phased: Phased) -> None:
    assert "Say why it is withdrawn" in phased.refused["no reason"][1]
    assert "a second person looks at it" in phased.refused["alone"][1]
    assert "A colleague begins it." in phased.pages["dropped"]
    assert "Filed" in phased.pages["withdrawn"]
    document = phased.document("withdrawn")
    assert document["kind"] == "withdrawal"
    assert document["fields"]["5"]["value"] == WHY_WITHDRAWN
    status, said = phased.refused["after it"]
    assert (status, "The notification was withdrawn." in said) == (409, True)


def test_what_an_authority_asks_is_owed_by_its_date_until_a_letter_answers_it(phased: Phased) -> None:
    status, said = phased.refused["another's letter"]
    assert (status, "Information Commissioner's Office" in said) == (422, True)
    for each in (QUESTION, "to be answered", "10 d", NUMBERS[IMY]):
        assert each in phased.pages["asked"], each
    assert "Answer the authority Owed" in phased.pages["owed"]
    assert ANSWER in phased.pages["answered"]
    assert "done" in phased.pages["answered"]
    assert "Answer the authority Met" in phased.pages["answer owed no more"]


def test_the_files_of_every_phase_are_valid_and_the_record_has_them_in_order(phased: Phased) -> None:
    for name in ("further", "final", "correction", "withdrawn"):
        jsonschema.validate(phased.document(name), pack_files.schema())
    assert phased.pages["record"].text.count("The notification was filed with") == len(AUTHORITIES) + 4
