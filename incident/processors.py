"""Who may report: processors and sub-processors, their endpoints, and the keys they sign with."""

import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, new_id, rows, table_of
from foundation.errors import Missing, Refused
from incident.clocks import Registered
from incident.models import Endpoint, Processor, SigningKey, name_key

SECRET_BYTES = 32  # Standard Webhooks: 24 to 64
OVERLAP = timedelta(days=7)  # a rotated secret stays live so long, so that the sender can change over


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a processor needs to report; the secret is shown once and kept encrypted."""

    endpoint_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who is behind an endpoint, and the secrets that are live at a moment."""

    endpoint_id: str
    processor_id: UUID
    organisation_id: UUID
    name: str
    organisation: Registered
    secrets: tuple[str, ...]


def add(
    *,
    organisation_id: UUID,
    name: str,
    country: str,
    service: str = "",
    serves_id: UUID | None = None,
    actor: str,
    now: datetime,
) -> Processor:
    """Register a processor, or with `serves_id` a sub-processor; `country` is ISO 3166-1 alpha-2.

    Raises: Refused when the organisation has one of that name, whatever its case or spacing.
    """
    refuse_twice(organisation_id, name)
    processor = Processor(
        id=new_id(), organisation_id=organisation_id, name=name, country=country, service=service,
        serves_id=serves_id, created_at=now, changed_at=now,
    )  # fmt: skip
    db.session.add(processor)
    ledger.append(
        chain(processor.id), "processor.added", organisation_id=organisation_id, actor=actor, at=now,
        name=name, serves=serves_id,
    )  # fmt: skip
    return processor


def chain(processor_id: UUID) -> str:
    """The processor's chain of the ledger."""
    return f"processor/{processor_id}"


def refuse_twice(organisation_id: UUID, name: str) -> None:
    """Raises: Taken when the organisation has a processor of that name, naming the one there."""
    same = (Processor.organisation_id == organisation_id, Processor.name_key == name_key(name))
    there = db.session.execute(select(Processor.name, Processor.ended_at).where(*same)).first()
    if there is None:
        return
    if there.ended_at is not None:
        raise Taken(
            _("%(name)s is on record already, as one that has left.", name=there.name),
            next_step=_("Open it and take it up again."),
        )
    raise Taken(
        _("%(name)s is registered already.", name=there.name),
        next_step=_("Open it from the list of processors."),
    )


class Taken(Refused):
    """The name is another processor's."""


def named(name: str, organisation_key: str | None = None) -> Processor:
    """The processor of that name. Raises: Missing; Refused when several organisations have one."""
    query = select(Processor).join(Organisation, Organisation.id == Processor.organisation_id)
    query = query.where(Processor.name_key == name_key(name))
    if organisation_key:
        query = query.where(Organisation.key == organisation_key)
    found = list(db.session.scalars(query))
    if not found:
        raise Missing(f"There is no processor {name}.", next_step="Register it on the page of processors.")
    if len(found) > 1:
        raise Refused(
            f"Several organisations have a processor {name}.", next_step="Say which: --organisation KEY."
        )
    return found[0]


def give_endpoint(processor: Processor, *, rotate: bool, actor: str, now: datetime) -> Credentials:
    """Make the processor's endpoint, or with `rotate` a second secret beside the first.

    Every secret before stays live for a week at most: which of them the sender uses nobody here knows,
    and only `end_older` ends one in use. Raises: Refused when there is an endpoint already and no rotation
    was asked for, and for one that has left.
    """
    if processor.ended_at is not None:
        raise Refused(f"{processor.name} has left and reports no more.", next_step="Take it up again first.")
    endpoint = db.session.scalars(select(Endpoint).where(Endpoint.processor_id == processor.id)).first()
    if endpoint and not rotate:
        raise Refused(
            f"{processor.name} has an endpoint already; its secret is not shown again.",
            next_step="Ask for a rotation: both secrets are then accepted for a week.",
        )
    if endpoint is None:
        endpoint = Endpoint(
            id=secrets.token_urlsafe(16), organisation_id=processor.organisation_id,
            processor_id=processor.id, created_at=now,
        )  # fmt: skip
        db.session.add(endpoint)
        db.session.flush()
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    for key in keys_of(endpoint.id):
        key.retires_at = min(key.retires_at or now + OVERLAP, now + OVERLAP)
    db.session.add(
        SigningKey(
            organisation_id=processor.organisation_id, endpoint_id=endpoint.id, secret=secret, created_at=now
        )
    )
    ledger.append(
        chain(processor.id), "processor.key_made", actor=actor, at=now,
        organisation_id=processor.organisation_id, endpoint=endpoint.id,
    )  # fmt: skip
    return Credentials(endpoint.id, secret)


