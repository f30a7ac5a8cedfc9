"""Letter runs read: which there are, whose letters are in them, their files, and who a reference is."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import rfc8785
from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db
from foundation.errors import Missing
from incident import coverage, genuine
from incident.lists.keys import Key, key_of
from incident.models import Incident, LetterRun, LetterRunFile, RunState, SubjectCommunication
from incident.rules import codes
from incident.rules.codes import Slip
from notifications import sending

ID: Final = 16  # bytes of an id
LETTERS: Final = "letters"  # the kind of file that the letters themselves are in
AT_ONCE: Final = 1_000


def of_communication(communication: SubjectCommunication) -> list[LetterRun]:
    """The runs of a communication, the latest first."""
    mine = select(LetterRun).where(LetterRun.communication_id == communication.id)
    return list(db.session.scalars(mine.order_by(LetterRun.number.desc())))


def of_incident(incident: Incident) -> list[tuple[SubjectCommunication, LetterRun]]:
    """Every run of an incident with its communication, the latest first."""
    mine = (
        select(SubjectCommunication, LetterRun)
        .join(LetterRun, LetterRun.communication_id == SubjectCommunication.id)
        .where(SubjectCommunication.incident_id == incident.id)
        .order_by(LetterRun.made_at.desc(), LetterRun.number.desc())
    )
    return [(row[0], row[1]) for row in db.session.execute(mine)]


def of(incident: Incident, run_id: UUID) -> tuple[SubjectCommunication, LetterRun]:
    """One run of an incident, read afresh. Raises: Missing."""
    mine = (
        select(SubjectCommunication, LetterRun)
        .join(LetterRun, LetterRun.communication_id == SubjectCommunication.id)
        .where(SubjectCommunication.incident_id == incident.id, LetterRun.id == run_id)
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(mine).one_or_none()
    if found is None:
        raise Missing(_("There is no such letter run."))
    return found[0], found[1]


def files_of(run: LetterRun) -> list[LetterRunFile]:
    """The files of a run by batch; none before it is whole."""
    if run.state != RunState.MADE:
        return []
    mine = select(LetterRunFile).where(LetterRunFile.run_id == run.id)
    return list(db.session.scalars(mine.order_by(LetterRunFile.batch, LetterRunFile.name)))


def file_of(run: LetterRun, file_id: UUID) -> LetterRunFile:
    """One of them. Raises: Missing."""
    found = db.session.get(LetterRunFile, file_id)
    if found is None or found.run_id != run.id or run.state != RunState.MADE:
        raise Missing(_("There is no such file."))
    return found


def opened(incident: Incident, file: LetterRunFile, key: Key | None = None) -> bytes:
    """The file as it was made; `key` where it is known already. What is sealed stays with nobody.

    Raises: Missing once it was removed, Forgotten once the addresses were.
    """
    sealed = db.session.scalar(select(LetterRunFile.data).where(LetterRunFile.id == file.id))
    if sealed is None:
        raise Missing(
            _("This file was removed when the addresses were forgotten."),
            next_step=_("Its hash and the number of its letters are kept."),
        )
    return (key or key_of(incident.id)).open(sealed)


def manifest_of(run: LetterRun) -> bytes:
    """The manifest of a run as canonical JSON (RFC 8785): counts and hashes, and nobody's name."""
    return rfc8785.dumps(run.manifest)


# --- whose -------------------------------------------------------------------------------------------


def members_of(run: LetterRun) -> list[UUID]:
    """Whose letters are in a run, in their order."""
    return [UUID(bytes=each) for each in _members(LetterRunFile.run_id == run.id)]


def taken(communication: SubjectCommunication) -> set[bytes]:
    """Whose letters are in a run that stands, as the bytes of their ids."""
    standing = select(LetterRun.id).where(
        LetterRun.communication_id == communication.id, LetterRun.taken_back_at.is_(None),
        LetterRun.state != RunState.FAILED,
    )  # fmt: skip
    return set(_members(LetterRunFile.run_id.in_(standing)))


def _members(which: object) -> Iterator[bytes]:
    mine = select(LetterRunFile.members).where(which, LetterRunFile.kind == LETTERS)  # type: ignore[arg-type]
    for packed in db.session.scalars(mine.order_by(LetterRunFile.run_id, LetterRunFile.batch)):
        for start in range(0, len(packed or b""), ID):
            yield (packed or b"")[start : start + ID]


def sending_of(communication: SubjectCommunication) -> UUID | None:
    """What a communication goes out as; None before it was sent."""
    found = sending.of(coverage.source_of(communication.id))
    return None if found is None else found.id


def waiting(communication: SubjectCommunication) -> int:
    """How many letters wait that are in no run."""
    sending_id = sending_of(communication)
    if sending_id is None:
        return 0
    there, count, last = taken(communication), 0, None
    while found := sending.waiting_letters(sending_id, last, AT_ONCE):
        count += sum(each.recipient_id.bytes not in there for each in found)
        last = found[-1].recipient_id
    return count


def people_by_reference(incident: Incident, told: str) -> list[UUID]:
    """On whose letters a reference stands, however it was typed: mostly one person, seldom two.

    It is the code by which people see that the letter is ours; nobody for one that stands on none.
    """
    try:
        wanted = codes.written(codes.read(told))
    except Slip:
        return []
    found: dict[UUID, None] = {}
    for communication, run in of_incident(incident):
        code = genuine.coder(communication)
        found |= dict.fromkeys(each for each in members_of(run) if code(each) == wanted)
    return list(found)
