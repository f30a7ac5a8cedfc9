"""Settings are right, or the start says all that is wrong with them."""

import stat

import pytest
from cryptography.fernet import Fernet

from foundation.settings import SettingsError, load
from tests.accounts.small_app import environ

TWILIO = {"BREACHCLOCK_SMS": "twilio", "TWILIO_API_BASE": "https://api.twilio.com"}


def faults(home, **more):
    with pytest.raises(SettingsError) as refused:
        load(environ(home, **more))
    return str(refused.value)


def test_every_fault_is_named_at_once(tmp_path):
    told = faults(
        tmp_path, BREACHCLOCK_SECRET_KEY="short", BREACHCLOCK_DATA_KEYS="no key", BREACHCLOCK_BIND="here",
        BREACHCLOCK_EMAIL="pigeon", BREACHCLOCK_DATABASE_URL="mysql://x", TWILIO_FROM="",
        BREACHCLOCK_MAIL_FROM="security@", BREACHCLOCK_PUBLIC_URL="clock.test",
    )  # fmt: skip

    for name in (
        "BREACHCLOCK_SECRET_KEY", "BREACHCLOCK_DATA_KEYS", "BREACHCLOCK_BIND", "BREACHCLOCK_EMAIL",
        "BREACHCLOCK_DATABASE_URL", "TWILIO_FROM", "BREACHCLOCK_PUBLIC_URL",
    ):  # fmt: skip
        assert name in told
    assert "\n" not in told


def test_a_fault_does_not_repeat_the_secret(tmp_path):
    told = faults(tmp_path, BREACHCLOCK_SECRET_KEY="hunter2", BREACHCLOCK_DATA_KEYS="hunter3")

    assert "hunter" not in told


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "SENDGRID_API_KEY", "BREACHCLOCK_SECRET_KEY"])
def test_a_secret_may_come_from_a_file(tmp_path, name):
    file = tmp_path / "secret"
    file.write_text("f" * 40 + "\n")
    told = environ(tmp_path, **{f"{name}_FILE": str(file)})
    told.pop(name)

    field = name.lower().removeprefix("breachclock_")
    assert getattr(load(told), field) == "f" * 40


def test_a_file_that_cannot_be_read_is_a_fault_that_names_it(tmp_path):
    assert "TWILIO_AUTH_TOKEN_FILE cannot be read" in faults(
        tmp_path, TWILIO_AUTH_TOKEN_FILE="/nowhere/token"
    )


@pytest.mark.parametrize(
    "base", ["https://api.twilio.com", "https://sandbox.example.test", "http://10.0.0.1"]
)
def test_the_sandbox_never_comes_with_a_provider_outside(tmp_path, base):
    assert "TWILIO_API_BASE must be on this machine" in faults(tmp_path, TWILIO_API_BASE=base)
    assert "SENDGRID_API_BASE must be on this machine" in faults(tmp_path, SENDGRID_API_BASE=base)


def test_a_clock_that_was_moved_is_for_rehearsals_only(tmp_path):
    moved = {"BREACHCLOCK_CLOCK_OFFSET_FILE": str(tmp_path / "offset")}

    assert load(environ(tmp_path, **moved)).rehearsal
    assert "BREACHCLOCK_CLOCK_OFFSET_FILE is for rehearsals" in faults(tmp_path, **TWILIO, **moved)


def test_secrets_do_not_show_when_settings_are_printed(tmp_path):
    told = load(environ(tmp_path, TWILIO_AUTH_TOKEN="hunter2hunter2"))

    assert "hunter2" not in repr(told)
    assert "s" * 40 not in repr(told)
    assert told.data_keys[0] not in repr(told)


