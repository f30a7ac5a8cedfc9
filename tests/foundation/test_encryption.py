"""Contact data at rest, and the rotation of its keys."""

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation import encryption
from foundation.database import Base, db, engine_options, everyone, transaction
from foundation.encryption import (
    EncryptedBytes,
    EncryptedJSON,
    EncryptedText,
    KeyMissing,
    blind_index,
    keyring,
)

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
CANARY = "canary.subject@example.test"


class Letter(Base):
    """A table with one column of each kind."""

    __tablename__ = "test_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str | None] = mapped_column(EncryptedText)
    extra: Mapped[dict | None] = mapped_column(EncryptedJSON)
    raw: Mapped[bytes | None] = mapped_column(EncryptedBytes)
    index: Mapped[str] = mapped_column(String(64), default="")

    def reindex(self):
        self.index = blind_index(self.address)


@pytest.fixture
def stored(tmp_path):
    """An app with one letter under the old key, in this process's keyring again afterwards."""
    before = keyring.keys, keyring.fernet
    app = Flask("letters")
    url = f"sqlite:///{tmp_path}/letters.sqlite3"
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    keyring.use((OLD,))
    with app.app_context(), everyone():
        Base.metadata.create_all(db.engine, tables=[Letter.__table__])
        with transaction() as session:
            letter = Letter(id=1, address=CANARY, extra={"name": "ZZCANARY", "å": 1}, raw=CANARY.encode())
            letter.reindex()
            session.add(letter)
        yield
    keyring.keys, keyring.fernet = before


def read():
    db.session.rollback()
    return db.session.get(Letter, 1, populate_existing=True)


def rotate():
    keyring.use((NEW, OLD))
    with transaction() as session:
        return encryption.reencrypt(session, Letter)


def test_what_is_stored_reads_the_same_and_lies_unreadable(stored):
    letter = read()
    assert (letter.address, letter.extra, letter.raw) == (
        CANARY,
        {"name": "ZZCANARY", "å": 1},
        CANARY.encode(),
    )

    row = str(db.session.execute(text("SELECT * FROM test_letters")).one())
    assert "canary" not in row.lower()


def test_nothing_stays_nothing(stored):
    with transaction() as session:
        session.add(Letter(id=2))

    assert (
        db.session.execute(text("SELECT address, extra, raw FROM test_letters WHERE id = 2")).one()
        == (None,) * 3
    )


def test_the_same_address_never_lies_there_twice_alike(stored):
    assert keyring.encrypt(b"x") != keyring.encrypt(b"x")


def test_during_a_rotation_old_and_new_are_read(stored):
    keyring.use((NEW, OLD))
    with transaction() as session:
        session.add(Letter(id=2, address="new@example.test"))

    assert read().address == CANARY
    assert db.session.get(Letter, 2).address == "new@example.test"


def test_after_reencrypting_the_old_key_is_needed_no_more(stored):
    assert rotate() == 1

    keyring.use((NEW,))
    letter = read()
    assert (letter.address, letter.extra, letter.raw) == (
        CANARY,
        {"name": "ZZCANARY", "å": 1},
        CANARY.encode(),
    )
    assert letter.index == blind_index(CANARY)


def test_a_key_removed_too_early_says_which_setting_to_mend_and_shows_no_data(stored):
    keyring.use((NEW,))

    with pytest.raises(KeyMissing, match="BREACHCLOCK_DATA_KEYS") as refused:
        read()
    assert CANARY not in str(refused.value)


def test_without_any_key_nothing_is_written_in_the_clear(stored):
    keyring.keys, keyring.fernet = (), None

    with pytest.raises(Exception, match="No data key is configured"), transaction() as session:
        session.add(Letter(id=3, address=CANARY))


def test_a_changed_byte_is_noticed(stored):
    with transaction() as session:
        session.execute(
            text("UPDATE test_letters SET address = :a"), {"a": keyring.encrypt(b"x")[:-4] + b"AAA="}
        )

    with pytest.raises(KeyMissing):
        read()


def test_an_address_is_found_however_it_is_written_and_only_with_the_key(stored):
    mine = blind_index("Canary.Subject@Example.test ")
    assert mine == blind_index(CANARY)
    assert "canary" not in mine

    keyring.use((NEW, OLD))
    assert blind_index(CANARY) != mine
    assert mine in encryption.blind_indexes(CANARY)
