"""SendGrid's interface, as far as its SDK is used: send, scopes, Email Activity."""

import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox.activity import Query, activity_of, details_of
from notifications.sandbox.answers import perform
from notifications.sandbox.bench import bench
from notifications.sandbox.config import SANDBOX_API_KEY
from notifications.sandbox.mail import Complaint, Refused, check, messages_of, recipients_of
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Behaviour, Fault, Kind, Outcome

blueprint = Blueprint("sendgrid", __name__, url_prefix="/v3")

WORDS = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    413: "The JSON payload you have included in your request is too large.",
    415: "Content-Type should be application/json.",
    429: "too many requests",
}
SCOPES = ["mail.send", "mail.batch.create", "messages.read", "user.scheduled_sends.create"]


@blueprint.before_request
def authenticate() -> Response | None:
    """Only the sandbox's own key: a real one must not even seem to work."""
    expected = f"Bearer {SANDBOX_API_KEY}".encode()
    if hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        return None
    return refusal(Refused(WORDS[401], status=401))


def refusal(refused: Refused) -> Response:
    """SendGrid's form of an error."""
    answer = jsonify(errors=[{"message": refused.message, "field": refused.field, "help": None}])
    answer.status_code = refused.status
    return answer


def by_fault(fault: Fault, status: int) -> Response:
    """The error a fault asks for."""
    if fault.kind is Kind.NAMED:
        return _naming(fault, status)
    answer = refusal(Refused(fault.message or WORDS.get(status, "Sandbox fault"), status=status))
    if status == 429 and fault.retry_after and fault.retry_after.isdigit():
        reset = int(now_utc().timestamp()) + int(fault.retry_after)
        answer.headers["X-RateLimit-Reset"] = str(reset)
    return answer


def _naming(fault: Fault, status: int) -> Response:
    """A refusal of the whole request that names those whom the rule is about."""
    mail: Any = request.get_json(silent=True)
    addresses, rule = recipients_of(mail), bench().script.rule_of(fault)
    message = fault.message or "Does not contain a valid address."
    named = [number for number, address in enumerate(addresses) if rule is None or rule.is_about(address)]
    answer = jsonify(
        errors=[
            {"message": message, "field": f"personalizations.{number}.to.0.email", "help": None}
            for number in named
        ]
    )
    answer.status_code = status
    return answer


@blueprint.get("/scopes")
def scopes() -> Response:
    """What the key may do, which also says that it is good."""
    return perform("sendgrid", "account", act=lambda: jsonify(scopes=SCOPES), refuse=by_fault)


@blueprint.post("/mail/send")
def send() -> Response:
    """Take a mail, if SendGrid would: 202, nothing in the body, and the id in X-Message-Id."""
    return perform(
        "sendgrid",
        "send",
        act=_send,
        refuse=by_fault,
        recipients=lambda: recipients_of(request.get_json(silent=True)),
    )


def _send() -> Response:
    if request.mimetype != "application/json":
        return refusal(Refused(WORDS[415], status=415))
    mail: Any = request.get_json(silent=True)
    now = now_utc()
    try:
        check(mail, now)
        _check_against_documents(mail)
    except Complaint as complaint:
        return refusal(complaint.refused)
    messages = [_by_script(message) for message in messages_of(mail, now)]
    if len(messages) > 1:
        bench().store.keep_mails(mail, messages)
    else:
        bench().store.keep(messages)
    bench().progress.begin(messages)
    answer = Response(b"", 202, headers={"X-Message-Id": messages[0].request})
    del answer.headers["Content-Type"]
    return answer


def _check_against_documents(mail: dict[str, Any]) -> None:
    if breach := bench().documents.mail(mail):
        raise Complaint(breach.message, breach.field)
    if mail.get("batch_id") and mail["batch_id"] not in bench().store.batches:
        raise Complaint("The batch_id is not a valid batch id.", "batch_id")


def _by_script(message: Message) -> Message:
    script = bench().script
    message.outcome = script.take(Outcome, "sendgrid", lambda: [message.to]) or message.outcome
    message.callbacks = script.take(Behaviour, "sendgrid", lambda: [message.to]) or message.callbacks
    return message


@blueprint.get("/messages")
def search() -> Response:
    """Email Activity: messages that were processed longer ago than the lag, newest first."""

    def act() -> Response:
        try:
            query = Query.read(request.args.get("query", ""))
        except ValueError as unreadable:
            return refusal(Refused(str(unreadable), "query"))
        limit = request.args.get("limit", 10, type=int)
        if not 1 <= limit <= 1000:
            return refusal(Refused("limit must be from 1 to 1000", "limit"))
        lag = bench().script.search_lag["sendgrid"]
        found = [m for m in bench().store.accepted("sendgrid") if _seen(m, lag) and query.fits(m)]
        return jsonify(messages=[activity_of(message) for message in reversed(found[-limit:])])

    return perform("sendgrid", "search", act=act, refuse=by_fault)


def _seen(message: Message, lag: float) -> bool:
    age = now_utc() - message.due_at
    return message.status not in {"queued", "cancelled"} and age.total_seconds() >= lag


@blueprint.get("/messages/<path:message_id>")
def message(message_id: str) -> Response:
    """Email Activity of one message."""

    def act() -> Response:
        found = bench().store.messages.get(message_id)
        if found is None or found.provider != "sendgrid":
            return refusal(Refused(WORDS[404], status=404))
        return jsonify(details_of(found))

    return perform("sendgrid", "fetch", act=act, refuse=by_fault)
