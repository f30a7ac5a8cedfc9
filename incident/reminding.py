"""What a duty's rungs do when their time has come: remind, page, draft, ask for reasons; each once.

Of several rungs of one duty that have passed one is given and names those it replaces. Duties of an incident
that are due at the same look are told of in one message. An acknowledged page quiets none of it: the next
rung pages again, until something was filed or a named person decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from accounts import people
from accounts.models import Organisation, Role
from foundation.database import changed, db, insert_rows, part
from incident import authority_notification, drafting, owed, roles, rungs
from incident.authorities import by_key
from incident.models import (
    AuthorityNotification,
    DelayReason,
    Duty,
    DutyRung,
    DutyStage,
    Incident,
    RungKind,
)
from incident.our_role import is_controller
from incident.rules import ladder
from incident.rules.lifecycle import State, clocks_run
from incident.rules.regimes import REGIMES
from incident.rules.roles import Role as RoleInIncident
from notifications import on_duty, paging, ways

CLOCK: Final = "Breachclock"
OVER: Final = "the incident stands still"
REPLACED: Final = "a later rung of the same duty was due as well when the clock came by"
AGAIN: Final = timedelta(minutes=1)
LATER: Final = timedelta(hours=1)  # until it is asked again whether we are controller, who alone drafts
LOOKED_AT: Final = 500  # rungs that one look finds
SHOWN: Final = 25  # duties that a message names; of more it says how many
FEW: Final = 3  # customers that a message names; of more it says how many
CUSTOMERS: Final = "gdpr-33-2"
SILENT: Final = (RungKind.DRAFT, RungKind.REASONS)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Given:
    """A rung to be given, of which duty or stage, and the rungs it stands for."""

    rung: DutyRung
    duty: Duty
    stage: DutyStage | None
    replaced: Sequence[DutyRung]

    @property
    def due_at(self) -> datetime | None:
        """The deadline it speaks of; a follow-up to what was filed has none."""
        if self.rung.stage == rungs.FOLLOW_UP:
            return None
        return self.stage.due_at if self.stage else self.duty.due_at


def due(now: datetime) -> list[UUID]:
    """The incidents of which a rung's time has come, the longest waiting first; by its index alone."""
    found = db.session.scalars(
        select(DutyRung.incident_id)
        .where(DutyRung.sent_at.is_(None), DutyRung.set_aside_at.is_(None), DutyRung.at <= now)
        .order_by(DutyRung.at)
        .limit(LOOKED_AT)
    )
    return list(dict.fromkeys(found))


def speak(incident_id: UUID, *, now: datetime) -> int:
    """Give what is due of one incident, in the caller's transaction; how many rungs, 0 when another is at it.

    Safe to call twice and from several clocks: the incident is locked, and a rung that was given waits no
    more.
    """
    incident = db.session.scalars(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if incident is None:
        return 0
    waiting = _waiting(incident, now)
    if not clocks_run(State(incident.state)):
        _put_aside(waiting, OVER, now)
        return 0
    given = _given(incident, waiting, now)
    told = [each for each in given if each.rung.kind not in SILENT]
    if told:
        _tell(incident, told, now)
    for each in given:
        if each.rung.kind not in SILENT or _quietly(incident, each, now):
            _settle(incident, each, now)
    return len(given)


def postpone(incident_id: UUID, *, now: datetime) -> None:
    """Look at an incident's rungs again in a minute, because giving them failed."""
    mine = DutyRung.incident_id == incident_id, DutyRung.sent_at.is_(None), DutyRung.set_aside_at.is_(None)
    changed(update(DutyRung).where(*mine, DutyRung.at <= now).values(at=now + AGAIN))


# --- which -------------------------------------------------------------------------------------


def _waiting(incident: Incident, now: datetime) -> list[DutyRung]:
    mine = select(DutyRung).where(
        DutyRung.incident_id == incident.id, DutyRung.sent_at.is_(None), DutyRung.set_aside_at.is_(None),
        DutyRung.at <= now,
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(DutyRung.at, DutyRung.id)))


