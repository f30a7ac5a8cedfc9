"""What people are told, drafted from an incident and checked: `communication_texts` with what is stored.

A draft holds only what the facts say in words of the reader's language; what a person must write stands in
[brackets], and a text with brackets left cannot be approved. Nothing here is sent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select

from accounts.models import Organisation
from foundation import ledger, locales
from foundation.database import db
from incident import authorities, clocks, coverage, drafting, letter_runs
from incident.communication_texts import drafts, fields, measures, parts
from incident.communication_texts.catalog import GENERAL, LOSSES
from incident.communication_texts.drafts import BODY, LONGEST, LONGEST_LINE, ONE_LINE, PARTS, Known, cleaned
from incident.communication_texts.measures import Measures
from incident.communication_texts.parts import LABELS, REQUIRED, Finding
from incident.communication_texts.wire import catalog
from incident.drafting import Material
from incident.models import (
    AuthorityNotification,
    FactsVersion,
    Incident,
    NotificationState,
    SubjectCommunication,
)
from incident.rules.facts import Facts, parse
from incident.rules.phases import Phase
from notifications import sending

__all__ = [
    "BODY", "LABELS", "LONGEST", "LONGEST_LINE", "ONE_LINE", "PARTS", "REQUIRED", "STILL_TRUE", "WRITTEN",
    "Difference", "Lack", "Texts", "catalog", "cleaned", "context", "corrected", "correction_of", "draft",
    "findings", "has_brackets", "kind_of", "kinds", "known_of", "lacking", "languages_of", "paper", "stale",
]  # fmt: skip

Texts = Mapping[str, Mapping[str, str]]  # locale -> part -> text
# What happened, by what the facts call it; the first that holds. What no row names is of the general kind.
KINDS: Final[Mapping[str, frozenset[str]]] = {
    "wrong_recipient": frozenset({"wrong_recipient", "wrong_attachment", "open_addressees"}),
    "published": frozenset({"publication"}),
    "insider": frozenset({"data_copied_by_staff"}),
    "lost_device": frozenset({"equipment_lost", "equipment_stolen", "paper_lost", "paper_stolen"}),
    "lost_access": frozenset({"ransomware", "outage"}),
    "credentials": frozenset({"credential_attack"}),
}
STILL_TRUE: Final = "communication.still_true"
WRITTEN: Final = ("communication.drafted", "communication.text_changed", "communication.kind_changed")
EMPTY: Final = frozenset({"missing", "brackets"})


@dataclass(frozen=True, slots=True)
class Lack:
    """What stands in the way of an approval in a part of one language; `brackets`: such as are left in it."""

    locale: str
    part: str
    brackets: bool
    code: str = ""
    text: str = ""

    @property
    def said(self) -> str:
        """Language, part and what to do, in the language of the page."""
        return Finding(self.locale, self.part, self.code or ("brackets" if self.brackets else "missing"),
                       self.text).said  # fmt: skip


def languages_of(organisation: Organisation) -> list[str]:
    """The languages the organisation writes letters in, its own first choice first."""
    told = [locales.known(each) for each in organisation.profile.get("letter_languages", [])]
    return list(dict.fromkeys([each for each in told if each] or [organisation.locale]))


# --- drafts -------------------------------------------------------------------------------------


def kinds(locale: str) -> dict[str, str]:
    """The kinds of breach that there are texts for, each by its name in a language."""
    texts = catalog()
    return {each: texts.text(each, locale, "name") for each in texts.kinds}


def kind_of(facts: Facts) -> str:
    """The kind of breach that the facts speak for; a person may choose another."""
    if facts.disclosure.exfiltration == "published":
        return "published"
    found = next((kind for kind, causes in KINDS.items() if facts.cause.kind in causes), "")
    if facts.disclosure.exfiltration == "confirmed" and found in ("", "lost_access", "credentials"):
        return "stolen"
    return found or GENERAL


def draft(material: Material, locale: str, kind: str = "") -> dict[str, str]:
    """The parts of a text in one language, as far as the facts say them; `kind` as they say, if empty."""
    return drafts.draft(catalog(), kind or kind_of(material.facts), locale, known_of(material))


def corrected(told: Mapping[str, str], locale: str, sent_on: date) -> dict[str, str]:
    """A text that corrects one that was sent on that day, and says so first; a person says what was wrong."""
    texts, day = catalog(), drafts.day_in(locale, sent_on)
    first = f"{texts.shared(locale, 'correction', day=day)} {texts.shared(locale, 'correction_open')}"
    return {**told, "nature": f"{first}\n\n{told.get('nature', '')}"}


def known_of(material: Material, *, page: str = "", fields: frozenset[str] | None = None) -> Known:
    """What a text is drafted from and checked against; `page` is our own on the matter.

    `fields` are those that the lists have, None before there is a list.
    """
    facts, contact = material.facts, material.contact
    times = facts.timeline
    return Known(
        controller=material.organisation.name, processor=facts.chain[0].name if facts.chain else "",
        first_day=_day(times.occurred_from, material.zone), last_day=_day(times.occurred_to, material.zone),
        data=tuple(facts.data.categories), consequences=tuple(facts.consequences),
        losses=tuple(each for each in LOSSES if getattr(facts.compromised, each) == "yes"),
        measures=_told_measures(material.incident),
        contact=drafts.Contact(contact.name, contact.phone, contact.email, officer=contact.is_officer),
        authority=_authority(material), page=page, fields=fields,
    )  # fmt: skip


def _day(at: datetime | None, zone: str) -> date | None:
    return locales.local(at, zone).date() if at else None


def _authority(material: Material) -> drafts.Authority:
    """Where people can complain, and since when it knows."""
    mine = next((each for each in material.competent() if each.role in ("sole", "lead")), None)
    found = authorities.by_key(mine.key) if mine else None
    if mine is None or found is None:
        return drafts.Authority()
    filed = [
        each.filed_at for each in _notifications(material.incident)
        if each.authority == mine.key and each.state == NotificationState.FILED and each.filed_at
    ]  # fmt: skip
    names = {locale: found.named(locale) for locale in locales.LOCALES}
    return drafts.Authority(names, found.website, _day(min(filed, default=None), material.zone))


def _told_measures(incident: Incident) -> Measures | None:
    """The measures of the latest notification; None while there is none that names any."""
    for told in reversed(_notifications(incident)):
        answers = {path: each.get("value") for path, each in told.content.get("answers", {}).items()}
        heading = drafting.pack_words(told.authority, told.locale).word("filling", "planned")
        found = measures.of_notification(answers, planned_heading=heading, locale=told.locale)
        if found.done or found.planned or found.either:
            return found
    return None


def _notifications(incident: Incident) -> list[AuthorityNotification]:
    mine = select(AuthorityNotification).where(
        AuthorityNotification.incident_id == incident.id, AuthorityNotification.dropped_at.is_(None),
        AuthorityNotification.kind != Phase.WITHDRAWAL,
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(AuthorityNotification.drafted_at, AuthorityNotification.id)))


# --- what stands in the way ---------------------------------------------------------------------


def lacking(texts: Texts, wanted: Sequence[str], known: Known | None = None) -> list[Lack]:
    """What stands in the way of approving texts, in each language that somebody on the list reads.

    Without `known` only what can be seen without it: parts that art. 34(2) asks for and brackets left.
    """
    found = [each for locale in wanted for each in _grave(texts.get(locale, {}), locale, known)]
    return [Lack(each.locale, each.part, each.code == "brackets", each.code, each.text) for each in found]


def _grave(told: Mapping[str, str], locale: str, known: Known | None) -> Iterator[Finding]:
    for each in parts.grave(catalog(), told, locale, known or Known(controller="")):
        if known is not None or each.code in EMPTY:
            yield each


def findings(told: Mapping[str, str], locale: str, known: Known, *, now: datetime) -> list[Finding]:
    """All that is found in the text of one language, graver things first; `now` in UTC."""
    return parts.check(catalog(), told, locale, known, now=now)


def has_brackets(text: str) -> bool:
    """Whether something is left that a person must write, be it half a pair of brackets."""
    return "[" in text or "]" in text


# --- as it is read ------------------------------------------------------------------------------


def read_by_anybody(told: Mapping[str, str], locale: str) -> list[list[str]]:
    """A text as headings and paragraphs, with "…" where it has values of a reader's own."""
    hidden = {part: fields.hidden(text) for part, text in told.items()}
    return drafts.paragraphs(catalog(), hidden, locale)


