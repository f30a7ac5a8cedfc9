"""A group for SendGrid, over HTTP to the sandbox: each person alone, each once, and who is refused alone."""

import socket
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from notifications import channels
from notifications.channels import Accepted, CannotAsk, Many, Refusal, To, Unsure
from notifications.channels.sendgrid import SendGrid
from notifications.rules import grouping
from notifications.rules.retry import TOO_LARGE, UNFILLED, is_permanent
from notifications.sandbox.callbacks import Answer
from notifications.sandbox.counting import CountingServer
from tests.notifications.installation import a_settings
from tests.sandbox import Sandbox

LETTER = {
    "subject": "Brud på dine data",
    "text": "Kære ⟦name⟧\n\nKode ⟦code⟧",
    "html": "<p>Kære ⟦name.html⟧</p><p>Kode ⟦code.html⟧</p>",
    "sender": "ProMark A/S",
    "reply_to": "dpo@promark.example",
}
REFERENCE = "K7Q2MX"


@pytest.fixture
def sandbox(tmp_path: Path):
    with Sandbox.start(tmp_path / "sandbox", "http://product.test") as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


@pytest.fixture
def sendgrid(tmp_path, sandbox):
    return SendGrid(a_settings(tmp_path, **sandbox.environment))


def people(count, **values):
    return [
        To(place, f"person{place}@example.test", {"name": f"Person {place}", "code": f"c{place}", **values})
        for place in range(count)
    ]


def send(by, to, *, content=LETTER, attempt=None, limit=10.0, late=channels.to_nobody) -> Many:
    return by.send_many(
        to, content=content, attempt_id=attempt or str(uuid4()), reference=REFERENCE, limit=limit, late=late
    )


def test_everybody_gets_one_mail_that_names_nobody_else(sandbox, sendgrid):
    attempt = str(uuid4())

    told = send(sendgrid, people(3), attempt=attempt)

    mails = sandbox.accepted("sendgrid")
    assert isinstance(told.answer, Accepted)
    assert told.refused == {}
    assert [mail["to"] for mail in mails] == [f"person{n}@example.test" for n in range(3)]
    for place, mail in enumerate(mails):
        assert mail["body"] == f"Kære Person {place}\n\nKode c{place}"
        assert mail["html"] == f"<p>Kære Person {place}</p><p>Kode c{place}</p>"
        assert mail["custom_args"] == {"a": attempt, "n": str(place)}
        assert mail["headers"] == {"X-Breachclock-Reference": REFERENCE}
        assert (mail["subject"], mail["sender_name"], mail["role"]) == (
            LETTER["subject"],
            "ProMark A/S",
            "to",
        )
        assert mail["request"] == told.answer.provider_id


def test_a_name_is_no_html_no_mark_and_no_line_of_a_header(sandbox, sendgrid):
    evil = '<b>⟦code⟧</b>\r\nBcc: eve@example.org "&'
    content = LETTER | {"subject": "Brud, ⟦name⟧"}

    send(sendgrid, people(2, name=evil), content=content)

    first, second = sandbox.accepted("sendgrid")
    assert first["subject"] == second["subject"] == 'Brud, <b>[code]</b> Bcc: eve@example.org "&'
    assert "<b>" not in first["html"]
    assert "&lt;b&gt;[code]&lt;/b&gt;" in first["html"]
    assert first["html"].count("c0") == first["body"].count("c0") == 1


def test_a_subject_may_name_each_person(sandbox, sendgrid):
    send(sendgrid, people(2), content=LETTER | {"subject": "Brud, ⟦name⟧"})

    assert [mail["subject"] for mail in sandbox.accepted()] == ["Brud, Person 0", "Brud, Person 1"]


def test_a_thousand_go_in_one_request_and_one_more_does_not_go(sandbox, sendgrid):
    assert sendgrid.most == 1000

    told = send(sendgrid, people(1000))
    more = send(sendgrid, people(1001))

    assert isinstance(told.answer, Accepted)
    assert len({mail["to"] for mail in sandbox.accepted()}) == len(sandbox.accepted()) == 1000
    assert isinstance(more.answer, Refusal)


