"""A filling of an incident as it is stored: decisions, people, registers and deliveries come in."""

import json
from datetime import timedelta

import pytest

from foundation.database import acting_for, db, new_id, utcnow
from incident import coverage, drafting
from incident.authorities.forms import all_forms, form_for
from incident.coverage import Coverage, Row
from incident.filling import fill, told_of, values_of
from incident.models import DelayReason, Duty, ProcessorContact, SubjectCommunication
from incident.rules.forms import faults, is_shown
from notifications.models.sending import SendingGroup
from notifications.rules.sending import Member, packed
from tests import people
from tests.incident import desk, telling_rows

DANISH = "dk-datatilsynet"


def filled(cast, incident_id, authority=DANISH, *, kind="initial", now=None):
    with acting_for(cast.promark):
        incident = desk.incident_of(cast, incident_id)
        material = drafting.gather(incident)
        return fill(material, authority, told_of(incident), kind=kind, now=now or utcnow())


def add(cast, incident_id, make):
    with desk.working(cast, incident_id) as incident:
        db.session.add(make(incident))


def test_an_assessed_incident_fills_the_danish_form_in_danish(app, cast):
    found = filled(cast, desk.assessed(cast))

    assert found["timeline.discovered_by"].value == "processor"
    assert found["notification.regime"].value == "gdpr"
    assert found["notification.internal_reference"].value.startswith("PM-")
    assert found["nature.description_what"].as_told
    assert found["subjects.categories_description"].value
    assert found["consequences.risk_outcome"].source == "assessment 1"
    assert found["notification.reason_for_report"].source.startswith("decision ")
    assert found["dpo.name"].value == "Dorthe Friis"
    assert not [path for path, each in found.items() if "[da:" in str(each.value)]
    assert json.loads(json.dumps(values_of(found))) == values_of(found)


@pytest.mark.parametrize("authority", [*sorted(all_forms()), "de-berlin"])
def test_no_form_stumbles_over_what_is_filled_by_itself(app, cast, authority):
    found = values_of(filled(cast, desk.assessed(cast), authority))

    for field in form_for(authority, utcnow().date()).fields():
        if field.answers and is_shown(field, found):
            told = faults(field, found.get(field.answers[0]), incomplete=False, answers=found)
            assert {each.kind for each in told} <= {"several_boxes"}, field.key


def test_people_are_not_called_informed_because_it_was_decided(app, cast):
    found = filled(cast, desk.assessed(cast))

    assert found["subject_communication.status"].value in ("planned", "planned_dated")
    assert "subject_communication.informed_at" not in found


def communication(number, *, recipients, text="En kopi blev hentet.", state="sending"):
    now = utcnow()
    return lambda incident: SubjectCommunication(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, number=number,
        texts={"da": {"nature": text}}, content_sha256="0" * 64, state=state, recipients=recipients,
        drafted_by="Astrid Holm", drafted_at=now, approved_by="Dorthe Friis", approved_at=now,
        approved_sha256="0" * 64, sent_by="Dorthe Friis", sent_at=now,
    )  # fmt: skip


def test_what_was_sent_and_has_not_arrived_is_under_way(app, cast):
    incident_id = desk.assessed(cast)
    add(cast, incident_id, communication(1, recipients=3))
    found = filled(cast, incident_id)

    assert found["subject_communication.status"].value == "in_progress"
    assert "0 af 3" in found["subject_communication.means_description"].value
    assert found["subject_communication.content"].value == "En kopi blev hentet."


def test_people_who_are_told_later_count_as_well_until_every_letter_has_ended(app, cast, monkeypatch):
    incident_id = desk.assessed(cast)
    add(cast, incident_id, communication(1, recipients=3, state="complete"))
    add(cast, incident_id, communication(2, recipients=2, text="Flere er berørt."))
    states = {1: ["delivered"] * 3, 2: ["accepted", "delivered"]}
    monkeypatch.setattr(coverage, "of", lambda each: Coverage(
        each.recipients, tuple(Row("email", fate, "da", "", 1) for fate in states[each.number])
    ))  # fmt: skip

    found = filled(cast, incident_id)
    states[2] = ["delivered", "manual"]
    ended = filled(cast, incident_id)

    assert found["subject_communication.status"].value == "in_progress"
    assert found["subject_communication.all_informed"].value == "not_all"
    assert "4 af 5" in found["subject_communication.means_description"].value
    assert found["subject_communication.content"].value == "En kopi blev hentet.\n\nFlere er berørt."
    assert ended["subject_communication.status"].value == "informed"
    assert ended["subject_communication.all_informed"].value == "not_all"


