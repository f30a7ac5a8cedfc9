"""Languages and times as people read them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import render_template_string

from foundation import locales
from foundation.locales import choose, country, day, duration, instant, language, remaining
from tests.accounts import small_app
from tests.accounts.small_app import sign_in_as, token_of

COPENHAGEN = "Europe/Copenhagen"
AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "Fri 9 Oct 2026, 09:30 CEST"),
        ("da", "fre. 9. okt. 2026 kl. 09.30 CEST"),
        ("nb", "fre. 9. okt. 2026 kl. 09:30 CEST"),
        ("sv", "fre 9 okt. 2026 kl. 09:30 CEST"),
    ],
)
def test_an_instant_is_said_in_the_zone_and_manner_of_the_reader(locale, said):
    assert instant(AT, COPENHAGEN, locale) == said


def test_the_hour_that_comes_twice_in_october_is_told_apart():
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert instant(first, COPENHAGEN, "en") == "Sun 25 Oct 2026, 02:30 CEST"
    assert instant(second, COPENHAGEN, "en") == "Sun 25 Oct 2026, 02:30 CET"


def test_a_day_is_the_day_of_the_zone():
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    assert day(late, COPENHAGEN, "en") == "Fri 1 Jan 2027"
    assert day(late, "UTC", "en") == "Thu 31 Dec 2026"


def test_an_instant_without_a_zone_is_not_shown_at_all():
    with pytest.raises(ValueError, match="without a zone"):
        instant(datetime(2026, 10, 9), COPENHAGEN, "en")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ({"hours": 72}, "3 d"),
        ({"hours": 71, "minutes": 59, "seconds": 59}, "2 d 23 h"),
        ({"hours": 4, "minutes": 10}, "4 h 10 min"),
        ({"hours": 1}, "1 h"),
        ({"minutes": 59, "seconds": 59}, "59 min"),
        ({"seconds": 30}, "30 s"),
        ({}, "0 s"),
        ({"hours": -3}, "3 h"),
    ],
)
def test_a_duration_is_cut_and_never_rounded_up(length, said):
    assert duration(timedelta(**length), "en") == said


@pytest.mark.parametrize(
    ("hours", "locale", "said"),
    [
        (52, "en", "2 d 4 h left"), (-3, "en", "3 h late"), (0, "en", "0 s left"),
        (52, "da", "2 d 4 t tilbage"), (-3, "da", "3 t over fristen"),
        (52, "nb", "2 d 4 t igjen"), (52, "sv", "2 d 4 h kvar"), (-3, "sv", "3 h efter fristen"),
    ],
)  # fmt: skip
def test_what_is_left_is_said_in_words(hours, locale, said):
    assert remaining(timedelta(hours=hours), locale) == said


@pytest.mark.parametrize(
    ("preference", "accept", "chosen"),
    [
        ("da", ["sv"], "da"), (None, ["fr", "sv-SE", "en"], "sv"), (None, ["nn-NO"], "nb"),
        ("no", [], "nb"), ("en_US", [], "en"), ("fr", ["de"], "en"), (None, [], "en"), ("", ["*"], "en"),
    ],
)  # fmt: skip
def test_a_language_we_have_is_chosen(preference, accept, chosen):
    assert choose(preference, accept=accept) == chosen


def test_countries_and_languages_have_names_in_every_language():
    assert [country("no", each) for each in locales.LOCALES] == ["Norway", "Norge", "Norge", "Norge"]
    assert [language("nb", each) for each in ("en", "da")] == ["Norwegian Bokmål", "bokmål"]
    assert country("XQ", "en") == "XQ"


# --- in pages -------------------------------------------------------------------------------------


@pytest.fixture
def app(tmp_path):
    return small_app.make(tmp_path)


def test_before_signing_in_the_browser_says_which_language(app):
    answer = app.test_client().get("/sign-in", headers={"Accept-Language": "sv-SE,sv;q=0.9,en;q=0.5"})

    assert '<html lang="sv">' in answer.text
    assert answer.headers["Content-Language"] == "sv"
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)


def test_a_language_chosen_stays_before_and_after_signing_in(app):
    client = app.test_client()
    client.post("/language", data={"locale": "nb", "csrf_token": token_of(client)})
    assert '<html lang="nb">' in client.get("/sign-in").text

    sign_in_as(client, "astrid")
    client.post("/language", data={"locale": "da", "csrf_token": token_of(client)})
    assert '<html lang="da">' in client.get("/refused").text
    assert '<html lang="da">' in client.get("/refused", headers={"Accept-Language": "sv"}).text


def test_choosing_a_language_leads_back_and_never_away(app):
    client = app.test_client()
    data = {"locale": "da", "csrf_token": token_of(client)}

    assert client.post("/language", data={**data, "next": "/sign-in?next=/x"}).location == "/sign-in?next=/x"
    assert client.post("/language", data={**data, "next": "https://evil.test"}).location == "/"


def shown(app, template, **values):
    with app.test_request_context(), app.app_context():
        locales.prefer("en", COPENHAGEN)
        return render_template_string(template, **values)


CLOCK = (
    '{% from "_macros.html" import countdown with context %}'
    "{{ countdown(due, start, now, stopped_at=stopped) }}"
)


@pytest.mark.parametrize(
    ("gone", "stopped", "level", "words"),
    [
        (12, None, "calm", "2 d 12 h left"), (48, None, "soon", "1 d left"), (63, None, "urgent", "9 h left"),
        (75, None, "late", "3 h late"), (75, 67, "met", "5 h to spare"), (75, 74, "missed", "2 h late"),
    ],
)  # fmt: skip
def test_a_clock_is_complete_without_javascript(app, gone, stopped, level, words):
    def hours(number):
        return None if number is None else AT + timedelta(hours=number)

    page = shown(app, CLOCK, due=hours(72), start=AT, now=hours(gone), stopped=hours(stopped))

    assert f'data-level="{level}"' in page
    assert words in page
    assert "due <time" in page
    assert "Mon 12 Oct 2026, 09:30 CEST" in page
    assert ("data-countdown" in page) is (stopped is None)
    assert 'aria-live="off"' in page


def test_a_time_tells_utc_to_whoever_asks(app):
    page = shown(app, '{% from "_macros.html" import moment with context %}{{ moment(at) }}', at=AT)

    assert page == (
        '<time datetime="2026-10-09T07:30:00+00:00" title="Fri 9 Oct 2026, 07:30 UTC">'
        "Fri 9 Oct 2026, 09:30 CEST</time>"
    )


# --- catalogues -----------------------------------------------------------------------------------


@pytest.fixture
def compiled(tmp_path, app):
    for source in Path(small_app.ROOT, "translations").glob("*/LC_MESSAGES/messages.po"):
        target = tmp_path / "mo" / source.parts[-3] / "LC_MESSAGES"
        target.mkdir(parents=True)
        with source.open("rb") as po, (target / "messages.mo").open("wb") as mo:
            write_mo(mo, read_po(po, locale=source.parts[-3]))
    app.extensions["babel"].translation_directories = [str(tmp_path / "mo")]


@pytest.mark.parametrize(
    ("locale", "words"), [("da", "Log ind"), ("nb", "Logg inn"), ("sv", "Logga in"), ("en", "Sign in")]
)
def test_the_sign_in_page_speaks_the_language_of_the_reader(app, compiled, locale, words):
    page = app.test_client().get("/sign-in", headers={"Accept-Language": locale}).text

    assert f'<h1 id="door">{words}</h1>' in page


@pytest.mark.parametrize("locale", ["da", "nb", "sv"])
def test_what_a_catalogue_says_keeps_the_places_of_the_original(locale):
    path = Path(small_app.ROOT, "translations", locale, "LC_MESSAGES", "messages.po")
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale, abort_invalid=True)

    assert not list(catalogue.check())
    assert not [m.id for m in catalogue if m.id and m.fuzzy]


@pytest.fixture(scope="module")
def asked():
    """Every string that code and pages ask the catalogues for, by babel.cfg."""
    with Path(small_app.ROOT, "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(
        small_app.ROOT, methods, options, keywords={**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None},
        directory_filter=lambda path: not Path(path).name.startswith("."),
    )  # fmt: skip
    return {message[2] if isinstance(message[2], str) else message[2][0] for message in found}


@pytest.mark.parametrize("locale", ["da", "nb", "sv"])
def test_all_but_a_few_strings_are_said_in_every_language(asked, locale):
    path = Path(small_app.ROOT, "translations", locale, "LC_MESSAGES", "messages.po")
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)

    said = {each for each in asked if (found := catalogue.get(each)) and any(found.string)}

    assert len(asked) > 1000
    assert len(said) >= 0.97 * len(asked), sorted(asked - said)
