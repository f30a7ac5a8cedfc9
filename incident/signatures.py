"""Signatures of the Standard Webhooks specification: checked on what comes, made for what is answered.

Pure functions of headers, bytes and secrets. Hostile headers may hold anything.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor
from typing import Final

from standardwebhooks.webhooks import Webhook
from werkzeug.datastructures import Headers

MOST_SIGNATURES: Final = 5
LONGEST_ID: Final = 200
NOBODY: Final = "whsec_" + b64encode(b"\0" * 32).decode()  # checked for unknown endpoints, to take as long
# No report may have an id with a slash in it, so nobody can send us our own answer as a report.
OF_ANSWERS: Final = "answer/"


def secret_of(headers: Headers, body: bytes, secrets: Sequence[str]) -> str | None:
    """Which of the live secrets signed exactly these bytes within the last five minutes; None for none."""
    told = _told(headers)
    if told is None:
        return None
    for secret in secrets or (NOBODY,):
        try:
            _OverBytes(secret).verify(body.decode("utf-8", "surrogateescape"), told, json_parse=False)
        except Exception:  # noqa: BLE001, S112  hostile headers raise whatever they break
            continue
        return secret if secrets else None
    return None


def fault_of(headers: Headers, body: bytes, secrets: Sequence[str]) -> str:
    """Why a request counts as not signed: "not_signed", "stale" (rightly signed, long ago) or "wrong"."""
    told = _told(headers)
    if told is None:
        return "not_signed"
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + body
    signatures = told["webhook-signature"].split(" ")
    for secret in secrets:
        if any(is_by(secret, signed, each) for each in signatures):
            return "stale"
    return "wrong_signature"


def is_by(secret: str, signed: bytes, signature: str) -> bool:
    """Whether a signature ("v1,…") over these bytes was made with the secret ("whsec_…")."""
    made = hmac.digest(b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    return hmac.compare_digest(signature.encode("utf-8", "replace"), b"v1," + b64encode(made))


def of_answer(asked: str, body: bytes, secret: str, *, now: datetime) -> dict[str, str]:
    """Headers that sign an answer to the request of that id; `now` is real time (aware), as senders check."""
    webhook_id = OF_ANSWERS + asked
    signature = _OverBytes(secret).sign(webhook_id, now, body.decode("utf-8", "surrogateescape"))
    return {
        "webhook-id": webhook_id, "webhook-timestamp": str(floor(now.astimezone(UTC).timestamp())),
        "webhook-signature": signature,
    }  # fmt: skip


def _told(headers: Headers) -> dict[str, str] | None:
    """The three headers, each once; None where one is missing, comes twice or has no meaning."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    values = {name: headers.getlist(name) for name in names}
    if any(len(each) != 1 for each in values.values()):
        return None
    told = {name: each[0] for name, each in values.items()}
    plain = is_plain(told["webhook-id"]) and len(told["webhook-signature"].split(" ")) <= MOST_SIGNATURES
    return told if plain and told["webhook-timestamp"].isascii() else None


def is_plain(webhook_id: str) -> bool:
    """An id with a dot in it could be shifted into the timestamp; other signs have no place in one."""
    return (
        0 < len(webhook_id) <= LONGEST_ID
        and webhook_id.isprintable()
        and webhook_id.isascii()
        and not set(webhook_id) & set("./\\ ")
    )


class _OverBytes(Webhook):
    """The library's check over whatever bytes came: what is signed is kept, also when it is no text."""

    def sign(self, msg_id: str, timestamp: datetime, data: str) -> str:
        """The signature of these, as the specification has it."""
        signed = f"{msg_id}.{floor(timestamp.timestamp())}.{data}".encode("utf-8", "surrogateescape")
        return "v1," + b64encode(hmac.digest(self._whsecret, signed, "sha256")).decode()
