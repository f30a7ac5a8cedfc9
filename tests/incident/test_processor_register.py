"""The register of processors: one name once, no circles, who has left signs no more, nothing vanishes."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from foundation import ledger
from foundation.database import acting_for, changed, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import processors
from incident.models import Processor, ProcessorContact, name_key
from incident.processor_register import changing, contacts, fields, marks, tree
from incident.processor_register.circles import circles, too_deep
from incident.processor_register.marks import Mark
from tests import people
from tests.attacks import sending
from tests.incident.test_processor_pages import processor

TEST = b'{"type": "incident.test", "timestamp": "2026-11-23T09:00:00Z", "data": {}}'


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def add(cast, name, serves=None):
    """A processor of ProMark's; its id."""
    with acting_for(cast.promark), transaction():
        return changing.add(
            {"name": name, "country": "DK"}, organisation_id=cast.promark, serves_id=serves, actor="Dorthe",
            now=utcnow(),
        ).id  # fmt: skip


def move(cast, who, to):
    with acting_for(cast.promark), transaction():
        return changing.change(changing.found(who), {"serves_id": to}, actor="Dorthe", now=utcnow())


def test_one_name_is_one_processor_whatever_its_letters_and_spaces(app, cast):
    for name in ("hostco aps", "  HostCo   ApS ", "ＨｏｓｔＣｏ\u00a0ApS", "HOSTCO\u2003APS"):
        with pytest.raises(processors.Taken, match="HostCo ApS is registered already"):
            add(cast, name)


def test_a_name_that_left_is_named_as_such_and_can_be_taken_up_again(app, cast):
    made = add(cast, "TinyHost Oy")
    with acting_for(cast.promark), transaction():
        changing.end(changing.found(made), reason="Bought.", below=False, actor="Dorthe", now=utcnow())

    with pytest.raises(processors.Taken, match="as one that has left"):
        add(cast, "tinyhost oy")
    with acting_for(cast.promark), transaction():
        changing.take_up_again(changing.found(made), reason="Sold.", actor="Dorthe", now=utcnow())
    with acting_for(cast.promark):
        assert changing.found(made).ended_at is None
        told = [each.action for each in ledger.entries(processors.chain(made))]
    assert told == ["processor.added", "processor.ended", "processor.taken_up_again"]


def test_nobody_works_for_what_is_below_them(app, cast):
    hostco, nordhost = (processor(cast, name).id for name in (people.HOSTCO, people.NORDHOST))
    tape = processor(cast, "Tapevault Inc").id

    for who, to in ((hostco, hostco), (hostco, nordhost), (hostco, tape), (nordhost, tape)):
        with pytest.raises(Invalid):
            move(cast, who, to)
    assert move(cast, tape, None) == ["serves_id"]
    assert move(cast, hostco, tape) == ["serves_id"]


def test_the_database_itself_refuses_one_that_works_for_itself(app, cast):
    hostco = processor(cast, people.HOSTCO).id

    with pytest.raises(Exception, match="serves_another"), acting_for(cast.promark), transaction():
        changing.found(hostco).serves_id = hostco


def test_two_moves_at_once_make_no_circle(app, cast):
    one, other = add(cast, "One"), add(cast, "Other")
    at_once, refused = threading.Barrier(2), []

    def moving(who, to):
        with app.app_context():
            at_once.wait()
            try:
                move(cast, who, to)
            except Refused as fault:
                refused.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=moving, args=each) for each in ((one, other), (other, one))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(refused) == 1
    with acting_for(cast.promark):
        parents = {each.id: each.serves_id for each in tree.known()}
    assert circles(parents) == {}


def test_a_tree_deeper_than_a_report_can_tell_of_is_refused(app, cast):
    at = None
    for level in range(tree.MOST_LEVELS):
        at = add(cast, f"Level {level}", at)

    with pytest.raises(Invalid, match="levels deep"):
        add(cast, "One too many", at)


def test_circles_and_depths_are_found_in_a_long_list_at_once():
    ring = {number: (number + 1) % 3000 for number in range(3000)}
    line = {number: number - 1 for number in range(3001, 9000)} | {3000: None, 9000: 5}

    assert set(circles(ring | line)) == set(range(3000))
    assert too_deep(line, 10) == set(range(3010, 9000))


def test_who_has_left_signs_no_more_and_stays_on_record(dorthe, cast, client):
    hostco = processor(cast, people.HOSTCO)
    assert sending.post(client, cast.hostco, TEST).status_code == 202

    page = dorthe.post(f"/processors/{hostco.id}/end", data={"reason": "Moved.", "below": "yes"})

    assert page.status_code == 303
    assert sending.post(client, cast.hostco, TEST).status_code == 401
    assert processor(cast, people.NORDHOST).ended_at is not None
    assert str(hostco.id) not in dorthe.get("/processors").text
    assert "Moved." in dorthe.get(f"/processors/{hostco.id}").text
    assert dorthe.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"}).status_code == 409
    dorthe.post(f"/processors/{hostco.id}/resumption", data={"reason": "Back."})
    assert sending.post(client, cast.hostco, TEST).status_code == 401  # what was handed out once stays dead


