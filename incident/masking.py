"""Names and addresses as pages show them: recognised by whoever knows them, of no use to anybody else."""

from typing import Final

HIDDEN: Final = "••••"
LONG: Final = 8  # signs of a number, of which the first three say where it is


def masked_email(address: str) -> str:
    """`astrid@promark.example` as `a••••@p••••.example`; empty for none."""
    name, at, domain = address.strip().rpartition("@")
    if not at:
        return HIDDEN if address.strip() else ""
    host, dot, top = domain.rpartition(".")
    return f"{_first(name)}{HIDDEN}@{_first(host)}{HIDDEN}{dot}{top if dot else ''}"


def masked_phone(number: str) -> str:
    """`+4520304050` as `+45••••50`; empty for none."""
    plain = "".join(number.split())
    if not plain:
        return ""
    return f"{plain[:3]}{HIDDEN}{plain[-2:]}" if len(plain) >= LONG else HIDDEN


def masked_name(name: str) -> str:
    """`Åse Ærø` as `Å•••• Æ••••`, whatever the length of its parts; empty for none."""
    return " ".join(f"{_first(part)}{HIDDEN}" for part in name.split()[:4])


def _first(text: str) -> str:
    """The first letter or digit of a text; nothing of what turns or hides signs."""
    return next((sign for sign in text[:8] if sign.isalnum()), "")
