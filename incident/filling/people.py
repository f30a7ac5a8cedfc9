"""The people concerned, their data, and what protected them."""

from collections.abc import Iterator, Mapping

from incident.filling.codes import DATA, GROUPS, codes
from incident.filling.filled import Answered, Case, Filled
from incident.rules.facts import Count


def subjects(case: Case) -> Answered:
    """Groups and number of people."""
    told = case.facts.subjects
    groups = [each for each in told.groups if each != "unknown"]
    found, source = codes(groups, GROUPS), "/subjects/groups"
    besides = [each for each in ("vulnerable", "protected_identity") if getattr(told, each) == "yes"]
    yield "subjects.categories", Filled([*found, *besides], source if found else "/subjects")
    yield "subjects.categories_description", Filled(case.words.several("groups", groups), source)
    if told.total.known:
        yield from _number("subjects", told.total, "/subjects/total")
        yield from _most(told.total)
    elif told.by_country:
        yield from _number("subjects", _summed(told.by_country), "/subjects/by_country")


def _summed(by_country: Mapping[str, int]) -> Count:
    """So many at least: people elsewhere may be missing from the countries told."""
    return Count(at_least=sum(by_country.values()), estimate=True)


def _most(count: Count) -> Answered:
    if count.highest is not None:
        yield "subjects.max_possible", Filled(count.highest, "/subjects/total")


def _number(path: str, count: Count, source: str) -> Answered:
    """A number and how sure it is: of two bounds the higher, so that no authority is told too few."""
    if not count.known:
        return
    sure = count.exactly is not None and not count.estimate
    number = count.lowest if count.highest is None else count.highest
    yield f"{path}.count_mode", Filled("exact" if sure else "approximate", source)
    yield f"{path}.count", Filled(number, source)
    if path == "subjects":
        if count.exactly is not None or count.at_least is not None:
            yield "subjects.count_min", Filled(count.lowest, source)
        if count.highest is not None:
            yield "subjects.count_max", Filled(count.highest, source)


def data(case: Case) -> Answered:
    """Kinds and number of data."""
    told, source = case.facts.data, "/data/categories"
    kinds = [each for each in told.categories if each != "unspecified"]
    found = list(dict.fromkeys(code for each in kinds for code in DATA.get(each, ())))
    yield "data.categories", Filled(found, source)
    yield "data.categories_description", Filled(case.words.several("data", kinds), source)
    yield from _number("records", told.records, "/data/records")


def security(case: Case) -> Answered:
    """What protected the data beforehand, as far as the facts say: absence of a word is no absence."""
    kept, copies = case.facts.protection, case.facts.availability.backup
    found = ["encryption"] if kept.encrypted == "yes" else []
    found += ["logical_access"] if kept.access_protection in ("weak", "strong") else []
    source = "/protection" if found else "/availability/backup"
    found += ["backup"] if copies in ("full", "partial") else []
    yield "security_before.measures", Filled(found, source)
    said = list(_protection(case))
    source = "/protection" if said else "/availability/backup"
    said += [case.said(f"backup_{copies}")] if copies != "unknown" else []
    yield "security_before.description", Filled(" ".join(said), source)


def _protection(case: Case) -> Iterator[str]:
    kept, word = case.facts.protection, case.words.word
    if kept.encrypted != "unknown":
        yield word("protection", f"encrypted_{kept.encrypted}")
    if kept.encrypted == "yes" and kept.key_compromised != "unknown":
        yield word("protection", f"key_{kept.key_compromised}")
    if kept.passwords != "unknown":
        yield word("protection", kept.passwords)
