"""An authority that takes e-mail gets the approved text, on a person's word, once, and never from a drill."""

from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import authority_notification, jobs, packs
from incident.authority_notification import Filing, mailing
from incident.forms.fields import local_text
from incident.models import Incident
from incident.rules.phases import Phase
from notifications.channels.sendgrid import SendGrid
from notifications.models import Message, State
from tests import pdf_text, people
from tests.incident import browsing, desk
from tests.incident.test_after_filing import learn
from tests.incident.test_phases import follow_up, more_people

ICO, DANISH = "gb-ico", "dk-datatilsynet"


def do(cast, ids, stage, *args, who=people.DORTHE, **more):
    """One stage on the notification, committed, as somebody."""
    with desk.working(cast, ids[0]) as incident:
        notification = authority_notification.of(incident, ids[1])
        return stage(incident, notification, *args, by=desk.person(cast, who), now=utcnow(), **more)


def hash_of(cast, ids):
    with acting_for(cast.promark):
        db.session.rollback()
        return authority_notification.of(desk.incident_of(cast, ids[0]), ids[1]).content_sha256


def drafted(cast, authority=ICO):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == authority)
        by = desk.person(cast, people.DORTHE)
        return incident_id, authority_notification.draft(incident, duty, by=by, now=utcnow()).id


def approved(cast, authority=ICO):
    ids = drafted(cast, authority)
    edit(cast, ids, {"consequences.impact_description": "People may be deceived."})
    do(cast, ids, authority_notification.approve, seen=hash_of(cast, ids))
    return ids


def edit(cast, ids, typed):
    with acting_for(cast.promark):
        db.session.rollback()
        content = authority_notification.of(desk.incident_of(cast, ids[0]), ids[1]).content
    do(
        cast,
        ids,
        authority_notification.edit,
        typed,
        to_follow=packs.may_follow(content),
        seen=hash_of(cast, ids),
    )


def send(cast, ids, **more):
    return do(cast, ids, mailing.send, seen=more.pop("seen", None) or hash_of(cast, ids), **more)


def arrived():
    return next(each.done_at for each in messages() if each.state == State.DELIVERED)


def page(ids):
    return f"/incidents/{ids[0]}/authority-notifications/{ids[1]}"


def messages():
    with everyone():
        db.session.rollback()
        return list(db.session.scalars(select(Message).where(Message.template == "authority_pack")))


def address(ids, part="/e-mail"):
    return f"/incidents/{ids[0]}/authority-notifications/{ids[1]}{part}"


# --- what goes ----------------------------------------------------------------------------------


def test_the_authority_gets_the_approved_text_with_the_subject_it_wants_and_can_answer(app, cast):
    ids = approved(cast)
    send(cast, ids)

    (message,) = messages()
    with everyone():
        told = SendGrid(app.config["SETTINGS"])._mail("x@example.org", message.content, "one", "K7Q2MXPD")
    (carried,) = told["attachments"]
    text = pdf_text.read(b64decode(carried["content"])).text
    assert message.recipient == "icocasework@ico.org.uk"
    assert message.content["subject"] == "Personal data breach notification"
    assert "@" in told["reply_to"]["email"]
    assert "People may be deceived." in text
    assert hash_of(cast, ids) in text
    assert carried["filename"].endswith("-gb-ico-1.pdf")
    assert sha256(b64decode(carried["content"])).hexdigest() in message.content["text"]


def test_what_is_sent_is_byte_by_byte_what_is_downloaded(app, cast, signed_in):
    ids = approved(cast)
    browser = signed_in(people.DORTHE)
    first = browser.get(address(ids, "/pack.pdf"))
    send(cast, ids)

    assert b64decode(messages()[0].content["attachment"]) == first.data
    assert browser.get(address(ids, "/pack.pdf")).data == first.data
    assert first.headers["Content-Disposition"].startswith("attachment")
    assert first.mimetype == "application/pdf"


