"""The filing log read: what was filed, what came back for it, and whether both are still as they were."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db
from foundation.errors import Missing
from foundation.ledger import Broken, Entry
from incident.models import AuthorityFiling, AuthorityNotification, FilingProof, Incident

FILED, KEPT = "notification.filed", "notification.proof_kept"  # what the ledger calls them


@dataclass(frozen=True, slots=True)
class Filed:
    """One filing with what came back for it, oldest first."""

    filing: AuthorityFiling
    proofs: Sequence[FilingProof]

    @property
    def case_number(self) -> str | None:
        """The authority's case number, as it was told last."""
        told = (each.case_number for each in reversed(self.proofs) if each.case_number)
        return next(told, self.filing.case_number)

    @property
    def numbers_before(self) -> list[str]:
        """Case numbers that were said to be wrong later, oldest first; they stay on record."""
        told = [self.filing.case_number, *(each.case_number for each in self.proofs)]
        return [each for each in told if each and each != self.case_number]

    @property
    def receipts(self) -> list[FilingProof]:
        """The files that came back."""
        return [each for each in self.proofs if each.sha256]

    @property
    def is_closed(self) -> bool:
        """Whether something shows that it was filed; of its duty, parts may be owed all the same."""
        return bool(self.receipts or self.case_number)


def of_incident(incident: Incident) -> list[Filed]:
    """The filings of an incident, by the time of filing."""
    mine = select(AuthorityFiling).where(AuthorityFiling.incident_id == incident.id)
    return _with_proofs(db.session.scalars(mine.order_by(AuthorityFiling.filed_at, AuthorityFiling.id)))


def filing_of(notification: AuthorityNotification) -> Filed | None:
    """The filing of a notification, if it was filed."""
    mine = select(AuthorityFiling).where(AuthorityFiling.notification_id == notification.id)
    return next(iter(_with_proofs(db.session.scalars(mine))), None)


def _with_proofs(filings: Iterable[AuthorityFiling]) -> list[Filed]:
    rows = list(filings)
    wanted = select(FilingProof).where(FilingProof.filing_id.in_([each.id for each in rows]))
    found: dict[UUID, list[FilingProof]] = {}
    for proof in db.session.scalars(wanted.order_by(FilingProof.number)) if rows else ():
        found.setdefault(proof.filing_id, []).append(proof)
    return [Filed(each, found.get(each.id, [])) for each in rows]


def receipt_of(notification: AuthorityNotification, proof_id: UUID) -> FilingProof:
    """A receipt of a notification's filing. Raises: Missing."""
    filed = filing_of(notification)
    found = next((each for each in filed.receipts if each.id == proof_id), None) if filed else None
    if found is None:
        raise Missing(_("There is no such receipt."))
    return found


def damaged(filed: Filed) -> list[str]:
    """What is no longer as it was filed, by the hash that was taken then: "pdf", "json", a receipt's name.

    The database refuses such a change; this finds one that was made past it.
    """
    row = filed.filing
    kept = [
        ("pdf", row.pack_pdf, row.pack_pdf_sha256), ("json", row.pack_json, row.pack_json_sha256),
        *((each.name or "", each.data, each.sha256) for each in filed.receipts),
    ]  # fmt: skip
    return [
        name for name, data, sha256 in kept
        if data is not None and hashlib.sha256(data).hexdigest() != sha256
    ]  # fmt: skip


def verify() -> list[Broken]:
    """Every filing that is not as the ledger has it, over all that the present scope may see.

    The number of a break is that of the ledger's entry about the filing.
    """
    wanted = select(Entry).where(Entry.action.in_((FILED, KEPT))).order_by(Entry.chain, Entry.number)
    told: dict[str, list[Entry]] = {}
    for entry in db.session.scalars(wanted):
        told.setdefault(str(entry.details.get("notification")), []).append(entry)
    rows = _with_proofs(db.session.scalars(select(AuthorityFiling)))
    known = {str(each.filing.notification_id): each for each in rows}
    return [
        Broken(entries[0].chain, entries[0].number, why)
        for notification, entries in told.items()
        for why in _differences(known.get(notification), entries)
    ]


def _differences(filed: Filed | None, entries: Sequence[Entry]) -> Iterator[str]:
    if filed is None:
        yield "the filing is missing"
        return
    yield from (f"the {name} was changed after it was filed" for name in damaged(filed))
    for name in ("pdf", "json"):
        column = f"pack_{name}_sha256"
        if column in entries[0].details and entries[0].details[column] != getattr(filed.filing, column):
            yield f"the {name} that was filed is missing, or is another one"
    told = entries[0].reason if entries[0].action == FILED else None
    if told and told != filed.filing.reasons:
        yield "the reasons that were told with the filing are missing, or are others"
    receipts = {each.details.get("receipt_sha256") for each in entries} - {None}
    if receipts != {each.sha256 for each in filed.receipts}:
        yield "a receipt is missing, or was not recorded"
