"""Sendings to many: groups that a provider takes in one request, and a delivery per person and way."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and let receipts name a place in a group."""
    op.create_table(
        "sendings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ways", sa.JSON(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("must_by", _time(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("planned_to", sa.Uuid(), nullable=True),
        sa.Column("canary", sa.Integer(), nullable=False),
        sa.Column("canary_at", _time(), nullable=True),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("paused_at", _time(), nullable=True),
        sa.Column("paused_by", sa.String(length=200), nullable=True),
        sa.Column("paused_why", sa.String(length=300), nullable=True),
        sa.Column("paused_from", sa.String(length=12), nullable=True),
        sa.Column("told_at", _time(), nullable=True),
        sa.Column("ended_at", _time(), nullable=True),
        sa.Column("tally", sa.JSON(), nullable=False),
        sa.Column("tallied_at", _time(), nullable=True),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state <> 'paused' OR paused_why IS NOT NULL", name="ck_sendings_paused_says_why"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_sendings_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sendings"),
        sa.UniqueConstraint("organisation_id", "source", name="uq_sendings_organisation_id_source"),
    )
    op.create_index(
        "ix_sendings_open",
        "sendings",
        ["state"],
        sqlite_where=sa.text("state NOT IN ('stopped', 'ended')"),
        postgresql_where=sa.text("state NOT IN ('stopped', 'ended')"),
    )
    op.create_table(
        "sending_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sending_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("instead_of", sa.String(length=10), nullable=True),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("is_canary", sa.Boolean(), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ready_at", _time(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=True),
        sa.Column("lease_until", _time(), nullable=True),
        sa.Column("uncertain_at", _time(), nullable=True),
        sa.Column("asked_at", _time(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.Column("wants_person_at", _time(), nullable=True),
        sa.Column("told_at", _time(), nullable=True),
        sa.Column("accepted_at", _time(), nullable=True),
        sa.Column("patience_until", _time(), nullable=True),
        sa.Column("done_at", _time(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(channel = 'pretend') = (instead_of IS NOT NULL)", name="ck_sending_groups_pretend_says_what"
        ),
        sa.CheckConstraint(
            "(state = 'sending') = (lease_until IS NOT NULL)", name="ck_sending_groups_sending_has_a_lease"
        ),
        sa.CheckConstraint(
            "(substr(about, 1, 6) = 'drill/') = (channel = 'pretend')",
            name="ck_sending_groups_drills_are_pretend",
        ),
        sa.CheckConstraint(
            "state <> 'uncertain' OR uncertain_at IS NOT NULL", name="ck_sending_groups_uncertain_has_a_time"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_sending_groups_organisation_id"
        ),
        sa.ForeignKeyConstraint(["sending_id"], ["sendings.id"], name="fk_sending_groups_sending_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sending_groups"),
        sa.UniqueConstraint("sending_id", "number", name="uq_sending_groups_sending_id_number"),
    )
    op.create_index(
        "ix_sending_groups_due",
        "sending_groups",
        ["ready_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_sending_groups_leases",
        "sending_groups",
        ["lease_until"],
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_sending_groups_patience",
        "sending_groups",
        ["patience_until"],
        sqlite_where=sa.text("patience_until IS NOT NULL"),
        postgresql_where=sa.text("patience_until IS NOT NULL"),
    )
    op.create_index(
        "ix_sending_groups_uncertain",
        "sending_groups",
        ["uncertain_at"],
        sqlite_where=sa.text("state = 'uncertain'"),
        postgresql_where=sa.text("state = 'uncertain'"),
    )
    op.create_table(
        "sending_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("started_at", _time(), nullable=False),
        sa.Column("ended_at", _time(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("provider_id", sa.String(length=120), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["sending_groups.id"], name="fk_sending_attempts_group_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_sending_attempts_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sending_attempts"),
        sa.UniqueConstraint("group_id", "number", name="uq_sending_attempts_group_id_number"),
    )
    op.create_index("ix_sending_attempts_provider_id", "sending_attempts", ["provider_id"])
    op.create_table(
        "deliveries",
        sa.Column("sending_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("left", sa.SmallInteger(), nullable=False),
        sa.Column("fate", sa.String(length=12), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.Column("at", _time(), nullable=False),
        sa.Column("next_at", _time(), nullable=True),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_deliveries_organisation_id"
        ),
        sa.PrimaryKeyConstraint("sending_id", "recipient_id", "channel", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_group_id_place", "deliveries", ["group_id", "place"])
    op.create_index(
        "ix_deliveries_next",
        "deliveries",
        ["sending_id", "next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_people",
        "deliveries",
        ["sending_id", "recipient_id"],
        sqlite_where=sa.text("fate IN ('manual', 'waiting')"),
        postgresql_where=sa.text("fate IN ('manual', 'waiting')"),
    )
    op.create_table(
        "sending_budgets",
        sa.Column("way", sa.String(length=40), nullable=False),
        sa.Column("free_at", _time(), nullable=False),
        sa.Column("day_from", _time(), nullable=True),
        sa.Column("day_units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("way", name="pk_sending_budgets"),
    )
    op.add_column("receipts", sa.Column("place", sa.SmallInteger(), nullable=True))
    op.create_index("ix_receipts_attempt_id", "receipts", ["attempt_id"])


def downgrade() -> None:
    """Take them back."""
    op.drop_index("ix_receipts_attempt_id", table_name="receipts")
    op.drop_column("receipts", "place")
    for table in ("sending_budgets", "deliveries", "sending_attempts", "sending_groups", "sendings"):
        op.drop_table(table)
