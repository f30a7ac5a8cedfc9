"""The frame of all pages, as Chromium shows it."""

import os
import shutil
import threading
from datetime import timedelta

import pytest
from flask import render_template_string
from werkzeug.serving import make_server

from accounts.permissions import Permission, requires
from foundation.database import utcnow
from tests.accounts.small_app import PASSWORD, address

CHROMIUM = os.environ.get("BREACHCLOCK_TEST_CHROMIUM") or shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="NO BROWSER")]
PAGE = """{% extends "base.html" %}
{% from "_macros.html" import badge, confirm, countdown, empty, progress with context %}
{% block title %}Clocks{% endblock %}{% block content %}<h1>Clocks</h1>
{{ countdown(due, due - td(hours=72), now, label="Authority") }}
{{ countdown(now + td(hours=2), now - td(hours=70), now, label="Board", shape="bar") }}
{% for kind in ("plain", "calm", "soon", "urgent", "late", "met") %}{{ badge(kind, kind) }}{% endfor %}
{{ empty("No incident is open", "A report opens one.") }}{{ progress(3, 4, "delivered") }}
{{ confirm("Approve", "/approval", "Approve this text") }}{% endblock %}"""


@pytest.fixture
def address_of_app(app):
    @app.get("/clocks")
    @requires(Permission.SEE_INCIDENTS)
    def clocks():
        return render_template_string(PAGE, now=utcnow(), due=utcnow() + timedelta(seconds=4), td=timedelta)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium, address_of_app):
    """A page whose console must stay silent: a word there is a broken script or a broken policy."""
    context = chromium.new_context(base_url=address_of_app)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [line for line in said if "status of 4" not in line] == []


def enter(page):
    page.goto("/sign-in?next=/clocks")
    page.get_by_label("E-mail address").fill(address("astrid"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/clocks")


def findings(page):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    return [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_read_by_everybody(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/sign-in")
    assert findings(page) == []
    page.goto("/refused")
    assert findings(page) == []
    enter(page)
    assert findings(page) == []


def test_a_clock_ticks_and_runs_over_before_one_s_eyes(page):
    enter(page)
    clock = page.locator("[data-countdown]").first
    before = clock.locator("[data-tick]").text_content()
    page.locator("[data-countdown][data-level=late]").wait_for(timeout=8000)

    assert before.startswith("00:00:0")
    assert "late" in clock.locator("[data-left]").text_content()
    assert clock.locator("[data-tick]").text_content().startswith("+")


def test_an_impatient_second_press_does_not_send_a_form_again(page):
    enter(page)
    sent = []
    page.route("**/approval", lambda route: sent.append(route.request.method))  # never answered
    page.get_by_text("Approve", exact=True).click()
    twice = "button => { button.click(); setTimeout(() => button.click(), 300) }"

    page.get_by_role("button", name="Approve this text").evaluate(twice)
    page.wait_for_timeout(1000)

    assert sent == ["POST"]


def test_a_wrong_clock_on_the_reader_s_machine_changes_nothing(page):
    page.clock.install(time=utcnow() + timedelta(days=5))
    enter(page)

    board = page.locator("[data-countdown]").nth(1)
    assert board.locator("[data-left]").text_content() in {"2 h left", "1 h 59 min left"}


def test_without_javascript_everything_is_said_and_can_be_done(chromium, address_of_app):
    context = chromium.new_context(base_url=address_of_app, java_script_enabled=False)
    page = context.new_page()
    enter(page)

    assert page.get_by_text("2 h left").is_visible()
    page.get_by_text("Approve", exact=True).click()
    assert page.get_by_role("button", name="Approve this text").is_visible()
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_text("You are signed out.").is_visible()
    context.close()


def test_on_a_phone_nothing_sticks_out_and_every_button_is_a_thumb_wide(page):
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator("button:visible, .btn:visible, nav a:visible").all():
        assert button.bounding_box()["height"] >= 43.5


def test_the_keyboard_comes_to_the_content_at_once(page):
    page.goto("/refused")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"

    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
