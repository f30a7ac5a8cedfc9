"""HTTP as every page and interface keeps it: headers, request ids, limits, CSRF, and refusals.

People get refusals as a page, programs as a problem document (RFC 9457); both say what was refused,
why, and what to do next, and neither says how the product is built.
"""

import re
import time
from collections.abc import Callable
from importlib import metadata
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_bootstrap import Bootstrap5
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError
from werkzeug.formparser import FormDataParser

from foundation import logs
from foundation.errors import Refused
from foundation.settings import Settings

MIB = 1024 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_CALENDAR = "There is no calendar here.\n"
A_YEAR = "max-age=31536000; includeSubDomains"

Text = str | LazyString
View = TypeVar("View", bound=Callable[..., Any])

csrf = CSRFProtect()
# Counts are kept in the queue server; while it is away each process counts for itself.
limiter = Limiter(get_remote_address, strategy="moving-window", in_memory_fallback_enabled=True)
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Give the app headers, request ids, limits, CSRF protection and its pages for refusals.

    Reads `SETTINGS` from the app's configuration; call before blueprints are registered.
    """
    _configure(app, app.config["SETTINGS"])
    logs.init_app(app)
    app.before_request(_name_request)
    app.before_request(_refuse_foreign_forms)
    app.before_request(_let_files_in)  # before anything reads the form
    app.before_request(_refuse_zero_bytes)
    csrf.init_app(app)
    limiter.init_app(app)
    Bootstrap5(app)
    app.after_request(_add_headers)
    app.jinja_env.globals.update(url_if=url_if, version=_version())
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(NoConnectionFree, _database_away)
    app.register_error_handler(Exception, _failed)


class _InMemory(FormDataParser):
    """Reads a form whose files never touch a disk."""

    def __init__(self, stream_factory: object = None, **more: Any) -> None:
        super().__init__(lambda *_of, **_it: BytesIO(), **more)


def ask_before_bodies(app: Flask, ask: Callable[[], None]) -> None:
    """Have this asked of each request once it has its id, before anything of its body is read."""
    asked = app.before_request_funcs[None]
    asked.insert(asked.index(_name_request) + 1, ask)


def takes_files(most: int, *, in_memory: bool = False, by_form: int = 0) -> Callable[[View], View]:
    """Let whoever the view is for send it a file of so many bytes; all others may send 1 MiB in all.

    `in_memory` keeps file and fields in memory, never in a temporary file, and lets a field be as large;
    zero bytes in them are the view's own matter, which keeps none of it. `by_form` is the most that a form
    may carry where `most` is for a file that is the body itself, which our scripts send.
    """

    def mark(view: View) -> View:
        view.most_bytes, view.most_by_form = most, by_form or most  # type: ignore[attr-defined]
        view.in_memory = in_memory  # type: ignore[attr-defined]
        return view

    return mark


def _configure(app: Flask, settings: Settings) -> None:
    public = urlsplit(settings.public_url)
    https = public.scheme == "https"
    hosts = [public.hostname or ""]
    if settings.embedded_database or settings.rehearsal or hosts[0] in LOOPBACK:
        hosts += LOOPBACK
    app.config.update(
        TRUSTED_HOSTS=hosts,
        PREFERRED_URL_SCHEME=public.scheme,
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-breachclock" if https else "breachclock",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=MIB,
        MAX_FORM_MEMORY_SIZE=MIB,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        WTF_CSRF_TIME_LIMIT=None,  # a page left open through the night still works; it ends with the sign-in
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings.redis_url.replace("unix://", "redis+unix://", 1))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"socket_connect_timeout": 0.3, "socket_timeout": 1})


def secret_calendar(text: bytes | None, *, name: str) -> Response:
    """What a secret address answers with: a calendar in a file of this name, or that there is none (404).

    A wrong address, an old one and one of nobody are answered alike; nobody keeps or indexes either.
    """
    response = Response(
        NO_CALENDAR if text is None else text, 404 if text is None else 200,
        mimetype="text/plain" if text is None else "text/calendar",
    )  # fmt: skip
    if text is not None:
        response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def url_if(endpoint: str, **values: Any) -> str | None:
    """The address of a route, or None where this installation has no such route."""
    if endpoint not in current_app.view_functions:
        return None
    return current_app.url_for(endpoint, **values)


def _version() -> str:
    try:
        return metadata.version("breachclock")
    except metadata.PackageNotFoundError:
        return "from a checkout"


# --- every request --------------------------------------------------------------------------------


def _name_request() -> None:
    """Take over a proxy's request id when it is well formed, else make one; it is on every log line."""
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if REQUEST_ID.fullmatch(offered) else uuid4().hex
    logs.bind(request=g.request_id)


