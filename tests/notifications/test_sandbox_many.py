"""The sandbox when a thousand are told in one request: durable, shown by the page, faulty on demand."""

import re
import threading
import time
from pathlib import Path

import pytest
import requests
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_API_KEY
from notifications.sandbox.counting import CountingServer
from notifications.sandbox.ledger import Ledger
from tests.sandbox import Sandbox

PRODUCT = "http://product.test"


@pytest.fixture
def sandbox(tmp_path: Path):
    with Sandbox.start(tmp_path, PRODUCT) as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


def a_mail(count, *, first=0, address="person{}@example.test"):
    return {
        "from": {"email": "incidents@promark.test", "name": "ProMark"},
        "subject": "Brud",
        "content": [{"type": "text/plain", "value": "Kære ⟦name⟧"},
                    {"type": "text/html", "value": "<p>Kære ⟦name.html⟧</p>"}],
        "personalizations": [
            {
                "to": [{"email": address.format(n)}], "custom_args": {"a": "attempt", "n": str(n)},
                "substitutions": {"⟦name⟧": f"P & {n}", "⟦name.html⟧": f"P &amp; {n}"},
            }
            for n in range(first, first + count)
        ],
    }  # fmt: skip


def post(url, mail):
    client = SendGridAPIClient(SANDBOX_API_KEY, host=url).client
    client.timeout = 10
    return client.mail.send.post(request_body=mail)


def refused(url, mail):
    with pytest.raises(HTTPError) as no:
        post(url, mail)
    return no.value.status_code, no.value.to_dict["errors"]


def seen(sandbox):
    return [
        (mail["seq"], mail["id"], mail["to"], mail["body"], mail["html"], mail["custom_args"], mail["status"])
        for mail in sandbox.accepted()
    ]


def all_ended(sandbox):
    return all(mail["status"] in {"delivered", "bounce"} for mail in sandbox.accepted())


def test_a_thousand_are_there_after_a_kill_each_with_their_text_and_fate(tmp_path):
    with Sandbox.start(tmp_path, "http://127.0.0.1:1", process=True, callback_tries=1) as sandbox:
        sandbox.outcome(".*9@example.test", "bounce", provider="sendgrid")
        post(sandbox.url, a_mail(1000))
        post(sandbox.url, a_mail(1, first=5000))
        sandbox.wait_for(lambda: all_ended(sandbox), within=15)
        before = seen(sandbox)
        sandbox.kill()
        sandbox.start_again(process=True)

        assert seen(sandbox) == before
        assert len(before) == len({each[0] for each in before}) == len({each[1] for each in before}) == 1001
        assert before[17][2:5] == ("person17@example.test", "Kære P & 17", "<p>Kære P &amp; 17</p>")
        assert sum(each[-1] == "bounce" for each in before) == 100
        post(sandbox.url, a_mail(1, first=6000))
        assert sandbox.accepted()[-1]["seq"] > before[-1][0]


