"""Who is told: whoever owns the people says who they are and, shortly before they are told, where.

Nothing of a person but an id, a language, a country and the ways to them is kept here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from flask import Flask, current_app


class Person(NamedTuple):
    """Somebody to be told; `ways` as `rules.sending.BITS` counts them, and so `kept`.

    `kept` are ways that are there and are not to be taken: to an address that is protected.
    """

    id: UUID
    locale: str
    country: str
    ways: int
    kept: int = 0


class Addressed(NamedTuple):
    """Where somebody is reached by one way, and what stands in their text for its marks.

    By `reference`, which stands in the text of this person alone, a provider finds it again.
    """

    address: str
    values: Mapping[str, str]
    reference: str = ""


class Source(Protocol):
    """People by their ids, in order; asked again, it names the same ones."""

    def after(self, source_id: str, last: UUID | None, limit: int) -> Sequence[Person]:
        """The next people after `last`, in the order of their ids; none when those were all."""

    def addresses(self, source_id: str, channel: str, ids: Sequence[UUID]) -> Mapping[UUID, Addressed]:
        """Where these people are reached by a way; who is missing cannot be told by it."""


def register(app: Flask, name: str, source: Source) -> None:
    """Give the app a source; what it sends is named "<name>:<id>"."""
    app.extensions.setdefault("sending_sources", {})[name] = source


class Bound(NamedTuple):
    """A source and which of its people."""

    source: Source
    id: str

    def after(self, last: UUID | None, limit: int) -> Sequence[Person]:
        """The next people; see `Source.after`."""
        return self.source.after(self.id, last, limit)

    def addresses(self, channel: str, ids: Sequence[UUID]) -> Mapping[UUID, Addressed]:
        """Where they are reached; see `Source.addresses`."""
        return self.source.addresses(self.id, channel, ids)


def of(name: str) -> Bound:
    """The source of a sending, from its name. Raises: LookupError when the app has none of that name."""
    kind, _, source_id = name.partition(":")
    sources: dict[str, Source] = current_app.extensions.get("sending_sources", {})
    if kind not in sources:
        raise LookupError(f"No source of people is registered as {kind}.")
    return Bound(sources[kind], source_id)
