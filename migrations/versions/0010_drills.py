"""Drills: messages that nobody is sent, the ladder of those who take part, and what was exercised."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHANNELS = "channel IN ('sms', 'email')"
WITH_PRETEND = "channel IN ('sms', 'email', 'pretend')"
CHECKS = {
    "ck_messages_instead_of": "instead_of IN ('sms', 'email')",
    "ck_messages_drills_are_pretend": ("(substr(about, 1, 6) = 'drill/') = (channel = 'pretend')"),
    "ck_messages_pretend_says_what": "(channel = 'pretend') = (instead_of IS NOT NULL)",
}


def upgrade() -> None:
    """Widen messages; make the tables."""
    op.add_column("messages", sa.Column("instead_of", sa.String(length=20), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_messages(CHANNELS, WITH_PRETEND, _with_checks)
    else:
        _postgresql_channel(WITH_PRETEND)
        for name, condition in CHECKS.items():
            op.create_check_constraint(op.f(name), "messages", condition)
    op.create_table(
        "drill_ladders",
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("substr(about, 1, 6) = 'drill/'", name=op.f("ck_drill_ladders_of_a_drill")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_drill_ladders_organisation_id")
        ),
        sa.PrimaryKeyConstraint("about", name=op.f("pk_drill_ladders")),
    )
    op.create_table(
        "drills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scenario", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("definition_sha256", sa.String(length=64), nullable=False),
        sa.Column("taking_part", sa.JSON(), nullable=False),
        sa.Column("started_by", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.Column("lesson", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (next_at IS NOT NULL)", name=op.f("ck_drills_ended_wakes_nobody")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_drills_ended_by_somebody")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_drills_incident_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_drills_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drills")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_drills_incident_id")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_drills_organisation_id_number")),
    )
    op.create_index(
        "ix_drills_due", "drills", ["next_at"],
        sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Drop them; messages of drills go with them, since nothing before could hold them."""
    op.drop_table("drills")
    op.drop_table("drill_ladders")
    op.execute("DELETE FROM attempts WHERE message_id IN (SELECT id FROM messages WHERE channel = 'pretend')")
    op.execute("DELETE FROM messages WHERE channel = 'pretend'")
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_messages(WITH_PRETEND, CHANNELS, _without_checks)
    else:
        for name in reversed(CHECKS):
            op.drop_constraint(op.f(name), "messages", type_="check")
        _postgresql_channel(CHANNELS)
    op.drop_column("messages", "instead_of")


def _postgresql_channel(condition: str) -> None:
    found = sa.inspect(op.get_bind()).get_check_constraints("messages")
    (name,) = (each["name"] for each in found if each["name"] in ("channel", "ck_messages_channel"))
    op.drop_constraint(op.f(name), "messages", type_="check")
    op.create_check_constraint(op.f(name), "messages", condition)


def _with_checks(definition: str) -> str:
    more = ", ".join(f"CONSTRAINT {name} CHECK ({condition})" for name, condition in CHECKS.items())
    return f"{definition.rstrip().removesuffix(')')}, {more})"


def _without_checks(definition: str) -> str:
    for name, condition in CHECKS.items():
        definition = definition.replace(f", CONSTRAINT {name} CHECK ({condition})", "")
    return definition


def _sqlite_messages(before: str, after: str, change: Callable[[str], str]) -> None:
    """Make the table anew by its own text: SQLite changes no check of a table that is there.

    Rows stay; what refers to them is looked at when all is done.
    """
    connection = op.get_bind()
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    texts = connection.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'messages' AND sql IS NOT NULL"
    ).all()
    (table,) = (sql for kind, sql in texts if kind == "table")
    if table.count(before) != 1:
        raise RuntimeError("The table of messages is not as this migration knows it.")
    others = [sql for kind, sql in texts if kind != "table"]
    connection.exec_driver_sql("CREATE TABLE messages_kept AS SELECT * FROM messages")
    connection.exec_driver_sql("DROP TABLE messages")
    connection.exec_driver_sql(change(table.replace(before, after)))
    names = ", ".join(row[1] for row in connection.exec_driver_sql("PRAGMA table_info(messages_kept)"))
    connection.exec_driver_sql(
        f"INSERT INTO messages ({names}) SELECT {names} FROM messages_kept"  # noqa: S608  our own columns
    )
    connection.exec_driver_sql("DROP TABLE messages_kept")
    for each in others:
        connection.exec_driver_sql(each)
