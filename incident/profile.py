"""What is registered of an organisation for filing: the keys of its profile, read and changed.

Reading never raises: a profile may be older than this release, or written by hand. A part that cannot be
read counts as not there. Changing holds to the model: what it refuses is named by its pointer.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import db
from incident.rules.faults import Fault, faults_of

Sector: TypeAlias = Literal["", "private", "public"]
SizeClass: TypeAlias = Literal["", "micro", "sme", "large", "other"]
StaffBand: TypeAlias = Literal["", "lt250", "ge250"]
Function: TypeAlias = Literal["", "dpo", "legal_representative", "authorised_or_other"]

_AMOUNT: Final = re.compile(r"[0-9]{1,6}([.][0-9]{1,6})?")
HELD_FOR: Final = timedelta(days=365)  # so long a note of who can sign in is believed without another look

Line = Annotated[str, BeforeValidator(lambda told: "" if told is None else told), Field(max_length=200)]
Days = Annotated[int, Field(ge=1, le=3660)]
Lines = Annotated[str, BeforeValidator(lambda told: "" if told is None else told), Field(max_length=1000)]


def _currency(told: object) -> str:
    """The three letters of a currency (ISO 4217); empty for none. Raises: ValueError."""
    plain = str(told or "").strip().upper()
    if plain and not (len(plain) == 3 and plain.isascii() and plain.isalpha()):
        raise ValueError("A currency has three letters.")
    return plain


def _amount(told: object) -> str:
    """An amount as text, so that no cent is lost; empty for none. Raises: ValueError."""
    plain = str(told or "").strip().replace(",", ".")
    if plain and not _AMOUNT.fullmatch(plain):
        raise ValueError("An amount is a number, such as 0.35.")
    return plain


Currency = Annotated[str, BeforeValidator(_currency)]
Amount = Annotated[str, BeforeValidator(_amount)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Registration(_Part):
    """The number that stands for the organisation in its country's register, and what it is called there."""

    kind: Line = ""
    number: Line = ""


class Person(_Part):
    """Somebody who can be asked."""

    name: Line = ""
    email: Line = ""
    phone: Line = ""


class ContactPoint(Person):
    """Who answers the authority's questions (GDPR art. 33(3)(b)), and as what."""

    function: Line = ""


class Officer(Person):
    """The data protection officer; `designated` is None where nobody said whether there is one (art. 37)."""

    designated: bool | None = None


class Reporter(Person):
    """Who files, where that is always the same person; in what capacity, and in which words."""

    function: Function = ""
    function_description: Line = ""


class Representative(Person):
    """Who stands for a controller without an establishment (art. 27 of the GDPR and of the UK GDPR)."""

    address: Lines = ""
    country: Line = ""


class Representatives(_Part):
    """One in the EEA, one in the United Kingdom, each None where there is none."""

    eea: Representative | None = None
    uk: Representative | None = None


class Ico(_Part):
    """The number in the ICO's register of fee payers, or why there is none."""

    registration_number: Line = ""
    why_none: Lines = ""


class CodeOfConduct(_Part):
    """Whether the organisation keeps to an approved code (art. 40), None where nobody said; and which."""

    follows: bool | None = None
    details: Lines = ""


class Holder(_Part):
    """Somebody who can sign in to an authority's portal for the organisation, and when that was tried."""

    name: Line
    checked_on: date | None = None


class Access(_Part):
    """Who can sign in to the portal of one authority."""

    holders: tuple[Holder, ...] = ()
    note: Lines = ""

    @property
    def checked_on(self) -> date | None:
        """The day of the latest look at any of them; None where nobody looked."""
        return max((each.checked_on for each in self.holders if each.checked_on), default=None)

    def is_stale(self, today: date) -> bool:
        """Whether every look is older than a year, or lies in the future."""
        seen = [each.checked_on for each in self.holders if each.checked_on and each.checked_on <= today]
        return not seen or today - max(seen) > HELD_FOR


class Prices(_Part):
    """What a message costs the organisation by each way, without tax; empty where nobody has said."""

    currency: Currency = ""
    each_email: Amount = ""
    each_sms: Amount = ""  # a segment of it
    each_letter: Amount = ""

    def by_way(self) -> dict[str, Decimal]:
        """What is known of them, by way."""
        told = {"email": self.each_email, "sms": self.each_sms, "letter": self.each_letter}
        return {way: Decimal(amount) for way, amount in told.items() if amount and self.currency}


class Approved(_Part):
    """The texts of one language as somebody approved them: a hash of their bytes, by whom, and when."""

    sha256: Line
    by: Line
    on: date


class Profile(_Part):
    """An organisation's profile, as far as filing needs it. Everything may be missing."""

    legal_name: Line = ""
    registration: Registration = Registration()
    address: Lines = ""
    phone: Line = ""
    email: Line = ""
    website: Line = ""
    contact: ContactPoint = ContactPoint()
    dpo: Officer = Officer()
    reporter: Reporter = Reporter()
    sector: Sector = ""
    size_class: SizeClass = ""
    size_description: Lines = ""
    staff_band: StaffBand = ""
    industry: Line = ""
    is_sole_trader: bool | None = None
    ico: Ico = Ico()
    representatives: Representatives = Representatives()
    code_of_conduct: CodeOfConduct = CodeOfConduct()
    filing: dict[str, Access] = Field(default_factory=dict)
    texts_approved: dict[str, Approved] = Field(default_factory=dict)
    prices: Prices = Prices()
    contact_days: Days | None = None  # contact data of people told is kept so long; None: as is usual

    def access(self, authority: str) -> Access:
        """Who can sign in to the portal of an authority, by its key; nobody where nothing is noted."""
        return self.filing.get(authority, Access())


KEYS: Final = tuple(Profile.model_fields)


def profile_of(organisation: Organisation) -> Profile:
    """What is registered of an organisation; a member that cannot be read counts as not there."""
    return read(organisation.profile)


def read(document: Mapping[str, Any]) -> Profile:
    """The same from a document. Never raises."""
    known = readable(document)
    return Profile.model_validate({key: known[key] for key in KEYS if known.get(key) is not None})


def readable(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without those of our parts that cannot be read; what others keep in it stays."""
    bad = {fault.pointer[1:].partition("/")[0] for fault in faults(document)}
    return {key: value for key, value in document.items() if key not in bad}


def faults(document: Mapping[str, Any]) -> list[Fault]:
    """What the model refuses of a document, by pointer; empty when all of it can be kept."""
    try:
        Profile.model_validate({key: document[key] for key in KEYS if document.get(key) is not None})
    except ValidationError as refused:
        return faults_of(refused)
    return []


def version_of(document: Mapping[str, Any]) -> str:
    """A short name of exactly this document, so that one can say which one was seen."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def locked(organisation: Organisation) -> Organisation:
    """The organisation as it is now, locked until the caller's transaction ends."""
    return db.session.get_one(Organisation, organisation.id, with_for_update=True, populate_existing=True)


def change(organisation: Organisation, document: dict[str, Any], *, by: StaffMember, now: datetime) -> bool:
    """Keep another profile, and enter into the ledger which parts changed; False when none did.

    The ledger names parts and never says what stands in them: it outlives the people named there.
    """
    before = organisation.profile
    parts = sorted(key for key in before.keys() | document.keys() if before.get(key) != document.get(key))
    if not parts:
        return False
    organisation.profile = document
    ledger.append(
        f"organisation/{organisation.id}", "organisation.profile_changed", organisation_id=organisation.id,
        actor=by.name, at=now, staff=by.id, parts=parts, version=version_of(document),
    )  # fmt: skip
    return True