@pytest.mark.parametrize("part", ["subject", "text", "html"])
@pytest.mark.parametrize("text", ["⟦unknown", "⟦⟧", "x⟧"])
def test_a_text_with_half_a_mark_goes_to_nobody(sandbox, sendgrid, part, text):
    told = send(sendgrid, people(2), content=LETTER | {part: text})

    assert (told.answer.code, is_permanent(told.answer.code, 1)) == (UNFILLED, True)
    assert sandbox.accepted() == []


def test_who_lacks_a_value_is_left_out_and_the_others_are_told(sandbox, sendgrid):
    group = [*people(2), To(2, "nina@example.test", {"name": "Nina"})]

    told = send(sendgrid, group)

    assert isinstance(told.answer, Accepted)
    assert {place: no.code for place, no in told.refused.items()} == {2: UNFILLED}
    assert len(sandbox.accepted()) == 2


@pytest.mark.parametrize("address", ["", "nina", "@example.test", "nina@", "nina@example.test\nBcc: x@y.test",
                                     "nina@a.test, ole@b.test", "nina@example.test>"])  # fmt: skip
def test_what_is_no_single_address_stops_nobody_else(sandbox, sendgrid, address):
    told = send(sendgrid, [To(0, address, {"name": "N", "code": "c"}), *people(3)[1:]])

    assert list(told.refused) == [0]
    assert is_permanent(told.refused[0].code, 1)
    assert [mail["custom_args"]["n"] for mail in sandbox.accepted()] == ["1", "2"]


def test_whom_sendgrid_refuses_by_name_is_left_out_and_the_others_go_once(sandbox, sendgrid):
    sandbox.fail("sendgrid", "named", to="person[37]@example.test", times=None)

    told = send(sendgrid, people(10))

    assert isinstance(told.answer, Accepted)
    assert sorted(told.refused) == [3, 7]
    assert is_permanent(told.refused[3].code, 1)
    assert [mail["custom_args"]["n"] for mail in sandbox.accepted()] == [
        str(n) for n in range(10) if n not in {3, 7}
    ]


def test_when_sendgrid_names_everybody_nobody_is_told_and_all_are_refused(sandbox, sendgrid):
    sandbox.fail("sendgrid", "named", to=".*", times=None)

    told = send(sendgrid, people(3))

    assert (told.answer.code, sorted(told.refused), sandbox.accepted()) == ("400", [0, 1, 2], [])


def test_a_refusal_that_names_no_person_is_of_everybody(sandbox, sendgrid):
    sandbox.fail("sendgrid", "4xx", status=400)

    told = send(sendgrid, people(3))

    assert (told.answer.code, told.refused, sandbox.accepted()) == ("400", {}, [])


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("429", {"retry_after": "7"}, Refusal),
        ("5xx", {}, Unsure),
        ("5xx", {"accepted": True}, Unsure),
        ("reset_after_body", {}, Unsure),
        ("reset_before_body", {}, Unsure),
        ("html", {}, Unsure),
        ("empty", {}, Unsure),
        ("redirect", {}, Refusal),
    ],
)
def test_a_fault_in_the_middle_is_of_the_whole_group(sandbox, sendgrid, fault, options, kind):
    sandbox.fail("sendgrid", fault, **options)

    told = send(sendgrid, people(5))

    assert (type(told.answer), told.refused) == (kind, {})
    if isinstance(told.answer, Refusal):
        assert not is_permanent(told.answer.code, 8)
        assert sandbox.accepted() == []
    if fault == "429":
        assert told.answer.retry_after == 7


def test_an_answer_that_never_comes_is_unsure_in_time_but_not_of_those_refused_before(sandbox, sendgrid):
    sandbox.fail("sendgrid", "named", to="person2@example.test")
    sandbox.fail("sendgrid", "accept_then_hang", seconds=5)
    begun = time.monotonic()

    told = send(sendgrid, people(4), limit=0.7)

    assert time.monotonic() - begun < 2
    assert isinstance(told.answer, Unsure)
    assert list(told.refused) == [2]
    assert len(sandbox.accepted()) == 3


