"""Roles of an incident: filled by the rota when it opens, given to others by people, each change kept.

Taking a report in must be quick, so the clock fills the roles a moment later: once, however many clocks
there are. `Incident.lead_id` follows the lead, and the open steps of a role follow its holder; a role that
nobody was named for falls to the lead.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation, StaffMember
from accounts.models import Role as StaffRole
from accounts.permissions import Permission, may
from foundation import ledger
from foundation.database import db, insert_unless_there, new_id
from foundation.errors import Invalid, Refused
from incident import meeting
from incident.models import Deputy, Incident, RoleHeld
from incident.rules import handover as handover_rules
from incident.rules.roles import NAMED, Filling, Role, Source, fill, owners
from notifications import on_duty, shifts, ways
from playbooks import owning

CLOCK = "Breachclock"
AT_ONCE = 200  # incidents that one round of the clock fills


# --- filling --------------------------------------------------------------------------------------


def unfilled() -> list[UUID]:
    """The incidents whose roles nobody has filled yet, the oldest first."""
    without = select(Incident.id).where(Incident.roles_at.is_(None)).order_by(Incident.reported_at)
    return list(db.session.scalars(without.limit(AT_ONCE)))


def fill_by_rota(incident_id: UUID, *, now: datetime) -> bool:
    """Fill the roles of an incident by rota and standing names; false when that has been done.

    Who is on call is asked of the moment it opened, unless that is long ago. Safe to call twice and from
    several processes.
    """
    wanted = select(Incident).where(Incident.id == incident_id, Incident.roles_at.is_(None))
    incident = db.session.scalars(
        wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).one_or_none()
    if incident is None:
        return False
    found = _found(incident, now)
    new = [(role, filling, new_id()) for role, filling in found.items()]
    rows = {role: _enter_row(incident, role, filling, row_id, now) for role, filling, row_id in new}
    incident.roles_at, incident.lead_id = now, found[Role.LEAD].staff_id
    db.session.flush()
    nobody = found[Role.LEAD].staff_id is None
    ledger.append(
        incident.chain, "roles.nobody_on_call" if nobody else "roles.filled", actor=CLOCK, at=now,
        organisation_id=incident.organisation_id,
        roles={role: {"staff": each.staff_id, "source": each.source} for role, each in found.items()},
    )  # fmt: skip
    for role, person in owners({role: each.staff_id for role, each in found.items()}).items():
        owning.assign(incident.chain, role, person, actor=CLOCK, now=now)
    for role in NAMED:
        filling = found[role]
        if rows[role] and filling.staff_id != found[Role.LEAD].staff_id:
            _tell(incident, role, filling.staff_id, "role_given", row=rows[role], who=CLOCK, now=now)
    return True


def _enter_row(
    incident: Incident, role: Role, filling: Filling, row_id: UUID, now: datetime
) -> UUID | None:  # fmt: skip
    """The id of the row, or None where the role has a current one already."""
    row = {
        "id": row_id, "organisation_id": incident.organisation_id, "incident_id": incident.id, "role": role,
        "staff_id": filling.staff_id, "source": filling.source, "since": now, "by": CLOCK, "by_id": None,
        "reason": None, "until": None,
    }  # fmt: skip
    return row_id if insert_unless_there(RoleHeld, row) else None


def _found(incident: Incident, now: datetime) -> dict[Role, Filling]:
    whose, opened = incident.organisation_id, incident.reported_at
    at = opened if now - opened <= handover_rules.terms(now).catch_up else now
    here = {each.id: each for each in people.staff_of(whose) if each.active}
    named = {each.role: each.staff_id for each in deputies(whose) if each.staff_id in here}
    dpos = [each.id for each in here.values() if each.role is StaffRole.DPO]
    return fill(
        on_call=[each for each in on_duty.on_call(whose, at) if each in here],
        rota={role: each for role, each in shifts.standing_for(whose, at).items() if each in here},
        dpos=dpos, deputies=named,
    )  # fmt: skip


def unowned() -> list[tuple[UUID, str]]:
    """Incidents with open steps of a role that nobody owns, though the role has somebody, with the role.

    A run that starts later than the roles were filled has such steps.
    """
    wanted = owning.without_owner(set(Role))
    by_chain = {_id_of(about): about for about, _role in wanted}
    held = _holders(by_chain)
    return sorted(
        (incident_id, role) for about, role in wanted
        if role in owners(held.get(incident_id := _id_of(about), {}))
    )  # fmt: skip


def _id_of(about: str) -> UUID:
    return UUID(about.partition("/")[2])


def give_owner(incident: Incident, role: str, *, now: datetime) -> None:
    """Give the steps of a role that nobody owns to who has the role."""
    held = {each.role: each.staff_id for each in current(incident)}
    if person := owners(held).get(role):
        owning.assign(incident.chain, role, person, actor=CLOCK, now=now)


# --- looking --------------------------------------------------------------------------------------


def current(incident: Incident) -> list[RoleHeld]:
    """Who holds each role now, in the order of `Role`; none before they are filled."""
    return [each for each in history(incident) if each.until is None]


def history(incident: Incident) -> list[RoleHeld]:
    """Every holder of every role, by role and time."""
    mine = select(RoleHeld).where(RoleHeld.incident_id == incident.id)
    order = list(Role)
    found = db.session.scalars(mine.execution_options(populate_existing=True))
    return sorted(found, key=lambda each: (order.index(Role(each.role)), each.since, each.until is None))


def _holders(incident_ids: Collection[UUID]) -> dict[UUID, dict[str, UUID | None]]:
    held: dict[UUID, dict[str, UUID | None]] = {}
    if not incident_ids:
        return held
    now_held = select(RoleHeld).where(RoleHeld.incident_id.in_(incident_ids), RoleHeld.until.is_(None))
    for each in db.session.scalars(now_held):
        held.setdefault(each.incident_id, {})[each.role] = each.staff_id
    return held


def holders(incidents: Sequence[Incident]) -> Mapping[UUID, Mapping[str, UUID | None]]:
    """By incident and role who holds it, one query for all; None where nobody was named."""
    return _holders([each.id for each in incidents])


def candidates(organisation_id: UUID) -> list[StaffMember]:
    """Who can hold a role: active people who may do steps, by name."""
    return [each for each in people.staff_of(organisation_id) if may(each, Permission.COMPLETE_STEPS)]


# --- changing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """A role to be given to somebody, or to nobody, for a reason if there is one to tell."""

    role: Role
    staff_id: UUID | None
    reason: str = ""


def give(incident: Incident, given: Given, *, by: StaffMember, now: datetime) -> bool:
    """Give a role to another person, or to nobody; false when they hold it already.

    The new holder is told, and the one it was taken from. Raises: Refused when the incident is over or has
    no roles yet, Invalid for somebody who cannot hold one, and for a lead of nobody.
    """
    meeting.refuse_when_over(incident)
    before = next((each for each in current(incident) if each.role == given.role), None)
    if before is None:
        raise Refused(
            _("The roles of this incident are being filled just now."),
            next_step=_("Try again in a few seconds."),
        )
    if before.staff_id == given.staff_id:
        return False
    _check(incident, given)
    held_before = owners({each.role: each.staff_id for each in current(incident)})
    before.until = now
    db.session.flush()
    row = RoleHeld(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, role=given.role,
        staff_id=given.staff_id, source=Source.PERSON if given.staff_id else Source.NOBODY, since=now,
        by=by.name, by_id=by.id, reason=given.reason.strip() or None,
    )  # fmt: skip
    db.session.add(row)
    if given.role is Role.LEAD:
        incident.lead_id = given.staff_id
    db.session.flush()
    ledger.append(
        incident.chain, "role.given", organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=row.reason, role=given.role, staff=given.staff_id, before=before.staff_id, by=by.id,
    )  # fmt: skip
    _steps_follow(incident, held_before, by=by.name, now=now)
    _tell_both(incident, row, before.staff_id, by=by, now=now)
    return True


def _check(incident: Incident, given: Given) -> None:
    if given.staff_id is None:
        if given.role is Role.LEAD:
            raise Invalid(_("An incident keeps a lead."), next_step=_("Name the colleague who takes over."))
        return
    if given.staff_id not in {each.id for each in candidates(incident.organisation_id)}:
        raise Invalid(
            _("This person cannot hold a role: they are not here any more, or may not work on incidents."),
            next_step=_("Choose a colleague from the list."),
        )


def _steps_follow(incident: Incident, before: Mapping[str, UUID], *, by: str, now: datetime) -> None:
    """Give each role's open steps to who has them now; with the lead go the roles nobody was named for."""
    after = owners({each.role: each.staff_id for each in current(incident)})
    for role in Role:
        if before.get(role) != after.get(role):
            owning.assign(incident.chain, role, after.get(role), actor=by, now=now, before=before.get(role))


