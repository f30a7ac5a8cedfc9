"""One processor: its page, the form that changes it, and what is done when it leaves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import db, transaction, utcnow
from foundation.errors import Refused
from incident import processors, scorecards
from incident.access import visible_incidents
from incident.forms import chain_words, words
from incident.forms.fields import Sheet, sheet_of
from incident.models import Incident, Processor
from incident.processor_register import changing, contacts, fields, importing, marks, tree
from incident.processor_register.places import outside_the_eea
from incident.rules.scorecard import Scorecard
from incident.views.processors.blueprint import bp, report_url, who
from incident.views.processors.endpoints import endpoint_of

MOST_INCIDENTS = 10
EMPTY_TRANSFERS = 2  # rows of the form that wait to be filled in


@bp.get("/<uuid:processor_id>")
@requires(Permission.SEE_PROCESSORS)
def show(processor_id: UUID) -> ResponseReturnValue:
    """Everything about one processor."""
    return page(changing.found(processor_id))


def page(processor: Processor, contact: Sheet | None = None) -> str:
    """The page; `contact` is the form of a new contact as it was typed."""
    now, everybody = utcnow(), tree.known()
    by_id = {each.id: each for each in everybody}
    over = tree.above({each.id: each.serves_id for each in everybody}, processor.id)
    seen = marks.of(everybody, now=now)
    return render_template(
        "incident/processor.html", processor=processor, now=now, words=words, labels=fields.LABELS,
        bases=fields.BASES, marks=seen, above=[by_id[each] for each in reversed(over)],
        below=[each for each in everybody if each.serves_id == processor.id],
        contacts=contacts.of(processor.id), is_stale=contacts.is_stale, contact=contact or Sheet(),
        outside={code for code in marks.places_of(processor) if outside_the_eea(code, now)},
        endpoint=endpoint_of(processor), report_url=report_url, is_live=processors.is_live,
        incidents=_incidents(processor), history=importing.history(processor), chain_words=chain_words,
        card=_scorecard(processor, now) if may(current_staff(), Permission.SEE_INCIDENTS) else None,
    )  # fmt: skip


def _scorecard(processor: Processor, now: datetime) -> Scorecard:
    """How it keeps us informed, counted over the incidents that the reader may see."""
    stale = sum(contacts.is_stale(each.verified_at, now) for each in contacts.of(processor.id))
    found = scorecards.of([processor], visible_incidents(), now=now, stale_contacts={processor.id: stale})
    return found[processor.id]


def _incidents(processor: Processor) -> list[Incident]:
    mine = visible_incidents().where(Incident.processor_id == processor.id, ~Incident.drill)
    return list(db.session.scalars(mine.order_by(Incident.reported_at.desc()).limit(MOST_INCIDENTS)))


@bp.get("/<uuid:processor_id>/edit")
@requires(Permission.MANAGE_PROCESSORS)
def edit(processor_id: UUID) -> ResponseReturnValue:
    """The form, as the register holds it."""
    processor = changing.found(processor_id)
    return _form(processor, _written(processor))


@bp.post("/<uuid:processor_id>/edit")
@requires(Permission.MANAGE_PROCESSORS)
def change(processor_id: UUID) -> ResponseReturnValue:
    """Keep what is typed; what is wrong is said at its field, all of it at once."""
    sheet, now = sheet_of(request.form), utcnow()
    values, faults = fields.read(_typed(sheet), now=now)
    processor = changing.found(processor_id)
    serves = _serves(sheet)
    sheet.faults = faults
    if sheet.faults:
        return _form(processor, sheet), 422
    try:
        with transaction():
            processor = changing.found(processor_id, locked=True)
            if sheet.one("seen") != _seen(processor):
                return _form(processor, sheet, meanwhile=True), 409
            changed = changing.change(processor, {**values, "serves_id": serves}, actor=who(), now=now)
    except Refused as refusal:
        db.session.expire_all()
        sheet.fault("name" if isinstance(refusal, processors.Taken) else "serves_id", refusal.message)
        return _form(changing.found(processor_id), sheet), refusal.status
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return redirect(url_for("processors.show", processor_id=processor_id), 303)


def _serves(sheet: Sheet) -> UUID | None:
    text = sheet.one("serves_id")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _typed(sheet: Sheet) -> dict[str, str]:
    """The form as texts, one for each field."""
    typed = {name: sheet.one(name) for name in fields.FIELDS}
    for name in ("data_categories", "subject_groups"):
        typed[name] = ";".join(sheet.all(name))
    rows = (_transfer(sheet, number) for number in range(fields.MOST_ITEMS))
    typed["transfers"] = "\n".join(filter(None, rows))
    return typed


def _transfer(sheet: Sheet, number: int) -> str:
    country, basis, checked = (
        sheet.one(f"transfers.{number}.{part}").strip() for part in ("country", "basis", "checked_on")
    )
    if not (country or checked):
        return ""
    return f"{country or '?'}: {basis}" + (f", {checked}" if checked else "")


def _written(processor: Processor) -> Sheet:
    """What somebody would have typed to say what is held."""
    sheet = Sheet()
    for name in fields.FIELDS:
        sheet.typed[name] = [fields.written(name, getattr(processor, name))]
    sheet.typed["systems"] = ["\n".join(processor.systems)]
    for name in ("data_categories", "subject_groups"):
        sheet.typed[name] = list(getattr(processor, name))
    for number, each in enumerate(processor.transfers):
        for part in ("country", "basis", "checked_on"):
            sheet.typed[f"transfers.{number}.{part}"] = [each.get(part) or ""]
    sheet.typed["serves_id"] = [str(processor.serves_id or "")]
    sheet.typed["seen"] = [_seen(processor)]
    return sheet


def _seen(processor: Processor) -> str:
    """Which state of the processor a form was filled in from."""
    return processor.changed_at.isoformat() if processor.changed_at else ""


def _form(processor: Processor, sheet: Sheet, *, meanwhile: bool = False) -> str:
    everybody = tree.known(ended=False)
    below = {each.id for each in tree.below(everybody, processor.id)} | {processor.id}
    filled = [n for n in range(fields.MOST_ITEMS) if _transfer(sheet, n)]
    if meanwhile:
        sheet.typed["seen"] = [_seen(processor)]
    return render_template(
        "incident/processor_edit.html", processor=processor, sheet=sheet, words=words,
        labels={f"/{name}": label for name, label in fields.LABELS.items()} | {"/serves_id": _("Works for")},
        categories=fields.CATEGORIES, groups=fields.GROUPS, bases=fields.BASES,
        transfers=range(max(filled, default=-1) + 1 + EMPTY_TRANSFERS), meanwhile=meanwhile,
        may_serve=[each for each in everybody if each.id not in below],
    )  # fmt: skip


# --- leaving ------------------------------------------------------------------------------------


@bp.post("/<uuid:processor_id>/end")
@requires(Permission.MANAGE_PROCESSORS)
def end(processor_id: UUID) -> ResponseReturnValue:
    """It has left: on record for good, and nothing is signed for it any more."""
    with transaction():
        left: list[Any] = changing.end(
            changing.found(processor_id), reason=request.form.get("reason", ""),
            below="below" in request.form, actor=who(), now=utcnow(),
        )  # fmt: skip
    if left:
        names = ", ".join(each.name for each in left)
        flash(_("On record as one that has left: %(names)s.", names=names), "success")
    return redirect(url_for("processors.show", processor_id=processor_id), 303)


@bp.post("/<uuid:processor_id>/resumption")
@requires(Permission.MANAGE_PROCESSORS)
def take_up_again(processor_id: UUID) -> ResponseReturnValue:
    """It works for us again."""
    with transaction():
        changing.take_up_again(
            changing.found(processor_id), reason=request.form.get("reason", ""), actor=who(), now=utcnow()
        )
    flash(_("Taken up again. Its old secrets stay closed: make a new one."), "success")
    return redirect(url_for("processors.show", processor_id=processor_id), 303)
