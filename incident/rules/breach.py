"""Whether it is a personal data breach, and whether data that identify people were compromised.

Two questions with three answers each. The first (GDPR art. 4(12)) opens every duty. The second is a
condition that a public promise may carry; it never switches off what the law asks.
"""

from typing import Final

from incident.rules import circumstances as given
from incident.rules.facts import Facts
from incident.rules.legs import NO, YES, Leg, all_of, any_of, holds_something
from incident.rules.vocabulary import Tri

# Data that a stranger holds or has taken are breached even when nobody can read them: that bears on the
# risk, not on the breach (9/2022, Annex B example i).
SOMETHING_LOST: Final = any_of(
    given.SECRECY_LOST,
    given.CHANGED,
    given.OUT_OF_REACH,
    given.GONE,
    given.TAKEN,
    holds_something("/disclosure/recipients"),
)

# Not on somebody's word alone: logs prove that nobody had the data, or they came back unopened, or nothing
# but the power failed.
NOTHING_LOST: Final = all_of(
    given.SECRECY_KEPT,
    given.UNCHANGED,
    given.AT_HAND,
    any_of(
        all_of(any_of(given.MISHAP, given.MALICE), given.LOGS_PROVE_IT),
        all_of(given.MISHAP, given.NOTHING_TO_TAKE, any_of(given.AN_OUTAGE, given.GIVEN_BACK)),
    ),
)


def breached(facts: Facts) -> Leg:
    """Whether security failed and personal data were lost, changed, disclosed or opened (art. 4(12)).

    It is "no" only when every loss is ruled out, and it is known why; somebody may then have held what
    nobody read, as a letter that came back unopened.
    """
    kept = NOTHING_LOST(facts)
    if kept.state == "yes":
        return NO
    lost = SOMETHING_LOST(facts)
    if lost.state == "yes":
        return Leg("yes", kept.open, kept.alone)
    return Leg("unknown", lost.open + kept.open, lost.alone + kept.alone)


def is_breach(facts: Facts) -> Tri:
    """Whether it is a personal data breach (art. 4(12)); unknown means that the duties stand."""
    return breached(facts).state


def is_unintelligible(facts: Facts) -> Tri:
    """Whether nobody without the key can read the data (art. 34(3)(a)).

    Sure only with encryption that is state of the art and a key that is safe. A breached confidentiality
    says that they were read all the same.
    """
    return given.UNINTELLIGIBLE(facts).state


def identifiable(facts: Facts) -> Leg:
    """Whether the data can be tied to people, by what is said of it or else by their kind.

    An identity number or document names a person whatever is said.
    """
    step = facts.data.identifiability
    if step not in ("unknown", "negligible") or given.IDENTITY(facts).state == "yes":
        return YES
    if step == "negligible":
        return NO
    by_kind = _BY_KIND(facts)
    if by_kind.state == "yes":
        return YES
    waiting = ("/data/identifiability", *by_kind.open)
    return Leg("unknown", waiting, waiting)


_BY_KIND: Final = given.holds(given.KINDS["identifying"])


def identifiable_data_compromised(facts: Facts) -> Tri:
    """Whether data stored in an identifiable way were read, taken or changed.

    Mere absence of data for a time is not meant by it, nor data that nobody can read.
    """
    return compromised(facts).state


def compromised(facts: Facts) -> Leg:
    """As `identifiable_data_compromised`, with what it waits for.

    Data that nobody can read are not compromised by a loss that nobody has told of; that "no" is presumed
    and waits for such word.
    """
    named = identifiable(facts)
    if named.state == "no":
        return NO
    if is_unintelligible(facts) == "yes":
        told = _CHANGED_ALL_THE_SAME(facts)
        found = told if told.state == "yes" else Leg("no", told.open, told.alone)
    else:
        found = _READ_OR_CHANGED(facts)
    if found.state == "yes" and named.state == "unknown":
        return named
    return Leg(found.state, found.open + named.open) if found.state == "unknown" else found


_CHANGED_ALL_THE_SAME: Final = any_of(given.SECRECY_LOST, given.CHANGED)
_READ_OR_CHANGED: Final = any_of(given.SECRECY_LOST, given.CHANGED, given.KNOWN_TAKEN)
