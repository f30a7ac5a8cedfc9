"""One person, one notice: rows of the same person in all lists of an incident are folded into the first.

What makes two rows one person is said in `recipient_lists.rows.Keys`. Rows of a list are folded when it has
been read; who stood there before stays who they are, for they may have been told. Work is done page by
page, by the indexes of the hashes, so that memory does not grow with the lists.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, or_, select, text, update
from sqlalchemy.orm import aliased

from foundation.database import db, table_of, transaction
from incident.models import ListState, Recipient, RecipientList

PAGE: Final = 5_000  # rows looked at by one statement, and written in one transaction
_R, _F, _T, _M = (aliased(Recipient, name=each) for each in ("r", "f", "t", "m"))
_ROWS = table_of(Recipient)
_FOLD = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("row"), _ROWS.c.folded_into_id.is_(None))
    .values(folded_into_id=bindparam("into"))
)
_FOLLOW = (
    update(_ROWS).where(_ROWS.c.folded_into_id == bindparam("row")).values(folded_into_id=bindparam("into"))
)
_ADD = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("into"))
    .values(
        ways=_ROWS.c.ways.op("|")(bindparam("more")),
        protected=or_(_ROWS.c.protected, bindparam("protects")),
        financial=or_(_ROWS.c.financial, bindparam("counts")),
    )
)
Hold = Callable[[], None]


def fold(incident_id: UUID) -> int:
    """Fold all lists of an incident that are read; returns how many rows are folded. Twice is once.

    For edges, outside any transaction: a list that is read now is folded at its end anyway.
    """
    mine = select(RecipientList.id).where(
        RecipientList.incident_id == incident_id, RecipientList.state == ListState.READ
    )
    return sum(_again(incident_id, each, _nobody) for each in db.session.scalars(mine).all())


def _nobody() -> None:
    """Nobody holds what is not being worked on."""


def refold(incident_id: UUID, hold: Hold) -> None:
    """Fold the other lists anew after the rows of one have gone; `hold` is called in each transaction."""
    mine = select(RecipientList.id).where(
        RecipientList.incident_id == incident_id, RecipientList.state == ListState.READ
    )
    for each in db.session.scalars(mine.order_by(RecipientList.read_at)).all():
        _again(incident_id, each, hold)


def _again(incident_id: UUID, list_id: UUID, hold: Hold) -> int:
    fold_list(incident_id, list_id, hold)
    folded = count(list_id)
    with transaction():
        hold()
        kept = db.session.get_one(RecipientList, list_id)
        if kept.folded != folded:
            kept.folded = folded
    return folded


def last_person(incident_id: UUID) -> UUID | None:
    """The last row of an incident in the order of ids, by which it is said who was there before."""
    mine = select(Recipient.id).where(Recipient.incident_id == incident_id)
    return db.session.scalar(mine.order_by(Recipient.id.desc()).limit(1))


def count(list_id: UUID) -> int:
    """How many rows of a list stand in another row."""
    mine = select(func.count()).where(Recipient.list_id == list_id, Recipient.folded_into_id.is_not(None))
    return db.session.scalar(mine) or 0


def fold_list(incident_id: UUID, list_id: UUID, hold: Hold) -> None:
    """Fold the rows of a list into those before them, and into each other; what is folded stays so.

    `hold` is called inside each transaction. Stopped anywhere and begun again it does the same.
    """
    _let_the_database_look(hold)
    counted = [list_id, *_others(incident_id, list_id)]
    spans = list(_spans(list_id))
    if len(counted) > 1:
        _pages(list_id, _written_to_now(list_id, counted), _of(spans, "emails"), hold, one_each=True)
    _pages(list_id, _by_email(counted), _of(spans, "emails"), hold)
    _pages(list_id, _by_phone(counted), _of(spans, "phones"), hold)
    _pages(list_id, _by_post(counted), _of(spans, "posts"), hold)


def _let_the_database_look(hold: Hold) -> None:
    """Have PostgreSQL look at its rows: of those that just came it knows nothing, and would walk past all.

    Its own looking comes a minute later. SQLite has no choice of plans here.
    """
    if db.engine.dialect.name == "postgresql":
        with transaction():
            hold()
            db.session.execute(text(f"ANALYZE {_ROWS.name}"))


def _others(incident_id: UUID, list_id: UUID) -> Sequence[UUID]:
    mine = select(RecipientList.id).where(
        RecipientList.incident_id == incident_id, RecipientList.state == ListState.READ,
        RecipientList.id != list_id,
    )  # fmt: skip
    return db.session.scalars(mine).all()


# --- who is the first ---------------------------------------------------------------------------

Rule = tuple[ColumnElement[bool], Any]  # which rows are looked at, and the first of each one's person


def _first(*same: ColumnElement[bool], counted: Sequence[UUID]) -> Any:
    """Also one who was taken out: whoever a later list names again is taken out as well."""
    mine = select(_F.id).where(*same, _F.list_id.in_(counted))
    return mine.order_by(_F.id).limit(1).correlate(_R).scalar_subquery()


def _another(*same: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is any other row of the same: told by an index alone, and most are nobody's double."""
    return exists(select(_F.id).where(*same, _F.id != _R.id).correlate(_R))


def _by_email(counted: Sequence[UUID]) -> Rule:
    same = and_(_F.email_key == _R.email_key, _F.email_key.is_not(None))
    return and_(_R.email_key.is_not(None), _another(same)), _first(same, counted=counted)


