"""A round of notices: what all customers read alike, each one's own part, and the approval of both."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from accounts.models import StaffMember
from foundation import ledger, locales
from foundation.database import changed as changed_rows
from foundation.database import db, insert_rows, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import clocks, drafting
from incident.controller_notices import writing
from incident.controller_notices.names import Names, Naming
from incident.customer_lists import Details
from incident.models import (
    ControllerNotice,
    Customer,
    Incident,
    NoticeRound,
    NoticeState,
    RoundState,
)

BREACHCLOCK = "Breachclock"
BEFORE_SENDING = (RoundState.DRAFT, RoundState.APPROVED)


@dataclass(frozen=True, slots=True)
class Addressed:
    """One customer to be written to: its duty, what the register says of it, whether it was told before."""

    customer_id: UUID
    duty_id: UUID
    details: Details
    follow_up: bool = False


def of_incident(incident: Incident) -> list[NoticeRound]:
    """The rounds of an incident, by number."""
    mine = select(NoticeRound).where(NoticeRound.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(NoticeRound.number)))


def of(incident: Incident, round_id: UUID) -> NoticeRound:
    """One round of an incident, read afresh. Raises: Missing."""
    found = db.session.scalars(
        select(NoticeRound)
        .where(NoticeRound.id == round_id, NoticeRound.incident_id == incident.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Missing(_("There are no such notices."))
    return found


def notices_of(round_: NoticeRound, *states: str) -> list[ControllerNotice]:
    """The notices of a round, by customer's name; of these states alone when some are given."""
    mine = select(ControllerNotice).join(Customer, Customer.id == ControllerNotice.customer_id)
    mine = mine.where(ControllerNotice.round_id == round_.id).order_by(Customer.name_key)
    if states:
        mine = mine.where(ControllerNotice.state.in_(states))
    return list(db.session.scalars(mine))


def notice_ids(round_: NoticeRound) -> list[UUID]:
    """The notices of a round by customer's name, as ids alone."""
    mine = select(ControllerNotice.id).join(Customer, Customer.id == ControllerNotice.customer_id)
    of_round = ControllerNotice.round_id == round_.id, ControllerNotice.state != NoticeState.WITHDRAWN
    return list(db.session.scalars(mine.where(*of_round).order_by(Customer.name_key)))


