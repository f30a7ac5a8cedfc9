"""A list of people is read and each of them is told, against floors that only move rows and groups.

The whole way: a file sealed and read by the clock, a sending planned, the first few sent and their receipts
taken in, the rest sent by workers over the real SDK to a provider on this machine that counts, a durable row
for each person; then the receipts of all of them, signed, over HTTP; then pages while people are told again.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import UUID

import requests
from sqlalchemy import func, select

from accounts.models import Organisation, StaffMember
from bench import crowd, latency, telling_floors
from bench.composed import SOURCE
from bench.installation import Installation, installation
from bench.senders import Letters
from bench.telling_receipts import Receipts
from bench.telling_texts import TEXTS
from bench.watching import Watch
from foundation.database import db, everyone, transaction, utcnow
from incident import example, intake
from incident.lists import uploading
from incident.models import Incident, ListState, Processor, Recipient, RecipientList
from incident.rules.facts import parse
from notifications import sending
from notifications.models import Delivery, SendingAttempt, SendingState

LOOKS = 0.1  # seconds between looks at how far it is
GIVEN_UP = 3600.0
GOAL_IMPORT = {"sqlite": 0.3, "postgresql": 0.5}
GOAL_TELLING, GOAL_REQUEST, GOAL_MILLISECONDS, GOAL_RECEIPTS = 0.35, 900, 0.15, 5000
GOAL_READING_MEMORY, GOAL_MEMORY, GOAL_PAGE = 100, 200, 2.0  # MiB, MiB, seconds
PAGES = 10


@dataclass
class Round:
    """What came of one round; rates are people a second of the time that is named."""

    people: int = 0
    floor_rows: float = 0
    floor_groups: float = 0
    read: float = 0
    read_memory: float = 0
    read_more: float = 0
    told: float = 0
    sent: float = 0  # from the canary's end to the last group
    milliseconds: float = 0
    a_request: float = 0
    memory: float = 0
    more: float = 0
    receipts: float = 0
    peaks: dict[str, float] = field(default_factory=dict)
    calm: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    left: str = ""

    @property
    def floor_whole(self) -> float:
        """Rows in and groups out, one after the other."""
        return 1 / (1 / self.floor_rows + 1 / self.floor_groups)


def run(database: str, *, seconds: float, rounds: int, people: int) -> None:
    """Measure, print, and check that everybody was told once."""
    del seconds
    done = []
    for _ in range(rounds):
        done.append(_round(database, people))
        _print(database, done[-1:] if rounds > 1 else done)
    if rounds > 1:
        print(f"  -- medians of {rounds} rounds", flush=True)
        _print(database, done)


@contextmanager
def _sink(home: str = "/nonexistent") -> Iterator[str]:
    """A provider that counts; yields its address."""
    argv = (sys.executable, "-m", "notifications.sandbox", "--home", home, "--bind", "127.0.0.1:0",
            "--counts-only")  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def _round(database: str, people: int) -> Round:
    made = Round()
    with _sink() as sink, installation(database, SENDGRID_API_BASE=sink) as laid:
        listed = laid.settings.home / "people.csv"
        crowd.write(listed, people)
        floor = telling_floors.run(laid.settings.database_url, laid.settings, listed)
        made.floor_rows, made.floor_groups = people / floor.rows, people / floor.groups
        before = _counts(sink)
        with laid.app.app_context(), everyone():
            incident_id = _incident()
            with laid.running("web", "clock", "workers", through="bench.composed") as processes:
                pids = {name: each.pid for name, each in processes.items()}
                _read(made, incident_id, listed, people, pids["clock"])
                receipts = Receipts(laid)
                _tell(made, incident_id, receipts, pids)
                _asked(made, sink, before)
                made.receipts = receipts.take_all()
                made.left = _left_over(receipts)
                made.calm = _calm(laid)
                made.pages = _pages(laid, incident_id, made.people, receipts)
            db.session.remove()
            db.engine.dispose()
    return made


def _counts(sink: str) -> dict[str, int]:
    found: dict[str, int] = requests.get(f"{sink}/_sandbox/counts", timeout=10).json()
    return found


def _incident() -> UUID:
    now = utcnow()
    promark = db.session.scalars(select(Organisation).where(Organisation.key == "promark")).one()
    host = db.session.scalars(select(Processor).where(Processor.organisation_id == promark.id)).first()
    document = example.first_report(now)
    with transaction():
        told = intake.Told(promark.id, document, parse(document), host.name if host else "Astrid Holm",
                           host.id if host else None)  # fmt: skip
        incident_id, _number = intake.open_incident(told, now=now)
    return incident_id


# --- the list -----------------------------------------------------------------------------------


def _read(made: Round, incident_id: UUID, listed: Path, rows: int, clock: int) -> None:
    """Send the file, choose its columns, wait until the clock has read it."""
    with Watch({"clock": clock}) as watch:
        begun = time.perf_counter()
        with listed.open("rb") as stream:
            kept = uploading.receive(incident_id, stream)
        with transaction():
            incident = db.session.get_one(Incident, incident_id)
            by = db.session.scalars(
                select(StaffMember).where(StaffMember.organisation_id == incident.organisation_id)
            ).first()
            assert by is not None
            made_list = uploading.upload(incident, kept, listed.name, by=by, now=utcnow())
            list_id = made_list.id
        header = uploading.header_of(_list(list_id), has_header=True)
        with transaction():
            incident = db.session.get_one(Incident, incident_id)
            uploading.choose(
                incident, uploading.of(incident, list_id), crowd.FIELDS, True, "DK", "da", header=header,
                by=by, now=utcnow(),
            )  # fmt: skip
        _wait(lambda: _list(list_id).state != ListState.READING)
        made.read = rows / (time.perf_counter() - begun)
    made.read_memory, made.read_more = watch.mebibytes, watch.more
    kept_list = _list(list_id)
    if kept_list.state != ListState.READ or kept_list.people + kept_list.faulty != rows:
        raise SystemExit(f"Of {rows} rows {kept_list.people} are people and {kept_list.faulty} faults.")
    mine = select(func.count()).where(
        Recipient.incident_id == incident_id, Recipient.folded_into_id.is_(None)
    )
    made.people = db.session.scalar(mine) or 0
    db.session.rollback()


def _list(list_id: UUID) -> RecipientList:
    found = db.session.get_one(RecipientList, list_id, populate_existing=True)
    db.session.rollback()
    db.session.refresh(found)
    db.session.expunge(found)
    db.session.rollback()
    return found


def _wait(over: Callable[[], bool]) -> None:
    until = time.monotonic() + GIVEN_UP
    while not over():
        if time.monotonic() > until:
            raise TimeoutError("It takes longer than an hour.")
        time.sleep(LOOKS)


# --- telling ------------------------------------------------------------------------------------


def _begin(incident_id: UUID, people: int, name: str = "1") -> str:
    source = f"{SOURCE}:{incident_id}/{name}"
    with transaction():
        incident = db.session.get_one(Incident, incident_id)
        sending.begin(
            organisation_id=incident.organisation_id, about=incident.chain, source=source, ways=["email"],
            texts=TEXTS, content_sha256="0" * 64, people=people, must_by=None, now=utcnow(),
        )  # fmt: skip
    return source


def _tell(made: Round, incident_id: UUID, receipts: Receipts, pids: dict[str, int]) -> None:
    with Watch(pids) as watch:
        begun = time.perf_counter()
        source = _begin(incident_id, made.people)
        after_canary = _run_through(source, receipts)
        ended = time.perf_counter()
    made.told, made.sent = made.people / (ended - begun), made.people / (ended - after_canary)
    made.milliseconds = watch.seconds / made.people * 1000
    made.memory, made.more, made.peaks = watch.mebibytes, watch.more, watch.peaks


def _run_through(source: str, receipts: Receipts) -> float:
    """Until the last group is with the provider; returns when the first few were over."""
    running = 0.0
    until = time.monotonic() + GIVEN_UP
    while time.monotonic() < until:
        standing = sending.of(source)
        assert standing is not None
        db.session.rollback()
        if standing.state == SendingState.CANARY:
            receipts.take_some(standing.id)
        elif standing.state == SendingState.PAUSED:
            raise SystemExit(f"The sending paused itself: {standing.paused_why}.")
        elif standing.state != SendingState.PLANNING:
            running = running or time.perf_counter()
            if not receipts.is_open(standing.id):
                receipts.sending_id = standing.id
                return running
        time.sleep(LOOKS)
    raise TimeoutError("It takes longer than an hour.")


def _asked(made: Round, sink: str, before: dict[str, int]) -> None:
    now = _counts(sink)
    requests_made, reached = now["requests"] - before["requests"], now["people"] - before["people"]
    made.a_request = reached / max(requests_made, 1)
    rows = db.session.scalar(select(func.count()).select_from(Delivery)) or 0
    outcomes = db.session.scalar(select(func.count()).select_from(SendingAttempt)) or 0
    db.session.rollback()
    if rows != made.people:
        raise SystemExit(f"Of {made.people} people {rows} have a row, {reached} in {outcomes} attempts.")


def _left_over(receipts: Receipts) -> str:
    fates = receipts.fates()
    return ", ".join(f"{number:,} {fate}" for fate, number in sorted(fates.items()))


def _calm(laid: Installation) -> list[float]:
    """Seconds until pages are with their provider while nobody is told anything."""
    letters = Letters(laid.endpoints[:1])
    with requests.Session() as session:
        return [latency.wait_for_page(laid, letters, number, session) for number in range(PAGES)]


def _pages(laid: Installation, incident_id: UUID, people: int, receipts: Receipts) -> list[float]:
    """Seconds until pages are with their provider, while all are told once more."""
    source = _begin(incident_id, people, "2")
    letters, waits = Letters(laid.endpoints[:1]), list[float]()
    with requests.Session() as session:
        while len(waits) < PAGES and not _is_over(source, receipts):
            waits.append(latency.wait_for_page(laid, letters, len(waits), session))
            standing = sending.of(source)
            db.session.rollback()
            if standing and standing.state == SendingState.CANARY:
                receipts.take_some(standing.id)
    return waits


def _is_over(source: str, receipts: Receipts) -> bool:
    standing = sending.of(source)
    db.session.rollback()
    if standing is None or standing.state in (SendingState.PLANNING, SendingState.CANARY):
        return standing is None
    return not receipts.is_open(standing.id)


def _told(peaks: dict[str, float]) -> str:
    return ", ".join(f"{name} {each:.0f}" for name, each in sorted(peaks.items()))


# --- what is told -------------------------------------------------------------------------------


def _print(database: str, rounds: list[Round]) -> None:
    def middle(of: Callable[[Round], float]) -> float:
        return median(of(each) for each in rounds)

    def line(ratio: float, text: str, goal: float, *, under: bool = False) -> None:
        good = ratio <= goal if under else ratio >= goal
        print(f"  {ratio:7.2f} {text} ({'goal' if good else 'BELOW THE GOAL'}; {goal:g})", flush=True)

    rows = "COPY" if database == "postgresql" else "executemany"
    line(
        middle(lambda each: each.read / each.floor_rows),
        f"of {rows} with checks: list read, {middle(lambda each: each.read):,.0f} rows/s against"
        f" {middle(lambda each: each.floor_rows):,.0f}/s", GOAL_IMPORT[database],
    )  # fmt: skip
    line(
        middle(lambda each: each.read_memory),
        f"MiB at most in who reads, {middle(lambda each: each.read_more):.0f} more than before",
        GOAL_READING_MEMORY, under=True,
    )  # fmt: skip
    line(
        middle(lambda each: each.told / each.floor_whole),
        f"of the floor end to end: {rounds[0].people:,} told, {middle(lambda each: each.told):,.0f}/s against"
        f" {middle(lambda each: each.floor_whole):,.0f}/s", GOAL_TELLING,
    )  # fmt: skip
    alone, share = middle(lambda each: each.floor_groups), middle(lambda each: each.sent / each.floor_groups)
    after = f"after the first few {middle(lambda each: each.sent):,.0f}/s against {alone:,.0f}/s"
    print(f"  {share:7.2f} of the floor that sends alone: {after}")
    line(middle(lambda each: each.a_request), "people a request", GOAL_REQUEST)
    line(middle(lambda each: each.milliseconds), "ms of a core each", GOAL_MILLISECONDS, under=True)
    line(
        middle(lambda each: each.memory),
        f"MiB at most in any process ({_told(rounds[-1].peaks)}),"
        f" {middle(lambda each: each.more):.0f} more than before",
        GOAL_MEMORY, under=True,
    )  # fmt: skip
    line(middle(lambda each: each.receipts), f"receipts a second ({rounds[-1].left})", GOAL_RECEIPTS)
    line(
        middle(lambda each: max(each.pages, default=0.0)),
        f"s the slowest page of {len(rounds[-1].pages)} meanwhile, half in"
        f" {middle(lambda each: median(each.pages or [0.0])):.2f} s; calm"
        f" {middle(lambda each: max(each.calm, default=0.0)):.2f} s and"
        f" {middle(lambda each: median(each.calm or [0.0])):.2f} s", GOAL_PAGE, under=True,
    )  # fmt: skip
