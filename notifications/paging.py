"""Paging: someone acts, or it gets louder.

A page holds a copy of the escalation policy, so that no later edit can silence it. It stays open,
and pages further people, until somebody acknowledges it or what it is about has ended.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from flask_babel import gettext as _
from sqlalchemy import bindparam, func, select, true, update

from accounts import people
from accounts.models import Role, StaffMember
from foundation import ledger, locales
from foundation.database import changed, db, insert_unless_there, new_id
from foundation.errors import Invalid, Refused
from notifications import outbox, rendering
from notifications.models import (
    Acknowledgement,
    Channel,
    ContactMethod,
    DrillLadder,
    EscalationPolicy,
    Kind,
    Message,
    Page,
    PageState,
    Rotation,
    State,
)
from notifications.rules.escalation import next_turn
from notifications.rules.oncall import Turns, named_for
from notifications.rules.pretend import is_drill

BACKSTOP: list[dict[str, Any]] = [
    {"role": Role.RESPONDER.value, "minutes": 5},
    {"role": Role.DPO.value, "minutes": 5},
]
log = structlog.get_logger()


def on_call(organisation_id: UUID, now: datetime) -> list[UUID]:
    """Who is on call at `now`, the first rotation's person first.

    Rotations that are named for a role of an incident, such as "Legal", are no line of those on call,
    unless there is no other.
    """
    rotations = db.session.scalars(
        select(Rotation).where(Rotation.organisation_id == organisation_id).order_by(Rotation.name)
    ).all()
    lines = [each for each in rotations if named_for(each.name) is None] or rotations
    found = [person for rotation in lines if (person := turns(rotation).on_call(now))]
    return list(dict.fromkeys(found))


def turns(rotation: Rotation) -> Turns:
    """The pure view of a rotation."""
    members = tuple(UUID(each) for each in rotation.members)
    return Turns(members, rotation.first_handover, rotation.shift_days, rotation.timezone)


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
    a second call returns the first. Returns the page's id.
    """
    if open_page := db.session.scalar(_OPEN, {"about": about, "template": template}):
        return open_page
    policy = _policy(about, organisation_id)
    row = {
        "id": new_id(), "organisation_id": organisation_id, "about": about, "template": template,
        "context": context, "policy": policy, "must_by": must_by, "started_at": now, "turn": 0,
    }  # fmt: skip
    made = Page(**row)
    called, next_at = _whom_to_call(made, now)
    if not insert_unless_there(Page, row | {"turn": 1, "next_at": next_at}):
        return db.session.execute(_OPEN, {"about": about, "template": template}).scalar_one()  # just paged
    ledger.append(
        about, "page.started", organisation_id=organisation_id, actor=actor, at=now, page=made.id,
        template=template,
    )  # fmt: skip
    _call(made, called, next_at, now)
    return made.id


def called_at(page_id: UUID, at: datetime) -> list[UUID]:
    """Whom a page called at this very instant."""
    theirs = select(Message.staff_id).where(Message.page_id == page_id, Message.created_at == at)
    return [each for each in db.session.scalars(theirs.distinct()) if each]


_OPEN = select(Page.id).where(
    Page.about == bindparam("about"), Page.template == bindparam("template"), Page.state == PageState.OPEN
)
_POLICY = (
    select(EscalationPolicy.steps)
    .where(EscalationPolicy.organisation_id == bindparam("organisation"))
    .order_by(EscalationPolicy.name)
    .limit(1)
)


def _policy(about: str, organisation_id: UUID) -> list[Any]:
    """Whom a page about this calls, in their order; in a drill those who take part."""
    if is_drill(about) and (ladder := db.session.get(DrillLadder, about)):
        return ladder.steps
    return db.session.scalar(_POLICY, {"organisation": organisation_id}) or BACKSTOP


def due(now: datetime) -> list[UUID]:
    """The open pages whose time to move on has come."""
    waiting = select(Page.id).where(Page.state == PageState.OPEN, Page.next_at <= now)
    return list(db.session.scalars(waiting.limit(outbox.BATCH)))


def escalate(page_id: UUID, *, now: datetime) -> bool:
    """Page the next of the policy; false when somebody acted or another process was first."""
    found = db.session.get(Page, page_id, with_for_update=True)
    if found is None or found.state is not PageState.OPEN or not found.next_at or found.next_at > now:
        return False
    _move_on(found, now)
    return True


def _move_on(open_page: Page, now: datetime) -> None:
    called, next_at = _whom_to_call(open_page, now)
    _call(open_page, called, next_at, now)
    open_page.turn += 1
    open_page.next_at = next_at


def _whom_to_call(open_page: Page, now: datetime) -> tuple[list[StaffMember], datetime]:
    """Whom the next turn of the policy calls, and when the one after it comes."""
    move = next_turn(open_page.policy, open_page.turn, now)
    called = [
        person for target in move.targets for person in people_of(open_page.organisation_id, target, now)
    ]
    # Nobody there is no reason to wait: the next step is tried at once, but each only once so.
    hurry = not called and open_page.turn < len(open_page.policy)
    return called, now + timedelta(seconds=5) if hurry else move.next_at


