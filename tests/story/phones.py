"""Tells a night by what people's phones get and do; whatever was not expected fails the test.

    def test_somebody_answers(night, phones, story):
        story.hostco_reports()
        phones["Astrid"].gets_text("breach report")
        night.passes(minutes=5)
        phones["Birk"].gets_call(saying="breach report").presses("4")
        phones["Astrid"].gets_text("Birk")

Every message that a provider accepted is to be named once, by `gets_…` where it arrived and by
`misses_…` where the phone was off. What is left at the end fails the test, as does an error in the log.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from foundation import database
from foundation.database import everyone, transaction, utcnow
from tests import people
from tests.sandbox import Sandbox

TEXTS, MAILS = ("twilio", "gateway"), ("sendgrid", "smtp")
LOST = {"undelivered", "failed", "bounce", "blocked", "dropped", "busy", "no-answer", "canceled"}
CODE = re.compile(r"(?:Reply|Svar|Svara)\s+([A-Z0-9]{4,8})\b")
STEP = timedelta(minutes=1)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NIGHTFALL, NIGHT = 22, timedelta(hours=10)
TALKS_AT_MOST = 20  # documents of one call


@dataclass
class Message:
    """One message as its provider has it, and when it went by the product's clock."""

    document: dict[str, Any]
    at: datetime
    expected: bool = False

    @property
    def words(self) -> str:
        """Everything there is to read or hear in it."""
        talk = self.document["talk"] or {"turns": []}
        spoken = [turn["text"] for turn in talk["turns"] if turn["who"] != "person"]
        return "\n".join(filter(None, [self.document["subject"], self.document["body"], *spoken]))

    def has(self, words: tuple[str, ...]) -> bool:
        """Whether all of these are in it."""
        return all(each in self.words for each in words)

    def __str__(self) -> str:
        told, at = self.document, self.at.astimezone(COPENHAGEN)
        return f"{at:%H:%M:%S} {told['provider']} to {told['to']} ({told['status']}): {self.words!r}"


@dataclass
class Night:
    """Time as the product and the providers live it, and everything that was sent in it."""

    sandbox: Sandbox
    browser: Callable[[], FlaskClient]
    works: Callable[[], None]
    messages: dict[str, Message] = field(default_factory=dict, repr=False)
    errors: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def begins(self, at: datetime) -> None:
        """It is this instant now (aware)."""
        database.clock.offset += at - utcnow()

    def falls(self, organisation_id: Any, who: Any) -> None:
        """It is ten in the evening, on the next day on which this person is on duty until the morning."""
        from notifications import on_duty  # noqa: PLC0415  only when a night is told

        evening = utcnow().astimezone(COPENHAGEN).replace(hour=NIGHTFALL, minute=0, second=0, microsecond=0)
        evening += timedelta(days=utcnow() > evening)
        with everyone(), transaction():
            while any(on_duty.on_call(organisation_id, at)[:1] != [who] for at in (evening, evening + NIGHT)):
                evening += timedelta(days=1)
        self.begins(evening)

    def passes(self, *, step: timedelta = STEP, **length: float) -> None:
        """Let time pass in small steps; clock and workers do their work in each."""
        self.work()
        end = utcnow() + timedelta(**length)
        while (left := end - utcnow()) > timedelta(seconds=1):
            database.clock.offset += min(step, left)
            self._nobody_holds_the_line()
            self.work()

    def work(self) -> None:
        """What clock and workers do now, and what the providers then have."""
        self.works()
        self._look()

    def deliver(self) -> None:
        """Let the product answer what the providers ask, without the clock."""
        for _ in range(TALKS_AT_MOST):
            self.sandbox.settle()
            if not self.sandbox.deliver_held(self.browser()):
                break
        self._look()

    def _nobody_holds_the_line(self) -> None:
        """A call that nobody answered has rung out; one that nobody goes on with has ended."""
        for message in self.messages.values():
            told = message.document
            if told["status"] == "ringing":
                self.sandbox.ring_out(told["id"])
            elif told["status"] == "in-progress":
                self.sandbox.hang_up(told["id"])

    def _look(self) -> None:
        for told in self.sandbox.everything():
            if told["direction"] not in {"outbound", "answer"}:
                continue
            if told["id"] in self.messages:
                self.messages[told["id"]].document = told
            else:
                self.messages[told["id"]] = Message(told, utcnow())

    def at(self, *addresses: str) -> Iterator[Message]:
        """What was sent to these and is not yet expected, oldest first."""
        found = [m for m in self.messages.values() if m.document["to"] in addresses and not m.expected]
        return iter(sorted(found, key=lambda message: message.document["seq"]))

    def logs(self, *words: str) -> None:
        """An error with these words in the log is part of the story."""
        self.forgiven += words

    def ends(self) -> None:
        """Nothing else was sent, and nothing went wrong."""
        self.work()
        left = [str(message) for message in self.messages.values() if not message.expected]
        assert not left, "not expected:\n" + "\n".join(left)
        wrong = [each for each in self.errors if not any(words in each for words in self.forgiven)]
        assert not wrong, "in the log:\n" + "\n".join(wrong)


