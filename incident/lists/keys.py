"""The key of an incident's people: addresses are under it, and with it they are forgotten.

A second key makes the hashes by which people are found and folded. Incidents of an organisation have it in
common, and it stays when the first is destroyed, so that it can still be said whether somebody was told; both
are under the installation's keys.
"""

import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask_babel import gettext as _
from sqlalchemy import select

from foundation import ledger
from foundation.database import database_now, db, insert_unless_there
from foundation.errors import Refused
from incident.models import Incident, IncidentKey

NONCE: Final = 12
_SIZE: Final = 32
_KINDS: Final = ("email", "phone", "post", "own")


class Forgotten(Refused):
    """The addresses of this incident's people were destroyed with their key."""

    status = 410
    title = "Forgotten"


class Damaged(Exception):
    """What was sealed is not what was kept: database or disk changed it, or a backup is of two times."""


class Hashes:
    """Keyed hashes: equal for what is equal, and they tell nothing without the key.

    Incidents of one organisation have them alike, those with a key of before that aside.

    BLAKE2b takes a key itself (RFC 7693, 2.9) and is a MAC then; HMAC, which SHA-256 needs, takes five times
    as long, and a million rows are hashed three times each.
    """

    def __init__(self, incident_id: UUID, hash_key: bytes) -> None:
        self.incident_id = incident_id
        self._hashing = {each: blake2b(digest_size=16, key=hash_key, person=each.encode()) for each in _KINDS}
        self._proving = blake2b(digest_size=32, key=hash_key, person=b"row")

    def is_alike(self, other: "Hashes") -> bool:
        """Whether what is equal has equal hashes in both."""
        return hmac.compare_digest(self.hash("own", ""), other.hash("own", ""))

    def hash(self, kind: str, text: str) -> bytes:
        """16 bytes to find a text of one kind by ("email", "phone", "post", "own")."""
        hashing = self._hashing[kind].copy()
        hashing.update(text.encode())
        return hashing.digest()

    def hashing(self, kind: str) -> Callable[[str], bytes]:
        """`hash` of one kind, for many."""
        begun = self._hashing[kind].copy

        def hashed(text: str) -> bytes:
            hashing = begun()
            hashing.update(text.encode())
            return hashing.digest()

        return hashed

    def proof(self, content: bytes) -> bytes:
        """32 bytes (keyed BLAKE2b) of what is sealed, in the clear."""
        proving = self._proving.copy()
        proving.update(content)
        return proving.digest()


class Key(Hashes):
    """The key of one incident's people: AES-256-GCM, bound to the incident."""

    def __init__(self, incident_id: UUID, key: bytes, hash_key: bytes) -> None:
        super().__init__(incident_id, hash_key)
        self._key, self._cipher, self._bound = key, AESGCM(key), incident_id.bytes

    def seal(self, plain: bytes) -> bytes:
        """The nonce and what is sealed."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, self._bound)

    def seal_many(self, plain: Sequence[bytes]) -> list[bytes]:
        """Each sealed as by `seal`, its own nonce from one draw."""
        drawn, encrypt, bound = os.urandom(NONCE * len(plain)), self._cipher.encrypt, self._bound
        nonces = (drawn[at : at + NONCE] for at in range(0, len(drawn), NONCE))
        return [nonce + encrypt(nonce, each, bound) for nonce, each in zip(nonces, plain, strict=True)]

    def open(self, sealed: bytes) -> bytes:
        """What `seal` was given. Raises: Damaged when it is not this incident's, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._bound)
        except (InvalidTag, ValueError):
            raise Damaged("What was sealed under the key of this incident cannot be opened.") from None

    def of_file(self, salt: bytes) -> AESGCM:
        """A key for one file: pieces of a file are numbered, and no two files may share numbers."""
        return AESGCM(hmac.digest(self._key, b"file:" + salt, "sha256"))


def key_of(incident_id: UUID) -> Key:
    """The key of an incident; one is made, inside the open transaction, where there is none.

    Raises: Forgotten when it was destroyed; RuntimeError when one must be made outside a transaction.
    """
    kept = _kept(incident_id) or _made(incident_id)
    if kept.key is None:
        raise _forgotten()
    return Key(incident_id, kept.key, kept.hash_key)


def refuse_forgotten(incident_id: UUID) -> None:
    """See that the key is still there, and stays so until this transaction ends: who writes under it asks.

    Whoever holds a key in memory would otherwise keep what nobody can forget. Raises: Forgotten.
    """
    mine = select(IncidentKey.destroyed_at).where(IncidentKey.incident_id == incident_id)
    if db.session.scalar(mine.with_for_update(read=True)) is not None:
        raise _forgotten()


def _forgotten() -> Forgotten:
    return Forgotten(
        _("The addresses of this incident's people were forgotten."),
        next_step=_("Who was told, and by which way, is still known."),
    )


def hashes_of(incident_id: UUID) -> Hashes | None:
    """The hashes alone, also after the key was destroyed; None where there never were people."""
    kept = _kept(incident_id)
    return Hashes(incident_id, kept.hash_key) if kept else None


def is_there(incident_id: UUID) -> bool:
    """Whether the incident has a key, destroyed or not."""
    return _kept(incident_id) is not None


def destroy(incident: Incident, *, why: str, by: str, now: datetime) -> bool:
    """Forget all addresses of an incident at once; false when there are none, or they were forgotten.

    Backups that hold the key keep it until they are removed themselves.
    """
    kept = db.session.get(IncidentKey, incident.id, with_for_update=True, populate_existing=True)
    if kept is None or kept.key is None:
        return False
    kept.key, kept.destroyed_at, kept.destroyed_by, kept.destroyed_why = None, now, by, why
    db.session.flush()
    ledger.append(
        incident.chain, "people.forgotten", organisation_id=incident.organisation_id, actor=by, at=now,
        reason=why,
    )  # fmt: skip
    return True


def _kept(incident_id: UUID) -> IncidentKey | None:
    mine = select(IncidentKey).where(IncidentKey.incident_id == incident_id)
    return db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()


def _made(incident_id: UUID) -> IncidentKey:
    incident = db.session.get_one(Incident, incident_id)
    insert_unless_there(
        IncidentKey,
        {
            "incident_id": incident_id, "organisation_id": incident.organisation_id,
            "key": secrets.token_bytes(_SIZE), "hash_key": _hash_key_of(incident.organisation_id),
            "made_at": database_now(),
        },
    )  # fmt: skip
    return db.session.scalars(select(IncidentKey).where(IncidentKey.incident_id == incident_id)).one()


def _hash_key_of(organisation_id: UUID) -> bytes:
    """The key of hashes that an organisation has, by its first incident with people; for that a new one."""
    first = select(IncidentKey).where(IncidentKey.organisation_id == organisation_id)
    kept = db.session.scalars(first.order_by(IncidentKey.made_at, IncidentKey.incident_id).limit(1)).first()
    return kept.hash_key if kept else secrets.token_bytes(_SIZE)
