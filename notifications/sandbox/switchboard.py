"""Telephone calls on their way: they ring, are answered, follow the product's documents, and end.

Whoever is called has hands here too: `answer`, `press`, `hang_up` and the like are what a person does.
Nothing waits in a thread: each step is set off by a time, by a person, or by the product's answer.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urljoin

from notifications.sandbox.call_forms import event_fields, request_fields
from notifications.sandbox.callbacks import Answer, Call, Caller
from notifications.sandbox.config import SandboxConfig
from notifications.sandbox.messages import Message, Store, now_utc
from notifications.sandbox.script import Behaviour
from notifications.sandbox.talk import ENDED, Talk, Turn
from notifications.sandbox.timing import Scheduler
from notifications.sandbox.twiml import Gather, Hangup, Pause, Redirect, Say, Unreadable, Verb, verbs_of

MOST_DOCUMENTS = 100  # of one call: a circle of redirects must end
FETCH_TRIES = 2
SORRY = "We are sorry, an application error has occurred. Goodbye."
BY_ITSELF = {"completed", "machine"}  # answered without anybody at the page


@dataclass(slots=True)
class Line:
    """What a call that has not ended needs besides its message."""

    message: Message
    verbs: deque[Verb] = field(default_factory=deque)
    gather: Gather | None = None
    place: str = ""  # address of the document at work
    documents: int = 0
    step: int = 0  # grows with each step, so that a timer of an earlier one does nothing
    events: int = 0
    asks: bool = False  # the product, how to go on
    keys: str = ""  # that a scripted person will still press
    kept: list[Call] = field(default_factory=list)  # events that come in reverse

    @property
    def talk(self) -> Talk:
        """The call's talk."""
        return self.message.talk or Talk()


class NotNow(Exception):
    """What a person wants to do with a call does not fit its state; says so."""


