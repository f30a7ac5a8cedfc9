"""What Astrid and Dorthe do in their browsers, click by click: for the tests and for the recorder.

Everything is found by what a person reads. `look` is called where there is something to see.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
Look = Callable[[str], object]


def nothing(_name: str) -> None:
    """Look at nothing."""


def local(at: datetime) -> str:
    """An instant as it is typed at ProMark."""
    return at.astimezone(COPENHAGEN).strftime("%Y-%m-%dT%H:%M")


def sign_in(page: Page, email: str, password: str) -> None:
    """From the sign-in page to the board."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Board").wait_for()


def open_incident(page: Page, title: str) -> str:
    """From the board to the incident; its address without the host."""
    page.goto("/")
    page.get_by_role("link", name=title).click()
    page.get_by_role("heading", name="Who knew when").wait_for()
    return "/incidents/" + page.url.rpartition("/incidents/")[2]


def second_thought(place: Page | Locator, summary: str, button: str) -> None:
    """Open what wants a second thought, and press its button."""
    place.locator("summary").filter(has_text=summary).first.click()
    place.get_by_role("button", name=button, exact=True).click()


def take_the_call(page: Page) -> None:
    """Press the button behind the link of a page."""
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("You have it.").wait_for()


def fix_awareness(page: Page, incident: str, at: datetime, reason: str, look: Look = nothing) -> None:
    """Correct awareness: see what moves, then save it."""
    page.goto(f"{incident}/awareness")
    page.get_by_label("Aware at").fill(local(at))
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="See what this moves").click()
    page.get_by_role("heading", name="This will move").wait_for()
    look("awareness")
    page.get_by_role("button", name="Fix awareness at").click()
    page.get_by_text("Awareness is fixed.").wait_for()


def confirm(page: Page, incident: str) -> None:
    """It is a personal data breach."""
    page.goto(incident)
    second_thought(page.locator("#triage"), "Confirm the breach", "It is a personal data breach")
    page.get_by_text("Confirmed as a personal data breach.").wait_for()


def decide(page: Page, incident: str, reason: str, look: Look = nothing) -> None:
    """Judge the risk and decide whom to tell."""
    page.goto(incident)
    page.get_by_role("link", name="Assess and decide").first.click()
    answers = {
        "identifiable": "yes", "risk": "high", "authority": "notify_authority", "people": "communicate",
        "promise": "keep_promise",
    }  # fmt: skip
    for name, answer in answers.items():
        page.locator(f'#f-{name} input[value="{answer}"]').check()
    page.get_by_label("Reason").fill(reason)
    look("assessment")
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_text("The duties that follow stand below").wait_for()


def do_step(page: Page, incident: str, title: str, note: str) -> None:
    """A step is done."""
    page.goto(incident)
    step = page.locator("#steps li").filter(has=page.get_by_text(title, exact=True)).first
    step.locator("summary").filter(has_text="Done").click()
    step.get_by_label("Note, if you like").fill(note)
    step.get_by_role("button", name="It is done").click()
    page.get_by_text("Done, and written into the record.").wait_for()


def notify(
    page: Page,
    incident: str,
    authority: str,
    *,
    consequences: str,
    case: str,
    at: Callable[[], datetime],
    look: Look = nothing,
) -> None:
    """Draft, complete and approve what an authority is told; record that it was filed, now: `at()`."""
    page.goto(f"{incident}/authority-notifications")
    duty = page.locator("article").filter(has=page.get_by_role("heading", name=authority))
    duty.get_by_role("button", name="Draft it from the facts").click()
    page.get_by_role("heading", name="Open points").wait_for()
    look("notification")
    page.get_by_role("link", name="Edit the text").click()
    page.locator('[name="consequences.impact_description"]').fill(consequences)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    second_thought(page, "Approve this text", "Yes, I stand behind it")
    page.get_by_text("Now file exactly this text").wait_for()
    file(page, case, at(), look)


