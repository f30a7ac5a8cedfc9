"""Pages of the library: every playbook as prose, and a dry run of each against any date."""

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, requires
from foundation import locales
from foundation.database import utcnow
from foundation.errors import Missing
from playbooks import library
from playbooks.rules import local_time, picture
from playbooks.rules.definition import Anchor

bp = Blueprint("playbooks", __name__, url_prefix="/playbooks")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """The playbooks there are."""
    return render_template("playbooks/index.html", books=[library.playbook(key) for key in library.names()])


@bp.get("/<key>")
@requires(Permission.SEE_INCIDENTS)
def show(key: str) -> ResponseReturnValue:
    """One playbook with its timetable against the times of the query, which are local."""
    if key not in library.names():
        raise Missing(_("There is no such playbook."))
    given, faults = _anchors()
    start = min(given.values(), default=utcnow().replace(second=0, microsecond=0))
    bars, days = picture.draw(library.playbook(key), anchors := picture.imagined(start, given))
    page = render_template(
        "playbooks/show.html", book=library.playbook(key), bars=bars, days=days, anchors=anchors,
        faults=faults,
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
