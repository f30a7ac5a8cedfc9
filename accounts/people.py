"""Who works for an organisation: found, added, given a role, disabled.

Whatever changes what a person may do ends that person's sign-ins, and enters the ledger of the
organisation.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from accounts import passwords
from accounts.models import Organisation, Role, StaffMember
from foundation import ledger, locales
from foundation.database import db, everyone
from foundation.errors import Invalid, Missing

CHANGES = "staff_changes"  # of app.extensions: what goes around a change of who may do what
Around: TypeAlias = Callable[..., AbstractContextManager[None]]


def organisation(key: str) -> Organisation:
    """The organisation of that key. Raises: Missing."""
    found = db.session.scalar(select(Organisation).where(Organisation.key == key))
    if found is None:
        known = ", ".join(each.key for each in organisations()) or _("none yet")
        raise Missing(
            _("There is no organisation %(key)s.", key=key), next_step=_("Known: %(keys)s.", keys=known)
        )
    return found


def organisations() -> list[Organisation]:
    """All organisations of this installation, by key."""
    return list(db.session.scalars(select(Organisation).order_by(Organisation.key)))


def add_organisation(
    key: str, *, name: str, country: str, timezone: str, prefix: str, locale: str, now: datetime,
    profile: dict[str, Any] | None = None,
) -> Organisation:  # fmt: skip
    """A new organisation; `country` is ISO 3166-1, `timezone` IANA, `prefix` begins incident numbers.

    Raises: Invalid when key or prefix are taken, or country or zone are unknown.
    """
    if prefix.strip().upper() == "DRILL":
        raise Invalid(_("Numbers that begin with DRILL are those of drills: choose another prefix."))
    if timezone not in available_timezones():
        raise Invalid(_("%(zone)s is no time zone, such as Europe/Copenhagen.", zone=timezone))
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise Invalid(_("%(country)s is no country code, such as DK.", country=country))
    if db.session.scalar(select(Organisation.id).where(Organisation.key == key)):
        raise Invalid(_("There is an organisation %(key)s already.", key=key))
    added = Organisation(
        key=key, name=name, country=country.upper(), timezone=timezone, incident_prefix=prefix,
        locale=locales.choose(locale), profile=profile or {}, created_at=now,
    )  # fmt: skip
    db.session.add(added)
    db.session.flush()
    return added


def staff_member(staff_id: UUID) -> StaffMember:
    """The person of that id, within the present scope. Raises: Missing."""
    found = db.session.scalar(select(StaffMember).where(StaffMember.id == staff_id))
    if found is None:
        raise Missing(_("There is no such person here."))
    return found


def staff_of(organisation_id: UUID) -> list[StaffMember]:
    """Everybody of an organisation, by name, those disabled included."""
    mine = StaffMember.organisation_id == organisation_id
    return list(db.session.scalars(select(StaffMember).where(mine).order_by(StaffMember.name)))


def staff_with_role(organisation_id: UUID, role: Role) -> list[StaffMember]:
    """Those of an organisation who hold the role and are active, by name."""
    return [each for each in staff_of(organisation_id) if each.active and each.role is role]


def staff_by_email(email: str) -> StaffMember | None:
    """Whom the address belongs to, in any organisation: an address signs in to one of them only."""
    with everyone():
        return db.session.scalar(select(StaffMember).where(StaffMember.email == email.strip().lower()))


def known_by_email(email: str) -> StaffMember:
    """Whom the address belongs to. Raises: Missing."""
    found = staff_by_email(email)
    if found is None:
        raise Missing(
            _("Nobody signs in with this address."),
            next_step=_("`breachclock user list` shows who does."),
        )
    return found


def checked_email(email: str) -> str:
    """The address in lower case. Raises: Invalid when it is none, or somebody's already."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Invalid(_("This is not an e-mail address."), next_step=_("Check it for slips.")) from None
    if staff_by_email(email):
        raise Invalid(_("Somebody signs in with this address already."))
    return email.strip().lower()


def checked_password(password: str, *, name: str, email: str) -> str:
    """The hash of a new password. Raises: Invalid with what is wrong with it. Not in a transaction."""
    own_words = (*name.split(), *email.replace("@", ".").split("."), "breachclock")
    if wrong := passwords.faults(password, own_words=own_words):
        raise Invalid(" ".join(wrong))
    return passwords.hash_password(password)


def add_staff(
    employer: Organisation, *, name: str, email: str, role: Role, password_hash: str | None,
    by: str, now: datetime, locale: str | None = None,
) -> StaffMember:  # fmt: skip
    """A new member of staff; without a hash the person cannot sign in by password yet.

    `password_hash` comes from `checked_password`, `locale` defaults to the organisation's.
    Raises: Invalid when the address is not one, or taken.
    """
    added = StaffMember(
        organisation_id=employer.id, name=name, email=checked_email(email), role=role,
        password=password_hash, locale=locales.choose(locale, employer.locale), created_at=now,
        fs_uniquifier=uuid4().hex,
    )  # fmt: skip
    db.session.add(added)
    db.session.flush()
    _record(added, "person.added", by=by, now=now, role=role.value)
    return added


def set_password(staff: StaffMember, password_hash: str, *, by: str, now: datetime) -> None:
    """Give a new password; every sign-in of the person ends."""
    staff.password = password_hash
    _end_sign_ins(staff)
    _record(staff, "person.password_set", by=by, now=now)


def change_role(staff: StaffMember, role: Role, *, by: str, now: datetime, reason: str | None = None) -> None:
    """Give another role, in force at once; every sign-in of the person ends."""
    before = staff.role.value
    with _around(staff, by, now):
        staff.role = role
        _end_sign_ins(staff)
        _record(staff, "person.role_changed", by=by, now=now, reason=reason, before=before, role=role.value)


def disable(staff: StaffMember, *, by: str, now: datetime, reason: str | None = None) -> None:
    """Let this person in no more; what they did stays, and so does their name on it."""
    with _around(staff, by, now):
        staff.active = False
        _end_sign_ins(staff)
        _record(staff, "person.disabled", by=by, now=now, reason=reason)


def enable(staff: StaffMember, *, by: str, now: datetime, reason: str | None = None) -> None:
    """Let this person in again."""
    with _around(staff, by, now):
        staff.active = True
        _record(staff, "person.enabled", by=by, now=now, reason=reason)


def _around(staff: StaffMember, by: str, now: datetime) -> AbstractContextManager[None]:
    """What those do around it who keep who is on duty; nothing where nobody does."""
    around: Around | None = current_app.extensions.get(CHANGES)
    return around(staff, by=by, now=now) if around else nullcontext()


def _end_sign_ins(staff: StaffMember) -> None:
    staff.fs_uniquifier = uuid4().hex


def _record(
    staff: StaffMember, action: str, *, by: str, now: datetime, reason: str | None = None, **details: str
) -> None:
    ledger.append(
        f"organisation/{staff.organisation_id}", action, organisation_id=staff.organisation_id,
        actor=by, at=now, reason=reason, person=staff.id, **details,
    )  # fmt: skip
