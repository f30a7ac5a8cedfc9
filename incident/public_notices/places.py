"""Where a public notice stands, from when to when, and the proof of each place; what meets the duty."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, case, literal, or_, select
from sqlalchemy.orm import aliased

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation import locales
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import clocks, decisions, meeting, related
from incident.authority_notification import receipts
from incident.models import (
    CommunicationState,
    Decision,
    DecisionState,
    Duty,
    Incident,
    Kind,
    PublicNotice,
    PublicPlace,
    SubjectCommunication,
)
from incident.models.duty import OWED
from incident.public_notices import texts
from incident.public_notices.texts import log
from notifications import ways
from playbooks import runs

KINDS: Final[Mapping[str, LazyString]] = {
    "web_page": _l("Web page"), "newspaper": _l("Newspaper"), "notice_board": _l("Notice board"),
    "radio": _l("Radio or television"), "social_media": _l("Social media"),
}  # fmt: skip
TYPES: Final = ("application/pdf", "image/png", "image/jpeg")
MOST_BYTES: Final = receipts.MOST_BYTES
LONGEST_NAME: Final = 300
LONGEST_STAY: Final = timedelta(days=366)
CLOCK: Final = "Breachclock"
CLOCK_KIND: Final = "subject_communication"
UNDER_WAY: Final = (CommunicationState.APPROVED, CommunicationState.SENDING)
AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A place as somebody plans it: its kind, which one (an address, a newspaper), from and to which day."""

    kind: str
    name: str
    planned_from: date
    planned_to: date


def places_of(notice: PublicNotice) -> list[PublicPlace]:
    """Every place, also those that were taken out, in the order they were added."""
    mine = select(PublicPlace).where(PublicPlace.notice_id == notice.id)
    return list(db.session.scalars(mine.order_by(PublicPlace.id)))


def place_of(notice: PublicNotice, place_id: UUID) -> PublicPlace:
    """One of them. Raises: Missing."""
    found = db.session.get(PublicPlace, place_id)
    if found is None or found.notice_id != notice.id:
        raise Missing(_("There is no such place."))
    return found


