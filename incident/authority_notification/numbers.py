"""Case numbers: whether one can be the authority's, as its data say how it writes them."""

from typing import Final

from flask_babel import gettext as _

from foundation import locales
from foundation.errors import Invalid
from incident import authorities, drafting
from incident.authorities import Authority

LONGEST: Final = 80
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


class Unusual(Invalid):
    """A case number that is not written as usual: it is taken once a person has said that it is right."""


def tidied(number: str) -> str:
    """A number as it is kept: one space between its parts, and plain hyphens where a PDF had others."""
    return " ".join(number.translate(_DASHES).split())


def check(number: str, authority: str, *, confirmed: bool) -> bool:
    """Whether a tidied case number of an authority (its key) is unusual, and confirmed to be so.

    False for the usual and for none. Raises: Invalid when it is too long, or written as another authority
    writes its own; Unusual when it is written as nobody does and not `confirmed`.
    """
    if len(number) > LONGEST:
        raise Invalid(
            _("The case number has more than %(most)s signs.", most=LONGEST),
            next_step=_("Enter the number alone; what else came back is kept as the receipt."),
        )
    like, known = authorities.of_number(number), authorities.by_key(authority)
    pattern = known.case_number if known else None
    if not number or known in like or not (pattern or like):
        return False
    if like and pattern:
        raise Invalid(
            _("This is written like a case number of %(others)s.", others=_named(like)),
            next_step=_("This filing is with %(own)s, whose numbers look like %(example)s. Look again.",
                        own=_name(authority), example=pattern.example),
        )  # fmt: skip
    if not confirmed:
        raise _unusual(number, authority, like)
    return True


def _unusual(number: str, authority: str, like: tuple[Authority, ...]) -> Unusual:
    """What to ask of a number that is not written as the authority writes its own."""
    known = authorities.by_key(authority)
    if known is None or known.case_number is None:
        return Unusual(
            _("This is written like a case number of %(others)s.", others=_named(like)),
            next_step=_("How %(own)s writes its own is not known here: confirm that it is right.",
                        own=_name(authority)),
        )  # fmt: skip
    if known.receipt_number and known.receipt_number.looks_right(number):
        return Unusual(
            _("This is written like the %(receipt)s, not like the %(label)s, such as %(example)s.",
              receipt=known.receipt_number.label, label=known.case_number.label,
              example=known.case_number.example),
            next_step=_("Enter the other one, or confirm that this is it."),
        )  # fmt: skip
    return Unusual(
        _("The case number is not written as usual, such as %(example)s.", example=known.case_number.example),
        next_step=_("Check it for slips, then confirm that it is written so."),
    )


def _named(several: tuple[Authority, ...]) -> str:
    return ", ".join(_name(each.key) for each in several)


def _name(authority: str) -> str:
    return drafting.name_of(authority, locales.current())
