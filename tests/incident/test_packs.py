"""The notification as a document: known by path, asked in the form's order, printed in its language."""

from datetime import UTC, datetime, timedelta

import pytest

from foundation.database import utcnow
from incident import drafting, packs
from incident.authorities.forms import all_forms, normal_form
from incident.filling import Told
from incident.packs import documents, points, values
from incident.rules.deadlines import Clock
from tests.incident import desk

ZONE = "Europe/Copenhagen"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DANISH, SWEDISH, BRITISH, FINNISH = "dk-datatilsynet", "se-imy", "gb-ico", "fi-tietosuoja"
WHOLE = {
    "notification.type": "new",
    "nature.description_what": "En nøgle blev misbrugt.",
    "nature.cia": ["confidentiality"],
    "subjects.categories": ["customers", "employees"],
    "subjects.count": 412,
    "subjects.count_mode": "approximate",
    "data.categories": ["basic", "contact"],
    "records.count_mode": "undeterminable",
    "contact_point.name": "Dorthe Friis",
    "contact_point.phone": "+45 4690 0000",
    "consequences.impact_types": ["fraud"],
    "measures.containment_description": "Nøglen er spærret.",
    "timeline.started_at": "2026-11-27T13:03:00+00:00",
    "timeline.dates_estimated": True,
}


def made(authority=DANISH, *, late=False, kind="initial", **changes):
    """A document of these answers, as if facts had given them; None leaves one out."""
    told = WHOLE | {name.replace("__", "."): value for name, value in changes.items()}
    form = packs.form_for(authority, NOW.date())
    content = {
        "schema": 2, "authority": authority, "kind": kind, "locale": form.language, "title": "",
        "form": {"key": form.key, "version": form.version}, "sections": [],
        "answers": {name: values.entry(told[name], "/somewhere") for name in told if told[name] is not None},
    }  # fmt: skip
    return packs.as_of(content, zone=ZONE, late=late)


def field(content, path):
    """The field of the form that asks for a path first."""
    return next(each for each in packs.fields(content) if path in each["paths"])


def changed(content, said=None, to_follow=None, *, late=False, in_language=frozenset()):
    return packs.with_changes(
        content, said or {}, to_follow, "Dorthe Friis", zone=ZONE, late=late, in_language=in_language
    )


def open_points(content, *, hours=1):
    """What is open so many hours after awareness."""
    clock = Clock("authority_notification", NOW, NOW + timedelta(hours=72), "GDPR art. 33(1)")
    return packs.open_points(content, now=NOW + timedelta(hours=hours), clock=clock)


def stops(content, **more):
    return {each.name for each in open_points(content, **more) if each.stops}


# --- laid out -----------------------------------------------------------------------------------


def test_one_entry_of_facts_is_asked_by_each_form_in_its_own_language(app):
    wanted = {
        DANISH: ("Brud på fortroligheden", "412 (skøn)", "fre. 27. nov. 2026 kl. 14.03 CET (skøn)"),
        SWEDISH: ("Konfidentialitet", "412 (uppskattning)", "fre 27 nov. 2026 kl. 14:03 CET (uppskattning)"),
        BRITISH: (None, "412 (estimate)", "Fri 27 Nov 2026, 14:03 CET (estimate)"),
    }

    for authority, (lost, number, began) in wanted.items():
        content = made(authority)
        shown = {path for each in packs.fields(content) for path in each["paths"]}
        if authority == DANISH:
            assert field(content, "nature.cia")["answer"] == lost
        assert field(content, "subjects.count")["answer"] == number
        assert field(content, "timeline.started_at")["answer"] == began
        assert shown <= {each.path for each in normal_form().paths}


def test_an_authority_without_a_form_of_its_own_is_told_in_english_by_number(app):
    content = made(FINNISH)

    assert (content["form"]["key"], content["locale"]) == ("edpb", "en")
    assert field(content, "subjects.count")["number"] == 68
    assert field(content, "subjects.count")["answer"] == "412"


def test_what_the_form_does_not_show_is_known_all_the_same(app):
    content = made(timeline__delay_reasons="Loggene kom sent.")

    assert content["answers"]["timeline.delay_reasons"]["value"] == "Loggene kom sent."
    assert "timeline.delay_reasons" not in {path for each in packs.fields(content) for path in each["paths"]}


