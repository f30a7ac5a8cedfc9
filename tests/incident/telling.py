"""Telling people, for tests: a communication with a list, its letters whole; approved, sent, followed."""

from sqlalchemy import select

from foundation.database import acting_for, db, everyone, utcnow
from incident import coverage, subject_communication
from incident.models import Recipient, SubjectCommunication
from notifications.models import Delivery, Sending, SendingGroup
from tests import people
from tests.incident import desk, lists

LIST = (
    "name;e-mail;phone;language\n"
    "Ida Ørsted;ida@kunde.example;+4520123456;da\n"
    "Åsa Öberg;asa@kund.example;;sv\n"
    "Edward Hill;edward@client.example;+447700900777;en\n"
)
FIELDS = ("name", "email", "phone", "language")
IDA, ASA, EDWARD = "ida@kunde.example", "asa@kund.example", "edward@client.example"
LOCALES = ("da", "sv", "en")


def whole(parts):
    """The parts of a letter with nothing left to be written: what stands in brackets is taken as it is."""
    return {part: text.replace("[", "").replace("]", "") for part, text in parts.items()}


def begun(cast, text=LIST, *, who=people.ASTRID, is_whole=True, fields=FIELDS, **changes):
    """A communication by somebody with a list that is read, its letters whole: (incident, communication)."""
    incident_id = desk.assessed(cast, **changes)
    if text:
        put_list(cast, incident_id, text, fields=fields)
    with desk.working(cast, incident_id) as incident:
        made = subject_communication.create(incident, by=desk.person(cast, who), now=utcnow()).id
    if is_whole:
        for locale in LOCALES:
            write(cast, incident_id, made, locale, who=who)
    return incident_id, made


def put_list(cast, incident_id, text, *, fields=FIELDS, **more):
    """A list that is read; its id."""
    return lists.read(cast, incident_id, text.encode(), fields=fields, **more)


def do(cast, incident_id, communication_id, stage, *args, who=people.DORTHE, **more):
    """One stage on the communication as it is now, committed, as somebody."""
    with desk.working(cast, incident_id) as incident:
        communication = subject_communication.of(incident, communication_id)
        if stage in (subject_communication.approve, subject_communication.send):
            more.setdefault("seen", subject_communication.fingerprint(communication))
        elif stage in SEEN:
            more.setdefault("seen", communication.content_sha256)
        return stage(incident, communication, *args, by=desk.person(cast, who), now=utcnow(), **more)


SEEN = (
    subject_communication.set_texts, subject_communication.add_language, subject_communication.choose,
    subject_communication.set_kind,
)  # fmt: skip


def write(cast, incident_id, communication_id, locale, *, who=people.ASTRID, **parts):
    """Write a letter: whole, but for these parts."""
    texts = {**whole(stored(cast, incident_id, communication_id).texts[locale]), **parts}
    do(cast, incident_id, communication_id, subject_communication.set_texts, locale, texts, who=who)


def approve(cast, incident_id, communication_id, *, who=people.DORTHE, **more):
    do(cast, incident_id, communication_id, subject_communication.approve, who=who, **more)


def send(cast, incident_id, communication_id, *, count=3, who=people.DORTHE, **more):
    return do(cast, incident_id, communication_id, subject_communication.send, count=count, who=who, **more)


def sent(cast, text=LIST, count=3, **changes):
    incident_id, communication_id = begun(cast, text, **changes)
    approve(cast, incident_id, communication_id)
    assert send(cast, incident_id, communication_id, count=count) == count
    return incident_id, communication_id


def stored(cast, incident_id, communication_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return subject_communication.of(desk.incident_of(cast, incident_id), communication_id)


def covered(cast, incident_id, communication_id):
    with acting_for(cast.promark):
        return coverage.of(stored(cast, incident_id, communication_id))


def sending_of(communication_id):
    with everyone():
        db.session.rollback()
        source = coverage.source_of(communication_id)
        return db.session.scalars(select(Sending).where(Sending.source == source)).one_or_none()


def deliveries(communication_id):
    """(language, way, fate) of everybody by their last way, in the order of the list."""
    sending = sending_of(communication_id)
    with everyone():
        found = select(Delivery).join(Recipient, Recipient.id == Delivery.recipient_id)
        mine = found.where(Delivery.sending_id == sending.id, Delivery.is_last)
        return [(d.locale, d.channel, d.fate) for d in db.session.scalars(mine.order_by(Recipient.line))]


def groups(communication_id):
    sending = sending_of(communication_id)
    with everyone():
        mine = select(SendingGroup).where(SendingGroup.sending_id == sending.id)
        return list(db.session.scalars(mine.order_by(SendingGroup.number)))


def approved_hash():
    with everyone():
        db.session.rollback()
        return db.session.scalar(select(SubjectCommunication.content_sha256))


def actions(cast, incident_id, prefix):
    return [each for each in desk.actions(cast, incident_id) if each.startswith(prefix)]
