"""The pack as it is filed: a PDF for people, JSON for machines, both of the very text that was approved."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import structlog
import typst

from incident import pack_files
from incident.models import AuthorityNotification, Incident

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pack:
    """The bytes that are kept with a filing; without a PDF when none could be made."""

    json: bytes
    pdf: bytes | None

    def hashes(self) -> dict[str, str | None]:
        """SHA-256 of each, by the columns that keep them."""
        return {"pack_json_sha256": _hash(self.json), "pack_pdf_sha256": _hash(self.pdf)}


def _hash(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def pack_of(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> Pack:
    """The pack of an approved notification, made `now`.

    A PDF that cannot be made is missed and logged, and keeps nobody from recording what was filed: the
    text itself is kept with its hash. Both are the very files that the approved text offers before.
    """
    return Pack(pack_files.json_bytes(notification.content), _printed(incident, notification, now))


def _printed(incident: Incident, notification: AuthorityNotification, now: datetime) -> bytes | None:
    try:
        return pack_files.pdf(notification.content, pack_files.imprint(incident, notification, now=now))
    except typst.TypstError:
        log.exception("pack.not_printed", notification=str(notification.id))
        return None
