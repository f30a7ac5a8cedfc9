"""The pages: the bench of devices, one device, one mail's HTML, and the faults."""

import re
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from notifications.sandbox import devices, rules_read, switches
from notifications.sandbox.bench import bench
from notifications.sandbox.messages import now_utc
from notifications.sandbox.replies import reply
from notifications.sandbox.script import OUTCOMES, PROVIDERS, Kind, Unusable
from notifications.sandbox.sms import is_number
from notifications.sandbox.switchboard import NotNow

blueprint = Blueprint("pages", __name__)
KEYPAD = "123456789*0#"

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
    return {
        "mark_of": devices.mark_of,
        "segments_of": devices.segments_of,
        "end_of": devices.end_of,
        "anchor_of": devices.anchor_of,
        "KEYS": KEYPAD,
    }


@blueprint.get("/")
def home() -> str:
    """Everybody's phone, mail and chat side by side."""
    after = max(request.args.get("after", 0, type=int), 0)
    people, hidden = devices.people(bench(), now_utc(), after)
    return _bench_page(people, hidden, after + len(people))


@blueprint.get("/phones/<number>")
def phone(number: str) -> str:
    """One phone, with more of its past."""
    return _bench_page([devices.one(bench(), number, now_utc(), _before())])


@blueprint.get("/mailboxes/<address>")
def mailbox(address: str) -> str:
    """One mailbox, with more of its past."""
    return _bench_page([devices.one(bench(), address, now_utc(), _before())])


def _before() -> int | None:
    """The number that a page of a device's past ends before."""
    return request.args.get("before", type=int)


def _bench_page(people: list[devices.Person], hidden: int = 0, after: int = 0) -> str:
    active = [rule for rule in bench().script.rules() if rule.left != 0 and not rule.switch]
    beats = bench().heart.beats
    return render_template(
        "sandbox/bench.html",
        version=bench().store.version,
        active=active,
        people=people,
        hidden=hidden,
        after=after,
        beat=beats[-1][0] if beats else None,
    )


@blueprint.post("/phones/<number>/replies")
def replies(number: str) -> AnyResponse:
    """Write from a phone's own reply box."""
    text = request.form.get("text", "").strip()
    if not is_number(number):
        abort(404)
    if text:
        reply(bench(), number, text[:1600])
    return redirect(url_for("pages.home", _anchor=f"phone-{number.lstrip('+')}"), 303)


@blueprint.post("/phones/<number>/calls/<sid>")
def call(number: str, sid: str) -> AnyResponse:
    """Answer a call, press a key in it, or end it, with the phone's own buttons."""
    do, at = request.form.get("do", "press"), bench().switchboard
    hands = {"answer": at.answer, "decline": at.decline, "hang_up": at.hang_up}
    with suppress(NotNow):  # it has just ended: the page shows that
        if do in hands:
            hands[do](sid)
        else:
            at.press(sid, rules_read.keys(request.form))
    bench().switchboard.wait(sid)
    return redirect(url_for("pages.home", _anchor=devices.anchor_of(number)), 303)


@blueprint.post("/devices/<address>/switches")
def switch(address: str) -> AnyResponse:
    """Put a switch of a device on, or take it off."""
    try:
        switches.turn(bench().script, address, request.form.get("name", ""), on=request.form.get("on") == "1")
    except Unusable as problem:
        abort(422, str(problem))
    bench().store.touch()
    return redirect(url_for("pages.home", _anchor=devices.anchor_of(address)), 303)


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
        "outcomes": {name: each for name, each in OUTCOMES.items() if len(each) > 1},
        "modes": rules_read.MODES,
    }
    return render_template("sandbox/faults.html", rules=rules, **choices, **more)
