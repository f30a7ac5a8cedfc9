"""Probes: messages to ourselves by the whole way that real ones take, outbox to receipt.

A canary goes every few minutes to the test number and the test address, a test page every hour to the
number and wants an answer. One that is late or fails is told to people over another way. Probes are
about `probe/<organisation>`: the ledger and all statistics leave them out, and they are forgotten.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy import ColumnElement, delete, func, select

from accounts import people
from accounts.models import Organisation
from foundation.database import db, everyone, insert_unless_there, new_id
from foundation.encryption import blind_indexes
from foundation.settings import Settings
from notifications import alarms, channels, outbox, received, ways
from notifications.models import Attempt, Channel, ContactMethod, Kind, Message, Receipt, State
from notifications.models.watching import CANARY, TEST_PAGE, Probe
from notifications.rules import watching
from notifications.rules.replies import Meaning, read
from notifications.rules.watching import Verdict

# A way that fails takes with it whatever goes by the same provider.
GOES_WITH = {"sms": (Channel.SMS, Channel.VOICE), "email": (Channel.EMAIL,)}
TEXTS = {CANARY: "canary", TEST_PAGE: "hourly_page"}
GIVEN_UP = (State.UNREACHED, State.CANCELLED, State.HELD)
FORGOTTEN_AT_ONCE = 200
JUDGED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One series of probes: what it is, by which channel, to which address, how often, how soon back."""

    kind: str
    channel: str
    address: str = field(repr=False)
    every: timedelta
    within: timedelta


@dataclass(frozen=True, slots=True)
class Last:
    """How a series stands: the verdict on the newest that has one, and when one last came through.

    `took` is how long that one was under way; without `sent_at` none was sent yet.
    """

    kind: str
    channel: str
    sent_at: datetime | None
    verdict: Verdict
    well_at: datetime | None
    took: timedelta | None
    why: str | None


def lines(settings: Settings | None = None) -> list[Line]:
    """The series that are switched on, by the settings."""
    told: Settings = settings or current_app.config["SETTINGS"]
    terms = watching.terms()
    by_sms = [
        Line(CANARY, "sms", told.test_number, terms.canary_every, terms.canary_late),
        Line(TEST_PAGE, "sms", told.test_number, terms.page_every, terms.answer_within),
    ]
    by_mail = [Line(CANARY, "email", told.test_email, terms.canary_every, terms.canary_late)]
    return [each for each in (*by_sms, *by_mail) if each.address]


_BAD = (Verdict.LATE, Verdict.FAILED)


def due(now: datetime) -> list[Line]:
    """The series of which a probe is to go now."""
    return [each for each in lines() if watching.is_due(_last_sent(each), each.every, now)]


def send(line: Line, *, now: datetime) -> bool:
    """Owe one probe, in a transaction of its own; false when another clock did, or nobody is here yet."""
    organisation = next(iter(people.organisations()), None)
    if organisation is None or not _send(line, organisation, now):
        return False
    _forget(now)
    return True


def _last_sent(line: Line) -> datetime | None:
    mine = Probe.kind == line.kind, Probe.channel == line.channel
    return db.session.scalar(select(func.max(Probe.sent_at)).where(*mine))


def _send(line: Line, organisation: Organisation, now: datetime) -> bool:
    row = {
        "id": new_id(), "organisation_id": organisation.id, "kind": line.kind, "channel": line.channel,
        "slot": watching.slot(now, line.every), "sent_at": now, "verdict": Verdict.WAITING.value,
    }  # fmt: skip
    if not insert_unless_there(Probe, row):
        return False
    probe = db.session.get_one(Probe, row["id"])
    about = f"{watching.PROBE}{organisation.id}"
    recipient = outbox.recipient(about, line.channel, line.address, organisation.locale)
    probe.message_id = outbox.post(
        organisation_id=organisation.id, about=about, kind=Kind.INTERNAL,
        template=TEXTS[line.kind], recipient=recipient, context={"organisation": organisation.name},
        dedupe_key=f"probe:{probe.id}", now=now,
    )  # fmt: skip
    return True


# --- what became of them --------------------------------------------------------------------------


def waiting() -> list[UUID]:
    """The probes without a verdict, the newest first: one that cannot be judged keeps none waiting."""
    return _some(Probe.verdict == Verdict.WAITING)


def untold() -> list[UUID]:
    """The probes that failed and of which nobody was told, the newest first."""
    return _some(Probe.verdict.in_(_BAD), Probe.told_at.is_(None))


