"""Calm, a page reaches the provider within a second of the commit that owes it."""

import statistics
from datetime import datetime

import pytest
from sqlalchemy import select

from foundation.database import db
from notifications.models import Attempt, Message
from tests.faults.installation import Installation, token

pytestmark = pytest.mark.faults


def test_calm_a_page_reaches_the_provider_within_a_second(product: Installation, record_property):
    ids = [message_id for _ in range(10) for message_id in paged(product)]

    with product.at_work():
        owed = {
            str(attempt): at
            for attempt, at in db.session.execute(
                select(Attempt.id, Message.created_at)
                .join(Message, Message.id == Attempt.message_id)
                .where(Message.id.in_(ids))
            )
        }
    taken = sorted(
        (datetime.fromisoformat(line["at"]) - owed[token(line)]).total_seconds()
        for line in product.sandbox.accepted()
        if token(line) in owed
    )
    record_property("latency", f"p50 {statistics.median(taken):.2f} s, worst {taken[-1]:.2f} s")
    print(f"commit to provider: p50 {statistics.median(taken):.2f} s, worst {taken[-1]:.2f} s")  # noqa: T201
    assert statistics.median(taken) < 2
    assert taken[-1] < 4


def paged(product: Installation) -> list:
    page = list(product.page().values())
    product.wait_until_sent(*page)
    return page
