"""The form that records a filing, with what is known of it before anybody types."""

from incident.forms.fields import Sheet, local_text
from incident.models import Channel
from notifications.fates import Fate


def begun(mail: Fate | None, zone: str) -> Sheet:
    """What was mailed was filed by e-mail, when it arrived; the time is local to `zone` (IANA name)."""
    if mail is None:
        return Sheet()
    typed = {"channel": [Channel.EMAIL.value]}
    if mail.delivered and mail.done_at:
        typed["filed_at"] = [local_text(mail.done_at, zone)[0]]
    return Sheet(typed=typed)
