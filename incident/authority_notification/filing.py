"""Filing with the authority: what came back is kept, the duty is met, and how late it was is frozen."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, drafting, meeting, our_role, packs, stages
from incident.authority_notification import text
from incident.models import AuthorityNotification, Duty, Incident, NotificationState
from playbooks import runs

PROMISED = "promise-authority"
LONG_AGO = timedelta(minutes=15)  # recorded so long after the filing, somebody says why


@dataclass(frozen=True, slots=True)
class Proof:
    """What the authority gave back: a file, kept byte by byte."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Filing:
    """How and when the text was filed; `filed_at` is an aware instant.

    `why_later` says why it is recorded long after the filing, `why_no_number` why there is no case number.
    """

    channel: str
    filed_at: datetime
    why_later: str = ""
    case_number: str = ""
    why_no_number: str = ""
    receipt: Proof | None = None


def file(
    incident: Incident, notification: AuthorityNotification, filing: Filing, *, by: StaffMember, now: datetime
) -> None:
    """Record that the approved text was filed: its proof is kept and the duty is met, its lateness frozen.

    The clock stops once every authority that is owed a notification has it. Raises: Refused when it is
    filed already, not approved, or late without reasons; Invalid for a time or proof that cannot be.
    """
    if notification.state == NotificationState.FILED:
        raise Refused(
            _("This notification was filed already, by %(name)s.", name=notification.filed_by),
            next_step=_("Look at its proof; what is new is a further notification."),
        )
    our_role.refuse_as_processor(incident)
    if notification.state != NotificationState.APPROVED or notification.approved_at is None:
        raise Refused(
            _("Only an approved text is filed."), next_step=_("Have it approved, then file that very text.")
        )
    _check_time(filing, notification.approved_at, now)
    if not filing.case_number.strip() and not filing.why_no_number.strip():
        raise Invalid(
            _("The case number is missing."),
            next_step=_("Enter it, or say why there is none yet; it can be added later."),
        )
    text.refuse_incomplete(notification, at=filing.filed_at)
    notification.state, notification.filed_at = NotificationState.FILED, filing.filed_at
    notification.filed_by = by.name
    notification.case_number = filing.case_number.strip() or None
    _keep(notification, filing.receipt)
    db.session.flush()
    text.log(
        incident, notification, "notification.filed", by, now,
        reason=" ".join(filter(None, (filing.why_later.strip(), filing.why_no_number.strip()))) or None,
        channel=filing.channel.strip(), filed_at=filing.filed_at, case_number=notification.case_number,
        receipt_sha256=notification.receipt_sha256,
    )  # fmt: skip
    _meet(incident, notification, by, now)


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


def keep_proof(
    incident: Incident, notification: AuthorityNotification, *, case_number: str, receipt: Proof | None,
    by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """Add the case number or the receipt that was not at hand at the filing; what is kept stays.

    Raises: Refused when it is not filed or would be overwritten, Invalid when nothing was given.
    """
    number = case_number.strip()
    if notification.state != NotificationState.FILED:
        raise Refused(_("There is no proof of what is not filed."), next_step=_("File it first."))
    if (number and notification.case_number) or (receipt and notification.receipt_sha256):
        raise Refused(
            _("Proof is kept as it was given and not replaced."), next_step=_("Add what is missing only.")
        )
    if not number and receipt is None:
        raise Invalid(_("Nothing was added."), next_step=_("Enter the case number or choose the receipt."))
    notification.case_number = notification.case_number or number or None
    _keep(notification, receipt)
    db.session.flush()
    text.log(
        incident, notification, "notification.proof_kept", by, now, case_number=notification.case_number,
        receipt_sha256=notification.receipt_sha256,
    )  # fmt: skip
    _receipt_happened(incident, by, now)


def _keep(notification: AuthorityNotification, receipt: Proof | None) -> None:
    if receipt is None:
        return
    if not receipt.data:
        raise Invalid(_("The receipt is an empty file."), next_step=_("Save it again from the portal."))
    notification.receipt_name = safe_name(receipt.name)
    notification.receipt = receipt.data
    notification.receipt_sha256 = hashlib.sha256(receipt.data).hexdigest()


def safe_name(name: str) -> str:
    """A file's name without folders and control characters; never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable()).strip(". ")[-120:] or "receipt"


# --- what follows -------------------------------------------------------------------------------


def _meet(incident: Incident, notification: AuthorityNotification, by: StaffMember, now: datetime) -> None:
    """Freeze how late the duty was met; with the last one the clock, the promise and its steps end."""
    assert notification.filed_at is not None  # noqa: S101  set just before
    at = notification.filed_at
    duty = db.session.get_one(Duty, notification.duty_id)
    follows = any(each["to_follow"] for each in packs.fields(notification.content))
    if follows:
        stages.leave_rest(duty, filed_at=at, now=now)
    meeting.meet(incident, duty, at=at, actor=by.name, now=now, in_part=follows)
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


def _receipt_happened(incident: Incident, by: StaffMember, now: datetime) -> None:
    """The proof is whole once every filing has its case number or its receipt."""
    filed = [each for each in text.of_incident(incident) if each.state == NotificationState.FILED]
    if not text.open_duties(incident) and all(each.case_number or each.receipt_sha256 for each in filed):
        runs.happened(incident.chain, "authority.receipt", actor=by.name, now=now)
