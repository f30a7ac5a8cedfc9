"""Who was heard from: calls to the hot-line, replies, visits and letters that came back, each kept once.

A person on a list is found by e-mail address, number, own id or name; who is on none is kept all the same.
What was said and answered is kept encrypted; the ledger holds counts and kinds, and nobody's words.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import func, select

from accounts.models import Organisation, StaffMember
from foundation import ledger, locales
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing
from incident import letter_posting
from incident.lists import finding
from incident.lists.people import contacts_left
from incident.models import HeardKind, Incident, PersonHeard, Recipient
from notifications.told import last_texted

LONGEST: Final = 10_000
SHOWN: Final = 200  # rows of one page
DAYS: Final = 28  # of the picture
BY_PHONE: Final = "Breachclock"  # keeps texts that came in by themselves
KINDS: Final[Mapping[str, LazyString]] = {
    HeardKind.CALL: _l("Call"), HeardKind.EMAIL: _l("E-mail"), HeardKind.SMS: _l("Text message"),
    HeardKind.LETTER: _l("Letter"), HeardKind.RETURNED: _l("Letter came back"), HeardKind.VISIT: _l("Visit"),
}  # fmt: skip
# What is still to be done for a person. The law gives a month for the two requests (GDPR art. 12(3)).
WANTS: Final[Mapping[str, LazyString]] = {
    "call_back": _l("Call back"), "new_address": _l("Has a new address"),
    "write_again": _l("Tell them again, in another way"), "access": _l("Wants to know what is held of them"),
    "erasure": _l("Wants data erased or corrected"), "complaint": _l("Complains"),
    "harm": _l("Says that harm was done"), "other": _l("Something else"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody keeps of a person; `at` is an aware instant."""

    kind: str
    at: datetime
    said: str
    answer: str = ""
    wants: str = ""
    recipient_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day where the organisation is, and how many were heard from by each way."""

    day: date
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


# --- reading -----------------------------------------------------------------------------------------


def of_incident(incident: Incident, *, only: str = "", recipient_id: UUID | None = None) -> list[PersonHeard]:
    """Who was heard from, the latest first; `only` is "open" for what is still to be done, or a kind."""
    mine = select(PersonHeard).where(PersonHeard.incident_id == incident.id)
    if recipient_id is not None:
        mine = mine.where(PersonHeard.recipient_id == recipient_id)
    if only == "open":
        mine = mine.where(PersonHeard.wants.is_not(None), PersonHeard.done_at.is_(None))
    elif only:
        mine = mine.where(PersonHeard.kind == only)
    return list(db.session.scalars(mine.order_by(PersonHeard.at.desc(), PersonHeard.id.desc()).limit(SHOWN)))


def of(incident: Incident, heard_id: UUID) -> PersonHeard:
    """One of them, read afresh. Raises: Missing."""
    found = db.session.get(PersonHeard, heard_id, populate_existing=True)
    if found is None or found.incident_id != incident.id:
        raise Missing(_("There is no such entry."))
    return found


def to_be_done(incident: Incident) -> int:
    """How many still want something."""
    mine = select(func.count()).select_from(PersonHeard).where(
        PersonHeard.incident_id == incident.id, PersonHeard.wants.is_not(None), PersonHeard.done_at.is_(None)
    )  # fmt: skip
    return db.session.scalar(mine) or 0


def by_day(incident: Incident, *, now: datetime) -> list[Day]:
    """How many were heard from by day and kind over the last weeks, days without anybody among them.

    From the first day somebody was heard from, where that is later. Empty while nobody was.
    """
    zone = db.session.get_one(Organisation, incident.organisation_id).timezone
    today = locales.local(now, zone).date()
    since = datetime.combine(today - timedelta(days=DAYS), datetime.min.time(), UTC)
    mine = select(PersonHeard.at, PersonHeard.kind).where(
        PersonHeard.incident_id == incident.id, PersonHeard.at >= since
    )
    counted: dict[date, Counter[str]] = {}
    for at, kind in db.session.execute(mine):
        counted.setdefault(locales.local(at, zone).date(), Counter())[kind] += 1
    if not counted:
        return []
    first = max(min(counted), today - timedelta(days=DAYS - 1))
    days = [first + timedelta(days=each) for each in range((today - first).days + 1)]
    return [Day(each, dict(counted.get(each, {}))) for each in days]


def found(incident: Incident, text: str) -> list[tuple[Recipient, Any]]:
    """Who may be meant, with their contact: by number, address, own id, name or a letter's reference."""
    people = finding.found_by(incident, text)
    if not people:
        by_letter = letter_posting.people_by_reference(incident, text)
        people = list(filter(None, (finding.person_of(incident, each) for each in by_letter)))
    known = contacts_left(incident.id, [each.id for each in people])
    return [(each, known.get(each.id)) for each in people]


