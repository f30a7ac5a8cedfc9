"""A text as its readers will have it: for a made-up person of a language, or to whoever looks it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _

from accounts.models import Organisation, StaffMember
from foundation import locales
from foundation.database import new_id
from foundation.errors import Refused
from incident import letter_runs, letters
from incident.communication_texts import fields, wire
from incident.drafting import contact_of
from incident.letter_runs import Batch, Fault, Letter, Run, Sender, addresses, setting
from incident.lists.contacts import Contact
from incident.masking import HIDDEN, masked_name
from incident.models import Incident, SubjectCommunication
from incident.profile import profile_of
from incident.recipient_lists.rows import Address
from incident.subject_communication import wiring
from notifications import outbox, ways
from notifications.rendering import NotTranslated

CODE: Final = wire.LONGEST_CODE  # nobody's
TEMPLATE: Final = "subject_notice"
# Nobody who lives: names as such that stand in for anybody, and addresses that a letter can be folded to.
MADE_UP: Final[Mapping[str, Contact]] = {
    "da": Contact("Ida Eksempel", address=Address("Eksempelvej 1", "", "8000", "Aarhus C", "DK")),
    "nb": Contact("Kari Nordmann", address=Address("Eksempelveien 1", "", "0150", "Oslo", "NO")),
    "sv": Contact("Åsa Exempelsson", address=Address("Exempelgatan 1", "", "111 22", "Stockholm", "SE")),
    "en": Contact("Alex Example", address=Address("1 Example Street", "", "SW1A 1AA", "London", "GB")),
}
OTHER: Final = Contact("A. B. Example", address=Address("1 Example Street", "", "8000", "Aarhus C", "DK"))

Content = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one person gets by each channel, and how many text messages that is."""

    contact: Contact
    content: Content
    segments: int


def made_up(locale: str) -> Contact:
    """Somebody who reads a language and does not exist."""
    return MADE_UP.get(locale, OTHER)


def masked(contact: Contact, locale: str) -> Contact:
    """The same as whoever has given no reason may see it: by their message nobody learns who it is.

    The name is masked, an address is a made-up one, and a value that they have is hidden.
    """
    address = made_up(locale).address if contact.address else None
    values = {name: HIDDEN if value else "" for name, value in contact.fields.items()}
    return Contact(masked_name(contact.name), address=address, fields=values)


def shown(communication: SubjectCommunication, locale: str, contact: Contact) -> Shown:
    """A text as one person gets it, with a code of nobody's; fields that they lack are in [brackets].

    Raises: Refused for a language that the messages around it are not written in.
    """
    parts = communication.texts[locale]
    try:
        content = wiring.wired_in(parts, locale, fields.fields_used({locale: parts}))
    except NotTranslated:
        raise Refused(
            _("There is no message in this language yet."),
            next_step=_("Add its files below templates/messages/subject_notice/."),
        ) from None
    told = wire.shown(content, contact, locale, CODE)
    return Shown(contact, told, wiring.segments_of(content).count)


# --- on paper -----------------------------------------------------------------------------------


def printed(incident: Incident, organisation: Organisation, locale: str, seen: Shown, now: datetime) -> bytes:
    """The letter as a PDF, as a printer gets it. Raises: Refused when it cannot be printed; `now` in UTC."""
    letter, run = _letter(locale, seen), _run(incident, organisation, now)
    made: Batch | Fault = next(letter_runs.printed([letter], run))
    if isinstance(made, Fault):
        raise Refused(_("This letter cannot be printed."), next_step=made.why)
    return made.pdf.data


def picture(incident: Incident, organisation: Organisation, locale: str, seen: Shown, now: datetime) -> bytes:
    """The first page of it as a PNG. Raises: as `printed`."""
    letter, run = _letter(locale, seen), _run(incident, organisation, now)
    try:
        lines = addresses.lines_of(letter.address, sent_from=run.country, locale=run.locale)
    except addresses.Unusable as why:
        raise Refused(_("This letter cannot be printed."), next_step=str(letter_runs.WHY[why.code])) from None
    return setting.page_of([setting.Addressed(letter, lines)], run, 1).pictures()[0]


def _letter(locale: str, seen: Shown) -> Letter:
    told, name, where = seen.content["letter"], seen.contact.name, seen.contact.address
    if where is None:
        raise Refused(
            _("There is no postal address of this person."), next_step=_("Look at the e-mail instead.")
        )
    address = letter_runs.Address(
        name=name, line1=where.line1, line2=where.line2, postcode=where.postcode, city=where.city,
        country=where.country,
    )  # fmt: skip
    return Letter("1", CODE, address, letters.paper(told, locale), told["opening"])


def _run(incident: Incident, organisation: Organisation, now: datetime) -> Run:
    known, contact = profile_of(organisation), contact_of(organisation)
    windows = letter_runs.common_in(organisation.country) or letter_runs.all_windows()
    lines = tuple(each.strip() for each in known.address.splitlines() if each.strip())
    reach = tuple(filter(None, (contact.phone, contact.email)))
    return Run(
        number=incident.number, sender=Sender(organisation.name, lines, reach), country=organisation.country,
        locale=organisation.locale, day=locales.local(now, organisation.timezone).date(), made_at=now,
        window=windows[0],
    )  # fmt: skip


# --- to oneself ---------------------------------------------------------------------------------


def send_to_self(
    incident: Incident, communication: SubjectCommunication, locale: str, channel: str, *, to: StaffMember,
    now: datetime,
) -> str:  # fmt: skip
    """Owe a colleague a proof copy by e-mail or text message; the address it goes to.

    It says that it is one, for a made-up reader, and is no communication: nobody has been told by it.
    Raises: Refused for who has no verified number, and for a channel that is neither.
    """
    address = _own(to, channel)
    told = letters.context(communication.texts[locale], locale, made_up(locale).name)
    page = wiring.check_url().replace(fields.mark(fields.CODE), CODE)
    outbox.post(
        organisation_id=incident.organisation_id, about=incident.chain, kind="internal", template=TEMPLATE,
        recipient=outbox.recipient(incident.chain, channel, address, locale, to.id),
        context={**told, "proof": "yes", "check_url": page},
        dedupe_key=f"proof:{communication.id}:{locale}:{new_id()}", now=now,
    )  # fmt: skip
    return address


def _own(to: StaffMember, channel: str) -> str:
    known = [each.address for each in ways.ways_of(to) if each.channel == channel]
    if channel == "email":
        return known[0] if known else to.email
    if channel != "sms" or not known:
        raise Refused(
            _("There is no verified number of yours."),
            next_step=_("Add one below “How you are reached”, or send it to your e-mail."),
        )
    return known[0]
