"""Is this installation ready for tonight: every check in one list, and what /readyz says of it.

`faults` is what a monitor hears: the product does its work now. `checks` is what a person looks at
before going home: also what is not set up, and what will be wrong before the morning.
"""

import shutil
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from accounts.models import Organisation
from foundation import queue
from foundation.database import clock, database_now, db, utcnow
from foundation.database.migrating import is_current
from foundation.encryption import KeyMissing
from foundation.settings import Settings
from incident import able_to_file, paper_plan
from incident.models import Endpoint, Processor, ProcessorContact
from incident.processor_register import contacts
from notifications import readiness as delivery
from notifications.rules import watching
from notifications.rules.watching import Check, Light

log = structlog.get_logger()
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAMES = 5  # named in one line; more are counted


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def faults() -> list[str]:
    """What is wrong now, in words for a monitor: database, migrations, clock, what waits, queue server."""
    found: list[str] = []
    try:
        now = database_now()
        if not is_current(current_app.config["DATA"] / "migrations"):
            found.append("the database is not at this release's migrations: run breachclock migrate")
        found += clock_faults(queue.last_beat(), now)
        found += delivery.waiting(now)
    except SQLAlchemyError as trouble:
        db.session.rollback()
        found.append(f"the database does not answer ({type(trouble).__name__})")
    return found + queue.faults()


def clock_faults(beat: datetime | None, now: datetime) -> list[str]:
    """What the beat says: the clock ends a whole cycle of every duty, or it does not."""
    if beat is None:
        return ["the clock has not ended a round yet"]
    if now - beat > watching.terms().clock_silent:
        return [f"the clock has not ended a round for {int((now - beat).total_seconds())} s"]
    return []


def checks(organisations: Iterable[Organisation], *, calling: bool = False) -> list[Check]:
    """Every check, of the installation and of these organisations; never raises.

    `calling` also asks the providers and our own certificate, which takes seconds.
    """
    now = database_now()
    mine = list(organisations)
    zone = mine[0].timezone if len(mine) == 1 else "UTC"
    found = [
        *_guarded("monitor", lambda: _monitor(faults())),
        *_guarded("providers", delivery.providers),
        *_guarded("probes", lambda: delivery.probes(zone, now)),
        *_guarded("wanting", delivery.wanting),
        *_guarded("outside", lambda: delivery.outside(zone, now)),
        *_guarded("plan", lambda: paper_plan.checks(mine, now)),
        *_guarded("machine", machine),
    ]
    if calling:
        limit = watching.terms().call.total_seconds()
        found += _guarded("asked", lambda: delivery.asked(limit))
        found += _guarded("certificate", lambda: certificate(_settings().public_url, limit, now))
    for each in mine:
        found += _of(each, now)
    return found


def _of(organisation: Organisation, now: datetime) -> list[Check]:
    found = [
        *_guarded("rota", lambda: delivery.rota(organisation, now)),
        *_guarded("contacts", lambda: delivery.contacts(organisation)),
        *_guarded("policies", lambda: delivery.policies(organisation, now)),
        *_guarded("processors", lambda: processors(organisation, now)),
        *_guarded("filing", lambda: able_to_file.checks(organisation, now)),
    ]
    return [replace(each, of=organisation.name) for each in found]


