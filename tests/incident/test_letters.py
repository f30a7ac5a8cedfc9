"""A text to people begins with what the facts say, and is held against what an authority was told."""

from uuid import uuid4

import pytest
from flask_babel import force_locale

from foundation.database import acting_for, db, utcnow
from incident import clocks, drafting, intake, letters, subject_communication
from incident.models import CommunicationState, SubjectCommunication
from incident.rules.facts import parse
from tests import people
from tests.incident import desk, telling, telling_rows

LANGUAGES = ("da", "nb", "sv", "en")


def facts(kind="unknown", exfiltration="unknown"):
    return parse({
        "schema_version": 1, "cause": {"kind": kind}, "disclosure": {"exfiltration": exfiltration},
    })  # fmt: skip


def material_of(cast, **changes):
    return drafting.gather(desk.incident_of(cast, desk.assessed(cast, **changes)))


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (("unknown", "unknown"), "general"), (("software_fault", "unknown"), "general"),
        (("ransomware", "unknown"), "lost_access"), (("ransomware", "confirmed"), "stolen"),
        (("ransomware", "published"), "published"), (("unauthorised_access", "confirmed"), "stolen"),
        (("wrong_recipient", "confirmed"), "wrong_recipient"),
        (("open_addressees", "unknown"), "wrong_recipient"),
        (("publication", "unknown"), "published"), (("data_copied_by_staff", "confirmed"), "insider"),
        (("paper_lost", "unknown"), "lost_device"), (("credential_attack", "unknown"), "credentials"),
    ],
)  # fmt: skip
def test_the_facts_say_which_kind_of_breach_it_is_and_nothing_is_guessed_from_silence(told, kind):
    assert letters.kind_of(facts(*told)) == kind


def test_every_kind_that_facts_can_speak_for_has_texts(app):
    spoken = {*letters.KINDS, "stolen", "published", "general"}

    assert spoken == set(letters.kinds("en"))


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_draft_takes_the_words_of_the_kind_that_was_chosen(app, cast, locale):
    with acting_for(cast.promark):
        material = material_of(cast)
        found = {kind: letters.draft(material, locale, kind) for kind in letters.kinds(locale)}

    assert len({each["subject"] for each in found.values()}) == len(found)
    assert {tuple(each) for each in found.values()} == {letters.PARTS}


def test_a_language_that_nobody_wrote_lacks_every_part_of_article_34(app):
    found = letters.lacking({}, ["sv"])

    assert {each.part for each in found} == set(letters.REQUIRED)


def test_whoever_knows_more_sees_more_in_the_way(app, cast):
    with acting_for(cast.promark):
        material = material_of(cast)
        known = letters.known_of(material, fields=frozenset())
        told = {**letters.draft(material, "en"), "nature": "x", "data": "{field:car}", "measures": "Done.",
                "consequences": "We take this seriously."}  # fmt: skip

        assert letters.lacking({"en": told}, ["en"]) == []
        assert {each.code for each in letters.lacking({"en": told}, ["en"], known)} >= {
            "hollow", "nothing_planned", "no_such_field",
        }  # fmt: skip


def test_what_is_in_the_way_is_said_with_what_to_do(app):
    with app.test_request_context(), force_locale("en"):
        said = [each.said for each in letters.lacking({"sv": {"subject": "[x]"}}, ["sv"])]

    assert "Svenska: Subject. Something in [brackets] is left: write it, or take it out." in said


# --- what is true no more -----------------------------------------------------------------------