def _let_files_in() -> None:
    """Let in what a form with a file may hold: the file, and as much beside it as any other form.

    Who is not signed in, or not permitted, is told so before anything of it is read.
    """
    most, admit = _most_bytes(), _of_view("admit", None)
    if most > MIB and admit is not None and request.method in UNSAFE:
        admit()
        request.max_content_length = most + MIB
    if _of_view("in_memory", None):
        request.form_data_parser_class = _InMemory
        request.max_form_memory_size = most + MIB


def _most_bytes() -> int:
    """How large a file this address takes, by the way that this one comes."""
    by_form = request.mimetype in FORMS
    return int(_of_view("most_by_form" if by_form else "most_bytes", MIB))


def _of_view(mark: str, default: Any) -> Any:
    """What a view was marked with."""
    return getattr(current_app.view_functions.get(request.endpoint or ""), mark, default)


def _refuse_foreign_forms() -> None:
    """Refuse what another site's page sent, as browsers themselves tell; the token is checked besides."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method not in UNSAFE or hasattr(view, "signed_by"):
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CSRFError


def _refuse_zero_bytes() -> None:
    """Refuse NUL in query and form: no browser sends it, and one of our databases cannot keep it.

    Whoever signs is answered by its own route, which reads nothing before the signature holds.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if hasattr(view, "signed_by"):
        return
    form = () if _of_view("in_memory", None) else request.form.items(multi=True)
    told = (*request.args.items(multi=True), *form)
    if any("\0" in text for pair in told for text in pair):
        raise BadRequest


def _add_headers(response: Response) -> Response:
    own = {name.lower() for name, _value in response.headers}
    response.headers.extend([each for each in HEADERS.items() if each[0].lower() not in own])
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", A_YEAR)
    if request.endpoint not in ("static", "bootstrap.static"):
        response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Request-ID"] = g.get("request_id", "")
    return response


# --- refusals -------------------------------------------------------------------------------------


# Title, detail and next step of what HTTP itself refuses.
WORDS: dict[int, tuple[LazyString, LazyString, LazyString | None]] = {
    400: (_l("Not understood"), _l("The request is not formed as it should be."), None),
    401: (
        _l("Sign in first"),
        _l("You are not signed in, or no longer. Nothing was changed."),
        _l("Sign in, open the page again and repeat what you did."),
    ),
    403: (
        _l("Not allowed"),
        _l("This is not open to you."),
        _l("Ask a colleague whose task it is, or an administrator of your organisation."),
    ),
    404: (
        _l("Not found"),
        _l("There is nothing here, or nothing that you may see."),
        _l("Check the address, or start from the board."),
    ),
    405: (
        _l("Not possible here"),
        _l("This address does not take that kind of request."),
        _l("Go back and use the buttons of the page."),
    ),
    413: (
        _l("Too large"),
        _l("What was sent is larger than this address takes."),
        None,  # which limit it is, `_words` says
    ),
    500: (
        _l("This went wrong on our side"),
        _l("Nothing of this request was kept. Running clocks and messages are not affected."),
        _l("Try again; if it happens twice, tell your administrator the number below."),
    ),
    503: (
        _l("Busy for a moment"),
        _l("The database did not answer in time. Nothing of this request was kept."),
        _l("Try again in a few seconds."),
    ),
}


