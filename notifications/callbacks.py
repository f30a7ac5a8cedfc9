"""What the providers tell us: receipts, and texts from phones. Unsigned: 403, and nothing changes.

The signature is checked over the address in BREACHCLOCK_PUBLIC_URL and over exactly what came; only
what holds is read at all. The same telling twice changes nothing, and order does not matter.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import Forbidden

from accounts.permissions import signed_by
from foundation import database, locales
from foundation.database import db, everyone, transaction, utcnow
from notifications import canary, channels, delivery, replies, voice
from notifications.channels import deadline
from notifications.channels.gateway import Gateway
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio, spoken
from notifications.channels.voice import KEYS_PATH, VOICE_PATH, Calls, Script, callback, twiml
from notifications.models import SendingAttempt
from notifications.received import Told
from notifications.sending import receipts

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")
log = structlog.get_logger()

FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 64 * 1024
CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")
ANSWERED_WITHIN = 9.0  # seconds; Twilio gives up a call's question after fifteen
ASKED_AGAIN = 4  # times at most that Twilio is to ask again
SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
LONGEST_ID = 64  # of one of ours, however it is written
PLACE = re.compile(r"[0-9]{1,4}")
CODE = re.compile(r"[0-9A-Za-z._-]{1,40}")
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
    told = Spoken(
        "twilio", f"{sid}:{status}", status, _uuid(request.args.get("a")), _place(request.args.get("n")), sid,
        _code(form.get("ErrorCode")),
    )  # fmt: skip
    with everyone(), transaction():
        _take(told, utcnow())
    return "", 204


@bp.post("/twilio/inbound")
@signed_by("X-Twilio-Signature")
def twilio_inbound() -> ResponseReturnValue:
    """A text from a phone; the answer is TwiML."""
    form = _form_of_twilio()
    sid, sender = form.get("MessageSid", ""), form.get("From", "")
    said = None
    ours = current_app.config["SETTINGS"].twilio_from
    if SID.fullmatch(sid) and sender != ours:
        said = _answer(sender, form.get("Body", ""), sid)
    return Response(spoken(said), mimetype="text/xml")


def _answer(sender: str, body: str, sid: str) -> str | None:
    """What a text from a phone is answered; nothing where it answers a test page, or is from no phone."""
    if not replies.is_number(sender):
        return None
    with everyone(), transaction():
        now = utcnow()
        if canary.answered(sender=sender, body=body, sid=sid, now=now):
            return None
        return replies.answer(sender=sender, body=body, sid=sid, now=now)


@bp.post("/twilio/voice")
@signed_by("X-Twilio-Signature")
def twilio_voice() -> ResponseReturnValue:
    """Somebody, or a machine, picked up: what to say, as TwiML."""
    call = _call(_form_of_twilio())
    return _spoken(call, lambda one: voice.picked_up(one, now=utcnow()), VOICE_PATH)


@bp.post("/twilio/voice/keys")
@signed_by("X-Twilio-Signature")
def twilio_keys() -> ResponseReturnValue:
    """A key was pressed in a call; when we were too slow for Twilio, it brings the key in the address."""
    form = _form_of_twilio()
    key = form.get("Digits") or request.args.get("d", "")
    key = key if len(key) == 1 and key in "0123456789*#" else "-"
    return _spoken(_call(form), lambda one: voice.pressed(one, key, now=utcnow()), KEYS_PATH, d=key)


@bp.post("/twilio/voice/status")
@signed_by("X-Twilio-Signature")
def twilio_call_status() -> ResponseReturnValue:
    """A receipt for a call: it rings, was answered, is over, or nobody answered."""
    form = _form_of_twilio()
    call, status = _call(form), form.get("CallStatus", "")
    if call is None or not re.fullmatch(r"[a-z-]{1,40}", status):
        log.warning("receipt.not_understood", provider="twilio-voice")
        return "", 204
    with everyone(), transaction():
        voice.told(call, status, now=utcnow())
    return "", 204


@bp.post("/sendgrid/events")
@signed_by("X-Twilio-Email-Event-Webhook-Signature")
def sendgrid_events() -> ResponseReturnValue:
    """Receipts for e-mail: those of groups all in one transaction, of messages each in one of its own.

    What fails is sent again with the rest, which changes nothing then.
    """
    now = utcnow()
    told = [_read_event(event) for event in _events_of_sendgrid()]
    groups = [_as_kept(each) for each in told if each.is_of_a_group]
    failed = not _kept(lambda: receipts.take(groups, now=now)) if groups else False
    for each in told:
        if not each.is_of_a_group:
            failed |= not _kept(partial(_take, each, now))
    return ("", 503, {"Retry-After": "5"}) if failed else ("", 204)


class Spoken(NamedTuple):
    """What a provider said, as it was read: of one message, or of one person of a group."""

    provider: str
    event_id: str
    status: str
    attempt_id: UUID | None
    place: int | None  # in the group; None where it is of a message
    provider_id: str | None
    code: str | None

    @property
    def is_of_a_group(self) -> bool:
        """Whether it brings an attempt with a place."""
        return self.attempt_id is not None and self.place is not None


def _take(told: Spoken, now: datetime) -> None:
    """Take in one telling, of a group or of a message."""
    if told.is_of_a_group:
        receipts.take([_as_kept(told)], now=now)
        return
    delivery.receipt(
        provider=told.provider, event_id=told.event_id, status=told.status, attempt_id=told.attempt_id,
        provider_id=told.provider_id, code=told.code, now=now,
    )  # fmt: skip


def _as_kept(told: Spoken) -> Told:
    assert told.attempt_id is not None and told.place is not None  # noqa: S101, PT018  it is of a group
    provider_id = (told.provider_id or "")[:120] or None
    return Told(
        told.provider, told.event_id[:200], told.status[:40], told.attempt_id, told.place, provider_id,
        told.code,
    )  # fmt: skip


def _kept(take: Callable[[], object]) -> bool:
    """Take something in, in a transaction; false when the database would not."""
    try:
        with everyone(), transaction():
            take()
    except SQLAlchemyError as trouble:
        log.error("receipt.not_kept", provider="sendgrid", trouble=type(trouble).__name__)
        return False
    return True


def _is_of_a_group(attempt_id: UUID) -> bool:
    return db.session.get(SendingAttempt, attempt_id) is not None


def _call(form: Mapping[str, str]) -> voice.Call | None:
    """The call that Twilio speaks of, once its form is known to be genuine."""
    attempt_id, sid = _uuid(request.args.get("a")), form.get("CallSid", "")
    if attempt_id is None or not CALL_SID.fullmatch(sid):
        return None
    return voice.Call(attempt_id, sid, form.get("To", ""))


def _spoken(
    call: voice.Call | None, say: Callable[[voice.Call], Script | None], path: str, d: str = ""
) -> ResponseReturnValue:
    """What a call is told, within the time that Twilio waits; hung up where the call is none of ours.

    A telephone is in somebody's hand: too slow is no reason for "an application error has occurred".
    """
    language, turn = request.args.get("l", ""), request.args.get("n", "0")
    asked = int(turn) if re.fullmatch(r"[0-9]", turn) else ASKED_AGAIN
    if call is None:
        return Response(twiml(Script(locales.choose(language)), ""), mimetype="text/xml")
    attempt = str(call.attempt_id)
    try:
        script = deadline.within(ANSWERED_WITHIN, partial(_in_own_time, _app(), partial(say, call)))
    except (deadline.TimeIsUp, deadline.NotBegun, OperationalError, NoConnectionFree) as trouble:
        log.warning("call.answered_late", attempt=attempt, trouble=type(trouble).__name__, turn=asked)
        again = callback(path, a=attempt, l=language, n=str(asked + 1), d=d) if asked < ASKED_AGAIN else ""
        script = voice.slow(locales.choose(language), again)
    if script is None:
        log.warning("call.not_ours", attempt=attempt)
    return Response(twiml(script or Script(locales.choose(language)), attempt), mimetype="text/xml")


def _in_own_time(app: Flask, say: Callable[[], Script | None]) -> Script | None:
    """Done to its end in a thread of its own, also when nobody waits any more: the next question finds it."""
    with app.app_context(), everyone(), transaction():
        return say()


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


@bp.post("/gateway/status")
@signed_by("webhook-signature")
def gateway_status() -> ResponseReturnValue:
    """A receipt of the SMS gateway; 204 also for one that is not ours, so that nobody repeats it."""
    told = _document_of_gateway()
    gateways, status = _text(told.get("id")), _text(told.get("status"))
    if not (gateways and status):
        log.warning("receipt.not_understood", provider="gateway")
        return "", 204
    attempt_id, event_id = _uuid(told.get("reference")), f"{gateways[:120]}:{status}"
    with everyone(), transaction():
        place = 0 if attempt_id and _is_of_a_group(attempt_id) else None  # which the gateway does not bring
        code = _code(told.get("code"))
        _take(Spoken("gateway", event_id, status, attempt_id, place, gateways, code), utcnow())
    return "", 204


@bp.post("/gateway/inbound")
@signed_by("webhook-signature")
def gateway_inbound() -> ResponseReturnValue:
    """A text from a phone to the gateway's number; the answer, where there is one, is for that phone."""
    told = _document_of_gateway()
    identity, sender = _text(told.get("id")), _text(told.get("from"))
    said = None
    if identity and sender:
        said = _answer(sender, _text(told.get("text")) or "", f"gateway:{identity[:120]}")
    return {"text": said} if said else ("", 204)


