"""Filing with the authority: logged with the pack as filed, the duty met, and how late it was frozen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Invalid, Refused
from incident import clocks, drafting, filed, meeting, our_role, packs, related
from incident.authority_notification import as_filed, delay, numbers, parts, receipts, text
from incident.authority_notification.receipts import Proof
from incident.models import (
    AuthorityFiling,
    AuthorityNotification,
    Channel,
    Duty,
    FilingProof,
    Incident,
    NotificationState,
)
from incident.rules.phases import Phase
from playbooks import runs

PROMISED = "promise-authority"
LONG_AGO = timedelta(minutes=15)  # recorded so long after the filing, somebody says why
LONGEST = 2000  # signs of a reason
MOST_PROOFS = 50
CHANNELS = (Channel.PORTAL, Channel.EMAIL, Channel.TELEPHONE, Channel.POST)


@dataclass(frozen=True, slots=True)
class Filing:
    """How and when the text was filed; `filed_at` is an aware instant.

    `why_later` says why it is recorded long after the filing, `why_no_number` why there is no case number,
    `confirmed` that a number which is not written as usual is right. Where it is late and the text gives no
    reasons, `why_late` gives them, and `delay` says what became of them (`delay.Given`).
    """

    channel: str
    filed_at: datetime
    why_later: str = ""
    case_number: str = ""
    why_no_number: str = ""
    receipt: Proof | None = None
    confirmed: bool = False
    why_late: str = ""
    delay: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """What came back after the filing: a receipt, the case number, or another number and `why`."""

    case_number: str = ""
    receipt: Proof | None = None
    why: str = ""
    confirmed: bool = False


def file(
    incident: Incident, notification: AuthorityNotification, filing: Filing, *, by: StaffMember, now: datetime
) -> bool:
    """Log that the approved text was filed: the pack is kept and the duty is met, its lateness frozen.

    False when this very filing is logged already. The clock stops once every authority that is owed a
    notification has it. Raises: Refused when it is filed otherwise or not approved; Invalid for a time, a
    number or a receipt that cannot be, `numbers.Unusual` for one to be confirmed, `delay.Unexplained` when
    it is late and nobody says why.
    """
    number = numbers.tidied(filing.case_number)
    if notification.state == NotificationState.FILED:
        if not _is_same(notification, filing, number, by):
            raise _filed_already(notification)
        return False
    our_role.refuse_as_processor(incident)
    if notification.state != NotificationState.APPROVED or notification.approved_at is None:
        raise Refused(
            _("Only an approved text is filed."), next_step=_("Have it approved, then file that very text.")
        )
    if filing.channel not in CHANNELS:
        raise Invalid(_("There is no such channel."), next_step=_("Choose the way by which it was filed."))
    _check_time(filing, notification.approved_at, now)
    if not number and not filing.why_no_number.strip():
        raise Invalid(
            _("The case number is missing."),
            next_step=_("Enter it, or say why there is none yet; it can be added later."),
        )
    _check_reasons(filing.why_later, filing.why_no_number)
    confirmed = numbers.check(number, notification.authority, confirmed=filing.confirmed)
    media_type = receipts.check(filing.receipt) if filing.receipt else ""
    reasons = delay.check(notification, filing.why_late, filing.delay, at=filing.filed_at)
    row = _log(incident, notification, filing, (number, confirmed, reasons), by=by, now=now)
    if filing.receipt:
        _keep(row, 1, filing.receipt, media_type, by=by, now=now)
    _meet(incident, notification, by, now)
    delay.keep(incident, notification, reasons, by=by, now=now)
    return True


def _filed_already(notification: AuthorityNotification) -> Refused:
    return Refused(
        _("This notification was filed already, by %(name)s.", name=notification.filed_by),
        next_step=_("Look at its proof; what is new is a further notification."),
    )


def _is_same(notification: AuthorityNotification, filing: Filing, number: str, by: StaffMember) -> bool:
    """Whether a form that comes again says what was logged from it before."""
    known = filed.filing_of(notification)
    if known is None:
        return False
    first = next((each.sha256 for each in known.receipts if each.at == known.filing.recorded_at), None)
    row, sent = known.filing, filing.receipt.sha256 if filing.receipt else None
    said = (filing.filed_at, filing.channel, number or None, sent, by.id)
    return said == (row.filed_at, row.channel, row.case_number, first, row.filed_by_id)


def _check_time(filing: Filing, approved_at: datetime, now: datetime) -> None:
    if filing.filed_at > now:
        raise Invalid(_("It cannot have been filed in the future."), next_step=_("Check date and time."))
    if filing.filed_at < approved_at.replace(second=0, microsecond=0):
        raise Invalid(
            _("It cannot have been filed before it was approved: another text would have been filed."),
            next_step=_(
                "Check date and time. If another text was filed, bring this one in line with it first."
            ),
        )
    if now - filing.filed_at > LONG_AGO and not filing.why_later.strip():
        raise Invalid(
            _("The filing lies more than 15 minutes back."),
            next_step=_("Say why it is recorded only now; the time of filing counts."),
        )


def _check_reasons(*reasons: str) -> None:
    if any(len(each.strip()) > LONGEST for each in reasons):
        raise Invalid(_("A reason has at most 2000 signs."), next_step=_("Say it more shortly."))


def _log(
    incident: Incident, notification: AuthorityNotification, filing: Filing,
    said: tuple[str, bool, delay.Reasons], *, by: StaffMember, now: datetime,
) -> AuthorityFiling:  # fmt: skip
    """Add the row of a filing, with the pack as filed, and the ledger's entry that holds its hashes."""
    duty = db.session.get_one(Duty, notification.duty_id)
    pack = as_filed.pack_of(incident, notification, now=now)
    case_number, confirmed, reasons = said
    notification.state, notification.filed_at = NotificationState.FILED, filing.filed_at
    notification.filed_by = by.name
    db.session.flush()
    row = AuthorityFiling(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, duty_id=duty.id,
        notification_id=notification.id, authority=notification.authority, number=notification.number,
        kind=notification.content.get("kind", "initial"), channel=filing.channel, filed_at=filing.filed_at,
        filed_by=by.name, filed_by_id=by.id, recorded_at=now, why_later=filing.why_later.strip() or None,
        why_late=reasons.text, why_late_owed=reasons.owed,
        case_number=case_number or None, number_confirmed=confirmed,
        why_no_number=None if case_number else filing.why_no_number.strip(),
        content_sha256=notification.content_sha256, pack_pdf=pack.pdf, pack_json=pack.json, **pack.hashes(),
        **parts.lateness(notification, duty, filing.filed_at),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    text.log(
        incident, notification, filed.FILED, by, now,
        reason=row.reasons, filing=row.id, number=row.number, kind=row.kind, channel=row.channel,
        filed_at=row.filed_at, case_number=row.case_number, number_confirmed=confirmed,
        reasons_owed=reasons.owed, receipt_sha256=filing.receipt.sha256 if filing.receipt else None,
        **pack.hashes(),
    )  # fmt: skip
    return row


def keep_proof(
    incident: Incident, notification: AuthorityNotification, later: Later, *, by: StaffMember, now: datetime
) -> bool:
    """Add what came back after the filing; what is kept stays, and the latest case number holds.

    False when it is kept already. Raises: Refused when it is not filed, or when there is another number
    and nobody says why; Invalid when nothing was given, or as `file`.
    """
    known = filed.filing_of(notification)
    if known is None:
        raise Refused(_("There is no proof of what is not filed."), next_step=_("File it first."))
    number = numbers.tidied(later.case_number)
    if not number and later.receipt is None:
        raise Invalid(_("Nothing was added."), next_step=_("Enter the case number or choose the receipt."))
    new = number if number != known.case_number else ""
    if new and known.case_number and not later.why.strip():
        raise Refused(
            _("There is a case number already: proof is kept as it was given and not replaced."),
            next_step=_("If it is wrong, enter the right one and say why; both stay on record."),
        )
    _check_reasons(later.why)
    confirmed = numbers.check(new, notification.authority, confirmed=later.confirmed)
    media_type = receipts.check(later.receipt) if later.receipt else ""
    receipt = later.receipt
    if receipt and any(each.sha256 == receipt.sha256 for each in known.receipts):
        receipt = None
    if not new and receipt is None:
        return False
    if len(known.proofs) >= MOST_PROOFS:
        raise Refused(_("There are 50 proofs of this filing; no more are kept."))
    proof = _keep(
        known.filing, len(known.proofs) + 1, receipt, media_type, by=by, now=now,
        case_number=new or None, number_confirmed=confirmed, why=later.why.strip() or None,
    )  # fmt: skip
    text.log(
        incident, notification, filed.KEPT, by, now, reason=proof.why,
        filing=known.filing.id, case_number=proof.case_number, number_confirmed=confirmed,
        receipt_sha256=proof.sha256,
    )  # fmt: skip
    _receipt_happened(incident, by, now)
    return True


def _keep(
    row: AuthorityFiling, number: int, receipt: Proof | None, media_type: str, *, by: StaffMember,
    now: datetime, **more: str | bool | None,
) -> FilingProof:  # fmt: skip
    kept = {
        "name": receipts.safe_name(receipt.name), "media_type": media_type, "data": receipt.data,
        "sha256": receipt.sha256,
    } if receipt else {}  # fmt: skip
    proof = FilingProof(
        id=new_id(), organisation_id=row.organisation_id, filing_id=row.id, number=number, by=by.name,
        by_id=by.id, at=now, **kept, **more,
    )  # fmt: skip
    db.session.add(proof)
    db.session.flush()
    return proof


# --- what follows -------------------------------------------------------------------------------


def _meet(incident: Incident, notification: AuthorityNotification, by: StaffMember, now: datetime) -> None:
    """Freeze how late the duty was met; with the last one the clock, the promise and its steps end."""
    assert notification.filed_at is not None  # noqa: S101  set just before
    at = notification.filed_at
    duty = db.session.get_one(Duty, notification.duty_id)
    follows = packs.follows(notification.content) or _owes_reasons(notification)
    if Phase(notification.kind).is_follow_up:
        parts.meet(incident, notification, by=by, now=now)
    else:
        if follows:
            parts.leave_rest(incident, duty, at=at, now=now)
        meeting.meet(incident, duty, at=at, actor=by.name, now=now, in_part=follows)
    for each in (incident, *related.carriers_of(incident)):
        each.follow_ups_for = 0  # facts that came while it was filed are looked at
    meeting.count_for_carrier([duty], at=at, actor=by.name, now=now)
    if not text.open_duties(incident):
        for duty in meeting.duties_of(incident, PROMISED):
            meeting.meet(incident, duty, at=at, actor=by.name, now=now)
        for kind in ("authority_notification", "own_promise_authority"):
            why = _("The authorities are notified.")
            clocks.stop(incident, kind, why=why, actor=by.name, now=now, at=at)
    why = _("Filed with %(authority)s.", authority=drafting.name_of(notification.authority, "en"))
    clocks.move_due(incident, actor=by.name, reason=why, now=now)
    text.happened(incident, "authority.filed", (NotificationState.FILED,), by, now)
    _receipt_happened(incident, by, now)


def _owes_reasons(notification: AuthorityNotification) -> bool:
    row = filed.filing_of(notification)
    return row is not None and row.filing.why_late_owed


def _receipt_happened(incident: Incident, by: StaffMember, now: datetime) -> None:
    """The proof is whole once every filing has its case number or its receipt."""
    if not text.open_duties(incident) and all(each.is_closed for each in filed.of_incident(incident)):
        runs.happened(incident.chain, "authority.receipt", actor=by.name, now=now)
