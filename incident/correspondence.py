"""What an authority and we write to each other about an incident: kept as it was, and answered in time.

What an authority asks or orders is a duty with a part for each letter, by the date the letter names, on the
same ladder as every other; it ends with our answer, or when the authority wants none any more. A letter is
never changed: another date comes with another letter.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import clocks, meeting, owed, related, rungs, stages
from incident.authorities import all_authorities
from incident.authority_notification import numbers, receipts
from incident.models import (
    ABOUT_ANOTHER,
    ASKING,
    CHANNELS,
    AuthorityLetter,
    Duty,
    DutyStage,
    Incident,
    LetterKind,
)

REGIME: Final = "authority-request"
CLOCK: Final = "authority_request"
PROVISION: Final = "GDPR art. 31 and 58(1)"
TITLES: Final = {LetterKind.QUESTION: "Question", LetterKind.ORDER: "Order"}
LONGEST: Final = 20_000  # signs of what a letter says
MOST_BYTES: Final = receipts.MOST_BYTES  # of the letter itself
LONGEST_SUBJECT: Final = 200
LONGEST_REFERENCE: Final = 80


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as somebody records it; `written_at` and `due_at` are aware instants.

    `about` is the letter that it answers, dates anew or takes back.
    """

    authority: str
    kind: LetterKind
    channel: str
    written_at: datetime
    subject: str
    text: str = ""
    reference: str = ""
    due_at: datetime | None = None
    about: UUID | None = None
    file_name: str = ""
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class Thread:
    """A letter of an authority that wants an answer, what was written about it since, and its part."""

    letter: AuthorityLetter
    since: tuple[AuthorityLetter, ...]
    stage: DutyStage | None

    @property
    def is_open(self) -> bool:
        """Whether an answer is still owed."""
        return self.stage is not None and self.stage.filed_at is None


# --- reading --------------------------------------------------------------------------------------


def of_incident(incident: Incident) -> list[AuthorityLetter]:
    """Every letter of an incident and of those it carries, in the order of time.

    With those that it owes an answer to since it carried what they were about.
    """
    ids = [incident.id, *(each.id for each in related.carried_by(incident))]
    keys = [stage.key for _duty, stage in _parts(incident)]
    mine = select(AuthorityLetter).where(
        or_(AuthorityLetter.incident_id.in_(ids), AuthorityLetter.stage_key.in_(keys))
    )
    order = (AuthorityLetter.written_at, AuthorityLetter.recorded_at, AuthorityLetter.number)
    return list(db.session.scalars(mine.order_by(*order)))


def of(incident: Incident, letter_id: UUID) -> AuthorityLetter:
    """One of them. Raises: Missing."""
    found = next((each for each in of_incident(incident) if each.id == letter_id), None)
    if found is None:
        raise Missing(_("There is no such letter."))
    return found


def threads(incident: Incident) -> list[Thread]:
    """The letters that want or wanted an answer: those still open first, by their dates."""
    letters, parts = of_incident(incident), {each.key: each for _duty, each in _parts(incident)}
    found = [
        Thread(
            each, tuple(one for one in letters if one.about_id == each.id), parts.get(each.stage_key or "")
        )
        for each in letters if each.asks
    ]  # fmt: skip
    return sorted(found, key=_pressing)


def _pressing(thread: Thread) -> tuple[bool, bool, datetime]:
    due = thread.stage.due_at if thread.stage else None
    return not thread.is_open, due is None, due or thread.letter.written_at


def duties_of(incident: Incident) -> list[Duty]:
    """What is or was owed to authorities that asked, one duty each."""
    return meeting.duties_of(incident, REGIME)


def _parts(incident: Incident) -> Iterator[tuple[Duty, DutyStage]]:
    for duty in duties_of(incident):
        for stage in stages.of(duty):
            yield duty, stage


def authorities_of(incident: Incident) -> list[str]:
    """The keys of the authorities that may write: those that are owed a notification first."""
    told = [each.recipient for each in meeting.duties_of(incident, "gdpr-33")]
    written = [each.authority for each in of_incident(incident)]
    return list(dict.fromkeys([*told, *written, *(each.key for each in all_authorities())]))


# --- keeping --------------------------------------------------------------------------------------


def keep(incident: Incident, written: Written, *, by: StaffMember, now: datetime) -> AuthorityLetter:
    """Keep a letter, and let what it asks or answers follow; the same form sent twice is one letter.

    Raises: Invalid for what cannot be, Refused for an incident that stands still, a letter that wants no
    answer, or one that has it; Missing for a letter that is not there.
    """
    if known := _the_same(incident, written, by):
        return known
    about = of(incident, written.about) if written.about else None
    _check(incident, written, about, now)
    letter = _row(incident, written, by, now)
    db.session.add(letter)
    db.session.flush()
    _log(incident, letter, about, by, now)
    if letter.asks:
        _owe(incident, letter, by, now)
    elif about is not None and letter.kind == LetterKind.EXTENSION:
        _date_anew(incident, letter, about, now)
    elif about is not None:
        _end(incident, letter, about, by, now)
    clocks.settle(incident)
    return letter


