"""The paper plan: what an organisation needs to meet its deadlines when nothing of ours works.

Once an hour, one encrypted file an organisation, beside the backups under the home, that any browser
opens without a network when the passphrase is typed; and by mail to the DPO when something changed, at
least daily. Without BREACHCLOCK_PAPER_PASSPHRASE there is none.
"""

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from accounts import people
from accounts.models import Organisation, Role
from foundation import ledger, locales
from foundation.database import db, new_id
from foundation.settings import Settings
from incident.models import PaperPlan
from incident.paper_plan import locked, sheet
from incident.paper_plan.sheet import Sheet
from notifications import outbox, ways
from notifications.rules import watching
from notifications.rules.watching import Check, Light

SUFFIX = ".html"
FAILED = "paper_plans_failed"  # of app.extensions


@dataclass(frozen=True, slots=True)
class Made:
    """A plan that is locked and not kept yet."""

    organisation_id: UUID
    key: str
    made_at: datetime
    file: str
    sha256: str  # of what it says

    @property
    def name(self) -> str:
        """What its file is called; the last by name is the newest."""
        return f"paper-plan-{self.key}-{self.made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def folder() -> Path:
    """Where plans lie."""
    return _settings().home / "plans"


def due(now: datetime) -> list[UUID]:
    """The organisations whose plan is to be written next, a few at once; none without a passphrase.

    One that could not be written waits a while, so that it keeps no other from being written.
    """
    if not _settings().paper_passphrase:
        return []
    written = {each.organisation_id: each.written_at for each in db.session.scalars(select(PaperPlan))}
    terms, tried = watching.terms(), _failed()
    those = [
        each.id
        for each in people.organisations()
        if watching.is_due(written.get(each.id), terms.plan_every, now)
        and watching.is_due(tried.get(each.id), terms.plan_again, now)
    ]
    return those[: terms.plans_at_once]


def _failed() -> dict[UUID, datetime]:
    """When a plan could not be written, by organisation; known to this process, which is the clock."""
    found: dict[UUID, datetime] = current_app.extensions.setdefault(FAILED, {})
    return found


def note_failure(organisation_id: UUID, *, now: datetime) -> None:
    """Note that a plan could not be written: it is tried again after a while, and late ones are red."""
    _failed()[organisation_id] = now


def forget_failure(organisation_id: UUID) -> None:
    """Note that a plan was written: nothing of an earlier failure counts."""
    _failed().pop(organisation_id, None)


def make(organisation_id: UUID, *, now: datetime) -> Made | None:
    """The plan of an organisation, locked; None without a passphrase. Reads, and writes nothing."""
    passphrase = _settings().paper_passphrase
    if not passphrase:
        return None
    organisation = db.session.get_one(Organisation, organisation_id)
    told = sheet.of(organisation, now=now)
    key = organisation.key
    db.session.rollback()  # locking takes a while, and holds no connection
    return Made(organisation_id, key, now, _file(told, passphrase), told.fingerprint())


def _file(told: Sheet, passphrase: str) -> str:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    style, script = _static("paper_plan.css"), _static("paper_plan.js")
    with force_locale(told.language):
        plan = app.jinja_env.get_template("paper_plan/plan.html").render(sheet=told, utc=_utc)
        return app.jinja_env.get_template("paper_plan/locked.html").render(
            organisation=told.organisation, language=told.language,
            made_at=locales.instant(told.made_at, told.zone, told.language),
            kept=locked.lock(plan, passphrase), style=style, script=script,
            style_hash=_hash(style), script_hash=_hash(script),
        )  # fmt: skip


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _static(name: str) -> Markup:
    """A file of ours as it stands: it goes into a page that has nothing beside it."""
    return Markup((current_app.config["DATA"] / "static" / name).read_text("utf-8"))  # noqa: S704


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


