"""What goes out: the text of one language by e-mail, text message and letter, with marks for each person.

Rendered once for a language, however many people read it. The marks ⟦dear⟧, ⟦name⟧, ⟦code⟧ and
⟦field:…⟧ stand for what is a person's own; in HTML they are ⟦dear.html⟧ and so on, and values are escaped.
"""

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import current_app

from incident.communication_texts import drafts, segments
from incident.communication_texts import fields as own
from incident.communication_texts.catalog import Catalog
from incident.communication_texts.fields import CODE, DEAR, NAME, PREFIX, Named, mark
from notifications import rendering
from notifications.rules import filling

TEMPLATE: Final = "subject_notice"
_STAND_IN: Final = "0CODE0"  # stands for the code while a text message is made of signs that it can have
_LETTER: Final = frozenset({"opening", "parts", "closing", "reference"})
LONGEST_CODE: Final = "XXXXX-XXXXX-XXXXX-XXXXX"  # no code is longer, so no message has more segments


class Unwritable(ValueError):
    """A text uses a field that no list has; names it."""


def catalog() -> Catalog:
    """The texts that are shipped, with what was added to them."""
    return Catalog(Path(current_app.config["DATA"]) / "templates")


def wire(
    texts_of_one_locale: Mapping[str, str], *, locale: str, check_url: str, fields: Collection[str]
) -> dict[str, dict[str, str]]:  # fmt: skip
    """The content of each channel: "email" (subject, text, html, sender), "sms" (text), "letter".

    `check_url` is the page where people see that it is genuine, our own or the organisation's; it may hold
    ⟦code⟧, and it is the one link of a text message. Empty, the contact is named instead. `fields` are those
    that the lists have. A letter has "subject", "opening", "parts" (JSON: headings and texts), "closing"
    and "reference". Raises: Unwritable, rendering.NotTranslated.
    """
    said = _said(texts_of_one_locale, fields)
    typed = check_url.removesuffix(f"/{mark(CODE)}")  # the page asks for the code: nobody types it twice
    check = {"page": typed, "code": mark(CODE)} if check_url else None
    context = drafts.context(catalog(), said, locale, "", check=check)
    context |= {"dear": mark(DEAR), "reference": mark(CODE), "check_url": check_url}
    email = rendering.render(TEMPLATE, locale, "email", context)
    email["html"] = own.for_html(email["html"])
    return {
        "email": email, "sms": {"text": _sms(context, locale, check_url)}, "letter": _letter(context, locale)
    }  # fmt: skip


def _said(texts: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    cleaned = drafts.cleaned(texts)
    unknown = sorted(own.fields_used({"": cleaned}) - set(known))
    if unknown:
        raise Unwritable(f"No list has {', '.join(unknown)}: add it to a list, or take it out of the text.")
    return {part: own.marked(text) for part, text in cleaned.items()}


def _sms(context: Mapping[str, object], locale: str, check_url: str) -> str:
    """The text message: that something concerns the reader and where to read it; nothing of the reader's.

    The code stands in it once: in the link where that has it, else at the end.
    """
    plain = {
        **context, "contact": own.unmarked(str(context["contact"])),
        "controller": own.unmarked(str(context["controller"])), "reference": _STAND_IN,
        "check_url": check_url.replace(mark(CODE), _STAND_IN),
    }  # fmt: skip
    text = rendering.render(TEMPLATE, locale, "sms", plain)["text"]
    return text.replace(_STAND_IN, mark(CODE))


def _letter(context: Mapping[str, object], locale: str) -> dict[str, str]:
    texts = catalog()
    contact = [texts.shared(locale, "headings.contact"), str(context["contact"])]
    paragraphs = context["paragraphs"]
    body = [*paragraphs, contact] if isinstance(paragraphs, list) else [contact]
    return {
        "subject": str(context["subject"]), "opening": mark(DEAR), "reference": mark(CODE),
        "parts": json.dumps(body, ensure_ascii=False),
        "closing": f"{texts.shared(locale, 'bye')}\n{context['controller']}",
    }  # fmt: skip


def values(contact: Named, locale: str, code: str) -> Mapping[str, str]:
    """What the marks stand for, for one person: plain text, to be escaped where it goes into HTML."""
    name = own.value(contact.name)
    told = {f"{PREFIX}{key.removeprefix(PREFIX)}": own.value(text) for key, text in contact.fields.items()}
    return {**told, NAME: name, DEAR: greeting(locale, name), CODE: own.value(code)}


def greeting(locale: str, name: str) -> str:
    """How a letter to this person begins; the name may be empty."""
    named, unnamed = _greetings(Path(current_app.config["DATA"]) / "templates", locale)
    return named.replace("{name}", name) if name else unnamed


@lru_cache(maxsize=64)
def _greetings(templates: Path, locale: str) -> tuple[str, str]:
    texts = Catalog(templates)
    return texts.shared(locale, "greeting"), texts.shared(locale, "greeting_unnamed")


def filled(content: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """The content of a channel for one person: a message as it is handed over, a letter as it is printed.

    Raises: notifications.rules.filling.Unfillable, also for a missing value.
    """
    done = filling.filled(content, told)
    return {part: _on_paper(text, told, part) if part in _LETTER else text for part, text in done.items()}


def _on_paper(text: str, told: Mapping[str, str], part: str) -> str:
    """A part that letters alone have; the paragraphs are JSON."""
    if missing := filling.lacking(own.marks(text), told):
        raise filling.Unfillable(f"There is no value for {', '.join(missing)}")
    as_json = part == "parts"
    return own.each_mark(
        text, lambda name: json.dumps(told[name], ensure_ascii=False)[1:-1] if as_json else told[name]
    )


def shown(
    content: Mapping[str, Mapping[str, str]], person: Named, locale: str, code: str
) -> dict[str, dict[str, str]]:
    """The content of every channel as one person gets it, for a look at it.

    A field that their row lacks is shown in [brackets].
    """
    told = {**_lacking(content), **values(person, locale, code)}
    return {channel: filled(each, told) for channel, each in content.items()}


def _lacking(content: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    used = {name for each in content.values() for text in each.values() for name in own.marks(text)}
    return {name: f"[{name.removeprefix(PREFIX)}]" for name in used}


def counted(content: Mapping[str, str]) -> segments.Segments:
    """How many messages a text message takes at most, with the longest code that there is."""
    return segments.of(content["text"].replace(mark(CODE), LONGEST_CODE))
