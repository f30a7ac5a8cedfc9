"""A chat service in the manner of ntfy: what is posted to a topic appears on a device that listens to it."""

import re
import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Fault

blueprint = Blueprint("chat", __name__)

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
LONGEST = 4096  # bytes, as ntfy's message-size-limit


@blueprint.post("/")
def publish() -> Response:
    """Publish as JSON, topic within; this is how Apprise does it."""
    given = request.get_json(silent=True)
    given = given if isinstance(given, dict) else {}
    return _publish(str(given.get("topic", "")), str(given.get("title", "")), str(given.get("message", "")))


@blueprint.post("/ntfy/<topic>")
@blueprint.put("/ntfy/<topic>")
def publish_to(topic: str) -> Response:
    """Publish a plain text to a topic; the title stands in a header."""
    given: Any = request.get_json(silent=True)
    if isinstance(given, dict):
        return _publish(topic, str(given.get("title", "")), str(given.get("message", "")))
    title = request.headers.get("Title") or request.headers.get("X-Title") or ""
    return _publish(topic, title, request.get_data(as_text=True))


def _publish(topic: str, title: str, text: str) -> Response:
    def act() -> Response:
        if not TOPIC.fullmatch(topic):
            return _refusal(400, 40009, "invalid topic name")
        if not text or len(text.encode()) > LONGEST:
            return _refusal(413 if text else 400, 41301, f"a message has 1 to {LONGEST} bytes")
        message = _message(topic, title, text)
        bench().store.keep([message])
        bench().progress.begin([message])
        at = int(message.at.timestamp())
        return jsonify(id=message.id, time=at, event="message", topic=topic, title=title, message=text)

    return perform("chat", "send", act=act, refuse=_by_fault, recipients=lambda: [topic])


def _by_fault(fault: Fault, status: int) -> Response:
    return _refusal(status, fault.code or status * 100 + 1, fault.message or "Sandbox fault")


def _refusal(status: int, code: int, message: str) -> Response:
    """Ntfy's form of an error."""
    answer = jsonify(code=code, http=status, error=message, link="https://ntfy.sh/docs/publish/")
    answer.status_code = status
    return answer


def _message(topic: str, title: str, text: str) -> Message:
    now, name = now_utc(), secrets.token_urlsafe(9)
    return Message(
        id=name,
        provider="chat",
        to=topic,
        sender="Breachclock",
        at=now,
        due_at=now,
        changed_at=now,
        subject=title,
        body=text,
        request=name,
    )
