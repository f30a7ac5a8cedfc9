"""Pages of escalation: policies, teams, whom a page goes to at last, and whom it would ring at any time.

The editor works with a keyboard and without script: each button sends the whole form, and only "Keep it"
keeps anything. What was typed comes back with every fault.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from notifications import policies, targets, teams
from notifications.policies import Changed, Draft
from notifications.rota import forms
from notifications.rules import terms
from notifications.rules.escalation import Target, targets_of

bp = Blueprint("policies", __name__, url_prefix="/on-call/policies")
AHEAD = timedelta(days=14)  # so far it is looked for hours in which a step reaches nobody
TONIGHT = 3  # o'clock
STEP_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in the editor, and what is to be said of it."""

    policy_id: UUID | None
    draft: Draft
    at: datetime
    faults: tuple[str, ...] = ()


@bp.get("")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """The policies and teams of an organisation, and whom a page would ring tonight."""
    staff, now = current_staff(), utcnow()
    whose = staff.organisation_id
    found, at = policies.policies(whose), _tonight(now)
    steps = found[0].steps if found and found[0].steps else targets.BUILT_IN
    rounds = found[0].rounds if found else terms.rounds(now).rounds
    names = {str(each.id): each.name for each in people.staff_of(whose)}
    return render_template(
        "notifications/policies.html", policies=found, teams=teams.teams(whose), names=names, at=at,
        rungs=policies.preview(whose, steps, rounds, at), steps=steps, targets_of=targets_of,
        nobody=policies.reach_nobody(whose, steps, now, now + AHEAD), last=teams.last_resort(whose),
        resort=targets.last_resort(whose), called=_called(whose), used_by=teams.used_by,
        manages=may(staff, Permission.MANAGE_ON_CALL), now=now,
    )  # fmt: skip


@bp.get("/new")
@requires(Permission.MANAGE_ON_CALL)
def new() -> ResponseReturnValue:
    """The editor with a beginning: who is on duty, then all responders."""
    now, whose = utcnow(), current_staff().organisation_id
    lines = [options for group, options in teams.choices(whose) if options[0][0].startswith("schedule:")]
    first = [each for options in lines for each in teams.read_targets([options[0][0]], whose)]
    steps = [{"targets": each, "minutes": STEP_MINUTES} for each in (first, targets.BACKSTOP) if each]
    return _editor(Sheet(None, Draft("", terms.rounds(now).rounds, steps), _tonight(now)))


@bp.get("/<uuid:policy_id>")
@requires(Permission.MANAGE_ON_CALL)
def edit(policy_id: UUID) -> ResponseReturnValue:
    """The editor with a policy as it stands."""
    found = policies.policy(policy_id)
    steps = [
        {"targets": list(targets_of(step)), "minutes": step.get("minutes", STEP_MINUTES)}
        for step in found.steps
    ]  # fmt: skip
    draft = Draft(found.name, found.rounds, steps, found.revision)
    return _editor(Sheet(policy_id, draft, _tonight(utcnow())))


@bp.post("")
@requires(Permission.MANAGE_ON_CALL)
def create() -> ResponseReturnValue:
    """Keep a new policy, or change what stands in the editor."""
    return _sent(None)


@bp.post("/<uuid:policy_id>")
@requires(Permission.MANAGE_ON_CALL)
def change(policy_id: UUID) -> ResponseReturnValue:
    """Keep a policy changed, or change what stands in the editor."""
    policies.policy(policy_id)
    return _sent(policy_id)


def _sent(policy_id: UUID | None) -> ResponseReturnValue:
    draft, at = _draft(), _asked_at()
    do = request.form.get("do", "show")
    if do != "keep":
        return _editor(Sheet(policy_id, _edited(draft, do), at))
    staff = current_staff()
    try:
        with transaction():
            policies.save(staff.organisation_id, policy_id, draft, by=staff, now=utcnow())
    except Changed as meanwhile:
        return _editor(Sheet(policy_id, draft, at, (str(meanwhile), meanwhile.next_step or ""))), 409
    except Invalid:
        wrong = policies.faults(staff.organisation_id, policy_id, draft, utcnow())
        return _editor(Sheet(policy_id, draft, at, tuple(wrong))), 422
    flash(_("Kept. New pages go by it where it is in force; open ones keep the copy they have."), "success")
    return redirect(url_for("policies.index"), 303)


