"""The control interface under /_sandbox/: rules, the ledger, phones, mailboxes, replies. JSON only."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from notifications.sandbox import rules_read, switches
from notifications.sandbox.bench import bench
from notifications.sandbox.messages import Message
from notifications.sandbox.replies import reply
from notifications.sandbox.script import Effect, Rule, Unusable
from notifications.sandbox.sms import is_number
from notifications.sandbox.switchboard import NotNow, Switchboard

HANDS: dict[str, Callable[[Switchboard, str, dict[str, Any]], None]] = {
    "answer": lambda at, sid, _: at.answer(sid),
    "press": lambda at, sid, given: at.press(sid, rules_read.keys(given)),
    "decline": lambda at, sid, _: at.decline(sid),
    "hang_up": lambda at, sid, _: at.hang_up(sid),
    "ring_out": lambda at, sid, _: at.ring_out(sid),
    "be_silent": lambda at, sid, _: at.be_silent(sid),
}

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")


@blueprint.errorhandler(Unusable)
def unusable(problem: Unusable) -> tuple[Response, int]:
    """A rule that cannot be followed."""
    return jsonify(error=str(problem)), 422


@blueprint.get("/health")
def health() -> Response:
    """The sandbox answers; what is still on its way; the key that checks its events."""
    at = bench()
    scheduled = at.scheduler.waiting()  # asked for first: a task that ends leaves its callbacks in a lane
    return jsonify(
        status="ok",
        version=at.store.version,
        accepted=len(at.store.accepted()),
        callbacks_waiting=at.lanes.waiting(),
        scheduled=scheduled,
        event_public_key=at.public_key,
        smtp=at.smtp_at,
    )


@blueprint.get("/version")
def version() -> Response:
    """A number that changes whenever there is something new to see."""
    return jsonify(version=bench().store.version)


@blueprint.get("/ledger")
def ledger() -> Response:
    """What was accepted from the product, in order: `?provider=&to=&since=` (a `seq`, exclusive)."""
    wanted = {"to": request.args["to"]} if request.args.get("to") else {}
    since = request.args.get("since", 0, type=int)
    found = bench().store.accepted(request.args.get("provider") or None, **wanted)
    return jsonify(accepted=[document_of(message) for message in found if message.seq > since])


@blueprint.get("/everything")
def everything() -> Response:
    """All messages there are, replies and answers too, in order."""
    found = sorted(bench().store.messages.values(), key=lambda message: message.seq)
    return jsonify(messages=[document_of(message) for message in found])


@blueprint.get("/phones/<number>")
def phone(number: str) -> Response:
    """Everything to and from a phone, oldest first."""
    return _device("twilio", number)


@blueprint.get("/mailboxes/<address>")
def mailbox(address: str) -> Response:
    """Everything that was accepted for a mailbox, oldest first; its `status` says whether it arrived."""
    return _device("sendgrid", address)


def _device(provider: str, address: str) -> Response:
    found = bench().store.at(provider, address)
    name = bench().names.by_address.get(address)
    return jsonify(address=address, name=name, messages=[document_of(message) for message in found])


@blueprint.post("/phones/<number>/replies")
def replies(number: str) -> tuple[Response, int]:
    """Write from a phone: `{"text": …}`. Comes back when the product answered, or after three seconds."""
    text = str(_given().get("text", "")).strip()
    if not is_number(number) or not text:
        raise Unusable("A reply needs a phone number such as +4520000001 and a 'text'.")
    return jsonify(document_of(reply(bench(), number, text))), 201


@blueprint.post("/devices/<address>/switches/<name>")
@blueprint.delete("/devices/<address>/switches/<name>")
def switch(address: str, name: str) -> Response:
    """Put a switch on at a phone, a mailbox or a chat, or take it off; DELETE "all" takes off every one."""
    switches.turn(bench().script, address, name, on=request.method == "POST")
    bench().store.touch()
    return jsonify(on=sorted(switches.switched(bench().script, address)))


@blueprint.post("/calls/<sid>/<what>")
def call(sid: str, what: str) -> Response:
    """Do to a call what a person does, by a word of HANDS; `press` takes `{"keys": "4"}`."""
    do = HANDS.get(what)
    if do is None:
        raise Unusable(f"{what!r} is nothing one can do to a call. It must be one of: {', '.join(HANDS)}.")
    try:
        do(bench().switchboard, sid, request.get_json(silent=True) or {})
    except NotNow as late:
        raise Unusable(str(late)) from late
    return jsonify(document_of(bench().store.messages[sid]))


@blueprint.post("/faults")
def add_fault() -> tuple[Response, int]:
    """Let requests fail, once unless `times` says otherwise (null: until taken away)."""
    return _added(rules_read.fault, times=1)


@blueprint.post("/outcomes")
def add_outcome() -> tuple[Response, int]:
    """Say what becomes of messages that are accepted from now on."""
    return _added(rules_read.outcome, times=None)


@blueprint.post("/callbacks")
def add_behaviour() -> tuple[Response, int]:
    """Say how receipts are called back of messages that are accepted from now on."""
    return _added(rules_read.behaviour, times=None)


@blueprint.post("/search_lag")
def set_lag() -> Response:
    """Let searches see a message only so many seconds after it was accepted."""
    given = _given()
    bench().script.search_lag[rules_read.provider_of(given)] = rules_read.lag(given)
    return jsonify(bench().script.search_lag)


def _added(read: Callable[[Mapping[str, Any]], Effect], *, times: int | None) -> tuple[Response, int]:
    given = _given()
    provider, effect, scope = rules_read.provider_of(given), read(given), rules_read.scope(given, times=times)
    return jsonify(bench().script.add(provider, effect, **scope).described()), 201


@blueprint.get("/faults")
def rules() -> Response:
    """Every rule in force or used up, and the lag of searches."""
    found: list[Rule] = bench().script.rules()
    return jsonify(rules=[rule.described() for rule in found], search_lag=bench().script.search_lag)


@blueprint.delete("/faults")
@blueprint.delete("/faults/<int:number>")
def remove(number: int | None = None) -> Response:
    """Take away one rule, or all of them and the lag of searches."""
    bench().script.remove(number)
    return Response(status=204)


@blueprint.get("/callbacks")
def callbacks() -> Response:
    """The last thousand callbacks: where to, how often tried, what the product answered."""
    return jsonify(callbacks=[call.described() for call in bench().caller.made])


@blueprint.get("/heartbeats")
def heartbeats() -> Response:
    """The last hundred heartbeats of the product, oldest first."""
    return jsonify(heartbeats=[{"at": at.isoformat(), "how": how} for at, how in bench().heart.beats])


@blueprint.post("/names")
def names() -> Response:
    """Name phones and mailboxes: `{"+4520000001": "Astrid"}`; they appear on the bench at once."""
    bench().names.add({address: str(name) for address, name in _given().items()})
    return jsonify(bench().names.by_address)


@blueprint.post("/reset")
def reset() -> Response:
    """Begin anew: no messages, no rules."""
    bench().clear()
    return Response(status=204)


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Unusable("Send a JSON object, with Content-Type: application/json.")
    return given


def document_of(message: Message) -> dict[str, Any]:
    """A message as the control interface shows it."""
    return {**message.line(), "outcome": asdict(message.outcome), "callbacks": asdict(message.callbacks)}
