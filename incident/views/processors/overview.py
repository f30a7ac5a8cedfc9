"""The register as a whole: the picture of the tree, a way to find one, and a form to add one."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Refused
from incident import reports
from incident.forms.fields import Sheet, sheet_of
from incident.models import Processor, name_key
from incident.processor_register import changing, fields, marks, tree
from incident.processor_register.marks import Mark
from incident.views.processors.blueprint import bp, who

MANY = 40  # from so many on the tree is drawn close, in columns
LOOKED_FOR = (Mark.INCIDENT, Mark.UNTESTED, Mark.STALE, Mark.OUTSIDE)
QUICK = ("name", "country", "service")


@bp.get("")
@requires(Permission.SEE_PROCESSORS)
def index() -> ResponseReturnValue:
    """Who handles our data, through whom, and what is to be seen of each; `only` and `find` pick some."""
    return _page(Sheet())


@bp.post("")
@requires(Permission.MANAGE_PROCESSORS)
def create() -> ResponseReturnValue:
    """Add a processor, or a sub-processor of one; the rest of it is filled in on its page."""
    sheet, now = sheet_of(request.form), utcnow()
    values, faults = fields.read({name: sheet.one(name) for name in QUICK}, now=now)
    sheet.faults = faults
    serves_id = _id_of(sheet)
    if sheet.faults:
        return _page(sheet), 422
    try:
        with transaction():
            made = changing.add(
                values, organisation_id=current_staff().organisation_id, serves_id=serves_id, actor=who(),
                now=now,
            )  # fmt: skip
    except Refused as refusal:
        sheet.fault("name" if refusal.status == 409 else "serves_id", refusal.message)
        return _page(sheet), refusal.status
    flash(_("Added. Fill in the rest, give it an endpoint, and ask it for a test report."), "success")
    return redirect(url_for("processors.show", processor_id=made.id), 303)


def _id_of(sheet: Sheet) -> UUID | None:
    text = sheet.one("serves_id")
    if not text:
        return None
    try:
        return changing.found(UUID(text)).id
    except ValueError:
        return changing.found(UUID(int=0)).id  # nobody has it: the answer is that of a missing one


def _page(sheet: Sheet) -> str:
    now, everybody = utcnow(), tree.known()
    seen = marks.of(everybody, now=now)
    living = [each for each in everybody if each.ended_at is None]
    only, find = request.args.get("only", ""), request.args.get("find", "").strip()
    picked = _picked(everybody, seen, only, find)
    shown = living if picked is None else picked
    return render_template(
        "incident/processors.html", sheet=sheet, now=now, living=living, labels=fields.LABELS,
        roots=tree.forest(living) if picked is None else [tree.Node(each) for each in shown],
        names={each.id: each.name for each in everybody}, marks=seen, only=only, find=find,
        picked=picked is not None, many=len(shown) >= MANY, last_heard=reports.last_heard(),
        counts=Counter(mark for each in living for mark in seen[each.id]), looked_for=LOOKED_FOR,
        ended=len(everybody) - len(living),
    )  # fmt: skip


def _picked(
    everybody: list[Processor], seen: Mapping[UUID, frozenset[Mark]], only: str, find: str
) -> list[Processor] | None:
    """Those that are looked for; None when everybody is. One that has left is found by name and by mark."""
    mark = next((each for each in Mark if each == only), None)
    if mark is None and not find:
        return None
    found = [each for each in everybody if mark is None or mark in seen[each.id]]
    words = name_key(find).split()
    return [each for each in found if all(word in _said(each) for word in words)]


def _said(each: Processor) -> str:
    """What somebody may look for in it."""
    return name_key(
        " ".join([each.name, each.service, each.country, *each.systems, each.agreement_reference])
    )
