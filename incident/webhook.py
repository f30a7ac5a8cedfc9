"""POST /api/v1/reports/{endpoint_id}: a processor reports, signed by the Standard Webhooks specification.

Nothing is answered with 202 before it is committed. What is not signed leaves a short note in quarantine;
what is signed and cannot be read as facts is kept and opens an incident to be read. Whoever signed gets an
answer signed with the same secret.
"""

import hashlib
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog
from flask import Blueprint, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import RequestEntityTooLarge

from accounts.permissions import open_to_all, signed_by
from foundation import http, queue
from foundation.database import db, everyone, transaction, utcnow
from foundation.database.together import committed
from incident import openapi, pack_files, processors, quarantine, reports, signatures

bp = Blueprint("webhook", __name__, url_prefix="/api/v1")
log = structlog.get_logger()
_heard = FixedWindowRateLimiter(MemoryStorage())  # asks nobody: a report waits for the database alone
_scribe = quarantine.Scribe()
TRIES = 3
FLOOD = parse("6000 per minute")  # of one sender to one process; nobody has that many breaches to tell of


@bp.post("/reports/<endpoint_id>")
@signed_by("Standard Webhooks")
def receive(endpoint_id: str) -> ResponseReturnValue:
    """Take in one report; the answer is in the contract, section 3."""
    body = _whole_body()
    with everyone():
        try:
            sender = processors.sender(endpoint_id, utcnow())
            secret = signatures.secret_of(request.headers, body, sender.secrets if sender else ())
            if sender is None or secret is None:
                return _unsigned(endpoint_id, sender, body)
            return _signed(_answer_to(sender, body), secret)
        except (DBAPIError, NoConnectionFree) as trouble:
            db.session.rollback()
            log.error("report.not_committed", kind=type(getattr(trouble, "orig", trouble)).__name__)
            return _later()


def _answer_to(sender: processors.Sender, body: bytes) -> Response:
    """What somebody who signed is answered, also when nothing could be committed."""
    if _is_flood(sender.endpoint_id):
        return _slower()
    try:
        return make_response(_take_in(sender, body))
    except (DBAPIError, NoConnectionFree) as trouble:
        db.session.rollback()
        log.error("report.not_committed", kind=type(getattr(trouble, "orig", trouble)).__name__)
        return _later()


@bp.get("/reports/<endpoint_id>/<uuid:report_id>")
@signed_by("Standard Webhooks")
def status(endpoint_id: str, report_id: UUID) -> ResponseReturnValue:
    """The state of the sender's own report, and nothing else; signed the same way, over an empty body."""
    body = request.get_data()
    with everyone():
        sender = processors.sender(endpoint_id, utcnow())
        secret = signatures.secret_of(request.headers, body, sender.secrets if sender else ())
        if sender is None or secret is None:
            return _unsigned(endpoint_id, sender, body)
        found = reports.state_of(endpoint_id, report_id)
    if found is None:
        return _signed(http.problem(404, "Not found", "You have sent no such report."), secret)
    return _signed(jsonify(found), secret)


@bp.get("/openapi.json")
@open_to_all("Whoever writes the sending program reads here how.")
def describe() -> ResponseReturnValue:
    """The OpenAPI 3.1 document of this interface."""
    return jsonify(openapi.document())


@bp.get("/notification.schema.json")
@open_to_all("Whoever reads a notification by a program reads here how it is written.")
def notification_schema() -> ResponseReturnValue:
    """The JSON Schema of a notification by the numbers of the common template."""
    return jsonify(pack_files.schema())


def _whole_body() -> bytes:
    """The bytes that came. Raises: RequestEntityTooLarge, also where no length was told."""
    body = request.get_data(cache=False)
    # Of a body that comes in chunks Werkzeug gives what fits, and is silent about the rest.
    if len(body) == http.MIB and request.content_length is None and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def _take_in(sender: processors.Sender, body: bytes) -> ResponseReturnValue:
    letter = reports.Letter(
        sender=sender,
        webhook_id=request.headers["webhook-id"],
        media_type=request.mimetype,
        charset=request.mimetype_params.get("charset", "utf-8"),
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
    )
    now = utcnow()
    told = reports.read(letter, now=now)
    for _ in range(TRIES):
        try:
            return _answer(
                committed(partial(reports.accept, letter, told, now=now), locks=str(sender.organisation_id))
            )
        except IntegrityError:  # the same id or reference was committed beside us: look again
            db.session.rollback()
    return _later()


def _answer(outcome: reports.Outcome) -> ResponseReturnValue:
    if outcome.status == 202:
        return jsonify(outcome.document), 202
    extra = {"errors": outcome.document["errors"]} if outcome.document.get("errors") else {}
    return http.problem(outcome.status, outcome.document["title"], outcome.document["detail"], **extra)


def _is_flood(endpoint_id: str) -> bool:
    """Whether this sender has gone wild, as far as this process has heard it."""
    return not _heard.hit(FLOOD, "reports", endpoint_id)


def _slower() -> Response:
    answer = http.problem(429, "Too many reports at once", "Nothing of this one was kept. Send it again.")
    answer.headers["Retry-After"] = "60"
    return answer


def _signed(answer: Response, secret: str) -> Response:
    """The answer, signed over exactly its bytes: the sender knows that it is ours, and to what."""
    answer.headers.update(
        signatures.of_answer(request.headers["webhook-id"], answer.get_data(), secret, now=datetime.now(UTC))
    )
    return answer


def _unsigned(endpoint_id: str, sender: processors.Sender | None, body: bytes) -> Response:
    """One answer for all who did not sign, whatever is noted of them."""
    owner = sender.organisation_id if sender else processors.behind(endpoint_id)  # one that has left, too
    secrets = sender.secrets if sender else ()
    queue.count("reports_refused")
    quarantine.note(
        quarantine.Refusal(
            signatures.fault_of(request.headers, body, secrets) if owner else "unknown_endpoint",
            hashlib.sha256(body).hexdigest(), request.remote_addr or "",
            endpoint_id if owner else None, owner,
            tells=request.method == "POST" and bool(body),
        ),
        now=utcnow(),
    )  # fmt: skip
    _scribe.wake(current_app._get_current_object(), write_down)  # type: ignore[attr-defined]  # noqa: SLF001
    return http.problem(
        401, "Not signed",
        "The signature is missing, too old, or does not match. It covers id.timestamp.body with your "
        "current secret; your clock may be at most five minutes off.",
    )  # fmt: skip


def write_down() -> None:
    """Write down what was refused, one organisation at a time, and tell on-call of it."""
    waiting = quarantine.taken()
    with everyone():
        for organisation_id in list(waiting):
            try:
                with transaction():
                    quarantine.write_down(organisation_id, waiting[organisation_id], now=utcnow())
                del waiting[organisation_id]
            finally:
                if organisation_id in waiting:
                    quarantine.give_back({k: v for each in waiting.values() for k, v in each.items()})


def _later() -> Response:
    answer = http.problem(
        503, "Not committed", "The report could not be stored. Send it again with the same webhook-id."
    )
    answer.headers["Retry-After"] = "30"
    return answer
