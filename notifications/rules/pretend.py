"""What a drill may know of a way to a person: which way it would be, and an address nobody can write to.

A chain of the ledger says by its name whether it is a drill's; nothing else is asked.
"""

from typing import Final

DRILL: Final = "drill/"  # how the chains of drills begin
HIDDEN: Final = "••••"
LONG: Final = 8  # signs of a number, of which the first three say where it is
NOWHERE: Final = "@nowhere.example"  # made-up mailboxes that take nothing


def is_drill(about: str) -> bool:
    """Whether a chain of the ledger is a drill's: what it is about is pretended."""
    return about.startswith(DRILL)


def pretended(address: str) -> str:
    """An address as it may be kept in a drill: recognised by its owner, of no use to any provider.

    `+4520304050` becomes `+45••••50`, `astrid@promark.example` becomes `a••••@promark.example`. What is
    masked already stays as it is.
    """
    if HIDDEN in address:
        return address
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}{HIDDEN}@{domain}"
    return f"{address[:3] if len(address) >= LONG else ''}{HIDDEN}{address[-2:]}"


def arrives(address: str) -> bool:
    """Whether a pretend message to this address arrives; made-up ones that lie nowhere take none."""
    return not address.endswith(NOWHERE)