def _tell_both(
    incident: Incident, row: RoleHeld, before: UUID | None, *, by: StaffMember, now: datetime
) -> None:
    """Tell who got a role, and who had it; nobody of what they did themselves."""
    role = Role(row.role)
    if row.staff_id not in (None, by.id):
        _tell(incident, role, row.staff_id, "role_given", row=row.id, who=by.name, now=now)
    if before not in (None, by.id):
        _tell(incident, role, before, "role_taken", row=row.id, who=by.name, now=now)


def _tell(
    incident: Incident, role: Role, staff_id: UUID | None, template: str, *, row: UUID | None, who: str,
    now: datetime,
) -> None:  # fmt: skip
    """A message to one colleague: the number, the role and who said so; by every way where it is the lead."""
    if staff_id is None:
        return
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    ways.remind(
        organisation_id=incident.organisation_id, about=incident.chain, staff_ids=[staff_id],
        template=template, dedupe_key=f"role:{row}:{template}", must_by=None, now=now,
        urgent=role is Role.LEAD and template == "role_given",
        context={
            "number": incident.number, "organisation": organisation.name, "role": role, "who": who,
            "path": f"/incidents/{incident.id}",
        },
    )  # fmt: skip


# --- standing names -------------------------------------------------------------------------------


def deputies(organisation_id: UUID) -> list[Deputy]:
    """Whom an organisation names for roles by default."""
    return list(db.session.scalars(select(Deputy).where(Deputy.organisation_id == organisation_id)))