def test_a_request_that_is_torn_off_in_the_ledger_was_never_there(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        post(sandbox.url, a_mail(10))
        post(sandbox.url, a_mail(10, first=10))
    ledger = tmp_path / "ledger.jsonl"
    content = ledger.read_bytes()
    ledger.write_bytes(content[:-50])

    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        assert len(sandbox.accepted()) == 10
        post(sandbox.url, a_mail(10, first=20))
        assert [mail["seq"] for mail in sandbox.accepted()] == list(range(1, 21))


def test_a_ledger_of_one_line_a_state_is_still_read(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        post(sandbox.url, a_mail(1))
        name = sandbox.accepted()[0]["id"]
    state = {"kind": "state", "id": name, "status": "delivered", "error_code": None,
             "at": "2026-11-28T12:00:00+00:00"}  # fmt: skip
    ledger = Ledger(tmp_path / "ledger.jsonl")
    list(ledger.lines())
    ledger.append([state])
    ledger.close()

    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        assert [mail["status"] for mail in sandbox.accepted()] == ["delivered"]


def test_a_share_of_all_bounces_and_always_the_same_ones(sandbox):
    sandbox.outcome(".*", "bounce", provider="sendgrid", share=0.05)

    for _ in range(2):
        post(sandbox.url, a_mail(1000))
    sandbox.wait_for(lambda: all_ended(sandbox), within=15)

    bounced = [mail["to"] for mail in sandbox.accepted() if mail["status"] == "bounce"]
    assert 20 <= len(set(bounced)) <= 90
    assert len(bounced) == 2 * len(set(bounced))


def test_a_fault_can_name_the_people_it_is_about(sandbox):
    sandbox.fail("sendgrid", "named", to="person[13]@example.test", times=None)

    status, errors = refused(sandbox.url, a_mail(5))

    assert status == 400
    assert [each["field"] for each in errors] == [
        "personalizations.1.to.0.email", "personalizations.3.to.0.email",
    ]  # fmt: skip
    assert sandbox.accepted() == []
    assert post(sandbox.url, a_mail(3, first=4)).status_code == 202


@pytest.mark.parametrize(("fault", "accepted"), [("reset_after_body", 3), ("429", 0), ("5xx", 0)])
def test_a_fault_of_one_address_strikes_the_request_it_is_in(sandbox, fault, accepted):
    sandbox.fail("sendgrid", fault, to="person2@example.test")

    with pytest.raises((HTTPError, OSError)):
        post(sandbox.url, a_mail(3))

    assert len(sandbox.accepted()) == accepted
    assert post(sandbox.url, a_mail(1, first=100)).status_code == 202


def test_only_sendgrid_names_anybody(sandbox):
    told = requests.post(
        f"{sandbox.url}/_sandbox/faults", json={"provider": "twilio", "fault": "named"}, timeout=5
    )

    assert told.status_code == 422


def test_substitutions_of_one_person_have_an_end(sandbox):
    mail = a_mail(2)
    mail["personalizations"][1]["substitutions"]["⟦name⟧"] = "Å" * 5001

    status, errors = refused(sandbox.url, mail)

    assert (status, errors[0]["field"]) == (400, "personalizations.1.substitutions")


def test_a_mailbox_of_a_thousand_mails_is_read_by_the_page(sandbox):
    post(sandbox.url, a_mail(1000, address="nina@example.test"))
    sandbox.wait_for(lambda: all_ended(sandbox), within=15)
    page, places, pages = "/mailboxes/nina@example.test", [], 0

    while page:
        html = requests.get(sandbox.url + page, timeout=5).text
        assert len(html) < 400_000
        places += re.findall(r"<dt>n</dt><dd>(\d+)</dd>", html)
        older = re.search(r'href="([^"]*before=\d+)"', html)
        page, pages = older and older[1], pages + 1

    assert places == [str(n) for n in reversed(range(1000))]
    assert pages == 20


def test_a_thousand_mailboxes_are_shown_by_the_page(sandbox):
    post(sandbox.url, a_mail(1000))
    sandbox.wait_for(lambda: all_ended(sandbox), within=15)
    begun, page, found = time.monotonic(), "/", []

    while page and len(found) < 100:
        html = requests.get(sandbox.url + page, timeout=5).text
        found += re.findall(r'id="box-([^"]+)-name"', html)
        older = re.search(r'href="([^"]*after=\d+)"', html)
        page = older and older[1]

    assert len(found) == len(set(found)) == 120
    assert time.monotonic() - begun < 5


@pytest.fixture
def counting():
    server = CountingServer("127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_sandbox_that_counts_tells_who_came_twice(counting):
    post(counting.url, a_mail(100))
    post(counting.url, a_mail(100, first=90))

    told = requests.get(f"{counting.url}/_sandbox/counts", timeout=5).json()

    assert (told["requests"], told["people"], told["repeated"]) == (2, 200, 10)


@pytest.mark.parametrize("mail", [{}, [], {"personalizations": []}, a_mail(1001)])
def test_a_sandbox_that_counts_refuses_what_is_no_mail(counting, mail):
    assert refused(counting.url, mail)[0] == 400
    assert counting.counts.told()["people"] == 0


def test_a_sandbox_that_counts_opens_only_to_its_own_key(counting):
    told = requests.post(
        f"{counting.url}/v3/mail/send", json=a_mail(1), headers={"Authorization": "Bearer SG.real"}, timeout=5
    )

    assert (told.status_code, counting.counts.told()["people"]) == (401, 0)
