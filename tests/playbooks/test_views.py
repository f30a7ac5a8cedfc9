"""The library's pages: for those who may see incidents, with a dry run against any date."""

import re

import pytest

from playbooks import library, views
from tests.accounts import small_app


@pytest.fixture
def client(tmp_path):
    app = small_app.make(tmp_path)
    app.register_blueprint(views.bp)
    return app.test_client()


def page(client, path, user="astrid"):
    small_app.sign_in_as(client, user)
    return client.get(path)


def test_nobody_sees_the_library_without_signing_in_or_without_the_right_to(client):
    assert client.get("/playbooks").status_code == 302
    assert page(client, "/playbooks", user="olga").status_code == 403


def test_the_library_names_every_playbook(client):
    text = page(client, "/playbooks", user="nils").text

    assert [library.playbook(key).title in text for key in library.names()] == [True] * len(library.names())


def test_a_dry_run_shows_when_steps_come_due_in_the_organisations_zone(client):
    text = page(client, "/playbooks/processor_breach?reported=2027-10-30T12:00").text

    assert "Sat 30 Oct 2027, 16:00" in text  # triage, four hours later in summer time
    assert "Sun 31 Oct 2027, 11:00" in text  # 24 elapsed hours later, in winter time


@pytest.mark.parametrize(
    ("told", "says"),
    [("2027-03-28T02:30", "does not exist in Europe/Copenhagen"), ("2027-10-31T02:30", "happens twice"),
     ("yesterday", "is no date and time")],
)  # fmt: skip
def test_a_time_that_does_not_exist_or_exists_twice_is_refused_and_kept_in_its_field(client, told, says):
    answer = page(client, f"/playbooks/authority_notification?due={told}")

    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{told}"' in answer.text


def test_an_unknown_playbook_is_not_found(client):
    assert page(client, "/playbooks/earthquake").status_code == 404


@pytest.mark.parametrize("key", library.names())
def test_the_picture_needs_neither_script_nor_style_of_its_own(client, key):
    answer = page(client, f"/playbooks/{key}?reported=2026-10-02T03:00&due=2026-10-05T03:00")

    assert answer.status_code == 200
    main = re.search(r"<main.*</main>", answer.text, re.DOTALL)[0]
    assert main.count("<svg") == len(library.playbook(key).steps)
    assert not re.search(r"style=|<script|<style| on\w+=", main)


def test_what_is_typed_into_the_address_is_not_markup(client):
    text = page(client, "/playbooks/processor_breach?reported=%22%3E%3Cscript%3E").text

    assert "<script>" not in text.split("<main")[1]
