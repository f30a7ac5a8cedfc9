"""A letter run made: asked for once, printed batch by batch, each batch in a transaction of its own.

The maker may die at any moment: the next one goes on after the last batch that was kept. What is printed
depends on the run and its people alone, so that a batch made twice is the same batch.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import or_, select, update

from accounts.models import Organisation, StaffMember
from foundation import ledger, locales
from foundation.database import changed, db, new_id
from foundation.errors import Invalid, Refused
from incident import drafting, genuine, letter_runs, letters, meeting
from incident.communication_texts import wire
from incident.letter_posting import reading
from incident.letter_runs import Address, Batch, Fault, Letter, Manifest, Run, Sender
from incident.lists.contacts import Contact
from incident.lists.keys import key_of
from incident.lists.people import contacts_left
from incident.models import (
    CommunicationState,
    Incident,
    LetterRun,
    LetterRunFile,
    RunState,
    SubjectCommunication,
)
from incident.profile import profile_of
from incident.recipient_lists.rows import Address as Postal
from notifications import sending
from notifications.rules.filling import Unfillable
from notifications.sending import Line

LEASE: Final = timedelta(minutes=5)
AT_ONCE: Final = letter_runs.letters.LETTERS  # people whose letters are printed and kept together
TRIES: Final = 5  # with nothing kept
RUNS: Final = 5  # that one look finds
SENT: Final = (CommunicationState.SENDING, CommunicationState.COMPLETE)
CLOCK: Final = "Breachclock"
OWN: Final[Mapping[str, LazyString]] = {
    "no_address": _l("There is no postal address, or it was forgotten. Tell this person in another way."),
    "no_text": _l("The letter is not written in this person’s language. Tell them in another way."),
    "no_value": _l("The letter says something of this person that is on no list. Tell them in another way."),
}
WHY: Final[Mapping[str, LazyString]] = {**letter_runs.WHY, **OWN}


@dataclass(frozen=True, slots=True)
class Made:
    """What came of some people's letters: batches, letters left out, and up to whom that goes."""

    before: UUID | None
    last: UUID | None  # None: nobody was left, the run is whole
    batches: Sequence[Batch] = ()
    faults: Mapping[UUID, Fault] = field(default_factory=dict)


# --- asking ------------------------------------------------------------------------------------------


