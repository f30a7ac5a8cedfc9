"""The record shows what happened as the ledger has it, and can be checked by whoever gets it."""

import json
from copy import deepcopy

import pytest
from sqlalchemy import select, text

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import register, triage, wording
from incident.models import Incident
from tests import people
from tests.incident import desk


def exported(cast, incident_id):
    with acting_for(cast.promark):
        return register.bundle(desk.incident_of(cast, incident_id), by="Nils Aas", now=utcnow())


def lines(cast, incident_id):
    with acting_for(cast.promark):
        return register.record(desk.incident_of(cast, incident_id))


def rows(cast, **filters):
    with acting_for(cast.promark):
        db.session.rollback()
        return register.register(select(Incident), **filters)


# --- the record ---------------------------------------------------------------------------------


def test_every_line_has_its_time_its_actor_and_a_sentence(app, cast):
    incident_id = desk.assessed(cast)

    told = lines(cast, incident_id)

    assert [each.action for each in told] == desk.actions(cast, incident_id)
    assert all(each.at and each.actor and each.text.endswith(".") for each in told)
    assert not [each.text for each in told if "?" in each.text or "%" in each.text]
    assert {
        "The risk was assessed: a high risk.",
        "Decided: notify the authority. Advised was: notify the authority.",
        "A duty was opened: notify the authority, art. 33 (Danish Data Protection Agency).",
        "A playbook started: Notification to the authority.",
    } <= {each.text for each in told}


def test_what_was_decided_shows_its_reason(app, cast):
    incident_id = desk.assessed(cast)

    reasons = {each.action: each.reason for each in lines(cast, incident_id)}

    assert reasons["assessment.recorded"] == desk.DECISION.reason


def test_an_action_without_a_sentence_is_shown_under_its_own_name(app, cast):
    incident_id = desk.reported(cast)
    with desk.working(cast, incident_id) as incident:
        ledger.append(
            incident.chain, "moon.rose", organisation_id=cast.promark, actor="Nils Aas", at=utcnow()
        )

    assert lines(cast, incident_id)[-1].text == "moon.rose"


def test_every_sentence_can_be_said_of_any_details():
    for action, sentence in wording.SENTENCES.items():
        entry = ledger.Entry(number=1, at=utcnow(), action=action, actor="A", details={}, hash="")

        assert wording.line_of(entry).text, sentence


# --- the register -------------------------------------------------------------------------------


def test_a_rejected_report_stands_in_the_register_with_its_reasoning(app, cast):
    incident_id = desk.reported(cast)
    with desk.working(cast, incident_id) as incident:
        triage.reject(incident, reason="A drill, no personal data.", by="Dorthe Friis", now=utcnow())

    (row,) = rows(cast)

    assert (row.incident.state, row.reasoning) == ("rejected", "A drill, no personal data.")
    assert row.facts.measures.taken


def test_the_latest_assessment_gives_the_reasoning(app, cast):
    desk.assessed(cast)

    (row,) = rows(cast)

    assert row.reasoning == desk.DECISION.reason
    assert {each.regime for each in row.duties} >= {"gdpr-33", "gdpr-34"}


def test_the_register_can_be_narrowed_by_standing_and_time(app, cast):
    desk.confirmed(cast, reference="HC-1")
    desk.reported(cast, reference="HC-2")

    assert len(rows(cast)) == 2
    assert [each.incident.state for each in rows(cast, state="confirmed")] == ["confirmed"]
    assert rows(cast, since=utcnow()) == []
    assert len(rows(cast, state="no such state")) == 2


# --- evidence -----------------------------------------------------------------------------------


def test_an_exported_bundle_is_whole_also_after_it_went_through_a_file(app, cast):
    bundle = json.loads(json.dumps(exported(cast, desk.assessed(cast)), ensure_ascii=False))

    assert len(bundle["entries"]) > 5
    assert register.verify_bundle(bundle) == []


def change_reason(bundle):
    bundle["entries"][2]["reason"] = "Another."


def change_detail(bundle):
    bundle["entries"][1]["details"]["added"] = 1


def change_time(bundle):
    bundle["entries"][3]["at"] = "2026-01-01T00:00:00.000000+00:00"


def drop_middle(bundle):
    del bundle["entries"][2]


def drop_tail(bundle):
    del bundle["entries"][-1]


def swap(bundle):
    bundle["entries"][1], bundle["entries"][2] = bundle["entries"][2], bundle["entries"][1]


def add_member(bundle):
    bundle["entries"][0]["extra"] = "x"


def rename_chain(bundle):
    bundle["head"]["chain"] = "incident/other"


def rehash(entry):
    entry["hash"] = ledger.digest(**{name: entry[name] for name in register.HASHED})


