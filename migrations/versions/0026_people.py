"""Lists of people to be told, with faults and folded doubles, sealed under a key of their incident.

People stood on the list of one communication before; a communication picks from the lists of its incident now.
Each such list becomes a list of its incident that is read, with the same people under the same ids; what was
approved and not sent is approved again, for an approval is of other content now. Taken back, people who can
be written to or called stand on the list of each communication that picked their list, where their addresses
were not forgotten; postal addresses, faults and whoever was folded are gone.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import rfc8785
import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.encryption import blind_index, keyring

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

AT_ONCE = 1000
EMAIL, SMS = 1, 2  # bits of the ways
BEFORE, AFTER = "recipients_before", "recipients_after"  # the rows while one table becomes the other


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and let communications pick from them."""
    op.create_table(
        "incident_keys",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("hash_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", _time(), nullable=False),
        sa.Column("destroyed_at", _time(), nullable=True),
        sa.Column("destroyed_by", sa.String(length=200), nullable=True),
        sa.Column("destroyed_why", sa.String(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(key IS NULL) = (destroyed_at IS NOT NULL)", name="ck_incident_keys_gone_or_there"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_keys_incident_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_incident_keys_organisation_id"
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incident_keys"),
    )
    op.create_table(
        "recipient_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("file_kept", sa.Boolean(), nullable=False),
        sa.Column("sheet", sa.String(length=100), nullable=True),
        sa.Column("encoding", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("has_header", sa.Boolean(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("ready_at", _time(), nullable=True),
        sa.Column("lease_until", _time(), nullable=True),
        sa.Column("lines_read", sa.Integer(), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("faulty", sa.Integer(), nullable=False),
        sa.Column("noted", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Integer(), nullable=False),
        sa.Column("taken_out", sa.Integer(), nullable=False),
        sa.Column("rows_sha256", sa.String(length=64), nullable=True),
        sa.Column("why", sa.String(length=400), nullable=True),
        sa.Column("left_out_why", sa.String(), nullable=True),
        sa.Column("left_out_by", sa.String(length=200), nullable=True),
        sa.Column("uploaded_by", sa.String(length=200), nullable=False),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", _time(), nullable=False),
        sa.Column("read_at", _time(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'refused' OR why IS NOT NULL", name="ck_recipient_lists_refused_says_why"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_recipient_lists_incident_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_recipient_lists_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"], ["staff_members.id"], name="fk_recipient_lists_uploaded_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recipient_lists"),
        sa.UniqueConstraint("incident_id", "number", name="uq_recipient_lists_incident_id_number"),
    )
    op.create_index(
        "ix_recipient_lists_ready_at",
        "recipient_lists",
        ["ready_at"],
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_table(
        "row_faults",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=48), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("shown", sa.String(length=40), nullable=False),
        sa.Column("keeps_out", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["recipient_lists.id"], name="fk_row_faults_list_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_row_faults_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_row_faults"),
    )
    op.create_index("ix_row_faults_list_id_line", "row_faults", ["list_id", "line"])
    op.execute("CREATE TABLE recipients_before AS SELECT * FROM recipients")
    op.drop_table("recipients")
    _people()
    _communications()
    _carry_over()
    op.drop_table(BEFORE)


def _people() -> None:
    op.create_table(
        "recipients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("group", sa.String(length=100), nullable=False),
        sa.Column("ways", sa.SmallInteger(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=True),
        sa.Column("financial", sa.Boolean(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("email_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("phone_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("post_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("own_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("folded_into_id", sa.Uuid(), nullable=True),
        sa.Column("left_out_why", sa.String(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["folded_into_id"], ["recipients.id"], name="fk_recipients_folded_into_id"),
        sa.ForeignKeyConstraint(["list_id"], ["recipient_lists.id"], name="fk_recipients_list_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_recipients_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recipients"),
        sa.UniqueConstraint("list_id", "line", name="uq_recipients_list_id_line"),
    )
    op.create_index("ix_recipients_incident_id_id", "recipients", ["incident_id", "id"])
    for name, key, there in (
        ("email", "email_key", "email_key IS NOT NULL"),
        ("phone", "phone_key", "phone_key IS NOT NULL AND email_key IS NOT NULL"),
        ("phone_alone", "phone_key", "phone_key IS NOT NULL AND email_key IS NULL"),
        ("post", "post_key", "post_key IS NOT NULL"),
        ("own", "own_key", "own_key IS NOT NULL"),
    ):
        where = sa.text(there)
        op.create_index(
            f"ix_recipients_{name}",
            "recipients",
            [key, "id"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_index(
        "ix_recipients_folded_into_id",
        "recipients",
        ["folded_into_id"],
        sqlite_where=sa.text("folded_into_id IS NOT NULL"),
        postgresql_where=sa.text("folded_into_id IS NOT NULL"),
    )


def _communications() -> None:
    table = "subject_communications"
    op.add_column(table, sa.Column("kind", sa.String(length=40), nullable=False, server_default=""))
    key = sa.ForeignKey(f"{table}.id", name=f"fk_{table}_corrects_id")
    op.add_column(table, sa.Column("corrects_id", sa.Uuid(), key, nullable=True), inline_references=True)
    op.add_column(
        table, sa.Column("ways", sa.JSON(), nullable=False, server_default='["email", "sms", "letter"]')
    )
    op.add_column(table, sa.Column("selection", sa.JSON(), nullable=False, server_default="{}"))


# --- what was there -----------------------------------------------------------------------------

COMMUNICATIONS = sa.table(
    "subject_communications",
    sa.column("id", sa.Uuid()), sa.column("organisation_id", sa.Uuid()), sa.column("incident_id", sa.Uuid()),
    sa.column("number", sa.Integer()), sa.column("state", sa.String()), sa.column("selection", sa.JSON()),
    sa.column("drafted_by", sa.String()), sa.column("drafted_at", _time()), sa.column("approved_by"),
    sa.column("approved_at"), sa.column("approved_sha256"),
)  # fmt: skip
KEYS = sa.table(
    "incident_keys",
    sa.column("incident_id", sa.Uuid()), sa.column("organisation_id", sa.Uuid()),
    sa.column("key", sa.LargeBinary()), sa.column("hash_key", sa.LargeBinary()), sa.column("made_at", _time()),
)  # fmt: skip
LISTS = sa.table(
    "recipient_lists",
    *(sa.column(name, sa.Uuid()) for name in ("id", "incident_id", "organisation_id")),
    *(sa.column(name, sa.Integer()) for name in (
        "number", "lines_read", "bytes_read", "people", "faulty", "noted", "folded", "taken_out", "file_bytes")),
    *(sa.column(name, sa.String()) for name in (
        "state", "file_name", "file_sha256", "country", "locale", "rows_sha256", "uploaded_by")),
    *(sa.column(name, sa.JSON()) for name in ("columns", "header")),
    *(sa.column(name, sa.Boolean()) for name in ("file_kept", "has_header")),
    *(sa.column(name, _time()) for name in ("uploaded_at", "read_at")),
)  # fmt: skip


def _columns_before() -> list[Any]:
    return [
        *(sa.column(name, sa.Uuid()) for name in ("id", "organisation_id", "communication_id")),
        sa.column("position", sa.Integer()),
        *(sa.column(name, sa.LargeBinary()) for name in ("name", "email", "phone")),
        *(sa.column(name, sa.String()) for name in ("locale", "person_index", "sha256")),
    ]


def _columns_after() -> list[Any]:
    return [
        *(sa.column(name, sa.Uuid()) for name in ("id", "organisation_id", "incident_id", "list_id")),
        *(sa.column(name, sa.Integer()) for name in ("line", "ways")),
        *(sa.column(name, sa.String()) for name in ("locale", "country", "group", "left_out_why")),
        *(sa.column(name, sa.LargeBinary()) for name in ("sealed", "sha256", "email_key", "phone_key")),
        sa.column("folded_into_id", sa.Uuid()),
    ]


def _pages(mine: Any, *order: Any) -> Iterator[list[Any]]:
    at = 0
    while found := op.get_bind().execute(mine.order_by(*order).limit(AT_ONCE).offset(at)).all():
        yield found
        at += len(found)


def _carry_over() -> None:
    """A list for each communication that has people."""
    before = sa.table(BEFORE, *_columns_before())
    with_people = COMMUNICATIONS.c.id.in_(sa.select(before.c.communication_id))
    mine = sa.select(COMMUNICATIONS).where(with_people).order_by(COMMUNICATIONS.c.number)
    keys: dict[UUID, tuple[bytes, bytes]] = {}
    numbers: dict[UUID, int] = {}
    for each in op.get_bind().execute(mine).all():
        number = numbers[each.incident_id] = numbers.get(each.incident_id, 0) + 1
        if each.incident_id not in keys:
            keys[each.incident_id] = _key(each)
        _list_of(each, number, *keys[each.incident_id])
    approval = {"approved_by": None, "approved_at": None, "approved_sha256": None}
    approved = sa.update(COMMUNICATIONS).where(COMMUNICATIONS.c.state == "approved")
    op.execute(approved.values(state="draft", **approval))


def _key(communication: Any) -> tuple[bytes, bytes]:
    made = secrets.token_bytes(32), secrets.token_bytes(32)
    key, hash_key = (keyring.encrypt(each) for each in made)
    op.get_bind().execute(
        sa.insert(KEYS).values(
            incident_id=communication.incident_id, organisation_id=communication.organisation_id, key=key,
            hash_key=hash_key, made_at=communication.drafted_at,
        )
    )  # fmt: skip
    return made


def _list_of(communication: Any, number: int, key: bytes, hash_key: bytes) -> None:
    bind, list_id = op.get_bind(), uuid4()
    made = {
        "id": list_id, "incident_id": communication.incident_id, "number": number, "state": "read",
        "organisation_id": communication.organisation_id, "file_name": "-", "file_sha256": "", "file_bytes": 0,
        "file_kept": False, "has_header": True, "columns": [], "header": [], "country": "", "locale": "",
        "lines_read": 0, "bytes_read": 0, "people": 0, "faulty": 0, "noted": 0, "folded": 0, "taken_out": 0,
        "uploaded_by": communication.drafted_by, "uploaded_at": communication.drafted_at,
        "read_at": communication.drafted_at,
    }  # fmt: skip
    bind.execute(sa.insert(LISTS).values(made))
    before, after = sa.table(BEFORE, *_columns_before()), sa.table("recipients", *_columns_after())
    mine = sa.select(before).where(before.c.communication_id == communication.id)
    digest, people = b"", 0
    for page in _pages(mine, before.c.position):
        rows = [_after(each, communication.incident_id, list_id, key, hash_key) for each in page]
        for row in rows:
            digest = hashlib.sha256(digest + row["sha256"]).digest()
        people += len(rows)
        bind.execute(sa.insert(after), rows)
    counts = {"people": people, "lines_read": people, "rows_sha256": digest.hex()}
    bind.execute(sa.update(LISTS).where(LISTS.c.id == list_id).values(counts))
    picked = {"lists": [str(list_id)]}
    mine = sa.update(COMMUNICATIONS).where(COMMUNICATIONS.c.id == communication.id)
    bind.execute(mine.values(selection=picked))


def _after(row: Any, incident_id: UUID, list_id: UUID, key: bytes, hash_key: bytes) -> dict[str, Any]:
    """A person as lists have them: sealed under the incident's key, found by hashes."""
    name, email, phone = (_opened(each) for each in (row.name, row.email, row.phone))
    told = [name, email, phone, None, "", {}]
    plain = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    nonce = secrets.token_bytes(12)

    def hashed(kind: str, text: str, size: int = 16) -> bytes | None:
        if not text:
            return None
        return hashlib.blake2b(text.encode(), digest_size=size, key=hash_key, person=kind.encode()).digest()

    about = (row.locale, "", "", None, None)
    return {
        "id": row.id, "organisation_id": row.organisation_id, "incident_id": incident_id, "list_id": list_id,
        "line": row.position, "locale": row.locale, "country": "", "group": "", "left_out_why": None,
        "ways": (EMAIL if email else 0) | (SMS if phone else 0), "folded_into_id": None,
        "sealed": nonce + AESGCM(key).encrypt(nonce, plain, incident_id.bytes),
        "sha256": hashed("row", plain.decode() + repr(about), 32),
        "email_key": hashed("email", email.casefold()), "phone_key": hashed("phone", phone),
    }  # fmt: skip


def _opened(token: bytes | None) -> str:
    return keyring.decrypt(token).decode() if token else ""


def _give_back() -> None:
    """The people of each list for each communication that picked it, once each."""
    bind = op.get_bind()
    before, after = sa.table("recipients", *_columns_before()), sa.table(AFTER, *_columns_after())
    keys = {
        each.incident_id: keyring.decrypt(each.key)
        for each in bind.execute(sa.select(KEYS).where(KEYS.c.key.is_not(None)))
    }
    used: set[UUID] = set()
    for each in bind.execute(sa.select(COMMUNICATIONS).order_by(COMMUNICATIONS.c.number)).all():
        if (key := keys.get(each.incident_id)) is None or set(each.selection) - {"lists"}:
            continue  # forgotten, or picked in a way that there was not
        there = sa.select(after).where(
            after.c.incident_id == each.incident_id, after.c.folded_into_id.is_(None),
            after.c.left_out_why.is_(None), after.c.sealed.is_not(None), after.c.ways.op("&")(EMAIL | SMS) > 0,
            after.c.list_id.in_(sa.select(LISTS.c.id).where(LISTS.c.state == "read")),
        )  # fmt: skip
        if "lists" in each.selection:
            there = there.where(after.c.list_id.in_([UUID(one) for one in each.selection["lists"]]))
        seen: set[str] = set()
        for page in _pages(there, after.c.id):
            rows = [_before(row, each.id, key, len(seen) + at) for at, row in enumerate(page, start=1)]
            rows = [row for row in rows if row["person_index"] not in seen]
            for row in rows:
                seen.add(row["person_index"])
                row["id"] = uuid4() if row["id"] in used else row["id"]
                used.add(row["id"])
            if rows:
                bind.execute(sa.insert(before), rows)


def _before(row: Any, communication_id: UUID, key: bytes, position: int) -> dict[str, Any]:
    """A person as the list of one communication had them."""
    plain = AESGCM(key).decrypt(row.sealed[:12], row.sealed[12:], row.incident_id.bytes)
    name, email, phone, *_more = json.loads(plain)
    told = [str(row.id), name, email or None, phone or None, row.locale]
    return {
        "id": row.id, "organisation_id": row.organisation_id, "communication_id": communication_id,
        "position": position, "name": keyring.encrypt(name.encode()),
        "email": keyring.encrypt(email.encode()) if email else None,
        "phone": keyring.encrypt(phone.encode()) if phone else None, "locale": row.locale,
        "person_index": blind_index(email.casefold() or phone),
        "sha256": hashlib.sha256(rfc8785.dumps(told)).hexdigest(),
    }  # fmt: skip


# --- taken back ---------------------------------------------------------------------------------


def downgrade() -> None:
    """Take them back."""
    op.execute("CREATE TABLE recipients_after AS SELECT * FROM recipients")
    op.drop_table("recipients")
    op.create_table(
        "recipients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("communication_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("person_index", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["communication_id"], ["subject_communications.id"], name="fk_recipients_communication_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_recipients_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recipients"),
        sa.UniqueConstraint(
            "communication_id", "person_index", name="uq_recipients_communication_id_person_index"
        ),
    )
    _give_back()
    op.drop_table(AFTER)
    for column in ("selection", "ways", "corrects_id", "kind"):
        op.drop_column("subject_communications", column)
    for table in ("row_faults", "recipient_lists", "incident_keys"):
        op.drop_table(table)
