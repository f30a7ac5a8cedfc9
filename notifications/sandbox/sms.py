"""What Twilio looks at before it takes a message, what a number may be, and how long a text is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import phonenumbers

from notifications.sandbox.config import SANDBOX_NUMBER

LONGEST_BODY = 1600
LONGEST_VALIDITY = 36_000
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = set("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Refused:
    """Twilio's error: its code (twilio.com/docs/api/errors) and what it says."""

    code: int
    message: str
    status: int = 400


def is_number(text: str) -> bool:
    """Whether it is written as E.164 and as long as numbers of its country may be."""
    if not E164.fullmatch(text):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def segments(text: str) -> int:
    """Number of SMS segments: GSM 03.38 where every character has its place there, else UCS-2."""
    if all(character in GSM or character in GSM_DOUBLE for character in text):
        length, one, each = len(text) + sum(character in GSM_DOUBLE for character in text), 160, 153
    else:
        length, one, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= one else -(-length // each)


def faults_of(form: Mapping[str, str]) -> Refused | None:
    """The first reason for which Twilio would not take this message."""
    recipient, sender, body = (form.get(name, "").strip() for name in ("To", "From", "Body"))
    if not recipient:
        return Refused(21604, "A 'To' phone number is required.")
    if not sender and not form.get("MessagingServiceSid"):
        return Refused(21603, "A 'From' phone number is required.")
    if not body and not form.get("MediaUrl") and not form.get("ContentSid"):
        return Refused(21602, "Message body is required.")
    if not is_number(recipient):
        return Refused(21211, f"The 'To' number {recipient} is not a valid phone number.")
    if sender and sender != SANDBOX_NUMBER:
        return Refused(21606, f"The 'From' number must be {SANDBOX_NUMBER}, the sandbox's only one.")
    if len(body) > LONGEST_BODY:
        return Refused(21617, f"The concatenated message body exceeds the {LONGEST_BODY} character limit.")
    return _faults_of_options(form)


def _faults_of_options(form: Mapping[str, str]) -> Refused | None:
    callback = form.get("StatusCallback", "")
    if callback and (urlsplit(callback).scheme not in {"http", "https"} or not urlsplit(callback).netloc):
        return Refused(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
    validity = form.get("ValidityPeriod", "1")
    if not validity.isascii() or not validity.isdigit() or not 1 <= int(validity) <= LONGEST_VALIDITY:
        return Refused(20001, f"'ValidityPeriod' must be from 1 to {LONGEST_VALIDITY} seconds.")
    return None
