"""What the sandbox is told at start, and the credentials that open it.

The credentials are constants and public on purpose: they open nothing but a sandbox, and a sandbox
opens to nothing else. That keeps a real account out of a demo, and a demo out of a real account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SANDBOX_ACCOUNT_SID = "AC5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
SANDBOX_AUTH_TOKEN = "sandbox-token-opens-nothing-else"  # noqa: S105  public on purpose, see above
SANDBOX_API_KEY = "SG.sandbox.opens-nothing-else"
SANDBOX_NUMBER = "+4552512345"
SANDBOX_GATEWAY_TOKEN = "sandbox-gateway-opens-nothing-else"  # noqa: S105
SANDBOX_GATEWAY_SECRET = "whsec_c2FuZGJveC1nYXRld2F5LW9wZW5zLW5vdGhpbmctZWxzZQ=="  # noqa: S105
SANDBOX_TEST_NUMBER = "+447700900999"  # of Ofcom's range for drama: it is nobody's
SANDBOX_TEST_MAILBOX = "canary@sandbox.example"
SANDBOX_SMTP_USER = "sandbox"
SANDBOX_SMTP_PASSWORD = "sandbox-mail-opens-nothing-else"  # noqa: S105

DEFAULT_CALLBACK_URL = "http://127.0.0.1:8072"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Where the sandbox lives, whom it calls back, and how quickly things happen (seconds)."""

    home: Path
    callback_url: str = DEFAULT_CALLBACK_URL  # where the product is reached
    public_url: str | None = None  # what the product calls itself, when that differs; signatures cover it
    openapi: Path | None = None  # folder with the providers' own documents
    delay: float = 0.08  # between one delivery state and the next
    speech: float = 0.0  # characters a second; 0: a call's words are spoken at once
    cancel_margin: float = 600.0  # SendGrid cancels a batch until so long before its send_at
    callback_tries: int = 8
    responder: str | None = None  # the number that answers test pages by itself
    smtp_port: int = 0  # of the mail server; 0 takes a free one
    smtp_tls: bool = False  # whether it wants STARTTLS, with a certificate of its own
    trusted_hosts: tuple[str, ...] = ()

    @property
    def signed_url(self) -> str:
        """The product's address as it stands in callbacks and their signatures, without a slash."""
        return (self.public_url or self.callback_url).rstrip("/")


def environment(*, url: str, public_key: str) -> dict[str, str]:
    """The variables that point a product at the sandbox at `url` (its outside: contract, section 6)."""
    return {
        "TWILIO_ACCOUNT_SID": SANDBOX_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": SANDBOX_AUTH_TOKEN,
        "TWILIO_FROM": SANDBOX_NUMBER,
        "TWILIO_API_BASE": url,
        "SENDGRID_API_KEY": SANDBOX_API_KEY,
        "SENDGRID_API_BASE": url,
        "SENDGRID_EVENT_PUBLIC_KEY": public_key,
    }


def second_environment(*, url: str, smtp_at: str) -> dict[str, str]:
    """The variables that give a product its second ways out in the sandbox; `smtp_at` is host:port."""
    return {
        "BREACHCLOCK_SMS_SECOND": "gateway",
        "BREACHCLOCK_EMAIL_SECOND": "smtp",
        "BREACHCLOCK_SMS_GATEWAY_URL": f"{url}/gateway",
        "BREACHCLOCK_SMS_GATEWAY_TOKEN": SANDBOX_GATEWAY_TOKEN,
        "BREACHCLOCK_SMS_GATEWAY_SECRET": SANDBOX_GATEWAY_SECRET,
        "BREACHCLOCK_SMTP_URL": f"smtp://{SANDBOX_SMTP_USER}:{SANDBOX_SMTP_PASSWORD}@{smtp_at}",
        "BREACHCLOCK_HEARTBEAT_URL": f"{url}/heartbeat",
    }


def probed_environment() -> dict[str, str]:
    """The variables that let a product write to itself: a number that answers, and a mailbox."""
    return {
        "BREACHCLOCK_TEST_NUMBER": SANDBOX_TEST_NUMBER,
        "BREACHCLOCK_TEST_EMAIL": SANDBOX_TEST_MAILBOX,
    }


def foreign_credentials(environ: Mapping[str, str]) -> list[str]:
    """Names of provider variables that are set to something else than the sandbox's own credentials."""
    own = {
        "TWILIO_ACCOUNT_SID": SANDBOX_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": SANDBOX_AUTH_TOKEN,
        "SENDGRID_API_KEY": SANDBOX_API_KEY,
        "BREACHCLOCK_SMS_GATEWAY_TOKEN": SANDBOX_GATEWAY_TOKEN,
    }
    files = [f"{name}_FILE" for name in own if environ.get(f"{name}_FILE")]
    found = [name for name, value in own.items() if environ.get(name, value) not in {value, ""}] + files
    mail = environ.get("BREACHCLOCK_SMTP_URL", "")
    own_mail = f"{SANDBOX_SMTP_USER}:{SANDBOX_SMTP_PASSWORD}@"
    return [*found, *(["BREACHCLOCK_SMTP_URL"] if mail and own_mail not in mail else [])]