def keep(made: Made) -> Path:
    """Write the file, whole or not at all, for its owner alone; those that are old go."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / made.name
    draft = path.with_suffix(f".{os.getpid()}.part")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(made.file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # a full disk keeps no halves
    _forget(made.made_at - watching.terms().plan_kept)
    return path


def _forget(before: datetime) -> None:
    for path in folder().glob("paper-plan-*"):
        with suppress(FileNotFoundError):  # another process forgets the same
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink()


def newest(key: str) -> Path | None:
    """The last plan of an organisation that lies here."""
    return max(folder().glob(f"paper-plan-{key}-*{SUFFIX}"), default=None) if folder().is_dir() else None


def record(made: Made, *, now: datetime) -> int:
    """Note that it was written, and owe it to the DPO where that is due; returns how many mails.

    In the caller's transaction.
    """
    mine = select(PaperPlan).where(PaperPlan.organisation_id == made.organisation_id).with_for_update()
    row = db.session.scalars(mine).one_or_none()
    if row is None:
        row = PaperPlan(id=new_id(), organisation_id=made.organisation_id)
        db.session.add(row)
    row.written_at, row.sha256 = now, made.sha256
    changed = row.mailed_sha256 != made.sha256
    if not changed and not watching.is_due(row.mailed_at, watching.terms().plan_mail_every, now):
        return 0
    sent = _mail(made, now)
    if sent:
        row.mailed_at, row.mailed_sha256 = now, made.sha256
    return sent


def _mail(made: Made, now: datetime) -> int:
    organisation = db.session.get_one(Organisation, made.organisation_id)
    attached = {
        "attachment": b64encode(made.file.encode()).decode(), "attachment_name": made.name,
        "attachment_type": "text/html",
    }  # fmt: skip
    context: dict[str, object] = {
        "organisation": organisation.name, "asked_at": made.made_at.isoformat(),
        "timezone": organisation.timezone,
    }  # fmt: skip
    about = f"organisation/{organisation.id}"
    sent = 0
    for person in people.staff_with_role(organisation.id, Role.DPO):
        address = next(
            (each.address for each in ways.ways_of(person) if each.channel == "email"), person.email
        )
        sent += bool(
            outbox.post(
                organisation_id=organisation.id, about=about, kind="internal", template="paper_plan",
                recipient=outbox.recipient(about, "email", address, person.locale, person.id),
                context={**context, "name": person.name}, now=now, attached=attached,
                dedupe_key=f"paper-plan:{made.made_at.isoformat()}:{person.id}",
            )
        )  # fmt: skip
    if sent:
        ledger.append(
            about, "paper_plan.mailed", organisation_id=organisation.id, actor="Breachclock", at=now,
            sha256=made.sha256, copies=sent,
        )  # fmt: skip
    return sent


def checks(organisations: Sequence[Organisation], now: datetime) -> Iterator[Check]:
    """Whether there is a plan, and a fresh one, of each of these."""
    what, mend = _("The paper plan is written"), _("Set BREACHCLOCK_PAPER_PASSPHRASE, and look at the clock.")
    if not _settings().paper_passphrase:
        yield Check("paper_plan", Light.YELLOW, what, _("No passphrase is set: there is no plan."), mend)
        return
    written = {each.organisation_id: each for each in db.session.scalars(select(PaperPlan))}
    missing = [each.name for each in organisations if _is_late(written.get(each.id), now)]
    last = min((row.written_at for each in organisations if (row := written.get(each.id))), default=None)
    age = now - last if last else timedelta()
    says = _("Late, or never written: %(names)s.", names=", ".join(missing)) if missing else _(
        "Written %(age)s ago.", age=locales.duration(age, locales.current())
    )  # fmt: skip
    yield Check("paper_plan", Light.RED if missing else Light.GREEN, what, says, mend)


def _is_late(row: PaperPlan | None, now: datetime) -> bool:
    return row is None or now - row.written_at > watching.terms().plan_late