def test_the_json_names_the_template_and_the_hash_of_the_text(app, cast, signed_in):
    ids = approved(cast)
    answer = signed_in(people.ASTRID).get(address(ids, "/pack.json"))

    assert answer.json["template"] == "EDPB common template"
    assert answer.json["content_sha256"] == hash_of(cast, ids)
    assert answer.mimetype == "application/json"


def test_sending_it_twice_sends_one(app, cast):
    ids = approved(cast)

    assert send(cast, ids)
    assert send(cast, ids) is None
    assert len(messages()) == 1
    assert desk.actions(cast, ids[0]).count("notification.mailed") == 1


def test_two_who_send_in_the_same_moment_send_one(app, cast, signed_in):
    ids = approved(cast)
    form = {"seen": hash_of(cast, ids), "confirmed": "yes"}
    browsers = [signed_in(people.DORTHE) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.post(address(ids), data=form).status_code, browsers))

    assert answers == [303, 303]
    assert len(messages()) == 1


def test_a_mail_that_provably_reached_nobody_can_be_sent_once_more(app, cast):
    ids = approved(cast)
    send(cast, ids)
    with everyone(), transaction():
        db.session.execute(update(Message).values(state=State.UNREACHED, why="no such mailbox"))

    assert send(cast, ids)
    assert send(cast, ids) is None
    assert len(messages()) == 2


def test_what_was_mailed_stays_as_the_authority_has_it_and_what_is_new_is_told_once_it_is_filed(app, cast):
    ids = approved(cast)
    number = "IC-123456-A1B2"
    do(cast, ids, authority_notification.file, Filing("portal", utcnow(), case_number=number))
    learn(cast, ids[0], **more_people())
    jobs.open_follow_ups()
    mailed = ids[0], follow_up(cast, ids[0], ICO).id
    do(cast, mailed, authority_notification.approve, seen=hash_of(cast, mailed))
    send(cast, mailed)
    went = hash_of(cast, mailed)

    learn(cast, ids[0], **more_people(700))
    jobs.open_follow_ups()
    with pytest.raises(Refused, match="sent to the authority by e-mail"):
        edit(cast, mailed, {"consequences.impact_description": "Something else."})
    with pytest.raises(Refused, match="sent to the authority by e-mail"):
        do(cast, mailed, authority_notification.renew, seen=went)
    assert hash_of(cast, mailed) == went

    do(cast, mailed, authority_notification.file, Filing("e-mail", utcnow(), case_number=number))
    jobs.open_follow_ups()
    assert follow_up(cast, ids[0], ICO).follows_id == mailed[1]


def test_what_became_of_it_is_shown(app, cast, signed_in, work):
    ids = approved(cast)
    browser = signed_in(people.DORTHE)
    assert "Nothing was sent yet." in browser.get(address(ids)).text
    send(cast, ids)
    assert "waits to be sent" in browser.get(address(ids)).text
    work()

    assert "arrived" in browser.get(address(ids)).text


def test_what_went_by_mail_is_recorded_and_not_offered_for_the_portal_as_well(app, cast, signed_in, work):
    """The authority would be told twice."""
    ids = approved(cast)
    dorthe = signed_in(people.DORTHE)
    before = dorthe.get(page(ids)).text
    assert "Open the authority" in before
    send(cast, ids)
    work()

    after = dorthe.get(page(ids)).text
    filing = browsing.form(after, f"{page(ids)}/filing")

    assert "would be told twice" in after
    assert "Open the authority" not in after
    assert "Edit the text" not in after
    assert filing["channel"] == ["e-mail"]
    assert filing["filed_at"] == [local_text(arrived(), "Europe/Copenhagen")[0]]
    assert "Record the filing: it went by e-mail." in dorthe.get(page(ids).rpartition("/")[0]).text


def test_the_mail_as_it_would_go_says_what_stands_in_the_place_of_its_code(app, cast, signed_in):
    page = signed_in(people.DORTHE).get(address(approved(cast))).text

    (line,) = [each for each in page.split("<br>") if each.strip().startswith("Reference")]
    assert "made when it is sent" in line


