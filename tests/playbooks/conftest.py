"""A database with ProMark and its people, for carrying playbooks out."""

import os
import shutil
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from jinja2 import DictLoader
from sqlalchemy import create_engine, select

from accounts.models import Organisation, Role, StaffMember
from foundation import database, encryption, locales, queue, settings
from foundation.database import Base, acting_for, db, everyone, new_id, transaction
from notifications import on_duty, ways
from notifications.models import Message, Page
from playbooks import jobs, library, runs
from playbooks.models import Run
from tests import servers
from tests.playbooks.laddered import KEY, LADDERED

MIDNIGHT = datetime(2026, 10, 2, 1, 0, tzinfo=UTC)  # 03:00 in Copenhagen, between Friday and the weekend
LINE = "{{ step }} | {{ due_at }} | {{ hours_left }} | {{ path }} | {{ number }} | {{ organisation }}"
LETTERS = {
    f"messages/{message}/en.{part}": LINE
    for message in (
        "page_report",
        "page_deadline",
        "page_duty",
        "step_reminder",
        "step_to_approve",
        "deadline_reminder",
    )
    for part in ("sms.txt", "subject.txt", "txt", "html")
}


@dataclass
class House:
    """ProMark at night: Astrid on call, Birk her deputy, Dorthe the data protection officer."""

    app: Flask
    promark: UUID
    astrid: UUID
    birk: UUID
    dorthe: UUID
    about: str
    now: datetime = MIDNIGHT
    midnight = MIDNIGHT

    def start(self, playbook="processor_breach", about=None, facts=None, owners=None, **anchors):
        """Start a playbook now and commit; anchors default to reported and aware now."""
        with transaction():
            run_id = runs.start(
                playbook, organisation_id=self.promark, about=about or self.about,
                anchors=anchors or {"reported": self.now, "aware": self.now}, summary="PM-2026-0007",
                facts=facts or {}, owners=owners, actor="HostCo", now=self.now,
            )  # fmt: skip
        jobs.tick(self.now)
        return db.session.get_one(Run, run_id)

    def do(self, stage, *args, **kwargs):
        """Call a stage function now and commit."""
        with transaction():
            return stage(*args, now=self.now, **kwargs)

    def until(self, hours, step=timedelta(minutes=5)):
        """Let the clock tick every five minutes until so many hours after midnight."""
        while self.now < MIDNIGHT + timedelta(hours=hours):
            self.now += step
            jobs.tick(self.now)

    def steps(self, about=None):
        return {step.key: step for step in runs.steps_for(about or self.about)}

    def messages(self, *, to=None, template=None):
        """What was written, oldest first: each as (template, step, hours left)."""
        found = db.session.scalars(select(Message).order_by(Message.id))
        return [
            (each.template, each.context["step"], each.context["hours_left"])
            for each in found
            if to in (None, each.staff_id) and template in (None, each.template) and each.channel == "email"
        ]

    def pages(self):
        return list(db.session.scalars(select(Page).order_by(Page.id)))


@pytest.fixture(autouse=True)
def _a_playbook_with_a_ladder(monkeypatch):
    """The engine is tried with a playbook that reminds, pages and repeats."""
    ours = library.playbook
    monkeypatch.setattr(library, "playbook", lambda key: LADDERED if key == KEY else ours(key))


@pytest.fixture(scope="session")
def copies(tmp_path_factory):
    """Lends databases with every table and no row in them: laid once, then copied for each test."""
    if os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql":
        laid = tmp_path_factory.mktemp("laid") / "breachclock.sqlite3"
        lay(f"sqlite:///{laid}")
        yield lambda folder: nullcontext(f"sqlite:///{shutil.copy(laid, folder)}")
        return
    with servers.postgresql() as server:
        lay(server.create("laid"))

        @contextmanager
        def lent(_folder):
            yield server.create("playbooks", "laid")
            server.drop("playbooks")

        yield lent


def lay(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # all of it into the one file that is copied
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


@pytest.fixture
def database_url(copies, tmp_path):
    with copies(tmp_path) as url:
        yield url


@pytest.fixture
def house(database_url, tmp_path):
    app = Flask("breachclock")
    environ = {
        "BREACHCLOCK_HOME": str(tmp_path), "BREACHCLOCK_SECRET_KEY": "k" * 40,
        "BREACHCLOCK_DATA_KEYS": Fernet.generate_key().decode(), "SENDGRID_API_KEY": "SG.x",
        "TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": "x", "TWILIO_FROM": "+4500000000",
        "SENDGRID_API_BASE": "http://127.0.0.1:1", "TWILIO_API_BASE": "http://127.0.0.1:1",
    }  # fmt: skip
    app.config["SETTINGS"] = settings.load(environ)
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.engine_options(database_url)
    app.jinja_loader = DictLoader(LETTERS)
    db.init_app(app)
    locales.init_app(app)
    queue.init_app(app, f"unix://{tmp_path / 'nobody.sock'}")
    encryption.keyring.use(app.config["SETTINGS"].data_keys)
    with app.app_context():
        with everyone(), transaction():
            made = _people(app)
        with acting_for(made.promark):
            yield made
        db.session.remove()
        db.engine.dispose()


def _people(app):
    promark = Organisation(
        id=new_id(), key="promark", name="ProMark", country="DK", locale="en", timezone="Europe/Copenhagen",
        incident_prefix="PM", profile={}, created_at=MIDNIGHT,
    )  # fmt: skip
    db.session.add(promark)
    db.session.flush()
    ids = {}
    for number, (name, role) in enumerate(
        {"Astrid": Role.RESPONDER, "Birk": Role.RESPONDER, "Dorthe": Role.DPO, "Olga": Role.NONE}.items()
    ):
        ids[name] = new_id()
        db.session.add(
            StaffMember(
                id=ids[name], organisation_id=promark.id, name=name, email=f"{name}@promark.test".lower(),
                role=role, locale="en", fs_uniquifier=name, created_at=MIDNIGHT,
            )
        )  # fmt: skip
        db.session.flush()
        theirs = (("sms", f"+453000000{number}"), ("email", f"{name}@promark.test".lower()))
        for position, (channel, address) in enumerate(theirs):
            ways.add_contact_method(
                organisation_id=promark.id, staff_id=ids[name], channel=channel, address=address,
                position=position, verified_at=MIDNIGHT,
            )  # fmt: skip
    on_duty.add_rotation(
        organisation_id=promark.id, name="first", timezone="Europe/Copenhagen", shift_days=7,
        first_handover=MIDNIGHT - timedelta(days=1), members=[ids["Astrid"]],
    )  # fmt: skip
    return House(app, promark.id, ids["Astrid"], ids["Birk"], ids["Dorthe"], f"incident/{new_id()}")