def add(
    incident: Incident, notice: PublicNotice, place: Place, *, by: StaffMember, now: datetime
) -> PublicPlace:
    """Plan a place; the same one sent twice is one place. Raises: Invalid for what cannot be, Refused."""
    _refuse_ended(notice)
    name = " ".join(place.name.split())
    if fault := _fault(place, name):
        raise Invalid(fault, next_step=_("Nothing was kept. Mend it and send it again."))
    same = (place.kind, name, place.planned_from, place.planned_to)
    for each in places_of(notice):
        if each.removed_at is None and same == (each.kind, each.name, each.planned_from, each.planned_to):
            return each
    made = PublicPlace(
        id=new_id(), organisation_id=incident.organisation_id, notice_id=notice.id, kind=place.kind,
        name=name, planned_from=place.planned_from, planned_to=place.planned_to,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    log(
        incident, notice, "public_notice.place_added", by.name, now, staff=by.id, **_told(made)
    )  # fmt: skip
    return made


def _fault(place: Place, name: str) -> str:
    if place.kind not in KINDS:
        return _("Say what kind of place it is.")
    if not name:
        return _("Say which place it is: the address of the page, the newspaper, the notice board.")
    if len(name) > LONGEST_NAME:
        return _("The name of a place has at most %(count)s signs.", count=LONGEST_NAME)
    if place.planned_to < place.planned_from:
        return _("It cannot end before it begins.")
    if place.planned_to - place.planned_from > LONGEST_STAY:
        return _("It stands for a year at most: plan another place after that.")
    return ""


def _told(place: PublicPlace) -> dict[str, Any]:
    return {
        "place": place.id, "kind": place.kind, "name": place.name,
        "planned_from": place.planned_from.isoformat(), "planned_to": place.planned_to.isoformat(),
    }  # fmt: skip


def _refuse_ended(notice: PublicNotice) -> None:
    if notice.ended_at is not None:
        raise Refused(_("This notice has ended everywhere."), next_step=_("Begin another public notice."))


def remove(
    incident: Incident, notice: PublicNotice, place: PublicPlace, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Take a place out before it was seen, with a reason; it stays on record. Twice changes nothing.

    Raises: Refused once it was seen there, Invalid without a reason.
    """
    if place.removed_at is not None:
        return
    if place.seen_at is not None:
        raise Refused(_("It was seen there: that stays."), next_step=_("Add another place instead."))
    if not why.strip():
        raise Invalid(_("Say why it will not stand there."), next_step=_("It stays in the record."))
    place.removed_at, place.removed_why = now, why.strip()
    db.session.flush()
    log(
        incident, notice, "public_notice.place_removed", by.name, now, reason=why.strip(), staff=by.id,
        **_told(place),
    )  # fmt: skip
    settle(incident, notice, actor=by.name, now=now)


# --- proof -------------------------------------------------------------------------------------------


def prove(
    incident: Incident, notice: PublicNotice, place: PublicPlace, *, file_name: str, data: bytes,
    seen_at: datetime, by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Keep the proof that it was seen at a place; whether that is new. With the last one the duty is met.

    `seen_at` is when (an aware instant). The very same file twice is one proof. Raises: Refused before the
    approval, for a place that was taken out or has its proof; Invalid for a file that proves nothing, a time
    in the future, or one before the approval or the planned day.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if place.proof_sha256 == sha256:
        return False
    if notice.approved_at is None:
        raise Refused(
            _("This text is not approved: what stood there cannot be this notice."),
            next_step=_("Have a second person approve it, then publish it."),
        )
    if place.removed_at is not None or place.proof_sha256 is not None:
        raise Refused(
            _("This place was taken out, or has its proof already."), next_step=_("Add another place.")
        )
    media_type = _checked(data)
    _check_time(incident, notice, place, seen_at, now)
    place.seen_at, place.seen_by, place.proof, place.proof_sha256 = seen_at, by.name, data, sha256
    place.proof_name, place.proof_type = receipts.safe_name(file_name), media_type
    db.session.flush()
    log(
        incident, notice, "public_notice.seen", by.name, now, staff=by.id, seen_at=seen_at,
        proof_sha256=sha256, **_told(place),
    )  # fmt: skip
    settle(incident, notice, actor=by.name, now=now)
    return True


def _checked(data: bytes) -> str:
    if not data.strip():
        raise Invalid(_("The proof is an empty file."), next_step=_("Save it again where it came from."))
    if len(data) > MOST_BYTES:
        raise Invalid(
            _("The file is larger than 10 MiB: save it as a smaller one."), next_step=_("Then send it again.")
        )
    found = receipts.media_type(data)
    if found not in TYPES:
        raise Invalid(
            _("The proof is no PDF or picture (PNG, JPEG)."),
            next_step=_("Print the page as PDF, or take a photo of it."),
        )
    return str(found)


def _check_time(
    incident: Incident, notice: PublicNotice, place: PublicPlace, seen_at: datetime, now: datetime
) -> None:
    day = locales.local(seen_at, _zone(incident)).date()
    fault = ""
    if seen_at > now:
        fault = _("It cannot have been seen in the future.")
    elif notice.approved_at and seen_at < notice.approved_at.replace(second=0, microsecond=0):
        fault = _("It cannot have been seen before it was approved.")
    elif day < place.planned_from:
        fault = _("It was planned to stand there from a later day on.")
    if fault:
        raise Invalid(fault, next_step=_("Say when it was seen, or plan the place with its real days."))


def _zone(incident: Incident) -> str:
    return db.session.get_one(Organisation, incident.organisation_id).timezone


# --- what it meets -----------------------------------------------------------------------------------


def settle(incident: Incident, notice: PublicNotice, *, actor: str, now: datetime) -> bool:
    """Meet the duty to tell the people where the notice informs as well; whether it is met by it.

    Approved, and seen at every place. It meets the duty where it is decided that people are told in public:
    while each is to be told, the communications meet it. So they do while one is on its way.
    """
    standing = [each for each in places_of(notice) if each.removed_at is None]
    seen = [each.seen_at for each in standing if each.seen_at]
    if notice.approved_at is None or not standing or len(seen) < len(standing):
        return False
    duties = meeting.duties_of(incident, texts.DUTY)
    if notice.met_at is None:
        notice.met_at = max(seen)
        db.session.flush()
        log(
            incident, notice, "public_notice.stands", actor, now, places=len(standing), seen_at=notice.met_at
        )  # fmt: skip
    if not decisions.in_public(incident) or _is_under_way(incident):
        return False
    incident.follow_ups_for = 0  # what authorities were told of telling the people is looked at again
    meeting.count_for_carrier(duties, at=notice.met_at, actor=actor, now=now)
    for duty in meeting.still_open(duties):
        meeting.meet(incident, duty, at=notice.met_at, actor=actor, now=now)
    clocks.stop(
        incident, CLOCK_KIND, why=_("The people are told."), actor=actor, now=now, at=notice.met_at
    )  # fmt: skip
    runs.happened(incident.chain, "subjects.sent", actor=actor, now=now)
    return True


def _is_under_way(incident: Incident) -> bool:
    mine = select(SubjectCommunication.id).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(UNDER_WAY)
    )
    return bool(db.session.scalar(select(mine.exists())))


def waiting() -> list[UUID]:
    """The notices that stand everywhere, and meet the duty by what was decided since."""
    mine = (
        select(PublicNotice.id)
        .join(Duty, Duty.incident_id == PublicNotice.incident_id)
        .join(Decision, Decision.incident_id == PublicNotice.incident_id)
        .where(
            PublicNotice.met_at.is_not(None), Duty.regime == texts.DUTY, Duty.state.in_(OWED),
            Decision.state == DecisionState.IN_FORCE, Decision.kind == Kind.EXEMPT_C,
        )
        .distinct()
        .limit(AT_ONCE)
    )  # fmt: skip
    return list(db.session.scalars(mine))


def look_again(notice_id: UUID, *, now: datetime) -> bool:
    """Meet the duty by a notice that stands everywhere, where that is what was decided; whether it does."""
    of = select(PublicNotice.incident_id).where(PublicNotice.id == notice_id)
    incident = related.locked(db.session.scalars(of).one())
    notice = db.session.get_one(PublicNotice, notice_id, populate_existing=True)
    return settle(incident, notice, actor=CLOCK, now=now)


# --- reminding ---------------------------------------------------------------------------------------


def unproven(now: datetime) -> list[UUID]:
    """Places whose first or last day has come without proof, that was not spoken of yet.

    Also one place of each notice that has stood everywhere as long as it was to.
    """
    today = _today(now)
    begins = and_(PublicPlace.planned_from <= today, PublicPlace.reminded_of.is_(None))
    ends = and_(PublicPlace.planned_to < today, PublicPlace.reminded_of == "begin")
    mine = (
        select(PublicPlace.id)
        .join(PublicNotice, PublicNotice.id == PublicPlace.notice_id)
        .join(Organisation, Organisation.id == PublicPlace.organisation_id)
        .where(
            PublicPlace.removed_at.is_(None), PublicNotice.ended_at.is_(None),
            or_(and_(PublicPlace.seen_at.is_(None), or_(begins, ends)), _is_last_of_all(today)),
        )
        .order_by(PublicPlace.planned_from, PublicPlace.id)
        .limit(AT_ONCE)
    )  # fmt: skip
    return list(db.session.scalars(mine))


def _today(now: datetime) -> ColumnElement[date]:
    """What day it is where the organisation is."""
    zones: dict[date, list[str]] = defaultdict(list)
    for zone in db.session.scalars(select(Organisation.timezone).distinct()):
        zones[locales.local(now, zone).date()].append(zone)
    days = [(Organisation.timezone.in_(some), literal(day)) for day, some in zones.items()]
    return case(*days, else_=literal(now.date())) if days else literal(now.date())


def _is_last_of_all(today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a place was seen and is over, as all of its notice are; true of one place of a notice."""
    other = aliased(PublicPlace)
    others = select(other.id).where(
        other.notice_id == PublicPlace.notice_id, other.removed_at.is_(None),
        or_(other.seen_at.is_(None), other.planned_to >= today, other.id > PublicPlace.id),
    )  # fmt: skip
    return and_(
        PublicNotice.approved_at.is_not(None), PublicPlace.seen_at.is_not(None),
        PublicPlace.planned_to < today, ~others.correlate(PublicPlace, Organisation).exists(),
    )  # fmt: skip


def remind(place_id: UUID, *, now: datetime) -> bool:
    """Remind those who see to it of a place without proof, once for its first and once for its last day.

    Where the notice has stood everywhere as long as it was to, it is ended. Whether anything was done.
    """
    of = (
        select(PublicNotice.incident_id)
        .join(PublicPlace, PublicPlace.notice_id == PublicNotice.id)
        .where(PublicPlace.id == place_id)
    )
    incident = related.locked(db.session.scalars(of).one())
    place = db.session.get_one(PublicPlace, place_id, populate_existing=True)
    notice = db.session.get_one(PublicNotice, place.notice_id, populate_existing=True)
    today = locales.local(now, _zone(incident)).date()
    if place.seen_at is not None:
        return end(incident, notice, now=now)
    which = "end" if place.planned_to < today else "begin"
    if place.planned_from > today or place.reminded_of == which:
        return False
    place.reminded_of = which
    db.session.flush()
    officers = [each.id for each in people.staff_with_role(incident.organisation_id, Role.DPO)]
    lead = [incident.lead_id] if incident.lead_id else []
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    ways.remind(
        organisation_id=incident.organisation_id, about=incident.chain, staff_ids=[*lead, *officers],
        template="place_unproven", dedupe_key=f"public_place:{place.id}:{which}", urgent=False, must_by=None,
        now=now, context={
            "number": incident.number, "organisation": organisation.name, "what": place.name, "kind": which,
            "meets": _meets(incident), "path": f"/incidents/{incident.id}/public-notices/{notice.id}",
        },
    )  # fmt: skip
    log(incident, notice, "public_notice.reminded", CLOCK, now, which=which, **_told(place))
    return True


def _meets(incident: Incident) -> str:
    """How the duty to tell the people is met by a notice that was seen everywhere, as messages call it.

    "alone", "with" what is under way to each, "undecided" while each is to be told, or "" where nothing is
    owed any more.
    """
    if not meeting.still_open(meeting.duties_of(incident, texts.DUTY)):
        return ""
    if not decisions.in_public(incident):
        return "undecided"
    return "with" if _is_under_way(incident) else "alone"


def end(incident: Incident, notice: PublicNotice, *, now: datetime) -> bool:
    """The notice has stood everywhere as long as it was to, each with its proof; whether that is so now."""
    today = locales.local(now, _zone(incident)).date()
    standing = [each for each in places_of(notice) if each.removed_at is None]
    over = [each for each in standing if each.seen_at and each.planned_to < today]
    if notice.ended_at is not None or notice.approved_at is None or not standing or len(over) < len(standing):
        return False
    notice.ended_at = now
    db.session.flush()
    log(incident, notice, "public_notice.ended", CLOCK, now, places=len(standing))
    return True
