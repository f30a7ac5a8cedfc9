"""A whole installation as separate processes, to be broken: web, workers, clocks, queue server, sandbox.

Every process is started by the product's own command line, or becomes in the nursery what that starts, in
a session of its own, and is started again when it dies. The test itself owes messages and reads rows with
an app of its own on the same database.
"""

import os
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import requests
from flask import Flask
from sqlalchemy import select

import wsgi
from foundation import settings
from foundation.database import db, everyone, new_id, transaction, utcnow
from incident import starting
from notifications import breaker, outbox, paging
from notifications.models import Attempt, Kind, Message, SendingAttempt, State, Stop
from playbooks.models import Run, RunState
from tests.faults import crashing
from tests.faults.crashing import Act, Point
from tests.faults.queue_server import QueueServer
from tests.faults.supervisor import Supervised, Supervisor
from tests.nursery import nursery
from tests.people import Cast, Endpoint
from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
CANARY = "ZZCANARY"
WORKERS = ("worker-urgent", "worker-bulk")
PROCESSES = ("web", "clock", *WORKERS)
AT_REST = (State.ACCEPTED, State.DELIVERED, State.UNREACHED, State.HELD, State.CANCELLED)
PATIENCE = 90.0  # seconds; a busy machine needs more than a quick one, and waiting costs only who fails


@dataclass(frozen=True)
class Row:
    """A message as the database has it."""

    id: UUID
    kind: str
    channel: str
    state: str
    attempts: int
    wants_person: bool
    why: str | None
    dedupe_key: str
    page_id: UUID | None
    about: str


