"""Values of a reader's own inside a text: a person writes {field: policy number}, a list has the values.

On the wire they are marks, as ⟦field:policy number⟧, and so are name, greeting and code.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

OPEN, CLOSE, HTML, PREFIX = "⟦", "⟧", ".html", "field:"
NAME, DEAR, CODE = "name", "dear", "code"
_TYPED: Final = re.compile(r"\{field:[^\S\n]*([^{}⟦⟧\n]{1,60}?)[^\S\n]*\}")
_MARK: Final = re.compile(f"{OPEN}([^{OPEN}{CLOSE}\n]{{1,120}}){CLOSE}")
_BRACKETS: Final = str.maketrans({OPEN: "[", CLOSE: "]"})


class Named(Protocol):
    """A person of a list, as far as a text says anything of them."""

    @property
    def name(self) -> str:
        """How the person is called; may be empty."""
        ...

    @property
    def fields(self) -> Mapping[str, str]:
        """Values for the letter, by the name that the list gives them."""
        ...


def names(text: str) -> list[str]:
    """The fields that a text uses, each once, in its order."""
    return list(dict.fromkeys(_TYPED.findall(text)))


def without(text: str) -> str:
    """A text without the fields that it uses."""
    return _TYPED.sub("", text)


def hidden(text: str) -> str:
    """A text with "…" for each value of a reader's own."""
    return _TYPED.sub("…", text)


def fields_used(texts: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """The fields that texts (locale -> part -> text) use: who has an empty one is found before approval."""
    return frozenset(name for parts in texts.values() for text in parts.values() for name in names(text))


def empty_fields(used: Iterable[str], person: Named) -> list[str]:
    """Those of the fields used that are empty for a person."""
    return sorted(name for name in used if not person.fields.get(name, "").strip())


def mark(name: str) -> str:
    """What stands in a text for the value of this name."""
    return f"{OPEN}{name}{CLOSE}"


def marked(text: str) -> str:
    """A text with a mark for each field that a person wrote into it."""
    return _TYPED.sub(lambda found: mark(f"{PREFIX}{found[1]}"), text)


def unmarked(text: str) -> str:
    """A text without any marks, where no value may stand."""
    return _MARK.sub("", text)


def for_html(html: str) -> str:
    """The marks of a page, which stand for escaped values."""
    return _MARK.sub(lambda found: mark(f"{found[1]}{HTML}"), html)


def marks(text: str) -> list[str]:
    """The names of the marks in a text or page, as they are without ".html"."""
    return [each.removesuffix(HTML) for each in _MARK.findall(text)]


def each_mark(text: str, put: Callable[[str], str]) -> str:
    """A text with what `put` gives for the name of each mark."""
    return _MARK.sub(lambda found: put(found[1]), text)


def value(text: str) -> str:
    """A value as it may stand in a text: one line, and no mark itself."""
    plain = text.translate(_BRACKETS)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in plain).split())
