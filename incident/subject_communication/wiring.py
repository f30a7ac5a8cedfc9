"""The texts of a communication as they go out, what they are checked against, and one person's own values."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from flask import current_app

from foundation.settings import Settings
from incident import drafting, genuine, letters
from incident.communication_texts import fields, wire
from incident.communication_texts.drafts import Known
from incident.communication_texts.segments import Segments
from incident.lists.contacts import Contact
from incident.models import Incident, RecipientList, SubjectCommunication
from incident.subject_communication import choosing

_PAGE: Final = "genuine.ask"


def check_url() -> str:
    """The page where people see that a message is genuine, with the mark of their code; empty without one."""
    if _PAGE not in current_app.view_functions:
        return ""
    settings: Settings = current_app.config["SETTINGS"]
    return f"{settings.public_url.rstrip('/')}/g/{fields.mark(fields.CODE)}"


def fields_of(lists: Iterable[RecipientList]) -> frozenset[str]:
    """The fields of people's own that lists have."""
    return frozenset(
        each.removeprefix(fields.PREFIX)
        for one in lists for each in one.columns if each.startswith(fields.PREFIX)
    )  # fmt: skip


def known_of(incident: Incident, communication: SubjectCommunication) -> Known:
    """What the texts are checked against."""
    lists = choosing.lists_of(incident, communication)
    page = check_url().replace(f"/{fields.mark(fields.CODE)}", "")
    return letters.known_of(drafting.gather(incident), page=page, fields=fields_of(lists) if lists else None)


def wired(
    incident: Incident, communication: SubjectCommunication, wanted: Iterable[str] | None = None
) -> dict[str, dict[str, dict[str, str]]]:
    """The content by language and channel, with marks for what is a person's own.

    Raises: wire.Unwritable for a field that no list has.
    """
    known = fields_of(choosing.lists_of(incident, communication))
    return {
        locale: wired_in(communication.texts[locale], locale, known)
        for locale in (communication.texts if wanted is None else wanted)
    }


def wired_in(parts: Mapping[str, str], locale: str, known: frozenset[str]) -> dict[str, dict[str, str]]:
    """The content of one language by channel."""
    return wire.wire(parts, locale=locale, check_url=check_url(), fields=known)


def fields_used(parts: Mapping[str, str]) -> frozenset[str]:
    """The fields of people's own that one text uses."""
    return fields.fields_used({"": parts})


def segments_of(content: Mapping[str, Mapping[str, str]]) -> Segments:
    """How many messages a text message of this content takes."""
    return wire.counted(content["sms"])


def values(communication_id: UUID, recipient_id: UUID, contact: Contact, locale: str) -> Mapping[str, str]:
    """What the marks stand for in one person's message."""
    return wire.values(contact, locale, code(communication_id, recipient_id))


def code(communication_id: UUID, recipient_id: UUID) -> str:
    """The code by which a person sees that the message is ours."""
    return genuine.code_of(communication_id, recipient_id)
