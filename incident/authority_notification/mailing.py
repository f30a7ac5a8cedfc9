"""An approved notification by e-mail, where an authority takes it so: on a person's word, and once.

The mail is only owed here, in the caller's transaction; delivery sends it and hears what became of it. It
is no filing by itself: a person records that, with the time at which the mail went.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from accounts.models import Organisation, StaffMember
from foundation.database import db
from foundation.errors import Refused
from incident import authorities, drafting, meeting, our_role, pack_files, packs
from incident.authorities import MailRoute
from incident.authority_notification import text
from incident.authority_notification.mailed import mails, prefix
from incident.models import AuthorityNotification, Duty, Incident, NotificationState
from incident.pack_files import Pack
from incident.rules.phases import Phase
from notifications import outbox, rendering

TEMPLATE = "authority_pack"
_CASE = "notification.authority_reference"


@dataclass(frozen=True, slots=True)
class Letter:
    """The mail as it would go: to whom, whom answers reach, its words, and what is attached."""

    route: MailRoute
    reply_to: str
    context: dict[str, object]
    pack: Pack

    @property
    def file(self) -> str:
        """What the attached file is called."""
        return f"{self.pack.name}.pdf"


def route_of(notification: AuthorityNotification) -> MailRoute | None:
    """How the authority takes notifications by e-mail; None where it does not, or we do not know."""
    known = authorities.by_key(notification.authority)
    return known.mail_route if known else None


def letter(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> Letter:
    """The mail of a notification as it stands. Raises: Refused where the authority takes none."""
    route = route_of(notification)
    if route is None:
        raise Refused(
            _("No e-mail route to this authority is known."), next_step=_("File with its portal instead.")
        )
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    contact, pack = drafting.contact_of(organisation), pack_files.of(incident, notification, now=now)
    context: dict[str, object] = {
        "subject": route.subject, "controller": organisation.name, "number": incident.number,
        "contact": ", ".join(filter(None, (contact.name, contact.phone, contact.email))),
        "file": f"{pack.name}.pdf", "hash": pack.pdf_sha256, "kind": _kind(notification),
        "case_number": packs.answer(notification.content, _CASE) or "",
    }  # fmt: skip
    return Letter(route, contact.email, context, pack)


def _kind(notification: AuthorityNotification) -> str:
    """Which follow-up it is, in its own language; empty for the initial notification."""
    if not Phase(notification.kind).is_follow_up:
        return ""
    return drafting.pack_words(notification.authority, notification.locale).word(
        "document", notification.kind
    )


def words(notification: AuthorityNotification, letter: Letter) -> dict[str, Any]:
    """The text of the mail, {"subject", "text", …}, in the language of the notification.

    Its code, by which a reply is known, is made when it is sent: until then its place says so.
    """
    place = f"[{_('its code, made when it is sent')}]"
    return rendering.render(TEMPLATE, notification.locale, "email", letter.context | {"reference": place})


def send(
    incident: Incident, notification: AuthorityNotification, *, seen: str, by: StaffMember, now: datetime
) -> UUID | None:
    """Owe the authority the approved text by e-mail; None when it is owed, or went, already.

    `seen` is the hash of the text that the person read and confirmed. It may be owed once more when the
    former mail provably reached nobody. Raises: Refused in a drill, unless exactly that text is approved
    and not filed, when it is late without reasons, and where the authority takes no e-mail.
    """
    if incident.drill:
        raise Refused(
            _("This is a drill: nothing of it is sent to an authority."),
            next_step=_("Look at the mail as it would go; that is all a drill does."),
        )
    our_role.refuse_as_processor(incident)
    meeting.refuse_when_over(incident)
    _refuse_unapproved(notification, seen)
    text.refuse_incomplete(notification, at=now)
    before = mails(incident, notification)
    if before and not before[-1].given_up:
        return None
    made = letter(incident, notification, now=now)
    duty = db.session.get_one(Duty, notification.duty_id)
    message_id = outbox.post(
        organisation_id=incident.organisation_id, about=incident.chain, kind="authority", template=TEMPLATE,
        recipient=outbox.recipient(incident.chain, "email", made.route.address, notification.locale),
        context=made.context, now=now, must_by=duty.due_at,
        dedupe_key=f"{prefix(notification)}{len(before) + 1}",
        attached={
            "attachment": b64encode(made.pack.pdf).decode(), "attachment_name": made.file,
            "attachment_type": pack_files.PDF_TYPE, "reply_to": made.reply_to,
        },
    )  # fmt: skip
    text.log(
        incident, notification, "notification.mailed", by, now, message=message_id, to=made.route.address,
        pdf_sha256=made.pack.pdf_sha256, time=len(before) + 1,
    )  # fmt: skip
    return message_id


def _refuse_unapproved(notification: AuthorityNotification, seen: str) -> None:
    if notification.state == NotificationState.FILED:
        raise Refused(
            _("This notification was filed already, by %(name)s.", name=notification.filed_by),
            next_step=_("Look at its proof; what is new is a further notification."),
        )
    if notification.state != NotificationState.APPROVED:
        raise Refused(
            _("Only an approved text is sent to an authority. Nothing was sent."),
            next_step=_("Have it approved, then send that very text."),
        )
    if not seen == notification.approved_sha256 == notification.content_sha256:
        raise Refused(
            _("The text is not the one that was shown to you. Nothing was sent."),
            next_step=_("Open the mail again, and read what is approved now."),
        )
