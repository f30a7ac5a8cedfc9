"""Public holidays as hints: they stand in the calendar and beside forms, and decide nothing."""

from datetime import date
from functools import lru_cache

OTHERS = {"nb": ("nb", "no"), "en": ("en_GB", "en_US")}  # what the library calls our languages


@lru_cache(maxsize=64)
def of_year(country: str, year: int, locale: str) -> dict[date, str]:
    """The public holidays of a country (ISO 3166-1 alpha-2) in a year, named in a language.

    Where the library has no names in it, they are in the country's own; of a country that it does not know
    there are none.
    """
    import holidays  # noqa: PLC0415  a second of processor time that no start of a process is to wait for

    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return {}
    language = _language(tuple(known.supported_languages), locale) or known.default_language
    found = holidays.country_holidays(country, years=year, language=language)
    return dict(sorted(found.items()))


def _language(supported: tuple[str, ...], locale: str) -> str | None:
    for wanted in OTHERS.get(locale, (locale,)):
        for each in supported:
            if each == wanted or each.partition("_")[0] == wanted:
                return each
    return None


def between(country: str, first: date, last: date, locale: str) -> dict[date, str]:
    """The public holidays from one day to another, both included, in order."""
    return {
        day: name
        for year in range(first.year, last.year + 1)
        for day, name in of_year(country, year, locale).items()
        if first <= day <= last
    }
