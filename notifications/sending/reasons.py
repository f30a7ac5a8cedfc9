"""Why somebody is left to people where no provider said why: a code for machines, and what the row says."""

from typing import Final, NamedTuple


class Reason(NamedTuple):
    """A code, as coverage reports give it and have words for it in each language, and a sentence."""

    code: str
    why: str


NO_WAY: Final = Reason("no_way", "there is no address to tell this person by")
NO_ADDRESS: Final = Reason("no_address", "this person has no address that can be used")
NO_TEXT: Final = Reason("no_text", "there is no text in this person's language")
PROTECTED: Final = Reason(
    "protected", "the address is protected: no letter goes there unless a person chooses so"
)
STOPPED: Final = Reason("stopped", "the sending was stopped")
UNPROVEN: Final = Reason("unproven", "a provider has it, and nobody says that it arrived")
OURS: Final = frozenset(each.code for each in (NO_WAY, NO_ADDRESS, NO_TEXT, PROTECTED, STOPPED, UNPROVEN))
