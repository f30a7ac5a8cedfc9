"""How long and how often, for what reaches us from processors: dated data, chosen by the day."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from incident.rules.dated import DatedRow, terms_at

NAME: Final = "reporting.toml"
Hours = Annotated[float, Field(gt=0, le=8760)]
Days = Annotated[int, Field(gt=0, le=3660)]
Times = Annotated[int, Field(gt=0, le=100_000)]


class Terms(DatedRow):
    """What holds of refused requests, of reports that cannot be read, and of forms; see the data file."""

    told_again_hours: Hours
    quarantine_rows_per_hour: Times
    quarantine_days: Days
    faulty_incidents_per_hour: Times
    soon_hours: Hours
    forms_per_hour: Times
    forms_per_hour_of_link: Times
    looks_per_minute: Times
    offline_days: Days
    status_days: Days
    update_hours: Hours
    confirmations_per_day: Times
    confirmations_per_address_per_day: Times
    public_mail_domains: list[str]

    @property
    def hour(self) -> timedelta:
        """What "per hour" counts back."""
        return timedelta(hours=1)

    @property
    def told_again(self) -> timedelta:
        """So long on-call is not told again of the same endpoint."""
        return timedelta(hours=self.told_again_hours)

    @property
    def soon(self) -> timedelta:
        """So near two reports are shown beside each other."""
        return timedelta(hours=self.soon_hours)


def terms(at: datetime) -> Terms:
    """The terms that hold at a moment (aware). Raises: RuleDataFault when no row does."""
    return terms_at(NAME, Terms, at)
