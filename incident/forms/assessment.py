"""The form of an assessment: what is judged and decided, with nothing chosen that weakens a duty."""

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext as _

from incident.advice import Advised, kind_advised
from incident.assessment import Verdict
from incident.decisions import Answer
from incident.forms.fields import Sheet
from incident.models import ANSWERS, Decision, Kind, Question

JUDGED: Final[Mapping[str, tuple[str, ...]]] = {
    "breach": ("yes", "unknown"),
    "identifiable": ("yes", "no", "unknown"),
    "risk": ("unlikely", "risk", "high"),
}
LATER: Final = "later"  # not decided yet: what is open is owed


def choices(question: Question) -> tuple[str, ...]:
    """What may be chosen on a question."""
    return (*ANSWERS[question], LATER)


def prefilled(advice: Advised, held: Mapping[Question, Decision]) -> Sheet:
    """The form as the rules advise it, or as it was decided; what weakens a duty is left to be chosen.

    Undecided means notify: towards the authority yes is chosen whatever the advice.
    """
    judged, document = advice.evaluation.judgement, advice.evaluation.document()
    sheet = Sheet()
    sheet.typed = {
        "breach": ["yes"],
        "identifiable": [judged.identifiable_data_compromised],
        "risk": [judged.risk.level],
    }
    for name, milder in (("identifiable", "no"), ("risk", "unlikely")):
        if sheet.one(name) == milder:
            sheet.typed[name] = []
    for question in advice.questions:
        kind = Kind(held[question].kind) if question in held else kind_advised(document, question)
        sheet.typed[question] = [] if kind.needs_two else [kind]
    sheet.typed[Question.AUTHORITY] = sheet.typed[Question.AUTHORITY] or [Kind.NOTIFY]
    return sheet


def verdict(sheet: Sheet, questions: tuple[Question, ...]) -> Verdict | None:
    """What was judged and decided, or None with the faults on the sheet."""
    for name, answers in (*JUDGED.items(), *((each, choices(each)) for each in questions)):
        if sheet.one(name) not in answers:
            sheet.fault(name, _("Choose one."))
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say why. One sentence will do; it stands in the record."))
    if sheet.faults:
        return None
    reason = sheet.one("reason").replace("\r\n", "\n")
    return Verdict(
        breach=sheet.one("breach"), identifiable=sheet.one("identifiable"), risk=sheet.one("risk"),
        reason=reason,
        answers=[
            Answer(each, Kind(sheet.one(each)), reason) for each in questions if sheet.one(each) != LATER
        ],
    )  # fmt: skip


def answer(sheet: Sheet) -> Answer | None:
    """One answer to one question, or None with the faults on the sheet."""
    question = next((each for each in Question if each == sheet.one("question")), None)
    kind = next((each for each in ANSWERS.get(question, ()) if each == sheet.one("kind")), None) \
        if question else None  # fmt: skip
    if question is None or kind is None:
        sheet.fault("kind", _("Choose one."))
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say why. One sentence will do; it stands in the record."))
    if sheet.faults or question is None or kind is None:
        return None
    return Answer(question, kind, sheet.one("reason").replace("\r\n", "\n"))
