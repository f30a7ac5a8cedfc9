"""Alarms: what reached nobody is told to people, once each.

To the data protection officer and to whoever is on call, by every way there is. An alarm that does not
arrive raises no further one: it stays on the screen, and readiness counts it.
"""

from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import or_, select

from accounts import people
from accounts.models import Role
from foundation.database import db
from notifications import circuits, on_duty, outbox, ways
from notifications.models import (
    Circuit,
    Message,
    Page,
    Sending,
    SendingGroup,
    SendingState,
    State,
    Stop,
)
from notifications.rules.pretend import is_drill
from notifications.rules.watching import is_probe

NAMES = {"sendgrid": "SendGrid", "smtp": "SMTP", "gateway": "SMS gateway"}  # the others as they are
NOTICE = "controller_notice"  # goes as communications do: never twice, after every page
ALARMS = (
    "step_reaches_nobody",
    "not_reached",
    "provider_refuses",
    "number_opted_out",
    "sending_stopped",
    "reminder_bare",
    "contact_code",
    "canary_failed",
    "sending_waits",
    "test_page_unanswered",
)
# By itself, and nobody was told of it.
PAUSED = (Sending.state == SendingState.PAUSED, Sending.paused_by.is_(None), Sending.told_at.is_(None))
HELD = (SendingGroup.wants_person_at.is_not(None), SendingGroup.told_at.is_(None))


def waiting() -> bool:
    """Whether anything waits to be told of; a look that takes no lock."""
    message = select(Message.id).where(Message.wants_person_at.is_not(None), Message.told_at.is_(None))
    circuit = select(Circuit.provider).where(Circuit.told_at.is_(None))
    stop = select(Stop.id).where(Stop.told_at.is_(None), Stop.released_at.is_(None))
    empty = select(Page.id).where(Page.nobody_at.is_not(None))
    paused, held = select(Sending.id).where(*PAUSED), select(SendingGroup.id).where(*HELD)
    kinds = (message, circuit, stop, empty, paused, held)
    return bool(db.session.scalar(select(or_(*(each.exists() for each in kinds)))))


def tell(*, now: datetime) -> int:
    """Tell DPO and on-call of what reached nobody, once each; returns how many messages that made."""
    untold = db.session.scalars(
        select(Message)
        .where(Message.wants_person_at.is_not(None), Message.told_at.is_(None))
        .order_by(Message.id)
        .limit(outbox.BATCH)
        .with_for_update(skip_locked=True)
    )
    return (
        sum(_not_reached(message, now) for message in list(untold))
        + _refusals(now)
        + _stops(now)
        + _empty_steps(now)
        + _paused(now)
        + _held(now)
    )


def _not_reached(message: Message, now: datetime) -> int:
    message.told_at = now
    if message.template in ALARMS or is_probe(message.about):
        return 0
    context = {
        "kind": "controller" if message.template == NOTICE else message.kind.value,
        "channel": message.way.value, "why": message.why or "",
        "path": path(message.about), "unsure": "" if message.state is State.UNREACHED else "yes",
    }  # fmt: skip
    return _raise(message.organisation_id, message.about, "not_reached", context, _key(message), now=now)


def _key(message: Message) -> str:
    """One alarm per message and what became of it; of what may yet settle by itself one an hour."""
    if message.state in (State.HELD, State.UNREACHED):
        return f"alarm:{message.id}:{message.state}:{message.attempts}"
    return f"unsure:{message.about}:{message.wants_person_at:%Y%m%d%H}"


def _refusals(now: datetime) -> int:
    untold = select(Circuit).where(Circuit.told_at.is_(None)).with_for_update(skip_locked=True)
    made = 0
    for circuit in list(db.session.scalars(untold)):
        circuit.told_at = now
        instead = next(iter(circuits.instead_of(circuit.provider)), "")
        context = {
            "provider": NAMES.get(circuit.provider, circuit.provider.title()), "why": circuit.why,
            "instead": NAMES.get(instead, instead.title()),
        }  # fmt: skip
        key = f"circuit:{circuit.provider}:{circuit.opened_at.isoformat()}"
        made += sum(
            _raise(each.id, f"organisation/{each.id}", "provider_refuses", context, key, now=now)
            for each in people.organisations()
        )
    return made


