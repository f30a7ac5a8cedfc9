"""What stands in the way of approving a communication, and what to look at: GDPR art. 34(2) and beyond.

The four parts are those of art. 34(2) with 33(3)(b) to (d): what happened, whom to contact, what it may lead
to, what was done and is planned. Beside them: what the reader can do (recital 86), the right to complain,
our reference. A check that cannot be made in a language is said, and never passed in silence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from incident.communication_texts import fields, jargon, reading, words
from incident.communication_texts.catalog import Catalog
from incident.communication_texts.drafts import BODY, PARTS, Known, planned_heading
from incident.communication_texts.measures import differences, split

LABELS: Final[Mapping[str, LazyString]] = {
    "subject": _l("Subject"), "nature": _l("What happened"), "data": _l("Which information"),
    "consequences": _l("What it may lead to"), "measures": _l("What was done and is planned"),
    "advice": _l("What the reader can do"), "rights": _l("Right to complain"),
    "contact": _l("Whom to contact"), "sender": _l("Who writes"),
}  # fmt: skip
# What no communication can do without: art. 34(2) with 33(3)(b) to (d), and who writes about what.
REQUIRED: Final = ("subject", "nature", "consequences", "measures", "contact", "sender")
EXPECTED: Final = ("data", "advice", "rights")  # what authorities look for besides
# The sentence of each finding: what was found, why it matters, what to do. Graver ones stand in the way.
GRAVE: Final[Mapping[str, LazyString]] = {
    "missing": _l("This part is empty, and the law asks for it: write it."),
    "expected": _l("This part is empty, and people need it: write it."),
    "brackets": _l("Something in [brackets] is left: write it, or take it out."),
    "braces": _l(
        "Something in {braces} is left that is no field of a person: write {field: name}, or take it out."
    ),
    "no_name": _l("It does not say who answers: give a name."),
    "no_channel": _l("It does not say how to reach anybody: give a telephone number or an e-mail address."),
    "hollow": _l("It names nothing that may happen to the reader: say what it is."),
    "no_advice": _l("It tells the reader nothing to do: give one piece of advice at least."),
    "no_authority": _l("It does not name the authority that takes complaints: name it."),
    "left_out": _l("The authority was told this, and the communication does not say it: %(text)s. Add it."),
    "added": _l(
        "The communication says this, and the authority was not told: %(text)s. Tell it, or take it out."
    ),
    "moved": _l(
        "The authority was told this as done where it stands as planned, or the other way: %(text)s."
    ),
    "nothing_planned": _l(
        "It does not say what is still to come: write it below the line “%(text)s”, or that nothing is."
    ),
    "short_link": _l("%(text)s hides where it leads: write the whole address of your own page."),
    "no_such_field": _l("No list has the field %(text)s: add it to a list, or take it out."),
}
MILD: Final[Mapping[str, LazyString]] = {
    "empty_phrase": _l("“%(text)s” tells the reader nothing: take it out."),
    "no_period": _l("It does not say when it happened, though that is known: add the days."),
    "other_link": _l("%(text)s is not our own page on the matter: readers take such links for fraud."),
    "other_language": _l(
        "The authority was told in another language (%(text)s): make sure that both say the same."
    ),
    "not_told_yet": _l(
        "There is no notification to compare with: make sure that the authority is told the same."
    ),
    "unchecked": _l(
        "No words are listed for this language: a person must see that it names what may happen."
    ),
    "hard": _l("It is hard to read. Begin by shortening this sentence: %(text)s"),
    "jargon": _l("Not everybody knows this word: %(text)s."),
}
_LINK: Final = re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>()\"]+")
_SHORTENERS: Final = (
    "bit.ly", "bl.ink", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly",
    "shorturl.at", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd",
)  # fmt: skip
_SHORT: Final = re.compile(
    rf"(?i)(?<![\w.@/-])(?:https?://)?(?:www\.)?(?:{'|'.join(map(re.escape, _SHORTENERS))})/[^\s<>()\"]+"
)
_EMAIL: Final = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\W\d_]{2,}")
_PHONE: Final = re.compile(r"(?<![\w/-])\+?\(?\d[\d\s().-]{4,}\d")
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a part of a communication; `text` is the passage it is about, where there is one."""

    locale: str
    part: str
    code: str
    text: str = ""

    @property
    def grave(self) -> bool:
        """Whether the communication cannot be approved while it is so."""
        return self.code in GRAVE

    @property
    def advice(self) -> str:
        """What was found and what to do, in the language of the page."""
        sentence = str(GRAVE.get(self.code) or MILD[self.code])
        return sentence % {"text": self.text} if self.text else sentence

    @property
    def said(self) -> str:
        """The same after language and part."""
        language = locales.NAMES.get(self.locale, self.locale)
        return f"{language}: {LABELS[self.part]}. {self.advice}"


