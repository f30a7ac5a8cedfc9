"""Which incidents may be merged, and the words of a merger that its parts share."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.errors import Invalid, Refused
from incident import meeting, our_role
from incident.models import Incident
from incident.rules.facts import FactsFault
from incident.rules.lifecycle import State, clocks_run


@dataclass(frozen=True, slots=True)
class Word:
    """By whom, why and when (an aware instant) two incidents are merged."""

    by: StaffMember
    reason: str
    now: datetime


def merged_into(carrier: Incident) -> str:
    """Why clocks, steps and pages of the carried incident end."""
    return f"Merged into {carrier.number}, where everything goes on."


def refuse_impossible(carried: Incident, carrier: Incident) -> None:
    """Both must be open, two, of one organisation, and both drills or neither; and no notice on its way.

    What a controller owes its authority is not carried where we are processor: a processor notifies none.
    Raises: Refused, Invalid.
    """
    if carried.id == carrier.id:
        raise Invalid(_("An incident cannot be merged into itself."), next_step=_("Choose another one."))
    if carried.organisation_id != carrier.organisation_id:
        raise Refused(_("These incidents belong to two organisations."))
    if carried.drill != carrier.drill:
        raise Refused(
            _("A drill is merged with drills only."),
            next_step=_("What is real stays apart from what is not."),
        )
    for each in (carried, carrier):
        if each.state == State.MERGED:
            raise Refused(
                _("%(number)s has been merged into another incident already.", number=each.number),
                next_step=_("Merge with the one that carries it, or split it off first."),
            )
        if not clocks_run(State(each.state)):
            raise Refused(
                _("%(number)s stands still (%(state)s): its clocks do not run.", number=each.number,
                  state=each.state),
                next_step=_("Take it up again first: what it owes must run before it is carried."),
            )  # fmt: skip
        if meeting.being_told(each):
            raise Refused(
                _("Notices to customers of %(number)s are on their way just now.", number=each.number),
                next_step=_("Merge them when each was delivered or given up: then nobody is told twice."),
            )
    _refuse_where_processor(carried, carrier)


def _refuse_where_processor(carried: Incident, carrier: Incident) -> None:
    if _is_controller(carried) and not _is_controller(carrier):
        raise Refused(
            _("By the facts we are processor in %(into)s and controller in %(number)s: an authority could "
              "not be told from %(into)s.", into=carrier.number, number=carried.number),
            next_step=_("Merge %(into)s into %(number)s instead, or correct our role in the facts first.",
                        into=carrier.number, number=carried.number),
        )  # fmt: skip


def _is_controller(incident: Incident) -> bool:
    """Facts that nobody can read make us no processor."""
    try:
        return our_role.is_controller(incident)
    except FactsFault:
        return True
