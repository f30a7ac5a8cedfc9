"""What operators run about customers: a whole register in or out."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from accounts import people
from foundation.database import acting_for, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import customer_lists, customers

BY = "An operator, by the command line"
FAULTY = 2


@click.group("customer")
def customer_group() -> None:
    """Customers: the controllers for whom an organisation is processor."""


@customer_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organisation", "key", required=True, help="The key of the organisation.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@with_appcontext
def import_file(file: Path, key: str, *, dry_run: bool) -> None:
    """Take over customers from the CSV FILE: all of them, or none with every fault named.

    A customer of a name that is there already is changed; those that the file does not name stay. Ends with
    2 when rows have faults. `breachclock customer template` prints every column.
    """
    try:
        with everyone():
            organisation = people.organisation(key)
        with acting_for(organisation.id):
            known = customers.known(organisation, utcnow())
            reading = _read(file, known)
            if reading.faults:
                for each in reading.faults:
                    click.echo(f"line {each.line}: {each.what}", err=True)
                raise SystemExit(FAULTY)
            if dry_run:
                found = customers.compare(organisation.id, reading)
            else:
                with transaction():
                    found = customers.take_over(organisation.id, reading, by=BY, now=utcnow())
    except Refused as refusal:
        said = " ".join(filter(None, (refusal.message, refusal.next_step)))
        raise click.ClickException(said) from None
    ahead = "would be " if dry_run else ""
    click.echo(
        f"{len(found.new)} {ahead}added, {len(found.changed)} {ahead}changed, {len(found.same)} as they were."
    )


def _read(file: Path, known: customer_lists.Known) -> customer_lists.Reading:
    data = file.read_bytes()
    rows = max(data.count(b"\n") - 1, 1)
    with click.progressbar(length=rows, label="Reading", file=sys.stderr) as bar:

        def progress(_row: int) -> None:
            bar.update(1)

        return customer_lists.read(data, known, progress=progress)


@customer_group.command("export")
@click.option("--organisation", "key", required=True, help="The key of the organisation.")
@with_appcontext
def export(key: str) -> None:
    """Print the register as CSV, as `import` reads it. It holds contact data: mind where it goes."""
    try:
        with everyone():
            organisation = people.organisation(key)
    except Refused as refusal:
        raise click.ClickException(refusal.message) from None
    with acting_for(organisation.id):
        found, _count = customers.listed()
        names = customers.processor_names(organisation.id)
        click.echo(customer_lists.written(customers.details(found), names), nl=False)


@customer_group.command("template")
def template() -> None:
    """Print an empty file with every column."""
    click.echo(customer_lists.written([], {}), nl=False)


commands: tuple[click.Command, ...] = (customer_group,)
