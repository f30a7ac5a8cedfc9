"""When a change of shift wants a note, and what a note is; spans are dated data in `handover.toml`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated

from pydantic import Field

from incident.rules.dated import DatedRow, RuleDataFault, breaks, holding_at, read_data, rows_of

FILE = "handover.toml"
LONGEST = 8000  # characters of one part of a note
Minutes = Annotated[int, Field(gt=0)]


class Terms(DatedRow):
    """The spans of handing over."""

    ask_before_minutes: Minutes
    catch_up_hours: Minutes

    @property
    def ask_before(self) -> timedelta:
        """So long before the end of a shift its note is asked for."""
        return timedelta(minutes=self.ask_before_minutes)

    @property
    def catch_up(self) -> timedelta:
        """After an outage a change so long ago is still dealt with."""
        return timedelta(hours=self.catch_up_hours)


class CalendarTerms(DatedRow):
    """The spans of a calendar."""

    ahead_days: Minutes
    behind_days: Minutes
    cancelled_days: Minutes
    refresh_minutes: Minutes
    deadline_alarms_minutes: list[Minutes]
    step_alarms_minutes: list[Minutes]
    shift_alarms_minutes: list[Minutes]


@dataclass(frozen=True, slots=True)
class _Tables:
    handover: tuple[Terms, ...]
    calendar: tuple[CalendarTerms, ...]


@cache
def _tables() -> _Tables:
    """Both tables. Raises: RuleDataFault naming each fault."""
    document, faults = read_data(FILE), list[str]()
    handover = rows_of(document.get("handover"), Terms, f"{FILE}: handover", faults)
    calendar = rows_of(document.get("calendar"), CalendarTerms, f"{FILE}: calendar", faults)
    faults += [*breaks(handover, f"{FILE}: handover"), *breaks(calendar, f"{FILE}: calendar")]
    if faults:
        raise RuleDataFault(faults)
    return _Tables(tuple(handover), tuple(calendar))


def terms(now: datetime) -> Terms:
    """The spans that hold now; before the first row, the first."""
    return holding_at(_tables().handover, now) or _tables().handover[0]


def calendar_terms(now: datetime) -> CalendarTerms:
    """The spans of a calendar that hold now; before the first row, the first."""
    return holding_at(_tables().calendar, now) or _tables().calendar[0]


@dataclass(frozen=True, slots=True)
class Note:
    """What one shift tells the next."""

    done: str
    open: str
    watch: str

    @classmethod
    def of(cls, told: Mapping[str, str] | None) -> "Note":
        """The note as kept or typed; what is missing is empty."""
        return cls(**{each.name: (told or {}).get(each.name, "").strip() for each in fields(cls)})

    def document(self) -> dict[str, str]:
        """As it is kept."""
        return asdict(self)

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with it, by part: "empty" or "long"."""
        found = {name: "long" for name, text in self.document().items() if len(text) > LONGEST}
        if not any(self.document().values()):
            found["done"] = "empty"
        return found

    @property
    def sha256(self) -> str:
        """The hash that the ledger has in place of the text."""
        text = json.dumps(self.document(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def wants_note(*, first: bool, holds_role: bool, stays_on: bool) -> bool:
    """Whether the end of a shift wants a note about an incident.

    The shift that pages go to first has every incident in hand; of another one only who holds a role in
    it. Who is in the first line afterwards has nothing to hand over by leaving another rotation.
    """
    return first or (holds_role and not stays_on)
