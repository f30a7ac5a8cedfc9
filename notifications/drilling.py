"""The pretend phones and mailboxes of a drill: what lies on them, and answering as their owner would.

An answer goes the way of every text message (`replies.answer`) and every link, so that what is measured
is what would happen in earnest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Missing
from notifications import replies
from notifications.models import Channel, DrillLadder, Message, Page, PageState
from notifications.rules.pretend import is_drill

LINK = re.compile(r"/a/[\w-]+")


@dataclass(frozen=True, slots=True)
class Text:
    """One message on a pretend phone or in a pretend mailbox; `calls` is whether it waits to be taken."""

    id: UUID
    channel: str
    template: str
    subject: str
    text: str
    code: str
    state: str
    at: datetime
    calls: bool
    link: str  # where its link leads on our own site; empty without one


@dataclass(frozen=True, slots=True)
class Device:
    """A pretend phone or mailbox: whose it is, its masked address, and what lies on it, newest first."""

    owner: str
    of_staff: bool
    channel: str
    address: str
    texts: list[Text]


def set_ladder(about: str, staff_ids: Sequence[UUID], *, organisation_id: UUID, minutes: int) -> None:
    """Let the pages of a drill go to these people, one after another, so many minutes apart."""
    steps = [{"staff": str(each), "minutes": minutes} for each in staff_ids]
    db.session.add(DrillLadder(about=about, organisation_id=organisation_id, steps=steps))
    db.session.flush()


def devices(about: str) -> list[Device]:
    """Every pretend phone and mailbox that a drill has written to: colleagues first, by name."""
    if not is_drill(about):
        return []
    rows = db.session.execute(
        select(Message, StaffMember.name, Page.state)
        .outerjoin(StaffMember, StaffMember.id == Message.staff_id)
        .outerjoin(Page, Page.id == Message.page_id)
        .where(Message.about == about, Message.channel == Channel.PRETEND)
        .order_by(Message.id.desc())
    )
    found: dict[tuple[str, str, str], Device] = {}
    for message, name, page in rows:
        whose = name or str(message.context.get("name", ""))
        key = (whose, message.way, message.recipient)
        if key not in found:
            found[key] = Device(whose, name is not None, message.way, message.recipient, [])
        found[key].texts.append(_text(message, page))
    return sorted(found.values(), key=lambda each: (not each.of_staff, each.owner, each.channel != "sms"))


def _text(message: Message, page: PageState | None) -> Text:
    out = message.state.value in ("accepted", "delivered")
    link = LINK.search(message.content["text"])
    return Text(
        message.id, message.way, message.template, message.content.get("subject", ""),
        message.content["text"], message.reference, message.state, message.created_at,
        calls=out and page is PageState.OPEN, link=link.group() if link else "",
    )  # fmt: skip


def answer(about: str, message_id: UUID, body: str, *, now: datetime) -> str:
    """Write back from the pretend phone that has this message; what Breachclock answers, perhaps nothing.

    Raises: Missing when no message of this drill lies there.
    """
    mine = select(Message).where(
        Message.id == message_id, Message.about == about, Message.channel == Channel.PRETEND
    )
    message = db.session.scalars(mine).one_or_none()
    if message is None or not is_drill(about):
        raise Missing(_("There is no such message in this drill."))
    said = replies.answer(sender=message.recipient, body=body, sid=f"drill-{new_id()}", now=now)
    return said or ""
