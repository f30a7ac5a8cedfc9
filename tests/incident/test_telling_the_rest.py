"""What tells some people does not meet what is owed to all of them; corrections and lists keep to that."""

import pytest

from foundation.database import utcnow
from foundation.errors import Invalid, Refused
from incident import authority_notification, subject_communication
from incident.subject_communication import Choice
from tests import people
from tests.incident import desk, lists
from tests.incident.telling import ASA, IDA, approve, begun, do, put_list, send, sent, stored, write


def state(cast, incident_id):
    return desk.duty_of(cast, incident_id, "gdpr-34").state


@pytest.fixture
def danish(app, cast, sandbox, work):
    """Who reads Danish is told, and two others on the list are not: the incident, and the communication."""
    incident_id, communication_id = begun(cast)
    chosen = Choice(locales=("da",))
    do(cast, incident_id, communication_id, subject_communication.choose, chosen, who=people.ASTRID)
    approve(cast, incident_id, communication_id)
    send(cast, incident_id, communication_id, count=1)
    for _round in range(2):
        work()
    assert stored(cast, incident_id, communication_id).state == "complete"
    return incident_id, communication_id


def leave(cast, danish, why="Their data was not in the file.", who=people.DORTHE):
    return do(cast, *danish, subject_communication.leave_rest, why=why, who=who)


def test_the_duty_stays_while_somebody_on_the_lists_is_told_by_nothing(cast, danish, signed_in):
    assert state(cast, danish[0]) != "met"

    page = signed_in(people.DORTHE).get(f"/incidents/{danish[0]}/communications/{danish[1]}").text
    assert "2 people on the lists are told by no communication" in page


def test_what_goes_on_says_that_others_on_the_lists_are_told_by_nothing(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    chosen = Choice(locales=("da",))
    do(cast, incident_id, communication_id, subject_communication.choose, chosen, who=people.ASTRID)
    approve(cast, incident_id, communication_id)
    send(cast, incident_id, communication_id, count=1)

    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text
    assert "At least 2 people on the lists are told by no communication" in page
    assert "the duty is met." not in page


def authority_is_told(cast, incident_id):
    """Whether all know, and how many, as the notification says it once it is brought up to date."""
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == "dk-datatilsynet")
        by = desk.person(cast, people.ASTRID)
        made = authority_notification.draft(incident, duty, by=by, now=utcnow())
        authority_notification.renew(incident, made, seen=made.content_sha256, by=by, now=utcnow())
        told = {path: each["value"] for path, each in made.content["answers"].items()}
    return told["subject_communication.all_informed"], told["subject_communication.means_description"]


def test_no_authority_is_told_that_all_know_while_others_on_the_lists_are_told_by_nothing(cast, danish):
    whether, how_many = authority_is_told(cast, danish[0])
    leave(cast, danish)

    assert whether == "not_all"
    assert "1 af 3" in how_many
    assert authority_is_told(cast, danish[0])[0] == "all"


def test_a_further_communication_to_the_others_meets_it(cast, danish, sandbox, work, signed_in):
    incident_id, _first = danish
    signed_in(people.ASTRID).post(f"/incidents/{incident_id}/communications")
    with desk.working(cast, incident_id) as incident:
        further = subject_communication.of_incident(incident)[-1].id
    for locale in ("sv", "en"):
        write(cast, incident_id, further, locale)
    approve(cast, incident_id, further)
    send(cast, incident_id, further, count=2)
    for _round in range(2):
        work()

    assert len(sandbox.mail_to(IDA)) == len(sandbox.mail_to(ASA)) == 1
    assert state(cast, incident_id) == "met"


def test_a_second_person_says_with_a_reason_that_the_others_need_not_be_told(cast, danish, signed_in):
    with pytest.raises(Invalid):
        leave(cast, danish, why=" ")
    with pytest.raises(Refused, match="second person"):
        leave(cast, danish, who=people.ASTRID)

    told = {"why": "Their data was not in the file."}
    signed_in(people.DORTHE).post(f"/incidents/{danish[0]}/communications/{danish[1]}/rest", data=told)

    assert state(cast, danish[0]) == "met"
    duty = desk.duty_of(cast, danish[0], "gdpr-34")
    assert duty.met_at == stored(cast, *danish).completed_at
    with pytest.raises(Refused):
        leave(cast, danish)


# --- corrections, and lists ---------------------------------------------------------------------


def corrected(cast, incident_id, communication_id):
    with desk.working(cast, incident_id) as incident:
        wrong = subject_communication.of(incident, communication_id)
        by = desk.person(cast, people.ASTRID)
        return subject_communication.correct(incident, wrong, by=by, now=utcnow()).id


def test_nobody_approves_a_correction_while_the_wrong_one_still_goes_out(app, cast):
    incident_id, communication_id = sent(cast)
    correction = corrected(cast, incident_id, communication_id)
    with desk.working(cast, incident_id) as incident:
        found = subject_communication.obstacles(incident, subject_communication.of(incident, correction))

    assert "going" in {each.code for each in found}


def test_a_correction_cannot_be_narrowed_to_some_of_those_who_had_the_wrong_one(app, cast):
    incident_id, communication_id = sent(cast)
    correction = corrected(cast, incident_id, communication_id)
    chosen = Choice(locales=("da",), untold=True)
    do(cast, incident_id, correction, subject_communication.choose, chosen, who=people.ASTRID)

    assert stored(cast, incident_id, correction).selection == {"told_by": str(communication_id)}


def test_a_list_stays_whose_people_were_told_as_rows_of_another(app, cast):
    incident_id, communication_id = begun(cast)
    second = put_list(cast, incident_id, "name;e-mail;phone;language\nIda;IDA@kunde.example;;da\n")
    chosen = Choice(lists=(second,))
    do(cast, incident_id, communication_id, subject_communication.choose, chosen, who=people.ASTRID)
    approve(cast, incident_id, communication_id)
    send(cast, incident_id, communication_id, count=1)
    with desk.working(cast, incident_id) as incident:
        first = next(e.id for e in subject_communication.standing_lists(incident) if e.id != second)

    with pytest.raises(Refused, match="are being told"):
        lists.withdraw(cast, incident_id, first)
