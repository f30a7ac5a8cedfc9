"""One row of everything that an address can name, all of ProMark's, after a whole story."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from incident import coverage_report, merging, related
from incident.example import controllers
from incident.lists.keys import key_of
from incident.models import (
    AuthorityLetter,
    AuthorityNotification,
    ContractClause,
    ControllerNotice,
    CoverageReport,
    Customer,
    Decision,
    Duty,
    DutyStage,
    FilingProof,
    Handover,
    Incident,
    LetterRun,
    LetterRunFile,
    NoticeRound,
    OfflineKey,
    PersonHeard,
    Processor,
    ProcessorContact,
    PublicNotice,
    PublicPlace,
    Recipient,
    RecipientList,
    Report,
    ReportingLink,
    SubjectCommunication,
)
from notifications import teams
from notifications.models import (
    ContactMethod,
    EscalationPolicy,
    Message,
    Override,
    Page,
    Rotation,
    Schedule,
    SendingGroup,
    Swap,
    Team,
)
from playbooks.models import EvidenceFile, StepRecord
from tests import people
from tests.incident import desk, linking
from tests.story.driver import Story

# What an id in an address stands for.
ROWS = {
    "letter_id": AuthorityLetter,
    "incident_id": Incident, "notification_id": AuthorityNotification, "processor_id": Processor,
    "communication_id": SubjectCommunication, "recipient_id": Recipient, "list_id": RecipientList,
    "group_id": SendingGroup, "report_id": Report,
    "decision_id": Decision, "message_id": Message, "page_id": Page, "step_id": StepRecord,
    "contact_id": ProcessorContact, "link_id": ReportingLink, "key_id": OfflineKey, "duty_id": Duty,
    "stage_id": DutyStage, "clause_id": ContractClause, "customer_id": Customer, "round_id": NoticeRound,
    "notice_id": ControllerNotice, "handover_id": Handover, "file_id": EvidenceFile,
    "method_id": ContactMethod, "policy_id": EscalationPolicy, "team_id": Team,
    "schedule_id": Schedule, "rotation_id": Rotation, "override_id": Override, "swap_id": Swap,
    "proof_id": FilingProof, "run_id": LetterRun, "run_file_id": LetterRunFile,
    "public_notice_id": PublicNotice, "place_id": PublicPlace, "heard_id": PersonHeard,
    "coverage_id": CoverageReport,
}  # fmt: skip
OTHER = "other_id"  # an incident that was merged into the first
DRILL = "drill"  # no address calls it so; those of drills say incident_id


def everything(story: Story) -> None:
    """Play the whole story, and let there be one of each: a regime, customers, a merged incident, a file."""
    _under_more_laws(story)
    with everyone(), transaction():
        controllers.plant(now=utcnow())
    story.whole()
    story.astrid.open(f"{story.incident}/notices")  # the first look begins a round
    linking.link(story.cast)
    linking.key(story.cast)
    first = UUID(story.incident.rsplit("/", 1)[1])
    other = desk.reported(story.cast, reference="HC-OTHER")
    with acting_for(story.cast.promark), transaction():
        found = related.lock(story.cast.promark, [other, first])
        by = desk.person(story.cast, people.ASTRID)
        merging.merge(found[other], found[first], reason="One breach.", by=by, now=utcnow())
    drill = {"scenario": "ransomware", "drill_id": str(new_id())}
    assert story.dorthe.client.post("/drills", data=drill).status_code == 303
    story.dorthe.open("/")  # what is said of it once is said
    with acting_for(story.cast.promark), transaction():
        _a_letter(story, first)
        _a_handover(story, first)
        _a_file(story)
        _a_swap(story)
        _on_paper(story, first)
        _in_public(story, first)
        _a_coverage_report(by)
        teams.save(
            story.cast.promark, None, name="Night team", members=[by.id], revision=0, by=by, now=utcnow()
        )  # fmt: skip


def ids() -> dict[str, Any]:
    """The first row of each, the incident that was merged into the first, and a drill."""
    with everyone():
        db.session.rollback()
        found = {name: db.session.scalars(select(table.id)).first() for name, table in ROWS.items()}
        merged = select(Incident.id, Incident.merged_into_id).where(Incident.merged_into_id.is_not(None))
        found[OTHER], found["incident_id"] = db.session.execute(merged).one()
        found[DRILL] = db.session.scalars(select(Incident.id).where(Incident.drill)).one()
        notice = db.session.get_one(ControllerNotice, found["notice_id"])
        rotation = db.session.get_one(Rotation, found["rotation_id"])
        whose = db.session.get_one(Team, found["team_id"]).organisation_id
        policy = select(EscalationPolicy.id).where(EscalationPolicy.organisation_id == whose)
        return found | {
            "customer_id": notice.customer_id, "round_id": notice.round_id,
            "schedule_id": rotation.schedule_id, "policy_id": db.session.scalars(policy).first(),
        }  # fmt: skip


def _under_more_laws(story: Story) -> None:
    dorthe = story.dorthe.client
    assert dorthe.post("/regimes/dora", data={"on": "yes"}).status_code == 303
    clause = {"name": "Nordea", "clause": "4", "hours": "24", "anchor": "aware"}
    assert dorthe.post("/regimes/clauses", data=clause).status_code == 303


def _a_letter(story: Story, incident_id: UUID) -> None:
    db.session.add(
        AuthorityLetter(
            organisation_id=story.cast.promark, incident_id=incident_id, number=1, kind="information",
            authority="dk-datatilsynet", channel="e-mail", written_at=utcnow(), subject="Taken note of",
            text="", text_sha256="0" * 64, file_name="brev.txt", file=b"brev", file_sha256="0" * 64,
            by_id=story.cast.staff[people.DORTHE], by="Dorthe Friis", recorded_at=utcnow(),
        )
    )  # fmt: skip


def _a_handover(story: Story, incident_id: UUID) -> None:
    staff, now = story.cast.staff, utcnow()
    db.session.add(
        Handover(
            organisation_id=story.cast.promark, incident_id=incident_id, rotation="First line", began_at=now,
            ends_at=now, from_id=staff[people.ASTRID], to_id=staff[people.DORTHE], asked_at=now,
            summary={"done": [], "open": [], "watch": ""}, told_at=now,
        )
    )  # fmt: skip


def _on_paper(story: Story, incident_id: UUID) -> None:
    now, mine = utcnow(), {"organisation_id": story.cast.promark}
    wanted = select(SubjectCommunication.id).where(SubjectCommunication.incident_id == incident_id)
    run = LetterRun(
        **mine, id=new_id(), communication_id=db.session.scalars(wanted).first(), number=1, state="made",
        window="nordic-c5", waiting=1, letters=1, left_out=0, manifest={"left_out": {}},
        made_by="Dorthe Friis",
        made_at=now, made_on=now.date(), ready_at=now, finished_at=now, batches=1,
    )  # fmt: skip
    db.session.add(run)
    db.session.flush()
    db.session.add(
        LetterRunFile(
            **mine, run_id=run.id, batch=1, kind="letters", name="letters-001.pdf", sha256="0" * 64, size=1,
            letters=1, members=new_id().bytes, data=key_of(incident_id).seal(b"%PDF-1.7"),
        )
    )  # fmt: skip
    db.session.add(
        PersonHeard(
            **mine, incident_id=incident_id, kind="call", at=now, said="Why me?", wants="call_back",
            kept_by="Astrid Holm", kept_at=now,
        )
    )  # fmt: skip


def _in_public(story: Story, incident_id: UUID) -> None:
    now, mine = utcnow(), {"organisation_id": story.cast.promark}
    notice = PublicNotice(
        **mine, id=new_id(), incident_id=incident_id, number=1, kind="published", why="",
        content_sha256="0" * 64,
        texts={"da": {"subject": "A breach", "contact": "", "sender": ""}},
        written_by="Dorthe Friis", written_at=now,
    )  # fmt: skip
    db.session.add(notice)
    db.session.flush()
    db.session.add(
        PublicPlace(
            **mine, notice_id=notice.id, kind="radio", name="P4", planned_from=now.date(),
            planned_to=now.date() + timedelta(days=3), seen_at=now, seen_by="Dorthe Friis", proof=b"%PDF-1.7",
            proof_name="p4.pdf", proof_type="application/pdf", proof_sha256="0" * 64,
        )
    )  # fmt: skip


def _a_swap(story: Story) -> None:
    staff, now = story.cast.staff, utcnow()
    db.session.add(
        Swap(
            organisation_id=story.cast.promark, schedule_id=db.session.scalars(select(Schedule.id)).first(),
            by_id=staff[people.ASTRID], to_id=staff[people.BIRK], start=now + timedelta(days=2),
            end=now + timedelta(days=3), note="", proposed_at=now,
        )
    )  # fmt: skip


def _a_coverage_report(by: StaffMember) -> None:
    sent = db.session.scalars(
        select(SubjectCommunication).where(SubjectCommunication.sent_at.is_not(None))
    ).first()
    assert sent is not None
    incident = db.session.get_one(Incident, sent.incident_id)
    coverage_report.make(incident, sent, by=by, now=utcnow())


def _a_file(story: Story) -> None:
    step = db.session.scalars(select(StepRecord.id)).first()
    db.session.add(
        EvidenceFile(
            organisation_id=story.cast.promark, step_id=step, name="log.txt", content=b"log", size=3,
            sha256="0" * 64, by="Astrid Holm", at=utcnow(),
        )
    )  # fmt: skip
