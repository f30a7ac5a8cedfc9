"""What an authority is told is approved as it stands, filed once, and proved; lateness is frozen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from foundation import ledger
from foundation.database import acting_for, db, utcnow
from foundation.errors import Invalid, Refused
from incident import authority_notification, drafting, filed, intake, neighbours, packs, stages
from incident.authority_notification import Filing, Later, Proof
from incident.drafting import Words
from incident.models import Duty
from playbooks import runs
from tests import laid, people
from tests.incident import desk

DANISH, BRITISH = "dk-datatilsynet", "gb-ico"
LATER = frozenset({"consequences.impact_types", "consequences.impact_description"})
PDF = b"%PDF-1.7 kvittering \xff\x00"


def drafted(cast, authority=DANISH, **changes):
    """A drafted notification of an assessed incident: (incident id, notification id)."""
    incident_id = desk.assessed(cast, **changes)
    return incident_id, draft(cast, incident_id, authority)


def draft(cast, incident_id, authority=DANISH):
    with desk.working(cast, incident_id) as incident:
        duty = next(d for d in authority_notification.duties_of(incident) if d.recipient == authority)
        by = desk.person(cast, people.DORTHE)
        return authority_notification.draft(incident, duty, by=by, now=utcnow()).id


def do(cast, incident_id, notification_id, stage, *args, who=people.DORTHE, **more):
    """One stage on the notification, committed, as somebody."""
    with desk.working(cast, incident_id) as incident:
        notification = authority_notification.of(incident, notification_id)
        return stage(incident, notification, *args, by=desk.person(cast, who), now=utcnow(), **more)


def stored(cast, incident_id, notification_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return authority_notification.of(desk.incident_of(cast, incident_id), notification_id)


def edit(cast, incident_id, notification_id, answers=None, *, to_follow=LATER, seen=None, who=people.DORTHE):
    seen = seen or stored(cast, incident_id, notification_id).content_sha256
    return do(
        cast, incident_id, notification_id, authority_notification.edit, answers or {}, to_follow=to_follow,
        seen=seen, who=who,
    )  # fmt: skip


def approve(cast, incident_id, notification_id, *, seen=None):
    seen = seen or stored(cast, incident_id, notification_id).content_sha256
    do(cast, incident_id, notification_id, authority_notification.approve, seen=seen)


def approved(cast, authority=DANISH, **changes):
    if changes:
        return _approved(cast, authority, **changes)
    return laid.once(f"approved_{authority}", lambda: _approved(cast, authority))


def _approved(cast, authority, **changes):
    incident_id, notification_id = drafted(cast, authority, **changes)
    edit(cast, incident_id, notification_id)
    approve(cast, incident_id, notification_id)
    return incident_id, notification_id


def file(cast, incident_id, notification_id, **changes):
    told = {"channel": "portal", "filed_at": utcnow(), "case_number": "2026-442-10001",
            "receipt": Proof("kvittering.pdf", PDF)}  # fmt: skip
    do(cast, incident_id, notification_id, authority_notification.file, Filing(**told | changes))


def proofs(cast, incident_id, notification_id):
    """The filing with what came back."""
    notification = stored(cast, incident_id, notification_id)
    with acting_for(cast.promark):
        return filed.filing_of(notification)


def running(cast, incident_id):
    """The keys of the open steps towards the authority."""
    with acting_for(cast.promark):
        db.session.rollback()
        steps = runs.steps_for(f"incident/{incident_id}")
        return {s.key for s in steps if s.playbook == "authority_notification" and s.state == "open"}


# --- drafting -----------------------------------------------------------------------------------


def test_the_draft_is_in_the_authoritys_language_and_every_answer_names_its_source(app, cast):
    danish = stored(cast, *drafted(cast))
    fields = {each["key"]: each for each in packs.fields(danish.content)}

    assert (danish.locale, fields["dk-E2"]["answer"]) == ("da", "mindst 400 (skøn)")
    assert fields["dk-E4"]["answer"].startswith("Almindelige oplysninger (navn, adresse")
    assert "underdatabehandler, Norge" in fields["dk-B5"]["answer"]
    assert fields["dk-D2"]["as_told"]
    assert all(each["source"] for each in fields.values() if each["answer"])
    assert not [each for each in fields.values() if "[da:" in each["answer"] + each["label"]]


@pytest.mark.parametrize("locale", ["da", "nb", "sv", "en"])
def test_every_language_has_every_word_a_notification_may_need(app, locale):

    english, words = (drafting.pack_words("none", each).texts for each in ("en", locale))

    assert {s: set(part) for s, part in words.items()} == {s: set(part) for s, part in english.items()}


def test_a_word_without_a_translation_is_shown_as_missing_and_never_borrowed(app):

    assert Words("sv", {}).word("data", "name") == "[sv: data.name]"


def test_what_is_missing_is_named_and_what_may_follow_is_told_apart(app, cast):
    told = stored(cast, *drafted(cast, description=None, measures=None))

    with acting_for(cast.promark):
        points = authority_notification.open_points(told, at=utcnow())

    assert {(each.gap.point, each.gap.may_follow) for each in points if each.gap} == {
        ("33(3)(a)", True), ("33(3)(c)", True), ("33(3)(d)", True),
    }  # fmt: skip


def test_drafting_twice_gives_one_draft(app, cast):
    incident_id, notification_id = drafted(cast)

    assert draft(cast, incident_id) == notification_id
    assert desk.actions(cast, incident_id).count("notification.drafted") == 1


def test_the_latest_facts_come_into_a_draft_and_what_people_wrote_stays(app, cast):
    incident_id, notification_id = drafted(cast)
    edit(cast, incident_id, notification_id, {"nature.description_what": "En adgangsnøgle blev misbrugt."})
    with desk.working(cast, incident_id) as incident:
        told = desk.told(cast, reference="HC-1", description="Told anew.", consequences=["fraud"])
        intake.learn(incident, told, now=utcnow())

    seen = stored(cast, incident_id, notification_id).content_sha256
    do(cast, incident_id, notification_id, authority_notification.renew, seen=seen)

    renewed = stored(cast, incident_id, notification_id)
    assert packs.answer(renewed.content, "nature.description_what") == "En adgangsnøgle blev misbrugt."
    assert packs.answer(renewed.content, "consequences.impact_types") == ["fraud"]
    assert renewed.facts_number == 2


# --- approval -----------------------------------------------------------------------------------


def test_an_open_point_stops_the_approval_until_it_is_answered_or_marked_as_to_follow(app, cast):
    incident_id, notification_id = drafted(cast)
    with pytest.raises(Refused, match="likely consequences"):
        approve(cast, incident_id, notification_id)

    edit(cast, incident_id, notification_id, to_follow=LATER)
    approve(cast, incident_id, notification_id)

    told = stored(cast, incident_id, notification_id)
    assert (told.state, told.approved_by) == ("approved", "Dorthe Friis")
    assert packs.answer(told.content, "notification.completeness") == "incomplete"


def test_whom_to_ask_cannot_follow_later(app, cast):
    incident_id, notification_id = drafted(cast)
    nobody = {
        f"{who}.{way}": "" for who in ("contact_point", "dpo", "reporter") for way in ("phone", "email")
    }
    edit(cast, incident_id, notification_id, nobody, to_follow=LATER | set(nobody))

    with pytest.raises(Refused, match="contact point"):
        approve(cast, incident_id, notification_id)


def test_an_approval_of_a_text_that_has_changed_is_refused_and_says_who_changed_what(app, cast):
    incident_id, notification_id = drafted(cast)
    seen = stored(cast, incident_id, notification_id).content_sha256
    edit(cast, incident_id, notification_id, {"nature.root_cause": "Misbrugt nøgle."}, who=people.ASTRID)

    with pytest.raises(Refused, match=r"Astrid Holm: Beskriv karakteren .*, Beskriv de sandsynlige"):
        approve(cast, incident_id, notification_id, seen=seen)

    assert stored(cast, incident_id, notification_id).state == "draft"


def test_a_changed_text_voids_the_approval_and_the_record_says_whose(app, cast):
    incident_id, notification_id = approved(cast)

    edit(cast, incident_id, notification_id, {"nature.root_cause": "Noget andet."})

    told = stored(cast, incident_id, notification_id)
    assert (told.state, told.approved_by, told.approved_sha256) == ("draft", None, None)
    with acting_for(cast.promark):
        last = ledger.entries(f"incident/{incident_id}")[-1]
    assert (last.action, last.details["approval_void"]) == ("notification.edited", "Dorthe Friis")


def test_saving_without_a_change_keeps_the_approval(app, cast):
    incident_id, notification_id = approved(cast)

    assert edit(cast, incident_id, notification_id) == []

    assert stored(cast, incident_id, notification_id).state == "approved"


def test_two_people_editing_the_same_text_do_not_overwrite_each_other(app, cast):
    incident_id, notification_id = drafted(cast)
    seen = stored(cast, incident_id, notification_id).content_sha256
    edit(cast, incident_id, notification_id, {"nature.root_cause": "Astrids."}, who=people.ASTRID, seen=seen)

    with pytest.raises(Refused, match="Astrid Holm"):
        edit(cast, incident_id, notification_id, {"nature.root_cause": "Dorthes."}, seen=seen)

    assert packs.answer(stored(cast, incident_id, notification_id).content, "nature.root_cause") == "Astrids."


# --- the deadline -------------------------------------------------------------------------------


def late(cast, clock, **length):
    """An edited draft, so long after awareness."""
    incident_id, notification_id = drafted(cast)
    edit(cast, incident_id, notification_id)
    due = desk.duty_of(cast, incident_id, "gdpr-33").due_at
    clock.move(seconds=(due - utcnow()).total_seconds())
    clock.move(**length)
    return incident_id, notification_id


def test_at_71_hours_and_59_minutes_no_reasons_are_asked_for(app, cast, clock):
    incident_id, notification_id = late(cast, clock, minutes=-1)

    approve(cast, incident_id, notification_id)
    file(cast, incident_id, notification_id)

    assert desk.duty_of(cast, incident_id, "gdpr-33").late_by == timedelta(0)


def test_at_72_hours_and_1_minute_the_reasons_for_the_delay_are_demanded(app, cast, clock):
    incident_id, notification_id = late(cast, clock, minutes=1)
    with pytest.raises(Refused, match="reasons for the delay"):
        approve(cast, incident_id, notification_id)

    edit(cast, incident_id, notification_id, {"timeline.delay_reasons": "Logs came late from NordHost."})
    approve(cast, incident_id, notification_id)
    file(cast, incident_id, notification_id)

    told = stored(cast, incident_id, notification_id)
    assert told.reasons_for_delay == "Logs came late from NordHost."
    assert desk.duty_of(cast, incident_id, "gdpr-33").late_by >= timedelta(minutes=1)


def test_lateness_is_that_of_the_filing_and_stays_as_time_goes_on(app, cast, clock):
    incident_id, notification_id = late(cast, clock, hours=-1)
    approve(cast, incident_id, notification_id)
    filed_at = utcnow()
    clock.move(hours=5)

    file(cast, incident_id, notification_id, filed_at=filed_at, why_later="The night ended first.")
    clock.move(days=30)

    duty = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (duty.first_filed_at, duty.late_by) == (filed_at, timedelta(0))


# --- filing -------------------------------------------------------------------------------------


def test_the_receipt_is_kept_byte_by_byte_with_its_hash(app, cast):
    incident_id, notification_id = approved(cast)

    file(cast, incident_id, notification_id, receipt=Proof("C:\\filer\\..\\kvittering.pdf", PDF))

    with acting_for(cast.promark):
        (kept,) = proofs(cast, incident_id, notification_id).receipts
        assert (kept.name, kept.data, kept.media_type) == ("kvittering.pdf", PDF, "application/pdf")
        assert kept.sha256 == sha256(PDF).hexdigest()
    assert b"PDF" not in db.session.scalar(text("SELECT data FROM filing_proofs"))


def test_a_draft_is_not_filed(app, cast):
    with pytest.raises(Refused, match="approved"):
        file(cast, *drafted(cast))


def test_the_same_notification_is_filed_once(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id)

    with pytest.raises(Refused, match="filed already, by Dorthe Friis"):
        file(cast, incident_id, notification_id, case_number="2026-442-10002")

    assert proofs(cast, incident_id, notification_id).case_number == "2026-442-10001"
    assert desk.actions(cast, incident_id).count("notification.filed") == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"filed_at": timedelta(hours=1)}, "future"),
        ({"filed_at": timedelta(hours=-1)}, "before it was approved"),
        ({"case_number": " "}, "case number is missing"),
        ({"receipt": Proof("leer.pdf", b"")}, "empty file"),
    ],
)
def test_a_filing_that_cannot_be_is_refused_and_changes_nothing(app, cast, changes, why):
    incident_id, notification_id = approved(cast)
    told = {name: utcnow() + v if isinstance(v, timedelta) else v for name, v in changes.items()}

    with pytest.raises(Invalid, match=why):
        file(cast, incident_id, notification_id, **told)

    assert stored(cast, incident_id, notification_id).state == "approved"
    assert desk.duty_of(cast, incident_id, "gdpr-33").state == "in_preparation"


def test_a_filing_recorded_long_afterwards_says_why(app, cast, clock):
    incident_id, notification_id = approved(cast)
    filed_at = utcnow()
    clock.move(minutes=16)

    with pytest.raises(Invalid, match="more than 15 minutes"):
        file(cast, incident_id, notification_id, filed_at=filed_at)


def test_a_case_number_that_comes_later_is_added_and_never_replaced(app, cast):
    incident_id, notification_id = approved(cast)
    file(cast, incident_id, notification_id, case_number="", why_no_number="Comes by letter.", receipt=None)

    keep = authority_notification.keep_proof
    do(cast, incident_id, notification_id, keep, Later("2026-442-10007"))
    with pytest.raises(Refused, match="not replaced"):
        do(cast, incident_id, notification_id, keep, Later("2026-442-10008"))

    assert proofs(cast, incident_id, notification_id).case_number == "2026-442-10007"


def test_one_filing_does_not_silence_the_clock_towards_another_authority(app, cast):
    incident_id, danish = approved(cast)
    file(cast, incident_id, danish)

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == "filed_in_part"
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is None
    assert "file" in running(cast, incident_id)


def test_what_was_to_follow_is_owed_until_an_approved_text_tells_it_and_not_by_a_reference_alone(app, cast):
    incident_id, danish = approved(cast)
    file(cast, incident_id, danish)
    told = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (told.state, told.is_owed) == ("filed_in_part", True)

    with desk.working(cast, incident_id) as incident:
        (rest,) = stages.of(db.session.get_one(Duty, told.id))
        part = neighbours.Part(utcnow(), "2026-1, letter of today")
        dorthe = desk.person(cast, people.DORTHE)
        with pytest.raises(Refused, match="a text that somebody approved"):
            neighbours.file_stage(incident, rest.id, part, by=dorthe, now=utcnow())

    left = desk.duty_of(cast, incident_id, "gdpr-33")
    assert (left.state, left.late_by) == ("filed_in_part", told.late_by)


def test_the_last_filing_stops_the_clock_keeps_the_promise_and_ends_the_reminders(app, cast):
    incident_id, danish = approved(cast)
    file(cast, incident_id, danish)
    british = draft(cast, incident_id, BRITISH)
    edit(cast, incident_id, british)
    approve(cast, incident_id, british)

    file(cast, incident_id, british, case_number="IC-100000-A1B2")

    assert desk.duty_of(cast, incident_id, "promise-authority").state == "met"
    assert desk.clock_of(cast, incident_id, "authority_notification").stopped_at is not None
    assert desk.clock_of(cast, incident_id, "own_promise_authority").stopped_at is not None
    assert running(cast, incident_id) == set()


# --- pages --------------------------------------------------------------------------------------


def address(incident_id, notification_id="", what=""):
    return f"/incidents/{incident_id}/authority-notifications/{notification_id}{what}".rstrip("/")


def test_the_story_by_hand_draft_edit_approve_file_and_download_the_receipt(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    browser, duty = signed_in(people.DORTHE), desk.duty_of(cast, incident_id, "gdpr-33")
    place = browser.post(address(incident_id), data={"duty": duty.id}).location
    notification_id = UUID(place.rpartition("/")[2])
    seen = stored(cast, incident_id, notification_id).content_sha256
    browser.post(f"{place}/text", data={"seen": seen, "to_follow": "consequences.impact_types"})
    shown = browser.get(place).text
    told = stored(cast, incident_id, notification_id)
    assert told.content_sha256 in shown

    browser.post(f"{place}/approval", data={"seen": told.content_sha256})
    at = utcnow().astimezone(ZoneInfo("Europe/Copenhagen")).strftime("%Y-%m-%dT%H:%M")
    form = {"filed_at": at, "case_number": "2026-442-10001", "receipt": (BytesIO(PDF), "kvittering.html")}
    answer = browser.post(f"{place}/filing", data=form, content_type="multipart/form-data")
    (kept,) = proofs(cast, incident_id, notification_id).receipts
    receipt = browser.get(f"{place}/proofs/{kept.id}")

    assert answer.status_code == 303
    assert receipt.data == PDF
    assert receipt.mimetype == "application/octet-stream"
    assert receipt.headers["Content-Disposition"].startswith("attachment")
    assert receipt.headers["X-Content-Type-Options"] == "nosniff"
    assert "2026-442-10001" in browser.get(place).text


def test_two_filings_in_the_same_moment_are_one(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    place, browsers = (
        address(incident_id, notification_id, "/filing"),
        [signed_in(people.DORTHE) for _ in range(2)],
    )
    at = utcnow().astimezone(ZoneInfo("Europe/Copenhagen")).strftime("%Y-%m-%dT%H:%M")
    form = {"filed_at": at, "case_number": "2026-442-10001"}

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.post(place, data=form).status_code, browsers))

    assert answers == [303, 303]
    assert desk.actions(cast, incident_id).count("notification.filed") == 1
    assert desk.actions(cast, incident_id).count("duty.filed_in_part") == 1


def test_a_filing_that_is_refused_keeps_what_was_typed(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    form = {"filed_at": "", "case_number": "2026-442-10001"}

    answer = signed_in(people.DORTHE).post(address(incident_id, notification_id, "/filing"), data=form)

    assert answer.status_code == 422
    assert "Say when it was filed" in answer.text
    assert "2026-442-10001" in answer.text


def test_what_was_written_is_shown_escaped_and_never_run(app, cast, signed_in):
    incident_id, notification_id = drafted(cast, description="<script>alert(1)</script>")
    browser = signed_in(people.DORTHE)

    for what in ("", "/text", "/print"):
        page = browser.get(address(incident_id, notification_id, what)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("who", "what", "status"),
    [
        (people.ASTRID, "/approval", 403), (people.ASTRID, "/filing", 403), (people.NILS, "/text", 403),
        (people.OLGA, "/approval", 403), (people.ESKIL, "/approval", 404),
    ],
)  # fmt: skip
def test_only_who_may_can_approve_and_file(cast, signed_in, who, what, status):
    incident_id, notification_id = drafted(cast)

    answer = signed_in(who).post(address(incident_id, notification_id, what), data={"seen": "x"})

    assert answer.status_code == status
    assert stored(cast, incident_id, notification_id).state == "draft"


def test_what_is_printed_speaks_the_language_of_its_authority_throughout(app, cast, signed_in):
    incident_id, notification_id = drafted(cast)

    paper = signed_in(people.DORTHE).get(
        f"/incidents/{incident_id}/authority-notifications/{notification_id}/print"
    )

    assert '<html lang="da">' in paper.text
    assert "Ikke besvaret endnu" in paper.text
    assert "Not answered" not in paper.text
