"""What a mail server's reply means: enhanced status codes (RFC 3463) where it gives one, else RFC 5321."""

import re
from dataclasses import dataclass

from notifications.rules.retry import SMTP

ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")
TOO_LARGE = ("5.2.3", "5.3.4")  # of this text, not of our account
RIGHTS = "5.7."  # RFC 3463, 3.8: security and policy
GONE = "5.1.3"  # an address that is none
NO_SUCH_LETTERS = "5.6.7"  # RFC 6531: letters in an address that the server does not take


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its three digits, -1 for none that could be read, and its text."""

    number: int
    text: str

    @property
    def says(self) -> str:
        """The enhanced code, or the three digits."""
        found = ENHANCED.match(self.text)
        same = found and found.group(1)[0] == str(self.number)[0]
        return found.group(1) if found and same else str(self.number)

    @property
    def code(self) -> str | None:
        """For `retry.is_permanent`; None for a reply that says nothing."""
        return SMTP + self.says if self.number in range(400, 600) else None

    @property
    def yes(self) -> bool:
        """Whether the server does what it was asked."""
        return self.number in range(200, 300)

    @property
    def no(self) -> bool:
        """Whether it surely did not."""
        return self.number in range(400, 600)

    @property
    def for_good(self) -> bool:
        """Whether asking again would change nothing."""
        return self.number in range(500, 600)

    @property
    def of_our_account(self) -> bool:
        """Before a recipient was named: whether the server refuses everything of ours, not just this text."""
        return self.for_good and self.says not in (*TOO_LARGE, "552")

    @property
    def of_our_rights(self) -> bool:
        """Of a recipient: whether the server takes nothing from us for them, as who may not relay hears."""
        return self.for_good and self.says.startswith(RIGHTS)
