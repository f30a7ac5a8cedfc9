"""Every change of the facts is a version; what changed, and what the advice made of it, can be read."""

from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from structlog.testing import capture_logs

from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import advice, intake, jobs
from incident.forms.changes import changes
from incident.models import Evaluated, FactsVersion, Incident
from tests import people
from tests.incident import browsing, desk

BEFORE = {
    "title": "Backup copied", "chain": [{"name": "HostCo", "role": "processor"}],
    "timeline": {"informed_at": "2026-10-06T09:30:00Z"}, "subjects": {"total": {"at_least": 100}},
    "data": {"categories": ["name", "contact"], "special_categories": "unknown"},
}  # fmt: skip


def learned(cast, incident_id, **facts):
    """A processor tells more, past every screen."""
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1", **facts), now=utcnow())


def evaluations(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return list(db.session.scalars(select(Evaluated).order_by(Evaluated.facts_number)))


# --- what changed ---------------------------------------------------------------------------------


def test_two_versions_that_say_the_same_in_other_words_differ_in_nothing(app):
    same = {
        "title": "Backup copied", "chain": [{"name": "HostCo", "role": "processor"}],
        "timeline": {"informed_at": "2026-10-06T11:30:00+02:00", "ongoing": "unknown"},
        "subjects": {"total": {"at_least": 100}}, "data": {"categories": ["contact", "name"]},
        "cause": {},
    }  # fmt: skip

    with app.test_request_context():
        assert changes(BEFORE, same) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "Backup stolen"}, ("In a few words", ["Backup copied"], ["Backup stolen"])),
        ({"data": {"categories": ["name"]}}, ("Kinds of data", ["Names", "Telephone or e-mail"], ["Names"])),
        ({"subjects": {"total": {"at_least": 900}}}, ("Number of people: at least", ["100"], ["900"])),
        ({"subjects": {"total": {"at_least": 0}}}, ("Number of people: at least", ["100"], ["0"])),
        ({"timeline": {}}, ("We were told", ["Tue 6 Oct 2026, 09:30 UTC"], [])),
        ({"chain": [{"name": "Bolt", "role": "processor"}]},
         ("Party 1 that held the data: Name", ["HostCo"], ["Bolt"])),
    ],
)  # fmt: skip
def test_each_change_says_how_the_fact_is_asked_for_what_it_was_and_what_it_is(app, change, said):
    with app.test_request_context():
        (found,) = changes(BEFORE, BEFORE | change)

    assert (found.label, found.before, found.after) == said


def test_that_no_processor_was_in_it_is_a_change_from_not_knowing(app):
    with app.test_request_context():
        (found,) = changes({"title": "x"}, {"title": "x", "chain": []})

    assert (found.label, found.before, found.after) == ("Did it happen at a processor?", [], ["No"])


def test_a_fact_that_no_form_asks_for_is_shown_by_its_place(app):
    with app.test_request_context():
        (found,) = changes(BEFORE, BEFORE | {"organisation": {"targets": ["DK"]}})

    assert (found.label, found.after) == ("/organisation/targets", ["DK"])


def test_the_page_shows_exactly_what_changed_and_how_the_advice_turned(app, cast, signed_in):
    told_at = utcnow()
    incident_id = desk.reported(cast, now=told_at, disclosure=None)
    learned(
        cast, incident_id, now=told_at, disclosure={"exfiltration": "published"}, title="It is on a forum"
    )

    page = signed_in(people.NILS).get(f"/incidents/{incident_id}/facts/changes?before=1&after=2").text

    facts = page.split('id="changed"')[1].split('id="advice-changed"')[0]
    assert "2 facts changed" in facts
    assert "Were data taken away?" in facts
    assert "Published" in facts
    assert "It is on a forum" in facts
    assert "/disclosure" not in facts
    turned = page.split('id="advice-changed"')[1]
    assert "Severity (ENISA)" in turned


def test_versions_are_listed_with_who_when_why_and_how_much(app, cast, signed_in):
    incident_id, astrid = desk.reported(cast), signed_in(people.ASTRID)
    address = f"/incidents/{incident_id}/facts"
    typed = browsing.form(astrid.get(f"{address}/new").text, address)
    astrid.post(address, data=typed | {"title": "Backup stolen", "reason": "HostCo wrote."})

    page = astrid.get(f"{address}/versions").text

    assert "Version 2</strong> Astrid Holm" in page
    assert "HostCo wrote." in page
    assert "1 fact changed" in page


def test_with_one_version_there_is_nothing_to_compare(app, cast, signed_in):
    incident_id = desk.reported(cast)

    page = signed_in(people.NILS).get(f"/incidents/{incident_id}/facts/changes")

    assert page.status_code == 200
    assert "nothing to compare" in page.text


