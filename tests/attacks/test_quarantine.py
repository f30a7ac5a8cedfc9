"""What is refused at the door is counted and told of once; a flood fills neither disk nor night."""

import hashlib
import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import processors, quarantine, signatures, webhook
from incident.models import Quarantined
from incident.quarantine import Refusal
from notifications.models import Message
from tests import people
from tests.attacks import sending
from tests.attacks.sending import signed

BODY = sending.report(title="The canary was read")


@pytest.fixture(autouse=True)
def nothing_waits():
    quarantine.taken()
    yield
    quarantine.taken()


def forged(body=BODY):
    """Headers with a wrong secret."""
    return {"Content-Type": "application/json", "webhook-id": "msg_1",
            "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}  # fmt: skip


def knock(cast, client, body=BODY, headers=None):
    return sending.post(client, cast.hostco, body, headers or forged()).status_code


def rows():
    db.session.rollback()
    with everyone():
        return list(db.session.scalars(select(Quarantined).execution_options(populate_existing=True)))


def told():
    db.session.rollback()
    with everyone():
        query = select(func.count()).select_from(Message).where(Message.template == "wrongly_signed")
        return db.session.scalar(query)


def test_a_forged_request_a_thousand_times_tells_on_call_once_and_keeps_one_row(
    cast, client, sandbox, work, clock
):
    for number in range(100):
        assert knock(cast, client) == 401
        again = next(iter(quarantine._waiting))
        for _ in range(9):  # as nine more requests note it
            quarantine.note(again, now=utcnow())
        if number % 25 == 0:
            webhook.write_down()
    webhook.write_down()
    work()

    (row,) = rows()
    assert (row.count, row.reason, row.body_sha256) == (
        1000,
        "wrong_signature",
        hashlib.sha256(BODY).hexdigest(),
    )
    assert row.address == "127.0.0.1"
    assert len(sandbox.sms_to(people.ASTRIDS_PHONE)) == 1
    assert people.HOSTCO.split()[0] in sandbox.sms_to(people.ASTRIDS_PHONE)[0]["body"]

    clock.move(hours=7)
    knock(cast, client)
    webhook.write_down()
    work()
    assert len(sandbox.sms_to(people.ASTRIDS_PHONE)) == 2


def test_a_flood_of_different_ones_is_bounded_and_still_counted(app, cast):
    """100,000 of them, as the note that each request leaves; the requests themselves wait for nothing."""
    began = time.monotonic()
    for number in range(100_000):
        quarantine._add({  # what `note` does, without a line of log for each
            Refusal("wrong_signature", f"{number:064x}", f"10.0.{number % 250}.1",
                    cast.hostco.path.rsplit("/", 1)[1], cast.promark, tells=True):
            quarantine.Seen(1, utcnow(), utcnow())
        })  # fmt: skip
        if number % 10_000 == 0:
            webhook.write_down()
    webhook.write_down()

    assert time.monotonic() - began < 60
    assert len(rows()) <= 202
    assert sum(each.count for each in rows()) == 100_000
    assert told() > 0


def test_a_flood_at_addresses_that_nobody_has_hides_no_knock_at_a_real_one(cast, client):
    client.post("/api/v1/reports/nobody", data=b"0", headers=forged())
    for number in range(1, 250):
        quarantine.note(Refusal("unknown_endpoint", f"{number:064x}", "10.0.0.1", None, None), now=utcnow())
        if number % 100 == 0:
            webhook.write_down()
    knock(cast, client)
    webhook.write_down()

    real = [each for each in rows() if each.endpoint_id]
    assert len(real) == 1
    assert sum(each.count for each in rows()) == 251
    assert len(rows()) <= 203


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (lambda at: {"Content-Type": "application/json"}, "not_signed"),
        (lambda at: signed(at, BODY, late=301), "stale"),
        (lambda at: signed(at, BODY + b" "), "wrong_signature"),
        (lambda at: signed(at, BODY, webhook_id="a.b"), "not_signed"),
    ],
    ids=["nothing", "six minutes old", "other bytes", "an id with a dot"],
)  # fmt: skip
def test_each_is_kept_under_its_reason_and_answered_alike(cast, client, headers, reason):
    answer = sending.post(client, cast.hostco, BODY, headers(cast.hostco))
    webhook.write_down()

    assert (answer.status_code, answer.json["title"]) == (401, "Not signed")
    assert not [name for name, _value in answer.headers if name.lower().startswith("webhook")]
    assert [each.reason for each in rows()] == [reason]
    assert told() > 0


def test_on_call_hears_of_a_processor_whose_every_secret_has_ended(cast, client):
    with acting_for(cast.promark), transaction():
        processors.close_endpoint(processors.named(people.HOSTCO), utcnow())

    assert sending.post(client, cast.hostco, BODY).status_code == 401
    webhook.write_down()

    assert [(each.reason, bool(each.endpoint_id)) for each in rows()] == [("wrong_signature", True)]
    assert told() > 0


def test_a_late_repetition_of_what_we_have_wakes_nobody(cast, client):
    first = signed(cast.hostco, BODY)
    assert sending.post(client, cast.hostco, BODY, first).status_code == 202

    knock(cast, client, headers=signed(cast.hostco, BODY, late=400))
    webhook.write_down()

    assert [each.reason for each in rows()] == ["stale"]
    assert told() == 0


