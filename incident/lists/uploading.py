"""A list comes in: its file kept, its columns chosen; and what a person decides of it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from accounts.models import StaffMember
from foundation import ledger, locales, queue
from foundation.database import after_commit, changed, db, transaction
from foundation.errors import Invalid, Missing, Refused
from incident.lists import files, keys
from incident.models import (
    GONE,
    CommunicationState,
    Incident,
    ListState,
    Recipient,
    RecipientList,
    SubjectCommunication,
)
from incident.recipient_lists import ENCODINGS, Table, columns, open_table
from incident.recipient_lists.columns import Guess
from incident.rules.plausibility import known_countries

TOLD: Final = (CommunicationState.SENDING, CommunicationState.COMPLETE)
_LONGEST_NAME: Final = 255
_SAMPLE: Final = 200  # rows
_LEFT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """The head of a file, for guesses and for the screen; never kept."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guesses: tuple[Guess, ...]
    has_header: bool
    encoding: str
    separator: str
    sheet: str
    sheets: tuple[str, ...]
    hidden: int  # rows that the file does not show


def of_incident(incident: Incident) -> list[RecipientList]:
    """The lists of an incident, by number, those that are gone with them."""
    mine = select(RecipientList).where(RecipientList.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(RecipientList.number)))


def of(incident: Incident, list_id: UUID) -> RecipientList:
    """One list of an incident, read afresh. Raises: Missing."""
    mine = select(RecipientList).where(RecipientList.id == list_id, RecipientList.incident_id == incident.id)
    found = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise Missing(_("There is no such list."))
    return found


# --- the file -----------------------------------------------------------------------------------


def receive(incident_id: UUID, stream: BinaryIO) -> files.KeptFile:
    """Keep the bytes of a file before anything is written of it; for edges, outside any transaction.

    Two gigabytes take their time, and nobody else's writing waits for them. Raises: Invalid when the file
    is too large, Forgotten when the addresses of this incident were destroyed, OSError on a full disk.
    """
    if not keys.is_there(incident_id):
        with transaction():
            keys.key_of(incident_id)
    return files.keep(stream, files.folder(), keys.key_of(incident_id))


