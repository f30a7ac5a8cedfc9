"""Duties get their stages, ladders, reasons for delay, and triggers that keep them as they are.

What was met or not required before is told as its columns now ask; the checks come with the last column,
since SQLite adds them with a column and with nothing else short of making the table anew.
"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = "'open', 'in_preparation', 'filed_in_part', 'met', 'not_required', 'carried'"
CHECKS = {
    "state_is_known": f"state IN ({STATES})",
    "prepared_has_a_time": "state <> 'in_preparation' OR prepared_at IS NOT NULL",
    "filed_has_a_time": "state NOT IN ('filed_in_part', 'met') OR first_filed_at IS NOT NULL",
    "filed_stays_filed": "state NOT IN ('open', 'in_preparation') OR first_filed_at IS NULL",
    "lateness_is_of_a_filing": "(late_by IS NULL) = (first_filed_at IS NULL)",
    "not_required_was_decided": "state <> 'not_required' OR decision_id IS NOT NULL OR closing IS NOT NULL",
}
TERMS = ("regime", "recipient", "provision", "terms")
FROZEN = ("first_filed_at", "late_by", "due_at")
KEPT = ("duties", "duty_stages", "duty_rungs", "delay_reasons")
STAYS = "A duty is only ever added: what is not owed is decided, and never removed."
AS_COPIED = "The terms of a duty stay as the law had them when it was made."
AS_FILED = "How late it was filed is frozen with its first filing."


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _differs(column: str) -> str:
    if op.get_bind().dialect.name == "sqlite":
        return f"OLD.{column} IS NOT NEW.{column}"
    cast = "::text" if column == "terms" else ""
    return f"OLD.{column}{cast} IS DISTINCT FROM NEW.{column}{cast}"


def _guard(name: str, table: str, when: str, refusal: str, verb: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        condition = f"WHEN {when}" if when else ""
        body = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {condition} {body}")
        return
    condition = f"WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {condition} "
        f"EXECUTE FUNCTION said_stays_said('{refusal}')"
    )


def _triggers() -> None:
    changed = " OR ".join(_differs(each) for each in TERMS)
    frozen = " OR ".join(_differs(each) for each in FROZEN)
    _guard("duties_stay_as_copied", "duties", changed, AS_COPIED, "UPDATE")
    _guard(
        "duties_stay_as_filed", "duties", f"OLD.first_filed_at IS NOT NULL AND ({frozen})", AS_FILED, "UPDATE"
    )
    filed = " OR ".join(_differs(each) for each in ("filed_at", "late_by", "due_at"))
    _guard(
        "duty_stages_stay_as_filed",
        "duty_stages",
        f"OLD.filed_at IS NOT NULL AND ({filed})",
        AS_FILED,
        "UPDATE",
    )
    for table in KEPT:
        _guard(f"{table}_are_kept", table, "", STAYS, "DELETE")


def upgrade() -> None:
    """Add the columns, tell old rows as they ask, then the checks, the tables and the triggers."""
    op.add_column("duties", sa.Column("first_filed_at", _time(), nullable=True))
    op.add_column("duties", sa.Column("closing", sa.String(length=40), nullable=True))
    key = sa.ForeignKey("decisions.id", name="fk_duties_decision_id")
    op.add_column("duties", sa.Column("decision_id", sa.Uuid(), key, nullable=True), inline_references=True)
    _tell_old_rows()
    _add_checks()
    _create_stages()
    _create_rungs()
    _create_reasons()
    _create_regimes()
    key = sa.Column("duties_for", sa.Integer(), nullable=False, server_default="0")
    op.add_column("incidents", key)
    wanted = sa.text("duties_for < facts_number")
    op.create_index(
        "ix_incidents_without_duties", "incidents", ["id"], sqlite_where=wanted, postgresql_where=wanted
    )
    op.add_column("closures", sa.Column("owes_nothing_because", sa.String(), nullable=True))
    _triggers()


def _tell_old_rows() -> None:
    columns = (
        ("state", sa.String()),
        ("met_at", _time()),
        ("late_by", sa.Interval()),
        ("first_filed_at", _time()),
    )
    duties = sa.table("duties", *(sa.column(*each) for each in columns), sa.column("closing", sa.String()))
    connection = op.get_bind()
    connection.execute(
        sa.update(duties)
        .where(duties.c.state == "met")
        .values(
            first_filed_at=duties.c.met_at,
            late_by=sa.func.coalesce(duties.c.late_by, sa.literal(timedelta(), sa.Interval())),
        )
    )
    connection.execute(sa.update(duties).where(duties.c.state != "met").values(late_by=None))
    before = sa.update(duties).where(duties.c.state == "not_required")
    connection.execute(before.values(closing="decided before"))


def _add_checks() -> None:
    """The last column brings the checks along on SQLite."""
    if op.get_bind().dialect.name == "sqlite":
        checks = " ".join(f"CONSTRAINT ck_duties_{name} CHECK ({text})" for name, text in CHECKS.items())
        op.execute(f"ALTER TABLE duties ADD COLUMN prepared_at DATETIME {checks}")
        return
    op.add_column("duties", sa.Column("prepared_at", _time(), nullable=True))
    for name, text in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_duties_{name}"), "duties", text)


def _owned(table: str) -> tuple[sa.Column, ...]:
    organisation = sa.ForeignKey("organisations.id", name=f"fk_{table}_organisation_id")
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), organisation, nullable=False),
    )


def _create_stages() -> None:
    op.create_table(
        "duty_stages",
        *_owned("duty_stages"),
        sa.Column(
            "duty_id", sa.Uuid(), sa.ForeignKey("duties.id", name="fk_duty_stages_duty_id"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("provision", sa.String(length=200), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("starts_at", _time(), nullable=True),
        sa.Column("due_at", _time(), nullable=True),
        sa.Column("filed_at", _time(), nullable=True),
        sa.Column("filed_by", sa.String(length=200), nullable=True),
        sa.Column("late_by", sa.Interval(), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("receipt_name", sa.String(length=200), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("receipt_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", _time(), nullable=False),
        sa.CheckConstraint(
            "(filed_at IS NULL) = (filed_by IS NULL)", name=op.f("ck_duty_stages_filing_has_a_name")
        ),
        sa.CheckConstraint(
            "(filed_at IS NULL) = (late_by IS NULL)", name=op.f("ck_duty_stages_lateness_is_of_a_filing")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_stages")),
        sa.UniqueConstraint("duty_id", "number", name=op.f("uq_duty_stages_duty_id_number")),
    )


def _create_rungs() -> None:
    op.create_table(
        "duty_rungs",
        *_owned("duty_rungs"),
        sa.Column(
            "incident_id",
            sa.Uuid(),
            sa.ForeignKey("incidents.id", name="fk_duty_rungs_incident_id"),
            nullable=False,
        ),
        sa.Column(
            "duty_id", sa.Uuid(), sa.ForeignKey("duties.id", name="fk_duty_rungs_duty_id"), nullable=False
        ),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("page", sa.Boolean(), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("counts_to", _time(), nullable=False),
        sa.Column("sent_at", _time(), nullable=True),
        sa.Column("set_aside_at", _time(), nullable=True),
        sa.Column("set_aside_because", sa.String(length=200), nullable=True),
        sa.Column(
            "replaced_by_id",
            sa.Uuid(),
            sa.ForeignKey("duty_rungs.id", name="fk_duty_rungs_replaced_by_id"),
            nullable=True,
        ),
        sa.Column("created_at", _time(), nullable=False),
        sa.CheckConstraint(
            "sent_at IS NULL OR set_aside_at IS NULL", name=op.f("ck_duty_rungs_sent_or_set_aside")
        ),
        sa.CheckConstraint(
            "(set_aside_at IS NULL) = (set_aside_because IS NULL)",
            name=op.f("ck_duty_rungs_set_aside_has_a_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_rungs")),
    )
    waiting = sa.text("sent_at IS NULL AND set_aside_at IS NULL")
    counts = sa.text("set_aside_at IS NULL OR replaced_by_id IS NOT NULL")
    once = ["duty_id", "stage", "key", "counts_to"]
    op.create_index(
        "uq_duty_rungs_once", "duty_rungs", once, unique=True, sqlite_where=counts, postgresql_where=counts
    )
    for name, column in (("ix_duty_rungs_waiting", "at"), ("ix_duty_rungs_of_incident", "incident_id")):
        op.create_index(name, "duty_rungs", [column], sqlite_where=waiting, postgresql_where=waiting)


def _create_reasons() -> None:
    op.create_table(
        "delay_reasons",
        *_owned("delay_reasons"),
        sa.Column(
            "duty_id", sa.Uuid(), sa.ForeignKey("duties.id", name="fk_delay_reasons_duty_id"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay_reasons")),
        sa.UniqueConstraint("duty_id", "number", name=op.f("uq_delay_reasons_duty_id_number")),
    )


def _create_regimes() -> None:
    op.create_table(
        "regime_switches",
        *_owned("regime_switches"),
        sa.Column("regime", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=60), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regime_switches")),
        sa.UniqueConstraint(
            "organisation_id", "regime", name=op.f("uq_regime_switches_organisation_id_regime")
        ),
    )
    op.create_table(
        "contract_clauses",
        *_owned("contract_clauses"),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("clause", sa.String(length=200), nullable=False),
        sa.Column("hours", sa.Double(), nullable=True),
        sa.Column("anchor", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.CheckConstraint("hours IS NULL OR hours > 0", name=op.f("ck_contract_clauses_hours_are_a_span")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_clauses")),
        sa.UniqueConstraint("organisation_id", "key", name=op.f("uq_contract_clauses_organisation_id_key")),
    )
    op.create_table(
        "incident_moments",
        *_owned("incident_moments"),
        sa.Column(
            "incident_id",
            sa.Uuid(),
            sa.ForeignKey("incidents.id", name="fk_incident_moments_incident_id"),
            nullable=False,
        ),
        sa.Column("anchor", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("moment", _time(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_moments")),
        sa.UniqueConstraint(
            "incident_id", "anchor", "number", name=op.f("uq_incident_moments_incident_id_anchor_number")
        ),
    )


def downgrade() -> None:
    """Take it back; on SQLite the checks go with the column that brought them, the last one."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in ("duties_stay_as_copied", "duties_stay_as_filed", "duties_are_kept"):
        op.execute(f"DROP TRIGGER {trigger}" + ("" if sqlite else " ON duties"))
    for table in (
        "incident_moments",
        "contract_clauses",
        "regime_switches",
        "delay_reasons",
        "duty_rungs",
        "duty_stages",
    ):
        op.drop_table(table)
    op.drop_column("closures", "owes_nothing_because")
    op.drop_index("ix_incidents_without_duties", "incidents")
    op.drop_column("incidents", "duties_for")
    for name in () if sqlite else CHECKS:
        op.drop_constraint(op.f(f"ck_duties_{name}"), "duties", type_="check")
    for column in ("prepared_at", "decision_id", "closing", "first_filed_at"):
        op.execute(f"ALTER TABLE duties DROP COLUMN {column}")
