"""What is wrong with the rows of a list: shown page by page, and as a file to mend them by."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select, tuple_

from foundation.database import db
from incident import spreadsheets
from incident.models import RecipientList, RowFault
from incident.recipient_lists import FLAWS, FlawKind
from incident.recipient_lists.columns import FREE, LABELS
from incident.recipient_lists.faults import SAID, Code

MOST: Final = 2_000  # rows in memory
_SAID: Final = {
    **{str(each): said for each, said in SAID.items()},
    **{str(each): FLAWS[each] for each in FlawKind},
}
After = tuple[int, UUID] | None


def page(kept: RecipientList, after: After, limit: int) -> list[RowFault]:
    """The next faults by line; `after` is `place` of the last one seen, None for the first page."""
    mine = select(RowFault).where(RowFault.list_id == kept.id)
    if after is not None:
        mine = mine.where(tuple_(RowFault.line, RowFault.id) > tuple_(*after))
    return list(db.session.scalars(mine.order_by(RowFault.line, RowFault.id).limit(limit)))


def by_kind(kept: RecipientList) -> list[tuple[str, bool, int]]:
    """What is wrong, in words, whether it keeps its rows out, and how often; the most frequent first."""
    count = func.count()
    mine = select(RowFault.code, RowFault.keeps_out, count).where(RowFault.list_id == kept.id)
    found = db.session.execute(mine.group_by(RowFault.code, RowFault.keeps_out).order_by(count.desc()))
    return [(str(_SAID.get(code, code)), keeps_out, times) for code, keeps_out, times in found]


def place(fault: RowFault) -> tuple[int, UUID]:
    """Where a fault stands among all of its list."""
    return fault.line, fault.id


def said(fault: RowFault) -> str:
    """What is wrong, in words."""
    return str(_SAID.get(fault.code, fault.code))


def column(fault: RowFault) -> str:
    """The column by our name for it; empty for the whole row."""
    return str(LABELS.get(fault.column, fault.column.removeprefix(FREE)))


def counts(kept: RecipientList) -> Counter[tuple[str, bool]]:
    """How many there are of each code, and whether they keep the row out."""
    columns = (RowFault.code, RowFault.keeps_out)
    mine = select(*columns, func.count()).where(RowFault.list_id == kept.id).group_by(*columns)
    return Counter({(code, keeps_out): many for code, keeps_out, many in db.session.execute(mine)})


def hidden(kept: RecipientList) -> int:
    """How many of its rows the file does not show."""
    mine = select(func.count()).where(RowFault.list_id == kept.id, RowFault.code == Code.HIDDEN)
    return (db.session.scalar(mine) or 0) if kept.noted else 0


def download(kept: RecipientList) -> Iterator[str]:
    """All faults as lines of a CSV file that no spreadsheet runs anything of; cells are masked.

    With the mark of UTF-8, which spreadsheets want, on the first.
    """
    header = (_("Line"), _("Column"), _("What is wrong"), _("Code"), _("Cell (masked)"), _("Left out"))
    yield "\ufeff" + _line(header)
    last: After = None
    while found := page(kept, last, MOST):
        for each in found:
            out = _("yes") if each.keeps_out else _("no")
            yield _line((str(each.line), column(each), said(each), each.code, each.shown, out))
        last = place(found[-1])
        db.session.expunge_all()


def _line(cells: tuple[str, ...]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerow([spreadsheets.harmless(cell) for cell in cells])
    return out.getvalue()
