"""Limits of the page where people check a code, and how long contact data is kept: dated data."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from incident.rules.dated import DatedRow, terms_at

NAME: Final = "proof.toml"
Hours = Annotated[float, Field(gt=0, le=8760)]
Days = Annotated[int, Field(gt=0, le=3660)]
Times = Annotated[int, Field(gt=0, le=10_000_000)]


class Terms(DatedRow):
    """What holds of codes and of contact data; see the data file."""

    looks_per_minute: Times
    looks_per_hour: Times
    looks_per_hour_of_all: Times
    slips_per_hour: Times
    wrong_per_hour: Times
    told_again_hours: Hours
    wrong_days: Days
    recent_days: Days
    contact_days: Days
    contact_days_least: Days
    contact_days_most: Days
    warned_days: Days
    look_again_hours: Hours

    @property
    def told_again(self) -> timedelta:
        """So long staff is not told again of wrong codes."""
        return timedelta(hours=self.told_again_hours)

    @property
    def warned(self) -> timedelta:
        """So long before contact data is destroyed somebody is told."""
        return timedelta(days=self.warned_days)

    @property
    def look_again(self) -> timedelta:
        """So long the clock leaves an incident before it looks again."""
        return timedelta(hours=self.look_again_hours)

    def kept(self, days: int | None) -> timedelta:
        """How long contact data is kept where an organisation says so many days, within what is allowed."""
        wanted = self.contact_days if days is None else days
        return timedelta(days=min(max(wanted, self.contact_days_least), self.contact_days_most))


def terms(at: datetime) -> Terms:
    """The terms that hold at a moment (aware). Raises: RuleDataFault when no row does."""
    return terms_at(NAME, Terms, at)
