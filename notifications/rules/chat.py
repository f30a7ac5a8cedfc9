"""Which addresses of chat services are let in, and which places a message to one may go to.

Whoever may type an address could otherwise have this machine call another one inside the house. So a
service must be known, its options too, and what it calls must be public; a rehearsal reaches this
machine alone.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import urlsplit

FILE = Path(__file__).parents[1] / "data" / "chat.toml"
TRANSLATED = IPv6Network("64:ff9b::/96")  # IPv4 behind NAT64 (RFC 6052)
LONGEST = 500  # characters of an address
TAIL = 3  # signs of an address that its owner is shown


@dataclass(frozen=True, slots=True)
class Service:
    """A chat service, and the class of Apprise that speaks to it."""

    name: str
    module: str
    cls: str
    schemes: frozenset[str]
    rehearsal: frozenset[str]  # schemes without encryption
    web: tuple[str, ...]  # hosts whose web addresses the service hands out, and what lies below them
    options: frozenset[str]
    host: bool  # whether an address begins with a host, which may be shown
    example: str


def _read() -> tuple[Service, ...]:
    return tuple(
        Service(
            each["name"], each["module"], each["class"], frozenset(each["schemes"]),
            frozenset(each["rehearsal"]), tuple(each["web"]), frozenset(each["options"]),
            each["host"], each["example"],
        )
        for each in tomllib.loads(FILE.read_text(encoding="utf-8"))["service"]
    )  # fmt: skip


SERVICES = _read()


def service_of(address: str, *, rehearsal: bool) -> Service | None:
    """The service an address is of, by its scheme; None for one that is not let in."""
    scheme = address.partition("://")[0].strip().lower()
    if scheme == "https":
        return _of_a_web_address(urlsplit(address).hostname or "")
    for each in SERVICES:
        if scheme in each.schemes or (rehearsal and scheme in each.rehearsal):
            return each
    return None


def _of_a_web_address(host: str) -> Service | None:
    """Services hand out web addresses of their own, such as those of hooks.slack.com."""
    for each in SERVICES:
        if any(host == web or host.endswith(f".{web}") for web in each.web):
            return each
    return None


def is_unencrypted(address: str) -> bool:
    """Whether a scheme is known and not let in because it sends in the clear."""
    scheme = address.partition("://")[0].strip().lower()
    return any(scheme in each.rehearsal for each in SERVICES)


def foreign(service: Service, options: Iterable[str]) -> list[str]:
    """Which of an address's options are not let in."""
    return sorted({each for each in options if each.lower() not in service.options})


def may_call(address: str, *, rehearsal: bool) -> bool:
    """Whether a message may go to this IP address: a public one, and in a rehearsal this machine only."""
    place = _within(ip_address(address.partition("%")[0]))
    if rehearsal:
        return place.is_loopback
    return place.is_global and not place.is_multicast


def _within(place: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that some kinds of IPv6 addresses stand for: it is what is reached in the end."""
    if isinstance(place, IPv4Address):
        return place
    if place in TRANSLATED:
        return IPv4Address(int(place) & 0xFFFFFFFF)
    return place.ipv4_mapped or place.sixtofour or (place.teredo[1] if place.teredo else None) or place


def shown(address: str) -> str:
    """An address as its owner is shown it: the service, its host where that is no secret, the last signs."""
    service = service_of(address, rehearsal=True)
    host = (urlsplit(address).hostname or "") if service and service.host else ""
    return " ".join(filter(None, (service.name if service else "", host, f"…{address[-TAIL:]}")))
