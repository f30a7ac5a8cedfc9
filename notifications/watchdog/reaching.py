"""How the watchdog reaches people: Twilio, SMTP and Apprise with keys of its own.

Each library is loaded when it is needed. A way that fails is said and holds up none of the others.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from notifications.watchdog.config import Config, Way


@dataclass(frozen=True, slots=True)
class Told:
    """How one way went: `trouble` is None when the next one took the message over."""

    way: Way
    trouble: str | None


def tell(config: Config, ways: Iterable[Way], subject: str, text: str) -> list[Told]:
    """Say this by each way; never raises."""
    by_kind: dict[str, Callable[[Config, Way, str, str], None]] = {
        "sms": _sms, "voice": _voice, "email": _email, "apprise": _apprise,
    }  # fmt: skip
    told = []
    for way in ways:
        trouble = None
        try:
            by_kind[way.kind](config, way, subject, text)
        except Exception as fault:  # noqa: BLE001  whatever it is, the next way must be tried
            trouble = f"{type(fault).__name__}: {str(fault).splitlines()[0][:160] if str(fault) else ''}"
        told.append(Told(way, _without_secrets(config, trouble) if trouble else None))
    return told


def _without_secrets(config: Config, trouble: str) -> str:
    """What went wrong, without keys and addresses with keys in them."""
    secrets = [config.twilio.get("auth_token", ""), config.smtp.get("url", "")]
    secrets += [each.address for each in config.ways if each.kind == "apprise"]
    for secret in filter(None, secrets):
        trouble = trouble.replace(secret, "…")
    return trouble


def _client(config: Config) -> Any:
    from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415  a second to load, for an alarm only
    from twilio.rest import Client  # noqa: PLC0415

    base = urlsplit(config.twilio["base"])

    class Http(TwilioHttpClient):
        """The SDK's client, at the base address of the file, and with an end."""

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
            """Swap scheme and host; follow nothing."""
            parts = urlsplit(url)._replace(scheme=base.scheme, netloc=base.netloc)
            kwargs["allow_redirects"] = False
            return super().request(method, urlunsplit(parts), *args, **kwargs)

    http = Http(timeout=config.timeout, max_retries=0)
    return Client(config.twilio["account_sid"], config.twilio["auth_token"], http_client=http)


def _sms(config: Config, way: Way, _subject: str, text: str) -> None:
    _client(config).messages.create(
        to="".join(way.address.split()), from_=config.twilio["from"], body=text[:320]
    )


def _voice(config: Config, way: Way, _subject: str, text: str) -> None:
    voice = {"da": "da-DK", "nb": "nb-NO", "sv": "sv-SE", "en": "en-GB"}[config.language]
    said = f'<Say language="{voice}">{escape(text)}</Say>'
    twiml = f'<Response>{said}<Pause length="1"/>{said}</Response>'
    _client(config).calls.create(to="".join(way.address.split()), from_=config.twilio["from"], twiml=twiml)


def _email(config: Config, way: Way, subject: str, text: str) -> None:
    url = urlsplit(config.smtp["url"])
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = config.smtp["from"], way.address, subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=config.smtp["from"].rpartition("@")[2])
    mail.set_content(text)
    with _server(url.scheme, url.hostname or "", url.port, config.timeout) as server:
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(mail)


def _server(scheme: str, host: str, port: int | None, timeout: float) -> smtplib.SMTP:
    """A connection; encrypted from the first byte with smtps, else as soon as the server offers it."""
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=timeout, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port or 587, timeout=timeout)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    return server


def _apprise(_config: Config, way: Way, subject: str, text: str) -> None:
    from apprise import Apprise  # noqa: PLC0415  loads a hundred services

    post = Apprise()
    if not post.add(way.address):
        raise ValueError("Apprise does not know this address")
    if not post.notify(title=subject, body=text):
        raise RuntimeError("Apprise could not deliver it")
