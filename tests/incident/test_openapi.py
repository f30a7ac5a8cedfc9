"""The description of the reporting interface agrees with the interface."""

from datetime import UTC, datetime

from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from incident.example import first_report

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
