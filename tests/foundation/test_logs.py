"""Nothing personal leaves by the log."""

import io
import json
import logging
import sys
import threading
import warnings

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from foundation import logs
from tests.accounts import small_app
from tests.accounts.small_app import sign_in_as

EMAIL, PHONE, NAME = "canary.subject@example.test", "+15005550006", "ZZCANARY"
CANARIES = (EMAIL, PHONE, NAME, "canary.subject%40example.test", "%2B15005550006")


@pytest.fixture
def written():
    """Everything this process logs while the test runs, as text."""
    root = logging.getLogger()
    before = root.handlers, root.level, sys.excepthook, threading.excepthook
    configured = structlog.get_config()  # the app that other tests share logs by it
    stream = io.StringIO()
    logs.init(stream, process="web")
    yield stream.getvalue
    root.handlers, sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    structlog.configure(**configured)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def fail(error):
    raise error


def clean(text):
    return not any(canary in text for canary in CANARIES)


@pytest.mark.parametrize("field", sorted(logs.PERSONAL))
def test_a_field_that_holds_personal_data_is_left_out_by_its_name(written, field):
    structlog.get_logger().info("message.sent", **{field: NAME}, deep={"list": [{field.upper(): NAME}]})

    assert clean(written())
    assert lines(written())[0]["event"] == "message.sent"


@pytest.mark.parametrize(
    "value",
    [EMAIL, PHONE, "+45 46 90 00 00", "0045 4690 0000", "201231-1234", "canary.subject%40example.test"],
)
@pytest.mark.parametrize("place", [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: {v}, ValueError])
def test_what_looks_like_an_address_or_a_number_is_left_out_wherever_it_stands(written, value, place):
    structlog.get_logger().warning(f"sent to {value}.", trouble=place(value))

    assert value not in written()
    assert logs.GONE in written()


@pytest.mark.parametrize(
    "value",
    [
        "01a20911-8934-7336-8fa7-57dd593c98ea",
        "2026-10-09T07:30:00.123456Z",
        "PM-2026-0007",
        "21610",
        "72:00:00",
        "0.5",
    ],
)
def test_ids_times_and_codes_stay_readable(written, value):
    structlog.get_logger().info("duty.met", about=value)

    assert lines(written())[0]["about"] == value


def test_a_traceback_keeps_its_frames_and_loses_what_was_in_the_row(written):
    cause = Exception(f"duplicate key\nDETAIL: Key (name)=({NAME}) of {EMAIL}")
    try:
        fail(IntegrityError("INSERT INTO recipients", {"name": NAME}, cause))
    except IntegrityError:
        structlog.get_logger().exception("job.failed")

    assert clean(written())
    told = lines(written())[0]["exception"]
    assert "test_logs.py" in told
    assert "IntegrityError" in told


def test_a_chain_of_errors_is_cleaned_to_its_first(written):
    try:
        try:
            fail(KeyError(EMAIL))
        except KeyError as first:
            raise RuntimeError(f"no number {PHONE}") from first
    except RuntimeError:
        logging.getLogger("anything").exception("failed for %s", EMAIL)

    assert clean(written())
    assert "KeyError" in written()
    assert "RuntimeError" in written()


@pytest.mark.parametrize(
    "name",
    [
        "twilio.http_client",
        "python_http_client.client",
        "sendgrid",
        "urllib3.connectionpool",
        "rq.worker",
        "sqlalchemy.engine.Engine",
    ],
)
def test_libraries_do_not_tell_what_they_send(written, name, monkeypatch):
    library = logging.getLogger(name)
    monkeypatch.setattr(library, "level", library.level)  # as it was, afterwards
    library.setLevel(logging.DEBUG)
    library.info("POST Request: To=%s Body=%s", PHONE, NAME)
    library.debug("body %s", {"to": EMAIL})
    assert written() == ""

    library.warning("retrying To=%%2B15005550006 for %s", EMAIL)
    assert clean(written())
    assert lines(written())[0]["level"] == "warning"


def test_a_line_that_cannot_be_formed_is_counted_and_not_printed_raw(written, capsys, monkeypatch):
    monkeypatch.setattr(
        logging.root, "handlers", [h for h in logging.root.handlers if isinstance(h, logs._Handler)]
    )
    logging.getLogger("twilio").warning("To=%2B15005550006 %s", EMAIL)

    assert lines(written()) == [{"event": "log.line_lost", "logger": "twilio"}]
    assert clean("".join(capsys.readouterr()))


def test_warnings_and_errors_nobody_caught_are_cleaned_too(written):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated for {EMAIL}", stacklevel=1)
    sys.excepthook(ValueError, ValueError(f"ask {EMAIL}"), None)
    thread = threading.Thread(target=lambda: [][int(f"{PHONE}") and 1])
    thread.start()
    thread.join()

    assert clean(written())
    assert [line["event"] for line in lines(written())][1:] == ["process.failed", "process.failed"]


def test_a_request_leaves_one_line_with_its_route_and_not_its_path(written, tmp_path):
    client = small_app.make(tmp_path).test_client()
    client.get("/links/ZZCANARY?email=canary.subject@example.test", headers={"X-Request-ID": "edge-4711"})

    (line,) = (line for line in lines(written()) if line["event"] == "request.answered")
    assert clean(written())
    assert line["route"] == "/links/<token>"
    assert (line["method"], line["status"], line["request"]) == ("GET", 200, "edge-4711")
    assert line["ms"] >= 0
    assert line["at"].endswith("Z")
    assert line["process"] == "web"


def test_the_log_knows_who_asked_by_id_and_forgets_it_with_the_request(written, tmp_path):
    app = small_app.make(tmp_path)
    astrid, stranger = app.test_client(), app.test_client()
    sign_in_as(astrid, "astrid")
    astrid.get("/board")
    stranger.get("/board")

    mine, theirs = lines(written())[-2:]
    assert len(mine["staff"]) == 36
    assert "staff" not in theirs
    assert "astrid" not in written().lower()


def test_an_error_in_a_page_is_logged_once_and_clean(written, tmp_path):
    client = small_app.make(tmp_path).test_client()
    client.get("/broken")

    failed = [line for line in lines(written()) if line["level"] == "error"]
    assert len(failed) == 1
    assert "ValueError" in failed[0]["exception"]
    assert clean(written())


def test_on_a_terminal_lines_are_for_reading_and_as_clean(written):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    logs.init(stream)
    structlog.get_logger().warning("page.sent", recipient=EMAIL, about=f"to {PHONE}")

    assert "page.sent" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert clean(stream.getvalue())
