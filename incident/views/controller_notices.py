"""Notices to our customers: what all read alike, what each reads alone, approval, sending, outcome."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.permissions import Permission, current_staff, requires
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing
from incident import clocks, customers, letters
from incident.access import locked_incident, visible_incident
from incident.controller_notices import approving, fan_out, rounds, sending, standing, writing
from incident.models import ControllerNotice, Customer, NoticeRound, NoticeState, RoundState
from notifications import fates, rendering

bp = Blueprint("controller_notices", __name__, url_prefix="/incidents/<uuid:incident_id>/notices")
REFRESH = 10  # seconds, only while messages are under way
PREVIEW_REFERENCE = "XXXXXXXX"


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """To the notices that are being prepared, or were sent last; without any to the customers."""
    round_ = standing.preparing(visible_incident(incident_id))
    if round_ is None:
        return redirect(url_for("incident_customers.index", incident_id=incident_id), 303)
    return redirect(url_for(".show", incident_id=incident_id, round_id=round_.id), 303)


@bp.post("/further")
@requires(Permission.PREPARE_COMMUNICATION)
def further(incident_id: UUID) -> ResponseReturnValue:
    """Begin a further notice to everybody who was told."""
    with transaction():
        made = fan_out.begin_further(locked_incident(incident_id), by=current_staff(), now=utcnow())
    flash(ngettext("A further notice to %(num)s customer is drafted.",
                   "A further notice to %(num)s customers is drafted.", made), "success")  # fmt: skip
    return redirect(url_for(".index", incident_id=incident_id), 303)


@bp.get("/<uuid:round_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, round_id: UUID) -> ResponseReturnValue:
    """Where the notices stand, what they lack, whom they reached; looks again while that changes."""
    incident = visible_incident(incident_id)
    round_ = rounds.of(incident, round_id)
    counts = rounds.counts(round_)
    before = round_.state in rounds.BEFORE_SENDING
    moving = round_.state == RoundState.SENDING and bool(
        counts.get(NoticeState.DRAFT) or counts.get(NoticeState.SENT)
    )
    looks_again = moving and not request.args.get("steady")
    page = render_template(
        "incident/notices.html", incident=incident, round=round_, counts=counts, now=utcnow(),
        rounds=rounds.of_incident(incident), languages=rounds.languages_of(round_),
        lacking=approving.lacking(round_) if before else [], labels=writing.LABELS,
        namings=approving.namings(incident, round_) if round_.state == RoundState.DRAFT else [],
        first=next(iter(rounds.notice_ids(round_)), None), moving=moving, looks_again=looks_again,
        refresh=REFRESH, prepared=rounds.being_prepared(incident),
    )  # fmt: skip
    return page, {"Refresh": str(REFRESH)} if looks_again else {}


# --- what all read alike ------------------------------------------------------------------------


@bp.get("/<uuid:round_id>/texts/<locale>")
@requires(Permission.SEE_INCIDENTS)
def text(incident_id: UUID, round_id: UUID, locale: str) -> ResponseReturnValue:
    """The common part in one language, with the facts as they were told beside it."""
    incident = visible_incident(incident_id)
    round_ = rounds.of(incident, round_id)
    if locale not in round_.texts:
        raise Missing(_("There is no notice in this language."))
    return render_template(
        "incident/notice_text.html", incident=incident, round=round_, locale=locale,
        parts=round_.texts[locale], names=writing.PARTS, labels=writing.LABELS, one_line=writing.ONE_LINE,
        required=writing.REQUIRED, facts=clocks.current_facts(incident), has_brackets=letters.has_brackets,
    )  # fmt: skip


@bp.post("/<uuid:round_id>/texts/<locale>")
@requires(Permission.PREPARE_COMMUNICATION)
def write(incident_id: UUID, round_id: UUID, locale: str) -> ResponseReturnValue:
    """Save the common part; an approval of another text is void."""
    with transaction():
        incident = locked_incident(incident_id)
        changed = rounds.set_texts(
            incident, rounds.of(incident, round_id), locale, request.form.to_dict(),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return _back(incident_id, round_id)


@bp.post("/<uuid:round_id>/renewal")
@requires(Permission.PREPARE_COMMUNICATION)
def renew(incident_id: UUID, round_id: UUID) -> ResponseReturnValue:
    """Take the register and the facts over anew into what each customer reads alone."""
    with transaction():
        incident = locked_incident(incident_id)
        found = customers.listed()[0]
        told = dict(zip([each.id for each in found], customers.details(found), strict=True))
        changed = rounds.renew(
            incident, rounds.of(incident, round_id), told, seen=request.form.get("seen", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(ngettext("%(num)s notice changed.", "%(num)s notices changed.", changed), "success")
    return _back(incident_id, round_id)


# --- what one reads alone -----------------------------------------------------------------------


@bp.get("/<uuid:round_id>/customers/<uuid:notice_id>")
@requires(Permission.SEE_RECIPIENTS)
def preview(incident_id: UUID, round_id: UUID, notice_id: UUID) -> ResponseReturnValue:
    """What one customer will read, or has read: every contact's e-mail and text message."""
    incident = visible_incident(incident_id)
    round_, notice = rounds.of(incident, round_id), rounds.notice_of(incident, notice_id)
    every = rounds.notice_ids(round_)
    place = every.index(notice_id) if notice_id in every else len(every)  # set aside: beside the others
    states = fates.of(incident.chain, sending.key_prefix(notice.id))
    return render_template(
        "incident/notice_preview.html", incident=incident, round=round_, notice=notice,
        customer=db.session.get_one(Customer, notice.customer_id),
        before=every[place - 1] if place else None,
        after=every[place + 1] if place + 1 < len(every) else None,
        fates=[states.get(sending.key(notice.id, n)) for n in range(len(notice.own["contacts"]))],
        longest=writing.LONGEST_NOTE, **_rendered(round_, notice),
    )  # fmt: skip