def make(
    incident: Incident, communication: SubjectCommunication, *, window: str, by: StaffMember, now: datetime
) -> LetterRun:
    """Have all letters that wait made into a run for envelopes with this window; while one is made, that one.

    Raises: Refused before it was sent, when no letter waits, or the incident stands still; Invalid for no
    such window, or where our own address is not registered.
    """
    runs = reading.of_communication(communication)
    if going := next((each for each in runs if each.state == RunState.MAKING), None):
        return going
    meeting.refuse_when_over(incident)
    if communication.state not in SENT:
        raise Refused(_("Letters are made of a communication that was sent."), next_step=_("Send it first."))
    _window(window, now)
    sender_of(incident)
    count = reading.waiting(communication)
    if not count:
        raise Refused(
            _("No letter waits to be printed."),
            next_step=_("Letters come up here when no other way to a person is left."),
        )
    zone = db.session.get_one(Organisation, incident.organisation_id).timezone
    made = LetterRun(
        id=new_id(), organisation_id=incident.organisation_id, communication_id=communication.id,
        number=(runs[0].number if runs else 0) + 1, window=window, state=RunState.MAKING, waiting=count,
        letters=0, left_out=0, manifest={}, made_by=by.name, made_at=now,
        made_on=locales.local(now, zone).date(), ready_at=now, batches=0,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    log(incident, made, "letters.asked_for", by.name, now, staff=by.id, waiting=count, window=window)
    return made


def _window(key: str, now: datetime) -> letter_runs.Window:
    try:
        return letter_runs.window(key, at=now)
    except Unfillable:
        raise Invalid(_("Say which envelope the letters are for.")) from None


def sender_of(incident: Incident) -> Sender:
    """Who writes, as it stands on a letter. Raises: Invalid where no address is registered."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    known, contact = profile_of(organisation), drafting.contact_of(organisation)
    lines = tuple(line.strip() for line in known.address.splitlines() if line.strip())
    if not lines:
        raise Invalid(
            _("Your organisation’s postal address is not registered, and it stands on every letter."),
            next_step=_("Register it on the page of your organisation."),
        )
    reach = tuple(filter(None, (contact.phone, contact.email)))
    return Sender(known.legal_name or organisation.name, lines, reach)


def log(
    incident: Incident, run: LetterRun, action: str, actor: str, now: datetime, *, reason: str | None = None,
    **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a run: counts, days and hashes, never who is written to."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now, reason=reason,
        communication=run.communication_id, run=run.id, number=run.number, **details,
    )  # fmt: skip


# --- making ------------------------------------------------------------------------------------------


def due(now: datetime) -> list[UUID]:
    """The runs that somebody has to go on with, the longest waiting first."""
    free = or_(LetterRun.lease_until.is_(None), LetterRun.lease_until <= now)
    mine = select(LetterRun.id).where(LetterRun.state == RunState.MAKING, LetterRun.ready_at <= now, free)
    return list(db.session.scalars(mine.order_by(LetterRun.ready_at).limit(RUNS)))


def claim(run_id: UUID, *, now: datetime) -> bool:
    """Take a run for some minutes; false when somebody else has it, or it is made.

    One that failed again and again with nothing kept is given up: a person sees it and asks for another.
    """
    free = or_(LetterRun.lease_until.is_(None), LetterRun.lease_until <= now)
    mine = update(LetterRun).where(LetterRun.id == run_id, LetterRun.state == RunState.MAKING, free)
    if not changed(mine.values(lease_until=now + LEASE, tries=LetterRun.tries + 1)):
        return False
    if db.session.scalars(select(LetterRun.tries).where(LetterRun.id == run_id)).one() <= TRIES:
        return True
    refuse(run_id, _("Printing failed %(count)s times in a row; the log says how.", count=TRIES), now=now)
    return False


def let_go(run_id: UUID, *, now: datetime) -> None:
    """Give a run back, to be gone on with at once."""
    mine = update(LetterRun).where(LetterRun.id == run_id, LetterRun.state == RunState.MAKING)
    changed(mine.values(lease_until=None, ready_at=now))


def printable(run_id: UUID) -> Made:
    """Print the next letters of a run; nothing is kept. Needs an app context.

    Raises: Invalid when the sender does not fit the window, or no address of ours is registered.
    """
    run = db.session.scalars(
        select(LetterRun).where(LetterRun.id == run_id).execution_options(populate_existing=True)
    ).one()
    communication = db.session.get_one(SubjectCommunication, run.communication_id)
    incident = db.session.get_one(Incident, communication.incident_id)
    people, last = _next(communication, run.taken_to)
    if last is None:
        return Made(run.taken_to, None)
    letters, faults = _letters(incident, communication, people)
    batches: list[Batch] = []
    for made in letter_runs.printed(letters, run_of(incident, run), first=run.batches + 1):
        if isinstance(made, Batch):
            batches.append(made)
        else:
            faults[UUID(made.key)] = made
    return Made(run.taken_to, last, batches, faults)


def run_of(incident: Incident, run: LetterRun) -> Run:
    """What all letters of a run have in common."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    return Run(
        number=incident.number, sender=sender_of(incident), country=organisation.country,
        locale=organisation.locale, day=run.made_on, made_at=run.made_at,
        window=_window(run.window, run.made_at), drill=incident.drill,
    )  # fmt: skip


def _next(communication: SubjectCommunication, after: UUID | None) -> tuple[list[Line], UUID | None]:
    """Whose letters come next, and up to whom was looked; None when nobody waits any more."""
    sending_id = reading.sending_of(communication)
    if sending_id is None:
        return [], None
    there, found, last = reading.taken(communication), list[Line](), after
    while len(found) < AT_ONCE and (some := sending.waiting_letters(sending_id, last, AT_ONCE - len(found))):
        found += [each for each in some if each.recipient_id.bytes not in there]
        last = some[-1].recipient_id
    return found, last if last != after else None


def _letters(
    incident: Incident, communication: SubjectCommunication, people: Sequence[Line]
) -> tuple[list[Letter], dict[UUID, Fault]]:
    """The letters of these, as two persons approved them, with each one's own values in them."""
    known = contacts_left(incident.id, [each.recipient_id for each in people])
    sending_id = reading.sending_of(communication)
    texts = sending.texts_of(sending_id, "letter") if sending_id else {}
    found, faults = list[Letter](), dict[UUID, Fault]()
    code = genuine.coder(communication)
    for each in people:
        contact, whose = known.get(each.recipient_id), each.recipient_id
        if contact is None or contact.address is None:
            faults[whose] = Fault(str(whose), "no_address")
        elif each.locale not in texts:
            faults[whose] = Fault(str(whose), "no_text")
        elif told := _told(texts[each.locale], contact, each.locale, code(whose)):
            found.append(_letter(whose, contact.name, contact.address, told, each.locale))
        else:
            faults[whose] = Fault(str(whose), "no_value")
    return found, faults


def _told(content: Mapping[str, str], contact: Contact, locale: str, code: str) -> dict[str, str]:
    """The content of one person's letter; empty where it says something of them that their row does not."""
    try:
        return wire.filled(content, wire.values(contact, locale, code))
    except KeyError:
        return {}


