"""What a coverage report counts: people by way, fate, language and country; letters; who approved what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select

from foundation.database import db
from incident.models import GONE, LetterRun, RecipientList, SubjectCommunication
from notifications import told as rows

DELIVERED: Final = "delivered"
POSTED: Final = "posted"
SETTLED: Final = "settled"
UNDER_WAY: Final = ("accepted", "waiting", "failed")  # failed: the next way is taken soon
LEFT: Final = ("manual",)
PROOFS: Final = (DELIVERED, POSTED)


@dataclass(frozen=True, slots=True)
class Line:
    """So many people with one fate, by the way, language and country that it is of."""

    channel: str
    fate: str
    locale: str
    country: str
    reason: str
    people: int


@dataclass(frozen=True, slots=True)
class Run:
    """Letters that were printed together; `posted_on` is the day a person told, None until then."""

    number: int
    letters: int
    left_out: int
    posted_on: date | None
    posted_by: str
    posted_with: str


@dataclass(frozen=True, slots=True)
class List:
    """A list that people were picked from."""

    number: int
    people: int
    faulty: int
    folded: int
    file_sha256: str
    rows_sha256: str


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a report says, as counts and hashes; nobody is named. Instants are UTC.

    `people` is how many were to be told, as approved; those who have no line yet were not begun with.
    """

    people: int
    lines: tuple[Line, ...] = ()
    runs: tuple[Run, ...] = ()
    lists: tuple[List, ...] = ()
    state: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    content_sha256: str = ""

    def count(self, *fates: str, lines: Iterable[Line] | None = None) -> int:
        """How many people have one of these fates."""
        return sum(each.people for each in (self.lines if lines is None else lines) if each.fate in fates)

    @property
    def delivered(self) -> int:
        """How many a provider says it delivered to."""
        return self.count(DELIVERED)

    @property
    def posted(self) -> int:
        """How many letters a person says were posted, and did not come back."""
        return self.count(POSTED)

    @property
    def informed(self) -> int:
        """How many were told by a proof: delivered, or a letter posted."""
        return self.count(*PROOFS)

    @property
    def settled(self) -> int:
        """How many a person saw to, and said how."""
        return self.count(SETTLED)

    @property
    def left(self) -> int:
        """How many are left to a person."""
        return self.count(*LEFT)

    @property
    def not_begun(self) -> int:
        """How many have no line yet."""
        return max(0, self.people - sum(each.people for each in self.lines))

    @property
    def under_way(self) -> int:
        """How many have been written to, or will be, without a proof yet."""
        return self.count(*UNDER_WAY)

    @property
    def whole(self) -> bool:
        """Whether everybody was told by a proof."""
        return self.people > 0 and self.informed >= self.people

    def reasons(self) -> Counter[tuple[str, str]]:
        """Who is left to a person, by reason and the last way."""
        found: Counter[tuple[str, str]] = Counter()
        for each in self.lines:
            if each.fate in LEFT:
                found[each.reason or unsaid(self.state, each.channel), each.channel] += each.people
        return found


def unsaid(state: str, channel: str) -> str:
    """The reason that a row without one stands for: it was stopped, or there was no way from the beginning.

    `state` is that of the sending. Rows that were made before each had a reason have none.
    """
    if state == "stopped":
        return "stopped"
    return "no_way" if channel == "manual" else "unknown"


def told(communication: SubjectCommunication) -> Told:
    """The counts of a communication as its rows are now."""
    sent = rows.sending_of(f"communication:{communication.id}")
    counted = rows.counts(sent.id) if sent else []
    runs = select(LetterRun).where(
        LetterRun.communication_id == communication.id, LetterRun.taken_back_at.is_(None)
    )
    return Told(
        people=sent.people if sent else communication.recipients,
        lines=tuple(
            Line(each.channel, each.fate, each.locale, each.country, each.code, each.people)
            for each in counted
        ),
        runs=tuple(
            Run(each.number, each.letters, each.left_out, each.posted_on, each.posted_by or "",
                each.posted_with or "")
            for each in db.session.scalars(runs.order_by(LetterRun.number))
        ),
        lists=_lists(communication),
        state=sent.state if sent else "", begun_at=sent.begun_at if sent else None,
        ended_at=sent.ended_at if sent else None,
        first_at=min((each.first_at for each in counted if each.fate in PROOFS), default=None),
        last_at=max((each.last_at for each in counted if each.fate in PROOFS), default=None),
        content_sha256=communication.content_sha256,
    )  # fmt: skip


def _lists(communication: SubjectCommunication) -> tuple[List, ...]:
    """The lists it picked from; all of the incident's where it names none."""
    mine = select(RecipientList).where(
        RecipientList.incident_id == communication.incident_id, RecipientList.state.not_in(GONE)
    )
    picked = communication.selection.get("lists")
    found = db.session.scalars(mine.order_by(RecipientList.number))
    return tuple(
        List(each.number, each.people, each.faulty, each.folded, each.file_sha256, each.rows_sha256 or "")
        for each in found
        if picked is None or str(each.id) in map(str, picked)
    )
