"""A mail server that takes what it is given and shows it in the mailboxes: SMTP, with faults on demand."""

import asyncio
import logging
import secrets
import socket
import ssl
import threading
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from hmac import compare_digest
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifications.sandbox.bench import Bench
from notifications.sandbox.config import SANDBOX_SMTP_PASSWORD, SANDBOX_SMTP_USER
from notifications.sandbox.keys import tls_files
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.script import Fault, Kind

NAME = "sandbox.invalid"
BROKEN = (ConnectionResetError, BrokenPipeError)
WORDS = {
    421: "4.3.2 Service not available",
    451: "4.7.1 Greylisted, please try again later",
    452: "4.2.2 Mailbox full",
    535: "5.7.8 Authentication credentials invalid",
    550: "5.1.1 The mailbox does not exist",
    554: "5.7.1 Message refused",
}


class _Sink:
    """Answers the commands of one client after another."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def handle_MAIL(  # noqa: N802  aiosmtpd's name and arguments
        self, server: "_Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only those who said who they are may send."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        server.fault = None
        envelope.mail_from, envelope.mail_options = address, options
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name and arguments
        self, server: "_Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, unless a fault says otherwise."""
        fault = self._bench.script.take(Fault, "smtp", lambda: [address])
        if fault and fault.kind in {Kind.TEMPORARY, Kind.PERMANENT}:
            return _words(fault.status or int(fault.kind), fault.message)
        if fault and fault.kind is not Kind.ACCEPT:
            server.fault = fault
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options += options
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: "_Server", session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail: on disk first, then the answer, which a fault may keep back."""
        fault, server.fault = server.fault, None
        request = secrets.token_hex(6).upper()
        if fault is None or fault.accepts:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            found = messages_of(content, envelope.mail_from or "", envelope.rcpt_tos, request)
            await asyncio.to_thread(self._keep, found)
        if fault and fault.kind in {Kind.HANG, Kind.ACCEPT_THEN_HANG, Kind.SLOW}:
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind is not Kind.SLOW:
            server.drop()
        return f"250 2.0.0 Ok: queued as {request}"

    def _keep(self, found: list[Message]) -> None:
        self._bench.store.keep(found)
        self._bench.progress.begin(found)


class _Server(SMTP):
    """aiosmtpd's server, which can be told to drop a connection."""

    fault: Fault | None = None

    def drop(self) -> None:
        """End the connection without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        raise ConnectionResetError

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  aiosmtpd's name
        """Drop the connection before the body when a fault says so; the mail is then nowhere."""
        if self.fault and self.fault.kind is Kind.RESET_BEFORE_BODY:
            self.fault = None
            self.drop()
        await super().smtp_DATA(arg)


class SmtpSink:
    """Listens in a thread of its own. Raises OSError when somebody else listens there."""

    def __init__(self, bench: Bench, host: str, port: int) -> None:
        self._bench = bench
        self._socket = socket.create_server((host, port), backlog=64)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._tls = _tls(bench) if bench.config.smtp_tls else None
        self._loop = asyncio.new_event_loop()
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it would log whole mails

    def start(self) -> None:
        """Take mails from now on."""
        threading.Thread(target=self._run, name="sandbox-smtp", daemon=True).start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(self._protocol, sock=self._socket))
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in (tasks := asyncio.all_tasks(self._loop)):
                task.cancel()
            with suppress(*BROKEN):
                self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    def _protocol(self) -> SMTP:
        return _Server(
            _Sink(self._bench),
            hostname=NAME,
            ident="Sandbox",
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            auth_require_tls=self._tls is not None,
            authenticator=self._authenticate,
            enable_SMTPUTF8=True,
            loop=self._loop,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        """Only the sandbox's own name and password: real ones must not even seem to work."""
        if self._bench.script.take(Fault, "smtp", lambda: (), "account"):
            return AuthResult(success=False, handled=False)
        own = (SANDBOX_SMTP_USER.encode(), SANDBOX_SMTP_PASSWORD.encode())
        known = isinstance(given, LoginPassword) and all(
            map(compare_digest, (given.login, given.password), own)
        )
        return AuthResult(success=known, handled=False)

    def stop(self) -> None:
        """Take no more."""
        with suppress(RuntimeError):  # it never started, or has ended
            self._loop.call_soon_threadsafe(self._loop.stop)


def _tls(bench: Bench) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*tls_files(bench.config.home))
    return context


def _words(status: int, message: str | None) -> str:
    return f"{status} {message or WORDS.get(status, 'Sandbox fault')}"


def messages_of(content: bytes, sender: str, recipients: list[str], request: str) -> list[Message]:
    """A mail as it came in, once for each recipient."""
    mail = message_from_bytes(content, policy=default)
    parts = {kind: _text(mail, kind) for kind in ("plain", "html")}
    name, written = parseaddr(str(mail.get("From", sender)))
    now = now_utc()
    return [
        Message(
            id=f"{request}-{number}",
            provider="smtp",
            to=address,
            sender=written or sender,
            sender_name=name,
            at=now,
            due_at=now,
            changed_at=now,
            subject=str(mail.get("Subject", "")),
            body=parts["plain"],
            html=parts["html"],
            request=str(mail.get("Message-ID", "")).strip() or request,
            headers={key: str(value) for key, value in mail.items()},
        )
        for number, address in enumerate(recipients)
    ]


def _text(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n") if part else ""
