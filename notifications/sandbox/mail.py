"""What SendGrid looks at before it takes a mail, and the messages a mail becomes: one per recipient."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email

from notifications.sandbox.messages import Message
from notifications.sandbox.script import Behaviour, Outcome

MOST_PERSONALIZATIONS = 1000
LONGEST_WAIT = timedelta(hours=72)
MOST_CUSTOM_ARGS = 10_000  # bytes
MOST_SUBSTITUTED = 10_000  # bytes of one person's substitutions
# What the library would let through anyhow; it takes a hundred times as long to say so.
PLAIN = re.compile(
    r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,24}", re.ASCII
)
SPECIAL = (".invalid", ".local", ".localhost", ".onion", ".arpa")
_AS_USUAL, _IN_ORDER = Outcome(), Behaviour()  # unchanging, so that all may share them
RESERVED_HEADERS = {"to", "from", "subject", "cc", "bcc", "reply-to", "received", "dkim-signature"}


@dataclass(frozen=True, slots=True)
class Refused:
    """SendGrid's error: what it says, and of which field."""

    message: str
    field: str | None = None
    status: int = 400


class Complaint(Exception):
    """A mail that is not taken."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.refused = Refused(message, field)


def check(mail: Any, now: datetime) -> None:
    """Raise the first Complaint about a mail that SendGrid would refuse."""
    if not isinstance(mail, dict):
        raise Complaint("Bad Request")
    people = mail.get("personalizations")
    if not isinstance(people, list) or not people:
        raise Complaint(
            "The personalizations field is required and must have at least one.", "personalizations"
        )
    if len(people) > MOST_PERSONALIZATIONS:
        raise Complaint(f"There is a limit of {MOST_PERSONALIZATIONS} personalizations.", "personalizations")
    _check_address(mail.get("from"), "from")
    for number, person in enumerate(people):
        _check_person(person, f"personalizations.{number}", mail)
        _check_time(person.get("send_at", mail.get("send_at")), now)
    if not mail.get("template_id"):
        _check_content(mail.get("content"))


def _check_address(given: Any, field: str) -> str:
    address = given.get("email") if isinstance(given, dict) else None
    if not isinstance(address, str) or not address:
        raise Complaint("Does not contain a valid address.", f"{field}.email")
    if len(address) <= 64 and PLAIN.fullmatch(address) and not address.endswith(SPECIAL):
        return address.lower()
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Complaint("Does not contain a valid address.", f"{field}.email") from None
    return address.lower()


def _check_person(person: Any, field: str, mail: dict[str, Any]) -> None:
    if not isinstance(person, dict) or not isinstance(person.get("to"), list) or not person["to"]:
        raise Complaint("The to array is required for all personalization objects.", f"{field}.to")
    seen: set[str] = set()
    for role in ("to", "cc", "bcc"):
        for number, given in enumerate(person.get(role) or []):
            address = _check_address(given, f"{field}.{role}.{number}")
            if address in seen:
                raise Complaint(
                    "Each email address in the personalization block should be unique.", f"{field}.{role}"
                )
            seen.add(address)
    if not (person.get("subject") or mail.get("subject") or mail.get("template_id")):
        raise Complaint("The subject is required. Set it for the mail or for each recipient.", "subject")
    _check_extras(person, field, mail)


def _check_extras(person: dict[str, Any], field: str, mail: dict[str, Any]) -> None:
    arguments = {**(mail.get("custom_args") or {}), **(person.get("custom_args") or {})}
    if sum(len(f"{name}{value}".encode()) for name, value in arguments.items()) > MOST_CUSTOM_ARGS:
        raise Complaint(f"Custom arguments are limited to {MOST_CUSTOM_ARGS} bytes.", f"{field}.custom_args")
    if any(not isinstance(value, str) for value in arguments.values()):
        raise Complaint("Custom arguments must be text.", f"{field}.custom_args")
    put = person.get("substitutions") or {}
    if (
        not isinstance(put, dict)
        or sum(len(str(value).encode()) for value in put.values()) > MOST_SUBSTITUTED
    ):
        raise Complaint(
            f"Substitutions are limited to {MOST_SUBSTITUTED} bytes for each recipient.",
            f"{field}.substitutions",
        )
    for name, value in {**(mail.get("headers") or {}), **(person.get("headers") or {})}.items():
        if name.lower() in RESERVED_HEADERS or not isinstance(value, str) or "\n" in value:
            raise Complaint(f"The header {name!r} may not be set.", f"{field}.headers")


def _check_content(content: Any) -> None:
    if not isinstance(content, list) or not content:
        raise Complaint("The content is required unless a template is used.", "content")
    kinds = [part.get("type") if isinstance(part, dict) else None for part in content]
    if any(not isinstance(part, dict) or not part.get("value") or not part.get("type") for part in content):
        raise Complaint("The content needs a type and a value of at least one character.", "content")
    if "text/plain" in kinds and kinds[0] != "text/plain":
        raise Complaint("If text/plain is present it must come first.", "content.0.type")


def _check_time(send_at: Any, now: datetime) -> None:
    if send_at is None:
        return
    if not isinstance(send_at, int) or isinstance(send_at, bool):
        raise Complaint("The send_at parameter must be a Unix timestamp in whole seconds.", "send_at")
    if send_at > (now + LONGEST_WAIT).timestamp():
        raise Complaint("Scheduling more than 72 hours in advance is not allowed.", "send_at")


def recipients_of(mail: Any) -> list[str]:
    """Every address in a mail that may be malformed."""
    people = mail.get("personalizations") if isinstance(mail, dict) else None
    found = []
    for person in people if isinstance(people, list) else []:
        for role in ("to", "cc", "bcc"):
            given = person.get(role) if isinstance(person, dict) else None
            found += [each.get("email", "") for each in given or [] if isinstance(each, dict)]
    return found


def messages_of(mail: dict[str, Any], now: datetime, request: str = "") -> list[Message]:
    """The messages of a checked mail: one for each recipient of each personalization, in order.

    `request` is its id where it has one already.
    """
    request = request or secrets.token_urlsafe(16)
    common = _Common.of(mail)
    found: list[Message] = []
    for person in mail["personalizations"]:
        for role in ("to", "cc", "bcc"):
            for given in person.get(role) or ():
                message = _message(common, person, given["email"], now)
                message.id = f"{request}.sandbox-1-{len(found)}.0"
                message.request, message.role = request, role
                found.append(message)
    return found


@dataclass(frozen=True, slots=True)
class _Common:
    """What all personalizations of a mail share."""

    mail: dict[str, Any]
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str
    custom_args: dict[str, str]
    headers: dict[str, str]

    @classmethod
    def of(cls, mail: dict[str, Any]) -> "_Common":
        contents = {part["type"]: part["value"] for part in mail.get("content") or []}
        return cls(
            mail, mail["from"]["email"], mail["from"].get("name") or "", mail.get("subject") or "",
            contents.get("text/plain", ""), contents.get("text/html", ""), mail.get("custom_args") or {},
            mail.get("headers") or {},
        )  # fmt: skip


def _message(common: _Common, person: dict[str, Any], address: str, now: datetime) -> Message:
    send_at = person.get("send_at", common.mail.get("send_at"))
    due = datetime.fromtimestamp(send_at, UTC) if send_at else now
    put = person.get("substitutions")
    return Message(
        id="",
        provider="sendgrid",
        to=address,
        sender=common.sender,
        sender_name=common.sender_name,
        at=now,
        due_at=max(due, now),
        changed_at=now,
        subject=_filled(person.get("subject") or common.subject, put),
        body=_filled(common.text, put),
        html=_filled(common.html, put),
        custom_args={**common.custom_args, **(person.get("custom_args") or {})},
        headers={**common.headers, **person["headers"]} if person.get("headers") else common.headers,
        batch_id=common.mail.get("batch_id"),
        outcome=_AS_USUAL,
        callbacks=_IN_ORDER,
    )


def _filled(text: str, put: dict[str, Any] | None) -> str:
    for mark, value in (put or {}).items():
        if mark in text:
            text = text.replace(mark, str(value))
    return text
