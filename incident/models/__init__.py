"""The tables of an incident: who reported what, what is known, which clocks run, who was told."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedJSON, EncryptedText
from incident.models.customers import ControllerNotice as ControllerNotice
from incident.models.customers import Customer as Customer
from incident.models.customers import CustomerContact as CustomerContact
from incident.models.customers import CustomerProcessor as CustomerProcessor
from incident.models.customers import FanOut as FanOut
from incident.models.customers import NoticeRound as NoticeRound
from incident.models.customers import NoticeState as NoticeState
from incident.models.customers import RoundState as RoundState
from incident.models.customers import SetAside as SetAside
from incident.models.customers import SetAsideState as SetAsideState
from incident.models.decided import ALONE as ALONE
from incident.models.decided import ANSWERS as ANSWERS
from incident.models.decided import Decision as Decision
from incident.models.decided import DecisionState as DecisionState
from incident.models.decided import Evaluated as Evaluated
from incident.models.decided import FactsDraft as FactsDraft
from incident.models.decided import Kind as Kind
from incident.models.decided import Question as Question
from incident.models.decided import SeverityOverride as SeverityOverride
from incident.models.drill import Drill as Drill
from incident.models.duty import OWED as OWED
from incident.models.duty import UNFILED as UNFILED
from incident.models.duty import ContractClause as ContractClause
from incident.models.duty import DelayReason as DelayReason
from incident.models.duty import Duty as Duty
from incident.models.duty import DutyRung as DutyRung
from incident.models.duty import DutyStage as DutyStage
from incident.models.duty import DutyState as DutyState
from incident.models.duty import IncidentMoment as IncidentMoment
from incident.models.duty import RegimeSwitch as RegimeSwitch
from incident.models.duty import RungKind as RungKind
from incident.models.filed import AuthorityFiling as AuthorityFiling
from incident.models.filed import Channel as Channel
from incident.models.filed import FilingProof as FilingProof
from incident.models.letters import ABOUT_ANOTHER as ABOUT_ANOTHER
from incident.models.letters import ASKING as ASKING
from incident.models.letters import CHANNELS as CHANNELS
from incident.models.letters import OURS as OURS
from incident.models.letters import AuthorityLetter as AuthorityLetter
from incident.models.letters import LetterKind as LetterKind
from incident.models.linking import OfflineKey as OfflineKey
from incident.models.linking import Quarantined as Quarantined
from incident.models.linking import ReportConfirmation as ReportConfirmation
from incident.models.linking import ReportingLink as ReportingLink
from incident.models.linking import Submission as Submission
from incident.models.people import GONE as GONE
from incident.models.people import IncidentKey as IncidentKey
from incident.models.people import ListState as ListState
from incident.models.people import Recipient as Recipient
from incident.models.people import RecipientList as RecipientList
from incident.models.people import RowFault as RowFault
from incident.models.people import Ways as Ways
from incident.models.processor import Endpoint as Endpoint
from incident.models.processor import Processor as Processor
from incident.models.processor import ProcessorContact as ProcessorContact
from incident.models.processor import SigningKey as SigningKey
from incident.models.processor import name_key as name_key
from incident.models.proof import CodeKey as CodeKey
from incident.models.proof import CoverageReport as CoverageReport
from incident.models.proof import Forgetting as Forgetting
from incident.models.proof import WrongCodes as WrongCodes
from incident.models.roles import CalendarEntry as CalendarEntry
from incident.models.roles import CalendarFeed as CalendarFeed
from incident.models.roles import Deputy as Deputy
from incident.models.roles import Handover as Handover
from incident.models.roles import RoleHeld as RoleHeld
from incident.models.telling import BEFORE_SENDING as BEFORE_SENDING
from incident.models.telling import WAYS as WAYS
from incident.models.telling import CommunicationState as CommunicationState
from incident.models.telling import HeardKind as HeardKind
from incident.models.telling import LetterRun as LetterRun
from incident.models.telling import LetterRunFile as LetterRunFile
from incident.models.telling import PersonHeard as PersonHeard
from incident.models.telling import PublicNotice as PublicNotice
from incident.models.telling import PublicPlace as PublicPlace
from incident.models.telling import RunState as RunState
from incident.models.telling import SubjectCommunication as SubjectCommunication
from incident.models.watching import PaperPlan as PaperPlan
from incident.rules.phases import Phase as Phase
from notifications.rules.pretend import DRILL


class ReportState(StrEnum):
    """What became of a report."""

    ACCEPTED = "accepted"  # it is part of an incident
    TEST = "test"  # it proved the connection and opened nothing
    FAULTY = "faulty"  # correctly signed, not readable as facts: a person must look
    SEEN = "seen"  # it was faulty, and a person has dealt with it


class Report(Owned, Base):
    """What was told, byte by byte, and what was answered; never changed."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "webhook_id"),
        Index("ix_reports_organisation_id", "organisation_id"),
        Index("ix_reports_signed", "received_at", sqlite_where=text("endpoint_id IS NOT NULL"),
              postgresql_where=text("endpoint_id IS NOT NULL")),
        Index("ix_reports_faulty", "organisation_id", sqlite_where=text("state = 'faulty'"),
              postgresql_where=text("state = 'faulty'")),
        CheckConstraint("state <> 'accepted' OR incident_id IS NOT NULL", name="accepted_has_an_incident"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("endpoints.id"))
    processor_id: Mapped[UUID | None] = mapped_column(ForeignKey("processors.id"), index=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    webhook_id: Mapped[str | None] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    body: Mapped[bytes] = mapped_column(EncryptedBytes)
    body_sha256: Mapped[str] = mapped_column(String(64))
    faults: Mapped[list[Any] | None]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    told_at: Mapped[datetime | None]  # when the sender says it told us
    received_at: Mapped[datetime]


def chain_of(incident_id: UUID, *, drill: bool) -> str:
    """The chain of an incident, or of a drill: by its name everything below tells the two apart."""
    return f"{DRILL}{incident_id}" if drill else f"incident/{incident_id}"


class Incident(Owned, Base):
    """The case, from the first report to its closure."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "ix_incidents_without_roles",
            "reported_at",
            sqlite_where=text("roles_at IS NULL"),
            postgresql_where=text("roles_at IS NULL"),
        ),
        UniqueConstraint("organisation_id", "number"),
        UniqueConstraint("processor_id", "processor_reference"),
        Index("ix_incidents_board", "organisation_id", "state", "next_due_at"),
        Index("ix_incidents_playbooks_behind", "id", sqlite_where=text("playbooks_number < facts_number"),
              postgresql_where=text("playbooks_number < facts_number")),
        Index("ix_incidents_without_duties", "id", sqlite_where=text("duties_for < facts_number"),
              postgresql_where=text("duties_for < facts_number")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(24))
    title: Mapped[str] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(String(20))  # rules.lifecycle
    processor_id: Mapped[UUID | None] = mapped_column(ForeignKey("processors.id"))
    processor_reference: Mapped[str | None] = mapped_column(String(100))
    restricted: Mapped[bool] = mapped_column(default=False)
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    facts_number: Mapped[int]
    playbooks_number: Mapped[int] = mapped_column(default=0, server_default="0")  # facts they were chosen by
    duties_for: Mapped[int] = mapped_column(default=0, server_default="0")  # facts they were last read from
    follow_ups_for: Mapped[int] = mapped_column(default=0, server_default="0")  # facts compared with filings
    aware_at: Mapped[datetime | None]
    aware_by: Mapped[datetime | None]  # what is provisional is not reckoned later: of a merger or a split
    awareness_is_provisional: Mapped[bool] = mapped_column(default=True)
    next_due_at: Mapped[datetime | None]
    reported_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    drill: Mapped[bool] = mapped_column(default=False, server_default=false())  # see `real`
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    split_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id"))
    roles_at: Mapped[datetime | None]  # when its roles were filled; the clock does that within seconds

    @property
    def chain(self) -> str:
        """The name under which ledger, playbooks and messages know this incident."""
        return chain_of(self.id, drill=self.drill)


def real() -> ColumnElement[bool]:
    """The condition of everything that lists, counts or measures incidents: drills are none of them."""
    return Incident.drill.is_(False)


class Member(Owned, Base):
    """Somebody who may see a restricted incident."""

    __tablename__ = "incident_members"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), primary_key=True)
    added_at: Mapped[datetime]


class FactsVersion(Owned, Base):
    """The facts as known at one moment; a change is a new version, never an edit."""

    __tablename__ = "facts_versions"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    our_role: Mapped[str | None] = mapped_column(String(20))  # as the facts say: readable to the database
    sha256: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(200))  # who says so: a processor's or a colleague's name
    reason: Mapped[str | None]
    at: Mapped[datetime]


class Awareness(Owned, Base):
    """When we had a reasonable degree of certainty, according to whom and why; the latest row holds."""

    __tablename__ = "awareness"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    aware_at: Mapped[datetime | None]
    provisional: Mapped[bool]
    reason: Mapped[str]
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class Clock(Owned, Base):
    """A window that runs, with the sum that gave its end and the dated rule behind it."""

    __tablename__ = "clocks"
    __table_args__ = (UniqueConstraint("incident_id", "kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    kind: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    hours: Mapped[float | None]
    basis: Mapped[str] = mapped_column(String(300))
    rule_version: Mapped[str] = mapped_column(String(40))
    latest_by_regulation_1182_71: Mapped[datetime | None]
    held_to: Mapped[datetime | None]  # its end is not reckoned later: of an incident that is carried
    stopped_at: Mapped[datetime | None]
    stopped_why: Mapped[str | None] = mapped_column(String(200))


class Assessment(Owned, Base):
    """What was judged of the risk to people, by whom and why; what was decided stands in `Decision`."""

    __tablename__ = "assessments"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    facts_number: Mapped[int]
    breach: Mapped[str] = mapped_column(String(10))
    identifiable: Mapped[str] = mapped_column(String(10))
    risk: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str]
    advice: Mapped[dict[str, Any]]  # the evaluation as it stood when it was judged
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class NotificationState(StrEnum):
    """What is true of a notification to an authority."""

    DRAFT = "draft"  # being written; the authority knows nothing of it
    APPROVED = "approved"  # a named person stands behind this very text
    FILED = "filed"  # the authority has it: case number and receipt are kept


_OPEN_FOLLOW_UP = text("state <> 'filed' AND kind <> 'initial' AND dropped_at IS NULL")


class AuthorityNotification(Owned, Base):
    """What one authority is told: the text, who approved that very text, and whether it has it.

    How it was filed and what came back is in `AuthorityFiling`. The database refuses to change or remove
    what is filed.
    """

    __tablename__ = "authority_notifications"
    __table_args__ = (
        UniqueConstraint("incident_id", "authority", "number"),
        CheckConstraint(
            "state = 'draft' OR (approved_sha256 = content_sha256 AND approved_at IS NOT NULL)",
            name="approval_is_of_this_text",
        ),
        CheckConstraint("state <> 'filed' OR filed_at IS NOT NULL", name="filed_has_a_time"),
        CheckConstraint(
            "kind IN ('initial', 'further', 'final', 'correction', 'withdrawal')", name="kind_is_known"
        ),
        CheckConstraint("(kind = 'initial') = (follows_id IS NULL)", name="follow_ups_follow"),
        CheckConstraint("kind <> 'withdrawal' OR why IS NOT NULL", name="withdrawal_has_a_reason"),
        Index("ix_authority_notifications_filed", "incident_id", sqlite_where=text("state = 'filed'"),
              postgresql_where=text("state = 'filed'")),
        Index("uq_authority_notifications_open_follow_up", "incident_id", "authority", unique=True,
              sqlite_where=_OPEN_FOLLOW_UP, postgresql_where=_OPEN_FOLLOW_UP),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    authority: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]  # 1 is the initial notification, further ones are phases (art. 33(4))
    kind: Mapped[str] = mapped_column(String(20), default=Phase.INITIAL, server_default="initial")
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("authority_notifications.id"))
    why: Mapped[str | None] = mapped_column(EncryptedText)  # of a withdrawal; else what a person said of it
    locale: Mapped[str] = mapped_column(String(5))
    content: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    content_sha256: Mapped[str] = mapped_column(String(64))
    facts_number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=NotificationState.DRAFT)
    reasons_for_delay: Mapped[str | None]
    drafted_by: Mapped[str] = mapped_column(String(200))
    drafted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))  # None: the clock
    drafted_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    approved_sha256: Mapped[str | None] = mapped_column(String(64))
    filed_by: Mapped[str | None] = mapped_column(String(200))
    filed_at: Mapped[datetime | None]
    dropped_by: Mapped[str | None] = mapped_column(String(200))  # who said that it need not be filed
    dropped_at: Mapped[datetime | None]
    dropped_why: Mapped[str | None] = mapped_column(EncryptedText)

    @property
    def is_open(self) -> bool:
        """Whether it is neither filed nor dropped."""
        return self.state != NotificationState.FILED and self.dropped_at is None


class Closure(Owned, Base):
    """The incident was closed: who, when, why."""

    __tablename__ = "closures"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str]
    owes_nothing_because: Mapped[str | None]  # where no duty was ever owed, or none is required
    at: Mapped[datetime]
