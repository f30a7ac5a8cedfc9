"""Five hundred reports within a minute: what telephones get of it, and whether any is told to nobody.

Everything runs as in production and nobody answers. An incident is told when the provider has a text that
is its page, or one that stands for several and its page among them.
"""

import math
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from statistics import median

import requests
from sqlalchemy import func, select

from accounts.models import StaffMember
from bench.installation import Installation, installation
from bench.senders import CONNECTIONS, Letters
from foundation.database import db, everyone, utcnow
from incident.models import Incident
from notifications.models import Channel, ContactMethod, Message, Page, Ring
from notifications.rules import terms

REPORTS = 500
WITHIN = 60.0  # seconds
ANSWERED_WITHIN = 30.0  # seconds; a processor that hears nothing sends the same again
LOOKED_EVERY = 2.0
GIVEN_UP = 900.0  # seconds after the last answer: what nobody was told of by then is lost


def run(database: str, *, seconds: float, rounds: int) -> None:  # noqa: ARG001  as long as it takes
    """Measure, print, and fail when an incident was told to nobody."""
    with installation(database) as laid, laid.running("web", "clock", "workers"):
        time.sleep(2)
        began = utcnow()
        answered = _storm(laid)
        told = _wait_until_all_are_told(laid, answered)
        texts, took = _texts(laid), utcnow() - began
    allowed = most_texts(took, terms.limits(began), terms.reminders(began))
    for name, count in texts.most_common():
        at_most = f"{allowed} at most in {took.total_seconds() / 60:.1f} min"
        print(f"  {count / allowed:5.2f} of the goal  {count} texts to {name}, {at_most}")
    _tell(answered, told)


def _storm(laid: Installation) -> dict[str, datetime]:
    """Report so many breaches to one organisation, evenly; when each was answered with 202, by number."""
    letters, start = Letters(laid.endpoints[:1]), time.monotonic()

    def report(position: int) -> tuple[str, datetime]:
        time.sleep(max(0.0, start + position * WITHIN / REPORTS - time.monotonic()))
        return _reported(*letters.letter(position, f"http://{laid.settings.bind}"))

    with ThreadPoolExecutor(CONNECTIONS) as senders:
        answered = dict(senders.map(report, range(REPORTS)))
    print(f"        {len(answered)} reports taken in within {time.monotonic() - start:.0f} s", flush=True)
    return answered


def _reported(url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, datetime]:
    """The number of the incident and when it was answered; the same report again while there is no 202."""
    until = time.monotonic() + GIVEN_UP
    while True:
        try:
            answer = requests.post(url, data=body, headers=headers, timeout=ANSWERED_WITHIN)
            if answer.status_code == requests.codes.accepted:
                return answer.json()["incident_number"], utcnow()
        except requests.RequestException:
            pass
        if time.monotonic() > until:
            raise TimeoutError("A report was never taken in.")
        time.sleep(1)


def _wait_until_all_are_told(laid: Installation, answered: Mapping[str, datetime]) -> dict[str, datetime]:
    """When a provider first had a text about each incident, by number; without those that took too long."""
    until = time.monotonic() + GIVEN_UP
    while True:
        told = _told(laid)
        if answered.keys() <= told.keys() or time.monotonic() > until:
            return told
        time.sleep(LOOKED_EVERY)


def _told(laid: Installation) -> dict[str, datetime]:
    first = (
        select(Page.about, func.min(Message.accepted_at))
        .join(Ring, Ring.page_id == Page.id)
        .join(Message, Message.id == Ring.message_id)
        .where(Message.channel == Channel.SMS, Message.accepted_at.is_not(None))
        .group_by(Page.about)
    )
    with laid.app.app_context(), everyone():
        numbers = {each.chain: each.number for each in db.session.scalars(select(Incident))}
        return {numbers[about]: at for about, at in db.session.execute(first) if about in numbers}


def _texts(laid: Installation) -> Counter[str]:
    """How many texts of any kind each colleague's telephone got, by name, as the provider counts them."""
    methods = select(ContactMethod, StaffMember).join(StaffMember, StaffMember.id == ContactMethod.staff_id)
    with laid.app.app_context(), everyone():
        whose = {method.address: person.name for method, person in db.session.execute(methods)}
    return Counter(whose.get(each["to"], each["to"]) for each in laid.sandbox.accepted("twilio"))


def most_texts(took: timedelta, limits: terms.Limits, reminders: terms.Reminders) -> int:
    """The most texts that one person may get in that time, by the limits of paging and of reminders.

    Of what waits for no limit: so many alone in each of their spans, and one for several in each span of
    gathering. Of all else: as the narrowest window lets through, and so many reminders.
    """
    urgent = limits.alone * _spans(took, limits.alone_within) + _spans(took, limits.gather)
    others = min(count * _spans(took, span) for span, count in limits.ways[Channel.SMS.value])
    return urgent + others + reminders.alone * _spans(took, reminders.within)


def _spans(took: timedelta, span: timedelta) -> int:
    return math.ceil(took / span)


def _tell(answered: Mapping[str, datetime], told: Mapping[str, datetime]) -> None:
    waits = sorted((told[each] - at).total_seconds() for each, at in answered.items() if each in told)
    lost = sorted(answered.keys() - told.keys())
    print(f"        {len(lost)} of {len(answered)} incidents lost (goal 0)")
    if waits:
        last = max(told[each] for each in answered if each in told) - max(answered.values())
        print(f"        the last one was told {last.total_seconds():.0f} s after the last answer 202")
        print(f"        from its own 202 to its text: p50 {median(waits):.1f} s, worst {waits[-1]:.1f} s")
    if lost:
        raise SystemExit(f"Nobody was told of {len(lost)} incidents, as {lost[0]}.")
