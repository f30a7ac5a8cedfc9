"""A notification for machines: by the numbers of the EDPB's common template, as canonical JSON."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import rfc8785

from incident import packs


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """The JSON of a document (RFC 8785, UTF-8): the same bytes for the same document.

    It names the hash of the document that it was made of. A document of schema 1 has no answers by the
    numbers of the template and is told as it stands.
    """
    if packs.is_former(content):
        return rfc8785.dumps(dict(content))
    return rfc8785.dumps({**packs.edpb_json(content), "content_sha256": packs.fingerprint(content)})


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of that JSON, of any document but one of schema 1."""
    text = files("incident.pack_files").joinpath("notification.schema.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return told
