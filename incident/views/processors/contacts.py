"""Whom to call at a processor: added, changed, verified, removed."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, requires
from foundation.database import transaction, utcnow
from foundation.errors import Refused
from incident.forms.fields import Sheet, sheet_of
from incident.models import ProcessorContact
from incident.processor_register import changing, contacts
from incident.views.processors.blueprint import bp, who
from incident.views.processors.entry import page


@bp.post("/<uuid:processor_id>/contacts")
@requires(Permission.MANAGE_PROCESSORS)
def add_contact(processor_id: UUID) -> ResponseReturnValue:
    """One more to call."""
    sheet, processor = sheet_of(request.form), changing.found(processor_id)
    told, sheet.faults = contacts.read(_typed(sheet), country=processor.country)
    if told is None:
        return page(processor, sheet), 422
    with transaction():
        processor = changing.found(processor_id, locked=True)
        if len(contacts.of(processor_id)) >= contacts.MOST:
            raise Refused(
                _("There are %(most)d contacts already.", most=contacts.MOST),
                next_step=_("Remove one that is wanted no more."),
            )
        verified = "verified" in request.form
        contacts.add(processor, told, actor=who(), now=utcnow(), verified=verified)
    flash(_("Added."), "success")
    return _back(processor_id)


@bp.get("/contacts/<uuid:contact_id>")
@requires(Permission.MANAGE_PROCESSORS)
def edit_contact(contact_id: UUID) -> ResponseReturnValue:
    """The form of one contact."""
    contact = contacts.found(contact_id)
    return _form(contact, Sheet({part: [getattr(contact, part) or ""] for part in contacts.PARTS}))


@bp.post("/contacts/<uuid:contact_id>")
@requires(Permission.MANAGE_PROCESSORS)
def change_contact(contact_id: UUID) -> ResponseReturnValue:
    """Keep what is typed; what nobody has tried yet is not verified."""
    sheet, contact = sheet_of(request.form), contacts.found(contact_id)
    processor = changing.found(contact.processor_id)
    told, sheet.faults = contacts.read(_typed(sheet), country=processor.country)
    if told is None:
        return _form(contact, sheet), 422
    with transaction():
        contact = contacts.locked(contact_id)
        changed = contacts.change(contact, told, actor=who(), now=utcnow())
        if "verified" in request.form:
            contacts.verify(contact, actor=who(), now=utcnow())
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return _back(processor.id)


@bp.post("/contacts/<uuid:contact_id>/verification")
@requires(Permission.MANAGE_PROCESSORS)
def verify_contact(contact_id: UUID) -> ResponseReturnValue:
    """Somebody has reached it today."""
    with transaction():
        contact = contacts.locked(contact_id)
        contacts.verify(contact, actor=who(), now=utcnow())
    flash(_("Verified today."), "success")
    return _back(contact.processor_id)


@bp.post("/contacts/<uuid:contact_id>/removal")
@requires(Permission.MANAGE_PROCESSORS)
def remove_contact(contact_id: UUID) -> ResponseReturnValue:
    """Nobody to call any more."""
    with transaction():
        contact = contacts.locked(contact_id)
        processor_id = contact.processor_id
        contacts.remove(contact, actor=who(), now=utcnow())
    flash(_("Removed."), "success")
    return _back(processor_id)


def _typed(sheet: Sheet) -> dict[str, str]:
    return {part: sheet.one(part) for part in contacts.PARTS}


def _form(contact: ProcessorContact, sheet: Sheet) -> str:
    processor = changing.found(contact.processor_id)
    return render_template(
        "incident/processor_contact.html", processor=processor, contact=contact, sheet=sheet
    )


def _back(processor_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("processors.show", processor_id=processor_id, _anchor="contacts"), 303)