@pytest.mark.parametrize("authority", [DANISH, SWEDISH, "no-datatilsynet", BRITISH, FINNISH])
def test_a_withdrawal_says_why_also_where_the_form_has_no_field_for_it(app, authority):
    content = made(authority, kind="withdrawal", notification__type="follow_up")
    why = "notification.withdrawal_reason"
    assert field(content, why)["required"]

    told = changed(content, {why: "Filen var tom."})[0]

    assert field(told, why)["answer"] == "Filen var tom."
    assert field(told, why)["wording"] == ("verbatim" if authority == FINNISH else "proposed")
    assert packs.labels(told)[why] == field(told, why)["label"]
    assert "[" not in field(told, why)["label"] + field(told, why)["help"]
    assert why not in {path for each in packs.fields(made(authority)) for path in each["paths"]}


def test_what_somebody_told_in_another_language_is_marked_and_in_the_forms_own_is_not(app):
    told = values.entry("A key was misused.", "/description", as_told=True)
    content = made()
    content["answers"]["nature.description_what"] = told

    assert field(packs.as_of(content, zone=ZONE, late=False), "nature.description_what")["as_told"]
    told["language"] = "da"
    assert not field(packs.as_of(content, zone=ZONE, late=False), "nature.description_what")["as_told"]


# --- changes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "typed", "value"),
    [
        ("subjects.count", "1 412", 1412),
        ("timeline.started_at", "2026-11-27T09:30", "2026-11-27T08:30:00+00:00"),
        ("subject_communication.planned_at", "2026-12-01", "2026-12-01"),
        ("nature.cia", ["integrity", "availability", ""], ["integrity", "availability"]),
        ("nature.cia", [""], None),
        ("timeline.ongoing", "yes", True),
        ("cross_border.counts_by_country", "dk 260\nSE 4", {"DK": 260, "SE": 4}),
        ("cross_border.affected_countries", "DK, SE", ["DK", "SE"]),
        ("nature.description_what", " Et \x00 brud. \r\n\r\nTo.  ", "Et  brud.\n\nTo."),
        ("parties", "processor; HostCo ApS; DK; Desk / +45 1", [
            {"role": "processor", "name": "HostCo ApS", "country": "DK", "contact": "Desk\n+45 1"},
        ]),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_by_the_kind_of_its_path(app, path, typed, value):
    content, paths = changed(made(), {path: typed})

    assert (content["answers"][path]["value"], content["answers"][path]["edited"]) == (value, True)
    assert paths == [path]
    assert changed(content, packs.typed(content, ZONE))[1] == []


def test_a_change_to_one_party_leaves_what_is_known_of_the_others(app):
    aware, register = "2026-11-27T13:03:00+00:00", "processor register"
    host = {
        "role": "processor", "name": "HostCo ApS", "country": "DK", "contact": "Desk\n+45 1",
        "contact_source": register, "reference": "H-7", "aware_at": aware,
    }  # fmt: skip
    mail = {"role": "sub_processor", "name": "MailCo", "reference": "M-1", "contact": "Old",
            "contact_source": register}  # fmt: skip
    typed = "sub_processor; MailCo; SE; New\nprocessor; HostCo ApS; DK; Desk / +45 1\nother; HostCo ApS"

    content, _paths = changed(made(parties=[host, mail]), {"parties": typed})

    assert packs.answer(content, "parties") == [
        {"role": "sub_processor", "name": "MailCo", "country": "SE", "contact": "New", "reference": "M-1"},
        host,
        {"role": "other", "name": "HostCo ApS"},
    ]


@pytest.mark.parametrize(
    ("path", "typed", "why"),
    [
        ("subjects.count", "about 400", "whole number"),
        ("timeline.started_at", "2026-03-29T02:30", "put forward"),
        ("timeline.started_at", "yesterday", "date and a time"),
        ("subject_communication.planned_at", "2026-02-30", "A day is expected"),
        ("nature.cia", ["secrecy"], "no such choice"),
        ("cross_border.counts_by_country", "Denmark 4", "one country a line"),
        ("cross_border.affected_countries", "Denmark", "two letters"),
        ("contact_point.email", "dorthe", "e-mail address"),
        ("parties", "HostCo", "semicolons"),
        ("nature.description_what", "x" * 20_001, "at most 20000 characters"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_path_with_the_reason_and_changes_nothing(app, path, typed, why):
    content = made()
    before = packs.fingerprint(content)

    with pytest.raises(packs.NotTaken) as refusal:
        changed(content, {path: typed, "nature.root_cause": "Det her er i orden."})

    assert list(refusal.value.faults) == [path]
    assert why in refusal.value.faults[path][0]
    assert packs.fingerprint(content) == before


def test_an_hour_that_was_twice_is_asked_about_and_an_answer_settles_it(app):
    twice = {"timeline.started_at": "2026-10-25T02:30"}
    with pytest.raises(packs.NotTaken) as refusal:
        changed(made(), twice)

    content, _paths = changed(made(), twice | {"timeline.started_at.fold": "1"})

    assert len(refusal.value.questions["timeline.started_at"]) == 2
    assert content["answers"]["timeline.started_at"]["value"] == "2026-10-25T01:30:00+00:00"
    assert changed(content, twice | {"timeline.started_at.fold": "1"})[1] == []


def test_a_text_longer_than_the_form_takes_is_refused_with_the_limit(app, monkeypatch):
    form = packs.form_for(DANISH, NOW.date())
    (asked,) = (each for each in form.fields() if each.answers[:1] == ("nature.description_what",))
    short = asked.model_copy(update={"longest": 40})
    sections = tuple(
        each.model_copy(update={"fields": tuple(short if f is asked else f for f in each.fields)})
        for each in form.sections
    )
    monkeypatch.setattr(documents, "form_in", lambda _content: form.model_copy(update={"sections": sections}))

    with pytest.raises(packs.NotTaken, match="at most 40 characters here; this has 41"):
        changed(made(), {"nature.description_what": "x" * 41})


def test_who_gets_it_and_under_which_law_cannot_be_typed(app):
    content, paths = changed(made(), {"notification.type": "follow_up", "nobody.knows": "x", "seen": "y"})

    assert (content["answers"]["notification.type"]["value"], paths) == ("new", [])


def test_boxes_that_the_form_does_not_tell_apart_are_no_change(app):
    content = made(SWEDISH, subjects__categories=["prospects"])

    assert changed(content, {"subjects.categories": ["customers"]})[1] == []
    assert [each.value for each in packs.choices(content)["Q25"] if each.ticked] == ["prospects"]


def test_a_text_that_is_in_the_forms_language_already_is_said_to_be(app):
    content = made()
    content["answers"]["nature.description_what"] |= {"as_told": True}

    content, paths = changed(content, in_language=frozenset({"nature.description_what"}))

    entry = content["answers"]["nature.description_what"]
    assert (entry["as_told"], entry["source"], entry["value"]) == (
        False,
        "Dorthe Friis",
        WHOLE["nature.description_what"],
    )
    assert paths == ["nature.description_what"]


# --- incomplete ---------------------------------------------------------------------------------


def test_as_soon_as_anything_is_to_follow_the_notification_says_that_it_is_incomplete(app):
    content = made(consequences__impact_types=None)
    told, _paths = changed(content, to_follow=frozenset({"consequences.impact_types", "subjects.count"}))

    assert packs.answer(content, "notification.completeness") == "complete"
    assert packs.answer(told, "notification.completeness") == "incomplete"
    assert packs.answer(told, "notification.supplement_planned") is True
    assert [path for path, each in told["answers"].items() if each["to_follow"]] == [
        "consequences.impact_types"
    ]
    back, _paths = changed(told, {"consequences.impact_types": ["fraud"]})
    assert (packs.answer(back, "notification.completeness"), packs.follows(back)) == ("complete", False)


def test_nobody_can_call_it_complete_while_something_is_to_follow(app):
    told, _paths = changed(
        made(consequences__impact_types=None), {"notification.completeness": "complete"},
        frozenset({"consequences.impact_types"}),
    )  # fmt: skip

    assert packs.answer(told, "notification.completeness") == "incomplete"


@pytest.mark.parametrize(
    "said",
    [
        {"subjects.count": "", "subjects.count_mode": "tbd"},
        {"subjects.categories": ["unknown"]},
        {"notification.completeness": "incomplete"},
    ],
)
def test_whatever_makes_the_text_call_itself_incomplete_leaves_more_owed(app, said):
    content, _paths = changed(made(), said)

    assert packs.answer(content, "notification.completeness") == "incomplete"
    assert packs.follows(content)
    assert not packs.follows(made())


@pytest.mark.parametrize(
    ("path", "said", "later"),
    [
        ("organisation_impact.recovery_time", None, frozenset({"organisation_impact.recovery_time"})),
        ("organisation_impact.recovery_time", "unknown", frozenset()),
    ],
)
def test_what_the_form_asks_no_more_is_not_to_follow_either(app, path, said, later):
    attack = {"nature__cyber_incident": "yes", "organisation_impact__systems_affected": "yes"}
    content, _paths = changed(made(BRITISH, **attack), {path: said or ""}, later)
    assert packs.follows(content)

    hidden, _paths = changed(content, {"nature.cyber_incident": "no"})

    assert path not in {each for told in packs.fields(hidden) for each in told["paths"]}
    assert not hidden["answers"][path]["to_follow"]
    assert (packs.answer(hidden, "notification.completeness"), packs.follows(hidden)) == ("complete", False)


# --- open points --------------------------------------------------------------------------------


def test_what_the_article_asks_stops_an_approval_and_what_the_form_asks_besides_does_not(app):
    content = made(consequences__impact_types=None)

    first, *others = open_points(content)

    assert (first.what, first.fields, first.stops) == ("gap", ("dk-F1",), True)
    assert {each.what for each in others} == {"missing"}
    assert not any(each.stops for each in others)


def test_a_form_that_asks_what_was_lost_of_cyber_incidents_alone_leaves_it_open_of_those_alone(app):
    lost = "whether data were disclosed, changed or lost"
    unsaid = {"nature__cia": None, "consequences__impact_description": "Fraud in their names."}

    assert stops(made(BRITISH, nature__cyber_incident="no", **unsaid)) == set()
    assert stops(made(BRITISH, nature__cyber_incident="unknown", **unsaid)) == set()
    systems = {"organisation_impact__systems_affected": "yes"}
    assert stops(made(BRITISH, nature__cyber_incident="yes", **systems, **unsaid)) == {lost}
    nobody = {"contact_point__name": None, "contact_point__phone": None}
    assert "how the contact point can be reached" in stops(
        made(BRITISH, nature__cyber_incident="no", **nobody)
    )


def test_a_number_that_cannot_be_told_is_an_answer_and_one_not_known_yet_is_none(app):
    later, _paths = changed(made(), {"subjects.count": "", "subjects.count_mode": "tbd"})

    (point,) = (each for each in open_points(later) if each.gap)
    assert (point.name, point.to_follow, point.stops) == ("about how many people are concerned", True, False)
    assert packs.answer(later, "notification.completeness") == "incomplete"


def test_once_the_deadline_has_passed_the_reasons_have_a_field_and_are_demanded(app):
    content = made()
    assert stops(content) == set()
    assert stops(content, hours=73) == {"the reasons for the delay"}
    (point,) = (each for each in open_points(content, hours=73) if each.stops)

    late = packs.as_of(content, zone=ZONE, late=True)
    told, _paths = changed(content, {"timeline.delay_reasons": "Loggene kom sent."}, late=True)

    assert field(late, "timeline.delay_reasons")["key"] in point.fields
    assert stops(told, hours=73) == set()


def test_reasons_that_were_written_down_are_offered_once_it_is_late_and_replace_nothing_written(app):
    content, grew = made(), "Logs came late.\nNobody answered."
    mine, _paths = changed(content, {"timeline.delay_reasons": "Loggene kom sent."}, late=True)

    def reasons(content, *, late):
        return packs.answer(
            packs.as_of(content, zone=ZONE, late=late, reasons=grew), "timeline.delay_reasons"
        )

    assert (reasons(content, late=False), reasons(content, late=True)) == (None, grew)
    assert reasons(mine, late=True) == "Loggene kom sent."
    offered = packs.as_of(content, zone=ZONE, late=True, reasons=grew)["answers"]["timeline.delay_reasons"]
    assert (offered["source"], offered["as_told"], offered["edited"]) == ("duty", True, False)
    assert reasons(made(kind="further"), late=True) is None, "a follow-up is late for another reason"


def test_reasons_that_the_text_does_not_show_are_no_reasons(app):
    assert stops(made(timeline__delay_reasons="Loggene kom sent."), hours=73) == {"the reasons for the delay"}


@pytest.mark.parametrize("form", [each for versions in all_forms().values() for each in versions])
def test_a_form_asks_for_every_point_of_the_article_but_those_known_here(form):
    asked = {path for each in form.fields() for path in each.paths()}
    never = {name for name, paths in points.ANSWERS.items() if asked.isdisjoint(paths)}

    assert never == ({"whether data were disclosed, changed or lost"} if form.key == SWEDISH else set())


# --- secrecy ------------------------------------------------------------------------------------


def claimed(content, claims):
    return packs.with_claims(content, claims, "Dorthe Friis", zone=ZONE, late=False)


def test_where_a_filing_becomes_a_public_record_somebody_says_what_is_secret_or_nothing(app):
    content = made(SWEDISH)

    assert stops(content) == {"whether secrecy is claimed for any part"}
    assert stops(claimed(content, {})) == set()
    assert stops(made(DANISH)) == set()


def test_what_secrecy_is_claimed_for_stands_in_the_text_with_its_reason(app):
    told = claimed(made(SWEDISH), {"Q16": "18 kap. 8 § OSL"})

    assert field(told, packs.CLAIMS)["answer"].endswith("Beskriv vad som har hänt. Skäl: 18 kap. 8 § OSL")
    assert packs.answer(told, packs.CLAIMS) == [{"field": "Q16", "reason": "18 kap. 8 § OSL"}]


@pytest.mark.parametrize(("key", "reason"), [("Q16", " "), ("Q99", "Because.")])
def test_a_claim_names_a_field_of_the_text_and_says_why(app, key, reason):
    with pytest.raises(packs.NotTaken) as refusal:
        claimed(made(SWEDISH), {key: reason})

    assert list(refusal.value.faults) == [key]


# --- renewed ------------------------------------------------------------------------------------


def test_a_renewed_document_keeps_what_people_wrote_said_and_left_for_later(app):
    content, _paths = changed(
        made(SWEDISH, consequences__impact_types=None), {"nature.root_cause": "En nyckel."},
        frozenset({"consequences.impact_types", "measures.completion_expected_at"}),
    )  # fmt: skip
    content = claimed(content, {"Q16": "18 kap. 8 § OSL"})

    told = packs.renewed(content, made(SWEDISH, measures__completion_expected_at="2026-12-24"), zone=ZONE)

    assert packs.answer(told, "nature.root_cause") == "En nyckel."
    assert packs.answer(told, packs.CLAIMS)
    assert packs.answer(told, "consequences.impact_types") == ["fraud"]
    assert not packs.follows(told)


FORMER = {
    "schema": 1, "authority": DANISH, "locale": "da", "title": "Anmeldelse",
    "sections": [{"key": "all", "title": "Alt", "point": None, "fields": [
        {"key": key, "label": label, "answer": answer, "source": "Astrid Holm", "as_told": False,
         "to_follow": follows, "edited": not follows}
        for key, label, answer, follows in (
            ("nature.description", "Hvad er der sket?", "En nøgle blev misbrugt.", False),
            ("nature.losses", "Hvad blev berørt", "Fortrolighed", False),
            ("people.number", "Antal", "412", False),
            ("data.records", "Registreringer", "cirka 400", False),
            ("times.detected", "Opdaget", "i går", False),
            ("told.told", "Underrettet", "Nej.", False),
            ("consequences.likely", "Konsekvenser", "", True),
            ("notification.status", "Status", "Foreløbig", False),
            *((key, key, "x", False) for key in (
                "people.groups", "data.categories", "contact.contact_name", "contact.contact_phone",
                "contact.contact_email", "measures.taken", "measures.planned",
            )),
            ("delay.reasons", "Hvorfor sent", "", False),
        )
    ]}],
}  # fmt: skip


def test_a_draft_of_the_former_shape_becomes_one_of_this_and_keeps_what_people_wrote(app):
    told = packs.renewed(FORMER, made(consequences__impact_types=None, subjects__count=7), zone=ZONE)

    assert told["schema"] == 2
    assert packs.answer(told, "subjects.count") == 412
    assert (
        packs.answer(told, "nature.description_what")
        == "En nøgle blev misbrugt.\nHvad blev berørt: Fortrolighed\nOpdaget: i går"
    )
    assert "Registreringer: cirka 400" in packs.answer(told, "data.categories_description")
    assert packs.answer(told, "notification.additional_information") == "Underrettet: Nej."
    assert told["answers"]["consequences.impact_types"]["to_follow"]


def test_what_people_wrote_into_the_former_shape_is_filed_where_the_form_asks_nothing_like_it(app):
    told = {
        "label": "Overskrift",
        "source": "Astrid Holm",
        "as_told": False,
        "to_follow": False,
        "edited": True,
    }
    fields = [told | {"key": key, "answer": text} for key, text in (
        ("nature.title", "Røvet nøgle"), ("times.detected", "i går"), ("people.countries", ""),
    )]  # fmt: skip
    former = FORMER | {"authority": BRITISH, "sections": [{"key": "all", "title": "Alt", "fields": fields}]}
    fresh = made(BRITISH, subjects__categories_description="Customers")
    fresh["answers"]["nature.description_what"] |= {"as_told": True, "language": "da"}

    renewed = packs.renewed(former, fresh, zone=ZONE)

    printed = field(renewed, "nature.description_what")
    assert printed["answer"].startswith(f"{WHOLE['nature.description_what']}\nOverskrift: Røvet nøgle")
    assert "i går" in "\n".join(each["answer"] for each in packs.fields(renewed))
    assert (printed["as_told"], printed["edited"]) == (True, True), "the facts beneath are not translated"
    assert packs.answer(renewed, "subjects.categories_description") == "Customers"


def test_a_document_of_the_former_shape_stays_readable_and_says_what_it_leaves_open(app):
    points = open_points(FORMER, hours=73)

    assert packs.is_former(FORMER)
    assert packs.answer(FORMER, "people.number") == "412"
    assert packs.follows(FORMER)
    assert {(each.name, each.stops) for each in points} == {
        ("the likely consequences", False), ("the reasons for the delay", True),
    }  # fmt: skip


# --- by number ----------------------------------------------------------------------------------


def test_any_form_is_told_to_machines_by_the_numbers_of_the_common_template(app):
    told = packs.edpb_json(made(DANISH, data__categories=["dob", "national_id"]))

    assert told["template"] == "EDPB common template"
    assert told["fields"]["68"]["value"] == 412
    assert told["fields"]["46"]["value"] == "2026-11-27T13:03:00+00:00"
    assert told["fields"]["55"]["codes"] == ["confidentiality"]
    assert told["fields"]["70"]["codes"] == ["basic", "identification"]
    assert told["language"] == "da"
    assert "63" in told["missing"]


def test_what_is_to_follow_and_what_nobody_translated_is_said_to_machines_as_well(app):
    content = made(consequences__impact_types=None)
    content["answers"]["nature.description_what"] |= {"as_told": True, "language": "en"}
    content, _paths = changed(content, to_follow=frozenset({"consequences.impact_types"}))

    told = packs.edpb_json(content)["fields"]

    assert told["85"]["to_follow"] is True
    assert told["62"]["as_told"] is True


def test_a_document_of_the_former_shape_has_no_numbers(app):
    with pytest.raises(ValueError, match="schema 1"):
        packs.edpb_json(FORMER)


# --- from an incident ---------------------------------------------------------------------------


def test_a_document_is_the_same_whenever_it_is_made_of_the_same_facts(app, cast):
    incident_id = desk.assessed(cast)
    now = utcnow()

    with desk.working(cast, incident_id) as incident:
        material = drafting.gather(incident)
        first, second = (packs.document(material, SWEDISH, told=Told(), now=now) for _ in range(2))

    assert packs.fingerprint(first) == packs.fingerprint(second)
    assert first["title"] == "Anmälan av personuppgiftsincident"
    assert {each["wording"] for each in packs.fields(first)} <= {
        "verbatim",
        "topic",
        "mirror",
        "recalled",
        "proposed",
    }
