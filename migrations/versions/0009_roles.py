"""Roles of incidents, standing deputies, handover notes at a change of shift, calendar feeds.

Incidents that are over when this comes get no roles: nobody asks who leads them any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLES = "role IN ('lead', 'dpo', 'communications', 'legal', 'it')"
AT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _table(name: str, *columns: sa.schema.SchemaItem, to: tuple[tuple[str, str], ...]) -> None:
    keys = (
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}"))
        for column, table in (*to, ("organisation_id", "organisations"))
    )
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    """Make the tables."""
    op.add_column("incidents", sa.Column("roles_at", AT, nullable=True))
    op.execute("UPDATE incidents SET roles_at = reported_at WHERE state NOT IN ('reported', 'confirmed')")
    op.create_index("ix_incidents_without_roles", "incidents", ["reported_at"], **_where("roles_at IS NULL"))
    op.create_index(
        "ix_playbook_steps_without_owner",
        "playbook_steps",
        ["role"],
        **_where("state = 'open' AND owner_id IS NULL"),
    )
    _roles()
    _handovers()
    _calendars()


def _roles() -> None:
    _table(
        "incident_roles",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("until", AT, nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_incident_roles_role_is_known")),
        to=(("incident_id", "incidents"), ("staff_id", "staff_members"), ("by_id", "staff_members")),
    )
    op.create_index(
        "uq_incident_roles_current",
        "incident_roles",
        ["incident_id", "role"],
        unique=True,
        **_where("until IS NULL"),
    )
    op.create_index("ix_incident_roles_incident_id", "incident_roles", ["incident_id"])
    op.create_index("ix_incident_roles_holder", "incident_roles", ["staff_id"], **_where("until IS NULL"))
    _table(
        "role_deputies",
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("named_at", AT, nullable=False),
        sa.Column("named_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint(ROLES, name=op.f("ck_role_deputies_role_is_known")),
        sa.UniqueConstraint("organisation_id", "role", name=op.f("uq_role_deputies_organisation_id_role")),
        to=(("staff_id", "staff_members"),),
    )


def _handovers() -> None:
    _table(
        "handovers",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("rotation", sa.String(length=80), nullable=False),
        sa.Column("began_at", AT, nullable=False),
        sa.Column("ends_at", AT, nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", AT, nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("note_sha256", sa.String(length=64), nullable=True),
        sa.Column("written_at", AT, nullable=True),
        sa.Column("summary", sa.LargeBinary(), nullable=True),
        sa.Column("told_at", AT, nullable=True),
        sa.Column("read_at", AT, nullable=True),
        sa.CheckConstraint(
            "(written_at IS NULL) = (note_sha256 IS NULL)", name=op.f("ck_handovers_note_has_its_hash")
        ),
        sa.CheckConstraint(
            "read_at IS NULL OR told_at IS NOT NULL", name=op.f("ck_handovers_read_after_told")
        ),
        sa.UniqueConstraint(
            "incident_id", "from_id", "ends_at", name=op.f("uq_handovers_incident_id_from_id_ends_at")
        ),
        to=(("incident_id", "incidents"), ("from_id", "staff_members"), ("to_id", "staff_members")),
    )
    op.create_index("ix_handovers_untold", "handovers", ["ends_at"], **_where("told_at IS NULL"))
    op.create_index("ix_handovers_from", "handovers", ["from_id", "ends_at"])
    op.create_index("ix_handovers_to", "handovers", ["to_id"], **_where("read_at IS NULL"))


def _calendars() -> None:
    _table(
        "calendar_feeds",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("revoked_at", AT, nullable=True),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feeds_secret_hash")),
        to=(("staff_id", "staff_members"),),
    )
    op.create_index(
        "uq_calendar_feeds_live", "calendar_feeds", ["staff_id"], unique=True, **_where("revoked_at IS NULL")
    )
    _table(
        "calendar_entries",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("uid", sa.String(length=160), nullable=False),
        sa.Column("starts_at", AT, nullable=False),
        sa.Column("ends_at", AT, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("modified_at", AT, nullable=False),
        sa.Column("gone_at", AT, nullable=True),
        sa.UniqueConstraint("staff_id", "uid", name=op.f("uq_calendar_entries_staff_id_uid")),
        to=(("staff_id", "staff_members"),),
    )


def downgrade() -> None:
    """Take the tables away again."""
    for table in ("calendar_entries", "calendar_feeds", "handovers", "role_deputies", "incident_roles"):
        op.drop_table(table)
    op.drop_index("ix_playbook_steps_without_owner", "playbook_steps")
    op.drop_index("ix_incidents_without_roles", "incidents")
    op.drop_column("incidents", "roles_at")
