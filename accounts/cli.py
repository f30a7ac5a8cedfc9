"""What an administrator does with people and organisations from a shell."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from accounts import people
from accounts.models import Role
from foundation.database import everyone, transaction, utcnow
from foundation.errors import Refused
from foundation.locales import LOCALES

BY = "administrator at the shell"
user = AppGroup("user", help="Staff who may sign in.")
organisation = AppGroup("organisation", help="Organisations whose incidents are kept here.")


@contextmanager
def plainly() -> Iterator[None]:
    """Say a refusal as one sentence on standard error, exit 1."""
    try:
        with everyone():
            yield
    except Refused as refused:
        raise click.ClickException(" ".join(filter(None, (refused.message, refused.next_step)))) from None


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="As it stands in the record, such as 'Astrid Holm'.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--organisation", "key", help="Its key; may be left out while there is only one.")
@click.option("--locale", type=click.Choice(LOCALES), help="Language; the organisation's by default.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not a prompt.")
def add_user(
    *, email: str, name: str, role: str, key: str | None, locale: str | None, password_stdin: bool
) -> None:
    """Add somebody who signs in with EMAIL and a password of at least 12 characters."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _prompt()
    with plainly():
        hashed = people.checked_password(password, name=name, email=email)
        with transaction():
            added = people.add_staff(
                people.organisation(key or _only_organisation()),
                name=name, email=email, role=Role(role), locale=locale, password_hash=hashed,
                by=BY, now=utcnow(),
            )  # fmt: skip
    click.echo(f"{added.email} can sign in as {added.role.value}.")


def _prompt() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _only_organisation() -> str:
    keys = [each.key for each in people.organisations()]
    if len(keys) != 1:
        known = ", ".join(keys) or "none yet, see `breachclock organisation add --help`"
        raise click.UsageError(f"Say which organisation with --organisation. Known: {known}.")
    return keys[0]


@user.command("disable")
@click.argument("email")
@click.option("--reason", help="Enters the ledger.")
def disable_user(email: str, reason: str | None) -> None:
    """End every sign-in of EMAIL and allow no new one; the record keeps the name."""
    with plainly(), transaction():
        people.disable(people.known_by_email(email), by=BY, now=utcnow(), reason=reason)
    click.echo(f"{email} can no longer sign in.")


@user.command("enable")
@click.argument("email")
@click.option("--reason", help="Enters the ledger.")
def enable_user(email: str, reason: str | None) -> None:
    """Let EMAIL sign in again."""
    with plainly(), transaction():
        people.enable(people.known_by_email(email), by=BY, now=utcnow(), reason=reason)
    click.echo(f"{email} can sign in again.")


@user.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read it from standard input, not a prompt.")
def set_password(*, email: str, password_stdin: bool) -> None:
    """Give EMAIL a new password; every sign-in of theirs ends."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _prompt()
    with plainly():
        staff = people.known_by_email(email)
        hashed = people.checked_password(password, name=staff.name, email=email)
        with transaction():
            people.set_password(staff, hashed, by=BY, now=utcnow())
    click.echo(f"{email} has a new password.")


@user.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option("--reason", help="Enters the ledger.")
def change_role(email: str, role: str, reason: str | None) -> None:
    """Give EMAIL another role; every sign-in of theirs ends."""
    with plainly(), transaction():
        people.change_role(people.known_by_email(email), Role(role), by=BY, now=utcnow(), reason=reason)
    click.echo(f"{email} is now {role}.")


@user.command("list")
@click.option("--organisation", "key", help="Only this one, by its key.")
def list_users(key: str | None) -> None:
    """List staff: address, role, organisation, name; one a line."""
    with plainly():
        for employer in [people.organisation(key)] if key else people.organisations():
            for staff in people.staff_of(employer.id):
                state = "" if staff.active else "  (disabled)"
                click.echo(f"{staff.email}\t{staff.role.value}\t{employer.key}\t{staff.name}{state}")


@organisation.command("add")
@click.argument("key")
@click.option("--name", required=True)
@click.option("--country", required=True, help="ISO 3166-1 code of its main establishment, such as DK.")
@click.option("--timezone", required=True, help="IANA name, such as Europe/Copenhagen.")
@click.option("--prefix", required=True, help="Begins incident numbers, such as PM.")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True)
def add_organisation(*, key: str, name: str, country: str, timezone: str, prefix: str, locale: str) -> None:
    """Add an organisation; what its letters say of it is edited on its pages."""
    with plainly(), transaction():
        people.add_organisation(
            key, name=name, country=country, timezone=timezone, prefix=prefix, locale=locale, now=utcnow()
        )
    click.echo(f"{key} is an organisation. Add its first administrator with `breachclock user add`.")


@organisation.command("list")
def list_organisations() -> None:
    """List organisations: key, country, zone, name; one a line."""
    with plainly():
        for each in people.organisations():
            click.echo(f"{each.key}\t{each.country}\t{each.timezone}\t{each.name}")


commands = (user, organisation)
