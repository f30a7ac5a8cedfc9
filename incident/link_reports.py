"""Reports that people type into our forms: by a reporting link, or offline and uploaded as a file.

Taken in as any report of that processor, and weaker proof than one that its machines sign: whoever has
the link can write. The same form again, by a double tap, a retry or a replayed file, is one report.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select, update

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import changed, db, insert_at_end, insert_waiting, new_id, ready, rows, table_of
from foundation.database.together import committed
from foundation.errors import Invalid, Refused
from incident import confirmations, keeping, links, reports, signatures
from incident.envelopes import TEST, Letter, glimpse
from incident.links import Way
from incident.models import Incident, OfflineKey, Processor, ReportingLink, Submission, chain_of
from incident.processors import chain
from incident.reports import ACCEPTED, Telling
from incident.rules.facts import Facts
from incident.rules.reading import NotJSON, read_json
from incident.rules.reporting import terms

LINK: Final = "reporting link"
OFFLINE: Final = "offline form"
AHEAD: Final = timedelta(days=1)  # a clock on somebody's desk may be so far ahead


@dataclass(frozen=True, slots=True)
class Form:
    """What a person typed, ready to be kept: how it came, who says so, and where to confirm it."""

    way: Way
    letter: Letter
    form_id: str
    typed_by: str
    email: str
    locale: str
    by_link: UUID | None
    by_key: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the reporter gets: the secret of its status page; `again` is whether it had been sent before."""

    secret: str
    again: bool


def of_typed(
    way: Way, document: Mapping[str, Any], typed: Mapping[str, Any], *, form_id: str, locale: str,
    target: UUID | None = None,
) -> Form:  # fmt: skip
    """A form filled in on our page; the report's bytes are what was typed. `target` as in `Letter`."""
    told = {"typed": typed, "locale": locale, "to": way.sender.name}
    body = json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1).encode()
    letter = _letter(way, form_id, body, LINK, target)
    reporter = document.get("reported_by") or {}
    return Form(
        way, letter, form_id, reporter.get("name", ""), reporter.get("email", ""), locale, way.link_id
    )


def _letter(way: Way, form_id: str, body: bytes, kind: str, target: UUID | None = None) -> Letter:
    return Letter(
        way.sender, form_id, "application/json", "utf-8", body, hashlib.sha256(body).hexdigest(), kind=kind,
        adds=True, target=target,
    )  # fmt: skip


def take_in(form: Form, told: Telling, *, now: datetime) -> Confirmation:
    """Keep what was typed and say where its state is shown; in a transaction of its own, perhaps with others.

    Raises: IntegrityError when the same was committed beside us; ask again.
    """
    accepting = partial(accept, form, told, now=now)
    return committed(accepting, locks=str(form.way.sender.organisation_id))


def accept(form: Form, told: Telling, *, now: datetime) -> Confirmation:
    """The same in the caller's transaction."""
    keeping.take_turn(form.letter.sender)  # two of one form wait here
    insert_waiting()
    mine = (Submission.form_id == form.form_id, _same_way(form))
    earlier = db.session.scalars(select(Submission).where(*mine).order_by(Submission.created_at)).all()
    for each in earlier:
        if each.body_sha256 == form.letter.sha256:
            return Confirmation(each.status_secret, again=True)
    letter = form.letter
    if earlier and letter.target is None:  # changed and sent again: more of the same
        letter = replace(letter, target=earlier[0].incident_id)
    outcome = reports.accept(letter, told, now=now)
    return _keep(form, outcome, now)


def _same_way(form: Form) -> Any:
    if form.by_key:
        return Submission.offline_key_id == form.by_key
    return Submission.link_id.is_not_distinct_from(form.by_link)


def _keep(form: Form, outcome: reports.Outcome, now: datetime) -> Confirmation:
    sender, secret = form.way.sender, secrets.token_urlsafe(24)
    address = confirmations.address_to_write_to(
        form.email, processor_id=sender.processor_id, link_id=form.by_link, now=now
    )
    number = _number(outcome)
    if address and number and outcome.report_id and outcome.incident_id:
        about = db.session.get(Incident, outcome.incident_id)
        confirmations.post(
            address, organisation_id=sender.organisation_id, organisation=form.way.organisation,
            about=about.chain if about else chain_of(outcome.incident_id, drill=False), number=number,
            report_id=outcome.report_id, path=f"/s/{secret}", locale=form.locale, received_at=now,
            timezone=form.way.timezone, now=now,
        )  # fmt: skip
    insert_at_end(ready(Submission, _row(form, outcome, secret, address, now)))
    _mark_used(form, now)
    return Confirmation(secret, again=False)


