"""The channel of drills: it has no transport. It says yes, and at once what would have become of it.

Nothing is imported here that could open a connection; a contract in pyproject.toml keeps it so.
"""

from collections.abc import Callable
from datetime import datetime

from notifications.channels import Accepted, Answer, Told, to_nobody
from notifications.rules.pretend import arrives

DELIVERED, UNDELIVERED = "delivered", "undelivered"


class Pretend:
    """Takes every message and keeps none: what became of it follows from the address alone."""

    name = "pretend"

    def send(
        self,
        *,
        recipient: str,
        content: dict[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        urgent: bool,
        late: Callable[[Answer], object] = to_nobody,
    ) -> Answer:
        """Take one message that goes nowhere; see `channels.Provider.send`."""
        return Accepted(_id(recipient, attempt_id), says=_fate(recipient))

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Its id of the latest attempt: what was begun here was taken, whoever died meanwhile."""
        return _id(recipient, attempt_ids[-1]) if attempt_ids else None

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """What became of it, as it stands in its own id."""
        return Told(provider_id.partition("-")[0])


def _fate(recipient: str) -> str:
    return DELIVERED if arrives(recipient) else UNDELIVERED


def _id(recipient: str, attempt_id: str) -> str:
    return f"{_fate(recipient)}-{attempt_id}"
