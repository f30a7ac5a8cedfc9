"""Who of the lists is told by a communication, and by which ways; the choice is part of what is approved.

An address that is protected gets no letter by itself: envelopes pass through many hands. Such a person is
told by e-mail or text, else stays with a person, unless somebody chose otherwise for this communication.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from accounts.models import StaffMember
from foundation import locales
from foundation.database import db
from foundation.errors import Invalid
from incident.lists import people
from incident.models import GONE, WAYS, Incident, Recipient, RecipientList, SubjectCommunication, Ways
from incident.subject_communication import preparing

BITS: Final = {"email": Ways.EMAIL, "sms": Ways.SMS, "letter": Ways.LETTER}
LABELS: Final = {"email": _l("e-mail"), "sms": _l("text message"), "letter": _l("letter")}
LETTERS_TO_PROTECTED: Final = preparing.LETTERS_TO_PROTECTED
MOST_GROUPS: Final = 200  # shown to choose from


class Reached(Protocol):
    """A row of somebody's ways, and whether the address is protected."""

    @property
    def ways(self) -> int:
        """Bits of `Ways`."""
        ...

    @property
    def protected(self) -> bool | None:
        """Whether the address is; None where nobody has told."""
        ...


def ways_of(communication: SubjectCommunication, person: Reached) -> int:
    """The ways that are open for a person: what the list has, without a letter to a protected address."""
    if person.protected and not communication.selection.get(LETTERS_TO_PROTECTED):
        return int(person.ways) & ~int(Ways.LETTER)
    return int(person.ways)


