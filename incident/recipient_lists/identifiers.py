"""What a sample of data holds that names or pays for people, as counts and how sure each is.

In memory only. What was found is neither given back nor kept, logged or named in an error: a scan is figures.
Work grows with what is looked at and with nothing else: every pattern has a greatest length and is tried once
at each place, cells are cut and a sample ends by the limits of `incident/recipient_lists/identifiers.toml`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final, TypeAlias

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from foundation.errors import Invalid
from incident.recipient_lists import numbers
from incident.recipient_lists.number_data import Rules, rules_at
from incident.recipient_lists.numbers import Kind

NAMES: Final = {
    Kind.CPR: _l("CPR numbers (Denmark)"),
    Kind.PERSONNUMMER: _l("personnummer (Sweden)"),
    Kind.SAMORDNINGSNUMMER: _l("samordningsnummer (Sweden)"),
    Kind.FODSELSNUMMER: _l("fødselsnummer (Norway)"),
    Kind.D_NUMBER: _l("D-numbers (Norway)"),
    Kind.H_NUMBER: _l("H-numbers (Norway)"),
    Kind.NATIONAL_INSURANCE: _l("National Insurance numbers (United Kingdom)"),
    Kind.CARD: _l("payment cards"),
    Kind.IBAN: _l("bank accounts (IBAN)"),
    Kind.EMAIL: _l("e-mail addresses"),
}


class Sure(IntEnum):
    """How sure it is that something is what it looks like."""

    POSSIBLE = 1  # the form fits, and much else has that form
    LIKELY = 2  # one check passed
    SURE = 3  # written as such numbers are, and every check passed


SURENESS: Final = {
    Sure.POSSIBLE: _l("possible"),
    Sure.LIKELY: _l("likely"),
    Sure.SURE: _l("sure"),
}


@dataclass(frozen=True, slots=True)
class Count:
    """How often a kind was seen this sure: in all, how many different ones, and in which share of cells."""

    kind: Kind
    sure: Sure
    found: int
    different: int
    cells: int
    share: float  # of the cells that hold anything, 0 to 1


@dataclass(frozen=True, slots=True)
class Scan:
    """What a sample holds, most telling first. `whole` is false where a limit left some of it unseen."""

    counts: tuple[Count, ...]
    cells: int  # looked at that hold anything
    whole: bool

    def found(self, kind: Kind, *, at_least: Sure = Sure.LIKELY) -> int:
        """How many of a kind were seen that are so sure."""
        return sum(each.found for each in self.counts if each.kind is kind and each.sure >= at_least)


_Option: TypeAlias = tuple[Kind, Sure]
_Options: TypeAlias = tuple[_Option, ...]


@dataclass(slots=True)
class _Tally:
    """Figures of one scan; what is different is told by numbers that mean nothing outside this process."""

    rules: Rules
    found: Counter[_Options] = field(default_factory=Counter)
    marks: dict[_Options, set[int]] = field(default_factory=dict)
    cells: Counter[frozenset[_Options]] = field(default_factory=Counter)
    tried: Counter[Kind] = field(default_factory=Counter)  # had the form, written without a break
    passed: Counter[Kind] = field(default_factory=Counter)  # and a check digit that fits by chance at times


@dataclass(frozen=True, slots=True)
class _Seen:
    """A match that is something: where it ends, what tells it from others, what it can be."""

    end: int
    mark: int
    options: _Options


def scan(cells: Iterable[str], *, now: datetime) -> Scan:
    """Count what the cells of a sample hold; give the cells of one column for the share of that column.

    `now` is UTC and tells which births lie ahead. Raises: Invalid where the cells cannot be read to their
    end, with nothing of them in it; RuleDataFault for data of ours that cannot be relied on.
    """
    rules = rules_at(now)
    with suppress(Exception):  # what broke may hold what was read (UnicodeDecodeError does): it is let go
        return _scanned(cells, rules)
    raise Invalid(
        _("The sample could not be read to its end, so nothing was counted."),
        next_step=_("Paste some of it as text, or give it as CSV or XLSX."),
    )


def scan_text(text: str, *, now: datetime) -> Scan:
    """Count what pasted text holds; a cell ends with its line, a tab, a semicolon or an upright line.

    `now` and errors as of `scan`.
    """
    return scan((match[0] for match in _CELL.finditer(text)), now=now)


_CELL: Final = re.compile(r"[^\t\r\n;|]+")
_WORTH_LOOKING: Final = re.compile(r"[0-9@]")
# Other dashes and blanks, as word processors set them; signs without width are dropped.
_PLAIN: Final = str.maketrans({
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
})  # fmt: skip

# Not inside a word, a number with a point, a longer number with dashes, or a telephone number with its plus.
_BEFORE: Final = r"(?<![^\W_])(?<![0-9][-.])(?<!\+)"
_AFTER: Final = r"(?![^\W_])(?![-.+][0-9])"


def _numbers(form: str) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}(?:{form}){_AFTER}", re.IGNORECASE)


_IBAN: Final = re.compile(r"(?<![^\W_])[a-z]{2}[0-9]{2}(?= ?[a-z0-9])", re.IGNORECASE)
_CARD: Final = _numbers(
    r"[0-9]{12,19}"
    r"|[0-9]{4}(?P<a>[ -])[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{4}(?:(?P=a)[0-9]{1,3})?"
    r"|[0-9]{4}(?P<b>[ -])[0-9]{6}(?P=b)[0-9]{4,5}"
)
_TWELVE: Final = _numbers(r"[0-9]{8}(?P<sign>[-+ ]?)[0-9]{4}")
_ELEVEN: Final = _numbers(r"[0-9]{6} ?[0-9]{5}")
_TEN: Final = _numbers(r"[0-9]{6}(?P<sign>[-+ ]?)[0-9]{4}")
_NINE: Final = _numbers(r"[0-9]{9}")
_INSURANCE: Final = _numbers(
    r"(?P<prefix>[a-z]{2})"
    r"(?:[0-9]{6}(?P<a>[a-z])?| ?[0-9]{6} ?(?P<b>[a-z])| (?:[0-9]{2} ){2}[0-9]{2} ?(?P<c>[a-z]))"
)
_LOCAL: Final = r"[\w.!#$%&'*+/=?^{|}~`-]"
_EMAIL: Final = re.compile(
    rf"(?<!{_LOCAL}){_LOCAL}{{1,64}}@(?:[^\W_][\w-]{{0,62}}\.){{1,8}}[^\W\d_]{{2,24}}(?![\w@])"
)


def _scanned(cells: Iterable[str], rules: Rules) -> Scan:
    """The scan itself; whatever it raises is let go by its caller."""
    tally, looked, signs, whole = _Tally(rules), 0, 0, True
    for cell in cells:
        if looked == rules.limit.cells or signs >= rules.limit.signs:
            whole = False
            break
        cut = cell[: rules.limit.cell_signs]
        whole = whole and len(cut) == len(cell)
        signs += len(cut) + 1  # also an empty one takes its time
        if cut and not cut.isspace():
            looked += 1
            _look(cut, tally)
    return Scan(tuple(_counts(tally, looked)), looked, whole)


def _look(cell: str, tally: _Tally) -> None:
    """Count what one cell holds, longest forms first: what was understood is no part of anything else."""
    if not _WORTH_LOOKING.search(cell):
        return
    text = cell if cell.isascii() else cell.translate(_PLAIN)
    here: set[_Options] = set()
    for pattern, judge in _JUDGES:
        left: list[str] = []
        begin = 0
        for start, seen in _each(text, pattern, judge, tally):
            tally.found[seen.options] += 1
            tally.marks.setdefault(seen.options, set()).add(seen.mark)
            here.add(seen.options)
            if judge is not _email:  # an address may have a number in it
                left += [text[begin:start], " x "]
                begin = seen.end
        if left:
            text = "".join([*left, text[begin:]])
    if here:
        tally.cells[frozenset(here)] += 1


def _each(text: str, pattern: re.Pattern[str], judge: "_Judge", tally: _Tally) -> Iterator[tuple[int, _Seen]]:
    """Matches that are something, none within another; one that is nothing hides none that begins later."""
    place = 0
    while match := pattern.search(text, place):
        seen = judge(match, tally)
        place = seen.end if seen else match.start() + 1
        if seen:
            yield match.start(), seen


def _iban(match: re.Match[str], tally: _Tally) -> _Seen | None:
    text, place = match.string, match.start()
    length = tally.rules.iban.lengths.get(match[0][:2].upper(), 0)
    signs = ""
    while len(signs) < length and place < len(text):
        if text[place].isascii() and text[place].isalnum():
            signs += text[place].upper()
        elif text[place] != " " or text[place - 1] == " ":
            return None
        place += 1
    if not length or len(signs) < length or text[place : place + 1].isalnum():
        return None
    return _Seen(place, hash(signs), ((Kind.IBAN, Sure.SURE),)) if numbers.has_iban_check(signs) else None


def _card(match: re.Match[str], tally: _Tally) -> _Seen | None:
    digits = _digits(match)
    if not any(issuer.has(digits) for issuer in tally.rules.cards.issuers):
        return None
    unbroken = match[0] == digits
    good = numbers.has_luhn(digits)
    _try(tally, Kind.CARD, unbroken=unbroken, good=good)
    sure = Sure.LIKELY if unbroken else Sure.SURE
    return _Seen(match.end(), hash(digits), ((Kind.CARD, sure),)) if good else None


def _twelve(match: re.Match[str], tally: _Tally) -> _Seen | None:
    digits = _digits(match)
    kind = numbers.swedish_kind(digits, match["sign"], tally.rules.today)
    if not kind or not numbers.has_luhn(digits[2:]):
        return None
    return _Seen(match.end(), hash(digits[2:]), ((kind, Sure.SURE),))


def _eleven(match: re.Match[str], tally: _Tally) -> _Seen | None:
    digits = _digits(match)
    kind = numbers.norwegian_kind(digits, tally.rules.today)
    return _Seen(match.end(), hash(digits), ((kind, Sure.SURE),)) if kind else None


def _ten(match: re.Match[str], tally: _Tally) -> _Seen | None:
    """Ten digits may be Danish or Swedish, or Norwegian from a spreadsheet that ate the first zero."""
    digits, sign = _digits(match), match["sign"]
    options = [*_danish(digits, sign, tally), *_swedish(digits, sign, tally)]
    if not sign and _is_all(match) and (kind := numbers.norwegian_kind("0" + digits, tally.rules.today)):
        options.append((kind, Sure.LIKELY))
    surest = max((sure for _kind, sure in options), default=None)
    kept = tuple(each for each in options if each[1] is surest)
    return _Seen(match.end(), hash(digits), kept) if kept else None


def _danish(digits: str, sign: str, tally: _Tally) -> Iterator[_Option]:
    born = numbers.cpr_birthday(digits, tally.rules.today)
    if born is None or sign == "+":
        return
    good = numbers.has_cpr_check(digits)
    _try(tally, Kind.CPR, unbroken=not sign, good=good)
    new_year = (born.month, born.day) == (1, 1)  # only such birthdays have got numbers that do not check
    if good:
        yield Kind.CPR, Sure.SURE if sign else Sure.LIKELY
    elif sign == "-":
        yield Kind.CPR, Sure.LIKELY if new_year else Sure.POSSIBLE
    elif new_year:
        yield Kind.CPR, Sure.POSSIBLE


def _swedish(digits: str, sign: str, tally: _Tally) -> Iterator[_Option]:
    kind = numbers.swedish_kind(digits, sign, tally.rules.today)
    if kind is None or sign == " ":
        return
    good = numbers.has_luhn(digits)
    _try(tally, kind, unbroken=not sign, good=good)
    if good:
        yield kind, Sure.SURE if sign else Sure.LIKELY


def _nine(match: re.Match[str], tally: _Tally) -> _Seen | None:
    """A CPR number from a spreadsheet that ate the first zero: only as a whole cell, and never sure."""
    digits = "0" + match[0]
    if not _is_all(match) or not numbers.cpr_birthday(digits, tally.rules.today):
        return None
    good = numbers.has_cpr_check(digits)
    _try(tally, Kind.CPR, unbroken=True, good=good)
    return _Seen(match.end(), hash(digits), ((Kind.CPR, Sure.LIKELY),)) if good else None


def _insurance(match: re.Match[str], tally: _Tally) -> _Seen | None:
    known, prefix = tally.rules.insurance, match["prefix"].upper()
    suffix = (match["a"] or match["b"] or match["c"] or "").upper()
    if set(prefix) & set(known.neither) or prefix[1] in known.second or prefix in known.pairs:
        return None
    if suffix and suffix not in known.suffixes:
        return None
    if not suffix and not match["prefix"].isupper():
        return None
    sure = Sure.SURE if match["c"] else Sure.LIKELY if suffix else Sure.POSSIBLE
    return _Seen(match.end(), hash(prefix + _digits(match)), ((Kind.NATIONAL_INSURANCE, sure),))


def _email(match: re.Match[str], _tally: _Tally) -> _Seen | None:
    return _Seen(match.end(), hash(match[0].casefold()), ((Kind.EMAIL, Sure.SURE),))


def _digits(match: re.Match[str]) -> str:
    return "".join(sign for sign in match[0] if "0" <= sign <= "9")


def _is_all(match: re.Match[str]) -> bool:
    return match[0] == match.string.strip()


def _try(tally: _Tally, kind: Kind, *, unbroken: bool, good: bool) -> None:
    """Remember how often a weak check was passed by what is written as any number is."""
    if unbroken:
        tally.tried[kind] += 1
        tally.passed[kind] += good


def _counts(tally: _Tally, looked: int) -> Iterator[Count]:
    """The figures by kind and sureness, once it is known what the sample holds most of."""
    told = {options: _settled(options, tally) for options in tally.found}
    found: Counter[_Option] = Counter()
    marks: dict[_Option, set[int]] = {}
    for options, option in told.items():
        found[option] += tally.found[options]
        marks.setdefault(option, set()).update(tally.marks[options])
    cells: Counter[_Option] = Counter()
    for together, count in tally.cells.items():
        for option in {told[options] for options in together}:
            cells[option] += count
    order = list(Kind)
    for kind, sure in sorted(found, key=lambda each: (order.index(each[0]), -each[1])):
        option = (kind, sure)
        yield Count(kind, sure, found[option], len(marks[option]), cells[option], cells[option] / looked)


def _settled(options: _Options, tally: _Tally) -> _Option:
    """What is taken of several that fit alike: what the sample has most of; only possible if it has none."""
    alone = {kind: sum(tally.found[each] for each in tally.found if _is_only(each, kind)) for kind in Kind}
    kind, sure = max(options, key=lambda each: alone[each[0]])
    if len(options) > 1 and not alone[kind]:
        return kind, Sure.POSSIBLE
    if sure is Sure.LIKELY and tally.passed[kind] < tally.rules.limit.by_chance * tally.tried[kind]:
        return kind, Sure.POSSIBLE
    return kind, sure


def _is_only(options: _Options, kind: Kind) -> bool:
    return len(options) == 1 and options[0][0] is kind


_Judge: TypeAlias = Callable[[re.Match[str], _Tally], _Seen | None]
_JUDGES: Final[tuple[tuple[re.Pattern[str], _Judge], ...]] = (
    (_IBAN, _iban), (_CARD, _card), (_EMAIL, _email), (_INSURANCE, _insurance),
    (_TWELVE, _twelve), (_ELEVEN, _eleven), (_TEN, _ten), (_NINE, _nine),
)  # fmt: skip
