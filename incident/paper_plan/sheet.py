"""What a paper plan says: open incidents, what is owed until when, what comes next, whom to call.

Everything that an organisation needs to meet its deadlines without the product. Drills are none of it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import force_locale
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation.database import db
from incident import authorities, roles
from incident.authorities import forms
from incident.forms import words
from incident.models import OWED, Duty, DutyStage, Incident
from incident.processor_register import contacts
from incident.rules.lifecycle import State
from notifications import on_duty, ways
from notifications.rules import watching
from playbooks import owning

OPEN = (State.REPORTED, State.CONFIRMED)
STEPS = 12  # of one incident: a sheet of paper is for what comes next
DUTIES = 60  # of one incident; of thousands of customers the first


@dataclass(frozen=True, slots=True)
class Owed:
    """One line of what is owed; without `due_at` as soon as possible."""

    what: str
    whom: str
    due_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a playbook that is open."""

    title: str
    who: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """One open incident."""

    number: str
    title: str
    state: str
    lead: str
    aware_at: datetime | None
    duties: tuple[Owed, ...]
    steps: tuple[Step, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One person's time on call, of one line."""

    line: str
    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How a colleague is reached."""

    name: str
    role: str
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """A supervisory authority as a filer needs it."""

    name: str
    url: str
    phone: str
    email: str
    sign_in: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole plan of one organisation, in its language and zone (IANA)."""

    organisation: str
    zone: str
    language: str
    made_at: datetime
    incidents: tuple[Case, ...]
    shifts: tuple[Turn, ...]
    rota: tuple[object, ...]  # what the shifts follow from
    people: tuple[Reach, ...]
    authorities: tuple[Office, ...]

    def fingerprint(self) -> str:
        """SHA-256 of what it says of incidents, people, rota, authorities; time passing changes nothing."""
        told = asdict(self)
        for moving in ("made_at", "shifts"):
            del told[moving]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def of(organisation: Organisation, *, now: datetime) -> Sheet:
    """The plan of an organisation as things stand at `now`."""
    with force_locale(organisation.locale):
        names = {each.id: each.name for each in people.staff_of(organisation.id)}
        return Sheet(
            organisation.name, organisation.timezone, organisation.locale, now,
            tuple(_cases(organisation.id, names)), tuple(_shifts(organisation.id, names, now)),
            tuple(on_duty.laid_down(organisation.id)), tuple(_people(organisation.id)),
            tuple(_offices(organisation.locale)),
        )  # fmt: skip


def _cases(organisation_id: UUID, names: dict[UUID, str]) -> list[Case]:
    mine = select(Incident).where(
        Incident.organisation_id == organisation_id, Incident.state.in_(OPEN), ~Incident.drill,
        Incident.merged_into_id.is_(None),
    )  # fmt: skip
    found = list(
        db.session.scalars(
            mine.order_by(Incident.next_due_at.is_(None), Incident.next_due_at, Incident.number)
        )
    )
    held = roles.holders(found)
    steps = owning.tasks([each.chain for each in found])
    return [
        Case(
            each.number, each.title, str(words.STATES.get(each.state, each.state)),
            names.get(lead, "") if (lead := held.get(each.id, {}).get("lead") or each.lead_id) else "",
            each.aware_at, tuple(_owed(each)),
            tuple(_steps([step for step in steps if step.about == each.chain], names)), tuple(_calls(each)),
        )
        for each in found
    ]  # fmt: skip


def _owed(incident: Incident) -> list[Owed]:
    """What is owed: each duty, and each stage of one that is not filed yet."""
    duties = list(
        db.session.scalars(
            select(Duty)
            .where(Duty.incident_id == incident.id, Duty.state.in_(OWED))
            .order_by(Duty.due_at.is_(None), Duty.due_at, Duty.regime)
            .limit(DUTIES)
        )
    )
    mine = DutyStage.duty_id.in_([each.id for each in duties]), DutyStage.filed_at.is_(None)
    stages = list(db.session.scalars(select(DutyStage).where(*mine).order_by(DutyStage.number)))
    lines = []
    for duty in duties:
        what = str(words.DUTIES.get(duty.regime, duty.provision))
        state = str(words.DUTY_STATES.get(duty.state, duty.state))
        parts = [each for each in stages if each.duty_id == duty.id]
        if not parts or duty.is_unfiled:
            lines.append(Owed(what, words.whom(duty.recipient), duty.due_at, state))
        for each in parts:
            stage = f"{what}: {words.STAGES.get(each.key, each.key)}"
            lines.append(Owed(stage, words.whom(duty.recipient), each.due_at, state))
    return lines


def _steps(tasks: Sequence[owning.Task], names: dict[UUID, str]) -> list[Step]:
    due = [each for each in tasks if each.due_at][:STEPS]
    return [Step(each.title, _who(each, names), each.due_at) for each in due]


def _who(task: owning.Task, names: dict[UUID, str]) -> str:
    return names.get(task.owner_id, "") if task.owner_id else str(words.ROLES.get(task.role, task.role))


def _calls(incident: Incident) -> list[str]:
    """Contacts at the processor that reported it."""
    if incident.processor_id is None:
        return []
    return [
        " · ".join(filter(None, (each.name, each.role, each.phone, each.email)))
        for each in contacts.of(incident.processor_id)
    ]


# --- people ---------------------------------------------------------------------------------------


def _people(organisation_id: UUID) -> Iterable[Reach]:
    """Whoever may be needed: those who act for the organisation, with every way to them."""
    wanted = (Role.DPO, Role.RESPONDER, Role.ADMIN)
    staff = [each for each in people.staff_of(organisation_id) if each.active and each.role in wanted]
    for person in sorted(staff, key=lambda each: (wanted.index(each.role), each.name)):
        yield Reach(person.name, str(words.ROLES.get(person.role.value, person.role.value)), _ways(person))


def _ways(person: StaffMember) -> tuple[str, ...]:
    told = [each.address for each in ways.ways_of(person) if each.channel in ("sms", "voice", "email")]
    return tuple(dict.fromkeys([*told, person.email]))


def _shifts(organisation_id: UUID, names: dict[UUID, str], now: datetime) -> list[Turn]:
    """Who is on call in the coming hours, line by line."""
    end = now + watching.terms().plan_on_call
    lines = on_duty.schedules(organisation_id)
    found = on_duty.stretches(lines, now, end)
    return [
        Turn(line.name, names.get(each.member, "?"), max(each.start, now), min(each.end, end))
        for line in lines
        for each in sorted(found.get(line.id, []), key=lambda each: (each.start, each.place))
    ]


def _offices(locale: str) -> Iterable[Office]:
    """Those whose form is held here: the whole of the EEA would bury the organisation's own."""
    for each in authorities.all_authorities():
        if each.key not in forms.all_forms():
            continue
        yield Office(
            each.named(locale), each.portal.url, each.contact.phone, each.contact.email, each.portal.sign_in,
            each.portal.receipt,
        )  # fmt: skip
