"""Settings from the environment: read once, frozen, and every fault named together at the start.

The variables are a contract (docs/operations/settings.md). Each secret may come from a file, by its
name with `_FILE`. What an embedded installation needs for itself is made under its home.
"""

import hashlib
import json
import os
import secrets
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

SECRETS = (
    "BREACHCLOCK_SECRET_KEY", "BREACHCLOCK_DATA_KEYS", "BREACHCLOCK_DATABASE_URL", "BREACHCLOCK_REDIS_URL",
    "SENDGRID_API_KEY", "SENDGRID_EVENT_PUBLIC_KEY", "TWILIO_AUTH_TOKEN", "BREACHCLOCK_PAPER_PASSPHRASE",
    "BREACHCLOCK_SMTP_URL", "BREACHCLOCK_SMS_GATEWAY_TOKEN", "BREACHCLOCK_SMS_GATEWAY_SECRET",
)  # fmt: skip
SHORTEST_SECRET = 24  # bytes, as Standard Webhooks ask
DEMONSTRATION = "sandbox.json"
SHORTEST_PASSPHRASE = 16  # characters; whoever has a file may try as often as they like
TWILIO = "https://api.twilio.com"
SENDGRID = "https://api.sendgrid.com"


class SettingsError(ValueError):
    """The settings cannot be used; `faults` names the variable of each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Settings are incomplete: " + "; ".join(faults) + ".")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """What this installation was told. Addresses are URLs, keys are Fernet keys, newest first."""

    home: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    public_url: str
    bind: str
    secret_key: str = field(repr=False)
    data_keys: tuple[str, ...] = field(repr=False)
    email: str
    email_second: str  # the provider that takes over; empty for none
    email_weights: tuple[int, ...]  # each provider's share of messages; empty: all by the first
    email_rates: tuple[int, ...]  # messages an hour that each provider agreed to; empty: as the data say
    sms: str
    sms_second: str
    sms_weights: tuple[int, ...]
    sms_rates: tuple[int, ...]
    mail_from: str
    sendgrid_api_key: str = field(repr=False)
    sendgrid_api_base: str
    sendgrid_event_public_key: str = field(repr=False)
    twilio_account_sid: str
    twilio_auth_token: str = field(repr=False)
    twilio_from: str
    twilio_voice_from: str
    twilio_api_base: str
    smtp_url: str = field(repr=False)
    sms_gateway_url: str
    sms_gateway_token: str = field(repr=False)
    sms_gateway_secret: str = field(repr=False)
    heartbeat_url: str
    test_number: str
    test_email: str
    paper_passphrase: str = field(repr=False)
    sandbox_url: str
    clock_offset_file: Path | None

    @property
    def embedded_database(self) -> bool:
        """Whether the database is the one under the home."""
        return self.database_url.startswith("sqlite")

    @property
    def embedded_queue(self) -> bool:
        """Whether the queue server is the one under the home."""
        return self.redis_url == _own_queue(self.home)

    @property
    def rehearsal(self) -> bool:
        """Whether every way out leads into the sandbox; second ones are on this machine then."""
        return (self.email, self.sms) == ("sandbox", "sandbox")


def load(environ: Mapping[str, str] | None = None, *, make_keys: bool = False) -> Settings:
    """Read the settings; `make_keys` makes those of a first run under the home.

    Raises: SettingsError with one sentence that names every variable at fault.
    """
    given = os.environ if environ is None else environ
    home = Path(given.get("BREACHCLOCK_HOME") or "./var").resolve()
    reader = _Reader({**_of_demonstration(home), **given})
    if make_keys:
        make_first_keys(home)
    settings = _read(reader, home)
    _check_providers(reader, settings)
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


def keep_for_demonstration(home: Path, variables: Mapping[str, str]) -> None:
    """Keep what points a demonstration at its sandbox, so that its other commands find it too."""
    (home / DEMONSTRATION).write_text(json.dumps(dict(variables), indent=1), encoding="utf-8")


def _of_demonstration(home: Path) -> dict[str, str]:
    """What a demonstration in this home was started with; the environment stands above it."""
    try:
        kept: dict[str, str] = json.loads((home / DEMONSTRATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def make_first_keys(home: Path) -> None:
    """Make the home and the keys that are not there yet, readable by their owner alone."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_once(home / "secret_key", secrets.token_urlsafe(48))
    _write_once(home / "data_keys", Fernet.generate_key().decode())


