"""The signature of a coverage report: Ed25519 (RFC 8032) by a key derived from the installation's secret.

Anybody can check it with the public key that stands in the JSON and is published by the installation; the
hash stands in the ledger besides.
"""

from base64 import b64decode, b64encode
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from incident import genuine

ALGORITHM: Final = "Ed25519"
_PURPOSE: Final = b"coverage report"


def sign(data: bytes) -> str:
    """The signature of these bytes, base64. Raises: RuntimeError outside a transaction, the first time."""
    return b64encode(_private().sign(data)).decode()


def told(signature: str) -> dict[str, str]:
    """A signature with what is needed to check it."""
    return {"algorithm": ALGORITHM, "public_key": public_key(), "value": signature}


def public_key() -> str:
    """The key that checks our signatures: 32 bytes, base64."""
    return b64encode(_private().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_key_or_none() -> str | None:
    """The same; None before anything was signed or sent here."""
    return public_key() if genuine.secret_for(_PURPOSE) else None


def is_signed(data: bytes, signature: str, key: str) -> bool:
    """Whether the bytes were signed by the owner of a public key, all base64."""
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(key)).verify(b64decode(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private() -> Ed25519PrivateKey:
    seed = genuine.secret_for(_PURPOSE)
    if seed is None:
        raise RuntimeError("There is no secret to sign with yet; it is made inside a transaction.")
    return Ed25519PrivateKey.from_private_bytes(seed)
