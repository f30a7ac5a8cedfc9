"""The product's own figures, made smaller: a rehearsal of faults takes seconds where life takes minutes.

Applied in every process that a fault test starts, and nowhere in the product: there is no variable
with which an installation could be hurried by mistake. What holds between the figures holds here too.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from sqlalchemy import Engine, event

PRODUCT = ("incident.", "playbooks.", "notifications.", "foundation.")
SECOND = timedelta(seconds=1)
PACE = 0.1  # what is no figure of its own below runs ten times as fast
RECORDING = 5 * SECOND * PACE  # a lease is longer than its call by at least this (rules/retry.py)

TERMS = {
    "PAGING": {"call": 1 * SECOND, "lease": 4 * SECOND},
    "REMINDING": {"call": 1.5 * SECOND, "lease": 5 * SECOND, "settle": 3 * SECOND},
    "ONCE": {"call": 1.5 * SECOND, "lease": 5 * SECOND, "settle": 3 * SECOND},
}
GROUP = {"call": 1 * SECOND, "lease": 4 * SECOND, "settle": 2 * SECOND}
SENDING: dict[str, Any] = {"wait": 3 * SECOND, "hold": 0.5 * SECOND}
IN_A_GROUP = 40  # people; so that few people are many groups
FIGURES: dict[tuple[str, str], Any] = {
    ("notifications.outbox", "RING_AGAIN"): 1.5 * SECOND,
    ("notifications.outbox", "NOBODY_CAME"): 3 * SECOND,
    ("notifications.jobs", "RECORDING"): 0.5,
    ("notifications.circuits", "LEFT_ALONE"): 3 * SECOND,
    ("notifications.circuits", "FORGOTTEN"): 15 * SECOND,
    ("playbooks.runs.advancing", "AGAIN"): 6 * SECOND,
    ("notifications.settling", "ASK_AGAIN"): 1 * SECOND,
    ("notifications.settling", "HOLD_AFTER"): 8 * SECOND,
    ("notifications.channels.deadline", "ROUND"): 1.0,
    ("notifications.channels.twilio", "ASKING"): 1.0,
    ("notifications.channels.sendgrid", "ASKING"): 1.0,
    ("notifications.channels.gateway", "ASKING"): 1.0,
    ("notifications.rules.retry", "FIRST_WAIT"): 0.5 * SECOND,
    ("notifications.rules.retry", "LONGEST_WAIT"): 4 * SECOND,
    ("foundation.queue", "BEAT_EVERY"): 1.0,
    ("foundation.queue", "STUCK_AFTER"): 4.0,
    ("notifications.sending.jobs", "RING_AGAIN"): 1.0,
    ("notifications.sending.jobs", "NOBODY_CAME"): 3 * SECOND,
    ("notifications.sending.handing_over", "RECORDING"): 0.5,
    ("notifications.sending.handing_over", "FENCE"): 0.5,
    ("notifications.sending.planning", "CHUNK"): 25,
}
WATCHING: dict[str, Any] = {
    "clock_silent": 6 * SECOND,
    "waits": {"other": 6 * SECOND, "subject": 10 * SECOND},
}
EVERY = {
    "escalate": 0.5, "leases": 0.5, "settle": 1.0, "journal": 1.0, "alarms": 0.5, "reconcile": 2.0,
    "lists": 0.5, "sendings": 0.5, "sendings_settle": 1.0,
}  # fmt: skip
SQLITE_WAITS = 5000  # milliseconds for another writer


def apply() -> None:
    """Hurry this process. Raises: AttributeError when the product no longer has one of the figures."""
    retry = import_module("notifications.rules.retry")
    for name, values in TERMS.items():
        terms = getattr(retry, name)
        for field, value in values.items():
            getattr(terms, field)
            object.__setattr__(terms, field, value)
        assert terms.lease >= terms.call + RECORDING, "a lease outlasts its call, at any pace"
    watching = import_module("notifications.rules.watching").terms()
    for field, value in WATCHING.items():
        getattr(watching, field)
        object.__setattr__(watching, field, value)
    for (module, name), value in FIGURES.items():
        was = getattr(import_module(module), name)
        assert type(was) is type(value), f"{module}.{name} is no longer a {type(value).__name__}"
        _set_wherever_it_was_taken(name, was, value)
    lift_limits()
    _hurry_sendings()
    event.listen(Engine, "connect", _hurry_sqlite)
    _hurry_recurring()


def _set_wherever_it_was_taken(name: str, was: Any, value: Any) -> None:
    """In its own module, and in those that imported it by name before this process was hurried."""
    for module in list(sys.modules.values()):
        if vars(module).get(name) is was and module.__name__.startswith(PRODUCT):
            setattr(module, name, value)


def lift_limits() -> None:
    """One installation pages the same few people for every test: so many pages count as no storm here."""
    terms = import_module("notifications.rules.terms")
    was = terms.limits
    terms.limits = lambda now: replace(was(now), alone=10_000, ways={})


def _hurry_sendings() -> None:
    """What goes to many: small groups, short leases, and the first few judged at once."""
    rules = import_module("notifications.rules.sending")
    for frozen, values in ((rules.GROUP, GROUP), (rules.figures(datetime.now(UTC)), SENDING)):
        for field, value in values.items():
            getattr(frozen, field)
            object.__setattr__(frozen, field, value)
    assert rules.GROUP.lease >= rules.GROUP.call + RECORDING, "a lease outlasts its call, at any pace"
    limits = import_module("notifications.rules.grouping").terms()["sendgrid"]
    assert limits["people"] > IN_A_GROUP
    limits["shows_after"] = GROUP["settle"].total_seconds()
    limits["people"] = import_module("notifications.channels.sendgrid").SendGrid.most = IN_A_GROUP


def _hurry_recurring() -> None:
    wsgi = import_module("wsgi")
    duties = wsgi.recurring()
    assert set(EVERY) <= {name for name, *_ in duties}, "a duty of the clock has another name now"
    hurried = tuple((name, run, EVERY.get(name, every), bell) for name, run, every, bell in duties)
    wsgi.recurring = lambda: hurried


def _hurry_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] == "sqlite3":
        connection.execute(f"PRAGMA busy_timeout={SQLITE_WAITS}")
