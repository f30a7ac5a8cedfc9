"""Merging and splitting as a person does it: shown first, both numbers answer, later reports arrive."""

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Refused
from incident import merging, splitting, subject_communication
from incident.models import FactsVersion, Incident, Member, Report
from incident.rules.lifecycle import State
from notifications import paging
from tests import people
from tests.attacks import sending
from tests.incident import desk, telling
from tests.incident.browsing import form
from tests.incident.telling import LIST, begun, do
from tests.incident.test_merging import fix, merge, owed_by, two


@pytest.fixture
def astrid(signed_in):
    return signed_in(people.ASTRID)


def number(cast, incident_id):
    return desk.incident_of(cast, incident_id).number


# --- pages --------------------------------------------------------------------------------------


def test_what_would_happen_is_shown_and_nothing_is_written_before_a_reason_is_given(astrid, cast):
    carrier, carried = desk.confirmed(cast, reference="HC-1"), desk.assessed(cast, reference="HC-2")
    fix(cast, carried, desk.ago(hours=3))
    address = f"/incidents/{carried}/merger"

    page = astrid.get(f"{address}?into={carrier}").text
    refused = astrid.post(address, data={"into": str(carrier), "reason": " "})

    assert "until now" in page
    assert "Danish Data Protection Agency" in page
    assert (refused.status_code, desk.incident_of(cast, carried).state) == (422, State.CONFIRMED)

    answer = astrid.post(address, data=form(page, address) | {"reason": "The same backup."})
    assert answer.headers["Location"] == f"/incidents/{carrier}"
    assert astrid.post(address, data={"into": str(carrier), "reason": "Again."}).status_code == 303


def test_both_numbers_answer_and_lead_to_each_other(astrid, cast):
    carrier, carried = two(cast)
    merge(cast, carried, carrier)

    short, whole = astrid.get(f"/incidents/{carried}").text, astrid.get(f"/incidents/{carrier}").text

    assert f"Merged into {number(cast, carrier)}" in short
    assert f'href="/incidents/{carrier}"' in short
    assert f'href="/incidents/{carried}"' in whole
    assert "The same copy of the same backup." in whole
    assert "Its own record" in short
    record = astrid.get(f"/incidents/{carrier}/record").text
    assert f"{number(cast, carried)} was merged into this incident" in record
    register = signed(astrid, f"/register?state={State.MERGED}")
    assert number(cast, carried) in register
    assert number(cast, carrier) not in register


def signed(browser, address):
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.text


def test_it_is_split_off_again_from_its_short_page_and_only_with_a_reason(astrid, cast):
    carrier, carried = two(cast)
    merge(cast, carried, carrier)
    address = f"/incidents/{carried}/merger/removal"

    assert astrid.post(address, data={"reason": ""}).status_code == 422
    assert astrid.post(address, data={"reason": "Another backup."}).status_code == 303

    assert desk.incident_of(cast, carried).state == State.REPORTED
    assert "split off again" in astrid.get(f"/incidents/{carrier}/record").text


def test_who_may_not_triage_merges_and_splits_nothing(signed_in, cast):
    nils, (carrier, carried) = signed_in(people.NILS), two(cast)

    assert nils.post(f"/incidents/{carried}/merger", data={"into": str(carrier)}).status_code == 403
    assert nils.post(f"/incidents/{carried}/split", data={}).status_code == 403
    assert nils.post(f"/incidents/{carried}/merger/removal", data={}).status_code == 403


def test_facts_that_differ_become_a_draft_and_no_version(astrid, cast):
    carrier, carried = two(cast, title="The copied backup")
    merge(cast, carried, carrier)
    address = f"/incidents/{carrier}/carried/{carried}/facts"
    page = astrid.get(address).text
    assert "The copied backup" in page

    answer = astrid.post(address, data={"take": ["title", "no_such_field"]})

    assert desk.incident_of(cast, carrier).facts_number == 1
    typed = astrid.get(answer.headers["Location"]).text
    assert 'value="The copied backup"' in typed
    assert f"Taken over from {number(cast, carried)}." in typed


def test_with_a_restricted_incident_the_one_that_carries_it_becomes_restricted(app, cast):
    carrier, carried = two(cast)
    with desk.working(cast, carried) as incident:
        incident.restricted = True
        member = Member(
            organisation_id=cast.promark, incident_id=carried, staff_id=cast.staff[people.BIRK],
            added_at=utcnow(),
        )  # fmt: skip
        db.session.add(member)

    merge(cast, carried, carrier)

    assert desk.incident_of(cast, carrier).restricted
    with acting_for(cast.promark):
        mine = select(Member.staff_id).where(Member.incident_id == carrier)
        assert list(db.session.scalars(mine)) == [cast.staff[people.BIRK]]


