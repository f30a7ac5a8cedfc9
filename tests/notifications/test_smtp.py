"""SMTP: a mail server's yes, its no, and the moment after which nobody knows."""

import socket
import threading
import time
from email.utils import parseaddr
from uuid import uuid4

import pytest

from notifications.channels import Accepted, CannotAsk, Refusal, Unsure
from notifications.channels.smtp import Smtp
from notifications.rules.mail_replies import Reply
from notifications.rules.retry import is_permanent
from tests.notifications.installation import a_settings
from tests.notifications.mail_server import certificate, mail_server

TO = "anna@example.org"
FROM = "breachclock@localhost.test"
CONTENT = {
    "subject": "Brud på persondata", "text": "Hej Anna\n\n.En linje med punktum\n", "html": "<p>Hej Anna</p>",
    "sender": "ProMark A/S",
}  # fmt: skip


def provider(tmp_path, port, *, at="127.0.0.1", scheme="smtp", who=""):
    url = f"{scheme}://{who}{at}:{port}"
    return Smtp(
        a_settings(tmp_path, BREACHCLOCK_EMAIL="smtp", BREACHCLOCK_SMTP_URL=url, BREACHCLOCK_MAIL_FROM=FROM)
    )


def send(by, *, to=TO, content=CONTENT, limit=5.0, attempt=None):
    return by.send(
        recipient=to, content=content, attempt_id=attempt or str(uuid4()), reference="K7Q2MX", limit=limit,
        urgent=False,
    )  # fmt: skip


@pytest.fixture
def server():
    with mail_server() as (says, port):
        says.port = port
        yield says


def test_a_letter_arrives_whole_and_is_named_after_its_attempt(tmp_path, server):
    attempt = str(uuid4())

    answer = send(provider(tmp_path, server.port), attempt=attempt)

    mail = server.mails()[0]
    assert answer == Accepted(f"{attempt}@localhost.test")
    assert mail["Message-ID"] == f"<{attempt}@localhost.test>"
    assert (mail["Subject"], mail["To"]) == ("Brud på persondata", TO)
    assert parseaddr(str(mail["From"])) == ("ProMark A/S", FROM)
    assert mail["X-Breachclock-Reference"] == "K7Q2MX"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert ".En linje med punktum" in mail.get_body(("plain",)).get_content()
    assert server.accepted[0].rcpt_tos == [TO]
    assert server.names == ["breachclock.promark.example"]


@pytest.mark.parametrize(
    ("command", "reply", "permanent", "account"),
    [
        ("RCPT", "550 5.1.1 No such user", True, False),
        ("RCPT", "450 4.2.0 Greylisted", False, False),
        ("RCPT", "550 nothing more precise", True, False),
        ("RCPT", "554 5.7.1 Relay access denied", False, True),
        ("MAIL", "552 5.3.4 Too large", True, False),
        ("MAIL", "550 5.7.1 Account suspended", False, True),
        ("MAIL", "421 4.3.2 Shutting down", False, False),
        ("DATA", "554 5.7.1 Spam", True, False),
        ("DATA", "451 4.3.0 Try again later", False, False),
    ],
)
def test_a_no_is_for_good_or_for_now_or_of_our_account(  # noqa: PLR0917
    tmp_path, server, command, reply, permanent, account
):
    server.replies[command] = reply

    answer = send(provider(tmp_path, server.port))

    assert isinstance(answer, Refusal)
    assert answer.account is account
    assert account or is_permanent(answer.code, 8) is permanent
    assert server.accepted == []