def test_ending_wants_a_reason(dorthe, cast):
    hostco = processor(cast, people.HOSTCO)

    assert dorthe.post(f"/processors/{hostco.id}/end", data={"reason": " "}).status_code == 422
    assert processor(cast, people.HOSTCO).ended_at is None


def test_the_old_secret_can_be_ended_before_its_week_is_over(dorthe, cast, client):
    hostco = processor(cast, people.HOSTCO)
    dorthe.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"})
    assert "2 secrets are live" in dorthe.get(f"/processors/{hostco.id}").text

    dorthe.post(f"/processors/{hostco.id}/endpoint/older-secrets/end")

    assert sending.post(client, cast.hostco, TEST).status_code == 401
    assert "1 secret is live" in dorthe.get(f"/processors/{hostco.id}").text


def test_an_old_secret_signs_for_a_week_and_not_longer(dorthe, cast, client, clock):
    hostco = processor(cast, people.HOSTCO)
    dorthe.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"})
    with everyone():
        endpoint = cast.hostco.path.rsplit("/", 1)[1]
        counts = [
            len(processors.sender(endpoint, utcnow() + timedelta(days=days)).secrets) for days in (6.9, 7.1)
        ]

    assert counts == [2, 1]


def test_contacts_are_encrypted_verified_and_stale_after_a_year(dorthe, cast, clock):
    nordhost = processor(cast, people.NORDHOST)
    typed = {"name": "Ola Nord", "role": "Night desk", "phone": "47 22 00 00 00", "email": "ola@nord.example"}

    wrong = dorthe.post(f"/processors/{nordhost.id}/contacts", data=typed | {"phone": "12", "email": "x"})
    right = dorthe.post(f"/processors/{nordhost.id}/contacts", data=typed | {"phone": "+47 22 00 00 00"})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert "this is no e-mail address" in wrong.text
    assert "this is no telephone number" in wrong.text
    with acting_for(cast.promark):
        mine = select(ProcessorContact).where(ProcessorContact.processor_id == nordhost.id)
        ola = next(each for each in db.session.scalars(mine) if each.name == "Ola Nord")
        assert ola.phone == "+4722000000"
        raw = db.session.connection().exec_driver_sql("SELECT * FROM processor_contacts").all()
        told = [str(each.details) for each in ledger.entries(processors.chain(nordhost.id))]
    for secret in ("Ola", "2200", "ola@nord"):
        assert secret not in str(raw)
        assert secret not in str(told)
    assert Mark.STALE in _marks(cast, nordhost.id)
    dorthe.post(f"/processors/contacts/{ola.id}/verification")
    assert Mark.STALE not in _marks(cast, nordhost.id)
    assert Mark.STALE in _marks(cast, nordhost.id, later=366)
    dorthe.post(f"/processors/contacts/{ola.id}", data=typed | {"phone": "+47 22 00 00 01"})
    assert Mark.STALE in _marks(cast, nordhost.id)  # nobody has tried the new number
    dorthe.post(f"/processors/contacts/{ola.id}/removal")
    assert "Ola Nord" not in dorthe.get(f"/processors/{nordhost.id}").text


def test_a_contact_changes_beside_whoever_holds_its_processor_and_then_takes_the_contact(app, cast, dorthe):
    """As an import does: taken the other way round, the two would wait for each other."""
    hostco = processor(cast, people.HOSTCO)
    typed = {"name": "Night desk", "phone": "+45 70 00 00 01"}
    with acting_for(cast.promark), transaction():
        told = contacts.Told("Night desk", "", None, "+4570000000")
        contact_id = contacts.add(changing.found(hostco.id), told, actor="Dorthe", now=utcnow()).id
    answers = []

    def press():
        with app.app_context():
            answers.append(dorthe.post(f"/processors/contacts/{contact_id}", data=typed).status_code)

    pressing = threading.Thread(target=press)
    with acting_for(cast.promark), transaction():
        changing.found(hostco.id, locked=True)
        pressing.start()
        time.sleep(1)
        changed(update(ProcessorContact).where(ProcessorContact.id == contact_id).values(role="Night"))
    pressing.join()

    assert answers == [303]


def _marks(cast, processor_id, later=0):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        verified = marks._verified().get(processor_id)
        stale = contacts.is_stale(verified, utcnow() + timedelta(days=later))
    return {Mark.STALE} if stale else set()


