"""POST /api/v1/reports/{endpoint_id}: a processor reports, signed by the Standard Webhooks specification.

Nothing is answered with 202 before it is committed. What is not signed leaves nothing but a count;
what is signed and cannot be read as facts is kept and put before a person.
"""

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime
from functools import partial
from math import floor
from uuid import UUID

import structlog
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from standardwebhooks.webhooks import Webhook
from werkzeug.exceptions import RequestEntityTooLarge

from accounts.permissions import open_to_all, signed_by
from foundation import http, queue
from foundation.database import db, everyone, utcnow
from foundation.database.together import committed
from incident import openapi, processors, reports

bp = Blueprint("webhook", __name__, url_prefix="/api/v1")
log = structlog.get_logger()
_heard = FixedWindowRateLimiter(MemoryStorage())  # asks nobody: a report waits for the database alone
MOST_SIGNATURES = 5
LONGEST_ID = 200
NOBODY = "whsec_" + b64encode(b"\0" * 32).decode()  # checked for unknown endpoints, to take as long
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
            if not _is_signed(sender.secrets if sender else (NOBODY,), body) or sender is None:
                return _unsigned()
            if _is_flood(sender.endpoint_id):
                return _slower()
            return _take_in(sender, body)
        except (DBAPIError, NoConnectionFree) as trouble:
            db.session.rollback()
            log.error("report.not_committed", kind=type(getattr(trouble, "orig", trouble)).__name__)
            return _later()


@bp.get("/reports/<endpoint_id>/<uuid:report_id>")
@signed_by("Standard Webhooks")
def status(endpoint_id: str, report_id: UUID) -> ResponseReturnValue:
    """The state of the sender's own report, and nothing else; signed the same way, over an empty body."""
    with everyone():
        sender = processors.sender(endpoint_id, utcnow())
        if not _is_signed(sender.secrets if sender else (NOBODY,), request.get_data()) or sender is None:
            return _unsigned()
        found = reports.state_of(endpoint_id, report_id)
    if found is None:
        return http.problem(404, "Not found", "You have sent no such report.")
    return jsonify(found)


@bp.get("/openapi.json")
@open_to_all("Whoever writes the sending program reads here how.")
def describe() -> ResponseReturnValue:
    """The OpenAPI 3.1 document of this interface."""
    return jsonify(openapi.document())


def _whole_body() -> bytes:
    """The bytes that came. Raises: RequestEntityTooLarge, also where no length was told."""
    body = request.get_data(cache=False)
    # Of a body that comes in chunks Werkzeug gives what fits, and is silent about the rest.
    if len(body) == http.MIB and request.content_length is None and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def _is_signed(secrets: tuple[str, ...], body: bytes) -> bool:
    """Whether one of the live secrets signed exactly these bytes within the last five minutes."""
    headers = {name: request.headers.getlist(f"webhook-{name}") for name in ("id", "timestamp", "signature")}
    if any(len(values) != 1 for values in headers.values()):
        return False
    told = {f"webhook-{name}": values[0] for name, values in headers.items()}
    webhook_id, signatures = told["webhook-id"], told["webhook-signature"].split(" ")
    if not _is_plain(webhook_id) or len(signatures) > MOST_SIGNATURES:
        return False
    for secret in secrets:
        try:
            _OverBytes(secret).verify(body.decode("utf-8", "surrogateescape"), told, json_parse=False)
        except Exception:  # noqa: BLE001, S112  hostile headers raise whatever they break
            continue
        return True
    return False


class _OverBytes(Webhook):
    """The library's check over whatever bytes came: what is signed is kept, also when it is no text."""

    def sign(self, msg_id: str, timestamp: datetime, data: str) -> str:
        signed = f"{msg_id}.{floor(timestamp.timestamp())}.{data}".encode("utf-8", "surrogateescape")
        return "v1," + b64encode(hmac.digest(self._whsecret, signed, "sha256")).decode()


def _is_plain(webhook_id: str) -> bool:
    """An id with a dot in it could be shifted into the timestamp; other signs have no place in one."""
    return (
        0 < len(webhook_id) <= LONGEST_ID
        and webhook_id.isprintable()
        and webhook_id.isascii()
        and not set(webhook_id) & set("./\\ ")
    )


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


def _unsigned() -> Response:
    queue.count("reports_refused")
    return http.problem(
        401, "Not signed",
        "The signature is missing, too old, or does not match. It covers id.timestamp.body with your "
        "current secret; your clock may be at most five minutes off.",
    )  # fmt: skip


def _later() -> Response:
    answer = http.problem(
        503, "Not committed", "The report could not be stored. Send it again with the same webhook-id."
    )
    answer.headers["Retry-After"] = "30"
    return answer
