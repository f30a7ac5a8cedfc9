"""What each role may do, and the marks by which every route says who may call it.

A route has exactly one of three marks: `@requires(Permission.X)` for staff, `@open_to_all(reason)`
for anybody, `@signed_by(scheme)` for programs. A test refuses a route without one. The mark stands
below the route: `@bp.get(...)` first, then `@requires(...)`.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial, wraps
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import g, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import ColumnElement
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from accounts.models import Role, StaffMember
from foundation.errors import NotAllowed
from foundation.http import csrf

P = ParamSpec("P")
R = TypeVar("R")
SIGN_IN = "accounts.ask"
log = structlog.get_logger()


class Permission(StrEnum):
    """One thing that somebody may do."""

    # Reading
    SEE_INCIDENTS = "see incidents"  # the board and every incident that is not restricted
    SEE_RESTRICTED = "see restricted incidents"  # also those kept from colleagues, unless named there
    SEE_REGISTER = "see the register"  # the record of all breaches, art. 33(5)
    SEE_ON_CALL = "see who is on call"  # rota, policies, and what became of each page
    SEE_PROCESSORS = "see processors"  # who may report, and when each last did
    SEE_RECIPIENTS = "see recipients"  # the contact data of people concerned, in the clear
    VERIFY_AUDIT = "verify the ledger"  # check that no entry was changed, take evidence away
    # Working an incident
    REPORT_INCIDENT = "report an incident"  # tell of a breach by the form
    ACKNOWLEDGE_PAGE = "acknowledge a page"  # say: I have it
    SAY_HOW_REACHED = "say how one is reached"  # one's own numbers, addresses and quiet hours
    TRIAGE = "triage"  # confirm that it is a personal data breach, or that it is not
    CORRECT_AWARENESS = "correct awareness"  # move the moment the clocks run from, with a reason
    ASSESS = "assess"  # record the risk to people, and decide whom to tell
    AGREE_TO_DECISION = "agree to a decision"  # as the second person, not to tell
    COMPLETE_STEPS = "complete steps"  # of a playbook run, or skip them with a reason
    RUN_DRILLS = "run drills"  # start and end an exercise, which reaches nobody
    # Telling the authority and the people
    PREPARE_NOTIFICATION = "prepare a notification"  # draft what the authority is told
    APPROVE_NOTIFICATION = "approve a notification"  # bound to the very text
    FILE_NOTIFICATION = "file a notification"  # record case number and receipt
    PREPARE_COMMUNICATION = "prepare a communication"  # letter and recipients
    APPROVE_COMMUNICATION = "approve a communication"
    SEND_COMMUNICATION = "send a communication"  # nothing calls a letter back
    CLOSE_INCIDENT = "close an incident"
    # Looking after the installation
    MANAGE_ON_CALL = "manage the rota"
    MANAGE_PROCESSORS = "manage processors"  # and their keys
    MANAGE_PLAYBOOKS = "manage playbooks"  # those of the organisation's own
    MANAGE_PEOPLE = "manage people"  # staff, roles, settings of the organisation


READING = {
    Permission.SEE_INCIDENTS, Permission.SEE_REGISTER, Permission.SEE_ON_CALL,
    Permission.SEE_PROCESSORS, Permission.VERIFY_AUDIT,
}  # fmt: skip
RESPONDING = {
    Permission.SEE_INCIDENTS, Permission.SEE_REGISTER, Permission.SEE_ON_CALL,
    Permission.SEE_PROCESSORS, Permission.REPORT_INCIDENT, Permission.ACKNOWLEDGE_PAGE,
    Permission.SAY_HOW_REACHED, Permission.TRIAGE, Permission.CORRECT_AWARENESS, Permission.ASSESS,
    Permission.AGREE_TO_DECISION, Permission.COMPLETE_STEPS, Permission.RUN_DRILLS,
    Permission.PREPARE_NOTIFICATION, Permission.PREPARE_COMMUNICATION, Permission.SEE_RECIPIENTS,
}  # fmt: skip

# Administrators are the management that a page goes to at last: whom it rings must be able to take it.
ADMINISTRATION = {
    Permission.ACKNOWLEDGE_PAGE, Permission.SEE_ON_CALL, Permission.MANAGE_ON_CALL, Permission.SEE_PROCESSORS,
    Permission.MANAGE_PROCESSORS, Permission.MANAGE_PEOPLE, Permission.SAY_HOW_REACHED,
}  # fmt: skip

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.RESPONDER: frozenset(RESPONDING),
    Role.DPO: frozenset(Permission) - {Permission.MANAGE_PEOPLE},
    Role.AUDITOR: frozenset(READING | {Permission.SEE_RESTRICTED}),
    Role.ADMIN: frozenset(ADMINISTRATION),
    Role.NONE: frozenset(),
}


def may(staff: StaffMember, permission: Permission) -> bool:
    """Whether this person's role holds the permission, now."""
    return staff.active and permission in ROLE_PERMISSIONS[staff.role]


