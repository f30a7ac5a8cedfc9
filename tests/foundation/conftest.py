import pytest

from tests.accounts import small_app


@pytest.fixture(autouse=True)
def own_globals():
    with small_app.own_globals():
        yield
