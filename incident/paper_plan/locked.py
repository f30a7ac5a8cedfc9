"""Locks a plan with a passphrase, as every browser can open it: AES-256-GCM, key by PBKDF2-HMAC-SHA256.

The rounds are above what OWASP's Password Storage Cheat Sheet asks for (600,000 for PBKDF2-HMAC-SHA256,
as of 2025), for whoever has the file may guess as long as they like. static/paper_plan.js opens it.
"""

import json
import re
import secrets
import unicodedata
from base64 import b64decode, b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

ROUNDS: Final = 1_000_000
MOST_ROUNDS: Final = 10_000_000  # more in a file is an attempt to keep us busy
BLOCK: Final = 8192  # bytes that a text is filled up to, so that its length says little
BOUND: Final = b"breachclock plan 1"  # what the lock is for: no other text of ours opens as a plan
KEPT: Final = re.compile(r'<script type="application/json" id="kept">(.*?)</script>', re.DOTALL)


class WrongPassphrase(ValueError):
    """The passphrase does not open it, or the file was changed."""


class NotAPlan(ValueError):
    """The file holds no locked plan."""


def lock(text: str, passphrase: str) -> dict[str, str | int]:
    """The locked text as a small document: how it was locked, and the bytes in base64."""
    rounds = ROUNDS
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    plain = text.encode()
    plain += b" " * (-len(plain) % BLOCK)
    data = AESGCM(_key(passphrase, salt, rounds)).encrypt(nonce, plain, BOUND)
    return {
        "v": 1, "rounds": rounds, "salt": b64encode(salt).decode(), "nonce": b64encode(nonce).decode(),
        "data": b64encode(data).decode(),
    }  # fmt: skip


def unlock(file: str, passphrase: str) -> str:
    """The text inside a plan's file. Raises: WrongPassphrase, NotAPlan."""
    found = KEPT.search(file)
    try:
        kept = json.loads(found.group(1)) if found else {}
        rounds, salt = int(kept["rounds"]), b64decode(kept["salt"], validate=True)
        nonce, data = b64decode(kept["nonce"], validate=True), b64decode(kept["data"], validate=True)
        if kept["v"] != 1 or not 1 <= rounds <= MOST_ROUNDS:
            raise NotAPlan("This plan was locked in a way that this release does not know.")
    except (KeyError, TypeError, ValueError) as trouble:
        raise NotAPlan("This file is no paper plan.") from trouble
    try:
        return AESGCM(_key(passphrase, salt, rounds)).decrypt(nonce, data, BOUND).decode().rstrip(" ")
    except InvalidTag:
        raise WrongPassphrase("The passphrase does not open this plan, or the file was changed.") from None


def _key(passphrase: str, salt: bytes, rounds: int) -> bytes:
    """The key: of the passphrase as a keyboard may type it, without spaces around it."""
    plain = unicodedata.normalize("NFKC", passphrase).strip().encode()
    return PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=rounds).derive(plain)