def _by_phone(counted: Sequence[UUID]) -> Rule:
    """Rows without an e-mail address: the first that has one, of this list or an earlier, else the first."""
    same = and_(_F.phone_key == _R.phone_key, _F.phone_key.is_not(None))
    here = or_(_F.list_id == _R.list_id, _F.id < _R.id)
    written_to = _first(same, _F.email_key.is_not(None), here, counted=counted)
    alone = _first(same, _F.email_key.is_(None), counted=counted)
    others = or_(_another(same, _F.email_key.is_not(None)), _another(same, _F.email_key.is_(None)))
    mine = and_(_R.phone_key.is_not(None), _R.email_key.is_(None), others)
    return mine, func.coalesce(written_to, alone)


def _by_post(counted: Sequence[UUID]) -> Rule:
    same = and_(_F.post_key == _R.post_key, _F.post_key.is_not(None))
    return and_(_R.post_key.is_not(None), _another(same)), _first(same, counted=counted)


def _written_to_now(list_id: UUID, counted: Sequence[UUID]) -> Rule:
    """Rows with an e-mail address that nobody had, whose number an earlier list has without any address."""
    before = [each for each in counted if each != list_id]
    email = and_(_F.email_key == _R.email_key, _F.email_key.is_not(None))
    is_first = _first(email, counted=counted) == _R.id
    phone = and_(_F.phone_key == _R.phone_key, _F.phone_key.is_not(None), _F.email_key.is_(None))
    stands_alone = and_(_F.folded_into_id.is_(None), _F.id < _R.id, _F.left_out_why.is_(None))
    there = _another(phone, _F.id < _R.id)
    wanted = and_(_R.email_key.is_not(None), _R.phone_key.is_not(None), there, is_first)
    return wanted, _first(phone, stands_alone, counted=before)


# --- page by page -------------------------------------------------------------------------------


class _Span(NamedTuple):
    """Lines of a list, after the one and up to the other, and how many of them each rule looks at."""

    after: int
    until: int
    emails: int
    phones: int  # without an e-mail address
    posts: int


def _of(spans: Sequence[_Span], kind: str) -> Iterator[tuple[int, int]]:
    """The spans with rows of this kind."""
    return ((each.after, each.until) for each in spans if getattr(each, kind))


def _pages(
    list_id: UUID, rule: Rule, spans: Iterable[tuple[int, int]], hold: Hold, *, one_each: bool = False
) -> None:
    for after, until in spans:
        found = _pairs(list_id, rule, after, until)
        if one_each:
            found = _one_each(found)
        if found:
            with transaction():
                hold()
                _write(found)


def _spans(list_id: UUID) -> Iterator[_Span]:
    """The lines of a list in pages: its rows are gone past once, however many rules there are."""
    after = -1
    while True:
        page = (
            select(Recipient.line, Recipient.email_key, Recipient.phone_key, Recipient.post_key)
            .where(Recipient.list_id == list_id, Recipient.line > after)
            .order_by(Recipient.line)
            .limit(PAGE)
            .subquery()
        )
        emails = func.count(page.c.email_key)
        phones = func.count(case((page.c.email_key.is_(None), page.c.phone_key)))
        told = select(func.max(page.c.line), emails, phones, func.count(page.c.post_key))
        until, *counts = db.session.execute(told).one()
        if until is None:
            return
        yield _Span(after, until, *counts)
        after = until


def _pairs(list_id: UUID, rule: Rule, after: int, until: int) -> list[Any]:
    """Rows of a page that are not the first of their person, each with the row it is folded into."""
    wanted, first = rule
    page = (
        select(_R.id, _R.ways, _R.protected, _R.financial, _R.email_key, first.label("first"))
        .where(
            _R.list_id == list_id, _R.line > after, _R.line <= until, _R.folded_into_id.is_(None),
            _R.left_out_why.is_(None), wanted,
        )
        .order_by(_R.line)
        .limit(PAGE)  # and so the database works it out once
        .subquery()
    )  # fmt: skip
    into = func.coalesce(_T.folded_into_id, _T.id)
    found = (
        select(
            page.c.id, page.c.ways, page.c.protected, page.c.financial, page.c.email_key,
            _M.id.label("into"), _M.ways.label("has"), _M.protected.label("is_protected"),
            _M.financial.label("is_financial"),
        )
        .join(_T, _T.id == page.c.first)
        .join(_M, _M.id == into)
        .where(page.c.first != page.c.id, _M.id != page.c.id)
    )  # fmt: skip
    return list(db.session.execute(found))


def _one_each(found: list[Any]) -> list[Any]:
    """At most one row with an e-mail address for each that has none: who of two it is, nobody knows."""
    if not found:
        return found
    mine = select(Recipient.folded_into_id).where(
        Recipient.folded_into_id.in_([each.into for each in found]), Recipient.email_key.is_not(None)
    )
    taken = set(db.session.scalars(mine))
    kept = []
    for each in found:
        if each.into not in taken:
            taken.add(each.into)
            kept.append(each)
    return kept


def _write(found: list[Any]) -> None:
    pairs = [{"row": each.id, "into": each.into} for each in found]
    connection = db.session.connection()
    connection.execute(_FOLLOW, pairs)
    connection.execute(_FOLD, pairs)
    if more := [_more(each) for each in found if _says_more(each)]:
        connection.execute(_ADD, more)


def _says_more(each: Any) -> bool:
    return bool(
        each.ways & ~each.has
        or (each.protected and not each.is_protected)
        or (each.financial and not each.is_financial)
    )


def _more(each: Any) -> dict[str, Any]:
    """What a row adds to the person it is folded into: a way, and that care is needed."""
    return {
        "into": each.into, "more": each.ways, "protects": bool(each.protected) or None,
        "counts": bool(each.financial) or None,
    }  # fmt: skip
