"""What the page of one incident shows: clocks, chain of times, what is next, facts, advice, duties."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may, signed_in
from foundation import ledger
from foundation.database import db
from foundation.http import url_if
from foundation.ledger import Entry
from incident import advice as advising
from incident import assessment, chains, clocks, decisions, drafts, owed, triage
from incident.controller_notices import fan_out, standing
from incident.forms.facts import FIELDS, SECTIONS
from incident.forms.fields import Field, Kind, find
from incident.models import (
    Assessment,
    Awareness,
    Clock,
    Duty,
    FactsDraft,
    FactsVersion,
    Incident,
    Question,
    Report,
)
from incident.rules.facts import Facts
from incident.rules.instants import Chain
from incident.rules.lifecycle import State
from incident.triage.closing import Hindrances
from incident.views import around, beside, laid_out
from incident.views.around import Around
from incident.views.beside import Beside, DecisionRow
from incident.views.shown import processor_names
from notifications import delivery, paging
from playbooks import runs
from playbooks.runs import StepView

CLOCKS = (
    "authority_notification", "own_promise_authority", "notice_to_controller", "subject_communication",
    "own_promise_subjects",
)  # fmt: skip


TO_CUSTOMERS = fan_out.REGIME  # perhaps thousands: they have a page of their own


@dataclass(frozen=True, slots=True)
class Action:
    """The one thing to do next: an address to go to, or a form to send."""

    label: str
    why: str
    href: str
    sends: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A page and what became of it."""

    id: UUID
    started_at: datetime
    taken_at: datetime | None
    state: str
    taken_by: str
    number: int  # how often it rang
    mine: bool
    again_at: datetime | None  # when what was taken comes back
    offered_to: str  # whom it was handed to, who has not taken it yet


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as told: how it is asked for and what the answer is; no answer means not known."""

    field: Field
    value: Any


@dataclass(frozen=True, slots=True)
class Told:
    """One section of the facts with those that are known, and how many are not."""

    title: str
    facts: list[Fact]
    unknown: int


@dataclass
class Page:
    """Everything on the page of an incident."""

    incident: Incident
    processor: str | None
    lead: str | None
    clocks: list[Clock]
    awareness: list[Awareness]
    facts: Facts
    version: FactsVersion
    versions: list[FactsVersion]
    reports: list[Report]
    beside: Beside
    assessments: list[Assessment]
    decisions: list[DecisionRow]
    undecided: list[Question]
    duties: list[Duty]
    customers: standing.Summary
    offered: int  # customers whom new facts or a changed register brought in
    laid: dict[UUID, laid_out.Laid]
    steps: list[StepView]
    calls: list[Call]
    callable: list[tuple[UUID, str]]  # colleagues to whom a page may be handed over
    messages: list[delivery.Line]
    names: dict[UUID, str]
    unreached: int
    notes: list[Entry]
    chain: Chain | None
    told: list[Told]
    hindrances: Hindrances
    draft: FactsDraft | None
    around: Around
    action: Action | None = field(default=None)

    @property
    def classifies(self) -> bool:
        """Whether something counts from a classification as major."""
        return laid_out.may_classify(self.laid.values())


def page(incident: Incident, *, version: int | None, now: datetime) -> Page:
    """Gather the page; `version` is the facts version to show, the latest when there is no such."""
    versions = _mine(select(FactsVersion).order_by(FactsVersion.number), FactsVersion, incident)
    shown = next((each for each in versions if each.number == version), versions[-1])
    facts, advice = clocks.current_facts(incident), advising.advised(incident, now=now)
    processor = processor_names([incident.processor_id] if incident.processor_id else [])
    made = Page(
        incident=incident, processor=next(iter(processor.values()), None), lead=_lead(incident),
        clocks=_clocks(incident), awareness=triage.awareness_rows(incident),
        facts=facts, version=shown, versions=versions,
        reports=_mine(select(Report).order_by(Report.received_at), Report, incident),
        beside=beside.of(incident, advice, now=now), assessments=assessment.assessments_of(incident),
        decisions=beside.decisions_of(incident, advice), undecided=decisions.undecided(incident, advice),
        duties=[each for each in owed.duties_of(incident) if each.regime != TO_CUSTOMERS],
        customers=standing.summary(incident, now), offered=len(fan_out.offered(incident)),
        laid=laid_out.of_incident(incident),
        steps=runs.steps_for(incident.chain), calls=_calls(incident),
        callable=_callable(incident),
        messages=delivery.log_for(incident.chain),
        names={each.id: each.name for each in people.staff_of(incident.organisation_id)},
        unreached=delivery.unreached_count(incident.chain),
        notes=[each for each in ledger.entries(incident.chain) if each.action == "note.added"],
        chain=chains.of(incident, now=now), told=_told(shown.facts),
        hindrances=triage.hindrances(incident), draft=drafts.of(incident, current_staff()),
        around=around.of(incident),
    )  # fmt: skip
    made.action = next(_actions(made, current_staff()), None)
    return made


def _mine(query: Any, table: Any, incident: Incident) -> list[Any]:
    return list(db.session.scalars(query.where(table.incident_id == incident.id)))


def _clocks(incident: Incident) -> list[Clock]:
    """The law's clock, our promise, then the others; those that stand still come last."""
    found = clocks.running(incident.id, stopped=True)
    return sorted(found, key=lambda each: (each.stopped_at is not None, *_rank(each.kind)))