def file(page: Page, case: str, at: datetime, look: Look = nothing) -> None:
    """Record that the approved text was filed."""
    page.get_by_label("Filed at").fill(local(at))
    page.locator("#case_number").fill(case)
    proof = {"name": "kvittering.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 kvittering"}
    page.get_by_label("Receipt").set_input_files(proof)
    page.get_by_role("button", name="Record the filing").click()
    page.get_by_text("the proof is kept.").first.wait_for()
    look("filed")


def wait() -> None:
    """Leave it to the clock that runs already."""


def send_list(
    page: Page, incident: str, rows: str, look: Look = nothing, work: Callable[[], object] = wait
) -> None:  # fmt: skip
    """Send a file of people, keep to what is guessed of its columns, and wait until `work` has read it."""
    page.goto(f"{incident}/recipient-lists")
    sent = {"name": "people.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    page.get_by_label("A CSV or XLSX file").set_input_files(sent)
    page.get_by_role("button", name="Send the file").click()
    page.get_by_role("heading", name="The columns").wait_for()
    look("list")
    page.get_by_role("button", name="Read the list").click()
    page.get_by_text("being read").first.wait_for()
    work()
    page.get_by_role("link", name="Choose who is told").wait_for(timeout=30_000)
    look("read")


def prepare_letters(
    page: Page, incident: str, rows: str, letters: Mapping[str, Mapping[str, str]], look: Look = nothing,
    *, work: Callable[[], object] = wait,
) -> str:  # fmt: skip
    """Upload a list, and write what the drafts leave open; the communication's address."""
    send_list(page, incident, rows, look, work)
    page.goto(f"{incident}/communications")
    page.get_by_role("button", name="Begin a communication").click()
    page.get_by_role("heading", name="The texts").wait_for()
    place = page.url
    for locale, parts in letters.items():
        page.goto(f"{place}/letters/{locale}")
        write_letter(page, parts)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved.").wait_for()
        page.goto(f"{place}/letters/{locale}")
        look(f"letter-{locale}")
    return place


def write_letter(page: Page, parts: Mapping[str, str]) -> None:
    """Write these parts; in the others what stands in [brackets] is taken as it is."""
    for box in page.locator("form.bc-sheet textarea, form.bc-sheet input.form-control").all():
        name, text = box.get_attribute("name") or "", box.input_value()
        if name in parts:
            box.fill(parts[name])
        elif "[" in text:
            box.fill(text.replace("[", "").replace("]", ""))


def approve_and_send(page: Page, place: str, count: int, look: Look = nothing) -> None:
    """The second person approves letters and list, and sends them."""
    page.goto(place)
    page.locator("summary").filter(has_text="Approve texts and list").first.click()
    look("approval")
    page.goto(place)
    second_thought(page, "Approve texts and list", "Yes, I stand behind it")
    page.get_by_text("Approved: these texts").wait_for()
    look("approved")
    second_thought(page, "Send it", f"Send to {count} people now")
    page.get_by_text(f"On its way to {count} people").wait_for()


def see_coverage(page: Page, place: str, look: Look = nothing) -> None:
    """Who was told and by what, and the signed report of it."""
    page.goto(f"{place}/recipients")
    look("people")
    page.locator("table a").last.click()
    page.get_by_role("heading", name="What was tried").wait_for()
    look("person")
    page.goto(f"{place}/coverage")
    page.get_by_role("button", name="Report how it stands now").click()
    page.get_by_role("link", name="JSON").first.wait_for()
    look("coverage")


def hear(page: Page, incident: str, said: str, look: Look = nothing) -> None:
    """Somebody who was told calls, and what they say is kept."""
    page.goto(f"{incident}/heard/new")
    page.locator("#said").fill(said)
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("Kept.").wait_for()
    page.goto(f"{incident}/heard")
    page.get_by_text(said).first.wait_for()
    look("hot-line")
