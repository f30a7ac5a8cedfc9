"""Rules stand on legs: plain questions to the facts, each answered yes, no or unknown.

A leg that is unknown names the facts it waits for. A leg may also be presumed: yes for now, because the
law wants the worse assumed, and open all the same. Rules are put together from legs (`all_of`, `any_of`),
so that of every outcome it is known which missing facts could still turn it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeAlias

from incident.rules.facts import Count, Facts
from incident.rules.vocabulary import Tri


@dataclass(frozen=True, slots=True)
class Leg:
    """An answer, and the pointers of the unknown facts that could make it another one.

    An answer "yes" or "no" with open pointers is presumed. `alone` are those of the open pointers that could
    turn the answer each by itself; the others turn it together only.
    """

    state: Tri
    open: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


Question: TypeAlias = Callable[[Facts], Leg]

YES: Final = Leg("yes")
NO: Final = Leg("no")


def waits(pointer: str, state: Tri = "unknown") -> Leg:
    """An answer that hangs on one unknown fact; `state` is what is presumed until it is known."""
    return Leg(state, (pointer,), (pointer,))


def asked(pointer: str, *yes: str, unknown: Tri = "unknown") -> Question:
    """Ask whether a choice is one of these; any other known choice is a no.

    `unknown` is how an unknown choice counts until it is known: "yes" for what is presumed.
    """
    read, right = _reader(pointer), frozenset(yes)
    waiting = NO if unknown == "no" else waits(pointer, unknown)

    def ask(facts: Facts) -> Leg:
        value = read(facts)
        if value == "unknown":
            return waiting
        return YES if value in right else NO

    return ask


def unless(pointer: str, *no: str) -> Question:
    """Ask whether a choice is none of these; presumed while it is unknown."""
    read, wrong = _reader(pointer), frozenset(no)
    presumed = waits(pointer, "yes")

    def ask(facts: Facts) -> Leg:
        value = read(facts)
        if value == "unknown":
            return presumed
        return NO if value in wrong else YES

    return ask


def any_in(pointer: str, words: Iterable[str], *, uncertain: str = "") -> Question:
    """Ask whether a list holds one of these words; an empty list, or one with `uncertain` in it, is open."""
    read, wanted = _reader(pointer), frozenset(words)
    waiting = waits(pointer)

    def ask(facts: Facts) -> Leg:
        told = read(facts)
        if not wanted.isdisjoint(told):
            return YES
        return waiting if not told or uncertain in told else NO

    return ask


def holds_something(pointer: str) -> Question:
    """Ask whether a list holds anything; an empty one is open."""
    read = _reader(pointer)
    waiting = waits(pointer)
    return lambda facts: YES if read(facts) else waiting


def only_in(pointer: str, words: Iterable[str], *, uncertain: str = "") -> Question:
    """Ask whether all words of a list are among these; open as `any_in`, unless a word is not."""
    read, allowed = _reader(pointer), frozenset(words)
    waiting = waits(pointer)

    def ask(facts: Facts) -> Leg:
        told = read(facts)
        if any(word not in allowed and word != uncertain for word in told):
            return NO
        return waiting if not told or uncertain in told else YES

    return ask


def at_most(pointer: str, limit: float, *, unknown: Tri = "unknown") -> Question:
    """Ask whether a count is at most `limit`; of bounds that disagree the upper one counts.

    `unknown` is how a count counts that may be either.
    """
    read = _reader(pointer)
    waiting = waits(pointer, unknown)

    def ask(facts: Facts) -> Leg:
        count: Count = read(facts)
        if any(upper is not None and upper <= limit for upper in (count.exactly, count.at_most)):
            return YES
        return NO if count.lowest > limit or (count.at_least or 0) > limit else waiting

    return ask


def more_than(pointer: str, limit: float) -> Question:
    """Ask whether a count is known to be above `limit`; of bounds that disagree the upper one counts."""
    read = _reader(pointer)
    waiting = waits(pointer)

    def ask(facts: Facts) -> Leg:
        count: Count = read(facts)
        if any(upper is not None and upper <= limit for upper in (count.exactly, count.at_most)):
            return NO
        return YES if count.lowest > limit or (count.at_least or 0) > limit else waiting

    return ask


def within_hours(pointer: str, limit: float) -> Question:
    """Ask whether hours are known and at most `limit`."""
    read = _reader(pointer)
    waiting = waits(pointer)

    def ask(facts: Facts) -> Leg:
        hours: float | None = read(facts)
        if hours is None:
            return waiting
        return YES if hours <= limit else NO

    return ask


def not_within_hours(pointer: str, limit: float) -> Question:
    """Ask whether hours are `limit` or more; presumed while they are unknown."""
    read = _reader(pointer)
    presumed = waits(pointer, "yes")

    def ask(facts: Facts) -> Leg:
        hours: float | None = read(facts)
        if hours is None:
            return presumed
        return YES if hours >= limit else NO

    return ask


def all_of(*questions: Question) -> Question:
    """Every one of these: no as soon as one is no, open where one is open."""

    def ask(facts: Facts) -> Leg:
        waiting: list[Leg] = []
        presumed: list[Leg] = []
        for question in questions:
            leg = question(facts)
            if leg.state == "no":
                return NO
            if leg.open:
                (waiting if leg.state == "unknown" else presumed).append(leg)
        if waiting:
            return Leg("unknown", _open(waiting) + _open(presumed), _shared(waiting))
        return Leg("yes", _open(presumed), _any_alone(presumed)) if presumed else YES

    return ask


def any_of(*questions: Question) -> Question:
    """One of these: yes as soon as one is certain, else presumed, else open where one is open."""

    def ask(facts: Facts) -> Leg:
        waiting: list[Leg] = []
        presumed: list[Leg] = []
        for question in questions:
            leg = question(facts)
            if leg.state == "yes" and not leg.open:
                return YES
            if leg.open:
                (waiting if leg.state == "unknown" else presumed).append(leg)
        if presumed:
            return Leg("yes", _open(presumed) + _open(waiting), () if waiting else _shared(presumed))
        return Leg("unknown", _open(waiting), _any_alone(waiting)) if waiting else NO

    return ask


def _open(legs: list[Leg]) -> tuple[str, ...]:
    return tuple(pointer for leg in legs for pointer in leg.open)


def _any_alone(legs: list[Leg]) -> tuple[str, ...]:
    """What turns one of these by itself, which is enough."""
    return tuple(pointer for leg in legs for pointer in leg.alone)


def _shared(legs: list[Leg]) -> tuple[str, ...]:
    """What turns all of these by itself."""
    first, *others = legs
    return tuple(pointer for pointer in first.alone if all(pointer in leg.alone for leg in others))


def _reader(pointer: str) -> Callable[[Facts], Any]:
    return attrgetter(pointer.strip("/").replace("/", "."))
