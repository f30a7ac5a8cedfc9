"""Which signed reports have been confirmed by e-mail, and how those that have not are found."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index that the clock looks by."""
    op.create_table(
        "report_confirmations",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sa.Uuid(), nullable=False),
        sa.Column("mailed_index", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_report_confirmations_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["processor_id"], ["processors.id"], name=op.f("fk_report_confirmations_processor_id")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_report_confirmations_report_id")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report_confirmations")),
    )
    op.create_index("ix_report_confirmations_created_at", "report_confirmations", ["created_at"])
    signed = sa.text("endpoint_id IS NOT NULL")
    op.create_index(
        "ix_reports_signed", "reports", ["received_at"], sqlite_where=signed, postgresql_where=signed
    )


def downgrade() -> None:
    """Take both away."""
    op.drop_index("ix_reports_signed", "reports")
    op.drop_table("report_confirmations")