def _letter(whose: UUID, name: str, where: Postal, told: Mapping[str, str], locale: str) -> Letter:
    address = Address(name, where.line1, where.postcode, where.city, where.line2, where.country)
    return Letter(str(whose), told["reference"], address, letters.paper(told, locale), told["opening"])


# --- keeping -----------------------------------------------------------------------------------------


def keep(run_id: UUID, made: Made, *, now: datetime) -> bool:
    """Keep what was printed of a run, all of it or nothing; whether there is more to print.

    Nothing is kept where somebody else went on with the run meanwhile, or it was taken back.
    """
    run = db.session.scalars(
        select(LetterRun)
        .where(LetterRun.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if run.state != RunState.MAKING or run.taken_to != made.before:
        return False
    communication = db.session.get_one(SubjectCommunication, run.communication_id)
    incident = db.session.get_one(Incident, communication.incident_id)
    if made.last is None:
        _finish(incident, run, now)
        return False
    _leave_out(communication, made, now)
    db.session.add_all(each for batch in made.batches for each in _files(incident, run, batch))
    run.taken_to, run.lease_until, run.tries = made.last, now + LEASE, 0
    run.batches = max((each.number for each in made.batches), default=run.batches)
    run.letters += sum(len(each.letters) for each in made.batches)
    run.left_out += len(made.faults)
    run.manifest = _added(run, made)
    db.session.flush()
    return True


def _leave_out(communication: SubjectCommunication, made: Made, now: datetime) -> None:
    """Say of whom no letter can be printed, and why: another way is tried, or they are left to people."""
    sending_id, by_code = reading.sending_of(communication), defaultdict[str, list[UUID]](list)
    for recipient_id, fault in made.faults.items():
        by_code[fault.code].append(recipient_id)
    if sending_id is None:
        return
    for code, ids in by_code.items():
        sending.letters_unprinted(sending_id, ids, str(WHY[code]), code=code, by=CLOCK, now=now)


def _files(incident: Incident, run: LetterRun, batch: Batch) -> Iterator[LetterRunFile]:
    members = b"".join(UUID(each.key).bytes for each in batch.letters)
    kinds = (reading.LETTERS, batch.pdf), ("sheet_csv", batch.sheet_csv), ("sheet_pdf", batch.sheet_pdf)
    for kind, file in kinds:
        yield LetterRunFile(
            id=new_id(), organisation_id=run.organisation_id, run_id=run.id, batch=batch.number, kind=kind,
            name=file.name, sha256=file.sha256, size=len(file.data), letters=len(batch.letters),
            members=members if kind == reading.LETTERS else None,
            data=key_of(incident.id).seal(file.data),
        )  # fmt: skip


def _added(run: LetterRun, made: Made) -> dict[str, Any]:
    """What a run's manifest says with these batches: counts and hashes, and nobody's name."""
    told = run.manifest or {"batches": [], "left_out": {}}
    left_out = dict(told["left_out"])
    for fault in made.faults.values():
        left_out[fault.code] = left_out.get(fault.code, 0) + 1
    added = [
        {
            "number": each.number, "letters": len(each.letters), "pages": each.pages, "sheets": each.sheets,
            "files": [one.told for one in each.files],
        }
        for each in made.batches
    ]  # fmt: skip
    return {"batches": [*told["batches"], *added], "left_out": left_out}


def _finish(incident: Incident, run: LetterRun, now: datetime) -> None:
    """The run is whole; one without a letter is none."""
    if not run.letters:
        refuse(run.id, _("None of these letters can be printed; the manual list says why of each."), now=now)
        return
    whole = Manifest(run_of(incident, run)).told() | run.manifest | {
        "run": run.number, "letters": run.letters,
        "sheets": sum(each["sheets"] for each in run.manifest["batches"]),
    }  # fmt: skip
    run.state, run.finished_at, run.lease_until, run.manifest = RunState.MADE, now, None, whole
    db.session.flush()
    log(
        incident, run, "letters.made", "Breachclock", now, letters=run.letters, left_out=run.left_out,
        batches=run.batches, manifest_sha256=hashlib.sha256(reading.manifest_of(run)).hexdigest(),
    )  # fmt: skip


def refuse(run_id: UUID, why: str, *, now: datetime) -> None:
    """A run cannot be made; its letters wait as before. What is whole or was refused stays as it is."""
    run = db.session.get_one(LetterRun, run_id)
    if run.state != RunState.MAKING:
        return
    run.state, run.why, run.lease_until = RunState.FAILED, why[:300], None
    db.session.flush()
    communication = db.session.get_one(SubjectCommunication, run.communication_id)
    incident = db.session.get_one(Incident, communication.incident_id)
    log(incident, run, "letters.not_made", "Breachclock", now, reason=why, left_out=run.left_out)
