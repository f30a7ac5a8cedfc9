"""What lies beside the facts, read from the database."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import select

from accounts import people
from accounts.models import Role, StaffMember
from foundation.database import db
from incident import coverage, related
from incident.drafting import Material
from incident.filling.filled import Beside, Filing, Person, Told
from incident.models import (
    Assessment,
    AuthorityFiling,
    AuthorityNotification,
    CommunicationState,
    Decision,
    DecisionState,
    DelayReason,
    Duty,
    DutyStage,
    FilingProof,
    Incident,
    NotificationState,
    Processor,
    ProcessorContact,
    SubjectCommunication,
    real,
)

_OWED: Final = "gdpr-33"
_ELSEWHERE: Final = ("nis2", "dora", "eprivacy", "pecr")


def told_of(incident: Incident, *, untold: int = 0) -> Told:
    """What is known of telling the people of an incident: all communications that went out, taken together.

    They are told from the first one on; nothing more will happen once each has ended. Whom one did not reach
    and a later one tells counts once. A correction goes to people who were told before, so it counts nobody
    a second time; what it says is told as well. `untold` is how many none of them is for: they are among all.
    """
    states = (CommunicationState.SENDING, CommunicationState.COMPLETE)
    mine = select(SubjectCommunication).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(states)
    )
    sent = list(db.session.scalars(mine.order_by(SubjectCommunication.number)))
    if not sent:
        return Told()
    firsts = [each for each in sent if each.corrects_id is None]
    covered, counted = [coverage.of(each) for each in firsts], coverage.together(firsts)
    return Told(
        min((each.sent_at for each in sent if each.sent_at), default=None),
        total=counted.total + untold,
        reached=counted.informed,
        posted=counted.posted,
        ended=all(each.total > 0 and each.ended for each in covered),
        texts=_letters(sent),
    )


def _letters(sent: list[SubjectCommunication]) -> dict[str, str]:
    """What was written to people by language; letters that differ one below the other."""
    found: dict[str, list[str]] = {}
    for each in sent:
        for locale, parts in each.texts.items():
            found.setdefault(locale, []).append("\n\n".join(map(str, parts.values())))
    return {locale: "\n\n".join(dict.fromkeys(letters)) for locale, letters in found.items()}


def beside_of(material: Material, authority: str) -> Beside:
    """Decisions, assessment, reasons, filings and people of an incident, for one authority (its key)."""
    incident = material.incident
    lead = db.session.get(StaffMember, incident.lead_id) if incident.lead_id else None
    officers = people.staff_with_role(incident.organisation_id, Role.DPO)
    return Beside(
        decisions={each.question: each for each in _decisions(incident)},
        assessment=db.session.scalars(
            select(Assessment)
            .where(Assessment.incident_id == incident.id)
            .order_by(Assessment.number.desc())
            .limit(1)
        ).one_or_none(),
        delays=_delays(material, authority),
        filings=(*_notifications(incident), *_stages(material)),
        known_to=_known_to(incident),
        officers=tuple(_person(each) for each in officers),
        lead=_person(lead) if lead else None,
        reported_by_processor=incident.processor_id,
        contacts=_contacts(incident),
        owes_reasons=_owes_reasons(incident, authority),
    )


def _person(staff: StaffMember) -> Person:
    return Person(staff.name, staff.email, is_officer=staff.role == Role.DPO)


def _decisions(incident: Incident) -> list[Decision]:
    mine = select(Decision).where(
        Decision.incident_id == incident.id, Decision.state == DecisionState.IN_FORCE
    )
    return list(db.session.scalars(mine))


def _delays(material: Material, authority: str) -> tuple[DelayReason, ...]:
    ids = [each.id for each in material.duties if each.regime == _OWED and each.recipient == authority]
    mine = select(DelayReason).where(DelayReason.duty_id.in_(ids)).order_by(DelayReason.number)
    return tuple(db.session.scalars(mine)) if ids else ()


def _notifications(incident: Incident) -> Iterator[Filing]:
    """What was filed with authorities, each with the case number as it was told last.

    What they were told under an incident that is carried they were told: it is one breach.
    """
    filed = select(AuthorityFiling).where(AuthorityFiling.incident_id.in_(_breach(incident)))
    rows = list(db.session.scalars(filed.order_by(AuthorityFiling.filed_at, AuthorityFiling.id)))
    later = select(FilingProof).where(
        FilingProof.filing_id.in_([each.id for each in rows]), FilingProof.case_number.is_not(None)
    )
    numbers = {
        each.filing_id: each.case_number for each in db.session.scalars(later.order_by(FilingProof.number))
    }
    for each in rows:
        yield Filing(each.authority, each.filed_at, numbers.get(each.id) or each.case_number or "")


def _breach(incident: Incident) -> list[UUID]:
    return [each.id for each in (incident, *related.carried_by(incident))]


def _owes_reasons(incident: Incident, authority: str) -> bool:
    """Whether the authority was told late without the reasons, and has not got them since."""
    ids, made = _breach(incident), AuthorityNotification
    late = select(AuthorityFiling.id).where(
        AuthorityFiling.incident_id.in_(ids), AuthorityFiling.authority == authority,
        AuthorityFiling.why_late_owed,
    )  # fmt: skip
    told = select(made.id).where(
        made.incident_id.in_(ids), made.authority == authority, made.state == NotificationState.FILED,
        made.reasons_for_delay.is_not(None),
    )  # fmt: skip
    return bool(db.session.scalars(late.limit(1)).first()) and not db.session.scalars(told.limit(1)).first()


def _stages(material: Material) -> Iterator[Filing]:
    """What was filed under the regimes beside the GDPR."""
    duties: dict[object, Duty] = {each.id: each for each in material.duties if each.regime in _ELSEWHERE}
    if not duties:
        return
    filed = select(DutyStage).where(DutyStage.duty_id.in_(duties), DutyStage.filed_at.is_not(None))
    for stage in db.session.scalars(filed.order_by(DutyStage.filed_at)):
        if stage.filed_at:
            duty = duties[stage.duty_id]
            yield Filing(duty.recipient, stage.filed_at, stage.reference or "", duty.regime)


def _known_to(incident: Incident) -> frozenset[str]:
    """The authorities that have had a notification of the organisation before, drills apart."""
    filed = (
        select(AuthorityNotification.authority)
        .join(Incident, Incident.id == AuthorityNotification.incident_id)
        .where(
            AuthorityNotification.organisation_id == incident.organisation_id,
            AuthorityNotification.state == NotificationState.FILED,
            AuthorityNotification.incident_id != incident.id,
            real(),
        )
        .distinct()
    )
    return frozenset(db.session.scalars(filed))


def _contacts(incident: Incident) -> dict[str, Person]:
    """The first contact of each processor in the register, by the key of the processor's name."""
    rows = (
        select(Processor.name_key, ProcessorContact)
        .join(ProcessorContact, ProcessorContact.processor_id == Processor.id)
        .where(Processor.organisation_id == incident.organisation_id)
        .order_by(ProcessorContact.position)
    )
    found: dict[str, Person] = {}
    for key, contact in db.session.execute(rows):
        found.setdefault(key, Person(contact.name, contact.email or "", contact.phone or ""))
    return found
