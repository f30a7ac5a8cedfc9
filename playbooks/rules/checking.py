"""Whether a playbook that could be read makes sense: times that can be kept, ends that can be reached.

Apart from `reading`, so that whatever makes a playbook asks the same questions. A run's own text is
never asked them again: what began under older rules is carried out as it began.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from playbooks.rules import duration
from playbooks.rules.definition import CLOSING, LEADING, Action, Anchor, Playbook, Step

LEAST_REPEAT = timedelta(minutes=15)
LONGEST_TITLE = 200
NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with the word `key` of a step, counted from 1, or of the playbook itself, 0."""

    step: int
    key: str
    message: str


def check(book: Playbook, *, unread: Iterable[int] = ()) -> Iterator[Slip]:
    """Everything that makes no sense; steps in `unread` could not be read, and only their keys count."""
    unread = set(unread)
    yield from _alike(book)
    yield from (Slip(0, key, message) for key, message in _zeros(book, ("title", "purpose", "source")))
    if book.window is not None and book.window <= NOTHING:
        yield Slip(0, "window", "window must lie ahead: it is how long the duty leaves, such as PT72H")
    for at, step in enumerate(book.steps, 1):
        if at not in unread:
            yield from (Slip(at, key, message) for key, message in _of_step(book, step))


def _alike(book: Playbook) -> Iterator[Slip]:
    """Two steps of one name: neither pages nor the record could tell them apart."""
    keys: set[str] = set()
    titles: set[str] = set()
    for at, step in enumerate(book.steps, 1):
        title = step.title.casefold()
        if step.key and step.key in keys:
            yield Slip(at, "key", f"two steps have the key {step.key!r}")
        elif title and title in titles:
            yield Slip(at, "title", f"two steps have the title {step.title!r}")
        keys.add(step.key)
        titles.add(title)


def _of_step(book: Playbook, step: Step) -> Iterator[tuple[str, str]]:
    if len(step.title) > LONGEST_TITLE:
        yield "title", f"title is longer than {LONGEST_TITLE} characters, and messages hold it"
    yield from _zeros(step, ("title", "done_when", "evidence", "source"))
    yield from _due(book, step)
    yield from _spoken_of(book, step)
    yield from _reachable(book, step)


def _zeros(told: Playbook | Step, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """One of our databases cannot keep NUL, and a run that cannot be written stops a report."""
    for key in keys:
        if "\0" in getattr(told, key):
            yield key, f"{key} holds the sign NUL, which cannot be kept"


def _due(book: Playbook, step: Step) -> Iterator[tuple[str, str]]:
    """A step that is due after the duty it serves, or before it can begin, helps nobody."""
    if step.anchor is Anchor.DUE:
        if step.offset > NOTHING:
            yield "offset", "offset lies after the deadline: a step reckoned from due must end by it"
        if book.window and step.offset < -book.window:
            length = duration.write(book.window)
            yield "offset", f"offset lies before the duty begins: the window is {length}"
    elif step.offset < NOTHING:
        yield "offset", f"offset lies before {step.anchor}: nothing can be done before it is known"
    if step.anchor not in (Anchor.REPORTED, Anchor.AWARE):
        return
    if book.window and step.offset > book.window:
        length = duration.write(book.window)
        yield (
            "offset",
            f"offset lies after the duty, {length} after awareness: what comes later reckons from decided",
        )
    if book.window is None and (leads := sorted(LEADING & {*step.done_by})):
        yield "done_by", f"window is missing at the top: {leads[0]} leads to a duty; say how long that leaves"


def _spoken_of(book: Playbook, step: Step) -> Iterator[tuple[str, str]]:
    """A countdown that begins before it can, or nags every minute, is a mistake."""
    if any(span > NOTHING for span in step.reminders):
        yield "reminders", "reminders lie before the step is due: write them with a minus"
    elif step.reminders and (early := _too_early(book, step, step.offset + min(step.reminders))):
        yield "reminders", f"reminders: {duration.write(min(step.reminders))} falls {early}"
    if step.page_from is not None and step.page_from not in step.reminders:
        yield "page_from", "page_from must be one of the step's reminders"
    if step.overdue_every is not None and step.overdue_every < LEAST_REPEAT:
        yield "overdue_every", "overdue_every must be 15 minutes or more"


def _too_early(book: Playbook, step: Step, first: timedelta) -> str:
    """How the first reminder, so long after the step's anchor, comes before anybody can act on it."""
    if step.anchor is Anchor.DUE:
        return "before the duty begins" if book.window and first < -book.window else ""
    if first >= NOTHING or step.offset < NOTHING:
        return ""
    return f"{duration.write(-first)} before {step.anchor}, when there is nothing to remind of yet"


def _reachable(book: Playbook, step: Step) -> Iterator[tuple[str, str]]:
    """An event that can never complete the step is a promise that nobody keeps."""
    if step.done_by and (step.evidence or step.approval):
        what = "evidence" if step.evidence else "approval"
        yield "done_by", f"done_by is never reached: a step that asks for {what} is completed by a person"
    if "page.acknowledged" in step.done_by and not any(map(_pages, book.steps)):
        yield "done_by", "done_by: page.acknowledged never comes, for no step of this playbook pages anybody"
    if step.gate == CLOSING and "incident.closed" in step.done_by:
        yield "done_by", "done_by: incident.closed never comes, for this very step is a gate before closing"


def _pages(step: Step) -> bool:
    return step.action is Action.PAGE or step.page_from is not None
