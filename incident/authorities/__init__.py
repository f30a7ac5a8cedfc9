"""How each supervisory authority is reached: its name, its portal, what must be at hand to sign in.

One file a country, dated, each statement with how sure it is. Which authority is competent is a matter of
the rules; here stands how one files with it.
"""

import re
import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Locale: TypeAlias = Literal["da", "nb", "sv", "en"]
Certainty: TypeAlias = Literal["high", "medium", "low"]

LOCALES: Final[tuple[Locale, ...]] = ("da", "nb", "sv", "en")


def _a_pattern(text: str) -> str:
    re.compile(text)
    return text


Told: TypeAlias = Annotated[str, Field(min_length=1)]
Pattern: TypeAlias = Annotated[str, AfterValidator(_a_pattern)]
Secure: TypeAlias = Annotated[str, Field(pattern=r"^https://\S+$")]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Portal(_Row):
    """Where one files. An empty `sign_in` means that nobody has to sign in."""

    url: Secure
    sign_in: str
    receipt: Told
    note: str
    source: Told
    seen: bool
    certainty: Certainty

    @property
    def needs_sign_in(self) -> bool:
        """Whether the filer must hold an identity or a role beforehand."""
        return bool(self.sign_in)


class Contact(_Row):
    """Whom to ask."""

    email: Told
    phone: Annotated[str, Field(pattern=r"^\+[0-9 ]+$")]
    certainty: Certainty


class Number(_Row):
    """A number that the authority or its portal gives, and how it is written as far as is known."""

    label: Told
    pattern: Pattern
    example: Told
    source: Told
    certainty: Certainty

    @model_validator(mode="after")
    def _example_fits(self) -> "Number":
        if not self.looks_right(self.example):
            raise ValueError("The example does not fit the pattern.")
        return self

    def looks_right(self, number: str) -> bool:
        """Whether a number is written as usual; warn when not, never refuse: forms change."""
        return re.fullmatch(self.pattern, number.strip()) is not None


class Authority(_Row):
    """One supervisory authority as a filer needs to know it, as of `checked`."""

    key: Told
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    short: Told
    languages: Annotated[list[Told], Field(min_length=1)]
    checked: date
    name: dict[Locale, Told]
    portal: Portal
    contact: Contact
    case_number: Number | None = None
    receipt_number: Number | None = None

    def named(self, locale: str) -> str:
        """The name in a locale; in English for a locale we have none in."""
        return next((text for known, text in self.name.items() if known == locale), self.name["en"])

    def missing(self) -> tuple[str, ...]:
        """What is not known of it yet, by name."""
        names = tuple(f"name in {locale}" for locale in LOCALES if locale not in self.name)
        return names if self.case_number else (*names, "case number")


@cache
def all_authorities() -> tuple[Authority, ...]:
    """Every authority with a file here, by key. Raises pydantic's ValidationError for a faulty file."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    read = (Authority.model_validate(tomllib.loads(file.read_text("utf-8"))) for file in files)
    return tuple(sorted(read, key=lambda authority: authority.key))


def by_key(key: str) -> Authority | None:
    """The authority with a key such as `dk-datatilsynet`; None where only its competence is known."""
    return next((authority for authority in all_authorities() if authority.key == key), None)
