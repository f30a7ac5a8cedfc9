"""How a person is reached: the delay of each way, codes that verify one, quiet hours."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NOW = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Ways that are there ring at once, as before; nobody has quiet hours."""
    op.add_column(
        "contact_methods", sa.Column("delay_minutes", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "contact_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("method_id", sa.Uuid(), nullable=True),
        sa.Column("address_index", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("sent_at", NOW, nullable=False),
        sa.Column("expires_at", NOW, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", NOW, nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_codes")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_members.id"], name=op.f("fk_contact_codes_staff_id")),
        sa.ForeignKeyConstraint(
            ["method_id"], ["contact_methods.id"], name=op.f("fk_contact_codes_method_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_contact_codes_organisation_id")
        ),
    )
    op.create_index("ix_contact_codes_staff_id", "contact_codes", ["staff_id", "sent_at"])
    op.create_index("ix_contact_codes_address_index", "contact_codes", ["address_index", "sent_at"])
    op.create_index("ix_contact_codes_method_id", "contact_codes", ["method_id"])
    op.create_table(
        "quiet_hours",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("spans", sa.JSON(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_quiet_hours")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_members.id"], name=op.f("fk_quiet_hours_staff_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_quiet_hours_organisation_id")
        ),
    )


def downgrade() -> None:
    """Every way rings at once again."""
    op.drop_table("quiet_hours")
    op.drop_table("contact_codes")
    op.drop_column("contact_methods", "delay_minutes")
