"""The key pair that signs e-mail events: made once under the home, kept there."""

import base64
import os
import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

PRIVATE_FILE = "event_private_key.pem"
PUBLIC_FILE = "event_public_key"
CERTIFICATE_FILE, TLS_KEY_FILE = "smtp_certificate.pem", "smtp_private_key.pem"


def event_key(home: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 private key under `home`, made when absent; two makers at once end with one key."""
    path = home / PRIVATE_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _make(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path.name} is not an elliptic curve key. Remove it, and a new pair is made.")
    return key


def _make(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_bytes(pem)
    try:
        os.link(draft, path)  # fails when someone else was first: then theirs is the key
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def event_public_key(home: Path | str) -> str:
    """The public key of `home` as base64 DER, as SendGrid shows it; makes the pair when absent."""
    public = event_key(Path(home)).public_key()
    text = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    (Path(home) / PUBLIC_FILE).write_text(text + "\n", encoding="ascii")
    return text


def sign_events(key: ec.EllipticCurvePrivateKey, *, timestamp: str, body: bytes) -> str:
    """SendGrid's event signature: ECDSA with SHA-256 over timestamp and raw body, base64."""
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def tls_files(home: Path) -> tuple[Path, Path]:
    """Certificate and key of the mail server, for this machine only; made anew when either is absent."""
    certificate, private = home / CERTIFICATE_FILE, home / TLS_KEY_FILE
    if not (certificate.exists() and private.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        alternatives = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        now = datetime.now(UTC)
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        private.touch(mode=0o600)
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    return certificate, private