def first_way(communication: SubjectCommunication, ways: int) -> str:
    """By which way somebody is told first; empty where there is none."""
    return next((each for each in communication.ways if ways & BITS[each]), "")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose on the page; what is empty narrows nothing."""

    lists: tuple[UUID, ...] = ()
    groups: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    financial: bool = False
    protected: bool = False
    untold: bool = False
    letters_to_protected: bool = False
    again: bool = False
    ways: tuple[str, ...] = WAYS

    def kept(self, told_by: str | None) -> dict[str, Any]:
        """As it is kept with the communication; whom a correction goes to is not chosen again."""
        told: dict[str, Any] = {
            "lists": sorted(map(str, self.lists)), "groups": sorted(set(self.groups)),
            "locales": [each for each in locales.LOCALES if each in self.locales],
            "financial": self.financial, "protected": self.protected, "untold": self.untold,
            LETTERS_TO_PROTECTED: self.letters_to_protected, "again": self.again, "told_by": told_by,
        }  # fmt: skip
        if told_by:  # everybody who had the other
            told = {"told_by": told_by, LETTERS_TO_PROTECTED: self.letters_to_protected}
        return {name: value for name, value in told.items() if value}


def choose(
    incident: Incident, communication: SubjectCommunication, choice: Choice, *, seen: str, by: StaffMember,
    now: datetime,
) -> bool:  # fmt: skip
    """Choose who is told and by which ways; whether that changed. An approval is void once it does.

    Raises: Refused as `preparing.set_texts`, Invalid without a way or with a list that is not there.
    """
    preparing.refuse_sent(communication)
    preparing.refuse_stale(incident, communication, seen)
    ways = [each for each in dict.fromkeys(choice.ways) if each in WAYS]
    if not ways:
        raise Invalid(_("No way was chosen."), next_step=_("Choose one at least: e-mail, text or letter."))
    known = {each.id for each in standing_lists(incident)}
    if not set(choice.lists) <= known:
        raise Invalid(
            _("A list that was chosen is not there any more."), next_step=_("Choose among those shown.")
        )
    selection = choice.kept(communication.selection.get("told_by"))
    if (selection, ways) == (communication.selection, communication.ways):
        return False
    communication.selection, communication.ways = selection, ways
    preparing.changed(
        incident, communication, "communication.selection_changed", by=by, now=now, ways=ways,
        selection=selection, people=communication.recipients,
    )  # fmt: skip
    return True


def standing_lists(incident: Incident) -> list[RecipientList]:
    """The lists of an incident that nobody withdrew and that were not refused, by number."""
    mine = select(RecipientList).where(
        RecipientList.incident_id == incident.id, RecipientList.state.not_in(GONE)
    )
    return list(db.session.scalars(mine.order_by(RecipientList.number)))


def lists_of(incident: Incident, communication: SubjectCommunication) -> list[RecipientList]:
    """The lists that a communication picks from."""
    chosen = set(communication.selection.get("lists", ()))
    return [each for each in standing_lists(incident) if not chosen or str(each.id) in chosen]


def groups_of(incident: Incident) -> list[tuple[str, int]]:
    """The groups that the lists of an incident name, and how many people are in each."""
    counted = (
        select(Recipient.group, func.count())
        .where(
            Recipient.incident_id == incident.id, Recipient.group != "", Recipient.folded_into_id.is_(None)
        )
        .group_by(Recipient.group).order_by(Recipient.group).limit(MOST_GROUPS)
    )  # fmt: skip
    return [(group, count) for group, count in db.session.execute(counted)]


# --- how many -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """How many are picked, by language, country, ways and whether the address is protected."""

    communication: SubjectCommunication
    rows: Mapping[tuple[str, str, int, bool], int] = field(default_factory=dict)

    @cached_property
    def people(self) -> int:
        """How many are told."""
        return sum(self.rows.values())

    @cached_property
    def by_language(self) -> dict[str, int]:
        """How many read which language, in our order of languages."""
        found = self._by(lambda row: row[0])
        return {each: found[each] for each in (*locales.LOCALES, *sorted(found)) if each in found}

    @cached_property
    def by_country(self) -> dict[str, int]:
        """How many live in which country, the most first; "" where no list says."""
        return dict(self._by(lambda row: row[1]).most_common())

    @cached_property
    def by_way(self) -> dict[str, int]:
        """How many are told by which way first, in the order that is tried; "" for who has none."""
        found = self._by(lambda row: self._first(row[2], is_protected=row[3]))
        return {each: found[each] for each in (*self.communication.ways, "") if found[each]}

    @cached_property
    def with_next(self) -> int:
        """How many have a further way, should the first not reach them."""
        return sum(
            count for row, count in self.rows.items()
            if len(_among(self.communication.ways, self._open(row[2], is_protected=row[3]))) > 1
        )  # fmt: skip

    @cached_property
    def protected(self) -> int:
        """How many have a protected address."""
        return sum(count for row, count in self.rows.items() if row[3])

    @cached_property
    def kept_from_letters(self) -> int:
        """How many would get a letter, were their address not protected."""
        return sum(
            count for (_locale, _country, ways, is_protected), count in self.rows.items()
            if is_protected and ways & Ways.LETTER and "letter" in self.communication.ways
            and not self._open(ways, is_protected=True) & Ways.LETTER
        )  # fmt: skip

    def loads(self) -> Iterable[tuple[str, str, str, int]]:
        """First way, country, language and how many; who has no way is in none."""
        for (locale, country, ways, is_protected), count in self.rows.items():
            if way := self._first(ways, is_protected=is_protected):
                yield way, country, locale, count

    def _by(self, key: Any) -> Counter[str]:
        found: Counter[str] = Counter()
        for row, count in self.rows.items():
            found[key(row)] += count
        return found

    def _open(self, ways: int, *, is_protected: bool) -> int:
        return ways_of(self.communication, _Row(ways, is_protected))

    def _first(self, ways: int, *, is_protected: bool) -> str:
        return first_way(self.communication, self._open(ways, is_protected=is_protected))


def _among(ways: Iterable[str], bits: int) -> list[str]:
    return [each for each in ways if bits & BITS[each]]


@dataclass(frozen=True, slots=True)
class _Row:
    ways: int
    protected: bool | None


def counts(communication: SubjectCommunication) -> Counts:
    """Count whom a communication picks, in one question to the database."""
    columns = (Recipient.locale, Recipient.country, Recipient.ways, Recipient.protected)
    grouped = people.selected(communication).with_only_columns(*columns, func.count()).group_by(*columns)
    found: Counter[tuple[str, str, int, bool]] = Counter()
    for locale, country, ways, is_protected, count in db.session.execute(grouped):
        found[locale, country, ways, bool(is_protected)] += count
    return Counts(communication, found)
