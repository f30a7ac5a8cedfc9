"""Reminders that are kept to go with others, as far as what withdraws messages must know of them."""

from collections.abc import Sequence

from sqlalchemy import delete

from foundation.database import changed
from notifications.models import HeldReminder


def let_go(about: str, *, keys: str = "", templates: Sequence[str] | None = None) -> int:
    """Drop what is kept about one thing and has not gone: of keys that begin so, of these templates only."""
    mine = [HeldReminder.about == about, HeldReminder.message_id.is_(None)]
    if keys:
        mine.append(HeldReminder.dedupe_key.startswith(keys, autoescape=True))
    if templates is not None:
        mine.append(HeldReminder.template.in_(templates))
    return changed(delete(HeldReminder).where(*mine))
