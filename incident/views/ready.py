"""Ready for tonight? One line for each thing that a night needs, and where it is mended."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from accounts.permissions import Permission, current_staff, requires
from foundation.database import utcnow
from incident import readiness
from notifications.rules.watching import Light, sorted_checks, worst

bp = Blueprint("ready", __name__)


@bp.get("/ready")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """The traffic light of tonight: what is not right first."""
    found = sorted_checks(readiness.checks([current_staff().organisation]))
    light = worst(each.light for each in found)
    bad = [each for each in found if each.light is not Light.GREEN]
    good = [each for each in found if each.light is Light.GREEN]
    return render_template("incident/ready.html", light=light, bad=bad, good=good, now=utcnow())