def _the_same(incident: Incident, written: Written, by: StaffMember) -> AuthorityLetter | None:
    mine = select(AuthorityLetter).where(
        AuthorityLetter.incident_id == incident.id, AuthorityLetter.by_id == by.id,
        AuthorityLetter.authority == written.authority, AuthorityLetter.kind == written.kind,
        AuthorityLetter.written_at == written.written_at, AuthorityLetter.due_at == written.due_at,
        AuthorityLetter.reference == (numbers.tidied(written.reference) or None),
    )  # fmt: skip
    said = (written.subject.strip(), written.text.strip(), written.about, _sha256(written.file))
    return next(
        (e for e in db.session.scalars(mine) if (e.subject, e.text, e.about_id, e.file_sha256) == said), None
    )


def _sha256(data: bytes) -> str | None:
    return hashlib.sha256(data).hexdigest() if data else None


def _hash_of_words(written: Written) -> str:
    return hashlib.sha256(f"{written.subject.strip()}\n{written.text.strip()}".encode()).hexdigest()


def _row(incident: Incident, written: Written, by: StaffMember, now: datetime) -> AuthorityLetter:
    mine = select(func.max(AuthorityLetter.number)).where(AuthorityLetter.incident_id == incident.id)
    made = new_id()
    asks = written.kind in ASKING
    return AuthorityLetter(
        id=made, organisation_id=incident.organisation_id, incident_id=incident.id,
        number=(db.session.scalar(mine) or 0) + 1, authority=written.authority, kind=written.kind,
        about_id=written.about, channel=written.channel, written_at=written.written_at,
        subject=written.subject.strip(), text=written.text.strip(), text_sha256=_hash_of_words(written),
        reference=numbers.tidied(written.reference) or None, due_at=written.due_at,
        stage_key=f"{written.kind}-{made.hex[-12:]}" if asks else None,
        file_name=receipts.safe_name(written.file_name) if written.file else None, file=written.file or None,
        file_sha256=_sha256(written.file), by_id=by.id, by=by.name, recorded_at=now,
    )  # fmt: skip


# --- what cannot be -------------------------------------------------------------------------------


def _check(incident: Incident, written: Written, about: AuthorityLetter | None, now: datetime) -> None:
    if incident.merged_into_id:
        carrier = related.carrier_of(incident)
        raise Refused(
            _("This incident was merged into %(number)s.", number=carrier.number),
            next_step=_("Keep the letter there: what is owed is owed there."),
        )
    faults = [*_faults_of_words(written), *_faults_of_times(written, about, now)]
    if written.authority not in authorities_of(incident):
        faults.insert(0, _("Say which authority it is."))
    if faults:
        raise Invalid(" ".join(faults), next_step=_("Nothing was kept. Mend it and send it again."))
    numbers.check(numbers.tidied(written.reference), written.authority, confirmed=True)
    if written.kind in ABOUT_ANOTHER:
        _check_about(incident, written, about)
    if written.kind in (*ASKING, LetterKind.EXTENSION):
        meeting.refuse_when_over(incident)


def _faults_of_words(written: Written) -> Iterator[str]:
    if not written.subject.strip():
        yield _("Say in a line what it is about.")
    if len(written.subject.strip()) > LONGEST_SUBJECT:
        yield _("The line has at most %(count)s signs.", count=LONGEST_SUBJECT)
    if len(written.text.strip()) > LONGEST:
        yield _("What it says has at most %(count)s signs; attach the letter itself.", count=LONGEST)
    if len(written.reference.strip()) > LONGEST_REFERENCE:
        yield _("A case number has at most %(count)s signs.", count=LONGEST_REFERENCE)
    if written.channel not in CHANNELS:
        yield _("Say how it came or went.")
    if written.file_name and not written.file.strip():
        yield _("The file is empty: save it again where it came from.")
    elif len(written.file) > MOST_BYTES:
        yield _("The file is larger than 10 MiB: save it as a smaller one.")
    elif written.file and receipts.media_type(written.file) is None:
        yield _("The file is no PDF, picture (PNG, JPEG), e-mail (EML), web page or text.")


