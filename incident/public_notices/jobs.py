"""What the clock runs about public notices: places without proof are spoken of, what has stood is ended."""

from collections.abc import Callable
from uuid import UUID

import structlog

from foundation.database import everyone, transaction, utcnow
from incident.public_notices import places

log = structlog.get_logger()


def mind_places() -> int:
    """Remind of places of public notices whose day came without proof, and meet duties by those that stand.

    Returns of how many something was said. One transaction each: what fails is looked at in the next round
    and holds up no other.
    """
    told = 0
    with everyone():
        for place_id in places.unproven(utcnow()):
            told += _done(places.remind, place_id)
        for notice_id in places.waiting():
            told += _done(places.look_again, notice_id)
    return told


def _done(act: Callable[..., bool], whose: UUID) -> bool:
    try:
        with transaction():
            return act(whose, now=utcnow())
    except Exception:  # whatever it was, the others must still be minded
        log.exception("public_place.not_minded", place=str(whose))
        return False
