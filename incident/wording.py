"""The ledger's entries as sentences a person can read; every action has one, and none is left out.

An action without a sentence shows under its own name, so that the record is complete whatever a later
release writes. Details stay beside the sentence, exactly as they were recorded.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from foundation.ledger import Entry
from incident import authorities
from playbooks import library

# What happened, by who did it: people decide, machines send and count. Values come from the details.
SENTENCES: Mapping[str, LazyString] = {
    "report.received": _l("A report came in, signed by its sender."),
    "report.overtaken": _l("A report came in after a later one; it is kept and changes nothing."),
    "report.faulty": _l("A report could not be read and was put before a person."),
    "report.dealt_with": _l("A report that could not be read was dealt with."),
    "incident.opened": _l("The incident was opened as %(number)s."),
    "incident.confirmed": _l("Confirmed as a personal data breach."),
    "incident.rejected": _l("Rejected: no personal data breach."),
    "incident.merged": _l("Merged into %(into)s."),
    "incident.carries": _l("%(number)s was merged into this incident, which carries what it owes."),
    "incident.carries_no_more": _l("%(number)s was split off again; what it brought stays owed."),
    "incident.restricted": _l("Only its members see it: an incident that it carries is restricted."),
    "incident.split_off": _l("%(number)s was split from this incident."),
    "incident.split_from": _l("Split from %(number)s."),
    "report.beside": _l("A report on %(number)s came in: its facts are kept beside."),
    "awareness.joined": _l("The earlier awareness of the two incidents holds."),
    "duty.carried": _l("A duty is carried by %(into)s: %(regime)s (%(recipient)s)."),
    "facts.offered": _l("Facts of %(number)s were put into the form as a draft."),
    "incident.reopened": _l("Taken up again."),
    "incident.closed": _l("Closed."),
    "facts.recorded": _l("The facts were recorded as version %(version)s."),
    "facts.doubted": _l(
        "Version %(version)s of the facts holds what cannot be so; a person is to clear it up."
    ),
    "awareness.provisional": _l("Awareness was taken provisionally from the report."),
    "awareness.fixed": _l("The moment of awareness was fixed by a person."),
    "clocks.moved": _l("Clocks moved."),
    "clocks.stayed": _l("Clocks stay as they are: an authority has been notified."),
    "clock.stopped": _l("A clock stopped: %(clock)s."),
    "clock.resumed": _l("A clock runs again: %(clock)s."),
    "assessment.recorded": _l("The risk was assessed: %(risk)s."),
    "advice.recorded": _l("What the rules make of version %(facts_version)s was kept: %(risk)s."),
    "advice.not_readable": _l(
        "These rules cannot read version %(facts_version)s of the facts: there is no advice on it."
    ),
    "severity.overridden": _l("A figure of the severity was set by a person: %(figure)s, %(value)s."),
    "severity.restored": _l("The rules' own figure of the severity holds again: %(figure)s."),
    "decision.recorded": _l("Decided: %(kind)s. Advised was: %(advised)s."),
    "decision.proposed": _l("Decided, and waits for a second person: %(kind)s. Advised was: %(advised)s."),
    "decision.agreed": _l("A second person agreed, and it is in force: %(kind)s."),
    "decision.declined": _l("A second person did not agree: %(kind)s."),
    "decision.withdrawn": _l("A decision was withdrawn: %(kind)s."),
    "communication.published": _l("The people concerned were told in public."),
    "duty.opened": _l("A duty was opened: %(regime)s (%(recipient)s)."),
    "duties.opened": _l("%(count)s duties were opened; each stands in the details."),
    "duties.reminded": _l("The owners were reminded of what is owed (%(count)s)."),
    "duties.paged": _l("Who is on call was paged for what is owed (%(count)s)."),
    "regime.on": _l("A neighbouring regime was switched on: %(regime)s (%(recipient)s)."),
    "regime.off": _l("A neighbouring regime was switched off: %(regime)s."),
    "clause.added": _l("A clause of a contract was kept: %(name)s, %(clause)s."),
    "clause.ended": _l("A clause of a contract was ended: %(name)s."),
    "incident.classified": _l("Classified as major."),
    "stage.filed": _l("A stage of a duty was filed: %(regime)s, %(stage)s (%(recipient)s)."),
    "reasons.added": _l("A reason for the delay was written down."),
    "reasons.asked": _l("The reasons for the delay were asked for."),
    "duty.filed_in_part": _l("A duty was met in part: %(regime)s (%(recipient)s)."),
    "duty.reopened": _l("A duty is owed again: %(regime)s (%(recipient)s)."),
    "duty.not_required": _l("A duty was decided not to be owed: %(regime)s (%(recipient)s)."),
    "duty.met": _l("A duty was met: %(regime)s (%(recipient)s)."),
    "drill.started": _l("The drill %(number)s was started: nothing of it leaves, and nothing of it counts."),
    "drill.told": _l("The scenario told more, %(after_minutes)s minutes after the start."),
    "drill.ended": _l("The drill was ended, and its result kept."),
    "drill.lesson": _l("What was learned was written down."),
    "note.added": _l("A note was added."),
    "page.started": _l("Paging began."),
    "page.sent": _l("Somebody on call was paged."),
    "page.reached_nobody": _l(
        "A step of the policy reached nobody: the next came at once, and the backstop."
    ),
    "page.sent_with_others": _l("Somebody was paged for this and others in one message (%(count)s)."),
    "reminder.sent_with_others": _l("Somebody was reminded of this and other things in one message."),
    "reminder.sent_later": _l("Somebody was reminded of this, after others had gone first."),
    "page.declined": _l("Somebody who was paged said that it is not for them."),
    "page.released": _l("Who had the page gave it back: the next was called at once."),
    "page.handed_over": _l("A colleague was asked to take the page over; until then the giver has it."),
    "page.taken_over": _l("A colleague took the page over."),
    "page.came_back": _l("What was taken is still open: its page came back."),
    "page.call_wanted": _l("Somebody asked to be called for the page."),
    "page.acknowledged": _l("The page was acknowledged."),
    "page.answered_late": _l("A page was answered after somebody else had taken it."),
    "page.ended": _l("Paging ended."),
    "playbook.started": _l("A playbook started: %(playbook)s."),
    "playbook.ended": _l("A playbook ended: %(playbook)s."),
    "anchor.moved": _l("A playbook's times moved: %(playbook)s."),
    "step.completed": _l("A step is done: %(step)s."),
    "step.skipped": _l("A step was left out: %(step)s."),
    "step.not_applicable": _l("A step does not apply: %(step)s."),
    "step.handed_in": _l("A step was handed in for a second person: %(step)s."),
    "step.sent_back": _l("A step was sent back: %(step)s."),
    "step.added": _l("A step was added: %(step)s."),
    "step.draft_wanted": _l("A preliminary notification is asked for: %(step)s."),
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
    "notification.follow_up": _l("A follow-up to %(authority)s was begun (%(kind)s)."),
    "notification.dropped": _l("A follow-up to %(authority)s was said not to be needed."),
    "supplement.dated": _l("What is to follow for %(authority)s got a date."),
    "letter.received": _l("A letter of %(authority)s was kept (%(kind)s)."),
    "letter.sent": _l("A letter to %(authority)s was kept (%(kind)s)."),
    "customers.aside_proposed": _l("Of %(customers)s customers somebody says that they are not concerned."),
    "customers.aside_declined": _l("A second person did not agree: %(customers)s customers are told."),
    "customers.set_aside": _l("%(customers)s customers were set aside, a second person agreeing."),
    "customers.aside_taken_back": _l("A customer that was set aside is concerned after all."),
    "notices.drafted": _l("Notices to controllers were begun (round %(round)s)."),
    "notices.caught_up": _l("Drafted notices followed the facts (version %(facts_version)s)."),
    "notices.text_changed": _l("What all controllers read was changed: %(language)s."),
    "notices.own_changed": _l("What one controller alone reads was changed."),
    "notices.list_changed": _l("The list of controllers to be told changed."),
    "notices.approved": _l("Notices and list were approved by a second person: %(customers)s controllers."),
    "notices.sent": _l("Notices were sent to %(customers)s controllers, each alone."),
    "notices.completed": _l("Every controller of the round was told."),
    "notice.delivered": _l("A controller was told: its notice was delivered."),
    "notice.told_otherwise": _l("A controller was told another way, by a person."),
    "notice.not_reached": _l("A controller was not reached by any message."),
    "notice.no_contact": _l("A controller has no contact in the register: a person must tell it."),
    "communication.drafted": _l("A communication to the people concerned was begun."),
    "communication.text_changed": _l("The letter was changed: %(language)s."),
    "communication.list_changed": _l("The list of recipients was set: %(people)s people."),
    "communication.told_left_out": _l("People who were told before were left out: %(left_out)s."),
    "communication.kind_changed": _l("The letters were drafted anew for another kind of breach."),
    "communication.selection_changed": _l("Who is told was chosen: %(people)s people."),
    "communication.approved": _l("Letter and list were approved by a second person: %(people)s people."),
    "communication.dropped": _l("Communication %(number)s was dropped: nobody is told by it."),
    "communication.sent": _l("Sent to %(people)s people, each alone."),
    "communication.gone_out": _l("Every message has gone out."),
    "communication.not_all_reached": _l("%(not_reached)s of %(people)s people were not reached."),
    "communication.rest_left": _l("%(people)s people on the lists need not be told."),
    "communication.still_true": _l(
        "Facts have changed, and what people were told was found to be true still."
    ),
    "communication.completed": _l("Complete: %(informed)s of %(people)s people reached."),
    "list.uploaded": _l("List %(number)s of people was sent."),
    "list.chosen": _l("The columns of list %(number)s were chosen."),
    "list.read": _l("List %(number)s was read: %(people)s people."),
    "list.refused": _l("List %(number)s was refused: it is no list that can be read."),
    "list.withdrawn": _l("List %(number)s was withdrawn: nobody of it is told."),
    "list.faulty_left_out": _l("Rows of list %(number)s with faults were left out: %(rows)s."),
    "list.person_taken_out": _l("A person of list %(number)s was taken out."),
    "list.person_put_back": _l("A person of list %(number)s who was taken out was put back."),
    "sample.looked_at": _l("Somebody looked at a sample of the data: %(cells)s cells, %(found)s finds."),
    "sending.begun": _l("A sending to %(people)s people was begun."),
    "sending.planned": _l("Everybody was put into groups: %(people)s people."),
    "sending.canary_passed": _l("The first few arrived: the rest follows."),
    "sending.duplicate_detected": _l("Somebody may have been told twice."),
    "sending.group_held": _l("Nobody knows whether some messages went: a person decides."),
    "sending.group_released": _l("A person decided about messages of which nobody knew."),
    "sending.paused": _l("The sending was paused."),
    "sending.resumed": _l("The sending goes on."),
    "sending.stopped": _l("The sending was stopped for good."),
    "sending.ended": _l("The sending has ended: %(people)s people."),
    "sending.letters_posted": _l("Letters were posted: %(people)s."),
    "sending.letter_returned": _l("A letter came back."),
    "sending.letters_unprinted": _l("Letters could not be printed: %(people)s."),
    "sending.manual_settled": _l("People left over were seen to: %(people)s."),
    "roles.filled": _l("The roles were filled by the rota and by standing names."),
    "roles.nobody_on_call": _l("Nobody was on call: the incident has no lead."),
    "role.given": _l("A role changed hands: %(role)s."),
    "steps.assigned": _l("Steps of a role got an owner: %(role)s."),
    "handover.asked": _l("A handover note was asked for at the end of a shift."),
    "handover.written": _l("A handover note was written."),
    "handover.told": _l("Who came on shift got the handover note."),
    "handover.told_without": _l("Who came on shift was told that there is no note, and got a summary."),
    "handover.told_nobody": _l("Nobody who may see the incident came on shift."),
    "handover.read": _l("The handover was read."),
    "evidence.exported": _l("The evidence was exported."),
    "access.refused": _l("Somebody without permission was turned away."),
}
DECIDED: Mapping[str, LazyString] = {
    "notify_authority": _l("notify the authority"), "do_not_notify": _l("do not notify the authority"),
    "communicate": _l("tell the people"), "do_not_communicate": _l("do not tell the people"),
    "exempt_34_3_a": _l("people need not be told, art. 34(3)(a)"),
    "exempt_34_3_b": _l("people need not be told, art. 34(3)(b)"),
    "exempt_34_3_c": _l("tell the people in public instead, art. 34(3)(c)"),
    "keep_promise": _l("keep our promise"), "promise_not_owed": _l("our promise does not cover this"),
}  # fmt: skip
PHASES: Mapping[str, LazyString] = {
    "initial": _l("first notification"), "further": _l("further notification"),
    "final": _l("final notification"), "correction": _l("correction"), "withdrawal": _l("withdrawal"),
}  # fmt: skip
LETTERS: Mapping[str, LazyString] = {
    "question": _l("it asks"), "order": _l("it orders"), "extension": _l("it gives another date"),
    "taken_back": _l("it wants no answer any more"), "decision": _l("it has decided"),
    "information": _l("it informs"), "answer": _l("an answer"), "letter": _l("unasked"),
}  # fmt: skip
ROLES: Mapping[str, LazyString] = {
    "lead": _l("Lead"), "dpo": _l("Data protection officer"), "communications": _l("Communications"),
    "legal": _l("Legal"), "it": _l("IT"),
}  # fmt: skip
# How the codes of the details are called in a sentence.
CODES: Mapping[str, Mapping[str, LazyString]] = {
    "regime": {
        "gdpr-33": _l("notify the authority, art. 33"), "gdpr-34": _l("tell the people, art. 34"),
        "promise-authority": _l("notify the authority, own promise"),
        "promise-subjects": _l("tell the people, own promise"),
        "gdpr-33-2": _l("tell a controller, art. 33(2)"),
        "authority-request": _l("answer the authority"),
    },
    "recipient": {"authorities": _l("the authorities"), "subjects": _l("the people concerned")},
    "clock": {
        "authority_notification": _l("towards the authority"),
        "subject_communication": _l("towards the people concerned"),
        "own_promise_authority": _l("own promise towards the authority"),
        "own_promise_subjects": _l("own promise towards the people"),
        "notice_to_controller": _l("towards the controller"), "triage": _l("first look"),
        "inquiry": _l("short inquiry"),
    },
    "kind": {**DECIDED, **LETTERS, **PHASES}, "advised": DECIDED,
    "figure": {
        "dpc": _l("data context"), "ei": _l("ease of identification"), "cb": _l("circumstances"),
    },
    "role": ROLES,
    "channel": {"email": _l("e-mail"), "sms": _l("text message"), "pretend": _l("pretend channel")},
    "risk": {"unlikely": _l("a risk is unlikely"), "risk": _l("a risk"), "high": _l("a high risk")},
}  # fmt: skip
GROUPS = {
    "message": "sent", "messages": "sent", "page": "sent", "step": "sent", "playbook": "sent",
    "anchor": "sent", "steps": "counted", "clock": "counted", "clocks": "counted", "advice": "counted",
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
    of: str = ""  # the number of the incident it is of, where that is carried by the one whose record it is


def line_of(entry: Entry, of: str = "") -> Line:
    """An entry of the ledger as a line of the record, in the language of the page."""
    sentence = SENTENCES.get(entry.action)
    told = {name: _said(name, value, entry.details) for name, value in entry.details.items()}
    values = defaultdict(lambda: "?", told)
    text = str(sentence) % values if sentence is not None else entry.action
    group = GROUPS.get(entry.action.partition(".")[0], "decided")
    return Line(
        entry.number, entry.at, entry.actor, entry.action, text, entry.reason, dict(entry.details),
        entry.hash, group, of,
    )  # fmt: skip


def _said(name: str, value: object, details: Mapping[str, Any]) -> str:
    """How a sentence calls a value: codes by their words, authorities and playbooks by their names."""
    text = "?" if value is None else str(value)
    if word := CODES.get(name, {}).get(text):
        return str(word)
    if name in ("authority", "recipient") and (known := authorities.by_key(text)):
        return known.named(locales.current())
    if name == "language":
        return locales.language(text, locales.current())
    own = str(details.get("title") or "")
    if own and name == ("step" if "step" in details else "playbook"):
        return own
    if name in ("playbook", "step"):
        return _title(str(details.get("playbook")), text if name == "step" else "")
    return text


@cache
def _title(playbook: str, step: str) -> str:
    """The title of a playbook, or of a step in it; the key where this release has it no more."""
    try:
        book = library.playbook(playbook)
        return book.step(step).title if step else book.title
    except KeyError:
        return step or playbook
