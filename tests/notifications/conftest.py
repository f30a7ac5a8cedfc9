"""ProMark at night, with the providers' part of the app: Astrid on call, Birk next, Dorthe the DPO."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import accounts.views
from accounts import passwords, sign_in
from accounts.models import Organisation, Role, StaffMember
from foundation import database, encryption, http, ledger, locales, queue
from foundation.database import Base, db, engine_options, everyone, new_id, transaction
from notifications import bundles, callbacks, channels, delivery, on_duty, outbox, paging, ringing, ways
from notifications.channels import Accepted, Answer
from notifications.models import Acknowledgement, Attempt, Message, Page
from notifications.views import (
    answers,
    contact_methods,
    link,
    messages,
    on_call,
    overrides,
    policies,
    rotations,
    schedule_feeds,
    schedules,
    teams,
)
from tests import servers
from tests.notifications.installation import ROOT, a_settings

PASSWORD = "vinter kagle tandem 58"
passwords.hasher.update(argon2__memory_cost=8, argon2__rounds=1)
HASH = passwords.hash_password(PASSWORD)
MIDNIGHT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
PHONES = {"astrid": "+4520000001", "birk": "+4520000002", "dorthe": "+4520000003"}
CONTEXT = {
    "number": "PM-2026-0012", "organisation": "ProMark A/S", "timezone": "Europe/Copenhagen",
    "path": "/incidents/1", "processor": "HostCo", "due_at": "2026-11-26T13:30:00+00:00",
}  # fmt: skip
ACCEPTED = Accepted("SM" + "a" * 32)


@dataclass
class House:
    app: Flask
    promark: UUID = field(default_factory=new_id)
    softwerk: UUID = field(default_factory=new_id)
    people: dict[str, UUID] = field(default_factory=dict)
    about: str = ""
    now: datetime = MIDNIGHT
    claimed: outbox.Claim | None = None

    def __getattr__(self, name: str) -> UUID:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)

    def do(self, stage: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a stage function now and commit."""
        with transaction():
            return stage(*args, now=self.now, **kwargs)

    def post(
        self, *, kind="subject", channel="email", to="anna@example.org", key="letter:1", **other: Any
    ) -> UUID:
        """Owe a message to somebody concerned."""
        fallbacks = other.pop("fallbacks", ())
        context = {"name": "Anna", "subject": "Brud", "paragraphs": [["Hvad", "Det"]], "contact": "Dorthe",
                   "controller": "ProMark A/S"}  # fmt: skip
        return self.do(
            outbox.post, organisation_id=self.promark, about=self.about, kind=kind,
            template="subject_notice", recipient=outbox.Outside(channel, to, "da", fallbacks=fallbacks),
            context=context, dedupe_key=key, **other,
        )  # fmt: skip

    def page(self, template="page_report", **context: Any) -> UUID:
        return self.do(
            paging.page, organisation_id=self.promark, about=self.about, template=template,
            context=CONTEXT | context, must_by=None, actor="HostCo",
        )  # fmt: skip

    def claim(self, message_id: UUID) -> outbox.Claim | None:
        self.claimed = self.do(outbox.claim, message_id, provider_of=channels.names())
        return self.claimed

    def send(self, message_id: UUID, answer: Answer = ACCEPTED) -> Message:
        """Claim a message and record what the provider answered."""
        claimed = self.claim(message_id)
        assert claimed is not None, "the message was not there to be claimed"
        self.do(delivery.record, claimed, answer)
        return self.message(message_id)

    def receipt(
        self, status: str, *, number: int | None = None, event: str | None = None, **other: Any
    ) -> bool:
        """What the provider says of an attempt, by default the last one claimed."""
        attempts = list(db.session.scalars(select(Attempt).order_by(Attempt.started_at, Attempt.number)))
        attempt = attempts[-1] if number is None else next(a for a in attempts if a.number == number)
        told = {
            "provider": attempt.provider,
            "attempt_id": attempt.id,
            "provider_id": attempt.provider_id,
            "code": None,
        }
        event = event or f"{attempt.id}:{status}"
        return bool(self.do(delivery.receipt, event_id=event, status=status, **(told | other)))

    def message(self, message_id: UUID) -> Message:
        return db.session.get_one(Message, message_id, populate_existing=True)

    def messages(self, **where: Any) -> list[Message]:
        found = db.session.scalars(
            select(Message).order_by(Message.id).execution_options(populate_existing=True)
        )
        return [m for m in found if all(getattr(m, name) == value for name, value in where.items())]

    def attempts(self, message_id: UUID) -> list[Attempt]:
        query = select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.number)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def the_page(self) -> Page:
        return db.session.scalars(select(Page).execution_options(populate_existing=True)).one()

    def takers(self) -> list[UUID]:
        return list(db.session.scalars(select(Acknowledgement.staff_id)))

    def paged(self) -> list[str]:
        """Who was paged by SMS, in order."""
        names = {number: name for name, number in PHONES.items()}
        return [names[m.recipient] for m in self.messages(channel="sms") if m.page_id]

    def browser(self, name: str) -> FlaskClient:
        """A browser in which somebody is signed in."""
        made = self.app.test_client()
        domain = "softwerk" if name == "eskil" else "promark"
        told = made.post("/sign-in", data={"email": f"{name}@{domain}.example", "password": PASSWORD})
        assert told.status_code == 303, told.text
        return made

    def record(self, about: str | None = None) -> list[str]:
        """The actions in the ledger."""
        return [entry.action for entry in ledger.entries(about or self.about)]


