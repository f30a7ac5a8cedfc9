"""The answers of a notification, field by field, each drawn from a fact and naming it.

What no fact answers stays empty. Free text is passed on as it was told and marked so, since nobody has
translated it; whether the people were told is taken from what was sent, never from what was meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation import locales
from incident import drafting
from incident.drafting import Material, Words
from incident.rules.facts import Link

POINTS = {
    "contact": "33(3)(b)", "nature": "33(3)(a)", "people": "33(3)(a)", "data": "33(3)(a)",
    "consequences": "33(3)(c)", "measures": "33(3)(d)", "delay": "33(1)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of telling the people: when it went out, to how many, and how many it reached."""

    sent_at: datetime | None = None
    total: int = 0
    reached: int = 0


class Answers:
    """Answers each field from the facts; a section is a method that yields its fields."""

    SECTIONS = (
        "notification", "controller", "contact", "nature", "times", "parties", "people", "data",
        "consequences", "measures", "told", "elsewhere", "delay",
    )  # fmt: skip

    def __init__(self, material: Material, authority: str, words: Words, told: Told) -> None:
        self.material, self.facts, self.words = material, material.facts, words
        self.authority, self.told_people = authority, told

    def section(self, key: str) -> dict[str, Any]:
        """One section with its fields, as JSON values."""
        found = list(getattr(self, f"_{key}")())
        return {
            "key": key, "title": self.words.word("sections", key), "point": POINTS.get(key),
            "fields": [{**each, "key": f"{key}.{each['key']}"} for each in found],
        }  # fmt: skip

    def _field(self, key: str, answer: str, source: str, *, as_told: bool = False) -> dict[str, Any]:
        return {
            "key": key, "label": self.words.word("fields", key), "answer": answer.strip(), "source": source,
            "as_told": as_told and bool(answer.strip()), "to_follow": False, "edited": False,
        }  # fmt: skip

    def _notification(self) -> Iterator[dict[str, Any]]:
        word = self.words.word
        name = drafting.name_of(self.authority, self.words.locale)
        yield self._field("authority", name, "Breachclock, by GDPR arts 55 and 56")
        yield self._field("kind", word("document", "initial"), "Breachclock")
        yield self._field("status", word("document", "complete"), "Breachclock")
        yield self._field("reference", self.material.incident.number, "Breachclock")

    def _controller(self) -> Iterator[dict[str, Any]]:
        profile, source = self.material.organisation.profile, "/organisation"
        registered = profile.get("registration") or {}
        number = " ".join(filter(None, (registered.get("kind"), registered.get("number"))))
        yield self._field("controller_name", self.material.organisation.name, source)
        yield self._field("registration", number if registered.get("number") else "", source)
        yield self._field("address", profile.get("address", ""), source)

    def _contact(self) -> Iterator[dict[str, Any]]:
        contact, source = self.material.contact, "/organisation/contact"
        yield self._field("contact_name", contact.name, source)
        yield self._field("contact_phone", contact.phone, source)
        yield self._field("contact_email", contact.email, source)

    def _nature(self) -> Iterator[dict[str, Any]]:
        facts, words = self.facts, self.words
        lost = [each for each in ("confidentiality", "integrity", "availability")
                if getattr(facts.compromised, each) == "yes"]  # fmt: skip
        cause = [words.word("cause", facts.cause.category)] if facts.cause.category != "unknown" else []
        cause += [words.word("kind", facts.cause.kind)] if facts.cause.kind != "unknown" else []
        yield self._field("title", facts.title, "/title", as_told=True)
        yield self._field("description", facts.description, "/description", as_told=True)
        yield self._field("losses", "\n".join(words.word("losses", each) for each in lost), "/compromised")
        yield self._field("cause", ": ".join(cause), "/cause")

    def _times(self) -> Iterator[dict[str, Any]]:
        times, incident = self.facts.timeline, self.material.incident
        began = self._at(times.occurred_from)
        if began and times.occurred_is_estimate:
            began += f" ({self.words.word('phrases', 'estimate')})"
        ongoing = self.words.word("phrases", "ongoing") if times.ongoing == "yes" else ""
        yield self._field("occurred", began, "/timeline/occurred_from")
        yield self._field("ended", ongoing or self._at(times.occurred_to), "/timeline/occurred_to")
        yield self._field("detected", self._at(times.detected_at), "/timeline/detected_at")
        knew = self._at(times.processor_aware_at)
        yield self._field("processor_aware", knew, "/timeline/processor_aware_at")
        informed, source = times.informed_at, "/timeline/informed_at"
        if informed is None and incident.processor_id:
            informed, source = incident.reported_at, "ledger: report.received"
        yield self._field("informed", self._at(informed), source)
        yield self._field("aware", self._at(incident.aware_at), f"awareness {self.material.awareness.number}")

    def _at(self, at: datetime | None) -> str:
        return self.words.instant(at, self.material.zone)

    def _parties(self) -> Iterator[dict[str, Any]]:
        yield self._field("parties", "\n".join(self._party(each) for each in self.facts.chain), "/chain")

    def _party(self, link: Link) -> str:
        words = self.words
        country = locales.country(link.country, words.locale) if link.country else "?"
        parts = [words.word("phrases", "party", name=link.name, role=words.word("roles", link.role),
                            country=country)]  # fmt: skip
        if link.reference:
            parts.append(words.word("phrases", "party_reference", reference=link.reference))
        if link.aware_at:
            parts.append(words.word("phrases", "party_aware", at=self._at(link.aware_at)))
        if link.told_next_at:
            parts.append(words.word("phrases", "party_told", at=self._at(link.told_next_at)))
        return ", ".join(parts)

    def _people(self) -> Iterator[dict[str, Any]]:
        subjects, words = self.facts.subjects, self.words
        groups = [each for each in subjects.groups if each != "unknown"]
        spread = [
            words.word("phrases", "country_count", country=locales.country(code, words.locale), n=number)
            for code, number in subjects.by_country.items()
        ]
        yield self._field("groups", words.several("groups", groups), "/subjects/groups")
        yield self._field("number", words.count(subjects.total), "/subjects/total")
        yield self._field("countries", "\n".join(spread), "/subjects/by_country")

    def _data(self) -> Iterator[dict[str, Any]]:
        data, words = self.facts.data, self.words
        kinds = [each for each in data.categories if each != "unspecified"]
        special = data.special_categories
        yield self._field("categories", words.several("data", kinds), "/data/categories")
        yield self._field("records", words.count(data.records), "/data/records")
        said = "" if special == "unknown" else words.word("phrases", special)
        yield self._field("special", said, "/data/special_categories")
        yield self._field("protection", " ".join(self._protection()), "/protection")

    def _protection(self) -> Iterator[str]:
        kept, word = self.facts.protection, self.words.word
        if kept.encrypted != "unknown":
            yield word("protection", f"encrypted_{kept.encrypted}")
        if kept.encrypted == "yes" and kept.key_compromised != "unknown":
            yield word("protection", f"key_{kept.key_compromised}")
        if kept.passwords != "unknown":
            yield word("protection", kept.passwords)

    def _consequences(self) -> Iterator[dict[str, Any]]:
        likely = self.words.several("consequences", self.facts.consequences)
        yield self._field("likely", likely, "/consequences")

    def _measures(self) -> Iterator[dict[str, Any]]:
        measures = self.facts.measures
        yield self._field("taken", _lines(measures.taken), "/measures/taken", as_told=True)
        yield self._field("planned", _lines(measures.planned), "/measures/planned", as_told=True)

    def _told(self) -> Iterator[dict[str, Any]]:
        yield self._field("told", *self._whether_told())

    def _whether_told(self) -> tuple[str, str]:
        """Whether the people were told, by what was sent and by the duty; never by what was meant."""
        word, told = self.words.word, self.told_people
        if told.sent_at:
            at = self._at(told.sent_at)
            sent = word("phrases", "told_sent", at=at, total=told.total, reached=told.reached)
            return sent, "ledger: communication.sent"
        kinds = ("subject_communication", "own_promise_subjects")
        owed = [each for each in self.material.duties if each.clock_kind in kinds]
        mine = [each for each in owed if each.clock_kind == kinds[0]]
        if not mine:
            return word("phrases", "told_open"), "duties"
        duty = mine[0]
        if duty.state == "not_required":
            return word("phrases", "told_not_required", reason=duty.reason or ""), "duty"
        if due := min((each.due_at for each in owed if each.due_at), default=None):
            return word("phrases", "told_planned", at=self._at(due)), "duty"
        return word("phrases", "told_owed"), "duty"

    def _elsewhere(self) -> Iterator[dict[str, Any]]:
        words = self.words
        home = self.facts.organisation.main_establishment
        abroad = [code for code, number in self.facts.subjects.by_country.items() if number and code != home]
        names = words.listed([locales.country(code, words.locale) for code in abroad])
        others = [each for each in self.material.competent() if each.key != self.authority]
        said = [
            words.word("phrases", each.role, name=drafting.name_of(each.key, words.locale)) for each in others
        ]
        yield self._field("other_countries", names, "/subjects/by_country")
        yield self._field("authorities", "\n".join(said), "Breachclock, by GDPR arts 55 and 56")

    def _delay(self) -> Iterator[dict[str, Any]]:
        yield self._field("reasons", "", "a person")


def _lines(told: Sequence[str]) -> str:
    return "\n".join(f"– {each.strip()}" for each in told if each.strip())