def _draft() -> Draft:
    """What was sent, step by step, empty choices left out; numbers that are none count as 0.

    One step too many is read, so that it is refused and not lost.
    """
    form, whose = request.form, current_staff().organisation_id
    steps = [
        {"targets": teams.read_targets(form.getlist(f"target-{number}"), whose),
         "minutes": form.get(f"minutes-{number}", type=int) or 0}
        for number in range(min(form.get("steps", 0, type=int), terms.rounds(utcnow()).most_steps + 1))
    ]  # fmt: skip
    rounds, revision = form.get("rounds", type=int) or 0, form.get("revision", type=int) or 0
    return Draft(form.get("name", "")[:200], rounds, steps, revision)


def _edited(draft: Draft, do: str) -> Draft:
    """The draft with what a button asks for done: a step more, one less, or two in the other order."""
    what, _colon, which = do.partition(":")
    steps, number = list(draft.steps), int(which) if which.isdigit() else -1
    if what == "add":
        steps.append({"targets": [], "minutes": STEP_MINUTES})
    elif what == "remove" and 0 <= number < len(steps):
        del steps[number]
    elif what == "up" and 0 < number < len(steps):
        steps[number - 1], steps[number] = steps[number], steps[number - 1]
    return Draft(draft.name, draft.rounds, steps, draft.revision)


def _editor(sheet: Sheet) -> str:
    whose, now = current_staff().organisation_id, utcnow()
    steps, draft = [each for each in sheet.draft.steps if each["targets"]], sheet.draft
    rounds = min(max(draft.rounds, 1), policies.MOST_ROUNDS)
    theirs = policies.policy(sheet.policy_id) if sheet.policy_id else None
    return render_template(
        "notifications/policy.html", sheet=sheet, draft=draft, choices=teams.choices(whose),
        value_of=teams.value_of, rungs=policies.preview(whose, steps, rounds, sheet.at), theirs=theirs,
        nobody=policies.reach_nobody(whose, draft.steps, now, now + AHEAD),
        at_local=sheet.at.astimezone(_zone()).strftime("%Y-%m-%dT%H:%M"),
        open_pages=policies.open_pages(theirs.name) if theirs else 0, most=policies.MOST_ROUNDS,
    )  # fmt: skip


def _called(whose: UUID) -> Any:
    named = {value: name for _group, options in teams.choices(whose) for value, name in options}

    def name(target: Target) -> str:
        return named.get(teams.value_of(target)) or _("gone: reaches nobody")

    return name


def _zone() -> ZoneInfo:
    return ZoneInfo(current_staff().organisation.timezone)


def _tonight(now: datetime) -> datetime:
    """The coming night's hour at which nobody likes to be called, in the organisation's zone."""
    here = now.astimezone(_zone())
    night = here.replace(hour=TONIGHT, minute=0, second=0, microsecond=0)
    return night if night > here else night + timedelta(days=1)


def _asked_at() -> datetime:
    """The time that the preview was asked for, in the organisation's zone; else tonight."""
    asked = forms.local(request.form.get("at", ""), current_staff().organisation.timezone)
    return asked or _tonight(utcnow())


@bp.post("/<uuid:policy_id>/force")
@requires(Permission.MANAGE_ON_CALL)
def put_in_force(policy_id: UUID) -> ResponseReturnValue:
    """Let new pages go by this policy."""
    with transaction():
        policies.put_in_force(policy_id, by=current_staff(), now=utcnow())
    flash(_("New pages go by it from now on; open ones keep the copy they have."), "success")
    return redirect(url_for("policies.index"), 303)


@bp.post("/<uuid:policy_id>/deletion")
@requires(Permission.MANAGE_ON_CALL)
def delete(policy_id: UUID) -> ResponseReturnValue:
    """Delete a policy."""
    with transaction():
        name = policies.delete(policy_id, by=current_staff(), now=utcnow())
    flash(_("%(name)s is deleted. Open pages keep the copy they have.", name=name), "success")
    return redirect(url_for("policies.index"), 303)
