"""Letters for a printer with the day they were posted, public notices with their places, and who was heard from."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "letter_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("communication_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("window", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", _time(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("ready_at", _time(), nullable=False),
        sa.Column("lease_until", _time(), nullable=True),
        sa.Column("taken_to", sa.Uuid(), nullable=True),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("finished_at", _time(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("posted_by", sa.String(length=200), nullable=True),
        sa.Column("posted_said_at", _time(), nullable=True),
        sa.Column("posted_with", sa.String(length=200), nullable=True),
        sa.Column("taken_back_at", _time(), nullable=True),
        sa.Column("taken_back_why", sa.String(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(posted_on IS NULL) = (posted_by IS NULL)", name="ck_letter_runs_posted_by_somebody"
        ),
        sa.CheckConstraint(
            "(state = 'made') = (finished_at IS NOT NULL)", name="ck_letter_runs_made_has_a_time"
        ),
        sa.CheckConstraint("state <> 'failed' OR why IS NOT NULL", name="ck_letter_runs_failed_says_why"),
        sa.CheckConstraint("posted_on IS NULL OR state = 'made'", name="ck_letter_runs_posted_is_made"),
        sa.CheckConstraint(
            "posted_on IS NULL OR taken_back_at IS NULL", name="ck_letter_runs_posted_or_taken_back"
        ),
        sa.ForeignKeyConstraint(
            ["communication_id"], ["subject_communications.id"], name="fk_letter_runs_communication_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_letter_runs_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_letter_runs"),
        sa.UniqueConstraint("communication_id", "number", name="uq_letter_runs_communication_id_number"),
    )
    op.create_index(
        "ix_letter_runs_making", "letter_runs", ["ready_at"], sqlite_where=sa.text("state = 'making'"),
        postgresql_where=sa.text("state = 'making'"),
    )  # fmt: skip
    op.create_table(
        "letter_run_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_letter_run_files_organisation_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["letter_runs.id"], name="fk_letter_run_files_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_letter_run_files"),
        sa.UniqueConstraint("run_id", "name", name="uq_letter_run_files_run_id_name"),
    )
    op.create_table(
        "public_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("written_by", sa.String(length=200), nullable=False),
        sa.Column("written_by_id", sa.Uuid(), nullable=True),
        sa.Column("written_at", _time(), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", _time(), nullable=True),
        sa.Column("met_at", _time(), nullable=True),
        sa.Column("ended_at", _time(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL)", name="ck_public_notices_approved_by_somebody"
        ),
        sa.ForeignKeyConstraint(["duty_id"], ["duties.id"], name="fk_public_notices_duty_id"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_public_notices_incident_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_public_notices_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"], ["staff_members.id"], name="fk_public_notices_written_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_public_notices"),
        sa.UniqueConstraint("incident_id", "number", name="uq_public_notices_incident_id_number"),
    )
    op.create_table(
        "public_places",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("planned_from", sa.Date(), nullable=False),
        sa.Column("planned_to", sa.Date(), nullable=False),
        sa.Column("seen_at", _time(), nullable=True),
        sa.Column("seen_by", sa.String(length=200), nullable=True),
        sa.Column("reminded_of", sa.String(length=8), nullable=True),
        sa.Column("proof_name", sa.String(length=255), nullable=True),
        sa.Column("proof_sha256", sa.String(length=64), nullable=True),
        sa.Column("proof_type", sa.String(length=40), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("removed_at", _time(), nullable=True),
        sa.Column("removed_why", sa.String(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("planned_from <= planned_to", name="ck_public_places_from_before_to"),
        sa.CheckConstraint(
            "(seen_at IS NULL) = (proof_sha256 IS NULL)", name="ck_public_places_seen_has_proof"
        ),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_why IS NULL)", name="ck_public_places_removed_says_why"
        ),
        sa.ForeignKeyConstraint(["notice_id"], ["public_notices.id"], name="fk_public_places_notice_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_public_places_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_public_places"),
    )
    op.create_index("ix_public_places_notice_id", "public_places", ["notice_id"])
    op.create_table(
        "people_heard",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("wants", sa.String(length=20), nullable=True),
        sa.Column("done_at", _time(), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=True),
        sa.Column("kept_by", sa.String(length=200), nullable=False),
        sa.Column("kept_at", _time(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_people_heard_incident_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_people_heard_organisation_id"
        ),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipients.id"], name="fk_people_heard_recipient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_people_heard"),
    )
    op.create_index("ix_people_heard_incident_id_at", "people_heard", ["incident_id", "at"])
    op.create_index("ix_people_heard_recipient_id", "people_heard", ["recipient_id"])
    _proof()


def _proof() -> None:
    op.create_table(
        "code_keys",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_code_keys"),
    )
    op.create_table(
        "wrong_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("fold", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("hour", _time(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("told_at", _time(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_wrong_codes_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_wrong_codes"),
        sa.UniqueConstraint("fold", name="uq_wrong_codes_fold"),
    )
    op.create_index("ix_wrong_codes_hour", "wrong_codes", ["hour"])
    op.create_table(
        "coverage_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("communication_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=100), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", _time(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["communication_id"], ["subject_communications.id"], name="fk_coverage_reports_communication_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_coverage_reports_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coverage_reports"),
        sa.UniqueConstraint("communication_id", "number", name="uq_coverage_reports_communication_id_number"),
    )
    op.create_table(
        "forgettings",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("looked_at", _time(), nullable=False),
        sa.Column("due_at", _time(), nullable=True),
        sa.Column("warned_at", _time(), nullable=True),
        sa.Column("held_at", _time(), nullable=True),
        sa.Column("held_by", sa.String(length=200), nullable=True),
        sa.Column("held_why", sa.String(), nullable=True),
        sa.Column("forgotten_at", _time(), nullable=True),
        sa.Column("swept_at", _time(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(held_at IS NULL) = (held_why IS NULL)", name="ck_forgettings_held_says_why"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_forgettings_incident_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_forgettings_organisation_id"
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_forgettings"),
    )
    op.create_index(
        "ix_forgettings_open", "forgettings", ["looked_at"],
        sqlite_where=sa.text("swept_at IS NULL"), postgresql_where=sa.text("swept_at IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Take them back."""
    for table in ("forgettings", "coverage_reports", "wrong_codes", "code_keys"):
        op.drop_table(table)
    for table in ("people_heard", "public_places", "public_notices", "letter_run_files", "letter_runs"):
        op.drop_table(table)
