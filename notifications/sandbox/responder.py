"""A telephone that answers by itself: the product's test number, where nobody sits in a demonstration."""

import re

from notifications.sandbox import replies
from notifications.sandbox.bench import Bench
from notifications.sandbox.messages import Message

WANTED = re.compile(r"\bOK ([A-Z0-9]{4,8})\s*$")  # how a test page ends, in each language
PAUSE = 2.0  # seconds, as if somebody picked it up


def take(bench: Bench, message: Message) -> None:
    """Answer a text that asks for it, after a moment, when it came to the number that answers by itself."""
    asked = WANTED.search(message.body or "")
    if asked and message.to == bench.config.responder:
        said = f"OK {asked.group(1)}"
        bench.scheduler.after(PAUSE, lambda: _say(bench, message.to, said), idle=True)


def _say(bench: Bench, number: str, text: str) -> None:
    replies.reply(bench, number, text)
