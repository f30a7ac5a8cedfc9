"""The watchdog's own file (TOML): what to watch, whom to reach and how, how long silence may last."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from notifications.rules.silence import Patience

T = TypeVar("T")
LANGUAGES = ("da", "nb", "sv", "en")
KNOWN = {
    "": {"name", "language", "state", "watch", "timing", "contact", "twilio", "smtp", "apprise"},
    "watch": {"url", "file", "older_than_seconds"},
    "timing": {"every_seconds", "silent_after_seconds", "again_after_minutes", "timeout_seconds"},
    "contact": {"name", "sms", "voice", "email", "level"},
    "twilio": {"account_sid", "auth_token", "auth_token_file", "from", "base"},
    "smtp": {"url", "url_file", "from"},
    "apprise": {"name", "url", "url_file", "level"},
}


class ConfigFault(ValueError):
    """The file cannot be used; `faults` names each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Watched:
    """One thing that is watched: an address that answers 200, or a file that is written again and again."""

    name: str
    url: str = ""
    file: Path | None = None
    older_than: float = 0.0  # seconds


@dataclass(frozen=True, slots=True)
class Way:
    """One way to somebody: its kind (sms, voice, email, apprise), where to, and from which round on."""

    kind: str
    whose: str
    address: str
    level: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the watchdog knows."""

    name: str
    language: str
    state: Path
    every: float
    timeout: float
    patience: Patience
    watched: tuple[Watched, ...]
    ways: tuple[Way, ...]
    twilio: dict[str, str]
    smtp: dict[str, str]


def read(path: Path) -> Config:
    """Read the file. Raises: ConfigFault naming every fault at once, by table and key."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as trouble:
        raise ConfigFault([f"{path}: {trouble}"]) from None
    reader = _Reader(path)
    found = reader.config(told)
    if reader.faults:
        raise ConfigFault(reader.faults)
    return found