# --- reports ------------------------------------------------------------------------------------


def post(client, cast, reference, **changes):
    body = sending.report(kind="incident.updated", reference=reference, **changes)
    answer = sending.post(client, cast.hostco, body)
    assert answer.status_code == 202, answer.text
    return answer.json


def test_a_later_report_to_the_merged_number_lands_where_it_goes_on(app, cast, client):
    first = post(client, cast, "HC-2")
    carrier = desk.reported(cast, reference="HC-1")
    carried = _incident(cast, first["incident_number"])
    merge(cast, carried, carrier)
    with desk.working(cast, carrier) as incident:
        paging.end(incident.chain, actor="Astrid Holm", reason="Taken.", now=utcnow())

    later = post(client, cast, "HC-2", title="More was copied")

    assert later["incident_number"] == number(cast, carrier)
    with acting_for(cast.promark):
        db.session.rollback()
        kept = db.session.scalars(select(Report).where(Report.incident_id == carrier)).all()
        versions = select(FactsVersion.number).where(FactsVersion.incident_id == carried)
        assert len(kept) == 1
        assert sorted(db.session.scalars(versions)) == [1, 2]
        assert paging.nobody_has([desk.incident_of(cast, carrier).chain]), "somebody must look at it"
    assert desk.incident_of(cast, carrier).facts_number == 1, "the facts that hold are not written over"
    assert "report.beside" in desk.actions(cast, carrier)
    assert desk.clock_of(cast, carried, "authority_notification").stopped_at is not None


def _incident(cast, told):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalars(select(Incident.id).where(Incident.number == told)).one()


def test_an_earlier_telling_that_comes_in_later_moves_what_no_person_has_fixed(app, cast, client):
    first = post(client, cast, "HC-2")
    carrier, carried = desk.reported(cast, reference="HC-1"), _incident(cast, first["incident_number"])
    merge(cast, carried, carrier)
    told = desk.ago(hours=2)
    chain = [{"name": "HostCo ApS", "role": "processor", "told_next_at": told.isoformat()}]

    post(client, cast, "HC-2", chain=chain)

    assert desk.incident_of(cast, carrier).aware_at == told


# --- communications -----------------------------------------------------------------------------


def test_letters_under_way_go_on_and_count_where_it_goes_on(app, cast, sandbox, work):
    carried, letters = begun(cast, reference="HC-2")
    carrier = desk.confirmed(cast, reference="HC-1")
    do(cast, carried, letters, subject_communication.approve)
    do(cast, carried, letters, subject_communication.send, count=3)

    merge(cast, carried, carrier)
    assert owed_by(cast, carrier)["gdpr-34", "subjects"] == "open"
    for _round in range(3):
        work()

    assert sandbox.mail_to("ida@kunde.example")
    assert owed_by(cast, carrier)["gdpr-34", "subjects"] == "filed_in_part"
    assert owed_by(cast, carried)["gdpr-34", "subjects"] == "carried"


def test_whoever_was_told_already_is_named_before_anything_is_sent(app, cast, signed_in, sandbox, work):
    carried, letters = begun(cast, reference="HC-2")
    do(cast, carried, letters, subject_communication.approve)
    do(cast, carried, letters, subject_communication.send, count=3)
    for _round in range(2):
        work()
    carrier, more = begun(cast, LIST, reference="HC-1", is_whole=False)

    merge(cast, carried, carrier)

    with acting_for(cast.promark):
        incident = desk.incident_of(cast, carrier)
        told = merging.told_already(incident, subject_communication.of(incident, more))
        assert [(each.incident_number, each.number, each.people) for each in told] == [
            (number(cast, carried), 1, 3)
        ]
    page = signed_in(people.DORTHE).get(f"/incidents/{carrier}/communications/{more}").text
    assert "3 people on this list were told already" in page


def test_what_was_approved_before_a_merger_tells_nobody_whom_the_other_has_told_since(
    app, cast, sandbox, work
):
    carried, letters = begun(cast, reference="HC-2")
    do(cast, carried, letters, subject_communication.approve)
    carrier, more = begun(cast, LIST, reference="HC-1")
    do(cast, carrier, more, subject_communication.approve)
    do(cast, carried, letters, subject_communication.send, count=3)
    merge(cast, carried, carrier)

    with pytest.raises(Refused, match="still going out"):
        do(cast, carrier, more, subject_communication.send, count=3)
    for _round in range(2):
        work()
    with pytest.raises(Refused, match="3 people were told already"):
        do(cast, carrier, more, subject_communication.send, count=3)

    assert len(sandbox.mail_to("ida@kunde.example")) == 1


