"""What waits across all incidents that the reader may see: gathered with a fixed number of queries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, func, select

from accounts import people
from accounts.models import Role as StaffRole
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may
from foundation.database import db
from foundation.http import url_if
from incident import decisions, handovers, letters, roles
from incident.access import visible_incidents
from incident.controller_notices import fan_out
from incident.forms import words
from incident.models import (
    OWED,
    UNFILED,
    AuthorityNotification,
    Duty,
    DutyStage,
    FactsVersion,
    Incident,
    NotificationState,
    Phase,
    Report,
    ReportState,
    SubjectCommunication,
)
from incident.rules.agenda import Item, Kind
from incident.rules.lifecycle import State
from incident.rules.roles import Role
from incident.subject_communication import SENT
from notifications import on_duty, paging
from playbooks import owning
from playbooks.owning import Task

OPEN = (State.REPORTED, State.CONFIRMED)
TO_AUTHORITY, TO_PEOPLE = "authority_notification", "subject_communication"
PLACES = {
    TO_AUTHORITY: "authority_notifications.index", "own_promise_authority": "authority_notifications.index",
    TO_PEOPLE: "subject_communications.index", "own_promise_subjects": "subject_communications.index",
    "authority_request": "correspondence.index",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who asks, and what is theirs: roles by incident, whether they are on call now, who is here at all."""

    staff: StaffMember
    held: Mapping[UUID, Mapping[str, UUID | None]]
    on_call: bool
    here: frozenset[UUID]

    def has(self, incident: Incident, *wanted: str) -> bool:
        """Whether they hold one of these roles in the incident."""
        held = self.held.get(incident.id, {})
        return any(held.get(role) == self.staff.id for role in wanted)

    def stands_in_as_dpo(self, incident: Incident) -> bool:
        """Whether they are data protection officer where nobody has that role in the incident."""
        named = self.held.get(incident.id, {}).get(Role.DPO)
        return self.staff.role is StaffRole.DPO and named not in self.here

    def answers_for(self, incident: Incident) -> bool:
        """Whether what the incident owes is theirs to see to."""
        return self.has(incident, Role.LEAD, Role.DPO) or self.stands_in_as_dpo(incident)

    def does(self, task: Task, incident: Incident) -> bool:
        """Whether a step is theirs: as its owner, else by their role, else because they are on call."""
        if task.owner_id in self.here:
            return task.owner_id == self.staff.id
        if self.has(incident, task.role) or task.role == self.staff.role:
            return True
        roled = task.role in (*StaffRole, *Role)
        return self.on_call and not roled


def items(now: datetime) -> list[Item]:
    """Everything that waits, the reader's own and others', in no order."""
    mine = visible_incidents().where(
        Incident.state.in_(OPEN), ~Incident.drill, Incident.merged_into_id.is_(None)
    )
    incidents = list(db.session.scalars(mine))
    reader = _reader(incidents, now)
    return [
        *_pages(incidents, reader), *_leaderless(incidents, reader), *_duties(incidents, reader),
        *_follow_ups(incidents, reader), *_untrue(incidents, reader),
        *_customers(incidents, reader),
        *_steps(incidents, reader), *_decisions(reader), *_handovers(reader, now), *_reports(reader),
    ]  # fmt: skip


def _reader(incidents: Sequence[Incident], now: datetime) -> _Reader:
    staff = current_staff()
    here = frozenset(each.id for each in people.staff_of(staff.organisation_id) if each.active)
    on_call = staff.id in on_duty.on_call(staff.organisation_id, now)
    return _Reader(staff, roles.holders(incidents), on_call, here)


