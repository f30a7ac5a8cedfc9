"""What cannot be so, though each fact by itself is well formed.

A breach noticed before it began, more people in the countries than in all, a country that is none, a
time that has not come yet. What our own people type is refused with the sentence. What a processor told
stands as it was told and the sentence is put before a person: a wrong date must not hold up a clock.

Only what is impossible is named. A processor may tell us before we notice anything ourselves, and an
estimate of when it began may be wrong; neither is a fault.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from incident.rules.dated import read_data
from incident.rules.facts import Count, Facts, FactsFault, parse
from incident.rules.faults import Fault

# Clocks of two machines differ; Standard Webhooks allows as much.
AHEAD: Final = timedelta(minutes=5)


def check(document: object, now: datetime | None, *, before: object = None) -> Facts:
    """Read a document that one of our own people answers for.

    Raises FactsFault naming every fault at once: what breaks the contract, and what in the rest cannot be
    so. `now` (aware) is what times are compared with; None asks nothing of the future, as for an exercise.
    `before` is the document that was changed: what could not be so in it already, as a processor told it,
    is still a doubt and holds up no other change.
    """
    facts, faults, rest = None, [], document
    try:
        facts = parse(document)
    except FactsFault as fault:
        faults = fault.errors
        rest = _without(document, [each.pointer for each in faults])
    stood = _doubts(_sound(before), before, now)
    doubts = _doubts(facts or _sound(rest), rest, now)
    faults = [*faults, *(each for each, value in doubts.items() if stood.get(each) != value)]
    if faults or facts is None:
        raise FactsFault(faults)
    return facts


def implausible(facts: Facts, now: datetime | None) -> Iterator[Fault]:
    """Everything that cannot be so, each with its pointer and a sentence that says what to do."""
    yield from _before_it_began(facts)
    yield from _before_anybody_knew(facts)
    if now is not None:
        yield from in_the_future(facts, now)
    for pointer, count in (
        ("/data/records", facts.data.records),
        ("/disclosure/recipients_count", facts.disclosure.recipients_count),
        ("/subjects/total", facts.subjects.total),
    ):
        yield from _bounds(pointer, count)
    yield from _total(facts)
    yield from _countries(facts)


# --- times --------------------------------------------------------------------------------------


def _moments(facts: Facts) -> Iterator[tuple[str, datetime]]:
    for name in (
        "occurred_from", "occurred_to", "detected_at", "processor_aware_at", "informed_at", "aware_at",
    ):  # fmt: skip
        if (at := getattr(facts.timeline, name)) is not None:
            yield f"/timeline/{name}", at
    for number, link in enumerate(facts.chain):
        for name in ("aware_at", "told_next_at"):
            if (at := getattr(link, name)) is not None:
                yield f"/chain/{number}/{name}", at


def _before_it_began(facts: Facts) -> Iterator[Fault]:
    began = facts.timeline.occurred_from
    if began is None:
        return
    for pointer, at in _moments(facts):
        if pointer == "/timeline/occurred_to":
            if at < began:
                yield Fault(pointer, "It cannot end before it began. Correct one of the two times.")
        elif at < began and not facts.timeline.occurred_is_estimate:
            yield Fault(
                pointer,
                "This is before it began. Correct one of the two times, or call the beginning an estimate.",
            )


def _before_anybody_knew(facts: Facts) -> Iterator[Fault]:
    times = facts.timeline
    for number, link in enumerate(facts.chain):
        if link.aware_at and link.told_next_at and link.told_next_at < link.aware_at:
            yield Fault(
                f"/chain/{number}/told_next_at",
                "Nobody tells what they do not know yet. Correct one of the two.",
            )
    processors = [at for at in (times.processor_aware_at, *(link.aware_at for link in facts.chain)) if at]
    noticed = [at for at in (times.detected_at, *processors) if at]
    if processors and times.informed_at and times.informed_at < min(noticed):
        yield Fault(
            "/timeline/informed_at",
            "You cannot be told before anybody knew. Correct it, or say when it was first noticed.",
        )
    ways = [at for at in (times.informed_at, *noticed) if at]
    if ways and times.aware_at and times.aware_at < min(ways):
        yield Fault(
            "/timeline/aware_at",
            "Nobody is certain of what nobody has noticed yet. Correct it, or say when it was noticed.",
        )


def in_the_future(facts: Facts, now: datetime) -> Iterator[Fault]:
    """Times that have not come by `now` (aware), a fast clock's five minutes aside."""
    for pointer, at in _moments(facts):
        if at > now + AHEAD:
            yield Fault(pointer, "This has not happened yet. Give a time that has passed, or leave it out.")


