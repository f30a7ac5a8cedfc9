"""The codes that were given out for answers by text message, each once for its number."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Codes of before have eight signs, and none of these is as long."""
    op.create_table(
        "reply_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_index", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_reply_codes_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_codes")),
        sa.UniqueConstraint("recipient_index", "code", name=op.f("uq_reply_codes_recipient_index_code")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("reply_codes")
