"""Providers that take one message in a call: of many, each is handed over alone, its text filled by us."""

from collections.abc import Callable, Mapping, Sequence

from notifications.channels import Answer, Many, Refusal, To, to_nobody
from notifications.rules import filling
from notifications.rules.retry import UNFILLED


class OneByOne:
    """`most` and `send_many` of such a provider, by its `send`."""

    most = 1
    send: Callable[..., Answer]

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
        """Hand over one message to one person; see `channels.Provider.send_many`."""
        if len(people) != 1:
            return Many(Refusal(f"One person at a time is taken, and these are {len(people)}"))
        try:
            text = filling.filled(content, people[0].values)
        except filling.Unfillable as lack:
            return Many(unfilled(lack))

        def tell(answer: Answer) -> None:
            late(Many(answer))

        return Many(
            self.hand_over_one(
                people[0], text, attempt_id=attempt_id, reference=reference, limit=limit, late=tell
            )
        )

    def hand_over_one(
        self,
        person: To,
        content: dict[str, str],
        *,
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Answer], object],
    ) -> Answer:
        """Hand over one of many; the text is filled already."""
        return self.send(
            recipient=person.address, content=content, attempt_id=attempt_id, reference=reference,
            limit=limit, urgent=False, late=late,
        )  # fmt: skip


def unfilled(lack: filling.Unfillable) -> Refusal:
    """What a text amounts to that cannot be filled: it goes to nobody, however often it is tried."""
    return Refusal(f"The text cannot be sent: {lack}", code=UNFILLED)
