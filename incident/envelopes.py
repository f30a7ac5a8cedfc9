"""A signed report as it came, and what can be read of it: an envelope with facts, or a fault and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from incident import doubts
from incident.processors import Sender
from incident.rules.facts import Facts, FactsFault, parse
from incident.rules.faults import MOST_FAULTS, Fault
from incident.rules.reading import NotJSON, read_json, text_is_clean
from incident.rules.values import instant

TEST: Final = "incident.test"
TYPES: Final = ("incident.reported", "incident.updated", TEST)
LONGEST_REFERENCE: Final = 100
LONGEST_DESCRIPTION: Final = 20000


@dataclass(frozen=True, slots=True)
class Letter:
    """A report as it came in, by a signed request or by a form of ours.

    What a form tells is only what is new: it `adds` to the facts that are there, where a program sends
    them whole. `target` is the incident it adds to, where the teller came by a page of that incident's.
    """

    sender: Sender
    webhook_id: str
    media_type: str
    charset: str
    body: bytes
    sha256: str
    kind: str = ""  # by which way it came, for a form; a program says so itself
    adds: bool = False
    target: UUID | None = None

    @property
    def endpoint_id(self) -> str | None:
        """The endpoint it came to; none for a form."""
        return self.sender.endpoint_id or None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a readable letter says; `doubts` is what cannot be so: kept as told, for a person to clear up."""

    kind: str
    told_at: datetime
    facts: Facts
    document: dict[str, Any]
    doubts: tuple[Fault, ...]


class Faulty(Exception):
    """Correctly signed, not usable: the answer, and the faults by JSON pointer."""

    def __init__(
        self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(title)
        self.document = {"title": title, "detail": detail, "errors": errors or []}
        self.status = status


def used_before() -> Faulty:
    """The fault of a letter whose id came before with another body."""
    title = "This webhook-id was used before"
    return Faulty(409, title, "It came with another body. Send new facts under a new id.")


def envelope_of(letter: Letter, now: datetime) -> Envelope:
    """Read a letter. Raises: Faulty."""
    if letter.media_type != "application/json" or letter.charset.lower() not in ("utf-8", "utf8"):
        raise Faulty(415, "Not JSON by its own word", "Send Content-Type: application/json, in UTF-8.")
    try:
        document = read_json(letter.body)
    except NotJSON as fault:
        raise Faulty(400, "Not readable as JSON", str(fault)) from None
    return _envelope(document, now)


def _envelope(document: object, now: datetime) -> Envelope:
    if not isinstance(document, dict):
        raise _unusable([{"pointer": "", "detail": "is not an object"}])
    errors = [
        {"pointer": f"/{name}", "detail": "is missing"}
        for name in ("type", "timestamp", "data")
        if name not in document
    ]
    errors += [
        {"pointer": f"/{name.replace('~', '~0').replace('/', '~1')}", "detail": "is not known here"}
        for name in document
        if name not in ("type", "timestamp", "data")
    ]
    if document.get("type", TYPES[0]) not in TYPES:
        errors.append({"pointer": "/type", "detail": f"is not one of {', '.join(TYPES)}"})
    told_at = _told_at(document, errors)
    facts = _facts(document.get("data", {}), errors)
    if errors or facts is None or told_at is None:
        raise _unusable(errors)
    return Envelope(document["type"], told_at, facts, document["data"], doubts.of(facts, now))


def _told_at(document: Mapping[str, object], errors: list[dict[str, str]]) -> datetime | None:
    if "timestamp" not in document:
        return None
    try:
        return instant(document["timestamp"])
    except ValueError:
        errors.append({"pointer": "/timestamp", "detail": "is not an RFC 3339 instant with an offset"})
        return None


def _facts(data: object, errors: list[dict[str, str]]) -> Facts | None:
    try:
        return parse(data)
    except FactsFault as faulty:
        errors += [{"pointer": f"/data{each.pointer}", "detail": each.detail} for each in faulty.errors]
        return None


def _unusable(errors: list[dict[str, str]]) -> Faulty:
    if len(errors) > MOST_FAULTS:
        more = {"pointer": "", "detail": f"There are {len(errors) - MOST_FAULTS} faults more."}
        errors = [*errors[:MOST_FAULTS], more]
    return Faulty(
        422,
        "Not usable as facts",
        "The report is kept and a person is looking at it. Mend these and send again.",
        errors,
    )


# --- what can be read of a faulty one -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a body that cannot be used still says for sure; empty where it says nothing."""

    kind: str
    reference: str


def glimpse(body: bytes) -> Glimpse:
    """Kind and reference of a body that is JSON after all; of anything else nothing is guessed."""
    try:
        document = read_json(body)
    except NotJSON:
        return Glimpse("", "")
    envelope = document if isinstance(document, dict) else {}
    data = envelope.get("data")
    reference = data.get("reference") if isinstance(data, dict) else None
    return Glimpse(
        _plain(envelope.get("type")), _plain(reference) if reference and _is_reference(reference) else ""
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_REFERENCE and text_is_clean(value)


def text_of(body: bytes) -> str:
    """A body as text for a person, as far as it is any; what cannot be shown is marked."""
    marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = body.decode("utf-16" if marked else "utf-8", "replace")
    return text.replace("\0", "")[:LONGEST_DESCRIPTION]
