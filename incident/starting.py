"""`breachclock up` and `breachclock demo`: which processes one machine runs, and how the story begins."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask
from flask.cli import ScriptInfo

from foundation import processes
from foundation.database import everyone, transaction, utcnow
from foundation.errors import Refused
from foundation.processes import Child
from foundation.queue import BULK, QUEUES
from foundation.settings import Settings, SettingsError, keep_for_demonstration, load, make_first_keys
from incident import example
from incident.example import controllers
from incident.operations import post_report

REAL = (
    "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SENDGRID_API_KEY", "BREACHCLOCK_SMS_GATEWAY_TOKEN",
    "BREACHCLOCK_SMTP_URL",
)  # fmt: skip
KEPT = (
    "BREACHCLOCK_BIND", "BREACHCLOCK_PUBLIC_URL", "BREACHCLOCK_DATABASE_URL", "BREACHCLOCK_REDIS_URL",
    "BREACHCLOCK_SANDBOX_URL", "BREACHCLOCK_SMS", "BREACHCLOCK_SMS_SECOND", "BREACHCLOCK_SMS_WEIGHTS",
    "BREACHCLOCK_EMAIL", "BREACHCLOCK_EMAIL_SECOND", "BREACHCLOCK_EMAIL_WEIGHTS",
    "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "TWILIO_VOICE_FROM", "TWILIO_API_BASE",
    "SENDGRID_API_KEY", "SENDGRID_API_BASE", "SENDGRID_EVENT_PUBLIC_KEY",
    "BREACHCLOCK_SMS_GATEWAY_URL", "BREACHCLOCK_SMS_GATEWAY_TOKEN", "BREACHCLOCK_SMS_GATEWAY_SECRET",
    "BREACHCLOCK_SMTP_URL", "BREACHCLOCK_HEARTBEAT_URL", "BREACHCLOCK_TEST_NUMBER", "BREACHCLOCK_TEST_EMAIL",
    "BREACHCLOCK_PAPER_PASSPHRASE",
)  # fmt: skip
SANDBOX_BIND = "127.0.0.1:8073"
SPEECH = "18"  # characters a second, as a voice on the telephone speaks
STOPS = {"web": 1, "clock": 2, "worker": 3, "sandbox": 4}
WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "juniper", "larch",
    "maple", "north", "osprey", "pine", "quarry", "reed", "spruce", "tarn", "vale", "willow", "yarrow",
)  # fmt: skip


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def _breachclock(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "import wsgi; wsgi.main()", *arguments)


def _gunicorn(settings: Settings) -> tuple[str, ...]:
    """The web server's command line: it loads the app once and finishes requests in flight when stopped."""
    return _python(
        "gunicorn", "--bind", settings.bind, "--worker-class", "gthread", "--workers", "2", "--threads", "8",
        "--graceful-timeout", "20", "--timeout", "60", "--max-requests", "20000", "--log-level", "warning",
        "--no-control-socket", "--preload", "wsgi:create_app()",
    )  # fmt: skip


def children(settings: Settings) -> list[Child]:
    """The processes of one machine: web, clock, a worker for each queue, and one more where people are told.

    While one waits for a provider or the database, the other fills in the next group.
    """
    started = [
        Child("web", _gunicorn(settings), STOPS["web"], listens=settings.bind, named_by="BREACHCLOCK_BIND",
              ready=f"http://{settings.bind}/healthz"),
        Child("clock", _breachclock("clock"), STOPS["clock"]),
    ]  # fmt: skip
    started += [
        Child(f"worker-{name}", _breachclock("worker", "--queue", name), STOPS["worker"], grace=45)
        for name in QUEUES
    ]
    more = Child(f"worker-{BULK}-2", _breachclock("worker", "--queue", BULK), STOPS["worker"], grace=45)
    return [*started, more]


@click.command()
def up() -> None:
    """Run web, workers and clock in the foreground on this machine; Ctrl-C stops all of it cleanly."""
    settings = _settings()

    def announce() -> None:
        processes.say(f"ready at {settings.public_url}")

    _run(settings, children(settings), prepare=lambda: _migrate(settings), announce=announce)


