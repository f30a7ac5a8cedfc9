"""A group for SendGrid: one request, each person alone in it, and what the answer means for each.

Plain dictionaries go through the SDK's client; its helper classes cost four times as much as the sending.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from python_http_client.exceptions import HTTPError

from notifications.channels import Answer, Many, Refusal, To, Unsure, deadline
from notifications.channels.one_by_one import unfilled
from notifications.channels.sendgrid_calls import Http, answer_of
from notifications.rules import filling, grouping
from notifications.rules.retry import TOO_LARGE, UNFILLED

_NO_DOMAIN = re.compile("[ ,;<>]")
NAMED = re.compile(r"personalizations\.(\d+)(?:\.|$)")
REFUSED = 400
WIDEST = 6  # bytes of a letter as JSON has it: \uXXXX, and twice that beyond the first plane
OF_ONE = 300  # bytes of a personalization besides its address and values
TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
}
Personal = dict[str, Any]


class Group:
    """One text for many, with what every person's message carries."""

    def __init__(self, content: Mapping[str, str], attempt_id: str, reference: str, *, sender: str) -> None:
        self.content, self.attempt_id, self.reference, self.sender = content, attempt_id, reference, sender
        self._refused: dict[int, Refusal] = {}
        self._subject_differs = False
        self._wanted: frozenset[str] = frozenset()  # of the text and the HTML

    def send(
        self, people: Sequence[To], client: Http, *, limit: float, late: Callable[[Many], object]
    ) -> Many:
        """Hand the group over within `limit` seconds; see `channels.Provider.send_many`."""
        if len(people) > (most := grouping.limit("sendgrid", "people")):
            return Many(Refusal(f"SendGrid takes {most} people at a time, and these are {len(people)}"))
        try:
            named = filling.marks(self.content)
            self._wanted = filling.marks({**self.content, filling.SUBJECT: ""})
        except filling.Unfillable as lack:
            return Many(unfilled(lack))
        self._subject_differs = bool(filling.marks({filling.SUBJECT: self.content[filling.SUBJECT]}))
        complete = [each for each in people if self._complete(each, named)]
        going, fits = self._fitting(complete)
        if not fits:  # none of them goes: who would be left over if the process died meanwhile, nobody knew
            return Many(Refusal("The request would be too large", code=TOO_LARGE), dict(self._refused))
        if not going:
            return self._nobody()
        return self._within(going, client, limit, late)

    def _within(
        self, going: list[tuple[int, Personal]], client: Http, limit: float, late: Callable[[Many], object]
    ) -> Many:
        ends = time.monotonic() + limit

        def tell(answer: Answer) -> None:
            if not isinstance(answer, Unsure):
                late(Many(answer, dict(self._refused)))

        call = partial(self._rounds, going, client, ends)
        try:
            answer = deadline.within(limit, call, late=tell)
        except deadline.TimeIsUp:
            answer = Unsure(f"SendGrid did not answer within {limit:g} seconds")
        except deadline.NotBegun:
            answer = Refusal("SendGrid leaves too many calls unanswered")
        return Many(answer, dict(self._refused))

    def _rounds(self, going: list[tuple[int, Personal]], client: Http, ends: float) -> Answer:
        """Ask until nobody is in the request for whom it is refused, or the time is over."""
        for _round in range(grouping.limit("sendgrid", "rounds")):
            if time.monotonic() >= ends:
                return Refusal("Nobody waits for SendGrid any more")
            told: list[HTTPError] = []
            answer = answer_of(partial(_posted, client, self._document(going), told))
            named = _named(told, len(going))
            if not named:
                return answer
            for number, why in named.items():
                place = going[number][0]
                self._refused[place] = Refusal(f"SendGrid refused this one ({why})", code=str(REFUSED))
            going = [each for number, each in enumerate(going) if number not in named]
            if not going:
                return answer
        return Refusal("SendGrid refused ever more of the people in the request")

    def _nobody(self) -> Many:
        answer = next(iter(self._refused.values()), Refusal("There is nobody in the group"))
        return Many(answer, dict(self._refused))

    # What goes over the wire

    def _complete(self, person: To, named: frozenset[str]) -> bool:
        """Whether this person has a value for each mark, no more of them than are taken, and an address."""
        if not person.values.keys() >= named:
            missing = filling.lacking(named, person.values)
            why = f"There is no value for {', '.join(missing)}"
            self._refused[person.place] = Refusal(why, code=UNFILLED)
        elif not _is_address(person.address):
            self._refused[person.place] = Refusal("The address is none", code=str(REFUSED))
        return person.place not in self._refused

    def _fitting(self, people: Sequence[To]) -> tuple[list[tuple[int, Personal]], bool]:
        """The people with what is theirs, and whether one request holds them all."""
        most, each = grouping.limit("sendgrid", "bytes"), grouping.limit("sendgrid", "values_bytes")
        room = most - len(json.dumps(self._document([])))
        found = []
        for person in people:
            personal = self._personal(person)
            signs = len("".join(chain(*personal["substitutions"].items())))
            if signs * 4 > each and _bytes(personal["substitutions"].values()) > each:
                why = f"The values of this person are longer than {each} bytes"
                self._refused[person.place] = Refusal(why, code=TOO_LARGE)
                continue
            signs += len(person.address) + len(personal.get("subject", ""))
            widest = signs * WIDEST * 2 + OF_ONE
            room -= widest if room > widest else len(json.dumps(personal)) + 2
            found.append((person.place, personal))
        return found, room >= 0 or not found

    def _personal(self, person: To) -> Personal:
        html = bool(self.content.get("html"))
        personal: Personal = {
            "to": [{"email": person.address}],
            "custom_args": {"a": self.attempt_id, "n": str(person.place)},
            "substitutions": filling.substitutions(self._wanted, person.values, html=html),
        }
        if self._subject_differs:
            personal["subject"] = filling.subject(self.content["subject"], person.values)
        return personal

    def _document(self, going: Sequence[tuple[int, Personal]]) -> dict[str, Any]:
        content = self.content
        parts = [{"type": "text/plain", "value": content["text"]}]
        if content.get("html"):
            parts.append({"type": "text/html", "value": content["html"]})
        document = {
            "from": {"email": self.sender, "name": content.get("sender") or "Breachclock"},
            "subject": filling.line(content["subject"]),
            "content": parts,
            "personalizations": [personal for _place, personal in going],
            "headers": {"X-Breachclock-Reference": filling.line(self.reference)},
            "tracking_settings": TRACKING,
        }
        if content.get("reply_to"):
            document["reply_to"] = {"email": content["reply_to"]}
        return document


