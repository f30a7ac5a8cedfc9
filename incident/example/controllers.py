"""Example customers of ProMark: for the demonstration, and for the story in which it is their processor."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Final

from accounts import people
from incident import customers
from incident.customer_lists import Details, details_of

FILE: Final = Path(__file__).parent / "customers.toml"
OF: Final = "promark"
BY: Final = "Example data"


def plant(*, now: datetime) -> list[Details]:
    """Register the example customers of ProMark; what was registered. In the caller's transaction."""
    organisation = people.organisation(OF)
    known = customers.known(organisation, now)
    planted = []
    for cells in tomllib.loads(FILE.read_text(encoding="utf-8"))["customer"]:
        told, faults = details_of(cells, known)
        if told is None:
            raise ValueError(f"{cells['name']}: {faults}")
        customers.add(organisation.id, told, by=BY, now=now)
        planted.append(told)
    return planted
