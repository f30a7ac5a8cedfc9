"""The form of an assessment: what is judged and decided, with nothing chosen that weakens a duty."""

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext as _

from incident.assessment import Advised, Decision
from incident.forms.fields import Sheet

ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "breach": ("yes", "unknown"),
    "identifiable": ("yes", "no", "unknown"),
    "risk": ("unlikely", "risk", "high"),
    "notify_authority": ("yes", "no"),
    "tell_people": ("yes", "no"),
}


def prefilled(advice: Advised) -> Sheet:
    """The form as the rules advise it; what they advise against is left to be chosen by a person.

    Undecided means notify: towards the authority yes is chosen whatever the advice.
    """
    judged = advice.evaluation.judgement
    sheet = Sheet()
    sheet.typed = {
        "breach": ["yes"],
        "identifiable": [judged.identifiable_data_compromised],
        "risk": [judged.risk.level],
        "notify_authority": ["yes"],
        "tell_people": ["yes"] if advice.tell_people else [],
    }
    for name, milder in (("identifiable", "no"), ("risk", "unlikely")):
        if sheet.one(name) == milder:
            sheet.typed[name] = []
    return sheet


def decision(sheet: Sheet) -> Decision | None:
    """What was judged and decided, or None with the faults on the sheet."""
    for name, answers in ANSWERS.items():
        if sheet.one(name) not in answers:
            sheet.fault(name, _("Choose one."))
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say why. One sentence will do; it stands in the record."))
    if sheet.faults:
        return None
    return Decision(
        breach=sheet.one("breach"), identifiable=sheet.one("identifiable"), risk=sheet.one("risk"),
        notify_authority=sheet.one("notify_authority") == "yes",
        tell_people=sheet.one("tell_people") == "yes",
        reason=sheet.one("reason").replace("\r\n", "\n"),
    )  # fmt: skip
