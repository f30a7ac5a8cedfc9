"""The facts of one incident, as known at one moment.

What is missing from the document is unknown here, and unknown never means no: a missing choice reads
"unknown", a missing text is empty, a missing number or instant is None. Instants are UTC.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incident.rules.faults import FactsFault, Fault, faults_of
from incident.rules.reading import NotJSON, read_json
from incident.rules.values import (
    Country,
    Distinct,
    Email,
    Given,
    Instant,
    MaybeHours,
    MaybeWhole,
    PerCountry,
    PromisedHours,
    Reference,
    Seat,
    Text40,
    Text100,
    Text200,
    Text1000,
    Text20000,
    Title,
    UpTo10,
    UpTo100,
    Version,
)
from incident.rules.vocabulary import (
    AccessProtection,
    Backup,
    CauseCategory,
    CauseKind,
    Consequence,
    DataCategory,
    Evidence,
    Exfiltration,
    Identifiability,
    LinkRole,
    OurRole,
    Passwords,
    PromiseAudience,
    PromiseStart,
    Recipient,
    RemoteWipe,
    Retrieved,
    Reveals,
    ServiceEffect,
    SpecialCategories,
    SubjectGroup,
    Tri,
)

__all__ = [
    "Count",
    "Facts",
    "FactsFault",
    "Fault",
    "Link",
    "NotJSON",
    "NotificationPromise",
    "Organisation",
    "parse",
    "parse_organisation",
    "read_json",
]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class NotificationPromise(_Part):
    """A public promise stricter than the law: so many hours, from when, to whom, on what condition."""

    hours: PromisedHours
    starts_at: PromiseStart
    covers: Distinct[PromiseAudience]
    only_if_identifiable: bool = False
    only_processor_breaches: bool = False


class Organisation(_Part):
    """Where the organisation sits, whom it serves, and what it has promised."""

    name: Text200 = ""
    main_establishment: Seat = ""
    establishments: Distinct[Country] = ()
    eea_representative: Country = ""
    targets: Distinct[Country] = ()
    public_body: Tri = "unknown"
    notification_promise: Annotated[NotificationPromise | None, Given] = None


class Reporter(_Part):
    """Who told us. Contact data: never logged, never sent on."""

    name: Text200 = ""
    email: Email = ""
    phone: Text40 = ""
    organisation: Text200 = ""


class Link(_Part):
    """One party of the chain that held the data, and when it knew and told the next."""

    name: Text200
    role: LinkRole
    country: Country = ""
    reference: Text100 = ""
    aware_at: Instant = None
    told_next_at: Instant = None


class Timeline(_Part):
    """When it happened, was seen, was told, and when the organisation was reasonably certain."""

    occurred_from: Instant = None
    occurred_to: Instant = None
    occurred_is_estimate: bool = False
    ongoing: Tri = "unknown"
    detected_at: Instant = None
    processor_aware_at: Instant = None
    informed_at: Instant = None
    aware_at: Instant = None


class Cause(_Part):
    """Why it happened."""

    category: CauseCategory = "unknown"
    kind: CauseKind = "unknown"
    deliberate: Tri = "unknown"


class Compromised(_Part):
    """What was lost for the people concerned, after what is known of encryption, copies and logs."""

    confidentiality: Tri = "unknown"
    integrity: Tri = "unknown"
    availability: Tri = "unknown"


class Count(_Part):
    """A number of people or records: exact, or bounded, or unknown."""

    exactly: MaybeWhole = None
    at_least: MaybeWhole = None
    at_most: MaybeWhole = None
    estimate: bool = False

    @property
    def known(self) -> bool:
        """Whether anything at all is known of the number."""
        return not (self.exactly is None and self.at_least is None and self.at_most is None)

    @property
    def lowest(self) -> int:
        """The smallest number it can be; 0 when nothing is known."""
        return self.exactly if self.exactly is not None else self.at_least or 0

    @property
    def highest(self) -> int | None:
        """The greatest number it can be; None when there is no bound."""
        return self.exactly if self.exactly is not None else self.at_most


class Data(_Part):
    """Which data, how telling, and how easily tied to a person."""

    categories: Distinct[DataCategory] = ()
    special_categories: SpecialCategories = "unknown"
    records: Count = Count()
    scope_known: Tri = "unknown"
    identifiability: Identifiability = "unknown"
    reveals: Reveals = "unknown"
    public_before: Tri = "unknown"


class Protection(_Part):
    """What kept the data unreadable, if anything."""

    encrypted: Tri = "unknown"
    encryption_state_of_the_art: Tri = "unknown"
    key_compromised: Tri = "unknown"
    passwords: Passwords = "unknown"
    access_protection: AccessProtection = "unknown"
    remote_wipe: RemoteWipe = "unknown"


class Disclosure(_Part):
    """Who got the data, whether they can be trusted, whether they gave it back."""

    exfiltration: Exfiltration = "unknown"
    evidence: Evidence = "unknown"
    recipients: Distinct[Recipient] = ()
    recipients_trusted: Tri = "unknown"
    recipients_count: Count = Count()
    retrieved: Retrieved = "unknown"
    exposure_hours: MaybeHours = None
    misuse_seen: Tri = "unknown"


class Availability(_Part):
    """Whether the data came back, when, and what their absence did."""

    backup: Backup = "unknown"
    restored_after_hours: MaybeHours = None
    service_effect: ServiceEffect = "unknown"


class Subjects(_Part):
    """The people concerned."""

    total: Count = Count()
    by_country: PerCountry = Field(default_factory=dict)
    groups: Distinct[SubjectGroup] = ()
    vulnerable: Tri = "unknown"
    protected_identity: Tri = "unknown"


class Measures(_Part):
    """What was done and is planned."""

    taken: UpTo100[Text1000] = ()
    planned: UpTo100[Text1000] = ()
    high_risk_no_longer_likely: Tri = "unknown"


class Facts(_Part):
    """One incident as known at one moment (contract `urn:breachclock:incident-facts:1`)."""

    schema_version: Version = 1
    reference: Reference = ""
    title: Title = ""
    description: Text20000 = ""
    our_role: OurRole = "controller"
    organisation: Organisation = Organisation()
    reported_by: Reporter = Reporter()
    chain: UpTo10[Link] = ()
    timeline: Timeline = Timeline()
    cause: Cause = Cause()
    compromised: Compromised = Compromised()
    data: Data = Data()
    protection: Protection = Protection()
    disclosure: Disclosure = Disclosure()
    availability: Availability = Availability()
    subjects: Subjects = Field(default_factory=Subjects)
    consequences: Distinct[Consequence] = ()
    measures: Measures = Measures()

    @property
    def is_controller(self) -> bool:
        """Whether the organisation itself answers to authority and people, alone or jointly."""
        return self.our_role in ("controller", "joint_controller")

    @property
    def at_a_processor(self) -> Tri:
        """Whether it happened at a processor or below; an absent chain is unknown, an empty one says no."""
        if self.chain:
            return "yes"
        return "no" if "chain" in self.model_fields_set else "unknown"


def parse(document: object) -> Facts:
    """Read a facts document (JSON as Python values) into Facts.

    Raises FactsFault naming every fault by its JSON pointer; details never repeat what was sent.
    """
    try:
        return Facts.model_validate(document)
    except ValidationError as error:
        raise FactsFault(faults_of(error)) from None


def parse_organisation(profile: Mapping[str, object]) -> Organisation:
    """Read a registered organisation's profile, in the form of the facts' `organisation`.

    Raises FactsFault; its pointers are relative to the profile.
    """
    try:
        return Organisation.model_validate(profile)
    except ValidationError as error:
        raise FactsFault(faults_of(error)) from None
