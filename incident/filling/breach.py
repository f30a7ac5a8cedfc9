"""Who was part of it, when it happened, and what it was."""

from typing import Final

from incident.filling.codes import ATTACKS, INCIDENT_TYPE, LOST, NO_ATTACKS, ORIGIN, STOLEN
from incident.filling.filled import REGISTER, Answered, Case, Filled, instant, lines
from incident.models import name_key
from incident.rules.breach import is_unintelligible
from incident.rules.facts import Facts, Link

_LOSSES: Final = ("confidentiality", "integrity", "availability")
_OUT: Final = frozenset({"confirmed", "published"})


def parties(case: Case) -> Answered:
    """Processors and others in the chain; that there was none must have been said."""
    facts, source = case.facts, "/chain"
    if facts.chain:
        yield "parties", Filled([_party(case, link) for link in facts.chain], source)
        yield "parties.any", Filled(value=True, source=source)
        below = any(link.role == "sub_processor" for link in facts.chain)
        yield "parties.place", Filled("sub_processor" if below else "processor", source)
    elif facts.our_role == "joint_controller":
        yield "parties.any", Filled(value=True, source="/our_role")
    elif facts.at_a_processor == "no":
        yield "parties.any", Filled(value=False, source=source)
        yield "parties.place", Filled("own", source)


