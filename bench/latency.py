"""How long until a provider has the page for a report that was just acknowledged, and what idling costs.

Everything runs as in production; one report at a time, each when the one before has been paged for. First
calm, then with a hundred thousand communications to people waiting in front, which are being sent meanwhile.
"""

import os
import random
import time
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import requests
from sqlalchemy import func, select, update

from accounts import people
from bench.installation import Installation, installation
from bench.senders import Letters
from foundation.database import db, everyone, insert_rows, new_id, transaction, utcnow
from foundation.encryption import blind_index
from notifications import rendering
from notifications.models import Channel, Kind, Message, State

REPORTS = 40
QUEUED = 100_000  # communications in front
AT_ONCE = 1_000  # of them written in one transaction
CALM = (0.4, 1.2)  # seconds between two reports, so that no round of the clock is always met alike
IDLE = 20.0  # seconds of watching the clock do nothing
GIVEN_UP = 10.0
GOAL_MEDIAN, GOAL_WORST, GOAL_IDLE = 0.5, 1.0, 0.02


def run(database: str, *, seconds: float, rounds: int) -> None:  # noqa: ARG001  as long as it takes
    """Measure and print both, calm and with communications in front."""
    with installation(database) as laid, laid.running("web", "clock", "workers") as processes:
        time.sleep(2)
        idle = _share_of_a_core(processes["clock"].pid)
        _tell("calm", _waits(laid, 0))
        print(f"  {idle / GOAL_IDLE:5.2f} of the goal  the idle clock, {idle:.1%} of a core", flush=True)
        _queue(laid, QUEUED)
        _tell(f"with {QUEUED:,} communications in front", _waits(laid, REPORTS))
        print(f"        {_left(laid):,} of them were still waiting at the end", flush=True)


def _tell(when: str, waits: list[float]) -> None:
    waits.sort()
    half, late, worst = median(waits), waits[len(waits) * 95 // 100], waits[-1]
    print(f"  {half / GOAL_MEDIAN:5.2f} of the goal  from 202 to the provider, {when}: p50 {half:.3f} s")
    print(
        f"  {worst / GOAL_WORST:5.2f} of the goal  worst {worst:.3f} s, p95 {late:.3f} s of {len(waits)}",
        flush=True,
    )


def _queue(laid: Installation, number: int) -> None:
    """Owe so many communications, due since an hour: older than any page, each to another person."""
    with laid.app.app_context(), everyone():
        organisation, now = people.organisations()[0].id, utcnow()
        content = {
            "subject": "A breach of your data",
            "text": "Dear customer, …",
            "html": "<p>Dear customer, …</p>",
        }
        for start in range(0, number, AT_ONCE):
            rows = [_communication(organisation, start + each, content, now) for each in range(AT_ONCE)]
            with transaction():
                insert_rows(Message, *rows)


def _communication(organisation: UUID, number: int, content: dict[str, str], now: datetime) -> dict[str, Any]:
    address = f"person-{number}@people.example"
    return {
        "id": new_id(), "organisation_id": organisation, "about": "bench/queued", "kind": Kind.SUBJECT,
        "channel": Channel.EMAIL, "template": "test_message", "locale": "en", "context": {},
        "content": content, "content_sha256": rendering.fingerprint(content), "recipient": address,
        "recipient_index": blind_index(address), "fallbacks": [], "dedupe_key": f"queued:{number}",
        "reference": f"{number:08}", "state": State.PENDING, "ready_at": now - timedelta(hours=1),
        "created_at": now - timedelta(hours=1),
    }  # fmt: skip


def _left(laid: Installation) -> int:
    with laid.app.app_context(), everyone():
        waiting = select(func.count()).select_from(Message)
        found = db.session.scalar(waiting.where(Message.kind == Kind.SUBJECT, Message.state == State.PENDING))
        return found or 0


def _waits(laid: Installation, first: int) -> list[float]:
    """Seconds from each answer to the first text message about it that the provider took."""
    letters, chance, waits = Letters(laid.endpoints[:1]), random.Random(72), []
    with requests.Session() as session:
        for number in range(first, first + REPORTS):
            time.sleep(chance.uniform(*CALM))
            waits.append(wait_for_page(laid, letters, number, session))
    return waits


def wait_for_page(laid: Installation, letters: Letters, number: int, session: requests.Session) -> float:
    """Report once; seconds from the answer to the first text message about it that the provider took."""
    url, headers, body = letters.letter(number, f"http://{laid.settings.bind}")
    answer = session.post(url, data=body, headers=headers, timeout=GIVEN_UP)
    acknowledged = utcnow()
    answer.raise_for_status()
    took = _paged_at(laid, answer.json()["incident_number"]) - acknowledged
    _let_it_be_long_ago(laid)
    return took.total_seconds()


def _let_it_be_long_ago(laid: Installation) -> None:
    """Pages so close together would be gathered from the sixth on; `storm` measures that."""
    paged = update(Message).where(Message.kind == Kind.ONCALL).values(created_at=utcnow() - timedelta(days=1))
    with laid.app.app_context(), everyone(), transaction():
        db.session.execute(paged)


def _paged_at(laid: Installation, incident_number: str) -> datetime:
    """When the provider took the first text message that names the incident."""
    until = time.monotonic() + GIVEN_UP
    while time.monotonic() < until:
        for each in reversed(laid.sandbox.accepted("twilio")):
            if incident_number in each["body"]:
                return datetime.fromisoformat(each["at"])
        time.sleep(0.1)
    raise TimeoutError(f"Nobody was paged about {incident_number} within {GIVEN_UP:g} s.")


def _share_of_a_core(pid: int) -> float:
    """What a process uses of one core while nothing happens."""
    before = _processor_seconds(pid)
    time.sleep(IDLE)
    return (_processor_seconds(pid) - before) / IDLE


def _processor_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
