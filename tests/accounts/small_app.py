"""An app of foundation and accounts alone, with the cast at ProMark and Eskil at Softwerk."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from accounts import passwords, people, sign_in, views
from accounts.models import Role
from accounts.permissions import Permission, current_staff, open_to_all, requires, signed_by
from foundation import http, locales
from foundation.database import Base, clock, db, engine_options, everyone, transaction
from foundation.encryption import keyring
from foundation.errors import Invalid
from foundation.settings import load

ROOT = Path(__file__).parents[2]
PASSWORD = "vinter kagle tandem 58"
CAST = {
    "Astrid Holm": ("astrid", Role.RESPONDER), "Birk Lund": ("birk", Role.RESPONDER),
    "Dorthe Friis": ("dorthe", Role.DPO), "Nils Aas": ("nils", Role.AUDITOR),
    "Olga Berg": ("olga", Role.NONE),
}  # fmt: skip
STARTED = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)


def environ(home: Path, **more: str) -> dict[str, str]:
    return {
        "BREACHCLOCK_HOME": str(home), "BREACHCLOCK_SECRET_KEY": "s" * 40,
        "BREACHCLOCK_DATA_KEYS": Fernet.generate_key().decode(),
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+15005550006",
        "TWILIO_API_BASE": "http://127.0.0.1:1", "SENDGRID_API_KEY": "k",
        "SENDGRID_API_BASE": "http://127.0.0.1:1", **more,
    }  # fmt: skip


@contextmanager
def own_globals() -> Iterator[None]:
    """Leave keys, counters and clock of this process as they were: another app may be using them."""
    keys, fernet, counters = keyring.keys, keyring.fernet, dict(vars(http.limiter))
    moved, file = clock.offset, clock.file
    clock.file = None
    yield
    keyring.keys, keyring.fernet = keys, fernet
    vars(http.limiter).update(counters)
    clock.offset, clock.file = moved, file


def make(home: Path, **more: str) -> Flask:
    passwords.hasher.update(argon2__memory_cost=8, argon2__rounds=1)
    settings = load(environ(home, **more))
    keyring.use(settings.data_keys)
    app = Flask("small", root_path=str(ROOT))
    app.config.update(
        SETTINGS=settings, SQLALCHEMY_DATABASE_URI=settings.database_url, RATELIMIT_STORAGE_URI="memory://",
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
    )  # fmt: skip
    db.init_app(app)
    http.limiter._storage_dead = False  # as in a process just started
    locales.init_app(app)
    http.init_app(app)
    sign_in.init_app(app)
    app.register_blueprint(views.bp)
    add_routes(app)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        hire()
    return app


def hire() -> None:
    hashed = passwords.hash_password(PASSWORD)
    with everyone(), transaction():
        promark = people.add_organisation(
            "promark", name="ProMark A/S", country="DK", timezone="Europe/Copenhagen", prefix="PM",
            locale="en", now=STARTED,
        )  # fmt: skip
        softwerk = people.add_organisation(
            "softwerk", name="Softwerk AB", country="SE", timezone="Europe/Stockholm", prefix="SW",
            locale="sv", now=STARTED,
        )  # fmt: skip
        by: dict[str, Any] = {"password_hash": hashed, "by": "test", "now": STARTED}
        for name, (user, role) in CAST.items():
            people.add_staff(promark, name=name, email=f"{user}@promark.test", role=role, **by)
        people.add_staff(softwerk, name="Eskil Ek", email="eskil@softwerk.test", role=Role.DPO, **by)


def add_routes(app: Flask) -> None:
    """One route of each kind, standing in for those of the packages above."""

    @app.get("/board")
    @requires(Permission.SEE_INCIDENTS)
    def board() -> str:
        return f"board of {current_staff().name}: " + ", ".join(
            each.name for each in people.staff_of(current_staff().organisation_id)
        )

    @app.get("/colleagues/<uuid:staff_id>")
    @requires(Permission.SEE_INCIDENTS)
    def colleague(staff_id: Any) -> str:
        return people.staff_member(staff_id).name

    @app.post("/approval")
    @requires(Permission.APPROVE_NOTIFICATION)
    def approve() -> str:
        return "approved"

    @app.post("/callbacks/provider")
    @signed_by("a test's word")
    def callback() -> str:
        return "heard"

    @app.get("/links/<token>")
    @open_to_all("a test")
    def link(token: str) -> str:
        return "opened"

    @app.get("/refused")
    @open_to_all("a test")
    def refused() -> str:
        raise Invalid("This is too late.", next_step="Ask <b>Dorthe</b>.")

    @app.get("/broken")
    @open_to_all("a test")
    def broken() -> str:
        raise ValueError("ask canary.subject@example.test about 17")


def sign_in_as(client: Any, user: str, **more: str) -> Any:
    """Fill in the sign-in form as a browser would, CSRF token and all."""
    client.get("/sign-in")
    with client.session_transaction() as cookie:
        raw = cookie["csrf_token"]
    return client.post(
        "/sign-in",
        data={"email": address(user), "password": PASSWORD, "csrf_token": signed(client, raw), **more},
        headers={"Referer": client.application.config["SETTINGS"].public_url + "/sign-in"},
    )


def address(user: str) -> str:
    return f"{user}@{'softwerk' if user == 'eskil' else 'promark'}.test"


def signed(client: Any, raw: str) -> str:
    token = URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token").dumps(raw)
    return str(token)


def token_of(client: Any) -> str:
    """A CSRF token that the client's next form may carry."""
    client.get("/sign-in?next=/links/x", follow_redirects=False)
    with client.session_transaction() as cookie:
        raw = cookie.setdefault("csrf_token", "a" * 40)
    return signed(client, raw)