def _pages(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    by_chain = {each.chain: each for each in incidents}
    for about, since in paging.open_since(by_chain.keys()).items():
        incident = by_chain[about]
        yield Item(
            Kind.PAGE, f"page:{about}", _("Somebody is being called, and nobody has it"), incident.number,
            since, _place(incident), _("Take it"), may(reader.staff, Permission.ACKNOWLEDGE_PAGE),
        )  # fmt: skip


def _leaderless(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    for each in incidents:
        if each.roles_at and each.lead_id not in reader.here:
            yield Item(
                Kind.LEAD, f"lead:{each.id}", _("Nobody leads this incident"), each.number, each.roles_at,
                _place(each, "roles"), _("Name a lead"), may(reader.staff, Permission.TRIAGE),
            )  # fmt: skip


def _duties(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    """What is owed; of what somebody was told in part the rest, by its next date if it has one."""
    known = {each.id: each for each in incidents}
    owed = Duty.incident_id.in_(known), Duty.state.in_(OWED), Duty.regime != fan_out.REGIME
    parts = _parts(owed)
    for duty in db.session.scalars(select(Duty).where(*owed)):
        incident = known[duty.incident_id]
        what = f"{words.DUTIES.get(duty.regime, duty.provision)}: {words.whom(duty.recipient)}"
        endpoint = PLACES.get(duty.clock_kind)
        href = url_if(endpoint, incident_id=incident.id) if endpoint else None
        yield Item(
            Kind.DUTY, f"duty:{duty.id}", what, incident.number,
            duty.due_at if duty.is_unfiled else parts.get(duty.id), href or _place(incident, "duties"),
            _("See to it"), reader.answers_for(incident),
        )  # fmt: skip


def _follow_ups(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    """What authorities were told and is not so any more: each waits until it is filed or dropped."""
    known = {each.id: each for each in incidents}
    waiting = select(AuthorityNotification).where(
        AuthorityNotification.incident_id.in_(known), AuthorityNotification.kind != Phase.INITIAL,
        AuthorityNotification.state != NotificationState.FILED, AuthorityNotification.dropped_at.is_(None),
    )  # fmt: skip
    for each in db.session.scalars(waiting):
        incident = known[each.incident_id]
        whom = words.whom(each.authority)
        what = f"{words.PHASES[Phase(each.kind)]}: {whom}"
        if each.drafted_by_id is None:
            what = _("Facts changed after the filing: tell %(whom)s", whom=whom)
        href = url_if("phases.changes", incident_id=incident.id, notification_id=each.id)
        yield Item(
            Kind.DUTY, f"follow-up:{each.id}", what, incident.number, None,
            href or _place(incident, "duties"), _("See what changed"), reader.answers_for(incident),
        )  # fmt: skip


def _untrue(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    """What people were told and facts since may make untrue: until it is corrected, or found to be true."""
    known = {each.id: each for each in incidents}
    later = select(FactsVersion.id).where(
        FactsVersion.incident_id == SubjectCommunication.incident_id,
        FactsVersion.at > SubjectCommunication.approved_at,
    )
    sent = select(SubjectCommunication).where(
        SubjectCommunication.incident_id.in_(known), SubjectCommunication.state.in_(SENT), later.exists()
    )
    for each in db.session.scalars(sent).all():
        if letters.stale(each):
            incident = known[each.incident_id]
            place = url_for("subject_communications.show", incident_id=incident.id, communication_id=each.id)
            yield Item(
                Kind.DUTY, f"untrue:{each.id}",
                _("Facts changed after people were told: is communication %(number)s still true?",
                  number=each.number),
                incident.number, None, place, _("See what changed"),
                reader.answers_for(incident),
            )  # fmt: skip


def _parts(owed: Sequence[ColumnElement[bool]]) -> dict[UUID, datetime]:
    """When the next part of each of these duties is due, where one has a date."""
    unfiled = (
        select(DutyStage.duty_id, func.min(DutyStage.due_at).label("due_at"))
        .join(Duty, Duty.id == DutyStage.duty_id)
        .where(*owed, DutyStage.filed_at.is_(None), DutyStage.due_at.is_not(None))
        .group_by(DutyStage.duty_id)
    )
    return {row.duty_id: row.due_at for row in db.session.execute(unfiled)}


def _customers(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    """Perhaps thousands are owed a notice of one incident: they wait as one, by the first of them."""
    known = {each.id: each for each in incidents}
    waiting = (
        select(Duty.incident_id, func.count(), func.min(Duty.due_at))
        .where(Duty.incident_id.in_(known), Duty.state.in_(UNFILED), Duty.regime == fan_out.REGIME)
        .group_by(Duty.incident_id)
    )
    for incident_id, count, first in db.session.execute(waiting):
        incident = known[incident_id]
        what = ngettext(
            "Tell %(num)s customer, as its processor", "Tell %(num)s customers, as their processor", count
        )
        href = url_if("incident_customers.index", incident_id=incident_id)
        yield Item(
            Kind.DUTY, f"customers:{incident_id}", what, incident.number, first,
            href or _place(incident, "duties"), _("See to it"), reader.answers_for(incident),
        )  # fmt: skip


def _steps(incidents: Sequence[Incident], reader: _Reader) -> Iterator[Item]:
    by_chain = {each.chain: each for each in incidents}
    does = may(reader.staff, Permission.COMPLETE_STEPS)
    for task in owning.tasks(by_chain.keys()):
        if task.due_at is None:
            continue  # without its time a step waits in silence
        incident = by_chain[task.about]
        yield Item(
            Kind.STEP, f"step:{task.id}", task.title, incident.number, task.due_at,
            _place(incident, "steps"), _("Do it"), does and reader.does(task, incident),
        )  # fmt: skip


def _decisions(reader: _Reader) -> Iterator[Item]:
    for incident, decision in decisions.waiting_in(visible_incidents()):
        if incident.drill:
            continue
        able = may(reader.staff, Permission.AGREE_TO_DECISION)
        yield Item(
            Kind.DECISION, f"decision:{decision.id}",
            _("Wants a second person: %(decision)s", decision=words.KINDS.get(decision.kind, decision.kind)),
            incident.number, incident.next_due_at, _place(incident, "duties"), _("Agree or not"),
            able and decisions.hindrance(decision, reader.staff) is None,
        )  # fmt: skip


def _handovers(reader: _Reader, now: datetime) -> Iterator[Item]:
    for each, incident in handovers.asked_of(reader.staff, now):
        yield Item(
            Kind.HANDOVER, f"handover:{each.id}", _("Write a handover note"), incident.number, each.ends_at,
            url_for("handovers.show", handover_id=each.id), _("Write it"), mine=True,
        )  # fmt: skip
    for each, incident in handovers.unread_by(reader.staff):
        what = _("Read the handover note") if each.note else _("Read the summary: no note was written")
        yield Item(
            Kind.READING, f"reading:{each.id}", what, incident.number, each.ends_at,
            url_for("handovers.show", handover_id=each.id), _("Read it"), mine=True,
        )  # fmt: skip


def _reports(reader: _Reader) -> Iterator[Item]:
    faulty = select(Report).where(Report.state == ReportState.FAULTY).order_by(Report.received_at)
    for report in db.session.scalars(faulty):
        yield Item(
            Kind.REPORT, f"report:{report.id}", _("Read a report that no machine could read"), "",
            report.received_at, url_for("reports.show", report_id=report.id), _("Read it"),
            may(reader.staff, Permission.TRIAGE),
        )  # fmt: skip


def _place(incident: Incident, anchor: str | None = None) -> str:
    return url_for("incidents.show", incident_id=incident.id, _anchor=anchor)