def keys_of(endpoint_id: str) -> list[SigningKey]:
    """The secrets of an endpoint, the newest first, with those that are retired; none is shown again."""
    wanted = select(SigningKey).where(SigningKey.endpoint_id == endpoint_id)
    return list(db.session.scalars(wanted.order_by(SigningKey.created_at.desc(), SigningKey.id.desc())))


def end_older(processor: Processor, *, actor: str, now: datetime) -> int:
    """End every secret but the newest one now; how many were live. Pressed twice, once."""
    endpoint = db.session.scalars(select(Endpoint).where(Endpoint.processor_id == processor.id)).first()
    older = [each for each in keys_of(endpoint.id)[1:] if is_live(each, now)] if endpoint else []
    for each in older:
        each.retires_at = now
    if older:
        db.session.flush()
        ledger.append(
            chain(processor.id), "processor.older_keys_ended", organisation_id=processor.organisation_id,
            actor=actor, at=now, count=len(older),
        )  # fmt: skip
    return len(older)


def close_endpoint(processor: Processor, now: datetime) -> int:
    """Nothing signs for it from now on; how many secrets were live. The caller enters it in the ledger."""
    endpoint = db.session.scalars(select(Endpoint).where(Endpoint.processor_id == processor.id)).first()
    live = [each for each in keys_of(endpoint.id) if is_live(each, now)] if endpoint else []
    for each in live:
        each.retires_at = now
    return len(live)


def is_live(key: SigningKey, now: datetime) -> bool:
    """Whether the secret signs at `now`."""
    return key.retires_at is None or key.retires_at > now


def sender(endpoint_id: str, now: datetime) -> Sender | None:
    """Who reports through this endpoint at `now`, or None when there is no such endpoint."""
    known = endpoint_id.isprintable() and endpoint_id.isascii()  # else one of our databases takes offence
    found = rows(_SENDER, endpoint_id=endpoint_id, now=now).all() if known else ()
    if not found:
        return None
    first = found[0]
    live = tuple(row.secret for row in found)
    organisation = Registered(first.organisation, first.profile)
    return Sender(endpoint_id, first.processor_id, first.organisation_id, first.name, organisation, live)


_ENDPOINTS, _PROCESSORS, _KEYS = (table_of(each).c for each in (Endpoint, Processor, SigningKey))
_ORGANISATIONS = table_of(Organisation).c
_SENDER = (
    select(
        _ENDPOINTS.processor_id,
        _ENDPOINTS.organisation_id,
        _PROCESSORS.name,
        _KEYS.secret,
        _ORGANISATIONS.name.label("organisation"),
        _ORGANISATIONS.profile,
    )
    .where(_ENDPOINTS.id == bindparam("endpoint_id"), _ORGANISATIONS.id == _ENDPOINTS.organisation_id)
    .where(_KEYS.endpoint_id == _ENDPOINTS.id, _PROCESSORS.id == _ENDPOINTS.processor_id)
    .where(_KEYS.retires_at.is_(None) | (_KEYS.retires_at > bindparam("now")))
    .where(_PROCESSORS.ended_at.is_(None))
)
_BEHIND = select(_ENDPOINTS.organisation_id).where(_ENDPOINTS.id == bindparam("endpoint_id"))


def behind(endpoint_id: str) -> UUID | None:
    """Whose endpoint it is, also where nothing signs for it any more; None where nobody has it."""
    known = endpoint_id.isprintable() and endpoint_id.isascii()
    return rows(_BEHIND, endpoint_id=endpoint_id).scalar() if known else None
