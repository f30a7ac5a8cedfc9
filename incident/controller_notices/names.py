"""Whether a text names a customer: no customer may read of another, not even its name.

A full name or a reference counts in any case. A name without its legal form ("Jysk" of "Jysk A/S") counts
as it is written, so that an ordinary word at the beginning of no name is left alone. What our own templates
say anyway is no name.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

LEGAL_FORMS = frozenset({
    "a/s", "aps", "as", "asa", "ab", "ag", "gmbh", "i/s", "k/s", "p/s", "ivs", "amba", "a.m.b.a.", "oy",
    "oyj", "ltd", "ltd.", "limited", "plc", "llp", "inc", "inc.", "llc", "bv", "b.v.", "hb", "kb", "ans",
    "da", "(publ)", "se", "sa", "s.a.",
})  # fmt: skip
SHORTEST_REFERENCE = 4
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Naming:
    """Whose name or reference stands in a text, and as what."""

    customer_id: UUID
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class _Sought:
    customer_id: UUID
    name: str
    said: str
    exact: bool  # whether its case counts


class Names:
    """The names and references of all customers, looked up word by word: thousands cost no more than ten."""

    def __init__(self, customers: Iterable[tuple[UUID, str, str]], ordinary: str = "") -> None:
        """`customers` are (id, name, reference); `ordinary` is text whose words give nobody away."""
        self._by_first_word: dict[str, list[_Sought]] = defaultdict(list)
        usual = _flat(ordinary).casefold()
        for customer_id, name, reference in customers:
            for sought in _sought(customer_id, name, reference):
                first = _WORD.search(sought.said)
                if first and not _stands_in(sought.said.casefold(), usual):
                    self._by_first_word[first.group().casefold()].append(sought)

    def found_in(self, text: str, *, but: UUID | None = None) -> list[Naming]:
        """Who is named in a text, each once; `but` is the customer it is written to."""
        flat = _flat(text)
        lower = flat.casefold()
        words = {each.group() for each in _WORD.finditer(lower)}
        words |= {each[:-1] for each in words if each.endswith("s")}  # the genitive: "Jysks kunder"
        found: dict[UUID, Naming] = {}
        for word in words & self._by_first_word.keys():
            for each in self._by_first_word[word]:
                there = each.said in flat if each.exact else each.said.casefold() in lower
                if each.customer_id == but or each.customer_id in found or not there:
                    continue
                if _stands_in(each.said, flat) if each.exact else _stands_in(each.said.casefold(), lower):
                    found[each.customer_id] = Naming(each.customer_id, each.name, each.said)
        return list(found.values())


def _sought(customer_id: UUID, name: str, reference: str) -> Iterator[_Sought]:
    whole = _flat(name)
    bare = " ".join(word for word in whole.split() if word.casefold() not in LEGAL_FORMS)
    yield _Sought(customer_id, name, whole, exact=False)
    if bare and bare != whole:
        yield _Sought(customer_id, name, bare, exact=" " not in bare)
        if " " not in bare and bare.upper() != bare:
            yield _Sought(customer_id, name, bare.upper(), exact=True)
    told = _flat(reference)
    if len(told) >= SHORTEST_REFERENCE and not (told.isdigit() and len(told) == SHORTEST_REFERENCE):
        yield _Sought(customer_id, name, told, exact=False)


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _stands_in(said: str, text: str) -> bool:
    """Whether it stands there as words of its own, and not inside another word."""
    return re.search(rf"(?<!\w){re.escape(said)}(?:['’]?s)?(?!\w)", text) is not None
