"""How hard a text is to read is a figure of its language, and its meaning in words; a hint, never a guess."""

from datetime import UTC, datetime

import pytest
from flask_babel import force_locale

from incident.communication_texts import jargon, reading, words
from incident.rules.dated import RuleDataFault

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EASY = {
    "da": "Vi har mistet en fil. Den lå åben i to dage. Nu er den lukket. Ring til os, hvis du er i tvivl. ",
    "nb": "Vi har mistet en fil. Den lå åpen i to dager. Nå er den lukket. Ring oss hvis du er i tvil. ",
    "sv": "Vi har tappat en fil. Den låg öppen i två dagar. Nu är den stängd. Ring oss om du undrar. ",
    "en": "We lost a file. It lay open for two days. Now it is shut. Call us if you have a doubt. ",
}
HARD = {
    "da": (
        "Databehandlerens utilstrækkelige tekniske foranstaltninger muliggjorde uautoriserede aktørers "
        "kompromittering af autentificeringsoplysninger "
        "vedrørende samtlige registrerede kundeforhold i virksomheden. "
    ),
    "nb": (
        "Databehandlerens utilstrekkelige tekniske tiltak muliggjorde uautoriserte aktørers "
        "kompromittering av autentiseringsopplysninger "
        "vedrørende samtlige registrerte kundeforhold i virksomhetens systemer. "
    ),
    "sv": (
        "Personuppgiftsbiträdets otillräckliga tekniska åtgärder möjliggjorde obehöriga aktörers "
        "kompromettering av autentiseringsuppgifter "
        "avseende samtliga registrerade kundförhållanden i verksamhetens system. "
    ),
    "en": (
        "Insufficient organisational countermeasures facilitated unauthorised exfiltration of authentication "
        "information concerning individuals registered throughout the infrastructure of the organisation. "
    ),
}


def read(text, locale="da"):
    return reading.read(text, locale, now=NOW)


@pytest.mark.parametrize("locale", ["da", "nb", "sv", "en"])
def test_plain_words_are_easier_than_official_ones_in_every_language(locale):
    easy, hard = read(EASY[locale] * 4, locale), read(HARD[locale] * 4, locale)

    assert (easy.hard, hard.hard) == (False, True)
    assert (easy.band, hard.band) == ("very_easy", "very_hard")


def test_lix_is_words_a_sentence_and_long_words_in_a_hundred():
    found = read("Katten sov. Hunden spiste hurtigt maden.", "sv")

    assert (found.words, found.sentences, found.long_words) == (6, 2, 1)
    assert found.figure == pytest.approx(6 / 2 + 100 / 6, abs=0.05)


def test_a_word_of_six_letters_is_short_and_one_of_seven_is_long():
    assert read("abcdef abcdefg", "da").long_words == 1


def test_english_is_measured_by_its_own_measure():
    found = read("The old dog ran to me. It was so glad.", "en")

    assert found.measure == "ari"
    assert found.figure == 1.0  # never below the first year of school
    found = read("Many independent observers participated.", "en")
    expected = 4.71 * (4 + 11 + 9 + 12) / 4 + 0.5 * 4 - 21.43
    assert found.figure == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "Vi opdagede det den 5. maj kl. 10.30 efter et opkald.",
        "Ring på tlf. 20 12 34 56 om sag nr. 7 hos os.",
        "Skriv til os på hjaelp@promark.example eller se www.promark.example/sag. nu",
        "Det skete f.eks. hos os.", "Det koster 3.50 kr. om dagen.",
    ],
)  # fmt: skip
def test_not_every_full_stop_ends_a_sentence(text):
    assert read(text, "da").sentences == 1


def test_what_is_asked_and_shouted_and_listed_ends_a_sentence():
    text = "Hvad gør vi nu? Ring!\n\n– Koden er skiftet\n– Filen er slettet"

    assert list(reading.sentences_of(text, "da")) == [
        "Hvad gør vi nu?", "Ring!", "– Koden er skiftet", "– Filen er slettet",
    ]  # fmt: skip


def test_a_sentence_that_was_broken_to_fit_a_width_stays_one():
    assert read("Filen lå åben\ni to dage,\nog så blev den lukket.", "da").sentences == 1


def test_the_longest_sentence_is_shown_as_the_first_to_shorten():
    found = read("Kort. Denne sætning er en del længere end de andre. Kort igen.", "da")

    assert found.longest == "Denne sætning er en del længere end de andre."


def test_addresses_and_numbers_make_a_text_no_harder():
    assert read("Skriv til os. https://www.promark.example/meget/langt/link 2026", "da").long_words == 0


def test_a_figure_of_a_few_words_says_that_it_says_little():
    assert read("Vi beklager.", "da").enough is False
    assert read(EASY["da"] * 4, "da").enough is True


@pytest.mark.parametrize("text", ["", "   \n", "2026-11-28 12:00", "…", "\x00"])
def test_a_text_without_words_has_no_figure(text):
    assert read(text) is None


def test_a_language_without_a_measure_has_no_figure_rather_than_that_of_another():
    assert read("Mes amis, une phrase.", "fr") is None


def test_the_figure_is_told_in_the_words_of_the_page(app):
    with app.test_request_context(), force_locale("en"):
        assert (
            read(EASY["da"] * 4).said
            == f"Lix {read(EASY['da']).figure:.0f}: very easy, as a book for children."
        )
        assert read(HARD["en"] * 4, "en").said.startswith("About ")


def test_a_long_text_of_one_sign_does_not_hang():
    assert read("a." * 200_000) is not None
    assert read("(" * 200_000 + "a") is not None


# --- words that few people use ------------------------------------------------------------------


def test_words_of_lawyers_and_machines_are_shown_with_plainer_ones():
    found = jargon.hints("The data subjects’ credentials were exfiltrated. Exfiltration took an hour.", "en")

    assert {each.word: each.times for each in found} == {
        "exfiltrated": 2,
        "data subjects": 1,
        "credentials": 1,
    }
    assert {each.instead for each in found} == {"copied out", "you", "user name and password"}


def test_a_word_inside_another_word_is_no_jargon():
    assert jargon.hints("We observed it at dinner.", "en") == ()


def test_a_language_that_nobody_has_listed_words_for_says_so():
    assert jargon.hints("Le responsable du traitement", "fr") is None
    assert words.of("fr") is None


@pytest.mark.parametrize("locale", ["da", "nb", "sv", "en"])
def test_no_plainer_word_is_itself_jargon(locale):
    instead = " ; ".join(words.of(locale).jargon.values())

    assert jargon.hints(instead, locale) == ()


def test_a_file_of_words_that_cannot_be_relied_on_is_refused_by_name(tmp_path):
    (tmp_path / "xx.toml").write_text("concrete = 1")
    (tmp_path / "yy.toml").write_bytes(b"\xff")

    for name in ("xx.toml", "yy.toml"):
        with pytest.raises(RuleDataFault, match=name):
            words.read(tmp_path / name)