# --- keeping -----------------------------------------------------------------------------------------


def keep(incident: Incident, told: Told, *, by: StaffMember, now: datetime) -> PersonHeard:
    """Keep what a person said; the same form sent twice is one entry.

    A letter that came back puts its person onto the manual list; of one that nobody is known to have posted
    the entry is all. Raises: Invalid for what cannot be, Missing for a person who stands on no list of this
    incident, Refused for a letter whose posting was not recorded yet.
    """
    said, answer = _tidied(told.said), _tidied(told.answer)
    _check(told, said, answer, now)
    person = None
    if told.recipient_id is not None:
        person = finding.person_of(incident, told.recipient_id)
        if person is None:
            raise Missing(_("There is no such person on the lists of this incident."))
    if known := _the_same(incident, told, said, person, by):
        return known
    if told.kind == HeardKind.RETURNED and person is not None:
        # What stands on it is personal data: those words stay with the entry, where they are encrypted.
        letter_posting.returned(incident, person.id, why=str(KINDS[told.kind]), by=by, now=now)
    return _add(incident, told, said, answer, person, by.name, now)


def _tidied(text: str) -> str:
    plain = text.replace("\r\n", "\n")
    return "".join(sign for sign in plain if sign == "\n" or sign.isprintable()).strip()


def _check(told: Told, said: str, answer: str, now: datetime) -> None:
    fault = ""
    if told.kind not in KINDS:
        fault = _("Say how the person was heard from.")
    elif not said and told.kind != HeardKind.RETURNED:
        fault = _("Write down in a few words what was said.")
    elif max(len(said), len(answer)) > LONGEST:
        fault = _("What was said has at most %(count)s signs.", count=LONGEST)
    elif told.wants and told.wants not in WANTS:
        fault = _("Say what is to be done for them.")
    elif told.at > now:
        fault = _("Nobody was heard from in the future.")
    elif told.kind == HeardKind.RETURNED and told.recipient_id is None:
        fault = _("Say whose letter came back: look for the reference that is printed on it.")
    if fault:
        raise Invalid(fault, next_step=_("Nothing was kept. Mend it and send it again."))


def _the_same(
    incident: Incident, told: Told, said: str, person: Recipient | None, by: StaffMember
) -> PersonHeard | None:
    mine = select(PersonHeard).where(
        PersonHeard.incident_id == incident.id, PersonHeard.kind == told.kind, PersonHeard.at == told.at,
        PersonHeard.kept_by == by.name,
    )  # fmt: skip
    whose = person.id if person else None
    return next((e for e in db.session.scalars(mine) if (e.said, e.recipient_id) == (said, whose)), None)


def _add(  # noqa: PLR0917  a row's columns in their order
    incident: Incident, told: Told, said: str, answer: str, person: Recipient | None, by: str, now: datetime
) -> PersonHeard:
    made = PersonHeard(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id,
        recipient_id=person.id if person else None, kind=told.kind, at=told.at, said=said,
        answer=answer or None, wants=told.wants or None, kept_by=by, kept_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    _log(incident, made, "person.heard", by, now)
    return made


def done(incident: Incident, entry: PersonHeard, *, answer: str, by: StaffMember, now: datetime) -> bool:
    """What a person wanted is done, with what they were answered; whether that is new.

    Raises: Invalid for an answer that is too long, or where nothing was wanted.
    """
    if entry.done_at is not None:
        return False
    answer = _tidied(answer)
    if entry.wants is None:
        raise Invalid(_("Nothing is to be done for this person."))
    if len(answer) > LONGEST:
        raise Invalid(_("What was said has at most %(count)s signs.", count=LONGEST))
    entry.done_at, entry.done_by = now, by.name
    entry.answer = "\n\n".join(filter(None, (entry.answer, answer))) or None
    db.session.flush()
    _log(incident, entry, "person.wish_done", by.name, now)
    return True


def _log(incident: Incident, entry: PersonHeard, action: str, by: str, now: datetime) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, heard=entry.id,
        kind=entry.kind, wants=entry.wants, recipient=entry.recipient_id,
    )  # fmt: skip


# --- by itself ---------------------------------------------------------------------------------------


def texted(sender: str, body: str, now: datetime) -> bool:
    """Keep a text message with whoever was told last by a text to this number (E.164); whether it was kept.

    A number may stand on the lists of several organisations. What comes back answers the one that wrote last,
    and nobody else reads it; where none did it is not kept. Each text comes here once. STOP is kept like
    every other word.
    """
    listed = {person.id: (incident, person) for incident, person in finding.with_number(sender)}
    last = last_texted(sender, listed)
    if last is None:
        return False
    incident, person = listed[last]
    said = _tidied(body)[:LONGEST]
    _add(incident, Told(HeardKind.SMS, now, said, recipient_id=person.id), said, "", person, BY_PHONE, now)
    return True
