"""The sandbox's pages and its guard against other people's pages."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_API_KEY, SANDBOX_NUMBER
from notifications.sandbox.sms import segments
from notifications.sandbox.twiml import texts_of
from tests.sandbox import Sandbox

ASTRID, BIRK, NINA = "+4520000001", "+4520000002", "nina@example.test"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path) as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


def send_sms(sandbox: Sandbox, body: str, to: str = ASTRID) -> None:
    keys = sandbox.environment
    sid = keys["TWILIO_ACCOUNT_SID"]
    answer = requests.post(
        f"{sandbox.url}/2010-04-01/Accounts/{sid}/Messages.json",
        data={"To": to, "From": SANDBOX_NUMBER, "Body": body},
        auth=(sid, keys["TWILIO_AUTH_TOKEN"]),
        timeout=5,
    )
    assert answer.status_code == 201
    sandbox.settle()


def send_mail(
    sandbox: Sandbox, text: str = "Dear Nina", html: str = "", *, settle: bool = True, **more: object
) -> None:
    content = [{"type": "text/plain", "value": text}]
    content += [{"type": "text/html", "value": html}] if html else []
    mail = {
        "personalizations": [{"to": [{"email": NINA}], "custom_args": {"a": "attempt-1"}}],
        "from": {"email": "incidents@promark.test", "name": "ProMark"},
        "subject": "About your data",
        "content": content,
        **more,
    }
    headers = {"Authorization": f"Bearer {SANDBOX_API_KEY}"}
    answer = requests.post(f"{sandbox.url}/v3/mail/send", json=mail, headers=headers, timeout=5)
    assert answer.status_code == 202
    if settle:
        sandbox.settle()


def page(sandbox: Sandbox, path: str = "/") -> str:
    answer = requests.get(sandbox.url + path, timeout=5)
    assert answer.status_code == 200
    return answer.text


def test_the_bench_shows_each_phone_with_its_messages_newest_first(sandbox):
    sandbox.names({ASTRID: "Astrid"})
    for text in ("the first", "the second"):
        send_sms(sandbox, text)

    html = page(sandbox)

    assert ">Astrid</a>" in html
    assert html.index("the second") < html.index("the first")
    assert "✓✓" in html


def test_a_phone_that_was_named_stands_on_the_bench_before_its_first_message(sandbox):
    sandbox.names({BIRK: "Birk", NINA: "Nina"})

    html = page(sandbox)

    assert ">Birk</a>" in html
    assert ">Nina</a>" in html


def test_names_are_kept_over_a_restart(sandbox, tmp_path):
    sandbox.names({ASTRID: "Astrid"})
    sandbox.stop()

    sandbox.start_again()

    assert ">Astrid</a>" in page(sandbox)


def test_a_link_in_a_message_can_be_clicked_and_markup_is_only_text(sandbox):
    send_sms(sandbox, "<script>alert(1)</script> Open http://127.0.0.1:8072/p/Zk31 now")

    html = page(sandbox)

    assert '<a href="http://127.0.0.1:8072/p/Zk31"' in html
    assert "<script>alert(1)" not in html


def test_a_phone_rings_for_a_minute(sandbox):
    send_sms(sandbox, "wake up")
    assert "data-rings-until" in page(sandbox)

    for message in sandbox.server.bench.store.at("twilio", ASTRID):
        message.due_at -= timedelta(seconds=61)

    assert "data-rings-until" not in page(sandbox)


def test_one_replies_from_a_phones_own_box_without_any_script(sandbox):
    form = {"text": "1"}

    answer = requests.post(
        f"{sandbox.url}/phones/{ASTRID}/replies", data=form, timeout=5, allow_redirects=False
    )

    assert answer.status_code == 303
    assert [each["body"] for each in sandbox.conversation(ASTRID)] == ["1"]
    assert 'class="bubble mine"' in page(sandbox)


def test_without_script_the_bench_refreshes_itself(sandbox):
    assert '<noscript><meta http-equiv="refresh"' in page(sandbox)


def test_the_version_changes_with_every_new_thing_to_see(sandbox):
    def version() -> int:
        return requests.get(f"{sandbox.url}/_sandbox/version", timeout=5).json()["version"]

    before = version()
    send_sms(sandbox, "x")
    assert version() > before

    seen = version()
    assert version() == seen


def test_a_mailbox_shows_sender_subject_text_and_custom_arguments(sandbox):
    send_mail(sandbox, "Dear Nina, see https://promark.test/help")

    html = page(sandbox)

    assert "About your data" in html
    assert "ProMark &lt;incidents@promark.test&gt;" in html
    assert '<a href="https://promark.test/help"' in html
    assert "attempt-1" in html


def test_the_html_of_a_mail_may_do_nothing_but_open_links(sandbox):
    send_mail(sandbox, html="<p>Dear Nina</p><script>alert(1)</script>")
    frame = re.search(r'<iframe[^>]*sandbox="([^"]*)"\s*src="([^"]+)"', page(sandbox))
    assert frame is not None

    answer = requests.get(sandbox.url + frame[2], timeout=5)

    assert frame[1] == "allow-popups allow-popups-to-escape-sandbox"
    assert "<p>Dear Nina</p>" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_mail_for_later_is_not_in_the_mailbox_yet(sandbox):
    send_mail(sandbox, settle=False, send_at=int(time.time()) + 2)
    assert len(sandbox.mail_to(NINA)) == 1

    assert "About your data" not in page(sandbox)

    sandbox.wait_for(lambda: "About your data" in page(sandbox))


@pytest.mark.parametrize("path", ["/", "/faults"])
def test_pages_allow_nothing_from_elsewhere(sandbox, path):
    headers = requests.get(sandbox.url + path, timeout=5).headers

    assert headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'"
    )
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_rule_is_told_by_a_form_and_taken_away_by_another(sandbox):
    told = {"about": "fault", "provider": "twilio", "fault": "429", "retry_after": "30", "times": "2"}
    requests.post(f"{sandbox.url}/faults", data=told, timeout=5)
    [rule] = sandbox.server.bench.script.rules()
    assert (rule.effect.retry_after, rule.left) == ("30", 2)
    assert "1 rule in force" in page(sandbox)

    requests.post(f"{sandbox.url}/faults/removal", data={"number": rule.number}, timeout=5)

    assert sandbox.server.bench.script.rules() == []


def test_a_form_that_cannot_be_followed_says_why(sandbox):
    told = {"about": "fault", "provider": "twilio", "fault": "5xx", "status": "200"}

    answer = requests.post(f"{sandbox.url}/faults", data=told, timeout=5)

    assert answer.status_code == 422
    assert "must be a number from 500 to 599" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/_sandbox/reset", "/_sandbox/faults", f"/phones/{ASTRID}/replies", "/faults", "/v3/mail/send"]
)
def test_another_sites_page_changes_nothing(sandbox, path, headers):
    send_sms(sandbox, "x")

    answer = requests.post(sandbox.url + path, headers=headers, data={"text": "1"}, timeout=5)

    assert answer.status_code == 403
    assert len(sandbox.conversation(ASTRID)) == 1


def test_its_own_pages_may_change_things(sandbox):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": sandbox.url}

    answer = requests.post(
        f"{sandbox.url}/phones/{ASTRID}/replies", headers=headers, data={"text": "1"}, timeout=5
    )

    assert answer.status_code == 200
    assert len(sandbox.conversation(ASTRID)) == 1


def test_a_name_that_is_not_its_own_is_not_answered(sandbox):
    answer = requests.get(sandbox.url + "/", headers={"Host": "rebound.evil.test"}, timeout=5)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("æøå" * 50, 1),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("€" * 81, 2),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_segments_are_counted_as_operators_count_them(text, number):
    assert segments(text) == number


@pytest.mark.parametrize(
    ("twiml", "texts"),
    [
        ("<Response><Message>one</Message><Message><Body>two</Body></Message></Response>", ["one", "two"]),
        ("<Response/>", []),
        ("", []),
        ("not xml", []),
        ('<?xml version="1.0" encoding="UTF-8"?><Response><Message>x</Message></Response>', ["x"]),
    ],
)
def test_the_texts_of_a_twiml_answer(twiml, texts):
    assert texts_of(twiml) == texts
