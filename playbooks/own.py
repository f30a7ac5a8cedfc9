"""Playbooks of an organisation's own, beside ours or in the place of ours.

Versions are only ever added; what runs keeps the text it began with. What stands here was checked when
it was saved. Should a later release not understand one, ours takes its place again, and the log says so:
a report is never refused for want of a playbook.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, rows, table_of
from foundation.errors import Invalid, Missing, Refused
from playbooks import library
from playbooks.models import OwnPlaybook
from playbooks.rules import reading
from playbooks.rules.definition import Action, Anchor, Playbook, Step
from playbooks.rules.reading import DefinitionError, Fault

LONGEST = 100_000  # characters
NAME = "playbook"  # of the text, in front of the line of a fault
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a playbook of one's own; instants are UTC, people by name."""

    id: UUID
    key: str
    number: int
    text: str
    sha256: str
    made_by: str
    made_at: datetime
    retired_at: datetime | None
    retired_by: str | None


# --- finding ------------------------------------------------------------------------------------

_TABLE = table_of(OwnPlaybook)
_LATEST = (
    select(_TABLE.c.text)
    .where(
        _TABLE.c.organisation_id == bindparam("of"), _TABLE.c.key == bindparam("key"),
        _TABLE.c.retired_at.is_(None),
    )
    .order_by(_TABLE.c.number.desc())
    .limit(1)
)  # fmt: skip
_EVERY = (
    select(_TABLE.c.key, _TABLE.c.text)
    .where(_TABLE.c.organisation_id == bindparam("of"), _TABLE.c.retired_at.is_(None))
    .order_by(_TABLE.c.key, _TABLE.c.number)
)


def find(key: str, organisation_id: UUID) -> Playbook:
    """The playbook that this key means in the organisation: its own, else ours.

    One query and no scope: a report asks. Raises: KeyError when there is neither.
    """
    text = rows(_LATEST, of=organisation_id, key=key).scalar()
    return (text and _read(key, text)) or library.playbook(key)


def every(organisation_id: UUID) -> list[Playbook]:
    """Every playbook that holds in the organisation, ours and its own, by key."""
    texts = {row.key: row.text for row in rows(_EVERY, of=organisation_id)}
    read = {key: book for key, text in texts.items() if (book := _read(key, text))}
    found = {key: library.playbook(key) for key in library.names()} | read
    return [found[key] for key in sorted(found)]


def starting(organisation_id: UUID) -> list[Playbook]:
    """Those that start by themselves, beside the general one, once the facts say so."""
    return [book for book in every(organisation_id) if book.starts_with]


def _read(key: str, text: str) -> Playbook | None:
    try:
        return library.pinned(text)
    except DefinitionError as faults:
        log.error("playbook.own_not_readable", playbook=key, faults=len(faults.faults))
        return None


# --- keeping ------------------------------------------------------------------------------------


def check(text: str) -> Playbook:
    """The playbook of a text, as it would be saved. Raises: DefinitionError with every fault."""
    if len(text) > LONGEST:
        raise DefinitionError(NAME, [Fault(1, f"a playbook has {LONGEST} characters at most")])
    book = reading.read(text, NAME)
    if book.key in library.names() and (faults := [*_in_place_of(library.playbook(book.key), book)]):
        raise DefinitionError(NAME, faults)
    return book


def _in_place_of(ours: Playbook, book: Playbook) -> Iterator[Fault]:
    """What starts ours must start theirs, whom ours wakes theirs must wake, and it must not end sooner."""
    line = _line_of(book.text, "starts_with")
    if ours.starts_with and not book.starts_with:
        yield Fault(
            line, f"starts_with is missing: it takes the place of our {book.key!r}, which starts by it"
        )
    if book.starts_with and not ours.starts_with:
        yield Fault(line, f"starts_with has no meaning here: what starts our {book.key!r} starts it as well")
    if any(map(_wakes, ours.steps)) and not any(map(_wakes, book.steps)):
        yield Fault(
            1, f"it takes the place of our {book.key!r}, which wakes who is on call: give one step "
            'anchor = "reported", offset = "PT0S" and action = "page", without only_if',
        )  # fmt: skip
    if early := sorted({*book.ended_by} - {*ours.ended_by}):
        yield Fault(
            _line_of(book.text, "ended_by"), f"ended_by {early[0]!r} ends it before our {book.key!r} ends"
        )


