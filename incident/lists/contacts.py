"""What is sealed of a person: name, addresses, and what the letter says of them alone."""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _text
from types import MappingProxyType
from typing import Final, NamedTuple

from incident.lists.keys import Forgotten, Key
from incident.models import Recipient, Ways
from incident.recipient_lists import words
from incident.recipient_lists.rows import Address, Person

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_decode: Final = json.JSONDecoder().raw_decode  # ours hold nothing but the document
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Contact(NamedTuple):
    """How one person is reached; what is empty is not known. `phone` is E.164."""

    name: str
    email: str = ""
    phone: str = ""
    address: Address | None = None
    own_id: str = ""
    fields: Mapping[str, str] = _NONE

    @property
    def ways(self) -> Ways:
        """By which ways they can be told."""
        told = Ways.EMAIL if self.email else Ways.NONE
        told |= Ways.SMS if self.phone else Ways.NONE
        return told | (Ways.LETTER if self.address and self.address.whole else Ways.NONE)

    def filled(self, other: "Contact") -> "Contact":
        """This contact with what only the other says: both are the same person.

        Where they are called otherwise, which one number for two people can do, each keeps what the letter
        says of them alone.
        """
        fields = {**other.fields, **self.fields} if self.is_called(other.name) else self.fields
        address = self.address if self.address and self.address.whole else other.address or self.address
        return Contact(
            self.name, self.email or other.email, self.phone or other.phone, address,
            self.own_id or other.own_id, fields,
        )  # fmt: skip

    def is_called(self, name: str) -> bool:
        """Whether this is their name, whatever its case, blanks and marks."""
        return words.plainly(self.name) == words.plainly(name)


def written(told: Contact | Person) -> bytes:
    """The contact as bytes, in the clear; the same contact makes the same bytes."""
    where = _encode(tuple(told.address)) if told.address else "null"
    more = _encode(dict(told.fields)) if told.fields else "{}"
    name, email, phone, own_id = map(_text, (told.name, told.email, told.phone, told.own_id))
    # The encoder makes itself anew for each document; for texts alone its own function is all there is to it.
    return f"[{name},{email},{phone},{where},{own_id},{more}]".encode()


def read(plain: bytes) -> Contact:
    """What `written` was given."""
    (name, email, phone, address, own_id, fields), _end = _decode(plain.decode())
    return Contact(name, email, phone, Address(*address) if address else None, own_id, fields)


def sealed_of(contact: Contact, key: Key) -> bytes:
    """The contact sealed under the key of its incident."""
    return key.seal(written(contact))


def contact_of(recipient: Recipient, key: Key) -> Contact:
    """The contact that a row holds. Raises: Forgotten when its addresses were removed; Damaged."""
    if recipient.sealed is None:
        raise Forgotten("The addresses of this person were forgotten.")
    return read(key.open(recipient.sealed))
