"""What a processor, or somebody who would like to be one, puts on the wire."""

import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select

from foundation.database import db, everyone, utcnow
from incident import example
from incident.models import Incident, Report


def facts(**changes):
    """A report's facts as in the story, with other values."""
    return example.first_report(utcnow()) | changes


def report(*, kind="incident.reported", at=None, **changes):
    """The bytes of a report; keyword arguments change its facts."""
    told = {"type": kind, "timestamp": at or utcnow().isoformat(), "data": facts(**changes)}
    return json.dumps(told).encode()


def sign(secret, webhook_id, at, body):
    """One signature of the Standard Webhooks specification, over whatever bytes."""
    told = f"{webhook_id}.{at}.".encode() + body
    return "v1," + b64encode(hmac.digest(b64decode(secret.removeprefix("whsec_")), told, "sha256")).decode()


def signed(endpoint, body, *, webhook_id=None, late=0):
    """Headers that fit these bytes; `late` is how many seconds ago they were signed."""
    webhook_id = webhook_id or f"msg_{uuid4().hex}"
    at = str(int((datetime.now(UTC) - timedelta(seconds=late)).timestamp()))
    return {
        "Content-Type": "application/json", "webhook-id": webhook_id, "webhook-timestamp": at,
        "webhook-signature": sign(endpoint.secret, webhook_id, at, body),
    }  # fmt: skip


def post(client, endpoint, body, headers=None, **how):
    """Post them, signed as they should be unless `headers` say otherwise."""
    return client.post(endpoint.path, data=body, headers=headers or signed(endpoint, body, **how))


def kept():
    """How many reports and how many incidents there are."""
    db.session.rollback()
    with everyone():
        return tuple(db.session.scalar(select(func.count()).select_from(each)) for each in (Report, Incident))
