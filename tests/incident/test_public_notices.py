"""A public notice meets the duty to tell the people only with a reason, two persons, and proof everywhere."""

from datetime import timedelta
from io import BytesIO

import pytest

from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import decisions, public_notices, subject_communication
from incident.models import DutyState, Kind, PublicNotice, PublicPlace, Question
from incident.public_notices import Place, jobs
from notifications import rendering
from tests import people
from tests.incident import desk, on_lists

PDF, PNG = b"%PDF-1.7\nseen", b"\x89PNG\r\n\x1a\nseen"
TEXT = {
    "subject": "Breach of security at ProMark",
    "nature": "Between 1 and 3 March 2026 somebody saw our files.",
    "data": "Names and absence.", "consequences": "Somebody may use it to commit fraud or identity theft.",
    "measures": "We have closed the access.\n\nWhat we will do\nWe will look at every file again.",
    "advice": "Change your password and be wary of e-mails.", "rights": "You can complain to Datatilsynet.",
    "contact": "Dorthe Friis, +45 86 12 34 56", "sender": "ProMark A/S",
}  # fmt: skip
IN_PUBLIC = desk.verdict(Kind.NOTIFY, Kind.EXEMPT_C, Kind.KEEP_PROMISE)
DAY = timedelta(days=1)
WHY = "We hold no address of 40,000 of them, and asking their employers would take months."


@pytest.fixture
def incident_id(app, cast):
    """One of which it is decided, by two, that people are told in public."""
    decided = desk.assessed(cast, IN_PUBLIC)
    desk.agree(cast, decided)
    return decided


def change(cast, incident_id, notice_id, act, *args, who=people.ASTRID, now=None, **told):
    now = now or utcnow()
    with desk.working(cast, incident_id) as incident:
        notice = public_notices.of(incident, notice_id)
        return act(incident, notice, *args, by=desk.person(cast, who), now=now, **told)


