"""Can an organisation file tonight: what the forms and the portals of its authorities will ask for.

Red is what keeps a person from filing, or makes the filing one without what art. 33(3)(b) asks for. Yellow
is what a form asks and the first notice can do without, or what was true a year ago.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from accounts import people
from accounts.models import Organisation
from accounts.permissions import Permission, may
from foundation import locales
from incident import drafting, letters, profile
from incident.authorities import Authority, by_key
from incident.profile import HELD_FOR, Profile
from incident.rules import registration
from incident.rules.competence import Competent, competent
from incident.rules.facts import Facts, FactsFault, parse_organisation
from notifications.rules.watching import Check, Light

PAGE: Final = "/settings/organisation"
ICO: Final = "gb-ico"
WRONG: Final[Mapping[str, LazyString]] = {
    "digits": _l("it has not as many digits as such a number has"),
    "check": _l("its check digit does not fit: a digit is wrong"),
    "person": _l("it is written as the number of a person is"),
}
MISSING: Final[Mapping[str, LazyString]] = {
    "address of the form": _l("the address of its form"), "sign-in": _l("what sign-in it needs"),
    "receipt": _l("how a receipt comes"), "postal address": _l("its postal address"),
    "e-mail": _l("its e-mail address"), "telephone": _l("its telephone number"),
    "case number": _l("how its case numbers are written"),
    "name in its own language": _l("its name in its own language"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Office:
    """An authority that the organisation would file with: its key, its role, and its data where held."""

    key: str
    role: str
    data: Authority | None

    @property
    def name(self) -> str:
        """Its name in the language of the page; its key where no data are held."""
        return self.data.named(locales.current()) if self.data else self.key


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language: their hash now, and whether somebody approved exactly these."""

    locale: str
    sha256: str
    approved: profile.Approved | None

    @property
    def holds(self) -> bool:
        """Whether the approval is of these very texts."""
        return self.approved is not None and self.approved.sha256 == self.sha256


def offices(organisation: Organisation, now: datetime) -> tuple[Office, ...]:
    """Where it would file if people in every place it serves were concerned, lead or sole first.

    Raises: FactsFault when what is registered of its establishments cannot be read.
    """
    known = organisation.profile.get("facts") or {}
    if not known.get("main_establishment") and not known.get("establishments"):
        known = {
            **known,
            "main_establishment": organisation.country,
            "establishments": [organisation.country],
        }
    facts = Facts(organisation=parse_organisation({"name": organisation.name, **known}))
    found: list[Competent] = [
        each for each in competent(facts, high_risk=True, at=now) if each.notified_by_controller
    ]
    found.sort(key=lambda each: each.role not in ("sole", "lead"))
    return tuple(Office(each.key, each.role, by_key(each.key)) for each in found)


def checks(organisation: Organisation, now: datetime) -> Iterator[Check]:
    """A light for each thing that filing needs; raises nothing for a profile that is empty or damaged."""
    known, today = profile.profile_of(organisation), now.astimezone(ZoneInfo(organisation.timezone)).date()
    yield _registration(known)
    yield _address(known)
    yield _contact(organisation)
    yield _officer(known)
    yield _people(organisation)
    yield _texts(organisation)
    try:
        mine = offices(organisation, now)
    except FactsFault:
        yield Check(
            "filing_where", Light.RED, _("It is known which authority to file with"),
            _("What is registered of the organisation's establishments cannot be read."),
            _("Have whoever runs this installation mend it."),
        )  # fmt: skip
        return
    for office in mine:
        yield from _office(office, known, today)


# --- the organisation itself ------------------------------------------------------------------------


def _registration(known: Profile) -> Check:
    number, kind = known.registration.number, known.registration.kind
    wrong = registration.wrong_with(kind, number) if number else None
    if wrong == "person" and known.is_sole_trader:
        wrong = None
    if number and not wrong:
        light, says = Light.GREEN, f"{kind} {number}".strip()
    elif wrong:
        light, says = Light.RED, _("%(number)s: %(why)s.", number=number, why=WRONG[wrong])
    else:
        light, says = Light.RED, _("None is entered, and every form begins with it.")
    return Check(
        "filing_registration", light, _("The organisation's number in the register of companies"), says,
        _("Enter it as the register has it."), f"{PAGE}#organisation",
    )  # fmt: skip


def _address(known: Profile) -> Check:
    return Check(
        "filing_address", Light.GREEN if known.address else Light.RED, _("The organisation's postal address"),
        known.address or _("None is entered."), _("Enter it."), f"{PAGE}#organisation",
    )  # fmt: skip


def _contact(organisation: Organisation) -> Check:
    """Whom the authority may ask (GDPR art. 33(3)(b)), as the notification will say it."""
    contact = drafting.contact_of(organisation)
    lacking = [
        what
        for what, told in (
            (_("a name"), contact.name), (_("a telephone number"), contact.phone),
            (_("an e-mail address"), contact.email),
        )
        if not told.strip()
    ]  # fmt: skip
    says = _("It lacks %(what)s.", what=", ".join(lacking)) if lacking else f"{contact.name}, {contact.phone}"
    return Check(
        "filing_contact", Light.RED if lacking else Light.GREEN, _("Whom the authority may ask"), says,
        _("Enter the contact point, or the data protection officer."), f"{PAGE}#contact",
    )  # fmt: skip


def _officer(known: Profile) -> Check:
    officer = known.dpo
    what = _("Whether there is a data protection officer, and who")
    if officer.designated is None:
        light, says = Light.YELLOW, _("Nobody has said.")
    elif officer.designated and not (officer.name and officer.email and officer.phone):
        light, says = Light.YELLOW, _("One is designated: name, telephone number and e-mail are wanted.")
    else:
        light, says = Light.GREEN, officer.name or _("None is designated.")
    return Check("filing_officer", light, what, says, _("Say so."), f"{PAGE}#officer")