def _faults_of_times(written: Written, about: AuthorityLetter | None, now: datetime) -> Iterator[str]:
    if written.written_at > now:
        yield _("It cannot have come or gone in the future.")
    if written.due_at and written.kind not in (*ASKING, LetterKind.EXTENSION):
        yield _("Only what asks for an answer has a date until which it is wanted.")
    if written.due_at and written.due_at <= written.written_at:
        yield _("The answer cannot be wanted before the letter came.")
    if written.kind == LetterKind.EXTENSION and written.due_at is None:
        yield _("Say until when the answer is wanted now.")
    if about and written.written_at < about.written_at:
        yield _("It cannot be earlier than the letter it is about.")


def _check_about(incident: Incident, written: Written, about: AuthorityLetter | None) -> None:
    if about is None or not about.asks or about.authority != written.authority:
        raise Invalid(
            _("Say which letter of this authority it is about."),
            next_step=_("Choose one that wants an answer."),
        )
    if (stage := _stage_of(incident, about)[1]) is None or stage.filed_at is not None:
        raise Refused(
            _("No answer to that letter is owed any more."),
            next_step=_("What you write beside is a letter of its own."),
        )


def _stage_of(incident: Incident, letter: AuthorityLetter) -> tuple[Duty | None, DutyStage | None]:
    """The part by which an answer to a letter is owed, wherever it is carried now."""
    carrier = related.carrier_of(incident)
    return next(((d, s) for d, s in _parts(carrier) if s.key == letter.stage_key), (None, None))


# --- what follows ---------------------------------------------------------------------------------


def _owe(incident: Incident, letter: AuthorityLetter, by: StaffMember, now: datetime) -> None:
    """An answer is owed: a new duty towards that authority, or a new part of the one there is."""
    wanted = owed.Owed(
        REGIME, letter.authority, CLOCK, PROVISION, {"source": PROVISION, "rules": "letter"},
        letter.written_at, letter.due_at,
    )  # fmt: skip
    owed.add_all(incident, [wanted], by=by.name, reason=_why(letter), now=now)
    duty = next(each for each in duties_of(incident) if each.recipient == letter.authority)
    if not duty.is_owed:
        duty.met_at = None
        owed.owe_again(duty)
        owed.log(
            incident, "duty.reopened", by.name, now, _why(letter), duty=duty.id, regime=duty.regime,
            recipient=duty.recipient, due_at=letter.due_at, provision=duty.provision,
        )  # fmt: skip
    stages.give(
        duty, letter.stage_key or "", title=TITLES[LetterKind(letter.kind)], starts_at=letter.written_at,
        due_at=letter.due_at, source=_why(letter), now=now,
    )  # fmt: skip
    rungs.follow(incident, [duty], now=now)


def _why(letter: AuthorityLetter) -> str:
    return f"Letter {letter.number} of the authority."


def _date_anew(incident: Incident, letter: AuthorityLetter, about: AuthorityLetter, now: datetime) -> None:
    duty, stage = _stage_of(incident, about)
    if duty is not None and stage is not None:
        stages.date(duty, stage, letter.due_at)
        rungs.follow(incident, [duty], now=now)


def _end(
    incident: Incident, letter: AuthorityLetter, about: AuthorityLetter, by: StaffMember, now: datetime
) -> None:
    """The part is done: answered by us, or not wanted any more; with the last one the duty is met."""
    duty, stage = _stage_of(incident, about)
    if duty is None or stage is None:
        return
    stage.filed_at, stage.filed_by = letter.written_at, by.name
    stage.reference = f"letter {letter.number}"
    stage.late_by = timedelta()
    if stage.due_at and letter.kind == LetterKind.ANSWER:
        stage.late_by = max(timedelta(), letter.written_at - stage.due_at)
    db.session.flush()
    left = any(each.filed_at is None for each in stages.of(duty))
    meeting.meet(incident, duty, at=letter.written_at, actor=by.name, now=now, in_part=left)
    rungs.follow(incident, [duty], now=now, reason=rungs.ENDED)
    rungs.quieten(incident, actor=by.name, reason=f"{stage.provision}: {letter.kind}.", now=now)


def _log(
    incident: Incident, letter: AuthorityLetter, about: AuthorityLetter | None, by: StaffMember, now: datetime
) -> None:
    details: dict[str, Any] = {
        "letter": letter.id, "number": letter.number, "authority": letter.authority, "kind": letter.kind,
        "channel": letter.channel, "written_at": letter.written_at, "due_at": letter.due_at,
        "reference": letter.reference, "text_sha256": letter.text_sha256, "file_sha256": letter.file_sha256,
        "staff": by.id,
    }  # fmt: skip
    if about is not None:
        details["about"] = about.number
    owed.log(incident, "letter.sent" if letter.is_ours else "letter.received", by.name, now, None, **details)
