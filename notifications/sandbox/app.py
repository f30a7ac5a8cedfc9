"""Puts the sandbox together: `create_sandbox(config)`."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from notifications.sandbox import (
    chat,
    control,
    gateway,
    heartbeat,
    pages,
    scheduled,
    sendgrid,
    twilio,
    twilio_calls,
)
from notifications.sandbox.bench import Bench
from notifications.sandbox.config import SandboxConfig, foreign_credentials
from notifications.sandbox.mail import Refused as MailRefused
from notifications.sandbox.sms import Refused as SmsRefused

LARGEST_REQUEST = 30 * 1024 * 1024  # SendGrid takes 30 MB; Twilio's forms are smaller by far
READING = {"GET", "HEAD", "OPTIONS"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class RealCredentials(Exception):
    """The sandbox will not start beside credentials of a real account."""


def create_sandbox(config: SandboxConfig) -> Flask:
    """The sandbox as an app; its ledger and keys lie under `config.home`, its threads run at once.

    Raises RealCredentials when the environment holds credentials that are not the sandbox's own.
    """
    if foreign := foreign_credentials(os.environ):
        raise RealCredentials(
            f"{', '.join(foreign)}: set, and not to the sandbox's own credentials. "
            "A sandbox never runs beside a real account. Unset them."
        )
    app = Flask(__name__, template_folder=_data("templates"), static_folder=_data("static"))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_REQUEST
    app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1", "[::1]", *config.trusted_hosts]
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["bench"] = Bench(config)
    app.before_request(refuse_other_origins)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, provider_error)
    for module in (twilio, twilio_calls, sendgrid, scheduled, gateway, chat, heartbeat, control, pages):
        app.register_blueprint(module.blueprint)
    return app


def _data(folder: str) -> str:
    """Templates and static files stand beside the packages in a checkout, in one folder in a wheel."""
    root = Path(__file__).parents[2]
    ours = {"templates": "sandbox/bench.html", "static": "sandbox.css"}[folder]
    beside = (root / folder / ours).is_file()
    return str(root / folder if beside else root / "breachclock_data" / folder)


def refuse_other_origins() -> None:
    """A browser may change something here only from the sandbox's own pages."""
    if request.method in READING:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in {None, "same-origin", "none"}:
        abort(403)
    if origin is not None and urlsplit(origin)[:2] != (request.scheme, request.host):
        abort(403)


def add_headers(answer: Response) -> Response:
    """Security headers; a page may set a policy of its own."""
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"  # with less, a browser hides the origin of our forms
    if request.endpoint != "static":
        answer.headers["Cache-Control"] = "no-store"
    return answer


def provider_error(error: HTTPException) -> HTTPException | Response:
    """Errors in the form of the provider that was asked."""
    status = error.code or 500
    if request.path.startswith("/v3/"):
        words = sendgrid.WORDS.get(status, error.name)
        return sendgrid.refusal(MailRefused(words, status=status))
    if request.path.startswith("/2010-04-01/"):
        code = twilio.ACCOUNT_CODES.get(status, 20001)
        return twilio.refusal(SmsRefused(code, error.name, status))
    return error
