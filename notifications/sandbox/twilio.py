"""Twilio's Messages resource, as far as its SDK is used: create, list, fetch, and fetch the account."""

import hmac
import secrets
from email.utils import format_datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox import responder
from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Behaviour, Fault, Outcome
from notifications.sandbox.sms import Refused, faults_of, segments
from notifications.sandbox.twilio_list import page_of

blueprint = Blueprint("twilio", __name__, url_prefix="/2010-04-01/Accounts")

MEANINGS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "The 'To' number is not a valid phone number.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number via SMS.",
    21614: "'To' number is not a valid mobile number",
}
ACCOUNT_CODES = {401: 20003, 403: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503}


@blueprint.before_request
def authenticate() -> Response | None:
    """Only the sandbox's own account: real credentials must not even seem to work."""
    given = request.authorization
    sid = (request.view_args or {}).get("sid", "")
    known = given is not None and given.type == "basic" and given.username == SANDBOX_ACCOUNT_SID == sid
    if known and given and hmac.compare_digest((given.password or "").encode(), SANDBOX_AUTH_TOKEN.encode()):
        return None
    return refusal(Refused(20003, MEANINGS[20003], 401))


def refusal(refused: Refused) -> Response:
    """Twilio's form of an error."""
    answer = jsonify(
        code=refused.code,
        message=refused.message,
        more_info=f"https://www.twilio.com/docs/errors/{refused.code}",
        status=refused.status,
    )
    answer.status_code = refused.status
    return answer


def by_fault(fault: Fault, status: int) -> Response:
    """The error a fault asks for."""
    code = fault.code or ACCOUNT_CODES.get(status, 21211 if status < 500 else 20500)
    return refusal(Refused(code, fault.message or MEANINGS.get(code, "Sandbox fault"), status))


@blueprint.get("/<sid>.json")
def account(sid: str) -> Response:
    """The account, which also says that the credentials are good."""
    document = {"sid": sid, "friendly_name": "Sandbox", "status": "active", "type": "Trial"}
    return perform("twilio", "account", act=lambda: jsonify(document), refuse=by_fault)


@blueprint.post("/<sid>/Messages.json")
def create(sid: str) -> Response:  # noqa: ARG001  checked before
    """Take a message, if Twilio would."""
    return perform(
        "twilio", "send", act=_create, refuse=by_fault, recipients=lambda: [request.form.get("To", "")]
    )


def _create() -> Response:
    form = request.form.to_dict()
    if refused := _refused(form):
        return refusal(refused)
    message = _message(form)
    bench().store.keep([message])
    bench().progress.begin([message])
    responder.take(bench(), message)
    answer = jsonify(document_of(message, status="queued"))
    answer.status_code = 201
    return answer


def _refused(form: dict[str, str]) -> Refused | None:
    if refused := faults_of(form):
        return refused
    if breach := bench().documents.sms(form):
        return Refused(20001, f"Invalid parameter {breach.field}: {breach.message}")
    if form["To"].strip() in bench().store.opted_out:
        return Refused(21610, MEANINGS[21610])
    callback = form.get("StatusCallback")
    if callback and not bench().caller.may_call(callback):
        own = bench().config.signed_url
        return Refused(21609, f"The sandbox calls back to {own} only. Start it with the product's address.")
    return None


def _message(form: dict[str, str]) -> Message:
    now, sid, to = now_utc(), "SM" + secrets.token_hex(16), form["To"].strip()
    script = bench().script
    return Message(
        id=sid,
        provider="twilio",
        to=to,
        sender=form.get("From", "").strip() or form.get("MessagingServiceSid", ""),
        at=now,
        due_at=now,
        changed_at=now,
        body=form.get("Body", ""),
        request=sid,
        status_callback=form.get("StatusCallback"),
        validity_period=int(form["ValidityPeriod"]) if form.get("ValidityPeriod") else None,
        outcome=script.take(Outcome, "twilio", lambda: [to]) or Outcome(),
        callbacks=script.take(Behaviour, "twilio", lambda: [to]) or Behaviour(),
    )


@blueprint.get("/<sid>/Messages/<message_sid>.json")
def fetch(sid: str, message_sid: str) -> Response:  # noqa: ARG001  checked before
    """One message with its state."""

    def act() -> Response:
        message = bench().store.messages.get(message_sid)
        if message is None or message.provider != "twilio":
            return refusal(Refused(20404, f"The requested resource {request.path} was not found", 404))
        return jsonify(document_of(message))

    return perform("twilio", "fetch", act=act, refuse=by_fault)


@blueprint.get("/<sid>/Messages.json")
def search(sid: str) -> Response:  # noqa: ARG001  checked before
    """Messages newest first, a page at a time; those too fresh for the lag are not yet to be seen."""

    def act() -> Response:
        lag = bench().script.search_lag["twilio"]
        found = page_of(bench().store.held("twilio"), request.args, path=request.path, lag=lag, now=now_utc())
        if isinstance(found, Refused):
            return refusal(found)
        found["messages"] = [document_of(message) for message in found["messages"]]
        return jsonify(found)

    recipients = lambda: [request.args.get("To", "")]  # noqa: E731
    return perform("twilio", "search", act=act, refuse=by_fault, recipients=recipients)


def document_of(message: Message, *, status: str | None = None) -> dict[str, Any]:
    """The message as Twilio's API shows it."""
    path = f"/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Messages/{message.id}"
    directions = {"outbound": "outbound-api", "inbound": "inbound"}
    return {
        "account_sid": SANDBOX_ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": format_datetime(message.at),
        "date_sent": format_datetime(message.sent_at) if message.sent_at else None,
        "date_updated": format_datetime(message.changed_at or message.at),
        "direction": directions.get(message.direction, "outbound-reply"),
        "error_code": message.error_code,
        "error_message": MEANINGS.get(message.error_code or 0),
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments(message.body)),
        "price": None,
        "price_unit": "USD",
        "sid": message.id,
        "status": status or message.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": message.to,
        "uri": f"{path}.json",
    }