def context(told: Mapping[str, str], locale: str, name: str) -> dict[str, Any]:
    """What the message "subject_notice" is rendered from for one person.

    Keys: name, subject, paragraphs (heading and text), contact, controller.
    """
    return drafts.context(catalog(), told, locale, name)


def paper(content: Mapping[str, str], locale: str) -> letter_runs.Text:
    """The content of a letter (`wire`'s, with its marks filled) as it is printed."""
    told = [letter_runs.Part(heading, text) for heading, text in json.loads(content["parts"])]
    closing = tuple(content["closing"].splitlines())
    return letter_runs.Text(locale, content["subject"], tuple(told), closing)


# --- what is true no more -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """What a part said by the facts of its time, and what it would say now."""

    part: str
    before: str
    now: str


def stale(communication: SubjectCommunication) -> list[Difference]:
    """Where facts that changed since make a text untrue, part by part, in the language of the page.

    Held against each other are the facts as known when two persons stood behind it, else when somebody
    wrote it last, and now; or as known when a person said that it is still true. Of one that a correction
    went out for, that correction is looked at.
    """
    if correction_of(communication):
        return []
    incident = db.session.get_one(Incident, communication.incident_id)
    at = communication.approved_at or _last(incident, communication, WRITTEN) or communication.drafted_at
    at = max(at, _last(incident, communication, (STILL_TRUE,)) or at)
    now = drafting.gather(incident)
    then = replace(now, facts=_facts_at(incident, at))
    before, after = (_by_facts(each, communication.kind) for each in (then, now))
    return [Difference(part, before[part], after[part]) for part in before if before[part] != after[part]]


