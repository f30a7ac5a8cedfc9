"""Is it alive, is it ready, how far behind is it: for supervisors and monitors, without personal data."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from accounts.permissions import open_to_all
from foundation import queue
from foundation.database import database_now, everyone
from foundation.database.migrating import is_current
from notifications import figures
from playbooks import runs

bp = Blueprint("health", __name__)
LONGEST_SILENCE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(seconds=60)  # of a message that is due
LONGEST_WAITS = {"subject": timedelta(minutes=5)}  # communications are many, and take their time


@bp.get("/healthz")
@open_to_all("A supervisor asks whether the process answers.")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@open_to_all("A monitor asks whether this installation is doing its work.")
def readyz() -> ResponseReturnValue:
    """200 when database and queue answer, migrations are current and the clock ended a round lately."""
    with everyone():
        faults = _faults()
    if faults:
        return jsonify(status="not ready", faults=faults), 503
    return jsonify(status="ready")


def _faults() -> list[str]:
    faults = []
    try:
        now = database_now()
        if not is_current(current_app.config["DATA"] / "migrations"):
            faults.append("the database is not at this release's migrations: run breachclock migrate")
        faults += _clock_faults(queue.last_beat(), now)
        faults += _waiting_faults(now)
    except SQLAlchemyError as trouble:
        faults.append(f"the database does not answer ({type(trouble).__name__})")
    return faults + queue.faults()


def _clock_faults(beat: datetime | None, now: datetime) -> list[str]:
    if beat is None:
        return ["the clock has not ended a round yet"]
    if now - beat > LONGEST_SILENCE:
        return [f"the clock has not ended a round for {int((now - beat).total_seconds())} s"]
    return []


def _waiting_faults(now: datetime) -> list[str]:
    """Messages that nobody takes, by kind: of processes only a worker that works says that it lives."""
    waited = {kind: now - since for kind, since in figures.oldest_due_by_kind(now).items()}
    return [
        f"a message ({kind}) that is due has waited {int(length.total_seconds())} s: are the workers running?"
        for kind, length in waited.items()
        if length > LONGEST_WAITS.get(kind, LONGEST_WAIT)
    ]


@bp.get("/metrics")
@open_to_all("Figures for a monitor; they name nobody.")
def metrics() -> ResponseReturnValue:
    """Prometheus figures, the lag of the oldest due step first."""
    with everyone():
        found = _figures()
    registry = CollectorRegistry()
    for name, (what, value) in found.items():
        Gauge(f"breachclock_{name}", what, registry=registry).set(value)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _figures() -> dict[str, tuple[str, float]]:
    now = database_now()
    beat = queue.last_beat()
    states = figures.by_state()
    found: dict[str, tuple[str, float]] = {
        "oldest_due_step_lag_seconds": (
            "How long the playbook run that is due longest has waited", _age(runs.oldest_due(now), now),
        ),
        "oldest_due_message_lag_seconds": (
            "How long the message that is due longest has waited", _age(figures.oldest_due(now), now),
        ),
        "clock_silence_seconds": ("Since the clock last ended a round", _age(beat, now) if beat else -1),
        "messages_wanting_a_person": (
            "Messages that reached nobody and wait for a person", figures.wanting_a_person(),
        ),
    }  # fmt: skip
    for state, number in states.items():
        found[f"messages_{state}"] = (f"Messages in the state {state}", number)
    for name, number in queue.counts().items():
        found[name] = ("Counted since the queue server was set up", number)
    return found


def _age(at: datetime | None, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) if at else 0.0
