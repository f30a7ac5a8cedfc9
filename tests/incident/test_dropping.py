"""A communication that nobody was told by can be dropped, and stands in nobody's way from then on."""

import pytest

from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import forgetting, subject_communication
from incident.forgetting import Needed
from incident.models import Incident, SubjectCommunication
from tests import people
from tests.incident import desk, telling_rows
from tests.incident.telling import actions, approve, begun, do, send, sending_of, sent, stored

WHY = "They were told by telephone."


def drop(cast, incident_id, communication_id):
    return do(cast, incident_id, communication_id, subject_communication.drop, why=WHY, who=people.ASTRID)


@pytest.mark.parametrize("is_approved", [False, True])
def test_it_is_dropped_once_with_a_reason_and_goes_out_no_more(app, cast, signed_in, is_approved):
    incident_id, communication_id = begun(cast)
    if is_approved:
        approve(cast, incident_id, communication_id)
    place = f"/incidents/{incident_id}/communications"
    mine, astrid = f"{place}/{communication_id}", signed_in(people.ASTRID)
    assert "Drop it, and tell nobody by it" in astrid.get(mine).text

    assert signed_in(people.NILS).post(f"{mine}/drop", data={"why": WHY}).status_code == 403
    assert astrid.post(f"{mine}/drop", data={"why": " "}).status_code == 422
    for why in (WHY, "Once more."):
        assert astrid.post(f"{mine}/drop", data={"why": why}).status_code == 303

    assert actions(cast, incident_id, "communication.dropped") == ["communication.dropped"]
    told = stored(cast, incident_id, communication_id)
    assert (told.standing, told.dropped_why, told.approved_by) == ("dropped", WHY, None)
    for act in (approve, send):
        with pytest.raises(Refused, match="dropped"):
            act(cast, incident_id, communication_id)
    assert sending_of(communication_id) is None
    assert WHY in astrid.get(mine).text
    assert "Dropped" in astrid.get(place).text
    assert "Begin a further communication" in astrid.get(place).text


def test_what_was_sent_cannot_be_dropped(app, cast):
    incident_id, communication_id = sent(cast)

    with pytest.raises(Refused, match="was sent"):
        drop(cast, incident_id, communication_id)


def test_one_that_was_dropped_makes_room_for_another(app, cast):
    incident_id, communication_id = begun(cast)
    drop(cast, incident_id, communication_id)

    with desk.working(cast, incident_id) as incident:
        by = desk.person(cast, people.ASTRID)
        assert subject_communication.create(incident, by=by, now=utcnow()).number == 2


def test_a_correction_that_was_dropped_makes_room_for_another(app, cast):
    incident_id, wrong = sent(cast)
    corrections = []
    for _time in range(2):
        with desk.working(cast, incident_id) as incident:
            told, by = subject_communication.of(incident, wrong), desk.person(cast, people.ASTRID)
            corrections.append(subject_communication.correct(incident, told, by=by, now=utcnow()).id)
        drop(cast, incident_id, corrections[-1])
    assert len(set(corrections)) == 2


def test_it_keeps_no_contact_data_any_more(app, cast):
    incident_id, first, ids = telling_rows.told(cast, state="complete")
    with everyone(), acting_for(cast.promark), transaction():
        told = db.session.get_one(SubjectCommunication, first)
        telling_rows.sending(told, [(each, "email", "delivered", {}) for each in ids])
        second = telling_rows.communication(incident_id, cast.promark, state="draft", number=2).id

    before = needed(cast, incident_id)
    drop(cast, incident_id, second)

    assert (before, needed(cast, incident_id)) == ((Needed.PREPARED,), ())


def needed(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        return forgetting.outlook(db.session.get_one(Incident, incident_id), now=utcnow()).needed
