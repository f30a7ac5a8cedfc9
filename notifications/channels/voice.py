"""Twilio's calls: a page is read out, and a key answers it.

The attempt's id travels in the addresses of the callbacks, as with text messages: Twilio's signature
covers it. What is said is asked for when somebody picks up, so that nobody is read what a colleague
took meanwhile. A call is delivered by a key and by nothing else, so that no answering machine counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, VoiceResponse

from foundation.settings import Settings
from notifications.channels import Answer, CannotAsk, Told, deadline, to_nobody
from notifications.channels.one_by_one import OneByOne
from notifications.channels.twilio import ASKING, NOT_UNDERSTOOD, Twilio, connected, fetched, hand_over
from notifications.rules.receipts import CALLS

VOICE_PATH = "/callbacks/twilio/voice"
KEYS_PATH = f"{VOICE_PATH}/keys"
STATUS_PATH = f"{VOICE_PATH}/status"
EVENTS = ["initiated", "ringing", "answered", "completed"]  # the last also says busy, no-answer and failed
RING = 25  # seconds: a mailbox mostly picks up later, and the next way need not wait for longer
LONGEST = 240  # seconds of a call, should nobody hang up
FOR_A_KEY = 8  # seconds of silence after the text
LOOK_BACK = timedelta(minutes=1)
# Twilio's language and voice by ours (its table "text-to-speech voices"); each speaks the language natively.
VOICES = {
    "da": ("da-DK", "Polly.Naja"), "nb": ("nb-NO", "Polly.Liv"), "sv": ("sv-SE", "Polly.Astrid"),
    "en": ("en-GB", "Polly.Amy"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """What a call says in one of our languages: at last it asks for a key, asks us again, or hangs up."""

    locale: str
    sentences: tuple[str, ...] = ()
    keys: str = ""  # what the keys do; empty when none is asked for
    without: str = ""  # said when no key was pressed
    again: str = ""  # where Twilio asks us again in a moment, since we were too slow


class Calls(OneByOne):
    """Calls through the Twilio account in the settings."""

    name = CALLS

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_genuine = Twilio(settings).is_genuine

    def send(
        self,
        *,
        recipient: str,
        content: dict[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        urgent: bool,
        late: Callable[[Answer], object] = to_nobody,
    ) -> Answer:
        """Have a number called; see `channels.Provider.send`. The text is asked for by Twilio itself."""
        client, http = connected(self.settings, limit)
        create = partial(
            client.calls.create,
            to=recipient,
            from_=self.settings.twilio_voice_from,
            url=self.settings.public_url + callback(VOICE_PATH, a=attempt_id, l=content.get("locale", "")),
            status_callback=self.settings.public_url + callback(STATUS_PATH, a=attempt_id),
            status_callback_event=EVENTS,
            timeout=RING,
            time_limit=LONGEST,
        )
        return deadline.answer(limit, partial(hand_over, create, http, "CA"), provider="Twilio", late=late)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """None when no call to this number was made since the attempt; see `channels.Provider.find`.

        A call does not show which message it reads out, so that one that is there proves nothing: its
        own callbacks do. Raises: CannotAsk, also then.
        """
        return deadline.ask(ASKING, partial(self._search, recipient, since - LOOK_BACK))

    def _search(self, recipient: str, oldest: datetime) -> None:
        client, _http = connected(self.settings, ASKING)
        try:
            made = client.calls.list(to=recipient, start_time_after=oldest, limit=1)
        except NOT_UNDERSTOOD as trouble:
            raise CannotAsk(type(trouble).__name__) from trouble
        if made:
            raise CannotAsk("a call does not show which message it reads out")

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Fetch one call by its id; see `channels.Provider.told`."""
        return deadline.ask(ASKING, partial(self._fetch, provider_id))

    def _fetch(self, sid: str) -> Told | None:
        client, _http = connected(self.settings, ASKING)
        found = fetched(client.calls(sid).fetch)
        return Told(str(found.status)) if found else None


def twiml(script: Script, attempt_id: str) -> str:
    """The script as TwiML; addresses are relative, so that Twilio keeps our host."""
    document = VoiceResponse()
    language, voice = VOICES[script.locale]
    say: dict[str, Any] = {"language": language, "voice": voice}
    if script.keys:
        for _time in range(2):  # half asleep, nobody has the number at once
            action = callback(KEYS_PATH, a=attempt_id, l=script.locale)
            keys = Gather(input="dtmf", num_digits=1, timeout=FOR_A_KEY, action=action, method="POST")
            for sentence in (*script.sentences, script.keys):
                keys.say(sentence, **say)
            document.append(keys)
        document.say(script.without, **say)
    else:
        for sentence in script.sentences:
            document.say(sentence, **say)
    if script.again:
        document.pause(length=1)
        document.redirect(script.again, method="POST")
    else:
        document.hangup()
    return str(document)


def callback(path: str, **values: str) -> str:
    """An address on our own site that Twilio is to ask, with what it is to bring back."""
    return f"{path}?{urlencode({name: value for name, value in values.items() if value})}"