def _people(organisation: Organisation) -> Check:
    """Who may approve and file: without one no pack leaves the house."""
    staff = people.staff_of(organisation.id)
    lacking = [
        what
        for what, permission in (
            (_("prepare"), Permission.PREPARE_NOTIFICATION), (_("approve"), Permission.APPROVE_NOTIFICATION),
            (_("file"), Permission.FILE_NOTIFICATION),
        )
        if not any(may(each, permission) for each in staff)
    ]  # fmt: skip
    says = _("Nobody may %(what)s.", what=", ".join(lacking)) if lacking else _("Each step has somebody.")
    return Check(
        "filing_people", Light.RED if lacking else Light.GREEN,
        _("Somebody may prepare, approve and file a notification"), says,
        _("Have an administrator give a colleague the role of data protection officer."),
    )  # fmt: skip


# --- texts ------------------------------------------------------------------------------------------


def texts(organisation: Organisation) -> list[Texts]:
    """The texts of letters and packs in each language the organisation writes in, approved or not."""
    approved = profile.profile_of(organisation).texts_approved
    return [
        Texts(each, hash_of_texts(each), approved.get(each)) for each in letters.languages_of(organisation)
    ]


def hash_of_texts(locale: str) -> str:
    """SHA-256 of the texts of a language, so that an approval is of these very words."""
    told = {
        "letters": letters.catalog().sentences(locale),
        "packs": drafting.pack_words("generic", locale).texts,
    }
    said = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def with_approval(document: Mapping[str, Any], told: Texts, *, by: str, day: date) -> dict[str, Any]:
    """A profile in which the texts of a language are approved by somebody, on a day of the organisation's."""
    noted = {"sha256": told.sha256, "by": by, "on": day.isoformat()}
    return {**document, "texts_approved": {**(document.get("texts_approved") or {}), told.locale: noted}}


def _texts(organisation: Organisation) -> Check:
    never = [each for each in texts(organisation) if each.approved is None]
    changed = [each for each in texts(organisation) if each.approved is not None and not each.holds]
    says = " ".join(
        filter(
            None,
            (
                _("Nobody approved: %(languages)s.", languages=_named(never)) if never else "",
                _("Changed since: %(languages)s.", languages=_named(changed)) if changed else "",
            ),
        )
    )
    return Check(
        "filing_texts", Light.YELLOW if says else Light.GREEN,
        _("The texts of letters and packs are approved"), says or _("In every language that is written in."),
        _("Read them, and say so."), f"{PAGE}#texts",
    )  # fmt: skip


def _named(several: list[Texts]) -> str:
    return ", ".join(locales.NAMES.get(each.locale, each.locale) for each in several)


# --- each authority ---------------------------------------------------------------------------------


def _office(office: Office, known: Profile, today: date) -> Iterator[Check]:
    if office.data is None:
        yield Check(
            "filing_authority", Light.RED, _("It is known how to file with %(name)s", name=office.key),
            _("No data are held of this authority."), _("See the manual: “Add an authority”."),
        )  # fmt: skip
        return
    if office.data.portal.needs_sign_in:
        yield _identity(office, office.data, known, today)
    if office.key == ICO:
        yield _ico(known)
    yield _data(office, office.data, today)


def _identity(office: Office, data: Authority, known: Profile, today: date) -> Check:
    access = known.access(office.key)
    names = ", ".join(each.name for each in access.holders)
    if not access.holders:
        light, says = Light.RED, _("Nobody is noted. It needs: %(what)s.", what=data.portal.sign_in)
    elif access.is_stale(today):
        light, says = Light.YELLOW, _("%(names)s; nobody tried it within a year.", names=names)
    else:
        day = _last(access, today).isoformat()
        light, says = Light.GREEN, _("%(names)s; last tried %(day)s.", names=names, day=day)
    what = _("Somebody can sign in to file with %(name)s", name=office.name)
    return Check(
        f"filing_identity_{office.key}", light, what, says,
        _("Have them sign in once, then note who and when."), f"{PAGE}#filing",
    )  # fmt: skip


def _last(access: profile.Access, today: date) -> date:
    return max(each.checked_on for each in access.holders if each.checked_on and each.checked_on <= today)


def _ico(known: Profile) -> Check:
    said = known.ico.registration_number or known.ico.why_none
    return Check(
        "filing_ico", Light.GREEN if said else Light.YELLOW, _("The registration number at the ICO"),
        said or _("Neither a number nor why there is none; its form asks for one of them."),
        _("Enter it, or why there is none."), f"{PAGE}#ico",
    )  # fmt: skip


def _data(office: Office, data: Authority, today: date) -> Check:
    """Whether what is known of an authority is whole, and was compared with its pages within a year."""
    lacking = [str(MISSING.get(each, each)) for each in data.missing()]
    old = today - data.checked > HELD_FOR
    says = [_("Not looked at since %(day)s.", day=data.checked.isoformat())] if old else []
    says += [_("Not known: %(what)s.", what=", ".join(lacking))] if lacking else []
    return Check(
        f"filing_authority_{office.key}", Light.YELLOW if says else Light.GREEN,
        _("What is known of %(name)s is whole and of this year", name=office.name),
        " ".join(says) or _("Looked at on %(day)s.", day=data.checked.isoformat()),
        _("Look at %(url)s on a quiet day, and write down what is missing.", url=data.portal.url),
    )  # fmt: skip
