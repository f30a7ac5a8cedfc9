"""Template, language and context in; the text of a message out. Whole documents per language.

A message is rendered once, when it is posted, and sent as rendered: what was approved is what goes,
whatever a later release makes of its templates.
"""

import hashlib
import json
import math
import re
from typing import Any

from flask import current_app, render_template
from jinja2 import TemplateNotFound

from foundation import locales

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")


class NotTranslated(LookupError):
    """A message has no text in a language; nobody is written to in another one in silence."""


def render(template: str, locale: str, channel: str, context: dict[str, Any]) -> dict[str, str]:
    """The content of a message: {"text"} for SMS, {"subject", "text", "html"} for e-mail.

    `context` holds plain values; "due_at" and other instants are ISO 8601 in UTC and are shown in
    "timezone". Raises: NotTranslated when the template lacks the language.
    """
    names = (
        {"text": "sms.txt"} if channel == "sms" else {"subject": "subject.txt", "text": "txt", "html": "html"}
    )
    with locales.using(locale):
        content = {
            part: _part(f"messages/{template}/{locale}.{suffix}", context) for part, suffix in names.items()
        }
    if "subject" in content:
        content["subject"] = " ".join(content["subject"].split())
    return content


def _part(name: str, context: dict[str, Any]) -> str:
    try:
        return render_template(name, public_url=current_app.config["SETTINGS"].public_url, **context).strip()
    except TemplateNotFound as missing:
        if missing.name != name:
            raise
        raise NotTranslated(f"{name} is missing: add the text in that language.") from None


def fingerprint(content: dict[str, str]) -> str:
    """SHA-256 of a content: what an approval and a ledger entry name instead of the text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def segments(text: str) -> int:
    """How many SMS segments a text takes (3GPP TS 23.038: 160/153 characters, 70/67 beyond GSM)."""
    if all(c in GSM_BASIC or c in GSM_EXTENDED for c in text):
        length = sum(2 if c in GSM_EXTENDED else 1 for c in text)
        return 1 if length <= 160 else math.ceil(length / 153)  # noqa: PLR2004
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else math.ceil(length / 67)  # noqa: PLR2004


def without_links(text: str) -> str:
    """Free text with its links taken out, so that nobody can put one into our messages."""
    return re.sub(r"(?i)\b(?:https?|ftp)://\S+|\bwww\.\S+", "[…]", text)
