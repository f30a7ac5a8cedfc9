"""Pages behind a secret in the address: a processor reports without an account, and sees its own report.

Whoever knows the secret may, hence no sign-in and no token against foreign forms: no cookie counts here.
A secret that was guessed, revoked or has expired leads nowhere, in one and the same manner.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from accounts import throttling
from accounts.permissions import open_to_all
from foundation import locales
from foundation.database import db, everyone, new_id, utcnow
from foundation.errors import Missing, Refused
from foundation.http import csrf, limiter
from incident import link_reports, links, reports, status_pages
from incident.forms import reporting as forms
from incident.forms import words
from incident.forms.facts import label_of
from incident.forms.fields import Sheet, sheet_of
from incident.link_reports import Confirmation, Form
from incident.links import Way
from incident.rules.reporting import terms
from incident.status_pages import Status

bp = Blueprint("reporting", __name__)
P = ParamSpec("P")
R = TypeVar("R")
TRIES = 3
WHY_LINK = "A processor without machines reports here; the address holds the secret."
WHY_STATUS = "Who reported sees what became of the report; the address holds the secret."


class Busy(Refused):
    """It could not be committed now; the page keeps what was typed."""

    status = 503
    title = "Busy for a moment"


def _without_token(view: Callable[P, R]) -> Callable[P, R]:
    """No token is asked for: nobody is signed in here, so a foreign page gains nothing by sending a form."""
    return cast(Callable[P, R], csrf.exempt(view))


def _looks() -> str:
    return f"{terms(utcnow()).looks_per_minute} per minute"


def _forms() -> str:
    return f"{terms(utcnow()).forms_per_hour} per hour"


def _forms_of_link() -> str:
    return f"{terms(utcnow()).forms_per_hour_of_link} per hour"


def _was_heard(answer: Response) -> bool:
    """What could not be stored is sent again and again by the page: that uses nothing up."""
    return answer.status_code < 500


def _secret() -> str:
    return links.hashed(str((request.view_args or {}).get("secret", "")))[:24]


def _secret_and_address() -> str:
    return f"{_secret()}:{throttling.by_address()}"


# --- the form -----------------------------------------------------------------------------------


@bp.get("/r/<secret>")
@limiter.limit(_looks, key_func=throttling.by_address)
@open_to_all(WHY_LINK)
def ask(secret: str) -> ResponseReturnValue:
    """The form of a reporting link."""
    with everyone():
        way = _way(secret)
        return _form(secret, way, Sheet(typed={"form_id": [str(new_id())]}))


@bp.post("/r/<secret>")
@_without_token
@limiter.limit(_forms, key_func=_secret_and_address, deduct_when=_was_heard)
@limiter.limit(_forms_of_link, key_func=_secret, deduct_when=_was_heard)
@open_to_all(WHY_LINK)
def send(secret: str) -> ResponseReturnValue:
    """Take in what was typed; the same form twice is one report."""
    with everyone():
        way, sheet = _way(secret), sheet_of(request.form)
        if request.form.get("switch"):  # another language, with everything that is typed
            return _form(secret, way, sheet)
        taken = _taken(way, sheet)
        if taken is None:
            return _faulty(sheet) or (_form(secret, way, sheet), 422)
        return _confirmed(taken)


def _taken(way: Way, sheet: Sheet, status: Status | None = None) -> Confirmation | None:
    """What was typed as a report; None with its faults on the sheet."""
    document = forms.told(sheet, forms.zone_of(sheet, way.timezone), way.parties, adds=status is not None)
    if document is None:
        return None
    form = link_reports.of_typed(
        way, document, forms.typed(sheet), form_id=sheet.one("form_id")[:200] or str(new_id()),
        locale=locales.current(), target=status.incident.id if status and status.incident else None,
    )  # fmt: skip
    if status:
        form = replace(
            form, by_link=status.submission.link_id, by_key=status.submission.offline_key_id,
            typed_by=form.typed_by or status.submission.typed_by,
        )  # fmt: skip
    return _taken_in(form, document)


def _taken_in(form: Form, document: Mapping[str, Any] | None = None) -> Confirmation:
    """Take a form in. Raises: Busy when others are at the same all the time."""
    now = utcnow()
    if document is None:
        told = reports.read(form.letter, now=now)
        form = link_reports.told_by(form, told.envelope.facts if told.envelope else None)
    else:
        told = reports.of_form(form.letter, dict(document), now=now)
    for _try in range(TRIES):
        try:
            return link_reports.take_in(form, told, now=now)
        except IntegrityError:  # the same was committed beside us: look again
            db.session.rollback()
    raise Busy(_("The report could not be stored just now."), next_step=_("Send it again: nothing is lost."))


def _confirmed(taken: Confirmation) -> ResponseReturnValue:
    to = url_for("reporting.status", secret=taken.secret, lang=locales.current())
    if _wants_json():
        return jsonify({"to": to}), 201
    return redirect(to, 303)


def _faulty(sheet: Sheet) -> ResponseReturnValue | None:
    return (jsonify({"faults": sheet.faults}), 422) if _wants_json() else None


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _form(secret: str, way: Way, sheet: Sheet) -> str:
    return render_template("reporting/form.html", secret=secret, way=way, sheet=sheet, **_common(way, sheet))


def _common(way: Way, sheet: Sheet) -> dict[str, Any]:
    zone = forms.zone_of(sheet, way.timezone)
    zones = dict.fromkeys((zone, way.timezone, *forms.ZONES))
    return {"forms": forms, "words": words, "zone": zone, "zones": list(zones), "labels": forms.LABELS}


def _way(secret: str) -> Way:
    way = links.way_by(secret, utcnow())
    if way is None:
        raise _nothing()
    _speak(way, None)
    return way


def _nothing() -> Missing:
    return Missing(
        _("There is nothing at this address, or not any more."),
        next_step=_("Ask whoever gave it to you for a new one."),
    )


def _speak(way: Way, locale: str | None) -> None:
    """In the language that was chosen, else that of the browser; times in the zone of the organisation."""
    chosen = request.form.get("switch") or request.values.get("lang") or locale
    locales.prefer(locales.known(chosen), way.timezone)


# --- a file of an offline form ------------------------------------------------------------------


@bp.get("/r/<secret>/upload")
@limiter.limit(_looks, key_func=throttling.by_address)
@open_to_all(WHY_LINK)
def ask_file(secret: str) -> ResponseReturnValue:
    """Where a file that an offline form made is handed in."""
    with everyone():
        way = _way(secret)
        return render_template("reporting/upload.html", secret=secret, way=way, refusal=None)


@bp.post("/r/<secret>/upload")
@_without_token
@limiter.limit(_forms, key_func=_secret_and_address, deduct_when=_was_heard)
@limiter.limit(_forms_of_link, key_func=_secret, deduct_when=_was_heard)
@open_to_all(WHY_LINK)
def send_file(secret: str) -> ResponseReturnValue:
    """Take in a file that an offline form signed; the same file twice is one report."""
    with everyone():
        way, file = _way(secret), request.files.get("file")
        try:
            form = link_reports.of_file(
                way, file.read() if file else b"", locale=locales.current(), by_link=way.link_id,
                now=utcnow(),
            )  # fmt: skip
        except link_reports.NotTaken as refusal:
            page = render_template("reporting/upload.html", secret=secret, way=way, refusal=refusal)
            return page, refusal.status
        return _confirmed(_taken_in(form))


# --- what became of it --------------------------------------------------------------------------


@bp.get("/s/<secret>")
@limiter.limit(_looks, key_func=throttling.by_address)
@open_to_all(WHY_STATUS)
def status(secret: str) -> ResponseReturnValue:
    """The state of one report, and a form to add to it; the reporter's confirmation."""
    with everyone():
        return _status(secret, _found(secret), Sheet(typed={"form_id": [str(new_id())]}))


