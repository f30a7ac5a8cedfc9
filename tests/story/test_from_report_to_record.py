"""The story, stop by stop: what each person sees, from a sub-processor's breach to the record of it.

HTTP in, providers out: reports, pages, replies and receipts all go the way they go in earnest.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo

from foundation.database import utcnow
from incident.forms.fields import local_text
from tests import people
from tests.story.driver import CASE, ELLEN, ELLENS_PHONE, KAREN, SVEN, Letter, Story, signed
from wsgi import cli

pytestmark = pytest.mark.story
NAMES = ("Karen Møller", "Sven Åberg", "Ellen Wright", KAREN, SVEN, ELLEN)


def when(at) -> str:
    """An instant as the pages at ProMark show it, to the minute."""
    text, _fold = local_text(at, "Europe/Copenhagen")
    return text[-5:]


# --- 1. a signed report -----------------------------------------------------------------------------


def test_hostco_reports_and_is_answered_the_same_when_it_reports_again(story: Story) -> None:
    letter = story.report()

    first, second = story.post(letter), story.post(letter)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["duplicate"] is False
    assert second.json == {**first.json, "duplicate": True}
    assert first.json["incident_number"] in story.astrid.open("/")
    assert story.astrid.screen.text.count("Backup storage of the customer portal copied") == 1


def forged(story: Story) -> Letter:
    return signed(story.cast.processors["Posthuset Mail AB"], {"type": "incident.reported"}, at=utcnow())


def stale(story: Story) -> Letter:
    letter = story.report()
    return signed(story.cast.hostco, json.loads(letter.body), at=utcnow() - timedelta(minutes=6))


def altered(story: Story) -> Letter:
    letter = story.report()
    return Letter(letter.body.replace(b"HC-2026-118", b"HC-2026-119"), letter.headers)


@pytest.mark.parametrize("tampered", [forged, stale, altered])
def test_a_report_that_is_forged_stale_or_altered_leaves_nothing_but_a_count(story: Story, tampered) -> None:
    before = refused(story)

    answer = story.post(tampered(story))
    story.work()

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert refused(story) == before + 1
    assert "Nothing is open" in story.astrid.open("/")
    assert "PM-" not in story.astrid.open("/reports")
    assert "PM-" not in story.astrid.open("/register")
    assert story.sandbox.accepted() == []


def refused(story: Story) -> int:
    figures = story.app.test_client().get("/metrics").text.splitlines()
    counted = [line for line in figures if line.startswith("breachclock_reports_refused ")]
    return int(float(counted[0].split()[1])) if counted else 0


# --- 2. one incident, its facts, its clocks -----------------------------------------------------------


def test_the_facts_stand_as_they_were_told_and_the_bytes_are_kept_with_their_hash(story: Story) -> None:
    letter = story.report()
    number = story.post(letter).json["incident_number"]

    astrid = story.astrid
    astrid.open("/reports")
    path = next(href for label, href in astrid.screen.links.items() if href.startswith("/reports/0"))
    screen = astrid.open(path)

    assert number in screen
    assert hashlib.sha256(letter.body).hexdigest() in screen
    assert json.loads(letter.body)["data"]["description"] in screen


def test_both_clocks_run_side_by_side_with_their_sums(story: Story) -> None:
    story.hostco_reports()
    now = utcnow()

    screen = story.astrid.open(story.incident)

    occurred = now - timedelta(hours=20)
    assert "version 1 of 1" in screen
    assert "awareness provisional" in screen
    assert "Authority, by law" in screen
    assert "GDPR art. 33(1): 72 h from awareness" in screen
    assert "Authority, our promise" in screen
    assert "People, our promise" in screen
    assert "own promise: 72 h from the breach itself" in screen
    assert screen.text.count("+ 72 h =") >= 3
    assert f"{when(occurred)} CET + 72 h =" in screen or f"{when(occurred)} CEST + 72 h =" in screen
    assert "2 d 3 h left" in screen


def test_who_knew_when_is_shown_from_the_breach_to_us(story: Story) -> None:
    story.hostco_reports()

    text = story.astrid.open(story.incident).text
    chain = text[text.index("Who knew when") : text.index("Awareness is provisional")]

    told = ["The breach began", "NordHost AS knew", "NordHost AS told HostCo ApS", "We became aware"]
    assert [chain.index(each) for each in told] == sorted(chain.index(each) for each in told)


# --- 3. somebody is woken -----------------------------------------------------------------------------


def test_astrid_is_paged_by_text_and_mail_without_personal_data(story: Story) -> None:
    story.hostco_reports()
    story.work()

    (text,) = story.sandbox.sms_to(people.ASTRIDS_PHONE)
    (mail,) = story.sandbox.mail_to(people.ASTRID)

    assert "PM-" in text["body"]
    assert "/a/" in text["body"]
    assert f"Reply {story.code_for(people.ASTRIDS_PHONE)} to take it" in text["body"]
    assert len(text["body"]) <= 160
    assert "/a/" in mail["body"]
    for message in (text, mail):
        assert "customer portal" not in message["body"] + message["subject"]
        assert not any(name in message["body"] for name in ("HostCo", "NordHost", *NAMES))
    assert story.sandbox.accepted("twilio", people.BIRKS_PHONE) == []


def test_when_nobody_answers_birk_is_paged_after_five_minutes(story: Story) -> None:
    story.hostco_reports()
    story.work()
    story.clock.move(minutes=4, seconds=50)
    story.work()
    before = len(story.sandbox.sms_to(people.BIRKS_PHONE))

    story.clock.move(seconds=20)
    story.work()

    assert before == 0
    assert len(story.sandbox.sms_to(people.BIRKS_PHONE)) == 1
    assert "nobody has it yet" in story.astrid.open("/")


def test_a_reply_takes_the_page_and_the_second_one_hears_who_has_it(story: Story) -> None:
    story.hostco_reports()
    story.work()
    story.clock.move(minutes=6)
    story.work()

    first = story.reply(people.ASTRIDS_PHONE, story.code_for(people.ASTRIDS_PHONE))
    second = story.reply(people.BIRKS_PHONE, story.code_for(people.BIRKS_PHONE))
    story.clock.move(minutes=30)
    story.work()

    assert first.startswith("PM-")
    assert "Astrid Holm" in second
    assert "nobody has it yet" not in story.astrid.open("/")
    assert "Astrid Holm has it" in story.astrid.open(story.incident)
    assert len(story.sandbox.sms_to(people.BIRKS_PHONE)) == 1
    assert story.sandbox.sms_to(people.DORTHES_PHONE) == []


def test_the_link_in_the_text_takes_the_page_only_by_its_button(story: Story) -> None:
    story.hostco_reports()
    story.work()
    link = "/a/" + story.sandbox.sms_to(people.ASTRIDS_PHONE)[0]["body"].split("/a/")[1].split()[0]
    phone = story.on_a_phone()

    looked = phone.open(link)
    still_open = "nobody has it yet" in story.dorthe.open("/")
    taken = phone.press(
        next(button.label for form in looked.forms for button in form.buttons if "/a/" in form.action)
    )

    assert still_open
    assert "customer portal" not in looked
    assert "Astrid" in taken
    assert "nobody has it yet" not in story.dorthe.open("/")


def test_taking_the_page_quiets_the_phone_and_no_deadline(story: Story) -> None:
    story.hostco_reports()
    story.astrid_takes_it()
    texts = len(story.sandbox.sms_to(people.ASTRIDS_PHONE))

    story.clock.move(hours=2, minutes=1)
    story.work()

    mails = [each["subject"] for each in story.sandbox.mail_to(people.ASTRID)]
    assert len(mails) == 2, mails
    assert len(story.sandbox.sms_to(people.ASTRIDS_PHONE)) == texts


# --- 4. decided ---------------------------------------------------------------------------------------


def test_astrid_corrects_awareness_and_sees_what_moves_before_she_saves_it(story: Story) -> None:
    story.hostco_reports()
    story.astrid_takes_it()
    provisional = utcnow()
    earlier = provisional - timedelta(hours=2)

    story.astrid_fixes_awareness(hours_ago=2, reason="They rang the duty desk two hours before.")
    screen = story.astrid.open(story.incident)
    held = story.astrid.open(f"{story.incident}/awareness")

    assert "Awareness was fixed by Astrid Holm: They rang the duty desk two hours before." in screen
    assert "awareness provisional" not in screen
    assert f"{when(earlier)} CET + 72 h =" in screen or f"{when(earlier)} CEST + 72 h =" in screen
    assert "2 d 21 h left" in screen
    assert when(earlier) in held.text
    assert when(provisional) in held.text
    assert "provisional" in held


def test_awareness_is_not_corrected_without_a_reason(story: Story) -> None:
    story.hostco_reports()
    story.astrid.open(f"{story.incident}/awareness")

    screen = story.astrid.press("See what this moves", reason="  ", status=422)

    assert "Nothing was saved yet" in screen
    assert "awareness provisional" in story.astrid.open(story.incident)


def test_not_to_notify_is_in_force_only_when_a_second_person_agrees(story: Story) -> None:
    story.hostco_reports()
    story.astrid_takes_it()
    story.astrid_confirms()
    story.dorthe_decides(authority="do_not_notify", reason="The copy was encrypted, and the key is safe.")

    waiting = story.dorthe.open(story.incident)
    assert "Do not notify the authority Waits for a second person" in waiting
    assert "Notify the authority Owed" in waiting

    birk = story.at_desk(people.BIRK)
    assert "Waits for you as the second person" in birk.open("/")
    birk.open(story.incident)
    birk.press("Yes, I agree")
    agreed = story.dorthe.open(story.incident)

    assert "Do not notify the authority In force otherwise than advised Dorthe Friis and Birk Lund" in agreed
    assert "Notify the authority Not required" in agreed
    record = story.dorthe.open(f"{story.incident}/record").text
    assert (
        "Decided, and waits for a second person: do not notify the authority. Advised was: notify" in record
    )
    assert "A second person agreed, and it is in force: do not notify the authority." in record
    assert "Advised: Notify the authority." in story.dorthe.open("/register")


def test_the_decision_opens_duties_with_due_times_and_names_who_decided(story: Story) -> None:
    story.decided()

    screen = story.dorthe.open(story.incident)

    assert "Dorthe Friis judged: High risk." in screen
    assert "Notify the authority In force Dorthe Friis" in screen
    assert "Keep our promise In force Dorthe Friis" in screen
    assert "Names with absence, in the hands of a thief." in screen
    for duty in ("Notify the authority, as promised Owed", "Notify the authority Owed Danish Data Protection",
                 "Tell the people concerned Owed", "Tell the people, as promised Owed"):  # fmt: skip
        assert duty in screen, duty


# --- 5. duties and steps ------------------------------------------------------------------------------


def test_every_open_step_has_an_owner_and_a_due_time(story: Story) -> None:
    text = story.decided().dorthe.open(story.incident).text
    steps = text[text.index("Leave it out") - 2000 : text.index("Done and left out")]

    for step in ("Draft the notification", "File it with the authority", "Send it without undue delay"):
        after = steps[steps.index(step) + len(step) :]
        assert after.lstrip().startswith("Dorthe Friis · due "), step


def test_a_reminder_before_the_deadline_arrives_by_itself(story: Story) -> None:
    story.decided()
    before = len(story.sandbox.mail_to(people.DORTHE))

    story.clock.move(hours=27)
    story.work()
    story.clock.move(minutes=11)  # many at once: what is above five comes a little later
    story.work()
    mails = story.sandbox.mail_to(people.DORTHE)[before:]

    owed = [each for each in mails if "a duty is to be met" in each["subject"]]
    assert len(owed) == 1, [each["subject"] for each in mails]
    for named in ("Notify the authority (Datatilsynet)", "Tell the people as promised", story.incident):
        assert named in owed[0]["body"]

    story.work()
    assert len(story.sandbox.mail_to(people.DORTHE)) == before + len(mails)


def test_only_the_deadline_itself_is_called_one(story: Story) -> None:
    story.decided()

    story.clock.move(hours=29)  # the draft was due a day before the promise runs out
    story.work()

    late = [each for each in story.sandbox.mail_to(people.DORTHE) if "Draft the notification" in each["body"]]
    assert late
    assert "is waiting and late: Draft the notification" in late[-1]["body"]
    assert not any("legal deadline" in each["body"] for each in late)


# --- 6. the authority ---------------------------------------------------------------------------------


def test_the_draft_names_what_art_33_3_wants_and_the_facts_do_not_say(story: Story) -> None:
    story.decided()

    screen = story.dorthe_drafts()

    for point in ("art. 33(3)(a)", "art. 33(3)(b)", "art. 33(3)(c)", "art. 33(3)(d)"):
        assert point in screen
    assert "Open points The likely consequences art. 33(3)(c)" in screen
    assert "It cannot be approved while points are open" in screen
    assert not [each for form in screen.forms for each in form.buttons if "stand behind" in each.label]


def test_what_nobody_knows_yet_may_follow_in_a_later_phase(story: Story) -> None:
    story.decided()
    place = story.dorthe_drafts().path
    story.dorthe.open(f"{place}/text")

    screen = story.dorthe.press("Save", to_follow="consequences.impact_description")

    assert "The likely consequences art. 33(3)(c) · to follow" in screen
    assert "Foreløbig - yderligere oplysninger følger" in screen
    assert screen.form_with("Yes, I stand behind it")


def test_an_approval_is_bound_to_the_text_that_was_read(story: Story) -> None:
    story.decided()
    place = story.dorthe_drafts().path
    read = story.dorthe_completes(place)
    form, button = read.form_with("Yes, I stand behind it")
    seen = dict(form.fields)["seen"]
    story.dorthe.open(f"{place}/text")
    story.dorthe.press("Save", **{"consequences.impact_description": "Noget andet."})

    story.dorthe.screen = read
    screen = story.dorthe.press("Yes, I stand behind it", status=409)

    assert seen in read.text
    assert button.label not in screen.text
    assert "Approved by" not in story.dorthe.open(place)


def test_filing_meets_the_duty_and_freezes_its_clock(story: Story) -> None:
    story.decided()
    story.dorthe_notifies()
    place = story.dorthe.screen.path
    to_spare = spare(story.dorthe.screen.text)

    story.clock.move(hours=80)
    screen = story.at_desk(people.NILS).open(place)

    assert CASE in screen
    assert "kvittering.pdf" in screen
    assert "Filed met in time" in screen
    assert "Filed by Dorthe Friis" in screen
    assert spare(screen.text) == to_spare
    assert "Notify the authority Met Danish Data Protection Agency" in story.at_desk(people.NILS).open(
        story.incident
    )


def spare(text: str) -> str:
    return text[text.index("met 2 d") : text.index("to spare")]


def test_the_clock_stops_when_every_authority_that_is_owed_a_notification_has_it(story: Story) -> None:
    story.decided()
    story.dorthe_notifies()
    after_one = story.dorthe.open(story.incident).text

    story.dorthe_notifies("Information Commissioner", "IC-123456-A1B2")
    after_both = story.dorthe.open(story.incident).text

    assert "Notify the authority Owed Information Commissioner" in after_one
    assert "2 d 21 h left due" in after_one
    assert "2 d 21 h left due" not in after_both
    assert "The authorities are notified." in after_both


# --- 7. the people ------------------------------------------------------------------------------------


def test_three_people_are_told_each_alone_each_once_each_in_their_language(story: Story) -> None:
    story.decided()
    place = story.people_are_told()

    (karen,), (sven,), (ellen,) = (story.sandbox.mail_to(each) for each in (KAREN, SVEN, ELLEN))
    assert karen["sender_name"] == "ProMark A/S"
    (text,) = story.sandbox.sms_to(ELLENS_PHONE)

    assert "Kære Karen Møller" in karen["body"]
    assert "Sven Åberg" in sven["body"]
    assert "Dear Ellen Wright" in ellen["body"]
    assert len({karen["subject"], sven["subject"], ellen["subject"]}) == 3
    for own, mail in (("Karen", karen), ("Sven", sven), ("Ellen", ellen)):
        others = {"Karen", "Sven", "Ellen"} - {own}
        assert not any(name in json.dumps(mail, ensure_ascii=False) for name in others)
    assert "ProMark" in text["body"]
    assert (karen["status"], ellen["status"], text["status"]) == ("delivered", "bounce", "delivered")

    screen = story.dorthe.open(place)
    assert "3 of 3 people informed" in screen.text.replace(
        "3 of 3 people informed:", "3 of 3 people informed"
    )
    assert "Complete" in screen
    assert "Tell the people concerned Met" in story.dorthe.open(story.incident)


def test_sending_twice_tells_nobody_twice(story: Story) -> None:
    story.decided()
    place = story.astrid_prepares_letters()
    story.dorthe.open(place)
    approved = story.dorthe.press("Yes, I stand behind it")
    send = next(b.label for f in approved.forms for b in f.buttons if b.label.startswith("Send to "))
    story.dorthe.press(send)
    story.work()

    story.dorthe.screen = approved
    again = story.dorthe.press(send)
    story.work()

    assert "It was sent before. Nobody was written to twice." in again
    assert [len(story.sandbox.mail_to(each)) for each in (KAREN, SVEN, ELLEN)] == [1, 1, 1]


# --- 8. the record ------------------------------------------------------------------------------------

LINES = (  # who did what, in the order it was written; the sentence as it begins
    ("Breachclock", "A report came in, signed by its sender."),
    ("HostCo ApS", "The incident was opened as PM-"),
    ("HostCo ApS", "The facts were recorded as version 1."),
    ("Breachclock", "Awareness was taken provisionally from the report."),
    ("Breachclock", "Somebody on call was paged."),
    ("Breachclock", "A duty was opened:"),
    ("Breachclock", "The provider took a message by"),
    ("Astrid Holm", "The page was acknowledged."),
    ("Astrid Holm", "The moment of awareness was fixed by a person."),
    ("Astrid Holm", "Clocks moved."),
    ("Astrid Holm", "Confirmed as a personal data breach."),
    ("Dorthe Friis", "The risk was assessed:"),
    ("Dorthe Friis", "Decided: notify the authority. Advised was: notify the authority."),
    ("Dorthe Friis", "The notification to Danish Data Protection Agency was drafted from the facts."),
    ("Dorthe Friis", "The notification to Danish Data Protection Agency was edited."),
    ("Dorthe Friis", "The notification to Danish Data Protection Agency was approved, exactly as it stands."),
    ("Dorthe Friis", "The notification was filed with Danish Data Protection Agency."),
    ("Dorthe Friis", "A duty was met: notify the authority, art. 33 (Danish Data Protection Agency)."),
    ("Dorthe Friis", "A clock stopped: towards the authority."),
    ("Astrid Holm", "List 1 of people was sent."),
    ("Breachclock", "List 1 was read: 3 people."),
    ("Astrid Holm", "A communication to the people concerned was begun."),
    ("Dorthe Friis", "Letter and list were approved by a second person: 3 people."),
    ("Dorthe Friis", "Sent to 3 people, each alone."),
    ("Breachclock", "Complete: 3 of 3 people reached."),
    ("Breachclock", "A duty was met: tell the people, art. 34 (the people concerned)."),
)


@pytest.fixture(scope="module")
def told(opening) -> Iterator[Story]:
    """The whole story, for those who look back on it and change nothing; these tests stand last."""
    with opening() as opened:
        yield Story(*opened, twice=False).whole()


def test_the_record_has_every_line_with_its_time_its_actor_and_its_reason(told: Story) -> None:
    text = told.at_desk(people.NILS).open(f"{told.incident}/record").text

    place = 0
    for actor, line in LINES:
        place = text.find(line, place)
        assert place >= 0, f"{line!r} is not in the record, or not in its place"
        before = text[:place].rstrip()
        assert before.endswith(actor), f"{line!r} is by {before[-40:]!r}"
    for reason in ("HostCo's duty desk telephoned", "Names with absence, in the hands of a thief."):
        assert reason in text
    assert not any(name in text for name in NAMES)


def test_the_ledger_is_whole_on_the_screen_and_by_the_command(told: Story) -> None:
    screen = told.at_desk(people.NILS).open("/register/verification")
    said = CliRunner().invoke(cli, ["audit", "verify"], obj=ScriptInfo(create_app=lambda: told.app))

    assert "whole" in screen.text
    assert (said.exit_code, said.output, said.exception) == (0, "The ledger is whole.\n", None)


def test_the_register_tells_facts_effects_remedy_and_reasoning(told: Story) -> None:
    screen = told.at_desk(people.NILS).open("/register")

    for each in ("An access key of the backup storage", "400 people", "The access key was revoked.",
                 "Names with absence, in the hands of a thief."):  # fmt: skip
        assert each in screen, each
