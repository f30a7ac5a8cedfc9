"""Contact data is destroyed a set time after everybody was told; what proves the telling stays.

How long is dated data, or what the organisation says in its profile. What still needs the addresses holds
them back: a duty to tell people, a list that nobody was told from, people who wait for a letter or for a
person, questions not answered, or a person with a reason. Two weeks before, those who answer for data
protection hear of it. With the incident's key all of it is gone at once; what was sealed under it is removed
after that, a part at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation import ledger
from foundation.database import db, insert_unless_there
from foundation.errors import Invalid, Refused
from incident import contact_data
from incident.models import (
    GONE,
    CommunicationState,
    Duty,
    Forgetting,
    Incident,
    IncidentKey,
    LetterRun,
    ListState,
    PersonHeard,
    RecipientList,
    RunState,
    SubjectCommunication,
)
from incident.profile import profile_of
from incident.rules.proof import terms
from notifications import told, ways

CLOCK: Final = "Breachclock"
OWED: Final = ("gdpr-34", "promise-subjects")
KINDS: Final = ("subject_communication", "own_promise_subjects")
CHUNK: Final = 5_000  # people whose sealed data is removed in one transaction
AT_ONCE: Final = 50  # incidents that one round looks at
LONGEST: Final = 1_000


class Needed(StrEnum):
    """What still needs the contact data of an incident's people."""

    DUTY = "duty"
    PREPARED = "prepared"
    SENDING = "sending"
    MANUAL = "manual"
    LETTERS = "letters"
    ASKED = "asked"
    OPEN = "open"  # nobody was told, and the incident is open
    LISTS = "lists"  # a list came that no communication has picked from, and the incident is open
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will become of the contact data of an incident; instants are UTC.

    `due_at` is None while something needs it, or while nothing says from when to count.
    """

    there: bool
    needed: tuple[Needed, ...]
    due_at: datetime | None
    warned_at: datetime | None = None
    held_by: str | None = None
    held_at: datetime | None = None
    held_why: str | None = None
    forgotten_at: datetime | None = None
    forgotten_by: str | None = None
    forgotten_why: str | None = None

    @property
    def may_go(self) -> bool:
        """Whether a person may have it destroyed now."""
        return self.there and not self.needed


def outlook(incident: Incident, *, now: datetime) -> Outlook:
    """What stands now."""
    key = db.session.get(IncidentKey, incident.id, populate_existing=True)
    kept = db.session.get(Forgetting, incident.id, populate_existing=True)
    needed = tuple(_needed(incident, kept))
    due = None if needed else _due(incident, kept, now)
    return Outlook(
        there=key is not None and key.key is not None, needed=needed, due_at=due,
        warned_at=kept.warned_at if kept else None, held_by=kept.held_by if kept else None,
        held_at=kept.held_at if kept else None, held_why=kept.held_why if kept else None,
        forgotten_at=key.destroyed_at if key else None, forgotten_by=key.destroyed_by if key else None,
        forgotten_why=key.destroyed_why if key else None,
    )  # fmt: skip


def _due(incident: Incident, kept: Forgetting | None, now: datetime) -> datetime | None:
    """When it may go: so long after the last communication, and never sooner than the warning says."""
    since = _since(incident)
    if since is None:
        return None
    limits = terms(now)
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    due = since + limits.kept(profile_of(organisation).contact_days)
    warned_at = kept.warned_at if kept else None
    return max(due, (warned_at or now) + limits.warned)


def _since(incident: Incident) -> datetime | None:
    """From when is counted: the last communication completed, or the close where nobody was written to.

    A list that came later counts from when it came, and was read.
    """
    mine = select(func.max(SubjectCommunication.completed_at)).where(
        SubjectCommunication.incident_id == incident.id
    )
    since = db.session.scalar(mine) or incident.closed_at
    if since is None:
        return None
    lists = select(func.max(RecipientList.uploaded_at), func.max(RecipientList.read_at)).where(
        RecipientList.incident_id == incident.id, RecipientList.state.not_in(GONE)
    )
    later: list[datetime] = [each for each in db.session.execute(lists).one() if each is not None]
    return max([since, *later])


def _needed(incident: Incident, kept: Forgetting | None) -> Iterator[Needed]:
    if kept is not None and kept.held_at is not None:
        yield Needed.HELD
    owed = select(Duty).where(Duty.incident_id == incident.id, Duty.clock_kind.in_(KINDS))
    if any(each.is_owed for each in db.session.scalars(owed)):
        yield Needed.DUTY
    theirs = select(SubjectCommunication).where(SubjectCommunication.incident_id == incident.id)
    mine = list(db.session.scalars(theirs))
    states = {each.state for each in mine}
    if incident.closed_at is None and any(each.is_prepared for each in mine):
        yield Needed.PREPARED
    if CommunicationState.SENDING in states:
        yield Needed.SENDING
    yield from _unsettled(mine)
    asked = PersonHeard.wants.is_not(None) & PersonHeard.done_at.is_(None)
    heard = select(PersonHeard.id).where(PersonHeard.incident_id == incident.id, asked)
    if db.session.scalar(heard.limit(1)):
        yield Needed.ASKED
    if incident.closed_at is None and CommunicationState.COMPLETE not in states:
        yield Needed.OPEN
    if incident.closed_at is None and _untold_list(incident, mine):
        yield Needed.LISTS


def _untold_list(incident: Incident, mine: list[SubjectCommunication]) -> bool:
    """Whether a list waits to be read, or was read after the last communication went out."""
    untold: ColumnElement[bool] = RecipientList.state.in_((ListState.UPLOADED, ListState.READING))
    if last := max((each.sent_at for each in mine if each.sent_at), default=None):
        untold |= (RecipientList.state == ListState.READ) & (RecipientList.read_at > last)
    lists = select(RecipientList.id).where(RecipientList.incident_id == incident.id, untold)
    return db.session.scalar(lists.limit(1)) is not None


def _unsettled(mine: list[SubjectCommunication]) -> Iterator[Needed]:
    """Whether somebody waits for a letter or for a person, whatever the communication says of itself."""
    ids = [each.id for each in mine]
    found: set[str] = set()
    for each in ids:
        sent = told.sending_of(f"communication:{each}")
        found |= told.waiting(sent.id).keys() if sent else set()
    if "manual" in found:
        yield Needed.MANUAL
    printed = select(LetterRun.id).where(
        LetterRun.communication_id.in_(ids), LetterRun.state != RunState.FAILED,
        LetterRun.posted_on.is_(None), LetterRun.taken_back_at.is_(None),
    )  # fmt: skip
    if "waiting" in found or db.session.scalar(printed.limit(1)):
        yield Needed.LETTERS


# --- by a person --------------------------------------------------------------------------------


def hold(incident: Incident, why: str, *, by: StaffMember, now: datetime) -> None:
    """Keep the contact data until a person says otherwise. Raises: Invalid without a reason, Refused."""
    _refuse_forgotten(incident)
    kept = _row(incident, now)
    kept.held_at, kept.held_by, kept.held_why = now, by.name, _reason(why)
    kept.warned_at = kept.due_at = None
    _log(incident, "people.held", by, now, kept.held_why)


def release(incident: Incident, why: str, *, by: StaffMember, now: datetime) -> None:
    """Let it go its way again; it is warned of afresh. Raises: Invalid without a reason."""
    kept, said = _row(incident, now), _reason(why)
    if kept.held_at is None:
        return
    kept.held_at = kept.held_by = kept.held_why = None
    _log(incident, "people.hold_ended", by, now, said)


def forget(incident: Incident, why: str, *, confirmed: str, by: StaffMember, now: datetime) -> bool:
    """Destroy it before its time; False when it is gone already.

    `confirmed` is the number of the incident, typed. Raises: Refused while something needs it, Invalid
    without reason or number.
    """
    said = _reason(why)
    if confirmed.strip().upper() != incident.number.upper():
        raise Invalid(
            _("The number typed is not that of this incident."),
            next_step=_("Type %(number)s to confirm that the contact data is to be destroyed.",
                        number=incident.number),
        )  # fmt: skip
    if needed := list(_needed(incident, _row(incident, now))):
        raise Refused(
            _("The contact data is still needed (%(why)s).", why=", ".join(needed)),
            next_step=_("See to that first; the page says what it is."),
        )
    return _destroy(incident, by=by.name, why=said, now=now)


def _reason(why: str) -> str:
    said = " ".join(why.split())[:LONGEST]
    if not said:
        raise Invalid(_("A reason is missing."), next_step=_("Say why, for the record."))
    return said


def _refuse_forgotten(incident: Incident) -> None:
    if not contact_data.is_there(incident.id):
        raise Refused(
            _("The contact data of this incident is gone, or there never was any."),
            next_step=_("Who was told, when and by which way stands in the coverage report."),
        )


def _log(incident: Incident, action: str, by: StaffMember, now: datetime, reason: str) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason, staff=by.id,
    )  # fmt: skip


def _row(incident: Incident, now: datetime) -> Forgetting:
    row = {"incident_id": incident.id, "organisation_id": incident.organisation_id, "looked_at": now}
    rest = ("due_at", "warned_at", "held_at", "held_by", "held_why", "forgotten_at", "swept_at")
    insert_unless_there(Forgetting, row | dict.fromkeys(rest))
    return db.session.get_one(Forgetting, incident.id, populate_existing=True)


def _destroy(incident: Incident, *, by: str, why: str, now: datetime) -> bool:
    kept = _row(incident, now)
    if not contact_data.destroy_key(incident, by=by, why=why, now=now):
        return False
    contact_data.blank_letters(incident.id)
    kept.forgotten_at, kept.due_at = now, None
    return True


# --- by the clock -------------------------------------------------------------------------------


def due(now: datetime) -> list[UUID]:
    """The incidents with contact data that nobody has looked at lately, the longest waiting first."""
    before = now - terms(now).look_again
    wanted = (
        select(IncidentKey.incident_id)
        .outerjoin(Forgetting, Forgetting.incident_id == IncidentKey.incident_id)
        .where(IncidentKey.key.is_not(None))
        .where(Forgetting.incident_id.is_(None) | (Forgetting.looked_at <= before))
        .order_by(Forgetting.looked_at.is_not(None), Forgetting.looked_at, IncidentKey.incident_id)
    )
    return list(db.session.scalars(wanted.limit(AT_ONCE)))


def look(incident_id: UUID, *, now: datetime) -> bool:
    """Warn that contact data goes, or have it go, when its time has come; whether it went.

    Somebody who works on the incident has it looked at in a later round. Call inside a transaction.
    """
    mine = select(Incident).where(Incident.id == incident_id).with_for_update(skip_locked=True)
    incident = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if incident is None:
        return False
    kept = _row(incident, now)
    kept.looked_at = now
    found = outlook(incident, now=now)
    if found.due_at is None:  # what was said before holds no more: it is said again when the time comes
        kept.warned_at = kept.due_at = None
        return False
    kept.due_at = found.due_at
    if found.due_at > now + terms(now).warned:  # a list came, and what was said before holds no more
        kept.warned_at = None
    if kept.warned_at is None:
        if found.due_at <= now + terms(now).warned:
            kept.warned_at = now
            _warn(incident, found.due_at, now)
        return False
    return found.due_at <= now and _destroy(incident, by=CLOCK, why=_why(incident, now), now=now)


def _why(incident: Incident, now: datetime) -> str:
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    days = terms(now).kept(profile_of(organisation).contact_days).days
    return f"{days} days after the last communication was completed"


def _warn(incident: Incident, due_at: datetime, now: datetime) -> None:
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    those = people.staff_with_role(organisation.id, Role.DPO)
    those = those or people.staff_with_role(organisation.id, Role.ADMIN)
    ledger.append(
        incident.chain, "people.forgotten_soon", organisation_id=organisation.id, actor=CLOCK, at=now,
        due_at=due_at, told=[each.id for each in those],
    )  # fmt: skip
    ways.remind(
        organisation_id=organisation.id, about=incident.chain, staff_ids=[each.id for each in those],
        template="contacts_forgotten_soon", urgent=False, must_by=None, now=now,
        context={
            "number": incident.number, "due_at": due_at.isoformat(), "timezone": organisation.timezone,
            "path": f"/incidents/{incident.id}/contact-data",
        },
        dedupe_key=f"contacts-forgotten:{incident.id}:{now.isoformat()}",
    )  # fmt: skip


def unswept() -> list[UUID]:
    """The incidents whose key is gone and whose sealed rows are not yet."""
    wanted = select(Forgetting.incident_id).where(
        Forgetting.forgotten_at.is_not(None), Forgetting.swept_at.is_(None)
    )
    return list(db.session.scalars(wanted.limit(AT_ONCE)))


def sweep(incident_id: UUID, after: UUID | None, *, now: datetime) -> UUID | None:
    """Remove what is sealed of some thousand people after one; the last of them, None when it is done.

    Without the key nobody can read it: this makes room, and is safe to begin again after a crash.
    """
    _count, last = contact_data.blank_people(incident_id, after, CHUNK)
    if last is None:
        db.session.get_one(Forgetting, incident_id, populate_existing=True).swept_at = now
    return last
