"""People on a list of an incident and letters that wait for them, without a file and without a provider.

Sealed and hashed as those of a file are; what becomes of each is asked of the sending.
"""

from datetime import datetime

from sqlalchemy import select

from accounts.models import Organisation
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from incident import coverage, genuine
from incident.communication_texts import wire
from incident.lists.contacts import Contact, sealed_of
from incident.lists.keys import key_of
from incident.models import Recipient, RecipientList, SubjectCommunication, Ways
from incident.recipient_lists.rows import Address
from notifications import sending
from notifications.models.sending import Delivery, Fate, Sending
from notifications.sending import falling_back, tallying
from tests.incident import desk

AARHUS = Address("Åboulevarden 117", "", "8000", "Aarhus C", "DK")
LETTER = {
    "subject": "Brud på sikkerheden for dine personoplysninger", "nature": "Nogen så dine oplysninger.",
    "data": "Navn.", "consequences": "Du kan få falske mails.",
    "measures": "Vi har lukket adgangen.\n\nHvad gør vi nu?\nVi ser efter.",
    "advice": "Skift din adgangskode.",
    "rights": "Du kan klage til Datatilsynet.", "contact": "Dorthe Friis, +45 86 12 34 56",
    "sender": "ProMark A/S",
}  # fmt: skip


def contact(name, **told):
    return Contact(**{"name": name, "address": AARHUS} | told)


def told(cast, incident_id, *people, locale="da"):
    """A communication that is under way, and a letter that waits for each of these; its id, and theirs."""
    now = utcnow()
    with desk.working(cast, incident_id) as incident:
        communication = a_communication(incident, now)
        genuine.code_of(communication, 0)  # the secret of codes is made with the first
        begun = Sending(
            id=new_id(), organisation_id=incident.organisation_id, about=incident.chain,
            source=coverage.source_of(communication.id), ways=["email", "sms", "letter"], texts=wired(),
            content_sha256="0" * 64, people=len(people), created_at=now, state="running", tally={},
        )  # fmt: skip
        db.session.add(begun)
        listed = on_a_list(incident, *people, locale=locale, now=now)
        db.session.add_all(
            Delivery(
                organisation_id=incident.organisation_id, sending_id=begun.id, recipient_id=each,
                channel="letter", locale=locale, country="DK", left=0, fate=Fate.WAITING, at=now,
            )
            for each in listed
        )  # fmt: skip
        return communication.id, listed


def wired(letter=LETTER, fields=frozenset()):
    return {"da": wire.wire(letter, locale="da", check_url="https://b.example/g/⟦code⟧", fields=fields)}


def a_communication(incident, now, **changes):
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id, "number": 1,
        "texts": {"da": LETTER}, "content_sha256": "0" * 64, "state": "sending", "drafted_by": "Dorthe Friis",
        "drafted_at": now, "approved_by": "Birk", "approved_at": now,
        "approved_sha256": "0" * 64, "selection": {}, "sent_by": "Dorthe Friis", "sent_at": now,
    }  # fmt: skip
    made = SubjectCommunication(**row | changes)
    db.session.add(made)
    db.session.flush()
    return made


def on_a_list(incident, *people, locale="da", now: datetime):
    """Put people on a list of an incident; their ids, in order."""
    one = RecipientList(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id,
        number=1, state="read",
        file_name="liste.csv", file_sha256="0" * 64, file_bytes=1, country="DK", locale=locale, columns=[],
        header=[], uploaded_by="Dorthe Friis", uploaded_at=now,
    )  # fmt: skip
    db.session.add(one)
    db.session.flush()
    key = key_of(incident.id)
    rows = [
        Recipient(
            id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, list_id=one.id,
            line=line, locale=locale, country="DK", group="", ways=Ways.LETTER, sha256=bytes(32),
            sealed=sealed_of(each, key), **_hashed(key, each),
        )
        for line, each in enumerate(people, start=2)
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return [each.id for each in rows]


def _hashed(key, each):
    told = {"email": each.email.casefold(), "phone": each.phone, "own": each.own_id.casefold()}
    return {f"{kind}_key": key.hash(kind, text) for kind, text in told.items() if text}


def fates(cast, ids):
    """What became of the letters of these people once the clock has looked: fate and code, in their order."""
    with everyone():
        for sending_id in falling_back.due(utcnow()):
            with transaction():
                falling_back.take_next(sending_id, now=utcnow())
    with acting_for(cast.promark):
        db.session.rollback()
        rows = db.session.scalars(
            select(Delivery).where(Delivery.channel == "letter", Delivery.recipient_id.in_(ids))
        )
        known = {each.recipient_id: (each.fate, each.code) for each in rows}
        return [known[each] for each in ids]


def posted(cast, communication_id, ids):
    """Their letters are posted, and everything has gone out and was counted."""
    with everyone(), transaction():
        begun = sending.of(coverage.source_of(communication_id))
        sending.letters_posted(begun.id, ids, utcnow().date(), by="Dorthe Friis", now=utcnow())
        tallying.tally(begun.id, *tallying.count(begun.id), now=utcnow())


def addressed(cast, lines="Storegade 1\n8000 Aarhus C"):
    """Register the organisation's postal address."""
    with acting_for(cast.promark), transaction():
        mine = db.session.get_one(Organisation, cast.promark)
        mine.profile = {**mine.profile, "address": lines}
