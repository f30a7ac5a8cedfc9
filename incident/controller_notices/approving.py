"""Approving a round: what still stands in the way, and the second person who stands behind it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from accounts.models import StaffMember
from foundation import locales
from foundation.database import db
from foundation.errors import Refused
from foundation.ledger import Entry
from incident import letters, meeting
from incident.controller_notices import rounds, writing
from incident.controller_notices.names import Naming
from incident.letters import Lack
from incident.models import (
    ControllerNotice,
    Incident,
    NoticeRound,
    NoticeState,
    RoundState,
    SetAside,
    SetAsideState,
)

BY_HAND = ("notices.text_changed", "notices.own_changed", "notices.list_changed")
SENT = "notices.sent"


def namings(incident: Incident, round_: NoticeRound) -> list[Naming]:
    """Customers that others would read of: named in a common part, or in somebody else's own part."""
    names = rounds.names_of(incident)
    common = "\n".join(text for parts in round_.texts.values() for text in parts.values())
    found = {each.customer_id: each for each in names.found_in(common)}
    for notice in rounds.notices_of(round_, NoticeState.DRAFT):
        own = "\n".join([*notice.own["systems"], notice.own["note"]])
        for each in names.found_in(own, but=notice.customer_id) if own.strip() else ():
            found.setdefault(each.customer_id, each)
    return list(found.values())


def lacking(round_: NoticeRound) -> list[Lack]:
    """What the common parts lack in the languages that somebody on the list reads."""
    found = []
    for locale in rounds.languages_of(round_):
        parts = round_.texts.get(locale, {})
        found += [
            Lack(locale, part, brackets=False) for part in writing.REQUIRED if not parts.get(part, "").strip()
        ]
        found += [
            Lack(locale, part, brackets=True) for part, text in parts.items() if letters.has_brackets(text)
        ]
    return found


def refuse_while_asides_wait(incident: Incident) -> None:
    """Whom somebody says not to tell is told, or not, when a second one has said so. Raises: Refused."""
    mine = select(func.count()).select_from(SetAside).where(
        SetAside.incident_id == incident.id, SetAside.state == SetAsideState.PENDING
    )  # fmt: skip
    if count := db.session.scalar(mine):
        raise Refused(
            _("Of %(count)s customers somebody says that they are not concerned; nobody has agreed yet.",
              count=count),
            next_step=_("Have a second person agree, or not agree, on the list of customers."),
        )  # fmt: skip


def authors(incident: Incident) -> set[UUID]:
    """Whose words stand in what was not sent yet, and who last changed its list, by the record.

    Whoever changes the list becomes no author of the texts: who wrote each of them last stays one.
    """
    mine = select(Entry).where(Entry.chain == incident.chain, Entry.action.in_((*BY_HAND, SENT)))
    found: dict[str, UUID] = {}
    for entry in db.session.scalars(mine.order_by(Entry.number)):
        said = entry.details
        if entry.action == SENT:  # a second person stood behind it
            found.clear()
        elif "staff" in said:
            found[str(said.get("language") or said.get("customer") or "list")] = UUID(said["staff"])
    return set(found.values())


def approve(incident: Incident, round_: NoticeRound, *, seen: str, by: StaffMember, now: datetime) -> None:
    """Stand behind these texts to these customers. Approving it twice changes nothing.

    The second of two persons: none of its authors approves it. Raises: Refused for that, when it
    was sent or changed meanwhile, when nobody is on the list, a part is missing, or a customer is named.
    """
    rounds.refuse_sent(round_)
    rounds.refuse_stale(round_, seen)
    if round_.state == RoundState.APPROVED:
        return
    meeting.refuse_when_over(incident)
    if by.id in {round_.written_by_id, *authors(incident)}:
        raise Refused(
            _("You wrote this last: a second person approves it before it goes out."),
            next_step=_("Ask a colleague who may approve communications to read and approve it."),
        )
    refuse_while_asides_wait(incident)
    drafts = rounds.notices_of(round_, NoticeState.DRAFT)
    if not drafts:
        raise Refused(_("No customer is on the list."), next_step=_("Add those who are concerned first."))
    if left := lacking(round_):
        parts = [f"{locales.NAMES[each.locale]}: {writing.LABELS[each.part]}" for each in left]
        raise Refused(
            _("The notices are not whole yet: %(parts)s.", parts="; ".join(parts)),
            next_step=_("Write what is missing, and replace whatever stands in [brackets]."),
        )
    rounds.refuse_names(namings(incident, round_))
    _refuse_other(round_, drafts)
    round_.state = RoundState.APPROVED
    round_.approved_by, round_.approved_by_id, round_.approved_at = by.name, by.id, now
    round_.approved_sha256 = round_.content_sha256
    db.session.flush()
    rounds.log(incident, round_, "notices.approved", by.name, now, customers=len(drafts),
        written_by=round_.written_by)  # fmt: skip


def _refuse_other(round_: NoticeRound, drafts: Iterable[ControllerNotice]) -> None:
    """What is stored must be what was saved: each own part by its own hash, the whole by the round's."""
    whole = rounds.fingerprint(round_) == round_.content_sha256
    if not whole or any(writing.own_hash(n.customer_id, n.locale, n.own) != n.sha256 for n in drafts):
        raise Refused(
            _("Text or list differ from what was saved."),
            next_step=_("Take the register over anew, look at the notices, then approve them."),
        )