def test_what_broke_before_the_text_is_provably_not_sent(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        answer = send(provider(tmp_path, nobody.getsockname()[1]))

    assert isinstance(answer, Refusal)
    assert not is_permanent(answer.code, 8)


def a_server_that(script):
    """A server that speaks these lines, one after each of ours, and then does the last thing."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
        with connection, connection.makefile("rb") as heard:
            for line in script:
                if callable(line):
                    line(heard)
                    return
                connection.sendall(line.encode() + b"\r\n")
                heard.readline()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


UNTIL_DATA = ("220 here", "250 hello", "250 sender", "250 recipient")


def read_it_all(heard):
    while heard.readline() not in (b".\r\n", b""):
        pass


def never_answer(heard):
    read_it_all(heard)
    heard.read()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ((*UNTIL_DATA[:2], lambda _heard: None), Refusal),  # it hangs up after our greeting
        ((*UNTIL_DATA, lambda _heard: None), Refusal),  # at DATA
        ((*UNTIL_DATA, lambda _heard: time.sleep(3)), Refusal),  # it is silent at DATA: the text never goes
        ((*UNTIL_DATA, "354 go on", read_it_all), Unsure),  # it has the text, and hangs up
        ((*UNTIL_DATA, "354 go on", never_answer), Unsure),  # it has the text, and is silent
    ],
)  # fmt: skip
def test_only_after_the_text_was_on_its_way_nobody_knows(tmp_path, script, kind):
    begun = time.monotonic()

    answer = send(provider(tmp_path, a_server_that(script)), limit=1.0)

    assert type(answer) is kind
    assert not (isinstance(answer, Refusal) and is_permanent(answer.code, 8))
    assert time.monotonic() - begun < 2.5


def test_what_was_given_up_does_not_go_later(tmp_path, server):
    """The server is slow before the text: whoever waited took it for not sent, and so it must stay."""
    go_on = threading.Event()
    by = provider(tmp_path, server.port)
    connect = by._connected

    def slowly(limit):
        made = connect(limit)
        go_on.wait(5)
        return made

    by._connected = slowly
    late = []

    answer = by.send(
        recipient=TO, content=CONTENT, attempt_id=str(uuid4()), reference="K7Q2MX", limit=0.3, urgent=True,
        late=late.append,
    )  # fmt: skip
    go_on.set()

    assert isinstance(answer, Refusal)
    for _ in range(100):
        if late:
            break
        time.sleep(0.02)
    assert isinstance(late[0], Refusal)
    assert server.accepted == []


@pytest.mark.parametrize("where", ["subject", "sender", "to"])
def test_no_line_break_makes_a_header_or_a_second_recipient(tmp_path, server, where):
    evil = "x\r\nBcc: eve@example.org\r\n\r\nother text"
    to, content = TO, CONTENT
    if where == "to":
        to = "anna@example.org>\r\nRCPT TO:<eve@example.org"
    else:
        content = CONTENT | {where: evil}

    answer = send(provider(tmp_path, server.port), to=to, content=content)

    if where == "to":
        assert isinstance(answer, Refusal)
        assert is_permanent(answer.code, 1)
        assert server.accepted == []
    else:
        assert isinstance(answer, Accepted)
        assert server.accepted[0].rcpt_tos == [TO]
        assert server.mails()[0]["Bcc"] is None


def test_an_address_in_letters_of_its_own_goes_where_the_server_takes_it(tmp_path):
    with mail_server(enable_SMTPUTF8=True) as (says, port):
        by = provider(tmp_path, port)
        assert isinstance(send(by, to="søren@æble.example"), Accepted)
        assert isinstance(send(by, to="anna@æble.example"), Accepted)
        assert [each.rcpt_tos for each in says.accepted] == [
            ["søren@xn--ble-xla.example"], ["anna@xn--ble-xla.example"],
        ]  # fmt: skip
    with mail_server(enable_SMTPUTF8=False) as (says, port):
        refused = send(provider(tmp_path, port), to="søren@example.org")
    assert isinstance(refused, Refusal)
    assert is_permanent(refused.code, 1)


def test_abroad_it_goes_encrypted_and_only_to_whom_the_certificate_names(tmp_path, monkeypatch):
    context, chain = certificate(tmp_path, "127.0.0.2")
    with mail_server(host="127.0.0.2", tls=context) as (says, port):
        by = provider(tmp_path, port, at="127.0.0.2")
        stranger = send(by)
        assert says.accepted == []
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        answer = send(by)
    assert (isinstance(stranger, Refusal), stranger.account) == (True, True)
    assert isinstance(answer, Accepted)
    assert says.accepted[0].mail_from == FROM
    with mail_server(host="127.0.0.2") as (says, port):
        refused = send(provider(tmp_path, port, at="127.0.0.2"))
    assert (refused.account, says.accepted) == (True, [])


def test_encrypted_from_the_first_byte(tmp_path, monkeypatch):
    context, chain = certificate(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    with mail_server(host="127.0.0.2", ssl_context=context) as (says, port):
        assert isinstance(send(provider(tmp_path, port, at="127.0.0.2", scheme="smtps")), Accepted)
    assert len(says.accepted) == 1


@pytest.mark.parametrize(("password", "takes"), [("p%3Ass%2Fw%40rd", True), ("revoked", False)])
def test_a_revoked_password_is_a_refused_account(tmp_path, password, takes):
    with mail_server(signs_in=True) as (_says, port):
        answer = send(provider(tmp_path, port, who=f"clock:{password}@"))

    assert isinstance(answer, Accepted) is takes
    assert takes or answer.account


def test_a_mail_server_cannot_be_asked(tmp_path):
    by = provider(tmp_path, 1)

    with pytest.raises(CannotAsk):
        by.find(recipient=TO, attempt_ids=["a"], reference="K7Q2MX", since=None)
    with pytest.raises(CannotAsk):
        by.told(attempt_id="a", provider_id="b")


def test_an_enhanced_code_counts_only_where_it_fits_its_reply():
    assert Reply(550, "5.1.1 no such user").code == "smtp-5.1.1"
    assert Reply(550, "2.0.0 nonsense").code == "smtp-550"
    assert Reply(550, "5.1.1.9 an address").code == "smtp-550"
    assert (Reply(-1, "").code, Reply(-1, "").no) == (None, False)


def test_asked_whether_it_can_be_used_it_sends_nothing_and_says_what_is_wrong(tmp_path):
    with mail_server(signs_in=True) as (says, port):
        assert provider(tmp_path, port, who="clock:p%3Ass%2Fw%40rd@").check(5.0) is None
        assert "5.7.8" in provider(tmp_path, port, who="clock:wrong@").check(5.0)
        assert not says.accepted
    assert "does not answer" in provider(tmp_path, port).check(5.0)
