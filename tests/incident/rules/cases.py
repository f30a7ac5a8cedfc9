"""The cases that the rules are held to."""

import json
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
BESIDE = CHECKOUT.parent / "shared" / "domain" / "cases"
OURS = CHECKOUT / "tests" / "cases"


def cases(name: str) -> list[dict[str, object]]:
    """All cases of one kind, from beside the checkout when they lie there, else our own copies."""
    return json.loads(((BESIDE if BESIDE.is_dir() else OURS) / f"{name}.json").read_text("utf-8"))


def published() -> list[dict[str, object]]:
    """The EDPB's examples, which lie one a file beside the checkout and in one file with us."""
    if BESIDE.is_dir():
        return [json.loads(path.read_text("utf-8")) for path in sorted(BESIDE.glob("*-*.json"))]
    return cases("published")


def encoded() -> list[dict[str, object]]:
    """Published examples and decisions in the words that we, or others, might enter them in."""
    return json.loads((OURS / "encoded.json").read_text("utf-8"))


def by_id(case: dict[str, object]) -> str:
    return str(case["id"])
