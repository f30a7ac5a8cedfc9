"""Playbooks as others read them: OASIS CACAO Security Playbooks 2.0, out and in.

What CACAO has no word for (a due time reckoned from an anchor, reminders, evidence, a second person's
approval) travels in an extension of ours, so that what we wrote out we read back as it was. Of a playbook
by somebody else the steps come in, and a person gives them their times.
"""

from typing import Final
from uuid import UUID, uuid5

SPEC: Final = "cacao-2.0"
OURS: Final = UUID("0d9c4a4e-4f0c-5b0e-9a53-3f0f6f3f6d10")  # the name space of every id that we make
SCHEMA: Final = "urn:breachclock:cacao-step:1"


def named(kind: str, *name: str) -> str:
    """The identifier of that kind for a name: the same for ever, so that versions are told by their time."""
    return f"{kind}--{uuid5(OURS, ' '.join((kind, *name)))}"


EXTENSION: Final = named("extension-definition", SCHEMA)
