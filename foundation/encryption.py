"""Contact data at rest: column types that encrypt, an index that can be searched, key rotation.

Fernet (AES-128-CBC with HMAC-SHA256) from `cryptography`; keys come newest first, so that data
under an older key stays readable until `reencrypt` has moved it.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Dialect, LargeBinary, inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.types import TypeDecorator

from foundation.database import Base


class KeyMissing(RuntimeError):
    """Data is under a key that is not configured; put it back into BREACHCLOCK_DATA_KEYS."""


class _Keyring:
    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()
        self.fernet: MultiFernet | None = None

    def use(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self.fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, plain: bytes) -> bytes:
        if self.fernet is None:
            raise KeyMissing("No data key is configured: set BREACHCLOCK_DATA_KEYS.")
        return self.fernet.encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        if self.fernet is None:
            raise KeyMissing("No data key is configured: set BREACHCLOCK_DATA_KEYS.")
        try:
            return self.fernet.decrypt(token)
        except InvalidToken:
            raise KeyMissing(
                "Some contact data is under a key that is not configured. Put the older key back at the "
                "end of BREACHCLOCK_DATA_KEYS."
            ) from None


keyring = _Keyring()


class EncryptedBytes(TypeDecorator[bytes]):
    """Bytes that only the running product can read."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Into the database."""
        return None if value is None else keyring.encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Out of it."""
        return None if value is None else keyring.decrypt(value)


class EncryptedText(TypeDecorator[str]):
    """Text that only the running product can read: names, numbers, addresses, letters."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Into the database."""
        return None if value is None else keyring.encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Out of it."""
        return None if value is None else keyring.decrypt(value).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """A small document that only the running product can read."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Into the database."""
        return None if value is None else keyring.encrypt(json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Out of it."""
        return None if value is None else json.loads(keyring.decrypt(value))


ENCRYPTED = (EncryptedBytes, EncryptedText, EncryptedJSON)


def blind_index(value: str) -> str:
    """A keyed hash to find an address by without storing it readable; under the newest key."""
    return _index(keyring.keys[0], value)


def blind_indexes(value: str) -> list[str]:
    """The same under every key that is live, for looking up while a rotation is under way."""
    return [_index(key, value) for key in keyring.keys]


def _index(key: str, value: str) -> str:
    normal = "".join(value.split()).casefold().encode()
    return hmac.new(urlsafe_b64decode(key), b"index:" + normal, hashlib.sha256).hexdigest()


def reencrypt(session: Session, table: type[Base], batch: int = 500) -> int:
    """Write every encrypted column of a table again under the newest key; returns rows touched.

    Call inside a transaction under `everyone()`. Models with a `reindex()` renew their blind index.
    """
    columns = [c.key for c in inspect(table).columns if isinstance(c.type, ENCRYPTED)]
    if not columns:
        return 0
    touched = 0
    for row in session.scalars(select(table).execution_options(yield_per=batch)):
        for name in columns:
            if getattr(row, name) is not None:
                flag_modified(row, name)  # equal in the clear, other ciphertext
        if hasattr(row, "reindex"):
            row.reindex()
        touched += 1
    return touched
