"""The tables of telling the people: communications, letters for a printer, public notices, who answered."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedJSON, EncryptedText

WAYS: Final = ("email", "sms", "letter")  # the order that is tried, unless a person chose another


class CommunicationState(StrEnum):
    """What is true of a communication to people."""

    DRAFT = "draft"  # nobody has been told
    APPROVED = "approved"  # this text to this list, by a named person
    SENDING = "sending"  # people are being told, or it is paused
    COMPLETE = "complete"  # everybody was reached, or a person settled why not


BEFORE_SENDING: Final = (CommunicationState.DRAFT, CommunicationState.APPROVED)


class SubjectCommunication(Owned, Base):
    """What people are told: a text per language, the list, and who approved both as they stand."""

    __tablename__ = "subject_communications"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint(
            "state = 'draft' OR (approved_sha256 = content_sha256 AND approved_at IS NOT NULL)",
            name="approval_is_of_this_text",
        ),
        CheckConstraint("dropped_at IS NULL OR state = 'draft'", name="dropped_is_never_sent"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    duty_id: Mapped[UUID | None] = mapped_column(ForeignKey("duties.id"))
    number: Mapped[int]
    texts: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # locale -> part -> text
    kind: Mapped[str] = mapped_column(String(40), default="", server_default="")  # of breach; "" for none
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("subject_communications.id"))
    ways: Mapped[list[Any]] = mapped_column(default=lambda: [*WAYS])
    selection: Mapped[dict[str, Any]] = mapped_column(default=dict)  # who of the lists
    content_sha256: Mapped[str] = mapped_column(String(64))  # over texts, ways, and who is picked
    state: Mapped[str] = mapped_column(String(20), default=CommunicationState.DRAFT)
    recipients: Mapped[int] = mapped_column(default=0)
    drafted_by: Mapped[str] = mapped_column(String(200))
    drafted_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    approved_sha256: Mapped[str | None] = mapped_column(String(64))
    sent_by: Mapped[str | None] = mapped_column(String(200))
    sent_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    dropped_by: Mapped[str | None] = mapped_column(String(200))  # who said that nobody is told by it
    dropped_at: Mapped[datetime | None]
    dropped_why: Mapped[str | None] = mapped_column(EncryptedText)

    @property
    def is_prepared(self) -> bool:
        """Whether it may still go out: neither sent nor dropped."""
        return self.state in BEFORE_SENDING and self.dropped_at is None

    @property
    def standing(self) -> str:
        """Its state in one word, "dropped" where it is."""
        return self.state if self.dropped_at is None else "dropped"


class RunState(StrEnum):
    """What is true of a letter run."""

    MAKING = "making"  # batch by batch, in the background; none of it is shown or can be taken
    MADE = "made"  # whole: every letter that waited is in it or was left out with a reason
    FAILED = "failed"  # it could not be made, and says why; its letters wait as before


class LetterRun(Owned, Base):
    """Letters of one communication made for a printer together; who posted them, when."""

    __tablename__ = "letter_runs"
    __table_args__ = (
        UniqueConstraint("communication_id", "number"),
        CheckConstraint("(posted_on IS NULL) = (posted_by IS NULL)", name="posted_by_somebody"),
        CheckConstraint("(state = 'made') = (finished_at IS NOT NULL)", name="made_has_a_time"),
        CheckConstraint("state <> 'failed' OR why IS NOT NULL", name="failed_says_why"),
        CheckConstraint("posted_on IS NULL OR state = 'made'", name="posted_is_made"),
        CheckConstraint("posted_on IS NULL OR taken_back_at IS NULL", name="posted_or_taken_back"),
        Index("ix_letter_runs_making", "ready_at", sqlite_where=text("state = 'making'"),
              postgresql_where=text("state = 'making'")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    communication_id: Mapped[UUID] = mapped_column(ForeignKey("subject_communications.id"))
    number: Mapped[int]
    window: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default=RunState.MAKING)
    waiting: Mapped[int]  # letters that waited when it was asked for
    letters: Mapped[int] = mapped_column(default=0)  # in its files so far
    left_out: Mapped[int] = mapped_column(
        default=0
    )  # letters that cannot be printed; their people are on the manual list
    manifest: Mapped[dict[str, Any]]  # per batch: files, count, hash
    made_by: Mapped[str] = mapped_column(String(200))  # who asked for it
    made_at: Mapped[datetime]  # when; every file carries it, so that it is the same however often it is made
    made_on: Mapped[date]  # that day where the organisation is: the date on the letters
    ready_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    taken_to: Mapped[UUID | None]  # the last person whose letter was tried; all before are done with
    batches: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)  # since something of it was kept
    finished_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))
    posted_on: Mapped[date | None]  # the day it was handed to the post, where the organisation is
    posted_by: Mapped[str | None] = mapped_column(String(200))  # who said so
    posted_said_at: Mapped[datetime | None]
    posted_with: Mapped[str | None] = mapped_column(String(200))  # carrier, or who printed it
    taken_back_at: Mapped[datetime | None]  # never posted; its letters are made again
    taken_back_why: Mapped[str | None]


class LetterRunFile(Owned, Base):
    """One file of a letter run, kept until it is posted and the addresses are forgotten."""

    __tablename__ = "letter_run_files"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("letter_runs.id"))
    batch: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))  # letters, sheet_csv, sheet_pdf
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]  # of the file itself, in bytes
    letters: Mapped[int]
    members: Mapped[bytes | None] = mapped_column(LargeBinary)  # of letters: whose, 16 bytes each, in order
    # Sealed under the incident's key; many are large, and are read one at a time.
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class PublicNotice(Owned, Base):
    """People are told in public, art. 34(3)(c): why, with which text, and that it informs as well."""

    __tablename__ = "public_notices"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="approved_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    duty_id: Mapped[UUID | None] = mapped_column(ForeignKey("duties.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40), default="")  # of breach, whose texts were drafted
    why: Mapped[str]  # why telling each is out of proportion
    texts: Mapped[dict[str, Any]]  # locale -> part -> text; public, so not encrypted
    content_sha256: Mapped[str] = mapped_column(String(64))
    written_by: Mapped[str] = mapped_column(String(200))
    written_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    written_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    met_at: Mapped[datetime | None]  # when it had been seen at every place, and the duty was met by it
    ended_at: Mapped[datetime | None]  # it has stood as long as it was to stand, everywhere


class PublicPlace(Owned, Base):
    """Where a public notice stands: a page, a newspaper, a notice board; from when to when, with proof."""

    __tablename__ = "public_places"
    __table_args__ = (
        Index("ix_public_places_notice_id", "notice_id"),
        CheckConstraint("planned_from <= planned_to", name="from_before_to"),
        CheckConstraint("(seen_at IS NULL) = (proof_sha256 IS NULL)", name="seen_has_proof"),
        CheckConstraint("(removed_at IS NULL) = (removed_why IS NULL)", name="removed_says_why"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("public_notices.id"))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(300))
    planned_from: Mapped[date]
    planned_to: Mapped[date]
    seen_at: Mapped[datetime | None]  # a person has seen it stand there
    seen_by: Mapped[str | None] = mapped_column(String(200))
    reminded_of: Mapped[str | None] = mapped_column(String(8))  # begin, end: of which day one was reminded
    proof_name: Mapped[str | None] = mapped_column(String(255))
    proof_sha256: Mapped[str | None] = mapped_column(String(64))
    proof_type: Mapped[str | None] = mapped_column(String(40))  # as the content shows it, not the name
    proof: Mapped[bytes | None] = mapped_column(EncryptedBytes, deferred=True)
    removed_at: Mapped[datetime | None]
    removed_why: Mapped[str | None]


class HeardKind(StrEnum):
    """How a person who was told, or was not, was heard from."""

    CALL = "call"  # to the hot-line
    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    RETURNED = "returned"  # their letter came back
    VISIT = "visit"


class PersonHeard(Owned, Base):
    """What a person answered or asked; also from somebody who stands on no list."""

    __tablename__ = "people_heard"
    __table_args__ = (
        Index("ix_people_heard_incident_id_at", "incident_id", "at"),
        Index("ix_people_heard_recipient_id", "recipient_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    recipient_id: Mapped[UUID | None] = mapped_column(ForeignKey("recipients.id"))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]
    said: Mapped[str] = mapped_column(EncryptedText)
    answer: Mapped[str | None] = mapped_column(EncryptedText)
    wants: Mapped[str | None] = mapped_column(String(20))  # what is still to be done for them
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(200))
    kept_by: Mapped[str] = mapped_column(String(200))
    kept_at: Mapped[datetime]
