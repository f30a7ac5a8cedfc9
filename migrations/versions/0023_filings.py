"""The filing log: filings with the pack as filed, what came back for each, and triggers that keep both.

Case numbers and receipts were columns of the notification. They are rows now; who recorded them, by which
way and when is told by the ledger. Taken back, the last number and the first receipt are columns again,
and the packs and further receipts are gone.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from alembic import op

from foundation.encryption import EncryptedText

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

AS_FILED = "What was filed, and what came back, stands: add a row that says what is right."
UNAPPROVED = "Only the approved text is filed."
UNSAID = "not said"
NO_TYPE = "application/octet-stream"  # receipts kept before their content was looked at
CHANNELS = {
    "portal": "portal",
    "e-mail": "e-mail",
    "telephone": "telephone",
    "letter": "post",
    "post": "post",
}
# What never changes. Encrypted bytes may be encrypted anew; their hashes hold them, reasons the ledger.
KEPT = {
    "authority_filings": (
        "id", "organisation_id", "incident_id", "duty_id", "notification_id", "authority", "number", "kind",
        "channel", "filed_at", "filed_by", "filed_by_id", "recorded_at", "case_number", "number_confirmed",
        "content_sha256", "pack_pdf_sha256", "pack_json_sha256", "due_at", "late_by",
    ),
    "filing_proofs": (
        "id", "organisation_id", "filing_id", "number", "name", "media_type", "sha256", "case_number",
        "number_confirmed", "why", "by", "by_id", "at",
    ),
}  # fmt: skip
OF_THE_FILED = (
    "incident_id", "duty_id", "authority", "number", "content_sha256", "state", "approved_by", "approved_at",
    "approved_sha256", "filed_by", "filed_at",
)  # fmt: skip
APPROVED = (
    "(SELECT count(*) FROM authority_notifications n WHERE n.id = NEW.notification_id "
    "AND n.state <> 'draft' AND n.approved_sha256 = NEW.content_sha256) = 0"
)


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


# --- triggers -----------------------------------------------------------------------------------


def _differ(columns: tuple[str, ...]) -> str:
    word = "IS NOT" if _is_sqlite() else "IS DISTINCT FROM"
    return " OR ".join(f'OLD."{column}" {word} NEW."{column}"' for column in columns)


def _guard(name: str, table: str, when: str, verb: str) -> None:
    if _is_sqlite():
        condition = f"WHEN {when}" if when else ""
        body = f"BEGIN SELECT RAISE(ABORT, '{AS_FILED}'); END"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {condition} {body}")
        return
    condition = f"WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {condition} "
        f"EXECUTE FUNCTION said_stays_said('{AS_FILED}')"
    )


def _protect() -> None:
    """Rows are added and neither change nor go; what is filed was approved, and stays filed."""
    for table, columns in KEPT.items():
        _guard(f"{table}_stay", table, _differ(columns), "UPDATE")
        _guard(f"{table}_are_kept", table, "", "DELETE")
        if not _is_sqlite():
            op.execute(
                f"CREATE TRIGGER {table}_are_not_emptied BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION said_stays_said('{AS_FILED}')"
            )
    changed = f"OLD.state = 'filed' AND ({_differ(OF_THE_FILED)})"
    _guard("filed_notifications_stay", "authority_notifications", changed, "UPDATE")
    _guard("filed_notifications_are_kept", "authority_notifications", "OLD.state = 'filed'", "DELETE")
    if _is_sqlite():
        op.execute(
            f"CREATE TRIGGER filings_are_approved BEFORE INSERT ON authority_filings WHEN {APPROVED} "
            f"BEGIN SELECT RAISE(ABORT, '{UNAPPROVED}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION filings_are_approved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {APPROVED} THEN RAISE EXCEPTION '{UNAPPROVED}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER filings_are_approved BEFORE INSERT ON authority_filings "
        "FOR EACH ROW EXECUTE FUNCTION filings_are_approved()"
    )


# --- tables -------------------------------------------------------------------------------------


def _key(table: str, column: str, of: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(
        column, sa.Uuid(), sa.ForeignKey(f"{of}.id", name=f"fk_{table}_{column}"), nullable=nullable
    )


def _create_filings() -> None:
    table = "authority_filings"
    checks = {
        "channel_is_known": "channel IN ('portal', 'e-mail', 'telephone', 'post', 'unknown')",
        "number_or_why_none": "case_number IS NOT NULL OR why_no_number IS NOT NULL",
        "filed_before_it_is_recorded": "filed_at <= recorded_at",
        "pdf_has_its_hash": "(pack_pdf IS NULL) = (pack_pdf_sha256 IS NULL)",
        "json_has_its_hash": "(pack_json IS NULL) = (pack_json_sha256 IS NULL)",
    }
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        _key(table, "organisation_id", "organisations"),
        _key(table, "incident_id", "incidents"),
        _key(table, "duty_id", "duties"),
        _key(table, "notification_id", "authority_notifications"),
        sa.Column("authority", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("filed_at", _time(), nullable=False),
        sa.Column("filed_by", sa.String(length=200), nullable=False),
        _key(table, "filed_by_id", "staff_members", nullable=True),
        sa.Column("recorded_at", _time(), nullable=False),
        sa.Column("why_later", sa.LargeBinary(), nullable=True),
        sa.Column("case_number", sa.String(length=80), nullable=True),
        sa.Column("why_no_number", sa.LargeBinary(), nullable=True),
        sa.Column("number_confirmed", sa.Boolean(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("pack_pdf", sa.LargeBinary(), nullable=True),
        sa.Column("pack_pdf_sha256", sa.String(length=64), nullable=True),
        sa.Column("pack_json", sa.LargeBinary(), nullable=True),
        sa.Column("pack_json_sha256", sa.String(length=64), nullable=True),
        sa.Column("due_at", _time(), nullable=True),
        sa.Column("late_by", sa.Interval(), nullable=True),
        *(sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in checks.items()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("notification_id", name=op.f(f"uq_{table}_notification_id")),
    )
    op.create_index(op.f(f"ix_{table}_incident_id"), table, ["incident_id"])


def _create_proofs() -> None:
    table = "filing_proofs"
    whole = " AND ".join(f"({name} IS NULL) = (sha256 IS NULL)" for name in ("data", "name", "media_type"))
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        _key(table, "organisation_id", "organisations"),
        _key(table, "filing_id", "authority_filings"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("media_type", sa.String(length=80), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("case_number", sa.String(length=80), nullable=True),
        sa.Column("number_confirmed", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("by", sa.String(length=200), nullable=False),
        _key(table, "by_id", "staff_members", nullable=True),
        sa.Column("at", _time(), nullable=False),
        sa.CheckConstraint(
            "sha256 IS NOT NULL OR case_number IS NOT NULL", name=op.f(f"ck_{table}_proves_something")
        ),
        sa.CheckConstraint(whole, name=op.f(f"ck_{table}_receipt_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("filing_id", "number", name=op.f(f"uq_{table}_filing_id_number")),
        sa.UniqueConstraint("filing_id", "sha256", name=op.f(f"uq_{table}_filing_id_sha256")),
    )


# --- what was there -----------------------------------------------------------------------------

NOTIFICATIONS = sa.table(
    "authority_notifications",
    *(sa.column(name, sa.Uuid()) for name in ("id", "organisation_id", "incident_id", "duty_id")),
    *(sa.column(name, sa.String()) for name in ("authority", "content_sha256", "state", "filed_by")),
    *(sa.column(name, sa.String()) for name in ("case_number", "receipt_name", "receipt_sha256")),
    sa.column("number", sa.Integer()), sa.column("filed_at", _time()), sa.column("receipt", sa.LargeBinary()),
)  # fmt: skip


def _said() -> dict[str, list[Any]]:
    """What the ledger says of each notification's filing and proof, oldest first, by its id."""
    names = (("action", sa.String()), ("actor", sa.String()), ("at", _time()), ("reason", sa.String()),
             ("details", sa.JSON()), ("chain", sa.String()), ("number", sa.Integer()))  # fmt: skip
    entries = sa.table("ledger_entries", *(sa.column(*each) for each in names))
    about = ("notification.filed", "notification.proof_kept")
    found: dict[str, list[Any]] = {}
    wanted = sa.select(entries).where(entries.c.action.in_(about)).order_by(entries.c.chain, entries.c.number)
    for entry in op.get_bind().execute(wanted):
        found.setdefault(str(entry.details.get("notification")), []).append(entry)
    return found


