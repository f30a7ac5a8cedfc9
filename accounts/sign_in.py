"""Signing in and out: Flask-Security over our own tables, and the rules of a sign-in.

A sign-in is a row (`SignIn`) that the cookie names by a secret. It ends by signing out, after twelve
hours, after an hour without a request, and when password, role or standing of the person change.
Everyone who asks for a person by the cookie comes through `StaffStore.find_user`, so none of these
ends can be missed. Second factors and passkeys have their place in Flask-Security's plug-ins.
"""

import hashlib
import secrets
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from flask import Flask, current_app, g, request, session
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security import login_user as _login_user
from flask_security import logout_user as _logout_user
from sqlalchemy import delete, select

from accounts import passwords, permissions
from accounts.models import SignIn, StaffMember
from accounts.permissions import signed_in
from foundation import http, ledger, locales, logs
from foundation.database import acting_for, db, everyone, utcnow

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=60)
KEPT = timedelta(days=30)  # ended sign-ins, for the question who was in
SCOPE = "breachclock.scope"


class StaffStore(SQLAlchemyUserDatastore):
    """Staff as Flask-Security looks them up: over all organisations, and only while a sign-in holds."""

    def find_user(self, case_insensitive: bool = False, **by: Any) -> Any:  # noqa: FBT001, FBT002  its signature
        """The person, or None; by the cookie's `fs_uniquifier` only while the sign-in holds."""
        with everyone():
            staff = super().find_user(case_insensitive, **by)
            if (
                staff is not None
                and "fs_uniquifier" in by
                and _present(cast(UUID, staff.id), utcnow()) is None
            ):
                return None
            return staff

    def commit(self) -> None:
        """Nothing: what is written is written by edges, inside transaction()."""


def init_app(app: Flask) -> None:
    """Let staff be recognised on each request, and act for their organisation while it lasts."""
    app.config.update(
        PERMANENT_SESSION_LIFETIME=LONGEST,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106  the name of the method
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],  # no second key that a rotation could lose
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=passwords.OPTIONS,
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
    )
    security = Security(
        app, StaffStore(db, cast(Any, StaffMember), cast(Any, None)), register_blueprint=False
    )
    # Both would look for a person on every request, and the second one in its body: signed reports
    # must not be parsed before their signature was checked.
    security.principal.identity_loaders.clear()
    security.login_manager.request_loader(_nobody)
    http.ask_before_bodies(app, _recognise)  # who may not send a file is told before it is read
    app.teardown_request(_leave_scope)
    app.context_processor(lambda: {"signed_in": signed_in, "may": _may})


def _nobody(_request: object) -> None:
    """No sign-in by anything but the cookie."""


def _may(permission: str) -> bool:
    """Whether whoever is signed in may do this; for templates, by the permission's name."""
    staff = signed_in()
    return staff is not None and permissions.may(staff, permissions.Permission[permission])


# --- each request ---------------------------------------------------------------------------------


def _recognise() -> None:
    """Find out who is asking; a person's request sees that person's organisation alone."""
    g.pop("_login_user", None)  # of an earlier request, where an app context outlives one
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return
    try:
        staff = signed_in()
    except Exception:
        g._login_user = None  # noqa: SLF001  the page that says so must not ask the database again
        raise
    if staff is None:
        _forget_ended()
        locales.prefer(session.get("locale"), "UTC")
        return
    _enter(acting_for(staff.organisation_id))
    logs.bind(staff=str(staff.id))
    locales.prefer(staff.locale, staff.organisation.timezone)
    _stay(utcnow())


def _enter(scope: AbstractContextManager[None]) -> None:
    stack: ExitStack = request.environ.setdefault(SCOPE, ExitStack())
    stack.enter_context(scope)


def _leave_scope(_trouble: BaseException | None) -> None:
    if stack := request.environ.pop(SCOPE, None):
        stack.close()


def _present(staff_id: UUID, now: datetime) -> SignIn | None:
    """The sign-in that this request's cookie names, when it is this person's and holds."""
    secret, seen = session.get("sign_in"), session.get("seen", 0)
    if not isinstance(secret, str) or now - datetime.fromtimestamp(seen, UTC) > IDLE:
        return None
    row = db.session.scalar(select(SignIn).where(SignIn.token_hash == _hash(secret)))
    if row is None or row.staff_member_id != staff_id or row.ended_at or now - row.started_at > LONGEST:
        return None
    return row


def _stay(now: datetime) -> None:
    """Count this request as a sign of life, once a minute."""
    if now.timestamp() - session["seen"] > 60:
        session["seen"] = int(now.timestamp())


def _forget_ended() -> None:
    if "sign_in" in session:
        locale = session.get("locale")
        session.clear()
        session.update({"locale": locale} if locale else {})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- in and out -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tried an address and a password; `staff` is whose address it is, if anybody's."""

    staff: StaffMember | None
    accepted: bool


def check(email: str, password: str) -> Attempt:
    """Whether address and password belong together; as slow for an address nobody has."""
    staff = cast(StaffMember | None, _store().find_user(email=email.strip().lower()[:254]))
    matches = passwords.verify(password, staff.password if staff else None)
    return Attempt(staff, accepted=matches and staff is not None and staff.active)


def begin(staff: StaffMember, *, password: str | None, now: datetime) -> str:
    """Record that a person signs in; returns the secret for the cookie. Under `acting_for`.

    `password` is the new hash where the old one was made with weaker parameters, else None.
    """
    secret = secrets.token_urlsafe(24)
    if password:
        staff.password = password
    db.session.execute(
        delete(SignIn).where(SignIn.staff_member_id == staff.id, SignIn.started_at < now - KEPT)
    )
    db.session.add(
        SignIn(
            organisation_id=staff.organisation_id,
            staff_member_id=staff.id,
            token_hash=_hash(secret),
            started_at=now,
        )
    )
    _record(staff, "person.signed_in", actor=staff.name, now=now)
    return secret


def refuse(staff: StaffMember, now: datetime) -> None:
    """Record that somebody failed to sign in as this person."""
    _record(staff, "person.sign_in_refused", actor="somebody", now=now)


def carry(staff: StaffMember, secret: str, now: datetime) -> None:
    """Put the sign-in into a fresh cookie; nothing of an earlier one remains."""
    locale = session.get("locale")
    session.clear()
    session.update(sign_in=secret, seen=int(now.timestamp()), **({"locale": locale} if locale else {}))
    _login_user(cast(Any, staff), remember=False, authn_via=["password"])


def end(staff: StaffMember, now: datetime) -> None:
    """Record that a person signs out: the sign-in is over wherever its cookie is."""
    if row := _present(staff.id, now):
        row.ended_at = now
    _record(staff, "person.signed_out", actor=staff.name, now=now)


def drop() -> None:
    """Empty the cookie."""
    _logout_user()
    session.clear()


def _record(staff: StaffMember, action: str, *, actor: str, now: datetime) -> None:
    ledger.append(
        f"organisation/{staff.organisation_id}", action, organisation_id=staff.organisation_id,
        actor=actor, at=now, person=staff.id,
    )  # fmt: skip


def _store() -> StaffStore:
    return cast(StaffStore, current_app.extensions["security"].datastore)


def local_address(address: str | None) -> str:
    """The path to go on to after signing in; the start page instead of anywhere that is not ours."""
    address = address or "/"
    ours = address.startswith("/") and not address.startswith("//")
    if not ours or any(ord(c) < 33 or c == "\\" for c in address):
        return "/"
    return address
