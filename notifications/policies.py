"""Escalation policies as people keep them: write, put in force, preview at any time, delete.

An open page has a copy of its policy, so nothing that is done here silences one. Two people who edit the
same policy: the second is told, and loses nothing of what they typed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select, update

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import changed, db
from foundation.errors import Invalid, Missing, Refused
from notifications import on_duty, targets, ways
from notifications.models import EscalationPolicy, Page, PageState
from notifications.rules import terms
from notifications.rules.escalation import Target, next_turn, targets_of

LONGEST = 80  # characters of a name
MOST_MINUTES = 24 * 60
MOST_ROUNDS = 20
WIDER_SHOWN = 2  # calls beyond the rounds that a preview shows


class Changed(Refused):
    """Somebody else kept another version meanwhile."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as it is typed; `revision` is the one it began from, 0 for a new one."""

    name: str
    rounds: int
    steps: list[dict[str, Any]]
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One call of a preview: so long after the start, whom by which ways, and why nobody."""

    after: timedelta
    at: datetime
    step: int | None  # None when the rounds are over
    round: int
    people: list[tuple[str, list[str]]]
    empty: list[int] = field(default_factory=list)  # steps that were passed over, for they reach nobody


def policies(organisation_id: UUID) -> list[EscalationPolicy]:
    """The policies of an organisation, that in force first."""
    mine = select(EscalationPolicy).where(EscalationPolicy.organisation_id == organisation_id)
    order = EscalationPolicy.in_force.desc(), EscalationPolicy.name
    return list(db.session.scalars(mine.order_by(*order)))


def policy(policy_id: UUID) -> EscalationPolicy:
    """One policy within the present scope. Raises: Missing."""
    mine = select(EscalationPolicy).where(EscalationPolicy.id == policy_id)
    found = db.session.scalars(mine).one_or_none()
    if found is None:
        raise Missing(_("There is no such policy."), next_step=_("Somebody may have deleted it."))
    return found


# --- keeping --------------------------------------------------------------------------------------


def save(
    organisation_id: UUID, policy_id: UUID | None, draft: Draft, *, by: StaffMember, now: datetime
) -> UUID:
    """Keep a policy, new or changed; its id. The first one is in force.

    Raises: Invalid with every fault, Changed when somebody kept another version meanwhile, Missing.
    """
    if found := faults(organisation_id, policy_id, draft, now):
        raise Invalid(" ".join(found), next_step=_("Nothing is kept yet."))
    values = {"name": draft.name.strip(), "rounds": draft.rounds, "steps": draft.steps}
    if policy_id is None:
        kept = EscalationPolicy(
            organisation_id=organisation_id, in_force=not policies(organisation_id), **values
        )
        db.session.add(kept)
        db.session.flush()
        policy_id = kept.id
    else:
        _change(policy(policy_id), draft, values)
    _enter(organisation_id, "policy.kept", by, now, policy=policy_id, **values)
    return policy_id


def _change(before: EscalationPolicy, draft: Draft, values: dict[str, Any]) -> None:
    mine = EscalationPolicy.id == before.id, EscalationPolicy.revision == draft.revision
    if not changed(update(EscalationPolicy).where(*mine).values(**values, revision=draft.revision + 1)):
        raise Changed(
            _("Somebody else has changed this policy meanwhile."),
            next_step=_("What you typed is below; look at theirs, then keep yours or let it be."),
        )
    db.session.expire(before)


def faults(organisation_id: UUID, policy_id: UUID | None, draft: Draft, now: datetime) -> list[str]:
    """Everything that is wrong with a draft, in words."""
    found, name = list[str](), draft.name.strip()
    if not name or len(name) > LONGEST:
        found.append(_("Give it a name of at most %(count)s characters.", count=LONGEST))
    if any(each.name == name and each.id != policy_id for each in policies(organisation_id)):
        found.append(_("There is a policy of that name already."))
    if not 1 <= draft.rounds <= MOST_ROUNDS:
        found.append(_("It goes round once at least and %(count)s times at most.", count=MOST_ROUNDS))
    most = terms.rounds(now).most_steps
    if not 1 <= len(draft.steps) <= most:
        found.append(_("A policy has one step at least and %(count)s at most.", count=most))
    return found + [fault for each in enumerate(draft.steps, 1) for fault in _step_faults(*each)]


def _step_faults(number: int, step: dict[str, Any]) -> Iterable[str]:
    if not step["targets"]:
        yield _("Step %(number)s names nobody.", number=number)
    if not 1 <= step["minutes"] <= MOST_MINUTES:
        yield _("Step %(number)s waits from one minute to a day.", number=number)


def put_in_force(policy_id: UUID, *, by: StaffMember, now: datetime) -> None:
    """Let new pages go by this policy; open ones keep theirs. Raises: Missing."""
    chosen = policy(policy_id)
    if chosen.in_force:
        return
    mine = EscalationPolicy.organisation_id == chosen.organisation_id
    changed(update(EscalationPolicy).where(mine).values(in_force=False))
    changed(update(EscalationPolicy).where(EscalationPolicy.id == policy_id).values(in_force=True))
    db.session.expire_all()
    _enter(chosen.organisation_id, "policy.in_force", by, now, policy=policy_id, name=chosen.name)


def delete(policy_id: UUID, *, by: StaffMember, now: datetime) -> str:
    """Delete a policy; its name. Open pages keep their copy. Where it was in force the first by name is.

    Raises: Missing.
    """
    gone = policy(policy_id)
    name, organisation_id, steps = gone.name, gone.organisation_id, gone.steps
    in_force = gone.in_force
    db.session.delete(gone)
    db.session.flush()
    if in_force and (left := policies(organisation_id)):
        put_in_force(left[0].id, by=by, now=now)
    _enter(organisation_id, "policy.deleted", by, now, policy=policy_id, name=name, steps=steps)
    return name


def open_pages(name: str) -> int:
    """How many open pages hold a copy of the policy of that name."""
    mine = select(Page.id).where(Page.policy_name == name, Page.state != PageState.ENDED)
    return len(db.session.scalars(mine).all())


def _enter(organisation_id: UUID, action: str, by: StaffMember, now: datetime, **details: Any) -> None:
    ledger.append(
        f"organisation/{organisation_id}", action, organisation_id=organisation_id, actor=by.name, at=now,
        **details,
    )  # fmt: skip


# --- looking ahead -----------------------------------------------------------------------------------


def preview(
    organisation_id: UUID, steps: Sequence[dict[str, Any]], rounds: int, at: datetime
) -> list[Rung]:  # fmt: skip
    """Whom a page that began at `at` would ring, if nobody answered: its rounds, and the calls beyond.

    As the engine does it, step by step, with who is on duty at each instant; a role of an incident is
    nobody's before there is one, and stands as such.
    """
    wider, rungs, turn, when = targets.last_resort(organisation_id), list[Rung](), 0, at
    if not steps:
        return []
    while turn < rounds * len(steps) + WIDER_SHOWN:
        move = next_turn(steps, turn, when, rounds=rounds, wider=wider)
        called, empty, turn = _people(organisation_id, move.targets, when), list[int](), turn + 1
        while not called and move.step and not _of_incident(move.targets) and len(empty) < len(steps):
            empty.append(move.step)
            move = next_turn(steps, turn, when, rounds=rounds, wider=wider)
            called, turn = _people(organisation_id, move.targets, when), turn + 1
        if empty:
            called += [each for each in _people(organisation_id, wider[0], when) if each not in called]
        shown = [(each.name, [way.channel.value for way in ways.ways_of(each)]) for each in called]
        rungs.append(Rung(when - at, when, move.step, move.round, shown, empty))
        when = move.next_at
    return rungs


def _people(organisation_id: UUID, those: Sequence[Target], at: datetime) -> list[StaffMember]:
    return targets.people_of(organisation_id, {"targets": list(those)}, at)


def _of_incident(those: Sequence[Target]) -> bool:
    return any("incident_role" in each for each in those)


def reach_nobody(
    organisation_id: UUID, steps: Sequence[dict[str, Any]], start: datetime, end: datetime
) -> dict[int, datetime]:
    """Which steps reach nobody within a time, by number, and the first instant at which they do.

    A step changes whom it reaches only where a schedule has a gap, so no other instant is looked at.
    """
    gaps = on_duty.gaps(organisation_id, start, end)
    found: dict[int, datetime] = {}
    for number, step in enumerate(steps, 1):
        those = targets_of(step)
        mine = {str(each.get("schedule") or each.get("rotation")) for each in those}
        instants = [start, *sorted(max(gap.start, start) for gap in gaps if str(gap.schedule) in mine)]
        if _of_incident(those):
            continue
        empty = (at for at in instants if not _people(organisation_id, those, at))
        if at := next(empty, None):
            found[number] = at
    return found
