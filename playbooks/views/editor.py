"""Pages on which an organisation writes playbooks of its own: checked before they are kept."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing
from playbooks import library, own
from playbooks.rules import picture, timeline
from playbooks.rules.cacao import reading, writing
from playbooks.rules.definition import Playbook
from playbooks.rules.reading import DefinitionError, Fault

bp = Blueprint("own_playbooks", __name__, url_prefix="/playbooks/own")
BEGINNING = """\
key = ""
title = ""
purpose = ""
source = ""
ended_by = ["incident.rejected", "incident.closed"]

[[steps]]
key = ""
title = ""
role = "on_call"
anchor = "reported"
offset = "+4h"
reminders = ["-1h"]
done_when = ""
source = ""
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in the editor: the text, the key and version it began from, and what is to be said of it.

    A text that is given another key becomes another playbook, and follows no version of the first.
    """

    text: str
    began: str
    after: int
    faults: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()
    book: Playbook | None = None


@bp.get("/new")
@requires(Permission.MANAGE_PLAYBOOKS)
def new() -> ResponseReturnValue:
    """The editor: with the version that holds, else with ours of that key, else with a beginning."""
    key = request.args.get("from", "")
    mine = own.latest(current_staff().organisation_id, key) if key else None
    if mine:
        return _page(Sheet(mine.text, key, mine.number))
    if key and key not in library.names():
        raise Missing(_("There is no such playbook."))
    return _page(Sheet(library.playbook(key).text if key else BEGINNING, key, 0))


@bp.post("")
@requires(Permission.MANAGE_PLAYBOOKS)
def create() -> ResponseReturnValue:
    """Check the text, or keep it as the next version; with a fault it comes back as it was typed."""
    text = request.form.get("text", "").replace("\r\n", "\n")
    began, after = request.form.get("began", ""), request.form.get("after", type=int) or 0
    try:
        book = own.check(text)
    except DefinitionError as wrong:
        return _page(Sheet(text, began, after, faults=tuple(wrong.faults))), 422
    if "check" in request.form:
        return _page(Sheet(text, began, after, book=book))
    staff = current_staff()
    with transaction():
        kept = own.save(
            text, organisation_id=staff.organisation_id, by=staff.name, now=utcnow(),
            after=after if began in {"", book.key} else 0,
        )  # fmt: skip
    flash(
        _("Kept as version %(number)s. What runs already keeps the text it began with.", number=kept.number)
    )
    return redirect(url_for("playbooks.show", key=kept.key), 303)


@bp.post("/import")
@requires(Permission.MANAGE_PLAYBOOKS)
def bring_in() -> ResponseReturnValue:
    """A CACAO 2.0 document, as text in the editor: nothing is kept until a person keeps it."""
    upload = request.files.get("document")
    body = upload.read() if upload else b""
    try:
        found = reading.bring_in(json.loads(body))
    except reading.NotCacao as wrong:
        raise Invalid(
            _("This is no CACAO 2.0 playbook: %(what)s", what="; ".join(str(wrong).splitlines()[:5])),
            next_step=_("Export it again as CACAO 2.0, in JSON."),
        ) from None
    except (ValueError, RecursionError):
        raise Invalid(_("This file is not JSON."), next_step=_("Choose a CACAO 2.0 playbook.")) from None
    return _page(Sheet(found.text, "", 0, remarks=found.remarks))


@bp.get("/<key>/versions")
@requires(Permission.SEE_INCIDENTS)
def versions(key: str) -> ResponseReturnValue:
    """Every version of one playbook of one's own, the latest first."""
    found = own.versions(current_staff().organisation_id, key)
    if not found:
        raise Missing(_("There is no such playbook of your own."))
    return render_template(
        "playbooks/versions.html", key=key, versions=found[::-1], holds=found[-1].retired_at is None,
        ours=key in library.names(),
    )  # fmt: skip


@bp.get("/<key>/versions/<int:number>.toml")
@requires(Permission.SEE_INCIDENTS)
def version(key: str, number: int) -> ResponseReturnValue:
    """The text of one version, as it was kept."""
    found = {each.number: each for each in own.versions(current_staff().organisation_id, key)}
    if number not in found:
        raise Missing(_("There is no such version."))
    return _file(found[number].text, "text/plain", f"{key}-{number}.toml")


@bp.post("/<key>/retirement")
@requires(Permission.MANAGE_PLAYBOOKS)
def retire(key: str) -> ResponseReturnValue:
    """Let it hold no more; ours of this key holds again, where there is one."""
    staff = current_staff()
    with transaction():
        own.retire(
            staff.organisation_id, key, by=staff.name, reason=request.form.get("reason", ""), now=utcnow()
        )
    flash(_("It holds no more. What runs already goes on."))
    return redirect(url_for("playbooks.index"), 303)


@bp.get("/<key>/cacao.json")
@requires(Permission.SEE_INCIDENTS)
def export(key: str) -> ResponseReturnValue:
    """The playbook that this key means here, ours or one's own, as CACAO 2.0."""
    organisation_id = current_staff().organisation_id
    try:
        book = own.find(key, organisation_id)
    except KeyError:
        raise Missing(_("There is no such playbook.")) from None
    first, last = _made(organisation_id, key)
    document = writing.write(book, created=first, modified=last)
    return _file(json.dumps(document, ensure_ascii=False, indent=2), "application/json", f"{key}.cacao.json")


def _made(organisation_id: UUID, key: str) -> tuple[datetime, datetime]:
    """When the first and the version that holds were made; of ours nothing is known but today."""
    holding = [each for each in own.versions(organisation_id, key) if each.retired_at is None]
    times = [each.made_at for each in holding] or [utcnow()]
    return times[0], times[-1]


def _file(text: str, kind: str, name: str) -> Response:
    answer = make_response(text)
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page(sheet: Sheet) -> str:
    rows = []
    if sheet.book:
        anchors = picture.imagined(utcnow().replace(minute=0, second=0, microsecond=0), {})
        rows = timeline.timetable(sheet.book, anchors)
    ours = sheet.book is not None and sheet.book.key in library.names()
    return render_template("playbooks/editor.html", sheet=sheet, rows=rows, in_place_of_ours=ours)
