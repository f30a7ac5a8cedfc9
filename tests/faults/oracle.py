"""What must be true after every fault, whatever it was: the one list of promises."""

import subprocess
import sys
from collections.abc import Iterator

import requests
from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from notifications.models import Message, Page
from notifications.rules.retry import PAGING, REMINDING
from tests.faults.installation import CANARY, Installation, Row

ENDED = ("unreached", "held")
PERSONAL = (CANARY, "canary.subject", "+447700", "447700", "@promark.example")


def assert_conserved(installation: Installation) -> None:
    """Nothing lost, nobody told twice, nothing claimed that is not so, no trace of a person.

    Waits first until everything has ended.
    """
    installation.wait_until_ready()
    rows, copies = installation.wait_for_rest(), installation.copies()
    broken = [
        *_lost(rows, copies, installation),
        *_told_twice(rows, copies, installation),
        *_claimed(rows, copies),
        *_ledger(installation),
        *_leaks(installation),
    ]
    assert not broken, "\n".join(broken)


def _lost(rows: list[Row], copies: dict, installation: Installation) -> Iterator[str]:
    """A message that no provider has, and that nobody was asked to see to."""
    with installation.at_work():
        pages = {page.id: page for page in db.session.scalars(select(Page))}
        followed = {key for (key,) in db.session.execute(select(Message.dedupe_key))}
    for row in rows:
        if copies.get(row.id) or row.state == "cancelled" or row.wants_person:
            continue
        if row.state in ENDED and any(key.startswith(f"{row.dedupe_key}>") for key in followed):
            continue
        if row.state in ENDED and row.page_id and pages[row.page_id].turn > 1:
            continue  # the next person was paged in its stead
        yield f"lost: {row}"


def _told_twice(rows: list[Row], copies: dict, installation: Installation) -> Iterator[str]:
    for row in rows:
        bound = {"oncall": PAGING.tries, "internal": 1 + REMINDING.at_once}.get(row.kind, 1)
        bound += row.id in installation.may_be_twice
        if copies.get(row.id, 0) > bound:
            yield f"told {copies[row.id]} times, {bound} allowed: {row}"


def _claimed(rows: list[Row], copies: dict) -> Iterator[str]:
    for row in rows:
        if row.state in ("accepted", "delivered") and not copies.get(row.id):
            yield f"said to be {row.state}, and no provider has it: {row}"


def _ledger(installation: Installation) -> Iterator[str]:
    with installation.at_work():
        for each in ledger.verify():
            yield f"the ledger is broken: {each}"


def _leaks(installation: Installation) -> Iterator[str]:
    """Traces of a person in logs, in the queue server, in figures, in what travels in addresses."""
    places = {log.name: log.read_text(errors="replace") for log in installation.logs.glob("*.log")}
    places["queue server"] = installation.queue.dump()
    places["metrics"] = requests.get(f"{installation.url}/metrics", timeout=5).text
    accepted = installation.sandbox.accepted()
    places["callback addresses"] = "\n".join(str(line["status_callback"]) for line in accepted)
    places["custom arguments"] = "\n".join(str(line["custom_args"]) for line in accepted)
    for name, text in places.items():
        for trace in PERSONAL:
            if trace in text:
                at = text.index(trace)
                yield f"{trace} stands in {name}: …{text[max(at - 120, 0) : at + 60]!r}"


def audit_verify(installation: Installation) -> subprocess.CompletedProcess[str]:
    """What an operator runs: `breachclock audit verify`."""
    command = [sys.executable, "-c", "import wsgi; wsgi.main()", "audit", "verify"]
    return subprocess.run(command, env=installation.environ, capture_output=True, text=True, check=False)