def test_neither_log_nor_row_holds_what_was_sent(cast, client, caplog):
    knock(cast, client, body=b'{"canary": "Ida Holm"}')
    webhook.write_down()

    said = " ".join(each.getMessage() for each in caplog.records)
    assert "report.refused" in said
    for word in ("canary", "Ida", cast.hostco.path.rsplit("/", 1)[1]):
        assert word not in said
    with everyone():
        stored = str(db.session.execute(db.text("SELECT * FROM quarantined")).all())
    assert "127.0.0.1" not in stored


def test_it_is_shown_with_what_to_do_and_can_be_dealt_with_until_it_comes_again(cast, client, signed_in):
    dorthe = signed_in(people.DORTHE)
    assert "Nothing was refused" in dorthe.get("/reports/quarantine").text
    knock(cast, client)
    webhook.write_down()
    page = dorthe.get("/reports/quarantine").text
    assert "to deal with" in page
    assert "Make a new secret" in page

    endpoint = cast.hostco.path.rsplit("/", 1)[1]
    settle = {"endpoint": endpoint, "reason": ""}
    assert dorthe.post("/reports/quarantine/settlement", data=settle).status_code == 422
    for _ in range(2):
        dorthe.post("/reports/quarantine/settlement", data=settle | {"reason": "They had the old secret."})

    assert "to deal with" not in dorthe.get("/reports/quarantine").text
    with acting_for(cast.promark):
        lines = [
            each for each in ledger.entries(f"organisation/{cast.promark}") if "quarantine" in each.action
        ]
    assert [each.reason for each in lines] == ["They had the old secret."]
    knock(cast, client)
    webhook.write_down()
    assert "to deal with" in dorthe.get("/reports/quarantine").text


def test_another_organisation_sees_none_of_it(cast, client, signed_in):
    knock(cast, client)
    client.post("/api/v1/reports/nobody", data=b"x", headers=forged())
    webhook.write_down()
    eskil = signed_in(people.ESKIL)
    eskil.post("/language", data={"locale": "en"})

    page = eskil.get("/reports/quarantine").text

    assert "127.0.0.1" not in page
    assert hashlib.sha256(BODY).hexdigest()[:16] not in page
    endpoint = cast.hostco.path.rsplit("/", 1)[1]
    told_away = {"endpoint": endpoint, "reason": "x"}
    assert eskil.post("/reports/quarantine/settlement", data=told_away).status_code in (403, 404)


def test_of_thousands_the_page_counts_all_and_loads_a_few(cast, client):
    endpoint = cast.hostco.path.rsplit("/", 1)[1]
    for number in range(120):
        refusal = Refusal("stale", f"{number:064x}", "10.0.0.1", endpoint, cast.promark)
        quarantine.note(refusal, now=utcnow() + timedelta(seconds=number))
    webhook.write_down()

    with acting_for(cast.promark):
        (knocks,) = quarantine.listed(cast.promark)

    assert (knocks.count, knocks.kept, len(knocks.rows), knocks.open) == (120, 120, 50, True)
    assert knocks.rows[0].last_at == knocks.last_at == max(each.last_at for each in rows())


def test_it_is_forgotten_after_its_days(cast, client, clock):
    from incident import jobs  # noqa: PLC0415

    knock(cast, client)
    webhook.write_down()
    assert jobs.forget_refused() == 0
    clock.move(days=31)
    assert jobs.forget_refused() == 1
    assert rows() == []


def test_what_could_not_be_written_is_kept_in_mind(cast, client, monkeypatch):
    knock(cast, client)
    with monkeypatch.context() as broken:
        broken.setattr(quarantine, "write_down", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            webhook.write_down()

    webhook.write_down()

    assert [each.count for each in rows()] == [1]


def test_outside_of_tests_a_thread_writes_it_down_by_itself(app, cast, client, monkeypatch):
    monkeypatch.setattr(app, "testing", False)  # as it is in earnest
    knock(cast, client)

    until = time.monotonic() + 10
    while not rows() and time.monotonic() < until:
        time.sleep(0.05)

    assert [each.count for each in rows()] == [1]


# --- answers are signed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"), [(BODY, 202), (b"no JSON", 400), (sending.report(zz=1), 422)],
    ids=["good", "bad", "odd"],
)  # fmt: skip
def test_whoever_signed_gets_a_signed_answer_that_no_one_can_send_us_as_a_report(cast, client, body, status):
    answer = sending.post(client, cast.hostco, body, webhook_id="msg_7")
    headers = {name: value for name, value in answer.headers.items() if name.lower().startswith("webhook")}

    assert answer.status_code == status
    signatures._OverBytes(cast.hostco.secret).verify(answer.text, {k.lower(): v for k, v in headers.items()})
    assert "msg_7" in answer.headers["webhook-id"]
    kept = sending.kept()
    back = client.post(
        cast.hostco.path, data=answer.data, headers=headers | {"Content-Type": "application/json"}
    )
    assert back.status_code == 401
    assert sending.kept() == kept
    assert json.loads(answer.text)
