"""Severity figures that staff have set themselves: with a reason, beside the rules' own, which stay shown.

The score is advice. An override changes what the page and the record say of it, and closes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid
from incident import meeting
from incident.models import Incident, SeverityOverride
from incident.rules.facts import FactsFault
from incident.rules.severity import STEPS, Figure, Override, Severity, overridden


@dataclass(frozen=True, slots=True)
class Figures:
    """The severity as it holds and as the rules reckon it, with the overrides in force by figure."""

    held: Severity
    rules: Severity
    overrides: Mapping[str, SeverityOverride]

    @property
    def originals(self) -> dict[str, float]:
        """The figures by the rules, by name."""
        return originals(self.rules)

    @property
    def steps(self) -> dict[str, str]:
        """The values that each figure can take, as told in a form."""
        return {figure: ", ".join(f"{step:g}" for step in steps) for figure, steps in STEPS.items()}


def of_incident(incident: Incident) -> list[SeverityOverride]:
    """Every override, oldest first; of each figure the last one holds."""
    mine = select(SeverityOverride).where(SeverityOverride.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(SeverityOverride.number)))


def figures(incident: Incident, rules: Severity) -> Figures:
    """The figures as they hold: the rules' own, and in their place what people have set."""
    latest = {each.figure: each for each in of_incident(incident)}
    rows = {name: row for name, row in latest.items() if row.value is not None}
    steps: dict[Figure, Override] = {
        figure: Override(rows[figure].value or 0.0, rows[figure].reason, rows[figure].by)
        for figure in STEPS if figure in rows
    }  # fmt: skip
    return Figures(overridden(rules, steps), rules, rows)


def originals(rules: Severity) -> dict[str, float]:
    """The figures by the rules."""
    return {"dpc": rules.dpc.points, "ei": rules.ei.points, "cb": rules.cb_points}


def override(  # noqa: PLR0917  who, what and why, in the order they are said
    incident: Incident, figure: str, value: float | None, reason: str, by: StaffMember, now: datetime,
    *, rules: Severity,
) -> bool:  # fmt: skip
    """Set a figure (None: the rules' own again), with a reason; false when it stands so already.

    Raises: Invalid for a figure or value that the sum does not have and without a reason, Refused when the
    incident stands still.
    """
    meeting.refuse_when_over(incident)
    _check(figure, value, reason, by.name, rules)
    rows = of_incident(incident)
    held = next((each for each in reversed(rows) if each.figure == figure), None)
    if (held.value if held else None) == value:
        return False
    original = originals(rules)[figure]
    db.session.add(
        SeverityOverride(
            organisation_id=incident.organisation_id, incident_id=incident.id, number=len(rows) + 1,
            facts_number=incident.facts_number, figure=figure, original=original, value=value,
            reason=reason.strip(), by_id=by.id, by=by.name, at=now,
        )
    )  # fmt: skip
    db.session.flush()
    ledger.append(
        incident.chain, "severity.overridden" if value is not None else "severity.restored", at=now,
        organisation_id=incident.organisation_id, actor=by.name, reason=reason.strip(), figure=figure,
        original=original, value=value, facts_version=incident.facts_number, staff=by.id,
    )  # fmt: skip
    return True


def _check(figure: str, value: float | None, reason: str, by: str, rules: Severity) -> None:
    known = next((each for each in STEPS if each == figure), None)
    if known is None:
        raise Invalid(_("The severity has no such figure."))
    if not reason.strip():
        raise Invalid(_("Say why you set another figure: it stands beside the rules' own."))
    if value is None:
        return
    try:
        overridden(rules, {known: Override(value, reason, by)})
    except FactsFault as fault:
        raise Invalid(" ".join(each.detail for each in fault.errors)) from None
