"""What must I do next: across all incidents, by time left, with one button to each place."""

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from accounts.permissions import Permission, current_staff, requires
from foundation.database import utcnow
from incident.rules.agenda import agenda, first_after
from incident.views import upcoming
from notifications import shifts

bp = Blueprint("next", __name__)
MOST = 200  # rows of one page; more are counted
WITHIN = timedelta(weeks=8)


@bp.get("/next")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """What waits for the reader; with `whose=everybody` what waits for anybody."""
    now, staff = utcnow(), current_staff()
    everybody = request.args.get("whose") == "everybody"
    found = upcoming.items(now)
    shown = agenda(found, now, only_mine=not everybody, most=MOST)
    return render_template(
        "incident/next.html", agenda=shown, everybody=everybody, now=now,
        mine=sum(each.mine for each in found), all=len(found), coming=first_after(found, now),
        shift=shifts.next_of(staff.organisation_id, staff.id, now, within=WITHIN),
    )  # fmt: skip
