"""What GDPR art. 33 asks of a notification, and which answers of a document give it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from incident.rules import completeness
from incident.rules.completeness import Gap
from incident.rules.deadlines import Clock
from incident.rules.facts import Facts
from incident.rules.forms import FormField

REASONS: Final = "timeline.delay_reasons"
# Which paths answer a point of the article; any one of them is enough.
ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "what happened": ("nature.description_what", "nature.description_how"),
    "whether data were disclosed, changed or lost": ("nature.cia",),
    "which groups of people are concerned": ("subjects.categories", "subjects.categories_description"),
    "about how many people are concerned": (
        "subjects.count", "subjects.count_mode", "cross_border.counts_by_country",
    ),
    "which kinds of data are concerned": ("data.categories", "data.categories_description"),
    "about how many records are concerned": ("records.count", "records.count_mode"),
    "the name of the data protection officer or contact point": ("contact_point.name", "dpo.name"),
    "how the contact point can be reached": (
        "contact_point.phone", "contact_point.email", "dpo.phone", "dpo.email",
    ),
    "the likely consequences": ("consequences.impact_types", "consequences.impact_description"),
    "the measures taken or proposed": (
        "measures.containment_description", "measures.prevention_description", "measures.prevention",
        "measures.further_actions",
    ),
    "the reasons for the delay": (REASONS,),
}  # fmt: skip
_ARTICLE: Final = re.compile(r"Art\. (33\(3\)\([a-d]\))")


def everything_asked(*, now: datetime | None = None, clock: Clock | None = None) -> tuple[Gap, ...]:
    """Every point that art. 33(3) asks for; with a clock that has run out by `now` also 33(1)."""
    return completeness.missing(
        Facts(), now=now or datetime.min.replace(tzinfo=UTC), contact=None, clock=clock
    )


def point_of(field: FormField) -> str | None:
    """The point of the article that a field of a form answers: as its data say, else by its chief path."""
    if REASONS in field.answers:
        return "33(1)"
    if found := _ARTICLE.search(field.basis):
        return found[1]
    chief = field.answers[0] if field.answers else ""
    return next((each.point for each in everything_asked() if chief in ANSWERS[each.name]), None)
