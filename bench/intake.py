"""Reports taken in whole, against a server that only checks them and one that only keeps their bytes.

Whole means: signature, facts, incident, clocks, playbook with its steps, ledger, one commit. The page
follows by the clock; `latency` measures when.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from uuid import UUID

from sqlalchemy import select

from bench.installation import Installation, installation
from bench.senders import Sample, Senders
from foundation.database import db, everyone
from incident.models import Incident, Report

CHECKED, KEPT = "checked only", "one durable insert"
ALONE, WHOLE = "taken in whole, alone", "taken in whole, with clock and workers"
PEERS = 24 / 725  # DFIR-IRIS and FIR open 24 a second where one durable insert reaches 725
GOAL, AIM = 0.3, 0.5
WARM_UP = 1.0  # seconds


def run(database: str, *, seconds: float, rounds: int) -> None:
    """Measure, print, and check that nothing acknowledged is lost."""
    with installation(database) as laid, Senders(laid.endpoints) as senders:
        samples = _measure(laid, senders, seconds, rounds)
        _print(samples)
        acknowledged = {each for name in (ALONE, WHOLE) for one in samples[name] for each in one.report_ids}
        _check(laid, acknowledged)


def _measure(laid: Installation, senders: Senders, seconds: float, rounds: int) -> dict[str, list[Sample]]:
    """Load each server in turn, round after round, so that all meet the same weather."""
    product = f"http://{laid.settings.bind}"
    samples: dict[str, list[Sample]] = {}
    with laid.floor("validating") as checking, laid.floor("inserting") as keeping, laid.running("web"):
        for address in (checking, keeping, product):
            senders.load(address, WARM_UP)
        for _ in range(rounds):
            samples.setdefault(CHECKED, []).append(senders.load(checking, seconds))
            samples.setdefault(KEPT, []).append(senders.load(keeping, seconds))
            samples.setdefault(ALONE, []).append(senders.load(product, seconds))
            with _everything_else(laid):
                samples.setdefault(WHOLE, []).append(senders.load(product, seconds))
    return samples


@contextmanager
def _everything_else(laid: Installation) -> Iterator[None]:
    with laid.running("clock", "workers"):
        yield


def _print(samples: dict[str, list[Sample]]) -> None:
    floor = median(each.per_second for each in samples[KEPT])
    for name, rounds in samples.items():
        rate = median(each.per_second for each in rounds)
        percentiles = ", ".join(
            f"p{each} {median(one.latency(each) for one in rounds) * 1000:.0f} ms" for each in (50, 95, 99)
        )
        print(f"  {rate / floor:5.2f} of the durable floor  {name:40} {rate:6.0f}/s  {percentiles}")
        if refused := [status for each in rounds for status in each.refused]:
            print(f"        {len(refused)} refused: {sorted(set(refused))}")
    for name in (ALONE, WHOLE):
        ratio = median(each.per_second for each in samples[name]) / floor
        verdict = "aim" if ratio >= AIM else "goal" if ratio >= GOAL else "BELOW THE GOAL"
        print(f"  {ratio / PEERS:5.1f} times DFIR-IRIS and FIR  {name} ({verdict}; goal {GOAL}, aim {AIM})")


def _check(laid: Installation, acknowledged: set[str]) -> None:
    """Every report that was answered with 202 is in the database, with its incident."""
    with laid.app.app_context(), everyone():
        kept = set(
            db.session.scalars(select(Report.id).join(Incident, Incident.id == Report.incident_id)).all()
        )
    lost = {UUID(each) for each in acknowledged} - kept
    print(f"  {len(lost)} lost of {len(acknowledged)} acknowledged reports")
    if lost:
        raise SystemExit(f"Acknowledged and not in the database: {len(lost)} reports, as {min(lost)}.")