def _party(case: Case, link: Link) -> dict[str, str]:
    known = case.beside.contacts.get(name_key(link.name))
    row = {
        "role": link.role, "name": link.name, "country": link.country, "reference": link.reference,
        "aware_at": instant(link.aware_at), "told_next_at": instant(link.told_next_at),
        "contact": lines((known.name, known.email, known.phone)) if known else "",
        "contact_source": REGISTER if known else "",
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


def timeline(case: Case) -> Answered:
    """When it happened, was noticed, was told, and when the controller knew."""
    times, incident, awareness = case.facts.timeline, case.material.incident, case.material.awareness
    yield "timeline.started_at", Filled(instant(times.occurred_from), "/timeline/occurred_from")
    yield "timeline.ended_at", Filled(instant(times.occurred_to), "/timeline/occurred_to")
    if times.ongoing != "unknown":
        yield "timeline.ongoing", Filled(times.ongoing == "yes", "/timeline/ongoing")
    if mode := _mode(case):
        yield "timeline.occurrence_mode", Filled(mode, "/timeline")
    if "occurred_is_estimate" in times.model_fields_set:
        estimated = Filled(times.occurred_is_estimate, "/timeline/occurred_is_estimate")
        yield "timeline.dates_estimated", estimated
    said = [case.said("estimated")] if times.occurred_is_estimate else []
    said += [case.words.word("phrases", "ongoing")] if times.ongoing == "yes" else []
    yield "timeline.notes", Filled(lines(said), "/timeline")
    yield "timeline.detected_at", Filled(instant(times.detected_at), "/timeline/detected_at")
    if incident.aware_at:
        yield "timeline.aware_at", Filled(instant(incident.aware_at), f"awareness {awareness.number}")
    basis = Filled(awareness.reason, f"awareness {awareness.number}", as_told=True)
    yield "timeline.awareness_basis", basis
    yield from _discovery(case)
    reasons = lines(each.text for each in case.beside.delays)
    yield "timeline.delay_reasons", Filled(reasons, "duty", as_told=True)


def _mode(case: Case) -> str:
    times = case.facts.timeline
    if times.ongoing == "yes":
        return "ongoing" if times.occurred_from else ""
    if times.occurred_from is None or times.occurred_to is None:
        return ""
    return "specific_day" if case.day(times.occurred_from) == case.day(times.occurred_to) else "range"


def _discovery(case: Case) -> Answered:
    """Who found it: known where a processor told us, and nowhere else."""
    facts, incident = case.facts, case.material.incident
    times = facts.timeline
    told_at, source = times.informed_at, "/timeline/informed_at"
    if told_at is None and (passed := [each.told_next_at for each in facts.chain if each.told_next_at]):
        told_at, source = max(passed), "/chain"
    if told_at is None and case.beside.reported_by_processor:
        told_at, source = incident.reported_at, "ledger: report.received"
    by_processor = bool(case.beside.reported_by_processor or (facts.chain and told_at))
    if by_processor:
        yield "timeline.discovered_by", Filled("processor", source)
    yield "timeline.other_party_notified_at", Filled(instant(told_at), source)
    said = []
    if times.detected_at:
        said.append(case.said("detected", at=case.shown(times.detected_at)))
    if by_processor and told_at:
        said.append(case.said("told_by_processor", at=case.shown(told_at)))
    found = source if by_processor else "/timeline/detected_at"
    yield "timeline.discovery_description", Filled(lines(said), found)


def nature(case: Case) -> Answered:
    """What was lost, how, by what cause."""
    facts = case.facts
    lost = [each for each in _LOSSES if getattr(facts.compromised, each) == "yes"]
    yield "incident.title", Filled(facts.title, "/title", as_told=True)
    yield "nature.cia", Filled(lost, "/compromised")
    yield "nature.description_what", Filled(facts.description, "/description", as_told=True)
    if "confidentiality" in lost:
        yield "nature.confidentiality_state", Filled(_disclosed(facts), "/disclosure")
        yield "nature.unintelligible_state", Filled(_readable(facts), "/protection")
    if "integrity" in lost:
        yield "nature.integrity_state", Filled(_misused(facts), "/disclosure/misuse_seen")
    if "availability" in lost and facts.availability.restored_after_hours is not None:
        yield "nature.availability_state", Filled("temporary", "/availability/restored_after_hours")
    kind = facts.cause.kind
    yield "nature.incident_type", Filled(INCIDENT_TYPE.get(kind, ""), "/cause/kind")
    yield "nature.cause_class", Filled(_cause(facts), "/cause")
    yield "nature.cause_origin", Filled(ORIGIN.get(facts.cause.category, ""), "/cause/category")
    yield "nature.cyber_incident", Filled(_attack(facts), "/cause")
    if kind in STOLEN | LOST:
        yield "nature.stolen", Filled("yes" if kind in STOLEN else "no", "/cause/kind")
    if facts.cause.category in ("human_error", "internal_malicious") and not facts.chain:
        yield "nature.staff_involved", Filled("yes", "/cause/category")
    elif facts.cause.category == "natural_event":
        yield "nature.staff_involved", Filled("no", "/cause/category")


def _disclosed(facts: Facts) -> str:
    """Whether the data have left; of a letter gone astray it is known once somebody has it."""
    state = facts.disclosure.exfiltration
    if state in _OUT or (state == "not_applicable" and set(facts.disclosure.recipients) - {"unknown"}):
        return "exfiltrated"
    return {"not_excluded": "likely_exfiltrated", "ruled_out": "not_exfiltrated"}.get(state, "")


def _readable(facts: Facts) -> str:
    kept = facts.protection
    if is_unintelligible(facts) == "yes":
        return "protected_intact"
    if kept.encrypted == "no":
        return "not_protected"
    broken = kept.key_compromised == "yes" or kept.encryption_state_of_the_art == "no"
    return "protected_may_fail" if kept.encrypted == "yes" and broken else ""


def _misused(facts: Facts) -> str:
    if facts.disclosure.misuse_seen == "no":
        return "no_misuse"
    reversible = {"full": "misuse_reversible", "none": "misuse_irreversible"}
    return reversible.get(facts.availability.backup, "") if facts.disclosure.misuse_seen == "yes" else ""


def _cause(facts: Facts) -> str:
    """The class of the cause. An error or a fault is ours only where no processor was part of it."""
    category = facts.cause.category
    if category in ("external_malicious", "internal_malicious"):
        return category
    if category == "natural_event":
        return "external_non_malicious"
    if category == "loss_or_theft" and facts.cause.kind in STOLEN:
        return "external_malicious"
    ours = category in ("human_error", "technical_failure") or facts.cause.kind in LOST
    return "internal_non_malicious" if ours and not facts.chain else ""


def _attack(facts: Facts) -> str:
    if facts.cause.kind in ATTACKS:
        return "yes"
    if facts.cause.kind in NO_ATTACKS or facts.cause.category in ("human_error", "natural_event"):
        return "no"
    attacked = facts.cause.category == "external_malicious"
    return "yes" if attacked and facts.cause.kind in ("mailbox_compromise", "unauthorised_access") else ""