def upload(
    incident: Incident, stream: BinaryIO | files.KeptFile, name: str, *, by: StaffMember, now: datetime
) -> RecipientList:
    """A file becomes a list whose columns are still to be chosen; what it says is not looked at yet.

    `stream` is what `receive` returned; a small file may come as it is. Raises: as `receive`.
    """
    keys.refuse_forgotten(incident.id)
    kept = stream
    if not isinstance(kept, files.KeptFile):
        kept = files.keep(kept, files.folder(), keys.key_of(incident.id))
    db.session.get_one(Incident, incident.id, with_for_update=True)
    numbers = select(func.max(RecipientList.number)).where(RecipientList.incident_id == incident.id)
    made = RecipientList(
        id=kept.id, organisation_id=incident.organisation_id, incident_id=incident.id,
        number=(db.session.scalar(numbers) or 0) + 1, state=ListState.UPLOADED,
        file_name=_shown(name), file_sha256=kept.sha256, file_bytes=kept.bytes, file_kept=True,
        country="", locale="", columns=[], header=[], uploaded_by=by.name, uploaded_by_id=by.id,
        uploaded_at=now, lines_read=0, bytes_read=0, people=0, faulty=0, noted=0, folded=0, taken_out=0,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    _log(incident, made, "list.uploaded", by, now, bytes=kept.bytes)
    return made


def remove_strays(now: datetime) -> int:
    """Remove files that came a day ago and that no list waits for; returns how many."""
    old = set(files.strays(now - _LEFT_FOR))
    for some in (list(old)[at : at + 500] for at in range(0, len(old), 500)):
        mine = select(RecipientList.id).where(RecipientList.id.in_(some), RecipientList.file_kept)
        old -= set(db.session.scalars(mine))
    for each in old:
        files.remove(each)
    return len(old)


def _shown(name: str) -> str:
    """The name of a file without folders, on one line."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:_LONGEST_NAME] or "-"


def table_of(
    kept: RecipientList, stream: BinaryIO, *, sheet: str | None = None, encoding: str | None = None,
    has_header: bool | None = None,
) -> Table:  # fmt: skip
    """The rows of a list's file. Raises: Invalid when the file as a whole is no list."""
    return open_table(
        stream, kept.file_name, sheet=sheet or None, encoding=encoding or None, has_header=has_header
    )


def sample(
    kept: RecipientList, *, sheet: str | None = None, encoding: str | None = None,
    has_header: bool | None = None, country: str | None = None,
) -> Sample:  # fmt: skip
    """The head of a list's file with a guess for each column; `country` is where its numbers are.

    Raises: Invalid when the file as a whole is no list; FileNotFoundError when it was removed.
    """
    with files.open(kept) as stream:
        opened = table_of(kept, stream, sheet=sheet, encoding=encoding, has_header=has_header)
        with opened as table:
            head = table.sample(_SAMPLE)
            rows = tuple(row.cells for row in head)
            guesses = columns.guess(table.header, rows, country=country or kept.country or "DK")
            return Sample(
                table.header, rows, guesses, table.has_header, table.encoding, table.separator,
                table.sheet, table.sheets, sum(row.hidden for row in head),
            )  # fmt: skip


def header_of(
    kept: RecipientList, *, sheet: str | None = None, encoding: str | None = None,
    has_header: bool | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """What a list calls its columns; for edges, outside any transaction: nobody's writing waits for a file.

    Once they were chosen it is what they were chosen from. Raises: as `sample`.
    """
    if kept.state != ListState.UPLOADED:
        return tuple(kept.header)
    with files.open(kept) as stream:
        opened = table_of(kept, stream, sheet=sheet, encoding=encoding, has_header=has_header)
        with opened as table:
            return table.header


def choose(  # noqa: PLR0917  what a person says of a file
    incident: Incident, kept: RecipientList, told: Mapping[int, str] | Sequence[str], has_header: bool,  # noqa: FBT001
    country: str, locale: str, sheet: str | None = None, encoding: str | None = None, *,
    header: Sequence[str], by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """What the columns of a list are, by position; it is read from now on. Choosing it twice changes nothing.

    `header` is that of `header_of`. Raises: Invalid when nobody could be told by the columns, or country,
    language or encoding is none of ours; Refused when it is being read already.
    """
    given = dict(told) if isinstance(told, Mapping) else dict(enumerate(told))
    fields = list(columns.chosen(tuple(header), given).fields)
    if country not in known_countries():
        raise Invalid(_("There is no such country."), next_step=_("Choose where the numbers are."))
    if locale not in locales.LOCALES or (encoding and encoding not in ENCODINGS):
        raise Invalid(_("This is no language or no encoding of ours."))
    values = {
        "columns": fields, "header": list(header), "has_header": has_header, "country": country,
        "locale": locale, "sheet": sheet or None, "encoding": encoding or None,
    }  # fmt: skip
    as_it_was = {name: getattr(kept, name) for name in values}
    mine = update(RecipientList).where(RecipientList.id == kept.id, RecipientList.state == ListState.UPLOADED)
    moved = changed(mine.values(**values, state=ListState.READING, ready_at=now))
    db.session.refresh(kept)
    if not moved:
        if as_it_was == values and kept.state not in GONE:
            return
        raise Refused(
            _("The columns of this list were chosen already."),
            next_step=_("Withdraw the list and send the file again to choose others."),
        )
    queue.ring_after_commit(queue.LISTS)
    _log(
        incident, kept, "list.chosen", by, now, columns=fields, country=country, language=locale,
        has_header=has_header,
    )  # fmt: skip


# --- afterwards ---------------------------------------------------------------------------------


def withdraw(incident: Incident, kept: RecipientList, why: str, *, by: StaffMember, now: datetime) -> bool:
    """Take a list back as a whole, also while it is read; false when it was. Its rows go soon after.

    Raises: Refused when people of it are being told or were; Invalid without a reason.
    """
    reason = _reason(why)
    kept = _locked(kept)
    if kept.state in GONE:
        return False
    _refuse_told(incident, kept)
    kept.state, kept.why = ListState.WITHDRAWN, None
    kept.ready_at, kept.lease_until, kept.file_kept = now, None, False
    db.session.flush()
    gone = kept.id
    after_commit(lambda: files.remove(gone))
    _log(incident, kept, "list.withdrawn", by, now, reason=reason, people=kept.people, faulty=kept.faulty)
    return True


def leave_out_faulty(kept: RecipientList, why: str, by: StaffMember, now: datetime) -> None:
    """Say why rows with faults are left out: nobody of them will be told. Raises: Refused, Invalid."""
    reason = _reason(why)
    kept = _locked(kept)
    if kept.state != ListState.READ or not kept.faulty:
        raise Refused(
            _("There are no rows with faults that could be left out."),
            next_step=_("Wait until the list is read."),
        )
    kept.left_out_why, kept.left_out_by = reason, by.name
    db.session.flush()
    incident = db.session.get_one(Incident, kept.incident_id)
    _log(incident, kept, "list.faulty_left_out", by, now, reason=reason, rows=kept.faulty)


def take_out(recipient: Recipient, why: str, by: StaffMember, now: datetime) -> bool:
    """Take a person out with a reason: no later communication tells them; false when they were.

    With the person go the rows that were folded into theirs, and those of later lists that will be. Raises:
    Invalid without a reason; Refused for a row that was folded.
    """
    reason = _reason(why)
    kept = _locked(db.session.get_one(RecipientList, recipient.list_id))
    if recipient.folded_into_id:
        raise Refused(_("This row is the person of another row."), next_step=_("Take out that row instead."))
    mine = update(Recipient).where(Recipient.left_out_why.is_(None)).values(left_out_why=reason)
    if not changed(mine.where(Recipient.id == recipient.id)):
        return False
    changed(mine.where(Recipient.folded_into_id == recipient.id))
    db.session.refresh(recipient)
    kept.taken_out += 1
    db.session.flush()
    incident = db.session.get_one(Incident, kept.incident_id)
    _log(incident, kept, "list.person_taken_out", by, now, reason=reason, recipient=recipient.id)
    return True


def put_back(recipient: Recipient, why: str, by: StaffMember, now: datetime) -> bool:
    """Have a person told again who was taken out; false when they were not. Raises: Invalid."""
    reason = _reason(why)
    kept = _locked(db.session.get_one(RecipientList, recipient.list_id))
    mine = update(Recipient).where(Recipient.left_out_why.is_not(None)).values(left_out_why=None)
    if not changed(mine.where(Recipient.id == recipient.id)):
        return False
    changed(mine.where(Recipient.folded_into_id == recipient.id))
    db.session.refresh(recipient)
    kept.taken_out -= 1
    db.session.flush()
    incident = db.session.get_one(Incident, kept.incident_id)
    _log(incident, kept, "list.person_put_back", by, now, reason=reason, recipient=recipient.id)
    return True


def _reason(why: str) -> str:
    if not (reason := why.strip()):
        raise Invalid(_("A reason is missing."), next_step=_("Say why, without naming anybody."))
    return reason


def _locked(kept: RecipientList) -> RecipientList:
    return db.session.get_one(RecipientList, kept.id, with_for_update=True, populate_existing=True)


def _refuse_told(incident: Incident, kept: RecipientList) -> None:
    mine = select(SubjectCommunication).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(TOLD)
    )
    for each in db.session.scalars(mine):
        if each.sent_at and (kept.read_at is None or kept.read_at > each.sent_at):
            continue  # nobody of it was picked by then
        # Also where it picked others alone: its people may stand there as rows of this one.
        raise Refused(
            _("People of this list are being told, or were."),
            next_step=_("Stop the sending, or take single people out with a reason."),
        )


def _log(
    incident: Incident, kept: RecipientList, action: str, by: StaffMember, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a list: hashes and counts, never who is on it."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason, list=kept.id, number=kept.number, file_sha256=kept.file_sha256, staff=by.id, **details,
    )  # fmt: skip
