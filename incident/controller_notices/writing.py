"""What a controller is told: a part that all customers read alike, and a part of its own.

Drafted from the facts in words of the customer's language (GDPR art. 33(2), with what 33(3) would want
where it is known). The incident's free text is left out, for it may name others, and so is every figure
over all customers. What a person must write stands in [brackets].
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import rfc8785
from flask_babel import lazy_gettext as _l

from foundation import locales
from incident import drafting, letters
from incident.customer_lists import Details
from incident.drafting import Material, Words
from incident.rules.facts import Facts

PARTS: Final = ("subject", "nature", "aware", "consequences", "measures", "open", "next", "contact", "sender")
REQUIRED: Final = ("subject", "nature", "measures", "next", "contact", "sender")
ONE_LINE: Final = frozenset({"subject", "aware", "contact", "sender"})
LABELS: Final = {
    "subject": _l("Subject"), "nature": _l("What happened"), "aware": _l("When you became aware"),
    "consequences": _l("What it may lead to"),
    "measures": _l("What was done and is planned"), "open": _l("What is not known yet"),
    "next": _l("When you write again"), "contact": _l("Whom to contact"), "sender": _l("Who writes"),
}  # fmt: skip
LONGEST_NOTE: Final = 2000


def words_of(locale: str) -> Words:
    """The words of notices over those of notifications: kinds of data, consequences, listing."""
    return drafting.words_over("controller_notices", "notice", locale)


def ordinary(locales_: Iterable[str] = tuple(locales.LOCALES)) -> str:
    """Everything our own templates say: its words give no customer away."""
    said: list[str] = []
    for locale in locales_:
        for section, part in words_of(locale).texts.items():
            if section.startswith("notice"):
                said += [str(text) for text in part.values()]
    return " ".join(said)


# --- what all read alike ------------------------------------------------------------------------


def draft(material: Material, locale: str) -> dict[str, str]:
    """The common parts in one language, as far as the facts say them."""
    words, at = words_of(locale), material.incident.aware_at
    known = [each for each in material.facts.consequences if each != "other"]
    consequences = words.word("notice_texts", "consequences_open")
    if known:
        said = words.several("consequences", known)
        consequences = words.word("notice_texts", "consequences", consequences=said)
    return {
        "subject": words.word("notice", "subject"),
        "nature": _nature(material, words),
        "aware": words.word("notice_texts", "aware", at=words.instant(at, material.zone)) if at else "",
        "consequences": consequences,
        "measures": words.word("notice_texts", "measures"),
        "open": _open(material.facts, words),
        "next": words.word("notice_texts", "next"),
        "contact": _contact(material, words),
        "sender": material.organisation.name,
    }


def _nature(material: Material, words: Words) -> str:
    facts = material.facts
    lost = [each for each in ("confidentiality", "integrity", "availability")
            if getattr(facts.compromised, each) == "yes"]  # fmt: skip
    said = " ".join(f"{words.word('notice_losses', each)}." for each in lost)
    where = words.word("notice", "ours")
    if facts.chain:
        where = words.word("notice", "sub_processor", name=facts.chain[-1].name)
    return words.word(
        "notice_texts", "nature", when=_when(material, words), where=where,
        losses=said or words.word("notice_texts", "nature_open"),
    ).strip()  # fmt: skip


def _when(material: Material, words: Words) -> str:
    times = material.facts.timeline
    days = [
        locales.date(each, material.zone, words.locale)
        for each in (times.occurred_from, times.occurred_to) if each
    ]  # fmt: skip
    if not days:
        return words.word("notice", "lately")
    if days[0] == days[-1]:
        return words.word("notice", "since", start=days[0])
    return words.word("notice", "period", start=days[0], end=days[-1])


def _open(facts: Facts, words: Words) -> str:
    lacking = {
        "occurred": facts.timeline.occurred_from is None or facts.timeline.occurred_is_estimate,
        "cause": facts.cause.category == "unknown" and facts.cause.kind == "unknown",
        "data": not [each for each in facts.data.categories if each != "unspecified"]
        or facts.data.scope_known != "yes",
        "people": True,  # of each customer: what is known over all is nobody's to read
        "consequences": not facts.consequences,
    }
    points = [words.word("notice_points", name) for name, is_open in lacking.items() if is_open]
    if not points:
        return words.word("notice_texts", "open_none")
    return words.word("notice_texts", "open", points=words.listed(points))


def _contact(material: Material, words: Words) -> str:
    contact = material.contact
    named = [contact.name, words.word("notice", "officer")] if contact.name else []
    return ", ".join(filter(None, (*named, contact.phone, contact.email)))


def cleaned(parts: Mapping[str, str]) -> dict[str, str]:
    """What a person wrote, as it is kept: our parts only, no control characters, one line where due."""
    found = {}
    for part in PARTS:
        text = cleaned_text(parts.get(part, ""))
        found[part] = " ".join(text.split())[: letters.LONGEST_LINE] if part in ONE_LINE else text
    return found


def cleaned_text(text: str, longest: int = letters.LONGEST) -> str:
    """Lines of text without control characters."""
    kept = "".join(sign for sign in text.replace("\r\n", "\n") if sign == "\n" or sign.isprintable())
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip()[:longest]


# --- one customer's own -------------------------------------------------------------------------


def own_part(told: Details, facts: Facts, *, follow_up: bool) -> dict[str, Any]:
    """What one customer's notice says of it alone, and whom it goes to."""
    reported = [each for each in facts.data.categories if each != "unspecified"]
    hit = [each for each in reported if each in told.categories]
    return {
        "name": told.name, "reference": told.reference, "agreement": told.agreement,
        "agreed_on": told.agreed_on.isoformat() if told.agreed_on else "",
        "systems": list(told.systems), "affected_data": hit,
        "handled_data": [each for each in told.categories if each != "unspecified"],
        "groups": [each for each in told.groups if each != "unknown"], "people": told.people,
        "affected": None, "note": "", "follow_up": follow_up,
        "contacts": [[each.name, each.email, each.phone] for each in told.contacts],
    }  # fmt: skip


