"""What an operator does with playbooks from a shell; needs neither database nor network."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from zoneinfo import ZoneInfo, available_timezones

import click

from foundation.database import utcnow
from playbooks import library
from playbooks.rules import duration, local_time, timeline
from playbooks.rules.cacao import reading, writing
from playbooks.rules.definition import Anchor, Condition, Playbook, Step
from playbooks.rules.facts import FACTS, LISTS, nearest
from playbooks.rules.reading import DefinitionError, read


@click.group()
def playbooks() -> None:
    """Playbooks: check their files, and see when their steps come due."""


@playbooks.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check playbooks (all that come with the product, or FILES); names file and line of each fault.

    Exits 1 when there is one.
    """
    checked = files or tuple(sorted(library.FOLDER.glob("*.toml")))
    faulty = [path for path in checked if not _sound(path)]
    if faulty:
        raise click.exceptions.Exit(1)
    click.echo(f"{len(checked)} playbooks are sound." if len(checked) != 1 else "1 playbook is sound.")


def _sound(path: Path) -> bool:
    try:
        _read(path)
    except DefinitionError as faults:
        click.echo(str(faults), err=True)
        return False
    except UnicodeDecodeError:
        click.echo(f"{path}:1: not a text in UTF-8", err=True)
        return False
    return True


def _read(path: Path) -> Playbook:
    return read(path.read_text(encoding="utf-8"), str(path))


@playbooks.command()
@click.argument("key")
@click.option("--occurred", help="When it happened, as 2026-10-02T03:00 by the zone, or with an offset.")
@click.option("--reported", help="When we were told.")
@click.option("--aware", help="When we became aware.")
@click.option("--decided", help="When it was decided whom to tell.")
@click.option("--due", help="The duty's deadline.")
@click.option(
    "--zone", default="UTC", show_default=True, help="Zone of times without offset, and of the output."
)
@click.option(
    "--fact", "told", multiple=True, metavar="NAME=ANSWER",
    help="A fact as it is known, such as cause.kind=ransomware; may be given several times.",
)  # fmt: skip
def preview(key: str, zone: str, told: tuple[str, ...], **times: str | None) -> None:
    """Print when the steps of a playbook (a KEY of the library, or a file) come due.

    With --fact, whether it would start by itself, and which steps those facts rule out. What is not said
    is unknown, and rules nothing out.
    """
    if zone not in available_timezones():
        raise click.BadParameter(f"{zone} is no time zone, such as Europe/Copenhagen.", param_hint="--zone")
    anchors = {name: _instant(name, text, zone) for name, text in times.items() if text}
    facts = _facts(told)
    book = _find(key)
    if not anchors:
        used = {step.anchor.value for step in book.steps}
        wanted = ", ".join(f"--{anchor}" for anchor in Anchor if anchor in used)
        raise click.UsageError(f"Say at least one of the times it reckons from: {wanted}.")
    click.echo(f"{book.title} ({book.key}, {book.hash[:12]})")
    if book.starts_with:
        fits = "starts by these facts" if book.fits(facts) else "does not start by these facts"
        here = ", only where it happened with us" if book.only_here else ""
        click.echo(f"starts with {_conditions(book.starts_with)}{here}: {fits}")
    for step, due, reminders in timeline.timetable(book, anchors):
        when = _shown(due, zone) if due else f"waits for {step.anchor}"
        click.echo(f"{when:26}  {step.title} [{step.role}]")
        for line in _beside(step, [_shown(at, zone) for at in reminders], facts):
            click.echo(f"{'':28}{line}")


def _beside(step: Step, reminders: list[str], facts: dict[str, Any]) -> Iterator[str]:
    """What else there is to say of a step, a line each."""
    if not step.applies(facts):
        yield "left out: these facts rule it out"
    if step.only_if:
        yield f"only if {_conditions(step.only_if)}"
    if step.action != "none":
        yield f"when due: {step.action}"
    if reminders:
        yield f"reminders {', '.join(reminders)}"
    if step.page_from is not None:
        yield f"pages from {duration.write(step.page_from)} on"
    if step.evidence:
        yield f"evidence: {step.evidence}"
    if step.approval:
        yield "approval of a second person"
    if step.gate:
        yield f"gate before {step.gate}"


def _conditions(conditions: Iterable[Condition]) -> str:
    return " and ".join(map(str, conditions))


def _facts(told: Iterable[str]) -> dict[str, Any]:
    """The facts that were given, as a document. Raises: BadParameter for what no fact or answer is."""
    document: dict[str, Any] = {}
    for each in told:
        name, _, answer = each.partition("=")
        if name not in FACTS:
            meant = f"did you mean {near}?" if (near := nearest(name)) else f"known are {', '.join(FACTS)}."
            raise click.BadParameter(f"{name} is no fact; {meant}", param_hint="--fact")
        if answer not in {*FACTS[name], "unknown"}:
            known = ", ".join(sorted(FACTS[name]))
            raise click.BadParameter(f"{name} is never {answer!r}; it is {known}.", param_hint="--fact")
        *path, last = name.split(".")
        place = document
        for part in path:
            place = place.setdefault(part, {})
        place[last] = [*place.get(last, []), answer] if name in LISTS else answer
    return document


@playbooks.command()
@click.argument("key")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="A file; else printed.")
def export(key: str, output: TextIO) -> None:
    """Write a playbook (a KEY of the library, or a file) as OASIS CACAO 2.0, in JSON."""
    now = utcnow()
    document = writing.write(_find(key), created=now, modified=now)
    output.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


@playbooks.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="A file; else printed.")
def bring_in(file: BinaryIO, output: TextIO) -> None:
    """Read a CACAO 2.0 playbook (JSON; - for standard input) and write it as TOML, to be gone over.

    What could not be taken over is said on standard error. Exits 2 when it is no such playbook.
    """
    try:
        found = reading.bring_in(json.load(file))
    except (ValueError, RecursionError) as wrong:
        click.echo(str(wrong) if isinstance(wrong, reading.NotCacao) else f"not JSON: {wrong}", err=True)
        raise click.exceptions.Exit(2) from None
    output.write(found.text)
    for remark in found.remarks:
        click.echo(remark, err=True)


def _instant(name: str, text: str, zone: str) -> datetime:
    try:
        return local_time.read(text, zone)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint=f"--{name}") from None


def _find(key: str) -> Playbook:
    """The playbook of the library or of a file. Raises: click's errors, one sentence each."""
    try:
        return _read(Path(key)) if key.endswith(".toml") else library.playbook(key)
    except DefinitionError as faults:
        raise click.ClickException(str(faults)) from None
    except (KeyError, OSError) as missing:
        raise click.BadParameter(str(missing.args[-1]), param_hint="KEY") from None


def _shown(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %d %b %Y %H:%M %Z}"


commands = (playbooks,)