@dataclass
class Call:
    """A call that came, and what its person does with it."""

    night: Night = field(repr=False)
    message: Message

    @property
    def sid(self) -> str:
        """The provider's id of the call."""
        return str(self.message.document["id"])

    def is_answered(self) -> "Call":
        """Pick up and listen."""
        if self.message.document["status"] == "ringing":
            self.night.sandbox.pick_up(self.sid)
            self.night.deliver()
        return self

    def says(self, *words: str) -> "Call":
        """It has said all of these so far."""
        assert self.message.has(words), f"{words} was not said in {self.message}"
        return self

    def presses(self, keys: str) -> "Call":
        """Pick up if it still rings, and press."""
        self.is_answered()
        assert self.message.document["status"] == "in-progress", f"too late to press: {self.message}"
        self.night.sandbox.press(self.sid, keys)
        self.night.deliver()
        return self

    def is_declined(self) -> "Call":
        """Press the red button."""
        self.night.sandbox.decline(self.sid)
        self.night.deliver()
        return self

    def hangs_up(self) -> "Call":
        """Put it down without a word."""
        self.night.sandbox.hang_up(self.sid)
        self.night.deliver()
        return self


@dataclass
class Phone:
    """One person's telephone and mailbox."""

    night: Night = field(repr=False)
    name: str
    number: str
    address: str

    def gets_text(self, *words: str) -> str:
        """One text with all of these words arrives; its whole text."""
        return str(self._expect(TEXTS, words).document["body"])

    def gets_texts(self, *words: str, least: int, most: int) -> list[Message]:
        """So many texts with these words arrive; they, with their times."""
        found = self._every(TEXTS, words)
        assert least <= len(found) <= most, f"{self.name} got {len(found)} such texts:\n" + _listed(found)
        return found

    def gets_mail(self, *words: str, subject: str = "") -> str:
        """One mail with these words and this in its subject arrives; its text."""
        fits = (lambda message: subject in message.document["subject"]) if subject else None
        return str(self._expect(MAILS, words, fits).document["body"])

    def gets_mails(self, *words: str, least: int, most: int) -> list[Message]:
        """So many mails with these words arrive; they, with their times."""
        found = self._every(MAILS, words)
        assert least <= len(found) <= most, f"{self.name} got {len(found)} such mails:\n" + _listed(found)
        return found

    def gets_call(self, saying: str = "") -> Call:
        """A call comes; with `saying` it is answered, and says this."""
        call = Call(self.night, self._expect(("voice",), ()))
        return call.is_answered().says(saying) if saying else call

    def misses_text(self, *words: str) -> None:
        """A text went to the phone and did not arrive."""
        self._expect(TEXTS, words, lost=True)

    def misses_texts(self, *words: str, least: int, most: int) -> list[Message]:
        """So many texts with these words went to the phone and did not arrive."""
        found = self._every(TEXTS, words, lost=True)
        assert least <= len(found) <= most, f"{self.name} missed {len(found)} such texts:\n" + _listed(found)
        return found

    def misses_call(self) -> None:
        """A call went to the phone, and nobody answered."""
        self._expect(("voice",), (), lost=True)

    def misses_mail(self, *words: str) -> None:
        """A mail went to the mailbox and did not arrive."""
        self._expect(MAILS, words, lost=True)

    def gets_nothing(self) -> None:
        """Nothing has come that was not told of."""
        self.night.work()
        left = list(self.night.at(self.number, self.address))
        assert not left, f"{self.name} got:\n" + _listed(left)

    def replies(self, text: str) -> None:
        """Write back; `{code}` is the code of the last text. What is answered is yet to be expected."""
        if "{code}" in text:
            text = text.replace("{code}", self.code)
        self.night.sandbox.reply(self.number, text)
        self.night.deliver()

    @property
    def code(self) -> str:
        """The code that the last text with one asks for."""
        texts = [m for m in self.night.messages.values() if self._is_text(m) and CODE.search(m.words)]
        assert texts, f"{self.name} got no text with a code"
        found = CODE.search(max(texts, key=lambda message: message.document["seq"]).words)
        assert found
        return found[1]

    def is_off(self) -> None:
        """From now on texts do not arrive and nobody answers."""
        self.night.sandbox.switch(self.number, "off")

    def is_busy(self) -> None:
        """From now on it is engaged."""
        self.night.sandbox.switch(self.number, "busy")

    def is_answered_by_a_machine(self) -> None:
        """From now on its voicemail takes calls."""
        self.night.sandbox.switch(self.number, "voicemail")

    def is_on(self) -> None:
        """It works again."""
        self.night.sandbox.switch(self.number, "all", on=False)

    def _is_text(self, message: Message) -> bool:
        return message.document["to"] == self.number and message.document["provider"] in TEXTS

    def _expect(
        self,
        providers: tuple[str, ...],
        words: tuple[str, ...],
        fits: Callable[[Message], bool] | None = None,
        *,
        lost: bool = False,
    ) -> Message:
        found = self._first(providers, words, fits, lost=lost)
        if found is None:
            self.night.work()
            found = self._first(providers, words, fits, lost=lost)
        if found is None:
            there = [*self.night.at(self.number, self.address), *self.night.errors]
            raise AssertionError(f"{self.name} waits for {words or providers} in vain:\n{_listed(there)}")
        found.expected = True
        return found

    def _first(
        self, providers: tuple[str, ...], words: tuple[str, ...],
        fits: Callable[[Message], bool] | None, *, lost: bool,
    ) -> Message | None:  # fmt: skip
        for message in self.night.at(self.number, self.address):
            if message.document["provider"] not in providers or not message.has(words):
                continue
            if (message.document["status"] in LOST) is lost and (fits is None or fits(message)):
                return message
        return None

    def _every(
        self, providers: tuple[str, ...], words: tuple[str, ...], *, lost: bool = False
    ) -> list[Message]:
        self.night.work()
        found = []
        while message := self._first(providers, words, None, lost=lost):
            message.expected = True
            found.append(message)
        return found


def _listed(messages: Sequence[Message | str]) -> str:
    return "\n".join(map(str, messages)) or "nothing"


class Phones(dict[str, Phone]):
    """Everybody's phone, by first name."""

    def __init__(self, night: Night) -> None:
        super().__init__(
            (name, Phone(night, name, number, address))
            for name, number, address in (
                ("Astrid", people.ASTRIDS_PHONE, people.ASTRID),
                ("Birk", people.BIRKS_PHONE, people.BIRK),
                ("Dorthe", people.DORTHES_PHONE, people.DORTHE),
                ("Nils", "", people.NILS),
                ("Olga", "", people.OLGA),
            )
        )


class Errors(logging.Handler):
    """Keeps what the product logs as an error."""

    def __init__(self, night: Night) -> None:
        super().__init__(logging.ERROR)
        self._night = night

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._night.errors.append(record.getMessage())
