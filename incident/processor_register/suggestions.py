"""Who may be hit: what the register knows of the processors that an incident names.

A report says what its sender knows; the register says what that processor holds of ours. The two stand
beside each other, and nothing of this becomes a fact before a person has kept it: `draft` puts it into
the fields of a form where the facts and the person have said nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _

from incident import clocks
from incident.forms.facts import FIELDS, LINKS
from incident.forms.fields import UNKNOWN, Sheet, find
from incident.models import Incident, Processor, name_key
from incident.processor_register import tree
from incident.processor_register.marks import places_of

# What companies add to their name, and people leave out.
FORMS: Final = re.compile(
    r"[ ,]+(a/s|aps|as|asa|ab|oy|oyj|ivs|p/s|k/s|i/s|ltd|limited|llc|inc|plc|gmbh|ag|bv|b\.v\.|sa|srl)\.?$"
)
ESTIMATED: Final = "/subjects/total"


class Stands(StrEnum):
    """Where a processor stands to the one that an incident names."""

    NAMED = "named"  # by the report's sender, or in the chain that was told
    BELOW = "below"  # works for one that is named: may hold what that holds
    ABOVE = "above"  # is worked for: its data may be there


@dataclass(frozen=True, slots=True)
class Place:
    """A processor that may be hit, and why it stands here."""

    processor: Processor
    stands: Stands


@dataclass(frozen=True, slots=True)
class Suggested:
    """A value that the register suggests for one unknown fact, and of whom it is known."""

    pointer: str
    value: Any
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MayBeHit:
    """What the register says of an incident; lists hold words, codes and names, each once."""

    places: tuple[Place, ...]
    not_known: tuple[str, ...]  # named in the chain, and not in the register
    systems: tuple[str, ...]
    data_categories: tuple[str, ...]
    subject_groups: tuple[str, ...]
    countries: tuple[str, ...]
    people: int | None  # the largest number of any of them: they may be the same people
    suggested: tuple[Suggested, ...]  # for facts that are unknown, and for no others


def may_be_hit(incident: Incident) -> MayBeHit | None:
    """What the register says of the incident's processors; None when it names none at all."""
    document = clocks.document_of(incident)
    told = [link["name"] for link in document.get("chain") or [] if link.get("name")]
    everybody = tree.known()
    named, not_known = _named(incident.processor_id, told, everybody)
    if not named and not not_known:
        return None
    places = _places(named, everybody)
    hit = [each.processor for each in places if each.stands is not Stands.ABOVE]
    return MayBeHit(
        places=places, not_known=tuple(not_known), systems=_union(hit, "systems"),
        data_categories=_union(hit, "data_categories"), subject_groups=_union(hit, "subject_groups"),
        countries=tuple(dict.fromkeys(code for each in hit for code in places_of(each))),
        people=max((each.people for each in hit if each.people is not None), default=None),
        suggested=tuple(_suggested(document, named, places)),
    )  # fmt: skip


def _named(
    processor_id: UUID | None, told: Iterable[str], everybody: list[Processor]
) -> tuple[list[Processor], list[str]]:
    """The processors that the incident names, the sender first, and the names that are none of ours."""
    named = [each for each in everybody if each.id == processor_id]
    not_known = []
    for name in told:
        if (found := _by_name(name, everybody)) is None:
            not_known.append(name)
        elif found not in named:
            named.append(found)
    return named, not_known


def _by_name(name: str, everybody: list[Processor]) -> Processor | None:
    """By its name, or by its name without the form of the company where that is only one's."""
    key = name_key(name)
    exactly = [each for each in everybody if each.name_key == key]
    about = exactly or [each for each in everybody if FORMS.sub("", each.name_key) == FORMS.sub("", key)]
    return about[0] if len(about) == 1 else None


def _places(named: list[Processor], everybody: list[Processor]) -> tuple[Place, ...]:
    """Those named, then below them, then above them; each where it stands nearest."""
    found = {each.id: Place(each, Stands.NAMED) for each in named}
    parents, by_id = {each.id: each.serves_id for each in everybody}, {each.id: each for each in everybody}
    for each in _innermost(named, parents):
        for sub in tree.below(everybody, each.id):
            found.setdefault(sub.id, Place(sub, Stands.BELOW))
    for each in named:
        for over in tree.above(parents, each.id):
            found.setdefault(over, Place(by_id[over], Stands.ABOVE))
    return tuple(found.values())


