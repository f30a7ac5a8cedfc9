"""The words of the chain of times and of a scorecard."""

from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from incident.rules.instants import Certainty, Doubt, Instant, Origin, Point, Telling

CERTAINTY: Final = {
    Certainty.EXACT: _l("as told"), Certainty.ESTIMATED: _l("estimated"), Certainty.DERIVED: _l("derived"),
    Certainty.CONTRADICTED: _l("in doubt"), Certainty.UNKNOWN: _l("not known"),
}  # fmt: skip
DOUBTS: Final = {
    Doubt.BEFORE_IT_BEGAN: _l("This is before it began."),
    Doubt.BEFORE_IT_KNEW: _l("It told of it before it knew, by its own word."),
    Doubt.AFTER_IT_WAS_TOLD: _l("It was told before that: an authority may count from then."),
    Doubt.AFTER_THE_REPORT: _l("Its own report had arrived here before that."),
    Doubt.TWO_TIMES: _l("The facts give two times for it."),
    Doubt.NOT_YET: _l("This has not happened yet."),
}  # fmt: skip


def happened(each: Instant) -> str:
    """What happened at a point of the chain, in a few words."""
    match each.point:
        case Point.OCCURRED:
            return _("The breach began")
        case Point.ENDED:
            return _("The breach ended")
        case Point.NOTICED:
            return _("It was noticed")
        case Point.AWARE:
            return _("%(name)s knew", name=each.who)
        case Point.TOLD if not each.who:
            return _("We were told")
        case Point.TOLD:
            return _("%(name)s told %(above)s", name=each.who, above=each.whom or _("us"))
        case Point.ARRIVED:
            return _("The report arrived here")
        case _:
            return _("We became aware")


def said_by(each: Instant) -> str:
    """Who says so, or what it is derived from; empty where nobody does."""
    source = each.source
    match source.origin:
        case Origin.REPORT:
            return _("report of %(name)s, version %(number)s", name=source.by, number=source.version)
        case Origin.FORM:
            return _("form by %(name)s, version %(number)s", name=source.by, number=source.version)
        case Origin.RECEIPT if source.by:
            return _("from the receipt of its report")
        case Origin.RECEIPT:
            return _("our own clock")
        case Origin.TELLING:
            return _("from what %(name)s says it told", name=source.by)
        case Origin.PERSON:
            return _("fixed by %(name)s", name=source.by)
        case Origin.RULES:
            return _("provisional, no person has fixed it yet")
        case _:
            return ""


def lateness(each: Telling) -> str:
    """How long a link kept it to itself, beside what it was allowed."""
    allowed = "%g" % each.allowed  # noqa: UP031  as short as it is exact
    terms = (
        _("%(hours)s h agreed", hours=allowed) if each.agreed else _("%(hours)s h by default", hours=allowed)
    )
    if each.hours is None:
        return _("How long it took is not known; %(terms)s.", terms=terms)
    took = hours(each.hours)
    if each.late:
        return _(
            "Late: told after %(took)s h, %(terms)s: %(over)s h too late.", took=took, terms=terms,
            over=hours(each.hours - each.allowed),
        )  # fmt: skip
    return _("Told after %(took)s h, %(terms)s.", took=took, terms=terms)


def hours(length: float) -> str:
    """Hours with one digit where they are not whole; a minute more than agreed does not read as none."""
    if 0 < length < 0.05:
        return f"{length:.2f}"
    return f"{length:.1f}".removesuffix(".0")


def allowed(hours_allowed: float, *, agreed: bool) -> str:
    """What a processor is held to, for its scorecard."""
    told = f"{hours_allowed:g}"
    return _("%(hours)s h agreed", hours=told) if agreed else _("%(hours)s h by our default", hours=told)
