"""Late without reasons: it is recorded as it was, and the authority is owed the reasons (GDPR art. 33(1)).

A text that was approved in time and filed after the deadline gives no reasons for the delay. Who records the
filing gives them; as long as the authority has not got them they go to it as a further notification.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Invalid
from incident import delays
from incident.authority_notification import phases, text
from incident.models import AuthorityNotification, Duty, Incident
from incident.rules.phases import Phase

LONGEST = 2000  # signs of the reasons


class Given(StrEnum):
    """What became of the reasons for a delay that the text does not give."""

    TOLD = "told"  # the authority got them with the filing, as where its portal asks for them
    OWED = "owed"  # they are known, and it has not got them
    UNKNOWN = "unknown"  # nobody can tell them yet


class Unexplained(Invalid):
    """A filing after the deadline of which neither the text nor who records it gives the reasons."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons as the log keeps them, and whether the authority is still owed them."""

    text: str | None = None
    owed: bool = False


def is_unexplained(notification: AuthorityNotification, *, at: datetime) -> bool:
    """Whether it would be late at that moment, and its text gives no reasons for the delay."""
    if notification.kind != Phase.INITIAL:
        return False
    return any(each.gap and each.gap.point == "33(1)" for each in text.open_points(notification, at=at))


def written_down(notification: AuthorityNotification) -> str:
    """The reasons that were written down while the duty ran, one a line, to be offered."""
    return "\n".join(each.text for each in delays.reasons_of(_duty(notification)))


def _duty(notification: AuthorityNotification) -> Duty:
    return db.session.get_one(Duty, notification.duty_id)


def keep(
    incident: Incident, notification: AuthorityNotification, reasons: Reasons, *, by: StaffMember,
    now: datetime,
) -> None:  # fmt: skip
    """Begin the further notification where they are owed, and keep them among those of the duty."""
    if reasons.owed:
        phases.tell_reasons(incident, notification, reasons.text, by=by, now=now)
    if reasons.text and _flat(reasons.text) != _flat(written_down(notification)):
        delays.add_reason(incident, _duty(notification), reasons.text, by=by, now=now)


def _flat(text: str) -> str:
    return " ".join(text.split())


def check(notification: AuthorityNotification, reasons: str, given: str, *, at: datetime) -> Reasons:
    """The reasons as they are to be kept with a filing at that moment; none where the text gives them.

    Raises: Unexplained when it is late without them and nobody says what they are, or that nobody knows.
    """
    if not is_unexplained(notification, at=at):
        return Reasons()
    said = reasons.strip()
    if given == Given.UNKNOWN and not said:
        return Reasons(owed=True)
    if given not in (Given.TOLD, Given.OWED) or not said:
        raise Unexplained(
            _("It was filed after the deadline, and the text gives no reasons for the delay."),
            next_step=_(
                "Give them here and say whether the authority has them, or that nobody knows them yet. "
                "If it is not filed yet, write them into the text and have it approved again."
            ),
        )
    if len(said) > LONGEST:
        raise Unexplained(_("A reason has at most 2000 signs."), next_step=_("Say it more shortly."))
    return Reasons(said, owed=given == Given.OWED)