def _rank(kind: str) -> tuple[int, str]:
    return (CLOCKS.index(kind), kind) if kind in CLOCKS else (len(CLOCKS), kind)


def _lead(incident: Incident) -> str | None:
    if incident.lead_id is None:
        return None
    return db.session.scalar(select(StaffMember.name).where(StaffMember.id == incident.lead_id))


def _calls(incident: Incident) -> list[Call]:
    reader = signed_in()
    return [
        Call(
            each.page.id, each.page.started_at, each.taken_at, each.page.state, each.name, each.page.number,
            reader is not None and each.page.state == "acknowledged" and each.staff_id == reader.id,
            each.page.quiet_until, each.offered_to,
        )
        for each in paging.told_of(incident.chain)
    ]  # fmt: skip


def _callable(incident: Incident) -> list[tuple[UUID, str]]:
    reader = signed_in()
    return [
        (each.id, each.name)
        for each in people.staff_of(incident.organisation_id)
        if may(each, Permission.ACKNOWLEDGE_PAGE) and each != reader
    ]


# --- the facts ----------------------------------------------------------------------------------


def _told(document: Mapping[str, Any]) -> list[Told]:
    """The facts as told, section by section; what was not said is only counted."""
    found: list[Told] = []
    for section in SECTIONS:
        facts = [Fact(each, _value(document, each)) for each in section.fields if each in FIELDS]
        known = [fact for fact in facts if fact.value not in (None, "", [], {}, "unknown", ["unknown"])]
        if section.key.startswith("link") and not known:
            continue
        if section.key != "chain":
            found.append(Told(str(section.title), known, len(facts) - len(known)))
    return found


def _value(document: Mapping[str, Any], each: Field) -> Any:
    value = find(document, each.path)
    if each.kind is Kind.TIME and value is not None:
        return datetime.fromisoformat(value)
    return value


# --- what is next -------------------------------------------------------------------------------


def _actions(made: Page, staff: StaffMember) -> Iterator[Action]:
    """What to do next, the most pressing first; the page shows the first one."""
    incident = made.incident
    place: dict[str, Any] = {"incident_id": incident.id}
    if any(call.state == "open" for call in made.calls) and may(staff, Permission.ACKNOWLEDGE_PAGE):
        yield Action(
            _("I have it"), _("Somebody is being called. Take it, and nobody else is woken."),
            url_for("steps.acknowledge", **place), sends=True,
        )  # fmt: skip
    if incident.state not in (State.REPORTED, State.CONFIRMED):
        return
    if incident.awareness_is_provisional and may(staff, Permission.CORRECT_AWARENESS):
        yield Action(
            _("Fix awareness"), _("The clocks run from a provisional moment until a person fixes it."),
            url_for("awareness.edit", **place),
        )  # fmt: skip
    if incident.state == State.REPORTED and may(staff, Permission.TRIAGE):
        yield Action(
            _("Confirm or reject"), _("Is it a personal data breach? Say so."),
            url_for("incidents.show", **place, _anchor="triage"),
        )  # fmt: skip
    if (made.customers.owed or made.offered) and may(staff, Permission.PREPARE_COMMUNICATION):
        yield Action(
            _("Tell the customers"), _("We are their processor, and they are owed a notice."),
            url_for("incident_customers.index", **place),
        )  # fmt: skip
    if incident.state == State.CONFIRMED and not made.assessments and may(staff, Permission.ASSESS):
        yield Action(
            _("Assess and decide"), _("Nobody has decided yet whom to tell. Undecided means notify."),
            url_for("assessments.new", **place),
        )  # fmt: skip
    yield from _about_duties(made, staff)


def _about_duties(made: Page, staff: StaffMember) -> Iterator[Action]:
    place: dict[str, Any] = {"incident_id": made.incident.id}
    owed = {duty.regime for duty in made.duties if duty.is_owed}
    to_authority = url_if("authority_notifications.index", **place)
    if (
        owed & {"gdpr-33", "promise-authority"}
        and to_authority
        and may(staff, Permission.PREPARE_NOTIFICATION)
    ):
        yield Action(_("Notify the authority"), _("A notification is owed and not filed yet."), to_authority)
    to_people = url_if("subject_communications.index", **place)
    if owed & {"gdpr-34", "promise-subjects"} and to_people and may(staff, Permission.PREPARE_COMMUNICATION):
        yield Action(_("Tell the people concerned"), _("They have not all been told yet."), to_people)
    if made.assessments and not owed and not made.customers.owed and may(staff, Permission.CLOSE_INCIDENT):
        yield Action(
            _("Close the incident"), _("Every duty is met or decided."),
            url_for("incidents.show", **place, _anchor="closing"),
        )  # fmt: skip
