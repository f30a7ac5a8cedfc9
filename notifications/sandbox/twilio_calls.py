"""Twilio's Calls resource, as far as its SDK is used: create, list, fetch, and end."""

import secrets
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_NUMBER
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Behaviour, Outcome
from notifications.sandbox.sms import Refused, is_number
from notifications.sandbox.talk import ENDED, EVENTS, Talk
from notifications.sandbox.twilio import authenticate, by_fault, refusal
from notifications.sandbox.twilio_list import page_of

blueprint = Blueprint("twilio_calls", __name__, url_prefix="/2010-04-01/Accounts")
blueprint.before_request(authenticate)

LONGEST_RING = 600
LONGEST_TWIML = 4000


@blueprint.post("/<sid>/Calls.json")
def create(sid: str) -> Response:  # noqa: ARG001  checked before
    """Call somebody, if Twilio would."""
    return perform(
        "voice", "send", act=_create, refuse=by_fault, recipients=lambda: [request.form.get("To", "")]
    )


def _create() -> Response:
    if refused := _refused():
        return refusal(refused)
    message = _message()
    bench().store.keep([message])
    bench().switchboard.begin(message)
    answer = jsonify(document_of(message, status="queued"))
    answer.status_code = 201
    return answer


def _refused() -> Refused | None:
    """The first reason for which Twilio would not call, or this sandbox could not."""
    form = request.form
    recipient, sender, url = (form.get(name, "").strip() for name in ("To", "From", "Url"))
    if not recipient:
        return Refused(21201, "No 'To' number is specified.")
    if not sender:
        return Refused(21213, "A 'From' phone number is required.")
    if not is_number(recipient):
        return Refused(21211, f"The 'To' number {recipient} is not a valid phone number.")
    if sender != SANDBOX_NUMBER:
        return Refused(21210, f"The 'From' number must be {SANDBOX_NUMBER}, the sandbox's only one.")
    if not url and not form.get("Twiml"):
        return Refused(21205, "A 'Url' or 'Twiml' is required.")
    if len(form.get("Twiml", "")) > LONGEST_TWIML:
        return Refused(21218, f"'Twiml' is longer than {LONGEST_TWIML} characters.")
    return _refused_options()


def _refused_options() -> Refused | None:
    form = request.form
    own = bench().config.signed_url
    for name, code in (("Url", 21205), ("FallbackUrl", 21205), ("StatusCallback", 21609)):
        url = form.get(name, "")
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            return Refused(code, f"The {name!r} {url} is not a valid URL.")
        if url and not bench().caller.may_call(url):
            return Refused(
                code, f"The sandbox calls back to {own} only. Start it with the product's address."
            )
    for name in ("Method", "FallbackMethod", "StatusCallbackMethod"):
        if form.get(name, "POST").upper() != "POST":
            return Refused(21206, f"{name!r}: this sandbox only posts.")
    if strange := set(_events()) - set(EVENTS):
        return Refused(21626, f"'StatusCallbackEvent' is {min(strange)!r}, not one of {EVENTS}.")
    ring = form.get("Timeout", "60")
    if not ring.isascii() or not ring.isdigit() or not 1 <= int(ring) <= LONGEST_RING:
        return Refused(20001, f"'Timeout' must be from 1 to {LONGEST_RING} seconds.")
    if breach := bench().documents.call(form.to_dict()):
        return Refused(20001, f"Invalid parameter {breach.field}: {breach.message}")
    return None


def _events() -> list[str]:
    """The events that were asked for: the field may come several times, or hold several words."""
    given = " ".join(request.form.getlist("StatusCallbackEvent")).split()
    return given or ["completed"]


def _message() -> Message:
    form, now, sid = request.form, now_utc(), "CA" + secrets.token_hex(16)
    to, script = form["To"].strip(), bench().script
    return Message(
        id=sid,
        provider="voice",
        to=to,
        sender=form["From"].strip(),
        at=now,
        due_at=now,
        changed_at=now,
        request=sid,
        status_callback=form.get("StatusCallback"),
        outcome=script.take(Outcome, "voice", lambda: [to]) or Outcome("ringing"),
        callbacks=script.take(Behaviour, "voice", lambda: [to]) or Behaviour(),
        talk=Talk(
            url=form.get("Url", ""),
            fallback_url=form.get("FallbackUrl", ""),
            twiml=form.get("Twiml", ""),
            timeout=int(form.get("Timeout", "60")),
            events=tuple(_events()),
            detects=form.get("MachineDetection", "") in {"Enable", "DetectMessageEnd"},
        ),
    )


@blueprint.get("/<sid>/Calls/<call_sid>.json")
def fetch(sid: str, call_sid: str) -> Response:  # noqa: ARG001  checked before
    """One call with its state."""
    return perform("voice", "fetch", act=lambda: _shown(call_sid), refuse=by_fault)


@blueprint.post("/<sid>/Calls/<call_sid>.json")
def update(sid: str, call_sid: str) -> Response:  # noqa: ARG001  checked before
    """End a call: `Status` "canceled" while it waits or rings, "completed" at any time."""

    def act() -> Response:
        status = request.form.get("Status", "")
        if status not in {"canceled", "completed"}:
            return refusal(Refused(20001, "'Status' must be canceled or completed; no more can be changed."))
        found = bench().store.messages.get(call_sid)
        if found and found.provider == "voice" and found.status in ENDED:
            return refusal(Refused(21220, "Call is not in-progress. Cannot redirect."))
        bench().switchboard.end(call_sid, status)
        return _shown(call_sid)

    return perform("voice", "cancel", act=act, refuse=by_fault)


def _shown(call_sid: str) -> Response:
    call = bench().store.messages.get(call_sid)
    if call is None or call.provider != "voice":
        return refusal(Refused(20404, f"The requested resource {request.path} was not found", 404))
    return jsonify(document_of(call))


@blueprint.get("/<sid>/Calls.json")
def search(sid: str) -> Response:  # noqa: ARG001  checked before
    """Calls newest first, a page at a time; those too fresh for the lag are not yet to be seen."""

    def act() -> Response:
        lag = bench().script.search_lag["voice"]
        held = bench().store.held("voice")
        found = page_of(held, request.args, path=request.path, lag=lag, now=now_utc(), kind="calls")
        if isinstance(found, Refused):
            return refusal(found)
        found["calls"] = [document_of(call) for call in found["calls"]]
        return jsonify(found)

    recipients = lambda: [request.args.get("To", "")]  # noqa: E731
    return perform("voice", "search", act=act, refuse=by_fault, recipients=recipients)


def document_of(call: Message, *, status: str | None = None) -> dict[str, Any]:
    """The call as Twilio's API shows it."""
    path = f"/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Calls/{call.id}"
    ended = call.changed_at if call.status in ENDED else None
    talk = call.talk or Talk()
    return {
        "account_sid": SANDBOX_ACCOUNT_SID,
        "annotation": None,
        "answered_by": talk.answered_by,
        "api_version": "2010-04-01",
        "caller_name": "",
        "date_created": format_datetime(call.at),
        "date_updated": format_datetime(call.changed_at or call.at),
        "direction": "outbound-api",
        "duration": str(talk.seconds(ended)) if ended else None,
        "end_time": format_datetime(ended) if ended else None,
        "forwarded_from": None,
        "from": call.sender,
        "from_formatted": call.sender,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": "PN" + "5" * 32,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.id,
        "start_time": format_datetime(call.sent_at) if call.sent_at else None,
        "status": status or call.status,
        "subresource_uris": {"notifications": f"{path}/Notifications.json"},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": "",
        "uri": f"{path}.json",
    }