def test_whom_the_other_incident_told_is_told_again_only_where_a_person_says_so(
    app, cast, signed_in, sandbox, work
):
    carried, letters = begun(cast, reference="HC-2")
    do(cast, carried, letters, subject_communication.approve)
    do(cast, carried, letters, subject_communication.send, count=3)
    for _round in range(2):
        work()
    carrier, more = begun(cast, LIST + "Ole;ole@kunde.example;;da\n", reference="HC-1")
    merge(cast, carried, carrier)
    with pytest.raises(Refused, match="3 people were told already"):
        do(cast, carrier, more, subject_communication.approve)

    place = f"/incidents/{carrier}/communications/{more}"
    seen = telling.stored(cast, carrier, more).content_sha256
    signed_in(people.ASTRID).post(f"{place}/who/told", data={"seen": seen})
    do(cast, carrier, more, subject_communication.approve)
    assert do(cast, carrier, more, subject_communication.send, count=1) == 1
    for _round in range(2):
        work()

    assert len(sandbox.mail_to("ole@kunde.example")) == 1
    assert len(sandbox.mail_to("ida@kunde.example")) == 1


# --- split --------------------------------------------------------------------------------------


def split(cast, source, *, reason="Only the mail server.", form_id="form-1", **changes):
    document = desk.told(cast, **changes).document
    with acting_for(cast.promark), transaction():
        incident = db.session.get_one(Incident, source, with_for_update=True)
        reports = list(db.session.scalars(select(Report.id).where(Report.incident_id == source)))
        part = splitting.Part(document, reports, reason, form_id)
        return splitting.split(incident, part, by=desk.person(cast, people.ASTRID), now=utcnow())


def test_a_part_was_known_no_later_than_the_whole_and_owes_no_later(app, cast, clock):
    source = desk.assessed(cast, reference="HC-1")
    clock.move(hours=30)
    at = desk.incident_of(cast, source).aware_at

    part = split(cast, source, title="The mail server")

    made = desk.incident_of(cast, part)
    assert (made.aware_at, made.split_from_id, made.state) == (at, source, State.CONFIRMED)
    for kind in ("authority_notification", "own_promise_authority"):
        assert desk.clock_of(cast, part, kind).due_at <= desk.clock_of(cast, source, kind).due_at
    assert set(owed_by(cast, source)) <= set(owed_by(cast, part))
    assert set(owed_by(cast, source).values()) == {"open"}, "nothing is taken from the whole"
    assert desk.duty_of(cast, part, "gdpr-33").due_at <= desk.duty_of(cast, source, "gdpr-33").due_at


def test_the_same_form_twice_splits_once(app, cast):
    source = desk.reported(cast, reference="HC-1")

    assert split(cast, source) == split(cast, source)

    assert desk.actions(cast, source).count("incident.split_off") == 1


def test_what_stands_still_is_not_split(app, cast):
    carrier, carried = two(cast)
    merge(cast, carried, carrier)

    with pytest.raises(Refused, match="stands still"):
        split(cast, carried)


def test_a_part_is_split_off_on_a_page_and_each_leads_to_the_other(astrid, cast, client):
    first = post(client, cast, "HC-9")
    source = _incident(cast, first["incident_number"])
    address = f"/incidents/{source}/split"
    fields = form(astrid.get(address).text, address)
    assert astrid.post(address, data=fields).status_code == 422, "a reason is missing"

    fields |= {"split_reason": ["Another server."], "title": ["The mail server"],
               "reports": [first["report_id"]]}  # fmt: skip
    made = astrid.post(address, data=fields).headers["Location"]

    assert f'href="{made}"' in astrid.get(f"/incidents/{source}").text
    page = astrid.get(made).text
    assert "The mail server" in page
    assert f'href="/incidents/{source}"' in page
    assert f'href="/reports/{first["report_id"]}"' in page


# --- the scorecard ------------------------------------------------------------------------------


def test_a_processors_page_says_how_soon_it_told_us_over_its_incidents_and_without_drills(astrid, cast):
    carrier, carried = two(cast)
    drill = desk.reported(cast, reference="HC-3")
    merge(cast, carried, carrier)
    with desk.working(cast, drill) as incident:
        incident.drill = True
        hostco = incident.processor_id

    page = astrid.get(f"/processors/{hostco}").text

    assert "5 h, in the one incident that is known" in page, "what was merged is counted once"
    assert "1 of 1 within 24 h" in page
    assert "never tested" in page
