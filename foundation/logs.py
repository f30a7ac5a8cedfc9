"""Logs for the person on call: events as JSON lines, without personal data.

What is dropped here is dropped for everybody: our own events, those of libraries, tracebacks. Fields
that hold personal data go by their name; what looks like an address or a number goes wherever it
stands. The ledger is the evidence, this is not.
"""

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

GONE = "[left out]"
PERSONAL = {
    "address", "addresses", "body", "context", "data", "destination", "email", "emails", "facts",
    "first_name", "form", "from_", "html", "json", "last_name", "letter", "name", "names", "note",
    "numbers", "params", "password", "payload", "phone", "phones", "reason", "recipient", "recipients",
    "reply", "secret", "sender", "signature", "subject", "subjects", "summary", "text", "title", "to",
    "token", "username",
}  # fmt: skip
# Their own lines tell whom a message went to and what it said.
TALKATIVE = (
    "twilio", "python_http_client", "sendgrid", "urllib3", "rq", "sqlalchemy", "flask-limiter",
    "flask_wtf", "alembic", "asyncio",
)  # fmt: skip
LOOKS_PERSONAL = re.compile(
    r"""
      [^\s@<>"'(),;:=\[\]{}]+ (?:@|%40) [^\s@<>"'(),;:=\[\]{}]+      # an address
    | (?<![\w-]) (?:\+|%2B|00) \d [\d\s().-]{5,17} \d (?![\w-])     # a number, in any country
    | (?<![\w-]) \d{6}(?:\d\d)? [-+] \d{4} (?![\w-])                # a CPR number, a personnummer
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What databases add to their errors: the values of the row, and of the statement.
ROW_VALUES = re.compile(r"(DETAIL:|\[parameters:|Failing row contains).*", re.DOTALL)

log = structlog.get_logger()
Event = MutableMapping[str, Any]


def clean(value: Any) -> Any:
    """The value without what looks like contact data, and without fields that hold personal data."""
    if isinstance(value, str):
        return LOOKS_PERSONAL.sub(GONE, value)
    if isinstance(value, Mapping):
        return {key: GONE if _personal(key) else clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return LOOKS_PERSONAL.sub(GONE, str(value))


def _personal(key: object) -> bool:
    return isinstance(key, str) and key.lower() in PERSONAL


def _without_personal_data(_logger: object, _method: str, event: Event) -> Event:
    cleaned: Event = clean(event)
    return cleaned


def _traceback(_logger: object, _method: str, event: Event) -> Event:
    """Frames and kinds of errors; what the error says is kept only after cleaning."""
    trouble = event.pop("exc_info", None)
    if trouble is True:
        trouble = sys.exc_info()
    if isinstance(trouble, tuple):
        trouble = trouble[1]
    if isinstance(trouble, BaseException):
        lines = traceback.TracebackException.from_exception(trouble).format()
        event["exception"] = "".join(ROW_VALUES.sub(GONE + "\n", line) for line in lines)
    return event


SHARED: list[structlog.typing.Processor] = [
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
    _traceback,
]


def init(stream: TextIO | None = None, *, process: str | None = None) -> None:
    """Send every log line of this process to `stream` (standard error by default), cleaned.

    JSON, one event a line; readable instead where a person looks at a terminal.
    """
    stream = stream or sys.stderr
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream)
    handler.setFormatter(_formatter(terminal=stream.isatty(), process=process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    handler.addFilter(_not_talkative)
    logging.captureWarnings(capture=True)
    sys.excepthook = _last_words
    threading.excepthook = lambda last: _last_words(last.exc_type, last.exc_value, last.exc_traceback)


def _formatter(*, terminal: bool, process: str | None) -> logging.Formatter:
    def name_process(_logger: object, _method: str, event: Event) -> Event:
        return {**event, "process": process} if process else event

    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*SHARED, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            name_process,
            _without_personal_data,
            renderer,
        ],
    )


def _not_talkative(record: logging.LogRecord) -> bool:
    """Not by the loggers' own levels: some libraries set those themselves when they start."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in TALKATIVE


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; one it cannot form is counted, where logging itself would print all it was given."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  its name
        """Say that a line of this logger was lost."""
        with suppress(OSError, ValueError):
            self.stream.write(json.dumps({"event": "log.line_lost", "logger": record.name}) + "\n")


def _last_words(kind: type[BaseException], trouble: BaseException | None, _tb: TracebackType | None) -> None:
    """An error nobody caught: said like every other, rather than raw on standard error."""
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("process.failed", exc_info=trouble)


def init_app(app: Flask) -> None:
    """One line for each request: route instead of path, since paths may hold tokens of links."""

    @app.before_request
    def start() -> None:
        clear_contextvars()
        g.started = time.perf_counter()

    @app.after_request
    def line(response: Response) -> Response:
        log.info(
            "request.answered",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
        )
        return response


def bind(**values: str) -> None:
    """Put ids on every line of this request or job; edges do it, once."""
    bind_contextvars(**values)
