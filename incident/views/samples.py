"""What is in the data: a sample is looked at in memory, and answered with counts; none of it is kept."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_percent
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from accounts.permissions import Permission, current_staff, requires
from foundation import ledger
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from foundation.http import takes_files
from incident.access import locked_incident, visible_incident
from incident.forms.words import WORDS
from incident.recipient_lists import samples
from incident.recipient_lists.identifiers import NAMES, SURENESS, Count, Scan, Sure
from incident.recipient_lists.numbers import Kind

bp = Blueprint("samples", __name__, url_prefix="/incidents/<uuid:incident_id>/sample")
LOOKS: Final = {Sure.SURE: "sure", Sure.LIKELY: "likely", Sure.POSSIBLE: "possible"}
_NATIONAL: Final = _l(
    "A national number says at once who somebody is, and others can pose as that person with it. "
    "It does not change."
)
_MEANS: Final = {
    Kind.CARD: (
        "payment_card",
        _l("Financial data: money can be taken with it. Cards may have to be blocked."),
    ),
    Kind.IBAN: ("bank_account", _l("Financial data: it serves fraud, and more so with names beside it.")),
    Kind.EMAIL: (
        "contact",
        _l("A way to reach people, also for fraud. Are passwords beside it? Then it is a login: say so too."),
    ),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One kind in the picture: its counts by sureness, where each piece of the bar begins, what it means."""

    name: LazyString
    counts: list[Count]
    pieces: list[tuple[str, float, float]]  # class, from, width; of 100
    fact: str
    means: LazyString


@bp.get("")
@requires(Permission.TRIAGE)
def ask(incident_id: UUID) -> ResponseReturnValue:
    """The form: paste a sample or choose a file."""
    return _page(incident_id)


@bp.post("")
@requires(Permission.TRIAGE)
@takes_files(samples.MOST_BYTES, in_memory=True)
def look(incident_id: UUID) -> ResponseReturnValue:
    """Answer with what was found, once; the record notes by counts that somebody looked."""
    visible_incident(incident_id)
    try:
        scan = samples.look(_sent(), now=utcnow())
    except Invalid as problem:
        return _page(incident_id, problem=problem), 422
    with transaction():
        incident, staff = locked_incident(incident_id), current_staff()
        ledger.append(
            incident.chain, "sample.looked_at", organisation_id=incident.organisation_id, actor=staff.name,
            at=utcnow(), staff=staff.id, cells=scan.cells, found=sum(each.found for each in scan.counts),
            kinds=_by_kind(scan),
        )  # fmt: skip
    return _page(incident_id, scan=scan, bars=list(_bars(scan)))


def _page(incident_id: UUID, **told: Any) -> str:
    return render_template(
        "incident/sample.html", incident=visible_incident(incident_id), most=samples.MOST_BYTES >> 20,
        sureness=SURENESS, looks=LOOKS, share=_share, **told,
    )  # fmt: skip


def _sent() -> bytes:
    """The bytes of the file, or of what was pasted. Raises: Invalid when both came."""
    file, text = request.files.get("file"), request.form.get("sample", "")
    if file is None or not file.filename:
        return text.encode(errors="replace")
    if text.strip():
        raise Invalid(
            _("There is pasted data and a file."), next_step=_("Look at one of them, then at the other.")
        )
    return file.stream.read(samples.MOST_BYTES + 1)


def _by_kind(scan: Scan) -> dict[str, dict[str, int]]:
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    for each in scan.counts:
        kinds[each.kind.value][LOOKS[each.sure]] = each.found
    return dict(kinds)


def _bars(scan: Scan) -> Iterator[Bar]:
    for kind in dict.fromkeys(each.kind for each in scan.counts):
        counts = [each for each in scan.counts if each.kind is kind]
        code, means = _MEANS.get(kind, ("national_id", _NATIONAL))
        yield Bar(NAMES[kind], counts, list(_pieces(counts)), str(WORDS[code]), means)


def _pieces(counts: list[Count]) -> Iterator[tuple[str, float, float]]:
    """The shares one behind the other, surest first; the least can still be seen, and none leaves the bar."""
    begins = 0.0
    for each in counts:
        width = min(max(100 * each.share, 1.0), 100 - begins)
        yield LOOKS[each.sure], round(begins, 2), round(width, 2)
        begins += width


def _share(count: Count) -> str:
    return _("under 1 %%") if count.share < 0.01 else str(format_percent(count.share, "#,##0 %"))
