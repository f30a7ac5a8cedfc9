"""Is it ready for tonight: what a monitor, an operator and the last one to go home are told."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import delete, update

from accounts import people
from accounts.models import Role, StaffMember
from foundation import queue
from foundation.database import database_now, db, everyone, transaction, utcnow
from incident import jobs, readiness
from incident.readiness_cli import check
from notifications import heartbeat, on_duty, paging
from notifications.models import ContactMethod, Page, Schedule
from notifications.rules.watching import Light
from tests.incident import rota
from tests.people import ASTRID, BIRK, DORTHE


@pytest.fixture
def alive(app):
    """The clock has just ended a round."""
    beat(database_now())
    return app


def beat(at):
    with everyone(), transaction():
        queue.beat("clock", at)


def found(key, **options):
    db.session.rollback()
    with everyone():
        mine = [people.organisation("promark")]
        return next(each for each in readiness.checks(mine, **options) if each.key == key)


def change(statement):
    with everyone(), transaction():
        db.session.execute(statement)


# --- a whole cycle --------------------------------------------------------------------------------


def beats_of(app, *runs, seconds=1.0):
    """Whether a clock with these duties has written its beat after so long."""
    duties = [queue.Recurring(f"duty {n}", run, 0.05) for n, run in enumerate(runs)]
    stop = threading.Event()
    clock = threading.Thread(target=queue.keep_time, args=(app, duties, stop))
    clock.start()
    stop.wait(seconds)
    stop.set()
    clock.join()
    db.session.rollback()
    with everyone():
        return queue.last_beat() is not None


def test_a_clock_beats_when_every_duty_has_ended_a_round(app):
    assert beats_of(app, lambda: None, lambda: None)


def test_a_clock_of_which_one_duty_always_fails_has_no_beat(app):
    def fail():
        raise RuntimeError("no")

    assert not beats_of(app, lambda: None, fail)


@pytest.mark.parametrize("goes", ["disabled", "role"])
def test_a_stand_in_who_goes_is_red_the_other_is_told_and_the_record_stays(alive, cast, clock, goes):
    rota.lay(cast, rota.FIRST_LINE, first=utcnow() - timedelta(hours=1), days=7)
    rota.stand_in(cast, BIRK, utcnow(), utcnow() + timedelta(days=2))
    assert found("stand_ins").light is Light.GREEN
    clock.move(hours=2)

    with everyone(), transaction():
        birk = people.known_by_email(BIRK)
        if goes == "role":
            people.change_role(birk, Role.AUDITOR, by="Olga", now=utcnow())
        else:
            people.disable(birk, by="Olga", now=utcnow())

    assert found("stand_ins").light is Light.RED
    assert rota.messages(cast, "rota_changed").count("astrid") == 2, (
        "that she is free of it, and not any more"
    )
    with everyone():
        hours = [utcnow() - timedelta(hours=1), utcnow()]
        assert [on_duty.on_call(cast.promark, each) for each in hours] == [
            [cast.staff[BIRK]], [cast.staff[ASTRID]],
        ]  # fmt: skip


def test_a_page_that_does_not_move_on_is_a_fault(alive, cast):
    with everyone(), transaction():
        paging.page(
            organisation_id=cast.promark, about="incident/1", template="page_report", must_by=None,
            context={"number": "PM-1", "organisation": "ProMark", "path": "/", "timezone": "UTC"},
            actor="A test", now=database_now(),
        )  # fmt: skip
    change(update(Page).values(next_at=database_now() - timedelta(minutes=3)))

    with everyone():
        assert any("due to move on" in each for each in readiness.faults())


# --- the heartbeat --------------------------------------------------------------------------------


class Outside(HTTPServer):
    """Somebody outside."""

    status, calls = 200, 0


@pytest.fixture
def outside(alive, monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.calls += 1
            self.send_response(self.server.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_args):
            pass

    with Outside(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/ping"
        monkeypatch.setitem(alive.config, "SETTINGS", replace(alive.config["SETTINGS"], heartbeat_url=url))
        yield server
        server.shutdown()


def called(app):
    jobs.tell_outside()
    if thread := app.extensions.pop("heartbeat", None):
        thread.join(10)
    db.session.rollback()


def test_somebody_outside_hears_us_after_each_cycle_once_a_minute(alive, outside, clock):
    called(alive)
    called(alive)
    assert outside.calls == 1
    clock.move(seconds=61)
    called(alive)
    assert outside.calls == 1, "no cycle has ended since"
    beat(database_now())
    called(alive)
    assert outside.calls == 2
    assert found("heartbeat").light is Light.GREEN


def test_the_file_of_the_heartbeat_is_renewed_also_in_a_home_that_nobody_made(alive, monkeypatch, tmp_path):
    home = tmp_path / "not" / "there"
    monkeypatch.setitem(alive.config, "SETTINGS", replace(alive.config["SETTINGS"], home=home))

    jobs.tell_outside()

    assert (home / "heartbeat").stat().st_mode & 0o777 == 0o600


def test_nobody_outside_hears_us_while_we_are_not_ready(alive, outside, clock):
    clock.move(seconds=90)
    called(alive)

    assert outside.calls == 0


@pytest.mark.parametrize("status", [302, 500])
def test_a_heartbeat_that_is_not_heard_is_logged_once_and_shown(alive, outside, clock, status, caplog):
    outside.status = status
    for _ in range(3):
        called(alive)
    assert outside.calls == 3, "it is tried again, and no redirect is followed"
    with everyone():
        assert queue.last_beat(heartbeat.UNHEARD)
    clock.move(minutes=6)
    assert found("heartbeat").light is Light.RED
    assert caplog.text.count("heartbeat.not_heard") == 1


# --- tonight --------------------------------------------------------------------------------------


def test_each_thing_that_a_night_needs_turns_its_light(alive, cast, clock):
    assert found("readyz").light is Light.GREEN
    assert found("on_call").light is Light.GREEN
    assert found("policies").light is Light.GREEN
    assert found("dpo").light is Light.GREEN
    assert found("processors").light is Light.YELLOW
    assert found("second_provider").light is Light.YELLOW
    assert found("probes_off").light is Light.YELLOW
    change(update(ContactMethod).where(ContactMethod.staff_id == cast.staff[ASTRID]).values(verified_at=None))
    assert "Astrid" in found("unverified").says
    change(update(StaffMember).where(StaffMember.id == cast.staff[DORTHE]).values(role=Role.AUDITOR))
    assert found("dpo").light is Light.RED
    change(delete(ContactMethod))
    assert found("on_call").light is Light.RED
    assert found("policies").light is Light.RED
    clock.move(minutes=2)
    assert found("readyz").light is Light.RED


def test_a_check_that_breaks_is_a_red_light_and_hides_no_other(alive, monkeypatch):
    monkeypatch.setattr(readiness.delivery, "rota", lambda *_: 1 / 0)

    broken = found("rota")

    assert (broken.light, broken.says) == (Light.RED, "rota: ZeroDivisionError")
    assert found("unverified")


def test_the_page_says_no_first_and_where_each_thing_is_mended(alive, signed_in):
    page = signed_in(ASTRID).get("/ready").get_data(as_text=True)

    assert "Ready for tonight?" in page
    assert page.index("Never tested") < page.index('aria-labelledby="good"')
    assert 'href="/processors"' in page


def test_the_command_has_a_line_for_each_thing_and_ends_with_1(alive, sandbox, monkeypatch):
    runner = alive.test_cli_runner()
    told = runner.invoke(check, ["--organisation", "promark"])
    document = json.loads(runner.invoke(check, ["--json"]).stdout)

    assert told.exit_code == 1
    assert "Never tested" in told.stdout
    assert {"provider_twilio", "provider_sendgrid"} <= {each["key"] for each in document["checks"]}
    lights = {each["key"]: each["light"] for each in document["checks"]}
    assert lights["provider_twilio"] == lights["provider_sendgrid"] == "green"
    twilio = alive.extensions["channels"]["sms"][0]
    monkeypatch.setattr(twilio, "settings", replace(twilio.settings, twilio_auth_token="revoked"))
    document = json.loads(runner.invoke(check, ["--json"]).stdout)
    lights = {each["key"]: each["light"] for each in document["checks"]}
    assert lights["provider_twilio"] == "red"


def test_a_house_without_a_schedule_hears_that_everybody_is_paged(alive):
    with everyone(), transaction():
        db.session.execute(update(Schedule).values(retired_at=utcnow()))

    gaps = found("gaps")

    assert gaps.light is Light.YELLOW
    assert "no schedule" in gaps.says
