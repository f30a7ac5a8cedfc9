"""The tables of judging: drafts of facts, what the rules made of each version, overrides, decisions."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedJSON


class FactsDraft(Owned, Base):
    """What one person has typed of new facts and not kept yet; it outlives reload and sign-out."""

    __tablename__ = "facts_drafts"
    __table_args__ = (UniqueConstraint("incident_id", "staff_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    after: Mapped[int]  # the version of the facts that was being changed
    revision: Mapped[int]  # how often it was saved: tells two tabs apart
    typed: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    saved_at: Mapped[datetime]


class Evaluated(Owned, Base):
    """What one release of the rules made of one version of the facts; never changed."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("incident_id", "facts_number", "rules_version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    facts_number: Mapped[int]
    rules_version: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]]  # contract urn:breachclock:evaluation:1
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SeverityOverride(Owned, Base):
    """A figure of the severity as a person sets it, with a reason; of each figure the latest row holds."""

    __tablename__ = "severity_overrides"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint("figure IN ('dpc', 'ei', 'cb')", name="figure_is_one_of_the_sum"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    facts_number: Mapped[int]
    figure: Mapped[str] = mapped_column(String(3))
    original: Mapped[float]
    value: Mapped[float | None]  # None: the rules' figure holds again
    reason: Mapped[str]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class Question(StrEnum):
    """What there is to decide."""

    AUTHORITY = "authority"  # whether the authority is notified, art. 33(1)
    PEOPLE = "people"  # whether the people concerned are told, art. 34
    PROMISE = "promise"  # whether our own promise is kept
    NIS2 = "nis2"  # whether a neighbouring regime applies; see rules/regimes.toml
    DORA = "dora"
    EPRIVACY = "eprivacy"
    PECR = "pecr"
    CONTRACT = "contract"  # whether clauses of contracts apply

    @property
    def is_of_a_neighbour(self) -> bool:
        """Whether it is asked only where such a regime or clause has made a duty."""
        return self not in (Question.AUTHORITY, Question.PEOPLE, Question.PROMISE)


class Kind(StrEnum):
    """An answer to a question."""

    NOTIFY = "notify_authority"
    DO_NOT_NOTIFY = "do_not_notify"
    COMMUNICATE = "communicate"
    DO_NOT_COMMUNICATE = "do_not_communicate"
    EXEMPT_A = "exempt_34_3_a"  # unintelligible to anyone before the breach
    EXEMPT_B = "exempt_34_3_b"  # later measures took the high risk away
    EXEMPT_C = "exempt_34_3_c"  # disproportionate effort: told in public instead, and still owed
    KEEP_PROMISE = "keep_promise"
    PROMISE_NOT_OWED = "promise_not_owed"
    REGIME_OWED = "regime_owed"  # as long as nobody has decided otherwise
    REGIME_NOT_OWED = "regime_not_owed"

    @property
    def needs_two(self) -> bool:
        """Whether it is in force only when a second person has agreed."""
        return self not in ALONE

    @property
    def releases(self) -> bool:
        """Whether it says, once in force, that nothing is owed."""
        return self.needs_two and self is not Kind.EXEMPT_C


ALONE: Final = (Kind.NOTIFY, Kind.COMMUNICATE, Kind.KEEP_PROMISE)
ANSWERS: Final[dict[Question, tuple[Kind, ...]]] = {
    Question.AUTHORITY: (Kind.NOTIFY, Kind.DO_NOT_NOTIFY),
    Question.PEOPLE: (
        Kind.COMMUNICATE, Kind.DO_NOT_COMMUNICATE, Kind.EXEMPT_A, Kind.EXEMPT_B, Kind.EXEMPT_C,
    ),
    Question.PROMISE: (Kind.KEEP_PROMISE, Kind.PROMISE_NOT_OWED),
    **{each: (Kind.REGIME_NOT_OWED,) for each in Question if each.is_of_a_neighbour},
}  # fmt: skip


class DecisionState(StrEnum):
    """What is true of a decision."""

    PENDING = "pending"  # a second person must agree; until then nothing has changed
    IN_FORCE = "in_force"  # it holds
    DECLINED = "declined"  # the second person did not agree, and said why
    WITHDRAWN = "withdrawn"  # taken back with a reason; the question is open again
    REPLACED = "replaced"  # a later decision on the same question holds


_IN_FORCE, _PENDING = text("state = 'in_force'"), text("state = 'pending'")


class Decision(Owned, Base):
    """One answer by a named person, with reasons and the advice as it stood; what it says never changes.

    The database itself refuses a "do not" in force without a second person, and the same person twice.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        Index("uq_decisions_in_force", "incident_id", "question", unique=True,
              sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
        Index("uq_decisions_pending", "incident_id", "question", unique=True,
              sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_decisions_waiting", "organisation_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        CheckConstraint("agreed_by_id IS NULL OR agreed_by_id <> by_id", name="two_different_people"),
        CheckConstraint(
            "kind IN ('notify_authority', 'communicate', 'keep_promise') OR state <> 'in_force' "
            "OR agreed_by_id IS NOT NULL",
            name="do_not_needs_two",
        ),
        CheckConstraint("(agreed_by_id IS NULL) = (agreed_at IS NULL)", name="agreement_has_a_time"),
        CheckConstraint(
            "state NOT IN ('declined', 'withdrawn') OR ended_reason IS NOT NULL", name="end_has_a_reason"
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    question: Mapped[str] = mapped_column(String(20))  # Question
    kind: Mapped[str] = mapped_column(String(30))  # Kind
    state: Mapped[str] = mapped_column(String(20))  # DecisionState
    facts_number: Mapped[int]
    advised: Mapped[str] = mapped_column(String(30))  # the Kind that the rules advised
    advice: Mapped[dict[str, Any]]  # the evaluation as it stood
    reason: Mapped[str]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    agreed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    agreed_by: Mapped[str | None] = mapped_column(String(200))
    agreed_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]

    @property
    def against_advice(self) -> bool:
        """Whether the person decided otherwise than the rules advised."""
        return self.kind != self.advised
