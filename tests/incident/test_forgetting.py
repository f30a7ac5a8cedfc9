"""Contact data is destroyed when nothing needs it any more; what proves the telling stays."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import acting_for, db, everyone, new_id, transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from incident import contact_data, contact_shown, forgetting, jobs
from incident.contact_data import Contact
from incident.forgetting import Needed
from incident.models import (
    Duty,
    Forgetting,
    Incident,
    IncidentKey,
    LetterRun,
    LetterRunFile,
    PersonHeard,
    Recipient,
    RecipientList,
    SubjectCommunication,
)
from incident.rules.proof import terms
from notifications.models import Message
from notifications.models.sending import Delivery
from tests import people
from tests.incident import desk, lists, telling_rows

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def done(cast):
    """An incident whose people were all told: ids of it, of the communication, of the people."""
    found = telling_rows.told(cast, state="complete")
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, found[1])
        telling_rows.sending(made, [(each, "email", "delivered", {}) for each in found[2]])
    return found


def outlook(cast, incident_id, now=None):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        return forgetting.outlook(db.session.get_one(Incident, incident_id), now=now or utcnow())


def look(incident_id, now):
    with everyone(), transaction():
        return forgetting.look(incident_id, now=now)


def sealed(incident_id):
    with everyone():
        db.session.rollback()
        mine = (Recipient.incident_id == incident_id, Recipient.sealed.is_not(None))
        return db.session.scalar(select(func.count()).select_from(Recipient).where(*mine))


def change(make):
    with everyone(), transaction() as session:
        session.add(make)


def warnings():
    with everyone():
        db.session.rollback()
        query = select(func.count()).select_from(Message).where(Message.template == "contacts_forgotten_soon")
        return db.session.scalar(query)


def test_it_goes_a_set_time_after_the_telling_and_two_weeks_after_the_warning(cast, done):
    limits, now = terms(utcnow()), utcnow()
    kept = timedelta(days=limits.contact_days)

    assert outlook(cast, done[0]).needed == ()
    assert not look(done[0], now)
    assert warnings() == 0
    assert not look(done[0], now + kept - limits.warned + timedelta(minutes=5))
    assert warnings() == 1
    assert not look(done[0], now + kept - timedelta(minutes=5))
    assert sealed(done[0]) == 3
    assert look(done[0], now + kept + timedelta(minutes=5))
    assert warnings() == 1
    assert not outlook(cast, done[0]).there
    with everyone():
        assert db.session.scalars(select(IncidentKey.key)).all() == [None]


def test_what_was_late_to_be_warned_of_still_has_its_two_weeks(cast, done):
    late = utcnow() + timedelta(days=1_000)

    assert not look(done[0], late)
    assert not look(done[0], late + timedelta(days=13))
    assert look(done[0], late + timedelta(days=14, minutes=1))


def test_the_proof_stays_and_what_was_sealed_is_removed(cast, done):
    late = utcnow() + timedelta(days=1_000)
    look(done[0], late)
    look(done[0], late + timedelta(days=15))
    jobs.forget_contacts()

    assert sealed(done[0]) == 0
    with everyone():
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Delivery)) == 3
        rows = db.session.scalars(select(Recipient)).all()
        assert all(each.email_key and each.sha256 for each in rows)
        assert db.session.get_one(Forgetting, done[0]).swept_at
    assert jobs.forget_contacts() == 0


def test_an_organisation_says_how_many_days_within_what_is_allowed(cast, done):
    with everyone(), transaction():
        organisation = db.session.get_one(Organisation, cast.promark)
        organisation.profile = organisation.profile | {"contact_days": 30}
    now = utcnow()

    assert outlook(cast, done[0]).due_at - now < timedelta(days=31)
    assert terms(now).kept(1) == timedelta(days=terms(now).contact_days_least)
    assert terms(now).kept(9_999) == timedelta(days=terms(now).contact_days_most)


def _letters(cast, done):
    return LetterRun(
        id=new_id(), organisation_id=cast.promark, communication_id=done[1], number=1, window="dl", waiting=1,
        made_on=utcnow().date(), ready_at=utcnow(), state="made", finished_at=utcnow(),
        letters=1, left_out=0, manifest={}, made_by="Astrid Holm", made_at=utcnow(),
    )  # fmt: skip


def _heard(cast, done):
    return PersonHeard(
        id=new_id(), organisation_id=cast.promark, incident_id=done[0], kind="call", at=utcnow(),
        said="Was it me?", wants="call", kept_by="Astrid Holm", kept_at=utcnow(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "needed"), [(_letters, Needed.LETTERS), (_heard, Needed.ASKED)], ids=["letters", "asked"]
)
def test_what_still_needs_it_holds_it_back_for_ever(cast, done, made, needed):
    change(made(cast, done))
    late = utcnow() + timedelta(days=3_000)

    assert outlook(cast, done[0]).needed == (needed,)
    assert not look(done[0], late)
    assert not look(done[0], late + timedelta(days=30))
    assert sealed(done[0]) == 3


def test_a_run_that_could_not_be_made_holds_nothing_back(cast, done):
    failed = _letters(cast, done)
    failed.state, failed.finished_at, failed.why = "failed", None, "The sender does not fit the window."
    change(failed)

    assert outlook(cast, done[0]).needed == ()


@pytest.mark.parametrize(("fate", "needed"), [("manual", Needed.MANUAL), ("waiting", Needed.LETTERS)])
def test_whoever_is_not_settled_holds_it_back(cast, done, fate, needed):
    with everyone(), transaction():
        row = db.session.scalars(select(Delivery)).first()
        row.fate = fate

    assert outlook(cast, done[0]).needed == (needed,)


def test_a_duty_and_a_communication_under_way_hold_it_back(cast):
    incident_id, communication_id, _ids = telling_rows.told(cast, state="complete")
    assessed = desk.assess(cast, incident_id)
    assert assessed is not None
    with everyone(), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        telling_rows.communication(incident_id, made.organisation_id, number=2)
        owed = db.session.scalars(select(Duty).where(Duty.clock_kind.in_(forgetting.KINDS))).all()
        assert owed

    assert set(outlook(cast, incident_id).needed) == {Needed.DUTY, Needed.SENDING}


def test_lists_that_nobody_was_told_from_stay_while_the_incident_is_open(cast):
    incident_id = desk.confirmed(cast)
    with everyone(), acting_for(cast.promark), transaction():
        telling_rows.key(incident_id, cast.promark)
        telling_rows.people(incident_id, cast.promark, 2)

    assert Needed.OPEN in outlook(cast, incident_id).needed


def test_a_list_that_came_after_the_telling_holds_it_back_and_it_is_warned_of_anew(cast, done):
    late = utcnow() + timedelta(days=1_000)
    look(done[0], late)
    list_id = lists.sent(cast, done[0], lists.many(1))

    assert outlook(cast, done[0]).needed == (Needed.LISTS,)
    lists.choose(cast, done[0], list_id)
    lists.work()
    assert outlook(cast, done[0]).needed == (Needed.LISTS,)
    assert not look(done[0], late + timedelta(days=30))
    lists.withdraw(cast, done[0], list_id)
    lists.work()
    assert not look(done[0], late + timedelta(days=31))
    assert warnings() == 2
    assert look(done[0], late + timedelta(days=46))


def test_a_list_of_a_closed_incident_has_its_whole_time_and_a_warning_of_its_own(cast, done):
    late = utcnow() + timedelta(days=1_000)
    look(done[0], late)
    list_id = lists.sent(cast, done[0], lists.many(1))
    with everyone(), transaction():
        db.session.get_one(Incident, done[0]).closed_at = utcnow()
        db.session.get_one(RecipientList, list_id).uploaded_at = late

    assert not look(done[0], late + timedelta(days=30))
    assert not look(done[0], late + timedelta(days=terms(late).contact_days - 13))
    assert warnings() == 2


# --- a person -----------------------------------------------------------------------------------


def act(cast, incident_id, do, *args, **named):
    with desk.working(cast, incident_id) as incident:
        return do(incident, *args, by=desk.person(cast, people.DORTHE), now=utcnow(), **named)


def test_a_person_holds_it_with_a_reason_and_it_is_warned_of_afresh(cast, done):
    late = utcnow() + timedelta(days=1_000)
    look(done[0], late)
    act(cast, done[0], forgetting.hold, "Case 12/2027 at the court of Aarhus.")

    assert not look(done[0], late + timedelta(days=60))
    assert outlook(cast, done[0]).held_why == "Case 12/2027 at the court of Aarhus."
    with pytest.raises(Invalid):
        act(cast, done[0], forgetting.release, "  ")
    act(cast, done[0], forgetting.release, "The case is over.")
    assert not look(done[0], late + timedelta(days=61))
    assert warnings() == 2
    assert look(done[0], late + timedelta(days=76))


def test_a_person_destroys_it_early_only_when_nothing_needs_it_and_the_number_is_typed(cast, done):
    number = outlook_number(cast, done[0])
    with pytest.raises(Invalid):
        act(cast, done[0], forgetting.forget, "Done.", confirmed="PM-1")
    act(cast, done[0], forgetting.hold, "A case.")
    with pytest.raises(Refused):
        act(cast, done[0], forgetting.forget, "Done.", confirmed=number)
    act(cast, done[0], forgetting.release, "Over.")

    assert act(cast, done[0], forgetting.forget, "Everybody was told.", confirmed=number)
    assert not act(cast, done[0], forgetting.forget, "Everybody was told.", confirmed=number)
    with acting_for(cast.promark):
        db.session.rollback()
        actions = [each.action for each in ledger.entries(f"incident/{done[0]}")]
    assert actions.count("people.forgotten") == 1


def outlook_number(cast, incident_id):
    with acting_for(cast.promark):
        return db.session.get_one(Incident, incident_id).number


def test_printed_letters_go_with_the_key_and_their_hashes_stay(cast, done):
    run = _letters(cast, done)
    run.posted_on, run.posted_by, run.posted_with = utcnow().date(), "Astrid Holm", "PostNord"
    run.posted_said_at = utcnow()
    change(run)
    change(
        LetterRunFile(
            id=new_id(), organisation_id=cast.promark, run_id=run.id, batch=1, kind="letters",
            name="1.pdf", sha256="d" * 64, size=6, letters=1, members=b"", data=b"sealed",
        )
    )  # fmt: skip
    act(cast, done[0], forgetting.forget, "Told.", confirmed=outlook_number(cast, done[0]))

    with everyone():
        db.session.rollback()
        kept = db.session.scalars(select(LetterRunFile)).one()
    assert (kept.data, kept.sha256) == (None, "d" * 64)


# --- one person in the clear --------------------------------------------------------------------


@pytest.fixture
def named(monkeypatch):
    """Everybody is called Åse."""
    known = Contact("Åse Ærø", "aase@mail.example", "+4520304050", ("Æblevej 1",))
    monkeypatch.setattr("incident.contact_data.contacts", lambda _incident, ids: dict.fromkeys(ids, known))


def test_one_person_is_masked_until_a_reason_is_given_and_then_shown_once(cast, done, named, signed_in):
    path = f"/incidents/{done[0]}/contact-data/people/{done[2][0]}"
    dorthe = signed_in(people.DORTHE)
    before = dorthe.get(path)

    assert "Å•••• Æ••••" in before.text
    assert "aase@mail" not in before.text
    assert dorthe.post(path, data={"reason": ""}).status_code == 422
    shown = dorthe.post(path, data={"reason": "She called the hot-line."})
    assert "aase@mail.example" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert "aase@mail" not in dorthe.get(path).text
    with acting_for(cast.promark):
        db.session.rollback()
        entry = next(
            each for each in ledger.entries(f"incident/{done[0]}") if each.action == "person.revealed"
        )
    assert (entry.reason, entry.details["person"]) == ("She called the hot-line.", str(done[2][0]))
    assert "Åse" not in str(entry)
    assert signed_in(people.NILS).get(path).status_code == 403


def test_after_forgetting_nobody_is_shown(cast, done, named):
    act(cast, done[0], forgetting.forget, "Told.", confirmed=outlook_number(cast, done[0]))

    with desk.working(cast, done[0]) as incident:
        assert not contact_data.is_there(done[0])
        recipient, by = contact_shown.person(incident, done[2][0]), desk.person(cast, people.DORTHE)
        with pytest.raises(Missing):
            contact_shown.reveal(incident, recipient, "Why not.", by=by, now=utcnow())


def test_the_page_says_what_will_become_of_it_and_does_what_it_offers(cast, done, signed_in):
    here = f"/incidents/{done[0]}/contact-data"
    dorthe = signed_in(people.DORTHE)

    assert "will be destroyed" in dorthe.get(here).text
    assert dorthe.post(f"{here}/hold", data={"reason": "A case."}).status_code == 303
    assert "A case." in dorthe.get(here).text
    assert dorthe.post(f"{here}/release", data={"reason": "Over."}).status_code == 303
    typed = {"reason": "Told.", "number": outlook_number(cast, done[0])}
    assert signed_in(people.ASTRID).post(f"{here}/destruction", data=typed).status_code == 403
    assert dorthe.post(f"{here}/destruction", data=typed).status_code == 303
    assert "were destroyed by Dorthe Friis" in dorthe.get(here).text