class Installation:
    """One installation; what tests do to it, and what they ask it."""

    def __init__(self, databases: Any, planted: tuple[Flask, Cast], *, second: bool = False) -> None:
        app, self.cast = planted
        self.folder = Path(tempfile.mkdtemp(prefix="bc-"))
        self.logs, self.crashes = self.folder / "logs", self.folder / "crashes"
        for folder in (self.logs, self.crashes, self.folder / "queue"):
            folder.mkdir()
        self.databases = databases
        self.queue = QueueServer(self.folder / "queue")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = Sandbox.start(
            self.folder / "sandbox", self.url, process=True, smtp_port=free_port() if second else 0
        )
        self.environ = self._environ(app) | (self._second_ways() if second else {})
        self.app = self._own_app()
        self.nursery = None if second else nursery()  # by the command line itself, where there are two ways
        self.supervisor = Supervisor()
        self.numbers = count(1)
        self.may_be_twice: set[UUID] = set()
        self.pages: list[str] = []

    def _environ(self, planted: Flask) -> dict[str, str]:
        told = planted.config["SETTINGS"]
        foreign = ("BREACHCLOCK_", "TWILIO", "SENDGRID")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            **self.sandbox.environment,
            "BREACHCLOCK_HOME": str(self.folder / "home"),
            "BREACHCLOCK_DATABASE_URL": told.database_url,
            "BREACHCLOCK_REDIS_URL": self.queue.url,
            "BREACHCLOCK_PUBLIC_URL": self.url,
            "BREACHCLOCK_BIND": f"127.0.0.1:{self.port}",
            "BREACHCLOCK_SECRET_KEY": told.secret_key,
            "BREACHCLOCK_DATA_KEYS": " ".join(told.data_keys),
            "BREACHCLOCK_EMAIL_RATES": "999999999",
            "BREACHCLOCK_SMS_RATES": "999999999",
            crashing.VARIABLE: str(self.crashes),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
        }

    def _second_ways(self) -> dict[str, str]:
        """The variables that give it two ways out of each kind, the sandbox's own."""
        told = self.sandbox.second_environment
        del told["BREACHCLOCK_HEARTBEAT_URL"]
        return {**told, "BREACHCLOCK_SMS_SECOND": "gateway", "BREACHCLOCK_EMAIL_SECOND": "smtp"}

    def _own_app(self) -> Flask:
        app = wsgi.create_app(settings.load(self.environ))
        app.config["TESTING"] = True
        return app

    # --- starting and stopping ------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Begin with a fresh database, an empty queue server and these processes."""
        with self.app.app_context():
            db.engine.dispose()
        self.databases.begin_anew()
        self.queue.start()
        for name in names or PROCESSES:
            self.supervisor.add(self.process(name))
        self.wait_until_ready()
        for each in self.supervisor.minded.values():
            each.proven = True

    def process(self, name: str, *, called: str = "") -> Supervised:
        """A process of the installation by its product's command line, not started; `called` for a second."""
        told = settings.load(self.environ)
        child = next(each for each in starting.children(told) if each.name == name)
        argv = [part.replace("wsgi:create_app()", "tests.faults.entry:create_app()") for part in child.argv]
        argv = [part.replace("import wsgi; wsgi.main()", ENTRY) for part in argv]
        assert argv != list(child.argv), f"the command line of {name} has changed: {child.argv}"
        known_by = called or name
        environ, log = {**self.environ, **child.environ}, self.logs / f"{known_by}.log"
        made = Supervised(known_by, argv, environ, log, self.nursery)
        made.holds_port = name == "web"
        return made

    def __getitem__(self, name: str) -> Supervised:
        return self.supervisor.minded[name]

    def wait_until_ready(self) -> None:
        """Until the web server answers and the clock has ended a round."""
        if "web" in self.supervisor.minded:
            self.wait_for(lambda: not self.faults(), f"readiness ({self.faults()})")

    def calm(self) -> None:
        """Everything runs and behaves again."""
        self.sandbox.behave()
        self.queue.start()
        for name in PROCESSES:
            if name in self.supervisor.minded:
                self.supervisor.wake(name)
        self.wait_until_ready()
        self.let_communications_go()

    def let_communications_go(self) -> None:
        """Release what the breaker stopped: a test that sends copies on purpose trips it."""
        with self.at_work(), transaction():
            for stop in db.session.scalars(select(Stop).where(Stop.released_at.is_(None))):
                breaker.release(stop.organisation_id, by="Dorthe", reason="A rehearsal.", now=utcnow())

    def stop(self) -> None:
        """Kill everything."""
        self.supervisor.stop()
        self.sandbox.stop()
        self.queue.kill()
        # Left to the collector, their sockets would be found at the end of all tests and fail the run.
        for client in (self.queue.client, self.app.extensions["queue_server"]):
            client.close()
        with self.app.app_context():
            db.engine.dispose()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- owing messages --------------------------------------------------------------------------

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The test's own app context, for system work."""
        with self.app.app_context(), everyone():
            try:
                yield
            finally:
                db.session.remove()

    def notice(
        self,
        *,
        kind: str = Kind.SUBJECT,
        channel: str = "email",
        to: str = "",
        then: tuple[str, ...] = (),
        crash: Point | None = None,
        act: Act = Act.KILL,
        **told: Any,
    ) -> UUID:
        """Owe a message about a breach to one person; `crash` arms a point for it before it is committed."""
        number = next(self.numbers)
        known = self.address(channel, number)
        fallbacks = tuple((each, self.address(each, number)) for each in then)
        context = {
            "name": CANARY, "subject": "About your data", "contact": "Dorthe Friis", "controller": "ProMark",
            "paragraphs": [["What happened", f"{CANARY}: a copy was read."]],
        }  # fmt: skip
        with self.at_work(), transaction():
            posted = outbox.post(
                organisation_id=self.cast.promark, about=f"organisation/{self.cast.promark}", kind=kind,
                template="subject_notice", context=context,
                recipient=outbox.Outside(channel, to or known, "en", None, fallbacks),
                dedupe_key=f"fault:{uuid4()}", now=utcnow(), **told,
            )  # fmt: skip
            assert posted is not None
            if crash:
                crashing.arm(self.crashes, crash, posted, act)
        return posted

    @staticmethod
    def address(channel: str, number: int) -> str:
        """Where the person of this number is reached."""
        return f"canary.subject+{number}@example.test" if channel == "email" else f"+447700{number:06d}"

    def page(self, *, crash: Point | None = None, act: Act = Act.KILL) -> dict[str, UUID]:
        """Page who is on call about something new: the message by channel."""
        about = f"incident/{new_id()}"
        context = {"number": "PM-2026-9999", "organisation": "ProMark", "path": "/", "timezone": "UTC"}
        with self.at_work(), transaction():
            page_id = paging.page(
                organisation_id=self.cast.promark, about=about, template="page_report", context=context,
                must_by=None, actor="A test", now=utcnow(),
            )  # fmt: skip
            found = db.session.execute(select(Message.channel, Message.id).where(Message.page_id == page_id))
            sent = {row.channel.value: row.id for row in found}
            for message_id in sent.values() if crash else ():
                crashing.arm(self.crashes, crash, message_id, act)
        self.pages.append(about)
        return sent

    def end_pages(self) -> None:
        """Nobody needs to come any more."""
        with self.at_work(), transaction():
            for about in self.pages:
                paging.end(about, actor="A test", reason="The test is over.", now=utcnow())
        self.pages.clear()

    # --- asking ----------------------------------------------------------------------------------

    def rows(self, *ids: UUID) -> list[Row]:
        """These messages, or all of them, oldest first."""
        wanted = select(Message).order_by(Message.id)
        if ids:
            wanted = wanted.where(Message.id.in_(ids))
        with self.at_work():
            return [
                Row(m.id, m.kind.value, m.channel.value, m.state.value, m.attempts,
                    m.wants_person_at is not None, m.why, m.dedupe_key, m.page_id, m.about)
                for m in db.session.scalars(wanted)
            ]  # fmt: skip

    def row(self, message_id: UUID) -> Row:
        """One message."""
        return self.rows(message_id)[0]

    def asked(self, message_id: UUID) -> bool:
        """Whether the provider was asked about a message that is unsure."""
        with self.at_work():
            return bool(db.session.scalar(select(Message.asked_at).where(Message.id == message_id)))

    def copies(self) -> dict[UUID, int]:
        """How often the providers accepted each message, by their own ledger."""
        found: dict[UUID, int] = {}
        accepted = self.sandbox.accepted()  # before the attempts: of what it lists, each was committed first
        with self.at_work():
            of = {str(a): m for a, m in db.session.execute(select(Attempt.id, Attempt.message_id))}
            of_groups = {str(each) for each in db.session.scalars(select(SendingAttempt.id))}
        for line in accepted:
            if token(line) in of_groups:
                continue
            message_id = of.get(token(line))
            assert message_id is not None, f"no attempt stands for what the provider has: {line['id']}"
            found[message_id] = found.get(message_id, 0) + 1
        return found

    def copies_of(self, message_id: UUID) -> int:
        """How often the providers accepted one."""
        return self.copies().get(message_id, 0)

    def faults(self) -> list[str]:
        """What /readyz says is wrong; a web server that does not answer is a fault as well."""
        try:
            answer = requests.get(f"{self.url}/readyz", timeout=5)
        except requests.RequestException as trouble:
            return [type(trouble).__name__]
        return [] if answer.ok else answer.json().get("faults", ["?"])

    def metric(self, name: str) -> float:
        """A figure of /metrics."""
        for line in requests.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            if line.startswith(f"breachclock_{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def unfinished(self) -> list[Row]:
        """Messages that are neither accepted nor ended."""
        return [row for row in self.rows() if row.state not in AT_REST]

    # --- waiting ---------------------------------------------------------------------------------

    def wait_for(self, what: Callable[[], Any], name: str, within: float = PATIENCE) -> Any:
        """Until this is true; gives it."""
        end = time.monotonic() + within
        while not (found := what()):
            assert not self.supervisor.hopeless, f"does not start: {self.supervisor.hopeless}"
            if time.monotonic() > end:
                rows = self.unfinished() or self.rows()[-6:]
                raise AssertionError(f"{name} did not come within {within:g} s; {rows}")
            time.sleep(0.05)
        return found

    def wait_for_state(self, message_id: UUID, *states: str, within: float = PATIENCE) -> Row:
        """Until a message is in one of these states."""
        found: Row = self.wait_for(
            lambda: (row := self.row(message_id)).state in states and row,
            f"{' or '.join(states)} of {message_id}", within,
        )  # fmt: skip
        return found

    def wait_until_sent(self, *ids: UUID, within: float = PATIENCE) -> float:
        """Until the providers have these messages and the rows say so; returns how long that took."""
        began = time.monotonic()
        self.wait_for(
            lambda: all(row.state in ("accepted", "delivered") for row in self.rows(*ids)),
            "acceptance of all messages", within,
        )  # fmt: skip
        return time.monotonic() - began

    def wait_for_rest(self, within: float = PATIENCE) -> list[Row]:
        """Until every run has been looked at, and nothing is waiting, under way or unsure; the messages then.

        What the clock lays down a moment later is not among them, and can't be taken for lost.
        """

        def at_rest() -> list[list[Row]]:
            unseen, rows = self.unseen(), self.rows()
            return [] if unseen or any(row.state not in AT_REST for row in rows) else [rows]

        found: list[list[Row]] = self.wait_for(at_rest, "the end of all messages", within)
        return found[0]

    def unseen(self) -> list[UUID]:
        """The runs that began and that no clock has looked at: what they owe is nowhere yet."""
        with self.at_work():
            begun = select(Run.id).where(Run.state == RunState.RUNNING, Run.next_due_at <= Run.started_at)
            return list(db.session.scalars(begun))

    def wait_until_frozen(self, point: Point, message_id: UUID) -> Callable[[], None]:
        """Until a process froze there; gives what lets it go on."""
        pid: int = self.wait_for(
            lambda: crashing.frozen(self.crashes, point, message_id), f"a process frozen {point}"
        )
        return lambda: os.kill(pid, signal.SIGCONT)

    # --- reporting -------------------------------------------------------------------------------

    @property
    def hostco(self) -> Endpoint:
        """The processor with a key, and its address at this installation's web server."""
        return Endpoint(self.url + self.cast.hostco.path, self.cast.hostco.secret)


ENTRY = "from tests.faults import entry; entry.main()"


def token(line: dict[str, Any]) -> str:
    """The attempt that a message at a provider stands for."""
    if line["provider"] == "twilio":
        return str(line["status_callback"]).partition("?a=")[2].partition("&")[0]
    if line["provider"] == "gateway":
        return str(line["request"])
    if line["provider"] == "smtp":  # its Message-ID
        return str(line["request"]).strip("<>").partition("@")[0]
    return str(line["custom_args"]["a"])


def free_port() -> int:
    """A port that nobody has, and that nobody gets who asks for any."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as trial, suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port


__all__ = ["ENTRY", "PROCESSES", "Act", "Installation", "Point", "Row"]