def lacking(
    catalog: Catalog, texts: Mapping[str, Mapping[str, str]], wanted: Sequence[str], known: Known, *,
    now: datetime,
) -> list[Finding]:  # fmt: skip
    """What is found in the communications of each language that somebody on the lists reads; `now` in UTC.

    A language that nobody has written lacks every part that is asked for.
    """
    found = (check(catalog, texts.get(locale, {}), locale, known, now=now) for locale in wanted)
    return [each for one in found for each in one]


def check(
    catalog: Catalog, parts: Mapping[str, str], locale: str, known: Known, *, now: datetime
) -> list[Finding]:
    """What is found in a communication in one language, what stands in the way of approval first."""
    told = _told(parts)
    found = [*_found(catalog, told, locale, known), *_plain(told, locale, now)]
    return sorted(found, key=lambda each: not each.grave)


def grave(catalog: Catalog, parts: Mapping[str, str], locale: str, known: Known) -> list[Finding]:
    """What stands in the way of approval, and nothing else."""
    return [each for each in _found(catalog, _told(parts), locale, known) if each.grave]


def _told(parts: Mapping[str, str]) -> dict[str, str]:
    return {part: parts.get(part, "").strip() for part in PARTS}


def _found(catalog: Catalog, told: Mapping[str, str], locale: str, known: Known) -> list[Finding]:
    return [
        *_empty(told, locale), *_brackets(told, locale), *_contact(told, locale), *_worded(told, locale),
        *_rights(told, locale, known), *_measures(told, locale, known, planned_heading(catalog, locale)),
        *_fields(told, locale, known), *_links(told, locale, known), *_period(told, locale, known),
    ]  # fmt: skip


def _empty(told: Mapping[str, str], locale: str) -> Iterator[Finding]:
    yield from (Finding(locale, part, "missing") for part in REQUIRED if not _written(told[part]))
    yield from (Finding(locale, part, "expected") for part in EXPECTED if not _written(told[part]))


def _written(text: str) -> bool:
    """Whether there is a letter or a figure in it; dashes and signs that nobody sees are no text."""
    return any(map(str.isalnum, text))


def _brackets(told: Mapping[str, str], locale: str) -> Iterator[Finding]:
    """Also half a pair of them, and braces that are no field, or stand where no field is filled in."""
    for part, text in told.items():
        if "[" in text or "]" in text:
            yield Finding(locale, part, "brackets")
        if any(sign in (text if part == "sender" else fields.without(text)) for sign in "{}"):
            yield Finding(locale, part, "braces")


def _contact(told: Mapping[str, str], locale: str) -> Iterator[Finding]:
    text = told["contact"]
    if not _written(text):
        return
    if not (_EMAIL.search(text) or _PHONE.search(text)):
        yield Finding(locale, "contact", "no_channel")
    if not _LETTERS.search(_PHONE.sub(" ", _EMAIL.sub(" ", _LINK.sub(" ", text)))):
        yield Finding(locale, "contact", "no_name")