@bp.post("/s/<secret>")
@_without_token
@limiter.limit(_forms, key_func=_secret_and_address, deduct_when=_was_heard)
@limiter.limit(_forms_of_link, key_func=_secret, deduct_when=_was_heard)
@open_to_all(WHY_STATUS)
def add(secret: str) -> ResponseReturnValue:
    """More about the same breach."""
    with everyone():
        found, sheet = _found(secret), sheet_of(request.form)
        if not found.may_add:
            raise _nothing()
        if request.form.get("switch"):
            return _status(secret, found, sheet)
        if _taken(found.way, sheet, found) is None:
            return _faulty(sheet) or (_status(secret, found, sheet), 422)
        to = url_for("reporting.status", secret=secret, lang=locales.current(), added="yes")
        return (jsonify({"to": to}), 201) if _wants_json() else redirect(to, 303)


def _found(secret: str) -> Status:
    found = status_pages.status_by(secret, now=utcnow())
    if found is None:
        raise _nothing()
    _speak(found.way, found.submission.locale)
    return found


def _status(secret: str, found: Status, sheet: Sheet) -> str:
    return render_template(
        "reporting/status.html", secret=secret, status=found, way=found.way, sheet=sheet,
        label_of=label_of, **_common(found.way, sheet),
    )  # fmt: skip
