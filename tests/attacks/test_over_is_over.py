"""What a person has ended stays ended: of a rejected incident nobody outside is told any more."""

import pytest

from foundation.database import utcnow
from foundation.errors import Refused
from incident import subject_communication, triage
from tests.incident import desk
from tests.incident.telling import begun, do


def _reject(cast, incident_id):
    with desk.working(cast, incident_id) as incident:
        triage.reject(incident, reason="No personal data in it.", by="Dorthe", now=utcnow())


def test_nobody_is_written_to_about_an_incident_that_was_rejected(app, cast, sandbox, work):
    """B46: approved before, rejected since, sent by somebody whose page was still open."""
    incident_id, letters = begun(cast)
    do(cast, incident_id, letters, subject_communication.approve)
    _reject(cast, incident_id)

    with pytest.raises(Refused, match="rejected"):
        do(cast, incident_id, letters, subject_communication.send, count=3)
    work()

    assert not sandbox.mail_to("ida@kunde.example")


def test_letters_about_an_incident_that_was_rejected_are_not_approved(app, cast):
    incident_id, letters = begun(cast)
    _reject(cast, incident_id)

    with pytest.raises(Refused, match="rejected"):
        do(cast, incident_id, letters, subject_communication.approve)
