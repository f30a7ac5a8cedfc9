"""What a person sees and types before filing: the form's own order, and nothing typed is lost."""

import re
from uuid import UUID

import pytest

from foundation.database import acting_for, utcnow
from incident import authority_notification, delays, drafting, packs
from incident.forms import pack_boxes, pack_lines
from incident.forms.pack_lines import State
from tests import people
from tests.incident import browsing, desk

DANISH, BRITISH, SWEDISH = "dk-datatilsynet", "gb-ico", "se-imy"
CONSEQUENCES = "consequences.impact_description"
TWICE = "2026-10-25T02:30"  # clocks showed it twice that night
FIELD = {
    "number": None, "label": "L", "wording": "verbatim", "help": "", "kind": "text", "paths": ["a.b"],
    "other": None, "codes": [], "longest": None, "answer": "", "source": "", "as_told": False,
    "edited": False, "to_follow": False, "required": False, "point": None,
}  # fmt: skip


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def drafted(cast, authority=DANISH):
    """The address of a notification that Dorthe has drafted."""
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        owed = {each.recipient: each for each in authority_notification.duties_of(incident)}
        by = desk.person(cast, people.DORTHE)
        duty = owed.get(authority, owed[DANISH])
        made = authority_notification.draft(incident, duty, by=by, now=utcnow())
        if authority not in owed:  # as if it were the one that leads
            made.authority = authority
            material = drafting.gather(incident)
            made.content = packs.document(material, authority, told=packs.Told(), now=utcnow())
            made.content_sha256 = packs.fingerprint(made.content)
        return f"/incidents/{incident_id}/authority-notifications/{made.id}"


def stored(cast, place):
    """The notification as it is kept."""
    incident_id, notification_id = UUID(place.split("/")[2]), UUID(place.rpartition("/")[2])
    incident = desk.incident_of(cast, incident_id)
    with acting_for(cast.promark):
        return authority_notification.of(incident, notification_id)


def form_on(browser, place):
    """The form on the page of the text, as a browser would send it back."""
    forms = browsing.form(browser.get(f"{place}/text").text, "")
    return {name: [each.removeprefix("\n") for each in told] for name, told in forms.items()}


def line(**changes):
    content = {"sections": [{"key": "1", "title": "T", "fields": [FIELD | {"key": "x"} | changes]}]}
    return pack_lines.parts(content, ())[0].lines[0]


# --- what there is to do about a field ------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ({"answer": "A"}, State.ANSWERED),
        ({"answer": "As told", "as_told": True}, State.NOT_TRANSLATED),
        ({"to_follow": True, "required": True}, State.TO_FOLLOW),
        ({"required": True}, State.OPEN),
        ({}, State.EMPTY),
        ({"paths": []}, State.INFORMATION),
    ],
)
def test_each_field_says_what_there_is_to_do_about_it(app, field, state):

    assert line(**field).state == state


def test_progress_counts_what_is_answered_of_what_is_to_be(app):
    fields = [{"answer": "A"}, {"to_follow": True}, {"required": True}, {}, {"paths": []}]
    told = [FIELD | {"key": str(number)} | each for number, each in enumerate(fields)]
    parts = pack_lines.parts({"sections": [{"key": "1", "title": "T", "fields": told}]}, ())

    found = pack_lines.progress(parts)

    assert (found.answered, found.to_follow, found.open, found.total) == (1, 1, 1, 3)


def test_a_label_is_marked_where_it_is_not_the_authoritys_wording(app):

    assert line(wording="verbatim").mark is None
    assert {str(line(wording=each).mark) for each in ("topic", "mirror", "recalled", "proposed")} == {
        "in our words", "from a copy", "from memory", "proposed by us",
    }  # fmt: skip


# --- the page -------------------------------------------------------------------------------------


def test_the_fields_stand_in_the_order_of_the_form_with_what_stands_in_the_way_before_them(dorthe, cast):
    place = drafted(cast)
    keys = [each["key"] for each in packs.fields(stored(cast, place).content)]

    page = dorthe.get(place).text

    assert re.findall(r'data-field="([^"]+)"', page) == keys
    assert page.index("Open points") < page.index("The likely consequences") < page.index(keys[0])
    assert "MitID Erhverv" not in page  # what filing needs is said when it comes to filing


