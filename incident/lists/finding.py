"""Who of an incident's lists is meant: by an address, a number, the organisation's own id, or a name."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from incident.lists.people import contacts_left, find
from incident.models import GONE, Incident, Recipient, RecipientList

AT_ONCE: Final = 500  # people whose names are opened together
NAMES: Final = 20_000  # people whose names are opened for one look
FOUND: Final = 20
_NAME: Final = re.compile(r"[^\d@]{3,200}")


def found_by(incident: Incident, text: str) -> list[Recipient]:
    """Who of an incident's lists has this e-mail address, number or own id, else this name.

    Names are sealed and have to be opened one by one, so that only the first many thousand are looked at.
    """
    text = text.strip()
    if not text:
        return []
    found = find(incident, text)
    return found or (_by_name(incident, text) if _NAME.fullmatch(text) else [])


def _by_name(incident: Incident, text: str) -> list[Recipient]:
    wanted, found, last = text.casefold().split(), list[Recipient](), None
    mine = select(Recipient).where(Recipient.incident_id == incident.id, Recipient.folded_into_id.is_(None))
    for _chunk in range(NAMES // AT_ONCE):
        next_ones = mine if last is None else mine.where(Recipient.id > last)
        people = list(db.session.scalars(next_ones.order_by(Recipient.id).limit(AT_ONCE)))
        if not people or len(found) >= FOUND:
            break
        known = contacts_left(incident.id, [each.id for each in people])
        found += [each for each in people if each.id in known and _is_called(known[each.id].name, wanted)]
        last = people[-1].id
    return found[:FOUND]


def _is_called(name: str, wanted: Sequence[str]) -> bool:
    told = name.casefold()
    return all(each in told for each in wanted)


def with_number(number: str) -> Iterator[tuple[Incident, Recipient]]:
    """Everybody on a list of any incident with this number (E.164), the latest incident first."""
    listed = select(RecipientList.incident_id).where(RecipientList.state.not_in(GONE))
    mine = select(Incident).where(Incident.id.in_(listed)).order_by(Incident.reported_at.desc(), Incident.id)
    for incident in db.session.scalars(mine).all():
        yield from ((incident, each) for each in found_by(incident, number))


def person_of(incident: Incident, recipient_id: UUID) -> Recipient | None:
    """One person of an incident's lists; who is folded leads to whom they are folded into."""
    found = db.session.get(Recipient, recipient_id)
    while found is not None and found.folded_into_id:
        found = db.session.get(Recipient, found.folded_into_id)
    return found if found is not None and found.incident_id == incident.id else None
