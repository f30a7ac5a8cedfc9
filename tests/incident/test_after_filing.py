"""After the first filing nothing moves: what an authority was told of stands, whatever is learnt since."""

from datetime import timedelta

from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, utcnow
from incident import clocks, example, intake
from incident.models import Kind
from playbooks import runs
from playbooks.models import Run
from tests import people
from tests.incident import desk
from tests.incident.test_authority_notification import approved, file

KINDS = ("authority_notification", "own_promise_authority", "own_promise_subjects", "subject_communication")


def learn(cast, incident_id, **changes):
    """HostCo tells more under its reference."""
    with desk.working(cast, incident_id) as incident:
        told = desk.told(cast, reference="HC-1", **changes)
        intake.learn(incident, told, now=utcnow())


def filed_with_one_of_two(cast, **changes):
    """An incident that Datatilsynet has been notified of, and the ICO not yet."""
    incident_id, danish = approved(cast, **changes)
    file(cast, incident_id, danish)
    return incident_id


def standing(cast, incident_id):
    """Everything that a clock or a duty counts by."""
    found = {kind: desk.clock_of(cast, incident_id, kind) for kind in KINDS}
    duties = [
        desk.duty_of(cast, incident_id, "gdpr-33", "gb-ico"), desk.duty_of(cast, incident_id, "gdpr-33"),
        desk.duty_of(cast, incident_id, "promise-subjects"), desk.duty_of(cast, incident_id, "gdpr-34"),
    ]  # fmt: skip
    with acting_for(cast.promark):
        steps = [(each.key, each.due_at) for each in runs.steps_for(f"incident/{incident_id}")]
        anchors = list(db.session.scalars(select(Run.anchors)))
    return (
        {kind: (row.starts_at, row.due_at, row.stopped_at, row.basis) for kind, row in found.items() if row},
        [(each.starts_at, each.due_at, each.late_by, each.state) for each in duties if each],
        desk.incident_of(cast, incident_id).aware_at, steps, anchors,
    )  # fmt: skip


def entered(cast, incident_id, action):
    with acting_for(cast.promark):
        db.session.rollback()
        return [each for each in ledger.entries(f"incident/{incident_id}") if each.action == action]


def earlier(hours):
    """A telling by which we would have been aware, and the breach begun, long before."""
    at = (utcnow() - timedelta(hours=hours)).isoformat()
    return {"timeline": {"occurred_from": at, "detected_at": at, "informed_at": at, "aware_at": at}}


def test_new_facts_move_nothing_after_the_first_of_two_filings(app, cast):
    incident_id = filed_with_one_of_two(cast, processor=None)
    assert desk.incident_of(cast, incident_id).awareness_is_provisional
    before = standing(cast, incident_id)

    learn(cast, incident_id, processor=None, **earlier(50))

    assert standing(cast, incident_id) == before
    assert desk.incident_of(cast, incident_id).facts_number == 2


def test_the_same_facts_move_the_clocks_while_nobody_has_filed(app, cast):
    incident_id, _notification = approved(cast, processor=None)
    before = standing(cast, incident_id)

    learn(cast, incident_id, processor=None, **earlier(50))

    assert standing(cast, incident_id) != before
    assert not entered(cast, incident_id, "clocks.stayed")


def test_the_record_says_which_clocks_the_facts_would_have_moved_and_why_they_stay(app, cast):
    incident_id = filed_with_one_of_two(cast, processor=None)
    due = desk.clock_of(cast, incident_id, "authority_notification").due_at.isoformat()

    learn(cast, incident_id, processor=None, **earlier(50))

    (stayed,) = entered(cast, incident_id, "clocks.stayed")
    assert stayed.reason.startswith("Dorthe Friis had notified an authority")
    told = next(each for each in stayed.details["stayed"] if each["clock"] == "authority_notification")
    assert told["due_at"][:19] == due[:19]
    assert told["by_these_facts"] < told["due_at"]


def test_facts_that_would_move_nothing_leave_no_line(app, cast):
    at = example.first_report(utcnow())["timeline"]
    incident_id = filed_with_one_of_two(cast, timeline=at)

    learn(cast, incident_id, timeline=at, description="They found the ticket.")

    assert not entered(cast, incident_id, "clocks.stayed")


def test_a_clock_that_begins_after_the_filing_runs_from_the_awareness_that_stands(app, cast):
    mild = {"data": {"categories": ["name"], "special_categories": "no", "records": {"exactly": 400}}}
    judged = desk.verdict(Kind.NOTIFY, risk="risk")
    incident_id = filed_with_one_of_two(cast, processor=None, told=judged, **mild)
    before, stands = standing(cast, incident_id)[0], desk.incident_of(cast, incident_id).aware_at
    assert "subject_communication" not in before

    grave = {"data": {"categories": ["name", "national_id", "login_credentials"]}}
    learn(cast, incident_id, processor=None, protection={"passwords": "plain"}, **grave, **earlier(50))

    now = standing(cast, incident_id)[0]
    assert now.pop("subject_communication")[0] == stands
    assert now == before


def test_the_advice_is_by_the_awareness_that_was_told(app, cast):
    incident_id = filed_with_one_of_two(cast, processor=None)
    stands = desk.incident_of(cast, incident_id).aware_at

    learn(cast, incident_id, processor=None, **earlier(50))

    with desk.working(cast, incident_id) as incident:
        advice = clocks.advice_for(incident, clocks.current_facts(incident), now=utcnow())
    assert advice.awareness.at == stands


def test_who_enters_new_facts_is_told_that_the_clocks_stay(cast, signed_in):
    incident_id = filed_with_one_of_two(cast)
    dorthe = signed_in(people.DORTHE)
    form = {"after": "1", "reason": "They rang.", "title": "Another title", "description": "More."}

    page = dorthe.post(f"/incidents/{incident_id}/facts", data=form, follow_redirects=True).text

    assert "The clocks stay: Dorthe Friis has notified an authority." in page
