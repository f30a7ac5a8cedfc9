"""What the clock runs about drills: it tells more when its time has come, and ends what nobody ended."""

import structlog

from foundation.database import everyone, transaction, utcnow
from incident import drills

log = structlog.get_logger()


def tick() -> int:
    """Go on with every drill whose time has come; returns how many went on.

    One transaction each: a drill that fails is looked at in the next round and holds up no other.
    """
    went_on = 0
    with everyone():
        for drill_id in drills.due(utcnow()):
            try:
                with transaction():
                    went_on += drills.go_on(drill_id, now=utcnow())
            except Exception:  # whatever it was, the other drills go on
                log.exception("drill.not_gone_on", drill=str(drill_id))
    return went_on
