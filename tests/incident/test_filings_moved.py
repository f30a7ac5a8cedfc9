"""Case numbers and receipts that were columns become rows of the log, and columns again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, select, text, update

from foundation.database import acting_for, db, migrating, table_of, utcnow
from foundation.ledger import Entry
from incident import register
from incident.authority_notification import Later, Proof, keep_proof
from incident.models import AuthorityFiling, FilingProof
from tests import people
from tests.incident import desk
from tests.incident.test_authority_notification import PDF, approved, do, file, stored

BEFORE = "0022"
SAME = (
    "incident_id", "duty_id", "notification_id", "authority", "number", "kind", "channel", "filed_at",
    "filed_by", "filed_by_id", "recorded_at", "content_sha256", "due_at", "late_by",
)  # fmt: skip
COLUMNS = text("SELECT case_number, receipt_name, receipt, receipt_sha256 FROM authority_notifications")


@contextmanager
def alembic(app) -> Iterator[Config]:
    db.session.remove()
    with db.engine.connect() as connection:
        yield migrating.alembic(app.config["DATA"] / "migrations", connection)
        connection.commit()


def tell(channel):
    """Let the ledger have it that it was filed by another channel; None: that it says nothing at all."""
    entries = table_of(Entry)
    filed = entries.c.action == "notification.filed"
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS ledger_entries_no_{verb}"))
        else:
            connection.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        if channel is None:
            connection.execute(delete(entries).where(entries.c.action.startswith("notification.")))
        else:
            details = connection.execute(select(entries.c.details).where(filed)).scalar_one()
            changed = {**details, "channel": channel}
            connection.execute(update(entries).where(filed).values(details=changed))


def back(app):
    with alembic(app) as config:
        command.downgrade(config, BEFORE)


def up(app):
    with alembic(app) as config:
        command.upgrade(config, "head")


def kept(cast):
    with acting_for(cast.promark):
        filing = db.session.scalars(select(AuthorityFiling)).one()
        proofs = list(db.session.scalars(select(FilingProof).order_by(FilingProof.number)))
        return filing, [(each.name, each.data, each.sha256, each.case_number, each.by) for each in proofs]


@pytest.fixture
def filed(app, cast):
    incident_id, notification_id = approved(cast)
    file(
        cast, incident_id, notification_id, channel="post", case_number="", why_no_number="By letter.",
        receipt=None,
    )  # fmt: skip
    do(cast, incident_id, notification_id, keep_proof, Later("2026-442-10007", Proof("svar.pdf", PDF)))
    yield incident_id, notification_id
    up(app)  # whatever failed, the next test finds the newest tables


def test_the_case_number_and_the_receipt_are_columns_again(app, cast, filed):
    _filing, proofs = kept(cast)

    back(app)

    with db.engine.connect() as connection:
        row = connection.execute(COLUMNS).one()
    assert (row.case_number, row.receipt_name, row.receipt_sha256) == (
        "2026-442-10007", "svar.pdf", proofs[0][2],
    )  # fmt: skip
    assert b"kvittering" not in bytes(row.receipt)


def test_what_was_in_columns_is_a_filing_with_what_the_ledger_tells_of_it(app, cast, filed):
    before, _proofs = kept(cast)
    was = [getattr(before, name) for name in SAME]
    back(app)

    up(app)

    after, proofs = kept(cast)
    assert [getattr(after, name) for name in SAME] == was
    assert (after.case_number, after.why_no_number) == (None, "By letter.")
    assert (after.pack_pdf, after.pack_json) == (None, None)
    assert [each[0:2] for each in proofs] == [("svar.pdf", PDF), (None, None)]
    assert [each[3:] for each in proofs] == [(None, "Dorthe Friis"), ("2026-442-10007", "Dorthe Friis")]


def test_a_letter_was_post_and_a_channel_nobody_knows_is_not_guessed(app, cast, filed):
    for said, becomes in (("letter", "post"), ("fax", "unknown")):
        back(app)
        tell(said)

        up(app)

        assert kept(cast)[0].channel == becomes


def test_a_filing_of_which_the_ledger_says_nothing_is_moved_by_its_columns(app, cast, filed):
    back(app)
    tell(None)

    up(app)

    filing, proofs = kept(cast)
    assert (filing.channel, filing.filed_by, filing.filed_by_id) == ("unknown", "Dorthe Friis", None)
    assert filing.case_number == "2026-442-10007"
    assert [each[0] for each in proofs] == ["svar.pdf"]
    assert stored(cast, *filed).state == "filed"


def test_what_was_moved_is_added_to_and_what_was_lost_by_taking_it_back_is_said(app, cast, filed):
    back(app)
    up(app)

    do(cast, *filed, keep_proof, Later(receipt=Proof("brev.txt", b"Tak.")), who=people.DORTHE)

    assert [each[0] for each in kept(cast)[1]] == ["svar.pdf", None, "brev.txt"]
    assert "notification.proof_kept" in desk.actions(cast, filed[0])
    assert kept(cast)[0].recorded_at <= utcnow()
    with acting_for(cast.promark):
        lost = [each.why for each in register.verify_installation()]
    assert lost == [f"the {name} that was filed is missing, or is another one" for name in ("pdf", "json")]


@pytest.mark.parametrize(
    ("forgery", "why"),
    [
        ("DELETE FROM filing_proofs", "a receipt is missing"),
        ("UPDATE filing_proofs SET sha256 = 'y' WHERE sha256 IS NOT NULL", "svar.pdf was changed"),
        (
            "UPDATE authority_filings SET pack_pdf_sha256 = 'y'",
            "the pdf that was filed is missing, or is another",
        ),
        ("UPDATE authority_filings SET why_later = why_no_number", "the reasons that were told"),
    ],
)
def test_whoever_gets_past_the_database_is_found_by_the_ledger(app, cast, filed, forgery, why):
    with db.engine.begin() as connection:
        for table in ("filing_proofs", "authority_filings"):
            if connection.dialect.name == "sqlite":
                for name in ("stay", "are_kept"):
                    connection.execute(text(f"DROP TRIGGER {table}_{name}"))
            else:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(forgery))

    with acting_for(cast.promark):
        found = [each.why for each in register.verify_installation()]
    assert any(why in each for each in found)