def own_hash(customer_id: UUID, locale: str, own: Mapping[str, Any]) -> str:
    """SHA-256 of one customer's own part: who it is, in what language, and all it says."""
    return hashlib.sha256(rfc8785.dumps([str(customer_id), locale, dict(own)])).hexdigest()


def own_text(own: Mapping[str, Any], locale: str) -> str:
    """The own part in words: systems, data, groups, number of people."""
    words = words_of(locale)
    said = []
    if own["systems"]:
        said.append(words.word("notice_own", "systems", systems=words.listed(own["systems"])))
    if own["affected_data"]:
        said.append(words.word("notice_own", "data", data=words.several("data", own["affected_data"])))
    elif own["handled_data"]:
        data = words.several("data", own["handled_data"])
        said.append(words.word("notice_own", "data_possible", data=data))
    else:
        said.append(words.word("notice_own", "data_open"))
    if own["groups"]:
        said.append(words.word("notice_own", "groups", groups=words.several("groups", own["groups"])))
    said.append(_people(own, words))
    return "\n".join(said)


def _people(own: Mapping[str, Any], words: Words) -> str:
    if own["affected"] is not None:
        return words.word("notice_own", "affected", n=own["affected"])
    if own["people"] is not None:
        return words.word("notice_own", "people", n=own["people"])
    return words.word("notice_own", "people_open")


def context(own: Mapping[str, Any], parts: Mapping[str, str], locale: str, contact: str) -> dict[str, Any]:
    """What the message "controller_notice" is rendered from for one contact of one customer."""
    words = words_of(locale)
    told = [
        ("", _intro(own, words)),
        ("nature", f"{parts['nature']}\n\n{parts.get('aware', '')}".strip()),
        ("yours", own_text(own, locale)),
        *[(part, parts.get(part, "")) for part in ("consequences", "measures", "open", "next")],
        ("note", own["note"]),
        ("role", words.word("notice_texts", "role")),
    ]
    return {
        "name": contact,
        "subject": parts["subject"],
        "paragraphs": [
            [words.word("notice_headings", part) if part else own["name"], text]
            for part, text in told if text.strip()
        ],
        "contact": parts["contact"],
        "controller": parts["sender"],
    }  # fmt: skip


def _intro(own: Mapping[str, Any], words: Words) -> str:
    agreement = ""
    if own["agreement"]:
        agreement = words.word("notice_texts", "agreement", agreement=own["agreement"])
        if own["agreed_on"]:
            day = locales.date(datetime.fromisoformat(f"{own['agreed_on']}T12:00+00:00"), "UTC", words.locale)
            agreement += words.word("notice_texts", "agreed_on", date=day)
    reference = (
        words.word("notice_texts", "reference", reference=own["reference"]) if own["reference"] else ""
    )
    intro = words.word("notice_texts", "intro", agreement=agreement, reference=reference)
    follow_up = words.word("notice_texts", "follow_up") if own["follow_up"] else ""
    return f"{intro} {follow_up}".strip()