def test_what_is_at_hand_for_filing_is_said_once_the_text_is_approved(dorthe, cast):
    place = drafted(cast)
    dorthe.post(f"{place}/text", data=form_on(dorthe, place) | {CONSEQUENCES: "Svindel."})
    dorthe.post(f"{place}/approval", data={"seen": stored(cast, place).content_sha256})

    page = dorthe.get(place).text

    for told in ("What you need at hand", "MitID Erhverv", "It is held by: Dorthe Friis", "31 07 52 62",
                 "Open the authority", "Record that it was filed"):  # fmt: skip
        assert told in page


def test_all_authorities_are_shown_with_what_is_next_for_each(dorthe, cast):
    place = drafted(cast)

    page = dorthe.get(place.rpartition("/")[0]).text

    assert "Answer what stands in the way of approval: 1." in page
    assert "Draft it from the facts." in page
    assert "Indberetning af brud på sikkerhed" in page
    assert page.index("Named in the notification") < page.index("IMY")


# --- what is typed --------------------------------------------------------------------------------


@pytest.mark.parametrize("authority", [DANISH, BRITISH, SWEDISH])
def test_a_form_that_is_sent_back_as_it_came_changes_nothing(dorthe, cast, authority):
    place = drafted(cast, authority)
    before = stored(cast, place).content_sha256

    answer = dorthe.post(f"{place}/text", data=form_on(dorthe, place), follow_redirects=True)

    assert "Nothing was changed." in answer.text
    assert stored(cast, place).content_sha256 == before


@pytest.mark.parametrize("authority", [DANISH, BRITISH, SWEDISH])
def test_every_path_of_a_field_has_one_box_and_no_more(app, cast, authority):
    content = stored(cast, drafted(cast, authority)).content

    boxes = [
        box.path
        for part in pack_boxes.questions(content).values()
        for question in part
        for box in question.boxes
    ]

    shown = {path for each in packs.fields(content) for path in each["paths"]}
    assert len(boxes) == len(set(boxes))
    assert shown <= set(boxes)


def test_nothing_that_was_typed_is_lost_when_something_does_not_fit(dorthe, cast):
    place = drafted(cast)
    typed = form_on(dorthe, place) | {CONSEQUENCES: "Nogen kan <svindle>.", "subjects.count": "mange"}

    answer = dorthe.post(f"{place}/text", data=typed)

    assert answer.status_code == 422
    again = browsing.form(answer.text, "")
    assert again[CONSEQUENCES][0].strip() == "Nogen kan <svindle>."
    assert again["subjects.count"] == ["mange"]
    assert "Nothing was saved yet, and nothing you typed is lost." in answer.text
    assert not packs.answer(stored(cast, place).content, CONSEQUENCES)


def test_a_time_that_was_twice_is_asked_about_and_then_taken(dorthe, cast):
    place = drafted(cast)
    typed = form_on(dorthe, place) | {"timeline.started_at": TWICE}
    typed.pop("timeline.started_at.fold", None)

    asked = dorthe.post(f"{place}/text", data=typed)
    told = dorthe.post(f"{place}/text", data=typed | {"timeline.started_at.fold": "1"})

    assert asked.status_code == 422
    assert asked.text.count('name="timeline.started_at.fold"') == 2
    assert told.status_code == 303
    assert packs.answer(stored(cast, place).content, "timeline.started_at") == "2026-10-25T01:30:00+00:00"


def test_boxes_that_are_all_unticked_are_nothing_and_not_what_they_were(dorthe, cast):
    place = drafted(cast)

    dorthe.post(f"{place}/text", data=form_on(dorthe, place) | {"subjects.categories": [""]})

    assert not packs.answer(stored(cast, place).content, "subjects.categories")


def test_where_a_colleague_was_quicker_both_are_shown_and_neither_is_lost(dorthe, cast):
    place = drafted(cast)
    mine = form_on(dorthe, place) | {CONSEQUENCES: "Mit."}
    dorthe.post(f"{place}/text", data=form_on(dorthe, place) | {CONSEQUENCES: "Hendes."})

    answer = dorthe.post(f"{place}/text", data=mine)

    assert answer.status_code == 409
    assert "Mit." in answer.text
    assert "Saved now:" in answer.text
    assert "Hendes." in answer.text
    assert packs.answer(stored(cast, place).content, CONSEQUENCES) == "Hendes."