def _staff() -> set[UUID]:
    return set(op.get_bind().scalars(sa.select(sa.table("staff_members", sa.column("id", sa.Uuid())).c.id)))


def _who(entry: Any, staff: set[UUID]) -> UUID | None:
    said = entry and entry.details.get("staff")
    return UUID(said) if said and UUID(said) in staff else None


def _move() -> None:
    """Every filed notification becomes a filing, its number told later and its receipt become proofs."""
    said, staff = _said(), _staff()
    duties = sa.table(
        "duties",
        sa.column("id", sa.Uuid()),
        sa.column("due_at", _time()),
        sa.column("late_by", sa.Interval()),
    )
    terms = {each.id: each for each in op.get_bind().execute(sa.select(duties))}
    filings, proofs = [], []
    for row in op.get_bind().execute(sa.select(NOTIFICATIONS).where(NOTIFICATIONS.c.state == "filed")):
        entries = said.get(str(row.id), [])
        filing = _filing(row, next((e for e in entries if e.action == "notification.filed"), None), staff)
        duty = terms[row.duty_id]
        filings.append({**filing, "due_at": duty.due_at, "late_by": duty.late_by})
        proofs += _proofs(row, filing, entries, staff)
    for table, columns, made in (
        ("authority_filings", _columns_of_filings(), filings), ("filing_proofs", _columns_of_proofs(), proofs),
    ):  # fmt: skip
        if made:
            op.bulk_insert(sa.table(table, *columns), made)


