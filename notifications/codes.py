"""Codes to answer a text message with: short, and never given to the same number twice."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from foundation.database import db, insert_unless_there, new_id, rows
from foundation.encryption import blind_index, blind_indexes
from notifications.models import ReplyCode
from notifications.rules.replies import DIGITS, LENGTH, LETTERS, SIGNS, length_after

TRIES = 20  # to find one that was never given out; of a length a quarter is used at most


def draw(recipient: str, *, organisation_id: UUID, now: datetime) -> str:
    """A new code for a number or, as drills show it, a masked one; kept as given out for ever.

    Inside the caller's transaction. Two processes never give out the same: the database holds it, for
    all organisations together, for a telephone does not know which of them it serves.
    """
    db.session.flush()
    indexes = blind_indexes(recipient)
    mine = select(func.count()).select_from(ReplyCode).where(ReplyCode.recipient_index.in_(indexes))
    length = length_after(rows(mine).scalar_one())  # of all organisations, whoever this is done for
    for _try in range(TRIES):
        code = _made(length)
        row = {
            "id": new_id(), "organisation_id": organisation_id, "recipient": recipient,
            "recipient_index": blind_index(recipient), "code": code, "created_at": now,
        }  # fmt: skip
        if not _is_used(indexes, code) and insert_unless_there(ReplyCode, row):
            return code
    return reference()


def _is_used(indexes: list[str], code: str) -> bool:
    """Whether it was given out, also under the key of before."""
    known = select(ReplyCode.id).where(ReplyCode.recipient_index.in_(indexes), ReplyCode.code == code)
    return rows(known.limit(1)).first() is not None


def _made(length: int) -> str:
    """Two letters, then digits: one change of a phone's keyboard."""
    return _random(LETTERS, 2) + _random(DIGITS, length - 2)


def reference() -> str:
    """A reference that finds a message again at its provider; nobody need type it."""
    return _random(SIGNS, LENGTH)


def _random(signs: str, length: int) -> str:
    return "".join(secrets.choice(signs) for _ in range(length))