def correction_of(communication: SubjectCommunication) -> SubjectCommunication | None:
    """The last correction of it that went out or goes on; None while there is none.

    One that was stopped before anybody had it corrects nothing.
    """
    mine = select(SubjectCommunication).where(
        SubjectCommunication.corrects_id == communication.id, SubjectCommunication.sent_at.is_not(None)
    )
    newest = db.session.scalars(mine.order_by(SubjectCommunication.number.desc()))
    return next((each for each in newest if not _came_to_nothing(each)), None)


def _came_to_nothing(communication: SubjectCommunication) -> bool:
    source = coverage.source_of(communication.id)
    standing = sending.of(source)
    stopped = standing is not None and standing.state == "stopped"
    return stopped and not sending.anybody_has(source)


def _last(incident: Incident, communication: SubjectCommunication, actions: Sequence[str]) -> datetime | None:
    """When one of these was done to it last, by the ledger."""
    mine = select(ledger.Entry.at, ledger.Entry.details).where(
        ledger.Entry.chain == incident.chain, ledger.Entry.action.in_(actions)
    )
    found = db.session.execute(mine.order_by(ledger.Entry.number)).all()
    return next(
        (at for at, told in reversed(found) if told.get("communication") == str(communication.id)), None
    )


def _by_facts(material: Material, kind: str) -> dict[str, str]:
    """The parts that the facts alone decide."""
    locale = locales.current()
    known = replace(known_of(material), measures=None)
    told = drafts.draft(catalog(), kind or kind_of(material.facts), locale, known)
    done, planned = material.facts.measures.taken, material.facts.measures.planned
    said = replace(known, measures=Measures(locale, tuple(done), tuple(planned)))
    told["measures"] = drafts.measures_of(catalog(), locale, said.measures) if done or planned else ""
    return {part: told[part] for part in BODY}


def _facts_at(incident: Incident, at: datetime) -> Facts:
    """The facts as they were known at an instant (UTC)."""
    mine = select(FactsVersion).where(FactsVersion.incident_id == incident.id).order_by(FactsVersion.number)
    versions = list(db.session.scalars(mine))
    known = [each for each in versions if each.at <= at] or versions[:1]
    return clocks.in_organisation(parse(known[-1].facts), clocks.Registered.of(incident.organisation_id))
