"""The ways to "unlikely": when no authority need be told (GDPR art. 33(1)).

Each stands on legs that are all known to hold. None is taken away again by a fact that its example
leaves open, so that keeping a fact back never frees of the duty; such facts are put before a person
instead (`cautions`).
"""

from typing import Final

from incident.rules import circumstances as given
from incident.rules.breach import NOTHING_LOST
from incident.rules.facts import Facts
from incident.rules.legs import Question, all_of, any_of, asked
from incident.rules.reasons import Asked, Reason, Rule


def unlikely(facts: Facts) -> tuple[Asked, ...]:
    """How each way to "unlikely" stands by the facts."""
    return tuple(rule.ask(facts) for rule in UNLIKELY)


def cautions(facts: Facts) -> tuple[Reason, ...]:
    """Facts that do not go with a mild outcome: for a person to look at before relying on it."""
    return tuple(rule.reason for rule in _CAUTIONS if rule.stands_on(facts).state == "yes")


_NOTHING_LOST: Final = Rule(
    Reason(
        "No personal data were lost, changed or disclosed, and it is known why",
        "GDPR art. 4(12)",
        ("/compromised", "/cause/category", "/disclosure/exfiltration"),
    ),
    NOTHING_LOST,
)

# A thief, a finder, a wrong recipient has only what cannot be read. An intruder was inside, where data are
# readable to whoever works with them: only logs tell what happened there.
_NOBODY_CAN_READ_IT: Final = Rule(
    Reason(
        "Nobody without the key can read the data, and they were not missed",
        "Guidelines 01/2021, cases 1 and 10; Guidelines 9/2022, Annex B, example i",
        ("/protection", "/disclosure/exfiltration", "/disclosure/evidence", "/availability"),
    ),
    all_of(
        given.SECRECY_KEPT,
        given.UNCHANGED,
        any_of(given.UNINTELLIGIBLE, given.LOCKED_AND_WIPED),
        any_of(given.NO_INTRUDER, given.LOGS_PROVE_IT),
        given.NOT_MISSED,
    ),
)

_SHORT_OUTAGE: Final = Rule(
    Reason(
        "Only a short outage with little or no effect, and nobody got in",
        "Guidelines 9/2022, Annex B, example iii",
        ("/cause", "/availability/restored_after_hours", "/availability/service_effect"),
    ),
    all_of(
        given.SECRECY_KEPT,
        given.UNCHANGED,
        any_of(
            all_of(given.MISHAP, any_of(given.NOT_TAKEN, given.AN_OUTAGE)),
            all_of(given.MALICE, given.AN_OUTAGE, given.NOT_TAKEN),
        ),
        given.BACK_SOON,
    ),
)

_NOTHING_ELSE_LOST: Final = all_of(given.UNCHANGED, given.AT_HAND)

_BOUND_RECIPIENT: Final = Rule(
    Reason(
        "The only recipients are bound to secrecy and have confirmed in writing that the data are deleted",
        "Guidelines 01/2021, case 9",
        ("/disclosure/recipients_trusted", "/disclosure/retrieved", "/subjects/total"),
    ),
    all_of(
        given.AN_ACCIDENT,
        _NOTHING_ELSE_LOST,
        given.BOUND_RECIPIENTS,
        given.FEW_RECIPIENTS,
        given.DELETED_IN_WRITING,
        given.NOT_TOO_MANY,
        given.AT_MOST_INCIDENTAL,
        given.holds_only(given.KINDS["moderate"]),
    ),
)

_PLAIN_DATA_TO_A_FEW: Final = Rule(
    Reason(
        "Plain data of a few people reached a few known others by mistake",
        "Guidelines 01/2021, cases 13 and 15; Guidelines 9/2022, Annex B, example x",
        ("/data/categories", "/subjects", "/disclosure/recipients_count"),
    ),
    all_of(
        given.AN_ACCIDENT,
        _NOTHING_ELSE_LOST,
        given.KNOWN_RECIPIENTS,
        given.FEW_RECIPIENTS,
        given.FEW_PEOPLE,
        given.AT_MOST_INCIDENTAL,
        given.plain_kinds,
        given.NOBODY_VULNERABLE,
        given.NOBODY_HIDES,
    ),
)

_LEADS_TO_NOBODY: Final = Rule(
    Reason(
        "The data lead to nobody, and no password can be read from them",
        "Guidelines 01/2021, case 6",
        ("/data/identifiability", "/data/categories", "/protection/passwords"),
    ),
    all_of(
        asked("/data/identifiability", "negligible"),
        _NOTHING_ELSE_LOST,
        given.NO_SPECIAL,
        given.holds_only(given.KINDS["of_nobody"]),
        given.PASSWORDS_UNREADABLE,
    ),
)

_PUBLIC_ANYWAY: Final = Rule(
    Reason(
        "Anyone could read the data before, and they hurt nobody",
        "Guidelines 9/2022, section II.B",
        ("/data/public_before", "/data/categories"),
    ),
    all_of(
        given.PUBLIC_BEFORE,
        _NOTHING_ELSE_LOST,
        given.NO_SPECIAL,
        given.holds_only(given.KINDS["published"]),
        given.NOBODY_VULNERABLE,
        given.NOBODY_HIDES,
    ),
)

UNLIKELY: Final = (
    _NOTHING_LOST,
    _NOBODY_CAN_READ_IT,
    _SHORT_OUTAGE,
    _BOUND_RECIPIENT,
    _PLAIN_DATA_TO_A_FEW,
    _LEADS_TO_NOBODY,
    _PUBLIC_ANYWAY,
)

_IN_DOUBT: Final = "GDPR art. 33(1): a risk must be shown to be unlikely"


def _caution(sentence: str, question: Question, *pointers: str) -> Rule:
    return Rule(Reason(f"Look again before relying on this: {sentence}", _IN_DOUBT, pointers), question)


_CAUTIONS: Final = (
    _caution(
        "misuse of the data has been seen",
        asked("/disclosure/misuse_seen", "yes"),
        "/disclosure/misuse_seen",
    ),
    _caution(
        "it is not known what the material holds", asked("/data/scope_known", "no"), "/data/scope_known"
    ),
    _caution("what happened is not over", asked("/timeline/ongoing", "yes"), "/timeline/ongoing"),
    _caution(
        "the encryption is not state of the art",
        asked("/protection/encryption_state_of_the_art", "no"),
        "/protection/encryption_state_of_the_art",
    ),
    _caution(
        "the key is in other hands",
        asked("/protection/key_compromised", "yes"),
        "/protection/key_compromised",
    ),
    _caution(
        "a reader can infer protected or dangerous things from the data",
        asked("/data/reveals", "sensitive_inference", "safety_critical"),
        "/data/reveals",
    ),
    _caution(
        "somebody with a protected identity is among the people",
        given.SOMEBODY_HIDES,
        "/subjects/protected_identity",
    ),
    _caution(
        "data were taken that are said to have stayed secret",
        all_of(given.SECRECY_KEPT, given.TAKEN),
        "/compromised/confidentiality",
        "/disclosure/exfiltration",
    ),
    _caution(
        "people are said to be critically affected",
        given.HARM_TO_PEOPLE,
        "/availability/service_effect",
    ),
)
