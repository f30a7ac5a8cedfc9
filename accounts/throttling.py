"""By what tries of signing in are counted.

Guessing is slowed for each account and for each address, in short windows: nothing is ever locked. A
browser that a person signed in with before is counted by itself, so that strangers who try the
account of somebody on call all night do not keep that person out (OWASP's device cookies).
"""

import secrets
from datetime import timedelta

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from foundation.encryption import blind_index

DEVICE_KEPT = timedelta(days=180)


def by_account_and_address() -> str:
    """Tries of one account from one address."""
    return f"{_account()}:{by_address()}"


def by_account() -> str:
    """Tries of one account from anywhere, or from one browser that this account knows."""
    return _known_device() or _account()


def by_address() -> str:
    """Tries of any account from one address; a keyed hash, since addresses are personal data."""
    return blind_index(request.remote_addr or "unknown")


def _account() -> str:
    return blind_index(request.form.get("email", "")[:254])


def _known_device() -> str | None:
    try:
        account, device = _devices().loads(request.cookies.get(_device_cookie(), ""))
    except (BadSignature, ValueError, TypeError):
        return None
    return f"device:{device}" if account == _account() else None


def remember_device(response: Response) -> None:
    """Mark this browser as one the account of the form just signed in with. It signs nobody in."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(
        _device_cookie(), str(_devices().dumps([_account(), secrets.token_hex(8)])),
        max_age=DEVICE_KEPT, secure=secure, httponly=True, samesite="Lax",
    )  # fmt: skip


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known-device")


def _device_cookie() -> str:
    return str(current_app.config["SESSION_COOKIE_NAME"]) + "-device"
