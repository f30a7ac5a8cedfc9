"""What each role may do, and that nobody sees across organisations."""

import pytest

from accounts import people
from accounts.models import Role
from accounts.permissions import ROLE_PERMISSIONS, Permission, guard_of
from foundation import ledger
from foundation.database import ScopeMissing, acting_for, current_scope, everyone
from foundation.errors import Missing
from tests.accounts.small_app import address, sign_in_as, token_of

DECIDING = [p for p in Permission if p.name.startswith(("APPROVE", "SEND", "FILE", "CLOSE"))]


def test_olga_sees_nothing_and_is_told_whom_to_ask(client):
    sign_in_as(client, "olga")
    answer = client.get("/board")

    assert answer.status_code == 403
    assert "Your role does not allow this" in answer.text
    assert "Olga Berg" in answer.text  # and can sign out again


def test_a_refused_try_enters_log_and_ledger(app, client):
    sign_in_as(client, "astrid")
    client.post("/approval", data={"csrf_token": token_of(client)})

    with app.app_context(), everyone():
        last = ledger.entries(f"organisation/{people.organisation('promark').id}")[-1]
    assert (last.action, last.actor) == ("access.refused", "Astrid Holm")
    assert last.details["permission"] == "approve a notification"


def test_dorthe_approves_and_nils_does_not(app):
    codes = {}
    for user in ("dorthe", "nils"):
        client = app.test_client()
        sign_in_as(client, user)
        codes[user] = client.post("/approval", data={"csrf_token": token_of(client)}).status_code

    assert codes == {"dorthe": 200, "nils": 403}


def test_a_form_sent_without_being_signed_in_is_refused_rather_than_forgotten(client):
    answer = client.post("/approval", data={"csrf_token": token_of(client)})

    assert answer.status_code == 401
    assert "Nothing was changed" in answer.text


def test_every_role_has_its_row_and_auditors_only_read():
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert not ROLE_PERMISSIONS[Role.NONE]
    assert all(p.name.startswith(("SEE", "VERIFY")) for p in ROLE_PERMISSIONS[Role.AUDITOR])
    assert Permission.MANAGE_PEOPLE not in ROLE_PERMISSIONS[Role.DPO]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.RESPONDER, Role.AUDITOR, Role.NONE])
def test_only_the_dpo_decides_what_goes_out(role):
    assert ROLE_PERMISSIONS[role].isdisjoint(DECIDING)


def test_eskil_of_softwerk_sees_his_colleagues_and_nobody_of_promark(app, client):
    sign_in_as(client, "eskil")
    with app.app_context():
        astrid = people.known_by_email(address("astrid")).id
        eskil = people.known_by_email(address("eskil")).id

    assert client.get("/board").text == "board of Eskil Ek: Eskil Ek"
    assert client.get(f"/colleagues/{eskil}").text == "Eskil Ek"
    assert client.get(f"/colleagues/{astrid}").status_code == 404


def test_the_organisation_of_one_request_is_forgotten_by_the_next(app):
    astrid, eskil = app.test_client(), app.test_client()
    sign_in_as(astrid, "astrid")
    sign_in_as(eskil, "eskil")

    with app.app_context():  # a context that outlives requests, as commands and tests have
        for _ in range(2):
            assert "Birk" in astrid.get("/board").text
            assert "Birk" not in eskil.get("/board").text
            assert current_scope() is None
        with pytest.raises(ScopeMissing):
            people.staff_member(people.known_by_email(address("astrid")).id)


def test_nobody_of_another_organisation_is_found_by_id(app):
    with app.app_context(), acting_for(people.organisation("softwerk").id), pytest.raises(Missing):
        people.staff_member(people.known_by_email(address("astrid")).id)


def test_staff_with_a_role_are_those_active_by_name(app):
    with app.app_context(), everyone():
        promark = people.organisation("promark").id
        assert [s.name for s in people.staff_with_role(promark, Role.RESPONDER)] == [
            "Astrid Holm",
            "Birk Lund",
        ]


def test_every_route_of_accounts_carries_its_mark(app):
    ours = [view for name, view in app.view_functions.items() if name.startswith("accounts.")]

    assert len(ours) >= 4
    assert all(guard_of(view) for view in ours)
    assert guard_of(app.view_functions["board"]) == "permission: see incidents"
    assert guard_of(lambda: None) is None
