"""Who notifies, and whom to ask: what is registered of the organisation, its officer, its contact."""

from typing import Any, Final

from incident.filling.codes import REGISTERS
from incident.filling.filled import ORGANISATION, Answered, Case, Filled, Person, lines, part, text
from incident.rules.law import LAW

# Paths that the profile holds under the same name.
_TEXTS: Final = ("sector", "size_class", "size_description", "staff_band", "industry", "email", "phone")
_OF_PUBLIC_BODY: Final = {"yes": "public", "no": "private"}


def controller(case: Case) -> Answered:
    """The controller: name, number, address, class, representatives."""
    profile, organisation = case.profile, case.material.organisation
    registered = part(profile.get("registration"))
    yield "controller.name", _of_us(text(profile.get("legal_name")) or organisation.name)
    yield "controller.country", _of_us(organisation.country)
    at = case.material.incident.aware_at or case.material.incident.reported_at
    row = LAW.membership(organisation.country, at)
    yield "controller.in_eea", _of_us(bool(row and row.one_stop_shop))
    yield "controller.registration_number", _of_us(text(registered.get("number")))
    if kind := REGISTERS.get(text(registered.get("kind")).casefold()):
        yield "controller.registration_number_type", _of_us(kind)
    yield "controller.postal_address", _of_us(text(profile.get("address")))
    public = _OF_PUBLIC_BODY.get(case.facts.organisation.public_body)
    if public and not profile.get("sector"):
        yield "controller.sector", Filled(public, "/organisation/public_body")
    for name in _TEXTS:
        yield f"controller.{name}", _of_us(text(profile.get(name)))
    if isinstance(sole := profile.get("is_sole_trader"), bool):
        yield "controller.is_sole_trader", _of_us(sole)
    yield from _conduct(profile.get("code_of_conduct"))
    ico = part(profile.get("ico"))
    yield "controller.ico_registration_number", _of_us(text(ico.get("registration_number")))
    yield "controller.ico_exemption_reason", _told(text(ico.get("why_none")))
    representatives = part(profile.get("representatives"))
    for place in ("eea", "uk"):
        yield f"controller.{place}_representative", _of_us(_row(part(representatives.get(place))))


def _conduct(registered: object) -> Answered:
    """A code of conduct: whether there is one, and which."""
    known = part(registered)
    follows = known.get("follows", registered)
    details = text(known.get("details")) or text(registered)
    if isinstance(follows, bool) or details:
        yield "controller.code_of_conduct", _of_us(bool(follows))
        yield "controller.code_of_conduct_details", _told(details)


def people_to_ask(case: Case) -> Answered:
    """The data protection officer, the contact point, and who files."""
    officer, designated = _officer(case)
    if designated is not None:
        yield "dpo.designated", _of_us(designated)
    if designated is not False:
        yield from _person("dpo", officer)
    contact, registered = case.material.contact, part(case.profile.get("contact"))
    asked = Person(contact.name, contact.email, contact.phone)
    yield from _person("contact_point", asked)
    yield "contact_point.function", _told(text(registered.get("function")))
    yield "contact_point.postal_address", _of_us(text(case.profile.get("address")))
    reporter, answers = _reporter(case, officer)
    yield from answers
    if asked.name and asked.name == officer.name:
        yield "contact_point.source", _of_us("dpo")
    elif asked.name and asked.name == reporter.name:
        yield "contact_point.source", _of_us("reporter")
    elif asked.name:
        yield "contact_point.source", _of_us("other")


def _officer(case: Case) -> tuple[Person, bool | None]:
    """The data protection officer, and whether there is one; None where nobody has said."""
    registered = part(case.profile.get("dpo"))
    known = _of_row(registered)
    designated = registered.get("designated")
    if not known.name and designated is not False and case.beside.officers:
        known = case.beside.officers[0]
    if isinstance(designated, bool):
        return known, designated
    return known, True if known.name else None


def _reporter(case: Case, officer: Person) -> tuple[Person, list[tuple[str, Filled]]]:
    """Who files: as registered, else who leads the incident, else whom the authority is to ask.

    In what capacity is only known of the officer, and where a function is registered.
    """
    registered, contact = part(case.profile.get("reporter")), part(case.profile.get("contact"))
    known, function = _of_row(registered), text(registered.get("function"))
    if not known.name and case.beside.lead:
        known, function = case.beside.lead, ""
    elif not known.name:
        asked = case.material.contact
        known, function = Person(asked.name, asked.email, asked.phone), text(contact.get("function"))
    answers = list(_person("reporter", known))
    if known.is_officer or (known.name and known.name == officer.name):
        answers.append(("reporter.function", _of_us("dpo")))
    elif function in ("dpo", "legal_representative", "authorised_or_other"):
        answers.append(("reporter.function", _of_us(function)))
        described = text(registered.get("function_description"))
        answers.append(("reporter.function_description", _told(described)))
    elif known.name and function:
        answers.append(("reporter.function", _of_us("authorised_or_other")))
        answers.append(("reporter.function_description", _told(function)))
    return known, answers


def _person(path: str, person: Person) -> Answered:
    yield f"{path}.name", _of_us(person.name)
    yield f"{path}.email", _of_us(person.email)
    yield f"{path}.phone", _of_us(person.phone)


def _of_row(row: dict[str, Any]) -> Person:
    return Person(text(row.get("name")), text(row.get("email")), text(row.get("phone")))


def _row(registered: dict[str, Any]) -> dict[str, str]:
    known = {name: text(registered.get(name)) for name in ("name", "email", "phone", "address")}
    known["contact"] = lines((known.pop("email"), known.pop("phone"), known.pop("address")))
    return {name: value for name, value in known.items() if value}


def _of_us(value: str | bool | dict[str, str]) -> Filled:  # noqa: FBT001  a value, no switch
    return Filled(value, ORGANISATION)


def _told(words: str) -> Filled:
    return Filled(words, ORGANISATION, as_told=True)
