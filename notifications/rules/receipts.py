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
PRETEND = {"delivered": Rank.DELIVERED, "undelivered": Rank.FAILED}
RANKS = {"twilio": TWILIO, "sendgrid": SENDGRID, "pretend": PRETEND}


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
    if provider == "pretend":
        return Says.REFUSED
    return Says.REFUSED if retry.is_permanent(code, attempts) else Says.FAILED
