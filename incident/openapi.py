"""The OpenAPI 3.1 document of the interface for processors, built around the facts schema itself."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
SIGNATURE = (
    "Standard Webhooks: webhook-signature holds `v1,` and the base64 HMAC-SHA256 over "
    "`webhook-id.webhook-timestamp.body`, keyed with your secret; up to five minutes old."
)
ANSWER = (
    "Whoever signed gets an answer signed with the same secret, over `webhook-id.webhook-timestamp.body` of "
    "the answer. Its webhook-id is `answer/` and the id of your request."
)
REFUSALS = {
    "400": "Not readable as JSON. The report is kept, an incident is open, and somebody is called.",
    "401": "The signature is missing, stale or does not match, or there is no such endpoint.",
    "409": "This webhook-id came before with another body. What came now is kept as well.",
    "413": "Larger than 1 MiB.",
    "415": "Not application/json in UTF-8. The report is kept, an incident is open, and somebody is called.",
    "422": "Not usable as facts; `errors` names each fault by its JSON pointer. The report is kept, an "
    "incident is open, and somebody is called. Send it mended with a new id and the same reference.",
    "429": "Too many at once; wait as Retry-After says.",
    "503": "Not committed; send it again with the same webhook-id after Retry-After seconds.",
}


@cache
def document() -> dict[str, Any]:
    """The whole document; the same for every installation but for its address, which is relative."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Breachclock: reports of processors",
            "version": "1",
            "description": "How a processor tells a controller of a breach (GDPR art. 33(2)).",
        },
        "paths": {
            "/api/v1/reports/{endpoint_id}": _report(),
            "/api/v1/reports/{endpoint_id}/{report_id}": _state(),
        },
        "components": {
            "schemas": {
                "Facts": _facts(), "Report": REPORT, "Accepted": ACCEPTED, "State": STATE,
                "Problem": PROBLEM_SCHEMA,
            },
            "securitySchemes": {
                "signature": {
                    "type": "apiKey", "in": "header", "name": "webhook-signature", "description": SIGNATURE,
                },
            },
        },
    }  # fmt: skip


def _facts() -> dict[str, Any]:
    text = files("incident.rules").joinpath("schemas/incident-facts.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _parameter(name: str, where: str, what: str, **limits: Any) -> dict[str, Any]:
    schema = {"type": "string"} | limits
    return {"name": name, "in": where, "required": True, "description": what, "schema": schema}


SIGNED = [
    _parameter(
        "webhook-id",
        "header",
        "Your id of this sending; the same when you send it again. Printable ASCII.",
        pattern=r"^[!-\-0-\[\]-~]+$",
        maxLength=200,
    ),
    _parameter("webhook-timestamp", "header", "Seconds since 1970, when it was signed."),
    _parameter("webhook-signature", "header", SIGNATURE),
]
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
SIGNED_ANSWER = {
    name: {"description": what, "schema": {"type": "string"}}
    for name, what in {
        "webhook-id": "`answer/` and the id of your request, so that no answer fits another.",
        "webhook-timestamp": "Seconds since 1970, when the answer was signed.",
        "webhook-signature": ANSWER,
    }.items()
}
UNSIGNED = ("401", "413")  # before anybody knows who asks
ENDPOINT = _parameter("endpoint_id", "path", "The last part of your report address.")


def _report() -> dict[str, Any]:
    answers: dict[str, Any] = {
        code: {"description": what, "content": PROBLEM} for code, what in REFUSALS.items()
    }
    for code in ("429", "503"):
        answers[code] |= {"headers": dict(RETRY_AFTER)}
    answers["202"] = {
        "description": "Committed. The same webhook-id again gets this answer again, with duplicate true. "
        "Facts that cannot all be so, as an end before the beginning, stand as you told them.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}},
    }
    for code in answers.keys() - set(UNSIGNED):
        answers[code]["headers"] = SIGNED_ANSWER | answers[code].get("headers", {})
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}}
    return {
        "post": {
            "operationId": "report", "summary": "Report a breach, or what has become known of it since",
            "security": [{"signature": []}], "parameters": [ENDPOINT, *SIGNED],
            "requestBody": {"required": True, "content": body}, "responses": dict(sorted(answers.items())),
        },
    }  # fmt: skip


def _state() -> dict[str, Any]:
    state = {"application/json": {"schema": {"$ref": "#/components/schemas/State"}}}
    return {
        "get": {
            "operationId": "state", "summary": "What became of your own report",
            "security": [{"signature": []}],
            "parameters": [ENDPOINT, _parameter("report_id", "path", "As answered."), *SIGNED],
            "responses": {
                "200": {"description": "Its state.", "content": state, "headers": SIGNED_ANSWER},
                "401": {"description": REFUSALS["401"], "content": PROBLEM},
                "404": {
                    "description": "You have sent no such report.", "content": PROBLEM,
                    "headers": SIGNED_ANSWER,
                },
            },
        },
    }  # fmt: skip


TEXT, INSTANT = {"type": "string"}, {"type": "string", "format": "date-time"}
MAYBE_TEXT = {"type": ["string", "null"]}
FAULTS = {
    "type": "array", "description": "Where each fault is (RFC 6901), and what is expected there.",
    "items": {
        "type": "object", "required": ["pointer", "detail"], "properties": {"pointer": TEXT, "detail": TEXT},
    },
}  # fmt: skip
REPORT = {
    "type": "object", "required": ["type", "timestamp", "data"], "additionalProperties": False,
    "properties": {
        "type": {"enum": ["incident.reported", "incident.updated", "incident.test"]},
        "timestamp": INSTANT | {"description": "When you tell it; if overtaken, it changes nothing."},
        "data": {"$ref": "#/components/schemas/Facts"},
    },
}  # fmt: skip
ACCEPTED = {
    "type": "object",
    "required": ["report_id", "incident_id", "incident_number", "received_at", "duplicate", "status_url"],
    "properties": {
        "report_id": TEXT, "incident_id": MAYBE_TEXT, "incident_number": MAYBE_TEXT, "received_at": INSTANT,
        "duplicate": {"type": "boolean"}, "status_url": TEXT,
    },
}  # fmt: skip
STATE = {
    "type": "object", "required": ["report_id", "received_at", "state"],
    "properties": {
        "report_id": TEXT, "received_at": INSTANT, "state": {"enum": ["accepted", "test", "faulty", "seen"]},
        "incident_number": MAYBE_TEXT, "incident_state": MAYBE_TEXT, "errors": FAULTS,
    },
}  # fmt: skip
PROBLEM_SCHEMA = {
    "type": "object", "description": "RFC 9457", "required": ["title", "status"],
    "properties": {
        "type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "request_id": TEXT,
        "errors": FAULTS,
    },
}  # fmt: skip
