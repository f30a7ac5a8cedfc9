"""Answers as text in the language of a form: its own words for its boxes, ours where it asks for a text.

Nothing is translated: what somebody told stands as it was told. A word that we do not have in the language
is shown as missing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from foundation import locales
from incident import authorities
from incident.drafting import Words
from incident.packs import values
from incident.packs.values import Entries
from incident.rules import forms
from incident.rules.form_answers import codes_of, is_known
from incident.rules.forms import Form, FormField

_CODED: Final = (*forms.CHOICES, *forms.WORDS)
_COUNTS: Final = {"subjects.count": "subjects.count_mode", "records.count": "records.count_mode"}
_BEGAN, _ENDED, _MODE = "timeline.started_at", "timeline.ended_at", "timeline.occurrence_mode"
_ONGOING, _ESTIMATED = "timeline.ongoing", "timeline.dates_estimated"
_NO_FIGURE: Final = ("undeterminable", "tbd")
# Said only where nothing else in the field says as much.
_ELSE: Final = frozenset({"dpo.designated", "cross_border.is_cross_border", "parties.any"})


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints answers in the words of one form; instants are shown in `zone` (IANA name)."""

    form: Form
    words: Words
    zone: str

    def field(self, field: FormField, answers: Entries, *, asked: frozenset[str]) -> str:
        """What a field of the form is answered with; empty when nothing is known.

        `asked`: the paths that the form asks for elsewhere, whose texts do not stand here as well.
        """
        if not field.answers:
            return ""
        chief = field.answers[0]
        if field.options:
            return _joined(self._chosen(field, answers, asked))
        if field.kind == "contact":
            return _joined(self._contact(field, answers))
        if chief in (_BEGAN, _ENDED):
            return self._times(field, answers)
        if chief in _COUNTS:
            return self._count(field, answers)
        return _joined(self._lines(field, answers))

    def _chosen(self, field: FormField, answers: Entries, asked: frozenset[str]) -> Iterator[str]:
        """The boxes that are ticked, our word where the form has none, and the text beside them."""
        codes = values.codes_in(field, answers)
        ticked = forms.ticked(field, codes, values.plain(answers))
        yield from (each.label for each in ticked)
        boxed = {code for each in ticked for code in each.codes()}
        yield from (self._code(field.answers[0], code) for code in codes if code not in boxed)
        merged = field.kind in forms.WORDS
        asked |= {leaf.at for each in field.options if each.shown for leaf in each.shown.leaves() if leaf.at}
        for path in (*(() if merged else field.answers[1:]), *filter(None, [field.other])):
            if path not in asked:
                yield self.said(path, values.value_of(answers, path))

    def _lines(self, field: FormField, answers: Entries) -> Iterator[str]:
        found = 0
        for path in field.answers:
            value = values.value_of(answers, path)
            if not is_known(value) or (path in _ELSE and found):
                continue
            found += 1
            yield (
                self._part(path, value, field.part) if field.part else self.said(path, value, kind=field.kind)
            )

    def _contact(self, field: FormField, answers: Entries) -> Iterator[str]:
        """The first of several people who can be named and reached; all that is known where none can."""
        groups: dict[str, dict[str, str]] = {}
        for path in field.answers:
            about, _dot, what = path.partition(".")
            if text := self._contact_line(path, values.value_of(answers, path)):
                groups.setdefault(about, {})[what] = text
        whole = [each for each in groups.values() if "name" in each and {"email", "phone"} & set(each)]
        for group in whole[:1] or groups.values():
            yield from group.values()

    def _contact_line(self, path: str, value: Any) -> str:
        if path == "parties" or isinstance(value, Mapping):
            return self._part(path, value, "contact")
        return self.said(path, value)

    def _times(self, field: FormField, answers: Entries) -> str:
        """From when to when, as far as the field asks for it."""
        said = {path: values.value_of(answers, path) for path in field.answers}
        mode, word = said.get(_MODE), self.words.word
        began = self._at(said[_BEGAN], field.kind) if _BEGAN in said else ""
        ended = self._at(said[_ENDED], field.kind) if _ENDED in said else ""
        if _ENDED in said and (said.get(_ONGOING) is True or (mode == "ongoing" and not ended)):
            ended = word("phrases", "ongoing")
        text = " – ".join(filter(None, (began, ended)))
        if not text:
            return self._code(_MODE, mode) if mode in _NO_FIGURE else ""
        return f"{text} ({word('phrases', 'estimate')})" if said.get(_ESTIMATED) is True else text

    def _count(self, field: FormField, answers: Entries) -> str:
        """A number; with its bounds and how sure it is where the form asks for that in the same field."""
        chief = field.answers[0]
        number, mode_path = values.value_of(answers, chief), _COUNTS[chief]
        mode = values.value_of(answers, mode_path)
        if mode_path not in field.answers:
            return "" if number is None else str(number)
        if number is None:
            return self._code(mode_path, mode) if mode in _NO_FIGURE else ""
        about = chief.partition(".")[0]
        low, high = (values.value_of(answers, f"{about}.count_{each}") for each in ("min", "max"))
        text = self._bounds(number, low if number in (low, high) else None, high)
        return f"{text} ({self.words.word('phrases', 'estimate')})" if mode == "approximate" else text

    def _bounds(self, number: int, low: int | None, high: int | None) -> str:
        word = self.words.word
        if low is not None and high is not None and low != high:
            return word("phrases", "between", low=low, high=high)
        if low is not None and high is None:
            return word("phrases", "at_least", n=low)
        if high is not None and low is None and number == high:
            return word("phrases", "at_most", n=high)
        return word("phrases", "exactly", n=number)

    # --- one value ------------------------------------------------------------------------------

    def said(self, path: str, value: Any, *, kind: str = "") -> str:
        """One value of a path as text; `kind` is that of the field, where a day is asked of an instant."""
        if not is_known(value):
            return ""
        known = values.told_paths()[path].kind
        if known in _CODED:
            return _joined(self._code(path, each) for each in codes_of(value))
        if known in ("date", "datetime"):
            text = self._at(value, kind if kind in ("date", "datetime") else known)
            named = kind not in ("date", "datetime") and self.words.has("printed", path)
            return self.words.word("printed", path, value=text) if named else text
        if known == "country":
            return self._country(value)
        if known == "countries":
            return ", ".join(self._country(each) for each in _listed(value))
        if known == "map":
            return _joined(self._counted(each, number) for each, number in value.items())
        return _joined(self._row(path, each) for each in _listed(value))

    def _code(self, path: str, code: str | None) -> str:
        """Our word for a code, else that of the form's own box; shown as missing where there is neither."""
        if self.words.has(path, str(code)):
            return self.words.word(path, str(code))
        boxes = (each.options for each in self.form.fields() if each.answers[:1] == (path,))
        labels = (each.label for options in boxes for each in options if code in each.codes())
        if label := next(labels, None):
            return label
        section = "phrases" if values.told_paths()[path].kind in forms.WORDS else path
        return self.words.word(section, str(code))

    def _at(self, value: Any, kind: str) -> str:
        if not value:
            return ""
        if len(str(value)) == len("2026-10-09"):
            return locales.date_of(date.fromisoformat(value), self.words.locale)
        at = datetime.fromisoformat(value)
        if kind == "date":
            return locales.date(at, self.zone, self.words.locale)
        return locales.instant(at, self.zone, self.words.locale)

    def _country(self, code: object) -> str:
        return locales.country(str(code), self.words.locale)

    def _counted(self, country: str, number: object) -> str:
        return self.words.word("phrases", "country_count", country=self._country(country), n=number)

    def _row(self, path: str, row: Any) -> str:
        if path == values.CLAIMS and isinstance(row, Mapping):
            labels = {each.key: each.label for each in self.form.fields()}
            label = labels.get(row["field"], row["field"])
            return self.words.word("phrases", "secrecy", field=label, reason=row["reason"])
        if not isinstance(row, Mapping):
            known = authorities.by_key(str(row)) if path.startswith("cross_border.") else None
            coded = path in ("parties", "attachments") and self.words.has(path, str(row))
            if coded:
                return self.words.word(path, str(row))
            return known.named(self.words.locale) if known else str(row).strip()
        if path == "parties":
            return self._party(row)
        kind = [self._code(path, row["kind"])] if row.get("kind") else []
        return ", ".join([*kind, *(str(row[name]) for name in ("name", "contact") if row.get(name))])

    def _party(self, row: Mapping[str, Any]) -> str:
        """Who else was part of it, in one line."""
        word = self.words.word
        country = self._country(row["country"]) if row.get("country") else "?"
        role = word("parties", row["role"]) if row.get("role") else "?"
        said = [word("phrases", "party", name=row.get("name", "?"), role=role, country=country)]
        if row.get("reference"):
            said.append(word("phrases", "party_reference", reference=row["reference"]))
        for name, phrase in (("aware_at", "party_aware"), ("told_next_at", "party_told")):
            if row.get(name):
                said.append(word("phrases", phrase, at=self._at(row[name], "datetime")))
        return ", ".join([*said, *str(row.get("contact", "")).splitlines()])

    def _part(self, path: str, value: Any, part: str) -> str:
        """One part of what is known of each party, representative or attachment, a line each."""
        said = []
        for row in _listed(value):
            if not isinstance(row, Mapping):
                said.append(str(row) if part == "name" else "")
            elif part in ("role", "kind"):
                said.append(self._code(path, row[part]) if row.get(part) else "?")
            else:
                said.append(", ".join(str(row.get(part, "")).splitlines()))
        return "\n".join(each for each in said if each)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _joined(lines: Iterable[str]) -> str:
    """Lines one below the other, each once, without empty ones."""
    return "\n".join(dict.fromkeys(line.strip() for line in lines if line.strip()))
