"""The settings of an organisation: what authorities will ask of it, and its texts, approved by somebody."""

from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.models import Organisation
from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import able_to_file, letters, profile
from incident.authorities import Authority, by_key
from incident.forms import fields
from incident.forms import organisation as form
from incident.forms.fields import Sheet, sheet_of
from incident.rules.faults import FactsFault
from notifications.rules.watching import sorted_checks

bp = Blueprint("organisation", __name__, url_prefix="/settings/organisation")


@bp.get("")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """What is registered, what is lacking, and the form that changes it for those who may."""
    organisation = current_staff().organisation
    return _page(organisation, form.written(form.all_fields(_sections(organisation)), organisation.profile))


@bp.post("")
@requires(Permission.MANAGE_PEOPLE)
def change() -> ResponseReturnValue:
    """Keep what was typed; with a fault, or over a colleague's change, it stays on the page instead."""
    staff, now, sheet = current_staff(), utcnow(), sheet_of(request.form)
    asked = form.all_fields(_sections(staff.organisation))
    with transaction():
        organisation = profile.locked(staff.organisation)
        document = form.read(asked, sheet, organisation.profile, _today(organisation))
        seen = sheet.one("seen") == profile.version_of(organisation.profile)
        changed = False
        if seen and not sheet.faults:
            changed = profile.change(organisation, document, by=staff, now=now)
    if not seen or sheet.faults:
        before = form.written(asked, organisation.profile)
        theirs = None if seen else _differing(asked, before, sheet)
        return _page(organisation, sheet, theirs=theirs), 422 if seen else 409
    flash(_("Kept.") if changed else _("It stands there already: nothing changed."), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/texts")
@requires(Permission.APPROVE_NOTIFICATION)
def approve_texts() -> ResponseReturnValue:
    """Approve the texts of one language, as they were read."""
    staff, now = current_staff(), utcnow()
    with transaction():
        organisation = profile.locked(staff.organisation)
        locale = request.form.get("locale")
        told = next((each for each in able_to_file.texts(organisation) if each.locale == locale), None)
        if told is None:
            raise Invalid(_("The organisation does not write in this language."))
        if told.sha256 != request.form.get("sha256"):
            raise Refused(
                _("These texts have changed since you opened them."),
                next_step=_("Open the page again and read them."),
            )
        document = able_to_file.with_approval(
            organisation.profile, told, by=staff.name, day=_today(organisation)
        )
        profile.change(organisation, document, by=staff, now=now)
    flash(_("Approved, as they stand today."), "success")
    return redirect(url_for(".index", _anchor="texts"), 303)


def _page(organisation: Organisation, sheet: Sheet, *, theirs: dict[str, str] | None = None) -> str:
    sections, now = _sections(organisation), utcnow()
    return render_template(
        "incident/organisation.html", organisation=organisation, sections=sections, sheet=sheet, say=form.say,
        theirs=theirs, seen=profile.version_of(organisation.profile), longest=form.LONGEST,
        labels={each.pointer: each.label for each in form.all_fields(sections)},
        checks=sorted_checks(able_to_file.checks(organisation, now)), texts=able_to_file.texts(organisation),
        letters={each.locale: _letter(each.locale) for each in able_to_file.texts(organisation)},
    )  # fmt: skip


def _sections(organisation: Organisation) -> list[form.Section]:
    return form.sections(organisation.profile, _portals(organisation))


def _portals(organisation: Organisation) -> list[Authority]:
    """Where it files and must sign in, and wherever somebody is noted already."""
    try:
        keys = [each.key for each in able_to_file.offices(organisation, utcnow())]
    except FactsFault:
        keys = []
    keys += list(profile.profile_of(organisation).filing)
    known = [by_key(key) for key in dict.fromkeys(keys)]
    return [each for each in known if each is not None and each.portal.needs_sign_in]


def _differing(asked: list[fields.Field], theirs: Sheet, mine: Sheet) -> dict[str, str]:
    """What stands there now, of each field that was typed otherwise."""
    return {
        each.name: theirs.one(each.name)
        for each in asked
        if theirs.one(each.name).strip() != mine.one(each.name).replace("\r\n", "\n").strip()
        and {theirs.one(each.name), mine.one(each.name)} != {"", fields.UNKNOWN}
    }


def _letter(locale: str) -> list[tuple[str, str]]:
    """The sentences of a language's letters, to be read before they are approved."""
    return list(letters.catalog().sentences(locale).items())


def _today(organisation: Organisation) -> date:
    return utcnow().astimezone(ZoneInfo(organisation.timezone)).date()
