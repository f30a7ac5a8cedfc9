"""What operators and other programs run about incidents.

Only `click` and the rules are imported here at once: `breachclock evaluate` needs no database, queue or
network, and starts in well under half a second.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import click

from incident.rules.evaluation import evaluate as evaluation_of
from incident.rules.facts import FactsFault, NotJSON, read_json

FAULTY = 2


@click.command()
@click.option("--lines", is_flag=True, help="Read one document a line, write one evaluation a line.")
@click.argument("file", type=click.File("rb"), default="-")
def evaluate(file: BinaryIO, *, lines: bool) -> None:
    """Evaluate incident facts (JSON) from FILE or standard input.

    Writes the evaluation as JSON. Ends with 2 when a document is faulty, with the JSON pointer of each
    fault on standard error; the other documents are evaluated all the same.
    """
    whole = True
    now = datetime.now(UTC)
    for place, raw in _documents(file, lines=lines):
        try:
            document = evaluation_of(read_json(raw), now).document()
        except NotJSON as fault:
            whole = False
            click.echo(f"{place}(whole document): {fault}", err=True)
        except FactsFault as fault:
            whole = False
            for each in fault.errors:
                click.echo(f"{place}{each.pointer or '(whole document)'}: {each.detail}", err=True)
        else:
            click.echo(json.dumps(document, ensure_ascii=False, indent=None if lines else 2))
    if not whole:
        sys.exit(FAULTY)


def _documents(file: BinaryIO, *, lines: bool) -> Iterator[tuple[str, bytes]]:
    if not lines:
        yield "", file.read()
        return
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield f"line {number}: ", line.strip()


# Taken up by the composition root.
commands = (evaluate,)