def clock(house, **passed):
    """One round of what the clock does, after some time."""
    house.later(**passed)
    for page_id in paging.due(house.now):
        house.do(paging.escalate, page_id)
    for ring_id in ringing.due(house.now):
        house.do(ringing.ring_later, ring_id)
    for whose in bundles.due(house.now):
        house.do(bundles.send, whose)


@pytest.fixture(scope="session")
def address(request, tmp_path_factory) -> Iterator[str]:
    """The database of BREACHCLOCK_TEST_DATABASE: SQLite, or one of its own on a real PostgreSQL."""
    if os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql":
        yield f"sqlite:///{tmp_path_factory.mktemp('delivery') / 'test.sqlite3'}"
        return
    with servers.postgresql() as server:
        yield server.create("delivery")


@pytest.fixture(scope="module")
def product(address, tmp_path_factory) -> Iterator[Flask]:
    """The parts of the product that deliver; no queue server, no provider behind it."""
    settings = a_settings(tmp_path_factory.mktemp("home"), BREACHCLOCK_DATABASE_URL=address)
    made = Flask("delivery", root_path=str(ROOT))
    made.config.update(
        SETTINGS=settings, SQLALCHEMY_DATABASE_URI=address, SQLALCHEMY_ENGINE_OPTIONS=engine_options(address),
        TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_STORAGE_URI="memory://",
    )  # fmt: skip
    db.init_app(made)
    locales.init_app(made)
    queue.init_app(made, settings.redis_url)
    channels.init_app(made, settings)
    http.init_app(made)
    sign_in.init_app(made)
    parts = accounts.views, callbacks, contact_methods, link, on_call, messages, answers, policies, teams
    for module in (*parts, schedules, rotations, overrides, schedule_feeds):
        made.register_blueprint(module.bp)
    with made.app_context():
        Base.metadata.drop_all(db.engine)
        Base.metadata.create_all(db.engine)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def house(product) -> Iterator[House]:
    """An empty database with ProMark's people in it."""
    keys = encryption.keyring.keys, encryption.keyring.fernet
    encryption.keyring.use(product.config["SETTINGS"].data_keys)
    with product.app_context(), everyone():
        with transaction():
            for table in reversed(Base.metadata.sorted_tables):
                db.session.execute(table.delete())
        made = House(product)
        made.about = f"incident/{new_id()}"
        with transaction():
            _people(made)
        yield made
        db.session.remove()
    encryption.keyring.keys, encryption.keyring.fernet = keys
    database.clock.offset = timedelta()


def _people(house: House) -> None:
    for key, name, prefix in (("promark", "ProMark A/S", "PM"), ("softwerk", "Softwerk AB", "SW")):
        db.session.add(
            Organisation(
                id=getattr(house, key), key=key, name=name, country="DK", locale="da", incident_prefix=prefix,
                timezone="Europe/Copenhagen", created_at=house.now,
            )
        )  # fmt: skip
    db.session.flush()
    cast = (
        ("astrid", Role.RESPONDER, "promark"), ("birk", Role.RESPONDER, "promark"),
        ("dorthe", Role.DPO, "promark"), ("olga", Role.NONE, "promark"), ("eskil", Role.DPO, "softwerk"),
    )  # fmt: skip
    for name, role, employer in cast:
        house.people[name] = new_id()
        db.session.add(
            StaffMember(id=house.people[name], organisation_id=getattr(house, employer), name=name.title(),
                        email=f"{name}@{employer}.example", role=role, locale="en", active=True,
                        fs_uniquifier=name, password=HASH, created_at=house.now)
        )  # fmt: skip
    db.session.flush()
    for name, phone in PHONES.items():
        for position, (channel, address) in enumerate((("sms", phone), ("email", f"{name}@promark.example"))):
            ways.add_contact_method(
                organisation_id=house.promark, staff_id=house.people[name], channel=channel, address=address,
                position=position, verified_at=house.now,
            )  # fmt: skip
    paging.add_policy(
        organisation_id=house.promark, name="Standard",
        steps=[
            {"staff": str(house.people["astrid"]), "minutes": 5},
            {"staff": str(house.people["birk"]), "minutes": 10},
        ],
    )  # fmt: skip
    on_duty.add_rotation(
        organisation_id=house.promark, name="Nights", timezone="Europe/Copenhagen", first_handover=house.now,
        shift_days=7, members=[house.people["astrid"], house.people["birk"]],
    )  # fmt: skip
