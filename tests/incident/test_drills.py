"""Drills: started, told more, ended, measured; on pages of their own, and nowhere else."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from foundation import ledger
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from foundation.errors import Missing, Refused
from incident import drills, example, triage
from incident.drills.scenarios import ScenarioFault, read_scenario
from incident.models import Drill, FactsVersion, Incident
from incident.rules.facts import parse
from notifications import drilling
from notifications.models import Message, Page, PageState
from playbooks import runs
from tests import people
from tests.incident import desk
from tests.story.driver import signed


def start(cast, key="processor_friday_night", **more):
    """A drill that Dorthe started; its incident's id."""
    with acting_for(cast.promark), transaction():
        made = drills.start(
            drills.scenario(key), organisation_id=cast.promark, by="Dorthe Friis", now=utcnow(), **more
        )
        return made.incident_id


def end(cast, incident_id, lesson=""):
    with desk.working(cast, incident_id) as incident:
        drills.end(incident, by="Dorthe Friis", lesson=lesson, now=utcnow())


def kept(cast, incident_id):
    """The drill as stored, and what came of it."""
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        incident = db.session.get_one(Incident, incident_id)
        drill = drills.of_incident(incident)
        return drill, drills.outcome(incident, drill, now=utcnow())


# --- nowhere else -------------------------------------------------------------------------------


def test_no_list_no_figure_and_no_page_but_its_own_shows_a_drill(app, cast, signed_in, work, clock):
    desk.reported(cast)
    work()
    dorthe, admin = signed_in(people.DORTHE), signed_in(people.NILS)
    figures = _figures(app)
    start(cast, "ransomware")
    work()
    clock.move(hours=3)
    with everyone(), transaction():
        db.session.execute(
            text("UPDATE messages SET wants_person_at = :at, told_at = :at WHERE channel = 'pretend'"),
            {"at": utcnow().isoformat()},
        )
    ours = re.compile(r"DRILL-2026|personnel department encrypted|drill/|IT operations")

    pages = [
        rule.rule for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and not rule.arguments and not rule.rule.startswith("/drills")
    ]  # fmt: skip
    for browser in (dorthe, admin):
        for page in pages:
            shown = re.sub(r'(?s)<section class="dr-board".*?</section>', "", browser.get(page).text)
            assert not ours.search(shown), page
    assert {name for name, value in _figures(app).items() if value != figures.get(name)} <= {
        "breachclock_clock_silence_seconds", "breachclock_oldest_due_step_lag_seconds",
        "breachclock_oldest_due_message_lag_seconds",
    }  # fmt: skip


def _figures(app):
    lines = app.test_client().get("/metrics").text.splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def test_the_lag_of_what_is_due_knows_no_drill(app, cast, clock):
    start(cast)
    clock.move(hours=1)

    with everyone():
        assert runs.oldest_due(utcnow()) is None


def test_drills_stand_on_the_board_in_a_section_of_their_own(app, cast, signed_in):
    start(cast)
    board = signed_in(people.ASTRID).get("/").text

    section = re.search(r'(?s)<section class="dr-board".*?</section>', board)
    assert section
    assert "DRILL-2026-0001" in section.group()
    assert "Nothing is open" in board
    assert set(re.findall(r"in-tile[^>]*>\s*<strong>(\d+)</strong>", board)) == {"0"}


def test_every_page_about_a_drill_says_so_and_none_about_an_incident_does(app, cast, signed_in, work):
    drill, real = start(cast), desk.reported(cast)
    dorthe = signed_in(people.DORTHE)
    about_one = [
        rule.rule.replace("<uuid:incident_id>", "{}") for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and rule.arguments == {"incident_id"}
    ]  # fmt: skip

    shown = {page: dorthe.get(page.format(drill)) for page in about_one}
    whole = {page: each for page, each in shown.items() if "<!doctype html>" in each.text}
    assert len(whole) >= 8
    assert [
        page for page, each in whole.items() if each.status_code == 200 and "dr-banner" not in each.text
    ] == []
    assert "dr-banner" not in dorthe.get(f"/incidents/{real}").text
    assert "dr-banner" not in dorthe.get("/").text