# --- numbers and places -------------------------------------------------------------------------


def _bounds(pointer: str, count: Count) -> Iterator[Fault]:
    exactly, least, most = count.exactly, count.at_least, count.at_most
    if least is not None and most is not None and least > most:
        yield Fault(f"{pointer}/at_least", "At least is more than at most. Correct one of the two.")
    if exactly is not None and least is not None and exactly < least:
        yield Fault(
            f"{pointer}/exactly", "The exact number is less than the least. Leave one of the two out."
        )
    if exactly is not None and most is not None and exactly > most:
        yield Fault(f"{pointer}/exactly", "The exact number is more than the most. Leave one of the two out.")


def _total(facts: Facts) -> Iterator[Fault]:
    most = facts.subjects.total.highest
    if most is not None and most < sum(facts.subjects.by_country.values()):
        yield Fault("/subjects/total", "In all there are fewer people than in the countries together.")


def _countries(facts: Facts) -> Iterator[Fault]:
    organisation = facts.organisation
    told = [("/organisation/main_establishment", organisation.main_establishment)]
    for name in ("establishments", "targets"):
        told += [
            (f"/organisation/{name}/{number}", code)
            for number, code in enumerate(getattr(organisation, name))
        ]
    told.append(("/organisation/eea_representative", organisation.eea_representative))
    told += [(f"/chain/{number}/country", link.country) for number, link in enumerate(facts.chain)]
    told += [(f"/subjects/by_country/{code}", code) for code in facts.subjects.by_country]
    for pointer, code in told:
        if code not in ("", "none") and code not in known_countries():
            hint = {"UK": " The United Kingdom is GB.", "EL": " Greece is GR."}.get(code, "")
            yield Fault(pointer, f"There is no country with this code (ISO 3166-1).{hint}")


@cache
def known_countries() -> frozenset[str]:
    """The country codes of ISO 3166-1, and XK for Kosovo."""
    return frozenset(read_data("countries.toml")["codes"].split())


# --- the sound part of a faulty document --------------------------------------------------------


def _sound(document: object) -> Facts | None:
    try:
        return parse(document)
    except FactsFault:
        return None


def _doubts(facts: Facts | None, document: object, now: datetime | None) -> dict[Fault, str]:
    """What cannot be so, each with what stands there."""
    found = () if facts is None else implausible(facts, now)
    return {each: _at(document, each.pointer) for each in found}


def _at(document: object, pointer: str) -> str:
    """What stands at a pointer, as text to compare by."""
    for part in pointer.split("/")[1:]:
        if isinstance(document, list):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
    return repr(document)


def _without(document: object, pointers: list[str]) -> object:
    """A copy without the members at fault; a faulty item of a list takes the list with it."""
    for pointer in pointers:
        document = _cut(
            document, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        )
    return document


def _cut(value: object, path: list[str]) -> object:
    if not path or not isinstance(value, dict) or path[0] not in value:
        return value
    rest = {name: member for name, member in value.items() if name != path[0]}
    inner = value[path[0]]
    if len(path) == 1 or not isinstance(inner, dict):
        return rest
    return {**rest, path[0]: _cut(inner, path[1:])}
