"""Roles of an incident: filled once by the rota, given to others by people, and the steps follow."""

from threading import Barrier, Thread

import pytest

from accounts import people as accounts
from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import jobs, roles
from incident.access import may_see
from incident.models import Incident, RoleHeld
from incident.roles import Given
from incident.rules.roles import Role
from playbooks import owning
from tests import people
from tests.incident import desk, rota
from tests.incident.rota import FIRST_LINE


@pytest.fixture
def night(app, cast, clock):
    """Astrid has the shift on this Tuesday, and hands over to Birk on Wednesday at nine."""
    rota.lay(cast, FIRST_LINE)
    rota.at(clock, 2027, 3, 2, 12, 0)
    return cast


def give(cast, incident_id, role, email, *, by=people.DORTHE, reason=""):
    with desk.working(cast, incident_id) as incident:
        staff_id = cast.staff[email] if email else None
        return roles.give(incident, Given(role, staff_id, reason), by=desk.person(cast, by), now=utcnow())


def owners(cast, incident_id):
    names = {staff_id: email.partition("@")[0] for email, staff_id in cast.staff.items()}
    with acting_for(cast.promark):
        db.session.rollback()
        tasks = owning.tasks([f"incident/{incident_id}"])
        return {each.role: names.get(each.owner_id) for each in tasks}


