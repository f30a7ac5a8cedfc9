"""How each supervisory authority is reached: its name, its portal, what must be at hand to sign in.

One file a country, dated, each statement with how sure it is; the authorities inside a country in one file
of several rows. Which authority is competent is a matter of the rules; here stands how one files with it.
An authority without a form of its own (`forms`) gets the common template.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Locale: TypeAlias = Literal["da", "nb", "sv", "en"]
Certainty: TypeAlias = Literal["high", "medium", "low"]
Channel: TypeAlias = Literal["portal", "form", "e-mail", "telephone", "post"]

LOCALES: Final[tuple[Locale, ...]] = ("da", "nb", "sv", "en")


def _a_pattern(text: str) -> str:
    re.compile(text)
    return text


Told: TypeAlias = Annotated[str, Field(min_length=1)]
Pattern: TypeAlias = Annotated[str, AfterValidator(_a_pattern)]
Secure: TypeAlias = Annotated[str, Field(pattern=r"^https://\S+$")]
Phone: TypeAlias = Annotated[str, Field(pattern=r"^(\+[0-9 ]+)?$")]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Portal(_Row):
    """Where one files, and by which way: a portal, or a form to be filled in and sent.

    An empty `sign_in` means that nobody has to sign in, or that nobody knows where `sign_in_known` is false.
    With `begins_at_home` the address is that of the authority's first page, for its form's is not known.
    """

    url: Secure
    channel: Channel = "portal"
    begins_at_home: bool = False
    sign_in: str
    sign_in_known: bool = True
    receipt: str
    note: str
    source: Told
    seen: bool
    certainty: Certainty

    @property
    def needs_sign_in(self) -> bool:
        """Whether the filer must hold an identity or a role beforehand."""
        return bool(self.sign_in)


class MailRoute(_Row):
    """How one files by e-mail; the subject as the authority wants it."""

    address: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    subject: Told
    note: str
    source: Told
    seen: bool
    certainty: Certainty


class Contact(_Row):
    """Whom to ask; empty where nobody was sure."""

    email: str
    phone: Phone
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
        """Whether a number is written as usual; ask when not, never refuse: forms change."""
        return re.fullmatch(self.pattern, number.strip()) is not None


class Supplement(_Row):
    """How long an authority waits for what was to follow a filing: after so many days it decides without."""

    days: Annotated[int, Field(ge=1, le=365)]
    valid_from: date
    source: Told
    certainty: Certainty


class Authority(_Row):
    """One supervisory authority as a filer needs to know it, as of `checked`.

    `code` is that of an authority inside a country, as the rules offer it to choose from. `own` holds its
    name in languages of its own that are none of ours.
    `public_record`: what is filed can be read by anybody who asks, save what is secret by law.
    """

    key: Told
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    code: str = ""
    short: Told
    languages: Annotated[list[Told], Field(min_length=1)]
    address: str = ""
    address_certainty: Certainty = "medium"
    website: Secure
    checked: date
    public_record: bool = False
    name: dict[Locale, Told]
    own: dict[str, Told] = Field(default_factory=dict)
    portal: Portal
    contact: Contact
    mail_route: MailRoute | None = None
    case_number: Number | None = None
    receipt_number: Number | None = None
    supplement: Supplement | None = None

    def named(self, locale: str) -> str:
        """The name in a locale; in English for a locale we have none in."""
        return next((text for known, text in self.name.items() if known == locale), self.name["en"])

    @property
    def own_name(self) -> str:
        """The name in the authority's own first language, or in English where that is not held."""
        first = self.languages[0]
        return self.own.get(first) or self.named(first)

    def missing(self) -> tuple[str, ...]:
        """What is not known of it yet, by name, what a filer needs most first."""
        lacks = {
            "address of the form": self.portal.begins_at_home,
            "sign-in": not self.portal.sign_in_known,
            "receipt": not self.portal.receipt,
            "postal address": not self.address,
            "e-mail": not self.contact.email,
            "telephone": not self.contact.phone,
            "case number": self.case_number is None,
            "name in its own language": self.languages[0] not in {*self.own, *self.name},
        }
        names = tuple(f"name in {locale}" for locale in LOCALES if locale not in self.name)
        return names + tuple(what for what, lacking in lacks.items() if lacking)


@cache
def all_authorities() -> tuple[Authority, ...]:
    """Every authority with a file here, by key. Raises pydantic's ValidationError for a faulty file."""
    return tuple(sorted(_read(), key=lambda authority: authority.key))


def _read() -> Iterator[Authority]:
    """Every row: a file is one, or has several in its table `authority`."""
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(".toml"):
            data = tomllib.loads(file.read_text("utf-8"))
            yield from (Authority.model_validate(row) for row in data.get("authority", [data]))


def of_number(number: str) -> tuple[Authority, ...]:
    """The authorities whose case numbers are written like this one, by key; none for an unusual one."""
    return tuple(
        each for each in all_authorities() if each.case_number and each.case_number.looks_right(number)
    )


def by_key(key: str) -> Authority | None:
    """The authority with a key such as `dk-datatilsynet`, or None."""
    return next((authority for authority in all_authorities() if authority.key == key), None)


def by_code(code: str) -> Authority | None:
    """The authority inside a country with a code of the rules, such as DE-BE or AX; None where none is."""
    return next((authority for authority in all_authorities() if code and authority.code == code), None)