def rewrite(bundle):
    """Change an entry and give it the hash that fits."""
    change_reason(bundle)
    rehash(bundle["entries"][2])


def relink(bundle):
    """Leave an entry out and chain the others anew."""
    drop_middle(bundle)
    previous = ledger.GENESIS
    for entry in bundle["entries"]:
        entry["previous"] = previous
        rehash(entry)
        previous = entry["hash"]
    bundle["head"] |= {"number": len(bundle["entries"]), "hash": previous}


def empty(bundle):
    bundle["entries"] = []


@pytest.mark.parametrize(
    ("tamper", "number"),
    [
        (change_reason, 3), (change_detail, 2), (change_time, 4), (drop_middle, 3), (swap, 2),
        (add_member, 1), (rename_chain, 1), (empty, 1),
        (rewrite, 4), (relink, 3),
    ],
)  # fmt: skip
def test_a_tampered_bundle_is_broken_at_its_first_false_entry(app, cast, tamper, number):
    bundle = deepcopy(exported(cast, desk.confirmed(cast)))

    tamper(bundle)

    (broken,) = register.verify_bundle(bundle)
    assert broken.number == number


def test_a_bundle_without_its_last_entry_is_broken(app, cast):
    bundle = exported(cast, desk.confirmed(cast))

    drop_tail(bundle)

    assert register.verify_bundle(bundle)[0].why.startswith("the chain ends earlier")


@pytest.mark.parametrize("document", [None, [], "x", {}, {"schema": register.BUNDLE},
                                      {"schema": register.BUNDLE, "head": {}, "entries": [1]}])  # fmt: skip
def test_what_is_no_bundle_is_never_whole(document):
    assert register.verify_bundle(document) != []


def test_the_installation_is_whole_until_an_entry_is_changed_from_outside(app, cast):
    incident_id = desk.confirmed(cast)
    with everyone():
        assert register.verify_installation() == []
    with everyone(), transaction():
        for statement in _without_triggers():
            db.session.execute(text(statement))

    with everyone():
        (broken,) = register.verify_installation()

    assert (broken.chain, broken.number) == (f"incident/{incident_id}", 2)


def _without_triggers():
    """What somebody with the database in their hands would do."""
    change = "UPDATE ledger_entries SET actor = 'Nobody' WHERE number = 2 AND chain LIKE 'incident/%'"
    if db.engine.dialect.name == "postgresql":
        return ["ALTER TABLE ledger_entries DISABLE TRIGGER USER", change]
    names = db.session.scalars(text("SELECT name FROM sqlite_master WHERE tbl_name = 'ledger_entries' "
                                    "AND type = 'trigger'")).all()  # fmt: skip
    return [*(f"DROP TRIGGER {name}" for name in names), change]


# --- pages --------------------------------------------------------------------------------------


def test_nils_reads_the_register_the_record_and_takes_the_evidence_away(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    nils = signed_in(people.NILS)

    listed, told = nils.get("/register").text, nils.get(f"/incidents/{incident_id}/record").text
    evidence = nils.post(f"/incidents/{incident_id}/evidence")

    assert desk.incident_of(cast, incident_id).number in listed
    assert desk.DECISION.reason in listed
    assert desk.DECISION.reason in told
    assert evidence.headers["Content-Disposition"].startswith("attachment")
    assert register.verify_bundle(evidence.json) == []
    assert evidence.json["entries"][-1]["action"] == "evidence.exported"
    assert "The ledger is whole" in nils.get("/register/verification").text


def test_an_empty_register_says_so(app, cast, signed_in):
    assert "Nothing is registered yet" in signed_in(people.NILS).get("/register").text


def test_another_organisations_breach_is_not_in_the_register(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    eskil = signed_in(people.ESKIL)
    eskil.post("/language", data={"locale": "en"})

    assert "Nothing is registered yet" in eskil.get("/register").text
    assert eskil.get(f"/incidents/{incident_id}/record").status_code == 404
    assert eskil.post(f"/incidents/{incident_id}/evidence").status_code == 404


def test_a_restricted_breach_is_hidden_from_who_may_not_see_it(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        incident.restricted = True

    assert desk.incident_of(cast, incident_id).number not in signed_in(people.ASTRID).get("/register").text
    assert signed_in(people.ASTRID).get(f"/incidents/{incident_id}/record").status_code == 404
    assert desk.incident_of(cast, incident_id).number in signed_in(people.NILS).get("/register").text


def test_olga_sees_neither_register_nor_record(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    olga = signed_in(people.OLGA)

    assert olga.get("/register").status_code == 403
    assert olga.get(f"/incidents/{incident_id}/record").status_code == 403
