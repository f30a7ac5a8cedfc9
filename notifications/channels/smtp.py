"""SMTP: e-mail through a mail server of one's own, beside SendGrid or instead of it.

A mail server says yes or no when it has the whole text, and nothing later: it cannot be asked and sends
no receipts. What broke before the text was on its way is provably not sent; what broke after it, nobody
knows. The attempt's id is the name of the message (Message-ID), so that a mail server's own log tells.
"""

import smtplib
import ssl
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_TEXT
from email.policy import SMTPUTF8
from email.utils import formatdate
from functools import partial
from ipaddress import ip_address
from threading import Lock
from urllib.parse import unquote, urlsplit

from foundation.settings import Settings
from notifications.channels import Accepted, Answer, CannotAsk, Refusal, To, Told, Unsure, deadline, to_nobody
from notifications.channels.one_by_one import OneByOne
from notifications.channels.smtp_kept import TROUBLE, Connections
from notifications.rules import mail_replies
from notifications.rules.mail_replies import Reply
from notifications.rules.retry import SMTP

PORT, TLS_PORT = 587, 465
LOOPBACK = ("127.0.0.1", "::1", "localhost")
YES, GO_ON = range(200, 300), range(354, 355)
NO_WAY_IN = "smtp-530"  # as RFC 3207 and RFC 4954 say it: it is not as it must be to be used


