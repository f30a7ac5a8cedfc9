"""Pages of one step: evidence, a second person, and a step added by hand."""

import io
import re
from datetime import timedelta

import pytest

from foundation.database import acting_for, db, utcnow
from incident import jobs
from incident.forms.fields import local_text
from playbooks import runs
from tests import people
from tests.incident import desk

RANSOMWARE = {"category": "external_malicious", "kind": "ransomware"}


@pytest.fixture
def incident_id(app, cast):
    made = desk.reported(cast, processor=None, reference=None, chain=[], cause=RANSOMWARE)
    jobs.start_playbooks()
    return made


def step(cast, incident_id, key):
    with acting_for(cast.promark):
        db.session.rollback()
        return next(each for each in runs.steps_for(f"incident/{incident_id}") if each.key == key)


def address(cast, incident_id, key):
    return f"/incidents/{incident_id}/steps/{step(cast, incident_id, key).id}"


def test_evidence_is_asked_for_kept_with_its_file_and_given_back_as_a_download(cast, incident_id, signed_in):
    astrid, place = signed_in(people.ASTRID), address(cast, incident_id, "keep_logs")

    refused = astrid.post(f"{place}/evidence", data={"evidence": " ", "note": "All night <b>long</b>."})
    assert refused.status_code == 422
    assert "done only with evidence" in refused.text
    assert "All night &lt;b&gt;long&lt;/b&gt;." in refused.text

    sent = {"evidence": "Vault 3, 1 to 3 October.", "file": (io.BytesIO(b"lines"), "auth.log")}
    assert astrid.post(f"{place}/evidence", data=sent).status_code == 303
    page = astrid.get(place).text
    assert "Vault 3, 1 to 3 October." in page
    link = re.search(rf"{place}/files/[0-9a-f-]+", page)[0]
    file = astrid.get(link)
    assert (file.data, file.mimetype) == (b"lines", "application/octet-stream")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert signed_in(people.ESKIL).get(link).status_code == 404


def test_who_did_it_hands_in_and_a_colleague_approves(cast, incident_id, signed_in):
    place = address(cast, incident_id, "test_backup")
    astrid, birk = signed_in(people.ASTRID), signed_in(people.BIRK)

    for _ in range(2):
        assert astrid.post(f"{place}/evidence", data={"evidence": "Copy of 1 October."}).status_code == 303
    assert "You handed it in" in astrid.get(place).text
    assert astrid.post(f"{place}/approval").status_code == 409
    assert "Handed in by Astrid Holm" in birk.get(f"/incidents/{incident_id}").text

    for _ in range(2):
        assert birk.post(f"{place}/approval").status_code == 303
    done = step(cast, incident_id, "test_backup")
    assert (done.state, done.done_by, done.approved_by) == ("done", "Astrid Holm", "Birk Lund")
    assert desk.actions(cast, incident_id).count("step.handed_in") == 1


def test_a_step_is_added_and_a_slip_loses_nothing_that_was_typed(cast, incident_id, signed_in):
    astrid, place = signed_in(people.ASTRID), f"/incidents/{incident_id}/steps/new"
    typed = {"title": "Ring the insurer", "done_when": "They know.", "role": "legal", "remind": ["4", "1"]}

    refused = astrid.post(place, data=typed | {"due_at": "2020-01-01T10:00"})
    assert refused.status_code == 422
    assert 'value="Ring the insurer"' in refused.text
    due = local_text(utcnow() + timedelta(hours=6), "Europe/Copenhagen")[0]
    for _ in range(2):
        assert astrid.post(place, data=typed | {"due_at": due}).status_code == 303

    page = astrid.get(f"/incidents/{incident_id}").text
    assert page.count("Ring the insurer") == 1
    with acting_for(cast.promark):
        [added] = [each for each in runs.steps_for(f"incident/{incident_id}") if each.added]
    assert (added.role, len(added.definition.reminders)) == ("legal", 2)
    record = astrid.get(f"/incidents/{incident_id}/record").text
    assert "A step was added: Ring the insurer." in record


def test_who_only_reads_can_neither_show_approve_nor_add(cast, incident_id, signed_in):
    nils, place = signed_in(people.NILS), address(cast, incident_id, "keep_logs")

    assert nils.get(place).status_code == 200
    for path in (f"{place}/evidence", f"{place}/approval", f"{place}/return"):
        assert nils.post(path).status_code == 403
    assert nils.get(f"/incidents/{incident_id}/steps/new").status_code == 403
