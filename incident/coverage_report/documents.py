"""A coverage report as a document: counts, hashes and what its words mean, the same for PDF and JSON."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import rfc8785

from accounts.models import Organisation
from foundation.database import db
from incident.coverage_report.counting import Line, Told
from incident.models import Incident, SubjectCommunication
from incident.profile import profile_of

SCHEMA: Final = 1
MEANS: Final[Mapping[str, str]] = {
    "delivered": "The provider says that the receiving server or telephone took it. It does not say that "
    "anybody read it.",
    "posted": "A person says on which day the letter was handed to the post, and it has not come back.",
    "settled": "No way reached them; a person saw to it, and the record says how.",
    "under_way": "Written to, or about to be, and not proved yet.",
    "left": "No way is left: a person must see to it.",
    "not_begun": "Nothing was tried yet.",
}


def document(
    told: Told, *, incident: Incident, communication: SubjectCommunication, number: int, by: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The report of these counts, as JSON values; instants are ISO 8601 in UTC."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    return {
        "schema": SCHEMA, "number": number, "made_at": now.isoformat(), "made_by": by,
        "organisation": profile_of(organisation).legal_name or organisation.name,
        "zone": organisation.timezone, "incident": incident.number, "communication": communication.number,
        "drill": incident.drill,
        "approval": {
            "drafted_by": communication.drafted_by, "drafted_at": _at(communication.drafted_at),
            "approved_by": communication.approved_by, "approved_at": _at(communication.approved_at),
            "sent_by": communication.sent_by, "sent_at": _at(communication.sent_at),
            "content_sha256": communication.content_sha256,
        },
        "times": {
            "begun_at": _at(told.begun_at), "first_proof_at": _at(told.first_at),
            "last_proof_at": _at(told.last_at), "ended_at": _at(told.ended_at), "state": told.state,
        },
        "people": _people(told, told.lines, told.people) | {"not_begun": told.not_begun},
        "by_channel": _by(told, "channel", lambda line: line.channel),
        "by_country": _by(told, "country", lambda line: line.country),
        "by_language": _by(told, "language", lambda line: line.locale),
        "left_by_reason": [
            {"reason": reason, "channel": channel, "people": people}
            for (reason, channel), people in sorted(told.reasons().items())
        ],
        "letters": [
            {
                "run": each.number, "letters": each.letters, "left_out": each.left_out,
                "posted_on": each.posted_on.isoformat() if each.posted_on else None,
                "posted_by": each.posted_by, "posted_with": each.posted_with,
            }
            for each in told.runs
        ],
        "lists": [
            {
                "number": each.number, "people": each.people, "faulty_rows": each.faulty,
                "folded_rows": each.folded, "file_sha256": each.file_sha256,
                "rows_sha256": each.rows_sha256,
            }
            for each in told.lists
        ],
        "means": dict(MEANS),
    }  # fmt: skip


def _people(told: Told, lines: tuple[Line, ...], total: int) -> dict[str, int]:
    count = Counter[str]()
    for each in lines:
        count[each.fate] += each.people
    return {
        "people": total, "delivered": count["delivered"], "posted": count["posted"],
        "settled": count["settled"], "left": count["manual"],
        "under_way": told.count("accepted", "waiting", "failed", lines=lines),
    }  # fmt: skip


def _by(told: Told, name: str, key: Callable[[Line], str]) -> list[dict[str, Any]]:
    grouped: dict[str, list[Line]] = {}
    for line in told.lines:
        grouped.setdefault(key(line), []).append(line)
    return [
        {name: each, **_people(told, tuple(lines), sum(line.people for line in lines))}
        for each, lines in sorted(grouped.items())
    ]


def _at(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON values as bytes (RFC 8785, UTF-8): the same for the same values."""
    return rfc8785.dumps(dict(value))


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report's JSON."""
    text = files("incident.coverage_report").joinpath("coverage.schema.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return told
