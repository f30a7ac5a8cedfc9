"""Records the story as pictures: starts the real demonstration, plays it in Chromium, keeps what is seen.

    .venv/bin/python -m tests.browser.record            writes docs/screenshots/*.png
    .venv/bin/python -m tests.browser.record --to DIR   somewhere else, to compare

It runs `breachclock demo` on free ports with a home of its own, which is gone afterwards: web, worker,
clock, queue server and sandbox as anybody has them. Nothing is staged but the clicks, and once the clock:
after the decision forty hours pass. Run it when a page changes, look at every picture, and commit those
that changed on purpose.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests import people
from tests.browser import acts, texts

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
STARTS_WITHIN = 90.0
EUROPEAN: Any = {"color_scheme": "light", "locale": "en-GB", "timezone_id": "Europe/Copenhagen"}
FIRST, LATER = timedelta(hours=27), timedelta(hours=13)
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
MAIL = {"width": 720, "height": 600}
TITLE = "Backup storage of the customer portal copied"
FROM_THE_TOP = "each => each.getBoundingClientRect().top + window.scrollY"
LIST = (
    "Navn;E-mail;Mobil;Sprog\r\n"
    "Karen Møller;karen.moller@kunde.example;+44 7700 900151;Dansk\r\n"
    "Sven Åberg;sven.aberg@kund.example;+44 7700 900152;Svensk\r\n"
    "Ellen Wright;ellen.wright@customer.example;+44 7700 900153;Engelsk\r\n"
)
KAREN, ELLEN = "karen.moller@kunde.example", "ellen.wright@customer.example"
ELLENS_PHONE = "447700900153"


# --- the demonstration ------------------------------------------------------------------------------


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


@contextmanager
def demonstration() -> Iterator[dict[str, Any]]:
    """`breachclock demo` with a fresh home; yields what it writes about itself."""
    home = Path(tempfile.mkdtemp(prefix="breachclock-recording-"))
    web, sandbox = free_ports(2)
    clean = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("BREACHCLOCK_", "TWILIO_", "SENDGRID_"))
    }  # fmt: skip
    settings = {
        "BREACHCLOCK_HOME": str(home), "BREACHCLOCK_BIND": f"127.0.0.1:{web}",
        "BREACHCLOCK_SANDBOX_BIND": f"127.0.0.1:{sandbox}",
        "BREACHCLOCK_CLOCK_OFFSET_FILE": str(home / "offset"),
    }  # fmt: skip
    command = [sys.executable, "-c", "import wsgi; wsgi.main()", "demo"]
    (home / "offset").write_text("0")
    with (home / "demo.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=clean | settings, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(process, home)
            yield json.loads((home / "demo.json").read_text(encoding="utf-8")) | {"home": home}
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    shutil.rmtree(home, ignore_errors=True)


def _wait_for(process: "subprocess.Popen[bytes]", home: Path) -> None:
    """Until the first act has been played."""
    limit = time.monotonic() + STARTS_WITHIN
    while "Look at the phones first" not in (home / "demo.log").read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > limit:
            raise SystemExit((home / "demo.log").read_text(errors="replace"))
        time.sleep(0.2)


# --- the camera -------------------------------------------------------------------------------------


class Camera:
    """Takes pictures of what is seen, each once, under its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str, *, height: int, top: str = "") -> None:
        """A picture of the window; `height` in pixels, from `top` on."""
        page.wait_for_load_state("networkidle")
        width = (page.viewport_size or {"width": 1280})["width"]
        y = float(page.locator(top).first.evaluate(FROM_THE_TOP)) - 24 if top else 0
        whole = int(page.evaluate("document.documentElement.scrollHeight"))
        page.screenshot(
            path=self.folder / f"{name}.png", full_page=True, animations="disabled",
            clip={"x": 0, "y": y, "width": width, "height": min(height, whole - y)},
        )  # fmt: skip
        sys.stdout.write(f"{name}.png\n")

    def at(self, page: Page, *names: str, height: int = 900) -> acts.Look:
        """Look through this camera where one of these comes by."""
        return lambda name: self.take(page, name, height=height) if name in names else None