class _Reader:
    """Reads table after table, and keeps what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []

    def config(self, told: dict[str, Any]) -> Config:
        self._known("", told)
        timing = self._table(told, "timing")
        watched = tuple(self._watched(each) for each in self._tables(told, "watch"))
        twilio, smtp = self._twilio(told), self._smtp(told)
        ways = [way for each in self._tables(told, "contact") for way in self._ways(each, twilio, smtp)]
        ways += [self._apprise(each) for each in self._tables(told, "apprise")]
        if not watched:
            self.faults.append("[[watch]]: nothing is watched")
        if not ways:
            self.faults.append("[[contact]]: nobody can be reached")
        if ways and all(each.level > 1 for each in ways):
            self.faults.append("[[contact]]: the first round reaches nobody: give somebody level 1")
        language = told.get("language", "en")
        if language not in LANGUAGES:
            self.faults.append(f"language: {language!r} is not one of {', '.join(LANGUAGES)}")
        return Config(
            name=str(told.get("name", "Breachclock")), language=language,
            state=Path(told.get("state", self.path.with_suffix(".state.json"))),
            every=self._number(timing, "every_seconds", 20, 1),
            timeout=self._number(timing, "timeout_seconds", 10, 0.1),
            patience=Patience(self._number(timing, "silent_after_seconds", 180, 0), self._pauses(timing)),
            watched=watched, ways=tuple(ways), twilio=twilio, smtp=smtp,
        )  # fmt: skip

    def _known(self, table: str, told: dict[str, Any]) -> None:
        for key in sorted(set(told) - KNOWN[table]):
            self.faults.append(f"{f'[{table}] ' if table else ''}{key}: no such key")

    def _table(self, told: dict[str, Any], name: str) -> dict[str, Any]:
        return self._of(told.get(name, {}), name, dict, {})

    def _tables(self, told: dict[str, Any], name: str) -> list[dict[str, Any]]:
        found = told.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.faults.append(f"[[{name}]]: write it with two brackets")
            return []
        for each in found:
            self._known(name, each)
        return found

    def _of(self, value: Any, name: str, kind: type[T], instead: T) -> T:
        if not isinstance(value, kind):
            self.faults.append(f"[{name}]: write it as a table")
            return instead
        if isinstance(value, dict):
            self._known(name, value)
        return value

    def _number(self, told: dict[str, Any], key: str, default: float, least: float) -> float:
        value = told.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            self.faults.append(f"[timing] {key}: {value!r} is no number from {least:g} on")
            return default
        return float(value)

    def _pauses(self, timing: dict[str, Any]) -> tuple[float, ...]:
        told = timing.get("again_after_minutes", [15, 30, 60])
        good = isinstance(told, list) and told and all(
            isinstance(each, int | float) and not isinstance(each, bool) and each > 0 for each in told
        )  # fmt: skip
        if not good:
            self.faults.append("[timing] again_after_minutes: a list of minutes, such as [15, 30, 60]")
            return (900.0,)
        return tuple(float(each) * 60 for each in told)

    def _watched(self, told: dict[str, Any]) -> Watched:
        if url := str(told.get("url", "")):
            if urlsplit(url).scheme not in ("http", "https"):
                self.faults.append(f"[[watch]] url: {url!r} does not begin with http:// or https://")
            return Watched(url, url=url)
        if not told.get("file"):
            self.faults.append("[[watch]]: name a url or a file")
        older = told.get("older_than_seconds", 180)
        if isinstance(older, bool) or not isinstance(older, int | float) or older <= 0:
            self.faults.append(f"[[watch]] older_than_seconds: {older!r} is no number of seconds")
            older = 180
        file = Path(str(told.get("file", "")))
        return Watched(str(file), file=file, older_than=float(older))

    def _ways(self, told: dict[str, Any], twilio: dict[str, str], smtp: dict[str, str]) -> list[Way]:
        whose, level = str(told.get("name", "")), self._level(told, "contact")
        found = [
            Way(kind, whose, str(told[kind]), level) for kind in ("sms", "voice", "email") if kind in told
        ]
        checks: dict[str, Callable[[str], bool]] = {"sms": _number, "voice": _number, "email": _address}
        for way in found:
            if not checks[way.kind](way.address):
                self.faults.append(f"[[contact]] {whose}: {way.kind} {way.address!r} reaches nobody")
            if way.kind == "email" and not smtp:
                self.faults.append(f"[[contact]] {whose}: e-mail needs the table [smtp]")
            if way.kind != "email" and not twilio:
                self.faults.append(f"[[contact]] {whose}: {way.kind} needs the table [twilio]")
        if not found:
            self.faults.append(f"[[contact]] {whose or '(no name)'}: give sms, voice or email")
        return found

    def _apprise(self, told: dict[str, Any]) -> Way:
        url = self._secret(told, "apprise", "url")
        if url and "://" not in url:
            self.faults.append("[[apprise]] url: no address of Apprise, such as ntfys://host/topic")
        return Way("apprise", str(told.get("name", "apprise")), url, self._level(told, "apprise"))

    def _level(self, told: dict[str, Any], table: str) -> int:
        value = told.get("level", 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.faults.append(f"[[{table}]] level: {value!r} is no round, from 1 on")
            return 1
        return value

    def _twilio(self, told: dict[str, Any]) -> dict[str, str]:
        if "twilio" not in told:
            return {}
        given = self._table(told, "twilio")
        found = {key: str(given.get(key, "")) for key in ("account_sid", "from")}
        found["auth_token"] = self._secret(given, "twilio", "auth_token")
        found["base"] = str(given.get("base", "https://api.twilio.com"))
        self.faults += [f"[twilio] {key} is missing" for key in ("account_sid", "from") if not found[key]]
        return found

    def _smtp(self, told: dict[str, Any]) -> dict[str, str]:
        if "smtp" not in told:
            return {}
        given = self._table(told, "smtp")
        url, sender = self._secret(given, "smtp", "url"), str(given.get("from", ""))
        if url and (urlsplit(url).scheme not in ("smtp", "smtps") or not urlsplit(url).hostname):
            self.faults.append("[smtp] url: write smtp(s)://user:password@host:port")
        if not _address(sender):
            self.faults.append("[smtp] from: whom the mail comes from is missing")
        return {"url": url, "from": sender}

    def _secret(self, told: dict[str, Any], table: str, key: str) -> str:
        """A secret, or the file that holds it; never said in a fault."""
        if name := told.get(f"{key}_file"):
            try:
                return Path(name).read_text("utf-8").strip()
            except OSError as trouble:
                self.faults.append(f"[{table}] {key}_file cannot be read ({trouble.strerror}: {name})")
                return ""
        value = str(told.get(key, ""))
        if not value:
            self.faults.append(f"[{table}] {key} is missing")
        return value


def _number(value: str) -> bool:
    plain = "".join(value.split())
    return plain.startswith("+") and plain[1:].isdigit() and 8 <= len(plain) <= 16


def _address(value: str) -> bool:
    return value.count("@") == 1 and not any(each.isspace() for each in value)
