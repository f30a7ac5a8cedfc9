"""What stands beside a form: the advice with its figures, what to find out first, what was decided."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from accounts.permissions import current_staff
from foundation import locales
from incident import decisions, figures
from incident.advice import Advised, kind_advised
from incident.figures import Figures
from incident.forms import changes
from incident.forms.facts import FIELDS, label_of
from incident.models import Decision, Incident, Kind, Question
from incident.rules import plausibility
from incident.rules.held_back import HeldBack, held_back


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
    held_back: HeldBack | None  # a processor sat on it: awareness may be counted from earlier
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
        held_back(found.facts, found.awareness),
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
