"""What drafts are made of: the facts of one incident, who answers for it, and words in four languages.

Notifications and letters say the same thing of the same facts because both come from here. Nothing is
translated by guessing: free text is passed on as it was told, and a word without a translation says so.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from flask import current_app
from jinja2 import TemplateNotFound
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation, Role
from foundation import locales
from foundation.database import db
from incident import authorities, clocks
from incident.authorities import forms
from incident.models import Awareness, Duty, Incident
from incident.profile import profile_of
from incident.rules.competence import Competent, competent
from incident.rules.completeness import Contact
from incident.rules.facts import Count, Facts
from incident.rules.judgement import judge


@dataclass(frozen=True, slots=True)
class Author:
    """Who drafts: a member of staff, or the clock where it drafts by itself."""

    name: str
    id: UUID | None


BREACHCLOCK: Final = Author("Breachclock", None)


@dataclass(frozen=True, slots=True)
class Material:
    """One incident as drafts need it; instants are UTC and shown in `zone`."""

    incident: Incident
    organisation: Organisation
    facts: Facts
    awareness: Awareness
    contact: Contact
    duties: tuple[Duty, ...]

    @property
    def zone(self) -> str:
        """The zone of the organisation (IANA name)."""
        return self.organisation.timezone

    def competent(self) -> tuple[Competent, ...]:
        """The competent authorities by the facts and the law of the day of awareness."""
        high = judge(self.facts).risk.level == "high"
        at = self.incident.aware_at or self.incident.reported_at
        return competent(self.facts, high_risk=high, at=at)


def gather(incident: Incident) -> Material:
    """The latest facts of an incident, with what is registered of its organisation."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    aware = select(Awareness).where(Awareness.incident_id == incident.id).order_by(Awareness.number.desc())
    duties = select(Duty).where(Duty.incident_id == incident.id).order_by(Duty.created_at, Duty.id)
    return Material(
        incident=incident,
        organisation=organisation,
        facts=clocks.current_facts(incident),
        awareness=db.session.scalars(aware.limit(1)).one(),
        contact=contact_of(organisation),
        duties=tuple(db.session.scalars(duties)),
    )


def contact_of(organisation: Organisation) -> Contact:
    """Who answers questions (GDPR art. 33(3)(b)): the contact registered, else the data protection officer.

    Without a name in either it is the first person here who has that role, by the organisation's telephone.
    """
    known = profile_of(organisation)
    told = known.contact if known.contact.name or not known.dpo.name else known.dpo
    officers = people.staff_with_role(organisation.id, Role.DPO)
    named = {known.dpo.name, *(each.name for each in officers)} - {""}
    email = told.email or known.contact.email or known.email
    return Contact(
        name=told.name or (officers[0].name if officers else ""),
        email=email or (officers[0].email if officers else ""),
        phone=told.phone or known.contact.phone or known.phone,
        is_officer=not told.name or told.name in named,
    )


# --- words --------------------------------------------------------------------------------------


class Words:
    """The texts of one language by section and key; what is missing is shown as missing, never borrowed."""

    def __init__(self, locale: str, texts: Mapping[str, Any]) -> None:
        self.locale, self.texts = locale, texts

    def word(self, section: str, key: str, **values: object) -> str:
        """The text of a key with its values put in."""
        text = self.texts.get(section, {}).get(key)
        if text is None:
            return f"[{self.locale}: {section}.{key}]"
        return str(text).format(**values) if values else str(text)

    def has(self, section: str, key: str) -> bool:
        """Whether there is a text for this key."""
        return key in self.texts.get(section, {})

    def listed(self, items: Sequence[str]) -> str:
        """Several things in one phrase: "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.word('phrases', 'and')} {items[-1]}"

    def several(self, section: str, keys: Iterable[str]) -> str:
        """The words of these keys in one phrase."""
        return self.listed([self.word(section, key) for key in keys])

    def count(self, count: Count) -> str:
        """A number of people or records, with its bounds, and whether it is an estimate; empty if unknown."""
        if not count.known:
            return ""
        low, high = count.at_least, count.at_most
        if count.exactly is not None:
            text = self.word("phrases", "exactly", n=count.exactly)
        elif low is not None and high is not None:
            text = self.word("phrases", "between", low=low, high=high)
        elif low is not None:
            text = self.word("phrases", "at_least", n=low)
        else:
            text = self.word("phrases", "at_most", n=high)
        return f"{text} ({self.word('phrases', 'estimate')})" if count.estimate else text

    def instant(self, at: datetime | None, zone: str) -> str:
        """An instant in the zone, as this language writes it; empty when unknown."""
        return locales.instant(at, zone, self.locale) if at else ""


def pack_words(authority: str, locale: str) -> Words:
    """The words of a notification: those of this authority over those for every authority."""
    texts = _texts(f"packs/generic/{locale}.toml")
    for section, own in _texts(f"packs/{authority}/{locale}.toml").items():
        texts[section] = {**texts.get(section, {}), **own}
    return Words(locale, texts)


def words_over(folder: str, prefix: str, locale: str) -> Words:
    """The words of a folder of texts, its sections named by `prefix`, over those of a notification."""
    texts = _texts(f"packs/generic/{locale}.toml")
    own = _texts(f"{folder}/{locale}.toml")
    single = {key: text for key, text in own.items() if isinstance(text, str)}
    sections = {f"{prefix}_{key}": part for key, part in own.items() if isinstance(part, dict)}
    return Words(locale, {**texts, prefix: single, **sections})


def _texts(name: str) -> dict[str, Any]:
    """A file of texts below templates/; nothing where there is none."""
    environment = current_app.jinja_env
    if environment.loader is None:
        return {}
    try:
        return dict(_parsed(environment.loader.get_source(environment, name)[0]))
    except TemplateNotFound:
        return {}


@lru_cache(maxsize=32)
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def language_of(authority: str) -> str:
    """The language an authority is written to in: its own where we hold its form, else English."""
    known = authorities.by_key(authority) if authority in forms.all_forms() else None
    told = [locales.known(each) for each in known.languages] if known else []
    return next((each for each in told if each), locales.DEFAULT)


def name_of(authority: str, locale: str) -> str:
    """The name of an authority in a language; its key where only its competence is known."""
    known = authorities.by_key(authority)
    return known.named(locale) if known else authority
