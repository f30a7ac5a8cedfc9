"""Reads customers: cells of a form or rows of a CSV file in, details and every fault out; nothing is stored.

One row is one customer. A row with a fault keeps the whole file out, so that nothing is half imported;
all faults of all rows are told at once. The export has the same columns, so that it can be read back.
"""

from incident.customer_lists.cells import (
    BETWEEN,
    CATEGORIES,
    COLUMNS,
    CONTACTS,
    GROUPS,
    LABELS,
    Contact,
    Details,
    Known,
    cells_of,
    details_of,
    key_of,
    over,
)
from incident.customer_lists.files import MOST_ROWS, Reading, read, seal, unseal, written

__all__ = [
    "BETWEEN",
    "CATEGORIES",
    "COLUMNS",
    "CONTACTS",
    "GROUPS",
    "LABELS",
    "MOST_ROWS",
    "Contact",
    "Details",
    "Known",
    "Reading",
    "cells_of",
    "details_of",
    "key_of",
    "over",
    "read",
    "seal",
    "unseal",
    "written",
]
