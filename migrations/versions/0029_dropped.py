"""Communications that were dropped: by whom, when and why; one that was dropped is never approved or sent."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE = "subject_communications"
CHECK = f"ck_{TABLE}_dropped_is_never_sent"
NEVER_SENT = "dropped_at IS NULL OR state = 'draft'"


def upgrade() -> None:
    """Add the columns, and the check with one of them."""
    op.add_column(TABLE, sa.Column("dropped_by", sa.String(length=200), nullable=True))
    op.add_column(TABLE, sa.Column("dropped_why", sa.LargeBinary(), nullable=True))
    if _is_sqlite():
        check = f"CONSTRAINT {CHECK} CHECK ({NEVER_SENT})"
        op.execute(f"ALTER TABLE {TABLE} ADD COLUMN dropped_at DATETIME {check}")
        return
    op.add_column(TABLE, sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f(CHECK), TABLE, NEVER_SENT)


def downgrade() -> None:
    """Drop them: what was dropped is a draft again."""
    if not _is_sqlite():
        op.drop_constraint(op.f(CHECK), TABLE, type_="check")
    for column in ("dropped_at", "dropped_why", "dropped_by"):
        op.execute(f"ALTER TABLE {TABLE} DROP COLUMN {column}")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
