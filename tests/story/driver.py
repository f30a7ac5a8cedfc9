"""Plays the story: people at their browsers, a processor at its end, phones and mailboxes in the sandbox.

A `Story` goes from one stop to the next; a test begins where it likes and looks at what each person sees.
With `twice` every request that changes something is made a second time, as impatient people, proxies and
providers do: whatever it answers then, nothing more may happen than the first time.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook
from werkzeug.test import TestResponse

from foundation import database
from foundation.database import utcnow
from incident import example
from tests import people
from tests.people import PASSWORD, Cast, Endpoint
from tests.sandbox import Sandbox, through
from tests.story.screen import Screen

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SERVER_FAULT = 500
LIST = (
    "Name;E-mail;Phone;Language\r\n"
    "Karen Møller;karen.moller@kunde.example;+44 7700 900151;Danish\r\n"
    "Sven Åberg;sven.aberg@kund.example;+44 7700 900152;Swedish\r\n"
    "Ellen Wright;ellen.wright@customer.example;+44 7700 900153;English\r\n"
)
KAREN, SVEN, ELLEN = (
    "karen.moller@kunde.example", "sven.aberg@kund.example", "ellen.wright@customer.example",
)  # fmt: skip
ELLENS_PHONE = "+447700900153"
DATATILSYNET, ICO = "Danish Data Protection Agency", "Information Commissioner"
CASE = "2026-442-01171"
RECEIPT = (b"%PDF-1.7 kvittering", "kvittering.pdf")


def local(at: datetime) -> str:
    """An instant as people at ProMark type it."""
    return at.astimezone(COPENHAGEN).strftime("%Y-%m-%dT%H:%M")


class Colleague:
    """Somebody at a browser: opens pages, presses buttons, sees what comes."""

    def __init__(self, client: FlaskClient, *, twice: bool = False) -> None:
        self.client, self.twice = client, twice
        self.screen = Screen("", "/")
        self.addresses: list[str] = []

    def sign_in(self, email: str) -> "Colleague":
        """Enter address and password on the sign-in page."""
        self.open("/sign-in")
        self.press("Sign in", email=email, password=PASSWORD)
        return self

    def open(self, path: str, *, status: int = 200) -> Screen:
        """Go to a page, following where it leads."""
        return self._seen(self.client.get(path), status)

    def press(self, label: str, under: str = "", *, status: int = 200, **typed: Any) -> Screen:
        """Fill in the form that has this button, and press it; fields with dots go as `**{"a.b": …}`."""
        form, button = self.screen.form_with(label, under)
        sent = form.filled(button, typed)
        answer = self._send(form.action, sent)
        if self.twice:
            again = self._send(form.action, sent)
            assert again.status_code < SERVER_FAULT, f"{label!r} pressed twice: {again.status_code}"
        return self._seen(answer, status)

    def _send(self, path: str, sent: dict[str, list[Any]]) -> TestResponse:
        def fresh(value: Any) -> Any:
            return (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value

        data = {name: [fresh(each) for each in values] for name, values in sent.items()}
        return self.client.post(path, data=data)

    def _seen(self, answer: TestResponse, status: int) -> Screen:
        self.addresses.append(answer.request.full_path)
        for _ in range(3):
            if answer.status_code not in (302, 303):
                break
            answer = self.client.get(answer.headers["Location"])
            self.addresses.append(answer.request.full_path)
        self.screen = Screen(answer.text, answer.request.path, answer.status_code)
        assert answer.status_code == status, (
            f"{answer.status_code} at {answer.request.path}: {self.screen.text[:400]}"
        )
        return self.screen


@dataclass
class Letter:
    """A signed report, ready to be posted, or to be tampered with."""

    body: bytes
    headers: dict[str, str]


def signed(endpoint: Endpoint, document: object, *, at: datetime, webhook_id: str = "") -> Letter:
    """A report as a processor's program signs it."""
    body, webhook_id = json.dumps(document), webhook_id or f"msg_{uuid4().hex}"
    told = {
        "webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(endpoint.secret).sign(webhook_id, at, body),
    }  # fmt: skip
    return Letter(body.encode(), {"content-type": "application/json", **told})


