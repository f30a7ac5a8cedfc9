"""What the page of one incident shows: clocks, chain of times, what is next, facts, advice, duties."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may
from foundation import ledger
from foundation.database import db
from foundation.http import url_if
from foundation.ledger import Entry
from incident import advice as advising
from incident import assessment, clocks, decisions, drafts, owed, triage
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
from incident.rules.lifecycle import State
from incident.triage.closing import Hindrances
from incident.views import beside
from incident.views.beside import Beside, DecisionRow
from incident.views.shown import processor_names
from notifications import delivery, paging
from playbooks import runs
from playbooks.runs import StepView

CLOCKS = (
    "authority_notification", "own_promise_authority", "notice_to_controller", "subject_communication",
    "own_promise_subjects",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the chain of times; `gap` is how long after the point before."""

    what: tuple[str, ...]  # what happened at the same minute stands together
    at: datetime
    kind: str = "plain"
    gap: float | None = None  # hours


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

    started_at: datetime
    ended_at: datetime | None
    state: str
    taken_by: str
    turn: int


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
    steps: list[StepView]
    calls: list[Call]
    messages: list[delivery.Line]
    names: dict[UUID, str]
    unreached: int
    notes: list[Entry]
    chain: list[Moment]
    told: list[Told]
    hindrances: Hindrances
    draft: FactsDraft | None
    action: Action | None = field(default=None)


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
        duties=owed.duties_of(incident), steps=runs.steps_for(incident.chain), calls=_calls(incident),
        messages=delivery.log_for(incident.chain),
        names={each.id: each.name for each in people.staff_of(incident.organisation_id)},
        unreached=delivery.unreached_count(incident.chain),
        notes=[each for each in ledger.entries(incident.chain) if each.action == "note.added"],
        chain=list(_gaps(_together(_moments(incident, facts)))), told=_told(shown.facts),
        hindrances=triage.hindrances(incident), draft=drafts.of(incident, current_staff()),
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
    return [
        Call(each.started_at, each.ended_at, each.state, paging.acknowledged_by(each.id), each.turn)
        for each in paging.pages_for(incident.chain)
    ]


# --- the chain of times -------------------------------------------------------------------------


def _moments(incident: Incident, facts: Facts) -> list[Moment]:
    """From the breach to our awareness, as it was told, in the order of time."""
    times = facts.timeline
    estimate = _(" (estimated)") if times.occurred_is_estimate else ""
    found = [
        (_("The breach began") + estimate, times.occurred_from, "start"),
        (_("The breach ended") + estimate, times.occurred_to, "plain"),
        (_("It was noticed"), times.detected_at, "plain"),
    ]
    for position, link in enumerate(facts.chain):
        above = facts.chain[position - 1].name if position else _("us")
        found.append((_("%(name)s knew", name=link.name), link.aware_at, "plain"))
        told = _("%(name)s told %(above)s", name=link.name, above=above)
        found.append((told, link.told_next_at, "plain"))
    if all(link.aware_at is None for link in facts.chain[:1]):
        found.append((_("The processor knew"), times.processor_aware_at, "plain"))
    found += [
        (_("We were told"), times.informed_at, "plain"),
        (_("The report arrived here"), incident.reported_at, "plain"),
        (_("We became aware"), incident.aware_at, "aware"),
    ]
    known = [Moment((what,), at, kind) for what, at, kind in found if at is not None]
    return sorted(known, key=lambda each: each.at)


def _together(moments: list[Moment]) -> Iterator[Moment]:
    for _minute, group in groupby(moments, key=lambda each: each.at.replace(second=0, microsecond=0)):
        same = list(group)
        kind = next((each.kind for each in same if each.kind != "plain"), "plain")
        yield Moment(tuple(what for each in same for what in each.what), same[0].at, kind)


def _gaps(moments: Iterable[Moment]) -> Iterator[Moment]:
    before: datetime | None = None
    for each in moments:
        gap = (each.at - before).total_seconds() / 3600 if before else None
        yield Moment(each.what, each.at, each.kind, gap)
        before = each.at


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
    if made.assessments and not owed and may(staff, Permission.CLOSE_INCIDENT):
        yield Action(
            _("Close the incident"), _("Every duty is met or decided."),
            url_for("incidents.show", **place, _anchor="closing"),
        )  # fmt: skip
