"""What is filed where: this notification, other authorities and bodies, other countries."""

from datetime import timedelta
from typing import Final

from incident import authorities, drafting
from incident.filling.codes import AUTHORITIES
from incident.filling.filled import BY, COMPETENCE, Answered, Case, Filing, Filled
from incident.rules.competence import regimes_of
from incident.rules.law import LAW

_OWED: Final = "gdpr-33"
_FILED: Final = "ledger: notification.filed"
_LAWS: Final = frozenset({"gdpr", "uk_gdpr"})


def notification(case: Case) -> Answered:
    """Which notification it is, to whom, under which law, late or not."""
    mine = [each for each in case.beside.filings if each.to == case.authority and each.regime == _OWED]
    first = min(mine, key=lambda each: each.filed_at, default=None)
    source = f"{BY}the filings so far"
    yield "notification.authority_code", Filled(AUTHORITIES.get(case.authority, ""), COMPETENCE)
    yield "notification.regime", Filled(_law(case), COMPETENCE)
    yield "notification.type", Filled("new" if case.kind == "initial" else "follow_up", source)
    whole = "withdraw" if case.kind == "withdrawal" else "complete"
    yield "notification.completeness", Filled(whole, source)
    yield "notification.number", Filled(1 + len(mine), source)
    number = next((each.case_number for each in (first, *mine) if each and each.case_number), "")
    yield "notification.authority_reference", Filled(number, _FILED)
    reference = Filled(case.material.incident.number, "Breachclock")
    yield "notification.internal_reference", reference
    if case.authority in case.beside.known_to:
        yield "notification.first_contact", Filled("no", source)
    yield from _late(case, first)
    if case.beside.owes_reasons and case.kind != "initial":
        yield "notification.reasons_owed", Filled(value=True, source=_FILED)


def _law(case: Case) -> str:
    """Under which law the authority is told: that of its country, where the forms know it."""
    known, at = authorities.by_key(case.authority), case.material.incident.aware_at
    row = LAW.membership(known.country, at) if known else None
    return row.regime if row and row.regime in _LAWS else ""


def _late(case: Case, first: Filing | None) -> Answered:
    """Late is what is first filed after the duty's end; before any duty, 72 hours after awareness."""
    duties = [each for each in case.material.duties if each.recipient == case.authority]
    due = next((each.due_at for each in duties if each.regime == _OWED), None)
    aware = case.material.incident.aware_at
    if due is None and aware is not None:
        hours = LAW.limit("authority_notification", "gdpr", aware).hours
        due = aware + timedelta(hours=hours) if hours else None
    if due is not None:
        at = first.filed_at if first else case.now
        yield "notification.late", Filled(at > due, f"{BY}GDPR art. 33(1)")


def others(case: Case) -> Answered:
    """Bodies that were told under another law; whether the police knows a person must say."""
    filed = [each for each in case.beside.filings if each.regime != _OWED]
    if filed:
        yield "other_authorities.notified", Filled("yes", _FILED)
        yield "other_authorities.list", Filled([_line(case, each) for each in filed], _FILED)


def _line(case: Case, filing: Filing) -> str:
    name = drafting.name_of(filing.to, case.words.locale)
    values = {"name": name, "law": filing.regime.upper(), "at": case.shown(filing.filed_at)}
    if filing.case_number:
        return case.said("filed_numbered", number=filing.case_number, **values)
    return case.said("filed", **values)


def across_borders(case: Case) -> Answered:
    """Where people are, who leads, who else is notified (arts 4(23), 55, 56)."""
    organisation, by_country = case.facts.organisation, case.facts.subjects.by_country
    source = "/subjects/by_country"
    affected = [code for code, number in by_country.items() if number > 0]
    yield "cross_border.affected_countries", Filled(affected, source)
    yield "cross_border.counts_by_country", Filled({code: by_country[code] for code in affected}, source)
    home = case.material.organisation.country
    near = [code for code in affected if _in_eea(case, code)]
    yield "cross_border.affected_eea", Filled(near, source)
    yield "cross_border.counts_eea", Filled({code: by_country[code] for code in near}, source)
    yield "cross_border.elsewhere", Filled([code for code in affected if code != home], source)
    yield "cross_border.elsewhere_eea", Filled([code for code in near if code != home], source)
    inside = [code for code in organisation.establishments if _in_eea(case, code)]
    yield "cross_border.establishment_countries", Filled(inside, "/organisation/establishments")
    competent = case.material.competent()
    lead = next((each for each in competent if each.role == "lead"), None)
    if lead:
        name = drafting.name_of(lead.key, case.words.locale)
        yield "cross_border.lead_authority", Filled(name, COMPETENCE)
    yield "cross_border.is_cross_border", Filled(_crosses(case, affected, inside), f"{BY}GDPR art. 4(23)")
    inside_eea = [each for each in competent if each.regime == "gdpr"]
    notified = [each for each in inside_eea if each.notified_by_controller and each.key != case.authority]
    names = [drafting.name_of(each.key, case.words.locale) for each in notified]
    yield "cross_border.notified_authorities", Filled(names, COMPETENCE)
    if not _in_eea(case, case.material.organisation.country) and inside_eea:
        applies = "yes" if "gdpr" in regimes_of(competent) else ""
        yield "cross_border.non_eea_controller", Filled(applies, f"{BY}GDPR art. 3(2)")


def _crosses(case: Case, affected: list[str], inside: list[str]) -> str:
    """Yes with people in another country of the EEA; no once all people and places are known to be in one."""
    home = case.facts.organisation.main_establishment or case.material.organisation.country
    places = {code for code in (*affected, *inside) if _in_eea(case, code)} | {home}
    if not _in_eea(case, home):
        return ""
    if any(code != home and _in_eea(case, code) for code in affected):
        return "yes"
    total, counted = case.facts.subjects.total, sum(case.facts.subjects.by_country.values())
    everybody = total.highest is not None and 0 < total.highest <= counted
    return "no" if everybody and len(places) == 1 and inside else ""


def _in_eea(case: Case, country: str) -> bool:
    at = case.material.incident.aware_at or case.material.incident.reported_at
    row = LAW.membership(country, at) if country else None
    return bool(row and row.one_stop_shop)
