"""Languages and times as people read them: da, nb, sv and en; instants in the organisation's zone.

Nothing here reads the clock. Durations are elapsed time: no working days, no calendar months.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from datetime import date as calendar_day
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, get_locale, refresh
from werkzeug.datastructures import LanguageAccept

LOCALES = ("en", "da", "nb", "sv")
NAMES = {"en": "English", "da": "Dansk", "nb": "Norsk bokmål", "sv": "Svenska"}
DEFAULT = "en"
FALLBACKS = {"no": "nb", "nn": "nb"}  # who reads nynorsk reads bokmål
REGIONAL = {"en": "en_GB", "da": "da_DK", "nb": "nb_NO", "sv": "sv_SE"}  # plain "en" gives American dates

INSTANT = {
    "en": "EEE d MMM y, HH:mm zzz",
    "da": "EEE d. MMM y 'kl.' HH.mm zzz",
    "nb": "EEE d. MMM y 'kl.' HH:mm zzz",
    "sv": "EEE d MMM y 'kl.' HH:mm zzz",
}
DAY = {"en": "EEE d MMM y", "da": "EEE d. MMM y", "nb": "EEE d. MMM y", "sv": "EEE d MMM y"}
DATE = {"en": "d MMMM y", "da": "d. MMMM y", "nb": "d. MMMM y", "sv": "d MMMM y"}
UNITS = {  # day, hour, minute, second
    "en": ("d", "h", "min", "s"),
    "da": ("d", "t", "min", "s"),
    "nb": ("d", "t", "min", "s"),
    "sv": ("d", "h", "min", "s"),
}
LEFT = {"en": "{} left", "da": "{} tilbage", "nb": "{} igjen", "sv": "{} kvar"}
LATE = {"en": "{} late", "da": "{} over fristen", "nb": "{} over fristen", "sv": "{} efter fristen"}


def known(tag: str | None) -> str | None:
    """The language of ours that a tag such as "nn", "da-DK" or "en_US" means, or None."""
    language = (tag or "").replace("_", "-").partition("-")[0].lower()
    language = FALLBACKS.get(language, language)
    return language if language in LOCALES else None


def choose(*preferences: str | None, accept: Iterable[str] = ()) -> str:
    """The first language we have: of the preferences, then of those a browser accepts, else English."""
    for tag in (*preferences, *accept):
        if found := known(tag):
            return found
    return DEFAULT


def instant(at: datetime, zone: str, locale: str) -> str:
    """The instant in the zone (IANA name), the zone always said: "Fri 9 Oct 2026, 09:30 CEST"."""
    return _format(at, INSTANT, zone, locale)


def day(at: datetime, zone: str, locale: str) -> str:
    """The calendar day that the instant falls on in the zone: "Fri 9 Oct 2026"."""
    return _format(at, DAY, zone, locale)


def date(at: datetime, zone: str, locale: str) -> str:
    """The calendar day in full, as a letter says it: "9 October 2026"."""
    return _format(at, DATE, zone, locale)


def date_of(of: calendar_day, locale: str) -> str:
    """A day of the calendar in full, where no instant is known: "9 October 2026"."""
    language = choose(locale)
    return format_date(of, DATE[language], locale=REGIONAL[language])


def _format(at: datetime, patterns: dict[str, str], zone: str, locale: str) -> str:
    if at.tzinfo is None:
        raise ValueError("An instant without a zone cannot be shown: nobody would know when it was.")
    language = choose(locale)
    return format_datetime(local(at, zone), patterns[language], locale=REGIONAL[language])


def local(at: datetime, zone: str) -> datetime:
    """The instant in the zone; in UTC where the zone's clock would show a year before 1 or after 9999."""
    try:
        return at.astimezone(ZoneInfo(zone))
    except OverflowError:
        return at.astimezone(UTC)


def duration(length: timedelta, locale: str) -> str:
    """The two largest units, cut and never rounded up: "2 d 4 h", "4 h 10 min", "59 min", "30 s"."""
    day_, hour, minute, second = UNITS[choose(locale)]
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} {second}"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    if days:
        return f"{days} {day_} {hours} {hour}" if hours else f"{days} {day_}"
    if hours:
        return f"{hours} {hour} {minutes} {minute}" if minutes else f"{hours} {hour}"
    return f"{minutes} {minute}"


def remaining(left: timedelta, locale: str) -> str:
    """What is left in words, "2 d 4 h left", or "3 h late" once it is below zero."""
    words = LATE if left < timedelta() else LEFT
    return words[choose(locale)].format(duration(left, locale))


@lru_cache(maxsize=512)
def country(code: str, locale: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2) in a language; the code itself when unknown."""
    return str(Locale.parse(REGIONAL[choose(locale)]).territories.get(code.upper(), code))


@lru_cache(maxsize=512)
def language(code: str, locale: str) -> str:
    """The name of a language (ISO 639-1) in a language; the code itself when unknown."""
    return str(Locale.parse(REGIONAL[choose(locale)]).languages.get(code.lower(), code))


def number(count: float, locale: str) -> str:
    """A number as a language writes it: "48,211" or "48.211"."""
    return str(format_decimal(count, locale=REGIONAL[choose(locale)]))


def size(count: int, locale: str) -> str:
    """A number of bytes in MiB, or KiB below one, rounded up."""
    unit, one = ("MiB", 1 << 20) if count >= 1 << 20 else ("KiB", 1 << 10)
    return f"{number(-(-count // one), locale)}\N{NO-BREAK SPACE}{unit}"


# --- in pages -------------------------------------------------------------------------------------


def prefer(locale: str | None, zone: str) -> None:
    """For the rest of this request show pages in this language and times in this zone."""
    g.preferred_locale, g.zone = locale, zone
    refresh()


def current() -> str:
    """The language of the present request, or of `flask_babel.force_locale` in a job."""
    return choose(str(get_locale() or DEFAULT))


def zone() -> str:
    """The zone that times of the present request are shown in; UTC before anybody signed in."""
    return str(g.get("zone", "UTC"))


def clock_words() -> dict[str, object]:
    """What static/countdown.js needs to say durations in the language of the page."""
    language = current()
    return {"units": UNITS[language], "left": LEFT[language], "late": LATE[language]}


def _select() -> str:
    accept = request.accept_languages if has_request_context() else LanguageAccept()
    return choose(g.get("preferred_locale"), accept=accept.values())


def init_app(app: Flask) -> None:
    """Set up gettext and the filters for instants, lengths, countries, languages and numbers."""
    Babel(app, default_locale=DEFAULT, locale_selector=_select)
    app.jinja_env.globals.update(
        LOCALES=NAMES, current_locale=current, current_zone=zone, clock_words=clock_words
    )
    app.jinja_env.filters.update(
        instant=lambda at, in_zone=None: instant(at, in_zone or zone(), current()),
        day=lambda at, in_zone=None: day(at, in_zone or zone(), current()),
        date=lambda of: date_of(of, current()),
        duration=lambda length: duration(length, current()),
        remaining=lambda left: remaining(left, current()),
        country=lambda code: country(code, current()),
        language=lambda code: language(code, current()),
        number=lambda count: number(count, current()),
        size=lambda count: size(count, current()),
    )

    @app.before_request
    def forget() -> None:
        for name in ("preferred_locale", "zone"):
            g.pop(name, None)
        refresh()

    @app.after_request
    def say(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Language", current())
            response.vary.update(("Accept-Language", "Cookie"))
        return response
