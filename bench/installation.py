"""A whole installation as in production: real servers, real processes, example organisations."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import requests
from flask import Flask

from accounts import people
from accounts.models import Role
from bench.senders import Endpoint
from foundation.database import db, everyone, migrating, transaction, utcnow
from foundation.processes import dies_with
from foundation.settings import Settings, load
from incident import example, starting
from notifications import on_duty, paging
from tests import servers
from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
READY_WITHIN = 90.0
WAKES = (Role.RESPONDER, Role.DPO)


@dataclass(frozen=True)
class Installation:
    """An installation that nobody serves yet: its settings, who may report to it, and its sandbox."""

    settings: Settings
    environ: dict[str, str]
    app: Flask
    endpoints: list[Endpoint]
    sandbox: Sandbox

    @contextmanager
    def running(self, *names: str, through: str = "") -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
        """Run these processes of `breachclock up`; all of its workers when asked for "workers".

        `through` is a module that runs commands of the product in its own way.
        """
        children = [
            child
            for child in starting.children(self.settings)
            if child.name in names or ("workers" in names and child.name.startswith("worker"))
        ]
        with ExitStack() as stack:
            processes = {
                each.name: stack.enter_context(self._process(_through(through, each.argv)))
                for each in children
            }
            for each in children:
                if each.ready:
                    _wait_until_it_answers(each.ready)
            yield processes
            if dead := [name for name, process in processes.items() if process.poll() is not None]:
                log = (self.settings.home / "processes.log").read_text()
                raise RuntimeError(f"{' and '.join(dead)} ended in between:\n{log[-3000:]}")

    @contextmanager
    def floor(self, factory: str) -> Iterator[str]:
        """Run a floor behind the very web server of the product; yields its address."""
        settings = replace(self.settings, bind=f"127.0.0.1:{_free_port()}")
        web = next(each for each in starting.children(settings) if each.name == "web")
        with self._process((*web.argv[:-1], f"bench.floors:{factory}()")):
            _wait_until_it_answers(f"http://{settings.bind}/healthz")
            yield f"http://{settings.bind}"

    @contextmanager
    def _process(self, argv: tuple[str, ...]) -> Iterator["subprocess.Popen[bytes]"]:
        with (self.settings.home / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  calls the kernel alone
            )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _through(module: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same command of the product, run by a module of ours; what is none of its own stays."""
    (
        python,
        option,
        *_,
    ) = argv
    return (python, "-m", module, *argv[3:]) if module and option == "-c" else argv


@contextmanager
def installation(kind: str, **environment: str) -> Iterator[Installation]:
    """Lay an installation on a new, durable database of this kind, with the example organisations in it.

    `environment` goes before the variables that an installation of ours has otherwise.
    """
    with ExitStack() as stack:
        home = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True))
        )
        bind = f"127.0.0.1:{_free_port()}"
        url = f"sqlite:///{home / 'breachclock.sqlite3'}"
        if kind == "postgresql":
            url = stack.enter_context(servers.postgresql(durable=True)).create("breachclock")
        sandbox = stack.enter_context(Sandbox.start(home / "sandbox", f"http://{bind}", process=True))
        environ = {
            **os.environ, **sandbox.environment, "PYTHONPATH": str(ROOT), "BREACHCLOCK_HOME": str(home),
            "BREACHCLOCK_BIND": bind, "BREACHCLOCK_DATABASE_URL": url, "BREACHCLOCK_SANDBOX_URL": sandbox.url,
            "BREACHCLOCK_REDIS_URL": stack.enter_context(servers.valkey()),
            "BREACHCLOCK_SMS": "sandbox", "BREACHCLOCK_EMAIL": "sandbox", **environment,
        }  # fmt: skip
        settings = load(environ, make_keys=True)
        yield _planted(settings, environ, sandbox)


def _planted(settings: Settings, environ: dict[str, str], sandbox: Sandbox) -> Installation:
    from wsgi import create_app  # noqa: PLC0415  the composition root, here as in tests

    app = create_app(settings)
    chosen = dict.fromkeys(example.addresses(), "larch-ferry-zinc-otter-47")
    with app.app_context(), everyone():
        migrating.migrate(app.config["DATA"] / "migrations")
        with transaction():
            planted = example.plant(chosen, public_url=settings.public_url, now=utcnow())
            _put_everybody_on_call()
        db.session.remove()
        db.engine.dispose()
    endpoints = [
        Endpoint("/" + each["report_url"].split("/", 3)[3], each["secret"]) for each in planted.processors
    ]
    environ["BENCH_SECRETS"] = " ".join(f"{each.path}={each.secret}" for each in endpoints)
    return Installation(settings, environ, app, endpoints, sandbox)


def _put_everybody_on_call() -> None:
    """Give each organisation somebody to page at once, so that every report costs a text and a mail."""
    for organisation in people.organisations():
        on_call = [each.id for each in people.staff_of(organisation.id) if each.role in WAKES]
        rotation = on_duty.add_rotation(
            organisation_id=organisation.id, name="0 Bench", timezone=organisation.timezone,
            first_handover=utcnow(), shift_days=7, members=on_call,
        )  # fmt: skip
        steps = [{"rotation": str(rotation), "minutes": 5}]
        paging.add_policy(organisation_id=organisation.id, name="0 Bench", steps=steps)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _wait_until_it_answers(address: str) -> None:
    limit = time.monotonic() + READY_WITHIN
    while True:
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        if time.monotonic() > limit:
            raise TimeoutError(f"{address} does not answer.")
        time.sleep(0.05)
