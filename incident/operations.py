"""What operators run: the processes of an installation, its migrations, reports, the ledger."""

import json
import signal
import sys
import threading
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import click
import requests
from flask import Flask, current_app
from flask.cli import with_appcontext
from standardwebhooks.webhooks import Webhook

from foundation import logs, queue
from foundation.database import everyone
from incident import register


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to this release; safe to run by several at once."""
    from foundation.database import migrating  # noqa: PLC0415  clock and workers load this module too

    migrating.migrate(current_app.config["DATA"] / "migrations")


@click.command()
@click.option("--queue", "name", type=click.Choice(queue.QUEUES), default=queue.URGENT, show_default=True)
@with_appcontext
def worker(name: str) -> None:
    """Run a worker of one queue; any number of each."""
    logs.init(process=f"worker-{name}")
    queue.work(_app(), name)


@click.command()
@with_appcontext
def clock() -> None:
    """Run the clock: it finds what is due. Any number may run; one is enough."""
    logs.init(process="clock")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = _app()
    queue.keep_time(app, [queue.recurring(*each) for each in app.config["RECURRING"]], stop)


@click.command()
@click.option("--to", required=True, help="The report address of your endpoint.")
@click.option("--secret", required=True, help="Its secret, whsec_…")
@click.option("--type", "kind", default="incident.reported", show_default=True,
              type=click.Choice(["incident.reported", "incident.updated", "incident.test"]))  # fmt: skip
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def report(to: str, secret: str, kind: str, file: TextIO) -> None:
    """Sign the facts in FILE, or on standard input, post them as a report, and print the answer."""
    try:
        facts = json.load(file)
    except ValueError as fault:
        raise click.ClickException(f"The facts are not JSON: {fault}.") from None
    try:
        answer = post_report(to, secret, facts, kind=kind)
    except requests.RequestException as trouble:
        raise click.ClickException(
            f"The report did not arrive: {type(trouble).__name__}. Send it again."
        ) from None
    except ValueError:
        raise click.ClickException("The secret is not one: it begins with whsec_ and is base64.") from None
    click.echo(answer.text)
    if not answer.ok:
        sys.exit(1)


def post_report(
    to: str,
    secret: str,
    facts: dict[str, Any],
    *,
    kind: str = "incident.reported",
    report_id: str | None = None,
) -> requests.Response:
    """Post signed facts as a processor would (Standard Webhooks); the same `report_id` is the same report.

    Raises: ValueError for a secret that is none, requests.RequestException when it did not arrive.
    """
    b64decode(secret.removeprefix("whsec_"), validate=True)
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": facts})
    told = report_id or f"msg_{uuid4().hex}"
    headers = {
        "content-type": "application/json", "webhook-id": told,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(told, now, body),
    }  # fmt: skip
    return requests.post(to, data=body.encode(), headers=headers, timeout=30)


@click.group("audit")
def audit() -> None:
    """The ledger, and whether it is whole."""


@audit.command("verify")
@click.option(
    "--bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An exported bundle."
)
@with_appcontext
def verify(bundle: Path | None) -> None:
    """Check every chain of the ledger, or of an exported bundle; exit 1 with the first broken entry."""
    with everyone():
        broken = (
            register.verify_bundle(json.loads(bundle.read_text()))
            if bundle
            else register.verify_installation()
        )
    for each in broken:
        click.echo(f"{each.chain}, entry {each.number}: {each.why}", err=True)
    if broken:
        sys.exit(1)
    click.echo("The ledger is whole.")


commands: tuple[click.Command, ...] = (migrate, worker, clock, report, audit)