def test_the_mail_of_a_withdrawal_says_that_it_is_one_of_what_and_why(app, cast):
    ids = approved(cast)
    filing = Filing(channel="portal", filed_at=utcnow(), case_number="IC-123456-A1B2")
    do(cast, ids, authority_notification.file, filing)
    with desk.working(cast, ids[0]) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == ICO)
        by = desk.person(cast, people.DORTHE)
        authority_notification.begin(
            incident, duty, Phase.WITHDRAWAL, why="The file was empty.", by=by, now=utcnow()
        )

    with acting_for(cast.promark):
        db.session.rollback()
        incident = desk.incident_of(cast, ids[0])
        withdrawal = authority_notification.open_one(incident, ICO)
        letter = mailing.letter(incident, withdrawal, now=utcnow())
        told = mailing.words(withdrawal, letter)

    assert "Withdrawal of an earlier notification" in told["text"]
    assert "Your case number: IC-123456-A1B2" in told["text"]
    assert "notifies a personal data breach" not in told["text"]
    assert "The file was empty." in pdf_text.read(letter.pack.pdf).text


def test_the_record_says_who_sent_what_where(app, cast):
    ids = approved(cast)
    send(cast, ids)

    with acting_for(cast.promark):
        entries = ledger.entries(desk.incident_of(cast, ids[0]).chain)
    (entry,) = [each for each in entries if each.action == "notification.mailed"]
    assert (entry.actor, entry.details["to"]) == ("Dorthe Friis", "icocasework@ico.org.uk")
    assert entry.details["content_sha256"] == hash_of(cast, ids)
    assert len(entry.details["pdf_sha256"]) == 64


# --- what does not ------------------------------------------------------------------------------


def test_a_draft_is_not_sent(app, cast):
    ids = drafted(cast)

    with pytest.raises(Refused, match="Only an approved text"):
        send(cast, ids)
    assert messages() == []


def test_what_was_changed_after_the_approval_is_not_sent(app, cast):
    ids = approved(cast)
    seen = hash_of(cast, ids)
    edit(cast, ids, {"consequences.impact_description": "Something else."})

    with pytest.raises(Refused):
        send(cast, ids, seen=seen)
    assert messages() == []


def test_another_text_than_the_one_that_was_shown_is_not_sent(app, cast):
    ids = approved(cast)

    with pytest.raises(Refused, match="not the one that was shown"):
        send(cast, ids, seen="0" * 64)
    assert messages() == []


def test_what_is_filed_already_is_not_sent_as_well(app, cast):
    ids = approved(cast)
    filing = Filing(channel="portal", filed_at=utcnow(), case_number="IC-123456-A1B2")
    do(cast, ids, authority_notification.file, filing)

    with pytest.raises(Refused, match="filed already"):
        send(cast, ids)


def test_nothing_is_sent_without_the_word_of_a_person(app, cast, signed_in):
    ids = approved(cast)
    answer = signed_in(people.DORTHE).post(address(ids), data={"seen": hash_of(cast, ids)})

    assert answer.status_code == 422
    assert messages() == []


def test_nothing_is_sent_by_somebody_who_may_not_file(app, cast, signed_in):
    ids = approved(cast)
    form = {"seen": hash_of(cast, ids), "confirmed": "yes"}

    assert signed_in(people.ASTRID).post(address(ids), data=form).status_code == 403
    assert messages() == []


def test_nothing_of_a_drill_is_sent(app, cast):
    ids = approved(cast)
    with everyone(), transaction():
        db.session.execute(update(Incident).values(drill=True))

    with pytest.raises(Refused, match="drill"):
        send(cast, ids)
    assert messages() == []


def test_an_authority_that_takes_no_mail_gets_none(app, cast, signed_in):
    ids = drafted(cast, DANISH)

    assert signed_in(people.DORTHE).get(address(ids)).status_code == 409


def test_a_late_text_without_reasons_is_not_sent(app, cast, clock):
    ids = approved(cast)
    clock.move(hours=100)

    with pytest.raises(Refused, match="reasons"):
        send(cast, ids)
    assert messages() == []
