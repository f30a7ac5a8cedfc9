import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts import small_app


@pytest.fixture(autouse=True)
def own_globals():
    with small_app.own_globals():
        yield


@pytest.fixture
def app(tmp_path) -> Flask:
    return small_app.make(tmp_path)


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()