def of(cast, notice_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.get_one(PublicNotice, notice_id, populate_existing=True)


def written(cast, incident_id, *, why=WHY):
    with desk.working(cast, incident_id) as incident:
        made = public_notices.create(
            incident, kind="published", by=desk.person(cast, people.ASTRID), now=utcnow()
        )
        languages = list(made.texts)
    for locale in languages:
        if locale != "en":
            with desk.working(cast, incident_id) as incident:
                notice = public_notices.of(incident, made.id)
                notice.texts = {"en": {}}
                notice.content_sha256 = public_notices.fingerprint(notice)
    seen = of(cast, made.id).content_sha256
    change(cast, incident_id, made.id, public_notices.set_text, "en", TEXT, seen=seen)
    if why:
        seen = of(cast, made.id).content_sha256
        change(cast, incident_id, made.id, public_notices.set_why, why, seen=seen)
    return made.id


def approve(cast, incident_id, notice_id, *, who=people.DORTHE, seen=None):
    told = seen or of(cast, notice_id).content_sha256
    change(cast, incident_id, notice_id, public_notices.approve, seen=told, who=who)


def planned(cast, incident_id, notice_id, *, kind="web_page", name="www.promark.example", begins=0, ends=30):
    today = utcnow().date()
    place = Place(kind, name, today + begins * DAY, today + ends * DAY)
    return change(cast, incident_id, notice_id, public_notices.add, place).id


def prove(cast, incident_id, notice_id, place_id, data=PDF, *, at=None, now=None, name="shot.pdf"):
    now = now or utcnow()
    with desk.working(cast, incident_id) as incident:
        notice = public_notices.of(incident, notice_id)
        return public_notices.prove(
            incident, notice, public_notices.place_of(notice, place_id), file_name=name, data=data,
            seen_at=at or now, by=desk.person(cast, people.ASTRID), now=now,
        )  # fmt: skip


def duty_state(cast, incident_id):
    return desk.duty_of(cast, incident_id, "gdpr-34").state


def test_the_duty_is_met_when_it_was_seen_at_the_last_place_and_not_before(cast, incident_id):
    notice_id = written(cast, incident_id)
    first = planned(cast, incident_id, notice_id)
    second = planned(cast, incident_id, notice_id, kind="newspaper", name="Aarhus Stiftstidende")
    approve(cast, incident_id, notice_id)
    states = [duty_state(cast, incident_id)]
    prove(cast, incident_id, notice_id, first)
    states.append(duty_state(cast, incident_id))
    prove(cast, incident_id, notice_id, second, PNG)

    assert states == [DutyState.OPEN, DutyState.OPEN]
    assert duty_state(cast, incident_id) == DutyState.MET
    assert desk.clock_of(cast, incident_id, "subject_communication").stopped_at is not None
    told = desk.actions(cast, incident_id)
    assert [e for e in told if e.startswith("public_notice.")][-3:] == [
        "public_notice.seen", "public_notice.seen", "public_notice.stands",
    ]  # fmt: skip


def test_while_a_communication_is_under_way_the_duty_is_met_with_that_one(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    approve(cast, incident_id, notice_id)
    with desk.working(cast, incident_id) as incident:
        on_lists.a_communication(incident, utcnow())
    prove(cast, incident_id, notice_id, place_id)

    assert of(cast, notice_id).met_at is not None
    assert duty_state(cast, incident_id) == DutyState.OPEN


def test_while_each_is_to_be_told_a_notice_meets_nothing_until_that_is_decided_otherwise(cast, app):
    incident_id = desk.assessed(cast)
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    approve(cast, incident_id, notice_id)
    prove(cast, incident_id, notice_id, place_id)
    jobs.mind_places()
    before = duty_state(cast, incident_id)

    desk.assess(cast, incident_id, IN_PUBLIC)
    desk.agree(cast, incident_id)

    assert [jobs.mind_places(), jobs.mind_places()] == [1, 0]
    assert before != DutyState.MET
    assert duty_state(cast, incident_id) == DutyState.MET


def test_letters_to_some_do_not_meet_the_duty_while_the_others_wait_for_the_notice(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    approve(cast, incident_id, notice_id)
    communication_id, listed = on_lists.told(cast, incident_id, on_lists.contact("Søren"))
    on_lists.posted(cast, communication_id, listed)
    with everyone(), transaction():
        assert subject_communication.follow(communication_id, now=utcnow())

    assert "communication.completed" in desk.actions(cast, incident_id)
    assert duty_state(cast, incident_id) == DutyState.OPEN
    prove(cast, incident_id, notice_id, place_id)
    assert duty_state(cast, incident_id) == DutyState.MET


def test_where_a_notice_is_prepared_no_word_alone_meets_the_duty(cast, incident_id):
    written(cast, incident_id)

    with desk.working(cast, incident_id) as incident, pytest.raises(Refused, match="every place"):
        decisions.published(
            incident, decisions.holding(incident)[Question.PEOPLE], where="ProMark's page", at=utcnow(),
            by=desk.person(cast, people.DORTHE), now=utcnow(),
        )  # fmt: skip


def test_whoever_wrote_it_last_does_not_approve_it_and_a_later_change_voids_the_approval(cast, incident_id):
    notice_id = written(cast, incident_id)
    with pytest.raises(Refused, match="second person"):
        approve(cast, incident_id, notice_id, who=people.ASTRID)
    approve(cast, incident_id, notice_id)

    seen = of(cast, notice_id).content_sha256
    change(cast, incident_id, notice_id, public_notices.set_why, WHY + " Also.", seen=seen)

    assert of(cast, notice_id).approved_at is None


def test_without_a_reason_or_with_a_part_missing_nothing_is_approved(cast, incident_id):
    notice_id = written(cast, incident_id, why="")
    with pytest.raises(Refused, match="out of proportion"):
        approve(cast, incident_id, notice_id)

    seen = of(cast, notice_id).content_sha256
    change(cast, incident_id, notice_id, public_notices.set_why, WHY, seen=seen)
    seen = of(cast, notice_id).content_sha256
    change(cast, incident_id, notice_id, public_notices.set_text, "en", {**TEXT, "contact": ""}, seen=seen)
    with pytest.raises(Refused, match="not whole"):
        approve(cast, incident_id, notice_id)


def test_what_was_read_before_somebody_changed_it_is_not_approved(cast, incident_id):
    notice_id = written(cast, incident_id)

    with pytest.raises(Refused, match="changed meanwhile"):
        approve(cast, incident_id, notice_id, seen="0" * 64)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"just words", "no PDF"),
        (b"<html><body>x", "no PDF"),
        (b"MZ\x90\0", "no PDF"),
    ],
)
def test_a_file_that_shows_nothing_proves_nothing(cast, incident_id, data, why):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    approve(cast, incident_id, notice_id)

    with pytest.raises(Invalid, match=why):
        prove(cast, incident_id, notice_id, place_id, data)


