"""Whether people are told the same measures as the authority: nothing left out, nothing added, nothing moved.

Compared are words, not layout: lines, bullets, capitals and the stop at the end may differ. A text in
another language than the notification cannot be compared by a machine, and nothing here pretends to.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from incident.communication_texts import words

Told = Literal["left_out", "added", "moved"]
DONE: Final = "measures.containment_description"
LATER: Final = "measures.further_actions"
EITHER: Final = "measures.prevention_description"
_BULLET: Final = re.compile(r"^\s*(?:[-–—•*·]|\d{1,2}[.)])\s+")
_FOUND: Final = "\0"


@dataclass(frozen=True, slots=True)
class Measures:
    """What an authority was told, in the words and the language (`locale`) of the notification.

    `either` holds what prevents another breach: the form does not ask whether it is done or planned.
    """

    locale: str
    done: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    either: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure or other text that differs, and in which part of the communication: "done" or "planned"."""

    code: Told
    part: str
    text: str


def of_notification(answers: Mapping[str, object], *, planned_heading: str, locale: str) -> Measures:
    """The measures of a notification by the paths of its answers.

    `planned_heading` is the line below which its description holds what is planned ("Planned:").
    """
    done, later = list[str](), list(items(str(answers.get(LATER) or "")))
    into = done
    for item in items(str(answers.get(DONE) or "")):
        if _heading(item) == _heading(planned_heading):
            into = later
        else:
            into.append(item)
    either = items(str(answers.get(EITHER) or ""))
    return Measures(locale, tuple(dict.fromkeys(done)), tuple(dict.fromkeys(later)), tuple(either))


def split(text: str, planned_heading: str) -> tuple[str, str]:
    """What was done and what is planned, of a text in which a line of its own begins the latter."""
    lines = text.splitlines()
    wanted = _heading(planned_heading)
    at = next((number for number, each in enumerate(lines) if _heading(each) == wanted), None)
    if at is None:
        return text.strip(), ""
    return "\n".join(lines[:at]).strip(), "\n".join(lines[at + 1 :]).strip()


def joined(done: str, planned: str, planned_heading: str) -> str:
    """The other way: one text, in which the planned stands below its heading."""
    return f"{done}\n\n{planned_heading}\n{planned}".strip() if planned else done


def _heading(text: str) -> str:
    return words.folded(text).rstrip(" :?.")


def items(text: str) -> tuple[str, ...]:
    """The measures of a text, one a line, without bullets and numbers before them."""
    lines = (_BULLET.sub("", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def differences(
    told: Measures, done: str, planned: str, *, nothing: tuple[str, ...] = ()
) -> list[Difference]:
    """Where the two parts of a communication say other than the authority was told; both in one language.

    `nothing` are phrases that say that no more is planned, and so are no measure.
    """
    texts = {"done": _plain(done), "planned": _plain(planned)}
    wanted = [("done", each) for each in told.done] + [("planned", each) for each in told.planned]
    wanted += [("either", each) for each in told.either]
    found = []
    for part, measure in sorted(wanted, key=lambda each: -len(each[1])):
        places = ("done", "planned") if part == "either" else (part, *({"done", "planned"} - {part}))
        place = next((each for each in places if _has(texts[each], measure)), None)
        if place is None:
            found.append(Difference("left_out", "done" if part == "either" else part, measure))
            continue
        texts[place] = _pattern(measure).sub(_FOUND, texts[place])
        if part not in (place, "either"):
            found.append(Difference("moved", place, measure))
    return [*found, *_added(texts, nothing)]


def _added(texts: Mapping[str, str], nothing: tuple[str, ...]) -> Iterator[Difference]:
    for part, text in texts.items():
        for rest in text.split(_FOUND):
            said = rest.strip(" .,;:–-•")
            if said and not any(words.folded(each) in said for each in nothing):
                yield Difference("added", part, said)


def _plain(text: str) -> str:
    return words.folded(text).replace(_FOUND, "")


def _has(text: str, measure: str) -> bool:
    return _pattern(measure).search(text) is not None


def _pattern(measure: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(_plain(measure).rstrip('. '))}(?!\w)")
