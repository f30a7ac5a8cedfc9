"""The register of customers: list, one customer, a whole file in or out.

Contacts are people: they are shown to those who look after the register or may see recipients.
"""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import customer_lists, customers
from incident.customer_lists import Details, Known
from incident.forms import words

bp = Blueprint("customers", __name__, url_prefix="/customers")
PAGE = 50
SEVERAL = ("processors", "categories", "groups")


@bp.get("")
@requires(Permission.SEE_PROCESSORS)
def index() -> ResponseReturnValue:
    """The controllers for whom we are processor, with what is agreed and what is missing."""
    search, page = request.args.get("search", "")[:200], max(request.args.get("page", 1, type=int), 1)
    found, count = customers.listed(search, offset=(page - 1) * PAGE, limit=PAGE)
    ids = [each.id for each in found]
    names = customers.processor_names(current_staff().organisation_id)
    return render_template(
        "incident/customers.html", customers=found, count=count, search=search, page=page, per_page=PAGE,
        contacts=customers.contacts_of(ids), through=customers.processors_of(ids), names=names,
    )  # fmt: skip


@bp.get("/new")
@requires(Permission.MANAGE_PROCESSORS)
def new() -> ResponseReturnValue:
    """An empty form."""
    return _form({}, {}, None)


@bp.post("")
@requires(Permission.MANAGE_PROCESSORS)
def create() -> ResponseReturnValue:
    """Register a customer; what was typed stays on the page when it cannot be."""
    staff, cells = current_staff(), _cells()
    told, faults = customer_lists.details_of(cells, _known())
    if told is None:
        return _form(cells, faults, None), 422
    try:
        with transaction():
            customers.add(staff.organisation_id, told, by=staff.name, now=utcnow())
    except Refused as refusal:
        return _form(cells, {"name": refusal.message}, None), refusal.status
    flash(_("%(name)s is registered.", name=told.name), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/<uuid:customer_id>")
@requires(Permission.SEE_PROCESSORS)
def show(customer_id: UUID) -> ResponseReturnValue:
    """What the register holds of one customer, to be changed by whoever may."""
    customer = customers.of(customer_id)
    names = customers.processor_names(customer.organisation_id)
    cells = customer_lists.cells_of(customers.details([customer])[0], names)
    return _form(cells, {}, customer_id)


@bp.post("/<uuid:customer_id>")
@requires(Permission.MANAGE_PROCESSORS)
def change(customer_id: UUID) -> ResponseReturnValue:
    """Change what the register holds."""
    cells = _cells()
    told, faults = customer_lists.details_of(cells, _known())
    if told is None:
        return _form(cells, faults, customer_id), 422
    try:
        with transaction():
            changed = customers.change(customers.of(customer_id), told, by=current_staff().name, now=utcnow())
    except Refused as refusal:
        return _form(cells, {"name": refusal.message}, customer_id), refusal.status
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


def _known() -> Known:
    return customers.known(current_staff().organisation, utcnow())


def _cells() -> dict[str, str]:
    several = {name: customer_lists.BETWEEN.join(request.form.getlist(name)) for name in SEVERAL}
    return {**request.form.to_dict(), **several}


def _form(cells: dict[str, str], faults: dict[str, str], customer_id: UUID | None) -> str:
    chosen = {name: set((cells.get(name) or "").split(customer_lists.BETWEEN)) for name in SEVERAL}
    names = customers.processor_names(current_staff().organisation_id)
    return render_template(
        "incident/customer.html", cells=cells, faults=faults, customer_id=customer_id, chosen=chosen,
        labels=customer_lists.LABELS, contacts=range(1, customer_lists.CONTACTS + 1), words=words,
        choices={
            "processors": [(name, name) for name in sorted(names.values())],
            "categories": [(each, words.say(each)) for each in customer_lists.CATEGORIES
                           if each != "unspecified"],
            "groups": [(each, words.say(each)) for each in customer_lists.GROUPS if each != "unknown"],
        },
    )  # fmt: skip


# --- a whole file -------------------------------------------------------------------------------


@bp.get("/import")
@requires(Permission.MANAGE_PROCESSORS)
def choose() -> ResponseReturnValue:
    """Choose a file."""
    return render_template(
        "incident/customers_import.html", columns=customer_lists.COLUMNS, labels=customer_lists.LABELS,
        most=customer_lists.MOST_ROWS,
    )  # fmt: skip


@bp.post("/import/preview")
@requires(Permission.MANAGE_PROCESSORS)
def look() -> ResponseReturnValue:
    """Read a file and show what it says; nothing is taken over yet."""
    sent = request.files.get("list")
    if sent is None or not sent.filename:
        raise Invalid(_("No file was chosen."), next_step=_("Choose a CSV file and send it again."))
    reading = customer_lists.read(sent.read(), _known())
    found = None if reading.faults else customers.compare(current_staff().organisation_id, reading)
    page = render_template(
        "incident/customers_preview.html", reading=reading, comparison=found, file=sent.filename,
        sealed=None if reading.faults else customer_lists.seal(reading, _bound()),
    )  # fmt: skip
    return page, 422 if reading.faults else 200


def _bound() -> str:
    staff = current_staff()
    return f"customers:{staff.organisation_id}:{staff.id}"


@bp.post("/import")
@requires(Permission.MANAGE_PROCESSORS)
def take_over() -> ResponseReturnValue:
    """Take over what the previewed file says: all of it or nothing."""
    staff, reading = current_staff(), customer_lists.unseal(request.form.get("sealed", ""), _bound())
    with transaction():
        found = customers.take_over(staff.organisation_id, reading, by=staff.name, now=utcnow())
    flash(
        _("%(new)s customers were added, %(changed)s changed, %(same)s stayed as they were.",
          new=len(found.new), changed=len(found.changed), same=len(found.same)), "success",
    )  # fmt: skip
    return redirect(url_for(".index"), 303)


@bp.get("/export.csv")
@requires(Permission.MANAGE_PROCESSORS)
def export() -> ResponseReturnValue:
    """The whole register as a file that can be changed and read back."""
    found, _count = customers.listed()
    names = customers.processor_names(current_staff().organisation_id)
    return _file(customer_lists.written(customers.details(found), names), "customers.csv")


@bp.get("/template.csv")
@requires(Permission.MANAGE_PROCESSORS)
def template() -> ResponseReturnValue:
    """A file with every column and one example, to be filled in."""
    example = Details(
        name="Example Ltd", locale="en", country="GB", reference="C-1001", agreement="DPA-17",
        notice_hours=24.0, systems=("Portal", "Payroll"), categories=("name", "employment"),
        groups=("employees",), people=120,
        contacts=(customer_lists.Contact("Pat Example", "privacy@example.com", "+442079460000"),),
    )  # fmt: skip
    return _file(customer_lists.written([example], {}), "customers-template.csv")


def _file(text: str, name: str) -> Response:
    answer = Response(text, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
