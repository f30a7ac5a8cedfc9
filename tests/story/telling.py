"""Authorities are told of a breach, page by page, by the people at ProMark who do it."""

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from accounts.models import Organisation
from foundation.database import db, everyone, transaction, utcnow
from tests.story.driver import CASE, COPENHAGEN, DATATILSYNET, ICO, RECEIPT, Colleague, Story, local
from tests.story.screen import Screen

IMY = "Swedish Authority for Privacy Protection"
AUTHORITIES = (DATATILSYNET, IMY, ICO)
NUMBERS = {DATATILSYNET: CASE, IMY: "IMY-2026-1234", ICO: "IC-123456-A1B2"}
KEYS = {DATATILSYNET: "dk-datatilsynet", IMY: "se-imy", ICO: "gb-ico"}
CONSEQUENCES = "consequences.impact_description"
# What may come of it, as each form has a box for it.
MAY_COME = {DATATILSYNET: CONSEQUENCES, IMY: "consequences.impact_types", ICO: CONSEQUENCES}
COMPLETE = {
    "consequences": ["loss_of_control", "phishing", "loss_of_secrecy"],
    "disclosure": {
        "exfiltration": "confirmed", "evidence": "reliable_logs", "recipients": ["attacker"],
        "recipients_trusted": "no", "misuse_seen": "no",
    },
}  # fmt: skip
# Whose main establishment is known files with the lead authority; else with each where people are concerned.
LED = {"main_establishment": "DK", "establishments": ["DK"], "targets": ["NO", "SE", "GB"]}
WITHOUT_A_LEAD = {"establishments": ["DK", "SE"], "targets": ["NO", "GB"]}


@dataclass(frozen=True)
class Files:
    """The two files of a notification, as they were downloaded."""

    pdf: bytes
    json: bytes


class Telling:
    """Dorthe tells authorities; Astrid works the incident beside her."""

    def __init__(self, story: Story) -> None:
        self.story = story

    @property
    def dorthe(self) -> Colleague:
        """The data protection officer."""
        return self.story.dorthe

    @property
    def place(self) -> str:
        """The address of the overview of all authorities."""
        return f"{self.story.incident}/authority-notifications"

    # --- before ---------------------------------------------------------------------------------

    def established(self, facts: dict[str, Any]) -> None:
        """Where ProMark decides and does business, as it is registered."""
        with everyone(), transaction():
            promark = db.session.get_one(Organisation, self.story.cast.promark)
            kept = {"notification_promise": promark.profile["facts"]["notification_promise"]}
            promark.profile = promark.profile | {"facts": facts | kept}

    def breach(self, reference: str, **facts: Any) -> None:
        """HostCo reports; Astrid fixes awareness two hours back and confirms; Dorthe decides to tell."""
        self.story.hostco_reports(reference=reference, **facts)
        self.story.astrid_fixes_awareness()
        self.story.astrid_confirms()
        self.story.dorthe_decides()

    def hostco_tells_more(self, **facts: Any) -> None:
        """HostCo reports again what has become known since; clock and workers do what follows."""
        self.story.hostco_reports(**(self.story.facts | facts))
        self.story.work()

    def later(self, **length: float) -> None:
        """So much time passes, and who comes back signs in anew."""
        self.story.clock.move(**length)
        self.story.everybody_leaves()

    # --- pages ----------------------------------------------------------------------------------

    def overview(self) -> Screen:
        """All authorities of the incident."""
        return self.dorthe.open(self.place)

    def incident(self) -> Screen:
        """The incident itself."""
        return self.dorthe.open(self.story.incident)

    def draft(self, authority: str) -> str:
        """Draft the notification to an authority from the facts; its address."""
        return self.story.dorthe_drafts(authority).path

    def write(self, place: str, *, status: int = 200, **typed: Any) -> Screen:
        """Write into the text; nothing typed sends the form as it came."""
        self.dorthe.open(f"{place}/text")
        return self.dorthe.press("Save", status=status, **typed)

    def keep_nothing_secret(self, place: str) -> Screen:
        """Say of what becomes public that nothing of it is to be kept secret."""
        self.dorthe.open(f"{place}/secrecy")
        return self.dorthe.press("For none of it")

    def approve(self, place: str, *, status: int = 200) -> Screen:
        """Stand behind the text as it is shown."""
        self.dorthe.open(place)
        return self.dorthe.press("Yes, I stand behind it", status=status)

    def file(self, place: str, authority: str, *, status: int = 200, **typed: Any) -> Screen:
        """Record that it was filed in the portal just now, with case number and receipt."""
        told = {
            "filed_at": local(utcnow()), "channel": "portal", "case_number": NUMBERS[authority],
            "receipt": RECEIPT,
        }  # fmt: skip
        self.dorthe.open(f"{place}/filing")
        return self.dorthe.press("Record the filing", status=status, **(told | typed))

    def approve_and_file(self, place: str, authority: str) -> Screen:
        """Both, one after the other; the page of the notification afterwards."""
        self.approve(place)
        self.file(place, authority)
        return self.dorthe.open(place)

    def notify(self, authority: str, **typed: Any) -> str:
        """Draft, write, approve and file; the address of the notification."""
        place = self.draft(authority)
        self.write(place, **typed)
        if authority == IMY:
            self.keep_nothing_secret(place)
        self.approve_and_file(place, authority)
        return place

    def send(self, path: str, **typed: Any) -> tuple[int, str]:
        """Send a form that no page offers; status and what is said to it."""
        data = {
            name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
            for name, value in typed.items()
        }
        answer = self.dorthe.client.post(path, data=data)
        return answer.status_code, Screen(answer.text, path).text

    def files(self, place: str, which: str = "pack") -> Files:
        """Download PDF and JSON: of the text as it stands ("pack"), or as it was "filed"."""
        return Files(*(self.fetched(f"{place}/{which}.{kind}") for kind in ("pdf", "json")))

    def fetched(self, path: str) -> bytes:
        """The bytes of a download."""
        answer = self.dorthe.client.get(path)
        assert answer.status_code == 200, path
        return bytes(answer.data)

    # --- after the first filing -----------------------------------------------------------------

    def follow_up(self, place: str, kind: str) -> str:
        """The latest notification of a kind in the line that begins at this address; its address."""
        screen = self.dorthe.open(f"{place}/changes")
        assert kind in screen.links, (kind, sorted(screen.links))
        return screen.links[kind].removesuffix("/changes")

    def begin(
        self, place: str, kind: str, *, status: int = 200, who: Colleague | None = None, **typed: Any
    ) -> str:
        """Begin a follow-up of a kind to what was filed, or make the open one that kind; its address."""
        who = who or self.dorthe
        opened = who.open(f"{place}/changes")
        button = "Make it so" if "another kind" in opened else "Begin it"
        return who.press(button, status=status, kind=kind, **typed).path.removesuffix("/changes")

    def keep_letter(self, *, status: int = 200, **typed: Any) -> Screen:
        """Keep a letter of an authority, or to one, on the form that is open."""
        return self.dorthe.press("Keep it", status=status, **({"written_at": local(utcnow())} | typed))


def in_days(days: int) -> str:
    """A day as people at ProMark type it, so many days from now."""
    return (utcnow().astimezone(COPENHAGEN) + timedelta(days=days)).strftime("%Y-%m-%d")
