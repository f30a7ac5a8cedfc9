"""A claimed group to its provider: addresses loaded, the fence asked, the call made, the answer written down.

No connection to the database is held while the provider thinks. While the database is away the answer is
tried to be written again and again, at last into a file of its own.
"""

import contextlib
import json
import os
import time
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from foundation.database import database_now, db, everyone, transaction
from notifications import channels
from notifications.channels import Accepted, Many, Refusal, To
from notifications.models import Channel, Outcome, SendingAttempt
from notifications.rules.pretend import pretended
from notifications.rules.sending import GROUP
from notifications.sending import claiming, recording, rows
from notifications.sending.claiming import Claim, Stand
from notifications.sending.source import of

RECORDING = 2.0  # seconds of the lease left over for writing a result down
FENCE = 1.0  # seconds between the last look at the claim and the call, at most
log = structlog.get_logger()


def hand_over(claimed: Claim) -> None:
    """Send one group. Safe when it is frozen and wakes late: the fence refuses it then."""
    try:
        people = _people(claimed)
    except Exception as trouble:  # noqa: BLE001  whatever it was, no provider was asked
        log.error("group.not_addressed", group=str(claimed.group_id), trouble=type(trouble).__name__)
        _put_back(claimed, f"their addresses could not be loaded ({type(trouble).__name__})", failed=True)
        return
    room = (GROUP.lease - GROUP.call).total_seconds() - FENCE
    if people is None or time.monotonic() - claimed.begun > room:
        return
    if (stand := claiming.stand(claimed)) is not Stand.HELD:
        if stand is Stand.NO_MORE:
            _put_back(claimed, "it was held before it went")
        return
    if not people:
        with transaction():
            recording.nobody_left(claimed, now=database_now())
        return
    provider = channels.provider(claimed.channel, claimed.provider)
    many = provider.send_many(
        people, content=claimed.content,
        attempt_id=str(claimed.attempt_id), reference=claimed.reference, limit=GROUP.call.total_seconds(),
        late=partial(_record_late, _app(), claimed),
    )  # fmt: skip
    record(claimed, many, until=claimed.begun + GROUP.lease.total_seconds() - RECORDING)


def _put_back(claimed: Claim, why: str, *, failed: bool = False) -> None:
    db.session.rollback()
    with transaction():
        recording.put_back(claimed, why, failed=failed, now=database_now())


def _people(claimed: Claim) -> list[To] | None:
    """Who goes with this attempt and where to; None when the claim stands no more."""
    ids = [each.id for each in claimed.members]
    found = of(claimed.source).addresses(claimed.way, ids)
    there = recording.earlier(claimed)
    told = set() if claimed.is_first else rows.told(claimed.sending_id, ids)
    db.session.rollback()
    fresh = {each for place, each in enumerate(ids) if place not in there} if there else set(ids)
    lacking, told = fresh - found.keys() - told, fresh & told
    if lacking or told:
        with transaction():
            if not recording.leave_out(claimed, lacking, told, now=database_now()):
                return None
    drill = claimed.channel == Channel.PRETEND
    gone, going = lacking | told, []
    for place, (each, _country, _left) in enumerate(claimed.members):
        if place not in there and not (gone and each in gone):
            where = found[each]
            address = pretended(where.address) if drill else where.address
            going.append(To(place, address, {"reference": claimed.reference, **where.values}))
    return going


def _record_late(app: Flask, claimed: Claim, many: Many) -> None:
    """Take in an answer nobody waited for any more, in the thread that waited on; a dead process has none."""
    with app.app_context(), everyone():
        log.warning("group.answered_late", attempt=str(claimed.attempt_id), answer=type(many.answer).__name__)
        record(claimed, many, until=time.monotonic() + RECORDING)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


def record(claimed: Claim, many: Many, *, until: float) -> None:
    """Write the result down before `until` (monotonic); while the database is away try again."""
    while True:
        try:
            with transaction():
                recording.record(claimed, many, now=database_now())
        except SQLAlchemyError as trouble:
            db.session.remove()
            log.warning("group.not_recorded", attempt=str(claimed.attempt_id), trouble=type(trouble).__name__)
            if time.monotonic() > until:
                _keep_in_journal(claimed, many)
                return
            time.sleep(0.5)
        else:
            return


def _journal() -> Path:
    home: Path = current_app.config["SETTINGS"].home
    return home / "group-answers"


def _keep_in_journal(claimed: Claim, many: Many) -> None:
    if not isinstance(many.answer, Accepted):
        return
    _journal().mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _journal() / f"{claimed.attempt_id}.json"
    with kept.with_suffix(".part").open("w") as file:
        refused = {place: (each.why, each.code) for place, each in many.refused.items()}
        kept_of_it = {"provider_id": many.answer.provider_id, "says": many.answer.says, "refused": refused}
        json.dump(kept_of_it, file)
        file.flush()
        os.fsync(file.fileno())
    kept.with_suffix(".part").rename(kept)  # whole or not there


def kept_answers() -> list[Path]:
    """Answers that could not be recorded while the database was away."""
    return list(_journal().glob("*.json"))


def take_over(kept: Path) -> bool:
    """One such answer, inside the caller's transaction; the file is removed by the caller, after it."""
    with contextlib.suppress(FileNotFoundError):
        told = json.loads(kept.read_text())
        many = Many(
            Accepted(told["provider_id"], told.get("says")),
            {int(place): Refusal(*why) for place, why in told.get("refused", {}).items()},
        )
        if attempt := db.session.get(SendingAttempt, UUID(kept.stem)):
            group = rows.group_locked(attempt.group_id)
            db.session.refresh(attempt)
            recording.taken(group, attempt, many, Outcome.FOUND, now=database_now())
        return True
    return False
