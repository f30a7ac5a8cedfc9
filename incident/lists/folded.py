"""Which rows of a list are somebody of another row: shown with where that row stands, and as a file.

Lines and lists are named, and nobody: whoever wants to see who it is has the file that was sent.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import aliased

from foundation.database import db
from incident.models import Recipient, RecipientList

MOST: Final = 5_000  # rows in memory
BY: Final = {
    "email": _l("the same e-mail address"), "phone": _l("the same number"),
    "post": _l("the same name and postal address"), "": _l("the same as another row of that person"),
}  # fmt: skip
_R, _M = aliased(Recipient, name="r"), aliased(Recipient, name="m")


class Folded(NamedTuple):
    """A row that is told with another: its line, list and line of the other, and a key of `BY`."""

    line: int
    into_list: int
    into_line: int
    by: str


def page(kept: RecipientList, after: int, limit: int) -> list[Folded]:
    """The next folded rows of a list by line, after a line."""
    keys = (_R.email_key, _M.email_key, _R.phone_key, _M.phone_key, _R.post_key, _M.post_key)
    mine = (
        select(_R.line, RecipientList.number, _M.line.label("into"), *keys)
        .join(_M, _M.id == _R.folded_into_id)
        .join(RecipientList, RecipientList.id == _M.list_id)
        .where(_R.list_id == kept.id, _R.line > after)
    )
    found = db.session.execute(mine.order_by(_R.line).limit(limit))
    return [Folded(line, number, into, _by(each)) for line, number, into, *each in found]


def _by(keys: list[Any]) -> str:
    mine, theirs = keys[::2], keys[1::2]
    same = (
        name for name, *pair in zip(("email", "phone", "post"), mine, theirs, strict=True) if _equal(*pair)
    )
    return next(same, "")


def _equal(mine: bytes | None, theirs: bytes | None) -> bool:
    return mine is not None and mine == theirs


def download(kept: RecipientList) -> Iterator[str]:
    """All of them as lines of a CSV file; with the mark of UTF-8, which spreadsheets want, on the first."""
    yield "\ufeff" + _line((_("Line"), _("Told as list"), _("Told as line"), _("Because")))
    last = -1
    while found := page(kept, last, MOST):
        for each in found:
            yield _line((each.line, each.into_list, each.into_line, BY[each.by]))
        last = found[-1].line


def _line(cells: tuple[object, ...]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerow(map(str, cells))
    return out.getvalue()