def _given(incident: Incident, waiting: Sequence[DutyRung], now: datetime) -> list[Given]:
    """Of each duty and stage the latest rung; what counts to a moment that holds no more is put aside."""
    duties = {each.id: each for each in owed.duties_of(incident)}
    ids = {each.duty_id for each in waiting}
    stages: dict[UUID, list[DutyStage]] = {}
    for stage in db.session.scalars(select(DutyStage).where(DutyStage.duty_id.in_(ids))):
        stages.setdefault(stage.duty_id, []).append(stage)
    follow_ups = rungs.follow_ups(ids)
    tracks = {
        (each.duty.id, each.stage): each
        for one in ids
        for each in rungs.tracks(
            duties[one], sorted(stages.get(one, ()), key=_number), follow_ups.get(one)
        )
    }  # fmt: skip
    groups: dict[tuple[UUID, str, str], list[DutyRung]] = {}
    for rung in waiting:
        track = tracks.get((rung.duty_id, rung.stage))
        if track is None or track.counts_to != rung.counts_to:
            _put_aside([rung], rungs.ENDED, now)
            continue
        group = rung.kind if rung.kind in SILENT else "told"
        groups.setdefault((rung.duty_id, rung.stage, group), []).append(rung)
    return [
        Given(rows[-1], duties[duty_id], _stage(stages.get(duty_id, ()), key), rows[:-1])
        for (duty_id, key, _group), rows in groups.items()
    ]


def _number(stage: DutyStage) -> int:
    return stage.number


def _stage(stages: Sequence[DutyStage], key: str) -> DutyStage | None:
    return next((each for each in stages if each.key == key), None)


def _put_aside(waiting: Sequence[DutyRung], reason: str, now: datetime) -> None:
    for each in waiting:
        each.set_aside_at, each.set_aside_because = now, reason
    db.session.flush()


def _settle(incident: Incident, given: Given, now: datetime) -> None:
    """Write down that a rung was given and which it stands for; overdue and age go on to the next."""
    given.rung.sent_at = now
    for each in given.replaced:
        each.set_aside_at, each.set_aside_because = now, REPLACED
        each.replaced_by_id = given.rung.id
    db.session.flush()
    at = given.rung.counts_to
    kind: ladder.Kind = "ageing" if given.due_at is None else "overdue"
    if given.rung.kind in (RungKind.OVERDUE, RungKind.AGEING) and (
        after := ladder.following(REGIMES.ladder(at), kind, at, now)
    ):
        insert_rows(DutyRung, rungs.row_of(incident, given.duty.id, given.rung.stage, after, now))


# --- telling -----------------------------------------------------------------------------------


def _tell(incident: Incident, given: Sequence[Given], now: datetime) -> None:
    """Remind the owners, and page where a rung asks for it or no reminder reaches anybody."""
    pages = any(each.rung.page for each in given)
    paged = _page(incident, given, now) if pages else []
    told = _remind(incident, given, now, template="duty_reminder", loud=pages, paged=paged)
    if not told and not pages:
        log.error("duty.reminds_nobody", incident=str(incident.id))
        _page(incident, given, now)
    owed.log(
        incident, "duties.paged" if pages or not told else "duties.reminded", CLOCK, now, None,
        count=len(given), staff=told, duties=[_entered(each) for each in given],
    )  # fmt: skip


def _page(incident: Incident, given: Sequence[Given], now: datetime) -> list[UUID]:
    """Page who is on call; returns who was called by it just now, and need not be told the same beside."""
    page_id = paging.page(
        organisation_id=incident.organisation_id, about=incident.chain, template=rungs.PAGE,
        context=_context(incident, given, now), must_by=None, actor=CLOCK, now=now,
    )  # fmt: skip
    return paging.called_at(page_id, now)


def _entered(given: Given) -> dict[str, Any]:
    return {
        "duty": given.duty.id, "regime": given.duty.regime, "recipient": given.duty.recipient,
        "stage": given.rung.stage, "rung": given.rung.key, "planned_at": given.rung.at,
        "due_at": given.due_at, "replaced": [each.key for each in given.replaced],
    }  # fmt: skip


def _remind(
    incident: Incident, given: Sequence[Given], now: datetime, *, template: str, loud: bool, path: str = "",
    paged: Sequence[UUID] = (),
) -> list[UUID]:  # fmt: skip
    """Remind the owners and return who could be; who was paged just now is not told twice."""
    context = _context(incident, given, now) | ({"path": path} if path else {})
    return [
        each for each in owners(incident, now)
        if each not in paged and _reached(incident, given, each, template, context, loud=loud, now=now)
    ]  # fmt: skip


def _reached(
    incident: Incident, given: Sequence[Given], staff_id: UUID, template: str, context: dict[str, Any], *,
    loud: bool, now: datetime,
) -> bool:  # fmt: skip
    """Remind one person; a fault with one costs no other theirs."""
    if template == "delay_reasons":
        context = {name: value for name, value in context.items() if name != "replaced"}
    try:
        with part():
            posted = ways.remind(
                organisation_id=incident.organisation_id, about=incident.chain, staff_ids=[staff_id],
                template=template, context=context, dedupe_key=f"duty:{given[0].rung.id}", urgent=loud,
                must_by=None, now=now,
            )  # fmt: skip
    except Exception:  # whatever it was, the others must still be told
        log.exception("duty.person_not_reminded", incident=str(incident.id), staff=str(staff_id))
        return False
    return bool(posted)


