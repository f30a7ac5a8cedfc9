"""Art. 33(2): each customer concerned is owed a notice of its own, and reads of no other."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from foundation import locales
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Refused
from incident import authority_notification, customers, intake, jobs, triage
from incident.controller_notices import aside, fan_out, rounds, sending
from incident.customer_lists import Contact
from incident.models import Incident
from incident.rules.facts import parse
from tests import people
from tests.incident import controllers
from tests.incident.desk import (
    actions,
    ago,
    assessed,
    clock_of,
    duties_of,
    duty_of,
    incident_of,
    person,
    reported,
    told,
    working,
)


def towards(cast, incident_id, customer_id):
    return duty_of(cast, incident_id, "gdpr-33-2", f"customer/{customer_id}")


# --- who is concerned -------------------------------------------------------------------------------


def test_each_customer_behind_the_processor_is_owed_a_notice_by_its_own_agreement(app, cast):
    hostco = controllers.processor_of(cast, people.HOSTCO)
    known = controllers.register(
        cast, controllers.details(cast, "Butik Nord A/S"),
        controllers.details(cast, "Uden Timer ApS", notice_hours=None),
        controllers.details(cast, "Over HostCo ApS", processors=(hostco,)),
        controllers.details(cast, "Et Andet Sted ApS", processors=()),
        controllers.details(cast, "Ophørt ApS", ended_at=ago(days=30)),
    )  # fmt: skip
    incident_id = reported(cast)
    assert controllers.stands(cast, incident_id) == {}  # a report waits for nobody's customers

    controllers.owe()

    aware = incident_of(cast, incident_id).aware_at
    owed = {each for regime, each, _state in duties_of(cast, incident_id) if regime == "gdpr-33-2"}
    names = ("Butik Nord A/S", "Uden Timer ApS", "Over HostCo ApS")
    assert owed == {f"customer/{known[name]}" for name in names}
    agreed = towards(cast, incident_id, known["Butik Nord A/S"])
    assert (agreed.due_at - aware).total_seconds() == 24 * 3600
    assert towards(cast, incident_id, known["Uden Timer ApS"]).due_at is None
    assert agreed.terms["hours"] == 24.0


@pytest.mark.parametrize("known", [True, False])
def test_a_customer_that_ended_is_left_out_only_where_it_is_sure_that_it_was_before(app, cast, known):
    midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    controllers.register(
        cast, controllers.details(cast, "Sidste Dag ApS", ended_at=midnight),
        controllers.details(cast, "Ophørt ApS", ended_at=midnight - timedelta(days=30)),
    )  # fmt: skip
    timeline = {"occurred_from": utcnow().isoformat()} if known else {}
    incident_id = reported(cast, timeline=timeline)

    controllers.owe()

    assert controllers.stands(cast, incident_id).keys() == {"Sidste Dag ApS"} | (
        set() if known else {"Ophørt ApS"}
    )


def test_a_clock_that_read_its_list_before_a_rejection_owes_nobody_anything_after_it(app, cast):
    controllers.three(cast)
    incident_id = reported(cast)
    with working(cast, incident_id) as incident:
        triage.reject(incident, reason="A test.", by="Astrid Holm", now=utcnow())

    with everyone(), transaction():
        assert fan_out.step(incident_id, now=utcnow()) is False

    assert controllers.notices(cast, incident_id) == {}
    assert not [each for each in duties_of(cast, incident_id) if each[0] == "gdpr-33-2"]


def test_the_second_round_of_the_clock_adds_nothing_and_a_crash_in_between_loses_nothing(
    app, cast, monkeypatch
):
    controllers.register(cast, *(controllers.details(cast, f"Kunde {n:02} ApS") for n in range(7)))
    incident_id = reported(cast)
    with everyone(), transaction():
        assert fan_out.step(incident_id, now=utcnow(), most=3) is True
    monkeypatch.setattr(rounds, "address", lambda *_a, **_k: 1 / 0)
    controllers.owe()  # dies half way through the next part
    monkeypatch.undo()
    half = duties_of(cast, incident_id)

    controllers.owe()
    whole = duties_of(cast, incident_id)
    controllers.owe()

    assert len([each for each in half if each[0] == "gdpr-33-2"]) == 3
    assert len([each for each in whole if each[0] == "gdpr-33-2"]) == 7
    assert duties_of(cast, incident_id) == whole
    assert len(controllers.notices(cast, incident_id)) == 7


def test_awareness_that_moves_takes_every_agreement_along(app, cast):
    known = controllers.register(cast, controllers.details(cast, "Butik Nord A/S"))
    incident_id = reported(cast)
    controllers.owe()
    earlier = ago(hours=3)
    with working(cast, incident_id) as incident:
        triage.fix_awareness(
            incident, earlier, reason="They telephoned.", after=1, by="Astrid Holm", now=utcnow()
        )

    duty = towards(cast, incident_id, known["Butik Nord A/S"])
    assert (duty.due_at - earlier).total_seconds() == 24 * 3600
    assert incident_of(cast, incident_id).next_due_at <= duty.due_at
    controllers.owe()
    with working(cast, incident_id) as incident:
        said = controllers.round_of(incident).texts["da"]["aware"]
    assert locales.instant(earlier, "Europe/Copenhagen", "da") in said


def test_customers_who_come_later_are_offered_and_added_by_a_person(app, cast):
    controllers.register(cast, controllers.details(cast, "Butik Nord A/S"))
    incident_id = reported(cast)
    controllers.owe()
    known = controllers.register(cast, controllers.details(cast, "Ny Kunde ApS"))
    controllers.owe()
    assert "Ny Kunde ApS" not in controllers.stands(cast, incident_id)

    with working(cast, incident_id) as incident:
        offered = [each.id for each in fan_out.offered(incident)]
        fan_out.add(incident, offered, reason="", by=person(cast, people.ASTRID), now=utcnow())

    assert offered == [known["Ny Kunde ApS"]]
    assert controllers.stands(cast, incident_id)["Ny Kunde ApS"] == "to_tell"


# --- never an authority by mistake ------------------------------------------------------------------


def test_as_processor_we_owe_customers_a_notice_and_no_authority_anything(app, cast):
    controllers.three(cast)
    incident_id = assessed(cast, our_role="processor")
    controllers.owe()

    regimes = {regime for regime, _whom, _state in duties_of(cast, incident_id)}
    assert "gdpr-33" not in regimes
    assert "gdpr-33-2" in regimes


def test_a_role_corrected_to_processor_stops_drafting_approving_and_filing_here_and_in_the_database(
    app, cast
):
    incident_id = assessed(cast)
    with working(cast, incident_id) as incident:
        duty = authority_notification.duties_of(incident)[0]
        drafted = authority_notification.draft(
            incident, duty, by=person(cast, people.DORTHE), now=utcnow()
        ).id
    with working(cast, incident_id) as incident:
        intake.learn(incident, told(cast, our_role="processor"), now=utcnow())

    with working(cast, incident_id) as incident:
        dorthe = person(cast, people.DORTHE)
        notification = authority_notification.of(incident, drafted)
        for attempt in (
            lambda: authority_notification.draft(incident, duty, by=dorthe, now=utcnow()),
            lambda: authority_notification.approve(
                incident, notification, seen=notification.content_sha256, by=dorthe, now=utcnow()
            ),
            lambda: authority_notification.file(
                incident, notification, authority_notification.Filing("portal", utcnow(), case_number="1"),
                by=dorthe, now=utcnow(),
            ),
        ):  # fmt: skip
            with pytest.raises(Refused, match="processor"):
                attempt()
    with pytest.raises((DatabaseError, IntegrityError), match="controllers notify"), transaction():
        db.session.execute(text(
            "UPDATE authority_notifications SET state = 'approved', approved_sha256 = content_sha256, "
            "approved_at = drafted_at"
        ))  # fmt: skip


# --- what each reads --------------------------------------------------------------------------------


def test_a_text_that_names_another_customer_is_refused_whatever_its_case_or_ending(app, cast):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()

    for said in ("butik nord A/S was hit too.", "Fjordbutikkens data", "see K-14BU"):
        controllers.write(cast, incident_id, measures=said)
        with pytest.raises(Refused, match="names customers"):
            controllers.approve(cast, incident_id)

    controllers.write(cast, incident_id, measures="The key is revoked.")
    controllers.approve(cast, incident_id)


def test_each_notice_says_its_own_in_its_language_and_no_figure_over_all(app, cast, sandbox, work):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    controllers.send(cast, incident_id)
    work()

    for name, word in zip(controllers.HERE, ("Vi behandler", "dere", "åt er"), strict=True):
        (mail,) = sandbox.mail_to(controllers.details(cast, name).contacts[0].email)
        assert name in mail["body"]
        assert word in mail["body"]
        assert "40 person" in mail["body"]
        others = [other for other in controllers.HERE if other != name]
        assert not [other for other in others if other in str(mail)]
        assert "400" not in mail["body"]
        assert "access key" not in mail["body"]


# --- approved, sent once, followed ------------------------------------------------------------------


def test_a_second_person_approves_exactly_this_text_to_exactly_this_list(app, cast):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    with pytest.raises(Refused, match="not whole"):
        controllers.approve(cast, incident_id)
    controllers.write(cast, incident_id)
    with pytest.raises(Refused, match="second person"):
        controllers.approve(cast, incident_id, who=people.ASTRID)
    controllers.approve(cast, incident_id)
    late = controllers.register(cast, controllers.details(cast, "Ny Kunde ApS"))

    with working(cast, incident_id) as incident:
        fan_out.add(incident, late.values(), reason="", by=person(cast, people.ASTRID), now=utcnow())

    with pytest.raises(Refused, match="Only approved"):
        controllers.send(cast, incident_id)


def test_who_wrote_the_texts_does_not_approve_them_when_another_changes_list_or_language(app, cast):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id, who=people.DORTHE)
    late = controllers.register(cast, controllers.details(cast, "Ny Kunde ApS"))
    with working(cast, incident_id) as incident:
        fan_out.add(incident, late.values(), reason="", by=person(cast, people.BIRK), now=utcnow())
    with working(cast, incident_id) as incident:
        round_ = controllers.round_of(incident)
        parts = round_.texts["sv"] | {"measures": "Nyckeln är spärrad."}
        rounds.set_texts(
            incident, round_, "sv", parts, seen=round_.content_sha256, by=person(cast, people.BIRK),
            now=utcnow(),
        )  # fmt: skip

    for who in (people.DORTHE, people.BIRK):
        with pytest.raises(Refused, match="second person"):
            controllers.approve(cast, incident_id, who=who)
    controllers.approve(cast, incident_id, who=people.ASTRID)


def test_delivery_meets_the_duty_and_a_second_sending_tells_nobody_twice(app, cast, sandbox, work):
    known = controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)

    first, second = controllers.send(cast, incident_id), controllers.send(cast, incident_id)
    jobs.tell_customers()
    assert {*controllers.stands(cast, incident_id).values()} == {"sent"}
    assert not any(towards(cast, incident_id, each).first_filed_at for each in known.values())
    work()
    work()

    assert (first, second) == (3, 0)
    assert {*controllers.stands(cast, incident_id).values()} == {"told"}
    for name, customer_id in known.items():
        duty = towards(cast, incident_id, customer_id)
        assert (duty.state, duty.late_by.total_seconds()) == ("met", 0)
        assert len(sandbox.mail_to(controllers.details(cast, name).contacts[0].email)) == 1
    assert clock_of(cast, incident_id, "notice_to_controller").stopped_at
    assert actions(cast, incident_id).count("notice.delivered") == 3


def test_whom_no_message_reached_is_owed_until_a_person_says_how_it_was_told(app, cast, sandbox, work, clock):
    known = controllers.register(
        cast, controllers.details(cast, "Butik Nord A/S"),
        controllers.details(cast, "Uden Vagt ApS", contacts=()),
    )  # fmt: skip
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    address = controllers.details(cast, "Butik Nord A/S").contacts[0]
    sandbox.outcome(address.email, "bounce")
    sandbox.outcome(address.phone, "undelivered", code="30005")
    controllers.send(cast, incident_id)
    for _ in range(3):
        work()
    assert {*controllers.stands(cast, incident_id).values()} == {"unreached"}
    clock.move(hours=30)

    at = utcnow()
    with working(cast, incident_id) as incident:
        for notice in controllers.rounds.notices_of(controllers.round_of(incident)):
            sending.record_told(
                incident, notice, at=at, how="Telephone", whom="Karin Vagt", now=at,
                by=person(cast, people.DORTHE),
            )  # fmt: skip

    duty = towards(cast, incident_id, known["Butik Nord A/S"])
    assert duty.state == "met"
    assert duty.late_by == at - duty.due_at
    assert incident_of(cast, incident_id).number


def test_nobody_is_set_aside_by_one_person_and_while_it_waits_nothing_is_sent(app, cast):
    known = controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    one = {known["Butik Nord A/S"]}
    with working(cast, incident_id) as incident:
        astrid = person(cast, people.ASTRID)
        aside.propose(incident, one, reason="Uses another store.", by=astrid, now=utcnow())
    with pytest.raises(Refused, match="nobody has agreed"):
        controllers.approve(cast, incident_id)
    with pytest.raises(Refused, match="yourself"), working(cast, incident_id) as incident:
        aside.agree(incident, one, by=person(cast, people.ASTRID), now=utcnow())
    assert towards(cast, incident_id, known["Butik Nord A/S"]).is_owed

    with working(cast, incident_id) as incident:
        aside.agree(incident, one, by=person(cast, people.BIRK), now=utcnow())
    duty = towards(cast, incident_id, known["Butik Nord A/S"])
    assert (duty.state, duty.reason) == ("not_required", "Uses another store.")
    assert controllers.stands(cast, incident_id)["Butik Nord A/S"] == "aside"

    with working(cast, incident_id) as incident:
        aside.take_back(
            incident, known["Butik Nord A/S"], reason="It does.", by=person(cast, people.ASTRID), now=utcnow()
        )
    assert controllers.stands(cast, incident_id)["Butik Nord A/S"] == "to_tell"


def test_what_is_new_goes_to_those_who_were_told_as_a_further_notice(app, cast, sandbox, work):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    controllers.send(cast, incident_id)
    work()
    work()
    with working(cast, incident_id) as incident:
        fan_out.begin_further(incident, by=person(cast, people.ASTRID), now=utcnow())
    controllers.write(cast, incident_id, measures="Alle nøgler er fornyet.")
    controllers.approve(cast, incident_id)
    controllers.send(cast, incident_id)
    work()
    work()

    first, second = sandbox.mail_to(controllers.details(cast, "Butik Nord A/S").contacts[0].email)
    assert "supplerer" not in first["body"]
    assert "supplerer" in second["body"]
    assert "Alle nøgler er fornyet." in second["body"]


def test_a_further_notice_is_brought_up_to_the_facts_where_nobody_wrote_otherwise(app, cast, work):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    controllers.send(cast, incident_id)
    work()
    work()
    earlier = ago(hours=3)
    with working(cast, incident_id) as incident:
        triage.fix_awareness(
            incident, earlier, reason="They telephoned.", after=1, by="Astrid Holm", now=utcnow()
        )
        fan_out.begin_further(incident, by=person(cast, people.ASTRID), now=utcnow())

    controllers.owe()

    with working(cast, incident_id) as incident:
        said = controllers.round_of(incident).texts["da"]["aware"]
    assert locales.instant(earlier, "Europe/Copenhagen", "da") in said


def test_after_all_were_told_by_telephone_what_is_new_goes_out_as_a_further_notice(app, cast):
    controllers.three(cast)
    incident_id = reported(cast)
    controllers.owe()
    with working(cast, incident_id) as incident:
        for notice in rounds.notices_of(controllers.round_of(incident)):
            sending.record_told(
                incident, notice, at=utcnow(), how="Telephone", whom="Karin Vagt", now=utcnow(),
                by=person(cast, people.ASTRID),
            )  # fmt: skip

    with working(cast, incident_id) as incident:
        assert fan_out.begin_further(incident, by=person(cast, people.ASTRID), now=utcnow()) == 3
        assert controllers.round_of(incident).number == 2


def test_a_contact_that_stands_there_twice_is_written_to_once(app, cast, sandbox, work):
    contact = controllers.details(cast, "Butik Nord A/S").contacts[0]
    again = Contact("Vagten", contact.email.upper(), "+4570202020")
    controllers.register(cast, controllers.details(cast, "Butik Nord A/S", contacts=(contact, again)))
    incident_id = reported(cast)
    controllers.owe()
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    controllers.send(cast, incident_id)
    work()
    work()

    assert {*controllers.stands(cast, incident_id).values()} == {"told"}
    assert len(sandbox.mail_to(contact.email)) + len(sandbox.mail_to(again.email)) == 1


def test_two_organisations_never_see_each_others_customers(app, cast):
    controllers.three(cast)

    with acting_for(cast.organisations["softwerk"]):
        assert customers.listed() == ([], 0)


def test_facts_say_which_role_the_database_reads(app, cast):
    incident_id = reported(cast, our_role="sub_processor")

    with acting_for(cast.promark):
        role = db.session.execute(text("SELECT our_role FROM facts_versions")).scalar_one()
        assert db.session.get_one(Incident, incident_id).facts_number == 1
    assert role == "sub_processor"
    assert parse({"our_role": "sub_processor"}).is_controller is False
