"""Email Activity: the query language, as far as it is needed, and what it finds."""

import re
from dataclasses import dataclass
from typing import Any

from notifications.sandbox.messages import Message

FIELDS = ("msg_id", "to_email", "from_email", "subject", "status")
_VALUE = r"\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
_TERM = re.compile(
    r"\s*\(?\s*(?:(?P<field>[a-z_]+)|unique_args\[\s*['\"](?P<argument>[^'\"]+)['\"]\s*\])"
    rf"\s*(?P<how>=|!=|LIKE)\s*(?:{_VALUE})\s*\)?\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"AND\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a query."""

    name: str
    how: str
    value: str

    def fits(self, values: dict[str, str]) -> bool:
        """Whether the message's values meet it."""
        value = values.get(self.name, "")
        if self.how == "LIKE":
            pattern = ".*".join(map(re.escape, self.value.split("%")))
            return re.fullmatch(pattern, value, re.DOTALL) is not None
        return (value == self.value) is (self.how == "=")


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions joined by AND: `to_email="x" AND unique_args['a']="…"`."""

    terms: tuple[Term, ...]

    @classmethod
    def read(cls, text: str) -> "Query":
        """The query of a text; an empty one finds everything. Raises ValueError when it cannot be read."""
        terms, rest = [], text.strip()
        while rest:
            if not (found := _TERM.match(rest)):
                raise ValueError(f"The query cannot be read from here on: {rest[:60]}")
            name = found["field"] or f"unique_args.{found['argument']}"
            if found["field"] and name not in FIELDS:
                raise ValueError(f"{name} cannot be searched for. Use one of {', '.join(FIELDS)}.")
            value = found["double"] if found["double"] is not None else found["single"]
            terms.append(Term(name, found["how"].upper(), value))
            rest = _after_and(rest[found.end() :])
        return cls(tuple(terms))

    def fits(self, message: Message) -> bool:
        """Whether a message meets every condition; those of its own arguments are looked at first."""
        for term in self.terms:
            argument = term.name.removeprefix("unique_args.")
            if argument != term.name and not term.fits({term.name: message.custom_args.get(argument, "")}):
                return False
        values = {name: str(value) for name, value in activity_of(message).items()}
        values |= {f"unique_args.{name}": value for name, value in message.custom_args.items()}
        return all(term.fits(values) for term in self.terms)


def _after_and(rest: str) -> str:
    if not rest:
        return ""
    if not (joined := _AND.match(rest)):
        raise ValueError(f"Conditions are joined by AND, here: {rest[:60]}")
    return rest[joined.end() :].strip() or " "


def activity_of(message: Message) -> dict[str, Any]:
    """A message as a search shows it."""
    return {
        "msg_id": message.id,
        "from_email": message.sender,
        "to_email": message.to,
        "subject": message.subject,
        "status": _status(message.status),
        "opens_count": 0,
        "clicks_count": 0,
        "last_event_time": (message.changed_at or message.at).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def details_of(message: Message) -> dict[str, Any]:
    """A message as the page of one message shows it."""
    return {
        **activity_of(message),
        "unique_args": message.custom_args,
        "events": [{"event_name": message.status, "processed": activity_of(message)["last_event_time"]}],
    }


def _status(status: str) -> str:
    if status == "delivered":
        return "delivered"
    return "processed" if status in {"queued", "processed", "deferred"} else "not_delivered"