# --- the story --------------------------------------------------------------------------------------


class Recording:
    """The story, from the ringing phone to the record."""

    def __init__(self, browser: Browser, told: dict[str, Any], camera: Camera) -> None:
        self.browser, self.told, self.camera = browser, told, camera
        self.passwords = {each["email"]: each["password"] for each in told["users"]}
        self.incident, self.passed = "", timedelta()

    def desk(self, email: str, size: dict[str, int] = DESK) -> Page:
        """Somebody signed in at a browser of their own."""
        page = self.window(self.told["url"], size)
        acts.sign_in(page, email, self.passwords[email])
        return page

    def window(self, address: str, size: dict[str, int] = DESK) -> Page:
        """A browser window in which nobody is signed in."""
        context = self.browser.new_context(base_url=address, viewport=size, **EUROPEAN)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        return context.new_page()

    def now(self) -> datetime:
        """The time as the demonstration has it (UTC)."""
        return datetime.now(UTC) + self.passed

    def let_pass(self, length: timedelta) -> None:
        """Let time pass in the demonstration, in all of its processes."""
        self.passed += length
        (self.told["home"] / "offset").write_text(str(self.passed.total_seconds()))

    def play(self) -> None:
        """All of it."""
        self.the_phone_rings()
        self.it_is_decided()
        self.let_pass(FIRST)
        self.a_reminder_comes_by_itself()
        self.let_pass(LATER)
        self.the_countdown_is_seen()
        self.authorities_are_notified()
        self.people_are_told()
        self.it_stands_in_the_record()
        self.the_night_is_prepared()

    def the_phone_rings(self) -> None:
        """The sandbox's phones; then the page behind the link, as Astrid's phone shows it."""
        bench = self.window(self.told["sandbox_url"])
        bench.goto("/")
        bench.get_by_text("to take it").first.wait_for()
        self.camera.take(bench, "phones", height=630)
        link = bench.locator("#phone-447700900101 a[href*='/a/']").first.get_attribute("href") or ""
        phone = self.window(self.told["url"], PHONE)
        phone.goto(link)
        self.camera.take(phone, "phone-call", height=844)
        acts.take_the_call(phone)

    def it_is_decided(self) -> None:
        """Astrid looks at it, Dorthe decides."""
        astrid, dorthe = self.desk(people.ASTRID), self.desk(people.DORTHE)
        while astrid.get_by_text("Reach whoever is on call").count():
            astrid.wait_for_timeout(500)
            astrid.reload()
        self.camera.take(astrid, "board", height=520)
        self.incident = acts.open_incident(astrid, TITLE)
        aware = self.now() - timedelta(hours=2)
        look = self.camera.at(astrid, "awareness", height=1040)
        acts.fix_awareness(astrid, self.incident, aware, texts.AWARE, look)
        acts.confirm(astrid, self.incident)
        look = self.camera.at(dorthe, "assessment", height=1180)
        acts.decide(dorthe, self.incident, texts.DECIDED, look)
        for title, note in texts.STEPS.items():
            acts.do_step(astrid, self.incident, title, note)
        dorthe.reload()
        self.camera.take(dorthe, "duties", height=940, top="#duties")

    def a_reminder_comes_by_itself(self) -> None:
        """Nobody did anything but wait; Dorthe's mailbox has what is due."""
        self.camera.take(self.mail(people.DORTHE, "a duty is"), "reminder", height=480)

    def mail(self, address: str, words: str) -> Page:
        """A mail with these words in its subject, once it has come, as its reader sees it."""
        bench = self.window(self.told["sandbox_url"], MAIL)
        bench.goto(f"/mailboxes/{address}")
        while not (found := bench.locator(f'iframe[title*="{words}"]')).count():
            bench.wait_for_timeout(500)
            bench.reload()
        bench.goto(found.first.get_attribute("src") or "")
        return bench

    def the_countdown_is_seen(self) -> None:
        """Forty hours on: on the desk, and on a phone."""
        dorthe, phone = self.desk(people.DORTHE), self.desk(people.ASTRID, PHONE)
        self.camera.take(phone, "phone-board", height=844)
        dorthe.goto(self.incident)
        self.camera.take(dorthe, "incident", height=860)
        phone.goto(self.incident)
        self.camera.take(phone, "phone-incident", height=1000)

    def authorities_are_notified(self) -> None:
        """Denmark and the United Kingdom, each by its own form."""
        dorthe = self.desk(people.DORTHE)
        look = self.camera.at(dorthe, "notification", "filed", height=1000)
        acts.notify(
            dorthe, self.incident, "Danish Data Protection Agency", consequences=texts.CONSEQUENCES["da"],
            case="2026-442-01171", at=self.now, look=look,
        )  # fmt: skip
        acts.notify(
            dorthe, self.incident, "Information Commissioner", consequences=texts.CONSEQUENCES["en"],
            case="IC-318204-K7P1", at=self.now,
        )  # fmt: skip

    def people_are_told(self) -> None:
        """Three people in three languages; one mailbox bounces, and a text message goes instead."""
        astrid, dorthe = self.desk(people.ASTRID), self.desk(people.DORTHE)
        look = self.camera.at(astrid, "list", "read", "letter-da", height=1060)
        place = acts.prepare_letters(astrid, self.incident, LIST, texts.LETTERS, look)
        bench = self.window(self.told["sandbox_url"])
        bounce = {"provider": "sendgrid", "to": ELLEN, "status": "bounce", "times": None}
        bench.request.post("/_sandbox/outcomes", data=bounce)
        acts.approve_and_send(dorthe, place, 3, self.camera.at(dorthe, "approval", height=1060))
        self.camera.take(dorthe, "under-way", height=900)
        dorthe.get_by_text("Complete since").wait_for(timeout=150_000)
        self.camera.take(dorthe, "communication", height=760)
        acts.see_coverage(dorthe, place, self.camera.at(dorthe, "people", "person", "coverage", height=900))
        look = self.camera.at(astrid, "hot-line", height=900)
        acts.hear(astrid, self.incident, texts.HEARD, look)
        self.camera.take(self.mail(KAREN, "Oplysninger"), "letter", height=900)
        self.what_a_text_message_leads_to(bench)

    def what_a_text_message_leads_to(self, bench: Page) -> None:
        """Ellen follows the link on her telephone, and reads all that others have by e-mail."""
        bench.goto("/")
        link = bench.locator(f"#phone-{ELLENS_PHONE} a[href*='/g/']").first.get_attribute("href") or ""
        phone = self.window(self.told["url"], PHONE)
        phone.goto(link)
        self.camera.take(phone, "genuine", height=1180)

    def it_stands_in_the_record(self) -> None:
        """The record, without what machines sent and counted."""
        dorthe = self.desk(people.DORTHE)
        dorthe.goto(f"{self.incident}/record?only=decided")
        self.camera.take(dorthe, "record", height=1100)

    def the_night_is_prepared(self) -> None:
        """Who is on duty, whom a page goes to and how they are reached, and what is not ready."""
        dorthe, astrid = self.desk(people.DORTHE), self.desk(people.ASTRID)
        dorthe.goto("/on-call")
        self.camera.take(dorthe, "on-call", height=1000)
        dorthe.goto("/on-call/policies")
        self.camera.take(dorthe, "policies", height=1000)
        astrid.goto("/reached-by")
        self.camera.take(astrid, "reached-by", height=1000)
        dorthe.goto("/ready")
        self.camera.take(dorthe, "ready", height=1000)


def main() -> None:
    """Record it."""
    parser = argparse.ArgumentParser(description="Record the story as pictures.")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screenshots")
    folder: Path = parser.parse_args().to
    chromium = os.environ.get("BREACHCLOCK_TEST_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("NO BROWSER: install chromium, or name one with BREACHCLOCK_TEST_CHROMIUM.")
    with demonstration() as told, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        Recording(browser, told, Camera(folder)).play()
        browser.close()


if __name__ == "__main__":
    main()
