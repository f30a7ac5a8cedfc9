"""What a text from a phone means, whatever a thumb at three in the morning makes of it."""

import pytest

from notifications.rules.replies import Meaning, read


@pytest.mark.parametrize(
    "body",
    [
        "K7Q2MXPD",
        "k7q2mxpd",
        " K7Q2 MXPD ",
        "K7Q2-MXPD",
        "ok K7Q2MXPD",
        "Ja, K7Q2MXPD.",
        "k7 q2 mx pd",
        "Jeg tager K7Q2MXPD!",
    ],
)
def test_a_code_is_found_however_it_is_written(body):
    reply = read(body)

    assert reply.meaning is Meaning.CODE
    assert "K7Q2MXPD" in reply.codes


@pytest.mark.parametrize(
    "body", ["STOP", "stop", " Stop. ", "UNSUBSCRIBE", "end", "Quit!", "cancel", "STOPALL"]
)
def test_stop_is_stop_in_any_dress(body):
    assert read(body).meaning is Meaning.STOP


@pytest.mark.parametrize("body", ["please stop calling my colleague", "the end is near", "don't quit"])
def test_stop_among_other_words_stops_nothing(body):
    assert read(body).meaning is Meaning.UNKNOWN


@pytest.mark.parametrize("body", ["START", "start.", "Unstop"])
def test_start_starts_again(body):
    assert read(body).meaning is Meaning.START


@pytest.mark.parametrize("body", ["ok", "OK!", "ja", "Yes", "jo", "1"])
def test_a_bare_yes_is_a_yes_and_no_code(body):
    assert read(body) == read("ok")
    assert read(body).meaning is Meaning.YES


@pytest.mark.parametrize(
    "body", ["", "?", "😀" * 1000, "A" * 5000, "K7Q2MXP", "K7Q2MXPDD", "O0I1LSB8", "\x00\x00"]
)
def test_anything_else_is_unknown_and_harmless(body):
    assert read(body).meaning is Meaning.UNKNOWN
