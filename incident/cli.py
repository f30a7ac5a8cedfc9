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
from incident.rules.faults import Fault
from incident.rules.plausibility import check, in_the_future

FAULTY = 2
EXAMPLE = """\b
Example:
  echo '{"timeline": {"aware_at": "2026-10-06T09:30:00+02:00"}}' | breachclock evaluate
"""


@click.command(epilog=EXAMPLE)
@click.option("--lines", is_flag=True, help="Read one document a line, write one evaluation a line.")
@click.argument("file", type=click.File("rb"), default="-")
def evaluate(file: BinaryIO, *, lines: bool) -> None:
    """Evaluate incident facts (JSON) from FILE or standard input.

    Writes the evaluation as JSON: advice with its reasons, clocks, authorities, and what to find out
    first. Whatever is left out of the facts is unknown.

    Ends with 2 when a document is faulty, with the JSON pointer of each fault on standard error. With
    --lines each is named by its line, nothing is written for that line, and the rest goes on; empty lines
    are passed over. Times to come are reckoned with, as for an exercise, and warned of.
    """
    whole = True
    now = datetime.now(UTC)
    for place, raw in _documents(file, lines=lines):
        try:
            facts = check(read_json(raw), None)
        except NotJSON as fault:
            whole = False
            _say(place, Fault("", str(fault)))
        except FactsFault as fault:
            whole = False
            _say(place, *fault.errors)
        else:
            _say(f"{place}warning: ", *in_the_future(facts, now))
            document = evaluation_of(facts, now).document()
            text = json.dumps(document, ensure_ascii=False, indent=None if lines else 2)
            click.echo(text.encode())  # UTF-8, whatever the terminal speaks
    if not whole:
        sys.exit(FAULTY)


def _say(place: str, *faults: Fault) -> None:
    for each in faults:
        click.echo(f"{place}{each.pointer or '(whole document)'}: {each.detail}", err=True)


def _documents(file: BinaryIO, *, lines: bool) -> Iterator[tuple[str, bytes]]:
    if not lines:
        yield "", file.read()
        return
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield f"line {number}: ", line.strip()


# Taken up by the composition root.
commands = (evaluate,)
