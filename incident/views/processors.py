"""Processors and sub-processors: who may report, and the endpoint each reports to."""

from uuid import UUID

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, current_staff, requires
from foundation.database import db, transaction, utcnow
from foundation.errors import Missing, Refused
from incident import processors, reports, scorecards
from incident.access import visible_incidents
from incident.forms import chain_words
from incident.forms.fields import Sheet, sheet_of
from incident.models import Endpoint, Processor

bp = Blueprint("processors", __name__, url_prefix="/processors")


@bp.get("")
@requires(Permission.SEE_PROCESSORS)
def index() -> ResponseReturnValue:
    """Who handles our data, each with its sub-processors, and when it last reported."""
    return _page(Sheet())


@bp.post("")
@requires(Permission.MANAGE_PROCESSORS)
def create() -> ResponseReturnValue:
    """Add a processor, or a sub-processor of one."""
    sheet = sheet_of(request.form)
    if not _is_complete(sheet):
        return _page(sheet), 422
    try:
        _add(sheet)
    except Refused as refusal:
        sheet.fault("name", refusal.message)
        return _page(sheet), refusal.status
    flash(_("Added. Give it an endpoint, and ask it for a test report."), "success")
    return redirect(url_for("processors.index"), 303)


def _add(sheet: Sheet) -> None:
    staff = current_staff()
    with transaction():
        serves = _named_by(sheet.one("serves_id"))
        processors.add(
            organisation_id=staff.organisation_id, name=sheet.one("name").strip(),
            country=sheet.one("country").strip().upper(), service=sheet.one("service").strip(),
            serves_id=serves.id if serves else None, actor=staff.name, now=utcnow(),
        )  # fmt: skip


def _is_complete(sheet: Sheet) -> bool:
    country = sheet.one("country").strip()
    if not 0 < len(sheet.one("name").strip()) <= 200:
        sheet.fault("name", _("A name of up to 200 characters is needed."))
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        sheet.fault("country", _("Two letters, as DK; the United Kingdom is GB."))
    if len(sheet.one("service").strip()) > 200:
        sheet.fault("service", _("At most 200 characters."))
    return not sheet.faults


@bp.post("/<uuid:processor_id>/endpoint")
@requires(Permission.MANAGE_PROCESSORS)
def endpoint(processor_id: UUID) -> ResponseReturnValue:
    """Make its endpoint, or another secret for it; the secret is shown this once."""
    with transaction():
        processor = _processor(processor_id)
        made = processors.give_endpoint(
            processor, rotate="rotate" in request.form, actor=current_staff().name, now=utcnow()
        )
    public = current_app.config["SETTINGS"].public_url
    page = render_template(
        "incident/processor_secret.html", processor=processor, secret=made.secret,
        report_url=f"{public}/api/v1/reports/{made.endpoint_id}", rotated="rotate" in request.form,
    )  # fmt: skip
    return make_response(page)


def _processor(processor_id: UUID) -> Processor:
    found = db.session.scalars(select(Processor).where(Processor.id == processor_id)).one_or_none()
    if found is None:
        raise Missing(_("There is no such processor."))
    return found


def _named_by(text: str) -> Processor | None:
    """The processor that an address or a form names; none for an empty choice."""
    if not text:
        return None
    try:
        return _processor(UUID(text))
    except ValueError:
        raise Missing(_("There is no such processor.")) from None


def _page(sheet: Sheet) -> str:
    known = list(db.session.scalars(select(Processor).order_by(Processor.name)))
    serving = {each.id: [sub for sub in known if sub.serves_id == each.id] for each in known}
    reporting = {each.processor_id for each in db.session.scalars(select(Endpoint))}
    return render_template(
        "incident/processors.html", processors=[each for each in known if each.serves_id is None],
        everybody=known, serving=serving, reporting=reporting,
        last_heard=reports.last_heard(), sheet=sheet, now=utcnow(), chain_words=chain_words,
        scorecards=scorecards.of(known, visible_incidents(), now=utcnow()),
    )  # fmt: skip
