"""Switches at a device: each is a few rules of the script under one name, put on and taken off together."""

from dataclasses import dataclass

from notifications.sandbox.script import Effect, Fault, Kind, Outcome, Script, Unusable

NOT_REACHABLE, BLOCKED = 30003, 30007  # Twilio's codes


@dataclass(frozen=True, slots=True)
class Switch:
    """What a switch is called at which sort of device, and what each provider then does."""

    label: str
    device: str
    effects: tuple[tuple[str, Effect], ...]


SWITCHES = {
    "off": Switch("Phone is off", "phone", (
        ("twilio", Outcome("undelivered", NOT_REACHABLE)), ("gateway", Outcome("undelivered")),
        ("voice", Outcome("no-answer")),
    )),
    "texts_fail": Switch("Texts fail", "phone", (
        ("twilio", Outcome("undelivered", BLOCKED)), ("gateway", Outcome("undelivered")),
    )),
    "busy": Switch("Line is busy", "phone", (("voice", Outcome("busy")),)),
    "voicemail": Switch("Voicemail answers", "phone", (("voice", Outcome("machine")),)),
    "bounces": Switch("Mail bounces", "mailbox", (
        ("sendgrid", Outcome("bounce")), ("smtp", Fault(Kind.PERMANENT)),
    )),
    "late": Switch("Mail is put off", "mailbox", (
        ("sendgrid", Outcome("deferred")), ("smtp", Fault(Kind.TEMPORARY)),
    )),
    "chat_down": Switch("Chat is down", "chat", (("chat", Fault(Kind.ERROR)),)),
}  # fmt: skip


def device_of(address: str) -> str:
    """Which sort of device has this address: phone, mailbox or chat."""
    if address.startswith("+"):
        return "phone"
    return "mailbox" if "@" in address else "chat"


def turn(script: Script, address: str, name: str, *, on: bool) -> None:
    """Put a switch on or take it off; `name` "all" takes off every one. Raises Unusable."""
    if name == "all" and not on:
        for each in switched(script, address):
            turn(script, address, each, on=False)
        return
    switch = SWITCHES.get(name)
    if switch is None or switch.device != device_of(address):
        allowed = [key for key, each in SWITCHES.items() if each.device == device_of(address)]
        raise Unusable(f"{name!r} is no switch of {address}. It must be one of: {', '.join(allowed)}.")
    known = name in switched(script, address)
    if on and not known:
        for provider, effect in switch.effects:
            script.add(provider, effect, to=address, switch=name)
    elif known and not on:
        for rule in script.rules():
            if (rule.switch, rule.to) == (name, address):
                script.remove(rule.number)


def switched(script: Script, address: str) -> set[str]:
    """The switches that are on at a device."""
    return {rule.switch for rule in script.rules() if rule.switch and rule.to == address}
