"""The ways to "high": when the people themselves are to be told (GDPR art. 34(1)).

What nobody knows is presumed only where the Board's examples presume it: that passwords can be read,
that whoever got the data owes no silence, that data name somebody, that patients hang on their records.
"""

from typing import Final

from incident.rules import circumstances as given
from incident.rules.facts import Facts
from incident.rules.legs import NO, YES, Leg, all_of, any_of
from incident.rules.reasons import Asked, Reason, Rule


def grave(facts: Facts) -> tuple[Asked, ...]:
    """How each way to "high" stands by the facts."""
    return tuple(rule.ask(facts) for rule in GRAVE)


def grave_if_read(facts: Facts) -> tuple[Reason, ...]:
    """What would make the risk high if it were not known that nobody can read the data (art. 34(3)(a))."""
    if readable(facts).state == "yes":
        return ()
    return tuple(rule.reason for rule in _BY_READING if rule.stands_on(facts).state == "yes")


def readable(facts: Facts) -> Leg:
    """Whether who got the data can read them; presumed until it is known that nobody can.

    What is unreadable by all that is known waits for word that somebody has read it all the same.
    """
    leg = given.UNINTELLIGIBLE(facts)
    if leg.state == "yes":
        return Leg("unknown", leg.open, leg.alone) if leg.open else NO
    return YES if leg.state == "no" else Leg("yes", leg.open, leg.alone)


_IN_WRONG_HANDS: Final = all_of(given.DISCLOSED, given.NOT_BOUND)

_PROTECTED_BY_LAW: Final = Rule(
    Reason(
        "Data that the law protects most, or that lead to them, reached somebody not bound to secrecy",
        "GDPR arts 9, 10 and 34(1), recital 75; Guidelines 01/2021, case 12; CJEU C-184/20",
        ("/data/special_categories", "/data/categories", "/data/reveals", "/disclosure"),
    ),
    all_of(_IN_WRONG_HANDS, given.OF_A_PERSON, given.SPECIAL),
)

_IDENTITY: Final = Rule(
    Reason(
        "With the identity numbers or documents somebody can act in another's name",
        "GDPR art. 34(1), recital 75; Guidelines 01/2021, cases 4, 7 and 14",
        ("/data/categories", "/disclosure"),
    ),
    all_of(_IN_WRONG_HANDS, given.IDENTITY),
)

_MONEY: Final = Rule(
    Reason(
        "Data on money are in hostile hands or with a crowd",
        "GDPR art. 34(1), recital 75; Guidelines 01/2021, cases 4, 17 and 18",
        ("/data/categories", "/disclosure"),
    ),
    all_of(_IN_WRONG_HANDS, given.MANY_OR_HOSTILE, given.OF_A_PERSON, given.MONEY),
)

_PORTRAIT: Final = Rule(
    Reason(
        "So much of a life is in hostile hands or with a crowd that somebody can pose as that person",
        "GDPR art. 34(1), recital 75; Guidelines 01/2021, cases 5, 11 and 17",
        ("/data/categories", "/data/reveals", "/disclosure", "/subjects"),
    ),
    all_of(
        _IN_WRONG_HANDS,
        given.MANY_OR_HOSTILE,
        given.OF_A_PERSON,
        any_of(given.ENOUGH_TO_POSE_AS, given.a_portrait),
    ),
)

_PASSWORDS: Final = Rule(
    Reason(
        "Passwords that may be readable are in hostile hands or with a crowd",
        "Guidelines 9/2022, Annex B, examples vi and x",
        ("/data/categories", "/protection/passwords"),
    ),
    all_of(_IN_WRONG_HANDS, given.MANY_OR_HOSTILE, given.ACCESS, given.PASSWORDS_READABLE),
)

_HIDDEN_ADDRESS: Final = Rule(
    Reason(
        "Somebody with a protected identity is among the people: their risk is higher than that of others",
        "GDPR art. 34(1); Datatilsynet DK 2019-441-1581",
        ("/subjects/protected_identity", "/disclosure"),
    ),
    all_of(_IN_WRONG_HANDS, given.OF_A_PERSON, given.SOMEBODY_HIDES),
)

_WENT_WITHOUT: Final = Rule(
    Reason(
        "Care or safety of people hung on data that were changed or out of reach",
        "Guidelines 01/2021, case 3",
        ("/availability/service_effect", "/compromised"),
    ),
    all_of(any_of(given.OUT_OF_REACH_PRESUMED, given.CHANGED), given.HARM_TO_PEOPLE),
)

_PATIENTS: Final = Rule(
    Reason(
        "People in care were without their records, and nothing shows that it did them no harm",
        "Guidelines 9/2022, Annex B, example viii",
        ("/availability", "/subjects/groups", "/data/categories"),
    ),
    all_of(
        given.OUT_OF_REACH,
        given.DEPENDENT,
        given.holds(given.KINDS["depended_on"]),
        given.SERIOUS_OR_UNTOLD,
        given.FOR_LONG,
    ),
)

_GONE_FOR_GOOD: Final = Rule(
    Reason(
        "Records that people's care hangs on are gone, with no copy",
        "Guidelines 01/2021, case 12; Guidelines 9/2022, Annex B, example iv",
        ("/availability", "/data/categories"),
    ),
    all_of(
        given.OUT_OF_REACH,
        given.NO_COPY,
        given.holds(given.KINDS["depended_on"]),
        given.SERIOUS_OR_UNTOLD,
        given.never_restored,
    ),
)

# Whoever cannot read the data does no harm with them; who misses them is harmed all the same.
_BY_READING: Final = (_PROTECTED_BY_LAW, _IDENTITY, _MONEY, _PORTRAIT, _PASSWORDS, _HIDDEN_ADDRESS)
_BY_MISSING: Final = (_WENT_WITHOUT, _PATIENTS, _GONE_FOR_GOOD)

GRAVE: Final = (
    *(Rule(rule.reason, all_of(readable, rule.stands_on)) for rule in _BY_READING),
    *_BY_MISSING,
)