def _document_of_gateway() -> Mapping[str, Any]:
    """The document, once the signature over the exact bytes holds. Raises: Forbidden."""
    provider = channels.serving("sms", Gateway)
    if provider is None or not 0 < (request.content_length or 0) <= LARGEST_FORM:
        raise Forbidden
    body = request.get_data(cache=False)
    if not provider.is_genuine(body, request.headers):
        log.warning("callback.unsigned", provider="gateway")
        raise Forbidden
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _form_of_twilio() -> Mapping[str, str]:
    """The form, once the signature over address, query and form holds. Raises: Forbidden."""
    provider = channels.serving("sms", Twilio) or channels.serving("voice", Calls)
    if provider is None or request.mimetype != FORM:
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
    provider = channels.serving("email", SendGrid)
    body = request.get_data(cache=False)
    prefix = "X-Twilio-Email-Event-Webhook"
    # The provider's clock is not moved in rehearsals, when ours is.
    now = utcnow() - database.clock.moved()
    genuine = provider is not None and provider.is_genuine(
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


def _read_event(event: Mapping[str, Any]) -> Spoken:
    status = str(event.get("event", ""))
    if status == "bounce" and event.get("type") == "blocked":
        status = "blocked"
    return Spoken(
        "sendgrid", _text(event.get("sg_event_id")) or _name_of(event), _text(status) or "unknown",
        _uuid(event.get("a")), _place(event.get("n")),
        SENDGRID_SUFFIX.split(_text(event.get("sg_message_id")) or "")[0] or None, _code(event.get("status")),
    )  # fmt: skip


def _name_of(event: Mapping[str, Any]) -> str:
    """A name for an event that brought none: the same for the same event."""
    whole = json.dumps(event, sort_keys=True, default=str).encode()
    return hashlib.sha256(whole).hexdigest()


def _place(value: object) -> int | None:
    """A place in a group; anything else is none."""
    return int(value) if isinstance(value, str) and PLACE.fullmatch(value) else None


def _uuid(value: object) -> UUID | None:
    """The id of an attempt; anything else is as good as none."""
    return _uuid_of(value) if isinstance(value, str) and len(value) <= LONGEST_ID else None


@lru_cache(maxsize=256)  # the thousand people of a group share one attempt
def _uuid_of(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _code(value: object) -> str | None:
    """A provider's error code, short and plain."""
    code = _text(value)
    return code if code and CODE.fullmatch(code) else None


def _text(value: object) -> str | None:
    """Text that a database takes: no zero bytes, and no halves of letters."""
    if not isinstance(value, str) or not value:
        return None
    if value.isascii() and value.isprintable():
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