@pytest.mark.parametrize("query", ["before=0&after=99", "before=x&after=y", "before=-1", "after=2&before=2"])
def test_versions_that_do_not_exist_show_those_that_do(app, cast, signed_in, query):
    incident_id = desk.reported(cast)
    learned(cast, incident_id, title="Other")

    page = signed_in(people.NILS).get(f"/incidents/{incident_id}/facts/changes?{query}")

    assert page.status_code == 200


# --- what the rules made of each ------------------------------------------------------------------


def test_a_version_made_on_a_screen_has_its_advice_kept_with_it(app, cast, signed_in):
    incident_id, astrid = desk.reported(cast), signed_in(people.ASTRID)
    address = f"/incidents/{incident_id}/facts"
    typed = browsing.form(astrid.get(f"{address}/new").text, address)

    astrid.post(address, data=typed | {"title": "Backup stolen", "reason": "HostCo wrote."})

    (kept,) = evaluations(cast)
    assert kept.facts_number == 2
    assert kept.document["authority_notification"]["required"] is True
    assert kept.rules_version == kept.document["rules_version"]
    assert "advice.recorded" in desk.actions(cast, incident_id)


def test_the_clock_keeps_the_advice_on_what_a_report_told(app, cast):
    incident_id = desk.reported(cast)
    learned(cast, incident_id, title="Other")
    assert evaluations(cast) == []

    assert [jobs.keep_advice(), jobs.keep_advice()] == [2, 0]

    assert [each.facts_number for each in evaluations(cast)] == [1, 2]
    assert desk.actions(cast, incident_id).count("advice.recorded") == 2


def test_facts_that_cannot_be_read_hold_up_no_others(app, cast):
    unreadable(cast)

    assert jobs.keep_advice() == 1
    assert [each.facts_number for each in evaluations(cast) if each.sha256 != advice.NOT_READABLE] == [1]


def unreadable(cast):
    """An incident whose second version comes from another release; its id."""
    incident_id = desk.reported(cast)
    with desk.working(cast, incident_id):
        row = {each.name: getattr(db.session.scalars(select(FactsVersion)).one(), each.name)
               for each in FactsVersion.__table__.columns if each.name != "id"}  # fmt: skip
        db.session.add(FactsVersion(**row | {"number": 2, "facts": {"of": "another release"}}))
        db.session.get_one(Incident, incident_id).facts_number = 2
    return incident_id


def test_facts_that_cannot_be_read_are_tried_once_and_said_to_the_log_once(app, cast):
    incident_id = unreadable(cast)

    with capture_logs() as said:
        for _round in range(3):
            jobs.keep_advice()
            jobs.keep_duties()
            jobs.owe_customers()

    with everyone():
        assert advice.missing() == []
    assert [each["event"] for each in said if each["log_level"] == "error"] == ["facts.not_readable"]
    assert desk.actions(cast, incident_id).count("advice.not_readable") == 1


def test_other_rules_try_again_what_these_could_not_read(app, cast, monkeypatch):
    incident_id = unreadable(cast)
    jobs.keep_advice()

    monkeypatch.setattr(advice, "LAW", SimpleNamespace(version="2027-01-01.other"))

    with everyone():
        assert advice.missing() == [(incident_id, 2)]


def test_the_pages_show_a_version_that_cannot_be_read_without_advice(app, cast, signed_in):
    incident_id = unreadable(cast)
    jobs.keep_advice()

    page = signed_in(people.NILS).get(f"/incidents/{incident_id}/facts/changes?before=1&after=2")

    assert page.status_code == 200
    assert "not_readable" not in page.text


def test_until_it_is_kept_the_page_reckons_it_and_says_so(app, cast, signed_in):
    incident_id = desk.reported(cast)
    learned(cast, incident_id, title="Other")
    nils = signed_in(people.NILS)

    before = nils.get(f"/incidents/{incident_id}/facts/changes").text
    jobs.keep_advice()
    after = nils.get(f"/incidents/{incident_id}/facts/changes").text

    assert before.count("reckoned for this page") == 2
    assert after.count("reckoned for this page") == 0


def test_kept_advice_is_kept_once_for_each_release_of_the_rules(app, cast):
    incident_id = desk.reported(cast)
    with desk.working(cast, incident_id) as incident:
        advice.keep(incident, 1, now=utcnow())
        advice.keep(incident, 1, now=utcnow())

    with everyone():
        assert db.session.scalar(select(func.count()).select_from(Evaluated)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evaluations SET facts_number = 9",
        "DELETE FROM evaluations",
        "UPDATE facts_versions SET sha256 = 'x'",
        "UPDATE facts_versions SET source = 'x'",
        "DELETE FROM facts_versions",
    ],
)
def test_the_database_lets_nobody_change_a_version_or_its_advice(app, cast, statement):
    incident_id = desk.reported(cast)
    with desk.working(cast, incident_id) as incident:
        advice.keep(incident, 1, now=utcnow())

    with pytest.raises(DatabaseError, match="stands as it was said"), everyone(), transaction() as session:
        session.execute(text(statement))
