"""What the sandbox was told to do wrong: faults of requests, outcomes of messages, ways of calling back.

Rules stand in a list; the first that fits and is not used up applies. A rule names its recipients by
the address itself or by a regular expression over the whole address.
"""

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from zlib import crc32

PROVIDERS = ("twilio", "sendgrid", "voice", "gateway", "smtp", "chat")
OPERATIONS = ("send", "fetch", "search", "batch", "cancel", "account")
KEYS = "0123456789*#"
OUTCOMES = {
    "twilio": ("delivered", "undelivered", "failed", "sent", "sending", "queued"),
    "sendgrid": ("delivered", "bounce", "blocked", "dropped", "deferred", "processed"),
    # A call that nothing is said of rings until its phone is answered, or its time is over. The others
    # end by themselves: with somebody who listens ("completed"), or with what answers for him.
    "voice": ("ringing", "completed", "machine", "busy", "no-answer", "failed", "canceled"),
    "gateway": ("delivered", "undelivered", "failed", "sent", "queued"),
    "smtp": ("delivered",),
    "chat": ("delivered",),
}


class Unusable(ValueError):
    """A rule that cannot be followed; says which part and what is allowed."""


class Kind(StrEnum):
    """How one request goes wrong. What is true of the message afterwards stands beside it."""

    ACCEPT = "accept"  # accepted: a rule to let some requests through before the next rule
    ACCEPT_THEN_HANG = "accept_then_hang"  # accepted, no answer for a long time, then dropped
    HANG = "hang"  # not accepted, no answer for a long time, then dropped
    RESET_BEFORE_BODY = "reset_before_body"  # not accepted: reset without having read what was sent
    RESET_AFTER_BODY = "reset_after_body"  # accepted: reset without an answer
    TOO_MANY = "429"  # not accepted: asked to wait
    REFUSED = "4xx"  # not accepted: refused with a code
    NAMED = "named"  # of SendGrid: not accepted, for the sake of the recipients that the rule is about
    ERROR = "5xx"  # server error, accepted or not as the rule says (not, unless told)
    EMPTY = "empty"  # success with nothing in it; accepted unless told
    HTML = "html"  # success with a web page in it; accepted unless told
    TRUNCATED = "truncated"  # success cut off half way; accepted unless told
    OTHER_SID = "other_sid"  # success naming a message that does not exist; accepted unless told
    REDIRECT = "redirect"  # not accepted: sent elsewhere
    SLOW = "slow"  # accepted, and answered as usual, but late
    TEMPORARY = "451"  # of SMTP: not accepted, try later
    PERMANENT = "550"  # of SMTP: not accepted, never


_ALWAYS = {Kind.ACCEPT, Kind.ACCEPT_THEN_HANG, Kind.RESET_AFTER_BODY, Kind.SLOW}
_OF_SMTP = {Kind.TEMPORARY, Kind.PERMANENT}
_SMTP = _OF_SMTP | {
    Kind.ACCEPT,
    Kind.ACCEPT_THEN_HANG,
    Kind.HANG,
    Kind.RESET_BEFORE_BODY,
    Kind.RESET_AFTER_BODY,
    Kind.SLOW,
}
_UNLESS_TOLD = {Kind.EMPTY, Kind.HTML, Kind.TRUNCATED, Kind.OTHER_SID}
_MAY_BE_TOLD = _UNLESS_TOLD | {Kind.ERROR}


