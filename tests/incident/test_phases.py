"""After the first filing: follow-ups, what is to follow by when, corrections, withdrawals by two."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from foundation import encryption, ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, NotAllowed, Refused
from incident import authority_notification, clocks, jobs, meeting, owed, packs, rungs, stages
from incident.authority_notification import parts
from incident.models import AuthorityNotification, DutyState, NotificationState
from incident.rules.phases import Phase, phase_of
from tests import people
from tests.incident import desk
from tests.incident.test_after_filing import learn
from tests.incident.test_authority_notification import (
    DANISH,
    approve,
    approved,
    do,
    draft,
    drafted,
    edit,
    file,
    stored,
)
from tests.incident.test_packs import FORMER

DAY = timedelta(days=1)


def filed(cast, *, to_follow=frozenset(), **changes):
    """An incident of which Datatilsynet has been notified; with parts to follow: (incident, notification)."""
    incident_id, notification_id = drafted(cast, **changes)
    edit(cast, incident_id, notification_id, to_follow=to_follow or frozenset({"consequences.impact_types"}))
    approve(cast, incident_id, notification_id)
    file(cast, incident_id, notification_id)
    return incident_id, notification_id


def follow_up(cast, incident_id, authority=DANISH):
    with acting_for(cast.promark):
        db.session.rollback()
        return authority_notification.open_one(desk.incident_of(cast, incident_id), authority)


def begin(cast, incident_id, phase, *, why="", who=people.DORTHE):
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == DANISH)
        by = desk.person(cast, who)
        return authority_notification.begin(incident, duty, phase, why=why, by=by, now=utcnow()).id


def claim_secrecy(cast, incident_id, notification_id, claims):
    seen = stored(cast, incident_id, notification_id).content_sha256
    do(cast, incident_id, notification_id, authority_notification.claim_secrecy, claims, seen=seen)


def promise(cast, incident_id, due_at):
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == DANISH)
        by = desk.person(cast, people.DORTHE)
        return authority_notification.promise(incident, duty, due_at, by=by, now=utcnow())


def more_people(number=500):
    return {"subjects": {"groups": ["employees"], "total": {"exactly": number}}}


def parts_of(cast, incident_id):
    with acting_for(cast.promark):
        return stages.of(desk.duty_of(cast, incident_id, "gdpr-33"))


def actions(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return [each.action for each in ledger.entries(f"incident/{incident_id}")]


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "owed", "phase"),
    [
        ([True, True], False, Phase.CORRECTION), ([True], True, Phase.FURTHER),
        ([True, False], False, Phase.FURTHER), ([], False, Phase.FURTHER),
    ],
)  # fmt: skip
def test_what_only_changes_what_was_said_corrects_it_and_what_is_new_is_told_further(before, owed, phase):
    assert phase_of(answered_before=before, parts_are_owed=owed) is phase


# --- follow-ups by themselves ---------------------------------------------------------------------


def test_a_fact_that_changes_after_the_filing_opens_a_follow_up_that_shows_the_difference(app, cast):
    incident_id, first = filed(cast)
    assert jobs.open_follow_ups() == 0, "nothing has changed"

    learn(cast, incident_id, **more_people())
    assert jobs.open_follow_ups() == 1
    assert jobs.open_follow_ups() == 0, "the clock that looks again finds the same"

    opened = follow_up(cast, incident_id)
    assert (opened.number, opened.kind, opened.follows_id) == (2, Phase.FURTHER, first)
    assert opened.content["kind"] == "further"
    with acting_for(cast.promark):
        changed = authority_notification.changes(opened)
    assert [("400" in each.before, "500" in each.after) for each in changed if "500" in each.after]
    assert stored(cast, incident_id, first).state == NotificationState.FILED
    assert "notification.follow_up" in actions(cast, incident_id)


def test_after_a_filing_of_the_former_shape_a_follow_up_tells_only_what_the_facts_changed(app, cast):
    incident_id, first = approved(cast)
    former = deepcopy(FORMER)
    with desk.working(cast, incident_id) as incident:
        told = authority_notification.of(incident, first)
        told.content, told.content_sha256 = former, packs.fingerprint(former)
        told.approved_sha256 = told.content_sha256
    file(cast, incident_id, first)

    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()

    opened = follow_up(cast, incident_id)
    assert packs.answer(opened.content, "subjects.count") == 500, "the fact beneath what was written changed"
    assert "En nøgle blev misbrugt." in packs.answer(opened.content, "nature.description_what")
    with acting_for(cast.promark):
        changed = authority_notification.changes(opened)
    assert [(each.before, each.after) for each in changed if "500" in each.after]
    assert not [each for each in changed if "misbrugt" in each.before + each.after]
    asked = len(list(packs.fields(opened.content)))
    assert len(changed) < asked / 4, "not every field of the form counts as new"


def test_two_clocks_at_once_open_one_follow_up(app, cast):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())

    def look(_which):
        with app.app_context():
            return jobs.open_follow_ups()

    with ThreadPoolExecutor(2) as pool:
        opened = list(pool.map(look, range(2)))

    assert sorted(opened) == [0, 1]
    assert follow_up(cast, incident_id).number == 2


def test_a_version_that_changes_no_answer_of_the_form_opens_nothing(app, cast):
    incident_id, _first = filed(cast)

    with acting_for(cast.promark):
        document = clocks.document_of(desk.incident_of(cast, incident_id))
    known = {name: value for name, value in document.items() if name != "reference"}
    learn(cast, incident_id, **known | {"reported_by": {"name": "Somebody else"}})

    assert desk.incident_of(cast, incident_id).facts_number == 2
    assert jobs.open_follow_ups() == 0
    assert follow_up(cast, incident_id) is None


def test_nothing_is_opened_while_the_authority_has_been_told_nothing(app, cast):
    incident_id, _notification = approved(cast)

    learn(cast, incident_id, **more_people())

    assert jobs.open_follow_ups() == 0


def test_later_changes_renew_the_one_that_is_open_and_void_its_approval(app, cast):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)
    approve(cast, incident_id, opened.id)

    learn(cast, incident_id, **more_people(700))
    assert jobs.open_follow_ups() == 1

    again = follow_up(cast, incident_id)
    assert (again.id, again.state, again.approved_by) == (opened.id, NotificationState.DRAFT, None)
    with acting_for(cast.promark):
        assert any("700" in each.after for each in authority_notification.changes(again))


def test_what_people_wrote_is_kept_where_the_fact_beneath_it_is_the_same(app, cast):
    incident_id, notification_id = drafted(cast)
    written = {"nature.description_what": "En fil lå åben i to dage."}
    edit(cast, incident_id, notification_id, written)
    approve(cast, incident_id, notification_id)
    file(cast, incident_id, notification_id)

    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()

    answers = follow_up(cast, incident_id).content["answers"]
    assert answers["nature.description_what"]["value"] == "En fil lå åben i to dage."
    learn(cast, incident_id, description="It was two files.", **more_people())
    jobs.open_follow_ups()
    told = follow_up(cast, incident_id).content["answers"]["nature.description_what"]
    assert (told["value"], told["as_told"]) == ("It was two files.", True)


def test_the_list_of_what_is_new_follows_every_change_until_a_person_writes_it(app, cast):
    incident_id, _first = filed(cast)
    opened = begin(cast, incident_id, Phase.FURTHER)

    def told():
        content = stored(cast, incident_id, opened).content
        fields = [e for e in packs.fields(content) if "nature.description_what" in e["paths"]]
        return fields[0]["label"], packs.answer(content, "notification.changed_fields") or []

    label, listed = told()
    assert label not in listed
    edit(cast, incident_id, opened, {"nature.description_what": "En fil lå åben i to dage."})
    assert label in told()[1]
    seen = stored(cast, incident_id, opened).content_sha256
    do(cast, incident_id, opened, authority_notification.renew, seen=seen)
    assert label in told()[1], "drafted afresh it still says otherwise than what was filed"

    edit(cast, incident_id, opened, {"notification.changed_fields": ["Kun tiden."]})
    edit(cast, incident_id, opened, {"nature.description_what": "En fil lå åben i tre dage."})
    assert told()[1] == ["Kun tiden."]


def test_what_is_secret_is_asked_again_of_what_a_follow_up_tells_the_public(app, cast):
    incident_id, by = desk.assessed(cast), "Dorthe Friis"
    swedish = owed.Owed("gdpr-33", "se-imy", "authority_notification", "GDPR art. 33(1)", {})
    with desk.working(cast, incident_id) as incident:
        owed.add_all(incident, [swedish], by=by, reason="Also there.", now=utcnow())
    first = draft(cast, incident_id, "se-imy")
    edit(cast, incident_id, first)
    claims = {"Q16": "18 kap. 8 § OSL"}
    claim_secrecy(cast, incident_id, first, claims)
    approve(cast, incident_id, first)
    file(cast, incident_id, first, case_number="", why_no_number="Comes by letter.", receipt=None)

    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id, "se-imy")

    assert packs.answer(opened.content, packs.CLAIMS) == [{"field": "Q16", "reason": claims["Q16"]}], (
        "offered"
    )
    with pytest.raises(Refused, match="public record"):
        approve(cast, incident_id, opened.id)
    claim_secrecy(cast, incident_id, opened.id, claims)
    approve(cast, incident_id, opened.id)


def test_the_database_itself_holds_one_open_follow_up_of_each_authority(app, cast):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()

    copied = (
        "INSERT INTO authority_notifications SELECT * FROM authority_notifications WHERE kind = 'further'"
    )
    with everyone(), Session(db.engine) as other, pytest.raises(DatabaseError):
        other.execute(text(copied))


def test_a_follow_up_that_was_dropped_stays_to_be_read_and_a_later_change_opens_another(app, cast):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)
    with pytest.raises(Invalid, match="Say why"):
        do(cast, incident_id, opened.id, authority_notification.drop, why=" ")

    assert do(cast, incident_id, opened.id, authority_notification.drop, why="Counted twice.") is True
    assert do(cast, incident_id, opened.id, authority_notification.drop, why="Counted twice.") is False
    assert jobs.open_follow_ups() == 0
    with pytest.raises(Refused, match="need not be filed"):
        approve(cast, incident_id, opened.id)
    learn(cast, incident_id, **more_people(900))
    jobs.open_follow_ups()

    assert follow_up(cast, incident_id).number == 3


# --- what is to follow ----------------------------------------------------------------------------


def test_a_further_notification_tells_the_parts_that_were_owed_and_a_final_one_ends_the_duty(app, cast):
    incident_id, _first = filed(cast)
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.FILED_IN_PART
    late = desk.duty_of(cast, incident_id, "gdpr-33").late_by
    further = begin(cast, incident_id, Phase.FURTHER)
    approve(cast, incident_id, further)
    file(cast, incident_id, further)

    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (duty.state, duty.late_by) == (DutyState.FILED_IN_PART, late), "something is still to follow"
    assert [each.filed_at is not None for each in parts_of(cast, incident_id)] == [True, False]

    final = begin(cast, incident_id, Phase.FINAL)
    with pytest.raises(Refused, match="leaves nothing to follow"):
        approve(cast, incident_id, final)
    answer = {"consequences.impact_types": ["other"], "consequences.impact_description": "Misbrug."}
    edit(cast, incident_id, final, answer, to_follow=frozenset())
    approve(cast, incident_id, final)
    file(cast, incident_id, final)

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET
    assert all(each.filed_at for each in parts_of(cast, incident_id))
    with acting_for(cast.promark):
        assert not rungs.is_paged_for(desk.incident_of(cast, incident_id))


def test_where_no_limit_is_known_a_person_names_the_day_and_is_reminded_of_it(app, cast):
    incident_id, _first = filed(cast)
    assert [each.due_at for each in parts_of(cast, incident_id)] == [None]
    day = utcnow().replace(microsecond=0) + 9 * DAY

    with pytest.raises(Invalid, match="past"):
        promise(cast, incident_id, utcnow() - DAY)
    assert [promise(cast, incident_id, day), promise(cast, incident_id, day)] == [True, False]

    assert [each.due_at for each in parts_of(cast, incident_id)] == [day]
    assert desk.incident_of(cast, incident_id).next_due_at <= day
    with acting_for(cast.promark):
        waits = [e for e in rungs.of_incident(desk.incident_of(cast, incident_id)) if e.counts_to == day]
    assert waits


def test_what_is_to_follow_in_sweden_is_due_four_weeks_after_the_filing_and_no_later(app, cast):
    incident_id = desk.assessed(cast)
    at, by = utcnow().replace(microsecond=0), "Dorthe Friis"
    swedish = owed.Owed("gdpr-33", "se-imy", "authority_notification", "GDPR art. 33(1)", {})
    with desk.working(cast, incident_id) as incident:
        owed.add_all(incident, [swedish], by=by, reason="Also there.", now=at)
        (duty,) = [each for each in owed.duties_of(incident) if each.recipient == "se-imy"]
        parts.leave_rest(incident, duty, at=at, now=at)
        meeting.meet(incident, duty, at=at, actor=by, now=at, in_part=True)
        (rest,) = stages.of(duty)
        assert rest.due_at == at + 28 * DAY
        with pytest.raises(Invalid, match="no longer"):
            parts.promise(incident, duty, at + 29 * DAY, by=desk.person(cast, people.DORTHE), now=at)
        assert parts.promise(incident, duty, at + 7 * DAY, by=desk.person(cast, people.DORTHE), now=at)
        clocks.move_stages(incident, now=at)

        assert [each.due_at for each in stages.of(duty)] == [at + 7 * DAY]
        assert {e.counts_to for e in rungs.of_incident(incident) if e.stage} == {rest.due_at, at + 28 * DAY}


def test_telling_some_of_it_wins_no_time_for_the_rest(app, cast):
    incident_id, _first = filed(cast)
    day = utcnow().replace(microsecond=0) + 9 * DAY
    promise(cast, incident_id, day)

    further = begin(cast, incident_id, Phase.FURTHER)
    approve(cast, incident_id, further)
    file(cast, incident_id, further)

    told, rest = parts_of(cast, incident_id)
    assert (told.filed_at is not None, rest.filed_at) == (True, None)
    assert rest.due_at == day


def test_the_four_weeks_of_sweden_count_from_the_first_filing_however_often_something_is_told(app, cast):
    incident_id = desk.assessed(cast)
    at, by = utcnow().replace(microsecond=0), "Dorthe Friis"
    swedish = owed.Owed("gdpr-33", "se-imy", "authority_notification", "GDPR art. 33(1)", {})
    with desk.working(cast, incident_id) as incident:
        owed.add_all(incident, [swedish], by=by, reason="Also there.", now=at)
        (duty,) = [each for each in owed.duties_of(incident) if each.recipient == "se-imy"]
        parts.leave_rest(incident, duty, at=at, now=at)
        meeting.meet(incident, duty, at=at, actor=by, now=at, in_part=True)
        (told,) = stages.of(duty)
        told.filed_at, told.filed_by, told.late_by = at + 20 * DAY, by, 0 * DAY
        parts.leave_rest(incident, duty, at=at + 20 * DAY, now=at + 20 * DAY)

        assert [each.due_at for each in stages.of(duty) if each.filed_at is None] == [at + 28 * DAY]


def test_a_correction_tells_nothing_of_what_is_to_follow_and_leaves_it_owed(app, cast):
    incident_id, _first = filed(cast)
    day = utcnow().replace(microsecond=0) + 9 * DAY
    promise(cast, incident_id, day)

    correction = begin(cast, incident_id, Phase.CORRECTION, why="A figure was wrong.")
    approve(cast, incident_id, correction)
    file(cast, incident_id, correction)

    assert [(each.due_at, each.filed_at) for each in parts_of(cast, incident_id)] == [(day, None)]
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.FILED_IN_PART


def test_sweden_waits_four_weeks_and_no_day_after_them_can_be_named(app):
    at = utcnow()

    assert authority_notification.hard_limit("se-imy", at) == at + 28 * DAY
    assert authority_notification.hard_limit("dk-datatilsynet", at) is None


# --- withdrawal -----------------------------------------------------------------------------------


def test_a_withdrawal_needs_a_reason_and_a_second_person_and_ends_the_duty(app, cast):
    incident_id, _first = filed(cast)
    with pytest.raises(Invalid, match="Say why"):
        begin(cast, incident_id, Phase.WITHDRAWAL)
    withdrawal = begin(cast, incident_id, Phase.WITHDRAWAL, why="The file held no personal data.")
    assert stored(cast, incident_id, withdrawal).content["kind"] == "withdrawal"

    with pytest.raises(NotAllowed, match="second person"):
        approve(cast, incident_id, withdrawal)
    seen = stored(cast, incident_id, withdrawal).content_sha256
    do(cast, incident_id, withdrawal, authority_notification.approve, seen=seen, who=people.BIRK)
    file(cast, incident_id, withdrawal)

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.MET
    with pytest.raises(Refused, match="withdrawn"):
        begin(cast, incident_id, Phase.FURTHER)
    learn(cast, incident_id, **more_people())
    assert jobs.open_follow_ups() == 0


def test_why_it_is_withdrawn_is_readable_to_nobody_else_and_can_be_encrypted_anew(app, cast):
    incident_id, _first = filed(cast)
    withdrawal = begin(cast, incident_id, Phase.WITHDRAWAL, why="Hanne Krog sent it to herself.")
    seen = stored(cast, incident_id, withdrawal).content_sha256
    do(cast, incident_id, withdrawal, authority_notification.approve, seen=seen, who=people.BIRK)
    file(cast, incident_id, withdrawal)

    with everyone(), transaction() as session:
        kept = session.execute(text("SELECT why FROM authority_notifications WHERE kind = 'withdrawal'"))
        assert b"Krog" not in bytes(kept.scalar_one())
        encryption.reencrypt(session, AuthorityNotification)
    assert stored(cast, incident_id, withdrawal).why == "Hanne Krog sent it to herself."


def test_a_follow_up_follows_something_that_was_filed(app, cast):
    incident_id, _notification = approved(cast)

    with pytest.raises(Refused, match="follows a notification"):
        begin(cast, incident_id, Phase.CORRECTION)


def test_one_follow_up_is_open_at_a_time_and_becomes_the_kind_that_is_asked_for(app, cast):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)

    assert begin(cast, incident_id, Phase.CORRECTION, why="Counted anew.") == opened.id

    assert follow_up(cast, incident_id).kind == Phase.CORRECTION


# --- on the page ----------------------------------------------------------------------------------


def test_the_page_shows_what_was_filed_and_what_is_said_now(app, cast, signed_in):
    incident_id, first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)
    place = f"/incidents/{incident_id}/authority-notifications"

    page = signed_in(people.DORTHE).get(f"{place}/{opened.id}/changes").text
    assert "<del" in page
    assert "500" in page
    astrid = signed_in(people.ASTRID)
    assert astrid.post(f"{place}/{opened.id}/drop", data={"why": "x"}).status_code == 403
    assert astrid.post(f"{place}/{first}/follow-up", data={"kind": "final"}).status_code == 303
    assert follow_up(cast, incident_id).kind == Phase.FINAL


def test_the_page_asks_by_when_the_rest_comes_where_something_is_to_follow_and_nowhere_else(
    app, cast, signed_in
):
    dorthe, owing = signed_in(people.DORTHE), filed(cast)
    whole = drafted(cast, reference="HC-2026-999")
    edit(cast, *whole, {"consequences.impact_types": ["fraud"]}, to_follow=frozenset())
    approve(cast, *whole)
    file(cast, *whole)

    for (incident_id, first), asked in ((owing, True), (whole, False)):
        page = dorthe.get(f"/incidents/{incident_id}/authority-notifications/{first}/changes").text
        assert ("Say by when the rest comes" in page) is asked
        assert "Begin a follow-up" in page


def test_a_follow_up_says_on_its_own_page_what_it_is_and_which_filing_it_follows(app, cast, signed_in):
    incident_id, _first = filed(cast)
    learn(cast, incident_id, **more_people())
    jobs.open_follow_ups()
    opened = follow_up(cast, incident_id)
    dorthe = signed_in(people.DORTHE)
    place = f"/incidents/{incident_id}/authority-notifications"

    page = dorthe.get(f"{place}/{opened.id}").text

    assert "It follows number 1, filed:" in page
    assert "Danish Data Protection Agency: Further notification" in page
    assert "number 2 to this authority" in dorthe.get(place).text