def sent(cast, **changes):
    """A communication that went out just now: (incident id, communication id)."""
    incident_id = desk.assessed(cast, **changes)
    with desk.working(cast, incident_id) as incident:
        now = utcnow()
        made = SubjectCommunication(
            organisation_id=incident.organisation_id, incident_id=incident.id, number=1, texts={},
            kind="general", content_sha256="0" * 64, drafted_by="Astrid Holm", drafted_at=now,
            state=CommunicationState.SENDING, approved_at=now, approved_by="Dorthe Friis",
            approved_sha256="0" * 64, sent_by="Dorthe Friis", sent_at=now,
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return incident_id, made.id


def stale(cast, communication_id):
    with acting_for(cast.promark), force_locale("en"):
        db.session.rollback()
        return letters.stale(db.session.get_one(SubjectCommunication, communication_id))


def learn(cast, incident_id, **changes):
    with desk.working(cast, incident_id) as incident:
        told = clocks.document_of(incident)
        document = {key: {**told.get(key, {}), **part} if isinstance(part, dict) else part
                    for key, part in changes.items()}  # fmt: skip
        document = {**told, **document}
        intake.learn(
            incident, intake.Told(incident.organisation_id, document, parse(document), "Astrid Holm"),
            now=utcnow(),
        )  # fmt: skip


def test_a_text_is_true_while_the_facts_stay(app, cast):
    _incident_id, communication_id = sent(cast)

    assert stale(cast, communication_id) == []


def test_data_that_was_found_after_the_approval_makes_what_is_sent_untrue(app, cast):
    incident_id, communication_id = telling.begun(cast)
    telling.approve(cast, incident_id, communication_id)
    assert stale(cast, communication_id) == []
    learn(cast, incident_id, data={"categories": ["name", "health"]})

    assert "data" in {each.part for each in stale(cast, communication_id)}
    telling.send(cast, incident_id, communication_id)
    assert "data" in {each.part for each in stale(cast, communication_id)}


def test_data_that_was_found_later_makes_what_was_sent_untrue_and_both_are_shown(app, cast):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, data={"categories": ["name", "health"]})

    found = {each.part: each for each in stale(cast, communication_id)}

    assert "health" in found["data"].now
    assert "health" not in found["data"].before
    assert "nature" not in found


def test_measures_that_came_later_are_a_difference(app, cast):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, measures={"taken": ["The key is blocked."]})

    (found,) = stale(cast, communication_id)

    assert (found.part, "The key is blocked." in found.now) == ("measures", True)


def test_facts_that_make_untrue_what_people_were_told_wait_for_a_correction_or_a_word(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, data={"categories": ["name", "health"]})
    place, asked = f"/incidents/{incident_id}/communications", "is communication 1 still true?"
    dorthe = signed_in(people.DORTHE)
    assert asked in dorthe.get("/next").text
    assert "facts have changed since" in dorthe.get(place).text
    answer = f"{place}/{communication_id}/still-true"
    assert dorthe.post(answer, data={"why": ""}).status_code == 422
    assert signed_in(people.ASTRID).post(answer, data={"why": "x"}).status_code == 403

    assert dorthe.post(answer, data={"why": "They were told of it by telephone."}).status_code == 303
    assert asked not in dorthe.get("/next").text
    assert stale(cast, communication_id) == []
    learn(cast, incident_id, measures={"taken": ["The key is blocked."]})
    assert asked in dorthe.get("/next").text


def test_of_what_was_corrected_the_correction_is_held_against_the_facts(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, data={"categories": ["name", "health"]})
    with desk.working(cast, incident_id) as incident:
        wrong, by = subject_communication.of(incident, communication_id), desk.person(cast, people.ASTRID)
        correction = subject_communication.correct(incident, wrong, by=by, now=utcnow()).id
    with desk.working(cast, incident_id):
        made = db.session.get_one(SubjectCommunication, correction)
        made.state, made.approved_at, made.sent_at = "sending", utcnow(), utcnow()
        made.approved_sha256 = made.content_sha256

    assert stale(cast, communication_id) == stale(cast, correction) == []
    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text
    assert "corrected by communication 2" in page
    learn(cast, incident_id, measures={"taken": ["The key is blocked."]})
    assert stale(cast, communication_id) == []
    assert [each.part for each in stale(cast, correction)] == ["measures"]


@pytest.mark.parametrize(
    ("fate", "state", "asked"),
    [("manual", "stopped", True), ("delivered", "stopped", False), ("manual", "running", False)],
)
def test_a_correction_that_was_stopped_before_anybody_had_it_corrects_nothing(app, cast, fate, state, asked):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, data={"categories": ["name", "health"]})
    with desk.working(cast, incident_id) as incident:
        correction = telling_rows.communication(
            incident_id, incident.organisation_id, number=2, corrects_id=communication_id
        )
        telling_rows.sending(correction, [(uuid4(), "email", fate, {})], state=state)

    assert bool(stale(cast, communication_id)) == asked


def test_what_changes_nothing_that_people_were_told_is_no_difference(app, cast):
    incident_id, communication_id = sent(cast)
    learn(cast, incident_id, title="Another title")

    assert stale(cast, communication_id) == []


def test_paper_has_the_headings_of_the_text(app):
    told = letters.paper({"subject": "S", "parts": '[["H", "T"]]', "closing": "Bye\nWe"}, "en")

    assert (told.parts[0].heading, told.parts[0].text, told.closing) == ("H", "T", ("Bye", "We"))