def _row(
    form: Form, outcome: reports.Outcome, secret: str, address: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": form.way.sender.organisation_id, "report_id": outcome.report_id,
        "incident_id": outcome.incident_id, "link_id": form.by_link, "offline_key_id": form.by_key,
        "form_id": form.form_id, "body_sha256": form.letter.sha256, "typed_by": form.typed_by,
        "locale": form.locale, "status_hash": links.hashed(secret), "status_secret": secret,
        "mailed_index": confirmations.index_of(address), "created_at": now,
    }  # fmt: skip


def _number(outcome: reports.Outcome) -> str:
    """The number of the report's incident, which a faulty report's answer does not tell."""
    if outcome.status == ACCEPTED:
        return str(outcome.document["incident_number"])
    found = rows(_NUMBER_OF.where(_INCIDENTS.id == outcome.incident_id)).scalar()
    return found or ""


_INCIDENTS = table_of(Incident).c
_NUMBER_OF = select(_INCIDENTS.number)


def _mark_used(form: Form, now: datetime) -> None:
    if form.by_link:
        changed(update(ReportingLink).where(ReportingLink.id == form.by_link).values(last_used_at=now))
    if form.by_key:
        changed(update(OfflineKey).where(OfflineKey.id == form.by_key).values(last_used_at=now))


# --- files of offline forms ---------------------------------------------------------------------

MEMBERS: Final = ("key", "webhook-id", "webhook-timestamp", "webhook-signature", "body")


class NotTaken(Invalid):
    """A file that no form of ours signed as it stands: unknown, revoked, altered and too old are all one."""


def of_file(way: Way, raw: bytes, *, locale: str, by_link: UUID | None, now: datetime) -> Form:
    """A file that an offline form made, checked: signed with the key of a form of this very processor.

    Raises: NotTaken.
    """
    told = _members(raw)
    key = db.session.scalar(
        select(OfflineKey).where(
            OfflineKey.id == told["key"], OfflineKey.processor_id == way.sender.processor_id,
            OfflineKey.revoked_at.is_(None),
        )
    )  # fmt: skip
    body = told["body"].encode("utf-8")
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + body
    secret = key.secret if key else signatures.NOBODY
    good = signatures.is_by(secret, signed, told["webhook-signature"])
    if key is None or not good or not _is_timely(told["webhook-timestamp"], now):
        raise _not_taken()
    if glimpse(body).kind == TEST:  # no form of ours makes one: there is no connection to prove
        raise _not_taken()
    letter = _letter(way, told["webhook-id"], body, OFFLINE)
    return Form(way, letter, told["webhook-id"], "", "", locale, by_link, key.id)


def hand_in(processor: Processor, raw: bytes, *, by: StaffMember, now: datetime) -> Confirmation:
    """A file that reached us by mail, handed in by a colleague: one report, whoever hands it in again.

    In the caller's transaction. Raises: NotTaken; Refused for a processor that has left; IntegrityError as
    `take_in`.
    """
    if processor.ended_at is not None:
        raise Refused(
            _("%(name)s has left and reports no more.", name=processor.name),
            next_step=_("Report what it says yourself."),
        )
    way = links.way(processor, None)
    form = of_file(way, raw, locale=way.locale, by_link=None, now=now)
    told = reports.read(form.letter, now=now)
    form = told_by(form, told.envelope.facts if told.envelope else None)
    taken = accept(form, told, now=now)
    if not taken.again:
        ledger.append(
            chain(processor.id), "processor.file_handed_in", actor=by.name, at=now,
            organisation_id=processor.organisation_id, key=form.by_key, body_sha256=form.letter.sha256,
        )  # fmt: skip
    return taken


def told_by(form: Form, facts: Facts | None) -> Form:
    """The form with who typed it, as the facts in its file say."""
    if facts is None:
        return form
    return replace(form, typed_by=facts.reported_by.name, email=facts.reported_by.email)


def _members(raw: bytes) -> dict[str, str]:
    try:
        told = read_json(raw)
    except NotJSON:
        raise _not_taken() from None
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in MEMBERS):
        raise _not_taken()
    if not signatures.is_plain(told["webhook-id"]):
        raise _not_taken()
    return {name: told[name] for name in MEMBERS}


def _is_timely(timestamp: str, now: datetime) -> bool:
    """Whether it was signed within the days that such a file may take."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        return False
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    return now - timedelta(days=terms(now).offline_days) <= signed_at <= now + AHEAD


def _not_taken() -> NotTaken:
    return NotTaken(
        _("This file was not made by a valid form of yours, or it was changed, or it is too old."),
        next_step=_(
            "Type the report into the form behind your reporting link: nothing of it is refused there."
        ),
    )
