"""What becomes of a run: posted on a day that a person tells, taken back, or a letter of it came back."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import Organisation, StaffMember
from foundation import locales
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident.letter_posting import reading
from incident.letter_posting.making import log
from incident.models import Incident, LetterRun, RunState, SubjectCommunication
from notifications import sending

LONGEST_CARRIER: Final = 200
CAME_BACK: Final = "returned"  # why somebody is on the manual list


def post(
    incident: Incident, run: LetterRun, *, on: date, carrier: str, by: StaffMember, now: datetime,
    why: str = "",
) -> bool:  # fmt: skip
    """The letters of a run were handed to the post on this day; whether that is new.

    Told again with another day or carrier it is corrected, which takes a reason; the ledger keeps both.
    Raises: Invalid for a day in the future, one before the run was made, no carrier, or no reason; Refused
    for a run that is not whole or was taken back.
    """
    carrier = " ".join(carrier.split())
    _refuse_unmade(run)
    if (run.posted_on, run.posted_with) == (on, carrier):
        return False
    if fault := _fault(incident, run, on, carrier, now):
        raise Invalid(fault, next_step=_("Nothing was recorded. Mend it and send it again."))
    before = run.posted_on, run.posted_with
    if run.posted_on is not None and not why.strip():
        raise Invalid(
            _("This run was recorded as posted on another day, or with somebody else."),
            next_step=_("Say why the earlier entry was wrong; both stay in the record."),
        )
    run.posted_on, run.posted_with, run.posted_by, run.posted_said_at = on, carrier, by.name, now
    db.session.flush()
    _tell(run, on, by.name, now)
    details: dict[str, Any] = {
        "posted_on": on.isoformat(),
        "carrier": carrier,
        "letters": run.letters,
        "staff": by.id,
    }
    if before[0] is None:
        log(incident, run, "letters.posted", by.name, now, **details)
    else:
        log(
            incident, run, "letters.posted_corrected", by.name, now, reason=why.strip(),
            before_on=before[0].isoformat(), before_carrier=before[1], **details,
        )  # fmt: skip
    return True


def _refuse_unmade(run: LetterRun) -> None:
    if run.taken_back_at is not None:
        raise Refused(
            _("This run was taken back: its letters wait again."),
            next_step=_("Record the day on the run that they are in now."),
        )
    if run.state != RunState.MADE:
        raise Refused(_("This run is not made yet."), next_step=_("Wait until all of its files are there."))


def _fault(incident: Incident, run: LetterRun, on: date, carrier: str, now: datetime) -> str:
    zone = db.session.get_one(Organisation, incident.organisation_id).timezone
    if on > locales.local(now, zone).date():
        return _("The letters cannot have been posted in the future.")
    if on < run.made_on:
        return _("The letters were made later than that day.")
    if not carrier:
        return _("Say who took them: the postal service, or whoever printed and posted them.")
    if len(carrier) > LONGEST_CARRIER:
        return _("The name of who took them has at most %(count)s signs.", count=LONGEST_CARRIER)
    return ""


def _tell(run: LetterRun, on: date, by: str, now: datetime) -> None:
    communication = db.session.get_one(SubjectCommunication, run.communication_id)
    if sending_id := reading.sending_of(communication):
        sending.letters_posted(sending_id, reading.members_of(run), on, by=by, now=now)


def take_back(incident: Incident, run: LetterRun, *, why: str, by: StaffMember, now: datetime) -> None:
    """A run that was never posted is none: its letters wait again. Taken back twice changes nothing.

    Raises: Refused once it was posted, Invalid without a reason.
    """
    if run.taken_back_at is not None:
        return
    if run.posted_on is not None:
        raise Refused(
            _("These letters were posted: nothing calls them back."),
            next_step=_("Where the day is wrong, correct it with a reason."),
        )
    if not why.strip():
        raise Invalid(
            _("Say why the run is taken back."),
            next_step=_("Make sure that none of its letters is ever posted: its people get another one."),
        )
    run.taken_back_at, run.taken_back_why = now, why.strip()
    if run.state == RunState.MAKING:
        run.state, run.why, run.lease_until = RunState.FAILED, _("It was taken back while it was made."), None
    db.session.flush()
    log(
        incident,
        run,
        "letters.taken_back",
        by.name,
        now,
        reason=why.strip(),
        letters=run.letters,
        staff=by.id,
    )


def returned(
    incident: Incident, recipient_id: UUID, *, why: str, by: StaffMember, now: datetime
) -> LetterRun | None:
    """A posted letter came back: its person is told by the next way, or is left to people with the reason.

    The run that it was in; None where no letter to this person was posted, or each came back before. Raises:
    Refused while their letter is in a run of which nobody recorded that it was posted.
    """
    runs = _with_letter_to(incident, recipient_id)
    for run in runs:
        if run.posted_on is not None and _turned(run, recipient_id, why=why, by=by.name, now=now):
            log(incident, run, "letter.returned", by.name, now, recipient=recipient_id, staff=by.id)
            return run
    if any(each.posted_on is None for each in runs):
        raise Refused(
            _("The letter to this person is in a run that is not recorded as posted. Nothing was kept."),
            next_step=_("Record the day of posting first, then say that the letter came back."),
        )
    return None


def was_posted(incident: Incident, recipient_id: UUID) -> bool:
    """Whether a letter to this person is in a run that was posted."""
    return any(each.posted_on is not None for each in _with_letter_to(incident, recipient_id))


def _with_letter_to(incident: Incident, recipient_id: UUID) -> list[LetterRun]:
    """The whole runs with a letter to this person, but for those taken back: the last one posted first."""
    standing = (
        select(LetterRun)
        .join(SubjectCommunication, SubjectCommunication.id == LetterRun.communication_id)
        .where(
            SubjectCommunication.incident_id == incident.id, LetterRun.state == RunState.MADE,
            LetterRun.taken_back_at.is_(None),
        )
        .order_by(LetterRun.posted_on.desc(), LetterRun.number.desc())
    )  # fmt: skip
    return [each for each in db.session.scalars(standing) if recipient_id in reading.members_of(each)]


def _turned(run: LetterRun, recipient_id: UUID, *, why: str, by: str, now: datetime) -> bool:
    """Whether the letter of this person counted as posted, and counts as returned now."""
    communication = db.session.get_one(SubjectCommunication, run.communication_id)
    sending_id = reading.sending_of(communication)
    return sending_id is not None and sending.letter_returned(
        sending_id, recipient_id, why, code=CAME_BACK, by=by, now=now
    )


def note_taken(incident: Incident, run: LetterRun, name: str, *, by: StaffMember, now: datetime) -> None:
    """Somebody took a file of a run away, with addresses in it: that stands in the record."""
    log(incident, run, "letters.downloaded", by.name, now, file=name, staff=by.id)
