"""Probes: canaries and test pages, and what became of each; how each paper plan stands."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "probes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('canary', 'test_page')", name=op.f("ck_probes_kind")),
        sa.CheckConstraint("channel IN ('sms', 'email')", name=op.f("ck_probes_channel")),
        sa.CheckConstraint(
            "verdict IN ('waiting', 'arrived', 'late', 'failed')", name=op.f("ck_probes_verdict")
        ),
        sa.CheckConstraint(
            "verdict <> 'arrived' OR ended_at IS NOT NULL", name=op.f("ck_probes_arrived_has_a_time")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_probes_message_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_probes_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probes")),
        sa.UniqueConstraint("kind", "channel", "slot", name=op.f("uq_probes_kind_channel_slot")),
    )
    op.create_index("ix_probes_latest", "probes", ["kind", "channel", "sent_at"])
    op.create_table(
        "paper_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_sha256", sa.String(length=64), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_paper_plans_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_plans")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_paper_plans_organisation_id")),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("paper_plans")
    op.drop_table("probes")
