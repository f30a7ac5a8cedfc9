"""Reasons for a delay that the text of a filing does not give, and whether the authority is owed them.

Both are told with the filing. What is owed stays like the rest of its row; the reasons may be encrypted
anew, and the ledger holds them. Taken back, the ledger alone has them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLE = "authority_filings"
AS_FILED = "What was filed, and what came back, stands: add a row that says what is right."
BEFORE = (
    "id", "organisation_id", "incident_id", "duty_id", "notification_id", "authority", "number", "kind",
    "channel", "filed_at", "filed_by", "filed_by_id", "recorded_at", "case_number", "number_confirmed",
    "content_sha256", "pack_pdf_sha256", "pack_json_sha256", "due_at", "late_by",
)  # fmt: skip
ADDED = ("why_late", "why_late_owed")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _let_change() -> None:
    op.execute(f"DROP TRIGGER {TABLE}_stay" + ("" if _is_sqlite() else f" ON {TABLE}"))


def _keep(columns: tuple[str, ...]) -> None:
    sqlite = _is_sqlite()
    word = "IS NOT" if sqlite else "IS DISTINCT FROM"
    changed = " OR ".join(f'OLD."{column}" {word} NEW."{column}"' for column in columns)
    begins = f"CREATE TRIGGER {TABLE}_stay BEFORE UPDATE ON {TABLE}"
    if sqlite:
        op.execute(f"{begins} WHEN {changed} BEGIN SELECT RAISE(ABORT, '{AS_FILED}'); END")
    else:
        op.execute(f"{begins} FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION said_stays_said('{AS_FILED}')")


def upgrade() -> None:
    """Add both columns, and let nothing change what is owed."""
    op.add_column(TABLE, sa.Column("why_late", sa.LargeBinary(), nullable=True))
    op.add_column(
        TABLE, sa.Column("why_late_owed", sa.Boolean(), nullable=False, server_default=sa.false())
    )  # fmt: skip
    _let_change()
    _keep((*BEFORE, "why_late_owed"))


def downgrade() -> None:
    """Take them back."""
    _let_change()
    for column in ADDED:
        op.drop_column(TABLE, column)
    _keep(BEFORE)
