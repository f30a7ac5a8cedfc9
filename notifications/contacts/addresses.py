"""Is this a number or an address that somebody can be reached by, and how is it written."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from foundation.errors import Invalid
from notifications.channels import chat
from notifications.models import Channel
from notifications.rules import chat as services

MOBILE = {
    PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}  # fmt: skip
CALLABLE = MOBILE | {PhoneNumberType.FIXED_LINE, PhoneNumberType.UAN}
LONGEST = 300


def checked(channel: str, typed: str, *, country: str, rehearsal: bool) -> str:
    """What was typed as it is kept: a number in E.164, an e-mail address, an address of a chat service.

    `country` (ISO 3166-1) is where a number without a country code is taken to be from. Numbers that
    nobody can have are let in in a rehearsal, where nothing is called. Raises: Invalid.
    """
    typed = typed.strip()[: services.LONGEST + 1]
    if channel in (Channel.SMS, Channel.VOICE):
        return _number(channel, typed, country, rehearsal=rehearsal)
    if channel == Channel.EMAIL:
        return _mail(typed)
    if channel == Channel.CHAT:
        return _chat(typed, rehearsal=rehearsal)
    raise Invalid(_("Choose what it is: text messages, calls, e-mail or chat."))


def _number(channel: str, typed: str, country: str, *, rehearsal: bool) -> str:
    try:
        number = phonenumbers.parse(typed[:40], country)
    except NumberParseException:
        raise _no_number() from None
    known = phonenumbers.is_valid_number(number)
    if not known and not (rehearsal and phonenumbers.is_possible_number(number)):
        raise _no_number()
    if known:
        _check_kind(channel, number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _no_number() -> Invalid:
    return Invalid(
        _("This is not a telephone number."),
        next_step=_("Write it with its country code, such as +45 20 00 00 00."),
    )


def _check_kind(channel: str, number: PhoneNumber) -> None:
    kind = phonenumbers.number_type(number)
    if channel == Channel.SMS and kind == PhoneNumberType.FIXED_LINE:
        raise Invalid(
            _("This is a landline: it gets no text messages."), next_step=_("Add it as a number for calls.")
        )
    if kind not in (MOBILE if channel == Channel.SMS else CALLABLE):
        raise Invalid(
            _("Numbers of this kind are not called: they cost whoever calls, or ring at nobody's."),
            next_step=_("Give the number of a mobile, or of a landline for calls."),
        )


def _mail(typed: str) -> str:
    try:
        return str(validate_email(typed, check_deliverability=False, test_environment=True).normalized)
    except EmailNotValidError:
        raise Invalid(_("This is not an e-mail address."), next_step=_("Check it for slips.")) from None


def _chat(typed: str, *, rehearsal: bool) -> str:
    try:
        chat.service_of(typed, rehearsal=rehearsal)
    except chat.NotSuch as wrong:
        if services.is_unencrypted(typed) and not rehearsal:
            raise Invalid(
                _("This address sends in the clear."),
                next_step=_("Use the encrypted kind, which mostly ends in s, as in ntfys://"),
            ) from None
        raise Invalid(
            _("This is no address of a chat service that can be used here. %(why)s", why=str(wrong)),
            next_step=_("Look at the examples below the field."),
        ) from None
    return typed


def shown(channel: str, address: str, *, country: str) -> str:
    """An address as its owner is shown it: numbers as they are written at home, chat without its secrets."""
    if channel == Channel.CHAT:
        return services.shown(address)
    if channel == Channel.EMAIL:
        return address
    number = phonenumbers.parse(address)
    at_home = number.country_code == phonenumbers.country_code_for_region(country)
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)
