"""Late receipts never overwrite later facts: every status has a rank, and only a higher one counts."""

from enum import IntEnum, StrEnum

from notifications.rules import retry


class Says(StrEnum):
    """What a receipt means for the message."""

    UNDER_WAY = "under_way"  # the provider has it: proof of acceptance, nothing more
    DELIVERED = "delivered"
    FAILED = "failed"  # may be tried again
    REFUSED = "refused"  # not on this channel again
    NOTHING = "nothing"  # of no consequence for a legal message, such as an unsubscribe


class Rank(IntEnum):
    """How late in a message's life a status stands."""

    ACCEPTED = 1
    QUEUED = 2
    SENDING = 3
    SENT = 4
    FAILED = 5
    DELIVERED = 6
    READ = 7


TWILIO = {
    "accepted": Rank.ACCEPTED, "scheduled": Rank.ACCEPTED, "queued": Rank.QUEUED, "sending": Rank.SENDING,
    "sent": Rank.SENT, "undelivered": Rank.FAILED, "failed": Rank.FAILED, "canceled": Rank.FAILED,
    "delivered": Rank.DELIVERED, "read": Rank.READ,
}  # fmt: skip
SENDGRID = {
    "processed": Rank.QUEUED, "deferred": Rank.SENDING, "dropped": Rank.FAILED, "bounce": Rank.FAILED,
    "blocked": Rank.FAILED, "delivered": Rank.DELIVERED,
}  # fmt: skip
# Of the generic gateway: docs/operations/gateway.md.
GATEWAY = {
    "accepted": Rank.ACCEPTED, "queued": Rank.QUEUED, "sending": Rank.SENDING, "sent": Rank.SENT,
    "undelivered": Rank.FAILED, "failed": Rank.FAILED, "delivered": Rank.DELIVERED,
}  # fmt: skip
# A call is delivered by the key that answers it: one that nobody pressed a key in has reached a machine, a
# child or nobody. Only a text that wants no answer is delivered by being "spoken" to its end.
VOICE = {
    "queued": Rank.QUEUED, "initiated": Rank.QUEUED, "ringing": Rank.SENDING, "in-progress": Rank.SENT,
    "answered": Rank.SENT, "completed": Rank.FAILED, "busy": Rank.FAILED, "no-answer": Rank.FAILED,
    "failed": Rank.FAILED, "canceled": Rank.FAILED, "spoken": Rank.DELIVERED, "keyed": Rank.DELIVERED,
}  # fmt: skip
CALLS = "twilio-voice"  # the provider's name
PRETEND = {"delivered": Rank.DELIVERED, "undelivered": Rank.FAILED}
RANKS = {
    "twilio": TWILIO, "sendgrid": SENDGRID, "gateway": GATEWAY, CALLS: VOICE, "pretend": PRETEND,
}  # fmt: skip


def rank(provider: str, status: str) -> int:
    """The rank of a provider's status; 0 for one that says nothing about delivery."""
    return int(RANKS.get(provider, {}).get(status, 0))


def meaning(provider: str, status: str, code: str | None, attempts: int) -> Says:
    """What a status means; `code` is the provider's error code, `attempts` those made so far."""
    found = rank(provider, status)
    if not found:
        return Says.NOTHING
    if found >= Rank.DELIVERED:
        return Says.DELIVERED
    if found < Rank.FAILED:
        return Says.UNDER_WAY
    if provider == "sendgrid":
        # A drop or a bounce means that this address does not take our mail: the next channel, now.
        return Says.FAILED if status == "blocked" else Says.REFUSED
    if provider in ("pretend", CALLS):
        return Says.REFUSED  # the next way at once: who did not pick up is not rung again the same way
    if provider == "gateway":
        # It cannot deliver to this number; or something failed on the way, which the next try may not meet.
        gone = status == "undelivered" or retry.is_permanent(code, attempts)
        return Says.REFUSED if gone else Says.FAILED
    return Says.REFUSED if retry.is_permanent(code, attempts) else Says.FAILED


def as_meant(provider: str, status: str, *, wants_answer: bool) -> str:
    """The status as it counts for this message: a call that wants no answer is over when it was spoken."""
    return "spoken" if (provider, status, wants_answer) == (CALLS, "completed", False) else status