class Story:
    """One breach at ProMark, from the report to the record."""

    def __init__(
        self, app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None], *, twice: bool
    ) -> None:
        self.app, self.cast, self.sandbox, self.clock, self.twice = app, cast, sandbox, clock, twice
        self._work = work
        self._at_desk: dict[str, Colleague] = {}
        self.after_work: Callable[[], object] = lambda: None
        self.incident = ""
        self.facts: dict[str, Any] = {}

    # --- who acts -------------------------------------------------------------------------------

    def at_desk(self, email: str) -> Colleague:
        """This person at a browser, signed in."""
        if email not in self._at_desk:
            self._at_desk[email] = Colleague(self.app.test_client(), twice=self.twice).sign_in(email)
        return self._at_desk[email]

    @property
    def astrid(self) -> Colleague:
        """On call."""
        return self.at_desk(people.ASTRID)

    @property
    def dorthe(self) -> Colleague:
        """The data protection officer."""
        return self.at_desk(people.DORTHE)

    def on_a_phone(self) -> Colleague:
        """A browser in which nobody is signed in."""
        return Colleague(self.app.test_client(), twice=self.twice)

    def everybody_leaves(self) -> None:
        """The sign-ins have run out: who acts next signs in anew."""
        self._at_desk.clear()

    @property
    def addresses(self) -> list[str]:
        """Every address that anybody's browser showed."""
        return [each for colleague in self._at_desk.values() for each in colleague.addresses]

    def work(self) -> None:
        """Let clock and workers do what is due, and the providers say what became of it."""
        if self.twice:
            self._work_with_double_receipts()
        else:
            self._work()
        self.after_work()

    def _work_with_double_receipts(self) -> None:
        take = through(self.app.test_client())
        for _ in range(6):
            deliver, self.sandbox.deliver_held = self.sandbox.deliver_held, lambda _client: []
            try:
                self._work()
            finally:
                self.sandbox.deliver_held = deliver
            kept = list(self.sandbox.held())
            for each in [*kept, *kept]:
                assert take(*each).status < SERVER_FAULT
            if not kept:
                return

    # --- 1. the report --------------------------------------------------------------------------

    def report(self, **changes: Any) -> Letter:
        """What HostCo tells of NordHost, signed."""
        now = utcnow()
        self.facts = example.first_report(now) | changes
        told = {"type": "incident.reported", "timestamp": now.isoformat(), "data": self.facts}
        return signed(self.cast.hostco, told, at=now - database.clock.moved())  # theirs was not moved

    def post(self, letter: Letter) -> TestResponse:
        """HostCo posts it."""
        client = self.app.test_client()
        return client.post(self.cast.hostco.path, data=letter.body, headers=letter.headers)

    def hostco_reports(self, **changes: Any) -> dict[str, Any]:
        """HostCo reports; what it is answered."""
        letter = self.report(**changes)
        answer = self.post(letter)
        assert answer.status_code == 202, answer.text
        if self.twice:
            assert self.post(letter).json["duplicate"] is True
        told: dict[str, Any] = answer.json
        self.incident = f"/incidents/{told['incident_id']}"
        return told

    # --- 3. somebody has it ---------------------------------------------------------------------

    def code_for(self, number: str) -> str:
        """The code that the last text to this phone asks to reply with."""
        body: str = self.sandbox.sms_to(number)[-1]["body"]
        return body.split("Reply ")[1].split(maxsplit=1)[0].strip(".,")

    def reply(self, number: str, text: str) -> str:
        """Write from a phone; what it is answered."""
        self.sandbox.deliver_callbacks_to(self.app.test_client())
        self.sandbox.reply(number, text)
        self.sandbox.hold_callbacks()
        said: str = self.sandbox.conversation(number)[-1]["body"]
        return said

    def astrid_takes_it(self) -> str:
        """Astrid replies with the code from her phone."""
        self.work()
        said = self.reply(people.ASTRIDS_PHONE, self.code_for(people.ASTRIDS_PHONE))
        self.work()
        return said

    # --- 4. decided -----------------------------------------------------------------------------

    def astrid_fixes_awareness(self, *, hours_ago: float = 2, reason: str = "") -> None:
        """Astrid corrects when ProMark became aware: first she sees what moves, then she saves it."""
        aware = utcnow() - timedelta(hours=hours_ago)
        self.astrid.open(f"{self.incident}/awareness")
        why = reason or "HostCo's duty desk telephoned before it reported, and was certain by then."
        self.astrid.press("See what this moves", at=local(aware), reason=why)
        self.astrid.press(next(
            button.label for form in self.astrid.screen.forms for button in form.buttons
            if button.name == "confirmed"
        ))  # fmt: skip

    def astrid_confirms(self) -> None:
        """It is a personal data breach."""
        self.astrid.open(self.incident)
        self.astrid.press("It is a personal data breach", note="The copy held names and absence.")

    def dorthe_decides(self, **answers: str) -> None:
        """Dorthe judges the risk and decides whom to tell."""
        self.dorthe.open(f"{self.incident}/assessments/new")
        told = {
            "breach": "yes", "identifiable": "yes", "risk": "high", "authority": "notify_authority",
            "people": "communicate", "promise": "keep_promise",
            "reason": "Names with absence, in the hands of a thief.", **answers,
        }  # fmt: skip
        self.dorthe.press("Record the decision", **told)
        self.work()

    def decided(self) -> "Story":
        """The story up to the decision."""
        self.hostco_reports()
        self.astrid_takes_it()
        self.astrid_fixes_awareness()
        self.astrid_confirms()
        self.dorthe_decides()
        return self

    # --- 6. the authority -----------------------------------------------------------------------

    def dorthe_drafts(self, authority: str = DATATILSYNET) -> Screen:
        """Dorthe has the notification drafted from the facts."""
        self.dorthe.open(f"{self.incident}/authority-notifications")
        return self.dorthe.press("Draft it from the facts", authority)

    def dorthe_completes(self, place: str) -> Screen:
        """Dorthe writes what may come of it: the facts do not say."""
        self.dorthe.open(f"{place}/text")
        return self.dorthe.press(
            "Save", **{"consequences.impact_description": "Nogen kan udgive sig for de berørte."}
        )

    def dorthe_files(self, case: str = CASE) -> Screen:
        """Dorthe has filed it in the portal, and records number and receipt."""
        self.dorthe.press(
            "Record the filing", filed_at=local(utcnow()), case_number=case, channel="portal", receipt=RECEIPT
        )
        self.work()
        return self.dorthe.open(self.dorthe.screen.path)

    def dorthe_notifies(self, authority: str = DATATILSYNET, case: str = CASE) -> str:
        """Dorthe drafts, completes, approves and files; the notification's address."""
        place = self.dorthe_drafts(authority).path
        self.dorthe_completes(place)
        self.dorthe.press("Yes, I stand behind it")
        self.dorthe_files(case)
        return place

    # --- 7. the people --------------------------------------------------------------------------

    def astrid_sends_a_list(self, rows: str) -> str:
        """Astrid sends a file and keeps to what is guessed of its columns; it is read. The list's address."""
        astrid = self.astrid
        astrid.open(f"{self.incident}/recipient-lists")
        place = astrid.press("Send the file", list=(rows.encode(), "people.csv")).path
        astrid.press("Read the list")
        self.work()
        return place

    def astrid_prepares_letters(self, rows: str = LIST) -> str:
        """Astrid sends a list, has it read, and writes the letters; the communication's address."""
        astrid = self.astrid
        self.astrid_sends_a_list(rows)
        astrid.open(f"{self.incident}/communications")
        place = astrid.press("Begin a communication").path
        for locale in ("da", "sv", "en"):
            screen = astrid.open(f"{place}/letters/{locale}")
            form, _button = screen.form_with("Save")
            astrid.press("Save", **{
                name: value.replace("[", "").replace("]", "") for name, value in form.fields
                if value and "[" in value
            })  # fmt: skip
        return place

    def dorthe_sends(self, place: str) -> None:
        """Dorthe approves letters and list as the second person, and sends."""
        self.dorthe.open(place)
        screen = self.dorthe.press("Yes, I stand behind it")
        send = next(b.label for f in screen.forms for b in f.buttons if b.label.startswith("Send to "))
        self.dorthe.press(send)
        self.work()

    def people_are_told(self) -> str:
        """Three people from a list are told, one of whom has a mailbox that bounces."""
        place = self.astrid_prepares_letters()
        self.sandbox.outcome(ELLEN, "bounce")
        self.dorthe_sends(place)
        self.work()
        return place

    # --- 8. the record --------------------------------------------------------------------------

    def whole(self) -> "Story":
        """The whole story."""
        self.decided()
        self.dorthe_notifies()
        self.dorthe_notifies(ICO, "IC-123456-A1B2")
        self.people_are_told()
        return self