class _Handing:
    """One e-mail on its way, between the thread that hands it over and the one that waits for it.

    Whoever comes first decides: given up before its text is on its way, it never goes; later, nobody knows.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._given_up = False
        self.begun = False

    def begin(self) -> bool:
        """The text goes now; false when nobody waits for it any more."""
        with self._lock:
            self.begun = not self._given_up
            return self.begun

    def give_up(self) -> bool:
        """Let it not go any more; false when its text is on its way."""
        with self._lock:
            self._given_up = not self.begun
            return self._given_up


class _Refused(Exception):
    """The server said no, or nothing can go by it: provably not sent."""

    def __init__(self, answer: Refusal) -> None:
        super().__init__(answer.why)
        self.answer = answer


class Smtp(OneByOne):
    """Sends through the mail server in the settings."""

    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.smtp_url)
        self.tls = parts.scheme == "smtps"
        self.host, self.port = parts.hostname or "", parts.port or (TLS_PORT if self.tls else PORT)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = settings.mail_from
        self.our_name = _our_name(urlsplit(settings.public_url).hostname or "localhost")
        self.kept = Connections()

    def send(
        self,
        *,
        recipient: str,
        content: dict[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        urgent: bool,
        late: Callable[[Answer], object] = to_nobody,
    ) -> Answer:
        """Hand over one e-mail, its recipient alone in it; see `channels.Provider.send`."""
        return self._send(recipient, content, attempt_id, reference, limit=limit, late=late)

    def _send(
        self, recipient: str, content: dict[str, str], attempt_id: str, reference: str, *, limit: float,
        late: Callable[[Answer], object], kept: Connections | None = None,
    ) -> Answer:  # fmt: skip
        address = _plain(recipient)
        if address is None:
            return Refusal("The address is none", code=SMTP + mail_replies.GONE)
        identity = f"{attempt_id}@{self.sender.rpartition('@')[2]}"
        text = _stuffed(_mail(self.sender, address, content, identity, reference).as_bytes())
        handing = _Handing()
        call = partial(self._hand_over, text, address.addr_spec, identity, handing, limit, kept)
        answer = deadline.answer(limit, call, provider="The mail server", late=late)
        if isinstance(answer, Unsure) and handing.give_up():
            return Refusal(f"The mail server did not take it within {limit:g} seconds")
        return answer

    def hand_over_one(
        self,
        person: To,
        content: dict[str, str],
        *,
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Answer], object],
    ) -> Answer:
        """Hand over one of many, by a connection that others of them took before; see `OneByOne`."""
        kept = self.kept
        return self._send(person.address, content, attempt_id, reference, limit=limit, late=late, kept=kept)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Raises: CannotAsk, always: a mail server does not tell what it has."""
        raise CannotAsk("a mail server cannot be asked")

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Raises: CannotAsk, always."""
        raise CannotAsk("a mail server cannot be asked")

    def check(self, limit: float) -> str | None:
        """What is wrong with the way in, in words, or None; asked within `limit` seconds, sends nothing."""
        try:
            deadline.within(limit, partial(self._greet, limit))
        except smtplib.SMTPResponseException as reply:
            return f"The mail server refused ({_read(reply.smtp_code, reply.smtp_error).says})"
        except (deadline.TimeIsUp, deadline.NotBegun, *TROUBLE) as trouble:
            return f"The mail server does not answer ({type(trouble).__name__})"
        return None

    def _greet(self, limit: float) -> None:
        server = self._connected(limit)
        with suppress(*TROUBLE):
            server.quit()

    def _hand_over(  # noqa: PLR0917  what a message consists of
        self, text: bytes, address: str, identity: str, handing: _Handing, limit: float,
        kept: Connections | None,
    ) -> Answer:  # fmt: skip
        server, answer = None, None
        try:
            server = (kept.take(limit) if kept else None) or self._connected(limit)
            _address(server, self.sender, address)
            _expect(server.docmd("DATA"), GO_ON)
            if handing.begin():
                answer = _text(server, text, identity)
                return answer
            return Refusal("Nobody waits for the mail server any more")
        except _Refused as no:
            answer = no.answer
            return answer
        except smtplib.SMTPResponseException as reply:
            return _refusal(_read(reply.smtp_code, reply.smtp_error), account=True)
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as lack:
            why = f"The mail server offers no safe way in ({type(lack).__name__})"
            return Refusal(why, code=NO_WAY_IN, account=True)
        except TROUBLE as trouble:
            return Refusal(f"The mail server broke off before it had anything ({type(trouble).__name__})")
        finally:
            _leave(server, answer, kept)

    def _connected(self, limit: float) -> smtplib.SMTP:
        """A connection that is encrypted, unless it stays on this machine, and signed in where wanted."""
        context = ssl.create_default_context()
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=self.our_name, timeout=limit, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, local_hostname=self.our_name, timeout=limit)
        try:
            if not (self.tls or self.host in LOOPBACK):
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self.user:
                server.login(self.user, self.password)
        except Exception:
            server.close()
            raise
        return server


def _our_name(host: str) -> str:
    """What we call ourselves: the host of our public address, an IP address as RFC 5321 writes it."""
    try:
        address = ip_address(host)
    except ValueError:
        return _ascii(host) or "localhost"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def _ascii(domain: str) -> str | None:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return None


def _plain(recipient: str) -> Address | None:
    """The address with its domain as DNS has it; None for one that cannot be one, or holds a line break."""
    local, _at, domain = recipient.rpartition("@")
    known = _ascii(domain)
    if not (local and known) or any(each.isspace() or not each.isprintable() for each in recipient):
        return None
    return Address(username=local, domain=known)


def _mail(
    sender: str, address: Address, content: dict[str, str], identity: str, reference: str
) -> EmailMessage:
    policy = (SMTP_TEXT if address.addr_spec.isascii() else SMTPUTF8).clone(cte_type="7bit")
    mail = EmailMessage(policy=policy)
    mail["From"] = Address(_line(content.get("sender", "Breachclock")), addr_spec=sender)
    mail["To"] = address
    mail["Subject"] = _line(content["subject"])
    if content.get("reply_to"):
        mail["Reply-To"] = _line(content["reply_to"])
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{identity}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that no absence notice answers it
    mail["X-Breachclock-Reference"] = _line(reference)
    mail.set_content(content["text"])
    if content.get("html"):
        mail.add_alternative(content["html"], subtype="html")
    if content.get("attachment"):
        kind, _slash, subtype = content["attachment_type"].partition("/")
        mail.add_attachment(
            b64decode(content["attachment"]), maintype=kind, subtype=subtype,
            filename=_line(content["attachment_name"]),
        )  # fmt: skip
    return mail


def _line(text: str) -> str:
    """Text that stays in its header."""
    return " ".join(text.split())


def _address(server: smtplib.SMTP, sender: str, address: str) -> None:
    """Say from whom and to whom. Raises: _Refused."""
    letters = [] if address.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    if letters and not server.has_extn("smtputf8"):
        why = "The mail server takes no such letters in an address"
        raise _Refused(Refusal(why, code=SMTP + mail_replies.NO_SUCH_LETTERS))
    _expect(server.mail(sender, letters), YES, account=True)
    reply = _read(*server.rcpt(address))
    if reply.number not in YES:
        raise _Refused(_refusal(reply, account=False, relay=True))


def _expect(reply: tuple[int, bytes], wanted: range, *, account: bool = False) -> None:
    """Raises: _Refused for any other reply."""
    read = _read(*reply)
    if read.number not in wanted:
        raise _Refused(_refusal(read, account=account))


def _read(number: int, text: bytes | str) -> Reply:
    return Reply(number, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def _refusal(reply: Reply, *, account: bool, relay: bool = False) -> Refusal:
    """What a no amounts to; `relay`: it is of a recipient, whom it may not be willing to reach for us."""
    relays_not = relay and reply.of_our_rights
    ours = relays_not or (account and reply.of_our_account)
    return Refusal(
        f"The mail server refused ({reply.says})", code=reply.code, account=ours, perhaps_one=relays_not
    )


def _text(server: smtplib.SMTP, text: bytes, identity: str) -> Answer:
    """The text itself: from here on only the server's own word tells whether it has the message."""
    try:
        server.send(text)
        reply = _read(*server.getreply())
    except TROUBLE as trouble:
        return Unsure(f"The mail server broke off while it had the text ({type(trouble).__name__})")
    if reply.yes:
        return Accepted(identity)
    if reply.no:
        return _refusal(reply, account=False)
    return Unsure(f"The mail server's answer was not the expected one ({reply.number})")


def _leave(server: smtplib.SMTP | None, answer: Answer | None, kept: Connections | None) -> None:
    """Keep the connection when it was answered to the end, and close it otherwise."""
    if server is None:
        return
    if kept and isinstance(answer, Accepted | Refusal) and server.sock is not None:
        kept.put(server)
        return
    if isinstance(answer, Accepted):
        with suppress(*TROUBLE):
            server.putcmd("QUIT")  # nobody waits for its goodbye
    server.close()


def _stuffed(text: bytes) -> bytes:
    """The text with its end, no line of it taken for one (RFC 5321, 4.5.2)."""
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." + each if each.startswith(b".") else each) + b"\r\n" for each in lines) + b".\r\n"
