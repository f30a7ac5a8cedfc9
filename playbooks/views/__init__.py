"""Pages of the library: every playbook as prose, and a dry run of each against any date."""

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import utcnow
from foundation.errors import Missing
from playbooks import own
from playbooks.rules import local_time, picture
from playbooks.rules.definition import Anchor

bp = Blueprint("playbooks", __name__, url_prefix="/playbooks")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """The playbooks that hold here: ours, and the organisation's own beside them or in their place."""
    organisation_id = current_staff().organisation_id
    mine = {each.key: each for each in own.all_of(organisation_id)}
    return render_template("playbooks/index.html", books=own.every(organisation_id), mine=mine)


@bp.get("/<key>")
@requires(Permission.SEE_INCIDENTS)
def show(key: str) -> ResponseReturnValue:
    """One playbook with its timetable against the times of the query, which are local."""
    organisation_id = current_staff().organisation_id
    try:
        book = own.find(key, organisation_id)
    except KeyError:
        raise Missing(_("There is no such playbook.")) from None
    given, faults = _anchors()
    start = min(given.values(), default=utcnow().replace(second=0, microsecond=0))
    bars, days = picture.draw(book, anchors := picture.imagined(start, given))
    page = render_template(
        "playbooks/show.html", book=book, bars=bars, days=days, anchors=anchors, faults=faults,
        mine=own.latest(organisation_id, key),
    )  # fmt: skip
    return page, 422 if faults else 200


def _anchors() -> tuple[dict[str, datetime], dict[str, str]]:
    """The anchors of the query as UTC instants, and what is wrong with those that cannot be read."""
    given: dict[str, datetime] = {}
    faults: dict[str, str] = {}
    for anchor in Anchor:
        if text := request.args.get(anchor, ""):
            try:
                given[anchor.value] = local_time.read(text, locales.zone()).astimezone(UTC)
            except ValueError as fault:
                faults[anchor.value] = str(fault)
    return given, faults
