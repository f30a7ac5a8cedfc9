"""What keeps drills apart by the shape of the code: one place makes recipients, one makes chains."""

import re

from tests.contracts.codebase import PACKAGES, sources

# Who may name somebody outside: the place that makes recipients, and the test message of an operator,
# which is about the organisation and never about an incident.
NAMES_OUTSIDE = {"notifications.outbox", "notifications.cli"}
MAKES_CHAINS = {"incident.models"}
RECIPIENT = re.compile(r"\b(?:Outside|outbox\.Pretend)\(")
CHAIN = re.compile(r"""f["'](?:incident|drill)/\{""")


def those_that_write(pattern: re.Pattern[str]) -> set[str]:
    return {source.module for source in sources(*PACKAGES) if pattern.search(source.text)}


def test_one_place_makes_recipients_so_that_nobody_need_think_of_drills() -> None:
    assert those_that_write(RECIPIENT) == NAMES_OUTSIDE


def test_one_place_writes_the_chain_of_an_incident() -> None:
    assert those_that_write(CHAIN) == MAKES_CHAINS
