"""The address sheet of a batch, as CSV and as PDF, and the manifest of a run, which names nobody."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, Final

import rfc8785

from foundation import locales
from incident.letter_runs.addresses import Line
from incident.letter_runs.letters import Batch, Fault, File, Printed, Run
from incident.letter_runs.setting import SHEET, Addressed, Page, words_of
from incident.spreadsheets import harmless
from incident.typesetting import line

COLUMNS: Final = ("number", "reference", "name", "address", "country", "pages", "sheets")
SCHEMA: Final = 1
Rows = Sequence[tuple[Printed, Addressed]]


def as_csv(rows: Rows, run: Run, batch: int) -> bytes:
    """One row for each letter: UTF-8 with a mark, semicolons, and nothing that a spreadsheet would run."""
    words = words_of(run.locale)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([words.word("run_columns", key) for key in COLUMNS])
    for row in rows:
        writer.writerow([harmless(cell) for cell in _cells(*row, run, batch)])
    return out.getvalue().encode("utf-8-sig")


def _cells(printed: Printed, addressed: Addressed, run: Run, batch: int) -> list[str]:
    address = addressed.letter.address
    return [
        f"{batch:03d}-{printed.number}", line(addressed.letter.reference), line(address.name),
        _rest(addressed.lines), (address.country.strip() or run.country).upper(),
        str(printed.pages), str(printed.sheets),
    ]  # fmt: skip


def _rest(lines: Sequence[Line]) -> str:
    """All of an address but the name, as one line."""
    return ", ".join(each.text for each in lines[1:])


def as_pdf(rows: Rows, file: File, run: Run, batch: int) -> bytes:
    """The same for a printer's desk, with the count, the hash of the letters, the envelope and the folds."""
    words = words_of(run.locale)
    title = words.word("run_sheet", "title", batch=batch, number=run.number)
    told = {
        "title": title, "organisation": line(run.sender.name), "language": locales.choose(run.locale),
        "page": words.word("run", "page"), "keep": words.word("run_sheet", "keep"),
        "columns": [words.word("run_columns", key) for key in COLUMNS],
        "about": [
            {"label": words.word("run_sheet", key), "value": value} for key, value in _about(rows, file, run)
        ],
        "rows": [_cells(*row, run, batch) for row in rows],
    }  # fmt: skip
    return Page(SHEET, told).pdf(run)


def _about(rows: Rows, file: File, run: Run) -> list[tuple[str, str]]:
    words, window = words_of(run.locale), run.window
    measures = {key: _mm(getattr(window, key)) for key in ("width", "height", "left", "top")}
    return [
        ("count", str(len(rows))),
        ("sheets", str(sum(printed.sheets for printed, _addressed in rows))),
        ("file", file.name),
        ("hash", file.sha256),
        ("envelope", words.word("run_sheet", "window", envelope=window.envelope, **measures)),
        ("paper", words.word("run_sheet", "duplex" if run.duplex else "simplex")),
        ("folds", ", ".join(f"{_mm(fold)} mm" for fold in window.folds)),
    ]


def _mm(length: float) -> str:
    return f"{length:g}"


class Manifest:
    """What a run was made of, gathered batch by batch; holds counts and hashes and nobody's name."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._batches: list[dict[str, Any]] = []
        self._faults: Counter[str] = Counter()

    def add(self, made: Batch | Fault) -> None:
        """Count a batch, or a letter that was left out."""
        if isinstance(made, Fault):
            self._faults[made.code] += 1
            return
        self._batches.append({
            "number": made.number, "letters": len(made.letters), "pages": made.pages, "sheets": made.sheets,
            "files": [each.told for each in made.files],
        })  # fmt: skip

    @property
    def letters(self) -> int:
        """How many letters are in all batches."""
        return sum(each["letters"] for each in self._batches)

    def json_bytes(self) -> bytes:
        """The manifest as canonical JSON (RFC 8785, UTF-8): the same bytes for the same run."""
        return rfc8785.dumps(self.told())

    def told(self) -> dict[str, Any]:
        """The same as a document."""
        run, window = self._run, self._run.window
        return {
            "schema": SCHEMA, "incident": run.number, "date": run.day.isoformat(), "drill": run.drill,
            "made_at": run.made_at.astimezone(UTC).isoformat(timespec="seconds"), "letters": self.letters,
            "sheets": sum(each["sheets"] for each in self._batches), "batches": self._batches,
            "left_out": dict(self._faults), "paper": "A4", "duplex": run.duplex,
            "envelope": {
                "key": window.key, "name": window.envelope, "window_mm": [
                    window.left, window.top, window.width, window.height,
                ], "folds_mm": list(window.folds), "source": window.source, "certainty": window.certainty,
                "checked": window.checked.isoformat(),
            },
        }  # fmt: skip


def manifest(made: Iterable[Batch | Fault], run: Run) -> bytes:
    """The manifest of all that came of a run."""
    gathered = Manifest(run)
    for each in made:
        gathered.add(each)
    return gathered.json_bytes()