def test_keys_of_a_first_run_are_made_once_and_readable_by_their_owner_alone(tmp_path):
    told = environ(tmp_path / "home")
    for name in ("BREACHCLOCK_SECRET_KEY", "BREACHCLOCK_DATA_KEYS"):
        told.pop(name)

    first, second = load(told, make_keys=True), load(told, make_keys=True)

    assert (first.secret_key, first.data_keys) == (second.secret_key, second.data_keys)
    Fernet(first.data_keys[0])
    assert len(first.secret_key) >= 32
    for name in ("secret_key", "data_keys"):
        assert stat.S_IMODE((tmp_path / "home" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_without_keys_and_without_being_asked_to_make_them_nothing_starts(tmp_path):
    told = environ(tmp_path)
    told.pop("BREACHCLOCK_DATA_KEYS")

    with pytest.raises(SettingsError, match="BREACHCLOCK_DATA_KEYS is missing"):
        load(told)
    assert not (tmp_path / "data_keys").exists()


def test_a_home_too_deep_for_a_socket_still_has_a_queue_server(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = load(environ(deep)).redis_url.removeprefix("unix://")

    assert len(path) < 108
    assert path == load(environ(deep)).redis_url.removeprefix("unix://")
    assert load(environ(deep)).embedded_queue


SECRET = "whsec_" + "QUFB" * 12
GATEWAY = {
    "BREACHCLOCK_SMS_SECOND": "gateway", "BREACHCLOCK_SMS_GATEWAY_URL": "http://127.0.0.1:8073/gateway",
    "BREACHCLOCK_SMS_GATEWAY_TOKEN": "token", "BREACHCLOCK_SMS_GATEWAY_SECRET": SECRET,
}  # fmt: skip
SMTP = {
    "BREACHCLOCK_EMAIL": "smtp", "BREACHCLOCK_SMTP_URL": "smtps://clock:hunter2@mail.example:465",
    "BREACHCLOCK_MAIL_FROM": "clock@promark.example",
}  # fmt: skip


def test_a_second_way_out_and_its_share_are_taken_from_the_settings(tmp_path):
    told = load(environ(tmp_path, **GATEWAY, BREACHCLOCK_SMS_WEIGHTS="90,10"))

    assert (told.sms_second, told.sms_weights, told.rehearsal) == ("gateway", (90, 10), True)
    assert told.sms_rates == (), "nothing said: as the data say"
    assert load(environ(tmp_path, **SMTP, BREACHCLOCK_EMAIL_SECOND="sendgrid")).email_second == "sendgrid"
    assert load(environ(tmp_path, **SMTP)).email == "smtp"


def test_what_providers_agreed_to_take_is_told_for_each_of_them(tmp_path):
    told = load(
        environ(tmp_path, **GATEWAY, BREACHCLOCK_SMS_RATES="36000, 3600", BREACHCLOCK_EMAIL_RATES="9")
    )

    assert (told.sms_rates, told.email_rates) == ((36_000, 3_600), (9,))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"BREACHCLOCK_SMS_SECOND": "pigeon"}, "BREACHCLOCK_SMS_SECOND"),
        ({"BREACHCLOCK_SMS_SECOND": "twilio"}, "BREACHCLOCK_SMS_SECOND is 'twilio', which is the first"),
        ({"BREACHCLOCK_EMAIL_SECOND": "smtp"}, "BREACHCLOCK_SMTP_URL is missing"),
        (SMTP | {"BREACHCLOCK_EMAIL_SECOND": "smtp"}, "BREACHCLOCK_EMAIL_SECOND"),
        (SMTP | {"BREACHCLOCK_SMTP_URL": "https://hunter2@mail.example"}, "BREACHCLOCK_SMTP_URL"),
        (SMTP | {"BREACHCLOCK_SMTP_URL": "smtp://clock@mail.example"}, "BREACHCLOCK_SMTP_URL"),
        (SMTP | {"BREACHCLOCK_SMTP_URL": "smtp://mail.example:port"}, "BREACHCLOCK_SMTP_URL"),
        (GATEWAY | {"BREACHCLOCK_SMS_GATEWAY_SECRET": ""}, "BREACHCLOCK_SMS_GATEWAY_SECRET is missing"),
        (GATEWAY | {"BREACHCLOCK_SMS_GATEWAY_SECRET": "whsec_hunter2"}, "BREACHCLOCK_SMS_GATEWAY_SECRET"),
        (GATEWAY | {"BREACHCLOCK_SMS_GATEWAY_URL": "https://sms.example"}, "must be on this machine"),
        (
            GATEWAY | TWILIO | {"BREACHCLOCK_SMS_GATEWAY_URL": "http://sms.example"},
            "must start with https://",
        ),
        ({"BREACHCLOCK_SMS_WEIGHTS": "90,10"}, "BREACHCLOCK_SMS_WEIGHTS needs BREACHCLOCK_SMS_SECOND"),
        (GATEWAY | {"BREACHCLOCK_SMS_WEIGHTS": "0,0"}, "BREACHCLOCK_SMS_WEIGHTS"),
        (GATEWAY | {"BREACHCLOCK_SMS_WEIGHTS": "most"}, "BREACHCLOCK_SMS_WEIGHTS"),
        ({"BREACHCLOCK_SMS_RATES": "3600,3600"}, "BREACHCLOCK_SMS_RATES"),
        ({"BREACHCLOCK_EMAIL_RATES": "0"}, "BREACHCLOCK_EMAIL_RATES"),
        ({"BREACHCLOCK_EMAIL_RATES": "fast"}, "BREACHCLOCK_EMAIL_RATES"),
    ],
)
def test_a_wrong_second_way_out_stops_the_start_and_is_named(tmp_path, wrong, named):
    told = faults(tmp_path, **wrong)

    assert named in told
    assert "hunter2" not in told
    assert "\n" not in told