def test_nothing_was_seen_in_the_future_nor_before_its_approval_nor_before_it_was_to_stand(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    later = planned(cast, incident_id, notice_id, name="later.example", begins=3)
    with pytest.raises(Refused, match="not approved"):
        prove(cast, incident_id, notice_id, place_id)
    approve(cast, incident_id, notice_id)

    for place, at in ((place_id, utcnow() + DAY), (place_id, utcnow() - DAY), (later, utcnow())):
        with pytest.raises(Invalid):
            prove(cast, incident_id, notice_id, place, at=at)


def test_the_same_proof_twice_is_one_and_a_seen_text_changes_no_more(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    approve(cast, incident_id, notice_id)

    assert prove(cast, incident_id, notice_id, place_id)
    assert not prove(cast, incident_id, notice_id, place_id)
    with pytest.raises(Refused, match="proof already"):
        prove(cast, incident_id, notice_id, place_id, PNG)
    seen = of(cast, notice_id).content_sha256
    with pytest.raises(Refused, match="seen in public"):
        change(cast, incident_id, notice_id, public_notices.set_why, "Other.", seen=seen)


def test_a_place_that_was_taken_out_stands_in_nobodys_way_and_stays_on_record(cast, incident_id):
    notice_id = written(cast, incident_id)
    first = planned(cast, incident_id, notice_id)
    second = planned(cast, incident_id, notice_id, kind="radio", name="P4")
    approve(cast, incident_id, notice_id)
    prove(cast, incident_id, notice_id, first)
    with desk.working(cast, incident_id) as incident:
        notice = public_notices.of(incident, notice_id)
        public_notices.remove(
            incident, notice, public_notices.place_of(notice, second), why="They did not air it.",
            by=desk.person(cast, people.ASTRID), now=utcnow(),
        )  # fmt: skip

    assert duty_state(cast, incident_id) == DutyState.MET
    assert "public_notice.place_removed" in desk.actions(cast, incident_id)


@pytest.mark.parametrize("changes", [{"kind": "balloon"}, {"name": "  "}, {"ends": -1}, {"ends": 900}])
def test_a_place_that_cannot_be_is_not_planned(cast, incident_id, changes):
    notice_id = written(cast, incident_id)

    with pytest.raises(Invalid):
        planned(cast, incident_id, notice_id, **changes)


def test_one_is_reminded_once_when_a_place_begins_and_once_when_it_ends_without_proof(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id, ends=5)
    approve(cast, incident_id, notice_id)

    said = [jobs.mind_places(), jobs.mind_places()]
    with everyone(), transaction():
        said += [public_notices.remind(place_id, now=utcnow() + 7 * DAY)]
        said += [public_notices.remind(place_id, now=utcnow() + 8 * DAY)]

    assert said == [1, 0, True, False]
    assert desk.actions(cast, incident_id).count("public_notice.reminded") == 2


ALONE = "The duty to tell the people is met once it was seen at every place. Look at it"
WITH = "is met once it was seen at every place and the communication under way is complete."
UNDECIDED = "It meets the duty to tell the people only once it is decided that they are told in public."


@pytest.mark.parametrize(
    ("decided", "goes", "expected"), [(True, False, ALONE), (True, True, WITH), (False, False, UNDECIDED)]
)
@pytest.mark.usefixtures("app")
def test_who_is_asked_for_proof_reads_what_it_is_good_for(cast, monkeypatch, decided, goes, expected):
    said = []
    monkeypatch.setattr(
        "notifications.ways.remind",
        lambda *, template, context, **_more: said.append(
            rendering.render(template, "en", "email", context | {"name": "Dorthe"})["text"]
        ),
    )
    incident_id = desk.assessed(cast, *([IN_PUBLIC] if decided else []))
    if decided:
        desk.agree(cast, incident_id)
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    if goes:
        with desk.working(cast, incident_id) as incident:
            on_lists.a_communication(incident, utcnow())

    with everyone(), transaction():
        assert public_notices.remind(place_id, now=utcnow())

    assert expected in said[0]


def test_it_ends_by_itself_when_it_has_stood_everywhere_as_long_as_it_was_to(cast, incident_id):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id, ends=5)
    approve(cast, incident_id, notice_id)
    prove(cast, incident_id, notice_id, place_id)

    with everyone(), transaction():
        assert not public_notices.remind(place_id, now=utcnow() + DAY)
        assert public_notices.remind(place_id, now=utcnow() + 7 * DAY)

    assert of(cast, notice_id).ended_at is not None


def test_places_that_need_nothing_now_hold_up_no_reminder_of_others(cast, incident_id, monkeypatch):
    notice_id = written(cast, incident_id)
    places = [
        planned(cast, incident_id, notice_id, name=f"{ends}.example", ends=ends) for ends in (2, 3, 300)
    ]
    approve(cast, incident_id, notice_id)
    for place_id in places:
        prove(cast, incident_id, notice_id, place_id)
    other_id = written(cast, incident_id)
    waiting = planned(cast, incident_id, other_id, begins=4, ends=365)
    with everyone():
        monkeypatch.setattr("incident.public_notices.places.AT_ONCE", 1)
        soon = public_notices.unproven(utcnow() + 7 * DAY)
        monkeypatch.undo()
        at_last = public_notices.unproven(utcnow() + 302 * DAY)

    assert soon == [waiting]
    assert at_last == [places[-1], waiting]  # one place of the notice that has stood everywhere


def test_the_pages_lead_from_the_reason_to_the_proof(cast, incident_id, signed_in):
    notice_id = written(cast, incident_id)
    place_id = planned(cast, incident_id, notice_id)
    dorthe = signed_in(people.DORTHE)
    base = f"/incidents/{incident_id}/public-notices"
    page = f"{base}/{notice_id}"

    assert WHY in dorthe.get(page).text
    assert dorthe.get(base).status_code == 200
    told = dorthe.get(f"{page}/print/en")
    assert told.status_code == 200
    assert "Names and absence." in told.text
    assert "Names and absence." in dorthe.get(f"{page}/texts/en").text
    seen = of(cast, notice_id).content_sha256
    assert dorthe.post(f"{page}/approval", data={"seen": seen}).status_code == 303
    at = desk_local(of(cast, notice_id).approved_at + timedelta(minutes=1))
    with transaction_clock(minutes=2):
        form = {"seen_at": at, "proof": (BytesIO(PDF), "../shot.pdf")}
        assert dorthe.post(f"{page}/places/{place_id}/proof", data=form).status_code == 303
    assert "Kept. It was seen everywhere." in dorthe.get(page).text
    kept = dorthe.get(f"{page}/places/{place_id}/proof")
    assert kept.data == PDF
    assert "shot.pdf" in kept.headers["Content-Disposition"]
    with acting_for(cast.promark):
        db.session.rollback()
        assert (
            db.session.get_one(PublicPlace, place_id, populate_existing=True).proof_type == "application/pdf"
        )
    assert signed_in(people.NILS).post(f"{page}/approval", data={"seen": seen}).status_code == 403


def desk_local(at):
    from foundation import locales  # noqa: PLC0415

    return locales.local(at, "Europe/Copenhagen").strftime("%Y-%m-%dT%H:%M")


def transaction_clock(**moved):
    from contextlib import contextmanager  # noqa: PLC0415

    from foundation import database  # noqa: PLC0415

    @contextmanager
    def moving():
        before = database.clock.offset
        database.clock.offset = timedelta(**moved)
        try:
            yield
        finally:
            database.clock.offset = before

    return moving()
