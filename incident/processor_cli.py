"""What operators do with the register of processors: list, show, add, end, import, and make endpoints."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import IntegrityError

from accounts import people
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import processors
from incident.models import Endpoint, Processor
from incident.processor_register import changing, fields, importing, marks, planning, table, tree
from incident.processor_register import contacts as calling

BY = "An operator, by the command line"
FAULTY = 2
P = ParamSpec("P")
R = TypeVar("R")
IMPORT_EXAMPLE = """\b
Example:
  breachclock processor import processors.csv --organisation promark --dry-run
  breachclock processor import processors.csv --organisation promark
"""
IN_ORGANISATION = click.option(
    "--organisation", "key", help="Its key; may be left out while the name is found once."
)


def _in_sentences(command: Callable[P, R]) -> Callable[P, R]:
    """A refusal as one line on standard error, and exit 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refused as refusal:
            told = " ".join(filter(None, (refusal.message, refusal.next_step)))
            raise click.ClickException(told) from None

    return run


@contextmanager
def _organisation(key: str) -> Iterator[UUID]:
    """Act for the organisation of that key. Raises: Missing."""
    with everyone():
        organisation_id = people.organisation(key).id
    with acting_for(organisation_id):
        yield organisation_id


def _id_of(name: str, key: str | None) -> tuple[UUID, UUID]:
    """The organisation and the processor of that name. Raises: Missing, Refused."""
    with everyone():
        processor = processors.named(name, key)
        return processor.organisation_id, processor.id


@click.group("processor")
def processor_group() -> None:
    """Processors, the register of them, and the endpoints they report to."""