def may_be_paged(staff: StaffMember) -> bool:
    """Whether this person may be on duty, be called and answer, by whatever way that is done."""
    return may(staff, Permission.ACKNOWLEDGE_PAGE)


PAGED = [role for role, granted in ROLE_PERMISSIONS.items() if Permission.ACKNOWLEDGE_PAGE in granted]


def pageable() -> ColumnElement[bool]:
    """The same as a condition on StaffMember."""
    return StaffMember.active & StaffMember.role.in_(PAGED)


def signed_in() -> StaffMember | None:
    """Who is signed in on this request, if anybody."""
    person = current_user._get_current_object()  # noqa: SLF001  the row itself goes into queries and tables
    return person if isinstance(person, StaffMember) else None


def current_staff() -> StaffMember:
    """Who is signed in on this request.

    Raises: Unauthorized (401) when nobody is.
    """
    staff = signed_in()
    if staff is None:
        raise Unauthorized
    return staff


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Let only those through whose role holds the permission.

    Others are asked to sign in first, or are refused (403), which is logged and recorded.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if signed_in() is None:
                return _ask_to_sign_in()
            _admit(permission)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        guarded.admit = partial(_admit, permission)  # type: ignore[attr-defined]
        return guarded

    return mark


def _admit(permission: Permission) -> None:
    """Raises: Unauthorized (401) when nobody is signed in, NotAllowed (403) when it is not theirs."""
    if not may(current_staff(), permission):
        _refuse(permission)


def _ask_to_sign_in() -> Response:
    """Off to the sign-in page and back here; a form that was sent is not sent again by itself."""
    if request.method not in ("GET", "HEAD"):
        raise Unauthorized
    here = request.full_path.rstrip("?")
    return redirect(url_for(SIGN_IN, next=None if here == "/" else here))


def _refuse(permission: Permission) -> None:
    log.warning("access.refused", permission=permission.value)
    g.refused_permission = permission  # recorded by accounts.views, which may write
    raise NotAllowed(
        _("Your role does not allow this."),
        next_step=_("Ask a colleague whose task it is, or an administrator of your organisation."),
    )


def open_to_all(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a route that anybody may call, and say why that is right."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.open_to_all = reason  # type: ignore[attr-defined]
        return view

    return mark


def signed_by(scheme: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a route that programs call, and name the signature it checks itself.

    No cookie counts there, hence no CSRF token is asked for.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.signed_by = scheme  # type: ignore[attr-defined]
        return cast(Callable[P, R], csrf.exempt(view))

    return mark


def guard_of(view: Callable[..., object]) -> str | None:
    """The mark of a route in words, for the test that wants one on each; None without."""
    for mark in ("permission", "open_to_all", "signed_by"):
        if value := getattr(view, mark, None):
            return f"{mark}: {value}"
    return None
