"""Template, language and context in; the text of a message out. Whole documents per language.

A message is rendered once, when it is posted, and sent as rendered: what was approved is what goes,
whatever a later release makes of its templates. What a text may use stands in `rules.texts`.
"""

import hashlib
import json
import math
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_datetime
from flask import Flask, current_app
from flask_babel import force_locale
from jinja2 import Environment, StrictUndefined, TemplateNotFound, UndefinedError
from markupsafe import Markup, escape

from foundation import locales
from notifications.rules.texts import NEEDS

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
PLAIN = str.maketrans({
    "–": "-", "—": "-", "‐": "-", "‑": "-", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‘": "'", "’": "'",
    "…": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "·": "-", "•": "-", "×": "x",
})  # fmt: skip
LINK = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://\S*|\bwww\.\S+")
PARTS = {"sms": {"text": "sms.txt"}, "chat": {"text": "sms.txt"}, "voice": {"text": "voice.txt"}}
MAIL = {"subject": "subject.txt", "text": "txt", "html": "html"}
SHORT = {"en": "EEE d MMM HH:mm", "da": "EEE d. MMM HH.mm", "nb": "EEE d. MMM HH:mm", "sv": "EEE d MMM HH:mm"}


class Unrenderable(LookupError):
    """A message has no text: its template or what the template needs is missing."""


class NotTranslated(Unrenderable):
    """A message has no text in a language; nobody is written to in another one in silence."""


class Incomplete(Unrenderable):
    """A message was asked for without what its text needs; names it."""


def render(template: str, locale: str, channel: str, context: dict[str, Any]) -> dict[str, str]:
    """The content of a message: {"subject", "text", "html"} for e-mail, {"text"} for every other way.

    Chat services get what an SMS says. A call is read what is written for it, else the SMS without its
    links; its content has the "locale" besides, for whoever reads it out.

    `context` holds the names of `rules.texts`; "due_at" and other instants are ISO 8601 in UTC and are
    shown in "timezone". Raises: NotTranslated when the template lacks the language, Incomplete when the
    context lacks a name.
    """
    needs = NEEDS.get(template)
    if needs is None:
        raise Incomplete(f"{template} is no message we know: give it a line in notifications/rules/texts.py.")
    if missing := needs.missing(context):
        raise Incomplete(f"{template} cannot be written without {', '.join(missing)}.")
    full = dict.fromkeys(needs.optional, "") | {"reference": "", "token": ""} | context
    names = MAIL if channel == "email" else {"text": "sms.txt"}
    with force_locale(locale):
        if channel == "voice":
            return {"text": _read_out(f"messages/{template}/{locale}", full), "locale": locale}
        content = {
            part: _part(f"messages/{template}/{locale}.{suffix}", full) for part, suffix in names.items()
        }
    if "subject" in content:
        content["subject"] = one_line(content["subject"])
        if controller := one_line(str(full.get("controller", ""))):
            content["sender"] = controller  # people know who has their data, and not our name
    if channel == "sms":
        content["text"] = gsm(one_line(content["text"]))
    elif channel == "chat":
        content["text"] = one_line(content["text"])
    return content


def _read_out(name: str, context: dict[str, Any]) -> str:
    """What a call reads out: one line, without what only eyes can use."""
    try:
        told = _part(f"{name}.voice.txt", context)
    except NotTranslated:
        told = _part(f"{name}.sms.txt", context)
    return readable(told)


def spoken(key: str, locale: str, **known: str) -> str:
    """A sentence that a call says beside its message, from templates/messages/_voice.txt."""
    with force_locale(locale):
        words: Any = _environment().get_template("messages/_voice.txt").module
        return one_line(str(words.say(key, locale, **known)))


def spelled(text: str) -> str:
    """A number sign by sign, with a pause at each dash: "PM-2026-0012" is said "P M, 2 0 2 6, 0 0 1 2"."""
    return ", ".join(" ".join(part) for part in re.split(r"[\W_]+", one_line(text)) if part)


def readable(text: str) -> str:
    """Text as a voice can read it: one line, no link, nothing that is no sign."""
    return one_line("".join(each if each.isprintable() else " " for each in LINK.sub("", text)))


def _time_left(hours: object) -> str:
    """How long is left in hours, as a text message says it: "71 h left", under ten hours with minutes."""
    language, left = locales.current(), timedelta(hours=float(str(hours)))
    if not timedelta(hours=10) <= abs(left) < timedelta(hours=1000):
        return locales.remaining(left, language)
    words = locales.LATE if left < timedelta() else locales.LEFT
    return words[language].format(f"{int(abs(left).total_seconds() // 3600)} {locales.UNITS[language][1]}")


def _part(name: str, context: dict[str, Any]) -> str:
    public_url = current_app.config["SETTINGS"].public_url
    try:
        return _environment().get_template(name).render(public_url=public_url, **context).strip()
    except TemplateNotFound as missing:
        if missing.name != name:
            raise
        raise NotTranslated(f"{name} is missing: add the text in that language.") from None
    except UndefinedError as missing:
        raise Incomplete(f"{name}: {missing.message}.") from None


def _environment() -> Environment:
    """The app's own, but strict: a name that is not there is an error and no gap in a letter."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    found: Environment | None = app.extensions.get("messages")
    if found is None:
        found = app.jinja_env.overlay(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        found.filters = {
            **found.filters, "when": _when, "when_short": _when_short, "brief": brief, "parts": _parts,
            "lines": _lines, "spelled": spelled, "time_left": _time_left,
        }  # fmt: skip
        app.extensions["messages"] = found
    return found


# --- what texts may use -------------------------------------------------------------------------


def _when(at: str, zone: str) -> str:
    """An instant (ISO 8601) in words, in a zone."""
    return locales.instant(datetime.fromisoformat(at), zone, locales.current())


def _when_short(at: str, zone: str) -> str:
    """The same for SMS: day, month, local time."""
    language = locales.current()
    local = locales.local(datetime.fromisoformat(at), zone)
    return str(format_datetime(local, SHORT[language], locale=locales.REGIONAL[language]))


def brief(text: str, length: int) -> str:
    """Free text for SMS: one line, no links, no sign that makes it longer, `length` characters at most."""
    plain = gsm(one_line(without_links(text)))
    return plain if len(plain) <= length else plain[: length - 2].rstrip() + ".."


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _lines(text: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in text.strip().splitlines())


def one_line(text: str) -> str:
    """Text without line breaks, and so without what could become a header or a second paragraph."""
    return " ".join(text.split())


def without_links(text: str) -> str:
    """Free text with its links taken out, so that nobody can put one into our messages."""
    return LINK.sub("[link]", text)


def gsm(text: str) -> str:
    """Text in the alphabet of SMS where it has the signs or their like; one other sign halves a segment."""
    return "".join(_gsm_sign(sign) for sign in unicodedata.normalize("NFC", text).translate(PLAIN))


def _gsm_sign(sign: str) -> str:
    if sign in GSM_BASIC or sign in GSM_EXTENDED:
        return sign
    base = "".join(c for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c))
    return base if base and all(c in GSM_BASIC for c in base) else sign


def segments(text: str) -> int:
    """How many SMS segments a text takes (3GPP TS 23.038: 160/153 characters, 70/67 beyond GSM)."""
    if all(c in GSM_BASIC or c in GSM_EXTENDED for c in text):
        length = sum(2 if c in GSM_EXTENDED else 1 for c in text)
        return 1 if length <= 160 else math.ceil(length / 153)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else math.ceil(length / 67)


def fingerprint(content: dict[str, str]) -> str:
    """SHA-256 of a content: what an approval and a ledger entry name instead of the text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
