"""New facts of one incident, entered by a colleague: kept as a draft while they type, then as a version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from incident import advice as advising
from incident import clocks, drafts, staff_reports
from incident.access import locked_incident, visible_incident
from incident.forms import words
from incident.forms.facts import FIELDS, LABELS, SECTIONS, label_of, readable, told, written
from incident.forms.fields import Both, Sheet, merge, sheet_of
from incident.models import FactsDraft, FactsVersion, Incident
from incident.views import beside

bp = Blueprint("facts", __name__, url_prefix="/incidents/<uuid:incident_id>/facts")
OURS = frozenset(
    {name for each in FIELDS for name in (each.name, f"{each.name}.fold")} | {"reason", "at_a_processor"}
)


@dataclass
class Form:
    """The form as it stands: what is typed upon which version, and the draft that holds it."""

    sheet: Sheet
    after: int
    draft: FactsDraft | None = None
    both: list[Both] | None = None  # what was saved meanwhile, by a colleague or in another window
    by_oneself: bool = False  # it was in another window of one's own
    left_out: list[str] = field(default_factory=list)


@bp.get("/new")
@requires(Permission.TRIAGE)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form, with what the person has typed before, or else the latest facts."""
    return _page(visible_incident(incident_id), _begun(visible_incident(incident_id)))


def _begun(incident: Incident) -> Form:
    """A draft, put on top of what colleagues have entered since; without one the latest facts."""
    draft, latest = drafts.of(incident, current_staff()), incident.facts_number
    if draft is None:
        return Form(written(clocks.document_of(incident), locales.zone()), latest)
    mine = Sheet(typed=dict(draft.typed))
    if draft.after == latest:
        return Form(mine, latest, draft)
    merged, both = merge(FIELDS, _written(incident, draft.after), _written(incident, latest), mine)
    return Form(merged, latest, draft, both)


@bp.post("")
@requires(Permission.TRIAGE)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Keep them as the next version; of two who changed the same version the second sees both."""
    incident, sheet = visible_incident(incident_id), sheet_of(request.form)
    form = Form(sheet, request.form.get("after", incident.facts_number, type=int))
    form.draft = drafts.of(incident, current_staff())
    if (elsewhere := _typed_elsewhere(incident, form)) is not None:
        return _page(incident, elsewhere), 409
    document = told(sheet, locales.zone(), _document(incident, form.after), now=utcnow())
    if document is None or not _has_reason(sheet):
        return _page(incident, form), 422
    try:
        _learn(incident_id, document, sheet, form.after)
    except staff_reports.Conflict:
        return _page(visible_incident(incident_id), _conflict(visible_incident(incident_id), form)), 409
    if filed_by := clocks.first_filing(visible_incident(incident_id)):
        flash(
            _("Kept as a new version. The clocks stay: %(name)s has notified an authority.", name=filed_by),
            "success",
        )
    else:
        flash(_("Kept as a new version; the clocks follow the facts."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="facts"), 303)


def _typed_elsewhere(incident: Incident, form: Form) -> Form | None:
    """What another window of one's own has saved and this one does not hold; None when nothing is missing."""
    draft = form.draft
    if draft is None or draft.after != form.after or draft.revision == _seen():
        return None
    theirs = Sheet(typed=dict(draft.typed))
    merged, both = merge(FIELDS, _written(incident, form.after), theirs, form.sheet)
    if _fields_of(merged) == _fields_of(form.sheet):
        return None
    return Form(merged, form.after, draft, both, by_oneself=True)


def _seen() -> int:
    """The revision of the draft that the page in the browser holds."""
    return request.form.get("draft", 0, type=int)


def _fields_of(sheet: Sheet) -> dict[str, list[str]]:
    """What is said in each field; ends of lines, which scripts and forms send differently, say nothing."""
    said = {
        each.name: [text.replace("\r\n", "\n").strip() for text in sheet.all(each.name)] for each in FIELDS
    }
    return {name: texts for name, texts in said.items() if texts not in ([], [""], ["unknown"])}


def _learn(incident_id: UUID, document: dict[str, Any], sheet: Sheet, after: int) -> None:
    with transaction():
        staff_reports.learn(
            locked_incident(incident_id), document, after=after, reason=sheet.one("reason"),
            by=current_staff().name, now=utcnow(),
        )  # fmt: skip
        drafts.discard(incident_id, current_staff())


def _has_reason(sheet: Sheet) -> bool:
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say where the new facts come from."))
    return not sheet.faults


