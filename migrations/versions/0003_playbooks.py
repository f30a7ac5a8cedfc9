"""Playbooks being carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "playbook_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("playbook", sa.String(length=40), nullable=False),
        sa.Column("definition_hash", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("anchors", sa.JSON(), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum("running", "ended", name="runstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_playbook_runs_ended_has_its_time")
        ),
        sa.CheckConstraint(
            "state = 'running' OR next_due_at IS NULL", name=op.f("ck_playbook_runs_ended_wakes_nobody")
        ),
        sa.CheckConstraint("state IN ('running', 'ended')", name=op.f("ck_playbook_runs_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_playbook_runs_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_runs")),
    )
    op.create_index(op.f("ix_playbook_runs_about"), "playbook_runs", ["about"], unique=False)
    op.create_index(
        "ix_playbook_runs_due",
        "playbook_runs",
        ["next_due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "uq_playbook_runs_one_running",
        "playbook_runs",
        ["about", "playbook"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "playbook_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open", "done", "skipped", "not_applicable", name="stepstate", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (done_at IS NULL)", name=op.f("ck_playbook_steps_closed_has_its_time")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'done') OR (reason IS NOT NULL AND reason <> '')",
            name=op.f("ck_playbook_steps_left_out_with_a_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'skipped', 'not_applicable')", name=op.f("ck_playbook_steps_state")
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (done_by IS NULL)", name=op.f("ck_playbook_steps_closed_has_its_author")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_playbook_steps_organisation_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["staff_members.id"], name=op.f("fk_playbook_steps_owner_id")),
        sa.ForeignKeyConstraint(["run_id"], ["playbook_runs.id"], name=op.f("fk_playbook_steps_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_steps")),
        sa.UniqueConstraint("run_id", "key", name=op.f("uq_playbook_steps_run_id_key")),
    )
    op.create_index(op.f("ix_playbook_steps_run_id"), "playbook_steps", ["run_id"], unique=False)
    op.create_table(
        "playbook_reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("action", "approaching", "overdue", name="kind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paged", sa.Boolean(), nullable=False),
        sa.Column("skipped_because", sa.String(length=200), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(sent_at IS NULL) = (skipped_because IS NOT NULL)",
            name=op.f("ck_playbook_reminders_sent_or_skipped"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_playbook_reminders_organisation_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["playbook_runs.id"], name=op.f("fk_playbook_reminders_run_id")),
        sa.ForeignKeyConstraint(
            ["step_id"], ["playbook_steps.id"], name=op.f("fk_playbook_reminders_step_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_reminders")),
        sa.UniqueConstraint("step_id", "key", name=op.f("uq_playbook_reminders_step_id_key")),
    )
    op.create_index(op.f("ix_playbook_reminders_run_id"), "playbook_reminders", ["run_id"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("playbook_reminders")
    op.drop_table("playbook_steps")
    op.drop_table("playbook_runs")