def test_what_people_write_is_understood(app):
    for field, text, value in (
        ("country", "Danmark", "DK"),
        ("notice_hours", "1,5 h", "1.5"),
        ("people", "12.000", "12000"),
        ("agreement_on", "31.3.2026", "2026-03-31"),
        ("data_categories", "Names; health, User name with password", "name; health; login_credentials"),
        ("transfers", "US (SCC, 2026-01-15); India: BCR",
         "US: standard_clauses, 2026-01-15; IN: binding_rules"),
        ("countries", "dk, Sverige; FI", "DK; SE; FI"),
    ):  # fmt: skip
        values, faults = fields.read({field: text}, now=utcnow())
        assert faults == {}, field
        assert fields.written(field, values[field]) == value


def test_what_cannot_be_is_refused(app):
    for field, text in (
        ("country", "UK"), ("notice_hours", "0"), ("notice_hours", "nan"), ("notice_hours", "9000"),
        ("people", "-3"), ("people", "1e9"), ("agreement_on", "31.2.2026"), ("transfers", "SE: scc"),
        ("transfers", "US: scc, 2090-01-01"), ("name", " "), ("name", "a\nb"), ("service", "x" * 201),
        ("data_categories", "souls"),
    ):  # fmt: skip
        assert list(fields.read({field: text}, now=utcnow())[1]) == [field], text


def test_the_key_of_a_name_fits_its_column():
    assert len(name_key("\ufdfa" * 200)) <= 700


def test_a_change_says_what_it_changed_and_of_notes_only_that(dorthe, cast):
    hostco = processor(cast, people.HOSTCO)
    typed = {
        "name": people.HOSTCO, "country": "DK", "notice_hours": "36", "notes": "Ask for Freja.",
        "data_categories": ["name", "health"], "transfers.0.country": "US", "transfers.0.basis": "adequacy",
        "seen": hostco.changed_at.isoformat(),
    }  # fmt: skip

    faulty = dorthe.post(
        f"/processors/{hostco.id}/edit", data=typed | {"notice_hours": "soon", "people": "many"}
    )
    kept = dorthe.post(f"/processors/{hostco.id}/edit", data=typed)
    late = dorthe.post(f"/processors/{hostco.id}/edit", data=typed | {"notice_hours": "1"})

    assert (faulty.status_code, kept.status_code, late.status_code) == (422, 303, 409)
    assert "a number of hours" in faulty.text
    assert "a whole number" in faulty.text
    assert processor(cast, people.HOSTCO).notice_hours == 36
    with acting_for(cast.promark):
        entry = ledger.entries(processors.chain(hostco.id))[-1]
    assert entry.details["changed"]["notice_hours"] == {"before": 24.0, "after": 36.0}
    assert entry.details["changed"]["notes"] == "changed"
    assert "Freja" not in str(entry.details)


def test_the_tree_is_a_list_that_can_be_walked_by_keyboard_and_heard(dorthe, cast, client):
    sending.post(client, cast.hostco, sending.report(reference="HC-1"))

    page = dorthe.get("/processors").text

    hostco, nordhost = processor(cast, people.HOSTCO), processor(cast, people.NORDHOST)
    one = page[page.index(f'href="/processors/{hostco.id}"') : page.index("Lønhuset")]
    assert f'href="/processors/{nordhost.id}"' in one
    assert one.index("<ul") < one.index(str(nordhost.id))
    for word in ("incident open", "never tested", "contact stale", "outside the EEA", "no endpoint"):
        assert word in one, word
    assert "<script" not in page.partition("<main")[2]


def test_astrid_reads_the_register_and_changes_nothing(app, signed_in, cast):
    astrid, hostco = signed_in(people.ASTRID), processor(cast, people.HOSTCO)

    assert "Edit the entry" not in astrid.get(f"/processors/{hostco.id}").text
    assert "duty@hostco.example" in astrid.get(f"/processors/{hostco.id}").text
    assert astrid.get(f"/processors/{hostco.id}/edit").status_code == 403
    for place in ("edit", "end", "resumption", "contacts", "endpoint/older-secrets/end"):
        assert astrid.post(f"/processors/{hostco.id}/{place}", data={"reason": "x"}).status_code == 403


def test_last_seen_names_what_was_signed_last(dorthe, cast, client):
    hostco = processor(cast, people.HOSTCO)
    assert "nothing signed came in yet" in dorthe.get(f"/processors/{hostco.id}").text

    sending.post(client, cast.hostco, sending.report(reference="HC-1"))
    assert "incident.reported" in dorthe.get(f"/processors/{hostco.id}").text
    sending.post(client, cast.hostco, TEST)

    page = dorthe.get(f"/processors/{hostco.id}").text
    assert "<code>incident.test</code>" in page
    assert "Never tested" not in page


def test_every_processor_of_an_installation_belongs_to_one_name(app):
    with everyone():
        assert all(each.name_key == name_key(each.name) for each in db.session.scalars(select(Processor)))
