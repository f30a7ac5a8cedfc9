"""A page begins: with a copy of its policy, and a first ringing in the same transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from foundation import ledger
from foundation.database import db, insert_unless_there, new_id
from notifications import targets
from notifications.models import DrillLadder, EscalationPolicy, Page, PageState
from notifications.paging import ending, turns
from notifications.rules import terms
from notifications.rules.escalation import targets_of
from notifications.rules.pretend import is_drill

BACKSTOP = targets.BUILT_IN


def page(
    *,
    organisation_id: UUID,
    about: str,
    template: str,
    context: dict[str, Any],
    must_by: datetime | None,
    actor: str,
    now: datetime,
) -> UUID:
    """Page who is on call and, if nobody acts, whoever the escalation policy names next.

    `context` holds no personal data. One page at a time is open about one thing with one template:
    a second call returns the first. One that somebody has ends with the new one. Returns the page's id.
    """
    if open_page := db.session.scalar(_OPEN, {"about": about, "template": template}):
        return open_page
    row = {
        "id": new_id(), "organisation_id": organisation_id, "about": about, "template": template,
        "context": context, "must_by": must_by, "started_at": now, **_policy(about, organisation_id, now),
    }  # fmt: skip
    made = Page(**row, turn=0, number=0)
    move = turns.plan(made, now)
    before = _taken(about, template)
    if not insert_unless_there(Page, row | {"turn": move.turn, "number": 1, "next_at": move.next_at}):
        return db.session.execute(_OPEN, {"about": about, "template": template}).scalar_one()  # just paged
    for each in before:
        ending.close(each, actor=actor, reason="A new page about the same takes its place.", now=now)
    ledger.append(
        about, "page.started", organisation_id=organisation_id, actor=actor, at=now, page=made.id,
        template=template, policy=row["policy_name"],
    )  # fmt: skip
    turns.call(made, move, now)
    return made.id


_OPEN = select(Page.id).where(
    Page.about == bindparam("about"), Page.template == bindparam("template"), Page.state == PageState.OPEN
)
_POLICY = (
    select(EscalationPolicy.name, EscalationPolicy.steps, EscalationPolicy.rounds)
    .where(EscalationPolicy.organisation_id == bindparam("organisation"))
    .order_by(EscalationPolicy.in_force.desc(), EscalationPolicy.name)
    .limit(1)
)


def _taken(about: str, template: str) -> list[Page]:
    """What somebody has of the same, locked before the new page is there: two could not both be open."""
    mine = Page.about == about, Page.template == template, Page.state == PageState.ACKNOWLEDGED
    locked = select(Page).where(*mine).order_by(Page.id).with_for_update()
    return list(db.session.scalars(locked.execution_options(populate_existing=True)))


def _policy(about: str, organisation_id: UUID, now: datetime) -> dict[str, Any]:
    """Whom a page about this calls, in their order; in a drill those who take part, and nobody else."""
    if is_drill(about) and (ladder := db.session.get(DrillLadder, about)):
        part = [target for step in ladder.steps for target in targets_of(step)]
        return {
            "policy": ladder.steps, "policy_name": None, "rounds": terms.rounds(now).rounds, "wider": [part],
        }  # fmt: skip
    found = db.session.execute(_POLICY, {"organisation": organisation_id}).first()
    wider = targets.last_resort(organisation_id)
    if found is None or not found.steps:
        return {
            "policy": BACKSTOP, "policy_name": None, "rounds": terms.rounds(now).rounds, "wider": wider,
        }  # fmt: skip
    return {"policy": found.steps, "policy_name": found.name, "rounds": found.rounds, "wider": wider}


def add_policy(*, organisation_id: UUID, name: str, steps: list[dict[str, Any]]) -> None:
    """Make an escalation policy; steps as in `models.EscalationPolicy`."""
    db.session.add(EscalationPolicy(organisation_id=organisation_id, name=name, steps=steps))
