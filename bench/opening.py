"""From opening an incident with complete facts to its packs, over HTTP: what a person waits for, all in all.

Everything runs as in production. A processor's report opens the incident, the clock finds whom to notify, and
a person who has signed in drafts each notification and downloads its PDF and its JSON.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

import requests

from bench.installation import Installation, installation
from bench.senders import Letters
from tests import people
from tests.story.screen import Screen

GOAL = 10.0  # seconds, all authorities of the incident together
TIMES = 3
AGAIN = 0.05  # seconds between two looks at whether the authorities are named yet
GIVEN_UP = 30.0
DRAFT = "Draft it from the facts"
CONSEQUENCES = ["loss_of_control", "phishing"]


@dataclass
class Waits:
    """Seconds from each report until it was acknowledged, authorities were named, all packs were there."""

    acknowledged: list[float] = field(default_factory=list)
    named: list[float] = field(default_factory=list)
    packs: list[float] = field(default_factory=list)
    authorities: int = 0
    bytes: int = 0


def run(database: str, *, seconds: float, rounds: int) -> None:  # noqa: ARG001  as long as it takes
    """Measure and print; fails when the goal is missed."""
    waits = Waits()
    with (
        installation(database) as laid,
        laid.running("web", "clock", "workers"),
        requests.Session() as dorthe,
    ):
        dorthe.headers["Accept"] = "text/html"
        _sign_in(dorthe, f"http://{laid.settings.bind}")
        letters = Letters(laid.endpoints[:1], consequences=CONSEQUENCES)
        for number in range(max(rounds, 1) * TIMES):
            _open(dorthe, laid, letters, number, waits)
    half, worst = median(waits.packs), max(waits.packs)
    print(
        f"  {half / GOAL:5.2f} of the goal  opening to pack, {half:.2f} s to PDF and JSON for "
        f"{waits.authorities} authorities over HTTP, {waits.bytes // 1024} KiB"
    )
    print(f"  {worst / GOAL:5.2f} of the goal  the slowest of {len(waits.packs)}, {worst:.2f} s")
    print(
        f"        of it {median(waits.acknowledged):.2f} s until the report was acknowledged, "
        f"{median(waits.named):.2f} s until the clock had named the authorities"
    )
    if worst > GOAL:
        raise SystemExit("A pack took longer than people should wait for it.")


def _open(dorthe: requests.Session, laid: Installation, letters: Letters, number: int, waits: Waits) -> None:
    """One incident, from the report to the last byte of its packs."""
    address = f"http://{laid.settings.bind}"
    url, headers, body = letters.letter(number, address)
    begun = time.perf_counter()
    answer = requests.post(url, data=body, headers=headers, timeout=GIVEN_UP)
    answer.raise_for_status()
    waits.acknowledged.append(time.perf_counter() - begun)
    overview = f"{address}/incidents/{answer.json()['incident_id']}/authority-notifications"
    screen = _named(dorthe, overview)
    waits.named.append(time.perf_counter() - begun)
    files = [_pack(dorthe, overview, data) for data in _drafts(screen)]
    waits.packs.append(time.perf_counter() - begun)
    waits.authorities, waits.bytes = len(files), sum(files)


def _named(dorthe: requests.Session, overview: str) -> Screen:
    """The overview, once it names an authority."""
    until = time.monotonic() + GIVEN_UP
    while time.monotonic() < until:
        screen = _page(dorthe.get(overview, timeout=GIVEN_UP))
        if any(_drafts(screen)):
            return screen
        time.sleep(AGAIN)
    raise TimeoutError("The clock named no authority.")


def _drafts(screen: Screen) -> Iterator[dict[str, list[object]]]:
    """What the button of each authority sends."""
    for form in screen.forms:
        for button in form.buttons:
            if button.label == DRAFT:
                yield form.filled(button, {})


def _pack(dorthe: requests.Session, overview: str, data: dict[str, list[object]]) -> int:
    """Draft one notification and download its files; how many bytes they have."""
    place = dorthe.post(overview, data=data, timeout=GIVEN_UP)
    place.raise_for_status()
    files = [dorthe.get(f"{place.url}/pack.{kind}", timeout=GIVEN_UP) for kind in ("pdf", "json")]
    for each in files:
        each.raise_for_status()
    pdf, told = files
    if not pdf.content.startswith(b"%PDF-") or not told.json()["fields"]:
        raise ValueError(f"{place.url} gave no pack.")
    return sum(len(each.content) for each in files)


def _sign_in(dorthe: requests.Session, address: str) -> None:
    screen = _page(dorthe.get(f"{address}/sign-in", timeout=GIVEN_UP))
    form, button = screen.form_with("Sign in")
    data = form.filled(button, {"email": people.DORTHE, "password": people.PASSWORD})
    dorthe.post(f"{address}/sign-in", data=data, timeout=GIVEN_UP).raise_for_status()


def _page(answer: requests.Response) -> Screen:
    answer.raise_for_status()
    return Screen(answer.text, answer.url)
