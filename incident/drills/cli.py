"""`breachclock drill`: scenarios, start, list, end. Nothing that it starts can reach anybody."""

from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation
from foundation import locales
from foundation.database import db, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import drills
from incident.drills.words import after, missed, step_name
from incident.models import Incident, real

BY = "An operator, by the command line"
EXAMPLE = """\b
Example:
  breachclock drill start ransomware --organisation promark
"""
drill = AppGroup(
    "drill", help="Drills: the same engine with pretend recipients. Nothing leaves, nothing counts."
)
commands = (drill,)


def _sentence(refusal: Refused) -> click.ClickException:
    return click.ClickException(" ".join(filter(None, (refusal.message, refusal.next_step))))


@drill.command("scenarios")
def scenarios() -> None:
    """List the scenarios."""
    for each in drills.scenarios():
        click.echo(f"{each.key:<28} {each.title}")


@drill.command("start", epilog=EXAMPLE)
@click.argument("scenario")
@click.option("--organisation", "key", help="Its key; may be left out while there is only one.")
@click.option("--with", "emails", multiple=True, metavar="E-MAIL",
              help="Who takes part, in the order they are called; else whoever is on call.")  # fmt: skip
def start(scenario: str, key: str | None, emails: tuple[str, ...]) -> None:
    """Start the drill SCENARIO now. Phones and mailboxes are pretend ones, on the page of the drill."""
    try:
        with everyone(), transaction():
            employer = _organisation(key)
            made = drills.start(
                drills.scenario(scenario), organisation_id=employer.id, by=BY, now=utcnow(),
                taking_part=[people.known_by_email(each).id for each in emails],
            )  # fmt: skip
            number, incident_id = _number(made.incident_id), made.incident_id
    except Refused as refusal:
        raise _sentence(refusal) from None
    click.echo(f"{number} runs: {made.title}. Nothing leaves, nothing counts.")
    click.echo(f"Its phones and mailboxes: /drills/{incident_id}")


@drill.command("list")
@click.option("--organisation", "key", help="Its key; may be left out while there is only one.")
def list_drills(key: str | None) -> None:
    """List the drills of an organisation, the latest first, with what was missed."""
    try:
        with everyone():
            visible = select(Incident).where(~real(), Incident.organisation_id == _organisation(key).id)
            now = utcnow()
            rows = [*drills.running_now(visible, now=now), *drills.past(visible, now=now)]
    except Refused as refusal:
        raise _sentence(refusal) from None
    for row in rows:
        standing = f"ended {row.drill.ended_at:%Y-%m-%d}" if row.drill.ended_at else "runs"
        click.echo(f"{row.incident.number}  {row.drill.title}  ({standing})")
        for each in row.outcome.measures:
            told = after(each, locales.DEFAULT) if each.wanted else "not called for"
            click.echo(f"    {step_name(each.step)!s:<28} {told}")
    if not rows:
        click.echo("No drill yet. `breachclock drill start` begins one.")


@drill.command("end")
@click.argument("number")
@click.option("--organisation", "key", help="Its key; may be left out while there is only one.")
@click.option("--lesson", default="", help="What was learned, in a sentence or two.")
def end(number: str, key: str | None, lesson: str) -> None:
    """End the drill NUMBER, as DRILL-2026-0001, and print what was missed."""
    try:
        with everyone(), transaction():
            incident = _drill(number, _organisation(key))
            made = drills.end(incident, by=BY, lesson=lesson, now=utcnow())
            found = drills.outcome(incident, made, now=utcnow())
    except Refused as refusal:
        raise _sentence(refusal) from None
    click.echo(f"{incident.number} has ended.")
    for each in found.missed:
        click.echo(f"  {missed(each, locales.DEFAULT)}")
    for each in found.left_open:
        click.echo(f"  {step_name(each.step)}: left open; there was time for it.")
    if not found.missed:
        click.echo("  Nothing was missed.")


def _drill(number: str, employer: Organisation) -> Incident:
    mine = select(Incident).where(
        ~real(), Incident.number == number.upper(), Incident.organisation_id == employer.id
    )
    incident = db.session.scalars(mine.with_for_update()).one_or_none()
    if incident is None:
        raise Refused(f"There is no drill {number}.", next_step="`breachclock drill list` shows them.")
    return incident


def _number(incident_id: UUID) -> str:
    return db.session.get_one(Incident, incident_id).number


def _organisation(key: str | None) -> Organisation:
    if key:
        return people.organisation(key)
    known = people.organisations()
    if len(known) != 1:
        keys = ", ".join(each.key for each in known) or "none yet"
        raise Refused(f"Say which organisation by --organisation. Known: {keys}.")
    return known[0]
