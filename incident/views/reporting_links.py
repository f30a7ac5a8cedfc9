"""Reporting links and offline forms of a processor: made, shown once, revoked."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing
from incident import link_reports, links
from incident.forms import reporting as forms
from incident.forms import words
from incident.forms.fields import Field, Sheet, sheet_of
from incident.models import OfflineKey, Processor, ReportingLink

bp = Blueprint("reporting_links", __name__, url_prefix="/processors/<uuid:processor_id>/reporting")


@bp.get("")
@requires(Permission.SEE_PROCESSORS)
def index(processor_id: UUID) -> ResponseReturnValue:
    """The links and offline forms of a processor, and how to make one."""
    return render_template("incident/reporting_links.html", processor=_processor(processor_id))


@bp.post("/links")
@requires(Permission.MANAGE_PROCESSORS)
def make_link(processor_id: UUID) -> ResponseReturnValue:
    """Make a link; its address is shown this once."""
    staff = current_staff()
    with transaction():
        processor = _processor(processor_id)
        _id, secret = links.make_link(
            processor, note=request.form.get("note", ""), expires_at=_expiry(), by=staff.name, now=utcnow()
        )
    public = current_app.config["SETTINGS"].public_url
    address = f"{public}{url_for('reporting.ask', secret=secret)}"
    return render_template("incident/reporting_link_made.html", processor=processor, address=address)


def _expiry() -> datetime | None:
    """When the link is to end, in the organisation's zone. Raises: Invalid."""
    sheet = sheet_of(request.form)
    at = sheet.time("expires_at", locales.zone())
    if sheet.faults:
        raise Invalid(" ".join(sheet.faults["expires_at"]))
    return at


@bp.post("/links/<uuid:link_id>/revocation")
@requires(Permission.MANAGE_PROCESSORS)
def revoke_link(processor_id: UUID, link_id: UUID) -> ResponseReturnValue:
    """End a link now."""
    with transaction():
        _its(processor_id, ReportingLink, link_id)
        links.revoke_link(link_id, by=current_staff().name, now=utcnow())
    flash(_("Revoked: nobody reports by this link any more."), "success")
    return _back(processor_id)


@bp.post("/offline-forms")
@requires(Permission.MANAGE_PROCESSORS)
def make_form(processor_id: UUID) -> ResponseReturnValue:
    """Make an offline form with a key of its own, and hand it out as a file."""
    staff, locale = current_staff(), locales.choose(request.form.get("locale"), locales.current())
    with transaction():
        processor = _processor(processor_id)
        key = links.make_key(processor, note=request.form.get("note", ""), by=staff.name, now=utcnow())
    with force_locale(locale):
        page = render_template(
            "reporting/offline.html", way=links.way(processor, None), key=key, forms=forms, words=words,
            sheet=Sheet(), style=_static("reporting.css"), script=_static("offline.js"), language=locale,
            zone="UTC", kinds_of=_kinds_of,
        )  # fmt: skip
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Disposition"] = f'attachment; filename="breach-report-{key.id[8:16]}.html"'
    return answer


def _kinds_of(fields: Sequence[Field]) -> list[tuple[str, str]]:
    """How each answer is read, by the name of its field."""
    return [(each.name, each.kind.value) for each in fields]


def _static(name: str) -> Markup:
    """A file of ours as it stands: it goes into a page that has nothing beside it."""
    return Markup((current_app.config["DATA"] / "static" / name).read_text("utf-8"))  # noqa: S704


@bp.post("/offline-forms/<key_id>/revocation")
@requires(Permission.MANAGE_PROCESSORS)
def revoke_form(processor_id: UUID, key_id: str) -> ResponseReturnValue:
    """Take no more files of an offline form."""
    with transaction():
        _its(processor_id, OfflineKey, key_id)
        links.revoke_key(key_id, by=current_staff().name, now=utcnow())
    flash(_("Revoked: files of this form are taken no more."), "success")
    return _back(processor_id)


@bp.post("/files")
@requires(Permission.REPORT_INCIDENT)
def hand_in(processor_id: UUID) -> ResponseReturnValue:
    """Take in a file of an offline form that came by mail."""
    file, now = request.files.get("file"), utcnow()
    raw = file.read() if file else b""
    with transaction():
        try:
            taken = link_reports.hand_in(_processor(processor_id), raw, by=current_staff(), now=now)
        except link_reports.NotTaken:
            raise Invalid(
                _("No valid form of this processor made this file, or it was changed, or it is too old."),
                next_step=_("Ask them for the file itself, as their form made it, or report what it says."),
            ) from None
    flash(_("It had been handed in before: it is one report.") if taken.again else
          _("The report is taken in. Whoever is on call is being told."), "success")  # fmt: skip
    return redirect(url_for("reports.index"), 303)


def _its(processor_id: UUID, table: Any, row_id: UUID | str) -> None:
    """Raises: Missing when the processor has no such thing."""
    mine = (table.id == row_id, table.processor_id == processor_id)
    if db.session.scalar(select(table.id).where(*mine)) is None:
        raise Missing(_("The processor has no such thing."))


def _processor(processor_id: UUID) -> Processor:
    found = db.session.scalar(select(Processor).where(Processor.id == processor_id))
    if found is None:
        raise Missing(_("There is no such processor."))
    return found


def _back(processor_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("reporting_links.index", processor_id=processor_id), 303)


@bp.app_context_processor
def _for_pages() -> dict[str, Callable[..., Any]]:
    """What `incident/_reporting_link.html` asks for, on whichever page it stands."""
    return {"reporting_links_of": links.links_of, "offline_keys_of": links.keys_of, "now_is": utcnow}
