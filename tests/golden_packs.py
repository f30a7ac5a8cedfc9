"""The packs of one example incident, for five authorities, as text and as pictures of their first pages.

    .venv/bin/python -m tests.golden_packs    writes tests/golden/*.txt and docs/images/pack-*.png

Run it when a form, the filling or the page changes on purpose, read what changed, look at the pictures,
and commit them. Nothing here reads a clock or a database.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import typst
from flask import Flask

from accounts.models import Organisation
from incident import example, filling, pack_files, packs
from incident.drafting import Material
from incident.filling import Beside, Person, Told
from incident.models import Awareness, Incident
from incident.pack_files import Imprint, printing
from incident.rules.completeness import Contact
from incident.rules.facts import parse
from tests import pdf_text

ROOT = Path(__file__).parents[1]
TEXTS, PICTURES = ROOT / "tests/golden", ROOT / "docs/images"
AUTHORITIES = ("dk-datatilsynet", "no-datatilsynet", "se-imy", "gb-ico", "ie-dpc")
LEARNED = datetime(2026, 10, 9, 8, 30, tzinfo=UTC)
NOW = LEARNED + timedelta(hours=26)
NAME = "Æblehaven Løn og Personale A/S"
PROFILE = {
    "registration": {"kind": "CVR", "number": "31075262"}, "address": "Åboulevarden 7, 8000 Aarhus C",
    "phone": "+45 46 90 00 00", "email": "gdpr@aeblehaven.example", "website": "https://aeblehaven.example",
    "contact": {"name": "Dorthe Friis", "email": "dpo@aeblehaven.example", "phone": "+45 46 90 00 01",
                "function": "Data protection officer"},
    "dpo": {"designated": True, "name": "Dorthe Friis", "email": "dpo@aeblehaven.example",
            "phone": "+45 46 90 00 01"},
    "sector": "private", "is_sole_trader": False,
    "facts": {"main_establishment": "DK", "establishments": ["DK"], "targets": ["NO", "SE", "GB"]},
}  # fmt: skip


def app() -> Flask:
    """As little of the product as printing needs."""
    made = Flask("packs", template_folder=str(ROOT / "templates"))
    made.config["DATA"] = ROOT
    return made


def material() -> Material:
    """The example incident as it stands a day after awareness."""
    organisation = Organisation(
        id=UUID(int=1), key="aeblehaven", name=NAME, timezone="Europe/Copenhagen", profile=PROFILE
    )
    facts = example.first_report(LEARNED) | {"organisation": PROFILE["facts"]}
    incident = Incident(
        id=UUID(int=2), organisation_id=organisation.id, number="AH-2026-0012", reported_at=LEARNED,
        aware_at=LEARNED, drill=False, facts_number=1,
    )  # fmt: skip
    aware = Awareness(number=1, aware_at=LEARNED)
    contact = Contact(name="Dorthe Friis", email="dpo@aeblehaven.example", phone="+45 46 90 00 01")
    return Material(incident, organisation, parse(facts), aware, contact, ())


def document(authority: str) -> dict[str, object]:
    """The document for an authority, with nothing from a database; the consequences are to follow."""
    beside = Beside(officers=(Person("Dorthe Friis", "dpo@aeblehaven.example", "+45 46 90 00 01"),))
    with patch.object(filling, "beside_of", lambda _material, _authority: beside):
        made = packs.document(material(), authority, told=Told(), now=NOW)
    follows = {"consequences.impact_types", "consequences.impact_description"} & packs.may_follow(made)
    changed, _paths = packs.with_changes(
        made, {}, frozenset(follows), "Dorthe Friis", zone="Europe/Copenhagen", late=False
    )
    return changed


def imprint() -> Imprint:
    """What each of them says beside its text."""
    return Imprint(
        organisation=NAME, number="AH-2026-0012", count=1, zone="Europe/Copenhagen", made_at=NOW,
        approved_by="Dorthe Friis", approved_at=NOW + timedelta(minutes=12),
    )  # fmt: skip


def text(authority: str) -> str:
    """What the PDF for an authority says, page by page; without the hash, which also covers the sources."""
    content = document(authority)
    pages = pdf_text.read(pack_files.pdf(content, imprint())).pages
    return "\n\f\n".join(pages).replace(packs.fingerprint(content), "(hash)") + "\n"


def picture(authority: str) -> bytes:
    """The first page as a small PNG, set as the PDF is."""
    told = printing.page_of(document(authority), imprint())
    folder = ROOT / "templates" / printing.FOLDER
    pages = typst.compile(
        str(folder / printing.TEMPLATE), root=str(folder), format="png", ppi=60, ignore_system_fonts=True,
        timestamp=NOW, sys_inputs={"pack": json.dumps(told, ensure_ascii=False)},
    )  # fmt: skip
    return pages[0] if isinstance(pages, list) else pages


def main() -> None:
    """Write texts and pictures."""
    TEXTS.mkdir(exist_ok=True)
    PICTURES.mkdir(exist_ok=True)
    with app().app_context():
        for authority in AUTHORITIES:
            (TEXTS / f"pack-{authority}.txt").write_text(text(authority), encoding="utf-8")
            (PICTURES / f"pack-{authority}.png").write_bytes(picture(authority))


if __name__ == "__main__":
    main()
