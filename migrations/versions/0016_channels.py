"""Two more ways to a person: a call, and a chat or push service."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BOTH = "'sms', 'email'"
FOUR = "'sms', 'voice', 'email', 'chat'"
# Of each table its checks: name, condition before, condition after.
CHECKS = {
    "messages": (
        ("ck_messages_channel", f"channel IN ({BOTH}, 'pretend')", f"channel IN ({FOUR}, 'pretend')"),
        ("ck_messages_instead_of", f"instead_of IN ({BOTH})", f"instead_of IN ({FOUR})"),
    ),
    "contact_methods": (("ck_contact_methods_channel", f"channel IN ({BOTH})", f"channel IN ({FOUR})"),),
}


def upgrade() -> None:
    """Widen what the checks let in."""
    for table, checks in CHECKS.items():
        _change(table, checks)


def downgrade() -> None:
    """Narrow it again; what the former could not hold goes."""
    new = "channel IN ('voice', 'chat') OR instead_of IN ('voice', 'chat')"
    op.execute(f"DELETE FROM attempts WHERE message_id IN (SELECT id FROM messages WHERE {new})")  # noqa: S608
    op.execute(f"DELETE FROM messages WHERE {new}")  # noqa: S608  our own words
    op.execute("DELETE FROM contact_methods WHERE channel IN ('voice', 'chat')")
    for table, checks in CHECKS.items():
        _change(table, tuple((name, after, before) for name, before, after in checks))


def _change(table: str, checks: tuple[tuple[str, str, str], ...]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _made_anew(table, checks)
        return
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_check_constraints(table)}
    for name, _before, after in checks:
        named = name if name in known else name.removeprefix(f"ck_{table}_")
        op.drop_constraint(op.f(named), table, type_="check")
        op.create_check_constraint(op.f(named), table, after)


def _made_anew(table: str, checks: tuple[tuple[str, str, str], ...]) -> None:
    """Make the table by its own text: SQLite changes no check of a table that is there. Rows stay."""
    connection = op.get_bind()
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    texts = connection.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,)
    ).all()
    (made,) = (sql for kind, sql in texts if kind == "table")
    for name, before, after in checks:
        if made.count(before) != 1:
            raise RuntimeError(f"The table {table} is not as this migration knows it: {name}.")
        made = made.replace(before, after)
    connection.exec_driver_sql(f"CREATE TABLE {table}_kept AS SELECT * FROM {table}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(made)
    names = ", ".join(row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table}_kept)"))
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_kept")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {table}_kept")
    for kind, sql in texts:
        if kind != "table":
            connection.exec_driver_sql(sql)