def _conflict(incident: Incident, form: Form) -> Form:
    """My changes on top of what was saved meanwhile, to be looked at and sent again."""
    base, theirs = _written(incident, form.after), _written(incident, incident.facts_number)
    merged, both = merge(FIELDS, base, theirs, form.sheet)
    return Form(merged, incident.facts_number, form.draft, both)


def _written(incident: Incident, number: int) -> Sheet:
    """The form as that version of the facts fills it in."""
    return written(_document(incident, number), locales.zone())


def _document(incident: Incident, number: int) -> dict[str, Any]:
    """The facts of that version; the latest where there is no such version."""
    wanted = select(FactsVersion).where(
        FactsVersion.incident_id == incident.id,
        FactsVersion.number == min(max(number, 0), incident.facts_number),
    )
    found = db.session.scalars(wanted).one_or_none()
    return found.facts if found else clocks.document_of(incident)


# --- drafts -------------------------------------------------------------------------------------


@bp.post("/draft")
@requires(Permission.TRIAGE)
def keep_draft(incident_id: UUID) -> ResponseReturnValue:
    """Keep what is typed, by itself or by a button; a script gets what then stands beside the form."""
    incident, sheet = visible_incident(incident_id), sheet_of(request.form)
    form = _keep(incident, Form(sheet, request.form.get("after", incident.facts_number, type=int)))
    if request.headers.get("X-Requested-With") == "fetch":
        return _fragment(incident, form)
    if form.draft:
        flash(_("Saved %(at)s.", at=_hour(form.draft)), "success")
    place = request.form.get("section", "beside")
    place = place if place in {f"s-{each.key}" for each in SECTIONS} else "beside"
    return redirect(url_for("facts.new", incident_id=incident_id, _anchor=place), 303)


@bp.post("/draft/removal")
@requires(Permission.TRIAGE)
def discard_draft(incident_id: UUID) -> ResponseReturnValue:
    """Throw the draft away: the kept facts stay as they are."""
    incident = visible_incident(incident_id)
    with transaction():
        drafts.discard(incident.id, current_staff())
    flash(_("The draft is gone. The facts are as they were kept last."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="facts"), 303)


def _keep(incident: Incident, form: Form) -> Form:
    """Save the draft, on top of what another window saved meanwhile; a form left as it was is no draft."""
    by = current_staff()
    with transaction():
        held = drafts.of(incident, by, locked=True)
        kept = _on_top(incident, held, form)
        if held is None and _fields_of(kept.sheet) == _fields_of(_written(incident, kept.after)):
            return kept
        typed = {name: texts for name, texts in kept.sheet.typed.items() if name in OURS}
        drafts.save(incident, typed, after=kept.after, by=by, now=utcnow())
        kept.draft = drafts.of(incident, by)
        return kept


def _on_top(incident: Incident, held: FactsDraft | None, form: Form) -> Form:
    """What is typed here on top of what is held: a script says which fields were touched in this window."""
    if held is None or (held.revision, held.after) == (_seen(), form.after):
        return form
    theirs = Sheet(typed=dict(held.typed))
    touched = request.form.getlist("touched")
    if "touched" in request.form and held.after == form.after:
        mine = {name: form.sheet.typed.get(name, []) for name in touched if name in OURS}
        return Form(Sheet(typed=theirs.typed | mine), form.after, by_oneself=True)
    merged, both = merge(FIELDS, _written(incident, form.after), theirs, form.sheet)
    return Form(merged, max(held.after, form.after), both=both, by_oneself=True)


def _hour(draft: FactsDraft) -> str:
    """When a draft was saved, as a clock on the wall shows it."""
    return f"{locales.local(draft.saved_at, locales.zone()):%H:%M}"


# --- pages --------------------------------------------------------------------------------------


def _page(incident: Incident, form: Form) -> str:
    return render_template("incident/facts.html", **_shown(incident, form))


def _fragment(incident: Incident, form: Form) -> str:
    return render_template("incident/_facts_beside.html", **_shown(incident, form))


def _shown(incident: Incident, form: Form) -> Mapping[str, Any]:
    now = utcnow()
    document, left_out = readable(form.sheet, locales.zone(), _document(incident, form.after), now=now)
    advice = advising.of_document(incident, document, now=now)
    return {
        "incident": incident, "form": form, "sheet": form.sheet, "sections": SECTIONS, "words": words,
        "labels": LABELS, "now": now, "beside": beside.of(incident, advice, now=now, here=True),
        "left_out": [label_of(f"/{name.replace('.', '/')}") for name in left_out if name],
        "saved": _hour(form.draft) if form.draft else "",
    }  # fmt: skip