def test_after_its_time_a_refused_group_does_not_go_again(sandbox, sendgrid, monkeypatch):
    late = []
    slow = sandbox.server.bench.scheduler.stopped.wait
    take = sandbox.server.bench.script.take
    sandbox.fail("sendgrid", "named", to="person1@example.test")

    def slowly(wanted, *args, **kwargs):
        slow(0.4)
        return take(wanted, *args, **kwargs)

    monkeypatch.setattr(sandbox.server.bench.script, "take", slowly)
    told = send(sendgrid, people(3), limit=0.3, late=late.append)
    sandbox.wait_for(lambda: late)

    assert isinstance(told.answer, Unsure)
    assert (type(late[0].answer), list(late[0].refused)) == (Refusal, [1])
    assert sandbox.accepted() == []


def test_a_late_yes_is_told_with_its_id(sandbox, sendgrid):
    late = []
    sandbox.fail("sendgrid", "slow", seconds=0.45)

    told = send(sendgrid, people(2), limit=0.3, late=late.append)
    sandbox.wait_for(lambda: late)

    assert isinstance(told.answer, Unsure)
    assert late[0].answer.provider_id == sandbox.accepted()[0]["request"]


def test_nobody_there_is_provably_not_sent(tmp_path):
    told = send(SendGrid(a_settings(tmp_path)), people(2))

    assert isinstance(told.answer, Refusal)
    assert told.answer.code is None


@pytest.fixture
def counting():
    """A SendGrid that keeps its connections, and counts."""
    server = CountingServer("127.0.0.1", 0)
    server.met = []
    take = server.process_request
    server.process_request = lambda request, address: (server.met.append(request), take(request, address))[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(tmp_path, counting, sandbox):
    return SendGrid(a_settings(tmp_path, **sandbox.environment | {"SENDGRID_API_BASE": counting.url}))


def test_one_connection_serves_one_group_after_another(quick, counting):
    for _ in range(5):
        assert isinstance(send(quick, people(2)).answer, Accepted)

    assert len(counting.met) == 1
    assert counting.counts.told() | {"bytes": 0} == {"requests": 5, "people": 10, "repeated": 8, "bytes": 0}


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(quick, counting):
    send(quick, people(2))
    counting.met[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.1)

    assert isinstance(send(quick, people(2)).answer, Accepted)
    assert len(counting.met) == 2


def test_a_connection_that_rested_long_is_not_used_again(quick, counting, monkeypatch):
    monkeypatch.setattr(grouping, "idle", lambda _provider: 0.0)

    for _ in range(2):
        assert isinstance(send(quick, people(2)).answer, Accepted)

    assert len(counting.met) == 2


def test_values_that_are_too_long_are_of_their_person_alone(sandbox, sendgrid):
    group = people(3)
    group[1] = group[1]._replace(values={"name": "Å" * 6000, "code": "c"})

    told = send(sendgrid, group)

    assert isinstance(told.answer, Accepted)
    assert {place: no.code for place, no in told.refused.items()} == {1: TOO_LARGE}
    assert is_permanent(TOO_LARGE, 1)


def test_of_more_than_one_request_holds_none_goes_and_they_go_in_smaller_groups(
    sandbox, sendgrid, monkeypatch
):
    terms = grouping.terms()
    smaller = terms | {"sendgrid": terms["sendgrid"] | {"bytes": 4000}}
    monkeypatch.setattr(grouping, "terms", lambda: smaller)

    told = send(sendgrid, people(40))

    assert (told.answer.code, told.refused, sandbox.accepted()) == (TOO_LARGE, {}, [])
    assert isinstance(send(sendgrid, people(5)).answer, Accepted)
    assert len(sandbox.accepted()) == 5


def test_a_group_is_found_by_its_attempt_and_has_no_single_fate(sandbox, sendgrid):
    attempt = str(uuid4())
    sandbox.fail("sendgrid", "reset_after_body")
    send(sendgrid, people(3), attempt=attempt)
    sandbox.wait_for(lambda: all(mail["status"] == "delivered" for mail in sandbox.accepted()))

    found = sendgrid.find(recipient="", attempt_ids=[attempt], reference=REFERENCE, since=None)

    assert found
    assert found.startswith(sandbox.accepted()[0]["request"])
    assert sendgrid.find(recipient="", attempt_ids=[str(uuid4())], reference=REFERENCE, since=None) is None
    with pytest.raises(CannotAsk):
        sendgrid.told(attempt_id=attempt, provider_id=found)
