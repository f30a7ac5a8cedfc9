"""SendGrid's batches: mail that waits for its send_at can be cancelled or paused by its batch."""

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.mail import Refused
from notifications.sandbox.messages import now_utc
from notifications.sandbox.sendgrid import authenticate, by_fault, refusal

blueprint = Blueprint("scheduled", __name__, url_prefix="/v3")
blueprint.before_request(authenticate)

MOST_STOPPED = 10
NO_BATCH = Refused("batch id not found", "batch_id", 404)


@blueprint.post("/mail/batch")
def create_batch() -> Response:
    """A new batch id."""

    def act() -> Response:
        batch_id = secrets.token_urlsafe(36)
        bench().store.set_batch(batch_id, "")
        return _created({"batch_id": batch_id})

    return perform("sendgrid", "batch", act=act, refuse=by_fault)


@blueprint.get("/mail/batch/<batch_id>")
def show_batch(batch_id: str) -> Response:
    """Whether this is a batch id."""
    return jsonify(batch_id=batch_id) if batch_id in bench().store.batches else refusal(NO_BATCH)


@blueprint.get("/user/scheduled_sends")
def stopped() -> Response:
    """All batches that are cancelled or paused."""
    batches = bench().store.batches
    return jsonify([{"batch_id": each, "status": status} for each, status in batches.items() if status])


@blueprint.get("/user/scheduled_sends/<batch_id>")
def show(batch_id: str) -> Response:
    """One batch, if it is cancelled or paused; an empty list otherwise."""
    status = bench().store.batches.get(batch_id)
    return jsonify([{"batch_id": batch_id, "status": status}] if status else [])


@blueprint.post("/user/scheduled_sends")
def stop() -> Response:
    """Cancel or pause a batch, until ten minutes before it is due; ten batches at once at the most."""

    def act() -> Response:
        given = _given()
        batch_id, status = given.get("batch_id"), given.get("status")
        refused = _refused(batch_id, status)
        if refused is None and bench().store.batches[str(batch_id)]:
            refused = Refused("The batch is cancelled or paused already. Use PATCH to change it.", "batch_id")
        if refused is None and sum(map(bool, bench().store.batches.values())) >= MOST_STOPPED:
            refused = Refused(f"No more than {MOST_STOPPED} batches may be cancelled or paused at one time.")
        refused = refused or _too_late(str(batch_id))
        if refused:
            return refusal(refused)
        bench().store.set_batch(str(batch_id), str(status))
        return _created({"batch_id": batch_id, "status": status})

    return perform("sendgrid", "cancel", act=act, refuse=by_fault)


@blueprint.patch("/user/scheduled_sends/<batch_id>")
def change(batch_id: str) -> Response:
    """Make a cancellation a pause, or the reverse."""

    def act() -> Response:
        if not bench().store.batches.get(batch_id):
            return refusal(NO_BATCH)
        if refused := _refused(batch_id, _given().get("status")):
            return refusal(refused)
        bench().store.set_batch(batch_id, _given()["status"])
        return Response(status=204)

    return perform("sendgrid", "cancel", act=act, refuse=by_fault)


@blueprint.delete("/user/scheduled_sends/<batch_id>")
def resume(batch_id: str) -> Response:
    """Take a cancellation or a pause back: the mail goes out when it is due."""

    def act() -> Response:
        if not bench().store.batches.get(batch_id):
            return refusal(NO_BATCH)
        bench().store.set_batch(batch_id, "")
        return Response(status=204)

    return perform("sendgrid", "cancel", act=act, refuse=by_fault)


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else {}


def _created(document: dict[str, Any]) -> Response:
    answer = jsonify(document)
    answer.status_code = 201
    return answer


def _refused(batch_id: Any, status: Any) -> Refused | None:
    if status not in ("cancel", "pause"):
        return Refused("status must be cancel or pause", "status")
    if not isinstance(batch_id, str) or batch_id not in bench().store.batches:
        return Refused("invalid batch id", "batch_id")
    return None


def _too_late(batch_id: str) -> Refused | None:
    now, margin = now_utc(), bench().config.cancel_margin
    waiting = [message.due_at for message in bench().store.accepted("sendgrid", batch_id=batch_id)]
    if waiting and (min(waiting) - now).total_seconds() < margin:
        return Refused(f"The batch is due in less than {margin:g} seconds and cannot be stopped.", "batch_id")
    return None
