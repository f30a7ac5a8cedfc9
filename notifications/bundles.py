"""Pages that wait to go together: one message for a person by one way, which names them and takes them all.

The message belongs to no single page: which it stands for is in `rings`. It goes when the first of them may
wait no longer; of one page that is left it is that page's own message.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import db
from notifications import outbox, ringing, ways
from notifications.hurrying import BUNDLE, WAITS
from notifications.models import HeldReminder, Kind, Message, Page, PageState, Ring
from notifications.rules import terms
from notifications.rules.escalation import deadline_of
from notifications.rules.pretend import is_drill
from notifications.rules.quiet import told_later

GONE = "the page or the way is gone"


def due(now: datetime) -> list[tuple[UUID, str]]:
    """Who has pages that may wait no longer, and by which way; those that waited longest first."""
    waiting = select(Ring.staff_id, Ring.way).where(*WAITS, Ring.held, Ring.at <= now)
    longest = waiting.group_by(Ring.staff_id, Ring.way).order_by(func.min(Ring.at), Ring.staff_id)
    grouped = longest.limit(outbox.BATCH)
    return [(row.staff_id, row.way) for row in db.session.execute(grouped)]


def send(whose: tuple[UUID, str], *, now: datetime) -> bool:
    """Send a person what waits for one of their ways; false when nothing is left of it.

    Earnest and drill each in a message of their own. Safe to run twice: pages are locked, then their rows.
    """
    staff_id, key = whose
    mine = Ring.staff_id == staff_id, Ring.way == key, Ring.held, *WAITS
    page_ids = select(Ring.page_id).where(*mine)
    locked = select(Page).where(Page.id.in_(page_ids)).order_by(Page.id).with_for_update()
    pages = {each.id: each for each in db.session.scalars(locked.execution_options(populate_existing=True))}
    rows = select(Ring).where(*mine, Ring.page_id.in_(list(pages))).order_by(Ring.id).with_for_update()
    rings = list(db.session.scalars(rows.execution_options(populate_existing=True)))
    person = ways.active(staff_id)
    way = next((each for each in ways.ways_of(person) if each.key == key), None) if person else None
    wanted = [
        each for each in rings
        if person and way and pages[each.page_id].state is PageState.OPEN
    ]  # fmt: skip
    for each in rings:
        if each not in wanted:
            each.dropped_at, each.why = now, GONE
    if person and way:
        for pretend in (False, True):
            part = [each for each in wanted if is_drill(pages[each.page_id].about) is pretend]
            _send(person, way, [(each, pages[each.page_id]) for each in part], now)
    return bool(wanted)


def _send(
    person: StaffMember, way: ways.Way, those: Sequence[tuple[Ring, Page]], now: datetime
) -> None:  # fmt: skip
    if not those:
        return
    pages = list({page.id: page for _ring, page in those}.values())
    if len(pages) == 1:
        message_id = ringing.post(pages[0], person, way, now)
    else:
        message_id = _post(person, way, pages, str(those[0][0].id), now)
    for each, page in those:
        each.posted_at, each.message_id = now, message_id
        if len(pages) > 1:
            _enter(page, each, message_id, len(pages), now)


def _post(
    person: StaffMember, way: ways.Way, pages: Sequence[Page], key: str, now: datetime
) -> UUID | None:  # fmt: skip
    """One message for several pages; in the ledger of each it is named."""
    organisation = db.session.get_one(Organisation, person.organisation_id)
    numbers = list(dict.fromkeys(str(each.context.get("number") or "") for each in pages))
    shown = [each for each in numbers if each][: terms.limits(now).named]
    due = min(filter(None, (deadline_of(each.must_by, each.context) for each in pages)), default=None)
    drill = is_drill(pages[0].about)
    return ways.tell(
        person, way, template=BUNDLE, bare=ringing.BARE, linked=True,
        context={
            "organisation": organisation.name, "timezone": organisation.timezone, "count": str(len(pages)),
            "numbers": shown, "due_at": due.isoformat(timespec="seconds") if due else "",
        },
        organisation_id=person.organisation_id, kind=Kind.ONCALL, must_by=None, now=now,
        about=pages[0].about if drill else f"organisation/{person.organisation_id}",
        dedupe_key=f"bundle:{key}",
    )  # fmt: skip


def _enter(page: Page, ring: Ring, message_id: UUID | None, count: int, now: datetime) -> None:
    ledger.append(
        page.about, "page.sent_with_others", organisation_id=page.organisation_id, actor="Breachclock",
        at=now, page=page.id, staff=ring.staff_id, channel=ring.channel, message=message_id, count=count,
    )  # fmt: skip


def pages_of(message: Message) -> list[UUID]:
    """The pages that a message's code and link stand for: its own, or all of a bundle; none of a reminder."""
    if message.template != BUNDLE:
        return [message.page_id] if message.page_id else []
    named = select(Ring.page_id).where(Ring.message_id == message.id)
    return sorted(set(db.session.scalars(named)))


