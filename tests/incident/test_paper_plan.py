"""The paper plan: what meets a deadline without us, in one file that nothing but the passphrase opens."""

import base64
import json
import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts.models import Organisation
from foundation.database import acting_for, database_now, db, everyone, utcnow
from incident import jobs, paper_plan
from incident.paper_plan import locked, sheet
from notifications.channels.sendgrid import SendGrid
from notifications.models import Message
from tests.incident import desk, rota
from tests.people import ASTRIDS_PHONE, DORTHE

PASSPHRASE = "kagle tandem vinter fjord 58"


@pytest.fixture
def planned(app, monkeypatch, tmp_path):
    """The installation writes plans."""
    told = replace(app.config["SETTINGS"], paper_passphrase=PASSPHRASE, home=tmp_path)
    monkeypatch.setitem(app.config, "SETTINGS", told)
    monkeypatch.setattr(locked, "ROUNDS", 1000)
    return app


def opened(path):
    return locked.unlock(path.read_text("utf-8"), PASSPHRASE)


def test_without_a_passphrase_there_is_no_plan_and_it_is_said(app, cast):
    with everyone():
        jobs.write_plans()
        (said,) = paper_plan.checks([], database_now())

    assert not paper_plan.folder().exists()
    assert (said.light, "no plan" in said.says) == ("yellow", True)


def test_a_plan_holds_what_a_night_without_us_needs(planned, cast):
    incident_id = desk.confirmed(cast)
    jobs.keep_duties()
    jobs.write_plans()
    path = paper_plan.newest("promark")
    plan, incident = opened(path), desk.incident_of(cast, incident_id)
    duty = desk.duty_of(cast, incident_id, "gdpr-33")

    for part in (incident.number, incident.title, ASTRIDS_PHONE, "Astrid", "+45 33 19 32 00",
                 f"{duty.due_at:%Y-%m-%d %H:%M} UTC"):  # fmt: skip
        assert part in plan, part
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(path.parent.glob("*.part"))
    other = opened(paper_plan.newest("softwerk"))
    assert incident.number not in other
    assert ASTRIDS_PHONE not in other


def test_nothing_of_it_can_be_read_without_the_passphrase_or_once_it_was_changed(planned, cast):
    incident_id = desk.confirmed(cast)
    jobs.write_plans()
    text = paper_plan.newest("promark").read_text("utf-8")

    assert desk.incident_of(cast, incident_id).title not in text
    assert ASTRIDS_PHONE not in text
    with pytest.raises(locked.WrongPassphrase):
        locked.unlock(text, PASSPHRASE + "!")
    kept = locked.KEPT.search(text).group(1)
    changed = json.loads(kept) | {"data": base64.b64encode(b"x" * 64).decode()}
    with pytest.raises(locked.WrongPassphrase):
        locked.unlock(text.replace(kept, json.dumps(changed)), PASSPHRASE)
    with pytest.raises(locked.NotAPlan):
        locked.unlock("<html>", PASSPHRASE)


def test_it_is_mailed_when_something_changed_and_else_once_a_day(planned, cast, work, sandbox, clock):
    def plans():
        return [each for each in sandbox.mail_to(DORTHE) if "Paper plan" in each["subject"]]

    work()
    assert len(plans()) == 1
    clock.move(hours=1, minutes=1)
    work()
    assert len(plans()) == 1, "nothing has changed"
    assert len(list(paper_plan.folder().glob("paper-plan-promark-*"))) == 2
    desk.confirmed(cast)
    clock.move(hours=1, minutes=1)
    work()
    assert len(plans()) == 2
    clock.move(hours=25)
    work()
    assert len(plans()) == 3


def test_a_turn_that_begins_as_planned_is_no_news_and_somebody_standing_in_is(planned, cast):
    def fingerprint(after):
        with acting_for(cast.promark):
            promark = db.session.get_one(Organisation, cast.promark)
            return sheet.of(promark, now=utcnow() + after).fingerprint()

    weeks = {fingerprint(timedelta(hours=hours)) for hours in range(0, 14 * 24, 7)}
    assert len(weeks) == 1, "nobody changed anything"

    rota.stand_in(cast, DORTHE, utcnow(), utcnow() + timedelta(hours=3))
    assert fingerprint(timedelta()) not in weeks


def test_the_mail_carries_the_plan_itself(planned, cast, work, sandbox):
    jobs.write_plans()
    with everyone():
        mine = select(Message).where(
            Message.template == "paper_plan", Message.organisation_id == cast.promark
        )
        content = db.session.scalars(mine).one().content
    document = SendGrid(planned.config["SETTINGS"])._mail(DORTHE, content, "an attempt", "K7Q2MXPD")

    (carried,) = document["attachments"]
    assert carried["filename"].startswith("paper-plan-promark-")
    assert "ProMark" in locked.unlock(base64.b64decode(carried["content"]).decode(), PASSPHRASE)


def test_old_plans_go_and_a_late_one_is_red(planned, cast, clock):
    jobs.write_plans()
    first = paper_plan.newest("promark")
    with everyone():
        mine = [each for each in paper_plan.people.organisations() if each.key == "promark"]
        late = database_now() + timedelta(hours=3)
        assert [each.light for each in paper_plan.checks(mine, database_now())] == ["green"]
        assert [each.light for each in paper_plan.checks(mine, late)] == ["red"]
        db.session.rollback()
    clock.move(days=15)
    jobs.write_plans()

    assert not first.exists()


def test_one_that_cannot_be_written_keeps_no_other_and_leaves_no_half(planned, cast, monkeypatch, clock):
    tried, whole = [], paper_plan.os.fsync

    def breaks(number):
        tried.append(number)
        if len(tried) < 3:
            raise OSError(28, "No space left on device")
        whole(number)

    monkeypatch.setattr(paper_plan.os, "fsync", breaks)
    monkeypatch.setattr(paper_plan.people, "organisations", lambda all_of=paper_plan.people.organisations: [
        each for each in all_of() if each.key in ("promark", "softwerk")
    ])  # fmt: skip

    jobs.write_plans()
    jobs.write_plans()
    assert (len(tried), list(paper_plan.folder().iterdir())) == (2, []), "not again at once"
    clock.move(minutes=11)
    jobs.write_plans()

    assert paper_plan.newest("promark")
    assert paper_plan.newest("softwerk")


def test_it_opens_in_a_browser_without_a_network_and_prints(planned, cast, chromium):
    incident_id = desk.confirmed(cast)
    jobs.write_plans()
    path = paper_plan.newest("promark")
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(path.as_uri())

    page.get_by_label("Passphrase").fill("wrong")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("That does not open it").wait_for()
    page.get_by_label("Passphrase").fill(f" {PASSPHRASE} ")
    page.get_by_role("button", name="Open").click()
    page.get_by_text(desk.incident_of(cast, incident_id).number).first.wait_for()

    assert page.get_by_label("Passphrase").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert asked == [path.as_uri()]
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()
