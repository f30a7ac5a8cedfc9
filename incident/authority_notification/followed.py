"""What a follow-up is held against: the text that was filed, in today's shape, and the facts beneath it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from foundation.database import db
from incident import clocks, drafting, packs
from incident.authority_notification import telling
from incident.drafting import Material
from incident.models import AuthorityNotification, FactsVersion, Incident
from incident.rules.facts import parse
from incident.rules.phases import Phase


def content_of(incident: Incident, filed: AuthorityNotification, *, at: datetime) -> dict[str, Any]:
    """The document of a notification; one of schema 1 as its facts give it at that moment, in schema 2.

    What people wrote into it stays. So two documents of one shape are compared, and only what is new differs.
    """
    if not packs.is_former(filed.content):
        return filed.content
    material, phase = drafting.gather(incident), Phase(filed.kind)
    base = document(incident, as_of(material, filed), filed.authority, phase, at)
    return packs.renewed(filed.content, base, zone=material.zone)


def document(
    incident: Incident, material: Material, authority: str, phase: Phase, now: datetime
) -> dict[str, Any]:
    """What would be told to an authority now by this material, nothing of it written by people."""
    return packs.document(material, authority, told=telling.told_of(incident), kind=phase.value, now=now)


def as_of(material: Material, known: AuthorityNotification) -> Material:
    """The same with the facts that a notification was made from, be it under an incident that is carried."""
    version = select(FactsVersion.facts).where(
        FactsVersion.incident_id == known.incident_id, FactsVersion.number == known.facts_number
    )
    registered = clocks.Registered.of(material.incident.organisation_id)
    return replace(
        material, facts=clocks.in_organisation(parse(db.session.scalars(version).one()), registered)
    )
