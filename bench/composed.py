"""`python -m bench.composed`: the product's own commands, with people of a bench to tell at any rate.

What is added is what a bench cannot do without: who the people of its sendings are, and that a provider of
its own on this machine takes as much as it is given.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask

import wsgi
from incident.lists import people
from incident.models import SubjectCommunication
from notifications.sending import source
from notifications.sending.source import Addressed, Person

SOURCE = "bench"  # "bench:<incident id>/<which time>"


class Everybody:
    """All people of an incident's lists, as often as they are told."""

    def after(self, source_id: str, last: UUID | None, limit: int) -> Sequence[Person]:
        """The next of them in the order of their ids."""
        found = people.after(_everybody(source_id), last, limit)
        return [Person(each.id, each.locale, each.country, each.ways) for each in found]

    def addresses(self, source_id: str, channel: str, ids: Sequence[UUID]) -> Mapping[UUID, Addressed]:
        """Their addresses, opened, and what their message says of each alone."""
        assert channel == "email", "nobody is told by another way here"
        found = people.contacts(_everybody(source_id).incident_id, ids)
        return {
            each: Addressed(contact.email, {"name": contact.name, "code": each.hex[-12:]})
            for each, contact in found.items()
            if contact.email
        }


def _everybody(source_id: str) -> SubjectCommunication:
    return SubjectCommunication(incident_id=UUID(source_id.partition("/")[0]), selection={})


def composed(make: Any, *given: Any) -> Flask:
    """The app that `make` makes, with the people of benches."""
    app: Flask = make(*given)
    source.register(app, SOURCE, Everybody())
    app.extensions["sending_rates"] = {"email/sendgrid": 0}
    return app


def main() -> None:
    """As `breachclock`."""
    wsgi.create_core = partial(composed, wsgi.create_core)
    wsgi.main()


if __name__ == "__main__":
    main()
