"""What a notification to the authority still lacks, by the points of GDPR art. 33(3).

What cannot be known at once may follow in phases (art. 33(4)), so most gaps do not hold up the first
notification. Two do: nobody to answer the authority's questions, and a late notification without the
reasons for the delay (art. 33(1), second sentence).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from incident.rules.deadlines import Clock
from incident.rules.facts import Facts

Point: TypeAlias = Literal["33(3)(a)", "33(3)(b)", "33(3)(c)", "33(3)(d)", "33(1)"]


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers the authority: the data protection officer or another contact point."""

    name: str = ""
    email: str = ""
    phone: str = ""
    is_officer: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing: the point of the article, its name, and whether it may follow later."""

    point: Point
    name: str
    may_follow: bool
    pointer: str | None = None


def missing(
    facts: Facts,
    *,
    now: datetime,
    contact: Contact | None,
    clock: Clock | None = None,
    measures: Sequence[str] = (),
    consequences: str = "",
    reasons_for_delay: str = "",
) -> tuple[Gap, ...]:
    """Everything that a notification made at `now` would lack, in the order of the article.

    `measures` and `consequences` are what staff wrote beside the facts. `clock` is the one towards the
    authority; once it has run out the reasons for the delay are demanded.
    """
    return (
        *_nature(facts),
        *_contact(contact),
        *_consequences(facts, consequences),
        *_measures(facts, measures),
        *_delay(clock, now, reasons_for_delay),
    )


def ready(gaps: Sequence[Gap]) -> bool:
    """Whether a first notification can go out, whatever is to follow."""
    return all(gap.may_follow for gap in gaps)


def _nature(facts: Facts) -> Iterator[Gap]:
    losses = (facts.compromised.confidentiality, facts.compromised.integrity, facts.compromised.availability)
    if not facts.description.strip():
        yield Gap("33(3)(a)", "what happened", may_follow=True, pointer="/description")
    if "yes" not in losses:
        yield Gap(
            "33(3)(a)",
            "whether data were disclosed, changed or lost",
            may_follow=True,
            pointer="/compromised",
        )
    if not set(facts.subjects.groups) - {"unknown"}:
        yield Gap(
            "33(3)(a)", "which groups of people are concerned", may_follow=True, pointer="/subjects/groups"
        )
    if not (facts.subjects.total.known or facts.subjects.by_country):
        yield Gap(
            "33(3)(a)", "about how many people are concerned", may_follow=True, pointer="/subjects/total"
        )
    if not set(facts.data.categories) - {"unspecified"}:
        yield Gap(
            "33(3)(a)", "which kinds of data are concerned", may_follow=True, pointer="/data/categories"
        )
    if not facts.data.records.known:
        yield Gap(
            "33(3)(a)", "about how many records are concerned", may_follow=True, pointer="/data/records"
        )


def _contact(contact: Contact | None) -> Iterator[Gap]:
    if contact is None or not contact.name.strip():
        yield Gap("33(3)(b)", "the name of the data protection officer or contact point", may_follow=False)
    if contact is None or not (contact.email.strip() or contact.phone.strip()):
        yield Gap("33(3)(b)", "how the contact point can be reached", may_follow=False)


def _consequences(facts: Facts, written: str) -> Iterator[Gap]:
    if not (facts.consequences or written.strip()):
        yield Gap("33(3)(c)", "the likely consequences", may_follow=True, pointer="/consequences")


def _measures(facts: Facts, written: Sequence[str]) -> Iterator[Gap]:
    told = (*facts.measures.taken, *facts.measures.planned, *written)
    if not any(measure.strip() for measure in told):
        yield Gap("33(3)(d)", "the measures taken or proposed", may_follow=True, pointer="/measures")


def _delay(clock: Clock | None, now: datetime, reasons: str) -> Iterator[Gap]:
    if clock is not None and clock.is_late(now) and not reasons.strip():
        yield Gap("33(1)", "the reasons for the delay", may_follow=False)
