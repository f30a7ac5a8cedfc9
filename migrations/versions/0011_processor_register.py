"""The register of processors: agreement, data held, places, systems, contacts; one name once."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOTHING = sa.text("'[]'")
LISTS = ("data_categories", "subject_groups", "countries", "transfers", "systems")


def _plain() -> tuple[sa.Column, ...]:
    return (
        sa.Column("agreement_reference", sa.String(length=200), server_default="", nullable=False),
        sa.Column("agreement_on", sa.Date(), nullable=True),
        sa.Column("agreement_place", sa.String(length=500), server_default="", nullable=False),
        sa.Column("notice_hours", sa.Double(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(), nullable=True),
    )


def upgrade() -> None:
    """Add the columns, name every name by its key, and make the table of contacts."""
    for column in _plain():
        op.add_column("processors", column)
    for name in LISTS:
        op.add_column("processors", sa.Column(name, sa.JSON(), server_default=NOTHING, nullable=False))
    _add_name_key()
    _name_all()
    op.create_index("uq_processors_name_key", "processors", ["organisation_id", "name_key"], unique=True)
    _make_contacts()


def _add_name_key() -> None:
    """SQLite takes a check with a new column only, and the table must not be made anew: others refer to it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE processors ADD COLUMN name_key VARCHAR(700) DEFAULT '' NOT NULL "
            "CONSTRAINT ck_processors_serves_another CHECK (serves_id <> id)"
        )
        return
    op.add_column(
        "processors", sa.Column("name_key", sa.String(length=700), server_default="", nullable=False)
    )
    op.create_check_constraint("serves_another", "processors", "serves_id <> id")


def _name_all() -> None:
    """Of two processors whose names differ in case or spaces only, the later keeps a key of its own."""
    table = sa.table(
        "processors", sa.column("id", sa.Uuid()), sa.column("organisation_id", sa.Uuid()),
        sa.column("name", sa.String()), sa.column("name_key", sa.String()), sa.column("created_at"),
    )  # fmt: skip
    connection, taken = op.get_bind(), set()
    for row in connection.execute(sa.select(table).order_by(table.c.created_at, table.c.id)).all():
        key = _key(row.name)
        if (row.organisation_id, key) in taken:
            key = f"{key} {row.id}"
        taken.add((row.organisation_id, key))
        connection.execute(sa.update(table).where(table.c.id == row.id).values(name_key=key))


def _key(name: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())[:660]


def _make_contacts() -> None:
    op.create_table(
        "processor_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.String(length=200), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_processor_contacts_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["processor_id"], ["processors.id"], name=op.f("fk_processor_contacts_processor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processor_contacts")),
    )
    op.create_index("ix_processor_contacts_processor_id", "processor_contacts", ["processor_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("processor_contacts")
    op.drop_index("uq_processors_name_key", "processors")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("ck_processors_serves_another", "processors")  # SQLite's goes with the column
    for name in ("name_key", *LISTS, *(column.name for column in _plain())):
        op.drop_column("processors", name)
