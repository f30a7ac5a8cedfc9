"""Settings for apps that a test builds from parts; nothing listens at their providers' addresses."""

from base64 import b64encode
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.settings import Settings, load

ROOT = Path(__file__).parents[2]
EVENT_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = b64encode(
    EVENT_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
DATA_KEY = Fernet.generate_key().decode()


def a_settings(home: Path, **more: str) -> Settings:
    """Settings as the environment gives them; `more` are further variables, or others."""
    return load({
        "BREACHCLOCK_HOME": str(home), "BREACHCLOCK_SECRET_KEY": "s" * 40, "BREACHCLOCK_DATA_KEYS": DATA_KEY,
        "BREACHCLOCK_PUBLIC_URL": "https://breachclock.promark.example",
        "TWILIO_ACCOUNT_SID": "AC" + "5" * 32, "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+4552512345",
        "TWILIO_API_BASE": "http://127.0.0.1:1", "SENDGRID_API_KEY": "SG.key",
        "SENDGRID_EVENT_PUBLIC_KEY": PUBLIC_KEY, "SENDGRID_API_BASE": "http://127.0.0.1:1", **more,
    })  # fmt: skip
