"""What each answer to an open question would bring: "if the key was taken too, both notices are due".

For the screen that asks what is not known yet. The facts are judged anew with one of them answered; what
turns only together with others stands in `unknowns` and not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args

from incident.rules import vocabulary as words
from incident.rules.facts import Count, Facts
from incident.rules.judgement import Judgement, judge
from incident.rules.limits import RiskLevel
from incident.rules.unknowns import unknowns

Answer: TypeAlias = str | float | tuple[str, ...] | Count


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One answer to one open question, and the outcome it would bring.

    `answer` is a word of the contract, a list of words, hours, or a count. `turns`: one of the two notices
    would be due that is not due now, or the other way round.
    """

    pointer: str
    answer: Answer
    notify_authority: bool
    communicate_to_subjects: bool
    risk: RiskLevel
    turns: bool


def what_if(facts: Facts, judgement: Judgement) -> tuple[WhatIf, ...]:
    """Every answer to each open question that alone can turn one of the two notices.

    In the order of `unknowns`, all answers of a question together, so that a page can say of each what
    follows. Costs a judgement per answer: for one page, not for many documents.
    """
    found: list[WhatIf] = []
    for pointer in unknowns(facts, judgement):
        answers = [_judged(facts, judgement, pointer, answer) for answer in _answers(facts, pointer)]
        if any(each.turns for each in answers):
            found += answers
    return tuple(found)


def answered(facts: Facts, pointer: str, answer: Answer) -> Facts:
    """The facts with one fact told; `pointer` is `/part/field`."""
    part, field = pointer.strip("/").split("/")
    changed = getattr(facts, part).model_copy(update={field: answer})
    return facts.model_copy(update={part: changed})


def _judged(facts: Facts, now: Judgement, pointer: str, answer: Answer) -> WhatIf:
    then = judge(answered(facts, pointer, answer), now.thresholds)
    duties = then.authority_notification.required, then.subject_communication.required
    turns = duties != (now.authority_notification.required, now.subject_communication.required)
    return WhatIf(pointer, answer, *duties, then.risk.level, turns)


def _words_of(*lists: Any) -> tuple[str, ...]:
    return tuple(word for each in lists for word in get_args(each) if word != "unknown")


_A_FEW_OR_MANY: Final = (Count(exactly=1), Count(at_least=100_000))
_ANSWERS: Final[Mapping[str, Sequence[Answer]]] = {
    "/cause/category": _words_of(words.CauseCategory),
    "/cause/kind": _words_of(words.CauseKind),
    "/data/special_categories": _words_of(words.SpecialCategories),
    "/data/identifiability": _words_of(words.Identifiability),
    "/data/reveals": _words_of(words.Reveals),
    "/protection/passwords": _words_of(words.Passwords),
    "/protection/access_protection": _words_of(words.AccessProtection),
    "/protection/remote_wipe": _words_of(words.RemoteWipe),
    "/disclosure/exfiltration": _words_of(words.Exfiltration),
    "/disclosure/evidence": _words_of(words.Evidence),
    "/disclosure/retrieved": _words_of(words.Retrieved),
    "/disclosure/recipients_count": _A_FEW_OR_MANY,
    "/availability/backup": _words_of(words.Backup),
    "/availability/service_effect": _words_of(words.ServiceEffect),
    "/availability/restored_after_hours": (1.0, 720.0),
    "/subjects/total": _A_FEW_OR_MANY,
}
# A list is asked word by word, beside the words that are known already.
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "/data/categories": tuple(word for word in _words_of(words.DataCategory) if word != "unspecified"),
    "/disclosure/recipients": _words_of(words.Recipient),
    "/subjects/groups": _words_of(words.SubjectGroup),
}
_NOT_JUDGED: Final = ("/timeline/", "/organisation/", "/subjects/by_country")


def _answers(facts: Facts, pointer: str) -> Iterator[Answer]:
    if pointer.startswith(_NOT_JUDGED):
        return
    if pointer not in _LISTS:
        yield from _ANSWERS.get(pointer, ("yes", "no"))
        return
    part, field = pointer.strip("/").split("/")
    known = tuple(word for word in getattr(getattr(facts, part), field) if word != "unspecified")
    for word in _LISTS[pointer]:
        if word not in known:
            yield (*known, word)
