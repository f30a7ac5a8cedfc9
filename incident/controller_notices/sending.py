"""Sending notices, each customer's alone; following them to delivery; writing down who was told otherwise.

A customer is told when a provider says that a message to one of its contacts arrived, or when a person
says by what other way it was told. Nothing less meets the duty.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, meeting, related
from incident.clocks import TELL_CONTROLLERS
from incident.controller_notices import approving, rounds, writing
from incident.controller_notices.rounds import BREACHCLOCK
from incident.models import ControllerNotice, Duty, Incident, NoticeRound, NoticeState, RoundState
from incident.rules import lifecycle
from incident.rules.lifecycle import State
from notifications import fates, outbox
from notifications.fates import Fate
from playbooks import runs

TEMPLATE = "controller_notice"
BATCH = 50  # customers in one transaction
UNDECIDED = (NoticeState.SENT, NoticeState.UNREACHED)  # a message may still arrive
EVENT = "controllers.told"


def key(notice_id: UUID, position: int) -> str:
    """The name of the message to one contact: whoever is written to twice under it is told once."""
    return f"{key_prefix(notice_id)}{position}"


def key_prefix(notice_id: UUID) -> str:
    """How the names of all messages of one notice begin."""
    return f"controller:{notice_id}:"


def send(
    incident: Incident, round_: NoticeRound, *, seen: str, count: int, by: StaffMember, now: datetime
) -> int:
    """Let the notices go, the clock posts them in parts; how many, or 0 when that was done before.

    `seen` and `count` are the hash and the number of customers that the page named. Raises: Refused unless
    exactly that text to exactly that list is approved, and when the incident is over.
    """
    if round_.state not in rounds.BEFORE_SENDING:
        return 0
    meeting.refuse_when_over(incident)
    if round_.state != RoundState.APPROVED:
        raise Refused(
            _("Only approved notices are sent."),
            next_step=_("Have a second person approve text and list."),
        )
    approving.refuse_while_asides_wait(incident)
    waiting = rounds.counts(round_).get(NoticeState.DRAFT, 0)
    if not seen == round_.approved_sha256 == rounds.fingerprint(round_) or count != waiting:
        raise Refused(
            _("Text or list are not those that were approved and shown to you. Nobody was written to."),
            next_step=_("Open the notices again and look at what is approved now."),
        )
    round_.state, round_.sent_by, round_.sent_at = RoundState.SENDING, by.name, now
    db.session.flush()
    rounds.log(incident, round_, "notices.sent", by.name, now, customers=waiting)
    return waiting


def under_way() -> list[UUID]:
    """The rounds that are being sent or followed; takes no lock."""
    mine = select(NoticeRound.id).where(NoticeRound.state == RoundState.SENDING)
    return list(db.session.scalars(mine.order_by(NoticeRound.sent_at)))


def post_next(round_id: UUID, *, now: datetime, most: int = BATCH) -> bool:
    """Owe the next customers of a round their messages; whether there are more. Safe to repeat."""
    incident, round_ = _locked(round_id)
    if round_.state != RoundState.SENDING or not lifecycle.clocks_run(State(incident.state)):
        return False
    mine = select(ControllerNotice).where(
        ControllerNotice.round_id == round_.id, ControllerNotice.state == NoticeState.DRAFT
    )
    notices = list(db.session.scalars(mine.order_by(ControllerNotice.id).limit(most + 1)))
    for notice in notices[:most]:
        _post(incident, round_, notice, now)
    db.session.flush()
    return len(notices) > most


def _locked(round_id: UUID) -> tuple[Incident, NoticeRound]:
    incident = db.session.scalars(
        select(Incident)
        .join(NoticeRound, NoticeRound.incident_id == Incident.id)
        .where(NoticeRound.id == round_id)
        .with_for_update(of=Incident)
        .execution_options(populate_existing=True)
    ).one()
    return incident, rounds.of(incident, round_id)


def _post(incident: Incident, round_: NoticeRound, notice: ControllerNotice, now: datetime) -> None:
    """A message to each contact, once to an address; by text where no e-mail arrives, or there is none."""
    if writing.own_hash(notice.customer_id, notice.locale, notice.own) != notice.sha256:
        raise RuntimeError(f"Notice {notice.id} is not what was approved.")
    duty = db.session.get_one(Duty, notice.duty_id)
    written_to: set[str] = set()
    for position, (name, email, phone) in enumerate(notice.own["contacts"]):
        ways = [("email", email), ("sms", phone)]
        (channel, address), *later = [(channel, address) for channel, address in ways if address]
        if address.casefold() in written_to:  # two contacts who read the same mailbox
            continue
        written_to.add(address.casefold())
        outbox.post(
            organisation_id=incident.organisation_id, about=incident.chain, kind="subject",
            template=TEMPLATE, now=now, must_by=duty.due_at, dedupe_key=key(notice.id, position),
            recipient=outbox.recipient(
                incident.chain, channel, address, notice.locale, fallbacks=tuple(later)
            ),
            context=writing.context(notice.own, round_.texts[notice.locale], notice.locale, name),
        )  # fmt: skip
    notice.posted_at = now
    notice.state = NoticeState.SENT if notice.own["contacts"] else NoticeState.UNREACHED
    if notice.state == NoticeState.UNREACHED:
        _note(incident, notice, "notice.no_contact", BREACHCLOCK, now)


# --- following ----------------------------------------------------------------------------------


def has_news(round_id: UUID) -> bool:
    """Whether something has come true of a round that is not written down yet; takes no lock."""
    round_ = db.session.get(NoticeRound, round_id)
    if round_ is None or round_.state != RoundState.SENDING:
        return False
    incident = db.session.get_one(Incident, round_.incident_id)
    found, runs_on = rounds.counts(round_), lifecycle.clocks_run(State(incident.state))
    if runs_on and (found.get(NoticeState.DRAFT) or not any(found.get(each) for each in UNDECIDED)):
        return True
    return bool(_news(incident, round_))


def follow(round_id: UUID, *, now: datetime, most: int = BATCH) -> bool:
    """Write down what has become of some notices of a round; whether there is more to write down.

    Whoever was not reached is told of by the alarm that each failed message raises itself.
    """
    of = select(NoticeRound.incident_id).where(NoticeRound.id == round_id)
    incident = related.locked(db.session.scalars(of).one())  # with those that carry it, whose duties follow
    round_ = rounds.of(incident, round_id)
    if round_.state != RoundState.SENDING:
        return False
    news = _news(incident, round_)
    for notice_id, (state, at) in list(news.items())[:most]:
        notice = db.session.get_one(ControllerNotice, notice_id, populate_existing=True)
        if state == NoticeState.DELIVERED:
            _told(incident, notice, state, at or now, actor=BREACHCLOCK, now=now)
        else:
            notice.state = state
            _note(incident, notice, "notice.not_reached", BREACHCLOCK, now)
    db.session.flush()
    conclude(incident, round_, now=now)
    return len(news) > most


def _news(incident: Incident, round_: NoticeRound) -> dict[UUID, tuple[NoticeState, datetime | None]]:
    mine = select(ControllerNotice.id, ControllerNotice.state).where(
        ControllerNotice.round_id == round_.id, ControllerNotice.state.in_(UNDECIDED)
    )
    open_ones = {row.id: row.state for row in db.session.execute(mine)}
    by_notice = _by_notice(fates.of(incident.chain, "controller:")) if open_ones else {}
    found: dict[UUID, tuple[NoticeState, datetime | None]] = {}
    for notice_id, state in open_ones.items():
        several = by_notice.get(notice_id, [])
        arrived = [each for each in several if each.delivered]
        if arrived:
            at = min((each.done_at for each in arrived if each.done_at), default=None)
            found[notice_id] = (NoticeState.DELIVERED, at)
        elif state == NoticeState.SENT and all(each.given_up for each in several):
            found[notice_id] = (NoticeState.UNREACHED, None)
    return found


def _by_notice(found: Mapping[str, Fate]) -> dict[UUID, list[Fate]]:
    several: dict[UUID, list[Fate]] = {}
    for name, fate in found.items():
        several.setdefault(UUID(name.split(":")[1]), []).append(fate)
    return several


def conclude(incident: Incident, round_: NoticeRound, *, now: datetime) -> None:
    """Complete the round once nobody of it waits; with the last customer of the incident the clock stops."""
    found = rounds.counts(round_)
    waits = any(found.get(each) for each in (NoticeState.DRAFT, *UNDECIDED))
    if round_.state == RoundState.SENDING and not waits:
        round_.state, round_.completed_at = RoundState.COMPLETE, now
        db.session.flush()
        rounds.log(incident, round_, "notices.completed", BREACHCLOCK, now, states=found)
    stop_when_done(incident, now=now)


def stop_when_done(incident: Incident, *, now: datetime, actor: str = BREACHCLOCK) -> None:
    """Stop the clock towards customers once none of them is owed anything; else mind the next due time."""
    owed = meeting.still_open(meeting.duties_of(incident, "gdpr-33-2"))
    if owed:
        clocks.settle(incident)
        return
    clocks.stop(incident, TELL_CONTROLLERS, why=_("The customers are told."), actor=actor, now=now)
    runs.happened(incident.chain, EVENT, actor=actor, now=now)


# --- told another way ---------------------------------------------------------------------------


def record_told(
    incident: Incident, notice: ControllerNotice, *, at: datetime, how: str, whom: str, by: StaffMember,
    now: datetime,
) -> None:  # fmt: skip
    """A person told the customer another way, as by telephone, at `at` (an aware instant).

    Raises: Invalid without a way and a name, or for a time that cannot be; Refused when it was told.
    """
    if notice.state in (NoticeState.DELIVERED, NoticeState.TOLD, NoticeState.WITHDRAWN):
        raise Refused(
            _("This customer was told already, or was set aside."),
            next_step=_("What is new goes to it as a further notice."),
        )
    if not how.strip() or not whom.strip():
        raise Invalid(
            _("Say by what way, and who was told."), next_step=_("It is the proof that the duty was met.")
        )
    if at > now:
        raise Invalid(_("It cannot have been told in the future."), next_step=_("Check date and time."))
    earliest = incident.aware_at or incident.reported_at
    if at < earliest - timedelta(minutes=1):
        raise Invalid(
            _("It cannot have been told before we were aware."), next_step=_("Check date and time.")
        )
    notice.told_how = f"{how.strip()}: {whom.strip()}"[:500]
    _told(incident, notice, NoticeState.TOLD, at, actor=by.name, now=now)
    round_ = rounds.of(incident, notice.round_id)
    conclude(incident, round_, now=now)


def _told(
    incident: Incident, notice: ControllerNotice, state: NoticeState, at: datetime, *, actor: str,
    now: datetime,
) -> None:  # fmt: skip
    notice.state, notice.told_at = state, at
    notice.told_by = actor if state == NoticeState.TOLD else None
    db.session.flush()
    action = "notice.delivered" if state == NoticeState.DELIVERED else "notice.told_otherwise"
    _note(incident, notice, action, actor, now, told_at=at)
    duty = db.session.get_one(Duty, notice.duty_id)
    meeting.meet(incident, duty, at=at, actor=actor, now=now)
    meeting.count_for_carrier([duty], at=at, actor=actor, now=now)


def _note(
    incident: Incident, notice: ControllerNotice, action: str, actor: str, now: datetime, **details: Any
) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now,
        customer=notice.customer_id, notice=notice.id, **details,
    )  # fmt: skip
