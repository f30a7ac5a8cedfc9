"""A plain gateway for text messages, as operators run them: JSON, a bearer token, signed receipts.

The sender gives each message an id of its own; the same id twice is the same message. That makes it
safe to ask again, and `GET messages/<id>` tells whether the gateway has it at all.
"""

import hmac
import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.config import SANDBOX_GATEWAY_TOKEN
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Behaviour, Fault, Outcome
from notifications.sandbox.sms import LONGEST_BODY, is_number

blueprint = Blueprint("gateway", __name__, url_prefix="/gateway")

ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")
SENDER = "Breachclock"


@blueprint.before_request
def authenticate() -> Response | None:
    """Only the sandbox's own token."""
    expected = f"Bearer {SANDBOX_GATEWAY_TOKEN}".encode()
    if hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        return None
    return refusal(401, "The token is not known here, or was revoked.", "unauthorized")


def refusal(status: int, message: str, code: str) -> Response:
    """The gateway's form of an error."""
    answer = jsonify(code=code, message=message)
    answer.status_code = status
    return answer


def by_fault(fault: Fault, status: int) -> Response:
    """The error a fault asks for."""
    return refusal(status, fault.message or "Sandbox fault", str(fault.code or "fault"))


@blueprint.get("/account")
def account() -> Response:
    """The account, which also says that the token is good."""
    return perform("gateway", "account", act=lambda: jsonify(status="active"), refuse=by_fault)


@blueprint.post("/messages")
def send() -> Response:
    """Take a message `{"to", "text", "id"}`: 202 with the gateway's own id, the same for the same again."""
    return perform(
        "gateway", "send", act=_send, refuse=by_fault, recipients=lambda: [str(_given().get("to"))]
    )


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else {}


def _send() -> Response:
    to, text, name = (_given().get(field) for field in ("to", "text", "id"))
    if not isinstance(name, str) or not ID.fullmatch(name):
        return refusal(422, "'id' must be up to 80 letters, digits, dots, colons or dashes.", "bad_id")
    if not isinstance(to, str) or not is_number(to):
        return refusal(422, "'to' must be a phone number such as +4520000001.", "bad_number")
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_BODY:
        return refusal(422, f"'text' must have 1 to {LONGEST_BODY} characters.", "bad_text")
    with bench().store.lock:
        known = _known(name)
        if known is None:
            known = _message(name, to, text)
            bench().store.keep([known])
            bench().progress.begin([known])
    if (known.to, known.body) != (to, text):
        return refusal(409, "Another message has this id.", "id_taken")
    answer = jsonify(id=known.id)
    answer.status_code = 202
    return answer


def _known(name: str) -> Message | None:
    """The message of an id, which is the gateway's or the sender's."""
    messages = bench().store.messages
    return messages.get(name) or messages.get(_id(name))


def _id(name: str) -> str:
    """The gateway's own id of a message: another one than the sender's, and the same for the same."""
    return f"gw-{uuid5(NAMESPACE_URL, name).hex}"


def _message(name: str, to: str, text: str) -> Message:
    now, script = now_utc(), bench().script
    return Message(
        id=_id(name),
        provider="gateway",
        to=to,
        sender=SENDER,
        at=now,
        due_at=now,
        changed_at=now,
        body=text,
        request=name,
        outcome=script.take(Outcome, "gateway", lambda: [to]) or Outcome(),
        callbacks=script.take(Behaviour, "gateway", lambda: [to]) or Behaviour(),
    )


@blueprint.get("/messages/<name>")
def fetch(name: str) -> Response:
    """One message with its state; 404 when the gateway never had it."""

    def act() -> Response:
        found = _known(name)
        if found is None:
            return refusal(404, "No message has this id.", "not_found")
        return jsonify(id=found.id, status=found.status, code=str(found.error_code or ""))

    return perform("gateway", "fetch", act=act, refuse=by_fault)
