"""What operators do with delivery: send a test message by the whole way that real ones take."""

from datetime import datetime
from uuid import UUID

import click
from flask.cli import AppGroup

from accounts import people
from accounts.models import Organisation
from foundation import locales
from foundation.database import everyone, new_id, transaction, utcnow
from foundation.errors import Refused
from notifications import outbox
from notifications.models import Kind

notifications = AppGroup("notifications", help="Messages: how they leave, and whether they do.")
commands = (notifications,)


@notifications.command("test-message")
@click.option("--to", required=True, help="A number (+4520304050) or an e-mail address.")
@click.option("--channel", type=click.Choice(["sms", "email"]), required=True)
@click.option("--organisation", "key", help="Its key; may be left out while there is only one.")
@click.option("--language", type=click.Choice(locales.LOCALES), help="Else the organisation's.")
def test_message(to: str, channel: str, key: str | None, language: str | None) -> None:
    """Owe a test message, which outbox, queue and provider then deliver like any other."""
    try:
        with everyone(), transaction():
            message_id = _post(to, channel, key, language, utcnow())
    except Refused as refusal:
        raise click.ClickException(" ".join(filter(None, (refusal.message, refusal.next_step)))) from None
    click.echo(f"Owed as message {message_id}. A worker sends it, and the delivery log says how it ends.")


def _post(to: str, channel: str, key: str | None, language: str | None, now: datetime) -> UUID | None:
    employer = _organisation(key)
    recipient = outbox.Outside(channel, _address(to, channel), language or employer.locale)
    return outbox.post(
        organisation_id=employer.id, about=f"organisation/{employer.id}", kind=Kind.INTERNAL,
        template="test_message", recipient=recipient, context={"organisation": employer.name},
        dedupe_key=f"test:{new_id()}", now=now,
    )  # fmt: skip


def _address(to: str, channel: str) -> str:
    plain = "".join(to.split())
    if channel == "sms" and not (plain.startswith("+") and plain[1:].isdigit() and 8 <= len(plain) <= 16):
        raise click.BadParameter("not a number with its country, such as +4520304050", param_hint="--to")
    if channel == "email" and plain.count("@") != 1:
        raise click.BadParameter("not an e-mail address", param_hint="--to")
    return plain


def _organisation(key: str | None) -> Organisation:
    if key:
        return people.organisation(key)
    known = people.organisations()
    if len(known) != 1:
        keys = ", ".join(each.key for each in known) or "none yet"
        raise click.UsageError(f"Say which organisation by --organisation. Known: {keys}.")
    return known[0]
