"""Coverage counts each person once, out of what was tallied; and what was sent before there were sendings."""

from uuid import uuid4

import pytest

from foundation.database import acting_for, new_id, transaction, utcnow
from incident import coverage
from incident.coverage import Coverage, Row
from incident.models import CommunicationState, SubjectCommunication
from notifications import outbox
from tests.incident import desk, telling


def covered(*rows, total=10, **more):
    return Coverage(total, tuple(Row(*each) for each in rows), **more)


def test_only_what_arrived_or_was_posted_counts_as_informed():
    found = covered(
        ("email", "delivered", "da", "DK", 3), ("letter", "posted", "da", "DK", 2),
        ("email", "accepted", "sv", "", 1),
        ("letter", "waiting", "sv", "", 1), ("sms", "manual", "en", "", 1), ("sms", "settled", "en", "", 1),
    )  # fmt: skip

    assert (found.informed, found.posted, found.settled, found.manual, found.waiting) == (5, 2, 1, 1, 1)
    assert not found.gone_out
    assert not found.complete


@pytest.mark.parametrize(
    ("rows", "gone_out", "ended", "complete"),
    [
        ([("email", "delivered", "da", "", 9)], False, False, False),
        ([("email", "delivered", "da", "", 9), ("email", "failed", "da", "", 1)], False, False, False),
        ([("email", "delivered", "da", "", 9), ("email", "accepted", "da", "", 1)], True, False, False),
        ([("email", "delivered", "da", "", 9), ("letter", "waiting", "da", "", 1)], False, False, False),
        ([("email", "delivered", "da", "", 9), ("email", "manual", "da", "", 1)], True, True, False),
        ([("email", "delivered", "da", "", 9), ("email", "settled", "da", "", 1)], True, True, True),
        ([("email", "delivered", "da", "", 9), ("letter", "posted", "da", "", 1)], True, True, True),
    ],
)
def test_what_has_gone_out_what_has_ended_and_what_is_complete(rows, gone_out, ended, complete):
    found = covered(*rows, state="running")

    assert (found.gone_out, found.ended, found.complete) == (gone_out, ended, complete)


def test_nobody_to_tell_is_not_everybody_told():
    assert not covered(total=0).complete
    assert not covered(total=0).gone_out


def test_those_settled_are_taken_from_the_manual_list_and_from_nowhere_else():
    found = covered(
        ("email", "manual", "da", "", 2), ("sms", "manual", "sv", "", 3), ("sms", "delivered", "sv", "", 5)
    )

    after = coverage.settled(found, 4)

    assert (after.manual, after.settled, after.informed, after.complete) == (1, 4, 5, False)
    assert coverage.settled(found, 5).complete


def test_people_are_counted_by_way_and_by_language():
    found = covered(("email", "delivered", "da", "DK", 3), ("sms", "delivered", "da", "SE", 4))

    assert found.by_way()["sms"]["delivered"] == 4
    assert found.by_language()["da"]["delivered"] == 7
    assert list(found.by_country()) == ["SE", "DK"]


def test_whoever_still_waits_is_part_of_every_bar():
    found = covered(
        ("email", "delivered", "da", "DK", 3),
        ("email", "failed", "da", "DK", 1),
        pending=(Row("email", "pending", "da", "", 4), Row("sms", "pending", "sv", "", 2)),
    )

    for by in (found.by_way(), found.by_language()):
        assert sum(counts.total() for counts in by.values()) == found.total
    assert found.by_way()["email"] == {"delivered": 3, "failed": 1, "pending": 4}
    assert found.by_language()["sv"] == {"pending": 2}
    assert found.waiting == 7
    assert found.whole.total() == found.total
    assert found.whole["pending"] == 7


def test_what_was_sent_before_there_were_sendings_still_shows_whom_it_reached(app, cast, sandbox, work):
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        made = SubjectCommunication(
            id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, number=1,
            texts={"da": {"nature": "Text"}}, content_sha256="0" * 64, state=CommunicationState.SENDING,
            recipients=2, drafted_by="Astrid Holm", drafted_at=utcnow(), approved_by="Dorthe Friis",
            approved_at=utcnow(), approved_sha256="0" * 64, sent_by="Dorthe Friis", sent_at=utcnow(),
        )  # fmt: skip
        telling.db.session.add(made)
        communication_id, chain = made.id, incident.chain
    with acting_for(cast.promark), transaction():
        for to in ("ida@kunde.example", "ole@kunde.example"):
            _post(cast, chain, communication_id, to)
    sandbox.outcome("ole@kunde.example", "bounce")

    for _round in range(2):
        work()

    found = telling.covered(cast, incident_id, communication_id)
    assert (found.total, found.informed, found.manual, found.ended) == (2, 1, 1, True)


def _post(cast, chain, communication_id, to):
    outbox.post(
        organisation_id=cast.promark, about=chain, kind="subject", template="subject_notice",
        recipient=outbox.recipient(chain, "email", to, "da"), must_by=None, now=utcnow(),
        context={
            "name": "", "subject": "Om dine data", "contact": "Dorthe Friis", "controller": "ProMark",
            "paragraphs": [["Hvad er der sket?", "En kopi blev hentet."]],
        },
        dedupe_key=f"subject:{communication_id}:{uuid4()}",
    )  # fmt: skip
