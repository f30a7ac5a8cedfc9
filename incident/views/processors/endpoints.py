"""The endpoint of one processor: made, its secrets shown this once, rotated, the older ones ended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, requires
from foundation.database import db, transaction, utcnow
from incident import processors
from incident.models import Endpoint, Processor, SigningKey
from incident.processor_register import changing, marks
from incident.processor_register.marks import Seen
from incident.views.processors.blueprint import bp, report_url, who


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as its page shows it; `keys` are its secrets, the newest first, never in the clear."""

    id: str
    created_at: datetime
    keys: list[SigningKey]
    live: list[SigningKey]
    last_seen: Seen | None


def endpoint_of(processor: Processor) -> EndpointView | None:
    """The processor's endpoint, when it has one."""
    found = db.session.scalars(select(Endpoint).where(Endpoint.processor_id == processor.id)).first()
    if found is None:
        return None
    keys, now = processors.keys_of(found.id), utcnow()
    live = [each for each in keys if processors.is_live(each, now)]
    return EndpointView(found.id, found.created_at, keys, live, marks.last_seen(found.id))


@bp.post("/<uuid:processor_id>/endpoint")
@requires(Permission.MANAGE_PROCESSORS)
def endpoint(processor_id: UUID) -> ResponseReturnValue:
    """Make its endpoint, or another secret for it; the secret is shown this once."""
    with transaction():
        processor = changing.found(processor_id, locked=True)
        made = processors.give_endpoint(processor, rotate="rotate" in request.form, actor=who(), now=utcnow())
    page = render_template(
        "incident/processor_secret.html", processor=processor, secret=made.secret,
        report_url=report_url(made.endpoint_id), rotated="rotate" in request.form,
    )  # fmt: skip
    return make_response(page)


@bp.post("/<uuid:processor_id>/endpoint/older-secrets/end")
@requires(Permission.MANAGE_PROCESSORS)
def end_older(processor_id: UUID) -> ResponseReturnValue:
    """End the secret before now, when the sender has changed over."""
    with transaction():
        count = processors.end_older(changing.found(processor_id, locked=True), actor=who(), now=utcnow())
    flash(_("Only the newest secret signs now.") if count else _("There was no older one."), "success")
    return redirect(url_for("processors.show", processor_id=processor_id, _anchor="endpoint"), 303)
