"""The chain of times: who knew when, from the breach to our own awareness, link by link.

Each instant carries the offset with which it was told, who says so, and how sure it is. What nobody has
told is unknown and stays in the chain as unknown: it is the next question to ask. What does not fit is
shown with its doubt and never put right here. The agreed hours say how late each link told the next
(GDPR art. 28(3)(f), 33(2); Guidelines 9/2022 paras 43-46).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from incident.rules.facts import Link
from incident.rules.instants import (
    Certainty,
    Chain,
    Doubt,
    Earlier,
    Instant,
    Material,
    Origin,
    Point,
    Source,
    Telling,
    Version,
)
from incident.rules.law import LAW, Law
from incident.rules.plausibility import AHEAD
from incident.rules.values import instant

_OFFSET: Final = re.compile(r"(?:[Zz]|[+-]\d{2}:?\d{2})$")


def key_of(name: str) -> str:
    """What makes two names one party: its letters, whatever their case and spacing."""
    return " ".join(name.casefold().split())


def chain_of_times(material: Material, *, law: Law = LAW) -> Chain:
    """Make the chain. Links come from the far end to the near one, as word travelled."""
    links = _links(material)
    found = [_occurred(material)]
    for place in range(len(links) - 1, -1, -1):
        below = found[-1] if place < len(links) - 1 else None
        whom = links[place - 1].name if place else ""
        found += [_aware(material, links, place, below), _told(material, links, place, whom)]
    if not links and material.facts.timeline.informed_at is not None:
        found.append(_told_by_somebody(material))
    if found[-1].source.origin is not Origin.RECEIPT:
        found.append(_arrived(material))
    found.append(_we_aware(material))
    doubted = [_doubted(each, material) for each in _with_sides(found, material)]
    return Chain(tuple(_gaps(doubted)), tuple(_tellings(doubted, material, law)))


def _links(material: Material) -> tuple[Link, ...]:
    """The links as told; where none are, whoever reported is the one that must have known."""
    if material.facts.chain or not material.reporter:
        return material.facts.chain
    return (Link(name=material.reporter, role="processor"),)


# --- the instants -------------------------------------------------------------------------------

Look = Callable[[Mapping[str, Any]], Any]


def _occurred(material: Material) -> Instant:
    return _read(material, Point.OCCURRED, "/timeline/occurred_from", _of_timeline("occurred_from"))


def _aware(material: Material, links: Sequence[Link], place: int, below: Instant | None) -> Instant:
    """When a link knew: as it says, else as is said of the processor, else when the one below told it."""
    link, pointer = links[place], f"/chain/{place}/aware_at"
    found = _read(material, Point.AWARE, pointer, _of_link(link.name, place, "aware_at"), who=link.name)
    if place == 0:
        other = _read(
            material, Point.AWARE, "/timeline/processor_aware_at", _of_timeline("processor_aware_at"),
            who=link.name,
        )  # fmt: skip
        found = _of_two(found, other)
    if below is None or below.at is None:
        return found
    if found.at is None:
        source = Source(Origin.TELLING, below.who)
        return replace(found, at=below.at, source=source, certainty=Certainty.DERIVED)
    if found.at > below.at + AHEAD:
        return _in_doubt(found, Doubt.AFTER_IT_WAS_TOLD)
    return found


def _told(material: Material, links: Sequence[Link], place: int, whom: str) -> Instant:
    """When a link told the next one; the nearest told us, by the receipt of its report at the latest."""
    link, pointer = links[place], f"/chain/{place}/told_next_at"
    look = _of_link(link.name, place, "told_next_at")
    found = _read(material, Point.TOLD, pointer, look, who=link.name, whom=whom)
    if place:
        return found
    return _by_the_receipt(_of_two(found, _informed(material, link.name)), material)


def _informed(material: Material, who: str) -> Instant:
    return _read(material, Point.TOLD, "/timeline/informed_at", _of_timeline("informed_at"), who=who)


def _told_by_somebody(material: Material) -> Instant:
    found = _informed(material, "")
    late = found.at is not None and found.at > material.received_at + AHEAD
    return _in_doubt(found, Doubt.AFTER_THE_REPORT) if late else found


def _by_the_receipt(found: Instant, material: Material) -> Instant:
    if found.at is None and material.reporter:
        source = Source(Origin.RECEIPT, material.reporter, at=material.received_at)
        return replace(found, at=material.received_at, source=source, certainty=Certainty.DERIVED)
    if found.at is not None and found.at > material.received_at + AHEAD:
        return _in_doubt(found, Doubt.AFTER_THE_REPORT)
    return found


def _of_two(first: Instant, second: Instant) -> Instant:
    """The same said in two places: the first, and the doubt where they differ by more than clocks do."""
    if first.at is None:
        return second if second.at is not None else first
    if second.at is not None and abs(first.at - second.at) > AHEAD:
        return _in_doubt(first, Doubt.TWO_TIMES)
    return first


def _arrived(material: Material) -> Instant:
    source = Source(Origin.RECEIPT, at=material.received_at)
    return Instant(Point.ARRIVED, "", "", material.received_at, "", source, Certainty.EXACT, "")


def _we_aware(material: Material) -> Instant:
    """Our awareness as it is held now; provisional is derived, and what was held before stays beside it."""
    held = material.awareness[-1] if material.awareness else None
    earlier = tuple(
        Earlier(each.at, "", each.provisional, each.by)
        for each in reversed(material.awareness[:-1])
        if each.at is not None and held is not None and each.at != held.at
    )
    if held is None or held.at is None:
        return _unknown(Point.WE_AWARE, "", "", "/timeline/aware_at")
    origin = Origin.RULES if held.provisional else Origin.PERSON
    certainty = Certainty.DERIVED if held.provisional else Certainty.EXACT
    source = Source(origin, held.by, at=held.recorded_at)
    return Instant(
        Point.WE_AWARE, "", "", held.at, "", source, certainty, "/timeline/aware_at", earlier=earlier
    )


def _with_sides(found: list[Instant], material: Material) -> list[Instant]:
    """With the end of the breach and when it was noticed, where known: before the first later point."""
    for point, name in ((Point.ENDED, "occurred_to"), (Point.NOTICED, "detected_at")):
        seen = _read(material, point, f"/timeline/{name}", _of_timeline(name))
        if seen.at is not None:
            found = _put_in(found, seen, seen.at)
    return found


def _put_in(found: list[Instant], seen: Instant, at: datetime) -> list[Instant]:
    later = (place for place, each in enumerate(found) if place and each.at and each.at >= at)
    place = next(later, len(found) - 1)
    if found[place].point is Point.TOLD:
        place -= 1  # nothing comes between what a link knew and what it told
    place = max(place, 1)
    return [*found[:place], seen, *found[place:]]


# --- who says so --------------------------------------------------------------------------------


def _of_timeline(name: str) -> Look:
    def look(document: Mapping[str, Any]) -> Any:
        return _member(document.get("timeline"), name)

    return look


def _of_link(who: str, place: int, name: str) -> Look:
    """The link of that name, wherever it stood in an earlier version, else the one in its place."""

    def look(document: Mapping[str, Any]) -> Any:
        links = document.get("chain") or []
        same = [each for each in links if key_of(str(_member(each, "name"))) == key_of(who)]
        return _member((same or list(links[place : place + 1]) or [None])[0], name)

    return look


def _member(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, Mapping) else None


def _read(
    material: Material, point: Point, pointer: str, look: Look, *, who: str = "", whom: str = ""
) -> Instant:
    """An instant of the facts: as the latest version has it, from whom, and what was said before."""
    said = [(each, _told_instant(look(each.document))) for each in material.versions]
    now_told = said[-1][1] if said else None
    if now_told is None:
        return _unknown(point, who, whom, pointer)
    before, guess = len(said), _is_guess(point, said[-1][0])
    for version, told in reversed(said):
        if told is None or (told[0], _is_guess(point, version)) != (now_told[0], guess):
            break
        before -= 1
    since = said[before][0]
    return Instant(
        point, who, whom, now_told[0], now_told[1], _source(since),
        Certainty.ESTIMATED if guess else Certainty.EXACT, pointer,
        earlier=_earlier(point, said[:before]),
    )  # fmt: skip


def _earlier(
    point: Point, said: Sequence[tuple[Version, tuple[datetime, str] | None]]
) -> tuple[Earlier, ...]:
    """What was said before, the latest first, each time once where it was repeated."""
    found: list[Earlier] = []
    for version, told in reversed(said):
        guess = _is_guess(point, version)
        if told is None or (found and (found[-1].at, found[-1].estimated) == (told[0], guess)):
            continue
        found.append(Earlier(told[0], told[1], guess, version.source))
    return tuple(found)


def _is_guess(point: Point, version: Version) -> bool:
    timeline = version.document.get("timeline")
    return point in (Point.OCCURRED, Point.ENDED) and _member(timeline, "occurred_is_estimate") is True


def _source(version: Version) -> Source:
    origin = Origin.REPORT if version.by_report else Origin.FORM
    return Source(origin, version.source, version.number, version.at)


def _told_instant(text: Any) -> tuple[datetime, str] | None:
    """An instant of a document in UTC, and the offset with which it was told."""
    try:
        at = instant(text)
    except (ValueError, TypeError):
        return None
    offset = _OFFSET.search(str(text))
    return at, offset.group().upper() if offset else ""


def _unknown(point: Point, who: str, whom: str, pointer: str) -> Instant:
    return Instant(point, who, whom, None, "", Source(Origin.NOBODY), Certainty.UNKNOWN, pointer)


# --- what does not fit --------------------------------------------------------------------------


def _in_doubt(each: Instant, doubt: Doubt) -> Instant:
    return replace(each, doubt=each.doubt or doubt, certainty=Certainty.CONTRADICTED)


def _doubted(each: Instant, material: Material) -> Instant:
    """An instant that comes before the breach, or has not come yet, is in doubt; an estimate allows it."""
    began = material.facts.timeline
    if each.at is None or each.point is Point.OCCURRED:
        return _in_doubt(each, Doubt.NOT_YET) if each.at and each.at > material.now + AHEAD else each
    if each.at > material.now + AHEAD:
        return _in_doubt(each, Doubt.NOT_YET)
    if began.occurred_from and not began.occurred_is_estimate and each.at < began.occurred_from:
        return _in_doubt(each, Doubt.BEFORE_IT_BEGAN)
    return each


def _gaps(found: Sequence[Instant]) -> Iterator[Instant]:
    """The same with the hours between known neighbours; a telling before its own knowing is in doubt."""
    before: Instant | None = None
    for each in found:
        if each.at is None:
            yield each
            continue
        gap = _hours(each.at - before.at) if before and before.at else None
        told_too_soon = (
            before is not None and before.point is Point.AWARE and before.who == each.who
            and each.point is Point.TOLD and gap is not None and gap < 0
        )  # fmt: skip
        before = replace(_in_doubt(each, Doubt.BEFORE_IT_KNEW) if told_too_soon else each, gap=gap)
        yield before


def _tellings(found: Sequence[Instant], material: Material, law: Law) -> Iterator[Telling]:
    """From knowing to telling, for each link in the order of the chain."""
    knew = {each.who: each for each in found if each.point is Point.AWARE}
    for told in found:
        if told.point is not Point.TOLD or told.who not in knew:
            continue
        aware = knew[told.who].at
        own = law.limit("notice_to_controller", "own", aware or material.received_at)
        agreed = (material.agreed or {}).get(key_of(told.who))
        hours = _hours(told.at - aware) if told.at and aware else None
        if hours is not None and hours < 0:
            hours = None
        yield Telling(told.who, told.whom, hours, agreed or own.hours or 0, agreed is not None)


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