class Switchboard:
    """Every call on its way."""

    def __init__(self, config: SandboxConfig, store: Store, caller: Caller, scheduler: Scheduler) -> None:
        self._config, self._store, self._caller, self._scheduler = config, store, caller, scheduler
        self._lock = threading.RLock()
        self._lines: dict[str, Line] = {}

    def begin(self, message: Message) -> None:
        """Dial."""
        with self._lock:
            line = self._lines[message.id] = Line(message, keys=message.outcome.keys or "")
            self._later(line, self._config.delay, self._dial)

    def resume(self) -> None:
        """After a restart of the sandbox: calls that were on their way have ended, and say so."""
        for message in self._store.accepted("voice"):
            if not message.is_final:
                self._lines[message.id] = line = Line(message)
                self._end(line, "completed" if message.talk and message.talk.answered_at else "failed")

    def forget(self) -> None:
        """Drop every call, in silence."""
        with self._lock:
            self._lines.clear()

    # What a person does

    def answer(self, sid: str) -> None:
        """Pick up. Raises NotNow unless it rings."""
        with self._lock:
            self._answered(self._ringing(sid), "human")

    def decline(self, sid: str) -> None:
        """Press the red button while it rings: busy."""
        with self._lock:
            self._end(self._ringing(sid), "busy")

    def ring_out(self, sid: str) -> None:
        """Let it ring until its time is over, now."""
        with self._lock:
            self._end(self._ringing(sid), "no-answer")

    def press(self, sid: str, keys: str) -> None:
        """Press keys one after another. Raises NotNow unless somebody talks; unasked keys do nothing."""
        with self._lock:
            line = self._talking(sid)
            for key in keys:
                self._pressed(line, key)

    def be_silent(self, sid: str) -> None:
        """Press nothing until the product waits no longer, now."""
        with self._lock:
            line = self._talking(sid)
            if line.gather:
                self._gathered(line, "")

    def hang_up(self, sid: str) -> None:
        """Put the receiver down."""
        with self._lock:
            self._end(self._talking(sid), "completed")

    def wait(self, sid: str, within: float = 1.5) -> None:
        """Until the product answered what this call asked, so that a page shows it; `within` seconds."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            with self._lock:
                line = self._lines.get(sid)
                if line is None or line.gather or line.message.status != "in-progress" or not line.asks:
                    return
            time.sleep(0.02)

    # What the product does besides

    def end(self, sid: str, status: str) -> None:
        """End a call as the product asks: "canceled" before it is answered, "completed" at any time."""
        with self._lock:
            line = self._lines.get(sid)
            if line and (status == "completed" or line.message.status != "in-progress"):
                self._end(line, status)

    # One step after another

    def _ringing(self, sid: str) -> Line:
        line = self._lines.get(sid)
        if line is None or line.message.status != "ringing":
            raise NotNow("The call does not ring.")
        return line

    def _talking(self, sid: str) -> Line:
        line = self._lines.get(sid)
        if line is None or line.message.status != "in-progress":
            raise NotNow("Nobody talks in this call.")
        return line

    def _later(self, line: Line, seconds: float, task: Callable[[Line], None], *, idle: bool = False) -> None:
        line.step += 1
        self._scheduler.after(seconds, partial(self._if_still, line, line.step, task), idle=idle)

    def _if_still(self, line: Line, step: int, task: Callable[[Line], None]) -> None:
        with self._lock:
            if line.step == step and self._lines.get(line.message.id) is line:
                task(line)

    def _dial(self, line: Line) -> None:
        self._tell(line, "initiated", "initiated")
        end = line.message.outcome.status
        if end in {"failed", "canceled"}:
            self._later(line, self._config.delay, partial(self._end, status=end))
        else:
            self._later(line, self._config.delay, self._ring)

    def _ring(self, line: Line) -> None:
        self._store.change([line.message], "ringing", None, now_utc())
        self._tell(line, "ringing", "ringing")
        end = line.message.outcome.status
        if end in {"busy", "no-answer"}:
            self._later(line, self._config.delay, partial(self._end, status=end))
        elif end in BY_ITSELF:
            by = "machine_start" if end == "machine" else "human"
            self._later(line, self._config.delay, partial(self._answered, by=by))
        else:
            self._later(line, line.talk.timeout, partial(self._end, status="no-answer"), idle=True)

    def _answered(self, line: Line, by: str) -> None:
        line.step += 1
        by_whom = by if line.talk.detects else None
        self._store.change([line.message], "in-progress", None, now_utc(), answered_by=by_whom)
        self._tell(line, "answered", "in-progress")
        if line.talk.twiml:
            self._read(line, self._caller.signed_url, line.talk.twiml)
        else:
            self._fetch(line, line.talk.url, fallback=line.talk.fallback_url)

    def _fetch(
        self, line: Line, url: str, fields: Mapping[str, str] | None = None, *, fallback: str = ""
    ) -> None:
        """Ask the product how to go on."""
        line.step += 1
        line.documents += 1
        if line.documents > MOST_DOCUMENTS or not self._caller.may_call(url):
            self._sorry(line, f"no further document is fetched from {url}")
            return
        call = self._caller.form(url, {**request_fields(line.message), **(fields or {})})
        call.most_tries = FETCH_TRIES
        step = line.step
        instead = partial(self._fetch, url=fallback) if fallback else self._sorry

        def hear(answer: Answer) -> None:
            read = partial(self._read, place=url, document=answer.text)
            self._if_still(line, step, instead if answer.status >= 300 else read)

        line.asks = True
        call.on_answer = hear
        call.on_silence = lambda: self._if_still(line, step, instead)
        self._caller.post(call, f"{line.message.id} talk", Behaviour())

    def _read(self, line: Line, place: str, document: str) -> None:
        line.asks = False
        try:
            line.verbs = deque(verbs_of(document))
        except Unreadable as wrong:
            self._sorry(line, str(wrong))
            return
        line.place = place
        self._go_on(line)

    def _go_on(self, line: Line) -> None:
        """Follow the document to where it waits, asks on, or ends."""
        spoken = 0.0
        while line.verbs:
            match line.verbs.popleft():
                case Say() | Pause() as verb:
                    spoken += self._speak(line, verb)
                case Gather() as gather:
                    self._wait_for_keys(line, gather, spoken)
                    return
                case Redirect(url):
                    self._fetch(line, urljoin(line.place, url))
                    return
                case Hangup():
                    break
        if spoken:
            self._later(line, spoken, partial(self._end, status="completed"), idle=True)
        else:
            self._end(line, "completed")

    def _speak(self, line: Line, verb: Say | Pause) -> float:
        """Say it; how many seconds that takes."""
        if isinstance(verb, Pause):
            return verb.seconds if self._config.speech else 0.0
        self._hear(line, "product", verb.text, verb.language)
        return len(verb.text) / self._config.speech if self._config.speech else 0.0

    def _wait_for_keys(self, line: Line, gather: Gather, spoken: float) -> None:
        spoken += sum(self._speak(line, verb) for verb in gather.spoken)
        line.gather, line.talk.digits, line.talk.waits = gather, "", True
        self._store.touch()
        if line.keys:
            keys, line.keys = line.keys, ""
            self._later(line, self._config.delay, partial(self._press_scripted, keys=keys))
        elif line.message.outcome.status in BY_ITSELF:
            self._later(line, self._config.delay, partial(self._gathered, finish=""))
        else:
            self._later(line, spoken + gather.timeout, partial(self._gathered, finish=""), idle=True)

    def _press_scripted(self, line: Line, keys: str) -> None:
        while keys and line.gather:
            self._pressed(line, keys[0])
            keys = keys[1:]
        line.keys = keys

    def _pressed(self, line: Line, key: str) -> None:
        gather = line.gather
        if gather is None:
            return
        if key == gather.finish:
            self._gathered(line, key)
            return
        line.talk.digits += key
        self._store.touch()
        if len(line.talk.digits) == gather.most:
            self._gathered(line, "")
        else:
            self._later(line, gather.timeout, partial(self._gathered, finish=""), idle=True)

    def _gathered(self, line: Line, finish: str) -> None:
        """The keys are complete, or nobody presses any."""
        gather, digits = line.gather, line.talk.digits
        line.gather, line.talk.digits, line.talk.waits = None, "", False
        line.step += 1
        if digits:
            self._hear(line, "person", digits)
        if gather and (digits or gather.when_empty):
            pressed = {"Digits": digits, **({"FinishedOnKey": finish} if finish else {})}
            self._fetch(line, urljoin(line.place, gather.action), pressed)
        else:
            self._go_on(line)

    def _sorry(self, line: Line, why: str = "The product gave no document.") -> None:
        """The provider's own words when the product leaves a call alone."""
        self._hear(line, "network", f"{SORRY} ({why})")
        self._end(line, "completed")

    def _end(self, line: Line, status: str) -> None:
        line.step += 1
        self._lines.pop(line.message.id, None)
        if line.message.status in ENDED:
            return
        code = line.message.outcome.code if status == line.message.outcome.status else None
        self._store.change([line.message], status, code, now_utc())
        self._tell(line, "completed", status)
        for call in reversed(line.kept):
            self._caller.post(call, line.message.id, line.message.callbacks)

    def _hear(self, line: Line, who: str, text: str, language: str = "") -> None:
        self._store.hear(line.message, Turn(who, text, language, now_utc().isoformat()))

    def _tell(self, line: Line, event: str, status: str) -> None:
        """Call the product back about an event it asked for."""
        message = line.message
        if not message.status_callback or event not in line.talk.events:
            return
        fields = event_fields(message, status, line.events, now_utc())
        line.events += 1
        call = self._caller.form(message.status_callback, fields)
        if message.callbacks.mode == "reversed":
            line.kept.append(call)
        else:
            self._caller.post(call, message.id, message.callbacks)
