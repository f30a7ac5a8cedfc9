"""Passwords: what is accepted as one, and how it is kept (Argon2id, OWASP parameters).

Long and unguessable, nothing else: no character classes, no forced change (ASVS 6.2). Guessability is
judged off-line by zxcvbn, whose lists come from passwords that were leaked.
"""

import unicodedata
from functools import cache

from flask_babel import gettext as _
from passlib.context import CryptContext

SHORTEST, LONGEST = 12, 256
STRENGTH = 3  # of 4: more than 10^8 guesses, safe behind throttling
JUDGED = 72  # characters; beyond them length alone is enough

OPTIONS = {
    "argon2__type": "ID",
    "argon2__memory_cost": 19456,  # KiB
    "argon2__rounds": 2,
    "argon2__parallelism": 1,
}
hasher = CryptContext(["argon2"], **OPTIONS)


def hash_password(password: str) -> str:
    """The Argon2id hash to keep; slow on purpose, so never call it inside a transaction."""
    return str(hasher.hash(_normal(password)))


def verify(password: str, hashed: str | None) -> bool:
    """Whether the password is the one; takes as long when there is nothing to compare with."""
    if len(password) > LONGEST:
        return False
    matches = bool(hasher.verify(_normal(password), hashed or _nobodys()))
    return matches and hashed is not None


def outdated(hashed: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return bool(hasher.needs_update(hashed))


def faults(password: str, *, own_words: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with it as a new password, in sentences; `own_words` are name, address and such."""
    if len(password) < SHORTEST:
        return [_("The password is shorter than %(n)d characters.", n=SHORTEST)]
    if len(password) > LONGEST:
        return [_("The password is longer than %(n)d characters.", n=LONGEST)]
    if _score(password, own_words) < STRENGTH:
        return [_("The password is easy to guess. Take four words that do not belong together.")]
    return []


def _score(password: str, own_words: tuple[str, ...]) -> int:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415  its word lists take memory that workers can do without

    return int(zxcvbn(password[:JUDGED], own_words)["score"])


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return str(hasher.hash("nobody's password"))
