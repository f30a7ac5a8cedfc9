"""Each ringing by each way, answers to pages, teams, whom a page goes to at last; a page that comes back.

What was taken before stays taken: it has no time to come back at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
WAITS = "posted_at IS NULL AND dropped_at IS NULL"
STAFF = ("staff_id", "staff_members")
PAGE = ("page_id", "pages")
MESSAGE = ("message_id", "messages")


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _table(name: str, *columns: sa.schema.SchemaItem, to: tuple[tuple[str, str], ...] = ()) -> None:
    keys = (
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}"))
        for column, table in (*to, ("organisation_id", "organisations"))
    )
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    """Make the tables, and room for what a page remembers."""
    _pages()
    _acknowledgements()
    op.add_column("escalation_policies", _number("rounds", "3"))
    op.add_column(
        "escalation_policies",
        sa.Column("in_force", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("escalation_policies", _number("revision", "1"))
    _rings()
    _table(
        "page_answers",
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("at", AT, nullable=False),
        to=(PAGE, STAFF),
    )
    op.create_index("ix_page_answers_page_id", "page_answers", ["page_id"])
    _settings()
    _reminders()
    # What was sent to a colleague lately is asked of each page.
    op.create_index(
        "ix_messages_staff", "messages", ["staff_id", "created_at"], **_where("staff_id IS NOT NULL")
    )


def _number(name: str, default: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=default)


def _pages() -> None:
    op.add_column("pages", sa.Column("policy_name", sa.String(length=80), nullable=True))
    op.add_column("pages", _number("rounds", "3"))
    op.add_column("pages", sa.Column("wider", sa.JSON(), nullable=True))
    op.add_column("pages", _number("number", "0"))
    op.add_column("pages", sa.Column("quiet_until", AT, nullable=True))
    op.add_column("pages", sa.Column("nobody_at", AT, nullable=True))
    op.add_column("pages", sa.Column("nobody", sa.JSON(), nullable=True))
    offered = sa.ForeignKey("staff_members.id", name=op.f("fk_pages_offered_to_id"))
    op.add_column(
        "pages", sa.Column("offered_to_id", sa.Uuid(), offered, nullable=True), inline_references=True
    )
    op.create_index("ix_pages_quiet", "pages", ["quiet_until"], **_where("state = 'acknowledged'"))
    op.create_index("ix_pages_nobody", "pages", ["nobody_at"], **_where("nobody_at IS NOT NULL"))
    op.execute("UPDATE pages SET number = turn")


def _acknowledgements() -> None:
    with op.batch_alter_table("acknowledgements") as table:
        table.drop_constraint(op.f("uq_acknowledgements_page_id"), type_="unique")
        table.add_column(sa.Column("ended_at", AT, nullable=True))
    op.create_index("ix_acknowledgements_page_id", "acknowledgements", ["page_id"])
    op.create_index(
        "uq_acknowledgements_current",
        "acknowledgements",
        ["page_id"],
        unique=True,
        **_where("ended_at IS NULL"),
    )


def _rings() -> None:
    _table(
        "rings",
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("rung_at", AT, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("posted_at", AT, nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("dropped_at", AT, nullable=True),
        sa.Column("why", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "posted_at IS NULL OR dropped_at IS NULL", name=op.f("ck_rings_posted_or_dropped")
        ),
        sa.CheckConstraint("(dropped_at IS NULL) = (why IS NULL)", name=op.f("ck_rings_dropped_says_why")),
        sa.UniqueConstraint(
            "page_id", "number", "staff_id", "way", name=op.f("uq_rings_page_id_number_staff_id_way")
        ),
        to=(PAGE, STAFF, MESSAGE),
    )
    op.create_index("ix_rings_waiting", "rings", ["at"], **_where(WAITS))
    op.create_index("ix_rings_of_person", "rings", ["staff_id", "channel", "posted_at"])
    op.create_index("ix_rings_message", "rings", ["message_id"])


def _settings() -> None:
    _table(
        "teams",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        _number("revision", "1"),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_teams_organisation_id_name")),
    )
    _table(
        "last_resorts",
        sa.Column("backstop", sa.JSON(), nullable=False),
        sa.Column("management", sa.JSON(), nullable=False),
        _number("revision", "1"),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_last_resorts_organisation_id")),
    )


def _reminders() -> None:
    _table(
        "held_reminders",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("context", sa.LargeBinary(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=300), nullable=False),
        sa.Column("held_at", AT, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.UniqueConstraint(
            "organisation_id", "dedupe_key", name=op.f("uq_held_reminders_organisation_id_dedupe_key")
        ),
        to=(STAFF, MESSAGE),
    )
    op.create_index("ix_held_reminders_waiting", "held_reminders", ["at"], **_where("message_id IS NULL"))
    op.create_index("ix_held_reminders_about", "held_reminders", ["about"])


def downgrade() -> None:
    """Take it away again; of several who took a page one after another the first is kept."""
    op.drop_index("ix_messages_staff", "messages")
    for table in ("held_reminders", "last_resorts", "teams", "page_answers", "rings"):
        op.drop_table(table)
    for column in ("revision", "in_force", "rounds"):
        op.drop_column("escalation_policies", column)
    op.execute(
        "DELETE FROM acknowledgements WHERE id NOT IN (SELECT first.id FROM acknowledgements first"
        " WHERE NOT EXISTS (SELECT 1 FROM acknowledgements other"
        " WHERE other.page_id = first.page_id AND other.id < first.id))"
    )
    op.drop_index("uq_acknowledgements_current", "acknowledgements")
    op.drop_index("ix_acknowledgements_page_id", "acknowledgements")
    with op.batch_alter_table("acknowledgements") as table:
        table.drop_column("ended_at")
        table.create_unique_constraint(op.f("uq_acknowledgements_page_id"), ["page_id"])
    op.drop_index("ix_pages_nobody", "pages")
    op.drop_index("ix_pages_quiet", "pages")
    op.execute("ALTER TABLE pages DROP COLUMN offered_to_id")  # its key goes with it, on SQLite too
    for column in ("nobody", "nobody_at", "quiet_until", "number", "wider", "rounds", "policy_name"):
        op.drop_column("pages", column)
