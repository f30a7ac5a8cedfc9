"""Every main page: nothing that axe finds, nothing wider than a telephone, nothing from elsewhere."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import acting_for, db, transaction, utcnow
from incident import drills, public_notices
from incident.controller_notices import fan_out, standing
from incident.example import controllers as example
from incident.models import Customer, Incident, Processor, Recipient
from notifications.models import Rotation
from playbooks import runs
from tests import people
from tests.browser import acts
from tests.browser.conftest import Visit
from tests.browser.test_the_story_in_a_browser import sticks_out
from tests.people import PASSWORD, Cast
from tests.story.driver import Story

pytestmark = pytest.mark.browser


def pages(story: Story, notification: str, communication: str) -> Iterator[str]:
    """The pages of the story, by address."""
    yield from ("/", "/reports", "/reports/new", "/wrong-recipient", "/register", "/register/verification",
                "/on-call", "/ready", "/on-call/policies", "/on-call/policies/new", "/on-call/teams/new",
                "/on-call/last-resort", "/settings/organisation", "/reached-by", "/reached-by/colleagues",
                "/processors", "/playbooks", "/messages", "/g", "/wrong-codes")  # fmt: skip
    for part in ("", "/awareness", "/assessments/new", "/decisions", "/facts/new", "/facts/versions",
                 "/facts/changes", "/authority-notifications", "/communications", "/record",
                 "/correspondence", "/correspondence/new", "/letters", "/public-notices", "/heard",
                 "/heard/new", "/contact-data", "/sample"):  # fmt: skip
        yield story.incident + part
    yield from (notification, f"{notification}/text", f"{notification}/print", f"{notification}/secrecy",
                f"{notification}/filing", f"{notification}/changes")  # fmt: skip
    yield from (communication, f"{communication}/recipients", f"{communication}/letters/da",
                f"{communication}/coverage", f"{communication}/who",
                f"{communication}/recipients?only=manual", f"{story.incident}/recipient-lists")  # fmt: skip


def of_people(cast: Cast, communication: str) -> list[str]:
    """The pages of one list, of one person, of what that person reads, and of a public notice."""
    own = communication.rpartition("/communications/")[0]
    incident_id = UUID(own.rpartition("/")[2])
    with acting_for(cast.promark), transaction():
        incident = db.session.get_one(Incident, incident_id)
        by = db.session.get_one(StaffMember, cast.staff[people.ASTRID])
        notice = public_notices.create(incident, kind="published", by=by, now=utcnow()).id
        mine = select(Recipient.list_id, Recipient.id).where(
            Recipient.incident_id == incident_id, Recipient.locale == "da"
        )
        list_id, person = db.session.execute(mine.order_by(Recipient.id).limit(1)).one()
    return [
        f"{own}/recipient-lists/{list_id}", f"{communication}/recipients/{person}", f"{own}/communications",
        f"{communication}/texts/da/preview", f"{communication}/texts/da/preview/{person}",
        f"{own}/contact-data/people/{person}", f"{own}/public-notices/{notice}",
        f"{own}/public-notices/{notice}/texts/da",
    ]  # fmt: skip


def beside(cast: Cast, story: Story) -> list[str]:
    """The pages of what stands beside an incident: drills, registers, rota, and an incident's own parts."""
    incident_id = UUID(story.incident.rpartition("/")[2])
    with acting_for(cast.promark), transaction():
        example.plant(now=utcnow())
        incident = db.session.get_one(Incident, incident_id)
        other = db.session.scalars(
            select(Incident.id).where(
                Incident.id != incident_id, Incident.processor_id == incident.processor_id
            )
        ).first()
        drill = drills.start(
            drills.scenario("ransomware"), organisation_id=cast.promark, by="Dorthe Friis", now=utcnow()
        ).incident_id
        customer = db.session.scalars(select(Customer.id)).first()
        processor = db.session.scalars(
            select(Processor.id).where(Processor.organisation_id == cast.promark)
        ).first()
        step = runs.steps_for(incident.chain)[0].id
        fan_out.add(
            incident, [customer], reason="For the pages.", now=utcnow(),
            by=db.session.get_one(StaffMember, cast.staff[people.DORTHE]),
        )  # fmt: skip
        round_id = standing.preparing(incident).id
        rotation = db.session.scalars(select(Rotation).order_by(Rotation.position)).first()
        assert rotation is not None
        schedule = f"/on-call/schedules/{rotation.schedule_id}"
    own = story.incident
    return [
        "/next", "/drills", f"/drills/{drill}", "/customers", "/customers/new", f"/customers/{customer}",
        "/customers/import", f"/processors/{processor}", f"/processors/{processor}/edit",
        "/on-call/calendar", "/on-call/calendar?view=week", "/on-call/schedules/new", schedule,
        f"{schedule}/edit", f"{schedule}/rotations/new", f"{schedule}/rotations/{rotation.id}",
        f"{schedule}/overrides/new", f"{schedule}/swaps/new",
        "/playbooks/own/new", "/regimes", "/on-call/deputies", "/calendar", "/handovers",
        "/reports/quarantine", f"{own}/customers", f"{own}/notices", f"{own}/notices/{round_id}",
        f"{own}/steps/{step}", f"{own}/merger?into={other}",
    ]  # fmt: skip


def findings(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{page.url.partition('//')[2].partition('/')[2]}: {each['id']} {each['nodes'][0]['html'][:200]}"
        for each in found
    ]


AT_A_DESK = ({"width": 1280, "height": 900}, "light")
ON_A_PHONE = ({"width": 390, "height": 844}, "dark")


def test_every_page_can_be_read_and_used_by_everybody(story: Story, cast: Cast, visit: Visit) -> None:
    story.app.config["WTF_CSRF_ENABLED"] = False  # the story up to here is not clicked
    story.decided()
    notification = story.dorthe_drafts().path
    story.dorthe_completes(notification)
    communication = story.people_are_told()
    story.hostco_reports(reference="HC-2026-119", title="A second one, just reported")
    story.work()
    link = "/a/" + story.sandbox.sms_to(people.ASTRIDS_PHONE)[-1]["body"].split("/a/")[1].split(maxsplit=1)[0]
    story.app.config["WTF_CSRF_ENABLED"] = True
    page = visit()
    wrong: list[str] = []

    def check(path: str) -> None:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        for window, scheme in (AT_A_DESK, ON_A_PHONE):
            page.set_viewport_size(window)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours change at once
            wrong.extend([*findings(page), *filter(None, [sticks_out(page)])])

    for path in ("/sign-in", link):
        check(path)
    acts.sign_in(page, people.DORTHE, PASSWORD)
    told = of_people(cast, communication)
    for path in [*pages(story, notification, communication), *told, *beside(cast, story)]:
        check(path)

    assert wrong == []