def test_two_clocks_at_the_same_time_fill_the_roles_once(night, app):
    incident_id = desk.reported(night)
    start, filled = Barrier(2), []

    def clock():
        with app.app_context():
            start.wait()
            filled.append(jobs.fill_roles())
            db.session.remove()

    threads = [Thread(target=clock) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(filled) == [0, 1]
    assert len(rota.rows(night, RoleHeld)) == len(Role)
    assert desk.actions(night, incident_id).count("roles.filled") == 1
    assert rota.holders(night, incident_id) == {
        "lead": "astrid", "dpo": "dorthe", "communications": None, "legal": None, "it": None,
    }  # fmt: skip


def test_who_is_on_call_when_it_opens_leads_it_and_the_rota_and_standing_names_come_before_the_lead(night):
    rota.lay(night, FIRST_LINE, ("0 Legal", (people.BIRK,)), ("DPO", (people.BIRK,)))
    with acting_for(night.promark), transaction():
        roles.name_deputy(
            Role.COMMUNICATIONS, night.staff[people.BIRK], by=desk.person(night, people.DORTHE), now=utcnow()
        )

    incident_id = desk.reported(night)
    rota.rounds()

    # The rotation "0 Legal" is no line of those on call, though it sorts before theirs.
    assert rota.holders(night, incident_id) == {
        "lead": "astrid", "dpo": "birk", "communications": "birk", "legal": "birk", "it": None,
    }  # fmt: skip
    assert rota.messages(night, "role_given") == ["birk", "birk"]
    rota.rounds()
    assert rota.messages(night, "role_given") == ["birk", "birk"]


def test_with_nobody_on_call_it_says_so_and_people_are_paged_as_ever(night, signed_in):
    rota.lay(night)

    incident_id = desk.reported(night)
    rota.rounds(2)

    assert rota.holders(night, incident_id)["lead"] is None
    assert desk.actions(night, incident_id).count("roles.nobody_on_call") == 1
    assert "page.started" in desk.actions(night, incident_id)
    astrid = signed_in(people.ASTRID)
    assert "nobody leads it" in astrid.get(f"/incidents/{incident_id}").text
    assert "Nobody leads this incident" in astrid.get("/next").text

    give(night, incident_id, Role.LEAD, people.ASTRID, by=people.ASTRID)

    assert "Nobody leads this incident" not in astrid.get("/next").text


def test_a_changed_role_keeps_its_history_and_tells_both(night):
    incident_id = desk.confirmed(night)
    rota.rounds()

    assert give(night, incident_id, Role.LEAD, people.BIRK, reason="Astrid sleeps")
    assert not give(night, incident_id, Role.LEAD, people.BIRK)

    lead = rota.rows(night, RoleHeld, incident_id=incident_id, role="lead")
    assert [(each.staff_id, each.until is None) for each in lead] == [
        (night.staff[people.ASTRID], False), (night.staff[people.BIRK], True),
    ]  # fmt: skip
    assert lead[0].until == lead[1].since
    assert desk.incident_of(night, incident_id).lead_id == night.staff[people.BIRK]
    assert "birk" in rota.messages(night, "role_given")
    assert rota.messages(night, "role_taken") == ["astrid"]
    with acting_for(night.promark):
        given = [e for e in ledger.entries(f"incident/{incident_id}") if e.action == "role.given"]
        assert [each.reason for each in given] == ["Astrid sleeps"]


def test_steps_follow_the_role_and_those_of_a_later_run_are_caught_up(night):
    incident_id = desk.assessed(night)
    rota.rounds()
    assert owners(night, incident_id)["dpo"] == "dorthe"

    give(night, incident_id, Role.DPO, people.BIRK)
    assert owners(night, incident_id)["dpo"] == "birk"

    give(night, incident_id, Role.DPO, None)
    assert owners(night, incident_id)["dpo"] == "astrid"  # nobody named: the lead has it
    assert rota.rounds() == [(0, 0)]


def test_who_cannot_hold_a_role_does_not_get_it(night):
    incident_id = desk.reported(night)
    with pytest.raises(Refused, match="being filled"):
        give(night, incident_id, Role.LEGAL, people.BIRK)
    rota.rounds()

    for email in (people.NILS, people.OLGA, people.ESKIL):  # an auditor, a bystander, another organisation
        with pytest.raises(Invalid):
            give(night, incident_id, Role.LEGAL, email)
    with pytest.raises(Invalid, match="keeps a lead"):
        give(night, incident_id, Role.LEAD, None)


def test_a_role_given_by_a_person_opens_a_restricted_incident_and_one_by_the_clock_does_not(night):
    rota.lay(night, FIRST_LINE, ("3 Legal", (people.BIRK,)))
    incident_id = desk.reported(night)
    rota.rounds()
    with desk.working(night, incident_id) as incident:
        incident.restricted = True

    assert not sees(night, people.BIRK, incident_id)
    give(night, incident_id, Role.IT, people.BIRK)
    assert sees(night, people.BIRK, incident_id)
    give(night, incident_id, Role.IT, None)
    assert not sees(night, people.BIRK, incident_id)


def sees(cast, email, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        query = db.select(Incident.id).where(Incident.id == incident_id, may_see(desk.person(cast, email)))
        return db.session.scalar(query) is not None


def test_the_page_gives_a_role_and_shows_who_is_gone(night, signed_in):
    incident_id = desk.reported(night)
    rota.rounds()
    dorthe = signed_in(people.DORTHE)

    answer = dorthe.post(
        f"/incidents/{incident_id}/roles",
        data={"role": "it", "staff": str(night.staff[people.BIRK]), "reason": "Knows the storage"},
    )

    assert answer.status_code == 303
    page = dorthe.get(f"/incidents/{incident_id}").text
    assert "given by Dorthe Friis" in page
    assert "Knows the storage" in page
    with everyone(), transaction():
        accounts.disable(desk.person(night, people.BIRK), by="Test", now=utcnow())
    assert "no longer here" in dorthe.get(f"/incidents/{incident_id}").text
    forged = dorthe.post(f"/incidents/{incident_id}/roles", data={"role": "king", "staff": "x"})
    assert forged.status_code == 422


def test_only_who_looks_after_the_rota_names_deputies(night, signed_in):
    chosen = {f"staff-{role}": str(night.staff[people.BIRK]) for role in ("legal", "it")}

    assert signed_in(people.ASTRID).post("/on-call/deputies", data=chosen).status_code == 403
    assert signed_in(people.DORTHE).post("/on-call/deputies", data=chosen).status_code == 303
    incident_id = desk.reported(night)
    rota.rounds()

    assert rota.holders(night, incident_id)["legal"] == "birk"
    assert "Birk Lund" in signed_in(people.DORTHE).get("/on-call/deputies").text