def _filing(row: Any, entry: Any, staff: set[UUID]) -> dict[str, Any]:
    """A filing as the ledger's entry has it; without one, as the columns of the notification do."""
    recorded_at: datetime = entry.at if entry else row.filed_at
    number = entry.details.get("case_number") if entry else row.case_number
    reason = entry.reason if entry else None
    channel = entry.details.get("channel") if entry else None
    return {
        "id": uuid4(), "organisation_id": row.organisation_id, "incident_id": row.incident_id,
        "duty_id": row.duty_id, "notification_id": row.id, "authority": row.authority, "number": row.number,
        "kind": "initial", "channel": CHANNELS.get(channel or "", "unknown"), "filed_at": row.filed_at,
        "filed_by": row.filed_by or UNSAID, "filed_by_id": _who(entry, staff),
        "recorded_at": max(recorded_at, row.filed_at), "why_later": reason if number else None,
        "case_number": number, "why_no_number": None if number else reason or UNSAID,
        "number_confirmed": False, "content_sha256": row.content_sha256,
    }  # fmt: skip


def _proofs(
    row: Any, filing: dict[str, Any], entries: list[Any], staff: set[UUID]
) -> Iterator[dict[str, Any]]:
    """The receipt and the case number told later, each under the name of who added it."""
    later = row.case_number if row.case_number != filing["case_number"] else None
    kept = [("receipt_sha256", row.receipt_sha256), ("case_number", later)]
    for number, (name, value) in enumerate([each for each in kept if each[1]], start=1):
        entry = next((e for e in entries if e.details.get(name) == value), None)
        receipt = name == "receipt_sha256"
        yield {
            "id": uuid4(), "organisation_id": row.organisation_id, "filing_id": filing["id"],
            "number": number, "name": (row.receipt_name or "receipt") if receipt else None,
            "media_type": NO_TYPE if receipt else None, "data": row.receipt if receipt else None,
            "sha256": value if receipt else None, "case_number": None if receipt else value,
            "number_confirmed": False, "why": None, "by": entry.actor if entry else filing["filed_by"],
            "by_id": _who(entry, staff), "at": entry.at if entry else filing["recorded_at"],
        }  # fmt: skip


