"""Customers of ProMark, and the rounds of notices to them, as tests need them."""

from foundation.database import acting_for, db, transaction, utcnow
from incident import customers, jobs
from incident.controller_notices import approving, rounds, sending, standing
from incident.customer_lists import Contact, Details
from incident.models import ControllerNotice, Incident, Processor
from tests import people
from tests.incident.desk import person, working

HERE = ("Butik Nord A/S", "Fjordbutikken AS", "Lund & Söner AB")
LOCALES = ("da", "nb", "sv")


def processor_of(cast, name=people.NORDHOST):
    """The id of a processor of ProMark."""
    from sqlalchemy import select  # noqa: PLC0415

    with acting_for(cast.promark):
        return db.session.scalars(select(Processor.id).where(Processor.name == name)).one()


def details(cast, name, locale="da", **changes):
    """A customer whose data run through NordHost, with one contact."""
    at = f"privacy@{''.join(c for c in name.casefold() if c.isascii() and c.isalnum())}.example"
    told = {
        "name": name, "locale": locale, "country": "DK", "reference": f"K-{len(name)}{name[:2].upper()}",
        "agreement": "DBA-7", "notice_hours": 24.0, "systems": ("Time registration",), "people": 40,
        "categories": ("name", "absence"), "groups": ("employees",),
        "processors": (processor_of(cast),), "contacts": (Contact("Karin Vagt", at, "+4570101010"),),
    }  # fmt: skip
    return Details(**told | changes)


def register(cast, *several):
    """Put customers into ProMark's register; their ids by name."""
    with acting_for(cast.promark), transaction():
        return {each.name: customers.add(cast.promark, each, by="Astrid Holm", now=utcnow()).id
                for each in several}  # fmt: skip


def three(cast):
    """A Danish, a Norwegian and a Swedish customer."""
    return register(cast, *(details(cast, *each) for each in zip(HERE, LOCALES, strict=True)))


def owe():
    """What the clock does: one round of making duties towards customers."""
    return jobs.owe_customers()


def round_of(incident):
    """The round that is worked on."""
    return standing.preparing(incident)


def write(cast, incident_id, *, who=people.ASTRID, **changes):
    """Somebody makes every common part whole, with these parts said otherwise."""
    with working(cast, incident_id) as incident:
        for locale in list(round_of(incident).texts):
            round_ = round_of(incident)
            parts = {
                name: text.replace("[", "").replace("]", "") for name, text in round_.texts[locale].items()
            }
            rounds.set_texts(
                incident, round_, locale, parts | changes, seen=round_.content_sha256,
                by=person(cast, who), now=utcnow(),
            )  # fmt: skip


def approve(cast, incident_id, *, who=people.DORTHE):
    """Somebody approves the round as it is."""
    with working(cast, incident_id) as incident:
        round_ = round_of(incident)
        approving.approve(incident, round_, seen=round_.content_sha256, by=person(cast, who), now=utcnow())


def send(cast, incident_id, *, who=people.DORTHE, count=None):
    """Somebody sends it; how many customers that is."""
    with working(cast, incident_id) as incident:
        round_ = round_of(incident)
        wanted = rounds.counts(round_).get("draft", 0) if count is None else count
        return sending.send(
            incident, round_, seen=round_.content_sha256, count=wanted, by=person(cast, who), now=utcnow()
        )


def stands(cast, incident_id):
    """Where each customer stands, by name."""
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        incident = db.session.get_one(Incident, incident_id)
        return {row.customer.name: str(row.stand) for row in standing.table(incident).rows}


def notices(cast, incident_id):
    """Every notice as stored, by customer's id."""
    from sqlalchemy import select  # noqa: PLC0415

    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        mine = select(ControllerNotice).where(ControllerNotice.incident_id == incident_id)
        return {each.customer_id: each for each in db.session.scalars(mine)}
