"""What a phase of a notification needs before it is approved: a second person, or that nothing follows."""

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.errors import NotAllowed, Refused
from incident import packs
from incident.models import AuthorityNotification
from incident.rules.phases import Phase


def refuse_unfit(notification: AuthorityNotification, by: StaffMember) -> None:
    """Refuse an approval that this phase cannot have.

    Raises: NotAllowed for a withdrawal by the one who wants it, Refused for a final notification that
    leaves something to follow.
    """
    phase = Phase(notification.kind)
    if phase is Phase.WITHDRAWAL and notification.drafted_by_id == by.id:
        raise NotAllowed(
            _("Who withdraws a notification does not approve it: a second person looks at it."),
            next_step=_("Ask a colleague who may approve notifications."),
        )
    if phase is Phase.FINAL and packs.follows(notification.content):
        raise Refused(
            _("A final notification leaves nothing to follow."),
            next_step=_("Answer what is to follow, or file it as a further notification."),
        )