@processor_group.command("list")
@click.option("--organisation", "key", required=True, help="The key of the organisation.")
@click.option("--ended", is_flag=True, help="Also those that have left.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
@with_appcontext
@_in_sentences
def list_all(key: str, *, ended: bool, as_json: bool) -> None:
    """Print the tree of processors, each below the one it works for."""
    with _organisation(key):
        known = tree.known(ended=ended)
        _print(tree.forest(known), 0, {each.id: each.name for each in known}, as_json=as_json)


def _print(nodes: list[tree.Node], depth: int, names: dict[UUID, str], *, as_json: bool) -> None:
    for node in nodes:
        one = node.processor
        if as_json:
            click.echo(json.dumps(_document(one, names), ensure_ascii=False))
        else:
            told = "tested" if one.tested_at else "never tested"
            left = " (has left)" if one.ended_at else ""
            click.echo(f"{'  ' * depth}{one.name} [{one.country}] {one.service} - {told}{left}")
        _print(node.below, depth + 1, names, as_json=as_json)


def _document(one: Processor, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "id": str(one.id), **{name: getattr(one, name) for name in fields.FIELDS if name != "notes"},
        "agreement_on": one.agreement_on.isoformat() if one.agreement_on else None,
        "works_for": names.get(one.serves_id) if one.serves_id else None,
        "tested_at": one.tested_at.isoformat() if one.tested_at else None,
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
    }  # fmt: skip


@processor_group.command("show")
@click.argument("name")
@IN_ORGANISATION
@with_appcontext
@_in_sentences
def show(name: str, key: str | None) -> None:
    """Print what the register holds of the processor NAME, and its endpoint, as JSON; no secret."""
    organisation_id, processor_id = _id_of(name, key)
    with acting_for(organisation_id):
        one = changing.found(processor_id)
        told = _document(one, {each.id: each.name for each in tree.known()})
        told["contacts"] = [
            {"name": each.name, "role": each.role, "email": each.email, "phone": each.phone,
             "verified_at": each.verified_at.isoformat() if each.verified_at else None}
            for each in calling.of(processor_id)
        ]  # fmt: skip
        told["endpoint"] = _endpoint(processor_id)
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _endpoint(processor_id: UUID) -> dict[str, Any] | None:
    found = db.session.scalars(db.select(Endpoint).where(Endpoint.processor_id == processor_id)).first()
    if found is None:
        return None
    now, seen = utcnow(), marks.last_seen(found.id)
    live = sum(processors.is_live(each, now) for each in processors.keys_of(found.id))
    return {
        "report_url": _url(found.id), "live_secrets": live,
        "last_seen": seen and {"at": seen.at.isoformat(), "kind": seen.kind},
    }  # fmt: skip


def _url(endpoint_id: str) -> str:
    return f"{current_app.config['SETTINGS'].public_url}/api/v1/reports/{endpoint_id}"


@processor_group.command("add")
@click.argument("name")
@click.option("--organisation", "key", required=True, help="The key of the organisation.")
@click.option("--country", required=True, help="Of its seat: two letters, or its name.")
@click.option("--service", default="", help="What it does.")
@click.option("--works-for", help="The processor it works for; left out, it works for the organisation.")
@with_appcontext
@_in_sentences
def add(name: str, *, key: str, country: str, service: str, works_for: str | None) -> None:
    """Register the processor NAME; the rest of it is filled in on its page, or by an import."""
    now = utcnow()
    values, faults = fields.read({"name": name, "country": country, "service": service}, now=now)
    if faults:
        raise click.ClickException("; ".join(f"{where}: {', '.join(what)}" for where, what in faults.items()))
    with _organisation(key) as organisation_id, transaction():
        serves = processors.named(works_for, key).id if works_for else None
        made = changing.add(values, organisation_id=organisation_id, serves_id=serves, actor=BY, now=now)
    click.echo(json.dumps({"id": str(made.id), "name": made.name}, ensure_ascii=False))


@processor_group.command("end")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stands in the record.")
@click.option("--below", is_flag=True, help="Also everybody who works for it.")
@IN_ORGANISATION
@with_appcontext
@_in_sentences
def end(name: str, *, reason: str, below: bool, key: str | None) -> None:
    """The processor NAME has left: it stays on record, and its endpoint is closed at once."""
    organisation_id, processor_id = _id_of(name, key)
    with acting_for(organisation_id), transaction():
        left = changing.end(changing.found(processor_id), reason=reason, below=below, actor=BY, now=utcnow())
    for each in left:
        click.echo(f"{each.name} has left.")
    if not left:
        click.echo(f"{name} had left already.")


@processor_group.command("endpoint")
@click.argument("name")
@click.option(
    "--rotate", is_flag=True, help="Another secret; those before are accepted for a week more at most."
)
@IN_ORGANISATION
@with_appcontext
@_in_sentences
def endpoint(name: str, *, rotate: bool, key: str | None) -> None:
    """Make the endpoint of the processor NAME and print its address and secret, this once."""
    with everyone(), transaction():
        made = processors.give_endpoint(processors.named(name, key), rotate=rotate, actor=BY, now=utcnow())
    click.echo(json.dumps({"report_url": _url(made.endpoint_id), "secret": made.secret}))


@processor_group.command("import", epilog=IMPORT_EXAMPLE)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organisation", "key", required=True, help="The key of the organisation.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")
@with_appcontext
@_in_sentences
def import_file(file: Path, *, key: str, dry_run: bool) -> None:
    """Take over a CSV FILE of processors: all of it at once, or nothing.

    Columns are known by their names in English, Danish, Norwegian or Swedish. A row whose name is in the
    register changes that processor, any other adds one; an empty cell changes nothing.

    Ends with 2 when a row has a fault, with line, column and fault of each on standard error.
    """
    read, now = table.read(file.read_bytes()), utcnow()
    with _organisation(key) as organisation_id:
        plan = planning.plan(read, table.guess(read.header), now=now)
        for each in plan.faults:
            click.echo(f"line {each.line}: {each.column or 'row'}: {each.what}", err=True)
        if plan.faults:
            click.echo(f"{plan.faulty_rows} rows have a fault: nothing was taken over.", err=True)
            sys.exit(FAULTY)
        if not dry_run:
            _take_over(plan, organisation_id, read.sha256)
    done = "Would be taken over" if dry_run else "Taken over"
    click.echo(f"{done}: {len(plan.new)} new, {len(plan.changed)} changed, {plan.same} as they were.")


def _take_over(plan: planning.Plan, organisation_id: UUID, sha256: str) -> None:
    now = utcnow()
    ready = importing.prepare(plan, organisation_id=organisation_id, file_sha256=sha256, now=now)
    try:
        with transaction():
            importing.apply(ready, organisation_id=organisation_id, actor=BY, now=now)
    except IntegrityError:
        raise click.ClickException("The register changed meanwhile. Nothing was taken over.") from None


commands: tuple[click.Command, ...] = (processor_group,)
