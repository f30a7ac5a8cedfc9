"""The description of the reporting interface agrees with the interface."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from sqlalchemy import select

from foundation.database import db, everyone
from incident import openapi
from incident.example import first_report
from incident.models import Report
from tests.attacks import sending

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_whoever_writes_the_sender_can_read_how(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json

    assert document["openapi"].startswith("3.1")
    assert "/api/v1/reports/{endpoint_id}" in document["paths"]


def test_the_described_facts_accept_the_first_report_and_nothing_unknown(client: FlaskClient) -> None:
    facts = client.get("/api/v1/openapi.json").json["components"]["schemas"]["Facts"]
    validator = OAS31Validator(facts)

    assert validator.is_valid(first_report(NOW))
    assert not validator.is_valid(first_report(NOW) | {"colour": "red"})


def test_every_answer_the_contract_names_is_described(client: FlaskClient) -> None:
    post = client.get("/api/v1/openapi.json").json["paths"]["/api/v1/reports/{endpoint_id}"]["post"]

    assert set(post["responses"]) == {"202", "400", "401", "409", "413", "415", "422", "429", "503"}


def described(path: str, method: str, status: int) -> OAS31Validator:
    """What the document says of an answer."""
    document = openapi.document()
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    (schema,) = (each["schema"] for each in content.values())
    return OAS31Validator(schema | {"components": document["components"]})


ENDPOINT, STATE = "/api/v1/reports/{endpoint_id}", "/api/v1/reports/{endpoint_id}/{report_id}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (sending.report(), 202),
        (sending.report(timeline={"occurred_from": "2026-10-07T00:00:00Z",
                                  "occurred_to": "2026-10-06T00:00:00Z"}), 202),
        (sending.report(zz=1, cause={"kind": "gremlins"}), 422),
        (b"no JSON", 400),
    ],
    ids=["facts", "facts that cannot be so", "faults", "no JSON"],
)  # fmt: skip
def test_what_is_answered_is_what_is_described(app, cast, client: FlaskClient, body, status) -> None:
    answer = sending.post(client, cast.hostco, body)

    assert answer.status_code == status
    assert list(described(ENDPOINT, "post", status).iter_errors(answer.json)) == []
    assert not described(ENDPOINT, "post", status).is_valid({})


@pytest.mark.parametrize("body", [sending.report(), sending.report(zz=1)], ids=["taken in", "faulty"])
def test_the_state_of_a_report_is_what_is_described(app, cast, client: FlaskClient, body) -> None:
    headers = sending.signed(cast.hostco, body)
    sending.post(client, cast.hostco, body, headers)
    with everyone():
        report_id = db.session.scalars(select(Report.id)).one()
    place = f"{cast.hostco.path}/{report_id}"

    answer = client.get(place, headers=sending.signed(cast.hostco, b""))

    assert answer.status_code == 200
    assert list(described(STATE, "get", 200).iter_errors(answer.json)) == []


def test_the_headers_are_described_as_they_are_checked(app, cast, client: FlaskClient) -> None:
    parameters = openapi.document()["paths"][ENDPOINT]["post"]["parameters"]
    schema = next(each["schema"] for each in parameters if each["name"] == "webhook-id")
    body = sending.report()

    for webhook_id in ("msg_1", "a" * 200, "a" * 201, "a.b", "a/b", "a\\b", "~!-[]^", f"{uuid4()}"):
        fits = len(webhook_id) <= schema["maxLength"] and re.search(schema["pattern"], webhook_id) is not None
        answer = sending.post(client, cast.hostco, body, webhook_id=webhook_id)
        assert (answer.status_code != 401) is fits


def test_the_described_contract_of_facts_is_the_one_that_reports_are_read_by() -> None:
    """The schema stands in the document whole; test_facts holds the reading to that same file."""
    assert openapi.document()["components"]["schemas"]["Facts"]["$id"] == "urn:breachclock:incident-facts:1"


@pytest.mark.parametrize(("body", "status"), [(sending.report(), 202), (sending.report(zz=1), 422)])
def test_the_headers_of_an_answer_are_described_as_they_come(
    app, cast, client: FlaskClient, body, status
) -> None:
    answers = openapi.document()["paths"][ENDPOINT]["post"]["responses"]

    answer = sending.post(client, cast.hostco, body)

    assert answer.status_code == status
    assert set(answers[str(status)]["headers"]) == {
        name for name, _ in answer.headers if "webhook" in name.lower()
    }
    assert "headers" not in answers["401"]
