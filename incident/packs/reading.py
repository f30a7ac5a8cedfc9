"""What people type into a document, read by the kind of each path; what is wrong is named, path by path."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from flask_babel import gettext as _

from foundation import locales
from foundation.errors import Invalid
from incident.packs import values
from incident.rules import forms
from incident.rules.form_answers import codes_of, is_known
from incident.rules.forms import FormField, NormalPath
from incident.rules.local_time import AmbiguousTime, LocalTimeFault, resolve_local

LONGEST: Final = 20_000  # characters, of any text: as much as the facts hold
_WHOLE: Final = re.compile(r"[0-9]{1,3}([ \u00a0\u202f]?[0-9]{3})*|[0-9]{1,15}", re.ASCII)
_COUNTED: Final = re.compile(r"([A-Za-z]{2})[ :\t]+([0-9]{1,15})", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CLEAR: Final[Mapping[str, bool]] = {"yes": True, "no": False}

PARTS: Final = ("role", "name", "country", "contact")  # of a row, in the order in which they are typed

Typed = Mapping[str, str | Sequence[str]]


class NotTaken(Invalid):
    """What was typed does not fit; `faults` says why by path, `questions` which of two instants is meant.

    A question is answered by typing "0" or "1" for the path with ".fold" behind it.
    """

    def __init__(
        self, faults: Mapping[str, list[str]], questions: Mapping[str, tuple[datetime, datetime]]
    ) -> None:
        said = " ".join(each for texts in faults.values() for each in texts)
        super().__init__(
            said, next_step=_("Correct what is marked. Nothing was saved, and what you typed is kept.")
        )
        self.faults, self.questions = dict(faults), dict(questions)


@dataclass
class Reader:
    """Reads typed answers; `fields` are those of the form by chief path, times are local to `zone`."""

    typed: Typed
    fields: Mapping[str, FormField]
    zone: str
    faults: dict[str, list[str]] = field(default_factory=dict)
    questions: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def read(self, path: NormalPath, before: Any = None) -> Any:
        """The value that was typed for a path; None for nothing, and for what is a fault.

        Rows keep what is known of them `before` and cannot be typed.
        """
        lines = self._lines(path.path)
        if not lines:
            return None
        if sum(len(line) for line in lines) > LONGEST:
            self._fault(path, _("That is too long: at most %(n)s characters are taken.", n=LONGEST))
            return None
        value = _READ[path.kind](self, path, lines)
        self._check_length(path, value)
        return _with_details(value, before) if path.kind in ("list", "files") else value

    def differs(self, path: NormalPath, before: Any) -> bool:
        """Whether something else was typed than what stands there, as it would have been typed.

        Of boxes those are the same that the form does not tell apart.
        """
        was, name = as_typed(path, before, self.zone), path.path
        told, stood = self._lines(name), _lines_of(was.get(name, []))
        if path.kind in ("enum", "multi", "countries"):
            asked = self.fields.get(name)
            labels = {code: each.label for each in asked.options for code in each.codes()} if asked else {}
            return {labels.get(each, each) for each in told} != {labels.get(each, each) for each in stood}
        fold = f"{name}.fold"
        return told != stood or self._lines(fold) not in ([], _lines_of(was.get(fold, [])))

    def raise_faults(self) -> None:
        """Raises: NotTaken when anything typed was a fault."""
        if self.faults:
            raise NotTaken(self.faults, self.questions)

    def _lines(self, name: str) -> list[str]:
        return _lines_of(self.typed.get(name, ""))

    def _fault(self, path: NormalPath, why: str) -> None:
        self.faults.setdefault(path.path, []).append(why)

    def _check_length(self, path: NormalPath, value: Any) -> None:
        asked = self.fields.get(path.path)
        longest = asked.longest if asked else None
        if longest is not None and isinstance(value, str) and len(value) > longest:
            self._fault(path, _(
                "The form takes at most %(longest)s characters here; this has %(n)s. Shorten it, and put the "
                "rest elsewhere in the form or in an attachment.", longest=longest, n=len(value),
            ))  # fmt: skip

    # --- by kind --------------------------------------------------------------------------------

    def text(self, _path: NormalPath, lines: list[str]) -> str:
        """Several lines."""
        return "\n".join(lines)

    def line(self, _path: NormalPath, lines: list[str]) -> str:
        """One line: new lines become spaces."""
        return " ".join(" ".join(lines).split())

    def email(self, path: NormalPath, lines: list[str]) -> str | None:
        """An address of e-mail, or what looks like one."""
        text = self.line(path, lines)
        if _EMAIL.fullmatch(text):
            return text
        self._fault(path, _("An e-mail address is expected, as name@example.org."))
        return None

    def code(self, path: NormalPath, lines: list[str]) -> str | None:
        """One of the codes of a choice."""
        return next(iter(self.codes(path, lines[:1])), None)

    def codes(self, path: NormalPath, lines: list[str]) -> list[str]:
        """Codes of a choice of several, each once."""
        for each in lines:
            if not path.takes(each):
                self._fault(path, _("There is no such choice. Choose one of the list."))
                return []
        return list(dict.fromkeys(lines))

    def boolean(self, path: NormalPath, lines: list[str]) -> bool | None:
        """Yes or no."""
        code = self.code(path, lines)
        return None if code is None else _CLEAR[code]

    def integer(self, path: NormalPath, lines: list[str]) -> int | None:
        """A whole number; spaces may part its thousands."""
        text = " ".join(lines)
        if _WHOLE.fullmatch(text):
            return int("".join(text.split()))
        self._fault(path, _("A whole number is expected, as 412. Say in the words beside it how sure it is."))
        return None

    def date(self, path: NormalPath, lines: list[str]) -> str | None:
        """A day of the calendar."""
        try:
            return date.fromisoformat(lines[0]).isoformat()
        except ValueError:
            self._fault(path, _("A day is expected, as 2026-10-09."))
            return None

    def instant(self, path: NormalPath, lines: list[str]) -> str | None:
        """A local time as an instant in UTC."""
        fold = {"0": 0, "1": 1}.get("".join(self._lines(f"{path.path}.fold")))
        try:
            return resolve_local(lines[0], self.zone, fold).isoformat()
        except AmbiguousTime as twice:
            self.questions[path.path] = twice.candidates
            self._fault(path, _("Clocks showed this time twice that night. Say which it was."))
            return None
        except LocalTimeFault as fault:
            self._fault(path, str(fault))
            return None

    def country(self, path: NormalPath, lines: list[str]) -> str | None:
        """A country by its two letters."""
        return next(iter(self.countries(path, lines[:1])), None)

    def countries(self, path: NormalPath, lines: list[str]) -> list[str]:
        """Countries by their two letters, one a line or with commas between."""
        found = [each.upper() for line in lines for each in re.split(r"[\s,;]+", line) if each]
        if not all(_COUNTRY.fullmatch(each) for each in found):
            self._fault(path, _("Countries are written with two letters, as DK, SE."))
            return []
        return list(dict.fromkeys(found))

    def counted(self, path: NormalPath, lines: list[str]) -> dict[str, int]:
        """People by country, one country a line."""
        read = [
            _COUNTED.fullmatch(line.strip()) for text in lines for line in text.splitlines() if line.strip()
        ]
        if not all(read):
            self._fault(path, _("Write one country a line, as DK 260."))
            return {}
        return {each[1].upper(): int(each[2]) for each in read if each}

    def listed(self, path: NormalPath, lines: list[str]) -> list[Any]:
        """A list, one item a line; parties and attachments as rows, their parts with semicolons between."""
        told = [line.strip() for text in lines for line in text.splitlines() if line.strip()]
        return [self._row(path, line) for line in told] if path.codes else told

    def _row(self, path: NormalPath, line: str) -> dict[str, str]:
        """A party (role; name; country; contact) or an attachment (kind; name)."""
        parts = PARTS if path.path == "parties" else ("kind", "name")
        told = [each.strip() for each in line.split(";")]
        if len(told) < 2 or len(told) > len(parts) or not path.takes(told[0]) or not told[1]:
            self._fault(path, _(
                "Write one a line with semicolons between, first one of %(codes)s, then the name.",
                codes=", ".join(path.codes),
            ))  # fmt: skip
            return {}
        row = dict(zip(parts, told, strict=False))
        if "contact" in row:
            row["contact"] = "\n".join(each.strip() for each in row["contact"].split(" / "))
        return {name: text for name, text in row.items() if text}


def with_besides(said: Typed) -> dict[str, str | Sequence[str]]:
    """What was typed, a box that says something at another path ("code+path=code") taken apart."""
    told: dict[str, str | Sequence[str]] = dict(said)
    known = values.told_paths()
    for path in said.keys() & known.keys():
        texts = said[path]
        if known[path].kind not in forms.CHOICES:
            continue
        parts = [each.split("+") for each in ([texts] if isinstance(texts, str) else texts)]
        told[path] = [code for code, *_besides in parts]
        for each in (each for _code, *besides in parts for each in besides):
            name, _is, text = each.partition("=")
            told[name] = [text]
    return told


def as_typed(path: NormalPath, value: Any, zone: str) -> dict[str, list[str]]:
    """What somebody would have typed to say this, by name: the path, and which of two instants was meant."""
    if not is_known(value):
        return {}
    name = path.path
    if path.kind == "datetime":
        local = locales.local(datetime.fromisoformat(value), zone).replace(second=0, microsecond=0)
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        text = local.replace(tzinfo=None).isoformat(timespec="minutes")
        return {name: [text]} | ({f"{name}.fold": [str(local.fold)]} if twice else {})
    if isinstance(value, Mapping):
        if path.kind == "map":
            return {name: ["\n".join(f"{country} {count}" for country, count in value.items())]}
        return {name: ["\n".join(str(each) for each in value.values())]}
    if isinstance(value, str | int):
        return {name: list(codes_of(value))}
    if path.kind in ("multi", "countries"):
        return {name: [str(each) for each in value]}
    return {name: ["\n".join(_row_as_typed(each) for each in value)]}


def _with_details(typed: list[Any], before: Any) -> list[Any]:
    """Rows as typed, each with what a former row of the same role and name said beyond what can be typed.

    Where the contact came from goes with a contact that is another now.
    """
    left = [each for each in before or () if isinstance(each, Mapping)]
    told: list[Any] = []
    for row in typed:
        was = next((each for each in left if _who(each) == _who(row)), None)
        if was is None:
            told.append(row)
            continue
        left.remove(was)
        same = was.get("contact") == row.get("contact")
        kept = {name: what for name, what in was.items() if name not in (*PARTS, "kind")}
        told.append({**row, **{name: kept[name] for name in kept if same or name != "contact_source"}})
    return told


def _who(row: Any) -> object:
    """What tells a row from the others: the role or kind, and the name."""
    return (row.get("role", row.get("kind")), row.get("name")) if isinstance(row, Mapping) else row


def _row_as_typed(row: Any) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    parts = ("kind", "name") if "kind" in row else PARTS
    told = [" / ".join(str(row.get(part, "")).splitlines()) for part in parts]
    return "; ".join(told).rstrip("; ")


def _lines_of(told: str | Sequence[str]) -> list[str]:
    texts = [told] if isinstance(told, str) else list(told)
    return list(dict.fromkeys(text for text in (cleaned(each) for each in texts) if text))


def cleaned(text: str) -> str:
    """A text without control characters, without spaces at the ends of its lines."""
    kept = "".join(sign for sign in text.replace("\t", " ") if sign in "\r\n" or sign.isprintable())
    return "\n".join(line.rstrip() for line in kept.splitlines()).strip()


_READ: Final[Mapping[str, Callable[[Reader, NormalPath, list[str]], Any]]] = {
    "text": Reader.line, "textarea": Reader.text, "enum": Reader.code, "multi": Reader.codes,
    "boolean": Reader.boolean, "tri": Reader.code, "integer": Reader.integer, "date": Reader.date,
    "datetime": Reader.instant, "email": Reader.email, "phone": Reader.line, "address": Reader.text,
    "contact": Reader.text, "country": Reader.country, "countries": Reader.countries,
    "files": Reader.listed, "list": Reader.listed, "map": Reader.counted,
}  # fmt: skip
