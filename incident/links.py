"""Ways to report for processors without machines: reporting links, and offline forms with a key inside.

A link's secret is shown once and stored as a hash. A guessed, a revoked and an expired one are all the
same: there is nothing there.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing
from incident.clocks import Registered
from incident.models import OfflineKey, Processor, ReportingLink
from incident.processors import SECRET_BYTES, Sender

MOST_LINKS = 50  # of one processor at once; nobody keeps track of more


@dataclass(frozen=True, slots=True)
class Way:
    """Who is behind a link, and what the form needs of them; `parties` is the chain down to the processor."""

    link_id: UUID
    sender: Sender
    organisation: str
    locale: str
    timezone: str
    parties: tuple[dict[str, str], ...]


def hashed(secret: str) -> str:
    """What is stored of a secret in an address, so that the database alone opens none."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def make_link(
    processor: Processor, *, note: str, expires_at: datetime | None, by: str, now: datetime
) -> tuple[UUID, str]:
    """Make a reporting link; returns its id and the secret, which is shown this once.

    Raises: Invalid when it would be over already, or when there are too many.
    """
    if expires_at is not None and expires_at <= now:
        raise Invalid(_("This time is over already: the link would never work."))
    if sum(each.revoked_at is None for each in links_of(processor.id)) >= MOST_LINKS:
        raise Invalid(_("There are %(count)s links already.", count=MOST_LINKS),
                      next_step=_("Revoke those that nobody uses."))  # fmt: skip
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link = ReportingLink(
        id=new_id(), organisation_id=processor.organisation_id, processor_id=processor.id,
        secret_hash=hashed(secret), note=note.strip()[:200], made_by=by, created_at=now,
        expires_at=expires_at,
    )  # fmt: skip
    db.session.add(link)
    _enter(processor, "processor.link_made", by, now, link=link.id, expires_at=expires_at)
    return link.id, secret


def revoke_link(link_id: UUID, *, by: str, now: datetime) -> None:
    """End a link; what came by it stays. A second time changes nothing. Raises: Missing."""
    link = db.session.scalar(select(ReportingLink).where(ReportingLink.id == link_id).with_for_update())
    if link is None:
        raise Missing(_("There is no such link."))
    if link.revoked_at is None:
        link.revoked_at = now
        processor = db.session.get_one(Processor, link.processor_id)
        _enter(processor, "processor.link_revoked", by, now, link=link.id)


def make_key(processor: Processor, *, note: str, by: str, now: datetime) -> OfflineKey:
    """Make the key of one offline form; it signs that form's files and opens nothing else."""
    key = OfflineKey(
        id=f"offline_{secrets.token_urlsafe(16)}", organisation_id=processor.organisation_id,
        processor_id=processor.id, note=note.strip()[:200], made_by=by, created_at=now,
        secret="whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
    )  # fmt: skip
    db.session.add(key)
    _enter(processor, "processor.offline_form_made", by, now, key=key.id)
    return key


def revoke_key(key_id: str, *, by: str, now: datetime) -> None:
    """End the key of an offline form: its files are taken no more. Raises: Missing."""
    key = db.session.scalar(select(OfflineKey).where(OfflineKey.id == key_id).with_for_update())
    if key is None:
        raise Missing(_("There is no such form."))
    if key.revoked_at is None:
        key.revoked_at = now
        processor = db.session.get_one(Processor, key.processor_id)
        _enter(processor, "processor.offline_form_revoked", by, now, key=key.id)


def _enter(processor: Processor, action: str, by: str, now: datetime, **details: object) -> None:
    ledger.append(
        f"organisation/{processor.organisation_id}", action, actor=by, at=now,
        organisation_id=processor.organisation_id, processor=processor.id, **details,
    )  # fmt: skip


def links_of(processor_id: UUID) -> Sequence[ReportingLink]:
    """The links of a processor, the newest first, revoked ones among them."""
    mine = select(ReportingLink).where(ReportingLink.processor_id == processor_id)
    return db.session.scalars(mine.order_by(ReportingLink.created_at.desc())).all()


def keys_of(processor_id: UUID) -> Sequence[OfflineKey]:
    """The offline forms of a processor, the newest first, revoked ones among them."""
    mine = select(OfflineKey).where(OfflineKey.processor_id == processor_id)
    return db.session.scalars(mine.order_by(OfflineKey.created_at.desc())).all()


def way_by(secret: str, now: datetime) -> Way | None:
    """Who reports by this secret at `now`; None when there is no such link, or not any more."""
    link = db.session.scalar(select(ReportingLink).where(ReportingLink.secret_hash == hashed(secret)))
    if link is None or link.revoked_at is not None or (link.expires_at and link.expires_at <= now):
        return None
    return way_of(link)


def way_of(link: ReportingLink) -> Way:
    """Who reports by this link, whether it is live or not."""
    processor = db.session.get_one(Processor, link.processor_id)
    organisation = db.session.get_one(Organisation, link.organisation_id)
    sender = sender_of(processor, organisation)
    return Way(
        link.id, sender, organisation.name, organisation.locale, organisation.timezone, parties_of(processor)
    )


def sender_of(processor: Processor, organisation: Organisation) -> Sender:
    """A processor as the sender of what it types; it signs nothing."""
    registered = Registered(organisation.name, organisation.profile)
    return Sender("", processor.id, organisation.id, processor.name, registered, ())


def parties_of(processor: Processor) -> tuple[dict[str, str], ...]:
    """The chain from our own processor down to this one, as facts tell it; ten links at most."""
    found: list[Processor] = [processor]
    while (above := found[0].serves_id) and len(found) < 10:
        found.insert(0, db.session.get_one(Processor, above))
    return tuple(
        {"name": each.name, "role": "sub_processor" if number else "processor", "country": each.country}
        for number, each in enumerate(found)
    )
