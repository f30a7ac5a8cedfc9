"""Versions of the facts: who said what when, what changed, and how the advice changed with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, requires
from foundation import locales
from foundation.database import db, utcnow
from incident import advice as advising
from incident.access import visible_incident
from incident.advice import Kept
from incident.forms import words
from incident.forms.changes import Change, changes
from incident.forms.facts import label_of
from incident.models import FactsVersion, Incident, Question
from incident.rules.facts import FactsFault

bp = Blueprint("versions", __name__, url_prefix="/incidents/<uuid:incident_id>/facts")


@dataclass(frozen=True, slots=True)
class Row:
    """One version, and how many facts it changed."""

    version: FactsVersion
    changed: int


@dataclass(frozen=True, slots=True)
class Turned:
    """One line of the advice before and after; `differs` where it changed."""

    label: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether the two versions are advised otherwise."""
        return self.before != self.after


@bp.get("/versions")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """Every version, the latest first."""
    incident = visible_incident(incident_id)
    found = _versions(incident)
    before: Mapping[str, Any] = {}
    rows = []
    for each in found:
        rows.append(Row(each, len(changes(before, each.facts))))
        before = each.facts
    return render_template("incident/versions.html", incident=incident, rows=rows[::-1], words=words)


@bp.get("/changes")
@requires(Permission.SEE_INCIDENTS)
def compare(incident_id: UUID) -> ResponseReturnValue:
    """What differs between two versions (`before` and `after`); of the last two when none are named."""
    incident = visible_incident(incident_id)
    found = {each.number: each for each in _versions(incident)}
    latest = incident.facts_number
    after = found.get(request.args.get("after", latest, type=int), found[latest])
    before = found.get(request.args.get("before", after.number - 1, type=int), found[min(found)])
    was, now = (_kept(incident, each, utcnow()) for each in (before, after))
    return render_template(
        "incident/changes.html", incident=incident, versions=list(found.values()), before=before, after=after,
        changes=_changes(before, after), advice=_turned(was, now), kept=(was, now), words=words,
    )  # fmt: skip


def _versions(incident: Incident) -> list[FactsVersion]:
    mine = select(FactsVersion).where(FactsVersion.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(FactsVersion.number)))


def _changes(before: FactsVersion, after: FactsVersion) -> list[Change]:
    return changes(before.facts, after.facts)


def _kept(incident: Incident, version: FactsVersion, now: datetime) -> Kept | None:
    """The advice on a version; none where this release cannot read its facts any more."""
    try:
        return advising.on_version(incident, version, now=now)
    except FactsFault:
        return None


def _turned(was: Kept | None, now: Kept | None) -> list[Turned]:
    """How the advice changed, line by line."""
    if was is None or now is None:
        return []
    before, after = dict(_lines(was.document)), dict(_lines(now.document))
    return [Turned(label, before.get(label, "–"), after.get(label, "–")) for label in {**before, **after}]


def _lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    severity = document["severity"]
    lines = [
        (_("Personal data breach"), words.say(document["breach"])),
        (_("Data that identify people were compromised"),
         words.say(document["identifiable_data_compromised"])),
        (_("Risk to people"), words.say(document["risk"])),
        (_("Authority"), str(words.KINDS[advising.kind_advised(document, Question.AUTHORITY)])),
        (_("People"), str(words.KINDS[advising.kind_advised(document, Question.PEOPLE)])),
        (_("Our promise"), str(words.KINDS[advising.kind_advised(document, Question.PROMISE)])),
        (_("Severity (ENISA)"), f"{severity['score']:g}, {words.BANDS[severity['band']]}"),
        (_("Competent authorities"), ", ".join(words.whom(each["key"]) for each in document["authorities"])),
    ]  # fmt: skip
    lines += [(str(words.CLOCKS.get(each["kind"], each["kind"])), _due(each)) for each in document["clocks"]]
    lines.append((_("Not known, and it matters"), "; ".join(label_of(each) for each in document["unknown"])))
    return lines


def _due(clock: Mapping[str, Any]) -> str:
    if clock["due_at"]:
        at = datetime.fromisoformat(clock["due_at"])
        return locales.instant(at, locales.zone(), locales.current())
    return _("undetermined") if clock["starts_at"] is None else _("without undue delay")
