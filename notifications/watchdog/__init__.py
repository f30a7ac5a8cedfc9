"""The watchdog: a small process on another machine, that rings people when Breachclock is silent.

It needs neither database nor queue nor the product, only its own file: own keys, own contacts. Nothing
of the product is imported; libraries of providers load when there is something to say.
"""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from notifications.rules.silence import Move, Say, State, after, look
from notifications.watchdog.config import Config, ConfigFault, Watched, Way, read
from notifications.watchdog.words import TEXTS

EXAMPLE = """\b
Example:
  breachclock watchdog --config /etc/breachclock/watchdog.toml --check
  breachclock watchdog --config /etc/breachclock/watchdog.toml --test
  breachclock watchdog --config /etc/breachclock/watchdog.toml

docs/operations/watching.md shows a whole file.
"""


@click.command(epilog=EXAMPLE)
@click.option("--config", "path", required=True, type=click.Path(path_type=Path), help="Its own file, TOML.")
@click.option("--check", "checks", is_flag=True, help="Read the file, say what is wrong with it, and end.")
@click.option("--test", "tests", is_flag=True, help="Tell every contact that this is a test, and end.")
@click.option("--once", is_flag=True, help="Look once, tell if need be, and end: for cron or a timer.")
def watchdog(path: Path, *, checks: bool, tests: bool, once: bool) -> None:
    """Watch an installation from another machine, and ring people when it is silent.

    Runs until it is told to stop. With --check or --test it ends with 1 when something is wrong.
    """
    try:
        config = read(path)
    except ConfigFault as wrong:
        raise click.ClickException("\n".join(wrong.faults)) from None
    if path.stat().st_mode & 0o077:
        _say(f"{path} holds keys and can be read by others: chmod 600 it")
    if checks:
        click.echo(f"{len(config.watched)} watched, {len(config.ways)} ways to people. The file is good.")
    elif tests:
        _test(config)
    else:
        _watch(config, once=once)


def _watch(config: Config, *, once: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _say(f"watching {', '.join(each.name for each in config.watched)}")
    state = _remembered(config.state)
    while not stop.is_set():
        state = turn(config, state, time.time())
        _remember(config.state, state)
        if once:
            return
        stop.wait(config.every)


def turn(config: Config, state: State, now: float) -> State:
    """Look once at everything, say what is to be said; returns what to remember."""
    found = _looked_at(config, now)
    state, move = look(state, list(found), now, config.patience)
    for name, why in found.items():
        _say(f"{name}: {why}")
    if move.say is Say.NOTHING:
        return state
    reached = _tell(config, move, found)
    return after(state, move, reached=reached, now=now, patience=config.patience)


def _tell(config: Config, move: Move, found: Mapping[str, str]) -> bool:
    """Tell all contacts up to the level; whether at least one way took it."""
    what = "; ".join(f"{_short(name)}: {found[name]}" for name in move.about)
    ways = [each for each in config.ways if each.level <= move.level]
    return _by_all_ways(config, ways, "alarm" if move.say is Say.ALARM else "well", what)


def _by_all_ways(config: Config, ways: list[Way], kind: str, what: str) -> bool:
    from notifications.watchdog import reaching  # noqa: PLC0415  there is something to say

    subject, rest = (each.format(name=config.name, what=what) for each in TEXTS[kind][config.language])
    text = f"{subject}{rest}"
    told = reaching.tell(config, ways, subject, text)
    for each in told:
        _say(f"{kind} to {each.way.whose} by {each.way.kind}: {each.trouble or 'taken'}")
    return any(each.trouble is None for each in told)


def _test(config: Config) -> None:
    whole = [_by_all_ways(config, [way], "test", "") for way in config.ways]
    if not all(whole):
        raise click.ClickException("Not every way works: see above.")


def _short(name: str) -> str:
    """An address without scheme and host: the text goes by SMS."""
    return "/" + name.split("/", 3)[-1] if "://" in name else Path(name).name


# --- looking --------------------------------------------------------------------------------------


def _looked_at(config: Config, now: float) -> dict[str, str]:
    """What is bad, by name, and why; everything is looked at at the same time."""
    pool = ThreadPoolExecutor(max_workers=len(config.watched))
    looks = [(each.name, pool.submit(_trouble_with, each, config.timeout, now)) for each in config.watched]
    found: dict[str, str] = {}
    for name, each in looks:
        try:
            why = each.result(timeout=2 * config.timeout)
        except TimeoutError:  # it answers byte by byte
            why = "no whole answer"
        except Exception as trouble:  # noqa: BLE001  a watchdog outlives whatever it looks at
            why = f"no answer ({type(trouble).__name__})"
        if why:
            found[name] = why
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def _trouble_with(watched: Watched, timeout: float, now: float) -> str | None:
    if watched.file is not None:
        try:
            age = now - watched.file.stat().st_mtime
        except OSError as trouble:
            return trouble.strerror or type(trouble).__name__
        return f"not written for {int(age)} s" if age > watched.older_than else None
    return _answer(watched.url, timeout)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """A sign-in page that somebody put before us is no answer."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def _answer(url: str, timeout: float) -> str | None:
    try:
        opener = urllib.request.build_opener(_StayHere)
        with opener.open(url, timeout=timeout) as answer:
            return None if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as refusal:
        with refusal:
            return f"status {refusal.code}{_said(refusal)}"
    except Exception as trouble:  # noqa: BLE001  whatever it is, it is no answer
        return f"no answer ({type(getattr(trouble, 'reason', trouble)).__name__})"


def _said(refusal: urllib.error.HTTPError) -> str:
    """The first fault that /readyz names, where that is what answered."""
    try:
        fault = json.loads(refusal.read(4096))["faults"][0]
    except Exception:  # noqa: BLE001  what it says is a courtesy: that it refuses is known
        return ""
    return f" ({' '.join(str(fault).split())[:100]})"


# --- remembering ----------------------------------------------------------------------------------


def _remembered(path: Path) -> State:
    """What was known before a restart: nobody is told twice for it."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        return State(dict(kept["bad_since"]), int(kept["rounds"]), float(kept["next_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def _remember(path: Path, state: State) -> None:
    kept = {"bad_since": dict(state.bad_since), "rounds": state.rounds, "next_at": state.next_at}
    draft = path.with_name(path.name + ".new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
        draft.replace(path)
    except OSError as trouble:
        _say(f"{path} cannot be written ({trouble.strerror}): after a restart people may be told again")


def _say(line: str) -> None:
    click.echo(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} watchdog: {line}", err=True)


commands: tuple[click.Command, ...] = (watchdog,)
