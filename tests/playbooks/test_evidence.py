"""Evidence, a second person, gates and steps added by hand; and playbooks of an organisation's own."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from foundation import ledger
from foundation.database import db, transaction
from foundation.errors import Invalid, Missing, Refused
from playbooks import own, runs
from playbooks.models import EvidenceFile, Run, StepRecord, StepState
from playbooks.rules.reading import DefinitionError
from playbooks.runs import Attached

HOUR = timedelta(hours=1)
OURS = """\
key = "flood"
title = "The cellar is under water"
purpose = "Save the files."
source = "Art. 32"
starts_with = [{ fact = "cause.category", equals = "natural_event" }]

[[steps]]
key = "pump"
title = "Pump it out"
role = "it"
anchor = "reported"
offset = "+4h"
reminders = ["-1h"]
done_when = "It is dry."
evidence = "A photograph, and where it is kept."
approval = true
gate = "closing"
source = "Art. 32"
"""


@pytest.fixture
def flood(house):
    """A run of the organisation's own playbook with one step; the step's id."""
    house.do(own.save, OURS, organisation_id=house.promark, by="Dorthe")
    house.start("flood")
    return house.steps()["pump"].id


def hand_in(house, step_id, staff_id, **more):
    house.do(
        runs.complete_step, step_id, by="Astrid", staff_id=staff_id,
        **{"evidence": "Photo 12, safe of the cellar."} | more,
    )  # fmt: skip


def approve(house, step_id, staff_id, by):
    house.do(runs.approve_step, step_id, staff_id=staff_id, by=by)


def directly(step_id, **values):
    with transaction():
        db.session.execute(update(StepRecord).where(StepRecord.id == step_id).values(**values))


# --- evidence and approval ----------------------------------------------------------------------


def test_a_step_that_asks_for_evidence_is_not_done_without_it_not_even_in_the_database(house, flood):
    with pytest.raises(Invalid, match="A photograph"):
        hand_in(house, flood, house.astrid, evidence="  ")
    with pytest.raises(IntegrityError, match="done_with_evidence"):
        directly(flood, state="done", done_at=house.now, done_by="Astrid", handed_in_by_id=house.astrid,
                 handed_in_at=house.now, approved_by_id=house.birk, approved_at=house.now)  # fmt: skip

    assert house.steps()["pump"].state is StepState.OPEN


def test_a_step_that_asks_for_approval_waits_for_a_second_person_who_is_told(house, flood):
    hand_in(house, flood, house.astrid)

    step = house.steps()["pump"]
    assert (step.state, step.waits, step.handed_in_by) == (StepState.OPEN, True, "Astrid")
    # Astrid alone is on call, and cannot approve what she handed in herself.
    assert house.messages(template="step_to_approve") == house.messages(to=house.dorthe) != []

    approve(house, flood, house.birk, "Birk")
    step = house.steps()["pump"]
    assert (step.state, step.done_by, step.approved_by) == (StepState.DONE, "Astrid", "Birk")
    [entry] = [each for each in ledger.entries(house.about) if each.action == "step.completed"]
    assert (entry.actor, entry.details["handed_in_by"]) == ("Birk", str(house.astrid))


def test_those_who_can_approve_are_told_once_and_reminders_go_to_them(house):
    house.do(own.save, OURS.replace('"it"', '"responder"'), organisation_id=house.promark, by="Dorthe")
    house.start("flood")
    hand_in(house, house.steps()["pump"].id, house.astrid)

    house.until(3.1)

    assert [m[0] for m in house.messages(to=house.birk)] == ["step_to_approve", "step_reminder"]
    assert house.messages(to=house.astrid) == []


def test_nobody_approves_their_own_work_not_even_in_the_database(house, flood):
    hand_in(house, flood, house.astrid)

    with pytest.raises(Refused, match="second person"):
        approve(house, flood, house.astrid, "Astrid")
    with pytest.raises(IntegrityError, match="approved_by_a_second_person"):
        directly(flood, approved_by_id=house.astrid, approved_at=house.now)
    with pytest.raises(IntegrityError, match="done_with_approval"):
        directly(flood, state="done", done_at=house.now, done_by="Astrid")


def test_what_was_handed_in_can_be_sent_back_with_a_reason_and_is_open_again(house, flood):
    hand_in(house, flood, house.astrid)
    with pytest.raises(Invalid):
        house.do(runs.send_step_back, flood, by="Birk", reason=" ")
    house.do(runs.send_step_back, flood, by="Birk", reason="Too dark to see.")

    step = house.steps()["pump"]
    assert (step.waits, step.evidence) == (False, "Photo 12, safe of the cellar.")
    assert ("step_reminder", "Pump it out", "4") in house.messages(to=house.astrid)
    with pytest.raises(Refused, match="does not wait"):
        approve(house, flood, house.birk, "Birk")


def test_a_file_is_kept_encrypted_with_its_hash_on_record_and_without_its_name(house, flood):
    hand_in(house, flood, house.astrid, files=[Attached(r"C:\x\Åse.jpg", b"pixels")])

    [file] = house.steps()["pump"].files
    assert (file.name, file.size) == ("Åse.jpg", 6)
    assert runs.evidence_file(house.about, flood, file.id) == ("Åse.jpg", b"pixels")
    with pytest.raises(Missing):
        runs.evidence_file("incident/other", flood, file.id)
    raw = db.session.execute(text("SELECT content, name FROM playbook_evidence_files")).one()
    assert b"pixels" not in bytes(raw.content)
    [entry] = [each for each in ledger.entries(house.about) if each.action == "step.handed_in"]
    assert entry.details["evidence"] == [{"sha256": file.sha256, "size": 6}]
    assert "jpg" not in str(entry.details)
    house.do(runs.send_step_back, flood, by="Birk", reason="Nothing to be seen on it.")
    with pytest.raises(Invalid, match="empty"):
        hand_in(house, flood, house.astrid, files=[Attached("x", b"")])
    assert len(db.session.scalars(select(EvidenceFile)).all()) == 1


def test_an_event_completes_no_step_that_a_person_must_answer_for(house, flood):
    with transaction():
        run = db.session.scalars(select(Run)).one()
        run.definition = run.definition.replace(
            'role = "it"', 'role = "it"\ndone_by = ["incident.confirmed"]'
        )

    house.do(runs.happened, house.about, "incident.confirmed", actor="Astrid")

    assert house.steps()["pump"].state is StepState.OPEN


def test_a_gate_is_shut_until_its_step_is_approved_or_left_out(house, flood):
    assert runs.gates(house.about) == ["Pump it out"]
    hand_in(house, flood, house.astrid)
    assert runs.gates(house.about) == ["Pump it out"]

    house.do(runs.skip_step, flood, by="Dorthe", reason="It was the neighbour's cellar.")

    assert runs.gates(house.about) == []


# --- added by hand ------------------------------------------------------------------------------


def add(house, **more):
    return house.do(
        runs.add_step, house.about,
        **{"title": "Ring the insurer", "role": "legal", "due_at": house.now + 6 * HOUR, "by": "Dorthe",
           "done_when": "They know."} | more,
    )  # fmt: skip


def test_an_added_step_is_reminded_of_until_it_is_done(house):
    house.start()
    first = add(house)

    assert add(house) == first  # the form sent twice
    house.until(10.2)
    told = [m[2] for m in house.messages(to=house.astrid) if m[1] == "Ring the insurer"]
    assert told == ["4", "1", "-4"]  # 24 hours before had passed when it was added

    house.do(runs.complete_step, first, by="Dorthe")
    house.until(30, step=HOUR)
    assert len([m for m in house.messages() if m[1] == "Ring the insurer"]) == 3
    assert house.steps()["added-10"].done_by == "Dorthe"


def test_an_added_step_moves_with_no_anchor_and_can_ask_as_others_do(house):
    house.start()
    step_id = add(house, evidence="Their answer.", gate="closing", owner_id=house.dorthe)
    due = house.steps()["added-10"].due_at

    house.do(runs.move_anchor, house.about, "decided", house.now + 9 * HOUR, actor="Dorthe", reason="x")

    assert house.steps()["added-10"].due_at == due
    assert runs.gates(house.about) == ["Ring the insurer"]
    with pytest.raises(Invalid, match="Their answer"):
        house.do(runs.complete_step, step_id, by="Dorthe")
    house.until(2.1)
    assert ("step_reminder", "Ring the insurer", "4") in house.messages(to=house.dorthe)


def test_a_step_that_cannot_be_is_refused_with_every_fault(house):
    with pytest.raises(Refused, match="No playbook runs"):
        add(house)
    house.start()
    with pytest.raises(Invalid) as refused:
        add(house, title=" ", done_when="", role="janitor", due_at=house.now - HOUR)

    assert all(word in str(refused.value) for word in ("title", "when it is done", "whose", "due after now"))


# --- an organisation's own ----------------------------------------------------------------------


def test_an_own_playbook_takes_the_place_of_ours_and_a_run_keeps_its_text(house):
    ours = own.find("personal_data_breach", house.promark)
    theirs = ours.text.replace("Look at it and say what it is", "Look twice")
    house.do(own.save, theirs, organisation_id=house.promark, by="Dorthe")
    run = house.start("personal_data_breach")

    saved = house.do(
        own.save, theirs.replace("twice", "thrice"), organisation_id=house.promark, by="Dorthe", after=1
    )

    assert (saved.number, run.definition) == (2, theirs)
    assert house.steps()["triage"].title == house.steps()["triage"].definition.title == "Look twice"
    assert own.find("personal_data_breach", house.promark).step("triage").title == "Look thrice"
    house.do(own.retire, house.promark, "personal_data_breach", by="Dorthe", reason="Theirs is better.")
    assert own.find("personal_data_breach", house.promark) == ours
    assert [each.retired_by for each in own.versions(house.promark, "personal_data_breach")] == ["Dorthe"] * 2


def test_a_faulty_or_outrun_text_is_not_saved(house):
    with pytest.raises(DefinitionError, match="offset: 'soon'"):
        house.do(own.save, OURS.replace("+4h", "soon"), organisation_id=house.promark, by="Dorthe")
    with pytest.raises(DefinitionError, match="starts_with is missing"):
        own.check(own.find("ransomware", house.promark).text.replace("starts_with", "# "))
    first = house.do(own.save, OURS, organisation_id=house.promark, by="Dorthe", after=0)
    with pytest.raises(Refused, match="Somebody else"):
        house.do(own.save, OURS + "# mine\n", organisation_id=house.promark, by="Birk", after=0)

    again = house.do(own.save, OURS, organisation_id=house.promark, by="Birk", after=1)
    assert (again.id, again.made_by) == (first.id, "Dorthe")
    assert [each.key for each in own.all_of(house.promark)] == ["flood"]


def test_an_own_text_that_this_release_cannot_read_stops_no_report(house, caplog):
    house.do(own.save, own.find("processor_breach", house.promark).text + "# ours\n",
             organisation_id=house.promark, by="Dorthe")  # fmt: skip
    with transaction():
        db.session.execute(text("UPDATE own_playbooks SET text = 'remainders = 3'"))

    run = house.start()

    assert not run.definition.endswith("# ours\n")
    assert house.steps()["triage"].state is StepState.OPEN


# --- drafts asked for ---------------------------------------------------------------------------


def test_a_draft_is_asked_for_once_it_is_due_and_no_more_when_it_was_served(house):
    asks = OURS.replace("approval = true", 'action = "draft"').replace(
        'evidence = "A photograph, and where it is kept."\n', ""
    )
    house.do(own.save, asks, organisation_id=house.promark, by="Dorthe")
    house.start("flood")
    house.until(3.9)
    assert runs.wanting("draft", house.now) == []

    house.until(4.1)

    [asked] = runs.wanting("draft", house.now)
    assert (asked.about, asked.title) == (house.about, "Pump it out")
    assert house.pages() == []
    assert [house.do(runs.served, asked.step_id) for _ in range(2)] == [True, False]
    assert runs.wanting("draft", house.now) == []
