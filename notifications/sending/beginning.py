"""Owe a sending: a row in the transaction that owes it, and an entry with counts and hashes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from foundation import queue
from foundation.database import db, new_id
from notifications.models import Sending
from notifications.rules.sending import BITS, figures
from notifications.sending import rows


def begin(
    *,
    organisation_id: UUID,
    about: str,
    source: str,
    ways: Sequence[str],
    texts: Mapping[str, Mapping[str, Mapping[str, str]]],
    content_sha256: str,
    people: int,
    must_by: datetime | None,
    now: datetime,
) -> UUID:
    """Owe one text to many people, as two persons approved it; the same sending when asked a second time.

    Inside the caller's transaction. `ways` in the order they are tried; `texts` by language and channel,
    with marks for what the source says of each person; `people` as approved: where the source names another
    number, nothing is sent. Raises: ValueError for ways that are none, or more than once.
    """
    if not ways or len(set(ways)) != len(ways) or not set(ways) <= BITS.keys():
        raise ValueError(f"These are no ways to tell people by: {', '.join(ways) or 'none'}.")
    mine = Sending.organisation_id == organisation_id, Sending.source == source
    if known := db.session.scalar(select(Sending.id).where(*mine)):
        return known
    kept: dict[str, Any] = {
        locale: {channel: dict(content) for channel, content in by_channel.items()}
        for locale, by_channel in texts.items()
    }
    sending = Sending(
        id=new_id(), organisation_id=organisation_id, about=about, source=source, ways=list(ways), texts=kept,
        content_sha256=content_sha256, must_by=must_by, people=people, canary=figures(now).canary(people),
        created_at=now, tally={},
    )  # fmt: skip
    db.session.add(sending)
    db.session.flush()
    rows.enter(
        sending, "sending.begun", now, people=people, ways=list(ways), languages=sorted(texts),
        content_sha256=content_sha256, canary=sending.canary, must_by=must_by,
    )  # fmt: skip
    queue.ring_after_commit(queue.SENDINGS)
    return sending.id
