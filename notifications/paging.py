"""Paging: someone acts, or it gets louder.

A page holds a copy of the escalation policy, so that no later edit can silence it. It stays open,
and pages further people, until somebody acknowledges it or what it is about has ended.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from accounts import people
from accounts.models import Role, StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Refused
from notifications import outbox
from notifications.models import (
    Acknowledgement,
    Channel,
    Circuit,
    ContactMethod,
    EscalationPolicy,
    Kind,
    Message,
    Page,
    PageState,
    Rotation,
    State,
)
from notifications.rules.escalation import next_turn
from notifications.rules.oncall import Turns

ON_CALL = "on_call"
BACKSTOP: list[dict[str, Any]] = [
    {"role": Role.RESPONDER.value, "minutes": 5},
    {"role": Role.DPO.value, "minutes": 5},
]
URGENT_ORDER = (Channel.SMS, Channel.EMAIL)


def on_call(organisation_id: UUID, now: datetime) -> list[UUID]:
    """Who is on call at `now`, the first rotation's person first."""
    rotations = db.session.scalars(
        select(Rotation).where(Rotation.organisation_id == organisation_id).order_by(Rotation.name)
    )
    found = [person for rotation in rotations if (person := turns(rotation).on_call(now))]
    return list(dict.fromkeys(found))


