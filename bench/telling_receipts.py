"""SendGrid's event webhook from the outside: signed calls of a thousand events, over kept connections."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import local
from uuid import UUID

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import func, select

from bench.installation import Installation
from foundation.database import db
from notifications.models import Delivery, Fate, SendingAttempt, SendingGroup
from notifications.sandbox.keys import event_key
from notifications.sending.rows import OPEN

EVENTS = 1_000  # in a call
CALLS = 2  # at one time
MADE = 50  # calls that are made ready before the clock runs
BOUNCED = 50  # of each fifty one bounces


class Receipts:
    """Makes, signs and sends what a provider tells of the groups that it has."""

    def __init__(self, laid: Installation) -> None:
        self.sending_id = UUID(int=0)
        self._url = f"http://{laid.settings.bind}/callbacks/sendgrid/events"
        self._key = event_key(laid.settings.home / "sandbox")
        self._kept = local()
        self._told: set[UUID] = set()  # attempts

    def is_open(self, sending_id: UUID) -> bool:
        """Whether a group of it is not with the provider yet."""
        mine = SendingGroup.sending_id == sending_id, SendingGroup.state.in_(OPEN)
        found = db.session.scalar(select(select(SendingGroup.id).where(*mine).exists()))
        db.session.rollback()
        return bool(found)

    def take_some(self, sending_id: UUID) -> None:
        """Tell of the groups that the provider has and that nothing was told of: all arrived."""
        for body, _number in self._bodies(sending_id, bounces=False):
            self._call(body)

    def take_all(self) -> float:
        """Tell of all people; returns how many a second were taken in and applied."""
        bodies = self._bodies(self.sending_id, bounces=True)
        took, events = 0.0, 0
        with ThreadPoolExecutor(CALLS) as pool:
            while some := list(islice(bodies, MADE)):
                begun = time.perf_counter()
                list(pool.map(self._call, [body for body, _number in some]))
                took += time.perf_counter() - begun
                events += sum(number for _body, number in some)
        return events / took if took else 0.0

    def fates(self) -> dict[str, int]:
        """How many people have which fate."""
        mine = select(Delivery.fate, func.count()).where(Delivery.sending_id == self.sending_id)
        found = Counter(dict(db.session.execute(mine.group_by(Delivery.fate)).tuples().all()))
        db.session.rollback()
        return dict(found)

    def _bodies(self, sending_id: UUID, *, bounces: bool) -> Iterator[tuple[bytes, int]]:
        mine = select(SendingAttempt.id, SendingAttempt.group_id, SendingAttempt.provider_id).join(
            SendingGroup, SendingGroup.id == SendingAttempt.group_id
        )
        there = mine.where(SendingGroup.sending_id == sending_id, SendingAttempt.provider_id.is_not(None))
        found = [each for each in db.session.execute(there).all() if each.id not in self._told]
        db.session.rollback()
        self._told.update(each.id for each in found)
        events: list[dict[str, object]] = []
        for each in found:
            for place in self._places(each.group_id):
                failed = bounces and len(events) % BOUNCED == 0
                events.append(_event(each.id, each.provider_id, place, failed=failed))
                if len(events) == EVENTS:
                    yield json.dumps(events).encode(), len(events)
                    events = []
        if events:
            yield json.dumps(events).encode(), len(events)

    @staticmethod
    def _places(group_id: UUID) -> list[int]:
        mine = select(Delivery.place).where(Delivery.group_id == group_id, Delivery.fate == Fate.ACCEPTED)
        found = list(db.session.scalars(mine))
        db.session.rollback()
        return found

    def _call(self, body: bytes) -> None:
        at = str(int(time.time()))
        signature = self._key.sign(at.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": at,
        }
        if not hasattr(self._kept, "session"):
            self._kept.session = requests.Session()
        answer = self._kept.session.post(self._url, data=body, headers=headers, timeout=60)
        answer.raise_for_status()


def _event(attempt: UUID, message_id: str, place: int, *, failed: bool) -> dict[str, object]:
    told = {
        "email": f"p{place}@mail.example", "timestamp": int(time.time()), "smtp-id": f"<{place}@{attempt}>",
        "event": "bounce" if failed else "delivered", "sg_event_id": f"{attempt.hex}{place}",
        "sg_message_id": f"{message_id}.filter0001.{place}-0", "a": str(attempt), "n": str(place),
    }  # fmt: skip
    return told | ({"status": "5.1.1", "type": "bounce"} if failed else {"response": "250 OK"})
