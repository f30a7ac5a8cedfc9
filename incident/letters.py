"""A letter to the people concerned: its parts in each language, drafted from facts, checked for art. 34(2).

A draft holds only what the facts say in words of the reader's language; what a person must write stands in
[brackets], and a letter with brackets left cannot be approved. Nothing here is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from accounts.models import Organisation
from foundation import locales
from incident import drafting
from incident.drafting import Material, Words

Texts = Mapping[str, Mapping[str, str]]  # locale -> part -> text

PARTS = ("subject", "nature", "data", "consequences", "measures", "advice", "rights", "contact", "sender")
BODY = ("nature", "data", "consequences", "measures", "advice", "rights")
# What a letter cannot do without: GDPR art. 34(2) with 33(3)(b) to (d), and who writes about what.
REQUIRED = ("subject", "nature", "consequences", "measures", "contact", "sender")
ONE_LINE = frozenset({"subject", "contact", "sender"})
LONGEST = 4000
LONGEST_LINE = 150
LABELS = {
    "subject": _l("Subject"), "nature": _l("What happened"), "data": _l("Which information"),
    "consequences": _l("What it may lead to"), "measures": _l("What was done and is planned"),
    "advice": _l("What the reader can do"), "rights": _l("Right to complain"),
    "contact": _l("Whom to contact"), "sender": _l("Who writes"),
}  # fmt: skip
ADVICE = ("login_credentials", "bank_account", "payment_card", "national_id", "health", "absence")


@dataclass(frozen=True, slots=True)
class Lack:
    """A part that a language lacks, and whether brackets are left in it."""

    locale: str
    part: str
    brackets: bool


def languages_of(organisation: Organisation) -> list[str]:
    """The languages the organisation writes letters in, its own first choice first."""
    told = [locales.known(each) for each in organisation.profile.get("letter_languages", [])]
    return list(dict.fromkeys([each for each in told if each] or [organisation.locale]))


def draft(material: Material, locale: str) -> dict[str, str]:
    """The parts of a letter in one language, as far as the facts say them."""
    words = drafting.notice_words(locale)
    return {
        "subject": words.word("letter", "subject"),
        "nature": _nature(material, words),
        "data": _data(material, words),
        "consequences": _consequences(material, words),
        "measures": words.word("letter_texts", "measures"),
        "advice": _advice(material, words),
        "rights": _rights(material, words),
        "contact": _contact(material, words),
        "sender": material.organisation.name,
    }


def _nature(material: Material, words: Words) -> str:
    lost = [each for each in ("confidentiality", "integrity", "availability")
            if getattr(material.facts.compromised, each) == "yes"]  # fmt: skip
    said = " ".join(f"{words.word('letter_losses', each)}." for each in lost)
    chain = material.facts.chain
    where = words.word("letter", "processor", name=chain[0].name) if chain else words.word("letter", "ours")
    return words.word(
        "letter_texts", "nature", when=_when(material, words), where=where,
        losses=said or words.word("letter_texts", "nature_open"),
    )  # fmt: skip


def _when(material: Material, words: Words) -> str:
    times = material.facts.timeline
    known = [each for each in (times.occurred_from, times.occurred_to) if each]
    days = [locales.date(each, material.zone, words.locale) for each in known]
    if not days:
        return words.word("letter", "lately")
    if days[0] == days[-1]:
        return words.word("letter", "since", start=days[0])
    return words.word("letter", "period", start=days[0], end=days[-1])


def _data(material: Material, words: Words) -> str:
    kinds = [each for each in material.facts.data.categories if each != "unspecified"]
    if not kinds:
        return words.word("letter_texts", "data_open")
    return words.word("letter_texts", "data", data=words.several("data", kinds))


def _consequences(material: Material, words: Words) -> str:
    known = [each for each in material.facts.consequences if each != "other"]
    if not known:
        return words.word("letter_texts", "consequences_open")
    return words.word("letter_texts", "consequences", consequences=words.several("consequences", known))


def _advice(material: Material, words: Words) -> str:
    fitting = [each for each in ADVICE if each in material.facts.data.categories]
    said = [words.word("letter_advice", each) for each in fitting]
    return "\n\n".join(dict.fromkeys([*said, words.word("letter_texts", "advice")]))


def _rights(material: Material, words: Words) -> str:
    mine = next((each for each in material.competent() if each.role in ("sole", "lead")), None)
    if mine is None:
        return ""
    return words.word("letter_texts", "rights", authority=drafting.name_of(mine.key, words.locale))


def _contact(material: Material, words: Words) -> str:
    contact = material.contact
    named = [contact.name, words.word("letter", "officer")] if contact.name else []
    return ", ".join(filter(None, (*named, contact.phone, contact.email)))


def cleaned(parts: Mapping[str, str]) -> dict[str, str]:
    """What a person wrote, as it is kept: our parts only, no control characters, one line where due."""
    found = {}
    for part in PARTS:
        text = parts.get(part, "").replace("\r\n", "\n")
        text = "".join(sign for sign in text if sign == "\n" or sign.isprintable())
        if part in ONE_LINE:
            text = " ".join(text.split())[:LONGEST_LINE]
        found[part] = "\n".join(line.rstrip() for line in text.split("\n")).strip()[:LONGEST]
    return found


def lacking(texts: Texts, wanted: Sequence[str]) -> list[Lack]:
    """What the letters still lack, in each language that somebody on the list reads."""
    found = []
    for locale in wanted:
        parts = texts.get(locale, {})
        found += [Lack(locale, part, brackets=False) for part in REQUIRED if not parts.get(part, "").strip()]
        found += [Lack(locale, part, brackets=True) for part, text in parts.items() if has_brackets(text)]
    return found


def has_brackets(text: str) -> bool:
    """Whether something is left that a person must write."""
    return "[" in text and "]" in text


def context(parts: Mapping[str, str], locale: str, name: str) -> dict[str, Any]:
    """What the message "subject_notice" is rendered from for one person.

    Keys: name, subject, paragraphs (heading and text), contact, controller.
    """
    words = drafting.notice_words(locale)
    told = [(words.word("letter_headings", part), parts.get(part, "")) for part in BODY]
    return {
        "name": name,
        "subject": parts["subject"],
        "paragraphs": [[heading, text] for heading, text in told if text.strip()],
        "contact": parts["contact"],
        "controller": parts["sender"],
    }
