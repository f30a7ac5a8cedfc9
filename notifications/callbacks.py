"""What the providers tell us: receipts, and texts from phones. Unsigned: 403, and nothing changes.

The signature is checked over the address in BREACHCLOCK_PUBLIC_URL and over exactly what came; only
what holds is read at all. The same telling twice changes nothing, and order does not matter.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden

from accounts.permissions import signed_by
from foundation import database
from foundation.database import everyone, transaction, utcnow
from notifications import channels, delivery, replies
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio, spoken

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")
log = structlog.get_logger()

FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 64 * 1024
SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
SENDGRID_SUFFIX = re.compile(r"\.(?:filter|recvd)")


@bp.post("/twilio/status")
@signed_by("X-Twilio-Signature")
def twilio_status() -> ResponseReturnValue:
    """A receipt for an SMS; 204 also for one that is not ours, so that nobody repeats it."""
    form = _form_of_twilio()
    sid = form.get("MessageSid") or form.get("SmsSid", "")
    status = form.get("MessageStatus") or form.get("SmsStatus", "")
    if not (SID.fullmatch(sid) and status.isascii() and status.isalpha()):
        log.warning("receipt.not_understood", provider="twilio")
        return "", 204
    with everyone(), transaction():
        delivery.receipt(
            provider="twilio", event_id=f"{sid}:{status}", status=status, provider_id=sid,
            attempt_id=_uuid(request.args.get("a")), code=_code(form.get("ErrorCode")), now=utcnow(),
        )  # fmt: skip
    return "", 204


@bp.post("/twilio/inbound")
@signed_by("X-Twilio-Signature")
def twilio_inbound() -> ResponseReturnValue:
    """A text from a phone; the answer is TwiML."""
    form = _form_of_twilio()
    sid, sender = form.get("MessageSid", ""), form.get("From", "")
    said = None
    if SID.fullmatch(sid) and sender and sender != current_app.config["SETTINGS"].twilio_from:
        with everyone(), transaction():
            said = replies.answer(sender=sender, body=form.get("Body", ""), sid=sid, now=utcnow())
    return Response(spoken(said), mimetype="text/xml")


@bp.post("/sendgrid/events")
@signed_by("X-Twilio-Email-Event-Webhook-Signature")
def sendgrid_events() -> ResponseReturnValue:
    """Receipts for e-mail, each in a transaction of its own: one that fails is sent again with the rest."""
    events = _events_of_sendgrid()
    failed = 0
    for event in events:
        try:
            with everyone(), transaction():
                _take_event(event, utcnow())
        except SQLAlchemyError as trouble:
            log.error("receipt.not_kept", provider="sendgrid", trouble=type(trouble).__name__)
            failed += 1
    return ("", 503, {"Retry-After": "5"}) if failed else ("", 204)


def _form_of_twilio() -> Mapping[str, str]:
    """The form, once the signature over address, query and form holds. Raises: Forbidden."""
    provider = channels.provider("sms")
    if not isinstance(provider, Twilio) or request.mimetype != FORM:
        raise Forbidden
    if not 0 < (request.content_length or 0) <= LARGEST_FORM:
        raise Forbidden
    form = _fields(request.get_data(cache=False))
    signature = request.headers.get("X-Twilio-Signature", "")
    if not provider.is_genuine(_path_as_called(), form, signature):
        log.warning("callback.unsigned", provider="twilio")
        raise Forbidden
    if form.get("AccountSid") != current_app.config["SETTINGS"].twilio_account_sid:
        raise Forbidden
    return form


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form, each once: of a second one nobody could say which was signed."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=100
        )
    except ValueError:
        raise Forbidden from None
    if max(Counter(name for name, _ in pairs).values(), default=0) > 1:
        raise Forbidden
    return dict(pairs)


def _path_as_called() -> str:
    """Path and query as they stood in the request line, which is what was signed."""
    raw: str = (
        request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    )
    if not raw.startswith("/"):
        raise Forbidden
    return raw


def _events_of_sendgrid() -> list[Mapping[str, Any]]:
    """The events, once the signature over the exact bytes holds. Raises: Forbidden."""
    provider = channels.provider("email")
    body = request.get_data(cache=False)
    prefix = "X-Twilio-Email-Event-Webhook"
    # The provider's clock is not moved in rehearsals, when ours is.
    now = utcnow() - database.clock.moved()
    genuine = isinstance(provider, SendGrid) and provider.is_genuine(
        body, request.headers.get(f"{prefix}-Signature"), request.headers.get(f"{prefix}-Timestamp"), now
    )
    if not genuine:
        log.warning("callback.unsigned", provider="sendgrid")
        raise Forbidden
    try:
        events = json.loads(body)
    except ValueError:
        events = None
    if not isinstance(events, list):
        log.warning("receipt.not_understood", provider="sendgrid")
        return []
    return [event for event in events if isinstance(event, dict)]


def _take_event(event: Mapping[str, Any], now: datetime) -> None:
    status = str(event.get("event", ""))
    if status == "bounce" and event.get("type") == "blocked":
        status = "blocked"
    whole = json.dumps(event, sort_keys=True, default=str).encode()
    named = _text(event.get("sg_event_id")) or hashlib.sha256(whole).hexdigest()
    delivery.receipt(
        provider="sendgrid", event_id=named, status=_text(status) or "unknown",
        attempt_id=_uuid(event.get("a")), code=_code(event.get("status")),
        provider_id=SENDGRID_SUFFIX.split(_text(event.get("sg_message_id")) or "")[0] or None, now=now,
    )  # fmt: skip


def _uuid(value: object) -> UUID | None:
    """The id of an attempt; anything else is as good as none."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _code(value: object) -> str | None:
    """A provider's error code, short and plain."""
    code = _text(value)
    return code if code and re.fullmatch(r"[0-9A-Za-z.]{1,40}", code) else None


def _text(value: object) -> str | None:
    """Text that a database takes."""
    return value.replace("\x00", "") if isinstance(value, str) and value else None
