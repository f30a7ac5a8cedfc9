"""The story as a fixture: it has not begun yet."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.people import Cast
from tests.sandbox import Sandbox
from tests.story.driver import Story


@pytest.fixture
def story(app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None]) -> Story:
    """A quiet day at ProMark."""
    return Story(app, cast, sandbox, clock, work, twice=False)


@pytest.fixture
def impatient(app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None]) -> Story:
    """The same day, with everything done twice."""
    return Story(app, cast, sandbox, clock, work, twice=True)
