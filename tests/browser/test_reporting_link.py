"""A hosting company's operator, at night, on a telephone, over a line that comes and goes."""

import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from incident.models import Report
from tests import people
from tests.attacks import sending
from tests.browser import acts
from tests.browser.conftest import Visit
from tests.browser.test_pages_for_everybody import findings
from tests.browser.test_the_story_in_a_browser import sticks_out
from tests.incident import linking
from tests.people import PASSWORD

pytestmark = pytest.mark.browser
WHAT = "What happened? One sentence is enough."


def test_what_is_typed_survives_a_reload_and_a_lost_line_and_is_sent_once(
    app, cast, chromium: Browser, served: str, tmp_path: Path
) -> None:
    _id, address = linking.link(cast)
    context = chromium.new_context(base_url=served, viewport={"width": 390, "height": 844}, locale="en-GB",
                                   timezone_id="America/Santiago")  # fmt: skip
    page = context.new_page()
    page.goto(address)
    page.get_by_label(WHAT).fill("Somebody read the backup server.")
    page.get_by_label("Health").check()
    page.get_by_label("Your name").fill("Kim Holm")
    expect(page.get_by_label("Time zone")).to_have_value("America/Santiago")

    page.reload()
    expect(page.get_by_label(WHAT)).to_have_value("Somebody read the backup server.")
    expect(page.get_by_label("Health")).to_be_checked()

    context.set_offline(True)
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Not sent yet: the line is away")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Kim Holm")
    assert sending.kept() == (0, 0)

    context.set_offline(False)  # then it goes by itself
    expect(page.get_by_role("heading", name="has been received")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).length") == 0
    page.goto(address)
    expect(page.get_by_label(WHAT)).to_have_value("")
    context.close()
    assert sending.kept() == (1, 1)


def test_an_answer_that_was_lost_on_its_way_is_asked_for_again_and_is_one_report(
    app, cast, chromium: Browser, served: str
) -> None:
    _id, address = linking.link(cast)
    page = chromium.new_page(base_url=served)
    page.goto(address)
    page.get_by_label(WHAT).fill("Somebody read the backup server.")
    answers = []

    def lose(route):
        answers.append(route.fetch().status)  # it arrived, and nobody hears so
        route.fulfill(status=503) if len(answers) == 1 else route.continue_()

    page.route("**/r/*", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Try again in a minute")).to_be_visible()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", name="has been received")).to_be_visible()
    page.context.close()

    assert sending.kept() == (1, 1)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_form_status_and_staff_pages_can_be_read_and_used_by_everybody(
    app, cast, client, *, visit, width, scheme
) -> None:
    _id, address = linking.link(cast)
    linking.key(cast)
    app.config["WTF_CSRF_ENABLED"] = False
    status = linking.send(client, address, reported_by__name="Kim").location
    app.config["WTF_CSRF_ENABLED"] = True
    page, wrong = visit(width=width, scheme=scheme), []

    def check(path):
        answer = page.goto(path)
        assert answer.status == 200, path
        wrong.extend([*findings(page), *filter(None, [sticks_out(page)])])

    for path in (address, f"{address}/upload", status):
        check(path)
    page.goto(address)
    sizes = page.evaluate("performance.getEntries().map((each) => each.decodedBodySize ?? 0)")
    assert sum(sizes) < 20_000  # whole, with style and script, before anything compresses it
    acts.sign_in(page, people.DORTHE, PASSWORD)
    for path in (f"/processors/{linking.processor_id(cast)}/reporting", "/reports/quarantine"):
        check(path)

    assert wrong == []


def test_without_javascript_it_is_a_form_like_any_other(app, cast, visit: Visit) -> None:
    _id, address = linking.link(cast)
    page = visit(width=390, javascript=False)
    page.goto(address)
    page.get_by_label(WHAT).fill("Nogen har læst backupserveren.")
    page.get_by_role("button", name="Dansk").click()
    expect(page.locator("html")).to_have_attribute("lang", "da")
    expect(page.locator("textarea").first).to_have_value("Nogen har læst backupserveren.")

    page.locator("button.p").click()

    expect(page.locator("dl")).to_be_visible()
    assert sending.kept() == (1, 1)


def id_in(report: bytes) -> str:
    return str(json.loads(report)["webhook-id"])


def one_report_has_one_id_and_the_next_begins_empty(page: Page, report: bytes) -> None:
    with page.expect_download() as repeated:
        page.get_by_role("button", name="Make the signed file").click()
    assert Path(repeated.value.path()).read_bytes() == report
    page.get_by_label("At least").fill("900")
    with page.expect_download() as more:
        page.get_by_role("button", name="Make the signed file").click()
    assert id_in(Path(more.value.path()).read_bytes()) == id_in(report)
    page.reload()  # its file is made: this one is for another breach
    expect(page.get_by_label(WHAT)).to_have_value("")
    page.get_by_label(WHAT).fill("The mail is down as well.")
    page.wait_for_timeout(500)  # the browser itself writes a moment later, and nobody reloads so soon
    page.reload()
    expect(page.get_by_label(WHAT)).to_have_value("The mail is down as well.")
    with page.expect_download() as other:
        page.get_by_role("button", name="Make the signed file").click()
    assert id_in(Path(other.value.path()).read_bytes()) != id_in(report)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Begin anew").click()
    expect(page.get_by_label(WHAT)).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_the_offline_form_works_from_a_disk_and_its_file_is_taken(
    app, cast, chromium: Browser, *, served: str, signed_in, client, tmp_path: Path
) -> None:
    _id, address = linking.link(cast)
    app.config["WTF_CSRF_ENABLED"] = False
    made = signed_in(people.DORTHE).post(
        f"/processors/{linking.processor_id(cast)}/reporting/offline-forms", data={"locale": "en"}
    )
    assert made.headers["Content-Disposition"].startswith("attachment")
    file = tmp_path / "form.html"
    file.write_bytes(made.data)
    context = chromium.new_context(
        offline=True, accept_downloads=True, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.get_by_label(WHAT).fill("The line is cut. Somebody read the payroll.")
    page.get_by_label("At least").fill("800")
    page.get_by_label("It began").fill("2026-11-20T03:10")
    assert not sticks_out(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Make the signed file").click()
    report = Path(download.value.path()).read_bytes()
    one_report_has_one_id_and_the_next_begins_empty(page, report)
    context.close()

    answer = client.post(f"{address}/upload", data={"file": (io.BytesIO(report), "report.json")})

    assert answer.status_code == 303
    facts = json.loads(json.loads(report)["body"])["data"]
    assert facts["title"] == "The line is cut."
    assert facts["subjects"] == {"total": {"at_least": 800}}
    assert re.fullmatch(r"2026-11-(19|20)T.*Z", facts["timeline"]["occurred_from"])
    assert sending.kept() == (1, 1)
    assert linking.only(Report).state == "accepted"