# --- numbers, references --------------------------------------------------------------------------


def test_drills_have_numbers_of_their_own_and_leave_no_gap_among_incidents(app, cast):
    first, drill, second = desk.reported(cast, reference="1"), start(cast), desk.reported(cast, reference="2")
    start(cast, "ransomware")

    with acting_for(cast.promark):
        numbers = {each.id: each.number for each in db.session.scalars(select(Incident))}
    assert [numbers[each] for each in (first, drill, second)] == [
        "PM-2026-0001", "DRILL-2026-0001", "PM-2026-0002",
    ]  # fmt: skip
    assert "DRILL-2026-0002" in numbers.values()


def test_a_real_report_never_lands_in_a_drill_whatever_its_reference(app, cast, client):
    incident_id = start(cast)
    with desk.working(cast, incident_id) as incident:  # as a fault or a hand in the database might
        known = desk.told(cast, reference="HC-77")
        incident.processor_id, incident.processor_reference = known.processor_id, "HC-77"
    facts = example.first_report(utcnow()) | {"reference": "HC-77"}
    told = {"type": "incident.reported", "timestamp": utcnow().isoformat(), "data": facts}
    letter = signed(cast.hostco, told, at=utcnow())
    with desk.working(cast, incident_id) as incident:
        incident.processor_id = incident.processor_reference = None

    answer = client.post(cast.hostco.path, data=letter.body, headers=letter.headers)

    assert answer.json["incident_number"] == "PM-2026-0001"
    assert answer.json["incident_id"] != str(incident_id)


def test_a_drill_claims_no_reference_and_no_processor(app, cast):
    for each in drills.scenarios():
        incident = desk.incident_of(cast, start(cast, each.key))

        assert incident.drill
        assert incident.chain == f"drill/{incident.id}"
        assert incident.processor_id is None
        assert incident.processor_reference is None


# --- starting -------------------------------------------------------------------------------------


def test_the_same_form_twice_is_one_drill_and_only_some_may_start_one(app, cast, signed_in):
    sent = {
        "scenario": "wrong_recipient",
        "drill_id": str(new_id()),
        "taking_part": [str(cast.staff[people.BIRK])],
    }
    dorthe = signed_in(people.DORTHE)

    places = {dorthe.post("/drills", data=sent).headers["Location"] for _ in range(2)}

    assert len(places) == 1
    page = dorthe.get(places.pop()).text
    assert "Birk Lund" in page
    for email, status in ((people.NILS, 403), (people.ASTRID, 303)):
        again = sent | {"drill_id": str(new_id())}
        assert signed_in(email).post("/drills", data=again).status_code == status
    stranger = sent | {"taking_part": [str(cast.staff[people.ESKIL])], "drill_id": str(new_id())}
    assert dorthe.post("/drills", data=stranger).status_code == 404
    assert dorthe.post("/drills", data=sent | {"scenario": "x", "drill_id": str(new_id())}).status_code == 404


def test_a_drill_of_another_organisation_is_not_there(app, cast, signed_in):
    place = f"/drills/{start(cast)}"
    eskil = signed_in(people.ESKIL)

    assert eskil.get(place).status_code == 404
    assert eskil.post(f"{place}/end").status_code == 404
    assert eskil.post(f"{place}/answers", data={"message": str(new_id()), "body": "x"}).status_code == 404


