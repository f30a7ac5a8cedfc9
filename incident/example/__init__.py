"""Example data: four organisations, their staff and rota, their processors; and a first report.

For the demonstration and for tests. Nothing of it is planted into an installation that holds anything.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from accounts import passwords, people
from accounts.models import Organisation, Role, StaffMember
from foundation.database import db
from foundation.errors import Refused
from incident.example import register
from notifications import paging, ways
from notifications.rota import editing, overrides
from notifications.rota.editing import Draft
from notifications.rota.overrides import Wanted
from notifications.rules.plan import Change

HERE = Path(__file__).parent
BY = "Example data"
HANDOVER = time(9)
PROFILE = (
    "business", "registration", "address", "phone", "email", "website", "letter_languages", "facts",
    "sector", "size_class", "staff_band", "industry", "is_sole_trader", "contact", "dpo", "ico",
)  # fmt: skip


@dataclass
class Planted:
    """What was planted, with the secrets that are shown this once."""

    users: list[dict[str, str]] = field(default_factory=list)
    processors: list[dict[str, str]] = field(default_factory=list)
    phones: dict[str, str] = field(default_factory=dict)  # number or address -> whose


def plant(chosen: dict[str, str], *, public_url: str, now: datetime, chat_url: str = "") -> Planted:
    """Plant the example data; `chosen` holds a password for each e-mail address. In the caller's transaction.

    Calls and chat are among the ways of a demonstration only, which says where chat goes (`chat_url`,
    as Apprise writes it). Raises: Refused when there is an organisation already.
    """
    if db.session.scalar(select(func.count()).select_from(Organisation)):
        raise Refused("There is data here already: example data is planted into an empty installation only.")
    planted, cast = Planted(), _read("people.toml")
    for each in _read("organisations.toml")["organisation"]:
        profile = {name: each[name] for name in PROFILE if name in each}
        if told := each.get("can_sign_in"):
            profile["filing"] = _holders(told, now)
        people.add_organisation(
            each["key"], name=each["name"], country=each["country"], timezone=each["timezone"],
            prefix=each["prefix"], locale=each["locale"], profile=profile, now=now,
        )  # fmt: skip
    staff = {
        each["email"]: _hire(each, chosen[each["email"]], planted, chat_url, now) for each in cast["staff"]
    }
    schedules = {each["name"]: _rota(each, staff, now) for each in cast["schedule"]}
    for each in cast["override"]:
        _override(each, schedules, staff, now)
    for each in cast["policy"]:
        steps = [_step(step, schedules) for step in each["steps"]]
        organisation = people.organisation(each["organisation"])
        paging.add_policy(organisation_id=organisation.id, name=each["name"], steps=steps)
    for each in _read("processors.toml")["processor"]:
        if key := register.enter(each, by=BY, now=now):
            url = f"{public_url}/api/v1/reports/{key.endpoint_id}"
            planted.processors.append({"name": each["name"], "report_url": url, "secret": key.secret})
    return planted


def _holders(told: dict[str, list[str]], now: datetime) -> dict[str, Any]:
    """Who can sign in where, as if they had tried it on the day the data are planted."""
    day = now.date().isoformat()
    return {
        authority: {"holders": [{"name": name, "checked_on": day} for name in names]}
        for authority, names in told.items()
    }


def addresses() -> list[str]:
    """The e-mail addresses that need a password."""
    return [each["email"] for each in _read("people.toml")["staff"]]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def _hire(each: dict[str, str], password: str, planted: Planted, chat_url: str, now: datetime) -> StaffMember:
    organisation = people.organisation(each["organisation"])
    person = people.add_staff(
        organisation, name=each["name"], email=each["email"], role=Role(each["role"]),
        password_hash=passwords.hash_password(password), locale=each["locale"], by=BY, now=now,
    )  # fmt: skip
    db.session.flush()
    for position, way in enumerate(_ways(each, chat_url)):
        ways.add_contact_method(
            organisation_id=organisation.id, staff_id=person.id, channel=way.channel, address=way.address,
            position=position, verified_at=now if way.verified else None, delay_minutes=way.delay,
        )  # fmt: skip
        planted.phones[way.shown or way.address] = each["name"]
    planted.users.append(
        {"name": each["name"], "email": each["email"], "password": password, "role": each["role"]}
    )
    return person


class _Way(NamedTuple):
    channel: str
    address: str
    delay: int = 0  # minutes
    verified: bool = True
    shown: str = ""  # what the sandbox calls its device, where that is not the address


def _ways(each: dict[str, str], chat_url: str) -> Iterator[_Way]:
    """A person's ways in their order: texts, calls, chat, e-mail, and what they have not verified yet."""
    if "phone" in each:
        yield _Way("sms", each["phone"])
    if chat_url and "calls" in each:
        yield _Way("voice", each["calls"], delay=2)
    if chat_url and "chat" in each:
        yield _Way("chat", f"{chat_url}/{each['chat']}", shown=each["chat"])
    yield _Way("email", each["email"])
    if "unverified" in each:
        yield _Way("voice", each["unverified"], delay=2, verified=False)


