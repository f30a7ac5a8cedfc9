"""Customers of two incidents that are one breach: each is told, of all of it, and never twice of the same."""

import pytest

from foundation.database import utcnow
from foundation.errors import Refused
from incident import splitting, triage
from incident.controller_notices import aside, fan_out, rounds, sending
from tests import people
from tests.incident import controllers, desk
from tests.incident.test_merging import merge, split_off, two


def all_told(cast, incident_id, work):
    """The notices of the round that is prepared go out and arrive."""
    controllers.write(cast, incident_id)
    controllers.approve(cast, incident_id)
    sent = controllers.send(cast, incident_id)
    work()
    work()
    return sent


def owed(cast, incident_id):
    return {state for regime, _to, state in desk.duties_of(cast, incident_id) if regime == fan_out.REGIME}


def states(cast, incident_id):
    return [each.state for each in controllers.notices(cast, incident_id).values()]


def test_whom_nobody_told_before_the_merger_is_told_by_the_one_that_carries(app, cast, work):
    carrier, carried = two(cast)
    controllers.owe()  # before anybody was in the register: nothing is owed
    controllers.three(cast)
    with desk.working(cast, carried) as incident:
        by = desk.person(cast, people.ASTRID)
        fan_out.add(incident, fan_out.lacking(incident), reason="", by=by, now=utcnow())
    merge(cast, carried, carrier)

    controllers.owe()
    controllers.owe()

    assert states(cast, carrier) == ["draft"] * 3
    assert all_told(cast, carrier, work) == 3
    assert owed(cast, carrier) == {"met"}


def test_whom_the_carried_one_told_is_owed_the_rest_as_a_further_notice(app, cast, sandbox, work):
    carrier, carried = two(cast)
    controllers.owe()
    controllers.three(cast)
    with desk.working(cast, carried) as incident:
        by = desk.person(cast, people.ASTRID)
        fan_out.add(incident, fan_out.lacking(incident), reason="", by=by, now=utcnow())
    all_told(cast, carried, work)
    merge(cast, carried, carrier)
    assert owed(cast, carrier) == {"filed_in_part"}

    controllers.owe()
    assert all_told(cast, carrier, work) == 3

    assert owed(cast, carrier) == {"met"}
    _first, second = sandbox.mail_to(controllers.details(cast, "Butik Nord A/S").contacts[0].email)
    assert "supplerer" in second["body"]


def test_whom_the_carrier_told_or_set_aside_is_owed_what_the_other_adds(app, cast, work):
    known = controllers.three(cast)
    carrier, carried = two(cast)
    controllers.owe()
    one = {known["Butik Nord A/S"]}
    with desk.working(cast, carrier) as incident:
        by = desk.person(cast, people.ASTRID)
        aside.propose(incident, one, reason="Not there.", by=by, now=utcnow())
        aside.agree(incident, one, by=desk.person(cast, people.BIRK), now=utcnow())
    all_told(cast, carrier, work)
    merge(cast, carried, carrier)

    controllers.owe()

    assert all_told(cast, carrier, work) == 3
    assert owed(cast, carrier) == {"met"}


def test_while_notices_are_on_their_way_nothing_is_merged_set_aside_rejected_or_closed(
    app, cast, sandbox, work
):
    known = controllers.three(cast)
    carrier, carried = two(cast)
    controllers.owe()
    controllers.write(cast, carried)
    controllers.approve(cast, carried)
    controllers.send(cast, carried)

    for one, into in ((carried, carrier), (carrier, carried)):
        with pytest.raises(Refused, match="on their way"):
            merge(cast, one, into)
    with desk.working(cast, carried) as incident:
        by, one = desk.person(cast, people.ASTRID), {known["Butik Nord A/S"]}
        with pytest.raises(Refused, match="on their way"):
            aside.propose(incident, one, reason="Not there.", by=by, now=utcnow())
        assert "notices to customers are under way" in triage.hindrances(incident).open_ones
        with pytest.raises(Refused, match="on their way"):
            triage.reject(incident, reason="No breach.", by="Astrid Holm", now=utcnow())

    work()
    work()
    merge(cast, carried, carrier)
    assert owed(cast, carrier) == {"filed_in_part"}


def test_a_message_that_arrives_after_all_counts_where_its_duty_is_carried(app, cast, sandbox, work):
    carrier, carried = two(cast)
    controllers.owe()
    known = controllers.register(cast, controllers.details(cast, "Butik Nord A/S"))
    with desk.working(cast, carried) as incident:
        by = desk.person(cast, people.ASTRID)
        fan_out.add(incident, known.values(), reason="", by=by, now=utcnow())
    address = controllers.details(cast, "Butik Nord A/S").contacts[0]
    sandbox.outcome(address.email, "bounce")
    sandbox.outcome(address.phone, "undelivered", code="30005")
    all_told(cast, carried, work)
    work()
    assert states(cast, carried) == ["unreached"]
    merge(cast, carried, carrier)
    assert owed(cast, carrier) == {"open"}

    with desk.working(cast, carried) as incident:
        (notice,) = rounds.notices_of(rounds.of_incident(incident)[0])
        sending.record_told(
            incident, notice, at=utcnow(), how="Telephone", whom="Karin Vagt",
            by=desk.person(cast, people.ASTRID), now=utcnow(),
        )  # fmt: skip

    assert owed(cast, carrier) == {"filed_in_part"}


def test_a_split_off_customer_has_its_notice_however_far_the_clock_was(app, cast, work):
    carrier, carried = two(cast)
    controllers.owe()
    controllers.three(cast)
    merge(cast, carried, carrier)
    with desk.working(cast, carrier) as incident:
        by = desk.person(cast, people.ASTRID)
        fan_out.add(incident, fan_out.lacking(incident), reason="", by=by, now=utcnow())
        part = splitting.Part(desk.told(cast).document, (), "Another store.", "f" * 32)
        other = splitting.split(incident, part, by=by, now=utcnow())
    split_off(cast, carried)

    controllers.owe()

    assert states(cast, other) == ["draft"] * 3
    assert states(cast, carried) == ["draft"] * 3


def test_whom_the_register_brought_in_later_is_offered_still_after_a_merger(app, cast):
    controllers.three(cast)
    carrier, carried = two(cast)
    controllers.owe()
    controllers.register(cast, controllers.details(cast, "Ny Kunde ApS"))
    merge(cast, carried, carrier)

    controllers.owe()

    assert "Ny Kunde ApS" not in controllers.stands(cast, carrier)
    assert len(states(cast, carrier)) == 3


def test_more_customers_than_one_part_holds_all_have_a_notice_after_a_crash(app, cast, monkeypatch):
    carrier, carried = two(cast)
    controllers.owe()
    controllers.register(cast, *(controllers.details(cast, f"Kunde {n:02} ApS") for n in range(5)))
    with desk.working(cast, carried) as incident:
        by = desk.person(cast, people.ASTRID)
        fan_out.add(incident, fan_out.lacking(incident), reason="", by=by, now=utcnow())
    merge(cast, carried, carrier)
    with desk.working(cast, carrier):
        assert fan_out.step(carrier, now=utcnow(), most=2) is True

    controllers.owe()

    assert len(states(cast, carrier)) == 5


def test_what_a_controller_owes_an_authority_is_not_carried_where_we_are_processor(app, cast):
    as_controller = desk.reported(cast, reference="HC-1")
    as_processor = desk.reported(cast, reference="HC-2", our_role="processor")

    with pytest.raises(Refused, match="controller in"):
        merge(cast, as_controller, as_processor)

    merge(cast, as_processor, as_controller)
