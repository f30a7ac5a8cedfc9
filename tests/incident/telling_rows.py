"""Rows of people, communications and deliveries for tests of proof and forgetting, without sending."""

import secrets
from datetime import timedelta

from sqlalchemy import inspect

from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from incident.models import IncidentKey, Recipient, RecipientList, SubjectCommunication
from notifications.models.sending import Delivery, Sending
from tests.incident import desk

SUBJECTS = {"da": "Dine oplysninger hos ProMark", "en": "Your data at ProMark"}


def communication(incident_id, organisation_id, *, state="sending", sent_at=None, number=1, **more):
    """A communication as it stands after it was sent; in the open transaction."""
    now = utcnow()
    sha = "a" * 64
    values = {
        "texts": {locale: {"subject": text} for locale, text in SUBJECTS.items()}, "duty_id": None,
        "drafted_by": "Astrid Holm", "drafted_at": now - timedelta(hours=3), "recipients": 3,
        "sent_by": "Dorthe Friis", "completed_at": now if state == "complete" else None,
    } | more  # fmt: skip
    if state in ("sending", "complete", "approved"):
        values |= {"approved_by": "Dorthe Friis", "approved_at": now, "approved_sha256": sha}
    made = SubjectCommunication(
        id=new_id(), incident_id=incident_id, organisation_id=organisation_id, number=number, state=state,
        content_sha256=sha, sent_at=(sent_at or now) if state in ("sending", "complete") else None, **values,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def key(incident_id, organisation_id):
    """The key of an incident's people."""
    given = {"hash_key": secrets.token_bytes(32)} if "hash_key" in inspect(IncidentKey).columns else {}
    db.session.add(
        IncidentKey(
            incident_id=incident_id, organisation_id=organisation_id, key=secrets.token_bytes(32),
            made_at=utcnow(), **given,
        )
    )  # fmt: skip
    db.session.flush()


def people(incident_id, organisation_id, count, *, number=1):
    """A list with so many people, sealed with what stands for a sealed contact."""
    listed = RecipientList(
        id=new_id(), organisation_id=organisation_id, incident_id=incident_id, number=number, state="read",
        file_name="liste.csv", file_sha256="b" * 64, file_bytes=1, file_kept=False, country="DK", locale="da",
        columns=[], header=[], people=count, uploaded_by="Astrid Holm", uploaded_at=utcnow(),
        rows_sha256="c" * 64,
    )  # fmt: skip
    db.session.add(listed)
    db.session.flush()
    rows = [
        Recipient(
            id=new_id(), organisation_id=organisation_id, incident_id=incident_id, list_id=listed.id,
            line=line, locale="da", country="DK", group="", ways=1, sealed=b"sealed", sha256=b"\0" * 32,
            email_key=secrets.token_bytes(16),
        )
        for line in range(2, count + 2)
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return rows


def sending(made, deliveries, *, state="ended"):
    """A sending of the communication; deliveries as (recipient_id, channel, fate, more)."""
    now = utcnow()
    sent = Sending(
        id=new_id(), organisation_id=made.organisation_id, about=f"incident/{made.incident_id}",
        source=f"communication:{made.id}", state=state, ways=["email", "sms", "letter"], texts={},
        content_sha256=made.content_sha256, people=made.recipients, created_at=now,
    )  # fmt: skip
    db.session.add(sent)
    db.session.flush()
    for whose, channel, fate, more in deliveries:
        db.session.add(
            Delivery(
                **{
                    "sending_id": sent.id, "recipient_id": whose, "organisation_id": made.organisation_id,
                    "channel": channel, "locale": "da", "country": "DK", "left": 0, "fate": fate, "at": now,
                } | more
            )
        )  # fmt: skip
    db.session.flush()
    return sent


def told(cast, count=3, **changes):
    """A confirmed incident with a list, its key and a communication that was sent; ids of all three."""
    incident_id = desk.confirmed(cast)
    with everyone(), acting_for(cast.promark), transaction():
        key(incident_id, cast.promark)
        rows = people(incident_id, cast.promark, count)
        made = communication(incident_id, cast.promark, recipients=count, **changes)
        return incident_id, made.id, [each.id for each in rows]