def owners(incident: Incident, now: datetime) -> list[UUID]:
    """Whose the incident's duties are: its data protection officers; else its lead, else who is on call."""
    officers = [each.id for each in people.staff_with_role(incident.organisation_id, Role.DPO)]
    if named := roles.holders([incident]).get(incident.id, {}).get(RoleInIncident.DPO):
        officers = list(dict.fromkeys([named, *officers]))
    lead = [incident.lead_id] if incident.lead_id else []
    return officers or lead or on_duty.on_call(incident.organisation_id, now)


def _context(incident: Incident, given: Sequence[Given], now: datetime) -> dict[str, Any]:
    """What a message may say: no personal data, instants in ISO 8601 UTC, hours negative when late."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    far = datetime.max.replace(tzinfo=now.tzinfo)
    first = sorted(given, key=lambda each: each.due_at or far)
    lines = _lines(first, now)
    keys = dict.fromkeys(rung.key for each in first for rung in each.replaced)
    return {
        "number": incident.number, "organisation": organisation.name, "timezone": organisation.timezone,
        "path": f"/incidents/{incident.id}", "count": len(lines), "more": max(0, len(lines) - SHOWN) or "",
        "duties": lines[:SHOWN], "replaced": ", ".join(keys),
        **_when(first[0].due_at, now),
    }  # fmt: skip


def _lines(first: Sequence[Given], now: datetime) -> list[dict[str, str]]:
    """A line for each duty, the soonest first; more than a few customers share one, by the first of them."""
    customers = [each for each in first if each.duty.regime == CUSTOMERS]
    if len(customers) <= FEW:
        return [_named(each, now) for each in first]
    shared = _named(customers[0], now) | {"whom": "", "customers": str(len(customers))}
    return [
        shared if each is customers[0] else _named(each, now)
        for each in first if each is customers[0] or each.duty.regime != CUSTOMERS
    ]  # fmt: skip


def _named(given: Given, now: datetime) -> dict[str, str]:
    authority = by_key(given.duty.recipient)
    terms = given.duty.terms
    whom = authority.short if authority else str(terms.get("name") or terms.get("customer") or "")
    return {
        "regime": given.duty.regime, "stage": given.rung.stage, "whom": whom, **_when(given.due_at, now)
    }  # fmt: skip


def _when(due_at: datetime | None, now: datetime) -> dict[str, str]:
    if due_at is None:
        return {"due_at": "", "hours_left": ""}
    hours = round((due_at - now) / timedelta(hours=1), 2)
    return {"due_at": due_at.isoformat(timespec="seconds"), "hours_left": f"{hours:g}"}


# --- by itself -----------------------------------------------------------------------------------


def _quietly(incident: Incident, given: Given, now: datetime) -> bool:
    """Draft, or ask for reasons; false when it is tried again later: it failed, or is not ours to do."""
    act = _draft if given.rung.kind == RungKind.DRAFT else _ask
    wait = LATER
    try:
        with part():
            if given.rung.kind != RungKind.DRAFT or is_controller(incident):
                act(incident, given, now)
                return True
    except Exception:  # whatever it was, nobody's reminder may fail for it
        log.exception("duty.not_drafted", incident=str(incident.id), duty=str(given.duty.id))
        wait = AGAIN
    given.rung.at = now + wait
    db.session.flush()
    return False


def _draft(incident: Incident, given: Given, now: datetime) -> None:
    """A preliminary notification, where nobody has begun one; it is marked as drafted by itself."""
    known = select(func.count()).select_from(AuthorityNotification)
    if not db.session.scalar(known.where(AuthorityNotification.duty_id == given.duty.id)):
        authority_notification.draft(incident, given.duty, by=drafting.BREACHCLOCK, now=now)


def _ask(incident: Incident, given: Given, now: datetime) -> None:
    """Ask the owners why it takes so long, unless somebody has written reasons down already."""
    known = select(func.count()).select_from(DelayReason).where(DelayReason.duty_id == given.duty.id)
    if db.session.scalar(known):
        return
    path = f"/incidents/{incident.id}/authority-notifications"
    told = _remind(incident, [given], now, template="delay_reasons", loud=False, path=path)
    owed.log(incident, "reasons.asked", CLOCK, now, None, staff=told, duties=[_entered(given)])