def kinds_of(provider: str) -> tuple[Kind, ...]:
    """The ways in which this provider's requests can fail."""
    if provider == "smtp":
        return tuple(kind for kind in Kind if kind in _SMTP)
    others = _OF_SMTP if provider == "sendgrid" else _OF_SMTP | {Kind.NAMED}
    return tuple(kind for kind in Kind if kind not in others)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a request to fail, with what the provider says."""

    kind: Kind
    status: int | None = None
    code: int | None = None
    message: str | None = None
    retry_after: str | None = None
    seconds: float = 60.0
    location: str | None = None
    accepted: bool | None = None

    @property
    def accepts(self) -> bool:
        """Whether the message is accepted all the same."""
        if self.kind in _MAY_BE_TOLD and self.accepted is not None:
            return self.accepted
        return self.kind in _ALWAYS or self.kind in _UNLESS_TOLD


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an accepted message; `then` follows a deferral, `keys` are pressed in a call."""

    status: str = "delivered"
    code: int | None = None
    reason: str | None = None
    then: str | None = None
    keys: str | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How receipts are called back: order, number of copies, seconds late."""

    mode: str = "in_order"  # in_order, reversed or never
    copies: int = 1
    delay: float = 0.0


Effect = Fault | Outcome | Behaviour
E_ = TypeVar("E_", Fault, Outcome, Behaviour)


@dataclass(slots=True)
class Rule:
    """An effect, whom it strikes, and how often still (None: until it is taken away)."""

    number: int
    provider: str
    effect: Effect
    operation: str = "send"
    to: str | None = None
    left: int | None = None
    switch: str = ""  # at the device, when the rule belongs to one
    struck: int = field(default=0)
    share: float | None = None  # of all addresses, always the same ones

    def fits(self, recipients: Callable[[], Iterable[str]]) -> bool:
        """Whether any of the recipients is meant; asks for them only when it must."""
        everybody = self.to is None and self.share is None
        return everybody or any(self.is_about(address) for address in recipients())

    def is_about(self, address: str) -> bool:
        """Whether this recipient is meant."""
        meant = self.to is None or _matches(self.to, address)
        return meant and (self.share is None or crc32(address.encode()) < self.share * 2**32)

    def described(self) -> dict[str, Any]:
        """The rule as the control interface shows it."""
        effect = {name: value for name, value in asdict(self.effect).items() if value is not None}
        about = type(self.effect).__name__.lower()
        return {
            "number": self.number,
            "about": about,
            "provider": self.provider,
            "operation": self.operation,
            "to": self.to,
            "share": self.share,
            "left": self.left,
            "struck": self.struck,
            "switch": self.switch,
            **effect,
        }


def _matches(wanted: str, address: str) -> bool:
    if wanted == address:
        return True
    try:
        return re.fullmatch(wanted, address) is not None
    except re.error:  # "+45…" is an address, and no expression
        return False


class Script:
    """All rules in force, and how long an accepted message stays invisible to searches (seconds)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._next = 1
        self.search_lag = dict.fromkeys(PROVIDERS, 0.0)

    def add(
        self,
        provider: str,
        effect: Effect,
        *,
        to: str | None = None,
        times: int | None = None,
        operation: str = "send",
        switch: str = "",
        share: float | None = None,
    ) -> Rule:
        """Put one more rule at the end of the list."""
        with self._lock:
            rule = Rule(self._next, provider, effect, operation, to, times, switch, share=share)
            self._next += 1
            self._rules.append(rule)
            return rule

    def take(
        self,
        wanted: type[E_],
        provider: str,
        recipients: Callable[[], Iterable[str]],
        operation: str = "send",
    ) -> E_ | None:
        """The effect that strikes now, counted off; None when all goes well."""
        with self._lock:
            for rule in self._rules:
                effect = rule.effect
                if not isinstance(effect, wanted) or rule.left == 0:
                    continue
                if (rule.provider, rule.operation) == (provider, operation) and rule.fits(recipients):
                    rule.struck += 1
                    rule.left = None if rule.left is None else rule.left - 1
                    return effect
            return None

    def rule_of(self, effect: Effect) -> Rule | None:
        """The rule whose effect this very one is."""
        with self._lock:
            return next((rule for rule in self._rules if rule.effect is effect), None)

    def rules(self) -> list[Rule]:
        """Every rule, oldest first, those used up too."""
        with self._lock:
            return list(self._rules)

    def remove(self, number: int | None = None) -> None:
        """Take one rule away, or all of them and the lag of searches."""
        with self._lock:
            self._rules = [rule for rule in self._rules if number is not None and rule.number != number]
            if number is None:
                self.search_lag = dict.fromkeys(PROVIDERS, 0.0)