def _wakes(step: Step) -> bool:
    """Whether it pages who is on call the moment that something is reported, whatever the facts."""
    at_once = step.anchor is Anchor.REPORTED and not step.offset
    return at_once and step.action is Action.PAGE and not step.only_if


def _line_of(text: str, key: str) -> int:
    return next((at for at, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith(key)), 1)


def save(text: str, *, organisation_id: UUID, by: str, now: datetime, after: int | None = None) -> Stored:
    """Keep a text as the next version of its key; the same text again is the version there is.

    `after` is the version that was edited (0: none), so that nobody writes over a colleague unseen.
    Raises: DefinitionError with every fault; Refused when a colleague was quicker.
    """
    book = check(text)
    _lock(organisation_id)
    last = max((each.number for each in versions(organisation_id, book.key)), default=0)
    before = latest(organisation_id, book.key)
    if after is not None and after != (before.number if before else 0):
        raise Refused(
            _("Somebody else has saved this playbook in the meantime."),
            next_step=_("Look at the version that holds now, then change that one."),
        )
    if before and before.text == text:
        return before
    row = OwnPlaybook(
        organisation_id=organisation_id, key=book.key, number=last + 1, text=text, sha256=book.hash,
        made_by=by, made_at=now,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    _enter(
        organisation_id, "playbook.saved", by, now, playbook=book.key, version=row.number, sha256=row.sha256
    )
    return _stored(row)


def retire(organisation_id: UUID, key: str, *, by: str, reason: str, now: datetime) -> None:
    """Let a playbook of one's own hold no more: ours of this key holds again, where there is one.

    What runs goes on. Raises: Invalid without a reason, Missing when none of this key holds.
    """
    if not reason.strip():
        raise Invalid(_("A playbook is retired only with a reason."), next_step=_("Say why."))
    _lock(organisation_id)
    holding = _mine(organisation_id, key, OwnPlaybook.retired_at.is_(None))
    if not holding:
        raise Missing(_("There is no such playbook of your own."))
    for row in holding:
        row.retired_at, row.retired_by = now, by
    db.session.flush()
    _enter(organisation_id, "playbook.retired", by, now, reason=reason.strip(), playbook=key)


def latest(organisation_id: UUID, key: str) -> Stored | None:
    """The version of this key that holds, if there is one."""
    holding = _mine(organisation_id, key, OwnPlaybook.retired_at.is_(None))
    return _stored(holding[-1]) if holding else None


def versions(organisation_id: UUID, key: str) -> list[Stored]:
    """Every version of this key, oldest first, those retired included."""
    return [_stored(row) for row in _mine(organisation_id, key)]


def all_of(organisation_id: UUID) -> list[Stored]:
    """The version that holds of every playbook of the organisation's own, by key."""
    query = select(OwnPlaybook).where(
        OwnPlaybook.organisation_id == organisation_id, OwnPlaybook.retired_at.is_(None)
    )
    ordered = db.session.scalars(query.order_by(OwnPlaybook.key, OwnPlaybook.number))
    return list({row.key: _stored(row) for row in ordered}.values())


def _mine(organisation_id: UUID, key: str, *where: Any) -> Sequence[OwnPlaybook]:
    mine = OwnPlaybook.organisation_id == organisation_id, OwnPlaybook.key == key
    query = select(OwnPlaybook).where(*mine, *where).order_by(OwnPlaybook.number)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def _lock(organisation_id: UUID) -> None:
    """One change at a time to an organisation's playbooks: versions are counted."""
    db.session.execute(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())


def _stored(row: OwnPlaybook) -> Stored:
    return Stored(
        row.id, row.key, row.number, row.text, row.sha256, row.made_by, row.made_at, row.retired_at,
        row.retired_by,
    )  # fmt: skip


def _enter(
    organisation_id: UUID, action: str, by: str, now: datetime, *, reason: str | None = None, **details: Any
) -> None:
    ledger.append(
        f"organisation/{organisation_id}", action, organisation_id=organisation_id, actor=by, at=now,
        reason=reason, **details,
    )  # fmt: skip
