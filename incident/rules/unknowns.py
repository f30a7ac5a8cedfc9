"""Which unknown facts could change the outcome: what to find out first.

Nothing is tried out here: every rule says itself which facts it waits for (`legs`). A fact is named when
some rule that could still turn an outcome waits for it, alone or with others; so each combination of
unknown facts is covered. A fact that decides alone comes before one that decides with others.
"""

from collections.abc import Iterable, Iterator

from incident.rules.breach import breached, compromised
from incident.rules.duties import MEASURES_END_IT
from incident.rules.facts import Facts
from incident.rules.judgement import Judgement
from incident.rules.legs import Leg

# What an outcome weighs when it is asked which fact decides most.
_DUTY, _BREACH, _PROMISE = 8.0, 2.0, 1.0


def unknowns(facts: Facts, judgement: Judgement) -> list[str]:
    """Pointers of the unknown facts that could change an outcome, the most decisive first.

    Outcomes are the two duties, whether it is a breach, and the condition of the promise. Times and places
    that clocks and authorities wait for stand between what decides alone and the rest.
    """
    weights: dict[str, tuple[float, float]] = {}
    for weight, leg in _waiting(facts, judgement):
        for pointer in dict.fromkeys(leg.open):
            share = weight if pointer in leg.alone else weight / (1 + len(leg.open))
            most, total = weights.get(pointer, (0.0, 0.0))
            weights[pointer] = max(most, share), total + share
    ordered = sorted(weights, key=weights.__getitem__, reverse=True)
    alone = [pointer for pointer in ordered if weights[pointer][0] >= _DUTY]
    return list(dict.fromkeys([*alone, *_missing_times(facts), *ordered, *_missing_places(facts)]))


def _waiting(facts: Facts, judgement: Judgement) -> Iterator[tuple[float, Leg]]:
    """Every rule that waits for facts and could turn an outcome, with what the outcome weighs."""
    found: Iterable[tuple[float, Leg]] = ()
    if facts.is_controller:
        found = (*_for_authority(judgement), *_for_people(facts, judgement))
    legs = [*found, (_BREACH, breached(facts))]
    promise = facts.organisation.notification_promise
    if promise and promise.only_if_identifiable:
        legs.append((_PROMISE, compromised(facts)))
    yield from ((weight, leg) for weight, leg in legs if leg.open)


def _for_authority(judgement: Judgement) -> Iterator[tuple[float, Leg]]:
    """What could turn the notification: the ways to "unlikely", or to "high" where the law asks for it."""
    risk = judgement.risk
    thresholds = {limit.threshold for limit in judgement.thresholds.authority}
    if "risk" in thresholds and risk.level != "unlikely":
        yield from ((_DUTY, each.leg) for each in risk.unlikely if each.waits)
    elif "high" in thresholds:
        yield from _about_high(judgement, _DUTY)


def _for_people(facts: Facts, judgement: Judgement) -> Iterator[tuple[float, Leg]]:
    """What could turn the communication, the measures of art. 34(3)(b) among it."""
    yield from _about_high(judgement, _DUTY)
    measures = MEASURES_END_IT(facts)
    if judgement.risk.level == "high":
        if judgement.subject_communication.required:
            yield from ((_DUTY, each.leg) for each in judgement.risk.unlikely if each.waits)
        yield _DUTY, measures
    elif judgement.risk.level == "risk" and measures.state == "yes":
        yield _DUTY / 4, measures


def _about_high(judgement: Judgement, weight: float) -> Iterator[tuple[float, Leg]]:
    """What could make the risk high, or a high one less: presumptions, unless something is certain.

    Where a presumption could fall, what would keep the risk high in its place counts too, and counts less.
    """
    risk = judgement.risk
    if risk.level == "risk":
        yield from ((weight, each.leg) for each in risk.grave if each.waits)
    elif risk.level == "high" and all(each.leg.open for each in risk.grave if each.speaks):
        yield from ((weight, each.leg) for each in risk.grave if each.speaks)
        yield from ((weight / 4, each.leg) for each in risk.grave if each.waits)


def _missing_times(facts: Facts) -> Iterator[str]:
    promise = facts.organisation.notification_promise
    if facts.timeline.aware_at is None:
        yield "/timeline/aware_at"
    if promise and promise.starts_at == "occurrence" and facts.timeline.occurred_from is None:
        yield "/timeline/occurred_from"


def _missing_places(facts: Facts) -> Iterator[str]:
    if not facts.is_controller:
        return
    if not facts.organisation.main_establishment:
        yield "/organisation/main_establishment"
    if not facts.subjects.by_country:
        yield "/subjects/by_country"
