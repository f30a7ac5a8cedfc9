"""One installation for all fault tests, whole and at rest before each; made anew after one that failed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from notifications.rules import terms
from tests.faults import pace
from tests.faults.installation import Installation
from tests.faults.oracle import assert_conserved
from tests.faults.postgresql_server import stop_started
from tests.people import Cast

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that a test failed: what it left behind spoils no other."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        kept = item.funcargs.get("kept")
        if kept and kept.installation:
            report.sections += [(log.name, tail(log)) for log in kept.installation.logs.glob("*.log")]
    return report


def tail(log: Path) -> str:
    """The end of a log, warnings and worse."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if '"level": "info"' not in line]
    return "\n".join(line[:600] for line in lines[-12:])


class Kept:
    """The installation of this run, until something went wrong with it."""

    def __init__(self) -> None:
        self.installation: Installation | None = None

    def drop(self) -> None:
        """Stop it; the next test gets another."""
        if self.installation:
            self.installation.stop()
            self.installation = None


HOLDER = Kept()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the installation after the last test of this folder: it works on the database of all tests."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        HOLDER.drop()


@pytest.fixture(autouse=True)
def no_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test itself pages is held back no more than what the installation does."""
    monkeypatch.setattr(terms, "limits", terms.limits)  # put back afterwards
    pace.lift_limits()


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    """Holds the installation from one test to the next."""
    yield HOLDER
    HOLDER.drop()
    stop_started()


@pytest.fixture
def product(
    request: pytest.FixtureRequest, kept: Kept, databases: object, installation: tuple[Flask, Cast]
) -> Iterator[Installation]:
    """An installation at work; after the test everything that must always hold is checked."""
    if kept.installation is None:
        kept.installation = Installation(databases, installation)
        try:
            kept.installation.start()
        except BaseException:
            kept.drop()
            raise
    yield kept.installation
    try:
        if not request.node.stash.get(FAILED, False):
            kept.installation.calm()
            assert_conserved(kept.installation)
            kept.installation.end_pages()
    except BaseException:
        request.node.stash[FAILED] = True
        raise
    finally:
        if request.node.stash.get(FAILED, False):
            kept.drop()
