"""Who was told already, in the same breach: so that nobody is written to twice unawares."""

from incident.subject_communication.kin import Told, told_already
from incident.subject_communication.preparing import SENT

__all__ = ["SENT", "Told", "told_already"]
