"""The texts of communications by kind of breach and language: files that can be added to.

They lie under templates/communications/: `<kind>/<language>.toml` says what only this kind says,
`every/<language>.toml` what all of them share. A new language or kind is new files and no code. What is
missing is shown in [brackets], which no approval passes: never is another language put in its place.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

from incident.rules.vocabulary import Consequence, DataCategory

SHARED: Final = "every"
GENERAL: Final = "general"  # the kind of what is of no other kind
HEADED: Final = ("nature", "data", "consequences", "done", "planned", "advice", "rights", "contact", "check")
LOSSES: Final = ("confidentiality", "integrity", "availability")
ADVISED: Final = (
    "login_credentials", "bank_account", "payment_card", "national_id", "identity_document", "health",
    "absence", "postal_address",
)  # fmt: skip
# Which texts there are, and which names in {braces} each must have.
OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "name": frozenset(), "subject": frozenset(), "nature": frozenset({"when", "where"}),
    "consequences": frozenset(), "advice": frozenset(),
}  # fmt: skip
OF_ALL: Final[Mapping[str, frozenset[str]]] = {
    "greeting": frozenset({"name"}), "period": frozenset({"start", "end"}), "since": frozenset({"start"}),
    "processor": frozenset({"name"}), "data": frozenset({"data"}), "not_affected": frozenset({"data"}),
    "done_translate": frozenset({"measures"}), "planned_translate": frozenset({"measures"}),
    "check": frozenset({"page", "code"}), "correction": frozenset({"day"}),
    "told": frozenset({"authority", "day"}),
    "rights": frozenset({"authority", "website"}),
    **dict.fromkeys((
        "greeting_unnamed", "lately", "ours", "sorry", "nature_open", "data_open", "consequences_open",
        "done_open", "planned_open", "wary", "rights_open", "officer", "contact_open", "bye", "and",
        "correction_open",
        *(f"headings.{each}" for each in HEADED),
        *(f"losses.{each}" for each in LOSSES),
        *(f"consequences.{each}" for each in get_args(Consequence) if each != "other"),
        *(f"advice.{each}" for each in ADVISED),
    ), frozenset[str]()),
}  # fmt: skip
_PLAIN: Final = frozenset(f"plain.{each}" for each in get_args(DataCategory))  # may be there, in `every`
OPEN: Final = frozenset(
    {"done_translate", "planned_translate", *(each for each in OF_ALL if "_open" in each)}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text: "missing", "unknown" (nothing reads it), "names" or "brackets"."""

    file: str
    key: str
    code: str


class Catalog:
    """The texts below a folder of templates; read as they are asked for, and kept."""

    def __init__(self, templates: Path) -> None:
        self.templates = templates

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of breach there are texts for."""
        folders = (each.name for each in (self.templates / "communications").iterdir() if each.is_dir())
        return tuple(sorted(each for each in folders if each != SHARED))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that any text of a communication is in; `missing` says what each lacks."""
        return tuple(sorted({each.stem for each in (self.templates / "communications").glob("*/*.toml")}))

    def text(self, kind: str, locale: str, key: str, **values: object) -> str:
        """A text of a kind with its values put in; "[sv: stolen.nature]" where it is not written yet."""
        return self._filled(kind if key in OF_KIND and kind != SHARED else SHARED, locale, key, values)

    def shared(self, locale: str, key: str, **values: object) -> str:
        """A text that every kind shares, the same way."""
        return self._filled(SHARED, locale, key, values)

    def _filled(self, folder: str, locale: str, key: str, values: Mapping[str, object]) -> str:
        text = self._texts(folder, locale).get(key)
        if text is None:
            return f"[{locale}: {folder}.{key}]"
        return text.format(**values) if values else text

    def data(self, locale: str, kinds: Sequence[str]) -> str:
        """Kinds of data in one phrase, by plain words or those of notifications: "name and pay"."""
        plain = self._texts(SHARED, locale)
        known = _flat(_parsed(self.templates / "packs" / "generic" / f"{locale}.toml"))
        said = [
            plain.get(f"plain.{each}") or known.get(f"data.{each}", f"[{locale}: data.{each}]")
            for each in kinds
        ]
        if len(said) < 2:
            return "".join(said)
        return f"{', '.join(said[:-1])} {self.shared(locale, 'and')} {said[-1]}"

    def missing(self, kind: str, locale: str) -> tuple[str, ...]:
        """The texts that a communication of this kind lacks in a language, as "stolen.nature"."""
        own, shared = self._texts(kind, locale), self._texts(SHARED, locale)
        lacking = [f"{kind}.{key}" for key in OF_KIND if not own.get(key)]
        return (*lacking, *(f"{SHARED}.{key}" for key in OF_ALL if not shared.get(key)))

    def sentences(self, locale: str) -> dict[str, str]:
        """Every sentence that a draft in a language may be made of, by "kind.key"; to be approved."""
        found = {f"{SHARED}.{key}": text for key, text in self._texts(SHARED, locale).items()}
        for kind in self.kinds:
            found |= {f"{kind}.{key}": text for key, text in self._texts(kind, locale).items()}
        return found

    def faults(self) -> list[Fault]:
        """What is wrong with the files that are there; for whoever writes a new one, and for the tests."""
        found: list[Fault] = []
        for folder in (SHARED, *self.kinds):
            for file in sorted((self.templates / "communications" / folder).glob("*.toml")):
                texts = self._texts(folder, file.stem)
                found += _faults(f"{folder}/{file.name}", texts, OF_ALL if folder == SHARED else OF_KIND)
        return found

    def _texts(self, folder: str, locale: str) -> Mapping[str, str]:
        known = folder == SHARED or folder in self.kinds
        if not known or locale not in self.languages:
            return {}  # also a name with a path in it
        return _flat(_parsed(self.templates / "communications" / folder / f"{locale}.toml"))


def _faults(file: str, texts: Mapping[str, str], wanted: Mapping[str, frozenset[str]]) -> Iterator[Fault]:
    for key, names in wanted.items():
        text = texts.get(key, "")
        if not text.strip():
            yield Fault(file, key, "missing")
        elif _names(text) != names:
            yield Fault(file, key, "names")
        elif key in OPEN and not (text.startswith("[") and text.endswith("]")):
            yield Fault(file, key, "brackets")
    for key in sorted(texts.keys() - wanted.keys() - _PLAIN):
        yield Fault(file, key, "unknown")


def _names(text: str) -> frozenset[str] | None:
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
    except ValueError:
        return None


@lru_cache(maxsize=128)
def _parsed(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def _flat(texts: Mapping[str, Any]) -> dict[str, str]:
    """Texts by key; those of a section by "section.key"."""
    found: dict[str, str] = {}
    for key, text in texts.items():
        if isinstance(text, Mapping):
            found |= {f"{key}.{name}": str(each) for name, each in text.items()}
        else:
            found[key] = str(text)
    return found
