"""What each message needs to be written: the one table of names that a text may use.

A test renders every text in every language with exactly these; docs/operations/delivery.md shows the
same table. "reference", "token" and "public_url" are there for every message and not listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Needs:
    """The names of a message's context: those it cannot do without, and those that may be left out."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    email: bool = True  # whether there are texts for e-mail besides the one for SMS

    def missing(self, context: Mapping[str, Any]) -> list[str]:
        """What the context lacks, by name."""
        return sorted(self.required - context.keys())


def _needs(required: str, optional: str = "", *, email: bool = True) -> Needs:
    return Needs(frozenset(required.split()), frozenset(optional.split()), email)


_DUTIES = "name number organisation duties count due_at timezone hours_left path"
_STEP = "name number organisation step due_at timezone hours_left path"

# "due_at" is ISO 8601 in UTC and shown in "timezone" (IANA); "hours_left" is a number, negative when
# late; "path" is the address on our own site, from its slash on; "asked_at" is when a probe went,
# or when a plan was made. "duties" are each named by "regime",
# "stage", "whom", "due_at" and "hours_left": the first few of "count", "more" how many are left out;
# "replaced" names reminders that this one stands for. "numbers" are those of incidents, the first of
# "count"; "items" are reminders, each with "number", "path" and perhaps "step" and "due_at".
# "again" says that a copy may have arrived before,
# "unsure" that nobody knows whether one did. Nothing here is personal data, but for "name" (who is
# written to), "who" (a colleague) and the parts of a communication. Its "check_url" is
# where people see that it is genuine, "dear" its first line as a whole, and "proof" says that it goes
# to whoever looks it over and to nobody else.
NEEDS: Mapping[str, Needs] = {
    "page_report": _needs("name number organisation timezone path", "processor due_at step hours_left"),
    "page_faulty_report": _needs("name organisation processor path", "timezone"),
    "page_deadline": _needs(_STEP),
    "page_duty": _needs(_DUTIES, "more replaced"),
    "page_back": _needs("name organisation who taken_at timezone path", "number due_at"),
    "page_offered": _needs("name organisation who timezone path", "number due_at"),
    "page_bundle": _needs("name organisation count numbers timezone", "due_at"),
    "page_bare": _needs("name"),
    "taken_over": _needs("name organisation who path", "number"),
    "step_reaches_nobody": _needs("name policy steps path"),
    "reminder_bundle": _needs("name count items timezone path", "more"),
    "step_reminder": _needs(_STEP),
    "step_to_approve": _needs(_STEP),
    "deadline_reminder": _needs(_STEP),
    "duty_reminder": _needs(_DUTIES, "more replaced"),
    "delay_reasons": _needs(_DUTIES, "more"),
    "reminder_bare": _needs("name"),
    "authority_pack": _needs(
        "subject controller number contact file hash", "again case_number kind paragraphs"
    ),
    "role_given": _needs("name number organisation role who path"),
    "role_taken": _needs("name number organisation role who path"),
    "handover_wanted": _needs("name number organisation who due_at timezone path"),
    "handover_given": _needs("name number organisation who path", "note"),
    "place_unproven": _needs("name number organisation what kind path", "meets"),
    "swap_proposed": _needs("name organisation who due_at timezone path"),
    "swap_answered": _needs("name organisation who due_at timezone path kind"),
    "rota_changed": _needs("name organisation who due_at timezone path"),
    "not_reached": _needs("name kind channel why path", "unsure"),
    "provider_refuses": _needs("name provider why", "instead"),
    "number_opted_out": _needs("name who path"),
    "sending_stopped": _needs("name why path"),
    "sending_waits": _needs("name why path", "held"),
    "wrongly_signed": _needs("name processor path"),
    "wrong_codes": _needs("name organisation count path"),
    "contacts_forgotten_soon": _needs("name number due_at timezone path"),
    "report_confirmation": _needs("organisation number path received_at timezone"),
    "signed_report_confirmation": _needs("organisation number path received_at timezone"),
    "test_message": _needs("organisation"),
    "canary": _needs("organisation"),
    "canary_failed": _needs("name channel why asked_at timezone path"),
    "hourly_page": _needs("organisation", email=False),
    "test_page_unanswered": _needs("name channel why asked_at timezone path"),
    "paper_plan": _needs("name organisation asked_at timezone"),
    "contact_code": _needs("code minutes organisation"),
    "test_page": _needs("name organisation path"),
    "subject_notice": _needs("name subject paragraphs contact controller", "again check_url dear proof"),
    "controller_notice": _needs("name subject paragraphs contact controller", "again"),
    "reply_taken": _needs("what path code", email=False),
    "reply_taken_already": _needs("what who", email=False),
    "reply_passed": _needs("what code", "who", email=False),
    "reply_calling": _needs("what", email=False),
    "reply_ended": _needs("what", email=False),
    "reply_which": _needs("count codes", email=False),
    "reply_too_many": _needs("", email=False),
    "reply_unknown": _needs("", email=False),
    "reply_stopped": _needs("", email=False),
    "reply_started": _needs("", email=False),
}