def _posted(client: Http, document: dict[str, Any], told: list[HTTPError]) -> Any:
    try:
        return client.mail.send.post(request_body=document)
    except HTTPError as refusal:
        told.append(refusal)
        raise


def _named(told: Sequence[HTTPError], size: int) -> dict[int, str]:
    """The people whom a refusal names, by number in the request; none when it is about anything else too."""
    if not told or told[0].status_code != REFUSED:
        return {}
    found: dict[int, str] = {}
    for field, message in _errors(told[0]):
        named = NAMED.match(field)
        if named is None or int(named[1][:9]) >= size:
            return {}
        found[int(named[1])] = message
    return found


def _errors(refusal: HTTPError) -> Iterator[tuple[str, str]]:
    """Field and message of each error; a field that is no text is an empty one."""
    try:
        errors = json.loads(refusal.body or b"{}").get("errors") or []
    except (ValueError, AttributeError, TypeError):
        errors = []
    for each in errors if isinstance(errors, list) else []:
        told = each if isinstance(each, dict) else {}
        field = told.get("field")
        yield (field if isinstance(field, str) else ""), _said(told.get("message"))


def _said(message: object) -> str:
    """What SendGrid says, short, and without what may be an address."""
    text = message if isinstance(message, str) else ""
    return re.sub(r"\S+@\S+", "…", " ".join(text.split()))[:120] or str(REFUSED)


def _is_address(address: str) -> bool:
    """Whether this is one address and nothing else; SendGrid looks closer."""
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain and address.isprintable() and not _NO_DOMAIN.search(domain))


def _bytes(values: Any) -> int:
    return sum(len(value.encode()) for value in values)
