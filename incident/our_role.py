"""What we are in an incident, controller or processor, and what only a controller does."""

from flask_babel import gettext as _

from foundation.errors import Refused
from incident import clocks
from incident.models import Incident
from incident.rules.facts import parse


def is_controller(incident: Incident) -> bool:
    """Whether we answer to authority and people by the latest facts, alone or jointly with others."""
    return parse(clocks.document_of(incident)).is_controller


def refuse_as_processor(incident: Incident) -> None:
    """A processor notifies no authority of its own motion (GDPR art. 33(2), 28(3)(a)). Raises: Refused."""
    if not is_controller(incident):
        raise Refused(
            _("By the facts we are processor in this incident: the controllers notify their authority."),
            next_step=_(
                "Tell the controllers: open Customers on the incident. If we are controller for data of our "
                "own in it, correct our role in the facts first."
            ),
        )
