"""More than one provider of a channel: why one is left alone, and when messages went by another."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of switches, and what a circuit is open for: until now always a refused account."""
    op.add_column("circuits", sa.Column("account", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index("ix_attempts_provider_started_at", "attempts", ["provider", "started_at"])
    op.create_table(
        "provider_switches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("instead", sa.String(length=20), nullable=True),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_switches")),
    )
    op.create_index(op.f("ix_provider_switches_at"), "provider_switches", ["at"])


def downgrade() -> None:
    """Take both away."""
    op.drop_table("provider_switches")
    op.drop_index("ix_attempts_provider_started_at", "attempts")
    op.drop_column("circuits", "account")
