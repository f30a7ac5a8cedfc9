"""People to tell, a provider that takes several at once, and the clock and workers by hand."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from foundation.database import database_now, db, new_id, transaction
from notifications import channels, sending
from notifications.channels import Accepted, CannotAsk, Many
from notifications.models import Delivery, Sending, SendingAttempt, SendingGroup
from notifications.received import Told
from notifications.rules import filling
from notifications.sending import jobs, receipts, tallying
from notifications.sending.source import Addressed, Person

TEXTS = {
    locale: {
        "email": {
            "subject": "Brud", "text": "Kære ⟦name⟧", "html": "<p>Kære ⟦name.html⟧</p>", "sender": "ProMark",
            "reply_to": "dpo@promark.example",
        },
        "sms": {"text": "ProMark: brud på sikkerheden, ⟦name⟧. Ref ⟦reference⟧"},
    }
    for locale in ("da", "sv")
}  # fmt: skip
BITS = {"email": 1, "sms": 2, "letter": 4}


class Killed(BaseException):
    """The process died here."""


@dataclass
class People:
    """A source in memory."""

    people: dict[UUID, tuple[Person, dict[str, str], str]] = field(default_factory=dict)

    def add(self, name: str, *, locale: str = "da", kept: int = 0, **ways: str) -> UUID:
        """Somebody, and the addresses by which they can be told; `kept` are ways not to be taken."""
        person = Person(new_id(), locale, "DK", sum(BITS[way] for way in ways), kept)
        self.people[person.id] = (person, ways, name)
        return person.id

    def after(self, source_id: str, last: UUID | None, limit: int) -> list[Person]:
        return [each[0] for id_, each in sorted(self.people.items()) if last is None or id_ > last][:limit]

    def addresses(self, source_id: str, channel: str, ids: list[UUID]) -> dict[UUID, Addressed]:
        found = {each: self.people[each] for each in ids}
        return {
            each: Addressed(ways[channel], {"name": name})
            for each, (_, ways, name) in found.items()
            if ways.get(channel)
        }


class Post:
    """A provider that takes `most` at once; what it has, it shows."""

    def __init__(self, name: str = "sendgrid", most: int = 3) -> None:
        self.name, self.most = name, most
        self.got: list[str] = []  # addresses, in order
        self.texts: list[str] = []
        self.ids: dict[str, str] = {}
        self.answers: list[Any] = []  # the next ones; a callable is called before
        self.speaks = True

    def send_many(self, people, *, content, attempt_id, reference, limit, late) -> Many:
        """Takes all, and says what it was told to say."""
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, channels.Refusal):
            return Many(answer)
        if isinstance(answer, Killed):
            raise answer
        self.got += [each.address for each in people]
        self.texts += [filling.filled(content, each.values)["text"] for each in people]
        self.ids[attempt_id] = f"{self.name}-{len(self.ids)}"
        if callable(answer):
            answer = answer(attempt_id)
        if isinstance(answer, Many):
            return answer
        return Many(answer or Accepted(self.ids[attempt_id]))

    def find(self, *, attempt_ids, **_: Any) -> str | None:
        """Its id of one of these."""
        if not self.speaks:
            raise CannotAsk
        return next((self.ids[each] for each in attempt_ids if each in self.ids), None)


@dataclass
class Telling:
    """A sending under way."""

    app: Flask
    organisation: UUID
    about: str
    people: People
    mail: Post
    texts: Post
    id: UUID | None = None

    def begin(self, *, count: int | None = None, ways=("email", "sms", "letter"), **other: Any) -> UUID:
        """Owe it and plan it."""
        with transaction():
            self.id = sending.begin(
                organisation_id=self.organisation, about=self.about, source="people:1", ways=ways,
                texts=TEXTS, content_sha256="0" * 64, must_by=None, now=database_now(),
                people=len(self.people.people) if count is None else count, **other,
            )  # fmt: skip
        self.clock()
        return self.id

    def clock(self) -> None:
        """A round of the clock."""
        jobs.look()

    def work(self) -> None:
        """A worker takes what is due."""
        jobs.send_groups(str(self.id))

    def go(self) -> None:
        """Clock and worker, until nothing is due at once."""
        for _ in range(4):
            self.clock()
            self.work()
        self.clock()

    def do(self, act: Any, *args: Any, **kwargs: Any) -> Any:
        """Something that a person does, and commits."""
        with transaction():
            return act(*args, now=database_now(), **kwargs)

    def row(self) -> Sending:
        return db.session.get_one(Sending, self.id, populate_existing=True)

    def counted(self) -> dict[str, Any]:
        """What is counted of it now."""
        return tallying.count(self.id)[0]

    def groups(self, **where: Any) -> list[SendingGroup]:
        found = db.session.scalars(
            select(SendingGroup).order_by(SendingGroup.number).execution_options(populate_existing=True)
        )
        return [each for each in found if all(getattr(each, name) == value for name, value in where.items())]

    def fates(self) -> dict[str, str]:
        """The last way of each person by name: "email delivered"."""
        found = db.session.scalars(
            select(Delivery).where(Delivery.is_last).execution_options(populate_existing=True)
        )
        names = {id_: name for id_, (_, _, name) in self.people.people.items()}
        fates: dict[str, str] = {}
        for each in found:
            assert names[each.recipient_id] not in fates, "two rows are a person's last"
            fates[names[each.recipient_id]] = f"{each.channel} {each.fate}"
        return fates

    def told(
        self, status: str, *names: str, provider: str = "sendgrid", code: str | None = None, again: str = ""
    ) -> list[Told]:
        """What a provider would tell of these people: of everybody when none is named."""
        wanted = []
        for group in self.groups():
            attempts = list(
                db.session.scalars(
                    select(SendingAttempt)
                    .where(SendingAttempt.group_id == group.id, SendingAttempt.provider == provider)
                    .order_by(SendingAttempt.number.desc())
                )
            )
            if not attempts:
                continue
            for place, member in enumerate(jobs_members(group)):
                name = self.people.people[member][2]
                if not names or name in names:
                    wanted.append(
                        Told(provider, f"{attempts[0].id}:{place}:{status}{again}", status, attempts[0].id,
                             place, None, code)
                    )  # fmt: skip
        return wanted

    def hear(self, *told: list[Told]) -> int:
        """Take in what providers tell, in one call."""
        return self.do(receipts.take, [each for some in told for each in some])


def jobs_members(group: SendingGroup) -> list[UUID]:
    """Whom a group holds, in their places."""
    return [each.id for each in jobs.claiming.unpacked(group.members)]


def install(app: Flask, organisation: UUID, about: str, monkeypatch: Any) -> Telling:
    """People, and providers in the place of the app's; the clock rings for no worker by itself."""
    telling = Telling(app, organisation, about, People(), Post(), Post("twilio", most=1))
    monkeypatch.setitem(app.extensions["channels"], "email", (telling.mail,))
    monkeypatch.setitem(app.extensions["channels"], "sms", (telling.texts,))
    monkeypatch.setitem(app.extensions, "sending_rates", {"email/sendgrid": 0, "sms/twilio": 0})
    monkeypatch.setitem(app.extensions, "sending_sources", {"people": telling.people})
    monkeypatch.setattr(jobs, "ring", lambda: 0)
    return telling
