"""Groups by providers that take one message at a time: each filled by us, a mail server's connection kept."""

import time
from uuid import uuid4

import pytest

from notifications.channels import Accepted, Many, Refusal, To, Unsure
from notifications.channels.gateway import Gateway
from notifications.channels.pretend import Pretend
from notifications.channels.smtp import Smtp
from notifications.channels.twilio import Twilio
from notifications.rules import grouping
from notifications.rules.retry import UNFILLED, is_permanent
from notifications.sandbox.callbacks import Answer
from tests.notifications.installation import a_settings
from tests.notifications.mail_server import mail_server
from tests.sandbox import Sandbox

LETTER = {"subject": "Brud, ⟦name⟧", "text": "Kære ⟦name⟧", "html": "<p>Kære ⟦name.html⟧</p>"}
TEXT = {"text": "Kære ⟦name⟧. Ref K7Q2MX"}


@pytest.fixture
def server():
    with mail_server() as (says, port):
        says.port = port
        yield says


def by_mail(tmp_path, url):
    return a_settings(
        tmp_path, BREACHCLOCK_EMAIL="smtp", BREACHCLOCK_SMTP_URL=url,
        BREACHCLOCK_MAIL_FROM="breachclock@localhost.test",
    )  # fmt: skip


@pytest.fixture
def mailer(tmp_path):
    """Makes the provider by mail to a port; its connections end with the test."""
    made = []

    def make(port, who=""):
        made.append(Smtp(by_mail(tmp_path, f"smtp://{who}127.0.0.1:{port}")))
        return made[-1]

    yield make
    for each in made:
        each.kept.close()


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox.start(tmp_path / "sandbox", "http://product.test") as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


def send(by, *to, content=LETTER, attempt=None, limit=5.0) -> Many:
    return by.send_many(
        to, content=content, attempt_id=attempt or str(uuid4()), reference="K7Q2MX", limit=limit
    )


def anna(place=0, address="anna@example.org", name="Anna"):
    return To(place, address, {"name": name})


def test_a_mail_server_gets_each_mail_alone_over_one_connection(mailer, server):
    by = mailer(server.port)

    answers = [send(by, anna(address=f"p{n}@example.org", name=f"<P{n}>")) for n in range(5)]

    assert {type(told.answer) for told in answers} == {Accepted}
    assert [each.rcpt_tos for each in server.accepted] == [[f"p{n}@example.org"] for n in range(5)]
    assert len(server.names) == 1
    mail = server.mails()[3]
    assert mail["Subject"] == "Brud, <P3>"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Kære &lt;P3&gt;</p>"


def test_a_refused_recipient_is_refused_alone_and_the_connection_serves_the_next(mailer, server):
    by = mailer(server.port)
    server.replies["RCPT"] = "550 5.1.1 No such user"
    first = send(by, anna())
    del server.replies["RCPT"]

    second = send(by, anna(address="ole@example.org"))

    assert is_permanent(first.answer.code, 1)
    assert isinstance(second.answer, Accepted)
    assert [each.rcpt_tos for each in server.accepted] == [["ole@example.org"]]
    assert len(server.names) == 1


def test_a_mail_server_that_went_away_meanwhile_is_greeted_anew(mailer):
    with mail_server() as (_says, port):
        by = mailer(port)
        assert isinstance(send(by, anna()).answer, Accepted)
        by.kept._at_rest[0].server.sock.shutdown(2)

        assert isinstance(send(by, anna()).answer, Accepted)


def test_a_connection_ends_after_as_many_mails_as_a_server_takes(mailer, server, monkeypatch):
    terms = grouping.terms()
    few = terms | {"smtp": terms["smtp"] | {"messages": 2}}
    monkeypatch.setattr(grouping, "terms", lambda: few)
    by = mailer(server.port)

    for _ in range(5):
        assert isinstance(send(by, anna()).answer, Accepted)

    assert len(server.names) == 3


def test_a_connection_that_rested_long_is_not_used_again(mailer, server, monkeypatch):
    monkeypatch.setattr(grouping, "idle", lambda _provider: 0.0)
    by = mailer(server.port)

    for _ in range(2):
        assert isinstance(send(by, anna()).answer, Accepted)

    assert len(server.names) == 2


def test_what_a_mail_server_leaves_open_is_unsure_of_that_person_alone(mailer, sandbox):
    _host, port = sandbox.smtp_at
    sandbox.fail("smtp", "accept_then_hang", to="anna@example.org", seconds=3)
    own = "sandbox:sandbox-mail-opens-nothing-else@"
    by = mailer(port, own)
    begun = time.monotonic()

    told = [send(by, anna(address=f"{name}@example.org"), limit=1.0) for name in ("ole", "anna", "nina")]

    assert [type(each.answer) for each in told] == [Accepted, Unsure, Accepted]
    assert time.monotonic() - begun < 3
    assert [mail["to"] for mail in sandbox.accepted("smtp")] == [
        "ole@example.org", "anna@example.org", "nina@example.org",
    ]  # fmt: skip


def test_a_text_message_is_filled_and_its_receipts_bring_attempt_and_place(tmp_path, sandbox):
    attempt = str(uuid4())
    by = Twilio(a_settings(tmp_path, **sandbox.environment, BREACHCLOCK_PUBLIC_URL="http://product.test"))

    told = send(by, anna(place=0, address="+4520000001"), content=TEXT, attempt=attempt)

    sms = sandbox.sms_to("+4520000001")
    assert isinstance(told.answer, Accepted)
    assert [each["body"] for each in sms] == ["Kære Anna. Ref K7Q2MX"]
    assert sms[0]["status_callback"].endswith(f"/callbacks/twilio/status?a={attempt}&n=0")


def test_the_gateway_gets_a_text_by_the_id_of_its_attempt(tmp_path, sandbox):
    attempt = str(uuid4())
    by = Gateway(a_settings(tmp_path, **sandbox.environment, **sandbox.second_environment))

    told = send(by, anna(address="+4520000001"), content=TEXT, attempt=attempt)

    assert isinstance(told.answer, Accepted)
    assert [(each["body"], each["request"]) for each in sandbox.accepted("gateway")] == [
        ("Kære Anna. Ref K7Q2MX", attempt)
    ]
    assert by.find(recipient="", attempt_ids=[attempt], reference="", since=None) == told.answer.provider_id


@pytest.mark.parametrize("kind", [Twilio, Gateway, Smtp])
def test_more_than_one_or_a_text_with_a_gap_goes_to_nobody(tmp_path, kind):
    by = kind(by_mail(tmp_path, "smtp://127.0.0.1:1"))
    assert by.most == 1

    two = send(by, anna(), anna(1), content=TEXT)
    gap = send(by, To(0, "anna@example.org", {}), content=TEXT)

    assert isinstance(two.answer, Refusal)
    assert not is_permanent(two.answer.code, 8)
    assert gap.answer.code == UNFILLED


def test_a_drill_takes_a_whole_group_and_says_who_would_not_have_been_reached():
    told = send(Pretend(), anna(), anna(1, "ole@nowhere.example"), To(2, "a••••@example.org", {}))

    assert (type(told.answer), told.answer.says) == (Accepted, "delivered")
    assert sorted(told.refused) == [1, 2]
    assert all(is_permanent(no.code, 1) for no in told.refused.values())
