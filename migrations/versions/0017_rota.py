"""The rota: schedules of several rotations, overrides, swaps, and the record of who was on duty."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UNIQUE = "uq_rotations_organisation_id_name"
INSTANT = sa.DateTime(timezone=True)
STATES = sa.Enum(
    "proposed",
    "accepted",
    "declined",
    "withdrawn",
    name="swapstate",
    native_enum=False,
    length=20,
    create_constraint=True,
)
CHANGES = sa.Enum(
    "replace", "add", "remove", name="change", native_enum=False, length=20, create_constraint=True
)


def _belongs(table: str, *more: tuple[str, str]) -> list[sa.schema.SchemaItem]:
    """Its key, and where its columns point."""
    keys = [("organisation_id", "organisations"), *more]
    return [
        *(
            sa.ForeignKeyConstraint([name], [f"{to}.id"], name=op.f(f"fk_{table}_{name}"))
            for name, to in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _own(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, INSTANT, nullable=nullable)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    """Make the tables; every rotation becomes a schedule of the same id, with itself as its one layer."""
    _schedules()
    _swaps_and_overrides()
    _records_and_feeds()
    with op.batch_alter_table("rotations") as batch:
        batch.drop_constraint(UNIQUE, type_="unique")
        batch.add_column(sa.Column("schedule_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("windows", sa.JSON(), nullable=True))
        batch.add_column(_at("begins_at", nullable=True))
        batch.add_column(_at("ends_at", nullable=True))
        batch.create_foreign_key(op.f("fk_rotations_schedule_id"), "schedules", ["schedule_id"], ["id"])
        batch.create_index(op.f("ix_rotations_schedule_id"), ["schedule_id"])
    op.execute(
        "INSERT INTO schedules (id, organisation_id, name, timezone, version) "
        "SELECT id, organisation_id, name, timezone, 1 FROM rotations"
    )
    op.execute("UPDATE rotations SET schedule_id = id")


def _schedules() -> None:
    op.create_table(
        "schedules",
        _own("id"), _own("organisation_id"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _at("kept_from", nullable=True), _at("kept_until", nullable=True), _at("retired_at", nullable=True),
        *_belongs("schedules"),
    )  # fmt: skip
    live = sa.text("retired_at IS NULL")
    op.create_index(
        "uq_schedules_live",
        "schedules",
        ["organisation_id", "name"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def _swaps_and_overrides() -> None:
    op.create_table(
        "swaps",
        _own("id"), _own("organisation_id"), _own("schedule_id"), _own("by_id"), _own("to_id"),
        _at("start"), _at("end"), _at("back_start", nullable=True), _at("back_end", nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("state", STATES, nullable=False),
        _at("proposed_at"), _at("answered_at", nullable=True),
        _check("swaps", "answered_has_a_time", "(state = 'proposed') = (answered_at IS NULL)"),
        _check("swaps", "back_is_whole", "(back_start IS NULL) = (back_end IS NULL)"),
        *_belongs("swaps", ("schedule_id", "schedules"), ("by_id", "staff_members"), ("to_id", "staff_members")),
    )  # fmt: skip
    op.create_index(op.f("ix_swaps_schedule_id"), "swaps", ["schedule_id"])
    op.create_table(
        "overrides",
        _own("id"), _own("organisation_id"), _own("schedule_id"),
        sa.Column("change", CHANGES, nullable=False),
        _own("before_id", nullable=True), _own("after_id", nullable=True),
        _at("starts_at"), _at("ends_at"),
        sa.Column("reason", sa.String(500), nullable=False),
        _own("swap_id", nullable=True), _at("made_at"),
        sa.Column("made_by", sa.String(200), nullable=False),
        _at("cancelled_at", nullable=True),
        sa.Column("cancelled_by", sa.String(200), nullable=True),
        _check("overrides", "takes_time", "starts_at < ends_at"),
        _check("overrides", "somebody_comes", "(change = 'remove') = (after_id IS NULL)"),
        _check("overrides", "nobody_leaves", "change <> 'add' OR before_id IS NULL"),
        _check("overrides", "somebody_leaves", "change <> 'remove' OR before_id IS NOT NULL"),
        *_belongs("overrides", ("schedule_id", "schedules"), ("before_id", "staff_members"), ("after_id", "staff_members"), ("swap_id", "swaps")),
    )  # fmt: skip
    op.create_index("ix_overrides_schedule_id_ends_at", "overrides", ["schedule_id", "ends_at"])


def _records_and_feeds() -> None:
    op.create_table(
        "on_call_records",
        _own("id"), _own("organisation_id"), _own("schedule_id"), _own("staff_id"),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        _at("starts_at"), _at("ends_at"),
        _check("on_call_records", "takes_time", "starts_at < ends_at"),
        *_belongs("on_call_records", ("schedule_id", "schedules"), ("staff_id", "staff_members")),
    )  # fmt: skip
    op.create_index("ix_on_call_records_schedule_id_ends_at", "on_call_records", ["schedule_id", "ends_at"])
    op.create_table(
        "schedule_feeds",
        _own("id"), _own("organisation_id"), _own("schedule_id"), _own("staff_id"),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        _at("made_at"), _at("revoked_at", nullable=True),
        *_belongs("schedule_feeds", ("schedule_id", "schedules"), ("staff_id", "staff_members")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_schedule_feeds_secret_hash")),
    )  # fmt: skip
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_schedule_feeds_live",
        "schedule_feeds",
        ["schedule_id", "staff_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def downgrade() -> None:
    """Keep of each schedule its first rotation, under its id and name, as the former knew it."""
    first = "SELECT 1 FROM rotations AS other WHERE other.schedule_id = rotations.schedule_id AND (other.position < rotations.position OR (other.position = rotations.position AND other.id < rotations.id))"
    op.execute(f"DELETE FROM rotations WHERE EXISTS ({first})")  # noqa: S608  our own words
    op.execute(
        "DELETE FROM rotations WHERE schedule_id IN (SELECT id FROM schedules WHERE retired_at IS NOT NULL)"
    )
    op.execute(
        "UPDATE rotations SET id = schedule_id, name = (SELECT name FROM schedules WHERE schedules.id = rotations.schedule_id) "
        "WHERE schedule_id IS NOT NULL"
    )
    with op.batch_alter_table("rotations") as batch:
        batch.drop_constraint("fk_rotations_schedule_id", type_="foreignkey")
        batch.drop_index("ix_rotations_schedule_id")
        for name in ("schedule_id", "position", "windows", "begins_at", "ends_at"):
            batch.drop_column(name)
        batch.create_unique_constraint(UNIQUE, ["organisation_id", "name"])
    for table in ("schedule_feeds", "on_call_records", "overrides", "swaps", "schedules"):
        op.drop_table(table)
