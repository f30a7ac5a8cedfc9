"""Whom a related incident told is found by hashes alone: nobody is opened for a page."""

import secrets

import pytest

from foundation.database import acting_for, db, everyone
from incident import subject_communication
from incident.lists import keys
from incident.lists import people as on_lists
from tests import people
from tests.incident import desk
from tests.incident.telling import approve, begun, do, send
from tests.incident.test_merging import merge

THEIRS = """name;e-mail;phone;language
Ida;ida@kunde.example;+4520123456;da
Ida;;+4520123456;da
Ole;;+4520999999;da
Åsa;asa@kund.example;;da
"""
MINE = """name;e-mail;phone;language
Ida;IDA@kunde.example;;da
Ib;ib@kunde.example;+4520123456;da
Ole;ole@kunde.example;+4520999999;da
Una;;+4520123456;da
Eva;eva@kunde.example;;da
"""
pytestmark = pytest.mark.usefixtures("app", "sandbox")
SAME = 2  # Ida and Ole; Una has the number of Ib here, who has an address of his own


def told_by_another(cast, work):
    """An incident that told its people, carried by another whose list waits: the other, its communication."""
    carried, letters = begun(cast, THEIRS, reference="HC-2")
    approve(cast, carried, letters)
    send(cast, carried, letters, count=3)
    for _round in range(3):
        work()
    carrier, more = begun(cast, MINE, reference="HC-1", is_whole=False)
    merge(cast, carried, carrier)
    return carrier, more


def found(cast, incident_id, communication_id):
    """How many were told already, and the names of whom leaving them out leaves."""
    with acting_for(cast.promark):
        db.session.rollback()
        incident = desk.incident_of(cast, incident_id)
        communication = subject_communication.of(incident, communication_id)
        told = subject_communication.told_already(incident, communication)
    do(cast, incident_id, communication_id, leave_out)
    with everyone():
        db.session.rollback()
        left = on_lists.after(subject_communication.of(incident, communication_id), None, 9)
        contacts = on_lists.contacts(incident_id, [each.id for each in left])
    return sum(each.people for each in told), sorted(each.name for each in contacts.values())


def leave_out(incident, communication, *, by, now):
    seen = communication.content_sha256
    return subject_communication.leave_out_told(incident, communication, seen=seen, by=by, now=now)


def test_a_page_opens_nobody_whom_a_related_incident_told(cast, work, signed_in, monkeypatch):
    carrier, more = told_by_another(cast, work)
    monkeypatch.setattr(on_lists, "contacts", lambda *_of: pytest.fail("somebody was opened"))

    page = signed_in(people.DORTHE).get(f"/incidents/{carrier}/communications/{more}").text

    assert f"{SAME} people on this list were told already" in page
    monkeypatch.undo()
    assert found(cast, carrier, more) == (SAME, ["Eva", "Ib"])


def test_people_of_an_incident_with_hashes_of_its_own_are_found_all_the_same(cast, work, monkeypatch):
    monkeypatch.setattr(keys, "_hash_key_of", lambda _organisation: secrets.token_bytes(32))
    carrier, more = told_by_another(cast, work)

    assert found(cast, carrier, more) == (SAME, ["Eva", "Ib"])
