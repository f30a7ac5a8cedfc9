"""A processor's report through every fault: one incident, the same answer, nothing acknowledged and lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import requests
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from foundation.database import db, utcnow
from incident import example
from incident.models import Incident, Report
from tests.faults import crashing
from tests.faults.crashing import Act, Point
from tests.faults.installation import Installation

pytestmark = pytest.mark.faults


class Letter:
    """A signed report, the same bytes however often it is sent."""

    def __init__(self, reference: str | None = None) -> None:
        self.reference = reference or f"HC-{uuid4().hex[:12]}"
        self.id = f"msg_{uuid4().hex}"
        facts = {**example.first_report(utcnow()), "reference": self.reference}
        now = datetime.now(UTC).isoformat()
        self.body = json.dumps({"type": "incident.reported", "timestamp": now, "data": facts}).encode()

    def send(self, product: Installation, *, secret: str = "", timeout: float = 20) -> requests.Response:
        now = datetime.now(UTC)
        signature = Webhook(secret or product.hostco.secret).sign(self.id, now, self.body.decode())
        headers = {
            "content-type": "application/json", "webhook-id": self.id, "webhook-signature": signature,
            "webhook-timestamp": str(int(now.timestamp())),
        }  # fmt: skip
        return requests.post(product.hostco.url, data=self.body, headers=headers, timeout=timeout)

    def send_until_answered(self, product: Installation, secs: float = 20) -> requests.Response:
        """As a sender does: again, until somebody says that it is in."""

        def answer() -> requests.Response | None:
            try:
                came = self.send(product)
            except requests.RequestException:
                return None
            return came if came.status_code == 202 else None

        found: requests.Response = product.wait_for(answer, "an answer", within=secs)
        return found


def incidents(product: Installation, letter: Letter) -> int:
    with product.at_work():
        found = select(func.count()).select_from(Incident)
        return db.session.scalar(found.where(Incident.processor_reference == letter.reference)) or 0


def reports(product: Installation) -> int:
    with product.at_work():
        return db.session.scalar(select(func.count()).select_from(Report)) or 0


def forget(product: Installation) -> None:
    """End the pages that the reports have opened."""
    with product.at_work():
        product.pages += [f"incident/{each}" for each in db.session.scalars(select(Incident.id))]


@pytest.mark.parametrize("point", [Point.INSIDE_REPORT, Point.BEFORE_ANSWER])
@pytest.mark.parametrize("act", [Act.KILL, Act.KILL_ALONE])
def test_web_killed_with_a_report_in_its_hands_leaves_one_incident(product: Installation, point, act):
    letter = Letter()
    crashing.arm(product.crashes, point, letter.id, act)

    with pytest.raises(requests.RequestException):
        letter.send(product)
    kept = incidents(product, letter)
    answer = letter.send_until_answered(product)

    forget(product)
    assert kept == (point is Point.BEFORE_ANSWER)
    assert incidents(product, letter) == 1
    assert answer.json()["duplicate"] is (point is Point.BEFORE_ANSWER)


def test_a_report_retried_fifty_times_at_once_is_one_incident_and_one_answer(product: Installation):
    letter = Letter()
    crashing.arm(product.crashes, Point.BEFORE_ANSWER, letter.id, Act.KILL_ALONE)
    with pytest.raises(requests.RequestException):
        letter.send(product)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: letter.send_until_answered(product), range(50)))

    forget(product)
    told = [answer.json() for answer in answers]
    assert incidents(product, letter) == 1
    assert len({json.dumps({**each, "duplicate": True}, sort_keys=True) for each in told}) == 1
    assert [each["duplicate"] for each in told] == [True] * 50


def test_one_report_sent_fifty_times_at_once_is_new_to_one_sender_only(product: Installation):
    letter = Letter()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: letter.send_until_answered(product), range(50)))

    forget(product)
    told = [answer.json() for answer in answers]
    assert incidents(product, letter) == 1
    assert len({each["report_id"] for each in told}) == 1
    assert sum(not each["duplicate"] for each in told) <= 1


def test_the_same_reference_under_new_ids_at_once_is_one_incident(product: Installation):
    first = Letter()
    letters = [Letter(first.reference) for _ in range(12)]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda letter: letter.send_until_answered(product), letters))

    forget(product)
    assert incidents(product, first) == 1
    assert len({answer.json()["incident_id"] for answer in answers}) == 1
    assert len({answer.json()["report_id"] for answer in answers}) == 12


def test_forged_reports_leave_nothing_but_a_count(product: Installation):
    before, counted = reports(product), product.metric("reports_refused")
    forged = "whsec_" + "QUJD" * 8

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: Letter().send(product, secret=forged), range(40)))

    assert {answer.status_code for answer in answers} == {401}
    assert reports(product) == before
    assert product.metric("reports_refused") == counted + 40


def test_a_report_is_taken_in_and_pages_with_no_queue_server(product: Installation):
    product.queue.kill()

    answer = Letter().send(product)

    forget(product)
    assert answer.status_code == 202
    about = f"incident/{answer.json()['incident_id']}"
    product.wait_for(
        lambda: [row for row in product.rows() if row.page_id and row.state in ("accepted", "delivered")
                 and row.about == about],
        "the page", within=20,
    )  # fmt: skip