def _write_once(path: Path, content: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return


class _Reader:
    """The environment, and what was wrong with it so far."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        if name in SECRETS and (path := self.environ.get(f"{name}_FILE")):
            try:
                return Path(path).read_text().strip()
            except OSError as trouble:
                self.faults.append(f"{name}_FILE cannot be read ({trouble.strerror}: {path})")
                return default
        return self.environ.get(name, "").strip() or default

    def kept(self, name: str, path: Path) -> str:
        """A key from the environment, else from the home."""
        if value := self.text(name):
            return value
        if path.is_file():
            return path.read_text().strip()
        self.faults.append(f"{name} is missing")
        return ""

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.faults.append(f"{name} is {value!r}, not one of {', '.join(filter(None, allowed))}")
        return value

    def shares(self, name: str, second: str) -> tuple[int, ...]:
        """Two whole numbers such as "90,10": the shares of the first and of the second provider."""
        told = self.text(name)
        if not told:
            return ()
        parts = [each.strip() for each in told.split(",")]
        if len(parts) != 2 or not all(each.isascii() and each.isdigit() and len(each) < 7 for each in parts):
            self.faults.append(f"{name} is {told!r}, not two whole numbers such as 90,10")
            return ()
        if not any(map(int, parts)):
            self.faults.append(f"{name} leaves nothing to either provider")
        if not self.text(second):
            self.faults.append(f"{name} needs {second}")
        return tuple(map(int, parts))

    def rates(self, name: str, second: str) -> tuple[int, ...]:
        """How much each provider takes in an hour, the second's after a comma: "200000" or "200000,3600"."""
        told = self.text(name)
        parts = [each.strip() for each in told.split(",")] if told else []
        most = 2 if self.text(second) else 1
        if len(parts) > most or not all(
            each.isascii() and each.isdigit() and int(each[:10]) > 0 and len(each) < 10 for each in parts
        ):
            self.faults.append(f"{name} is {told!r}, not a whole number an hour for each provider there is")
            return ()
        return tuple(map(int, parts))

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value and urlsplit(value).scheme not in schemes:
            self.faults.append(f"{name} is not an address that starts with {' or '.join(schemes)}://")
        return value


def _read(reader: _Reader, home: Path) -> Settings:
    web = ("http", "https")
    bind = _bind(reader)
    offset = reader.text("BREACHCLOCK_CLOCK_OFFSET_FILE")
    return Settings(
        home=home,
        database_url=reader.url(
            "BREACHCLOCK_DATABASE_URL",
            f"sqlite:///{home / 'breachclock.sqlite3'}",
            ("sqlite", "postgresql+psycopg"),
        ),
        redis_url=reader.url("BREACHCLOCK_REDIS_URL", _own_queue(home), ("redis", "rediss", "unix")),
        public_url=reader.url("BREACHCLOCK_PUBLIC_URL", f"http://{bind}", web).rstrip("/"),
        bind=bind,
        secret_key=_secret(reader, home),
        data_keys=_data_keys(reader, home),
        email=reader.choice("BREACHCLOCK_EMAIL", ("sendgrid", "smtp", "sandbox"), "sandbox"),
        email_second=reader.choice("BREACHCLOCK_EMAIL_SECOND", ("", "sendgrid", "smtp"), ""),
        email_weights=reader.shares("BREACHCLOCK_EMAIL_WEIGHTS", "BREACHCLOCK_EMAIL_SECOND"),
        email_rates=reader.rates("BREACHCLOCK_EMAIL_RATES", "BREACHCLOCK_EMAIL_SECOND"),
        sms=reader.choice("BREACHCLOCK_SMS", ("twilio", "gateway", "sandbox"), "sandbox"),
        sms_second=reader.choice("BREACHCLOCK_SMS_SECOND", ("", "gateway", "twilio"), ""),
        sms_weights=reader.shares("BREACHCLOCK_SMS_WEIGHTS", "BREACHCLOCK_SMS_SECOND"),
        sms_rates=reader.rates("BREACHCLOCK_SMS_RATES", "BREACHCLOCK_SMS_SECOND"),
        mail_from=_address(reader, "BREACHCLOCK_MAIL_FROM", "breachclock@localhost.test"),
        sendgrid_api_key=reader.text("SENDGRID_API_KEY"),
        sendgrid_api_base=reader.url("SENDGRID_API_BASE", SENDGRID, web),
        sendgrid_event_public_key=reader.text("SENDGRID_EVENT_PUBLIC_KEY"),
        twilio_account_sid=reader.text("TWILIO_ACCOUNT_SID"),
        twilio_auth_token=reader.text("TWILIO_AUTH_TOKEN"),
        twilio_from=reader.text("TWILIO_FROM"),
        twilio_voice_from=reader.text("TWILIO_VOICE_FROM") or reader.text("TWILIO_FROM"),
        heartbeat_url=reader.url("BREACHCLOCK_HEARTBEAT_URL", "", web),
        test_number=_test_number(reader),
        test_email=_address(reader, "BREACHCLOCK_TEST_EMAIL", ""),
        paper_passphrase=_passphrase(reader),
        twilio_api_base=reader.url("TWILIO_API_BASE", TWILIO, web),
        smtp_url=_smtp_url(reader),
        sms_gateway_url=reader.url("BREACHCLOCK_SMS_GATEWAY_URL", "", web).rstrip("/"),
        sms_gateway_token=reader.text("BREACHCLOCK_SMS_GATEWAY_TOKEN"),
        sms_gateway_secret=_signing_secret(reader, "BREACHCLOCK_SMS_GATEWAY_SECRET"),
        sandbox_url=reader.url("BREACHCLOCK_SANDBOX_URL", "http://127.0.0.1:8073", web),
        clock_offset_file=Path(offset) if offset else None,
    )


def _own_queue(home: Path) -> str:
    """The socket under the home; a shorter place where the path would not fit a socket (108 bytes)."""
    path = home / "queue.sock"
    if len(os.fsencode(path)) > 100:
        name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"breachclock-{os.getuid()}-{name}" / "queue.sock"
    return f"unix://{path}"


def _bind(reader: _Reader) -> str:
    value = reader.text("BREACHCLOCK_BIND", "127.0.0.1:8072")
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit():
        reader.faults.append(f"BREACHCLOCK_BIND is {value!r}, not host:port")
    return value


def _address(reader: _Reader, name: str, default: str) -> str:
    value = reader.text(name, default)
    if value and (value.count("@") != 1 or any(c.isspace() for c in value)):
        reader.faults.append(f"{name} is not an address: {value!r}")
    return value


def _test_number(reader: _Reader) -> str:
    value = "".join(reader.text("BREACHCLOCK_TEST_NUMBER").split())
    if value and not (value.startswith("+") and value[1:].isdigit() and 8 <= len(value) <= 16):
        reader.faults.append(
            f"BREACHCLOCK_TEST_NUMBER is not a number with its country, such as +4520304050: {value!r}"
        )
    return value


def _passphrase(reader: _Reader) -> str:
    value = reader.text("BREACHCLOCK_PAPER_PASSPHRASE")
    if value and len(value) < SHORTEST_PASSPHRASE:
        reader.faults.append(
            f"BREACHCLOCK_PAPER_PASSPHRASE is shorter than {SHORTEST_PASSPHRASE} characters: take five words"
        )
    return value


def _secret(reader: _Reader, home: Path) -> str:
    value = reader.kept("BREACHCLOCK_SECRET_KEY", home / "secret_key")
    if value and len(value) < 32:
        reader.faults.append("BREACHCLOCK_SECRET_KEY is shorter than 32 characters")
    return value


def _data_keys(reader: _Reader, home: Path) -> tuple[str, ...]:
    keys = tuple(reader.kept("BREACHCLOCK_DATA_KEYS", home / "data_keys").replace(",", " ").split())
    for position, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            reader.faults.append(f"BREACHCLOCK_DATA_KEYS: key {position} is not a Fernet key")
    return keys


def _smtp_url(reader: _Reader) -> str:
    name = "BREACHCLOCK_SMTP_URL"
    value = reader.text(name)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
        right = right and parts.path in ("", "/") and not (parts.query or parts.fragment)
        right = right and bool(parts.username) == bool(parts.password)
    except ValueError:
        right = False
    if not right:  # its password is in it, and is not repeated
        reader.faults.append(f"{name} is not smtp(s)://user:password@host:port")
        return ""
    return value


def _signing_secret(reader: _Reader, name: str) -> str:
    value = reader.text(name)
    try:
        right = not value or len(b64decode(value.removeprefix("whsec_"), validate=True)) >= SHORTEST_SECRET
    except ValueError:
        right = False
    if not (right and (not value or value.startswith("whsec_"))):
        reader.faults.append(f"{name} is not whsec_ and base64 of at least {SHORTEST_SECRET} bytes")
    return value


NEEDED = {
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
    "sendgrid": ("SENDGRID_API_KEY", "BREACHCLOCK_MAIL_FROM"),
    "smtp": ("BREACHCLOCK_SMTP_URL", "BREACHCLOCK_MAIL_FROM"),
    "gateway": (
        "BREACHCLOCK_SMS_GATEWAY_URL", "BREACHCLOCK_SMS_GATEWAY_TOKEN", "BREACHCLOCK_SMS_GATEWAY_SECRET",
    ),
    "twilio's sandbox": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
    "sendgrid's sandbox": ("SENDGRID_API_KEY",),
}  # fmt: skip


def _check_providers(reader: _Reader, settings: Settings) -> None:
    """Real credentials and the sandbox exclude each other, and each provider needs its own."""
    chosen = [
        "sendgrid's sandbox" if settings.email == "sandbox" else settings.email, settings.email_second,
        "twilio's sandbox" if settings.sms == "sandbox" else settings.sms, settings.sms_second,
    ]  # fmt: skip
    needed = dict.fromkeys(name for each in chosen for name in NEEDED.get(each, ()))
    if settings.email == "sandbox":
        needed.pop("BREACHCLOCK_MAIL_FROM", None)  # nobody answers to it there
    told = " ".join(reader.faults)
    reader.faults += [f"{name} is missing" for name in needed if not reader.text(name) and name not in told]
    for name, second, first in (
        ("BREACHCLOCK_EMAIL_SECOND", settings.email_second, chosen[0]),
        ("BREACHCLOCK_SMS_SECOND", settings.sms_second, chosen[2]),
    ):
        if second and first.startswith(second):
            reader.faults.append(f"{name} is {second!r}, which is the first provider already")
    _check_places(reader, settings)


def _check_places(reader: _Reader, settings: Settings) -> None:
    """What is rehearsed stays on this machine, and a secret goes abroad encrypted only."""
    gateway, mail = settings.sms_gateway_url, settings.smtp_url
    if gateway and settings.sms == "sandbox" and settings.sms_second and not _loopback(gateway):
        reader.faults.append(
            "BREACHCLOCK_SMS_GATEWAY_URL must be on this machine while BREACHCLOCK_SMS is sandbox"
        )
    elif gateway and urlsplit(gateway).scheme == "http" and not _loopback(gateway):
        reader.faults.append("BREACHCLOCK_SMS_GATEWAY_URL must start with https:// unless on this machine")
    if mail and settings.email == "sandbox" and settings.email_second and not _loopback(mail):
        reader.faults.append(
            "BREACHCLOCK_SMTP_URL must be on this machine while BREACHCLOCK_EMAIL is sandbox"
        )
    if settings.sms == "sandbox" and not _loopback(settings.twilio_api_base):
        reader.faults.append("TWILIO_API_BASE must be on this machine while BREACHCLOCK_SMS is sandbox")
    if settings.email == "sandbox" and not _loopback(settings.sendgrid_api_base):
        reader.faults.append("SENDGRID_API_BASE must be on this machine while BREACHCLOCK_EMAIL is sandbox")
    if settings.clock_offset_file and not settings.rehearsal:
        reader.faults.append("BREACHCLOCK_CLOCK_OFFSET_FILE is for rehearsals with the sandbox only")


def _loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