def _rendered(round_: NoticeRound, notice: ControllerNotice) -> dict[str, Any]:
    name = notice.own["contacts"][0][0] if notice.own["contacts"] else notice.own["name"]
    said = writing.context(notice.own, round_.texts[notice.locale], notice.locale, name)
    full = {**said, "reference": PREVIEW_REFERENCE}
    sms = rendering.render(sending.TEMPLATE, notice.locale, "sms", full)["text"]
    return {
        "email": rendering.render(sending.TEMPLATE, notice.locale, "email", full), "sms": sms,
        "segments": rendering.segments(sms),
    }  # fmt: skip


@bp.post("/<uuid:round_id>/customers/<uuid:notice_id>")
@requires(Permission.PREPARE_COMMUNICATION)
def say(incident_id: UUID, round_id: UUID, notice_id: UUID) -> ResponseReturnValue:
    """How many people are affected at one customer, and what it alone is told."""
    typed = request.form.get("affected", "").strip()
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        raise Invalid(_("The number of people is a whole number."), next_step=_("Leave it empty if unknown."))
    with transaction():
        incident = locked_incident(incident_id)
        changed = rounds.set_own(
            incident, rounds.of(incident, round_id), rounds.notice_of(incident, notice_id),
            affected=int(typed) if typed else None, note=request.form.get("note", ""),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return redirect(url_for(".preview", incident_id=incident_id, round_id=round_id, notice_id=notice_id), 303)


# --- approval and sending -----------------------------------------------------------------------


@bp.post("/<uuid:round_id>/approval")
@requires(Permission.APPROVE_COMMUNICATION)
def approve(incident_id: UUID, round_id: UUID) -> ResponseReturnValue:
    """Approve texts and list, as the second person."""
    with transaction():
        incident = locked_incident(incident_id)
        approving.approve(
            incident, rounds.of(incident, round_id), seen=request.form.get("seen", ""), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("Approved: these notices, to exactly these customers."), "success")
    return _back(incident_id, round_id)


@bp.post("/<uuid:round_id>/sending")
@requires(Permission.SEND_COMMUNICATION)
def send(incident_id: UUID, round_id: UUID) -> ResponseReturnValue:
    """Send them; pressed twice, or by two people, everybody is written to once."""
    with transaction():
        incident = locked_incident(incident_id)
        sent = sending.send(
            incident, rounds.of(incident, round_id), by=current_staff(), now=utcnow(),
            seen=request.form.get("seen", ""), count=request.form.get("count", -1, type=int),
        )  # fmt: skip
    said = ngettext("On its way to %(num)s customer.", "On their way to %(num)s customers, each alone.", sent)
    flash(said if sent else _("It was sent before. Nobody was written to twice."), "success")
    return _back(incident_id, round_id)


def _back(incident_id: UUID, round_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", incident_id=incident_id, round_id=round_id), 303)
