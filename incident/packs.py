"""The notification as a document: sections and fields in the order of a form, each answer with its source.

Drafted from facts in the authority's language; what no fact answers stays empty and is named. The text is
stored whole and hashed, so that an approval is of these very words.
"""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from incident import drafting
from incident.answers import Answers, Told
from incident.drafting import Material
from incident.rules import completeness
from incident.rules.completeness import Gap
from incident.rules.deadlines import Clock
from incident.rules.facts import Facts

SCHEMA = 1
REASONS = "delay.reasons"
# Which fields answer a point of the article; any one of them is enough.
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "what happened": ("nature.description",),
    "whether data were disclosed, changed or lost": ("nature.losses",),
    "which groups of people are concerned": ("people.groups",),
    "about how many people are concerned": ("people.number",),
    "which kinds of data are concerned": ("data.categories",),
    "about how many records are concerned": ("data.records",),
    "the name of the data protection officer or contact point": ("contact.contact_name",),
    "how the contact point can be reached": ("contact.contact_phone", "contact.contact_email"),
    "the likely consequences": ("consequences.likely",),
    "the measures taken or proposed": ("measures.taken", "measures.planned"),
    "the reasons for the delay": (REASONS,),
}
ALWAYS = frozenset({"notification.authority", "notification.kind"})  # who reads it, and what it is


@dataclass(frozen=True, slots=True)
class Open:
    """A point that the text leaves open: the gap, the fields that could close it, whether it is to follow."""

    gap: Gap
    fields: tuple[str, ...]
    to_follow: bool


def document(material: Material, authority: str, *, told: Told) -> dict[str, Any]:
    """The notification to an authority (its key) as the facts have it now, as JSON values."""
    locale = drafting.language_of(authority)
    answers = Answers(material, authority, drafting.pack_words(authority, locale), told)
    return {
        "schema": SCHEMA, "authority": authority, "locale": locale,
        "title": answers.words.word("document", "title"),
        "sections": [answers.section(key) for key in Answers.SECTIONS],
    }  # fmt: skip


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of a document."""
    return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()


def fields(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every field of a document, in its order."""
    for section in content["sections"]:
        yield from section["fields"]


def answer(content: Mapping[str, Any], key: str) -> str:
    """The answer of one field."""
    return next((str(each["answer"]) for each in fields(content) if each["key"] == key), "")


def everything_asked(*, now: datetime | None = None, clock: Clock | None = None) -> tuple[Gap, ...]:
    """Every point that art. 33(3) asks for; with a clock that has run out by `now` also 33(1)."""
    return completeness.missing(
        Facts(), now=now or datetime.min.replace(tzinfo=UTC), contact=None, clock=clock
    )


def may_follow() -> frozenset[str]:
    """The fields that may be left to a later phase (art. 33(4))."""
    return frozenset(key for gap in everything_asked() if gap.may_follow for key in ANSWERS[gap.name])


def open_points(content: Mapping[str, Any], *, now: datetime, clock: Clock | None) -> list[Open]:
    """What the text leaves open of art. 33(3), and of 33(1) once `clock` has run out.

    The rules say what a notification without any facts would lack; what the text answers is taken away.
    """
    by_key = {each["key"]: each for each in fields(content)}
    found = []
    for gap in everything_asked(now=now, clock=clock):
        keys = ANSWERS[gap.name]
        if not any(by_key[key]["answer"].strip() for key in keys):
            follows = gap.may_follow and any(by_key[key]["to_follow"] for key in keys)
            found.append(Open(gap, keys, follows))
    return found


def with_changes(
    content: Mapping[str, Any], answers: Mapping[str, str], to_follow: frozenset[str], by: str
) -> tuple[dict[str, Any], list[str]]:
    """The document with a person's answers, and the keys of the fields that changed.

    An answered field is not "to follow". Fields outside the document are ignored.
    """
    changed, keys = deepcopy(dict(content)), []
    for each in fields(changed):
        key, typed = each["key"], answers.get(each["key"], each["answer"])
        text = "\n".join(line.rstrip() for line in typed.splitlines()).strip()
        follows = key in to_follow and not text
        if key in ALWAYS or (text, follows) == (each["answer"], each["to_follow"]):
            continue
        if text != each["answer"]:
            each.update(answer=text, source=by, as_told=False, edited=True)
        each["to_follow"] = follows
        keys.append(key)
    _say_status(changed)
    return changed, keys


def renewed(content: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh document that keeps what people wrote into the former one."""
    written = {each["key"]: each for each in fields(content) if each["edited"] or each["to_follow"]}
    made = deepcopy(dict(fresh))
    for each in fields(made):
        before = written.get(each["key"])
        if before and before["edited"]:
            each.update({name: before[name] for name in ("answer", "source", "as_told", "edited")})
        each["to_follow"] = bool(before and before["to_follow"] and not each["answer"])
    _say_status(made)
    return made


def _say_status(content: dict[str, Any]) -> None:
    """Let the document itself say whether something is to follow."""
    words = drafting.pack_words(content["authority"], content["locale"])
    follows = any(each["to_follow"] for each in fields(content))
    for each in fields(content):
        if each["key"] == "notification.status" and not each["edited"]:
            each["answer"] = words.word("document", "incomplete" if follows else "complete")