def _columns_of_filings() -> Iterator[sa.ColumnClause[Any]]:
    ids = ("id", "organisation_id", "incident_id", "duty_id", "notification_id", "filed_by_id")
    texts = ("authority", "kind", "channel", "filed_by", "case_number", "content_sha256")
    yield from (sa.column(name, EncryptedText()) for name in ("why_later", "why_no_number"))
    yield from (sa.column(name, sa.Uuid()) for name in ids)
    yield from (sa.column(name, sa.String()) for name in texts)
    yield from (sa.column(name, _time()) for name in ("filed_at", "recorded_at", "due_at"))
    yield from (sa.column("number", sa.Integer()), sa.column("number_confirmed", sa.Boolean()))
    yield sa.column("late_by", sa.Interval())


def _columns_of_proofs() -> Iterator[sa.ColumnClause[Any]]:
    yield from (sa.column(name, sa.Uuid()) for name in ("id", "organisation_id", "filing_id", "by_id"))
    texts = ("name", "media_type", "sha256", "case_number", "why", "by")
    yield from (sa.column(name, sa.String()) for name in texts)
    yield from (sa.column("number", sa.Integer()), sa.column("number_confirmed", sa.Boolean()))
    yield from (sa.column("data", sa.LargeBinary()), sa.column("at", _time()))


# --- both ways ----------------------------------------------------------------------------------


def upgrade() -> None:
    """Make the tables, move what was filed into them, and let nothing change it."""
    _create_filings()
    _create_proofs()
    _move()
    for column in ("case_number", "receipt_name", "receipt", "receipt_sha256"):
        op.drop_column("authority_notifications", column)
    _protect()


def downgrade() -> None:
    """Take it back: the latest case number and the first receipt stand in the notification again."""
    suffix = "" if _is_sqlite() else " ON authority_notifications"
    for name in ("filed_notifications_stay", "filed_notifications_are_kept"):
        op.execute(f"DROP TRIGGER {name}{suffix}")
    for name, kind in (
        ("case_number", sa.String(length=80)), ("receipt_name", sa.String(length=200)),
        ("receipt", sa.LargeBinary()), ("receipt_sha256", sa.String(length=64)),
    ):  # fmt: skip
        op.add_column("authority_notifications", sa.Column(name, kind, nullable=True))
    _move_back()
    op.drop_table("filing_proofs")
    op.drop_table("authority_filings")
    if not _is_sqlite():
        op.execute("DROP FUNCTION filings_are_approved()")


def _move_back() -> None:
    filings = sa.table("authority_filings", *_columns_of_filings())
    proofs = sa.table("filing_proofs", *_columns_of_proofs())
    for filing in op.get_bind().execute(sa.select(filings)).all():
        mine = sa.select(proofs).where(proofs.c.filing_id == filing.id).order_by(proofs.c.number)
        came = op.get_bind().execute(mine).all()
        told = [filing.case_number, *(each.case_number for each in came)]
        receipt = next((each for each in came if each.sha256), None)
        op.execute(
            sa.update(NOTIFICATIONS)
            .where(NOTIFICATIONS.c.id == filing.notification_id)
            .values(
                case_number=next((each for each in reversed(told) if each), None),
                receipt_name=receipt.name if receipt else None,
                receipt=receipt.data if receipt else None,
                receipt_sha256=receipt.sha256 if receipt else None,
            )
        )
