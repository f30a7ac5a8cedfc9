"""Customers, what each is told of a breach, and a guard: a processor notifies no authority.

The role is in the facts, which are encrypted; the version says it beside them, so that the database can
refuse as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

REFUSAL = "Our role is processor: the controllers notify the authority, and we tell them."
ROLE = (
    "(SELECT f.our_role FROM facts_versions f JOIN incidents i ON i.id = f.incident_id "
    "AND i.facts_number = f.number WHERE i.id = NEW.incident_id) IN ('processor', 'sub_processor')"
)
GUARDS = {
    "drafted": ("INSERT", ""),
    "moved": ("UPDATE", "NEW.state <> OLD.state AND NEW.state <> 'draft' AND "),
}


def _guard_authorities() -> None:
    """No notification is begun, approved or filed by an incident in which we are processor alone."""
    if op.get_bind().dialect.name == "sqlite":
        for name, (verb, when) in GUARDS.items():
            op.execute(
                f"CREATE TRIGGER processors_notify_nobody_{name} BEFORE {verb} ON authority_notifications "
                f"WHEN {when}{ROLE} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION processors_notify_nobody() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {ROLE} THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN NEW; END $$"
    )
    for name, (verb, when) in GUARDS.items():
        condition = f"WHEN ({when.removesuffix(' AND ')})" if when else ""
        op.execute(
            f"CREATE TRIGGER processors_notify_nobody_{name} BEFORE {verb} ON authority_notifications "
            f"FOR EACH ROW {condition} EXECUTE FUNCTION processors_notify_nobody()"
        )


def upgrade() -> None:
    """Make the tables and the guard."""
    op.add_column("facts_versions", sa.Column("our_role", sa.String(length=20), nullable=True))
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("agreement", sa.String(length=100), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("notice_hours", sa.Double(), nullable=True),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("systems", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "notice_hours IS NULL OR notice_hours > 0", name=op.f("ck_customers_hours_are_positive")
        ),
        sa.CheckConstraint("people IS NULL OR people >= 0", name=op.f("ck_customers_people_are_counted")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_customers_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint(
            "organisation_id", "name_key", name=op.f("uq_customers_organisation_id_name_key")
        ),
    )
    op.create_table(
        "customer_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_contacts_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_customer_contacts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_contacts")),
    )
    op.create_index(
        op.f("ix_customer_contacts_customer_id"), "customer_contacts", ["customer_id"], unique=False
    )
    op.create_table(
        "customer_processors",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_processors_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_customer_processors_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["processor_id"], ["processors.id"], name=op.f("fk_customer_processors_processor_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", "processor_id", name=op.f("pk_customer_processors")),
    )
    op.create_index(
        op.f("ix_customer_processors_processor_id"), "customer_processors", ["processor_id"], unique=False
    )
    op.create_table(
        "fan_outs",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("facts_number", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_fan_outs_incident_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_fan_outs_organisation_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_fan_outs")),
    )
    op.create_table(
        "notice_rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("drafted", sa.LargeBinary(), nullable=False),
        sa.Column("aware_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("facts_number", sa.Integer(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by_id", sa.Uuid(), nullable=True),
        sa.Column("written_by", sa.String(length=200), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_sha256", sa.String(length=64), nullable=True),
        sa.Column("sent_by", sa.String(length=200), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state = 'draft' OR (approved_sha256 = content_sha256 AND approved_at IS NOT NULL)",
            name=op.f("ck_notice_rounds_approval_is_of_this_text"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('sending', 'complete') OR sent_at IS NOT NULL",
            name=op.f("ck_notice_rounds_sent_has_a_time"),
        ),
        sa.CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> written_by_id",
            name=op.f("ck_notice_rounds_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["staff_members.id"], name=op.f("fk_notice_rounds_approved_by_id")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_notice_rounds_incident_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_notice_rounds_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"], ["staff_members.id"], name=op.f("fk_notice_rounds_written_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_rounds")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_notice_rounds_incident_id_number")),
    )
    op.create_index(
        "ix_notice_rounds_sending",
        "notice_rounds",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "controller_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("own", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_how", sa.LargeBinary(), nullable=True),
        sa.Column("told_by", sa.String(length=200), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('delivered', 'told')) = (told_at IS NOT NULL)",
            name=op.f("ck_controller_notices_told_has_a_time"),
        ),
        sa.CheckConstraint(
            "state <> 'told' OR told_by IS NOT NULL", name=op.f("ck_controller_notices_told_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_controller_notices_customer_id")
        ),
        sa.ForeignKeyConstraint(["duty_id"], ["duties.id"], name=op.f("fk_controller_notices_duty_id")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_controller_notices_incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_controller_notices_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["notice_rounds.id"], name=op.f("fk_controller_notices_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controller_notices")),
        sa.UniqueConstraint(
            "round_id", "customer_id", name=op.f("uq_controller_notices_round_id_customer_id")
        ),
    )
    op.create_index(
        "ix_controller_notices_of", "controller_notices", ["incident_id", "customer_id"], unique=False
    )
    op.create_table(
        "customers_set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_by_id", sa.Uuid(), nullable=True),
        sa.Column("second_by", sa.String(length=200), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'in_force' OR second_by_id IS NOT NULL", name=op.f("ck_customers_set_aside_needs_two")
        ),
        sa.CheckConstraint(
            "second_by_id IS NULL OR second_by_id <> by_id",
            name=op.f("ck_customers_set_aside_two_different_people"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["staff_members.id"], name=op.f("fk_customers_set_aside_by_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customers_set_aside_customer_id")
        ),
        sa.ForeignKeyConstraint(["duty_id"], ["duties.id"], name=op.f("fk_customers_set_aside_duty_id")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_customers_set_aside_incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_customers_set_aside_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["second_by_id"], ["staff_members.id"], name=op.f("fk_customers_set_aside_second_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers_set_aside")),
    )
    op.create_index(
        op.f("ix_customers_set_aside_incident_id"), "customers_set_aside", ["incident_id"], unique=False
    )
    op.create_index(
        "uq_customers_set_aside_alive",
        "customers_set_aside",
        ["duty_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'in_force')"),
        postgresql_where=sa.text("state IN ('pending', 'in_force')"),
    )
    _guard_authorities()


def downgrade() -> None:
    """Drop them."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for name in GUARDS:
        suffix = " ON authority_notifications" if postgresql else ""
        op.execute(f"DROP TRIGGER processors_notify_nobody_{name}{suffix}")
    if postgresql:
        op.execute("DROP FUNCTION processors_notify_nobody()")
    for table in (
        "customers_set_aside", "controller_notices", "notice_rounds", "fan_outs", "customer_processors",
        "customer_contacts", "customers",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_column("facts_versions", "our_role")
