"""What stands beside a form: the advice with its figures, what to find out first, what was decided."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _

from accounts.permissions import current_staff
from foundation import locales
from incident import decisions, figures
from incident.advice import Advised, kind_advised
from incident.figures import Figures
from incident.forms import changes
from incident.forms.facts import FIELDS, label_of
from incident.models import Decision, Incident, Kind, Question
from incident.rules import plausibility

LONG = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact to find out: how it is asked for, what it would change, where it is entered."""

    pointer: str
    label: str
    sentence: str
    href: str


@dataclass(frozen=True, slots=True)
class Beside:
    """The advice as a page shows it."""

    advice: Advised
    figures: Figures
    wanted: list[Wanted]
    warning: str | None  # awareness may be counted from earlier
    doubts: list[Wanted]  # what cannot be so, kept as it was told, for a person to look at


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision beside the advice now; `hindrance` is why the reader cannot agree to it."""

    decision: Decision
    advised_now: Kind
    turned: bool
    hindrance: str | None


def of(incident: Incident, advice: Advised, *, now: datetime, here: bool = False) -> Beside:
    """What stands beside; `here` is for the page of the facts, whose own fields are linked to."""
    found = advice.evaluation
    base = "" if here else url_for("facts.new", incident_id=incident.id)
    return Beside(
        advice, figures.figures(incident, found.judgement.severity), _wanted(advice, base),
        _warning(advice),
        [
            Wanted(each.pointer, changes.label(each.pointer), each.detail, f"{base}#{anchor(each.pointer)}")
            for each in plausibility.implausible(found.facts, now)
        ],
    )  # fmt: skip


_FIELDS = {each.pointer: each for each in FIELDS}


def _wanted(advice: Advised, base: str) -> list[Wanted]:
    return [
        Wanted(pointer, label_of(pointer), "", f"{base}#{anchor(pointer)}")
        for pointer in advice.evaluation.unknown
    ]


def anchor(pointer: str) -> str:
    """Where the form asks for a fact: its field, the first of its parts, or the form as a whole."""
    field = _FIELDS.get(pointer) or next(
        (each for each in FIELDS if each.pointer.startswith(f"{pointer}/")), None
    )
    return f"f-{field.name.replace('.', '-')}" if field else "s-what"


def _warning(advice: Advised) -> str | None:
    """A processor that knew and did not tell: an authority may count awareness from earlier."""
    times, chain = advice.evaluation.facts.timeline, advice.evaluation.facts.chain
    knew = times.processor_aware_at or (chain[0].aware_at if chain else None)
    told = times.informed_at or (chain[0].told_next_at if chain else None)
    if knew is None or told is None or told - knew <= LONG:
        return None
    return _(
        "it knew %(time)s before it told us. An authority may hold that we were aware earlier.",
        time=locales.duration(told - knew, locales.current()),
    )


def decisions_of(incident: Incident, advice: Advised) -> list[DecisionRow]:
    """Every decision beside the advice now, the latest first."""
    document, staff = advice.evaluation.document(), current_staff()
    rows = []
    for each in reversed(decisions.of_incident(incident)):
        advised = kind_advised(document, Question(each.question))
        turned = decisions.advice_has_turned(each, advised)
        rows.append(DecisionRow(each, advised, turned, decisions.hindrance(each, staff)))
    return rows


def zone() -> str:
    """The zone in which times are typed."""
    return locales.zone()
