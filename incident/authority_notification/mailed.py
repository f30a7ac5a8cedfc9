"""What was mailed to an authority is what it has: it stays as it is until its filing is recorded."""

from flask_babel import gettext as _

from foundation.errors import Refused
from incident.models import AuthorityNotification, Incident, NotificationState
from notifications import fates
from notifications.fates import Fate


def mails(incident: Incident, notification: AuthorityNotification) -> list[Fate]:
    """What became of the mails of a notification, the first one first; mostly there is one or none."""
    found = fates.of(incident.chain, prefix(notification))
    return [found[key] for key in sorted(found, key=lambda key: int(key.rpartition(":")[2]))]


def prefix(notification: AuthorityNotification) -> str:
    """How the names begin under which the mails of a notification are posted."""
    return f"authority-pack:{notification.id}:"


def under_way(incident: Incident, notification: AuthorityNotification) -> Fate | None:
    """The mail with its text that is on its way or went, while nobody has recorded it as filed.

    What provably reached nobody was not sent.
    """
    if notification.state == NotificationState.FILED:
        return None
    return next((each for each in mails(incident, notification) if not each.given_up), None)


def is_mailed(incident: Incident, notification: AuthorityNotification) -> bool:
    """Whether its text is on its way or went by e-mail, and nobody has recorded it as filed."""
    return under_way(incident, notification) is not None


def refuse_mailed(incident: Incident, notification: AuthorityNotification) -> None:
    """Refuse to change what the authority was mailed. Raises: Refused."""
    if is_mailed(incident, notification):
        raise Refused(
            _("This text was sent to the authority by e-mail, and changes no more."),
            next_step=_("Record that it is filed; what is new goes as a further notification."),
        )