def _innermost(named: list[Processor], parents: Mapping[UUID, UUID | None]) -> list[Processor]:
    """Of those named the ones that no other one named is below: where it happened, as far as was told."""
    over = {above for each in named for above in tree.above(parents, each.id)}
    return [each for each in named if each.id not in over]


def _union(hit: Iterable[Processor], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for each in hit for value in getattr(each, name)))


# --- for facts that are unknown -----------------------------------------------------------------


def _suggested(
    document: Mapping[str, Any], named: list[Processor], places: tuple[Place, ...]
) -> Iterable[Suggested]:
    for pointer, name in (("/data/categories", "data_categories"), ("/subjects/groups", "subject_groups")):
        if not find(document, pointer[1:].split("/")):
            holders = _holders(name, places)
            if values := _union(holders, name):
                yield Suggested(pointer, list(values), tuple(each.name for each in holders))
    total = find(document, ["subjects", "total"]) or {}
    if not {"exactly", "at_least", "at_most"} & set(total):
        counted = [each for each in _holders("people", places) if each.people]
        if counted:
            most = max(counted, key=lambda each: each.people or 0)
            yield Suggested(ESTIMATED, most.people, (most.name,))
    if "chain" not in document and named:
        yield Suggested("/chain", _chain(named[0]), (named[0].name,))


def _holders(name: str, places: tuple[Place, ...]) -> list[Processor]:
    """Who holds it: those named and those below; where nothing is known of these, those above."""
    for stands in ((Stands.NAMED, Stands.BELOW), (Stands.ABOVE,)):
        if found := [each.processor for each in places if each.stands in stands and _knows(each, name)]:
            return found
    return []


def _knows(place: Place, name: str) -> bool:
    return getattr(place.processor, name) not in (None, [])


def _chain(reporting: Processor) -> list[dict[str, str]]:
    """The links from our own processor to the one that reported, as the facts tell them."""
    by_id = {each.id: each for each in tree.known()}
    parents = {each.id: each.serves_id for each in by_id.values()}
    way = [reporting, *(by_id[each] for each in tree.above(parents, reporting.id))][::-1]
    roles = ["processor"] + ["sub_processor"] * (len(way) - 1)
    return [
        {"name": each.name, "role": role, "country": each.country}
        for each, role in zip(way, roles, strict=True)
    ][:LINKS]


def draft(sheet: Sheet, suggested: Iterable[Suggested]) -> list[Suggested]:
    """Put what is suggested into the form where it says nothing; which of it was put in.

    `sheet` is changed. What stands in a field, typed or told, stays.
    """
    taken = []
    for each in suggested:
        fields = _typed(each)
        if any(_says(sheet, name) for name in _whole(each.pointer)):
            continue
        if each.pointer == "/chain" and sheet.one("at_a_processor") == "no":
            continue
        sheet.typed.update(fields)
        taken.append(each)
    if taken and not sheet.one("reason").strip():
        names = ", ".join(dict.fromkeys(name for each in taken for name in each.of))
        sheet.typed["reason"] = [_("From the register of processors: %(names)s.", names=names)[:1000]]
    return taken


def _whole(pointer: str) -> list[str]:
    """The fields that must all say nothing, so that one suggestion does not mix with what was told."""
    told = [each.name for each in FIELDS if f"{each.pointer}/".startswith(f"{pointer}/")]
    return [name for name in told if not name.endswith((".role", ".estimate"))]


def _says(sheet: Sheet, name: str) -> bool:
    return any(text.strip() not in ("", UNKNOWN) for text in sheet.all(name))


def _typed(each: Suggested) -> dict[str, list[str]]:
    if each.pointer == ESTIMATED:
        return {"subjects.total.at_most": [str(each.value)], "subjects.total.estimate": ["yes"]}
    if each.pointer == "/chain":
        typed = {
            f"chain.{number}.{part}": [text]
            for number, link in enumerate(each.value)
            for part, text in link.items()
        }
        return typed | {"at_a_processor": ["yes"]}
    return {each.pointer[1:].replace("/", "."): [str(value) for value in each.value]}
