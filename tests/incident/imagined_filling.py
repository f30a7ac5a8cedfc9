"""A filling without a database: facts, an organisation that has registered all it can, and words."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from accounts.models import Organisation
from incident.drafting import Material, Words
from incident.filling import Beside, Told, fill
from incident.models import Awareness, Incident
from incident.rules.completeness import Contact
from incident.rules.facts import parse

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
TEXTS = Path(__file__).parents[2] / "templates/packs/generic"
PROFILE = {
    "registration": {"kind": "CVR", "number": "31075262"},
    "address": "Havnegade 1\n1058 København K",
    "email": "gdpr@nordlys.example",
    "phone": "+45 11 11 11 11",
    "sector": "private",
    "size_class": "sme",
    "is_sole_trader": False,
    "dpo": {"designated": True, "name": "Dorthe Friis", "email": "dpo@nordlys.example", "phone": "+45 1"},
    "contact": {"name": "Dorthe Friis", "email": "dpo@nordlys.example", "phone": "+45 1", "function": "DPO"},
}


def material(told, *, profile=PROFILE, duties=(), country="DK"):
    """One incident with these facts; nothing of it is stored."""
    contact = profile.get("contact") or {}
    return Material(
        Incident(number="NL-2026-0001", aware_at=NOW, reported_at=NOW, facts_number=1),
        Organisation(
            key="nordlys", name="Nordlys A/S", country=country, timezone="Europe/Copenhagen", profile=profile
        ),
        parse(told),
        Awareness(number=1, aware_at=NOW, reason="The logs were clear.", by="Astrid Holm"),
        Contact(*(contact.get(each, "") for each in ("name", "email", "phone"))),
        tuple(duties),
    )


def words(locale="en"):
    return Words(locale, tomllib.loads((TEXTS / f"{locale}.toml").read_text("utf-8")))


def filled(told, *, authority="dk-datatilsynet", people=None, beside=None, locale="en", kind="initial",
           now=NOW, **more):  # fmt: skip
    """Every path that is known, with its source."""
    return fill(
        material(told, **more), authority, people or Told(), kind=kind, now=now, beside=beside or Beside(),
        words=words(locale),
    )  # fmt: skip