def _guarded(key: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks, or one that says that they could not be made: a light that is out is a red one."""
    try:
        return list(look())
    except Exception as trouble:
        db.session.rollback()
        log.exception("readiness.not_looked_at", check=key)
        return [
            Check(key, Light.RED, _("A check could not be made"), f"{key}: {type(trouble).__name__}",
                  _("The log of this process says more."))
        ]  # fmt: skip


def _monitor(wrong: list[str]) -> Iterator[Check]:
    yield Check(
        "readyz", Light.RED if wrong else Light.GREEN, _("Clock, database, queue and workers do their work"),
        "; ".join(wrong) or _("A whole cycle of every duty ended within the last minute."),
        _("See “When things break” in the manual."),
    )  # fmt: skip


# --- this machine -----------------------------------------------------------------------------------


def machine() -> Iterator[Check]:
    """Room on the disk, the data keys, and the database's clock beside ours."""
    usage = shutil.disk_usage(_settings().home)
    share = usage.free / usage.total
    yield Check(
        "disk", watching.light_of_disk(share), _("Room on the disk"),
        _("%(percent)d %% free, %(number)s GB.", percent=share * 100, number=round(usage.free / 1e9, 1)),
        _("Make room under the home of this installation."),
    )  # fmt: skip
    skew = abs((utcnow() - clock.moved()) - (database_now() - clock.moved()))
    light = Light.RED if skew > watching.terms().skew else Light.GREEN
    yield Check(
        "skew", light, _("The clocks agree"),
        _("The database's clock is %(num)s s from this machine's.", num=round(skew.total_seconds(), 1)),
        _("Let both machines follow a time server."),
    )  # fmt: skip
    yield _keys()


def _keys() -> Check:
    """Whether contact data can be read: one row of it, under whichever key it was written."""
    what, mend = _("The keys open what is kept"), _("Put the missing key back into BREACHCLOCK_DATA_KEYS.")
    try:
        for known in (ProcessorContact.name, *delivery.ENCRYPTED):
            db.session.scalars(select(known).limit(1)).first()
    except KeyMissing as missing:
        return Check("keys", Light.RED, what, str(missing), mend)
    return Check("keys", Light.GREEN, what, _("Contact data can be read."), mend)


def certificate(public_url: str, limit: float, now: datetime) -> Iterator[Check]:
    """The certificate of our public address, by asking for it; `limit` in seconds."""
    address = urlsplit(public_url)
    what = _("Our address is trusted")
    mend = _("Renew the certificate of BREACHCLOCK_PUBLIC_URL.")
    if address.scheme != "https":
        here = address.hostname in LOOPBACK
        says = _("This machine only, without https.") if here else _("Without https: links can be read.")
        yield Check("certificate", Light.GREEN if here else Light.RED, what, says, mend)
        return
    try:
        ends_at = _end_of_certificate(address.hostname or "", address.port or 443, limit)
    except (OSError, ValueError, KeyError) as trouble:
        says = f"{address.hostname}: {type(trouble).__name__}"
        yield Check("certificate", Light.RED, what, says, mend)
        return
    says = _("Valid for %(days)d days more.", days=(ends_at - now).days)
    yield Check("certificate", watching.light_of_certificate(ends_at, now), what, says, mend)


def _end_of_certificate(host: str, port: int, limit: float) -> datetime:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=limit) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        told = secure.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)


# --- processors -------------------------------------------------------------------------------------


def processors(organisation: Organisation, now: datetime) -> Iterator[Check]:
    """Processors whose way to us nobody has tried, and contacts that nobody has verified for a year."""
    mine = Processor.organisation_id == organisation.id, Processor.ended_at.is_(None)
    with_key = select(Processor.name).join(Endpoint, Endpoint.processor_id == Processor.id).where(*mine)
    untested = list(
        db.session.scalars(with_key.where(Processor.tested_at.is_(None)).order_by(Processor.name))
    )
    yield Check(
        "processors", Light.YELLOW if untested else Light.GREEN, _("Processors have tried their way to us"),
        _("Never tested: %(names)s.", names=_some(untested)) if untested
        else _("Each has sent a test report."),
        _("Ask them to send a test report."), "/processors",
    )  # fmt: skip
    verified = (
        select(Processor.name, func.max(ProcessorContact.verified_at))
        .join(ProcessorContact, ProcessorContact.processor_id == Processor.id)
        .where(*mine)
        .group_by(Processor.name)
        .order_by(Processor.name)
    )
    stale = [name for name, last in db.session.execute(verified) if contacts.is_stale(last, now)]
    says = ngettext("%(num)s contact is stale", "%(num)s contacts are stale", len(stale))
    yield Check(
        "contacts", Light.YELLOW if stale else Light.GREEN, _("Contacts at processors answer"),
        f"{says}: {_some(stale)}." if stale else _("Each was verified within a year."),
        _("Call them, and say so in the register."), "/processors",
    )  # fmt: skip


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown}, +{len(names) - NAMES}"
