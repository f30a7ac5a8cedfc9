"""What operators ask before the night: is this ready, and the paper plan."""

import json
import os
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from incident.paper_plan.locked import NotAPlan, WrongPassphrase, unlock

CHECK_EXAMPLE = """\b
Example:
  breachclock check                  # a line for each thing that is not ready; exit 1 when there is one
  breachclock check --json | jq .
"""
OPEN_EXAMPLE = """\b
Example:
  breachclock plan open var/plans/paper-plan-promark-20261128T010000Z.html > plan.html
"""


@click.command(epilog=CHECK_EXAMPLE)
@click.option("--json", "as_json", is_flag=True, help="Every check, those that are well too, as JSON.")
@click.option("--organisation", "key", help="Only this one, by its key.")
@with_appcontext
def check(*, as_json: bool, key: str | None) -> None:
    """Say whether this installation is ready for a night.

    Asks the providers, looks at rota, contacts, processors, clock and everything else that a night needs.
    Prints a line for each thing that is not ready, and ends with 1 when there is one.
    """
    from accounts import people  # noqa: PLC0415  `plan open` needs no database
    from foundation.database import everyone  # noqa: PLC0415
    from foundation.errors import Refused  # noqa: PLC0415
    from incident import readiness  # noqa: PLC0415
    from notifications.rules.watching import Light, sorted_checks  # noqa: PLC0415

    with everyone():
        try:
            mine = [people.organisation(key)] if key else people.organisations()
        except Refused as refusal:
            raise click.ClickException(" ".join(filter(None, (refusal.message, refusal.next_step)))) from None
        found = sorted_checks(readiness.checks(mine, calling=True))
    bad = [each for each in found if each.light is not Light.GREEN]
    if as_json:
        document = {
            "ready": not bad,
            "checks": [
                {"key": c.key, "light": c.light.value, "what": c.what, "says": c.says, "mend": c.mend,
                 "path": c.path, "organisation": c.of}
                for c in found
            ],
        }  # fmt: skip
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for each in bad:
            whose = f"{each.of}: " if each.of else ""
            click.echo(f"{each.light.value:<6}  {whose}{each.what}: {each.says} {each.mend}")
        click.echo(
            f"Ready: {len(found)} checks." if not bad else f"{len(bad)} of {len(found)} are not.", err=True
        )
    if bad:
        sys.exit(1)


@click.group()
def plan() -> None:
    """The paper plan: what you need when nothing of this works."""


@plan.command()
@click.option("--organisation", "key", help="Only this one, by its key.")
@with_appcontext
def write(key: str | None) -> None:
    """Write the plan of each organisation now, beside the hourly ones; print where each lies."""
    from accounts import people  # noqa: PLC0415
    from foundation.database import database_now, everyone  # noqa: PLC0415
    from foundation.errors import Refused  # noqa: PLC0415
    from incident import paper_plan  # noqa: PLC0415

    with everyone():
        try:
            mine = [people.organisation(key)] if key else people.organisations()
        except Refused as refusal:
            raise click.ClickException(" ".join(filter(None, (refusal.message, refusal.next_step)))) from None
        for organisation_id in [each.id for each in mine]:
            made = paper_plan.make(organisation_id, now=database_now())
            if made is None:
                raise click.ClickException("No plan is written: set BREACHCLOCK_PAPER_PASSPHRASE.")
            click.echo(paper_plan.keep(made))


@plan.command("open", epilog=OPEN_EXAMPLE)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def open_(file: Path) -> None:
    """Open a plan with its passphrase, and print it as HTML.

    The passphrase is read from BREACHCLOCK_PAPER_PASSPHRASE, or from BREACHCLOCK_PAPER_PASSPHRASE_FILE, or
    asked for. Any browser opens the file too, without this command.
    """
    try:
        click.echo(unlock(file.read_text("utf-8"), _passphrase()))
    except (WrongPassphrase, NotAPlan, UnicodeDecodeError) as fault:
        raise click.ClickException(str(fault)) from None


def _passphrase() -> str:
    if name := os.environ.get("BREACHCLOCK_PAPER_PASSPHRASE_FILE"):
        return Path(name).read_text("utf-8").strip()
    told = os.environ.get("BREACHCLOCK_PAPER_PASSPHRASE")
    return told or str(click.prompt("Passphrase", hide_input=True, err=True))


commands: tuple[click.Command, ...] = (check, plan)
