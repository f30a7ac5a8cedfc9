"""What keeps drills apart by the shape of the code: one place makes recipients, one makes chains."""

import ast
import re

from tests.contracts.codebase import PACKAGES, sources

# Who may name somebody outside: the place that makes recipients, and the test message of an operator,
# which is about the organisation and never about an incident.
NAMES_OUTSIDE = {"notifications.outbox", "notifications.cli"}
MAKES_CHAINS = {"incident.models"}


def calls(source, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
        for node in ast.walk(ast.parse(source.text))
    )


def test_one_place_makes_recipients_so_that_nobody_need_think_of_drills() -> None:
    by_hand = {
        source.module
        for source in sources(*PACKAGES)
        if calls(source, "Outside")
        or (calls(source, "Pretend") and source.module != "notifications.channels")
    }

    assert by_hand == NAMES_OUTSIDE


def test_one_place_writes_the_chain_of_an_incident() -> None:
    by_hand = re.compile(r"""f["'](?:incident|drill)/\{""")

    assert {each.module for each in sources(*PACKAGES) if by_hand.search(each.text)} == MAKES_CHAINS
