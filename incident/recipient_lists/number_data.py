"""The dated rows of scanning for identifiers: limits, prefixes, issuers of cards, lengths of IBANs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from tomllib import loads
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from incident.rules.dated import DatedRow, RuleDataFault, breaks, holding_at, rows_of

NAME: Final = "identifiers.toml"


class Limit(DatedRow):
    """How much of a sample is looked at, and below which share of passes a weak check counts as chance."""

    cells: int = Field(gt=0)
    signs: int = Field(gt=0)
    cell_signs: int = Field(gt=0)
    by_chance: float = Field(gt=0, lt=1)


class Insurance(DatedRow):
    """What a National Insurance number does not begin with, and what it may end with."""

    neither: str
    second: str
    pairs: list[str]
    suffixes: str


class Issuer(BaseModel):
    """A range of card numbers: first and last beginning, and how many digits they may have."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str
    first: str
    last: str
    digits: list[int]

    def has(self, digits: str) -> bool:
        """Whether a number lies in the range."""
        return len(digits) in self.digits and self.first <= digits[: len(self.first)] <= self.last


class Cards(DatedRow):
    """The ranges of all issuers."""

    issuers: list[Issuer]


class Iban(DatedRow):
    """How many signs an IBAN has, by country."""

    lengths: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rows that hold on `today` (UTC)."""

    limit: Limit
    insurance: Insurance
    cards: Cards
    iban: Iban
    today: date


def rules_at(now: datetime) -> Rules:
    """The rows that hold at `now` (UTC). Raises: RuleDataFault naming what is missing or wrong of them."""
    limits, insurances, cards, ibans = _read()
    limit, insurance = holding_at(limits, now), holding_at(insurances, now)
    card, iban = holding_at(cards, now), holding_at(ibans, now)
    if limit is None or insurance is None or card is None or iban is None:
        raise RuleDataFault([f"{NAME}: some rows do not hold on {now:%Y-%m-%d}"])
    return Rules(limit, insurance, card, iban, now.astimezone(UTC).date())


@cache
def _read() -> tuple[list[Limit], list[Insurance], list[Cards], list[Iban]]:
    told = loads(resources.files("incident.recipient_lists").joinpath(NAME).read_text("utf-8"))
    faults: list[str] = []
    rows = (
        rows_of(told.get("limit"), Limit, f"{NAME}: limit", faults),
        rows_of(told.get("national_insurance"), Insurance, f"{NAME}: national_insurance", faults),
        rows_of(told.get("cards"), Cards, f"{NAME}: cards", faults),
        rows_of(told.get("iban"), Iban, f"{NAME}: iban", faults),
    )
    each: Sequence[DatedRow]
    for each in rows:
        faults += breaks(each, NAME)
    if faults:
        raise RuleDataFault(faults)
    return rows