# --- reminders that can wait -------------------------------------------------------------------------


def due_reminders(now: datetime) -> list[UUID]:
    """For whom reminders are kept that may wait no longer, those that waited longest first."""
    waiting = select(HeldReminder.staff_id).where(HeldReminder.message_id.is_(None), HeldReminder.at <= now)
    longest = waiting.group_by(HeldReminder.staff_id).order_by(func.min(HeldReminder.at))
    return list(db.session.scalars(longest.limit(outbox.BATCH)))


def send_reminders(staff_id: UUID, *, now: datetime) -> bool:
    """Send a person the reminders that are kept for them in one message; false when there are none.

    Whoever is gone is told nothing, and what was withdrawn is no more among them. As each reminder by
    itself it waits for quiet hours to end where that costs nothing, kept until then so that what is done
    meanwhile is told no more, and goes by no call.
    """
    mine = select(HeldReminder).where(HeldReminder.staff_id == staff_id, HeldReminder.message_id.is_(None))
    kept = list(db.session.scalars(mine.order_by(HeldReminder.id).with_for_update()))
    person = ways.active(staff_id)
    if not kept:
        return False
    if person is None:
        for each in kept:
            db.session.delete(each)
        return False
    at = ways.ready_at(person, {"duties": [each.context for each in kept]}, None, now)
    if at > now:
        for each in kept:
            each.at = at
        return False
    message_id = _remind(person, kept, now)
    action = "reminder.sent_with_others" if len(kept) > 1 else "reminder.sent_later"
    for each in kept:
        each.message_id = message_id
        ledger.append(
            each.about, action, organisation_id=each.organisation_id,
            actor="Breachclock", at=now, staff=staff_id, message=message_id, template=each.template,
        )  # fmt: skip
    return True


def _remind(person: StaffMember, kept: Sequence[HeldReminder], now: datetime) -> UUID | None:
    """One message for all that is kept; what is kept alone goes as it would have gone."""
    first, *later = ways.calmly(ways.ways_of(person))
    alone = kept[0] if len(kept) == 1 else None
    return ways.tell(
        person, first, template=alone.template if alone else "reminder_bundle", bare="reminder_bare",
        later=later, organisation_id=person.organisation_id, kind=Kind.INTERNAL, must_by=None, now=now,
        context=told_later(alone.context, now - alone.held_at) if alone else _together(person, kept, now),
        about=alone.about if alone else f"organisation/{person.organisation_id}",
        dedupe_key=f"reminders:{kept[0].id}",
    )  # fmt: skip


def _together(person: StaffMember, kept: Sequence[HeldReminder], now: datetime) -> dict[str, Any]:
    organisation = db.session.get_one(Organisation, person.organisation_id)
    named = terms.limits(now).named
    return {
        "count": str(len(kept)), "items": [_item(each) for each in kept[:named]],
        "more": len(kept) - named if len(kept) > named else "", "timezone": organisation.timezone,
        "path": "/",
    }  # fmt: skip


def _item(kept: HeldReminder) -> dict[str, Any]:
    known = kept.context
    return {
        "number": str(known.get("number") or ""), "step": str(known.get("step") or ""),
        "due_at": str(known.get("due_at") or ""), "path": str(known["path"]),
        "duties": list(known.get("duties", ())),
    }  # fmt: skip
