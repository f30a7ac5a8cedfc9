"""Who guesses, repeats, alters or replays what processors without machines report by gets nowhere."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.http import limiter
from incident import link_reports, links
from incident.models import Incident, ProcessorContact, Report, Submission
from notifications.models import Message
from tests import people
from tests.attacks import crawling, sending
from tests.attacks.test_hostile_text import EVIL
from tests.incident import desk, linking
from tests.incident.linking import send
from tests.incident.test_merging import merge


def facts_of(cast, incident_id):
    with acting_for(cast.promark):
        from incident import clocks  # noqa: PLC0415

        return clocks.document_of(db.session.get_one(Incident, incident_id))


def fail(*_args, **_named):
    raise IntegrityError("INSERT", {}, Exception("beside us"))


def hand_in(client, address, file):
    return client.post(f"{address}/upload", data={"file": (io.BytesIO(file), "report.json")})


def mails():
    with everyone():
        return list(db.session.scalars(select(Message).where(Message.template == "report_confirmation")))


def test_a_link_that_was_guessed_revoked_or_has_expired_leads_nowhere_in_one_manner(cast, client, clock):
    revoked_id, revoked = linking.link(cast)
    linking.revoke(cast, revoked_id)
    _id, expired = linking.link(cast, expires_at=utcnow() + timedelta(hours=1))
    clock.move(hours=2)

    def answers(address):
        tried = [
            client.get(address), send(client, address), client.get(f"{address}/upload"),
            hand_in(client, address, b"{}"), client.get(address.replace("/r/", "/s/")),
        ]  # fmt: skip
        return [(each.status_code, re.sub(r"[0-9a-f]{32}|/[rs]/[\w-]+", "", each.text)) for each in tried]

    guessed = answers("/r/" + "x" * 43)
    assert [status for status, _text in guessed] == [404] * 5
    assert answers(revoked) == answers(expired) == guessed
    assert sending.kept() == (0, 0)


def test_the_secret_is_stored_as_a_hash_and_shown_once(app, cast, signed_in):
    dorthe = signed_in(people.DORTHE)
    place = f"/processors/{linking.processor_id(cast)}/reporting"

    made = dorthe.post(f"{place}/links", data={"note": "The night desk"})

    secret = re.search(r"/r/([\w-]+)", made.text).group(1)
    assert app.test_client().get(f"/r/{secret}").status_code == 200
    assert secret not in dorthe.get(place).text
    with everyone():
        stored = [str(row) for row in db.session.execute(db.text("SELECT * FROM reporting_links"))]
    assert secret not in "".join(stored)


def test_a_double_tap_and_a_retry_are_one_report(app, cast):
    _id, address = linking.link(cast)
    told = linking.typed()
    db.session.remove()

    def tap(_number):
        with app.app_context():
            return app.test_client().post(address, data=told).location

    with ThreadPoolExecutor(6) as pool:
        places = set(pool.map(tap, range(6)))
    places.add(app.test_client().post(address, data=told).location)

    assert len(places) == 1
    assert sending.kept() == (1, 1)


def test_the_same_form_with_other_words_adds_to_the_same_incident(cast, client):
    _id, address = linking.link(cast)
    told = linking.typed()

    client.post(address, data=told)
    client.post(address, data=told | {"description": "It was the mail server as well."})

    assert sending.kept() == (2, 1)
    described = facts_of(cast, linking.only(Incident).id)["description"]
    assert "backup server" in described
    assert "mail server" in described


def test_a_second_visit_under_the_same_number_adds_and_takes_nothing_away(cast, client):
    """Also to what their machine signed: a few typed words must not wipe out its facts."""
    sending.post(client, cast.hostco, sending.report(reference="HC-7"))
    _id, address = linking.link(cast)
    incident = linking.only(Incident)
    before = facts_of(cast, incident.id)

    send(client, address, reference="HC-7", protection__encrypted="no", subjects__groups=["patients"])

    after = facts_of(cast, incident.id)
    assert sending.kept() == (2, 1)
    assert after["protection"]["encrypted"] == "no"
    assert {*before["subjects"].get("groups", []), "patients"} <= {*after["subjects"]["groups"]}
    assert {name: after[name] for name in ("title", "chain", "timeline")} == {
        name: before[name] for name in ("title", "chain", "timeline")
    }


def test_what_is_left_open_stays_unknown_and_the_times_are_those_of_the_zone(cast, client):
    _id, address = linking.link(cast)

    send(client, address, timeline__occurred_from="2026-11-26T03:10", zone="Asia/Kolkata",
         timeline__ongoing="unknown")  # fmt: skip

    told = facts_of(cast, linking.only(Incident).id)
    assert told["timeline"] == {"occurred_from": "2026-11-25T21:40:00Z"}
    assert not told.keys() & {"compromised", "protection", "subjects", "data", "cause"}
    assert told["chain"] == [{"name": people.HOSTCO, "role": "processor", "country": "DK"}]


def test_a_form_with_faults_comes_back_with_everything_typed_and_sends_nothing(cast, client):
    _id, address = linking.link(cast)

    refused = send(client, address, description=" ", subjects__total__at_least="many",
                   reported_by__name="Kim Holm", measures__taken="Shut it off")  # fmt: skip
    switched = client.post(address, data=linking.typed(switch="da"))

    assert refused.status_code == 422
    for kept in ("Kim Holm", "many", "Shut it off", "nothing you typed is lost"):
        assert kept in refused.text
    assert 'lang="da"' in switched.text
    assert "backup server" in switched.text
    assert sending.kept() == (0, 0)


def test_evil_text_is_text_on_every_page_of_the_link_and_for_staff(cast, client, signed_in):
    _id, address = linking.link(cast)
    evil = {"description": EVIL, "reference": EVIL[:90], "reported_by__name": EVIL, "measures__taken": EVIL}

    status = send(client, address, **evil, form_id=EVIL).location
    refused = send(client, address, **evil | {"subjects__total__at_least": EVIL})
    dorthe, incident = signed_in(people.DORTHE), linking.only(Incident)
    report = linking.only(Report)

    pages = [client.get(status), refused, dorthe.get(f"/incidents/{incident.id}"),
             dorthe.get(f"/reports/{report.id}"), dorthe.get("/reports")]  # fmt: skip
    for page in pages:
        assert page.status_code in (200, 422)
        assert "xss" not in crawling.Seen(page.text).elements
        assert not [name for name in crawling.Seen(page.text).attributes if name.startswith("on")]


def test_one_link_from_one_address_cannot_flood_us(cast, client):
    _id, address = linking.link(cast)
    limiter.enabled = True

    answers = [send(client, address).status_code for _ in range(32)]

    assert answers[:30] == [303] * 30
    assert answers[30:] == [429] * 2


# --- status pages --------------------------------------------------------------------------------


def test_the_status_page_of_one_report_shows_nothing_of_another(cast, client, signed_in):
    _id, address = linking.link(cast)
    mine = send(client, address, description="Mine: the mail server.", reference="A-1").location
    send(client, address, description="Other: the payroll of Falster.", reference="B-2")
    with everyone():
        numbers = list(db.session.scalars(select(Incident.number).order_by(Incident.reported_at)))
    signed_in(people.ASTRID)

    page = client.get(mine).text

    assert numbers[0] in page
    assert "What we still ask for" in page
    for foreign in (numbers[1], "Falster", "B-2", "Astrid", "risk", "Risk", "severity"):
        assert foreign not in page, foreign


def test_what_is_added_on_the_status_page_is_of_that_report(cast, client):
    _id, address = linking.link(cast)
    status = send(client, address).location

    for _ in range(2):
        client.post(
            status, data={"form_id": "again", "description": "800 people.", "data.categories": "health"}
        )

    assert sending.kept() == (2, 1)
    assert facts_of(cast, linking.only(Incident).id)["data"]["categories"] == ["health"]
    assert client.get(status).status_code == 200


def test_what_is_added_needs_no_words_where_it_holds_anything_else(cast, client):
    _id, address = linking.link(cast)
    status = send(client, address).location

    ticked = client.post(status, data={"form_id": "1", "protection.encrypted": "no"})
    nothing = client.post(status, data={"form_id": "2", "protection.encrypted": "unknown"})

    assert (ticked.status_code, nothing.status_code) == (303, 422)
    assert facts_of(cast, linking.only(Incident).id)["protection"] == {"encrypted": "no"}


def test_a_status_page_ends_some_time_after_its_incident(cast, client, clock, signed_in):
    _id, address = linking.link(cast)
    status, astrid = send(client, address).location, signed_in(people.ASTRID)
    astrid.post(f"/incidents/{linking.only(Incident).id}/rejection", data={"reason": "A test machine."})

    assert "Closed on our side" in client.get(status).text
    clock.move(days=31)
    assert client.get(status).status_code == 404


def test_what_is_added_after_a_merge_stands_beside_the_facts_of_the_one_that_carries_it(cast, client):
    _id, address = linking.link(cast)
    status = send(client, address).location
    carried = linking.only(Incident).id
    carrier = desk.reported(cast, reference="HC-1", protection={"encrypted": "yes"})
    merge(cast, carried, carrier)

    client.post(status, data={"form_id": "1", "protection.encrypted": "no"})

    assert facts_of(cast, carrier)["protection"] == {"encrypted": "yes"}
    assert facts_of(cast, carried)["protection"] == {"encrypted": "no"}


def test_by_a_revoked_link_nothing_is_added_and_the_state_is_still_shown(cast, client):
    link_id, address = linking.link(cast)
    status = send(client, address).location
    assert "Add information" in client.get(status).text
    linking.revoke(cast, link_id)

    refused = client.post(status, data={"form_id": "1", "protection.encrypted": "no"})

    assert refused.status_code == 404
    assert "Add information" not in client.get(status).text
    assert sending.kept() == (1, 1)


def test_what_could_not_be_stored_uses_up_none_of_the_tries(cast, client, monkeypatch):
    _id, address = linking.link(cast)
    limiter.enabled = True
    with monkeypatch.context() as broken:
        broken.setattr(link_reports, "take_in", fail)
        assert {send(client, address).status_code for _ in range(31)} == {503}

    assert send(client, address).status_code == 303


def test_one_status_page_takes_so_much_an_hour_from_however_many_addresses(cast, client):
    _id, address = linking.link(cast)
    status = send(client, address).location
    limiter.enabled = True

    def add(number):
        at = {"REMOTE_ADDR": f"10.0.{number}.1"}
        return client.post(status, data={"switch": "da"}, environ_base=at).status_code

    answers = [add(number) for number in range(201)]
    assert answers[199:] == [200, 429]


# --- confirmations -------------------------------------------------------------------------------


def vouch_for(cast, address, *, verified=True):
    with acting_for(cast.promark), transaction():
        db.session.add(ProcessorContact(
            organisation_id=cast.promark, processor_id=linking.processor_id(cast), position=1, name="Desk",
            email=address, verified_at=utcnow() if verified else None, added_at=utcnow(),
        ))  # fmt: skip


def test_a_confirmation_goes_once_to_who_is_vouched_for_and_tells_nothing(cast, client, sandbox, work):
    vouch_for(cast, "desk@hostco.example")
    _id, address = linking.link(cast)
    told = linking.typed(reported_by__email="Kim@HostCo.example", lang="da", description="The payroll.")

    for _ in range(2):
        client.post(address, data=told)
    work()

    (mail,) = sandbox.mail_to("kim@hostco.example")
    assert "Jeres melding" in json.dumps(mail, ensure_ascii=False)
    assert "payroll" not in json.dumps(mail)


def test_what_a_program_signs_is_confirmed_once_and_only_to_who_is_vouched_for(cast, client, sandbox, work):
    vouch_for(cast, "desk@hostco.example")
    body = sending.report(reference="HC-1", reported_by={"name": "Kim", "email": "kim@hostco.example"})
    stranger = sending.report(reference="HC-2", reported_by={"name": "X", "email": "x@elsewhere.example"})

    for told in (body, body, stranger, sending.report(kind="incident.test")):
        headers = sending.signed(cast.hostco, told, webhook_id=f"msg_{len(told)}")
        answer = sending.post(client, cast.hostco, told, headers)
        assert answer.status_code == 202
    for _ in range(2):
        work()

    (mail,) = sandbox.mail_to("kim@hostco.example")
    assert "signed GET" in json.dumps(mail)
    assert sandbox.mail_to("x@elsewhere.example") == []


@pytest.mark.parametrize(
    ("contact", "verified", "typed"),
    [("desk@hostco.example", True, "victim@elsewhere.example"),
     ("desk@unknown.example", False, "desk@unknown.example"), ("kim@gmail.com", True, "victim@gmail.com")],
    ids=["another domain", "nobody verified it", "everybody's domain"],
)  # fmt: skip
def test_a_stranger_cannot_make_us_write_to_whom_it_likes(cast, client, contact, verified, typed):
    vouch_for(cast, contact, verified=verified)
    _id, address = linking.link(cast)

    answer = send(client, address, reported_by__email=typed)

    assert answer.status_code == 303
    assert mails() == []


def test_an_address_is_written_to_so_often_a_day_and_no_more(cast, client):
    vouch_for(cast, "desk@hostco.example")
    _id, address = linking.link(cast)

    for _ in range(8):
        send(client, address, reported_by__email="desk@hostco.example")

    assert len(mails()) == 5


# --- files of offline forms ----------------------------------------------------------------------


def test_a_file_is_taken_days_later_and_replayed_it_is_one_report(cast, client):
    _id, address = linking.link(cast)
    file = linking.file_of(linking.key(cast), at=datetime.now(UTC) - timedelta(days=9), reference="HC-9")

    first, again = (hand_in(client, address, file) for _ in range(2))

    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    assert sending.kept() == (1, 1)
    assert linking.only(Submission).offline_key_id


def test_a_file_that_was_overtaken_adds_below_what_is_known(cast, client):
    _id, address = linking.link(cast)
    file = linking.file_of(
        linking.key(cast), at=datetime.now(UTC) - timedelta(days=2), reference="HC-9",
        description="The line is cut.", protection={"encrypted": "yes", "key_compromised": "no"},
    )  # fmt: skip
    send(client, address, reference="HC-9", protection__encrypted="no")

    assert hand_in(client, address, file).status_code == 303

    facts = facts_of(cast, linking.only(Incident).id)
    assert facts["protection"] == {"encrypted": "no", "key_compromised": "no"}
    assert facts["description"].startswith("The line is cut.\n\nOur backup server")


def test_a_colleague_hands_in_a_file_that_came_by_mail_and_it_is_checked_and_one_report(
    cast, client, signed_in
):
    _id, address = linking.link(cast)
    file, dorthe = linking.file_of(linking.key(cast)), signed_in(people.DORTHE)
    place = f"/processors/{linking.processor_id(cast)}/reporting/files"

    def by_mail(client, told):
        return client.post(place, data={"file": (io.BytesIO(told), "report.json")}).status_code

    assert by_mail(dorthe, file.replace(b"No network", b"Mo network")) == 422
    assert by_mail(signed_in(people.ESKIL), file) in (403, 404)
    assert sending.kept() == (0, 0)
    dorthe = signed_in(people.DORTHE)
    assert [by_mail(dorthe, file) for _ in range(2)] == [303, 303]
    assert hand_in(client, address, file).status_code == 303

    assert sending.kept() == (1, 1)
    with acting_for(cast.promark):
        entries = ledger.entries(f"processor/{linking.processor_id(cast)}")
    assert [each.actor for each in entries if each.action == "processor.file_handed_in"] == ["Dorthe Friis"]


def _next(digits):
    return b'"%s%d"' % (digits[1], (int(digits[2]) + 1) % 10)


def test_a_file_that_is_too_old_altered_revoked_or_of_another_processor_is_refused_in_one_manner(
    cast, client
):
    _id, address = linking.link(cast)
    made, other, ended = linking.key(cast), linking.key(cast, people.NORDHOST), linking.key(cast)
    with acting_for(cast.promark), transaction():
        links.revoke_key(ended[0], by="Dorthe Holm", now=utcnow())
    good = linking.file_of(made)
    files = {
        "too old": linking.file_of(made, at=datetime.now(UTC) - timedelta(days=15)),
        "a byte altered": good.replace(b"No network", b"Mo network"),
        "the time altered": re.sub(rb'"(\d{9})(\d)"', _next, good),
        "the id altered": good.replace(b'"webhook-id": "offline_', b'"webhook-id": "offline-'),
        "of another processor": linking.file_of(other), "of a revoked form": linking.file_of(ended),
        "of nobody": linking.file_of(("offline_x", made[1])), "no file": b"", "not JSON": b"<html>",
        "a test of the connection": linking.file_of(made, body=sending.report(kind="incident.test").decode()),
        "half": json.dumps({"key": made[0]}).encode(), "the endpoint's own secret": linking.file_of(
            (made[0], cast.hostco.secret)),
    }  # fmt: skip

    answers = {name: hand_in(client, address, file) for name, file in files.items()}

    assert {name: each.status_code for name, each in answers.items()} == dict.fromkeys(files, 422)
    assert len({re.sub(r"[0-9a-f]{32}", "", each.text) for each in answers.values()}) == 1
    assert sending.kept() == (0, 0)


def test_the_key_of_an_offline_form_opens_no_endpoint(cast, client):
    key_id, secret = linking.key(cast)
    body = sending.report()

    for endpoint in (cast.hostco.path, f"/api/v1/reports/{key_id}"):
        headers = sending.signed(type(cast.hostco)("", secret), body)
        assert client.post(endpoint, data=body, headers=headers).status_code == 401


def test_a_rightly_signed_file_that_cannot_be_read_opens_an_incident_all_the_same(cast, client):
    _id, address = linking.link(cast)
    file = linking.file_of(linking.key(cast), body='{"type": "incident.reported", "data": {"titel": "x"}}')

    answer = hand_in(client, address, file)

    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200
    assert sending.kept() == (1, 1)
    assert linking.only(Report).state == "faulty"


def test_links_of_one_organisation_are_nothing_to_another(app, cast, signed_in):
    eskil = signed_in(people.ESKIL)

    for place in ("", "/links", "/offline-forms"):
        address = f"/processors/{linking.processor_id(cast)}/reporting{place}"
        answer = eskil.post(address) if place else eskil.get(address)
        assert answer.status_code in (403, 404), place


def test_the_record_says_how_it_came_and_its_clock_runs(cast, client):
    _id, address = linking.link(cast)
    send(client, address, reported_by__name="Kim Holm")

    incident = linking.only(Incident)
    with acting_for(cast.promark):
        told = next(each for each in ledger.entries(incident.chain) if each.action == "report.received")
        count = db.session.scalar(select(func.count()).select_from(Submission))
    assert told.details["kind"] == "reporting link"
    assert "Kim" not in json.dumps(told.details)
    assert count == 1
    assert desk.incident_of(cast, incident.id).aware_at is not None
