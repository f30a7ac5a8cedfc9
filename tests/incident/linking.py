"""HostCo's ways to report without a machine: its link, its offline form, and what somebody types."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import links
from incident.models import Processor
from tests import people
from tests.attacks import sending


def processor_id(cast, name=people.HOSTCO):
    """Its id."""
    with acting_for(cast.promark):
        return db.session.scalars(select(Processor.id).where(Processor.name == name)).one()


def link(cast, *, name=people.HOSTCO, expires_at=None):
    """A link of the processor's: its id, and the address of its form."""
    with acting_for(cast.promark), transaction():
        processor = db.session.scalars(select(Processor).where(Processor.name == name)).one()
        link_id, secret = links.make_link(
            processor, note="The night desk", expires_at=expires_at, by="Dorthe Holm", now=utcnow()
        )
    return link_id, f"/r/{secret}"


def revoke(cast, link_id):
    """End the link."""
    with acting_for(cast.promark), transaction():
        links.revoke_link(link_id, by="Dorthe Holm", now=utcnow())


def typed(**changes):
    """What somebody types, by the fields' names with __ for dots; an id of the form's own unless told."""
    told = {"description": "Our backup server was read. We shut it off.", "zone": "Europe/Copenhagen"}
    return {"form_id": uuid4().hex} | told | {name.replace("__", "."): told for name, told in changes.items()}


def send(client, address, **changes):
    """Type and send; the answer."""
    return client.post(address, data=typed(**changes))


def key(cast, name=people.HOSTCO):
    """The key of an offline form of the processor's, as it stands in the file: id and secret."""
    with acting_for(cast.promark), transaction():
        processor = db.session.scalars(select(Processor).where(Processor.name == name)).one()
        made = links.make_key(processor, note="", by="Dorthe Holm", now=utcnow())
        return made.id, made.secret


def file_of(made, *, at=None, webhook_id=None, body=None, **facts):
    """The bytes of a file that the offline form with this key makes."""
    key_id, secret = made
    at, webhook_id = at or datetime.now(UTC), webhook_id or f"offline_{uuid4().hex}"
    told = {"type": "incident.reported", "timestamp": at.isoformat(), "data": {"title": "No network"} | facts}
    body, stamp = body or json.dumps(told), str(int(at.timestamp()))
    return json.dumps({
        "key": key_id, "webhook-id": webhook_id, "webhook-timestamp": stamp, "body": body,
        "webhook-signature": sending.sign(secret, webhook_id, stamp, body.encode()),
    }).encode()  # fmt: skip


def only(table):
    """The one row there is of a table."""
    db.session.rollback()
    with everyone():
        return db.session.scalars(select(table).execution_options(populate_existing=True)).one()