def name_deputy(role: Role, staff_id: UUID | None, *, by: StaffMember, now: datetime) -> bool:
    """Name who takes a role of new incidents by default, or nobody; false when it stands so already.

    Raises: Invalid for a role that no deputy is named for, or somebody who cannot hold one.
    """
    if role not in NAMED:
        raise Invalid(_("For this role nobody is named by default."))
    if staff_id and staff_id not in {each.id for each in candidates(by.organisation_id)}:
        raise Invalid(_("This person cannot hold a role."), next_step=_("Choose a colleague from the list."))
    db.session.get_one(Organisation, by.organisation_id, with_for_update=True)  # two forms wait here
    known = next((each for each in deputies(by.organisation_id) if each.role == role), None)
    before = known.staff_id if known else None
    if before == staff_id:
        return False
    if known and staff_id is None:
        db.session.delete(known)
    elif known and staff_id:
        known.staff_id, known.named_at, known.named_by = staff_id, now, by.name
    elif staff_id:
        db.session.add(
            Deputy(
                organisation_id=by.organisation_id, role=role, staff_id=staff_id, named_at=now,
                named_by=by.name,
            )
        )  # fmt: skip
    db.session.flush()
    ledger.append(
        f"organisation/{by.organisation_id}", "role.deputy_named", organisation_id=by.organisation_id,
        actor=by.name, at=now, role=role, staff=staff_id, before=before,
    )  # fmt: skip
    return True


def rota_names(organisation_id: UUID, now: datetime) -> dict[str, UUID]:
    """Who stands for a role by a rotation that is named for it, now."""
    return shifts.standing_for(organisation_id, now)


def names(organisation_id: UUID) -> dict[UUID, str]:
    """Names of everybody here, by id."""
    return {each.id: each.name for each in people.staff_of(organisation_id)}
