"""The register as a file: a template to fill in, a preview of what it would do, and the same file back."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.encryption import KeyMissing, keyring
from foundation.errors import Invalid
from incident.processor_register import contacts, exporting, fields, importing, planning, table, tree
from incident.processor_register.planning import Plan
from incident.processor_register.table import Table
from incident.views.processors.blueprint import bp, who

MOST_FAULTS_SHOWN = 500
MOST_ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it was read, the columns chosen for it, and what it would do."""

    data: bytes
    table: Table
    columns: Mapping[int, str]
    plan: Plan


@bp.get("/export.csv")
@requires(Permission.MANAGE_PROCESSORS)
def export() -> ResponseReturnValue:
    """The register as the import reads it; `ended` adds those that have left."""
    organisation, today = current_staff().organisation, f"{utcnow():%Y-%m-%d}"
    return _csv(exporting.export(ended="ended" in request.args), f"processors-{organisation.key}-{today}.csv")


@bp.get("/template.csv")
@requires(Permission.MANAGE_PROCESSORS)
def template() -> ResponseReturnValue:
    """An example to fill in."""
    return _csv(exporting.template(), "processors-template.csv")


def _csv(data: bytes, filename: str) -> Response:
    answer = Response(data, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


@bp.get("/import")
@requires(Permission.MANAGE_PROCESSORS)
def choose() -> ResponseReturnValue:
    """How a file is made, and a place to send it."""
    return render_template("incident/processor_import.html", columns=_labels())


@bp.post("/import/preview")
@requires(Permission.MANAGE_PROCESSORS)
def look() -> ResponseReturnValue:
    """Read a file, or the same again with other columns, and show what it would do; nothing is kept."""
    looked = _looked(_data(), utcnow())
    return _preview(looked), 422 if looked.plan.faults else 200


@bp.post("/import")
@requires(Permission.MANAGE_PROCESSORS)
def take_over() -> ResponseReturnValue:
    """Take over what was looked at: that very file, with those columns, into that very register."""
    now, organisation_id = utcnow(), current_staff().organisation_id
    looked = _looked(_data(), now)
    if looked.plan.binding != request.form.get("binding"):
        return _preview(looked, moved=True), 409
    prepared = importing.prepare(
        looked.plan, organisation_id=organisation_id, file_sha256=looked.table.sha256, now=now
    )
    try:
        with transaction():
            importing.apply(prepared, organisation_id=organisation_id, actor=who(), now=now)
    except (importing.Outdated, IntegrityError):
        return _preview(_looked(looked.data, now), moved=True), 409
    plan = looked.plan
    flash(
        _("Taken over: %(new)s new, %(changed)s changed, %(same)s as they were.",
          new=len(plan.new), changed=len(plan.changed), same=plan.same), "success",
    )  # fmt: skip
    return redirect(url_for("processors.index"), 303)


def _data() -> bytes:
    """The file that was sent now, or the one that the preview page sends back."""
    if sealed := request.form.get("sealed"):
        return _unseal(sealed)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(_("No file was chosen."), next_step=_("Choose a CSV file and send it again."))
    data: bytes = sent.read()
    return data


def _looked(data: bytes, now: datetime) -> Looked:
    read = table.read(data)
    columns = _chosen(len(read.header)) if "sealed" in request.form else table.guess(read.header)
    return Looked(data, read, columns, planning.plan(read, columns, now=now))


def _chosen(width: int) -> dict[int, str]:
    """Which column of the file was said to be which of ours."""
    chosen = {at: request.form.get(f"column.{at}", "") for at in range(width)}
    return {at: ours for at, ours in chosen.items() if ours in table.COLUMNS}


def _seal(data: bytes) -> str:
    """The file as a text that only this installation opens, and only for this organisation."""
    bound = str(current_staff().organisation_id).encode()
    return keyring.encrypt(zlib.compress(bound + b"\n" + data, 9)).decode()


def _unseal(text: str) -> bytes:
    try:
        bound, _newline, data = zlib.decompress(keyring.decrypt(text.encode())).partition(b"\n")
    except (KeyMissing, ValueError, zlib.error):
        bound, data = b"", b""
    if bound.decode("ascii", "replace") != str(current_staff().organisation_id):
        raise Invalid(_("The preview is out of date."), next_step=_("Send the file again."))
    return data


def _labels() -> dict[str, str]:
    """What pages call the columns of a file."""
    parts = {"name": _("name"), "role": _("role"), "email": _("e-mail"), "phone": _("phone")}
    labels = {name: str(label) for name, label in fields.LABELS.items()} | {"works_for": _("Works for")}
    for number, prefix in enumerate(table.CONTACTS, start=1):
        for part in contacts.PARTS:
            labels[f"{prefix}_{part}"] = _("Contact %(number)d: %(part)s", number=number, part=parts[part])
    return {column: labels[column] for column in table.COLUMNS}


def _preview(looked: Looked, *, moved: bool = False) -> str:
    names = {each.id: each.name for each in tree.known()} | {
        row.id: row.name for row in (*looked.plan.new, *looked.plan.changed)
    }

    def said(name: str, value: Any) -> str:
        if name == "serves_id":
            return names[value] if value else _("us directly")
        if name in table.CONTACTS:
            return ", ".join(filter(None, (value.name, value.email, value.phone))) if value else ""
        return fields.written(name, value)

    return render_template(
        "incident/processor_import_preview.html", looked=looked, plan=looked.plan, labels=_labels(),
        sealed=_seal(looked.data), said=said, names=names, moved=moved, most_faults=MOST_FAULTS_SHOWN,
        most_rows=MOST_ROWS_SHOWN,
    )  # fmt: skip
