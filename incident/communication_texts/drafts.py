"""What is known of a breach, as the parts of a communication in one language, and the parts as one document.

A draft says only what is known, in words of the reader's language. What a person told stays as it was
told: in another language it stands in [brackets] to be put into the reader's, and nobody translates it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from foundation import locales
from incident.communication_texts import measures as told_measures
from incident.communication_texts.catalog import ADVISED, GENERAL, LOSSES, Catalog
from incident.communication_texts.measures import Measures
from notifications.rendering import one_line

PARTS: Final = (
    "subject", "nature", "data", "consequences", "measures", "advice", "rights", "contact", "sender",
)  # fmt: skip
BODY: Final = ("nature", "data", "consequences", "measures", "advice", "rights")
ONE_LINE: Final = frozenset({"subject", "contact", "sender"})
MARKS: Final = str.maketrans({"⟦": "[", "⟧": "]"})  # a mark for a person's own value is never typed
LONGEST: Final = 4000
LONGEST_LINE: Final = 150


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers questions (GDPR art. 33(3)(b)); `officer` where that is the data protection officer."""

    name: str = ""
    phone: str = ""
    email: str = ""
    officer: bool = False


@dataclass(frozen=True, slots=True)
class Authority:
    """To whom people can complain: its name by language, its page, and the day on which it was told."""

    names: Mapping[str, str] = field(default_factory=dict)
    website: str = ""
    told_on: date | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a communication is drafted from and checked against; days are those of the organisation's zone.

    `data`, `not_affected`, `consequences` and `losses` are codes of the facts; `processor` is where it
    happened, or empty; `page` is the address of our own page on the matter; `measures` what the authority
    was told.
    """

    controller: str
    processor: str = ""
    first_day: date | None = None
    last_day: date | None = None
    data: tuple[str, ...] = ()
    not_affected: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    measures: Measures | None = None
    contact: Contact = field(default_factory=Contact)
    authority: Authority = field(default_factory=Authority)
    page: str = ""
    fields: frozenset[str] | None = None  # of people's own, that the lists have; None before there is one


def draft(catalog: Catalog, kind: str, locale: str, known: Known) -> dict[str, str]:
    """The parts of a communication of a kind of breach in one language, as far as they are known."""
    return {
        "subject": catalog.text(kind, locale, "subject"),
        "nature": _nature(catalog, kind, locale, known),
        "data": _data(catalog, locale, known),
        "consequences": _consequences(catalog, kind, locale, known),
        "measures": measures_of(catalog, locale, known.measures),
        "advice": _advice(catalog, kind, locale, known),
        "rights": _rights(catalog, locale, known.authority),
        "contact": _contact(catalog, locale, known.contact),
        "sender": known.controller,
    }


def _nature(catalog: Catalog, kind: str, locale: str, known: Known) -> str:
    where = catalog.shared(locale, "ours")
    if known.processor:
        where = catalog.shared(locale, "processor", name=known.processor)
    said = catalog.text(kind, locale, "nature", when=_when(catalog, locale, known), where=where)
    said = f"{said} {catalog.shared(locale, 'sorry')}"
    lost = [catalog.shared(locale, f"losses.{each}") for each in LOSSES if each in known.losses]
    if kind == GENERAL and lost:
        return f"{said}\n\n{' '.join(lost)}"
    return f"{said}\n\n{catalog.shared(locale, 'nature_open')}"


def _when(catalog: Catalog, locale: str, known: Known) -> str:
    days = sorted({each for each in (known.first_day, known.last_day) if each})
    if not days:
        return catalog.shared(locale, "lately")
    said = [day_in(locale, each) for each in days]
    if len(said) == 1:
        return catalog.shared(locale, "since", start=said[0])
    return catalog.shared(locale, "period", start=said[0], end=said[1])


def day_in(locale: str, day: date) -> str:
    """A day in full as a language writes it; ISO 8601 for a language that nobody knows here."""
    try:
        return str(format_date(day, "long", locale=Locale.parse(locales.REGIONAL.get(locale, locale))))
    except (UnknownLocaleError, ValueError):
        return day.isoformat()


def _data(catalog: Catalog, locale: str, known: Known) -> str:
    kinds = [each for each in known.data if each not in ("unspecified", "other")]
    said = [
        catalog.shared(locale, "data", data=catalog.data(locale, kinds)) if kinds
        else catalog.shared(locale, "data_open"),
    ]  # fmt: skip
    if known.not_affected:
        said.append(catalog.shared(locale, "not_affected", data=catalog.data(locale, known.not_affected)))
    return "\n\n".join(said)


def _consequences(catalog: Catalog, kind: str, locale: str, known: Known) -> str:
    codes = [each for each in known.consequences if each != "other"]
    said = [catalog.text(kind, locale, "consequences")]
    said += [catalog.shared(locale, f"consequences.{each}") for each in codes]
    return "\n\n".join(said if codes else [*said, catalog.shared(locale, "consequences_open")])


def measures_of(catalog: Catalog, locale: str, told: Measures | None) -> str:
    """What the authority was told, as a text to people: what was done, and below a heading what is planned.

    In another language than the notification it stands in [brackets], for a person to write in their own.
    """
    done, planned = (_measures(catalog, locale, told, part) for part in ("done", "planned"))
    return told_measures.joined(done, planned, planned_heading(catalog, locale))


def planned_heading(catalog: Catalog, locale: str) -> str:
    """The line below which the measures of a text are those that are planned."""
    return catalog.shared(locale, "headings.planned")


def _measures(catalog: Catalog, locale: str, told: Measures | None, part: str) -> str:
    found = () if told is None else told.done if part == "done" else told.planned
    if part == "done" and told is not None:
        found = (*found, *told.either)
    if told is None or not found:
        return catalog.shared(locale, f"{part}_open")
    if told.locale != locale:
        return catalog.shared(locale, f"{part}_translate", measures=" / ".join(found))
    return "\n".join(f"– {each}" for each in found)


def _advice(catalog: Catalog, kind: str, locale: str, known: Known) -> str:
    said = [catalog.text(kind, locale, "advice")]
    said += [catalog.shared(locale, f"advice.{each}") for each in ADVISED if each in known.data]
    if kind == "credentials":  # its own advice says it in more words
        own = catalog.shared(locale, "advice.login_credentials")
        said = [each for each in said if each != own]
    return "\n\n".join(dict.fromkeys([*said, catalog.shared(locale, "wary")]))


def _rights(catalog: Catalog, locale: str, authority: Authority) -> str:
    name = authority.names.get(locale, "")
    if not name:
        return catalog.shared(locale, "rights_open")
    website = f", {_bare(authority.website)}" if authority.website else ""
    said = [catalog.shared(locale, "rights", authority=name, website=website)]
    if authority.told_on is not None:
        day = day_in(locale, authority.told_on)
        said.insert(0, catalog.shared(locale, "told", authority=name, day=day))
    return " ".join(said)


def _bare(address: str) -> str:
    """An address as people type it: "www.imy.se"."""
    return address.removeprefix("https://").removeprefix("http://").rstrip("/")


def _contact(catalog: Catalog, locale: str, contact: Contact) -> str:
    if not contact.name or not (contact.phone or contact.email):
        return catalog.shared(locale, "contact_open")
    role = catalog.shared(locale, "officer") if contact.officer else ""
    return ", ".join(filter(None, (contact.name, role, contact.phone, contact.email)))


def cleaned(parts: Mapping[str, str]) -> dict[str, str]:
    """What a person wrote, as it is kept: our parts only, no control signs, no marks, cut to length."""
    found = {}
    for part in PARTS:
        text = parts.get(part, "").replace("\r\n", "\n").translate(MARKS)
        text = "".join(sign for sign in text if sign == "\n" or sign.isprintable())
        if part in ONE_LINE:
            text = one_line(text)[:LONGEST_LINE]
        found[part] = "\n".join(line.rstrip() for line in text.split("\n")).strip()[:LONGEST]
    return found


# --- the whole of it ----------------------------------------------------------------------------


def paragraphs(
    catalog: Catalog, parts: Mapping[str, str], locale: str, *, check: Mapping[str, str] | None = None
) -> list[list[str]]:
    """The body of a text as headings and texts; empty parts leave none. What is planned has its own heading.

    `check` has the address of our own page ("page") and the "code" to type there, and ends the body.
    """
    done, planned = told_measures.split(parts.get("measures", ""), planned_heading(catalog, locale))
    said = {**parts, "done": done, "planned": planned}
    order = ("nature", "data", "consequences", "done", "planned", "advice", "rights")
    told = [(each, said.get(each, "")) for each in order]
    if check is not None:
        told.append(("check", catalog.shared(locale, "check", **check)))
    return [[catalog.shared(locale, f"headings.{each}"), text] for each, text in told if text.strip()]


def context(
    catalog: Catalog, parts: Mapping[str, str], locale: str, name: str, *,
    check: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What the message "subject_notice" is rendered from for one person.

    Keys: name, subject, paragraphs (heading and text), contact, controller; the reference is added when the
    message is posted.
    """
    return {
        "name": name,
        "subject": parts.get("subject", ""),
        "paragraphs": paragraphs(catalog, parts, locale, check=check),
        "contact": parts.get("contact", ""),
        "controller": parts.get("sender", ""),
    }


def greeting(catalog: Catalog, locale: str, name: str) -> str:
    """How a letter begins: by name, or as to somebody whose name nobody knows."""
    return (
        catalog.shared(locale, "greeting", name=name) if name else catalog.shared(locale, "greeting_unnamed")
    )


def document(catalog: Catalog, parts: Mapping[str, str], locale: str, name: str) -> str:
    """The whole text for one person as it is read, for checks and letters."""
    said = context(catalog, parts, locale, name)
    told = [f"{heading}\n{text}" for heading, text in said["paragraphs"]]
    contact = f"{catalog.shared(locale, 'headings.contact')}\n{said['contact']}"
    bye = f"{catalog.shared(locale, 'bye')}\n{said['controller']}"
    return "\n\n".join([said["subject"], greeting(catalog, locale, name), *told, contact, bye])
