"""What a follow-up says otherwise than what was filed: field by field, and named in the document itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from incident import packs
from incident.drafting import BREACHCLOCK
from incident.packs import values

CHANGED: Final = "notification.changed_fields"
NOT_COMPARED: Final = ("notification.", "reporter.")  # who files and how; no statement about the breach


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a follow-up answers otherwise than what was filed: its key, label, both answers."""

    key: str
    label: str
    before: str
    after: str


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What the second document says otherwise than the first, by the fields that either shows, in order."""
    was = {each["key"]: each for each in packs.fields(before)}
    now = {each["key"]: each for each in packs.fields(after)}
    found = []
    for key in (*now, *(each for each in was if each not in now)):
        old, new = was.get(key), now.get(key)
        shown = new or old or {}
        said = str(old["answer"]) if old else "", str(new["answer"]) if new else ""
        if said[0] != said[1] and not all(path.startswith(NOT_COMPARED) for path in shown.get("paths", [""])):
            found.append(Change(key, str(shown["label"]), *said))
    return found


def named_in(content: dict[str, Any], filed: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """The document with the list of what is new since what was filed, where nobody wrote one."""
    entry = content["answers"].get(CHANGED)
    if entry and entry["edited"] and entry["source"] != BREACHCLOCK.name:
        return content
    named = list(dict.fromkeys(each.label for each in between(filed, content)))
    try:
        late = is_late(content)
        return packs.with_changes(content, {CHANGED: named}, None, BREACHCLOCK.name, zone=zone, late=late)[0]
    except packs.NotTaken:  # more than the form holds: a person says it in fewer words
        return content


def is_late(content: Mapping[str, Any]) -> bool:
    """Whether a document says of itself that it is late."""
    return packs.answer(content, values.LATE) is True
