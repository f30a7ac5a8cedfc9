"""An incident may be a drill, be merged into another one, or have been split from one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("drill", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("merged_into_id", "split_from_id"):
        key = sa.ForeignKey("incidents.id", name=f"fk_incidents_{name}")
        op.add_column("incidents", sa.Column(name, sa.Uuid(), key, nullable=True), inline_references=True)
    op.create_index("ix_incidents_merged_into_id", "incidents", ["merged_into_id"])


def downgrade() -> None:
    op.drop_index("ix_incidents_merged_into_id", "incidents")
    for name in ("split_from_id", "merged_into_id", "drill"):
        op.drop_column("incidents", name)