@click.command()
def web() -> None:
    """Run the web server alone, for a deployment over several machines; any number of it."""
    command = _gunicorn(_settings())
    os.execv(command[0], command)  # noqa: S606  gunicorn takes the place of this process, and its signals


@click.command()
def demo() -> None:
    """Run everything with example organisations and a provider sandbox, and play the story's first act."""
    _refuse_real_credentials(os.environ)
    home = Path(os.environ.get("BREACHCLOCK_HOME", "./var")).resolve()
    make_first_keys(home)
    bind = os.environ.get("BREACHCLOCK_SANDBOX_BIND", SANDBOX_BIND)
    os.environ.update(_sandbox_variables(home, bind))
    os.environ.setdefault("BREACHCLOCK_PAPER_PASSPHRASE", _paper_passphrase(home))
    settings = _settings()
    keep_for_demonstration(home, {name: os.environ[name] for name in KEPT if name in os.environ})
    story = _Story(settings, f"http://{bind}")
    _run(
        settings,
        [*children(settings), _sandbox(settings, bind)],
        prepare=story.prepare,
        announce=story.announce,
    )


def _settings() -> Settings:
    try:
        return load(make_keys=True)
    except SettingsError as wrong:
        raise click.ClickException(str(wrong)) from None


def _app() -> Flask:
    return click.get_current_context().ensure_object(ScriptInfo).load_app()


def _run(settings: Settings, minded: list[Child], **calls: Any) -> None:
    try:
        sys.exit(processes.up(settings, minded, **calls))
    except Refused as refusal:
        raise click.ClickException(" ".join(filter(None, (refusal.message, refusal.next_step)))) from None


def _migrate(settings: Settings) -> None:
    folder: Path = click.get_current_context().ensure_object(ScriptInfo).data["folder"] / "migrations"
    if _is_current(settings, folder):
        return
    with _app().app_context():
        from foundation.database.migrating import migrate  # noqa: PLC0415  a warm start has nothing to migrate

        migrate(folder)


def _is_current(settings: Settings, folder: Path) -> bool:
    """Whether the embedded database needs no migration; asked without loading the product."""
    if not settings.embedded_database:
        return False
    newest = max(file.name.partition("_")[0] for file in (folder / "versions").glob("[0-9]*.py"))
    try:
        with closing(
            sqlite3.connect(f"file:{settings.home / 'breachclock.sqlite3'}?mode=ro", uri=True)
        ) as known:
            return bool(known.execute("SELECT version_num FROM alembic_version").fetchone() == (newest,))
    except sqlite3.Error:
        return False


def _refuse_real_credentials(environ: Mapping[str, str]) -> None:
    """The sandbox and real credentials exclude each other: a demonstration must reach nobody."""
    for name in REAL:
        if environ.get(name):
            raise click.ClickException(
                f"{name} is set, and a demonstration must reach nobody. Unset it, or run `breachclock up`."
            )


def _sandbox_variables(home: Path, bind: str) -> dict[str, str]:
    """What points the product at its sandbox; keys of the sandbox are made on the first run."""
    command = _python(
        "notifications.sandbox", "--home", str(home / "sandbox"), "--bind", bind,
        "--smtp-port", _smtp_port(bind), "--environment",
    )  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    variables: dict[str, str] = json.loads(told.stdout)
    return variables | {
        "BREACHCLOCK_SMS": "sandbox", "BREACHCLOCK_EMAIL": "sandbox", "BREACHCLOCK_SANDBOX_URL": f"http://{bind}",
        "BREACHCLOCK_SMS_SECOND": "gateway", "BREACHCLOCK_EMAIL_SECOND": "smtp",
    }  # fmt: skip


def _paper_passphrase(home: Path) -> str:
    """What opens the demonstration's paper plans: made once, and told at every start."""
    path = home / "paper_passphrase"
    if not path.exists():
        _write_private(path, _passphrase())
    return path.read_text(encoding="utf-8").strip()


