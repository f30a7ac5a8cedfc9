"""What a text from a phone means, whatever a thumb at three in the morning makes of it."""

import pytest

from notifications.rules.replies import CANDIDATES, Meaning, is_code, length_after, read


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
    "body", ["KT47", "kt47", "Kt 47", "ok KT47", "tag kt-47!", "Jeg tar den, KT47", "ＫＴ４７"]
)
def test_a_short_code_is_found_however_it_is_written(body):
    assert (read(body).meaning, read(body).codes[:1]) == (Meaning.CODE, ("KT47",))


@pytest.mark.parametrize(
    "body",
    [
        "nej KT47",
        "Nei, kt47",
        "no KT47",
        "KT47 kan ikke",
        "Jag kan inte ta KT47",
        "can’t, KT47",
        "ring ikke KT47",
    ],
)
def test_a_no_beside_a_code_is_never_a_yes(body):
    assert (read(body).meaning, read(body).codes[:1]) == (Meaning.NOT_ME, ("KT47",))


@pytest.mark.parametrize("body", ["ring KT47", "Call kt47", "ring mig op om KT47"])
def test_a_call_is_asked_for_in_each_language(body):
    assert (read(body).meaning, read(body).codes[:1]) == (Meaning.CALL, ("KT47",))


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ("nej", Meaning.NOT_ME), ("Kan ikke.", Meaning.NOT_ME), ("kan inte", Meaning.NOT_ME),
        ("call me", Meaning.CALL), ("Ring meg", Meaning.CALL), ("no problem, on my way", Meaning.UNKNOWN),
        ("ring til Birk i stedet", Meaning.UNKNOWN), ("KT٤٧", Meaning.UNKNOWN), ("КТ47", Meaning.UNKNOWN),
    ],
)  # fmt: skip
def test_without_a_code_only_the_whole_text_says_no_or_asks_for_a_call(body, meaning):
    assert read(body) == read(body.casefold())
    assert (read(body).meaning, read(body).codes) == (meaning, ())


def test_a_text_full_of_codes_is_no_hundred_guesses():
    body = " ".join(f"KT{number}" for number in range(22, 99))

    assert len(read(body).codes) == CANDIDATES


@pytest.mark.parametrize(
    ("used", "length"), [(0, 4), (4623, 4), (4624, 5), (36_991, 5), (36_992, 6), (10**9, 7)]
)
def test_codes_grow_before_they_are_easy_to_guess(used, length):
    assert length_after(used) == length


@pytest.mark.parametrize("word", ["2359", "HTTP", "KT4", "AB23", "KT40", "PM2026", "K7Q2"])
def test_neither_times_nor_words_nor_numbers_of_incidents_look_like_a_code(word):
    assert not is_code(word)


@pytest.mark.parametrize(
    "body", ["", "?", "😀" * 1000, "A" * 5000, "K7Q2MXP", "K7Q2MXPDD", "O0I1LSB8", "\x00\x00"]
)
def test_anything_else_is_unknown_and_harmless(body):
    assert read(body).meaning is Meaning.UNKNOWN
