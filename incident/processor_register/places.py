"""Countries: inside or outside the EEA on a day, and by the names that people give them."""

from datetime import datetime
from functools import cache

from flask_babel import gettext as _

from foundation import locales
from incident.rules.law import LAW
from incident.rules.plausibility import known_countries

CONFUSED = {"UK": "GB", "EL": "GR"}


def outside_the_eea(country: str, now: datetime) -> bool:
    """Whether the GDPR is not the law of this country (ISO 3166-1 alpha-2) at `now` (chapter V)."""
    row = LAW.membership(country, now)
    return row is None or row.regime != "gdpr"


def country_code(text: str) -> str:
    """The code of a country told by code or by name in one of our languages. Raises: ValueError with why."""
    told = " ".join(text.split())
    if told.upper() in known_countries():
        return told.upper()
    if found := _by_name().get(told.casefold()):
        return found
    if told.upper() in CONFUSED:
        raise ValueError(_("“%(told)s” is no code; write %(code)s", told=told, code=CONFUSED[told.upper()]))
    raise ValueError(_("there is no country “%(told)s”", told=told[:40]))


@cache
def _by_name() -> dict[str, str]:
    return {
        locales.country(code, locale).casefold(): code
        for locale in locales.LOCALES
        for code in sorted(known_countries())
    }
