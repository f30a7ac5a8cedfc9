"""The ground of all tests: a real database (BREACHCLOCK_TEST_DATABASE), a real queue server, the sandbox.

Migrations and the example data are laid once into a template; every test begins with a copy of it.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from sqlalchemy import select

from accounts import passwords
from accounts.models import Organisation, StaffMember
from foundation import database, encryption, http, settings
from foundation.database import db, everyone, migrating, transaction, utcnow
from incident import example
from tests import laid, people, servers
from tests.databases import TEMPLATE, Databases, of
from tests.people import PASSWORD, Cast, Endpoint
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DATABASE = os.environ.get("BREACHCLOCK_TEST_DATABASE", "sqlite")
# The machine may be busy with other tests: how long one takes says nothing.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")
# Looking for garbage takes a tenth of the time of all tests, and hardly any is found: look less often.
gc.set_threshold(100_000, 50, 100)
SELDOM = 20.0  # seconds: duties that the clock does no more often
KEY = Fernet.generate_key().decode()
PUBLIC = "http://127.0.0.1:8072"
CHROMIUM = os.environ.get("BREACHCLOCK_TEST_CHROMIUM") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the installation under test."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def queue_url() -> Iterator[str]:
    """A real queue server."""
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The provider sandbox, in a thread; see `sandbox` for the one to use."""
    with Sandbox.start(tmp_path_factory.mktemp("sandbox"), callback_url=PUBLIC) as running:
        yield running


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The database server of this run."""
    with ExitStack() as stack:
        yield of(DATABASE, tmp_path_factory.mktemp("database"), stack)


@pytest.fixture(scope="session")
def installation(
    home: Path, queue_url: str, sandbox_server: Sandbox, databases: Databases
) -> tuple[Flask, Cast]:
    """The product, put together once, and the cast planted into the template."""
    from wsgi import create_app  # noqa: PLC0415  nobody but tests imports the composition root

    passwords.hasher.update(argon2__rounds=1, argon2__memory_cost=8)
    told = settings.load(
        {
            "BREACHCLOCK_HOME": str(home), "BREACHCLOCK_DATABASE_URL": databases.url,
            "BREACHCLOCK_REDIS_URL": queue_url, "BREACHCLOCK_PUBLIC_URL": PUBLIC,
            "BREACHCLOCK_SECRET_KEY": "k" * 48, "BREACHCLOCK_DATA_KEYS": KEY,
            **sandbox_server.environment,
        }
    )  # fmt: skip
    app = create_app(told)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, LIMITER=dict(vars(http.limiter)))
    with app.app_context():
        migrating.migrate(app.config["DATA"] / "migrations")
        cast = _plant()
        db.session.remove()
        db.engine.dispose()
    databases.keep(TEMPLATE)
    laid.by(databases)
    gc.freeze()
    return app, cast


def _plant() -> Cast:
    chosen = dict.fromkeys(example.addresses(), PASSWORD)
    with everyone():
        with transaction():
            planted = example.plant(chosen, public_url=PUBLIC, now=utcnow())
        staff = {each.email: each.id for each in db.session.scalars(select(StaffMember))}
        organisations = {each.key: each.id for each in db.session.scalars(select(Organisation))}
    endpoints = {each["name"]: Endpoint(each["report_url"], each["secret"]) for each in planted.processors}
    return Cast(staff, organisations, endpoints)


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """A browser, one for all; without one the tests are left out, and the summary says so."""
    if not CHROMIUM:
        pytest.skip("NO BROWSER: install chromium, or name one with BREACHCLOCK_TEST_CHROMIUM")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def app(installation: tuple[Flask, Cast], databases: Databases) -> Iterator[Flask]:
    """The product on a fresh database, inside an app context; nothing has happened yet."""
    with _anew(installation[0], databases) as begun:
        yield begun


@contextmanager
def _anew(made: Flask, databases: Databases) -> Iterator[Flask]:
    with made.app_context():
        db.engine.dispose()
        databases.begin_anew()
        # Keys and counters are the process's; tests with small apps of their own leave theirs behind.
        encryption.keyring.use(made.config["SETTINGS"].data_keys)
        vars(http.limiter).update(made.config["LIMITER"])
        http.limiter.reset()
        made.extensions["queue_server"].flushall()
        made.extensions.pop("direct_senders", None)
        try:
            yield made
        finally:
            db.session.remove()
            db.engine.dispose()
            database.clock.offset = timedelta()


@pytest.fixture
def cast(installation: tuple[Flask, Cast]) -> Cast:
    """Everybody's ids and endpoints."""
    return installation[1]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], FlaskClient]:
    """A browser in which somebody is signed in: `signed_in(people.ASTRID)`."""

    def sign_in(email: str) -> FlaskClient:
        browser = app.test_client()
        answer = browser.post("/sign-in", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 303, f"{email} could not sign in"
        return browser

    return sign_in


class Clock:
    """Time as the product tells it."""

    def move(self, **length: float) -> None:
        """Let so much time pass: `clock.move(hours=2)`."""
        database.clock.offset += timedelta(**length)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Moves time; afterwards it is now again."""
    yield Clock()
    database.clock.offset = timedelta()


@pytest.fixture
def sandbox(sandbox_server: Sandbox) -> Iterator[Sandbox]:
    """The phones and mailboxes, empty and well-behaved; callbacks wait until `work` delivers them."""
    _empty(sandbox_server)
    yield sandbox_server
    sandbox_server.hold_callbacks()


def _empty(sandbox: Sandbox) -> None:
    sandbox.reset()
    sandbox.behave()
    sandbox.hold_callbacks()


@pytest.fixture
def work(app: Flask, sandbox: Sandbox) -> Callable[[], None]:
    """Do what clock and workers would do now, here and once: every due job, then every receipt."""
    return _worker(app, sandbox)


def _worker(app: Flask, sandbox: Sandbox) -> Callable[[], None]:
    from notifications import jobs  # noqa: PLC0415

    def once() -> None:
        for turn in range(4):
            with everyone():
                _run_recurring(app, again=turn > 0)
                ids = [each for group in _due_now().values() for each in group]
                for message_id in ids:
                    jobs.deliver(str(message_id))
                groups = _send_groups()
            sandbox.settle()
            delivered = sandbox.deliver_held(app.test_client())
            if not ids and not groups and not delivered:
                return

    return once


def _send_groups() -> int:
    """What workers do of sendings; each is counted at once, which the clock does every other second."""
    from notifications.models import Sending  # noqa: PLC0415
    from notifications.sending import jobs  # noqa: PLC0415

    due = [row[0] for row in database.db.session.execute(jobs._due(database.database_now()))]
    for sending_id in due:
        jobs.send_groups(str(sending_id))
    for sending_id in database.db.session.scalars(select(Sending.id)).all():
        jobs._tally(sending_id)
    return len(due)


def _due_now() -> dict[str, list]:
    from notifications import outbox  # noqa: PLC0415

    with transaction():
        return outbox.due(database.database_now())


def _run_recurring(app: Flask, *, again: bool) -> None:
    """One round of every duty of the clock but the ringing; of a moment the slow ones are not done again."""
    from foundation import queue  # noqa: PLC0415

    for name, run, every, bell in app.config["RECURRING"]:
        if name != "sweep" and not (again and every >= SELDOM):
            queue.recurring(name, run, every, bell).run()


class Opened(NamedTuple):
    """What a story needs, for a module whose tests look back on one story."""

    app: Flask
    cast: Cast
    sandbox: Sandbox
    clock: Clock
    work: Callable[[], None]


@pytest.fixture(scope="session")
def opening(
    installation: tuple[Flask, Cast], databases: Databases, sandbox_server: Sandbox
) -> Callable[[], AbstractContextManager[Opened]]:
    """Begins a story that fixtures of wider scope play to its end: `with opening() as opened`."""

    @contextmanager
    def begin() -> Iterator[Opened]:
        made, cast = installation
        with _anew(made, databases) as app:
            _empty(sandbox_server)
            yield Opened(app, cast, sandbox_server, Clock(), _worker(app, sandbox_server))

    return begin


__all__ = ["people"]
