"""Neighbouring regimes and contract clauses: switched on by an organisation, filed stage by stage.

Who switched what and when stands in the ledger. What is switched off adds no duty any more; duties that are
there stay until they are met, or two people decide that the regime does not apply.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import changed, db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import clocks, meeting, rungs, stages
from incident.models import (
    ContractClause,
    Duty,
    DutyStage,
    Incident,
    IncidentMoment,
    RegimeSwitch,
)
from incident.rules.lifecycle import State, clocks_run
from incident.rules.regimes import PREVIOUS, REGIMES, Anchor, Regime

ANCHORS: Final = tuple(each for each in get_args(Anchor) if each not in (PREVIOUS, stages.CLASSIFIED))
MOST_HOURS: Final = 8760
LONGEST: Final = 200
ANSWERED_BY_LETTER: Final = "authority-request"
TOLD_BY_TEXT: Final = "gdpr-33"


@dataclass(frozen=True, slots=True)
class Choice:
    """A neighbouring regime and whether the organisation says that it is under it."""

    regime: Regime
    switch: RegimeSwitch | None

    @property
    def on(self) -> bool:
        """Whether it is switched on."""
        return self.switch is not None and self.switch.on


@dataclass(frozen=True, slots=True)
class Part:
    """The filing of one stage: when (an aware instant), under which reference, with which receipt."""

    filed_at: datetime
    reference: str
    receipt_name: str = ""
    receipt: bytes = b""


# --- of an organisation --------------------------------------------------------------------------


def choices(*, now: datetime) -> list[Choice]:
    """Every neighbouring regime in force now, with what the organisation says of it."""
    known = {each.regime: each for each in db.session.scalars(select(RegimeSwitch))}
    return [Choice(each, known.get(each.key)) for each in REGIMES.neighbours(now)]


def switch(
    organisation: Organisation, key: str, *, on: bool, recipient: str = "", by: StaffMember, now: datetime
) -> bool:
    """Say whether the organisation is under a regime; false when it says so already.

    Incidents under way owe by it from the next round of the clock on. Raises: Missing for no such regime.
    """
    regime = next((each for each in REGIMES.neighbours(now) if each.key == key), None)
    if regime is None:
        raise Missing(_("There is no such regime."))
    whom = _slug(recipient) or regime.recipient
    row = db.session.scalars(select(RegimeSwitch).where(RegimeSwitch.regime == key)).one_or_none()
    if row and (row.on, row.recipient) == (on, whom):
        return False
    if row is None:
        row = RegimeSwitch(organisation_id=organisation.id, regime=key)
        db.session.add(row)
    row.on, row.recipient, row.by, row.at = on, whom, by.name, now
    _look_again(organisation)
    _enter(organisation, "regime.on" if on else "regime.off", by, now, regime=key, recipient=whom)
    return True


def clauses() -> list[ContractClause]:
    """What the organisation has agreed to tell others, by name."""
    return list(db.session.scalars(select(ContractClause).order_by(ContractClause.name)))


def add_clause(
    organisation: Organisation, *, name: str, clause: str, hours: float | None, anchor: str,
    by: StaffMember, now: datetime,
) -> ContractClause:  # fmt: skip
    """Keep a clause towards somebody: within how many hours of what they are told; None: without a figure.

    Raises: Invalid naming what is missing or cannot be, Refused for a name that has one.
    """
    faults = []
    if not name.strip() or not clause.strip():
        faults.append(_("Name whom it is owed to, and where in the contract it stands."))
    if hours is not None and not 0 < hours <= MOST_HOURS:
        faults.append(_("Hours are more than none and at most a year."))
    if anchor not in ANCHORS:
        faults.append(_("Say from which moment the hours count."))
    if max(len(name.strip()), len(clause.strip())) > LONGEST:
        faults.append(_("A name and a place in the contract have at most 200 signs."))
    if faults:
        raise Invalid(" ".join(faults))
    known = select(ContractClause).where(ContractClause.key == _slug(name)).with_for_update()
    made = db.session.scalars(known).one_or_none()
    if made and made.active:
        raise Refused(
            _("There is a clause towards %(name)s already.", name=name.strip()),
            next_step=_("End that one, or give this one another name."),
        )
    if made is None:
        made = ContractClause(id=new_id(), organisation_id=organisation.id, key=_slug(name))
        db.session.add(made)
    made.name, made.clause, made.hours, made.anchor = name.strip(), clause.strip(), hours, anchor
    made.active, made.by, made.at = True, by.name, now
    db.session.flush()
    _look_again(organisation)
    _enter(
        organisation, "clause.added", by, now, key=made.key, name=made.name, clause=made.clause, hours=hours,
        anchor=anchor,
    )  # fmt: skip
    return made


def end_clause(organisation: Organisation, clause_id: UUID, *, by: StaffMember, now: datetime) -> bool:
    """The clause adds no duty any more; false when it had ended. Raises: Missing."""
    row = db.session.scalars(select(ContractClause).where(ContractClause.id == clause_id)).one_or_none()
    if row is None:
        raise Missing(_("There is no such clause."))
    if not row.active:
        return False
    row.active = False
    _enter(organisation, "clause.ended", by, now, key=row.key, name=row.name)
    return True


def _look_again(organisation: Organisation) -> None:
    """Incidents under way are read for duties once more."""
    running = [each for each in State if clocks_run(each)]
    mine = Incident.organisation_id == organisation.id, Incident.state.in_(running)
    changed(update(Incident).where(*mine).values(duties_for=0))


def _enter(organisation: Organisation, action: str, by: StaffMember, now: datetime, **details: Any) -> None:
    ledger.append(
        f"organisation/{organisation.id}", action, organisation_id=organisation.id, actor=by.name, at=now,
        staff=by.id, **details,
    )  # fmt: skip


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ø", "o").replace("æ", "ae"))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")[:60]


# --- of an incident ------------------------------------------------------------------------------


def classify(incident: Incident, at: datetime, *, reason: str, by: StaffMember, now: datetime) -> bool:
    """It was classified as major at that moment (UTC); false when that is said already.

    What counts from it moves along. Raises: Invalid without a reason or for a moment to come.
    """
    meeting.refuse_when_over(incident)
    if at > now:
        raise Invalid(_("It cannot have been classified in the future."))
    if not reason.strip():
        raise Invalid(_("Say why: it stands in the record."))
    if stages.classified_at(incident) == at:
        return False
    mine = select(func.count()).select_from(IncidentMoment).where(
        IncidentMoment.incident_id == incident.id, IncidentMoment.anchor == stages.CLASSIFIED
    )  # fmt: skip
    number = (db.session.scalar(mine) or 0) + 1
    db.session.add(
        IncidentMoment(
            organisation_id=incident.organisation_id, incident_id=incident.id, anchor=stages.CLASSIFIED,
            number=number, moment=at, reason=reason.strip(), by=by.name, at=now,
        )
    )  # fmt: skip
    db.session.flush()
    _log(incident, "incident.classified", by, now, reason.strip(), classified_at=at)
    clocks.move_stages(incident, now=now)
    return True


def stage_of(incident: Incident, stage_id: UUID) -> tuple[Duty, DutyStage]:
    """A stage of one of the incident's duties. Raises: Missing."""
    wanted = (
        select(Duty, DutyStage)
        .join(DutyStage, DutyStage.duty_id == Duty.id)
        .where(Duty.incident_id == incident.id, DutyStage.id == stage_id)
    )
    if (row := db.session.execute(wanted).one_or_none()) is None:
        raise Missing(_("There is no such stage."))
    return row.Duty, row.DutyStage