def _some(*which: ColumnElement[bool]) -> list[UUID]:
    those = select(Probe.id).where(*which).order_by(Probe.sent_at.desc(), Probe.id).limit(JUDGED_AT_ONCE)
    return list(db.session.scalars(those))


def _locked(probe_id: UUID) -> Probe | None:
    """A probe under its lock; None when another clock has it."""
    mine = select(Probe).where(Probe.id == probe_id).with_for_update(skip_locked=True)
    return db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()


def judge(probe_id: UUID, *, now: datetime) -> bool:
    """Give one probe its verdict, in a transaction of its own; false while there is none."""
    probe = _locked(probe_id)
    return probe is not None and probe.verdict == Verdict.WAITING and _judge(probe, now)


def tell(probe_id: UUID, *, now: datetime) -> bool:
    """Tell people of one that failed, in a transaction of its own; false when that was done."""
    probe = _locked(probe_id)
    if probe is None or probe.verdict not in _BAD or probe.told_at:
        return False
    _tell(probe, now)
    return True


def _judge(probe: Probe, now: datetime) -> bool:
    mine = select(Message).where(Message.id == probe.message_id).with_for_update()
    message = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if message is None:
        probe.verdict, probe.why = Verdict.FAILED.value, "its message is not there"
        return True
    wants_answer = probe.kind == TEST_PAGE
    arrived_at = None if wants_answer else _arrived_at(message)
    terms = watching.terms()
    within = terms.answer_within if wants_answer else terms.canary_late
    found = watching.verdict(
        sent_at=probe.sent_at, arrived_at=arrived_at, gave_up=message.state in GIVEN_UP, within=within,
        now=now,
    )  # fmt: skip
    if found is Verdict.WAITING:
        return False
    probe.verdict, probe.ended_at = found.value, arrived_at
    if found is not Verdict.ARRIVED:
        probe.why = _why(probe, message, within)
        _give_up(message, now)
    return True


def _arrived_at(message: Message) -> datetime | None:
    """When a message came back as far as its provider ever tells: one that sends no receipts says yes."""
    if message.state is State.ACCEPTED and message.provider in channels.MUTE:
        return message.accepted_at
    return message.done_at if message.state is State.DELIVERED else None