def wants_problem() -> bool:
    """Whether the caller is a program, by the address it called or by what it accepts."""
    if request.path.startswith(("/api/", "/callbacks/")):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/problem+json", "application/json"])
    return best in ("application/problem+json", "application/json")


def problem(status: int, title: Text, detail: Text, **more: Any) -> Response:
    """A problem document (RFC 9457); `more` are its extension members, such as `errors`."""
    document = {"type": "about:blank", "title": str(title), "status": status, "detail": str(detail)}
    document |= {"request_id": g.get("request_id"), **more}
    body = current_app.json.dumps({name: value for name, value in document.items() if value})
    return Response(body, status, mimetype="application/problem+json")


def refusal(status: int, title: Text, detail: Text, next_step: Text | None = None) -> Response:
    """The same refusal as a page or as a problem document, whichever the caller reads."""
    if wants_problem():
        return problem(status, title, detail, next_step=str(next_step or ""))
    page = render_template("error.html", status=status, title=title, detail=detail, next_step=next_step)
    return Response(page, status)


def _refused(error: Refused) -> Response:
    return refusal(error.status, _(error.title), error.message, error.next_step)


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return current_app.make_response(error.get_response())  # a redirect
    if isinstance(error, SecurityError):  # without a host that is ours no page can be built
        return Response("This address is not served here.\n", 400, mimetype="text/plain")
    title, detail, next_step = _words(error)
    response = refusal(error.code, title, detail, next_step)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "WWW-Authenticate", "Retry-After"):
            response.headers[name] = value
    if isinstance(error, RateLimitExceeded):
        response.headers["Retry-After"] = str(_seconds_to_wait())
    return response


def _words(error: HTTPException) -> tuple[Text, Text, Text | None]:
    """Title, detail and next step of an error of HTTP itself."""
    if isinstance(error, CSRFError):
        return (
            _("This form is out of date"),
            _("It was made before you signed in or out, or by another page. Nothing was changed."),
            _("Go back, reload the page and send the form again."),
        )
    if isinstance(error, RateLimitExceeded):
        wait = _seconds_to_wait()
        return (
            _("Too many tries"),
            _("To keep guessers out, this is limited for a short while. Nothing is locked."),
            _("Try again in %(seconds)d seconds.", seconds=wait)
            if wait < 120
            else _("Try again in %(minutes)d minutes.", minutes=-(-wait // 60)),
        )
    title, detail, next_step = WORDS.get(error.code or 500, WORDS[400])
    if error.code == 413:
        most, by_script = _most_bytes() // MIB, _of_view("most_bytes", MIB) // MIB
        if by_script > most:
            step = _(
                "Without JavaScript this form takes %(most)s MiB. Open the page in a browser that runs "
                "JavaScript to send up to %(whole)s MiB, or split the file. Nothing was kept.",
                most=most, whole=by_script,
            )  # fmt: skip
            return title, detail, step
        return title, detail, _("Send at most %(most)s MiB, or split it. Nothing was kept.", most=most)
    return title, detail, next_step


def _seconds_to_wait() -> int:
    limit = limiter.current_limit
    return max(1, round(limit.reset_at - time.time())) if limit else 60


def _database_away(error: OperationalError | NoConnectionFree) -> Response:
    log.error("database.unavailable", kind=type(getattr(error, "orig", error)).__name__)
    response = refusal(503, *WORDS[503])
    response.headers["Retry-After"] = "5"
    return response


def _failed(error: Exception) -> Response:
    """An error of ours: the log has it whole, the reader gets its number."""
    if current_app.testing:
        raise error
    log.error("request.failed", exc_info=error)
    return refusal(500, *WORDS[500])
