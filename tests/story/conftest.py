"""The story as a fixture: it has not begun yet."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests import people
from tests.people import Cast
from tests.sandbox import Sandbox
from tests.story.driver import Story
from tests.story.phones import Errors, Night, Phones

WRONG = pytest.StashKey[bool]()


@pytest.fixture
def story(app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None]) -> Story:
    """A quiet day at ProMark."""
    return Story(app, cast, sandbox, clock, work, twice=False)


@pytest.fixture
def impatient(app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None]) -> Story:
    """The same day, with everything done twice."""
    return Story(app, cast, sandbox, clock, work, twice=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that a story went wrong: what came after it is then not worth a word."""
    report = yield
    if report.failed:
        item.stash[WRONG] = True
    return report


@pytest.fixture
def night(
    request: pytest.FixtureRequest, app: Flask, cast: Cast, sandbox: Sandbox, work: Callable[[], None]
) -> Iterator[Night]:
    """Ten in the evening, Astrid on duty; in the morning nothing may be left that no story told of."""
    told = Night(sandbox, app.test_client, work)
    errors = Errors(told)
    logging.getLogger().addHandler(errors)
    told.falls(cast.promark, cast.staff[people.ASTRID])
    yield told
    logging.getLogger().removeHandler(errors)
    if not request.node.stash.get(WRONG, False):
        told.ends()


@pytest.fixture
def phones(night: Night) -> Phones:
    """Everybody's phone in that night."""
    return Phones(night)
