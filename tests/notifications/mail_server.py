"""A mail server for tests: says what it is told to say, and keeps what it accepted."""

import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Says:
    """What the server answers, by command; and what it had accepted."""

    def __init__(self):
        self.replies = {}
        self.accepted = []
        self.names = []

    async def handle_EHLO(self, server, session: Session, envelope: Envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.names.append(hostname)
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if reply := self.replies.get("MAIL"):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if reply := self.replies.get("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if reply := self.replies.get("DATA"):
            return reply
        self.accepted.append(envelope)
        return "250 2.0.0 Queued as 4711"

    def mails(self):
        return [message_from_bytes(each.content, policy=default) for each in self.accepted]


def _signs_in(_server, _session, _envelope, _mechanism, told):
    return AuthResult(success=(told.login, told.password) == (b"clock", b"p:ss/w@rd"), handled=False)


@contextmanager
def mail_server(*, host="127.0.0.1", tls=None, signs_in=False, **options):
    """A running server: its answers, and its port. `tls` is its context for STARTTLS."""
    says = Says()
    if signs_in:
        options |= {"authenticator": _signs_in, "auth_require_tls": False}
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    made = Controller(says, hostname=host, port=port, tls_context=tls, **options)
    made.start()
    try:
        yield says, port
    finally:
        made.stop()


def certificate(folder, address):
    """A certificate for an address, signed by itself: the context of a server, and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "server.pem", folder / "server.key"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, secret)
    return context, chain
