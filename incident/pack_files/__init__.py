"""A notification as files: a PDF that people hand in and keep, and JSON that machines read.

Both are made of the document and of what stands beside it, and of nothing else: an approved pack has the
same bytes wherever and whenever it is made, so that what was filed can be held against what was approved.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from accounts.models import Organisation
from foundation.database import db
from incident.models import AuthorityNotification, Incident
from incident.pack_files.machine import json_bytes, schema
from incident.pack_files.printing import Imprint, pdf

__all__ = ["Imprint", "Pack", "imprint", "json_bytes", "of", "pdf", "schema"]

PDF_TYPE, JSON_TYPE = "application/pdf", "application/json"


@dataclass(frozen=True)
class Pack:
    """The two files of one notification; `name` is theirs without an ending."""

    name: str
    pdf: bytes
    json: bytes

    @cached_property
    def pdf_sha256(self) -> str:
        """SHA-256 of the PDF, byte by byte."""
        return hashlib.sha256(self.pdf).hexdigest()

    @cached_property
    def json_sha256(self) -> str:
        """SHA-256 of the JSON, byte by byte."""
        return hashlib.sha256(self.json).hexdigest()


def of(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> Pack:
    """The files of a notification as it stands; `now` is printed on a draft only."""
    content = notification.content
    return Pack(
        name_of(incident, notification), pdf(content, imprint(incident, notification, now=now)),
        json_bytes(content),
    )  # fmt: skip


def name_of(incident: Incident, notification: AuthorityNotification) -> str:
    """What the files of a notification are called, without an ending: "PM-2026-0012-dk-datatilsynet-1"."""
    return f"{incident.number}-{notification.authority}-{notification.number}"


def imprint(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> Imprint:
    """What the PDF of a notification says beside its text."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    return Imprint(
        organisation=organisation.name, number=incident.number, count=notification.number,
        zone=organisation.timezone, made_at=now, approved_by=notification.approved_by or "",
        approved_at=notification.approved_at, drill=incident.drill,
    )  # fmt: skip
