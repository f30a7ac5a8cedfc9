"""What one path of the normal form is filled with, and what it is filled from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from incident.drafting import Material, Words
from incident.models import Assessment, Decision, DelayReason
from incident.rules.facts import Facts
from incident.rules.judgement import Judgement

FilingKind: TypeAlias = Literal["initial", "further", "final", "correction", "withdrawal"]
# Text, a code, a number, yes or no, codes or lines, rows (parties, representatives), numbers by country.
Value: TypeAlias = str | int | bool | list[str] | list[dict[str, str]] | dict[str, str] | dict[str, int]

ORGANISATION: Final = "organisation"
DUTY: Final = "duty"
REGISTER: Final = "processor register"
BY: Final = "Breachclock, by "
COMPETENCE: Final = f"{BY}GDPR arts 55 and 56"


@dataclass(frozen=True, slots=True)
class Filled:
    """One answer as a JSON value, and where it comes from.

    `source` is a pointer into the facts ("/description"), "organisation", "processor register", "duty",
    "decision N", "assessment N", "awareness N", "ledger: ACTION" or "Breachclock, by …". `as_told`: free
    text in the words of whoever told it, in a language that nobody promised; `language` where it is known.
    """

    value: Value
    source: str
    as_told: bool = False
    language: str = ""


Answered: TypeAlias = Iterator[tuple[str, Filled]]


@dataclass(frozen=True, slots=True)
class Told:
    """What the ledger and the providers know of telling the people; nothing here is meant or planned.

    `reached` of `total` people were told: a message arrived, or a letter was `posted`; `ended`: nothing
    more will happen by itself. `texts` is the letter by language (da, nb, sv, en).
    """

    sent_at: datetime | None = None
    total: int = 0
    reached: int = 0
    posted: int = 0
    ended: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts for the organisation; `is_officer`: as its data protection officer."""

    name: str = ""
    email: str = ""
    phone: str = ""
    is_officer: bool = False


@dataclass(frozen=True, slots=True)
class Filing:
    """One filing of this incident that an authority or body has: when, and under which number."""

    to: str
    filed_at: datetime
    case_number: str = ""
    regime: str = "gdpr-33"


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside facts and duties: decisions in force, an assessment, filings, people, reasons.

    `decisions` by question; `delays` are the reasons why this authority is told late, the oldest first;
    `known_to`: authorities that the organisation has filed with before, in any incident; `contacts`: how
    a processor is reached, by the key of its name; `owes_reasons`: this authority was told late without
    the reasons, and has not got them since.
    """

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    assessment: Assessment | None = None
    delays: tuple[DelayReason, ...] = ()
    filings: tuple[Filing, ...] = ()
    known_to: frozenset[str] = frozenset()
    officers: tuple[Person, ...] = ()
    lead: Person | None = None
    reported_by_processor: UUID | None = None
    contacts: Mapping[str, Person] = field(default_factory=dict)
    owes_reasons: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One incident and one authority, as the parts of the filling read them."""

    material: Material
    authority: str
    told: Told
    beside: Beside
    words: Words
    kind: FilingKind
    now: datetime
    judgement: Judgement

    @property
    def facts(self) -> Facts:
        """The latest facts."""
        return self.material.facts

    @property
    def profile(self) -> dict[str, Any]:
        """What is registered of the organisation."""
        return self.material.organisation.profile

    def day(self, at: datetime) -> str:
        """The day of an instant in the organisation's zone, as YYYY-MM-DD."""
        return at.astimezone(ZoneInfo(self.material.zone)).date().isoformat()

    def shown(self, at: datetime) -> str:
        """An instant as the form's language writes it, in the organisation's zone."""
        return self.words.instant(at, self.material.zone)

    def said(self, key: str, **values: object) -> str:
        """A sentence of ours in the form's language."""
        return self.words.word("filling", key, **values)


def instant(at: datetime | None) -> str:
    """An instant as a document keeps it: ISO 8601 in UTC with its offset; empty where there is none."""
    return at.astimezone(UTC).isoformat() if at else ""


def lines(told: Iterable[str]) -> str:
    """Several things told, one a line; what is empty is left out."""
    return "\n".join(each.strip() for each in told if each.strip())


def text(value: object) -> str:
    """What is registered as text, whatever stands there; empty for anything else."""
    if isinstance(value, date):
        return value.isoformat()
    return value.strip() if isinstance(value, str) else ""


def part(value: object) -> dict[str, Any]:
    """What is registered as a group of values; empty for anything else."""
    return value if isinstance(value, dict) else {}
