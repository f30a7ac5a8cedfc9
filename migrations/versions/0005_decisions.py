"""Decisions of two people, what the rules made of each version, overrides of figures, drafts of facts.

A decision used to be two columns of its assessment; it is a row of its own now. What was decided before
stands in the ledger and in the duties.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What stands in a row once and for all; other columns may follow what becomes of it.
KEPT = {
    "facts_versions": ("incident_id", "number", "sha256", "source", "reason", "at"),
    "evaluations": ("incident_id", "facts_number", "rules_version", "document", "sha256", "at"),
    "severity_overrides": (
        "incident_id",
        "number",
        "facts_number",
        "figure",
        "original",
        "value",
        "reason",
        "by_id",
        "at",
    ),
    "decisions": (
        "incident_id",
        "number",
        "question",
        "kind",
        "facts_number",
        "advised",
        "advice",
        "reason",
        "by_id",
        "by",
        "at",
    ),
}
REFUSAL = "What was said stands as it was said: add a row that says what is right."
AGAIN = "A decision that has ended does not hold again, and who agreed to it has agreed."
JSON = ("document", "advice")


def _differs(column: str, *, sqlite: bool) -> str:
    if sqlite:
        return f"OLD.{column} IS NOT NEW.{column}"
    cast = "::text" if column in JSON else ""
    return f"OLD.{column}{cast} IS DISTINCT FROM NEW.{column}{cast}"


def _after_the_end(*, sqlite: bool) -> str:
    """A decision that ended may not begin to hold, nor may a name under it be changed."""
    ended = f"OLD.state IN ('declined', 'withdrawn', 'replaced') AND {_differs('state', sqlite=sqlite)}"
    return f"({ended}) OR (OLD.agreed_by_id IS NOT NULL AND {_differs('agreed_by_id', sqlite=sqlite)})"


def _guard(name: str, table: str, when: str, refusal: str, verb: str = "UPDATE") -> None:
    if op.get_bind().dialect.name == "sqlite":
        condition = f"WHEN {when}" if when else ""
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        return
    condition = f"WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {condition} "
        f"EXECUTE FUNCTION said_stays_said('{refusal}')"
    )


def _protect() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION said_stays_said() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
        )
    for table, columns in KEPT.items():
        changed = " OR ".join(_differs(column, sqlite=sqlite) for column in columns)
        _guard(f"{table}_stay_as_said", table, changed, REFUSAL)
        _guard(f"{table}_are_kept", table, "", REFUSAL, "DELETE")
    _guard("decisions_end_once", "decisions", _after_the_end(sqlite=sqlite), AGAIN)


def upgrade() -> None:
    """Make the tables, and what keeps their rows as they were said."""
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("facts_number", sa.Integer(), nullable=False),
        sa.Column("rules_version", sa.String(length=40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_evaluations_incident_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_evaluations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint(
            "incident_id",
            "facts_number",
            "rules_version",
            name=op.f("uq_evaluations_incident_id_facts_number_rules_version"),
        ),
    )
    op.create_table(
        "facts_drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("typed", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_facts_drafts_incident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_members.id"], name=op.f("fk_facts_drafts_staff_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_facts_drafts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts_drafts")),
        sa.UniqueConstraint("incident_id", "staff_id", name=op.f("uq_facts_drafts_incident_id_staff_id")),
    )
    op.create_table(
        "severity_overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("facts_number", sa.Integer(), nullable=False),
        sa.Column("figure", sa.String(length=3), nullable=False),
        sa.Column("original", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "figure IN ('dpc', 'ei', 'cb')", name=op.f("ck_severity_overrides_figure_is_one_of_the_sum")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["staff_members.id"], name=op.f("fk_severity_overrides_by_id")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_severity_overrides_incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_severity_overrides_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_severity_overrides")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_severity_overrides_incident_id_number")),
    )
    _create_decisions()
    op.drop_column("assessments", "notify_authority")
    op.drop_column("assessments", "tell_people")
    _protect()


def _create_decisions() -> None:
    in_force, pending = sa.text("state = 'in_force'"), sa.text("state = 'pending'")
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("facts_number", sa.Integer(), nullable=False),
        sa.Column("advised", sa.String(length=30), nullable=False),
        sa.Column("advice", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_by", sa.String(length=200), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.String(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "agreed_by_id IS NULL OR agreed_by_id <> by_id", name=op.f("ck_decisions_two_different_people")
        ),
        sa.CheckConstraint(
            "kind IN ('notify_authority', 'communicate', 'keep_promise') OR state <> 'in_force' OR agreed_by_id IS NOT NULL",
            name=op.f("ck_decisions_do_not_needs_two"),
        ),
        sa.CheckConstraint(
            "(agreed_by_id IS NULL) = (agreed_at IS NULL)", name=op.f("ck_decisions_agreement_has_a_time")
        ),
        sa.CheckConstraint(
            "state NOT IN ('declined', 'withdrawn') OR ended_reason IS NOT NULL",
            name=op.f("ck_decisions_end_has_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["agreed_by_id"], ["staff_members.id"], name=op.f("fk_decisions_agreed_by_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["staff_members.id"], name=op.f("fk_decisions_by_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_decisions_incident_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_decisions_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_decisions_incident_id_number")),
    )
    op.create_index(
        "uq_decisions_in_force",
        "decisions",
        ["incident_id", "question"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
    op.create_index(
        "uq_decisions_pending",
        "decisions",
        ["incident_id", "question"],
        unique=True,
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index(
        "ix_decisions_waiting",
        "decisions",
        ["organisation_id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )


def downgrade() -> None:
    """Drop them; assessments get their columns back, saying that everybody is told."""
    for verb in ("stay_as_said", "are_kept"):
        suffix = "" if op.get_bind().dialect.name == "sqlite" else " ON facts_versions"
        op.execute(f"DROP TRIGGER facts_versions_{verb}{suffix}")
    op.drop_table("decisions")
    op.drop_table("severity_overrides")
    op.drop_table("facts_drafts")
    op.drop_table("evaluations")
    for column in ("notify_authority", "tell_people"):
        op.add_column(
            "assessments", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.true())
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION said_stays_said()")
