"""The cast, the same in every test: who they are, and how a test finds them."""

from dataclasses import dataclass
from uuid import UUID

PASSWORD = "larch-ferry-zinc-otter-47"
ASTRID, BIRK, DORTHE = "astrid@promark.example", "birk@promark.example", "dorthe@promark.example"
NILS, OLGA, ESKIL = "nils@promark.example", "olga@promark.example", "eskil@softwerk.example"
ASTRIDS_PHONE, BIRKS_PHONE, DORTHES_PHONE = "+447700900101", "+447700900102", "+447700900103"
HOSTCO, NORDHOST = "HostCo ApS", "NordHost AS"


@dataclass(frozen=True)
class Endpoint:
    """Where a processor reports, and its secret."""

    url: str
    secret: str

    @property
    def path(self) -> str:
        """The address without scheme and host, for a test client."""
        return "/" + self.url.split("/", 3)[3]


@dataclass(frozen=True)
class Cast:
    """Ids of everybody, by e-mail address, and of organisations by key; endpoints by processor's name."""

    staff: dict[str, UUID]
    organisations: dict[str, UUID]
    processors: dict[str, Endpoint]

    @property
    def promark(self) -> UUID:
        """The organisation whose incidents these are."""
        return self.organisations["promark"]

    @property
    def hostco(self) -> Endpoint:
        """The processor with a key."""
        return self.processors[HOSTCO]