def file_stage(incident: Incident, stage_id: UUID, part: Part, *, by: StaffMember, now: datetime) -> bool:
    """A stage was filed, with its reference; false when that is kept already.

    With the first stage the duty's lateness is frozen, with the last one it is met; what starts at this
    filing starts. Raises: Refused out of order, when it is not owed, and for what is told by a letter or an
    approved text; Invalid for what cannot be.
    """
    duty, stage = stage_of(incident, stage_id)
    if stage.filed_at is not None:
        return False
    meeting.refuse_when_over(incident)
    all_of = stages.of(duty)
    _check(duty, stage, all_of, part, now)
    stage.filed_at, stage.filed_by, stage.reference = part.filed_at, by.name, part.reference.strip()
    stage.late_by = max(timedelta(), part.filed_at - stage.due_at) if stage.due_at else timedelta()
    if part.receipt:
        stage.receipt_name, stage.receipt = part.receipt_name[-200:], part.receipt
        stage.receipt_sha256 = hashlib.sha256(part.receipt).hexdigest()
    db.session.flush()
    _log(
        incident, "stage.filed", by, now, None, duty=duty.id, regime=duty.regime, recipient=duty.recipient,
        stage=stage.key, filed_at=part.filed_at, reference=stage.reference, due_at=stage.due_at,
        late_by_seconds=round(stage.late_by.total_seconds()), receipt_sha256=stage.receipt_sha256,
    )  # fmt: skip
    left = any(each.filed_at is None for each in all_of)
    meeting.meet(incident, duty, at=part.filed_at, actor=by.name, now=now, in_part=left)
    rungs.follow(incident, [duty], now=now, reason=rungs.ENDED)
    rungs.quieten(incident, actor=by.name, reason=f"{stage.provision}: filed.", now=now)
    clocks.move_stages(incident, now=now)
    return True


def _check(duty: Duty, stage: DutyStage, all_of: list[DutyStage], part: Part, now: datetime) -> None:
    if not duty.is_owed:
        raise Refused(_("This duty is not owed any more."), next_step=_("Look at what was decided."))
    if duty.regime == ANSWERED_BY_LETTER:
        raise Refused(
            _("What an authority asked is answered by a letter."),
            next_step=_("Keep your answer among the letters; it ends what it answers."),
        )
    if duty.regime == TOLD_BY_TEXT:
        raise Refused(
            _("What is to follow is told to the authority in a text that somebody approved."),
            next_step=_("File it as a further or final notification; it ends what it tells."),
        )
    if before := next((e for e in all_of if e.number < stage.number and e.filed_at is None), None):
        raise Refused(
            _("The stage before it is not filed: %(stage)s.", stage=before.terms["title"]),
            next_step=_("Record that one first, with its own time and reference."),
        )
    if part.filed_at > now:
        raise Invalid(_("It cannot have been filed in the future."), next_step=_("Check date and time."))
    earlier = max((each.filed_at for each in all_of if each.filed_at), default=duty.first_filed_at)
    if earlier and part.filed_at < earlier:
        raise Invalid(_("It cannot have been filed before the stage before it."))
    if len(part.reference.strip()) > LONGEST:
        raise Invalid(_("A reference has at most 200 signs."))
    if not part.reference.strip():
        raise Invalid(
            _("The reference is missing."),
            next_step=_("Enter the case number, or how and to whom it was told."),
        )


def _log(
    incident: Incident, action: str, by: StaffMember, now: datetime, reason: str | None, **details: object
) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason, staff=by.id, **details,
    )  # fmt: skip
