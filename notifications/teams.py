"""Teams, and whom a page goes to at last: kept by those who manage the rota, each change in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select, update

from accounts import people
from accounts.models import Role, StaffMember
from foundation import ledger
from foundation.database import changed, db
from foundation.errors import Invalid, Missing
from notifications import on_duty
from notifications.models import EscalationPolicy, LastResort, Team
from notifications.policies import LONGEST, Changed
from notifications.rules.escalation import KINDS, Target, targets_of

OF_INCIDENT = ("lead", "dpo", "communications", "legal", "it")
STAFF_ROLES = (Role.RESPONDER, Role.DPO, Role.ADMIN)


def teams(organisation_id: UUID) -> list[Team]:
    """The teams of an organisation, by name."""
    mine = select(Team).where(Team.organisation_id == organisation_id)
    return list(db.session.scalars(mine.order_by(Team.name)))


def team(team_id: UUID) -> Team:
    """One team within the present scope. Raises: Missing."""
    found = db.session.scalars(select(Team).where(Team.id == team_id)).one_or_none()
    if found is None:
        raise Missing(_("There is no such team."), next_step=_("Somebody may have deleted it."))
    return found


def save(
    organisation_id: UUID, team_id: UUID | None, *, name: str, members: Sequence[UUID], revision: int,
    by: StaffMember, now: datetime,
) -> UUID:  # fmt: skip
    """Keep a team, new or changed; its id.

    Raises: Invalid with every fault, Changed when somebody kept another version meanwhile, Missing.
    """
    name = name.strip()
    here = {each.id for each in people.staff_of(organisation_id) if each.active}
    found = list[str]()
    if not name or len(name) > LONGEST:
        found.append(_("Give it a name of at most %(count)s characters.", count=LONGEST))
    if any(each.name == name and each.id != team_id for each in teams(organisation_id)):
        found.append(_("There is a team of that name already."))
    if not members or not here.issuperset(members):
        found.append(_("Choose at least one colleague who works here."))
    if found:
        raise Invalid(" ".join(found), next_step=_("Nothing is kept yet."))
    values: dict[str, Any] = {"name": name, "members": [str(each) for each in dict.fromkeys(members)]}
    if team_id is None:
        kept = Team(organisation_id=organisation_id, **values)
        db.session.add(kept)
        db.session.flush()
        team_id = kept.id
    else:
        before = team(team_id)
        mine = Team.id == team_id, Team.revision == revision
        _refuse_unless(changed(update(Team).where(*mine).values(**values, revision=revision + 1)))
        db.session.expire(before)
    _enter(organisation_id, "team.kept", by, now, team=team_id, **values)
    return team_id


def _refuse_unless(kept: int) -> None:
    if not kept:
        raise Changed(
            _("Somebody else has changed this meanwhile."),
            next_step=_("What you typed is below; look at theirs, then keep yours or let it be."),
        )


def delete(team_id: UUID, *, by: StaffMember, now: datetime) -> str:
    """Delete a team; its name. Steps that page it reach nobody by it, and ring louder. Raises: Missing."""
    gone = team(team_id)
    name, organisation_id, members = gone.name, gone.organisation_id, gone.members
    db.session.delete(gone)
    db.session.flush()
    _enter(organisation_id, "team.deleted", by, now, team=team_id, name=name, members=members)
    return name


def used_by(team_id: UUID) -> list[str]:
    """The names of policies with a step that pages this team."""
    wanted = {"team": str(team_id)}
    return [
        each.name
        for each in db.session.scalars(select(EscalationPolicy).order_by(EscalationPolicy.name))
        if any(wanted in targets_of(step) for step in each.steps)
    ]


def last_resort(organisation_id: UUID) -> LastResort | None:
    """What an organisation says of whom a page goes to at last; None where roles say it."""
    mine = select(LastResort).where(LastResort.organisation_id == organisation_id)
    return db.session.scalars(mine).one_or_none()


def keep_last_resort(
    organisation_id: UUID, *, backstop: list[Target], management: list[Target], revision: int,
    by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """Keep whom a page goes to at last; an empty list means the roles. Raises: Changed."""
    values = {"backstop": backstop, "management": management}
    found = last_resort(organisation_id)
    if found is None:
        _refuse_unless(not revision)
        db.session.add(LastResort(organisation_id=organisation_id, **values))
        db.session.flush()
    else:
        mine = LastResort.id == found.id, LastResort.revision == revision
        _refuse_unless(changed(update(LastResort).where(*mine).values(**values, revision=revision + 1)))
        db.session.expire(found)
    _enter(organisation_id, "last_resort.kept", by, now, **values)


def _enter(organisation_id: UUID, action: str, by: StaffMember, now: datetime, **details: Any) -> None:
    ledger.append(
        f"organisation/{organisation_id}", action, organisation_id=organisation_id, actor=by.name, at=now,
        **details,
    )  # fmt: skip


# --- what can be chosen ----------------------------------------------------------------------------


def choices(organisation_id: UUID) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a step may page, in groups: what the form sends, and what it is called."""
    schedules = on_duty.schedules(organisation_id)
    active = [each for each in people.staff_of(organisation_id) if each.active]
    found = [
        (_("Who is on duty"), [(f"schedule:{each.id}", each.name) for each in schedules]),
        (_("Teams"), [(f"team:{each.id}", each.name) for each in teams(organisation_id)]),
        (_("Colleagues"), [(f"staff:{each.id}", each.name) for each in active if each.role is not Role.NONE]),
        (_("Everybody with a role"), [(f"role:{each.value}", _role(each)) for each in STAFF_ROLES]),
        (_("Role of the incident"), [(f"incident_role:{each}", _of_incident(each)) for each in OF_INCIDENT]),
    ]  # fmt: skip
    return [(group, options) for group, options in found if options]


def _role(role: Role) -> str:
    return {
        Role.RESPONDER: _("all responders"), Role.DPO: _("all data protection officers"),
        Role.ADMIN: _("all administrators"),
    }[role]  # fmt: skip


def _of_incident(role: str) -> str:
    return {
        "lead": _("its lead"), "dpo": _("its data protection officer"),
        "communications": _("its communications"), "legal": _("its legal"), "it": _("its IT"),
    }[role]  # fmt: skip


def read_targets(values: Sequence[str], organisation_id: UUID) -> list[Target]:
    """What a form sent, as targets, each once; what is none of ours is left out."""
    known = {value for _group, options in choices(organisation_id) for value, _name in options}
    found = [value.partition(":") for value in dict.fromkeys(values) if value in known]
    return [{kind: name} for kind, _colon, name in found]


def value_of(target: Target) -> str:
    """What a form sends for a target."""
    kind, name = next((kind, target[kind]) for kind in KINDS if kind in target)
    return f"{'schedule' if kind == 'rotation' else kind}:{name}"


def name_of(target: Target, organisation_id: UUID) -> str:
    """What a target is called; "gone" when it is there no more."""
    wanted = value_of(target)
    named = {value: name for _group, options in choices(organisation_id) for value, name in options}
    return named.get(wanted) or _("gone")
