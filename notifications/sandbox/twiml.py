"""What a telephone call is told to do: the verbs of a TwiML document, as far as a page needs them."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

MOST_NESTED = 20


class Unreadable(ValueError):
    """The document cannot be followed; says why, as a log of the provider would."""


@dataclass(frozen=True, slots=True)
class Say:
    """Words to speak, and the language they are spoken in."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Gather:
    """Wait for keys, speaking meanwhile; `timeout` in seconds after the last key or word."""

    spoken: tuple["Say | Pause", ...] = ()
    most: int | None = None
    finish: str = "#"
    timeout: float = 5.0
    action: str = ""
    when_empty: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = Say | Pause | Gather | Redirect | Hangup


def texts_of(twiml: str) -> list[str]:
    """The text messages a TwiML answer asks for; nothing when it is none."""
    try:
        root = _root(twiml)
    except Unreadable:
        return []
    found = ["".join(each.itertext()).strip() for each in root.iter("Message")]
    return [text for text in found if text]


def verbs_of(twiml: str) -> list[Verb]:
    """What a call does, in order. Raises Unreadable where the provider would stop, or we."""
    root = _root(twiml)
    if root.tag != "Response":
        raise Unreadable(f"12100: the document is a {root.tag}, not a Response.")
    return [_verb(each) for each in root]


def _root(twiml: str) -> ET.Element:
    if "<!" in twiml.replace("<!--", ""):  # a document type could hold entities that grow without end
        raise Unreadable("12100: the document has a document type.")
    try:
        return ET.fromstring(twiml.strip())  # noqa: S314  no document type, hence no entities
    except ET.ParseError as wrong:
        raise Unreadable(f"12100: the document cannot be read: {wrong}") from wrong


def _verb(each: ET.Element) -> Verb:
    match each.tag:
        case "Say":
            return _say(each)
        case "Pause":
            return _pause(each)
        case "Gather":
            return _gather(each)
        case "Redirect":
            _post_only(each)
            return Redirect((each.text or "").strip())
        case "Hangup":
            return Hangup()
        case _:
            raise Unreadable(f"12200: <{each.tag}> is no verb that this sandbox knows.")


def _say(each: ET.Element) -> Say:
    text = " ".join("".join(each.itertext()).split())
    if not text:
        raise Unreadable("13520: <Say> has nothing to say.")
    return Say(text, each.get("language", ""))


def _pause(each: ET.Element) -> Pause:
    return Pause(_number(each, "length", 1.0))


def _gather(each: ET.Element) -> Gather:
    _post_only(each)
    readers: dict[str, Callable[[ET.Element], Say | Pause]] = {"Say": _say, "Pause": _pause}
    if strange := [inner.tag for inner in each if inner.tag not in readers]:
        raise Unreadable(f"12200: <{strange[0]}> cannot stand inside <Gather>.")
    if len(each) > MOST_NESTED:
        raise Unreadable(f"12200: <Gather> holds more than {MOST_NESTED} verbs.")
    most = _number(each, "numDigits", 0.0)
    finish = each.get("finishOnKey", "#")
    if finish and (len(finish) != 1 or finish not in "0123456789#*"):
        raise Unreadable(f"13312: finishOnKey is {finish!r}, not one key.")
    return Gather(
        tuple(readers[inner.tag](inner) for inner in each),
        int(most) or None,
        finish,
        _number(each, "timeout", 5.0),
        each.get("action", ""),
        each.get("actionOnEmptyResult", "false").lower() == "true",
    )


def _post_only(each: ET.Element) -> None:
    if each.get("method", "POST").upper() != "POST":
        raise Unreadable(f"<{each.tag}> asks for {each.get('method')}; this sandbox only posts.")


def _number(each: ET.Element, name: str, usual: float) -> float:
    value = each.get(name)
    if value is None:
        return usual
    if not value.isascii() or not value.isdigit():
        raise Unreadable(f"12200: {name} of <{each.tag}> is {value!r}, not a whole number.")
    return float(value)
