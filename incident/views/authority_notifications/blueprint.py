"""The blueprint of the pages of what authorities are told, and what several of them show."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from accounts.models import Organisation
from foundation.database import db
from incident import authorities, authority_notification, packs
from incident.authority_notification import mailed
from incident.forms import pack_lines, words
from incident.forms.pack_lines import Part
from incident.models import AuthorityNotification, Duty, Incident

bp = Blueprint(
    "authority_notifications", __name__, url_prefix="/incidents/<uuid:incident_id>/authority-notifications"
)


def back(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """To the notification, read afresh."""
    return redirect(url_for(".show", incident_id=incident_id, notification_id=notification_id), 303)


def laid(
    incident: Incident, notification: AuthorityNotification, now: datetime
) -> tuple[list[packs.Open], tuple[Part, ...]]:
    """What the text leaves open, and its fields as the form has them; none of a text without a form."""
    points = authority_notification.open_points(notification, at=notification.filed_at or now)
    content = authority_notification.shown(incident, notification, now=now)
    if packs.is_former(content):
        return points, ()
    open_keys = {each.fields[0] for each in points if each.fields and each.what in ("gap", "missing")}
    return points, pack_lines.parts(content, open_keys)


def shown(incident: Incident, notification: AuthorityNotification, now: datetime) -> dict[str, Any]:
    """What every page about one notification shows of it."""
    points, parts = laid(incident, notification, now)
    content = authority_notification.shown(incident, notification, now=now)
    known = authorities.by_key(notification.authority)
    return {
        "incident": incident, "notification": notification, "content": content,
        "parts": parts, "progress": pack_lines.progress(parts), "legend": pack_lines.legend(parts),
        "points": points,
        "blocked": [each for each in points if each.stops],
        "asked": [each for each in points if not each.stops and each.what != "language"],
        "foreign": [each for each in points if each.what == "language"], "authority": known,
        "labels": packs.labels(content), "mail": mailed.under_way(incident, notification),
        "form": packs.form_in(content) if parts else None,
        "duty": db.session.get_one(Duty, notification.duty_id),
        "follows": authority_notification.predecessor(notification), "phase": words.PHASES[notification.kind],
        "profile": db.session.get_one(Organisation, incident.organisation_id).profile,
        "public": bool(known and known.public_record and parts),
    }  # fmt: skip
