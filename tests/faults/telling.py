"""Telling people in an installation that is broken meanwhile: a list, a text, and what became of each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select

from foundation.database import db, utcnow
from incident import coverage, subject_communication
from incident.models import ListState, RecipientList
from notifications.models import Delivery, Fate, GroupState, Sending, SendingGroup
from notifications.sending.rows import OPEN
from tests import people
from tests.faults import crashing
from tests.faults.crashing import Point
from tests.faults.installation import CANARY, Installation
from tests.incident import desk, lists, telling

LANGUAGES = ("da", "sv", "en")
OURS = r"canary\.subject\..*"  # everybody who stands on a list here


@dataclass(frozen=True)
class Told:
    """A communication that was sent, its sending, and where each of its people is reached, in their order."""

    communication_id: UUID
    sending_id: UUID
    addresses: list[str]
    phones: dict[str, str]


class Telling:
    """Astrid and Dorthe tell people; the processes of an installation do the work."""

    def __init__(self, product: Installation) -> None:
        self.product = product
        self.cast = product.cast

    @contextmanager
    def _desk(self) -> Iterator[None]:
        with self.product.app.app_context():
            try:
                yield
            finally:
                db.session.remove()

    def begin(
        self, number: int, *, phones: int = 0, named: str = "", crash: Point | None = None, at: int = 1
    ) -> Told:
        """Tell so many people in three languages, the first `phones` of them with a number as well.

        `named` stands in the address of each, so that a provider can be told what to do with these.
        `crash` arms a point, before the sending is committed, for who reaches it at the group of this number.
        """
        start = next(self.product.numbers) * 10_000
        addresses = [f"canary.subject.{named}{start + each}@kunde.example" for each in range(number)]
        numbered = {each: f"+45{20_100_001 + start + at}" for at, each in enumerate(addresses[:phones])}
        lines = [
            lists.row(CANARY, each, numbered.get(each, ""), LANGUAGES[at % 3])
            for at, each in enumerate(addresses)
        ]
        with self._desk():
            incident_id = desk.assessed(self.cast, reference=f"HC-{uuid4().hex[:12]}")
            self.product.pages.append(f"incident/{incident_id}")
            list_id = lists.chosen(self.cast, incident_id, lines)
        self.product.wait_for(lambda: self._is_read(list_id), "a list that is read")
        with self._desk():
            with desk.working(self.cast, incident_id) as incident:
                by = desk.person(self.cast, people.ASTRID)
                made = subject_communication.create(incident, by=by, now=utcnow()).id
            for locale in telling.LOCALES:
                telling.write(self.cast, incident_id, made, locale)
            telling.approve(self.cast, incident_id, made)
            with desk.working(self.cast, incident_id) as incident:
                communication = subject_communication.of(incident, made)
                seen = subject_communication.fingerprint(communication)
                by = desk.person(self.cast, people.DORTHE)
                subject_communication.send(
                    incident, communication, seen=seen, count=number, by=by, now=utcnow()
                )
                source = coverage.source_of(made)
                sending_id = db.session.scalars(select(Sending.id).where(Sending.source == source)).one()
                if crash:
                    crashing.arm(self.product.crashes, crash, crashing.nth(sending_id, at))
        return Told(made, sending_id, addresses, numbered)

    def _is_read(self, list_id: UUID) -> bool:
        with self.product.at_work():
            state = db.session.scalar(select(RecipientList.state).where(RecipientList.id == list_id))
            return state == ListState.READ

    # --- asking ----------------------------------------------------------------------------------

    def died(self, told: Told, point: Point, at: int = 1) -> bool:
        """Whether somebody got to the point that was armed."""
        return crashing.is_spent(self.product.crashes, point, crashing.nth(told.sending_id, at))

    def copies(self, told: Told) -> Counter[str]:
        """How many messages each mailbox and phone of these people got, by the providers' own ledger."""
        ours = {*told.addresses, *told.phones.values()}
        to = (line["to"] for line in self.product.sandbox.accepted())
        return Counter(each for each in to if each in ours)

    def fates(self, told: Told) -> Counter[str]:
        """What became of them by their last way."""
        with self.product.at_work():
            mine = Delivery.sending_id == told.sending_id, Delivery.is_last
            counted = select(Delivery.fate, func.count()).where(*mine).group_by(Delivery.fate)
            return Counter({str(fate): number for fate, number in db.session.execute(counted)})

    def left(self, told: Told) -> list[str | None]:
        """Why people are on the manual list, one reason for each."""
        with self.product.at_work():
            mine = Delivery.sending_id == told.sending_id, Delivery.fate == Fate.MANUAL
            return list(db.session.scalars(select(Delivery.why).where(*mine)))

    def groups(self, told: Told) -> Counter[str]:
        """How many groups are in which state."""
        with self.product.at_work():
            mine = SendingGroup.sending_id == told.sending_id
            counted = select(SendingGroup.state, func.count()).where(mine).group_by(SendingGroup.state)
            return Counter({str(state): number for state, number in db.session.execute(counted)})

    def standing(self, told: Told) -> tuple[str, str | None]:
        """The state of a sending, and why it is paused."""
        with self.product.at_work():
            row = select(Sending.state, Sending.paused_why).where(Sending.id == told.sending_id)
            state, why = db.session.execute(row).one()
            return str(state), why

    # --- waiting ---------------------------------------------------------------------------------

    def wait_until_some_went(self, told: Told, groups: int = 1) -> None:
        """Until providers are known to have so many groups, and not all."""
        self.product.wait_for(lambda: self.groups(told)[GroupState.ACCEPTED] >= groups, "the first groups")

    def wait_until_out(self, told: Told) -> None:
        """Until each person has an end, or a provider that tries: nothing is left to go or unsure."""

        def is_out() -> bool:
            assert self.standing(told)[0] != "paused", self.standing(told)
            whole = self.fates(told).total() == len(told.addresses)
            return whole and not any(self.groups(told)[each] for each in OPEN)

        try:
            self.product.wait_for(is_out, "the end of a sending", within=45)
        except AssertionError as late:
            told_of_it = self.standing(told), dict(self.groups(told)), dict(self.fates(told))
            raise AssertionError(f"{late} {told_of_it}") from late

    def assert_once_each(self, told: Told) -> None:
        """Each of them got one e-mail, and nobody is left."""
        self.wait_until_out(told)
        assert self.copies(told) == Counter(told.addresses)
        assert self.left(told) == []