def test_a_correction_counts_nobody_a_second_time_and_a_posted_letter_is_said_to_be_one(
    app, cast, monkeypatch
):
    incident_id = desk.assessed(cast)
    add(cast, incident_id, communication(1, recipients=2, state="complete"))
    add(cast, incident_id, communication(2, recipients=2, text="Det var forkert."))
    with desk.working(cast, incident_id):
        first, second = db.session.query(SubjectCommunication).order_by(SubjectCommunication.number)
        second.corrects_id = first.id
    rows = (Row("email", "delivered", "da", "", 1), Row("letter", "posted", "da", "", 1))
    monkeypatch.setattr(coverage, "of", lambda each: Coverage(each.recipients, rows))

    found = filled(cast, incident_id)

    assert "2 af 2" in found["subject_communication.means_description"].value
    assert "1 af dem med et brev" in found["subject_communication.means_description"].value
    assert "Det var forkert." in found["subject_communication.content"].value


def test_whom_a_later_communication_reaches_is_one_person_told_and_no_second_one_left(app, cast):
    incident_id, first_id, people_ids = telling_rows.told(cast, 4, state="complete")
    with desk.working(cast, incident_id) as incident:
        first = db.session.get_one(SubjectCommunication, first_id)
        later = telling_rows.communication(incident_id, cast.promark, number=2, recipients=3)
        fates = ("delivered", "posted", "manual", "manual")
        telling_rows.sending(
            first, [(each, "email", fate, {}) for each, fate in zip(people_ids, fates, strict=True)]
        ).planned = 4
        begun = telling_rows.sending(
            later, [(people_ids[1], "sms", "delivered", {}), (people_ids[2], "letter", "posted", {})],
            state="running",
        )  # fmt: skip
        begun.planned = 2
        db.session.flush()
        before = told_of(incident)
        begun.planned = 3
        db.session.add(SendingGroup(
            organisation_id=incident.organisation_id, sending_id=begun.id, number=1, channel="sms",
            locale="da", size=1, about=incident.chain, members=packed([Member(people_ids[3], "DK", 0)]),
            ready_at=utcnow(),
        ))  # fmt: skip
        found = told_of(incident)

    assert (before.total, before.reached, before.posted) == (5, 3, 1)  # of the last it is not known who
    assert (found.total, found.reached, found.posted) == (4, 3, 1)


def test_the_contact_of_a_processor_comes_from_the_register(app, cast):
    chain = [{"name": name, "role": "processor"} for name in (people.HOSTCO, "Somebody Else")]
    incident_id = desk.assessed(cast, chain=chain)
    with desk.working(cast, incident_id) as incident:
        db.session.add(ProcessorContact(
            organisation_id=incident.organisation_id, processor_id=incident.processor_id, position=-1,
            name="Kari Vakt", email="vakt@hostco.example", added_at=utcnow(),
        ))  # fmt: skip
    known, stranger = filled(cast, incident_id)["parties"].value

    assert known["contact"] == "Kari Vakt\nvakt@hostco.example"
    assert known["contact_source"] == "processor register"
    assert "contact" not in stranger


def test_only_the_reasons_of_this_authority_explain_its_delay(app, cast):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id):
        duties = db.session.query(Duty).filter_by(incident_id=incident_id, regime="gdpr-33").all()
        for duty in duties:
            db.session.add(DelayReason(
                organisation_id=duty.organisation_id, duty_id=duty.id, number=1, by="Astrid Holm",
                text=f"For {duty.recipient}.", at=utcnow(),
            ))  # fmt: skip
    found = filled(cast, incident_id, now=utcnow() + timedelta(days=9))

    assert found["timeline.delay_reasons"].value == "For dk-datatilsynet."
    assert found["notification.late"].value is True


def test_who_leads_the_incident_files_and_is_no_officer_by_that(app, cast):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        incident.lead_id = cast.staff[people.ASTRID]
    found = filled(cast, incident_id)

    assert found["reporter.name"].value == "Astrid Holm"
    assert "reporter.function" not in found
