"""The channel of drills: it has no transport. It says yes, and at once what would have become of it.

Nothing is imported here that could open a connection; a contract in pyproject.toml keeps it so.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from notifications.channels import Accepted, Answer, Many, Refusal, To, Told, to_nobody
from notifications.rules import filling
from notifications.rules.pretend import arrives
from notifications.rules.retry import NOWHERE, UNFILLED

DELIVERED, UNDELIVERED = "delivered", "undelivered"


class Pretend:
    """Takes every message and keeps none: what became of it follows from the address alone."""

    name = "pretend"
    most = 1000

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

    def send_many(
        self,
        people: Sequence[To],
        *,
        content: Mapping[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Many], object] = to_nobody,
    ) -> Many:
        """Take many that go nowhere, filled as by the others; what would not arrive is refused at once."""
        try:
            wanted = filling.marks(content)
        except filling.Unfillable as lack:
            return Many(Refusal(f"The text cannot be sent: {lack}", code=UNFILLED))
        refused: dict[int, Refusal] = {}
        for person in people:
            if missing := filling.lacking(wanted, person.values):
                refused[person.place] = Refusal(f"No value for {', '.join(missing)}", code=UNFILLED)
            elif not arrives(person.address):
                refused[person.place] = Refusal("Nobody would have been there", code=NOWHERE)
        return Many(Accepted(f"{DELIVERED}-{attempt_id}", says=DELIVERED), refused)

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
