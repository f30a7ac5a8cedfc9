"""The forms in which Twilio asks how a call goes on, and tells of its progress."""

from datetime import datetime
from email.utils import format_datetime

from notifications.sandbox.config import SANDBOX_ACCOUNT_SID
from notifications.sandbox.messages import Message
from notifications.sandbox.talk import ENDED

SIP = {"completed": "200", "busy": "486", "no-answer": "487", "canceled": "487", "failed": "404"}


def request_fields(call: Message) -> dict[str, str]:
    """What every request of a call carries, as Twilio's voice guide lists it."""
    fields = {
        "AccountSid": SANDBOX_ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "CallSid": call.id,
        "CallStatus": call.status,
        "Called": call.to,
        "Caller": call.sender,
        "Direction": "outbound-api",
        "From": call.sender,
        "To": call.to,
    }
    if call.talk and call.talk.answered_by:
        fields["AnsweredBy"] = call.talk.answered_by
    return fields


def event_fields(call: Message, status: str, number: int, now: datetime) -> dict[str, str]:
    """The form of a status callback; `number` counts a call's events from 0."""
    fields = {
        **request_fields(call),
        "CallStatus": status,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(number),
        "Timestamp": format_datetime(now),
    }
    if status in ENDED:
        seconds = call.talk.seconds(now) if call.talk else 0
        fields |= {"CallDuration": str(seconds), "SipResponseCode": SIP[status]}
        if status == "completed":
            fields["Duration"] = str(-(-seconds // 60))  # in minutes begun
    return fields
