"""Steps with evidence, approval and steps added by hand; playbooks of an organisation's own."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEPS = "playbook_steps"
CHECKS = {
    "done_with_evidence": "NOT evidence_asked OR (state <> 'done' AND handed_in_by_id IS NULL) OR evidence IS NOT NULL",
    "handed_in_for_approval": "handed_in_by_id IS NULL OR approval_asked",
    "done_with_approval": "NOT approval_asked OR state <> 'done' OR approved_by_id IS NOT NULL",
    "approved_by_a_second_person": "approved_by_id IS NULL OR (handed_in_by_id IS NOT NULL AND approved_by_id <> handed_in_by_id)",
    "handed_in_at_a_time": "(handed_in_by_id IS NULL) = (handed_in_at IS NULL)",
    "approved_at_a_time": "(approved_by_id IS NULL) = (approved_at IS NULL)",
}
ASKED = sa.text("kind = 'action' AND NOT paged")
BEHIND = sa.text("playbooks_number < facts_number")


def upgrade() -> None:
    """Add to steps, make the tables; no incident that is there is looked through for playbooks again."""
    _steps()
    op.create_table(
        "playbook_evidence_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_playbook_evidence_files_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["playbook_steps.id"], name=op.f("fk_playbook_evidence_files_step_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_evidence_files")),
    )
    op.create_index("ix_playbook_evidence_files_step_id", "playbook_evidence_files", ["step_id"])
    op.create_table(
        "own_playbooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.String(length=200), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (retired_by IS NULL)", name=op.f("ck_own_playbooks_retired_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_own_playbooks_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_playbooks")),
        sa.UniqueConstraint(
            "organisation_id", "key", "number", name=op.f("uq_own_playbooks_organisation_id_key_number")
        ),
    )
    op.create_index(
        "ix_playbook_reminders_asked",
        "playbook_reminders",
        ["step_id"],
        sqlite_where=ASKED,
        postgresql_where=ASKED,
    )
    op.add_column(
        "incidents", sa.Column("playbooks_number", sa.Integer(), server_default="0", nullable=False)
    )
    op.execute("UPDATE incidents SET playbooks_number = facts_number")
    op.create_index(
        "ix_incidents_playbooks_behind", "incidents", ["id"], sqlite_where=BEHIND, postgresql_where=BEHIND
    )


def _steps() -> None:
    for name in ("evidence_asked", "approval_asked"):
        op.add_column(STEPS, sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(STEPS, sa.Column("evidence", sa.LargeBinary(), nullable=True))
    for name in ("handed_in", "approved"):
        key = sa.ForeignKey("staff_members.id", name=f"fk_playbook_steps_{name}_by_id")
        op.add_column(
            STEPS, sa.Column(f"{name}_by_id", sa.Uuid(), key, nullable=True), inline_references=True
        )
        op.add_column(STEPS, sa.Column(f"{name}_at", sa.DateTime(timezone=True), nullable=True))
    checks = {f"ck_playbook_steps_{name}": condition for name, condition in CHECKS.items()}
    if (
        op.get_bind().dialect.name == "sqlite"
    ):  # which takes checks of a table that is there with a column only
        written = " ".join(f"CONSTRAINT {name} CHECK ({condition})" for name, condition in checks.items())
        op.execute(f"ALTER TABLE {STEPS} ADD COLUMN added JSON {written}")
        return
    op.add_column(STEPS, sa.Column("added", sa.JSON(), nullable=True))
    for name, condition in checks.items():
        op.create_check_constraint(op.f(name), STEPS, condition)


def downgrade() -> None:
    """Drop them; what waits for approval is open again, as it was before it was handed in."""
    op.drop_index("ix_incidents_playbooks_behind", "incidents")
    op.drop_column("incidents", "playbooks_number")
    op.drop_index("ix_playbook_reminders_asked", "playbook_reminders")
    op.drop_table("own_playbooks")
    op.drop_table("playbook_evidence_files")
    if op.get_bind().dialect.name != "sqlite":  # where they go with the column
        for name in CHECKS:
            op.drop_constraint(op.f(f"ck_playbook_steps_{name}"), STEPS, type_="check")
    op.drop_column(STEPS, "added")
    for name in ("approved", "handed_in"):
        op.drop_column(STEPS, f"{name}_at")
        op.drop_column(STEPS, f"{name}_by_id")
    for name in ("evidence", "approval_asked", "evidence_asked"):
        op.drop_column(STEPS, name)
