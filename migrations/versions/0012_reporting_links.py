"""Reporting links, offline forms, what came by them; and what was refused at the door."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_ways()
    _create_submissions()
    op.create_table(
        "quarantined",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint_id", sa.String(length=40), nullable=True),
        sa.Column("fold", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.String(length=200), nullable=True),
        sa.Column("seen_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name=op.f("fk_quarantined_endpoint_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_quarantined_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined")),
        sa.UniqueConstraint("fold", name=op.f("uq_quarantined_fold")),
    )
    op.create_index("ix_quarantined_endpoint_id", "quarantined", ["endpoint_id", "first_at"])
    op.create_index("ix_quarantined_last_at", "quarantined", ["last_at"])
    op.create_index("ix_quarantined_organisation_id", "quarantined", ["organisation_id"])


def _create_ways() -> None:
    op.create_table(
        "reporting_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_reporting_links_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["processor_id"], ["processors.id"], name=op.f("fk_reporting_links_processor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reporting_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_reporting_links_secret_hash")),
    )
    op.create_index("ix_reporting_links_processor_id", "reporting_links", ["processor_id"])
    op.create_table(
        "offline_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("processor_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_offline_keys_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["processor_id"], ["processors.id"], name=op.f("fk_offline_keys_processor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_keys")),
    )
    op.create_index("ix_offline_keys_processor_id", "offline_keys", ["processor_id"])


def _create_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("offline_key_id", sa.String(length=40), nullable=True),
        sa.Column("form_id", sa.String(length=200), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("typed_by", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("status_hash", sa.String(length=64), nullable=False),
        sa.Column("status_secret", sa.LargeBinary(), nullable=False),
        sa.Column("mailed_index", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "link_id IS NOT NULL OR offline_key_id IS NOT NULL", name=op.f("ck_submissions_came_by_something")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_submissions_incident_id")),
        sa.ForeignKeyConstraint(["link_id"], ["reporting_links.id"], name=op.f("fk_submissions_link_id")),
        sa.ForeignKeyConstraint(
            ["offline_key_id"], ["offline_keys.id"], name=op.f("fk_submissions_offline_key_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_submissions_organisation_id")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_submissions_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("report_id", name=op.f("uq_submissions_report_id")),
        sa.UniqueConstraint("status_hash", name=op.f("uq_submissions_status_hash")),
        sa.UniqueConstraint(
            "link_id", "form_id", "body_sha256", name=op.f("uq_submissions_link_id_form_id_body_sha256")
        ),
        sa.UniqueConstraint(
            "offline_key_id", "form_id", "body_sha256",
            name=op.f("uq_submissions_offline_key_id_form_id_body_sha256"),
        ),
    )
    op.create_index("ix_submissions_incident_id", "submissions", ["incident_id"])
    op.create_index(
        "ix_submissions_mailed", "submissions", ["link_id", "created_at"],
        sqlite_where=sa.text("mailed_index IS NOT NULL"), postgresql_where=sa.text("mailed_index IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Drop them."""
    for table in ("submissions", "offline_keys", "reporting_links", "quarantined"):
        op.drop_table(table)
