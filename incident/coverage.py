"""Whom a communication has reached, by what providers have said; what was sent is not yet told."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from incident.models import Incident, Recipient, SubjectCommunication
from notifications import fates

DELIVERED = "delivered"
OUT = frozenset({"accepted", DELIVERED})  # a provider has it
GIVEN_UP = frozenset({"unreached", "cancelled"})


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state of each recipient's message, the last channel tried counting."""

    states: dict[UUID, str]
    total: int

    @property
    def informed(self) -> int:
        """How many messages a provider says arrived; nothing less counts."""
        return self.count(DELIVERED)

    @property
    def unreached(self) -> list[UUID]:
        """The recipients whom no channel reached."""
        return [each for each, state in self.states.items() if state in GIVEN_UP]

    @property
    def gone_out(self) -> bool:
        """Whether nothing waits on our side any more: a provider has each message, or it was given up."""
        return len(self.states) == self.total and all(s in OUT | GIVEN_UP for s in self.states.values())

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.gone_out and "accepted" not in self.states.values()

    @property
    def complete(self) -> bool:
        """Whether everybody was reached."""
        return self.total > 0 and self.informed == self.total

    def count(self, *states: str) -> int:
        """How many messages are in one of these states."""
        return sum(each in states for each in self.states.values())


def key(communication_id: UUID, recipient_id: UUID) -> str:
    """The name of one person's message: whoever is written to twice under it is told once."""
    return f"{key_prefix(communication_id)}{recipient_id}"


def key_prefix(communication_id: UUID) -> str:
    """How the names of all messages of a communication begin."""
    return f"subject:{communication_id}:"


def chain_of_communication(communication: SubjectCommunication) -> str:
    """The chain of the incident, or the drill, that a communication belongs to."""
    return db.session.get_one(Incident, communication.incident_id).chain


def of(communication: SubjectCommunication) -> Coverage:
    """The coverage of a communication as it is now."""
    ids = db.session.scalars(select(Recipient.id).where(Recipient.communication_id == communication.id)).all()
    keys = {key(communication.id, each): each for each in ids}
    found = fates.outcomes(chain_of_communication(communication), list(keys))
    return Coverage({keys[name]: state for name, state in found.items()}, len(ids))
