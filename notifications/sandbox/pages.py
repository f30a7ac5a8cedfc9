"""The pages: the bench of devices, one device, one mail's HTML, and the faults."""

import re
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from notifications.sandbox import devices, rules_read
from notifications.sandbox.bench import bench
from notifications.sandbox.messages import now_utc
from notifications.sandbox.replies import reply
from notifications.sandbox.script import OUTCOMES, PROVIDERS, Kind, Unusable
from notifications.sandbox.sms import is_number

blueprint = Blueprint("pages", __name__)

MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)
NEW_TAB = re.compile(
    r"\A(\s*<!doctype[^>]*>)?(\s*<html[^>]*>)?(\s*<head[^>]*>)?", re.IGNORECASE
)  # standards mode
READERS = {"fault": rules_read.fault, "outcome": rules_read.outcome, "callbacks": rules_read.behaviour}


@blueprint.app_context_processor
def words() -> dict[str, Any]:
    """What every page of the sandbox may use."""
    return {"mark_of": devices.mark_of, "segments_of": devices.segments_of}


@blueprint.get("/")
def home() -> str:
    """All phones and mailboxes side by side."""
    return _bench_page(phones=devices.phones(bench(), now_utc()), boxes=devices.mailboxes(bench(), now_utc()))


@blueprint.get("/phones/<number>")
def phone(number: str) -> str:
    """One phone, with more of its past."""
    return _bench_page(phones=devices.phones(bench(), now_utc(), only=number), boxes=[])


@blueprint.get("/mailboxes/<address>")
def mailbox(address: str) -> str:
    """One mailbox, with more of its past."""
    return _bench_page(phones=[], boxes=devices.mailboxes(bench(), now_utc(), only=address))


def _bench_page(**shown: list[devices.Device]) -> str:
    active = [rule for rule in bench().script.rules() if rule.left != 0]
    return render_template("sandbox/bench.html", version=bench().store.version, active=active, **shown)


@blueprint.post("/phones/<number>/replies")
def replies(number: str) -> AnyResponse:
    """Write from a phone's own reply box."""
    text = request.form.get("text", "").strip()
    if not is_number(number):
        abort(404)
    if text:
        reply(bench(), number, text[:1600])
    return redirect(url_for("pages.home", _anchor=f"phone-{number.lstrip('+')}"), 303)


@blueprint.get("/mails/<path:message_id>/html")
def mail_html(message_id: str) -> Response:
    """The HTML of a mail, in a page that may do nothing but open links elsewhere."""
    message = bench().store.messages.get(message_id)
    if message is None or not message.html:
        abort(404)
    shown = NEW_TAB.sub(r'\g<0><base target="_blank">', message.html, count=1)
    answer = Response(shown, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer


@blueprint.get("/faults")
def faults() -> str:
    """What the providers were told to do wrong, and forms to tell them."""
    return _faults_page()


@blueprint.post("/faults")
def add() -> AnyResponse | tuple[str, int]:
    """Add one rule from a form."""
    given = {name: value for name, value in request.form.items() if value}
    about = READERS.get(given.get("about", ""))
    if about is None:
        abort(400)
    try:
        once = 1 if about is rules_read.fault else None
        scope = rules_read.scope(given, times=None if given.pop("always", None) else once)
        bench().script.add(rules_read.provider_of(given), about(given), **scope)
    except Unusable as problem:
        return _faults_page(problem=str(problem)), 422
    return redirect(url_for("pages.faults"), 303)


@blueprint.post("/faults/removal")
def remove() -> AnyResponse:
    """Take away one rule, or all."""
    bench().script.remove(request.form.get("number", type=int))
    return redirect(url_for("pages.faults"), 303)


def _faults_page(**more: Any) -> str:
    rules = [rule.described() for rule in reversed(bench().script.rules())]
    choices = {
        "kinds": [kind for kind in Kind if kind is not Kind.ACCEPT],
        "providers": PROVIDERS,
        "outcomes": OUTCOMES,
        "modes": rules_read.MODES,
    }
    return render_template("sandbox/faults.html", rules=rules, **choices, **more)