def _worded(told: Mapping[str, str], locale: str) -> Iterator[Finding]:
    """Whether something is named that may happen, and something to do; and phrases that say nothing."""
    known = words.of(locale)
    if known is None:
        yield Finding(locale, "consequences", "unchecked")
        return
    for part, signs, code in (
        ("consequences", known.concrete, "hollow"), ("advice", known.advises, "no_advice"),
    ):  # fmt: skip
        text = words.folded(told[part])
        for phrase in known.hollow:
            text = text.replace(words.folded(phrase), " ")
        if _written(text) and not any(words.folded(sign) in text for sign in signs):
            yield Finding(locale, part, code)
    for part in BODY:
        text = words.folded(told[part])
        yield from (
            Finding(locale, part, "empty_phrase", phrase)
            for phrase in known.hollow
            if words.folded(phrase) in text
        )


def _rights(told: Mapping[str, str], locale: str, known: Known) -> Iterator[Finding]:
    names = [words.folded(each) for each in known.authority.names.values() if each]
    text = words.folded(told["rights"])
    if _written(text) and not any(each in text for each in names):
        yield Finding(locale, "rights", "no_authority")


def _measures(told: Mapping[str, str], locale: str, known: Known, heading: str) -> Iterator[Finding]:
    """Whether something is said to be done and to come, and the same as the authority was told."""
    measures, (done, planned) = known.measures, split(told["measures"], heading)
    if _written(told["measures"]) and not _written(planned):
        yield Finding(locale, "measures", "nothing_planned", heading)
    if measures is None:
        yield Finding(locale, "measures", "not_told_yet")
    elif measures.locale != locale:
        yield Finding(
            locale, "measures", "other_language", locales.NAMES.get(measures.locale, measures.locale)
        )
    else:
        listed = words.of(locale)
        nothing = tuple(listed.nothing) if listed else ()
        for each in differences(measures, done, planned, nothing=nothing):
            yield Finding(locale, "measures", each.code, each.text)


def _fields(told: Mapping[str, str], locale: str, known: Known) -> Iterator[Finding]:
    """Fields of a person's own that a text uses and that no list has; nothing while no list is there."""
    if known.fields is None:
        return
    for part, text in told.items():
        for name in fields.names(text):
            if name not in known.fields:
                yield Finding(locale, part, "no_such_field", name)


def _links(told: Mapping[str, str], locale: str, known: Known) -> Iterator[Finding]:
    """No link but to our own page and that of the authority, printed as people type it; none cut short."""
    for part, text in told.items():
        yield from (Finding(locale, part, "short_link", _plain_end(each)) for each in _SHORT.findall(text))
    fine = {_bare(each) for each in (known.page, known.authority.website) if each}
    for part in BODY:
        for link in _LINK.findall(told[part]):
            plain = _plain_end(link)
            if _bare(plain) not in fine and not _SHORT.fullmatch(plain):
                yield Finding(locale, part, "other_link", plain)


def _plain_end(link: str) -> str:
    """The link without the sign that ends the sentence."""
    return link.rstrip(".,;:!?")


def _bare(address: str) -> str:
    return re.sub(r"(?i)^https?://", "", address).rstrip("/").casefold()


def _period(told: Mapping[str, str], locale: str, known: Known) -> Iterator[Finding]:
    years = {str(each.year) for each in (known.first_day, known.last_day) if each}
    if _written(told["nature"]) and not all(each in told["nature"] for each in years):
        yield Finding(locale, "nature", "no_period")


def _plain(told: Mapping[str, str], locale: str, now: datetime) -> Iterator[Finding]:
    found = reading.read("\n\n".join(told[part] for part in BODY), locale, now=now)
    if found and found.enough and found.hard:
        part = next((each for each in BODY if found.longest in " ".join(told[each].split())), "nature")
        yield Finding(locale, part, "hard", found.longest)
    for part in ("subject", *BODY):
        hints: Any = jargon.hints(told[part], locale) or ()
        yield from (Finding(locale, part, "jargon", f"{each.word} → {each.instead}") for each in hints)
