"""What it may do to the people, how grave that is, and what is done about it."""

from typing import Final

from incident.filling.codes import IMPACTS, SEVERITY, codes
from incident.filling.filled import BY, Answered, Case, Filled, lines
from incident.models import Question

_UNLAWFUL_USE: Final = frozenset({"identity_theft", "fraud", "phishing"})
_RATED: Final = frozenset({"unlikely", "risk", "high"})


def consequences(case: Case) -> Answered:
    """Likely consequences by kind of loss, harm, severity, risk."""
    facts, likely, source = case.facts, case.facts.consequences, "/consequences"
    yield from _by_loss(case)
    yield "consequences.impact_types", Filled(codes(likely, IMPACTS), source)
    yield "consequences.impact_description", Filled(case.words.several("consequences", likely), source)
    if facts.disclosure.misuse_seen != "unknown":
        seen = case.said(f"misuse_{facts.disclosure.misuse_seen}")
        yield "consequences.actual_harm_observed", Filled(seen, "/disclosure/misuse_seen")
    yield from _severity(case)
    yield from _risk(case)


def _by_loss(case: Case) -> Answered:
    """Only what the facts say has happened or may follow; the other boxes are for a person."""
    facts, likely = case.facts, set(case.facts.consequences)
    if facts.compromised.confidentiality == "yes":
        out = facts.disclosure.exfiltration in ("confirmed", "published")
        out = out or bool(set(facts.disclosure.recipients) - {"unknown"})
        found = ["disclosed_beyond"] if out else []
        found += ["other_purpose"] if likely & _UNLAWFUL_USE else []
        yield "consequences.confidentiality", Filled(found, "/disclosure" if out else "/consequences")
    if facts.compromised.availability == "yes":
        effect = facts.availability.service_effect
        found = ["disruption"] if effect in ("minor", "serious", "critical_to_people") else []
        source = "/availability/service_effect" if found else "/consequences"
        found += ["no_access_to_services"] if "denied_service" in likely else []
        yield "consequences.availability", Filled(found, source)
        if facts.availability.restored_after_hours is not None and facts.timeline.ongoing == "no":
            source = "/availability/restored_after_hours"
            yield "organisation_impact.recovery_time", Filled("complete", source)


def _severity(case: Case) -> Answered:
    """ENISA's band, where the data are known: for unknown data the score counts the worst."""
    told = case.facts.data
    if not set(told.categories) - {"unspecified"} and told.special_categories == "unknown":
        return
    step, source = SEVERITY[case.judgement.severity.band], f"{BY}ENISA 2013"
    assessed = case.beside.assessment
    decided = assessed is not None and assessed.risk == "high"
    if step in ("negligible", "minor") and (decided or case.judgement.risk.level == "high"):
        step = "moderate"  # what may hit people hard is not called light
        source = f"assessment {assessed.number}" if assessed and decided else source
    yield "consequences.severity_level", Filled(step, source)


def _risk(case: Case) -> Answered:
    """The risk as a person assessed it, else as the rules see it, and why."""
    assessed, found = case.beside.assessment, case.judgement.risk
    if assessed is not None and assessed.risk in _RATED:
        source = f"assessment {assessed.number}"
        yield "consequences.risk_outcome", Filled(assessed.risk, source)
        yield "consequences.risk_rationale", Filled(assessed.reason, source, as_told=True)
    else:
        source = f"{BY}{found.reasons[0].source}"
        yield "consequences.risk_outcome", Filled(found.level, source)
        said = lines(f"{each.rule} ({each.source})." for each in found.reasons)
        foreign = case.words.locale != "en"  # the rules speak English
        yield "consequences.risk_rationale", Filled(said, source, as_told=foreign, language="en")
    decided = case.beside.decisions.get(Question.AUTHORITY)
    if decided is not None and decided.kind == "notify_authority":
        threshold = Filled("meets_threshold", f"decision {decided.number}")
        yield "notification.reason_for_report", threshold
    elif case.judgement.breach == "yes" and found.level != "unlikely":
        yield "notification.reason_for_report", Filled("meets_threshold", f"{BY}UK GDPR art. 33(1)")


def measures(case: Case) -> Answered:
    """What is done and what is planned, as it was told; what prevents another one a person says."""
    taken, planned = case.facts.measures.taken, case.facts.measures.planned
    source = "/measures/taken" if taken else "/measures/planned"
    said = [f"– {each.strip()}" for each in taken if each.strip()]
    if later := [f"– {each.strip()}" for each in planned if each.strip()]:
        said += [case.said("planned"), *later]
        yield "measures.further_actions", Filled(lines(later), "/measures/planned", as_told=True)
    yield "measures.containment_description", Filled(lines(said), source, as_told=True)