def _why(probe: Probe, message: Message, within: timedelta) -> str:
    if message.state in GIVEN_UP:
        return (message.why or "it was given up")[:300]
    minutes = int(within.total_seconds() // 60)
    if probe.kind == TEST_PAGE and message.state in (State.ACCEPTED, State.DELIVERED):
        return f"nobody answered within {minutes} minutes"
    said = f" ({message.why})" if message.why else ""
    return f"no receipt within {minutes} minutes; it is {message.state.value}{said}"[:300]


def _give_up(message: Message, now: datetime) -> None:
    """A probe that comes too late proves nothing: it goes no more, and wants nobody."""
    if message.state is State.PENDING:
        message.state, message.done_at = State.CANCELLED, now
        message.why = "it would come too late to prove anything"
    message.wants_person_at = None


def _tell(probe: Probe, now: datetime) -> None:
    """Tell DPO and on-call of every organisation, over another way than the one that failed."""
    mine = Probe.kind == probe.kind, Probe.channel == probe.channel
    earlier = db.session.scalar(select(func.max(Probe.told_at)).where(*mine))
    well_at = db.session.scalar(
        select(func.max(Probe.ended_at)).where(*mine, Probe.verdict == Verdict.ARRIVED)
    )
    if not watching.is_told_again(earlier, well_at, now):
        probe.told_at = earlier
        return
    probe.told_at = now
    for organisation in people.organisations():
        context = {
            "channel": probe.channel, "why": probe.why or "", "path": "/ready",
            "asked_at": probe.sent_at.isoformat(), "timezone": organisation.timezone,
        }  # fmt: skip
        template = "canary_failed" if probe.kind == CANARY else "test_page_unanswered"
        for staff_id in alarms.guardians(organisation.id, now):
            _tell_one(staff_id, organisation.id, template, context, probe, now)


def _tell_one(  # noqa: PLR0917  to whom, about what
    staff_id: UUID, organisation_id: UUID, template: str, context: dict[str, str], probe: Probe, now: datetime
) -> None:
    person = ways.active(staff_id)
    if person is None:
        return
    known = ways.ways_of(person)
    others = [each for each in known if each.channel not in GOES_WITH[probe.channel]]
    if not others and probe.channel != "email":
        others = [ways.Way("account", Channel.EMAIL, person.email)]
    for way in others or known:
        ways.tell(
            person, way, about=f"organisation/{organisation_id}", template=template, bare="reminder_bare",
            context=context, organisation_id=organisation_id, kind=Kind.INTERNAL, must_by=None, now=now,
            dedupe_key=f"probe:{probe.id}:{person.id}:{way.key}",
        )  # fmt: skip


# --- answers ------------------------------------------------------------------------------------


def answered(*, sender: str, body: str, sid: str, now: datetime) -> bool:
    """Take a text from the test number as the answer to a test page; false when it is none of that.

    By the code of the page; a number that no colleague has may answer with anything but STOP. `sid` is
    the provider's id of the text. Whoever answers a test page gets no answer: two machines would talk on.
    """
    if not sender or sender != current_app.config["SETTINGS"].test_number:
        return False
    reply = read(body)
    asked = (
        select(Probe, Message.reference)
        .join(Message, Message.id == Probe.message_id)
        .where(Probe.kind == TEST_PAGE)
        .order_by(Probe.sent_at.desc())
        .limit(12)
    )
    pages = [(each, reference) for each, reference in db.session.execute(asked)]
    taken = next((each for each, reference in pages if reference in reply.codes), None)
    if taken is None and reply.meaning is not Meaning.STOP and not _is_a_colleagues(sender):
        taken = next((each for each, _reference in pages), None)
    if taken is None:
        return False
    if received.once("twilio", f"{sid}:received", "received", now=now) and taken.ended_at is None:
        db.session.refresh(taken, with_for_update=True)
        taken.ended_at = now
        if taken.verdict == Verdict.WAITING:
            taken.verdict = Verdict.ARRIVED
    return True


def _is_a_colleagues(number: str) -> bool:
    has = select(ContactMethod.id).where(ContactMethod.address_index.in_(blind_indexes(number)))
    return bool(db.session.scalar(select(has.exists())))


# --- asked --------------------------------------------------------------------------------------


def standing(settings: Settings | None = None) -> list[Last]:
    """How each series that is switched on stands; to every organisation, whichever it was sent for."""
    with everyone():
        return [_standing(each) for each in lines(settings)]


def _standing(line: Line) -> Last:
    mine = select(Probe).where(Probe.kind == line.kind, Probe.channel == line.channel)
    newest = db.session.scalars(mine.order_by(Probe.sent_at.desc()).limit(3)).all()
    judged = next((each for each in newest if each.verdict != Verdict.WAITING), None)
    well = db.session.scalars(
        mine.where(Probe.verdict == Verdict.ARRIVED).order_by(Probe.sent_at.desc()).limit(1)
    ).first()
    return Last(
        line.kind, line.channel, newest[0].sent_at if newest else None,
        Verdict(judged.verdict) if judged else Verdict.WAITING,
        well.ended_at if well else None, well.ended_at - well.sent_at if well and well.ended_at else None,
        judged.why if judged else None,
    )  # fmt: skip


def no_way_out(stands: Sequence[Last]) -> bool:
    """Whether the canaries of two ways or more are out, and none of them came through."""
    canaries = [each for each in stands if each.kind == CANARY]
    return len(canaries) > 1 and all(each.verdict in _BAD for each in canaries)


def figures(now: datetime) -> Iterator[tuple[str, str, float]]:
    """Name, meaning and value of each figure for monitors; -1 where none ever came through."""
    for each in standing():
        name = f"{each.kind}_{each.channel}"
        age = (now - each.well_at).total_seconds() if each.well_at else -1.0
        took = each.took.total_seconds() if each.took is not None else -1.0
        yield f"{name}_age_seconds", "Since a probe last came through by this way", age
        yield f"{name}_round_trip_seconds", "How long it took from outbox to receipt or answer", took
        yield f"{name}_failing", "Whether the latest probe did not come through", float(each.verdict in _BAD)


# --- forgotten ----------------------------------------------------------------------------------


def _forget(now: datetime) -> None:
    """Erase what is known of old probes: their messages hold an address and prove nothing any more."""
    old = select(Probe.id, Probe.message_id).where(Probe.sent_at < now - watching.terms().kept)
    found = db.session.execute(old.limit(FORGOTTEN_AT_ONCE)).all()
    if not found:
        return
    messages = [each.message_id for each in found if each.message_id]
    attempts = db.session.scalars(select(Attempt.id).where(Attempt.message_id.in_(messages))).all()
    for statement in (
        delete(Probe).where(Probe.id.in_([each.id for each in found])),
        delete(Receipt).where(Receipt.attempt_id.in_(attempts)),
        delete(Attempt).where(Attempt.id.in_(attempts)),
        delete(Message).where(Message.id.in_(messages), Message.about.startswith(watching.PROBE)),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
