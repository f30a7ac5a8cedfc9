"""Reads lists of people to be told: files of any size in, people and every fault out; nothing is stored."""

from incident.recipient_lists.encodings import ENCODINGS
from incident.recipient_lists.table_rows import FLAWS, Flaw, FlawKind, Row
from incident.recipient_lists.tables import Table, open_table

__all__ = ["ENCODINGS", "FLAWS", "Flaw", "FlawKind", "Row", "Table", "open_table"]
