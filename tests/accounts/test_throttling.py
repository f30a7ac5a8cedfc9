"""Guessing is slowed; staff are not kept out."""

import pytest
from redis import Redis

from foundation.http import limiter
from tests.accounts import small_app
from tests.accounts.small_app import sign_in_as


@pytest.fixture
def elsewhere(app):
    """A guesser who comes from a new address each time."""

    def guess(number, user="astrid"):
        stranger = app.test_client()
        stranger.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        return sign_in_as(stranger, user, password="a guess, and a wrong one").status_code

    return guess


def test_the_eleventh_guess_within_a_minute_is_told_when_to_try_again(client):
    answers = [sign_in_as(client, "astrid", password="wrong") for _ in range(11)]

    assert [a.status_code for a in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    assert "Try again in" in answers[-1].text
    assert "Nothing is locked" in answers[-1].text


def test_while_throttled_the_right_password_tells_nothing(client):
    for _ in range(10):
        sign_in_as(client, "astrid", password="wrong")

    assert sign_in_as(client, "astrid").status_code == 429


def test_guesses_from_everywhere_are_counted_for_the_account(elsewhere):
    assert [elsewhere(n) for n in range(31)] == [401] * 30 + [429]


def test_strangers_who_guess_all_night_do_not_keep_astrid_out(app, elsewhere):
    laptop = app.test_client()
    sign_in_as(laptop, "astrid")
    laptop.delete_cookie("breachclock")
    for number in range(31):
        elsewhere(number)

    assert sign_in_as(laptop, "astrid").status_code == 303
    assert sign_in_as(app.test_client(), "astrid").status_code == 429  # a browser never seen before


def test_a_known_browser_of_astrid_is_no_key_to_the_account_of_birk(client, elsewhere):
    sign_in_as(client, "astrid")
    client.delete_cookie("breachclock")
    for number in range(31):
        elsewhere(number, "birk")

    assert sign_in_as(client, "birk", password="wrong").status_code == 429


def test_one_password_on_many_accounts_is_counted_for_the_address(client):
    codes = [sign_in_as(client, "astrid", email=f"a{n}@promark.test").status_code for n in range(61)]

    assert codes == [401] * 60 + [429]


def test_without_the_queue_server_guessing_is_still_slowed(tmp_path):
    app = small_app.make(tmp_path)
    app.config["RATELIMIT_STORAGE_URI"] = f"redis+unix://{tmp_path}/nobody-listens.sock"
    limiter.init_app(app)
    client = app.test_client()

    codes = [sign_in_as(client, "astrid", password="wrong").status_code for _ in range(11)]

    assert codes == [401] * 10 + [429]


def test_counters_hold_neither_address_nor_account(app, client):
    sign_in_as(client, "astrid", password="wrong")

    keys = " ".join(limiter.storage.events)
    assert keys.count("LIMITER") == 3
    assert "astrid" not in keys
    assert "127.0.0.1" not in keys


def test_counts_are_shared_by_all_web_processes_through_the_queue_server(tmp_path, queue_url):
    app = small_app.make(tmp_path)
    app.config["RATELIMIT_STORAGE_URI"] = queue_url.replace("unix://", "redis+unix://")
    limiter.init_app(app)
    for _ in range(10):
        assert sign_in_as(app.test_client(), "astrid", password="wrong").status_code == 401
    limiter.init_app(app)  # as another process would: with nothing but the server in common

    assert sign_in_as(app.test_client(), "astrid", password="wrong").status_code == 429
    kept = b" ".join(Redis.from_url(queue_url).keys())
    assert b"LIMITER" in kept
    assert b"astrid" not in kept
    assert b"127.0.0.1" not in kept
