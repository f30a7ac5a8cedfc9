"""How many people a provider takes in one request, and how late it shows them, as dated facts.

They stand in `notifications/data/groups.toml`.
"""

import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parents[1] / "data" / "groups.toml"


@cache
def terms() -> dict[str, dict[str, Any]]:
    """The limits by provider: numbers of people, bytes, seconds."""
    return tomllib.loads(FILE.read_text("utf-8"))


def limit(provider: str, name: str) -> int:
    """One limit of a provider that is a whole number."""
    return int(terms()[provider][name])


def idle(provider: str) -> float:
    """Seconds that a connection to a provider may rest and be used again."""
    return float(terms()[provider]["idle"])


def shows_after(provider: str) -> timedelta:
    """What its search does not show so long after nobody knew of it, the provider does not have."""
    return timedelta(seconds=float(terms().get(provider, {}).get("shows_after", 0)))