def _stops(now: datetime) -> int:
    untold = Stop.told_at.is_(None), Stop.released_at.is_(None)
    made = 0
    for stop in list(db.session.scalars(select(Stop).where(*untold).with_for_update(skip_locked=True))):
        stop.told_at = now
        about = f"organisation/{stop.organisation_id}"
        context = {"why": stop.why, "path": "/messages"}
        made += _raise(stop.organisation_id, about, "sending_stopped", context, f"stop:{stop.id}", now=now)
    return made


def _empty_steps(now: datetime) -> int:
    """Steps of policies that reached nobody when a page came to them: each told once an hour."""
    untold = select(Page).where(Page.nobody_at.is_not(None)).order_by(Page.id).limit(outbox.BATCH)
    made = 0
    for page in list(db.session.scalars(untold.with_for_update(skip_locked=True))):
        policy, steps = page.policy_name or _("the built-in ladder"), ", ".join(map(str, page.nobody or []))
        page.nobody_at = None
        about = page.about if is_drill(page.about) else f"organisation/{page.organisation_id}"
        context = {"policy": policy, "steps": steps or "?", "path": "/on-call/policies"}
        key = f"nobody:{page.policy_name or '-'}:{steps}:{now:%Y%m%d%H}"
        key += f":{page.about}" if is_drill(page.about) else ""
        made += _raise(page.organisation_id, about, "step_reaches_nobody", context, key, now=now)
    return made


def _paused(now: datetime) -> int:
    """Sendings that paused by themselves: each time once."""
    made = 0
    for each in list(db.session.scalars(select(Sending).where(*PAUSED).with_for_update(skip_locked=True))):
        each.told_at = now
        context = {"why": each.paused_why or "", "path": path(each.about), "held": ""}
        key = f"paused:{each.id}:{each.paused_at}"
        made += _raise(each.organisation_id, each.about, "sending_waits", context, key, now=now)
    return made


def _held(now: datetime) -> int:
    """Groups that only a person can decide of: of one sending told once an hour."""
    untold = select(SendingGroup).where(*HELD).order_by(SendingGroup.id).limit(outbox.BATCH)
    made = 0
    for each in list(db.session.scalars(untold.with_for_update(skip_locked=True))):
        each.told_at = now
        context = {"why": each.why or "", "path": path(each.about), "held": "yes"}
        key = f"held:{each.sending_id}:{now:%Y%m%d%H}"
        made += _raise(each.organisation_id, each.about, "sending_waits", context, key, now=now)
    return made


def opted_out(organisation_id: UUID, *, who: str, message_key: str, now: datetime) -> int:
    """A colleague answered STOP: whoever answers for the rota hears of it, once per `message_key`."""
    return _raise(
        organisation_id, f"organisation/{organisation_id}", "number_opted_out",
        {"who": who, "path": "/on-call"}, f"opted-out:{message_key}", now=now,
    )  # fmt: skip


def path(about: str) -> str:
    """Where on our own site a chain of the ledger is shown: an incident, or a drill, at "/incidents/<id>"."""
    kind, _, name = about.partition("/")
    return f"/incidents/{name}" if kind in ("incident", "drill") else "/on-call"


def _raise(
    organisation_id: UUID, about: str, template: str, context: dict[str, str], key: str, *, now: datetime
) -> int:
    posted = ways.remind(
        organisation_id=organisation_id, about=about, staff_ids=guardians(organisation_id, now),
        template=template, context=context, dedupe_key=key, urgent=True, must_by=None, now=now,
    )  # fmt: skip
    return len(posted)


def guardians(organisation_id: UUID, now: datetime) -> list[UUID]:
    """Whoever is on call, and the DPO; where an organisation named neither, those who look after it."""
    dpos = people.staff_with_role(organisation_id, Role.DPO)
    found = [*on_duty.on_call(organisation_id, now), *(each.id for each in dpos)]
    return found or [each.id for each in people.staff_with_role(organisation_id, Role.ADMIN)]
