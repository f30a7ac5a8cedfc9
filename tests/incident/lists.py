"""Lists of people for tests: sent, chosen, read; each change a transaction of its own."""

from io import BytesIO

from sqlalchemy import select

from foundation.database import acting_for, database_now, db, everyone, utcnow
from incident.lists import reading, uploading
from incident.models import Incident, Recipient, RecipientList, RowFault, SubjectCommunication
from tests import people as cast_people
from tests.incident import desk

HEADER = "name;e-mail;phone;language;address;postcode;city;country;group;number"
FIELDS = ("name", "email", "phone", "language", "line1", "postcode", "city", "country", "group", "own_id")


def row(*cells, **by_name):
    """A line with these cells from the left, and others by our name for the column."""
    told = dict(zip(FIELDS, cells, strict=False)) | by_name
    return ";".join(told.get(each, "") for each in FIELDS)


def many(number, start=0):
    """Lines of so many people, no two alike."""
    return [
        row(
            f"Person {at}",
            f"p{at}@kunde.example",
            f"+4520{at + 100_001:06d}",
            ("da", "sv", "nb", "en")[at % 4],
        )
        for at in range(start, start + number)
    ]


def text_of(*lines):
    return ("\n".join((HEADER, *lines)) + "\n").encode()


def sent(cast, incident_id, data, *, name="people.csv", who=cast_people.ASTRID):
    """A file that was sent, its columns not chosen; the list's id."""
    data = data if isinstance(data, bytes) else text_of(*data)
    with acting_for(cast.promark):
        kept = uploading.receive(incident_id, BytesIO(data))
    with desk.working(cast, incident_id) as incident:
        by = desk.person(cast, who)
        return uploading.upload(incident, kept, name, by=by, now=utcnow()).id


def chosen(cast, incident_id, data, *, fields=FIELDS, country="DK", locale="da", **more):
    """A list that waits to be read; its id."""
    list_id = sent(cast, incident_id, data)
    choose(cast, incident_id, list_id, fields=fields, country=country, locale=locale, **more)
    return list_id


def choose(cast, incident_id, list_id, *, fields=FIELDS, country="DK", locale="da", header=True, **more):
    with acting_for(cast.promark):
        kept = uploading.of(db.session.get_one(Incident, incident_id), list_id)
        found = uploading.header_of(kept, has_header=header, **more)
    with desk.working(cast, incident_id) as incident:
        uploading.choose(
            incident, uploading.of(incident, list_id), fields, header, country, locale, header=found,
            by=desk.person(cast, cast_people.ASTRID), now=utcnow(), **more,
        )  # fmt: skip


def read(cast, incident_id, data, **more):
    """A list that was read; its id."""
    list_id = chosen(cast, incident_id, data, **more)
    work()
    return list_id


def work():
    """What the clock does until no list has anything to do."""
    with everyone():
        for _round in range(100):
            due = reading.due(database_now())
            if not due:
                return
            for each in due:
                reading.read_on(each)
    raise AssertionError("Lists are still at work after a hundred rounds.")


def withdraw(cast, incident_id, list_id, why="another file was meant"):
    with desk.working(cast, incident_id) as incident:
        kept = uploading.of(incident, list_id)
        by = desk.person(cast, cast_people.ASTRID)
        return uploading.withdraw(incident, kept, why, by=by, now=utcnow())


def of(list_id):
    with everyone():
        return db.session.get_one(RecipientList, list_id, populate_existing=True)


def rows(list_id):
    with everyone():
        mine = select(Recipient).where(Recipient.list_id == list_id).order_by(Recipient.line)
        return list(db.session.scalars(mine.execution_options(populate_existing=True)))


def faults(list_id):
    with everyone():
        mine = select(RowFault).where(RowFault.list_id == list_id).order_by(RowFault.line, RowFault.id)
        return list(db.session.scalars(mine))


def communication(cast, incident_id, **selection):
    """A draft that picks by this selection."""
    with desk.working(cast, incident_id) as incident:
        made = SubjectCommunication(
            organisation_id=incident.organisation_id, incident_id=incident.id, texts={"da": {"a": "b"}},
            number=1, content_sha256="", drafted_by="Astrid Holm", drafted_at=utcnow(), recipients=0,
            selection=selection, ways=["email"], kind="", state="draft",
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return made


def incident(incident_id):
    with everyone():
        return db.session.get_one(Incident, incident_id)
