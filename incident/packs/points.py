"""What a notification leaves open: by the article, by the form, by its limits, and by its language.

The points of GDPR art. 33(3) must be answered, or marked as to follow where art. 33(4) lets them. What the
form demands besides holds up nothing: late is worse than incomplete.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from incident import authorities
from incident.packs import former, values
from incident.packs.article import ANSWERS, everything_asked
from incident.packs.documents import fields, is_former, may_follow
from incident.packs.layout import form_in, misfits
from incident.packs.values import CLAIMS, NOT_YET, Entries
from incident.rules import forms
from incident.rules.completeness import Gap
from incident.rules.deadlines import Clock
from incident.rules.form_answers import codes_of, is_known
from incident.rules.forms import Misfit

What: TypeAlias = Literal["gap", "secrecy", "missing", "misfit", "language"]

_OF_REPORTER: Final[Mapping[str, tuple[str, ...]]] = {
    "the name of the data protection officer or contact point": ("reporter.name",),
    "how the contact point can be reached": ("reporter.phone", "reporter.email"),
}
# Of a mode only this answers: that a number cannot be told. "Exact" without a number does not.
_NO_FIGURE: Final = {"subjects.count_mode": "undeterminable", "records.count_mode": "undeterminable"}


@dataclass(frozen=True, slots=True)
class Open:
    """A point that the text leaves open.

    `what`: a gap by the article, whether secrecy is claimed, a field that the form demands, an answer that
    it does not take, a text that nobody has translated. `fields` are the keys of the form's fields that can
    close it, the first one to go to; `paths` the answers. `name` is the gap's name in English, to be
    translated, else the field's label in the form's language. `stops`: it cannot be approved before.
    """

    what: What
    name: str
    fields: tuple[str, ...]
    paths: tuple[str, ...]
    to_follow: bool = False
    may_follow: bool = False
    stops: bool = False
    gap: Gap | None = None
    misfit: Misfit | None = None


def open_points(
    content: Mapping[str, Any], *, now: datetime, clock: Clock | None, reasons_owed: bool = False
) -> list[Open]:
    """What the text leaves open: by the article first, then by the form, then what nobody has translated.

    The reasons for the delay are demanded once `clock` has run out by `now`, of the initial notification.
    Where the authority is owed them still (`reasons_owed`) a follow-up is asked for them as well, and only
    a final one cannot go without.
    """
    first = content.get("kind", "initial") == "initial"
    asked = everything_asked(now=now, clock=clock if first or reasons_owed else None)
    if is_former(content):
        return list(_former(content, asked))
    if content["kind"] == "withdrawal":
        asked = ()
    found = [*_gaps(content, asked), *_secrecy(content)]
    said = {path for each in found for path in each.paths}
    return found + [
        each for each in (*_missing(content), *_misfits(content), *_languages(content))
        if each.what == "language" or not said & set(each.paths)
    ]  # fmt: skip


def _former(content: Mapping[str, Any], asked: Sequence[Gap]) -> Iterator[Open]:
    by_key = {each["key"]: each for each in fields(content)}
    for gap in asked:
        keys = former.ANSWERS[gap.name]
        if not any(by_key[key]["answer"].strip() for key in keys):
            follows = gap.may_follow and any(by_key[key]["to_follow"] for key in keys)
            yield Open(
                "gap", gap.name, keys, (), follows, gap.may_follow, stops=not follows, gap=gap
            )  # fmt: skip


def _gaps(content: Mapping[str, Any], asked: Sequence[Gap]) -> Iterator[Open]:
    """The points that nothing answers of what the text shows: what it does not show tells nobody.

    A point that the form does not ask for by itself, never or not as the other answers stand, is told in the
    words of another field; none is open then. Whom to ask and why it is late are demanded all the same.
    """
    answers, shown = content["answers"], _shown(content)
    asked_now = {each["key"] for each in fields(content)}
    for gap in asked:
        may_wait = gap.point == "33(1)" and content["kind"] not in ("initial", "final")
        paths = (*ANSWERS[gap.name], *_by_reporter(answers, gap))
        keys = tuple(_keys(content, paths))
        if not keys or any(path in shown and _answers(answers, path) for path in paths):
            continue
        if gap.may_follow and asked_now.isdisjoint(keys):
            continue
        follows = gap.may_follow and any(_follows(answers, path) for path in paths)
        yield Open(
            "gap", gap.name, keys, paths, follows, gap.may_follow,
            stops=not (follows or may_wait), gap=gap,
        )  # fmt: skip


def _shown(content: Mapping[str, Any]) -> set[str]:
    told = ((*each["paths"], *filter(None, [each["other"]])) for each in fields(content))
    return {path for paths in told for path in paths}


def _by_reporter(answers: Entries, gap: Gap) -> tuple[str, ...]:
    """Who files is whom to ask where the text says so, or where that is the data protection officer."""
    said = values.value_of(answers, "contact_point.source")
    officer = values.value_of(answers, "reporter.is_dpo") is True
    return _OF_REPORTER.get(gap.name, ()) if said == "reporter" or (officer and said == "dpo") else ()


def _answers(answers: Entries, path: str) -> bool:
    value = values.value_of(answers, path)
    if path in _NO_FIGURE:
        return bool(value == _NO_FIGURE[path])
    if not is_known(value):
        return False
    return isinstance(value, str) or not _says_not_yet(value)


def _follows(answers: Entries, path: str) -> bool:
    """Whether it is marked as to follow, or a box says that it is not known yet."""
    if path not in answers:
        return False
    return bool(answers[path]["to_follow"]) or _says_not_yet(answers[path]["value"])


def _says_not_yet(value: Any) -> bool:
    codes = set(codes_of(value))
    return bool(codes) and codes <= NOT_YET


def _keys(content: Mapping[str, Any], paths: Sequence[str]) -> Iterator[str]:
    """The fields of the form for these paths: those that are shown first, by the order of the paths."""
    shown = {each["key"] for each in fields(content)}
    mine = [field for field in form_in(content).fields() if not set(paths).isdisjoint(field.paths())]
    order = {path: number for number, path in enumerate(paths)}
    mine.sort(key=lambda field: (field.key not in shown, min(order.get(path, 99) for path in field.paths())))
    yield from (field.key for field in mine)


def _secrecy(content: Mapping[str, Any]) -> Iterator[Open]:
    """Where a filing becomes a public record somebody says which parts are to be kept secret, or none.

    Of a follow-up anew: what it tells is not what was told before.
    """
    known = authorities.by_key(content["authority"])
    told = content["answers"].get(CLAIMS)
    if known and known.public_record and not (told and told["edited"]):
        keys = tuple(_keys(content, (CLAIMS,)))
        yield Open("secrecy", "whether secrecy is claimed for any part", keys, (CLAIMS,), stops=True)


def _missing(content: Mapping[str, Any]) -> Iterator[Open]:
    later = may_follow(content)
    form, plain = form_in(content), values.plain(content["answers"])
    shown = {each["key"]: each for each in fields(content)}
    for field in forms.missing(form, plain):
        if each := shown.get(field.key):
            yield Open(
                "missing", field.label, (field.key,), tuple(field.answers), each["to_follow"],
                bool(later & set(field.answers)),
            )  # fmt: skip


def _misfits(content: Mapping[str, Any]) -> Iterator[Open]:
    for field, misfit in misfits(content, form_in(content)):
        yield Open(
            "misfit", field.label, (field.key,), tuple(field.answers), misfit=misfit,
            stops=misfit.kind == "too_long",
        )  # fmt: skip


def _languages(content: Mapping[str, Any]) -> Iterator[Open]:
    for each in fields(content):
        if each["as_told"]:
            known = [(path, content["answers"][path]) for path in each["paths"] if path in content["answers"]]
            told = (path for path, entry in known if values.untranslated(entry, content["locale"]))
            yield Open("language", each["label"], (each["key"],), tuple(told))
