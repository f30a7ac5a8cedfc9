"""Letters on pages: set by typst from templates/letter_runs/run.typ, from JSON, and from nothing else.

Where an address stands follows from the window; what the window may show beside it is left empty.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import typst
from flask import current_app

from foundation import locales
from incident import drafting
from incident.drafting import Words
from incident.letter_runs.addresses import Line
from incident.letter_runs.letters import Letter, Run, Text
from incident.typesetting import line, paragraphs

FOLDER: Final = "letter_runs"
LETTERS: Final = "run"
SHEET: Final = "sheet"
STANDARDS: Final = ("ua-1", "a-2a")
GAP: Final = 4  # mm between what the window may show and anything else
MARGIN: Final = 20  # mm at both sides
_LONG: Final = re.compile(r"\S{30}")  # so many signs without a gap may have to be broken
_AGES: Final = 12  # typst forgets what it has not used in its last ten documents


@dataclass(frozen=True, slots=True)
class Addressed:
    """A letter with the lines of its address."""

    letter: Letter
    lines: tuple[Line, ...]

    @property
    def signs(self) -> str:
        """Everything that stands on it, to look for a sign."""
        own = (self.letter.opening, self.letter.reference, *(each.text for each in self.lines))
        return unicodedata.normalize("NFC", "\n".join((*own, _signs(self.letter.text))))


@dataclass(frozen=True, slots=True)
class Measured:
    """How a letter came out: pages, and how wide and high its address is against the window (mm).

    `sender` is how wide the line of the sender is.
    """

    pages: int
    widest: float
    room: float
    high: float
    height: float
    sender: float

    @property
    def fault(self) -> str:
        """Why the address does not fit the window, by its code; empty when it does."""
        if self.widest > self.room:
            return "too_wide"
        return "too_high" if self.high > self.height else ""


class Page:
    """A template with its data: asked for its marks and made a file without being set twice."""

    def __init__(self, template: str, told: Mapping[str, Any]) -> None:
        folder = Path(current_app.config["DATA"]) / "templates" / FOLDER
        self._compiler = typst.Compiler(
            str(folder / f"{template}.typ"), root=str(folder), ignore_system_fonts=True,
            sys_inputs={template: json.dumps(told, ensure_ascii=False)},
        )  # fmt: skip

    def measured(self) -> dict[int, Measured]:
        """Each letter by its number in the batch."""
        marks = json.loads(self._compiler.query("<told>", field="value"))
        return {mark.pop("letter"): Measured(**mark) for mark in marks}

    def pdf(self, run: Run) -> bytes:
        """The file; the same bytes for the same data. Raises: typst.TypstError for a sign no font has."""
        at = run.made_at.astimezone(UTC).replace(microsecond=0)
        made = self._compiler.compile(format="pdf", timestamp=at, pdf_standards=list(STANDARDS))
        if not isinstance(made, bytes):
            raise TypeError("A PDF is one file.")
        return made

    def pictures(self, *, ppi: float = 110) -> list[bytes]:
        """Each page as a PNG, to look at; the same page that is printed."""
        made = self._compiler.compile(format="png", ppi=ppi)
        return made if isinstance(made, list) else [made or b""]


def page_of(letters: Sequence[Addressed], run: Run, batch: int) -> Page:
    """The pages of a batch."""
    texts = list(dict.fromkeys(each.letter.text for each in letters))
    places = {text: number for number, text in enumerate(texts)}
    words = words_of(run.locale)
    told = {
        **_layout(run), "title": words.word("run", "title", number=run.number, batch=batch),
        "language": locales.choose(run.locale), "keywords": [line(run.number)], "batch": f"{batch:03d}",
        "duplex": run.duplex, "warning": words.word("run", "drill") if run.drill else "",
        "sender": {
            "name": line(run.sender.name), "lines": [line(each) for each in run.sender.lines],
            "contact": [line(each) for each in run.sender.contact],
            "return_line": return_line(run),
        },
        "long": any(map(_LONG.search, _written(letters, texts, run))),
        "texts": [_text(text, run) for text in texts],
        "letters": [
            {
                "number": number, "text": places[each.letter.text], "opening": line(each.letter.opening),
                "reference": line(each.letter.reference), "address": [asdict(one) for one in each.lines],
            }
            for number, each in enumerate(letters, start=1)
        ],
    }  # fmt: skip
    return Page(LETTERS, told)


def _written(letters: Sequence[Addressed], texts: Sequence[Text], run: Run) -> Iterator[str]:
    """Everything that stands on the letters but their addresses."""
    yield from (run.sender.name, *run.sender.lines, *run.sender.contact)
    yield from map(_signs, texts)
    for each in letters:
        yield from (each.letter.opening, each.letter.reference)


def _signs(text: Text) -> str:
    parts = [each for part in text.parts for each in (part.heading, part.text)]
    return "\n".join((text.subject, *parts, *text.closing))


def forget() -> None:
    """Have typst drop what it keeps of the pages of a batch, which grows with every batch otherwise."""
    for _age in range(_AGES):
        typst.compile(b"", format="svg", ignore_system_fonts=True)


def return_line(run: Run) -> str:
    """The sender as the one small line above an address."""
    return " · ".join(line(each) for each in (run.sender.name, *run.sender.lines))


def _layout(run: Run) -> dict[str, Any]:
    """Where everything stands: what may be seen through the window is the address's alone."""
    window = run.window
    left = window.seen.right + GAP if window.side == "left" else MARGIN
    right = window.paper_width - MARGIN if window.side == "left" else window.seen.x - GAP
    return {
        "safe": asdict(window.safe), "body": window.seen.bottom + GAP,
        "aside": {"x": left, "width": right - left}, "folds": list(window.folds),
        "return_line": window.return_line,
    }  # fmt: skip


def _text(text: Text, run: Run) -> dict[str, Any]:
    words = words_of(text.language)
    return {
        "language": locales.choose(text.language), "subject": line(text.subject),
        "parts": [
            {"heading": line(each.heading), "paragraphs": paragraphs(each.text)} for each in text.parts
        ],
        "closing": [line(each) for each in text.closing], "page": words.word("run", "page"),
        "reference_label": words.word("run", "reference"), "date_label": words.word("run", "date"),
        "date": locales.date_of(run.day, text.language),
    }  # fmt: skip


def words_of(locale: str) -> Words:
    """The words of letters and sheets in a language."""
    return drafting.words_over(FOLDER, "run", locales.choose(locale))
