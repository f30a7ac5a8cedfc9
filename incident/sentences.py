"""The sentences of the rules in the reader's language, on screens only.

Rules speak English and know of no languages, and what is stored or given out stays as they said it. Here
each of their sentences is named for the catalogues; one that is not shows as it was said.
"""

import re
from typing import Final

from flask_babel import gettext as _


def N_(sentence: str) -> str:  # noqa: N802  the name by which catalogues are made
    """The sentence itself, named for the catalogues."""
    return sentence


REASONS: Final = (
    # unlikely
    N_("No personal data were lost, changed or disclosed, and it is known why"),
    N_("Nobody without the key can read the data, and they were not missed"),
    N_("Only a short outage with little or no effect, and nobody got in"),
    N_("The only recipients are bound to secrecy and have confirmed in writing that the data are deleted"),
    N_("Plain data of a few people reached a few known others by mistake"),
    N_("The data lead to nobody, and no password can be read from them"),
    N_("Anyone could read the data before, and they hurt nobody"),
    # look again
    N_("Look again before relying on this: misuse of the data has been seen"),
    N_("Look again before relying on this: it is not known what the material holds"),
    N_("Look again before relying on this: what happened is not over"),
    N_("Look again before relying on this: the encryption is not state of the art"),
    N_("Look again before relying on this: the key is in other hands"),
    N_("Look again before relying on this: a reader can infer protected or dangerous things from the data"),
    N_("Look again before relying on this: somebody with a protected identity is among the people"),
    N_("Look again before relying on this: data were taken that are said to have stayed secret"),
    N_("Look again before relying on this: people are said to be critically affected"),
    # high
    N_("Data that the law protects most, or that lead to them, reached somebody not bound to secrecy"),
    N_("With the identity numbers or documents somebody can act in another's name"),
    N_("Data on money are in hostile hands or with a crowd"),
    N_("So much of a life is in hostile hands or with a crowd that somebody can pose as that person"),
    N_("Passwords that may be readable are in hostile hands or with a crowd"),
    N_("Somebody with a protected identity is among the people: their risk is higher than that of others"),
    N_("Care or safety of people hung on data that were changed or out of reach"),
    N_("People in care were without their records, and nothing shows that it did them no harm"),
    N_("Records that people's care hangs on are gone, with no copy"),
    # in doubt
    N_("Whether personal data were breached is undecided; at the deadline that means notify"),
    N_("No rule shows that a risk is unlikely"),
    # duties
    N_("A processor tells its controller, and no authority or person of its own motion"),
    N_("The authority is notified of every breach"),
    N_("The authority is notified unless a risk is unlikely"),
    N_("The authority is notified when the risk is likely to be high"),
    N_("People are told without undue delay when the risk is likely to be high"),
    N_("People are told when the risk is likely to be high"),
    N_("Nobody without the key can read the data, as it was before the breach"),
    N_("Later measures see to it that the high risk is no longer likely"),
)

SEVERITY: Final = (
    N_("Plain facts of a life, as name, contact and work."),
    N_("Data on habits, movements and dealings with others."),
    N_("Data on income and money."),
    N_("A bare account number, which gives little insight into money."),
    N_("Data that the law protects most (GDPR arts 9 and 10), or like them."),
    N_("Numbers and documents that let another act in the person's name (our placing)."),
    N_("Card data with which somebody may pay."),
    N_("Log-in data that open an account with money in it."),
    N_("Somebody with a protected identity is among the people: plain data become a matter of safety."),
    N_("Protected data in a stray mention only, which allows no more than general assumptions."),
    N_("Anyone could read the data before."),
    N_("The kinds of data are not known: counted as the most telling until they are."),
    N_("Volume or field of the controller allow a profile."),
    N_("Volume or field of the controller allow a detailed profile."),
    N_("A reader can infer protected things, as health or belief."),
    N_("The data are critical to somebody's safety."),
    N_("The data name a person at once."),
    N_("The data name a person with some effort."),
    N_("The data name a person with much effort only."),
    N_("The data name practically nobody."),
    N_("How easily the data name a person is not known: counted as at once."),
    N_("An identity number or document names a person with some effort at most, whatever else is said."),
    N_("Exposed, but nothing shows that anybody has made use of it."),
    N_("Disclosed to an unknown number of recipients."),
    N_("Disclosed to a limited number of recipients."),
    N_("Changed, set right again, and not used in between."),
    N_("Changed, and the original cannot be had back."),
    N_("Changed and perhaps used so."),
    N_("Lost, with no copy to bring it back."),
    N_("Brought back without difficulty."),
    N_("Out of reach for a time."),
    N_("Done on purpose."),
    N_("Secrecy is not known to be lost."),
    N_("The data are not known to be changed."),
    N_("The data are not known to have been out of reach."),
    N_("Not known to be done on purpose."),
)

