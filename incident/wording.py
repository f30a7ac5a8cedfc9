"""The ledger's entries as sentences a person can read; every action has one, and none is left out.

An action without a sentence shows under its own name, so that the record is complete whatever a later
release writes. Details stay beside the sentence, exactly as they were recorded.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation.ledger import Entry

# What happened, by who did it: people decide, machines send and count. Values come from the details.
SENTENCES: Mapping[str, LazyString] = {
    "report.received": _l("A report came in, signed by its sender."),
    "report.overtaken": _l("A report came in after a later one; it is kept and changes nothing."),
    "report.faulty": _l("A report could not be read and was put before a person."),
    "report.dealt_with": _l("A report that could not be read was dealt with."),
    "incident.opened": _l("The incident was opened as %(number)s."),
    "incident.confirmed": _l("Confirmed as a personal data breach."),
    "incident.rejected": _l("Rejected: no personal data breach."),
    "incident.merged": _l("Merged into another incident."),
    "incident.reopened": _l("Taken up again."),
    "incident.closed": _l("Closed."),
    "facts.recorded": _l("The facts were recorded as version %(version)s."),
    "awareness.provisional": _l("Awareness was taken provisionally from the report."),
    "awareness.fixed": _l("The moment of awareness was fixed by a person."),
    "clocks.moved": _l("Clocks moved."),
    "clock.stopped": _l("A clock stopped: %(clock)s."),
    "clock.resumed": _l("A clock runs again: %(clock)s."),
    "assessment.recorded": _l("The risk was assessed and decided on: %(risk)s."),
    "duty.opened": _l("A duty was opened: %(regime)s towards %(recipient)s."),
    "duty.reopened": _l("A duty is owed again: %(regime)s towards %(recipient)s."),
    "duty.not_required": _l("A duty was decided not to be owed: %(regime)s towards %(recipient)s."),
    "duty.met": _l("A duty was met: %(regime)s towards %(recipient)s."),
    "note.added": _l("A note was added."),
    "page.started": _l("Paging began."),
    "page.sent": _l("Somebody on call was paged."),
    "page.reached_nobody": _l("Nobody could be paged; the next is tried at once."),
    "page.acknowledged": _l("The page was acknowledged."),
    "page.answered_late": _l("A page was answered after somebody else had taken it."),
    "page.ended": _l("Paging ended."),
    "playbook.started": _l("A playbook started: %(playbook)s."),
    "playbook.ended": _l("A playbook ended: %(playbook)s."),
    "anchor.moved": _l("A playbook's times moved: %(playbook)s."),
    "step.completed": _l("A step is done: %(step)s."),
    "step.skipped": _l("A step was left out: %(step)s."),
    "step.not_applicable": _l("A step does not apply: %(step)s."),
    "step.reminded": _l("Reminded of a step: %(step)s."),
    "step.paged": _l("Paged because of a step: %(step)s."),
    "message.posted": _l("A message was written, to go by %(channel)s."),
    "message.accepted": _l("The provider took a message by %(channel)s."),
    "message.delivered": _l("A message by %(channel)s was delivered."),
    "message.retried": _l("A message by %(channel)s goes again."),
    "message.uncertain": _l("Whether a message by %(channel)s was taken is being found out."),
    "message.held": _l("A message by %(channel)s waits for a person's decision."),
    "message.decided": _l("A person decided on a message by %(channel)s."),
    "message.unreached": _l("A message by %(channel)s reached nobody."),
    "message.duplicate_detected": _l("A second copy of a message by %(channel)s was found."),
    "messages.withdrawn": _l("Messages were withdrawn before they went out: %(count)s."),
    "notification.drafted": _l("The notification to %(authority)s was drafted from the facts."),
    "notification.edited": _l("The notification to %(authority)s was edited."),
    "notification.renewed": _l("The notification to %(authority)s was brought up to the latest facts."),
    "notification.approved": _l("The notification to %(authority)s was approved, exactly as it stands."),
    "notification.filed": _l("The notification was filed with %(authority)s."),
    "notification.proof_kept": _l("Proof of filing with %(authority)s was added."),
    "communication.drafted": _l("A communication to the people concerned was begun."),
    "communication.text_changed": _l("The letter was changed: %(language)s."),
    "communication.list_changed": _l("The list of recipients was set: %(people)s people."),
    "communication.approved": _l("Letter and list were approved by a second person: %(people)s people."),
    "communication.sent": _l("Sent to %(people)s people, each alone."),
    "communication.gone_out": _l("Every message has gone out."),
    "communication.not_all_reached": _l("%(not_reached)s of %(people)s people were not reached."),
    "communication.completed": _l("Complete: %(informed)s of %(people)s people reached."),
    "evidence.exported": _l("The evidence was exported."),
    "access.refused": _l("Somebody without permission was turned away."),
}
GROUPS = {
    "message": "sent", "messages": "sent", "page": "sent", "step": "sent", "playbook": "sent",
    "anchor": "sent", "clock": "counted", "clocks": "counted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the record; `group` is "sent" or "counted" by the machine, else "decided"."""

    number: int
    at: datetime
    actor: str
    action: str
    text: str
    reason: str | None
    details: dict[str, Any]
    hash: str
    group: str


def line_of(entry: Entry) -> Line:
    """An entry of the ledger as a line of the record, in the language of the page."""
    sentence = SENTENCES.get(entry.action)
    values = defaultdict(lambda: "?", {name: _said(value) for name, value in entry.details.items()})
    text = str(sentence) % values if sentence is not None else entry.action
    group = GROUPS.get(entry.action.partition(".")[0], "decided")
    return Line(
        entry.number, entry.at, entry.actor, entry.action, text, entry.reason, dict(entry.details),
        entry.hash, group,
    )  # fmt: skip


def _said(value: object) -> str:
    return "?" if value is None else str(value)
