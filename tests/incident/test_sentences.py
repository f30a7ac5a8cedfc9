"""Every sentence that the rules may say is named for the catalogues; what is stored stays as they said it."""

import ast
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings

import incident.rules
from incident import sentences
from incident.rules.awareness import WORDS
from incident.rules.evaluation import evaluate
from tests import people
from tests.incident import desk
from tests.incident.rules.imagined import FACTS

RULES = Path(incident.rules.__file__).parent
NOW = datetime(2026, 10, 6, 9, 30, tzinfo=UTC)
SPEAK = {"Reason": 0, "_caution": 0, "Scored": 1, "Fault": 1}  # which argument of theirs is a sentence


def _texts(node):
    return [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]


def _written(module):
    """The sentences that a module of the rules is written with."""
    for call in ast.walk(ast.parse((RULES / f"{module}.py").read_text())):
        name = getattr(getattr(call, "func", None), "id", "")
        if (
            name in SPEAK
            and len(call.args) > SPEAK[name]
            and not isinstance(call.args[SPEAK[name]], ast.JoinedStr)
        ):
            for text in _texts(call.args[SPEAK[name]]):
                yield f"Look again before relying on this: {text}" if name == "_caution" else text


@pytest.mark.parametrize("module", ["unlikely", "grave", "risk", "duties", "plausibility"])
def test_every_sentence_a_rule_is_written_with_is_in_the_catalogue(module):
    written = set(_written(module))

    assert written
    assert sorted(each for each in written if not sentences.is_known(each)) == []


def test_every_sentence_of_the_severity_is_in_the_catalogue():
    data = tomllib.loads((RULES / "severity.toml").read_text())
    told = [row["sentence"] for part in ("dpc", "context") for row in data[part].values()]
    told += [*data["reveals"].values(), *data["ei_sentences"].values(), *_written("severity")]
    told = [each for each in told if not each.startswith(("ENISA's steps", "Say "))]

    assert len(told) > 30
    assert sorted(each for each in told if each[0].isupper() and not sentences.is_known(each)) == []


def test_every_question_about_an_authority_is_in_the_catalogue():
    def asked(value):
        if isinstance(value, dict):
            yield from [value["question"]] if "question" in value else []
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from asked(each)

    told = list(asked(tomllib.loads((RULES / "authorities.toml").read_text())))

    assert len(told) > 5
    assert [each for each in told if not sentences.is_known(each)] == []


def test_every_source_of_a_provisional_awareness_is_in_the_catalogue():
    taken = [f"provisionally taken from {words}" for source, words in WORDS.items() if source != "aware_at"]

    assert [each for each in taken if not sentences.is_known(each)] == []


@given(FACTS)
@settings(max_examples=150, deadline=None)
def test_whatever_the_facts_the_screen_can_say_it_in_every_language(facts):
    found = evaluate(facts, NOW, received_at=NOW, from_processor=True)

    judged = found.judgement
    reasons = (judged.risk, judged.authority_notification, judged.subject_communication)
    told = [reason.rule for part in reasons for reason in part.reasons]
    told += [
        text
        for part in (judged.severity.dpc, judged.severity.ei, *judged.severity.cb)
        for text in part.sentences
    ]
    told += [each.basis for each in (*found.clocks, *([found.inquiry] if found.inquiry else []))]
    told += [each.detail for each in found.doubts] + [each.text for each in found.questions]
    assert [each for each in told if not sentences.is_known(each)] == []


@pytest.mark.parametrize(
    "basis",
    [
        "GDPR art. 33(1): 72 h from awareness", "GDPR art. 34(1): without undue delay, no figure",
        "GDPR art. 33(1): 72 h from awareness, provisionally taken from the receipt of the report",
        "GDPR art. 33(2): without undue delay; 24 h by agreement", "own default: 4 h from receipt",
        ("own promise: 72 h from the breach itself, estimated; "
        "whether it happened at a processor is not known yet"),
        "own promise: 48.5 h from awareness, which is not known yet", "Something that no rule says.",
    ],
)  # fmt: skip
def test_in_english_a_sentence_is_said_as_the_rules_say_it(app, basis):
    with app.test_request_context():
        assert sentences.said(basis) == basis


@pytest.mark.parametrize("locale", ["da", "nb", "sv"])
def test_every_named_sentence_has_a_translation(locale):
    with (Path(__file__).parents[2] / f"translations/{locale}/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale=locale)
    parts = (sentences.REASONS, sentences.SEVERITY, sentences.DOUBTS, sentences.QUESTIONS, sentences.OPEN)
    named = [each for part in (*parts, sentences.SOURCES, sentences.FIGURES) for each in part]

    missing = [each for each in named if not getattr(catalogue.get(each), "string", "")]

    assert missing == []


def test_who_reads_danish_reads_the_reasons_in_danish_and_what_is_kept_stays_english(cast, signed_in):
    incident_id, dorthe = desk.assessed(cast), signed_in(people.DORTHE)

    dorthe.post("/language", data={"locale": "da"})
    page = dorthe.get(f"/incidents/{incident_id}").text

    assert "GDPR art. 33(1): 72 t fra kendskab" in page
    assert "72 h from awareness" in desk.clock_of(cast, incident_id, "authority_notification").basis
