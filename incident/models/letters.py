"""The table of what an authority and we write to each other about an incident; nothing of it ever changes."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedText


class LetterKind(StrEnum):
    """What a letter is, by what it asks for."""

    QUESTION = "question"  # the authority asks: an answer is owed
    ORDER = "order"  # the authority orders something to be done: owed until it is reported done
    EXTENSION = "extension"  # the authority gives another date for one of its letters
    TAKEN_BACK = "taken_back"  # the authority wants no answer to one of its letters any more
    DECISION = "decision"  # the authority has decided; nothing to be answered
    INFORMATION = "information"  # the authority writes and asks for nothing
    ANSWER = "answer"  # ours, to one of its letters
    LETTER = "letter"  # ours, unasked


ASKING: Final = (LetterKind.QUESTION, LetterKind.ORDER)
ABOUT_ANOTHER: Final = (LetterKind.EXTENSION, LetterKind.TAKEN_BACK, LetterKind.ANSWER)
OURS: Final = (LetterKind.ANSWER, LetterKind.LETTER)
CHANNELS: Final = ("e-mail", "portal", "letter", "telephone", "meeting")
_ASKS = "kind IN ('question', 'order')"


class AuthorityLetter(Owned, Base):
    """One letter, mail or call between an authority and us, with its file; only ever added.

    The database itself refuses another number, time, date, sender or hash, and its removal.
    """

    __tablename__ = "authority_letters"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint(
            "kind IN ('question', 'order', 'extension', 'taken_back', 'decision', 'information', 'answer', "
            "'letter')", name="kind_is_known",
        ),
        CheckConstraint(
            "(kind IN ('extension', 'taken_back', 'answer')) = (about_id IS NOT NULL)", name="about_another"
        ),
        CheckConstraint(f"({_ASKS}) = (stage_key IS NOT NULL)", name="what_asks_is_owed"),
        CheckConstraint(
            f"due_at IS NULL OR {_ASKS} OR kind = 'extension'", name="dates_are_of_what_asks"
        ),
        CheckConstraint("(file IS NULL) = (file_sha256 IS NULL)", name="file_has_a_hash"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    authority: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    about_id: Mapped[UUID | None] = mapped_column(ForeignKey("authority_letters.id"))
    channel: Mapped[str] = mapped_column(String(20))
    written_at: Mapped[datetime]  # when it reached us, or left us
    subject: Mapped[str] = mapped_column(EncryptedText)
    text: Mapped[str] = mapped_column(EncryptedText)
    text_sha256: Mapped[str] = mapped_column(String(64))  # of the subject and the text: what was kept
    reference: Mapped[str | None] = mapped_column(String(80))  # the authority's case number on it
    due_at: Mapped[datetime | None]  # until when an answer is wanted; None: no date was named
    stage_key: Mapped[str | None] = mapped_column(String(40))  # of the stage by which its answer is owed
    file_name: Mapped[str | None] = mapped_column(String(200))
    file: Mapped[bytes | None] = mapped_column(EncryptedBytes)
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    by_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    by: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime]

    @property
    def is_ours(self) -> bool:
        """Whether we wrote it."""
        return self.kind in OURS

    @property
    def asks(self) -> bool:
        """Whether an answer is owed to it."""
        return self.kind in ASKING