def _call(open_page: Page, called: Iterable[StaffMember], next_at: datetime, now: datetime) -> None:
    told = [person for person in called if _post_page(open_page, person, now)]
    ledger.append(
        open_page.about, "page.sent" if told else "page.reached_nobody",
        organisation_id=open_page.organisation_id, actor="Breachclock", at=now, page=open_page.id,
        turn=open_page.turn + 1, staff=[each.id for each in told], next_at=next_at,
    )  # fmt: skip


def people_of(organisation_id: UUID, target: dict[str, Any], now: datetime) -> list[StaffMember]:
    """Whom a step of a policy pages at `now`."""
    if "staff" in target:
        ids: Iterable[UUID] = [UUID(target["staff"])]
    elif "rotation" in target:
        rotation = db.session.get(Rotation, UUID(target["rotation"]))
        whose = turns(rotation).on_call(now) if rotation else None
        ids = [whose] if whose else []
    else:
        return people.staff_with_role(organisation_id, Role(target["role"]))
    return [person for each in ids if (person := _active(each))]


def _active(staff_id: UUID) -> StaffMember | None:
    """The person, unless they are gone: a page moves on past an empty place instead of failing at it."""
    person = db.session.get(StaffMember, staff_id)
    return person if person and person.active else None


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to a colleague; `key` tells ways of the same channel apart."""

    key: str
    channel: Channel
    address: str


def _ways(person: StaffMember) -> list[_Way]:
    """Every way to a person; without any, the address they sign in with is better than silence."""
    found = db.session.execute(_METHODS, {"staff": person.id})
    ways = [_Way(str(each.id), each.channel, each.address) for each in found]
    return ways or [_Way("account", Channel.EMAIL, person.email)]


_METHODS = (
    select(ContactMethod.id, ContactMethod.channel, ContactMethod.address)
    .where(ContactMethod.staff_id == bindparam("staff"), ContactMethod.opted_out_at.is_(None))
    .order_by(ContactMethod.position)
)


def _tell(
    person: StaffMember,
    way: _Way,
    *,
    about: str,
    template: str,
    bare: str,
    context: dict[str, Any],
    later: Sequence[_Way] = (),
    **message: Any,
) -> UUID | None:
    """Post to a colleague, in a drill to their pretend phone or mailbox.

    A text that cannot be made is a fault of ours and no reason for silence.
    """
    fallbacks = tuple((each.channel.value, each.address) for each in later)
    for text, locale in ((template, person.locale), (template, locales.DEFAULT), (bare, locales.DEFAULT)):
        recipient = outbox.recipient(about, way.channel, way.address, locale, person.id, fallbacks)
        with suppress(rendering.Unrenderable):
            told = {**context, "name": person.name}
            return outbox.post(about=about, template=text, context=told, recipient=recipient, **message)
        log.error("message.text_missing", template=text, locale=locale)
    raise rendering.Incomplete(f"{bare} itself cannot be written.")


def _post_page(open_page: Page, person: StaffMember, now: datetime) -> bool:
    """One message by every contact method of the person: a phone may be off, a mailbox unread."""
    posted = [
        _tell(
            person, way, template=open_page.template, bare="page_bare", context=open_page.context,
            organisation_id=open_page.organisation_id, about=open_page.about, kind=Kind.ONCALL,
            dedupe_key=f"page:{open_page.id}:{open_page.turn}:{way.key}", page_id=open_page.id,
            must_by=open_page.must_by, now=now,
        )
        for way in _ways(person)
    ]  # fmt: skip
    return any(posted)


def remind(
    *,
    organisation_id: UUID,
    about: str,
    staff_ids: Sequence[UUID],
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    urgent: bool,
    must_by: datetime | None,
    now: datetime,
) -> list[UUID]:
    """Tell members of staff something, each once per `dedupe_key`; returns the messages' ids.

    Urgent reminders go by every contact method, others by e-mail with SMS to fall back to.
    """
    posted = []
    for person in filter(None, map(_active, dict.fromkeys(staff_ids))):
        ways = sorted(_ways(person), key=lambda way: way.channel is not Channel.EMAIL)
        posted += [
            _tell(
                person, way, template=template, bare="reminder_bare", context=context,
                later=() if urgent else ways[1:], organisation_id=organisation_id, about=about,
                kind=Kind.INTERNAL, dedupe_key=f"{dedupe_key}:{person.id}:{way.key if urgent else 'first'}",
                must_by=must_by, now=now,
            )
            for way in (ways if urgent else ways[:1])
        ]  # fmt: skip
    return [each for each in posted if each]


def acknowledge(page_id: UUID, staff_id: UUID, *, way: str, now: datetime) -> tuple[bool, str]:
    """Take a page: whether this person was first, and the name of who has it.

    Quiets this page; what it is about keeps its own deadlines and reminders. Raises: Refused when
    the page has ended.
    """
    waiting = _lock_waiting(page_id)
    changed(
        update(Message)
        .where(Message.id.in_(waiting), Message.state == State.PENDING)
        .values(state=State.CANCELLED, why="somebody has taken it", done_at=now)
    )
    taken = db.session.get_one(Page, page_id, with_for_update=True)
    if taken.state is PageState.ENDED:
        raise Refused("This page has ended: what it was about needs nobody any more.")
    if taken.state is PageState.ACKNOWLEDGED:
        return False, acknowledged_by(page_id)
    person = db.session.get_one(StaffMember, staff_id)
    taken.state, taken.next_at, taken.ended_at = PageState.ACKNOWLEDGED, None, now
    db.session.add(
        Acknowledgement(
            organisation_id=taken.organisation_id, page_id=page_id, staff_id=staff_id, at=now, way=way
        )
    )
    db.session.flush()
    ledger.append(
        taken.about, "page.acknowledged", organisation_id=taken.organisation_id, actor=person.name, at=now,
        page=page_id, way=way,
    )  # fmt: skip
    return True, person.name


def _lock_waiting(*page_ids: UUID) -> Sequence[UUID]:
    """Lock the messages of pages that no provider has yet, in one order for all who do."""
    mine = Message.page_id.in_(page_ids), Message.state == State.PENDING
    return db.session.scalars(select(Message.id).where(*mine).order_by(Message.id).with_for_update()).all()


def acknowledged_by(page_id: UUID) -> str:
    """The name of who took a page; empty when nobody has."""
    found = db.session.execute(
        select(StaffMember.name)
        .join(Acknowledgement, Acknowledgement.staff_id == StaffMember.id)
        .where(Acknowledgement.page_id == page_id)
    ).scalar()
    return found or ""


def end(about: str, *, actor: str, reason: str, now: datetime, template: str | None = None) -> int:
    """End every open page about something, or those with one template; returns how many there were."""
    these = Page.template == template if template else true()
    mine = select(Page).where(Page.about == about, Page.state == PageState.OPEN, these)
    _lock_waiting(*db.session.scalars(mine.with_only_columns(Page.id)))  # before the pages, as `acknowledge`
    ended = list(db.session.scalars(mine.order_by(Page.id).with_for_update()))
    for each in ended:
        each.state, each.next_at, each.ended_at = PageState.ENDED, None, now
        ledger.append(
            about, "page.ended", organisation_id=each.organisation_id, actor=actor, at=now, reason=reason,
            page=each.id,
        )  # fmt: skip
    return len(ended)


def pages_for(about: str) -> list[Page]:
    """The pages about something, newest first."""
    return list(db.session.scalars(select(Page).where(Page.about == about).order_by(Page.id.desc())))


def nobody_has(abouts: Collection[str]) -> set[str]:
    """About which of these a page is open that nobody has taken; one query for all."""
    return set(open_since(abouts))


def open_since(abouts: Collection[str]) -> dict[str, datetime]:
    """About which of these a page is open that nobody has taken, and since when; one query for all."""
    if not abouts:
        return {}
    mine = Page.about.in_(abouts), Page.state == PageState.OPEN
    waiting = select(Page.about, func.min(Page.started_at)).where(*mine)
    return {row.about: row[1] for row in db.session.execute(waiting.group_by(Page.about))}


def add_contact_method(
    *,
    organisation_id: UUID,
    staff_id: UUID,
    channel: str,
    address: str,
    position: int,
    verified_at: datetime | None,
) -> None:
    """Give a member of staff a number (E.164) or an address to be reached by."""
    method = ContactMethod(
        organisation_id=organisation_id, staff_id=staff_id, channel=Channel(channel), address=address,
        position=position, verified_at=verified_at,
    )  # fmt: skip
    method.reindex()
    db.session.add(method)


def add_rotation(*, organisation_id: UUID, name: str, timezone: str, first_handover: datetime,
                 shift_days: int, members: Sequence[UUID]) -> UUID:  # fmt: skip
    """Make a rotation and return its id; `first_handover` is an aware instant.

    Raises: Invalid when nobody is in it, or a shift is shorter than a day.
    """
    if not members:
        raise Invalid(_("Nobody is in this rotation."), next_step=_("Name at least one colleague."))
    if shift_days < 1:
        raise Invalid(_("A shift lasts a day at least."), next_step=_("Give it one day or more."))
    rotation = Rotation(
        id=new_id(), organisation_id=organisation_id, name=name, timezone=timezone,
        first_handover=first_handover, shift_days=shift_days, members=[str(each) for each in members],
    )  # fmt: skip
    db.session.add(rotation)
    return rotation.id


def add_policy(*, organisation_id: UUID, name: str, steps: list[dict[str, Any]]) -> None:
    """Make an escalation policy; steps as in `models.EscalationPolicy`."""
    db.session.add(EscalationPolicy(organisation_id=organisation_id, name=name, steps=steps))
