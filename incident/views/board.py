"""The board: what is open, by time left."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from accounts.permissions import Permission, current_staff, requires
from foundation.database import utcnow
from incident import drills, handovers
from incident.access import visible_drills
from incident.forms import words
from incident.views import shown

bp = Blueprint("board", __name__)


@bp.get("/")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """Open incidents with their clocks, what is next and whose it is."""
    now = utcnow()
    unread = handovers.unread_by(current_staff())
    running = drills.running_now(visible_drills(), now=now)
    return render_template(
        "incident/board.html", board=shown.board(now), drills=running, now=now, words=words,
        unread=unread,
    )  # fmt: skip