def notice_of(incident: Incident, notice_id: UUID) -> ControllerNotice:
    """One customer's notice, read afresh. Raises: Missing."""
    found = db.session.scalars(
        select(ControllerNotice)
        .where(ControllerNotice.id == notice_id, ControllerNotice.incident_id == incident.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Missing(_("There is no such notice."))
    return found


def counts(round_: NoticeRound) -> dict[str, int]:
    """How many notices of a round are in which state."""
    mine = select(ControllerNotice.state, func.count()).where(ControllerNotice.round_id == round_.id)
    return {row[0]: row[1] for row in db.session.execute(mine.group_by(ControllerNotice.state))}


def languages_of(round_: NoticeRound) -> dict[str, int]:
    """How many customers of a round read which language, in our order of languages."""
    mine = select(ControllerNotice.locale, func.count()).where(
        ControllerNotice.round_id == round_.id, ControllerNotice.state != NoticeState.WITHDRAWN
    )
    found = {row[0]: row[1] for row in db.session.execute(mine.group_by(ControllerNotice.locale))}
    return {locale: found[locale] for locale in locales.LOCALES if locale in found}


# --- drafting -----------------------------------------------------------------------------------


def being_prepared(incident: Incident) -> NoticeRound | None:
    """The latest round before it is sent; none once all on it were told otherwise, as by telephone."""
    found = [each for each in of_incident(incident) if each.state in BEFORE_SENDING]
    there = counts(found[-1]) if found else {}
    over = there.get(NoticeState.TOLD) and not there.get(NoticeState.DRAFT)
    return found[-1] if found and not over else None


def open_round(incident: Incident, *, by: StaffMember | None, now: datetime) -> NoticeRound:
    """The round that is being prepared; where there is none a new one, with the texts of the last.

    Texts that are taken over say what held for them: `catch_up` brings them to what holds now.
    """
    if prepared := being_prepared(incident):
        return prepared
    known = of_incident(incident)
    texts = dict(known[-1].texts) if known else {}
    facts_number, aware_at = (
        (known[-1].facts_number, known[-1].aware_at) if known else (incident.facts_number, incident.aware_at)
    )
    made = NoticeRound(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, texts=texts,
        drafted=dict(known[-1].drafted) if known else {}, aware_at=aware_at,
        number=len(known) + 1, content_sha256="", facts_number=facts_number, drafted_at=now,
        state=RoundState.DRAFT, written_by=by.name if by else BREACHCLOCK,
        written_by_id=by.id if by else None,
    )  # fmt: skip
    made.content_sha256 = _hash(made.texts, [])
    db.session.add(made)
    db.session.flush()
    log(incident, made, "notices.drafted", made.written_by, now, facts_version=facts_number)
    return made


def address(
    incident: Incident, round_: NoticeRound, addressed: Sequence[Addressed], *, by: StaffMember | None,
    now: datetime,
) -> int:  # fmt: skip
    """Draft a notice for each of these customers that has none in this round; how many were made."""
    there, back = _taken_back(round_, {each.customer_id for each in addressed})
    fresh = [each for each in addressed if each.customer_id not in there]
    if not fresh and not back:
        return 0
    facts = clocks.current_facts(incident)
    rows = []
    for each in fresh:
        own = writing.own_part(each.details, facts, follow_up=each.follow_up)
        locale = each.details.locale
        rows.append({
            "id": new_id(), "organisation_id": incident.organisation_id, "round_id": round_.id,
            "incident_id": incident.id, "duty_id": each.duty_id, "customer_id": each.customer_id,
            "locale": locale, "own": own, "sha256": writing.own_hash(each.customer_id, locale, own),
            "state": NoticeState.DRAFT, "drafted_at": now,
        })  # fmt: skip
    insert_rows(ControllerNotice, *rows)
    _draft_missing(incident, round_, {each.details.locale for each in fresh})
    changed(incident, round_, "notices.list_changed", by=by, now=now, added=len(fresh) + back)
    return len(fresh) + back


def _draft_missing(incident: Incident, round_: NoticeRound, wanted: set[str]) -> None:
    if missing := sorted(wanted - round_.texts.keys()):
        material = drafting.gather(incident)
        drafts = {locale: writing.draft(material, locale) for locale in missing}
        round_.texts, round_.drafted = round_.texts | drafts, round_.drafted | drafts


def behind() -> list[UUID]:
    """The rounds not sent yet that were drafted from facts or an awareness that hold no more."""
    mine = select(NoticeRound.id).join(Incident, Incident.id == NoticeRound.incident_id)
    moved = or_(
        NoticeRound.facts_number != Incident.facts_number,
        NoticeRound.aware_at.is_distinct_from(Incident.aware_at),
    )
    return list(db.session.scalars(mine.where(NoticeRound.state.in_(BEFORE_SENDING), moved)))


def catch_up(round_id: UUID, *, now: datetime) -> bool:
    """Draft anew what nobody has written otherwise; what a person wrote stays. No more to do after it."""
    incident = db.session.scalars(
        select(Incident)
        .join(NoticeRound, NoticeRound.incident_id == Incident.id)
        .where(NoticeRound.id == round_id)
        .with_for_update(of=Incident)
        .execution_options(populate_existing=True)
    ).one()
    round_, material = of(incident, round_id), drafting.gather(incident)
    texts, drafted = dict(round_.texts), dict(round_.drafted)
    for locale, before in round_.drafted.items():
        fresh = writing.draft(material, locale)
        untouched = [part for part in fresh if texts[locale].get(part) == before.get(part)]
        texts[locale] = texts[locale] | {part: fresh[part] for part in untouched}
        drafted[locale] = before | {part: fresh[part] for part in untouched}
    round_.facts_number, round_.aware_at = incident.facts_number, incident.aware_at
    if texts != round_.texts:
        round_.texts, round_.drafted = texts, drafted
        changed(incident, round_, "notices.caught_up", by=None, now=now, facts_version=incident.facts_number)
    return False


def _taken_back(round_: NoticeRound, wanted: set[UUID]) -> tuple[set[UUID], int]:
    """Who is on the list already; and how many of those wanted are on it again that had left it."""
    mine = select(ControllerNotice.customer_id).where(ControllerNotice.round_id == round_.id)
    left = ControllerNotice.state == NoticeState.WITHDRAWN
    again = [each for each in db.session.scalars(mine.where(left)) if each in wanted]
    if again:
        changed_rows(
            update(ControllerNotice)
            .where(ControllerNotice.round_id == round_.id, left, ControllerNotice.customer_id.in_(again))
            .values(state=NoticeState.DRAFT)
        )
    return set(db.session.scalars(mine)), len(again)


def changed(
    incident: Incident, round_: NoticeRound, action: str, *, by: StaffMember | None, now: datetime,
    **details: Any,
) -> None:  # fmt: skip
    """Write down that text or list changed: the hash follows, and an approval of what was is void."""
    if round_.state == RoundState.APPROVED:
        details["approval_void"] = round_.approved_by
        round_.state = RoundState.DRAFT
        round_.approved_by = round_.approved_by_id = round_.approved_at = round_.approved_sha256 = None
    if by is not None:
        round_.written_by, round_.written_by_id = by.name, by.id
        details["staff"] = by.id  # who wrote what stands here does not approve it
    db.session.flush()
    round_.content_sha256 = fingerprint(round_)
    db.session.flush()
    log(incident, round_, action, by.name if by else BREACHCLOCK, now, **details)


def fingerprint(round_: NoticeRound) -> str:
    """SHA-256 over texts and list as they are in the database now: what an approval is of."""
    mine = select(ControllerNotice.customer_id, ControllerNotice.sha256).where(
        ControllerNotice.round_id == round_.id, ControllerNotice.state != NoticeState.WITHDRAWN
    )
    return _hash(round_.texts, sorted(f"{row.customer_id} {row.sha256}" for row in db.session.execute(mine)))


def _hash(texts: Mapping[str, Any], notices: Collection[str]) -> str:
    return hashlib.sha256(rfc8785.dumps({"texts": dict(texts), "notices": list(notices)})).hexdigest()


# --- writing ------------------------------------------------------------------------------------


def set_texts(
    incident: Incident, round_: NoticeRound, locale: str, parts: Mapping[str, str], *, seen: str,
    by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Write the common part of one language; whether it changed. An approval is void once it does.

    `seen` is the hash that was on the page. Raises: Refused when it was sent or changed meanwhile.
    """
    refuse_sent(round_)
    refuse_stale(round_, seen)
    if locale not in round_.texts:
        raise Invalid(_("Nobody on the list reads this language."))
    written = writing.cleaned(parts)
    if round_.texts[locale] == written:
        return False
    round_.texts = {**round_.texts, locale: written}
    changed(incident, round_, "notices.text_changed", by=by, now=now, language=locale)
    return True


def set_own(
    incident: Incident, round_: NoticeRound, notice: ControllerNotice, *, affected: int | None, note: str,
    seen: str, by: StaffMember, now: datetime,
) -> bool:  # fmt: skip
    """Say how many people are affected at one customer, and what it alone is told; whether that changed.

    Raises: Refused as `set_texts`, and when the note names another customer.
    """
    refuse_sent(round_)
    refuse_stale(round_, seen)
    said = writing.cleaned_text(note, writing.LONGEST_NOTE)
    own = {**notice.own, "affected": affected, "note": said}
    if own == notice.own:
        return False
    refuse_names(names_of(incident).found_in(said, but=notice.customer_id))
    notice.own, notice.sha256 = own, writing.own_hash(notice.customer_id, notice.locale, own)
    changed(incident, round_, "notices.own_changed", by=by, now=now, customer=notice.customer_id)
    return True


def renew(
    incident: Incident, round_: NoticeRound, told: Mapping[UUID, Details], *, seen: str, by: StaffMember,
    now: datetime,
) -> int:  # fmt: skip
    """Take each customer's own part anew from the register and the facts; how many changed.

    What a person wrote for one customer stays. `told` holds the register by customer. Raises: as `set_texts`.
    """
    refuse_sent(round_)
    refuse_stale(round_, seen)
    facts = clocks.current_facts(incident)
    differing = 0
    for notice in notices_of(round_, NoticeState.DRAFT):
        if notice.customer_id not in told:
            continue
        details = told[notice.customer_id]
        own = writing.own_part(details, facts, follow_up=notice.own["follow_up"])
        own |= {name: notice.own[name] for name in ("affected", "note")}
        if (own, details.locale) != (notice.own, notice.locale):
            notice.own, notice.locale = own, details.locale
            notice.sha256 = writing.own_hash(notice.customer_id, notice.locale, own)
            differing += 1
    if differing:
        db.session.flush()
        _draft_missing(incident, round_, set(languages_of(round_)))
        changed(incident, round_, "notices.list_changed", by=by, now=now, renewed=differing)
    return differing


# --- what stands in the way ---------------------------------------------------------------------


def names_of(incident: Incident) -> Names:
    """The names and references of every customer of the organisation, those that left among them."""
    mine = select(Customer.id, Customer.name, Customer.reference).where(
        Customer.organisation_id == incident.organisation_id
    )
    rows = [(row.id, row.name, row.reference) for row in db.session.execute(mine)]
    return Names(rows, ordinary=writing.ordinary())


def refuse_names(found: Sequence[Naming]) -> None:
    """Refuse what would tell one customer of another. Raises: Refused."""
    if found:
        said = ", ".join(f"“{each.said}”" for each in found[:5])
        raise Refused(
            _("The text names customers, and others would read it: %(names)s.", names=said),
            next_step=_("Take their names and references out of it; each notice says whom it is for."),
        )


def refuse_sent(round_: NoticeRound) -> None:
    """What customers have been told changes no more. Raises: Refused."""
    if round_.state not in BEFORE_SENDING:
        raise Refused(
            _("These notices were sent: what customers have been told changes no more."),
            next_step=_("What is new, or was wrong, goes to them as a further notice."),
        )


def refuse_stale(round_: NoticeRound, seen: str) -> None:
    """Refuse what was done to a text or list that has changed since it was shown. Raises: Refused."""
    if seen != round_.content_sha256:
        raise Refused(
            _("Text or list were changed meanwhile by %(who)s. Nothing of yours was saved.",
              who=round_.written_by),
            next_step=_("Open the notices again, look at them as they are now, and repeat what you did."),
        )  # fmt: skip


def log(
    incident: Incident, round_: NoticeRound, action: str, by: str, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a round: hashes and counts, never whom it goes to."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, reason=reason,
        round=round_.number, content_sha256=round_.content_sha256, **details,
    )  # fmt: skip
