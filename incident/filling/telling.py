"""Whether the people were told: by what was sent and what arrived, else by what was decided."""

from typing import Final

from incident.filling.filled import DUTY, Answered, Case, Filled
from incident.models import Decision, Duty, Kind, Question

SENT: Final = "ledger: communication.sent"
ARRIVED: Final = "ledger: delivery"
_KINDS: Final = ("subject_communication", "own_promise_subjects")
_EXEMPT: Final = {
    Kind.EXEMPT_A: "protected", Kind.EXEMPT_B: "mitigated", Kind.EXEMPT_C: "disproportionate",
}  # fmt: skip


def communication(case: Case) -> Answered:
    """Status, day, number, means and text of what the people were told, or why they are not."""
    told = case.told
    if told.sent_at and (told.reached or not told.ended):
        yield from _sent(case)
        return
    decided = case.beside.decisions.get(Question.PEOPLE)
    duties = [each for each in case.material.duties if each.clock_kind in _KINDS]
    yield from _decided(case, decided, duties)


def _sent(case: Case) -> Answered:
    """What the log says. Told is who was reached; while nobody was, it is only under way."""
    told = case.told
    assert told.sent_at is not None  # noqa: S101  asked by the caller
    at, day = case.shown(told.sent_at), case.day(told.sent_at)
    whole = told.reached >= told.total
    under_way = told.reached == 0 or not (told.ended or whole)
    yield "subject_communication.status", Filled("in_progress" if under_way else "informed", ARRIVED)
    yield "subject_communication.informed_at", Filled(day if told.reached else "", SENT)
    yield "subject_communication.planned_at", Filled(day if under_way else "", SENT)
    yield "subject_communication.all_informed", Filled("all" if whole else "not_all", ARRIVED)
    numbers = {"at": at, "reached": told.reached, "total": told.total}
    if not whole:
        left = case.said("not_reached", left=told.total - told.reached, **numbers)
        yield "subject_communication.why_not_all", Filled(left, ARRIVED)
    yield "subject_communication.means", Filled(["individual"], SENT)
    said = case.said("reached", **numbers)
    if told.posted:
        said = f"{said} {case.said('posted', posted=told.posted)}"
    yield "subject_communication.means_description", Filled(said, ARRIVED)
    if told.texts and told.reached:
        copy = {"kind": "subject_communication", "name": case.said("copy", at=at)}
        yield "attachments", Filled([copy], SENT)
    locale = case.words.locale
    for language in (locale, "en", *told.texts):
        if language in told.texts:
            foreign = language != locale
            yield (
                "subject_communication.content",
                Filled(told.texts[language], SENT, as_told=foreign, language=language),
            )
            return


def _decided(case: Case, decided: Decision | None, duties: list[Duty]) -> Answered:
    if decided is not None and decided.kind in _EXEMPT:
        yield from _exempt(decided)
        return
    if decided is not None and decided.kind == Kind.DO_NOT_COMMUNICATE:
        source = f"decision {decided.number}"
        status = "not_informing" if case.judgement.risk.level == "high" else "not_high_risk"
        yield "subject_communication.status", Filled(status, source)
        yield "subject_communication.why_not", Filled(decided.reason, source, as_told=True)
        return
    mine = [each for each in duties if each.clock_kind == _KINDS[0]]
    if mine and mine[0].state == "not_required":
        yield "subject_communication.why_not", Filled(mine[0].reason or "", DUTY, as_told=True)
        yield "subject_communication.status", Filled("not_informing", DUTY)
    elif mine or (decided is not None and decided.kind == Kind.COMMUNICATE):
        due = min((each.due_at for each in duties if each.due_at), default=None)
        source = DUTY if mine or decided is None else f"decision {decided.number}"
        yield "subject_communication.status", Filled("planned_dated" if due else "planned", source)
        yield "subject_communication.planned_at", Filled(case.day(due) if due else "", source)


def _exempt(decided: Decision) -> Answered:
    source = f"decision {decided.number}"
    yield "subject_communication.status", Filled("exempt", source)
    yield "subject_communication.exemption", Filled(_EXEMPT[Kind(decided.kind)], source)
    yield "subject_communication.exemption_reason", Filled(decided.reason, source, as_told=True)
    yield "subject_communication.why_not", Filled(decided.reason, source, as_told=True)