def turns(rotation: Rotation) -> Turns:
    """The pure view of a rotation."""
    return Turns(
        tuple(UUID(m) for m in rotation.members),
        rotation.first_handover,
        rotation.shift_days,
        rotation.timezone,
    )


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
    open_page = db.session.scalars(
        select(Page).where(Page.about == about, Page.template == template, Page.state == PageState.OPEN)
    ).first()
    if open_page:
        return open_page.id
    policy = db.session.scalars(
        select(EscalationPolicy)
        .where(EscalationPolicy.organisation_id == organisation_id)
        .order_by(EscalationPolicy.name)
    ).first()
    made = Page(
        id=new_id(), organisation_id=organisation_id, about=about, template=template, context=context,
        policy=policy.steps if policy and policy.steps else BACKSTOP, must_by=must_by, next_at=now,
        started_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    ledger.append(
        about, "page.started", organisation_id=organisation_id, actor=actor, at=now, page=made.id,
        template=template,
    )  # fmt: skip
    _move_on(made, now)
    return made.id


def due(now: datetime) -> list[UUID]:
    """The open pages whose time to move on has come."""
    return list(
        db.session.scalars(
            select(Page.id).where(Page.state == PageState.OPEN, Page.next_at <= now).limit(outbox.BATCH)
        )
    )


def escalate(page_id: UUID, *, now: datetime) -> bool:
    """Page the next of the policy; false when somebody acted or another process was first."""
    found = db.session.get(Page, page_id, with_for_update=True)
    if found is None or found.state is not PageState.OPEN or not found.next_at or found.next_at > now:
        return False
    _move_on(found, now)
    return True


def _move_on(open_page: Page, now: datetime) -> None:
    move = next_turn(open_page.policy, open_page.turn, now)
    told = [
        person
        for target in move.targets
        for person in _people(open_page.organisation_id, target, now)
        if _post_page(open_page, person, now)
    ]
    ledger.append(
        open_page.about, "page.sent" if told else "page.reached_nobody",
        organisation_id=open_page.organisation_id, actor="Breachclock", at=now, page=open_page.id,
        turn=open_page.turn + 1, staff=[each.id for each in told], next_at=move.next_at,
    )  # fmt: skip
    open_page.turn += 1
    # Nobody there is no reason to wait: the next step is tried at the next round of the clock.
    open_page.next_at = move.next_at if told else now + timedelta(seconds=5)


def _people(organisation_id: UUID, target: dict[str, Any], now: datetime) -> list[StaffMember]:
    if "staff" in target:
        ids: Iterable[UUID] = [UUID(target["staff"])]
    elif "rotation" in target:
        rotation = db.session.get(Rotation, UUID(target["rotation"]))
        person = turns(rotation).on_call(now) if rotation else None
        ids = [person] if person else []
    else:
        return people.staff_with_role(organisation_id, Role(target["role"]))
    return [person for each in ids if (person := _active(each))]


def _active(staff_id: UUID) -> StaffMember | None:
    """The person, unless they are gone: a page moves on past an empty place instead of failing at it."""
    person = db.session.get(StaffMember, staff_id)
    return person if person and person.active else None


def _methods(staff_id: UUID) -> list[ContactMethod]:
    return list(
        db.session.scalars(
            select(ContactMethod)
            .where(ContactMethod.staff_id == staff_id, ContactMethod.opted_out_at.is_(None))
            .order_by(ContactMethod.position)
        )
    )


def _post_page(open_page: Page, person: StaffMember, now: datetime) -> bool:
    """One message by every contact method of the person: a phone may be off, a mailbox unread."""
    posted = [
        outbox.post(
            organisation_id=open_page.organisation_id, about=open_page.about, kind=Kind.ONCALL,
            template=open_page.template, context={**open_page.context, "name": person.name},
            recipient=outbox.Recipient(method.channel, method.address, person.locale, person.id),
            dedupe_key=f"page:{open_page.id}:{open_page.turn}:{method.id}", page_id=open_page.id,
            must_by=open_page.must_by, now=now,
        )
        for method in _methods(person.id)
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
    for staff_id in dict.fromkeys(staff_ids):
        person, methods = _active(staff_id), _methods(staff_id)
        if person is None or not methods:
            continue
        by_mail = sorted(methods, key=lambda m: m.channel is not Channel.EMAIL)
        chosen = methods if urgent else by_mail[:1]
        later = () if urgent else tuple((m.channel.value, m.address) for m in by_mail[1:])
        for method in chosen:
            posted.append(
                outbox.post(
                    organisation_id=organisation_id, about=about, kind=Kind.INTERNAL, template=template,
                    recipient=outbox.Recipient(method.channel, method.address, person.locale, staff_id, later),
                    context={**context, "name": person.name},
                    dedupe_key=f"{dedupe_key}:{staff_id}:{method.channel}", must_by=must_by, now=now,
                )
            )  # fmt: skip
    return [each for each in posted if each]


def acknowledge(page_id: UUID, staff_id: UUID, *, way: str, now: datetime) -> tuple[bool, str]:
    """Take a page: whether this person was first, and the name of who has it.

    Quiets this page; what it is about keeps its own deadlines and reminders. Raises: Refused when
    the page has ended.
    """
    db.session.execute(
        update(Message)
        .where(Message.page_id == page_id, Message.state == State.PENDING)
        .values(state=State.CANCELLED, why="somebody has taken it", done_at=now)
        .execution_options(synchronize_session=False)
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


def acknowledged_by(page_id: UUID) -> str:
    """The name of who took a page; empty when nobody has."""
    found = db.session.execute(
        select(StaffMember.name)
        .join(Acknowledgement, Acknowledgement.staff_id == StaffMember.id)
        .where(Acknowledgement.page_id == page_id)
    ).scalar()
    return found or ""


def end(about: str, *, actor: str, reason: str, now: datetime) -> int:
    """End every open page about something; returns how many there were."""
    ended = list(
        db.session.scalars(
            select(Page).where(Page.about == about, Page.state == PageState.OPEN).with_for_update()
        )
    )
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
    if not abouts:
        return set()
    return set(
        db.session.scalars(
            select(Page.about).where(Page.about.in_(abouts), Page.state == PageState.OPEN).distinct()
        )
    )


def has_alarms() -> bool:
    """Whether anything waits to be told of; a look that takes no lock."""
    message = select(Message.id).where(Message.wants_person_at.is_not(None), Message.told_at.is_(None))
    circuit = select(Circuit.provider).where(Circuit.told_at.is_(None))
    return bool(db.session.scalar(select(message.exists() | circuit.exists())))


def raise_alarms(*, now: datetime) -> int:
    """Tell DPO and on-call of what reached nobody, once each; returns how many messages that made."""
    waiting = db.session.scalars(
        select(Message)
        .where(Message.wants_person_at.is_not(None), Message.told_at.is_(None))
        .limit(outbox.BATCH)
        .with_for_update(skip_locked=True)
    )
    made = 0
    for message in list(waiting):
        message.told_at = now
        if message.template == "not_reached":
            continue  # an alarm about an alarm would never end; it stays on the screen
        made += len(
            remind(
                organisation_id=message.organisation_id, about=message.about,
                staff_ids=_guardians(message.organisation_id, now), template="not_reached",
                context={"kind": message.kind.value, "channel": message.channel.value, "why": message.why or "",
                         "path": "/" + message.about.replace("incident/", "incidents/")},
                dedupe_key=f"alarm:{message.about}:{message.id}", urgent=True, must_by=None, now=now,
            )
        )  # fmt: skip
    return made + _tell_of_circuits(now)


def _tell_of_circuits(now: datetime) -> int:
    made = 0
    for circuit in db.session.scalars(select(Circuit).where(Circuit.told_at.is_(None))):
        circuit.told_at = now
        for organisation_id in [each.id for each in people.organisations()]:
            made += len(
                remind(
                    organisation_id=organisation_id, about=f"organisation/{organisation_id}",
                    staff_ids=_guardians(organisation_id, now), template="provider_refuses",
                    context={"provider": circuit.provider, "why": circuit.why},
                    dedupe_key=f"circuit:{circuit.provider}:{circuit.opened_at.isoformat()}", urgent=True,
                    must_by=None, now=now,
                )
            )  # fmt: skip
    return made


def _guardians(organisation_id: UUID, now: datetime) -> list[UUID]:
    dpos = [each.id for each in people.staff_with_role(organisation_id, Role.DPO)]
    return [*on_call(organisation_id, now), *dpos]


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
    """Make a rotation and return its id; `first_handover` is an aware instant."""
    rotation = Rotation(
        id=new_id(), organisation_id=organisation_id, name=name, timezone=timezone,
        first_handover=first_handover, shift_days=shift_days, members=[str(each) for each in members],
    )  # fmt: skip
    db.session.add(rotation)
    return rotation.id


def add_policy(*, organisation_id: UUID, name: str, steps: list[dict[str, Any]]) -> None:
    """Make an escalation policy; steps as in `models.EscalationPolicy`."""
    db.session.add(EscalationPolicy(organisation_id=organisation_id, name=name, steps=steps))