def test_a_page_is_taken_from_a_pretend_phone_on_the_page_of_the_drill(app, cast, signed_in, work):
    incident_id = start(cast)
    work()
    with acting_for(cast.promark):
        phone = next(each for each in drilling.devices(f"drill/{incident_id}") if each.channel == "sms")
    sent = {"message": str(phone.texts[0].id), "body": f"ok {phone.texts[0].code}"}

    page = (
        signed_in(people.DORTHE).post(f"/drills/{incident_id}/answers", data=sent, follow_redirects=True).text
    )

    assert "DRILL-2026-0001" in page
    _drill, outcome = kept(cast, incident_id)
    assert (outcome.measures[0].step, outcome.measures[0].by) == ("acknowledge", "Astrid Holm")
    assert outcome.measures[0].met


# --- while it runs, and its end -------------------------------------------------------------------


def test_more_is_told_when_its_time_has_come_and_what_was_typed_stays(app, cast, work, clock):
    incident_id = start(cast, "ransomware")
    with desk.working(cast, incident_id) as incident:
        from incident import clocks, staff_reports  # noqa: PLC0415

        typed = clocks.document_of(incident) | {"reference": "IT-4711"}
        staff_reports.learn(incident, typed, after=1, reason="IT told us.", by="Astrid Holm", now=utcnow())
    clock.move(hours=5)  # the clock was away over both tellings
    work()
    work()

    with acting_for(cast.promark):
        mine = select(FactsVersion).where(FactsVersion.incident_id == incident_id)
        versions = list(db.session.scalars(mine.order_by(FactsVersion.number)))
    assert [each.source for each in versions][2:] == ["IT operations (made up)", "Security company (made up)"]
    assert versions[-1].facts["reference"] == "IT-4711"
    assert parse(versions[-1].facts).disclosure.exfiltration == "published"


def test_a_drill_that_nobody_ends_ends_by_itself_and_calls_nobody_any_more(app, cast, work, clock):
    incident_id = start(cast, "processor_friday_night")
    work()
    clock.move(days=7, minutes=1)
    work()

    drill, outcome = kept(cast, incident_id)
    assert drill.ended_by == "Breachclock"
    assert [each.step for each in outcome.missed][:3] == ["acknowledge", "confirm", "decide"]
    with everyone():
        chain = f"drill/{incident_id}"
        assert not db.session.scalars(select(Page).where(Page.state == PageState.OPEN)).all()
        assert {each.state for each in runs.steps_for(chain)} <= {"done", "not_applicable", "skipped"}
        assert not [
            each for each in desk.duties_of(cast, incident_id) if each[2] not in ("met", "not_required")
        ]
        count = len(db.session.scalars(select(Message)).all())
    clock.move(days=2)
    work()
    with everyone():
        assert len(db.session.scalars(select(Message)).all()) == count


def test_a_result_is_kept_as_it_was_and_only_a_lesson_is_added(app, cast, work, clock):
    incident_id = start(cast)
    work()
    clock.move(hours=5)
    end(cast, incident_id)
    before = kept(cast, incident_id)[0].result
    clock.move(days=3)
    end(cast, incident_id, "Call sooner.")

    drill, outcome = kept(cast, incident_id)
    assert drill.result == before
    assert drill.lesson == "Call sooner."
    assert [each.step for each in outcome.missed] == ["acknowledge", "confirm"]
    assert "decide" in [each.step for each in outcome.left_open]
    with everyone():
        actions = [each.action for each in ledger.entries(f"drill/{incident_id}")]
        assert actions.count("drill.ended") == 1
        assert ledger.verify() == []


def test_what_has_ended_is_not_taken_up_again_and_an_incident_is_not_ended_as_a_drill(app, cast):
    drill, real = start(cast), desk.reported(cast)
    end(cast, drill)

    with pytest.raises(Refused, match="has ended"), desk.working(cast, drill) as incident:
        triage.reopen(incident, reason="Once more", by="Dorthe Friis", now=utcnow())
    with pytest.raises(Refused, match="in earnest"):
        end(cast, real)
    assert desk.incident_of(cast, real).state == "reported"


