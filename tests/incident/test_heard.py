"""Who calls, writes or sends a letter back is kept with the person, once, and nobody's words are readable."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from foundation import locales
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from incident import genuine, heard
from incident.heard import Told
from incident.letter_posting import jobs
from incident.models import HeardKind, LetterRun, PersonHeard
from notifications import outbox, replies
from notifications.models.sending import Delivery, Sending
from tests import people
from tests.incident import desk, on_lists
from tests.incident.on_lists import contact
from tests.incident.test_letter_posting import made, post

AASE = contact("Åse Ærø", phone="+4586123456", email="aase@example.org", own_id="M-17")
BO = contact("Bo Holm", phone="+4586123457")
DAY = timedelta(days=1)
OTHER = "softwerk"


@pytest.fixture(autouse=True)
def around(app, cast):
    on_lists.addressed(cast)


@pytest.fixture
def incident_id(app, cast):
    return desk.assessed(cast)


@pytest.fixture
def listed(cast, incident_id):
    with desk.working(cast, incident_id) as incident:
        return on_lists.on_a_list(incident, AASE, BO, now=utcnow())


def keep(cast, incident_id, told, *, who=people.ASTRID):
    with desk.working(cast, incident_id) as incident:
        return heard.keep(incident, told, by=desk.person(cast, who), now=utcnow()).id


def entries(cast, incident_id, **which):
    with acting_for(cast.promark):
        db.session.rollback()
        return heard.of_incident(desk.incident_of(cast, incident_id), **which)


def call(**changes):
    told = {"kind": HeardKind.CALL, "at": desk.ago(minutes=5), "said": "What was it of mine?"}
    return Told(**told | changes)


@pytest.mark.parametrize("about", ["+4586123456", "aase@example.org", "M-17", "åse ærø", "Ærø"])
def test_a_person_is_found_by_number_address_own_number_and_name(cast, incident_id, listed, about):
    with acting_for(cast.promark):
        found = heard.found(desk.incident_of(cast, incident_id), about)

    assert [person.id for person, _contact in found] == [listed[0]]


def test_a_person_is_found_by_the_reference_on_their_letter(cast, incident_id):
    communication_id, listed, _run = made(cast, incident_id, "Åse", "Bo")
    with acting_for(cast.promark):
        incident = desk.incident_of(cast, incident_id)
        found = heard.found(incident, genuine.code_of(communication_id, listed[1]))

    assert [person.id for person, _contact in found] == [listed[1]]


def test_a_call_sent_twice_is_kept_once_and_its_words_are_readable_nowhere(cast, incident_id, listed):
    told = call(recipient_id=listed[0], said="Zzcanary words", answer="Zzcanary answer", wants="call_back")
    first, again = keep(cast, incident_id, told), keep(cast, incident_id, told)

    with everyone():
        raw = db.session.execute(text("SELECT said, answer FROM people_heard")).all()
    with acting_for(cast.promark):
        from foundation import ledger  # noqa: PLC0415

        told_of = [str(vars(e)) for e in ledger.entries(f"incident/{incident_id}")]
    assert first == again
    assert len(raw) == 1
    assert not any(b"Zzcanary" in bytes(each) for each in raw[0])
    assert not any("Zzcanary" in each or "Ærø" in each for each in told_of)
    assert "person.heard" in desk.actions(cast, incident_id)


def test_who_stands_on_no_list_is_kept_all_the_same(cast, incident_id):
    keep(cast, incident_id, call())

    assert [each.recipient_id for each in entries(cast, incident_id)] == [None]


@pytest.mark.parametrize(
    "changes",
    [{"kind": "pigeon"}, {"said": "  "}, {"said": "x" * 10_001}, {"wants": "revenge"}, {"at": utcnow() + DAY},
     {"kind": "returned"}],
)  # fmt: skip
def test_what_cannot_be_is_not_kept(cast, incident_id, changes):
    with pytest.raises(Invalid):
        keep(cast, incident_id, call(**changes))


def test_a_person_of_another_incident_is_nobody_here(cast, incident_id, listed):
    other = desk.reported(cast, reference="HC-OTHER")

    with pytest.raises(Missing):
        keep(cast, other, call(recipient_id=listed[0]))


def test_what_a_person_wants_is_open_until_somebody_did_it(cast, incident_id, listed):
    heard_id = keep(cast, incident_id, call(recipient_id=listed[0], wants="access"))
    before = len(entries(cast, incident_id, only="open"))
    for _ in range(2):
        with desk.working(cast, incident_id) as incident:
            entry = heard.of(incident, heard_id)
            by = desk.person(cast, people.DORTHE)
            heard.done(incident, entry, answer="Sent on paper.", by=by, now=utcnow())

    (entry,) = entries(cast, incident_id)
    assert (before, len(entries(cast, incident_id, only="open"))) == (1, 0)
    assert (entry.done_by, entry.answer) == ("Dorthe Friis", "Sent on paper.")
    assert desk.actions(cast, incident_id).count("person.wish_done") == 1


def test_a_letter_that_came_back_puts_its_person_on_the_manual_list(cast, incident_id):
    _communication, listed, run_id = made(cast, incident_id, "Åse", "Bo")
    post(cast, incident_id, run_id)
    keep(cast, incident_id, call(kind=HeardKind.RETURNED, recipient_id=listed[0], said="Moved away."))

    assert on_lists.fates(cast, listed) == [("manual", "returned"), ("posted", None)]
    assert "letter.returned" in desk.actions(cast, incident_id)


def test_what_stands_on_a_letter_that_came_back_is_readable_nowhere(cast, incident_id):
    _communication, listed, run_id = made(cast, incident_id, "Åse", "Bo")
    post(cast, incident_id, run_id)
    said = "Zzcanary died in May."
    keep(cast, incident_id, call(kind=HeardKind.RETURNED, recipient_id=listed[0], said=said))
    on_lists.fates(cast, listed)

    with everyone():
        whys = set(db.session.scalars(text("SELECT why FROM deliveries")))
    assert whys == {None, "Letter came back"}
    assert [each.said for each in entries(cast, incident_id)] == [said]


def test_a_letter_that_came_back_before_its_posting_was_recorded_never_counts_as_posted(
    cast, incident_id, signed_in
):
    _communication, listed, run_id = made(cast, incident_id, "Åse", "Bo")
    came_back = call(kind=HeardKind.RETURNED, recipient_id=listed[0], said="Moved away.")
    with pytest.raises(Refused, match="not recorded as posted"):
        keep(cast, incident_id, came_back)
    form = {"kind": "returned", "said": "Moved away.", "recipient": str(listed[0]), "at": ""}
    page = signed_in(people.ASTRID).post(f"/incidents/{incident_id}/heard/new", data=form)
    before = entries(cast, incident_id)
    post(cast, incident_id, run_id)
    keep(cast, incident_id, came_back)

    assert page.status_code == 409
    assert "Moved away." in page.text  # what was typed is not lost
    assert before == []
    assert on_lists.fates(cast, listed) == [("manual", "returned"), ("posted", None)]


def test_a_letter_that_nobody_is_known_to_have_posted_is_kept_and_that_is_said(
    cast, incident_id, listed, signed_in
):
    form = {"kind": "returned", "said": "", "recipient": str(listed[0]), "at": ""}
    astrid = signed_in(people.ASTRID)
    answer = astrid.post(f"/incidents/{incident_id}/heard/new", data=form, follow_redirects=True)

    assert "No letter to this person is recorded as posted" in answer.text
    assert [each.kind for each in entries(cast, incident_id)] == ["returned"]


def test_the_picture_counts_every_day_where_the_organisation_is(cast, incident_id):
    before, lately, now = desk.ago(days=2), desk.ago(minutes=5), utcnow()
    keep(cast, incident_id, call(at=before))
    keep(cast, incident_id, call(at=before, said="Another.", kind=HeardKind.EMAIL))
    keep(cast, incident_id, call(at=lately))
    with acting_for(cast.promark):
        days = heard.by_day(desk.incident_of(cast, incident_id), now=now)

    first, second, today = (locales.local(at, "Europe/Copenhagen").date() for at in (before, lately, now))
    assert [each.day for each in days] == [first + timedelta(at) for at in range((today - first).days + 1)]
    assert {each.day: each.total for each in days if each.total} == {first: 2, second: 1}
    assert dict(days[0].counts) == {"call": 1, "email": 1}


def told_by_text(incident, whose, *, minutes, fate="delivered", about=""):
    """This person was told so many minutes ago, by a text."""
    at, sending_id = desk.ago(minutes=minutes), new_id()
    mine = {"organisation_id": incident.organisation_id}
    db.session.add(
        Sending(
            id=sending_id, about=about or incident.chain, source=f"communication:{new_id()}", state="ended",
            ways=["sms"], texts={}, content_sha256="0" * 64, people=1, created_at=at, **mine,
        )
    )  # fmt: skip
    db.session.add(
        Delivery(
            sending_id=sending_id, recipient_id=whose, channel="sms", locale="da", country="DK", left=0,
            fate=fate, at=at, **mine,
        )
    )  # fmt: skip
    db.session.flush()


def text_back(body, sid="1", number="+4586123456"):
    with everyone(), transaction():
        return replies.answer(sender=number, body=body, sid=f"SM{sid * 32}", now=utcnow())


def of_all():
    """Every text that was kept: whose organisation, of which incident, with which person."""
    with everyone():
        db.session.rollback()
        return [(e.organisation_id, e.incident_id, e.recipient_id) for e in db.session.scalars(ALL)]


ALL = select(PersonHeard).order_by(PersonHeard.kept_at)


@pytest.mark.parametrize("body", ["Is this real?", "STOP"])
def test_a_text_from_somebody_told_by_text_is_kept_with_the_person_once(cast, incident_id, listed, body):
    with desk.working(cast, incident_id) as incident:
        told_by_text(incident, listed[0], minutes=9, fate="accepted")
    said = [text_back(body) for _ in range(2)]

    assert said == [None, None]  # no page, and nobody wrote to this number by a message of its own
    assert [(e.kind, e.said, e.recipient_id) for e in entries(cast, incident_id)] == [
        ("sms", body, listed[0])
    ]


def test_a_text_is_read_by_nobody_but_the_organisation_that_told_this_person_last(cast, incident_id, listed):
    other_id = desk.reported(cast, organisation=OTHER, processor=None)
    drafted_id = desk.reported(cast, reference="HC-2")
    with desk.working(cast, drafted_id) as incident:
        drafted = on_lists.on_a_list(incident, AASE, now=utcnow())
        told_by_text(incident, drafted[0], minutes=1, about=f"drill/{new_id()}")
        told_by_text(incident, drafted[0], minutes=1, fate="failed")
    text_back("Who are you?", "1")
    nobody = of_all()
    with desk.working(cast, other_id, OTHER) as incident:
        theirs = on_lists.on_a_list(incident, AASE, now=utcnow())
        told_by_text(incident, theirs[0], minutes=20)
    text_back("Who are you?", "2")
    with desk.working(cast, incident_id) as incident:
        told_by_text(incident, listed[0], minutes=5)
    text_back("Who are you?", "3")

    assert nobody == []
    assert of_all() == [
        (cast.organisations[OTHER], other_id, theirs[0]), (cast.promark, incident_id, listed[0])
    ]  # fmt: skip


def test_a_text_answers_also_what_was_sent_before_there_were_sendings(
    cast, incident_id, listed, sandbox, work
):
    with desk.working(cast, incident_id) as incident:
        outbox.post(
            organisation_id=cast.promark, about=incident.chain, kind="subject", template="subject_notice",
            recipient=outbox.recipient(incident.chain, "sms", AASE.phone, "da"), must_by=None, now=utcnow(),
            context={
                "name": "", "subject": "Om dine data", "contact": "Dorthe Friis", "controller": "ProMark",
                "paragraphs": [["Hvad er der sket?", "En kopi blev hentet."]],
            },
            dedupe_key=f"subject:{new_id()}:{listed[0]}",
        )  # fmt: skip
    work()
    text_back("Is this real?")

    assert of_all() == [(cast.promark, incident_id, listed[0])]


def test_a_text_from_a_stranger_is_kept_nowhere(cast, incident_id, listed):
    with everyone(), transaction():
        replies.answer(sender="+4586999999", body="Hello", sid="SM" + "2" * 32, now=utcnow())

    with everyone():
        assert db.session.scalars(select(PersonHeard)).all() == []


def test_a_fault_in_keeping_a_text_costs_nobody_their_stop(cast, app, incident_id, listed, monkeypatch):
    def broken(*_told):
        raise RuntimeError

    monkeypatch.setitem(app.extensions, "people_heard", broken)
    with everyone(), transaction():
        replies.answer(sender="+4586123456", body="STOP", sid="SM" + "3" * 32, now=utcnow())

    assert entries(cast, incident_id) == []


def test_on_the_telephone_a_person_is_found_and_kept_without_their_number_in_an_address(
    cast, incident_id, listed, signed_in
):
    astrid = signed_in(people.ASTRID)
    base = f"/incidents/{incident_id}/heard"
    page = astrid.post(f"{base}/search", data={"about": "+4586123456", "kind": "call", "said": "Why me?"})
    form = {"kind": "call", "said": "Why me?", "recipient": str(listed[0]), "wants": "call_back", "at": ""}

    assert "Åse Ærø" in page.text
    assert "••••" in page.text  # two people may have one name
    assert "Why me?" in page.text  # what was typed is not lost by looking
    assert astrid.get(f"{base}/new").status_code == 200
    answer = astrid.post(f"{base}/new", data=form)
    assert answer.status_code == 303
    assert answer.location == f"{base}/new"
    shown = astrid.get(base)
    assert "Why me?" in shown.text
    (entry,) = entries(cast, incident_id)
    assert astrid.post(f"{base}/{entry.id}/done", data={"answer": "Called."}).status_code == 303
    assert astrid.post(f"{base}/new", data=form | {"said": ""}).status_code == 422
    assert signed_in(people.NILS).get(base).status_code == 403


def test_people_heard_do_not_hold_up_letters(cast, incident_id):
    assert jobs.make_letters() == 0
    with everyone():
        assert db.session.scalars(select(LetterRun)).all() == []