def test_words_that_are_in_the_forms_language_as_told_are_said_to_be_so(dorthe, cast):
    place = drafted(cast)
    form = form_on(dorthe, place)

    dorthe.post(f"{place}/text", data=form | {"in_language": ["nature.description_what"]})

    told = stored(cast, place).content["answers"]["nature.description_what"]
    assert (told["as_told"], told["language"]) == (False, "da")


# --- once the deadline has passed -----------------------------------------------------------------


def late(cast, clock, place):
    """72 hours after awareness; one reason was written down meanwhile."""
    with desk.working(cast, UUID(place.split("/")[2])) as incident:
        duty = next(e for e in authority_notification.duties_of(incident) if e.recipient == DANISH)
        by = desk.person(cast, people.DORTHE)
        delays.add_reason(incident, duty, "Logs came late.", by=by, now=utcnow())
    clock.move(hours=73)


def test_the_box_for_the_reasons_holds_what_was_written_down_and_saving_takes_it(cast, clock, signed_in):
    place = drafted(cast)
    late(cast, clock, place)
    dorthe = signed_in(people.DORTHE)
    form = form_on(dorthe, place)

    answer = dorthe.post(f"{place}/text", data=form, follow_redirects=True)

    assert form[packs.REASONS] == ["Logs came late."]
    assert "Saved." in answer.text
    told = stored(cast, place).content["answers"][packs.REASONS]
    assert (told["value"], told["as_told"], told["edited"]) == ("Logs came late.", True, False)


def test_a_text_that_was_approved_in_time_gets_the_box_as_well_once_it_is_late(cast, clock, signed_in):
    place = drafted(cast)
    dorthe = signed_in(people.DORTHE)
    dorthe.post(f"{place}/text", data=form_on(dorthe, place) | {CONSEQUENCES: "Svindel."})
    dorthe.post(f"{place}/approval", data={"seen": stored(cast, place).content_sha256})
    assert packs.REASONS not in form_on(dorthe, place)
    late(cast, clock, place)
    dorthe = signed_in(people.DORTHE)

    dorthe.post(f"{place}/text", data=form_on(dorthe, place) | {packs.REASONS: "Loggene kom sent."})

    now = stored(cast, place)
    assert (now.state, now.reasons_for_delay) == ("draft", "Loggene kom sent.")


# --- what becomes a public record -----------------------------------------------------------------


def test_what_is_to_be_kept_secret_is_asked_where_a_filing_becomes_public(dorthe, cast):
    place = drafted(cast, SWEDISH)

    assert f"{place}/secrecy" in dorthe.get(place).text
    assert "becomes a public record" in dorthe.get(f"{place}/secrecy").text


def test_secrecy_is_claimed_for_single_answers_each_with_its_reason(dorthe, cast):
    place = drafted(cast, SWEDISH)
    seen = stored(cast, place).content_sha256
    key = next(each["key"] for each in packs.fields(stored(cast, place).content) if each["answer"])
    told = {"seen": seen, "claims": "some", "field": key}

    without = dorthe.post(f"{place}/secrecy", data=told)
    taken = dorthe.post(f"{place}/secrecy", data=told | {f"why.{key}": "Säkerhetsåtgärder röjs."})

    assert without.status_code == 422
    assert f'value="{key}" checked' in without.text
    assert taken.status_code == 303
    assert packs.answer(stored(cast, place).content, packs.CLAIMS) == [
        {"field": key, "reason": "Säkerhetsåtgärder röjs."}
    ]
    assert "Säkerhetsåtgärder röjs." in dorthe.get(f"{place}/secrecy").text


def test_that_secrecy_is_claimed_for_nothing_is_said_and_not_taken_from_silence(dorthe, cast):
    place = drafted(cast, SWEDISH)
    seen = stored(cast, place).content_sha256

    silent = dorthe.post(f"{place}/secrecy", data={"seen": seen, "claims": "some"})
    said = dorthe.post(f"{place}/secrecy", data={"seen": seen, "claims": "none"})

    assert silent.status_code == 422
    assert said.status_code == 303
    assert stored(cast, place).content["answers"][packs.CLAIMS]["edited"]


def test_the_page_says_that_to_follow_counts_for_a_whole_question_and_what_cannot_follow(cast, dorthe):
    page = dorthe.get(f"{drafted(cast)}/text").text

    assert "counts for all of its parts" in page
    assert "is to be answered now" in page
