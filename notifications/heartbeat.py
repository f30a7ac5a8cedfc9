"""The heartbeat: somebody outside hears from us while all is well, and notices silence.

A call has a thread of its own and a total limit; the clock never waits for it. Redirects are not
followed. A heartbeat that is not heard is logged once, and shown on the page for tonight.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import requests
import structlog
from flask import Flask, current_app

from foundation import queue
from foundation.database import everyone, transaction
from notifications.channels import deadline
from notifications.rules import watching

HEARD, UNHEARD = "heartbeat", "heartbeat_unheard"  # components of queue.Beat
log = structlog.get_logger()


def is_due(now: datetime) -> bool:
    """Whether a call may go: one is wanted, the last was long ago, and a cycle has ended since."""
    if not current_app.config["SETTINGS"].heartbeat_url:
        return False
    heard, cycle = queue.last_beat(HEARD), queue.last_beat()
    if cycle is None or (heard is not None and cycle <= heard):
        return False
    return watching.is_due(heard, watching.terms().heartbeat_every, now)


def touch() -> None:
    """Renew the file `heartbeat` under the home: a watchdog on this machine looks how old it is."""
    home: Path = current_app.config["SETTINGS"].home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)  # with keys from the environment nobody made it yet
    (home / "heartbeat").touch(mode=0o600)


def call(now_is: Callable[[], datetime]) -> bool:
    """Begin a call in a thread of its own; false while the one before is still under way.

    `now_is` tells the time at which it was heard.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    before: threading.Thread | None = app.extensions.get("heartbeat")
    if before is not None and before.is_alive():
        return False
    thread = threading.Thread(target=_call, args=(app, now_is), name="heartbeat", daemon=True)
    app.extensions["heartbeat"] = thread
    thread.start()
    return True


def _call(app: Flask, now_is: Callable[[], datetime]) -> None:
    try:
        with app.app_context(), everyone():
            trouble = _trouble_with(app.config["SETTINGS"].heartbeat_url)
            with transaction():
                _keep(trouble, now_is())
    except Exception as fault:  # noqa: BLE001  a thread of its own: nobody else would say it
        log.error("heartbeat.not_recorded", trouble=type(fault).__name__)


def _trouble_with(url: str) -> str | None:
    """Why it was not heard, or None. Only 2xx counts: a redirect leads to a stranger."""
    limit = watching.terms().heartbeat_limit.total_seconds()
    try:
        status = deadline.within(limit, lambda: _status(url, limit))
    except (requests.RequestException, deadline.TimeIsUp, deadline.NotBegun) as trouble:
        return type(trouble).__name__
    return None if 200 <= status < 300 else f"status {status}"


def _status(url: str, limit: float) -> int:
    with requests.get(url, timeout=limit, allow_redirects=False, stream=True) as answer:
        return answer.status_code


def _keep(trouble: str | None, now: datetime) -> None:
    if trouble is None:
        queue.beat(HEARD, now)
        queue.silent(UNHEARD)
    elif queue.last_beat(UNHEARD) is None:
        queue.beat(UNHEARD, now)
        log.error("heartbeat.not_heard", trouble=trouble)  # once: the next line comes after it was heard
