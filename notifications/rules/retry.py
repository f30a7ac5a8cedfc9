"""When to try again and when to give up; how long a call and a lease may last.

The figures answer faults that were provoked on purpose: a lease shorter than the call plus the
recording of its result sends twice without any fault at all.
"""

from dataclasses import dataclass
from datetime import timedelta

UNFILLED = "unfilled"  # our own: a mark in the text has no value for this person
TOO_LARGE = "too-large"  # our own: this person's values are more than the provider takes
NOWHERE = "nowhere"  # of drills: a made-up address that takes nothing
ACCOUNT = frozenset({"20003", "20005", "30002", "63038", "401", "403"})
PERMANENT = frozenset({
    "21211", "21214", "21217", "21408", "21610", "21612", "21614", "30004", "30005", "30006",
    "30007", "30032", "30034", "21606", "21601", "21602", "21603", "21617", "400", "413",
    # Of a person's own address of a chat service: none of these says anything of others'.
    "chat-address", "chat-301", "chat-302", "chat-307", "chat-308", "chat-400", "chat-401", "chat-403",
    "chat-404", "chat-405", "chat-410", "chat-413", "chat-422",
    "13224", "13225", "21210", "21215", "21216",  # of calls
    UNFILLED, TOO_LARGE, NOWHERE,
})  # fmt: skip
TRANSIENT = frozenset({
    "20429", "429", "20500", "20501", "20502", "20503", "20504", "30001", "30003", "30008", "30036", "11200",
})  # fmt: skip
BUSY = frozenset({"429", "20429"})  # too much at once: of all that goes to it
SMTP = "smtp-"  # before a reply of a mail server: enhanced (RFC 3463) where it gave one, else of RFC 5321
OPTED_OUT = frozenset({"21610", "opted-out"})  # Twilio's code, and the gateway's
LONGEST_WAIT = timedelta(minutes=15)
FIRST_WAIT = timedelta(seconds=15)
UNKNOWN_TRIES = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """How one kind of message is treated."""

    call: timedelta  # the whole call to the provider may last this long
    lease: timedelta  # after this, whoever held the message is taken for dead
    settle: timedelta  # so long a provider may take to show what it accepted
    tries: int
    at_once: int  # so often it goes again at once while nobody is sure, since a copy is better than none

    def __post_init__(self) -> None:
        if self.lease < self.call + timedelta(seconds=5):
            raise ValueError("A lease must outlast the call and the recording of its result.")


PAGING = Terms(
    call=timedelta(seconds=10), lease=timedelta(seconds=30), settle=timedelta(0), tries=5,
    at_once=5,
)  # fmt: skip
REMINDING = Terms(
    call=timedelta(seconds=20), lease=timedelta(seconds=60), settle=timedelta(seconds=120), tries=8,
    at_once=1,
)  # fmt: skip
ONCE = Terms(
    call=timedelta(seconds=20), lease=timedelta(seconds=60), settle=timedelta(seconds=120), tries=8,
    at_once=0,
)  # fmt: skip


def is_permanent(code: str | None, attempts: int) -> bool:
    """Whether a refusal is for good on this channel; a code nobody knows gets two tries.

    No code at all means that the provider was not reached, which says nothing of the recipient.
    """
    if code in PERMANENT or code in OPTED_OUT:
        return True
    if code and code.startswith(SMTP):
        return code.startswith(f"{SMTP}5")
    if code is None or code in TRANSIENT or code in ACCOUNT:
        return False
    return attempts >= UNKNOWN_TRIES


def wait_before(attempt: int, retry_after: float | None = None, *, spread: float = 1.0) -> timedelta:
    """How long to wait before another attempt: doubling from 15 s, 15 minutes at most.

    `attempt` counts those made; `retry_after` is the provider's own wish in seconds; `spread` keeps what
    failed together from coming back together.
    """
    wait: timedelta = FIRST_WAIT * (2 ** min(max(attempt - 1, 0), 10)) * spread
    if retry_after and retry_after > 0:  # no wish, or none that is a number
        wait = max(wait, timedelta(seconds=min(retry_after, LONGEST_WAIT.total_seconds())))
    return min(wait, LONGEST_WAIT)
