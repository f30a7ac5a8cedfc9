"""Every route says who may call it, every queue has a worker, every setting is documented."""

import re
from dataclasses import fields

import pytest
from flask import Flask

from accounts.permissions import guard_of
from foundation import queue, settings
from incident import starting
from tests.contracts.codebase import ROOT

SERVED_FILES = {"static", "bootstrap.static"}
SIGNED = {"webhook.receive", "webhook.status"}
DESCRIBED = {"webhook.describe", "webhook.notification_schema"}


def test_every_route_has_a_permission_or_a_signature_or_says_why_it_is_open(app: Flask) -> None:
    unguarded = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in SERVED_FILES and guard_of(app.view_functions[rule.endpoint]) is None
    ]

    assert unguarded == []


def test_what_programs_call_without_signing_in_is_signed(app: Flask) -> None:
    by_program = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/callbacks/", "/api/")) and rule.endpoint not in DESCRIBED
    }

    assert by_program >= SIGNED
    for endpoint in by_program:
        assert (guard_of(app.view_functions[endpoint]) or "").startswith("signed_by"), endpoint


@pytest.mark.parametrize("email", ["olga@promark.example"])
def test_who_has_no_business_with_incidents_sees_no_page_of_theirs(app: Flask, signed_in, email) -> None:
    browser = signed_in(email)
    pages = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set())
        and not rule.arguments
        and hasattr(app.view_functions[rule.endpoint], "permission")
    ]

    assert pages
    assert {page: browser.get(page).status_code for page in pages} == dict.fromkeys(pages, 403)


def test_every_queue_has_a_worker_where_the_product_runs(app: Flask) -> None:
    started = {
        name
        for name in queue.QUEUES
        for child in starting.children(app.config["SETTINGS"])
        if child.argv[-1] == name
    }
    deployed = set(re.findall(r"--queue[\"', ]+(\w+)", (ROOT / "compose.yaml").read_text()))

    assert started == deployed == set(queue.QUEUES)


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    page = (ROOT / "docs/operations/settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    sources = (ROOT / "foundation/settings.py", ROOT / "incident/starting.py")
    read = {
        name
        for source in sources
        for name in re.findall(r'"((?:BREACHCLOCK|TWILIO|SENDGRID)_[A-Z_]+)"', source.read_text())
    }

    assert documented == read
    assert fields(settings.Settings)