def _smtp_port(bind: str) -> str:
    """The port of the sandbox's mail server: the one after its pages', unless another is named."""
    host_port = bind.rpartition(":")[2]
    beside = str(int(host_port) + 1) if host_port.isdigit() else "8074"
    return os.environ.get("BREACHCLOCK_SANDBOX_SMTP_PORT", beside)


def _sandbox(settings: Settings, bind: str) -> Child:
    command = _python(
        "notifications.sandbox", "--home", str(settings.home / "sandbox"), "--bind", bind,
        "--callback-url", f"http://{settings.bind}", "--public-url", settings.public_url, "--delay", "0.4",
        "--smtp-port", _smtp_port(bind), "--speech", SPEECH, "--responder", settings.test_number,
    )  # fmt: skip
    return Child(
        "sandbox", command, STOPS["sandbox"], listens=bind, named_by="BREACHCLOCK_SANDBOX_BIND",
        ready=f"http://{bind}/_sandbox/health",
    )  # fmt: skip


class _Story:
    """The example data and the first act: planted once, played once, told at every start."""

    def __init__(self, settings: Settings, sandbox_url: str) -> None:
        self.settings = settings
        self.sandbox_url = sandbox_url
        self.file = settings.home / "demo.json"
        self.begins = False

    def prepare(self) -> None:
        """Migrate, and plant the example data into an empty database."""
        _migrate(self.settings)
        if self.file.exists():
            return
        chosen = {address: _passphrase() for address in example.addresses()}
        with _app().app_context(), everyone(), transaction():
            planted = example.plant(
                chosen, public_url=self.settings.public_url, chat_url=_chat(self.sandbox_url), now=utcnow()
            )
            for each in controllers.plant(now=utcnow()):
                planted.phones |= {a: c.name for c in each.contacts for a in (c.email, c.phone) if a}
        names = self.settings.home / "sandbox" / "names.json"
        names.write_text(json.dumps(planted.phones, ensure_ascii=False, indent=1), encoding="utf-8")
        document = {
            "url": self.settings.public_url, "sandbox_url": self.sandbox_url, "users": planted.users,
            "processors": planted.processors,
        }  # fmt: skip
        _write_private(self.file, json.dumps(document, ensure_ascii=False, indent=1))
        self.begins = True

    def announce(self) -> None:
        """Tell where everything is; at the first start let HostCo report what happened at NordHost."""
        told = json.loads(self.file.read_text(encoding="utf-8"))
        if self.begins:
            hostco = told["processors"][0]
            answer = post_report(hostco["report_url"], hostco["secret"], example.first_report(utcnow()))
            processes.say(f"{hostco['name']} reports a breach at its sub-processor: {answer.status_code}")
        print(_box(told), flush=True)  # noqa: T201  this is the starter's screen


def _chat(sandbox_url: str) -> str:
    """The sandbox's chat service as an address of Apprise, without the topic."""
    return f"ntfy://{urlsplit(sandbox_url).netloc}"


def _passphrase() -> str:
    return "-".join(secrets.SystemRandom().sample(WORDS, 4)) + f"-{secrets.randbelow(90) + 10}"


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _box(told: dict[str, Any]) -> str:
    rows = [
        f"{each['name']:<13} {each['role']:<10} {each['email']:<26} {each['password']}"
        for each in told["users"]
    ]
    lines = [
        f"Breachclock   {told['url']}",
        f"Phones, mail  {told['sandbox_url']}   (a sandbox: nothing leaves this machine)",
        "",
        *rows,
        "",
        f"Paper plans   {os.environ['BREACHCLOCK_PAPER_PASSPHRASE']}   (opens what lies in plans/)",
        "",
        "Look at the phones first: Astrid's is ringing. Then sign in as Astrid.",
        "Ctrl-C stops everything; the next start goes on where this one ended.",
    ]
    width = max(map(len, lines))
    edge = "+" + "-" * (width + 2) + "+"
    return "\n".join([edge, *(f"| {line:<{width}} |" for line in lines), edge])


commands: tuple[click.Command, ...] = (up, web, demo)
