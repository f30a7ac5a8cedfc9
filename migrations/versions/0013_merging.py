"""Incidents are merged and split: which duty carries which, and what is not reckoned later than before."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CARRIED = "state <> 'carried' OR carried_by_id IS NOT NULL"


def upgrade() -> None:
    """Add the columns; on SQLite the check comes with its column, and the triggers on the table stay."""
    op.add_column("incidents", sa.Column("aware_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("clocks", sa.Column("held_to", sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE duties ADD COLUMN carried_by_id CHAR(32) "
            "CONSTRAINT fk_duties_carried_by_id REFERENCES duties (id) "
            f"CONSTRAINT ck_duties_carried_by_another CHECK ({CARRIED})"
        )
        return
    key = sa.ForeignKey("duties.id", name="fk_duties_carried_by_id")
    op.add_column("duties", sa.Column("carried_by_id", sa.Uuid(), key, nullable=True))
    op.create_check_constraint(op.f("ck_duties_carried_by_another"), "duties", CARRIED)


def downgrade() -> None:
    """Drop them; what was carried stays with the duty that carries it."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_duties_carried_by_another", "duties")
    op.execute("ALTER TABLE duties DROP COLUMN carried_by_id")  # on SQLite its check and key go with it
    op.drop_column("clocks", "held_to")
    op.drop_column("incidents", "aware_by")
