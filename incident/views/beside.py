"""What stands beside a form: the advice with its figures, what to find out first, what was decided."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import current_staff
from foundation import locales
from foundation.database import db
from incident import decisions, figures
from incident.advice import Advised, kind_advised
from incident.figures import Figures
from incident.forms import changes, words
from incident.forms.facts import FIELDS, label_of
from incident.models import Decision, FactsVersion, Incident, Kind, Question
from incident.rules import plausibility
from incident.rules.facts import Count
from incident.rules.held_back import HeldBack, held_back
from incident.rules.what_if import WhatIf, what_if

MOST_ANSWERS = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact to find out: how it is asked for, what it would change, where it is entered."""

    pointer: str
    label: str
    sentence: str
    href: str | None


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
    """What stands beside; `here` is for the page of the facts, whose own fields are linked to.

    What had not happened yet when it was told stays in doubt though time has passed since.
    """
    found, told_at = advice.evaluation, now if here else _told_at(incident)
    base = "" if here else url_for("facts.new", incident_id=incident.id)
    return Beside(
        advice, figures.figures(incident, found.judgement.severity), _wanted(incident, advice, base),
        held_back(found.facts, found.awareness),
        [
            Wanted(
                each.pointer, changes.label(each.pointer), words.said(each.detail),
                _place(incident, each.pointer, base),
            )
            for each in plausibility.implausible(found.facts, told_at)
        ],
    )  # fmt: skip


def _told_at(incident: Incident) -> datetime:
    """When the latest facts came."""
    latest = select(FactsVersion.at).where(
        FactsVersion.incident_id == incident.id, FactsVersion.number == incident.facts_number
    )
    return db.session.scalars(latest).one()


_FIELDS = {each.pointer: each for each in FIELDS}


def _wanted(incident: Incident, advice: Advised, base: str) -> list[Wanted]:
    found = advice.evaluation
    bring: dict[str, list[WhatIf]] = {}
    for each in what_if(found.facts, found.judgement):
        if each.turns:
            bring.setdefault(each.pointer, []).append(each)
    return [
        Wanted(each, label_of(each), _sentence(bring.get(each, [])), _place(incident, each, base))
        for each in found.unknown
    ]


def _sentence(answers: list[WhatIf]) -> str:
    """What the answers would bring, those that bring the same together; nothing where none decides alone."""
    groups: dict[tuple[bool, bool], list[str]] = {}
    for each in answers:
        outcome = each.notify_authority, each.communicate_to_subjects
        groups.setdefault(outcome, []).append(_answer(each))
    return " ".join(
        _("If the answer is %(answers)s, %(outcome)s.", answers=_or(said), outcome=_due(outcome))
        for outcome, said in groups.items()
    )


def _answer(each: WhatIf) -> str:
    if isinstance(each.answer, tuple):
        return words.say(each.answer[-1])
    if isinstance(each.answer, Count):
        return _("one") if each.answer.exactly == 1 else _("very many")
    if isinstance(each.answer, float):
        return _("%(hours)g hours", hours=each.answer)
    return words.say(each.answer)


def _or(said: list[str]) -> str:
    shown = [f"“{each}”" for each in said[:MOST_ANSWERS]]
    if len(said) > MOST_ANSWERS:
        return ", ".join([*shown, _("or %(count)s others", count=len(said) - MOST_ANSWERS)])
    return (
        shown[0] if len(shown) == 1 else _("%(some)s or %(last)s", some=", ".join(shown[:-1]), last=shown[-1])
    )


def _due(outcome: tuple[bool, bool]) -> str:
    authority, people = outcome
    if authority and people:
        return _("both notices are due")
    if authority:
        return _("the authority is to be notified and the people need not be told")
    if people:
        return _("the people are to be told and the authority need not be notified")
    return _("neither notice is due")


def _place(incident: Incident, pointer: str, base: str) -> str | None:
    """Where a fact is entered; awareness has a page of its own, the organisation's profile none here."""
    if pointer == "/timeline/aware_at":
        return url_for("awareness.edit", incident_id=incident.id)
    return None if pointer.startswith("/organisation/") else f"{base}#{anchor(pointer)}"


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
