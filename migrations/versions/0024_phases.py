"""Phases of notifications, and letters between authorities and us.

A notification says which phase it is and what it follows; of each authority one follow-up is open at most.
Letters are rows that never change. On SQLite checks come with the last column and go with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

CHECKS = {
    "kind_is_known": "kind IN ('initial', 'further', 'final', 'correction', 'withdrawal')",
    "follow_ups_follow": "(kind = 'initial') = (follows_id IS NULL)",
    "withdrawal_has_a_reason": "kind <> 'withdrawal' OR why IS NOT NULL",
}
# What never changes. Encrypted texts and files may be encrypted anew; their hashes hold them.
KEPT = (
    "id", "organisation_id", "incident_id", "number", "authority", "kind", "about_id", "channel",
    "written_at", "text_sha256", "reference", "due_at", "stage_key", "file_name", "file_sha256", "by_id",
    "by", "recorded_at",
)  # fmt: skip
AS_WRITTEN = "A letter stays as it was kept: keep another one that says what is right."
AS_FILED = "Which phase was filed stands."
ASKS = "kind IN ('question', 'order')"


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _differ(*columns: str) -> str:
    word = "IS NOT" if _is_sqlite() else "IS DISTINCT FROM"
    return " OR ".join(f'OLD."{column}" {word} NEW."{column}"' for column in columns)


def _guard(name: str, table: str, when: str, refusal: str, verb: str) -> None:
    if _is_sqlite():
        condition = f"WHEN {when}" if when else ""
        body = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {condition} {body}")
        return
    condition = f"WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {condition} "
        f"EXECUTE FUNCTION said_stays_said('{refusal}')"
    )


def upgrade() -> None:
    """Add the columns, the marks that the clock looks by, the table, and what keeps it as it is."""
    table = "authority_notifications"
    op.add_column(
        table, sa.Column("kind", sa.String(length=20), nullable=False, server_default="initial")
    )  # fmt: skip
    for column, of in (("follows_id", table), ("drafted_by_id", "staff_members")):
        key = sa.ForeignKey(f"{of}.id", name=f"fk_{table}_{column}")
        op.add_column(table, sa.Column(column, sa.Uuid(), key, nullable=True), inline_references=True)
    for column, kind in (
        ("dropped_by", sa.String(length=200)), ("dropped_at", _time()), ("dropped_why", sa.LargeBinary())
    ):  # fmt: skip
        op.add_column(table, sa.Column(column, kind, nullable=True))
    _add_why()
    filed = sa.text("state = 'filed'")
    op.create_index(
        "ix_authority_notifications_filed", table, ["incident_id"], sqlite_where=filed, postgresql_where=filed
    )
    is_open = sa.text("state <> 'filed' AND kind <> 'initial' AND dropped_at IS NULL")
    op.create_index(
        "uq_authority_notifications_open_follow_up", table, ["incident_id", "authority"], unique=True,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.add_column("incidents", sa.Column("follow_ups_for", sa.Integer(), nullable=False, server_default="0"))
    _create_letters()
    _guard("authority_letters_stay", "authority_letters", _differ(*KEPT), AS_WRITTEN, "UPDATE")
    _guard("authority_letters_are_kept", "authority_letters", "", AS_WRITTEN, "DELETE")
    if not _is_sqlite():
        op.execute(
            "CREATE TRIGGER authority_letters_are_not_emptied BEFORE TRUNCATE ON authority_letters "
            f"FOR EACH STATEMENT EXECUTE FUNCTION said_stays_said('{AS_WRITTEN}')"
        )
    changed = f"OLD.state = 'filed' AND ({_differ('kind', 'follows_id')})"
    _guard("filed_phases_stay", table, changed, AS_FILED, "UPDATE")


def _add_why() -> None:
    table = "authority_notifications"
    if _is_sqlite():
        checks = " ".join(f"CONSTRAINT ck_{table}_{name} CHECK ({text})" for name, text in CHECKS.items())
        op.execute(f"ALTER TABLE {table} ADD COLUMN why BLOB {checks}")
        return
    op.add_column(table, sa.Column("why", sa.LargeBinary(), nullable=True))
    for name, text in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, text)


def _key(column: str, of: str, *, nullable: bool = False) -> sa.Column[sa.Uuid]:
    name = f"fk_authority_letters_{column}"
    return sa.Column(column, sa.Uuid(), sa.ForeignKey(f"{of}.id", name=name), nullable=nullable)


def _create_letters() -> None:
    table = "authority_letters"
    checks = {
        "kind_is_known": "kind IN ('question', 'order', 'extension', 'taken_back', 'decision', "
        "'information', 'answer', 'letter')",
        "about_another": "(kind IN ('extension', 'taken_back', 'answer')) = (about_id IS NOT NULL)",
        "what_asks_is_owed": f"({ASKS}) = (stage_key IS NOT NULL)",
        "dates_are_of_what_asks": f"due_at IS NULL OR {ASKS} OR kind = 'extension'",
        "file_has_a_hash": "(file IS NULL) = (file_sha256 IS NULL)",
    }
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        _key("organisation_id", "organisations"),
        _key("incident_id", "incidents"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("authority", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        _key("about_id", table, nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("written_at", _time(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("due_at", _time(), nullable=True),
        sa.Column("stage_key", sa.String(length=40), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        _key("by_id", "staff_members"),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", _time(), nullable=False),
        *(sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in checks.items()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("incident_id", "number", name=op.f(f"uq_{table}_incident_id_number")),
    )


def downgrade() -> None:
    """Take it back: letters are gone, and no notification says what it follows."""
    sqlite, table = _is_sqlite(), "authority_notifications"
    op.execute("DROP TRIGGER filed_phases_stay" + ("" if sqlite else f" ON {table}"))
    op.drop_table("authority_letters")
    op.drop_column("incidents", "follow_ups_for")
    for index in ("uq_authority_notifications_open_follow_up", "ix_authority_notifications_filed"):
        op.drop_index(index, table)
    for name in () if sqlite else CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    for column in ("why", "dropped_why", "dropped_at", "dropped_by", "drafted_by_id", "follows_id", "kind"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