DOUBTS: Final = (
    N_("It cannot end before it began. Correct one of the two times."),
    N_("This is before it began. Correct one of the two times, or call the beginning an estimate."),
    N_("Nobody tells what they do not know yet. Correct one of the two."),
    N_("You cannot be told before anybody knew. Correct it, or say when it was first noticed."),
    N_("Nobody is certain of what nobody has noticed yet. Correct it, or say when it was noticed."),
    N_("This has not happened yet. Give a time that has passed, or leave it out."),
    N_("At least is more than at most. Correct one of the two."),
    N_("The exact number is less than the least. Leave one of the two out."),
    N_("The exact number is more than the most. Leave one of the two out."),
    N_("In all there are fewer people than in the countries together."),
    N_("There is no country with this code (ISO 3166-1)."),
    N_("There is no country with this code (ISO 3166-1). The United Kingdom is GB."),
    N_("There is no country with this code (ISO 3166-1). Greece is GR."),
)

QUESTIONS: Final = (
    N_(
        "Which Land? A private firm answers to the authority of the Land of its seat or main establishment "
        "(BDSG s. 40), federal bodies, telecom and post to the BfDI. Without a seat in Germany: the Land "
        "where most of the people live."
    ),
    N_(
        "Is it a public body of Catalonia, the Basque Country or Andalusia? These have authorities of their "
        "own."
    ),
    N_("Is it a public body of Åland? These answer to Datainspektionen in Mariehamn."),
    N_(
        "People in the Faroe Islands: their own act and authority (Dátueftirlitið) may want a notification "
        "too."
    ),
    N_(
        "People in Greenland: the older Danish act applies there, with Datatilsynet in Denmark as its "
        "authority."
    ),
    N_("People in Gibraltar: its own authority (GRA) may want a notification too."),
    N_("People in Jersey: its own authority (JOIC) may want a notification too."),
    N_("People in Guernsey: its own authority (ODPA) may want a notification too."),
    N_("People in the Isle of Man: its own Information Commissioner may want a notification too."),
)

# --- what a clock rests on: a source, a figure, a start, and what is still open --------------------------

STARTS: Final = {
    "": "%(source)s: %(figure)s",
    "awareness": N_("%(source)s: %(figure)s from awareness"),
    "receipt": N_("%(source)s: %(figure)s from receipt"),
    "the tip": N_("%(source)s: %(figure)s from the tip"),
    "the breach itself": N_("%(source)s: %(figure)s from the breach itself"),
}
SOURCES: Final = (N_("own default"), N_("own promise"))
FIGURES: Final = (N_("without undue delay, no figure"), N_("without undue delay"))
OPEN: Final = (
    N_("which is not known yet"),
    N_("estimated"),
    N_("provisionally taken from when we were told"),
    N_("provisionally taken from the receipt of the report"),
    N_("provisionally taken from the detection"),
    N_("provisionally taken from when the processor says it told us"),
)
CONDITIONS: Final = (
    N_("whether identifiable data were compromised is not known yet"),
    N_("whether it happened at a processor is not known yet"),
)
_AGREED: Final = N_("%(hours)s h by agreement")
_BASIS: Final = re.compile(
    r"(?P<source>[^:;]+): (?P<figure>[\d.e+]+ h|without undue delay(?:, no figure)?)"
    r"(?: from (?P<start>awareness|receipt|the tip|the breach itself))?(?:, (?P<open>[^;]+))?"
    r"(?P<conditions>(?:; [^;]+)*)"
)
_KNOWN: Final = frozenset((*REASONS, *SEVERITY, *DOUBTS, *QUESTIONS, *SOURCES, *FIGURES, *OPEN, *CONDITIONS))


def said(sentence: str) -> str:
    """A sentence of the rules, or what a clock rests on, in the language of the page."""
    if sentence in _KNOWN:
        return _(sentence)
    if (basis := _BASIS.fullmatch(sentence)) is None:
        return sentence
    template = STARTS[basis["start"] or ""]
    told = _(template) % {
        "source": said(basis["source"]), "figure": _figure(basis["figure"])
    }  # fmt: skip
    if basis["open"]:
        told += f", {said(basis['open'])}"
    return "; ".join([told, *(_condition(each) for each in basis["conditions"].split("; ")[1:])])


def _figure(told: str) -> str:
    hours, in_hours, _rest = told.partition(" h")
    return _("%(hours)s h", hours=hours) if in_hours else said(told)


def _condition(told: str) -> str:
    hours, by_agreement, rest = told.partition(" h by agreement")
    return _(_AGREED, hours=hours) if by_agreement and not rest else said(told)


def is_known(sentence: str) -> bool:
    """Whether the catalogues have every part of a sentence of the rules."""
    if sentence in _KNOWN:
        return True
    if (basis := _BASIS.fullmatch(sentence)) is None:
        return False
    source = basis["source"]
    parts = [each for each in basis["conditions"].split("; ")[1:] if not each.endswith(" h by agreement")]
    parts += [basis["open"]] if basis["open"] else []
    return (source in SOURCES or "art. " in source) and all(each in _KNOWN for each in parts)
