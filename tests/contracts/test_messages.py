"""Every message: whole in four languages, with exactly the names it may use, short enough for a phone."""

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import meta

from foundation import locales
from notifications import rendering
from notifications.rules.texts import NEEDS
from tests.notifications.installation import a_settings

ROOT = Path(__file__).parents[2]
LANGUAGES = ("da", "nb", "sv", "en")
ALWAYS = {"reference", "token", "public_url"}
MAIL = ("subject.txt", "txt", "html", "sms.txt")
EVERY = [(name, language) for name in NEEDS for language in LANGUAGES]
EVERY_MAIL = [(name, language) for name, language in EVERY if NEEDS[name].email]
OUTSIDE = ("subject_notice", "controller_notice")
STAFF = [(name, language) for name, language in EVERY if name not in OUTSIDE]
VALUES = {
    "name": "Åse Ærø",
    "who": "Birk Ødegård",
    "number": "PROMARK-2026-0012",
    "step": "Hør databehandleren om omfang, logfiler og de berørte",
    "organisation": "Foreningen for Bæredygtig Arbejdstidsplanlægning og Løn i Norden A/S",
    "processor": "NordHost Datacenter og Driftsfællesskab ApS",
    "due_at": "2026-11-26T13:30:00+00:00",
    "received_at": "2026-11-26T13:30:00+00:00",
    "asked_at": "2026-11-26T13:30:00+00:00",
    "timezone": "Europe/Copenhagen",
    "hours_left": "3.5",
    "path": "/incidents/0197f3a2-7f3c-7abc-8def-0123456789ab",
    "kind": "subject",
    "channel": "sms",
    "why": "Twilio refused (code 21610)",
    "provider": "sendgrid",
    "what": "PM-2026-0012",
    "count": 12,
    "codes": [{"number": "PROMARK-2026-0012", "code": "KT47398"}] * 12,
    "duties": [
        {
            "regime": "promise-authority",
            "stage": "intermediate",
            "whom": "Datatilsynet",
            "due_at": "2026-11-26T13:30:00+00:00",
            "hours_left": "-2",
        },
        {"regime": "gdpr-34", "stage": "", "whom": "", "due_at": "", "hours_left": ""},
    ],
    "more": 1997,
    "numbers": ["PROMARK-2026-0012"] * 8,
    "taken_at": "2026-11-26T01:30:00+00:00",
    "policy": "Nætter, weekender og helligdage, hele koncernen",
    "steps": "1, 2",
    "items": [
        {
            "number": "PROMARK-2026-0012",
            "step": "Hør <databehandleren>",
            "due_at": "",
            "duties": [],
            "path": "/incidents/1",
        },
        {
            "number": "PROMARK-2026-0013",
            "step": "",
            "due_at": "",
            "path": "/incidents/2",
            "duties": [{"regime": "gdpr-33", "stage": "", "whom": "Datatilsynet", "due_at": ""}],
        },
    ],
    "replaced": "12 h, 6 h",
    "again": "",
    "check_url": "",
    "dear": "",
    "proof": "",
    "unsure": "",
    "held": "",
    "meets": "with",
    "instead": "SMS gateway",
    "role": "communications",
    "note": "yes",
    "subject": "Underretning om brud på sikkerheden for dine personoplysninger",
    "paragraphs": [
        ["Hvad er der sket?", "En fil lå åben.\n\nDen er lukket nu."],
        ["", "Vi beklager <meget>."],
    ],
    "contact": "Dorthe Holm, +45 46 90 00 00, dpo@promark.example",
    "controller": "ProMark A/S",
    "minutes": 15,
    "case_number": "IC-123456-A1B2",
    "file": "PROMARK-2026-0012-gb-ico-1.pdf",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "code": "KT47398",
    "reference": "K7Q2MXPD",
    "token": "Zm9vYmFyYmF6cXV4cXV1eA",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    made = Flask("messages", template_folder=str(ROOT / "templates"))
    made.config["SETTINGS"] = a_settings(tmp_path_factory.mktemp("home"))
    locales.init_app(made)
    return made


def a_context(name, **other):
    needs = NEEDS[name]
    return {key: VALUES[key] for key in needs.required | needs.optional | {"reference", "token"}} | other


def render(app, name, language, channel, **other):
    with app.app_context():
        return rendering.render(name, language, channel, a_context(name, **other))


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_message_has_its_whole_text_in_each_language(app, name, language):
    channels = ("email", "sms") if NEEDS[name].email else ("sms",)

    written = {channel: render(app, name, language, channel) for channel in channels}

    assert all(part for content in written.values() for part in content.values())


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_text_uses_the_names_of_its_table_and_no_other(app, name, language):
    suffixes = MAIL if NEEDS[name].email else ("sms.txt",)
    with app.app_context():
        environment = rendering._environment()
        sources = [
            (ROOT / f"templates/messages/{name}/{language}.{suffix}").read_text() for suffix in suffixes
        ]
        if name in OUTSIDE:
            sources.append((ROOT / "templates/messages/_letter.html").read_text())
        used = set().union(*(meta.find_undeclared_variables(environment.parse(source)) for source in sources))

    assert used - ALWAYS - {"self", "language"} <= NEEDS[name].required | NEEDS[name].optional


def test_no_text_lies_about_that_no_table_names():
    folders = {path.name for path in (ROOT / "templates/messages").iterdir() if path.is_dir()}

    assert folders == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_a_message_without_what_it_needs_is_refused_by_name(app, name):
    for key in NEEDS[name].required:
        context = {k: v for k, v in a_context(name).items() if k != key}
        with app.app_context(), pytest.raises(rendering.Incomplete, match=key):
            rendering.render(name, "en", "sms", context)


@pytest.mark.parametrize(("name", "language"), EVERY_MAIL)
def test_a_message_can_do_without_what_is_optional(app, name, language):
    needed = {key: VALUES[key] for key in NEEDS[name].required | {"reference", "token"}}

    with app.app_context():
        written = {
            **rendering.render(name, language, "email", needed),
            **rendering.render(name, language, "sms", needed),
        }

    assert "None" not in str(written)
    assert "  " not in written["text"]


@pytest.mark.parametrize(("name", "language"), STAFF)
@pytest.mark.parametrize("hours", ["3.5", "-2"])
def test_an_sms_to_staff_takes_two_segments_at_most_whatever_the_names(app, name, language, hours):
    text = render(app, name, language, "sms", hours_left=hours)["text"]

    assert rendering.segments(text) <= 2, f"{len(text)} characters: {text}"
    assert "\n" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_fits_one_segment_with_an_ordinary_name(app, language):
    known = {"number": "PM-2026-0012", "processor": "HostCo", "hours_left": "71.98", "reference": "KT47"}
    text = render(app, "page_report", language, "sms", **known)["text"]

    assert rendering.segments(text) == 1, f"{len(text)} characters: {text}"


@pytest.mark.parametrize(("name", "language"), EVERY_MAIL)
def test_an_sms_holds_its_reference_so_that_it_can_be_found_and_answered(app, name, language):
    assert VALUES["reference"] in render(app, name, language, "sms")["text"]


@pytest.mark.parametrize(("name", "language"), [(n, ln) for n, ln in EVERY if n.startswith("page_")])
def test_a_page_has_its_link_everywhere_and_its_code_for_yes_and_no_and_no_name_in_its_sms(
    app, name, language
):
    mail, sms = render(app, name, language, "email"), render(app, name, language, "sms")["text"]

    link = f"https://breachclock.promark.example/a/{VALUES['token']}"
    assert all(link in text for text in (mail["text"], mail["html"], sms))
    assert sms.count(VALUES["reference"]) == 2
    assert VALUES["name"] not in sms


@pytest.mark.parametrize(("name", "language"), EVERY_MAIL)
def test_an_email_loads_nothing_from_anywhere(app, name, language):
    html = render(app, name, language, "email")["html"]

    assert not re.search(r"<(img|script|link|iframe|object)\b|url\(|@import|javascript:| style=", html)
    assert f'<html lang="{language}">' in html


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize(
    ("language", "twice"), [("da", "to gange"), ("nb", "to ganger"), ("sv", "två gånger"), ("en", "twice")]
)
def test_a_letter_sent_again_without_knowing_says_so(app, language, twice, channel):
    first = render(app, "subject_notice", language, channel)
    again = render(app, "subject_notice", language, channel, again=True)

    assert all(twice not in part for part in first.values())
    assert all(twice in part for name, part in again.items() if name not in ("subject", "sender"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_alarm_says_whether_nobody_was_reached_or_nobody_knows(app, language, channel):
    sure = render(app, "not_reached", language, channel, unsure="")
    unsure = render(app, "not_reached", language, channel, unsure="yes")

    assert all(sure[part] != unsure[part] for part in sure)
    if channel == "sms":
        assert rendering.segments(unsure["text"]) <= 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_alarm_names_the_way_by_which_nobody_was_reached(app, language, channel):
    ways = ("sms", "voice", "email", "chat")
    told = [a_context("not_reached", channel=way) for way in ways]
    with app.app_context():
        texts = {rendering.render("not_reached", language, channel, each)["text"] for each in told}

    assert len(texts) == len(ways)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_keeps_approved_text_as_text(app, language):
    written = render(app, "subject_notice", language, "email")

    assert "Vi beklager &lt;meget&gt;." in written["html"]
    assert "Vi beklager <meget>." in written["text"]
    assert written["html"].index("Hvad er der sket?") < written["html"].index("Den er lukket nu.")


def test_a_subject_line_stays_one_line(app):
    subject = render(app, "subject_notice", "da", "email", subject="Vigtigt\r\nBcc: ond@example.org")[
        "subject"
    ]

    assert subject == "Vigtigt Bcc: ond@example.org"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_cannot_smuggle_a_link_or_a_new_line_into_an_sms(app, language):
    text = render(app, "page_report", language, "sms", processor="STOP\n\nhttp://evil.example/x 😀")["text"]

    assert "evil" not in text
    assert not text.upper().startswith("STOP")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("again", ["", "yes"])
def test_a_text_message_to_a_person_names_a_contact_and_promises_nothing_published(app, language, again):
    text = render(app, "subject_notice", language, "sms", again=again)["text"]

    assert VALUES["contact"] in text
    assert not re.search("website|hjemmeside|nettsted|webbplats|http", text)
    assert rendering.segments(text) <= 2


@pytest.mark.parametrize(("name", "language"), EVERY_MAIL)
def test_every_paragraph_of_a_mail_stands_by_itself(app, name, language):
    told = render(app, name, language, "email")["text"].split("\n")

    assert told[1] == ""
    calls = [number for number, line in enumerate(told) if "http" in line and not line.startswith("http")]
    assert all(told[number - 1] == "" for number in calls)


@pytest.mark.parametrize("language", LANGUAGES)
def test_typographic_signs_do_not_halve_an_sms(app, language):
    text = render(app, "page_report", language, "sms", processor="“Host” – Kærnę")["text"]

    assert set(text) <= rendering.GSM_BASIC | rendering.GSM_EXTENDED


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Thu 26 Nov 14:30"),
        ("da", "tors. 26. nov. 14.30"),
        ("nb", "tor. 26. nov. 14:30"),
        ("sv", "tors 26 nov. 14:30"),
    ],
)
def test_a_page_says_the_deadline_in_local_time(app, language, told):
    assert told in render(app, "page_deadline", language, "sms")["text"]


@pytest.mark.parametrize(
    ("language", "hours", "told"),
    [
        ("en", "71.98", "71 h left"), ("da", "71.98", "71 t tilbage"), ("nb", "3.5", "3 t 30 min igjen"),
        ("sv", "0.5", "30 min kvar"), ("en", "-2.25", "2 h 15 min late"), ("da", "-30", "30 t over fristen"),
    ],
)  # fmt: skip
def test_a_page_says_how_many_hours_are_left_and_rounds_none_up(app, language, hours, told):
    assert told in render(app, "page_deadline", language, "sms", hours_left=hours)["text"]


@pytest.mark.parametrize(("name", "language"), [(n, ln) for n, ln in EVERY if n.startswith("page_")])
@pytest.mark.parametrize("hours", ["1.5", "-2"])
def test_a_call_reads_a_page_in_each_language_without_names_links_or_signs_nobody_can_say(
    app, name, language, hours
):
    evil = {"organisation": "Ond <Dial>\x07 https://evil.example/x", "step": "1 < 2 & www.evil.example"}
    known = {key: value for key, value in evil.items() if key in NEEDS[name].required}
    said = render(app, name, language, "voice", hours_left=hours, **known)

    assert said["locale"] == language
    assert VALUES["name"] not in said["text"]
    assert not re.search(r"http|www|/a/|[\x00-\x1f{}%]|  ", said["text"])
    if "number" in NEEDS[name].required:
        assert "P R O M A R K, 2 0 2 6, 0 0 1 2" in said["text"]


@pytest.mark.parametrize(
    ("language", "hours", "told"),
    [
        ("en", "1", "1 hour left."), ("en", "71.98", "71 hours left."),
        ("da", "2.5", "Der er 2 timer og 30 minutter tilbage."), ("nb", "0.02", "Det er 1 minutt igjen."),
        ("sv", "-1.25", "Tiden har överskridits med 1 timme och 15 minuter."),
    ],
)  # fmt: skip
def test_a_call_says_the_time_left_in_words(app, language, hours, told):
    assert told in render(app, "page_deadline", language, "voice", hours_left=hours)["text"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_call_has_every_sentence_of_its_own_in_each_language(app, language):
    with app.app_context():
        module = rendering._environment().get_template("messages/_voice.txt").module
        said = {key: rendering.spoken(key, language, what="P M", who="Birk") for key in module.words["en"]}

    assert module.words[language].keys() == module.words["en"].keys()
    assert all(said.values())
    assert "Birk" in said["taken_already"]
    assert "%" not in "".join(said.values())
    assert all(key in said["keys"] for key in "456")


def test_nobody_is_written_to_in_a_language_that_a_letter_lacks(app):
    with pytest.raises(rendering.NotTranslated):
        render(app, "subject_notice", "fi", "email")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("æøåÆØÅäöÄÖ" * 16, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_networks_count_them(text, count):
    assert rendering.segments(text) == count


def test_the_manual_shows_the_same_table():
    manual = (ROOT / "docs/operations/delivery.md").read_text()

    for name, needs in NEEDS.items():
        row = next((line for line in manual.splitlines() if line.startswith(f"| `{name}` ")), "")
        told = set(re.findall(r"`([a-z_]+)`", row)) - {name}
        assert told == needs.required | needs.optional, name