def test_earlier_drills_stand_beside_and_later_ones_do_not(app, cast, work, clock, signed_in):
    def one(minutes):
        incident_id = start(cast)
        work()
        clock.move(minutes=minutes)
        with acting_for(cast.promark), transaction():
            text_ = next(each for each in drilling.devices(f"drill/{incident_id}")).texts[0]
            drilling.answer(f"drill/{incident_id}", text_.id, text_.code, now=utcnow())
        end(cast, incident_id)
        clock.move(minutes=1)
        return incident_id

    slow, middling, quick = one(12), one(6), one(3)

    with acting_for(cast.promark):
        compared = {
            each: drills.compare(db.session.scalars(select(Drill).where(Drill.incident_id == each)).one())
            for each in (slow, quick)
        }
    assert compared[slow] == {}
    assert compared[quick]["acknowledge"] == pytest.approx(9 * 60, abs=60)
    page = signed_in(people.NILS).get("/drills").text
    assert all(number in page for number in ("DRILL-2026-0001", "DRILL-2026-0002", "DRILL-2026-0003"))
    assert "earlier drills: 9 min" in signed_in(people.NILS).get(f"/drills/{quick}").text
    assert middling


def test_the_migrated_database_refuses_a_drill_that_could_send(app, cast, work):
    start(cast)
    work()

    for change in ("channel = 'sms', instead_of = NULL", "about = 'incident/1'"):
        with pytest.raises(DBAPIError), everyone(), transaction():
            db.session.execute(text(f"UPDATE messages SET {change}"))


# --- scenarios ------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", drills.scenarios(), ids=lambda each: each.key)
def test_a_scenario_is_a_case_from_its_start_to_its_last_telling(each):
    from incident.drills.scenarios import added, dated  # noqa: PLC0415

    now = utcnow()
    document = dated(each.facts, now, "DK")
    assert parse(document).title
    for later in each.later:
        document = added(document, dated(later.facts, now, "DK"))
        assert parse(document)
        assert timedelta() < later.after < timedelta(hours=8)
    assert "@" not in str(document)


WHOLE = "key='abc'\ntitle='T'\nsummary='S'\naims=['A']\nsource='B'\n"
LATER = "[facts]\n[[later]]\nafter='soon'\nsource='B'\nreason='R'\nfacts={}"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("key = 'x", "wrong.toml"), ("key = 'abc'", "title"), (WHOLE + "colour='red'\n[facts]", "colour"),
        (WHOLE + LATER, "after"),
    ],
)  # fmt: skip
def test_a_scenario_with_a_fault_is_refused_by_file_and_member(broken, says):
    with pytest.raises(ScenarioFault, match=r"wrong\.toml") as refused:
        read_scenario(broken, "wrong.toml")
    assert says in str(refused.value)


def test_an_unknown_scenario_names_the_known_ones(app):
    with pytest.raises(Missing) as refused:
        drills.scenario("fire")
    assert "ransomware" in str(refused.value.next_step)


# --- the command line -----------------------------------------------------------------------------


def test_an_operator_starts_lists_and_ends_a_drill(app, cast, work):
    run = app.test_cli_runner().invoke
    from incident.drills.cli import drill as group  # noqa: PLC0415

    started = run(group, ["start", "ransomware", "--organisation", "promark", "--with", people.BIRK])
    work()
    listed = run(group, ["list", "--organisation", "promark"])
    ended = run(group, ["end", "drill-2026-0001", "--organisation", "promark", "--lesson", "Sooner."])
    wrong = run(group, ["start", "fire", "--organisation", "promark"])

    assert "DRILL-2026-0001 runs: Ransomware" in started.output
    assert "not done" in listed.output
    assert "DRILL-2026-0001 has ended." in ended.output
    assert "left open" in ended.output
    assert wrong.exit_code == 1
    assert "ransomware" in wrong.output
    assert "Example" in run(group, ["start", "--help"]).output
