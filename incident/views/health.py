"""Is it alive, is it ready, how far behind is it: for supervisors and monitors, without personal data."""

import re
from datetime import datetime

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from accounts.permissions import open_to_all
from foundation import queue
from foundation.database import database_now, everyone
from incident import readiness
from notifications import canary, circuits, figures, heartbeat
from playbooks import runs

bp = Blueprint("health", __name__)


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
        faults = readiness.faults()
    if faults:
        return jsonify(status="not ready", faults=faults), 503
    return jsonify(status="ready")


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
    heard = queue.last_beat(heartbeat.HEARD)
    found["heartbeat_silence_seconds"] = (
        "Since somebody outside last heard us",
        _age(heard, now) if heard else -1,
    )
    found |= {name: (what, value) for name, what, value in canary.figures(now)}
    for state, number in states.items():
        found[f"messages_{state}"] = (f"Messages in the state {state}", number)
    for each in circuits.standing():
        name = re.sub(r"\W", "_", f"{each.channel}_{each.provider}")
        found[f"provider_{name}_takes_messages"] = (
            "1 while messages may go by it, 0 while it is left alone", 0 if each.until else 1,
        )  # fmt: skip
    found["provider_switches"] = ("How often a provider was left alone", figures.switches())
    for name, number in queue.counts().items():
        found[name] = ("Counted since the queue server was set up", number)
    return found


def _age(at: datetime | None, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) if at else 0.0
