"""The text of a public notice by language, the reason for it, and the approval that binds both."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import rfc8785
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger, locales
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import drafting, letters, meeting
from incident.communication_texts import drafts, parts
from incident.communication_texts.parts import Finding
from incident.models import Incident, PublicNotice, PublicPlace
from incident.our_role import refuse_as_processor

DUTY: Final = "gdpr-34"
LONGEST_WHY: Final = 4_000


def of_incident(incident: Incident) -> list[PublicNotice]:
    """The public notices of an incident, by number."""
    mine = select(PublicNotice).where(PublicNotice.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(PublicNotice.number)))


def of(incident: Incident, notice_id: UUID) -> PublicNotice:
    """One of them, read afresh. Raises: Missing."""
    mine = select(PublicNotice).where(PublicNotice.id == notice_id, PublicNotice.incident_id == incident.id)
    found = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise Missing(_("There is no such public notice."))
    return found


def create(incident: Incident, *, kind: str, by: StaffMember, now: datetime) -> PublicNotice:
    """Begin a public notice with a draft in each language of the organisation's letters.

    While one is not approved, that one is returned. Raises: Refused for a processor or an incident that
    stands still, Invalid for no such kind of breach.
    """
    known = of_incident(incident)
    if known and known[-1].approved_at is None:
        return known[-1]
    meeting.refuse_when_over(incident)
    refuse_as_processor(incident)
    if kind not in letters.catalog().kinds:
        raise Invalid(_("Say which kind of breach it was."))
    material = drafting.gather(incident)
    owed = meeting.duties_of(incident, DUTY)
    made = PublicNotice(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id,
        duty_id=owed[0].id if owed else None, number=len(known) + 1, kind=kind, why="",
        texts={each: letters.draft(material, each, kind)
               for each in letters.languages_of(material.organisation)},
        content_sha256="", written_by=by.name, written_by_id=by.id, written_at=now,
    )  # fmt: skip
    made.content_sha256 = fingerprint(made)
    db.session.add(made)
    db.session.flush()
    log(incident, made, "public_notice.drafted", by.name, now, languages=sorted(made.texts), kind=kind)
    return made


# --- writing -----------------------------------------------------------------------------------------


def set_text(
    incident: Incident, notice: PublicNotice, locale: str, written: Mapping[str, str], *, seen: str,
    by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Write the text of one language; whether it changed. An approval is void once it does.

    `seen` is the hash that was on the page. Raises: Refused when it was seen somewhere, or changed
    meanwhile; Invalid for a language that is none of ours.
    """
    _refuse(notice, seen)
    if locale not in locales.LOCALES:
        raise Invalid(_("This is no language of ours."))
    cleaned = drafts.cleaned(written)
    if notice.texts.get(locale) == cleaned:
        return False
    notice.texts = {**notice.texts, locale: cleaned}
    _changed(incident, notice, "public_notice.text_changed", by, now, language=locale)
    return True


def add_language(
    incident: Incident, notice: PublicNotice, locale: str, *, seen: str, by: StaffMember, now: datetime
) -> bool:
    """Draft the text in one more language; false when there is one. Raises: as `set_text`."""
    if locale in notice.texts:
        return False
    draft = letters.draft(drafting.gather(incident), locale, notice.kind)
    return set_text(incident, notice, locale, draft, seen=seen, by=by, now=now)


def set_why(
    incident: Incident, notice: PublicNotice, why: str, *, seen: str, by: StaffMember, now: datetime
) -> bool:
    """Say why telling each person is out of proportion; whether that changed. Raises: as `set_text`."""
    why = why.replace("\r\n", "\n").strip()
    _refuse(notice, seen)
    if len(why) > LONGEST_WHY:
        raise Invalid(_("The reason has at most %(count)s signs.", count=LONGEST_WHY))
    if notice.why == why:
        return False
    notice.why = why
    _changed(incident, notice, "public_notice.reason_changed", by, now, reason=why)
    return True


def _refuse(notice: PublicNotice, seen: str) -> None:
    mine = select(PublicPlace.id).where(PublicPlace.notice_id == notice.id, PublicPlace.seen_at.is_not(None))
    if db.session.scalar(select(mine.exists())):
        raise Refused(
            _("This notice was seen in public: its text changes no more."),
            next_step=_("What is new, or was wrong, is a further public notice."),
        )
    if seen != notice.content_sha256:
        raise Refused(
            _(
                "The notice was changed meanwhile by %(who)s. Nothing of yours was saved.",
                who=notice.written_by,
            ),
            next_step=_("Open it again, look at it as it is now, and repeat what you did."),
        )


def _changed(
    incident: Incident, notice: PublicNotice, action: str, by: StaffMember, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    if notice.approved_by is not None:
        details["approval_void"] = notice.approved_by
        notice.approved_by = notice.approved_at = None
    notice.written_by, notice.written_by_id, notice.written_at = by.name, by.id, now
    notice.content_sha256 = fingerprint(notice)
    db.session.flush()
    log(incident, notice, action, by.name, now, reason=reason, **details)


def fingerprint(notice: PublicNotice) -> str:
    """SHA-256 over reason and texts: what an approval is of."""
    return hashlib.sha256(rfc8785.dumps({"why": notice.why, "texts": notice.texts})).hexdigest()


def document(notice: PublicNotice, locale: str) -> str:
    """The whole notice in one language as plain text, to be copied; it greets nobody by name."""
    return drafts.document(letters.catalog(), notice.texts[locale], locale, "")


def findings(incident: Incident, notice: PublicNotice, *, now: datetime) -> list[Finding]:
    """What stands in the way of an approval, and what a person should look at, as for a communication."""
    known = letters.known_of(drafting.gather(incident))
    return parts.lacking(letters.catalog(), notice.texts, list(notice.texts), known, now=now)


# --- approval ----------------------------------------------------------------------------------------


def approve(incident: Incident, notice: PublicNotice, *, seen: str, by: StaffMember, now: datetime) -> None:
    """Stand behind reason and texts. Approving it twice changes nothing.

    The second of two persons: whoever wrote last does not approve it. Raises: Refused for that, where it
    changed meanwhile, has no reason, or lacks a part.
    """
    if notice.approved_at is not None and seen == notice.content_sha256:
        return
    _refuse(notice, seen)
    meeting.refuse_when_over(incident)
    if notice.written_by_id == by.id:
        raise Refused(
            _("You wrote this last: a second person approves it before it goes out."),
            next_step=_("Ask a colleague who may approve communications to read and approve it."),
        )
    if not notice.why:
        raise Refused(
            _("It does not say why telling each person is out of proportion."),
            next_step=_("Write the reason: the law allows a public notice for that alone."),
        )
    if grave := [each.said for each in findings(incident, notice, now=now) if each.grave]:
        raise Refused(
            _("The notice is not whole yet."), next_step=" ".join(grave[:5])
        )  # fmt: skip
    notice.approved_by, notice.approved_at = by.name, now
    db.session.flush()
    log(
        incident, notice, "public_notice.approved", by.name, now, reason=notice.why, staff=by.id,
        written_by=notice.written_by,
    )  # fmt: skip


def log(
    incident: Incident, notice: PublicNotice, action: str, actor: str, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a public notice."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now, reason=reason,
        public_notice=notice.id, number=notice.number, content_sha256=notice.content_sha256, **details,
    )  # fmt: skip