def _first(zone: str, now: datetime) -> date:
    """The Monday with whose handover the rota has begun."""
    local = now.astimezone(ZoneInfo(zone))
    monday = local.date() - timedelta(days=local.weekday())
    return monday if datetime.combine(monday, HANDOVER, ZoneInfo(zone)) <= now else monday - timedelta(days=7)


def _rota(each: dict[str, Any], staff: dict[str, StaffMember], now: datetime) -> UUID:
    organisation = people.organisation(each["organisation"])
    zone = organisation.timezone
    made = editing.create(organisation_id=organisation.id, name=each["name"], timezone=zone, by=BY, now=now)
    begin = datetime.combine(_first(zone, now), HANDOVER, ZoneInfo(zone))
    for seen, one in enumerate(each["rotation"], start=1):
        members = [staff[email].id for email in one["members"]]
        draft = Draft(one["name"], members, begin, one["days"], one.get("windows", []), begin, None)
        editing.add(made, draft, seen=seen, by=BY, now=now, quiet=True)
    return made


def _override(
    each: dict[str, Any], schedules: dict[str, UUID], staff: dict[str, StaffMember], now: datetime
) -> None:
    """Somebody stands in, made by who stands in; nobody is told of an example."""
    before, after = staff[each["before"]], staff[each["after"]]
    zone = after.organisation.timezone
    day = _first(zone, now) + timedelta(days=each["day"])
    start, end = (
        datetime.combine(day, time.fromisoformat(each[name]), ZoneInfo(zone)) for name in ("start", "end")
    )
    wanted = Wanted(Change.REPLACE, before.id, after.id, start, end, each["reason"])
    overrides.make(schedules[each["schedule"]], wanted, by=after, now=now, quiet=True)


def _step(step: dict[str, Any], schedules: dict[str, UUID]) -> dict[str, Any]:
    if "schedule" in step:
        return {"schedule": str(schedules[step["schedule"]]), "minutes": step["minutes"]}
    return dict(step)


def first_report(now: datetime) -> dict[str, Any]:
    """The report that begins the story: NordHost's storage was copied, HostCo tells ProMark of it.

    The breach began 20 hours before `now`, so that the organisation's own promise, counted from the
    breach itself, runs out well before the law's 72 hours.
    """

    def ago(**length: float) -> str:
        return (now - timedelta(**length)).replace(microsecond=0).isoformat()

    return {
        "schema_version": 1,
        "reference": "HC-2026-118",
        "title": "Backup storage of the customer portal copied",
        "description": (
            "An access key of the backup storage at NordHost was used from outside. The copy of the "
            "customer portal's database was read. The key is revoked; logs are being gone through."
        ),
        "reported_by": {"name": "HostCo duty desk", "organisation": "HostCo ApS"},
        "chain": [
            {"name": "HostCo ApS", "role": "processor", "country": "DK", "reference": "HC-2026-118",
             "aware_at": ago(hours=5)},
            {"name": "NordHost AS", "role": "sub_processor", "country": "NO", "aware_at": ago(hours=9),
             "told_next_at": ago(hours=5)},
        ],
        "timeline": {
            "occurred_from": ago(hours=20), "occurred_to": ago(hours=11), "ongoing": "no",
            "detected_at": ago(hours=9), "processor_aware_at": ago(hours=5),
        },
        "cause": {"category": "external_malicious", "kind": "unauthorised_access", "deliberate": "yes"},
        "compromised": {"confidentiality": "yes", "integrity": "no", "availability": "no"},
        "data": {
            "categories": ["name", "contact", "username", "employment", "absence"],
            "identifiability": "direct", "records": {"at_least": 400, "estimate": True},
        },
        "protection": {"encrypted": "no", "passwords": "strong_salted_hash"},
        "disclosure": {"exfiltration": "confirmed", "recipients": ["attacker"], "recipients_trusted": "no"},
        "subjects": {
            "total": {"at_least": 400, "estimate": True}, "by_country": {"DK": 260, "SE": 120, "GB": 20},
            "groups": ["customers", "employees"],
        },
        "measures": {
            "taken": ["The access key was revoked.", "Only known networks may connect to the storage."],
            "planned": ["All keys of the storage are renewed.", "Backups get encrypted, keys kept apart."],
        },
    }  # fmt: skip
