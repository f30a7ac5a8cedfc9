"""An operator's test message takes the way that real ones take."""

import pytest

from foundation import database
from notifications import cli
from notifications.models import Kind, State


def run(house, *arguments):
    return house.app.test_cli_runner().invoke(cli.notifications, ["test-message", *arguments])


@pytest.fixture(autouse=True)
def away_from_the_fixtures_session(house):
    database.db.session.rollback()


def test_a_test_message_is_owed_like_any_other(house):
    told = run(house, "--to", "+45 20 00 00 09", "--channel", "sms", "--organisation", "promark")

    assert told.exit_code == 0, told.output
    (message,) = house.messages()
    assert (message.kind, message.state, message.recipient) == (Kind.INTERNAL, State.PENDING, "+4520000009")
    assert str(message.id) in told.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--to", "20304050", "--channel", "sms", "--organisation", "promark"), "country"),
        (("--to", "nobody", "--channel", "email", "--organisation", "promark"), "e-mail address"),
        (("--to", "a@b.example", "--channel", "email"), "promark, softwerk"),
        (("--to", "a@b.example", "--channel", "email", "--organisation", "acme"), "acme"),
    ],
)
def test_what_can_not_be_sent_is_refused_with_the_reason(house, arguments, says):
    told = run(house, *arguments)

    assert told.exit_code != 0
    assert says in told.output
    assert house.messages() == []
