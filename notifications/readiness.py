"""Is delivery ready for a night: what works, what is set up, who can be reached; each as one check."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation import locales, queue
from foundation.database import db
from foundation.settings import Settings
from notifications import canary, channels, figures, heartbeat, on_duty, paging, ways
from notifications.models import Circuit, ContactMethod, EscalationPolicy
from notifications.models.watching import TEST_PAGE
from notifications.rota import leaving
from notifications.rules import watching
from notifications.rules.watching import Check, Light, Verdict

WAYS = {"sms": "SMS", "email": "e-mail", "voice": "calls", "chat": "chat"}
ENCRYPTED = (ContactMethod.address,)  # columns that show whether the keys are there
NEEDED = ("sms", "email")  # channels that want a second provider


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


# --- the ways out ---------------------------------------------------------------------------------


def providers() -> Iterator[Check]:
    """Providers that refuse our account, and channels with one provider only."""
    refusing = list(db.session.scalars(select(Circuit).where(Circuit.closed_at.is_(None))))
    names = ", ".join(f"{each.provider} ({each.why})" for each in refusing)
    yield Check(
        "refusals", Light.RED if refusing else Light.GREEN, _("Providers take our messages"),
        _("Refuse our account: %(names)s.", names=names) if refusing else _("None refuses our account."),
        _("Correct the account; what waits follows by itself."), "/messages",
    )  # fmt: skip
    served = channels.names()
    single = [WAYS[each] for each in NEEDED if each not in served or len(served[each].names) < 2]
    yield Check(
        "second_provider", Light.YELLOW if single else Light.GREEN, _("A second way out"),
        _("One provider only: %(names)s.", names=", ".join(single)) if single
        else _("Text messages and e-mail each have a second provider."),
        _("Set up a second provider, so that one that fails silences nothing."),
    )  # fmt: skip


def asked(limit: float) -> Iterator[Check]:
    """Ask each provider whether it is there and knows our key; sends nothing. Seconds, so not for a page."""
    known = {each.name: each for found in current_app.extensions["channels"].values() for each in found}
    for name, provider in sorted(known.items()):
        check = getattr(provider, "check", None)
        if check is None:
            continue
        trouble = check(limit)
        yield Check(
            f"provider_{name}", Light.RED if trouble else Light.GREEN,
            _("%(name)s can be reached", name=name.title()), trouble or _("It answers, and knows our key."),
            _("Look at the account, the key and the way to the network."),
        )  # fmt: skip


def probes(zone: str, now: datetime) -> Iterator[Check]:
    """The canaries and the test page."""
    settings = _settings()
    missing = [
        name
        for name, told in (
            ("BREACHCLOCK_TEST_NUMBER", settings.test_number),
            ("BREACHCLOCK_TEST_EMAIL", settings.test_email),
        )
        if not told
    ]
    if missing:
        yield Check(
            "probes_off", Light.YELLOW, _("Tests through the whole way"),
            _("Some are off: %(names)s not set.", names=", ".join(missing)),
            _("Give a number and an address of your own, so that messages that do not arrive are noticed."),
        )  # fmt: skip
    for each in canary.standing():
        yield _probe(each, zone, now)


def _probe(last: canary.Last, zone: str, now: datetime) -> Check:
    what = _("Test page by text message, with its answer") if last.kind == TEST_PAGE else (
        _("Canary by text message") if last.channel == "sms" else _("Canary by e-mail")
    )  # fmt: skip
    says = _("None has come through yet.")
    if last.well_at and last.took is not None:
        when = locales.instant(last.well_at, zone, locales.current())
        seconds = round(last.took.total_seconds(), 1)
        says = _("Last through: %(when)s, in %(seconds)s s.", when=when, seconds=seconds)
    light = watching.light_of_probes([last.verdict])
    if (
        light is Light.GREEN
        and last.sent_at
        and now - last.sent_at > watching.terms().probe_missing * _every(last)
    ):
        light = Light.RED  # none goes any more
    if last.verdict in (Verdict.LATE, Verdict.FAILED):
        says = f"{last.why}. {says}"
    return Check(
        f"{last.kind}_{last.channel}", light, what, says,
        _("Look at the provider, the test number or mailbox, and the address for callbacks."),
    )  # fmt: skip


def _every(last: canary.Last) -> timedelta:
    terms = watching.terms()
    return terms.page_every if last.kind == TEST_PAGE else terms.canary_every


def outside(zone: str, now: datetime) -> Iterator[Check]:
    """The heartbeat."""
    what, mend = _("Somebody outside hears us"), _("Set BREACHCLOCK_HEARTBEAT_URL, or look at who is called.")
    if not _settings().heartbeat_url:
        yield Check(
            "heartbeat", Light.YELLOW, what, _("No heartbeat address: nobody outside notices silence."), mend
        )
        return
    heard, unheard = queue.last_beat(heartbeat.HEARD), queue.last_beat(heartbeat.UNHEARD)
    silent = heard is None or now - heard > watching.terms().heartbeat_unheard
    when = locales.instant(heard, zone, locales.current()) if heard else _("never")
    light = Light.RED if silent else Light.GREEN
    if heard is None and unheard is None:
        light = Light.YELLOW  # just begun
    yield Check("heartbeat", light, what, _("Last heard: %(when)s.", when=when), mend)


# --- the clock and what waits ---------------------------------------------------------------------


def waiting(now: datetime) -> Iterator[str]:
    """What /readyz says of delivery, in words: what is due and does not move."""
    waited = {kind: now - since for kind, since in figures.oldest_due_by_kind(now).items()}
    for kind, length in waited.items():
        if length > watching.longest_wait(kind):
            seconds = int(length.total_seconds())
            yield f"a message ({kind}) that is due has waited {seconds} s: are the workers running?"
    since = figures.page_left_alone(now)
    if since and now - since > watching.terms().stuck:
        yield f"a page that is due to move on has waited {int((now - since).total_seconds())} s"
    if canary.no_way_out(canary.standing()):
        yield "no way out works: the canaries of text messages and of e-mail do not come through"


def wanting() -> Iterator[Check]:
    """Messages that only people can see to."""
    number = figures.wanting_a_person()
    says = ngettext(
        "%(num)s message reached nobody, or nobody knows.",
        "%(num)s messages reached nobody, or nobody knows.", number,
    )  # fmt: skip
    yield Check(
        "wanting", Light.YELLOW if number else Light.GREEN, _("No message waits for a person"),
        says if number else _("Every message has gone its way."), _("Decide of each."), "/messages",
    )  # fmt: skip


# --- people ---------------------------------------------------------------------------------------


def rota(organisation: Organisation, now: datetime) -> Iterator[Check]:
    """Gaps of the coming days, and whether those on call can be reached."""
    gaps = on_duty.gaps(organisation.id, now, now + watching.terms().gaps_within)
    light = watching.worst(watching.light_of_gap(each.start, now) for each in gaps)
    first = min(gaps, key=lambda each: each.start, default=None)
    says = _("Somebody is on call at every hour of the next 14 days.")
    if not on_duty.lines(organisation.id):
        light, says = Light.YELLOW, _("There is no schedule: pages go to everybody who answers incidents.")
    if first:
        when = locales.instant(first.start, organisation.timezone, locales.current())
        says = ngettext(
            "%(num)s gap in the next 14 days, at %(when)s (%(schedule)s).",
            "%(num)s gaps in the next 14 days, the first at %(when)s (%(schedule)s).",
            len(gaps), when=when, schedule=first.name,
        )  # fmt: skip
    yield Check("gaps", light, _("The rota has no gaps"), says, _("Give the hours to somebody."), "/on-call")
    gone = leaving.stand_ins_gone(organisation.id, now + watching.terms().gaps_within, now)
    says = _("Everybody who is to stand in for somebody is still here.")
    if gone:
        when = locales.instant(gone[0][1], organisation.timezone, locales.current())
        says = ngettext(
            "%(num)s stand-in takes no pages any more, from %(when)s (%(schedule)s).",
            "%(num)s stand-ins take no pages any more, the first from %(when)s (%(schedule)s).",
            len(gone), when=when, schedule=gone[0][0].name,
        )  # fmt: skip
    yield Check(
        "stand_ins", Light.RED if gone else Light.GREEN, _("Stand-ins are still here"), says,
        _("Take the change back, or let somebody else stand in."), "/on-call",
    )  # fmt: skip
    yield _called(organisation, now)


def _called(organisation: Organisation, now: datetime) -> Check:
    """Who would be called now: by the rota, else by role, as a page does it."""
    on_call = _people(on_duty.on_call(organisation.id, now))
    by_role = [
        each for role in (Role.RESPONDER, Role.DPO) for each in people.staff_with_role(organisation.id, role)
    ]
    called = on_call or by_role
    names = ", ".join(each.name for each in called) or _("nobody")
    deaf = [each.name for each in called if not ways.reachable(each.id)]
    light, says = Light.GREEN, _("On call now: %(names)s.", names=names)
    if not on_call:
        light, says = Light.YELLOW, _("Nobody is on call now; a page would go to: %(names)s.", names=names)
    if len(deaf) == len(called) or (on_call and deaf):
        light = Light.RED
    if deaf:
        says += " " + _("Cannot be reached: %(names)s.", names=", ".join(deaf))
    return Check(
        "on_call", light, _("Who is on call can be reached"), says,
        _("Give them a verified number, or put somebody else on call."), "/on-call",
    )  # fmt: skip


def contacts(organisation: Organisation) -> Iterator[Check]:
    """Ways that nobody has verified, and whether anybody, and the DPO, can be reached at all."""
    unverified = sorted({each.name for each in _people(ways.unverified(organisation.id))})
    yield Check(
        "unverified", Light.YELLOW if unverified else Light.GREEN, _("Numbers and addresses are verified"),
        _("Not verified, of: %(names)s.", names=", ".join(unverified)) if unverified
        else _("Each was shown to reach its person."),
        _("Ask them to type the code that their own page sends."), "/reached-by/colleagues",
    )  # fmt: skip
    dpos = people.staff_with_role(organisation.id, Role.DPO)
    reached = [each.name for each in dpos if ways.reachable(each.id)]
    yield Check(
        "dpo", Light.GREEN if reached else Light.RED, _("The data protection officer can be reached"),
        ", ".join(reached) or _("Nobody with that role can be reached."),
        _("Give somebody the role, and a verified way to them."), "/on-call",
    )  # fmt: skip


def policies(organisation: Organisation, now: datetime) -> Iterator[Check]:
    """Steps of escalation policies that would reach nobody now."""
    mine = select(EscalationPolicy).where(EscalationPolicy.organisation_id == organisation.id)
    found = list(db.session.scalars(mine.order_by(EscalationPolicy.name)))
    empty = [
        _("%(name)s, step %(number)d", name=policy.name, number=number)
        for policy in found
        for number, step in enumerate(policy.steps, 1)
        if not _reaches(organisation.id, step, now)
    ]
    says = _("Every step reaches somebody now.") if found else _("There is none: everybody is paged at once.")
    yield Check(
        "policies", Light.RED if empty else Light.YELLOW if not found else Light.GREEN,
        _("Steps of a page reach somebody"),
        _("Reach nobody now: %(names)s.", names="; ".join(empty)) if empty else says,
        _("Name somebody who can be reached."), "/on-call",
    )  # fmt: skip


def _reaches(organisation_id: UUID, step: dict[str, Any], now: datetime) -> bool:
    if any("incident_role" in each for each in step.get("targets", [step])):
        return True  # whom it reaches, only an incident says; its roles are filled within seconds
    called = paging.people_of(organisation_id, step, now)
    return any(ways.reachable(each.id) for each in called)


def _people(ids: Iterable[UUID]) -> list[StaffMember]:
    return [person for each in dict.fromkeys(ids) if (person := ways.active(each))]
