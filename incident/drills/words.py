"""What came of a drill, in words of the reader's language."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from incident.drills.measuring import Measure

NAMES = {
    "acknowledge": _l("Somebody took the call"), "confirm": _l("Confirmed or rejected"),
    "decide": _l("Decided whom to tell"), "draft": _l("Notification drafted"),
    "file": _l("Notification filed"), "tell": _l("People told"),
}  # fmt: skip
LEFT_UNDONE = {
    "acknowledge": _l("Nobody took the call. Aimed at was %(target)s."),
    "confirm": _l("Nobody said whether it was a personal data breach. Aimed at was %(target)s."),
    "decide": _l("Nobody decided whom to tell. Aimed at was %(target)s."),
    "draft": _l("No notification was drafted. Aimed at was %(target)s."),
    "file": _l("No notification was filed. Aimed at was %(target)s."),
    "tell": _l("The people concerned were not told. Aimed at was %(target)s."),
}
TOO_LATE = {
    "acknowledge": _l("The call was taken after %(after)s (%(by)s). Aimed at was %(target)s."),
    "confirm": _l(
        "Whether it was a personal data breach was said after %(after)s (%(by)s). Aimed at was %(target)s."
    ),
    "decide": _l("Whom to tell was decided after %(after)s (%(by)s). Aimed at was %(target)s."),
    "draft": _l("The notification was drafted after %(after)s (%(by)s). Aimed at was %(target)s."),
    "file": _l("The notification was filed after %(after)s (%(by)s). Aimed at was %(target)s."),
    "tell": _l("The people concerned were told after %(after)s (%(by)s). Aimed at was %(target)s."),
}


def step_name(step: str) -> LazyString:
    """What a step is called."""
    return NAMES[step]


def span(seconds: float, locale: str) -> str:
    """A length of time in words: "4 h 10 min"."""
    return locales.duration(timedelta(seconds=seconds), locale)


def after(measure: Measure, locale: str) -> str:
    """After how long a step was done, or that it was not."""
    return _("not done") if measure.after is None else span(measure.after, locale)


def missed(measure: Measure, locale: str) -> str:
    """A sentence about a step that was not done in time."""
    target = span(measure.target, locale)
    if measure.after is None:
        return str(LEFT_UNDONE[measure.step]) % {"target": target}
    told = {"after": span(measure.after, locale), "by": measure.by, "target": target}
    return str(TOO_LATE[measure.step]) % told
