"""Holds requests to the providers' own OpenAPI documents, when a folder with them is given.

The documents are the providers' property and no part of the product; without them the checks of our
own hand remain.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

TWILIO = "twilio_api_v2010.json"
SENDGRID = "sendgrid_mail_v3.json"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
SEND = "PostMailSend"


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a request leaves the document ("personalizations.0.to"), and how."""

    field: str
    message: str


@dataclass
class Documents:
    """The two documents under a folder; without one, nothing is refused here."""

    folder: Path | None

    @cached_property
    def _sms(self) -> Any:
        return self._form(MESSAGES)

    @cached_property
    def _call(self) -> Any:
        return self._form(CALLS)

    def _form(self, path: str) -> Any:
        if not (document := self._read(TWILIO)):
            return None
        from openapi_schema_validator import OAS30Validator  # noqa: PLC0415  of tests, not of the product

        operation = document["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        return OAS30Validator({**schema, "components": document["components"]})

    @cached_property
    def _mail(self) -> Any:
        if not (document := self._read(SENDGRID)):
            return None
        from openapi_schema_validator import OAS31Validator, oas31_format_checker  # noqa: PLC0415

        body = document["components"]["requestBodies"][SEND]["content"]["application/json"]["schema"]
        # The document calls top-level custom arguments a string; the service takes an object, as its
        # SDK sends it and as every personalization has it.
        body["properties"]["custom_args"] = {"type": "object"}
        return OAS31Validator(
            {**body, "components": document["components"]}, format_checker=oas31_format_checker
        )

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name if self.folder else None
        if path is None or not path.exists():
            return None
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def sms(self, form: Mapping[str, str]) -> Breach | None:
        """The first thing Twilio's document refuses in a form that creates a message."""
        return _first_in_form(self._sms, form) if self._sms else None

    def call(self, form: Mapping[str, str]) -> Breach | None:
        """The first thing Twilio's document refuses in a form that creates a call."""
        return _first_in_form(self._call, form) if self._call else None

    def mail(self, body: Any) -> Breach | None:
        """The first thing SendGrid's document refuses in a mail."""
        return _first(self._mail, body) if self._mail else None


def _first_in_form(validator: Any, form: Mapping[str, str]) -> Breach | None:
    properties = validator.schema["properties"]
    return _first(validator, {name: _typed(value, properties.get(name, {})) for name, value in form.items()})


def _first(validator: Any, value: Any) -> Breach | None:
    found = sorted(validator.iter_errors(value), key=lambda error: (len(error.path), str(error.path)))
    if not found:
        return None
    path = [str(step) for step in found[0].absolute_path]
    if found[0].validator == "required":
        missing = [name for name in found[0].validator_value if name not in found[0].instance]
        return Breach(".".join([*path, *missing[:1]]), "is required")
    return Breach(".".join(path), str(found[0].message)[:300])


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    """A form knows text only: read it as the document types it, and leave what cannot be read so."""
    wanted = schema.get("type")
    if wanted == "array":
        return [value]
    if wanted == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    if wanted in {"integer", "number"}:
        try:
            return int(value) if wanted == "integer" else float(value)
        except ValueError:
            return value
    return value
