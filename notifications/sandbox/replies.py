"""Replies from phones: told to the product as Twilio tells them, its answer shown on the phone."""

import secrets

from notifications.sandbox.bench import Bench
from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_NUMBER
from notifications.sandbox.messages import Message, now_utc
from notifications.sandbox.sms import segments
from notifications.sandbox.twiml import texts_of

STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
START = {"START", "YES", "UNSTOP"}
STOPPED = "You have successfully been unsubscribed. You will not receive any more messages. Reply START."
STARTED = "You have successfully been re-subscribed to messages from this number."


def reply(bench: Bench, number: str, text: str) -> Message:
    """Write from a phone. The message is kept first, then told; an answer waits for three seconds.

    STOP and its like silence the number (21610) until START, by the provider itself.
    """
    message = _message(number, SANDBOX_NUMBER, text, "inbound", "received")
    bench.store.keep([message])
    _keep_opt_out(bench, number, text)

    def show(answer: Answer) -> None:
        if answer.status < 300 and number not in bench.store.opted_out:
            texts = texts_of(answer.text)
            bench.store.keep(
                [_message(SANDBOX_NUMBER, number, each, "answer", "delivered") for each in texts]
            )

    bench.caller.inbound(_fields(message), f"phone {number}", show)
    return message


def _keep_opt_out(bench: Bench, number: str, text: str) -> None:
    word = text.strip().upper()
    if word in STOP and number not in bench.store.opted_out:
        bench.store.set_opt_out(number, out=True)
        bench.store.keep([_message(SANDBOX_NUMBER, number, STOPPED, "notice", "delivered")])
    elif word in START and number in bench.store.opted_out:
        bench.store.set_opt_out(number, out=False)
        bench.store.keep([_message(SANDBOX_NUMBER, number, STARTED, "notice", "delivered")])


def _message(sender: str, to: str, text: str, direction: str, status: str) -> Message:
    now, sid = now_utc(), "SM" + secrets.token_hex(16)
    return Message(
        id=sid,
        provider="twilio",
        to=to,
        sender=sender,
        body=text,
        direction=direction,
        status=status,
        at=now,
        due_at=now,
        changed_at=now,
        sent_at=now,
        request=sid,
    )


def _fields(message: Message) -> dict[str, str]:
    """The form of an incoming message, as Twilio's webhook reference lists it."""
    return {
        "ToCountry": "DK",
        "SmsMessageSid": message.id,
        "NumMedia": "0",
        "SmsSid": message.id,
        "SmsStatus": "received",
        "Body": message.body,
        "To": message.to,
        "NumSegments": str(segments(message.body)),
        "MessageSid": message.id,
        "AccountSid": SANDBOX_ACCOUNT_SID,
        "From": message.sender,
        "ApiVersion": "2010-04-01",
    }
