"""Which provider of a channel gets a message: by the order of the settings, by weight, and by failure.

A provider that failed this message before comes after those that did not. One that refuses our account,
or failed several messages in a row, is left alone; then one message at a time finds out whether it is
well again, and none that wants to arrive soon.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

# Technical figures: quick enough for a page to leave a dead provider, slow enough for one bad moment.
IN_A_ROW = 3  # calls that failed one after the other
OF_MESSAGES = 2  # so many messages at least: one that no provider takes says nothing of the provider
WITHIN = timedelta(minutes=5)  # older calls say nothing of now

# How long a provider was left alone before a message of this kind tries it, while another one works. A
# reminder may come twice and late; of a communication nobody may be unsure; a page cannot wait.
TRIES_AFTER = {
    "internal": timedelta(0), "authority": timedelta(minutes=10), "subject": timedelta(minutes=10),
    "oncall": timedelta(hours=1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """The providers of a channel, the first choice first; with weights each gets its share of messages."""

    names: tuple[str, ...]
    weights: tuple[int, ...] = ()

    def of(self, key: str, tried: Mapping[str, int]) -> tuple[str, ...]:
        """The order for one message: `key` is its id, `tried` how often each provider had it before.

        The same message always begins with the same provider.
        """
        first = self._first(key)
        by_choice = sorted(self.names, key=lambda name: (name != first, self.names.index(name)))
        return tuple(sorted(by_choice, key=lambda name: tried.get(name, 0)))

    def share(self, place: int) -> int | None:
        """The percentage of messages that begin with the provider at this place; None without weights."""
        if len(self.weights) != len(self.names):
            return None
        return round(100 * self.weights[place] / sum(self.weights))

    def _first(self, key: str) -> str:
        if len(self.weights) != len(self.names):
            return self.names[0]
        drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % sum(self.weights)
        for name, weight in zip(self.names, self.weights, strict=True):
            if drawn < weight:
                return name
            drawn -= weight
        raise AssertionError("what was drawn is less than all weights together")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a provider, as the attempt tells it."""

    message: object  # which message it was
    outcome: str | None  # None while it is under way
    code: str | None


def failed(call: Call) -> bool:
    """Whether a call tells of a provider in trouble; a refusal with a reason tells of the message."""
    return call.outcome in ("uncertain", "void") or (call.outcome == "not_sent" and call.code is None)


def is_down(calls: Sequence[Call]) -> bool:
    """Whether a provider is in trouble, by its latest calls, the newest first, all made `WITHIN` now."""
    ended = [each for each in calls if each.outcome is not None][:IN_A_ROW]
    if len(ended) < IN_A_ROW or not all(map(failed, ended)):
        return False
    return len({each.message for each in ended}) >= OF_MESSAGES


def may_try(kind: str, left_alone_for: timedelta) -> bool:
    """Whether a message of this kind may find out if a provider is well again, while another one works."""
    return left_alone_for >= TRIES_AFTER[kind]
