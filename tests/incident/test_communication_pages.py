"""Pages of telling people: by hand from the list to the last receipt, and who may see and do what."""

from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction
from incident import letters, subject_communication
from incident.communication_texts.measures import Measures
from incident.models import Recipient, SubjectCommunication
from tests import people
from tests.incident import browsing, desk, lists, telling_rows
from tests.incident.telling import (
    LIST,
    actions,
    approve,
    begun,
    sending_of,
    sent,
    stored,
    write,
)


def pages_hash(cast, incident_id, communication_id):
    """The hash that a page of the communication shows, for approval and sending."""
    with acting_for(cast.promark):
        return subject_communication.fingerprint(stored(cast, incident_id, communication_id))


def test_the_story_by_hand_upload_write_approve_and_send(app, cast, signed_in):
    incident_id = desk.assessed(cast)
    astrid, dorthe = signed_in(people.ASTRID), signed_in(people.DORTHE)
    place = astrid.post(f"/incidents/{incident_id}/communications").location
    communication_id = UUID(place.rpartition("/")[2])
    kept = astrid.post(
        f"/incidents/{incident_id}/recipient-lists",
        data={"list": (BytesIO(LIST.encode("cp1252")), "people.csv")},
    ).location
    shown = astrid.get(kept).text
    chosen = browsing.form(shown, f"{kept}/columns")
    astrid.post(f"{kept}/columns", data=chosen)
    lists.work()
    for locale in ("da", "sv", "en"):
        write(cast, incident_id, communication_id, locale)
    seen = pages_hash(cast, incident_id, communication_id)
    dorthe.post(f"{place}/approval", data={"seen": seen})
    page = dorthe.get(place).text
    first = dorthe.post(f"{place}/sending", data={"seen": seen, "count": "3"})
    second = dorthe.post(f"{place}/sending", data={"seen": seen, "count": "3"})

    assert "Åsa Öberg" in shown
    assert "You tell 3 people: 3 by e-mail; English 1, Danish 1, Swedish 1." in page
    assert "3 e-mails, about" in page
    assert (first.status_code, second.status_code) == (303, 303)
    assert sending_of(communication_id).people == 3


def test_what_it_comes_to_is_kept_with_the_approval(app, cast, signed_in):
    incident_id, communication_id = begun(cast)
    place, dorthe = f"/incidents/{incident_id}/communications/{communication_id}", signed_in(people.DORTHE)
    page = dorthe.get(place).text
    dorthe.post(f"{place}/approval", data={"seen": pages_hash(cast, incident_id, communication_id)})

    with everyone():
        mine = select(ledger.Entry.details).where(ledger.Entry.action == "communication.approved")
        comes_to = db.session.scalars(mine).one()["comes_to"]
    assert comes_to.startswith("3 e-mails, about ")
    assert "at these prices" in comes_to
    assert comes_to.partition(";")[0] in page


def test_measures_told_otherwise_since_the_approval_are_said_before_it_is_sent(
    app, cast, signed_in, monkeypatch
):
    incident_id, communication_id = begun(cast)
    approve(cast, incident_id, communication_id)
    place, dorthe = f"/incidents/{incident_id}/communications/{communication_id}", signed_in(people.DORTHE)
    assert "Something has changed around it since" not in dorthe.get(place).text

    told = Measures("da", done=("Adgangen er lukket for altid.",))
    monkeypatch.setattr(letters, "_told_measures", lambda _incident: told)
    page = dorthe.get(place).text

    assert "Something has changed around it since" in page
    assert "Send to 3 people now" in page


def test_the_page_looks_again_while_messages_are_under_way_and_can_be_held_still(app, cast, signed_in, work):
    incident_id, communication_id = sent(cast)
    place, dorthe = f"/incidents/{incident_id}/communications/{communication_id}", signed_in(people.DORTHE)

    assert dorthe.get(place).headers["Refresh"] == "10"
    assert "Refresh" not in dorthe.get(f"{place}?steady=1").headers
    for _round in range(2):
        work()
    assert "Refresh" not in dorthe.get(place).headers


def test_contact_data_is_shown_to_those_who_may_see_recipients_only(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    nils, dorthe = signed_in(people.NILS), signed_in(people.DORTHE)

    for page in ("", "/recipients", "/letters/da"):
        assert "i••••@k••••" not in nils.get(place + page).text
        assert "ida@kunde" not in nils.get(place + page).text
        assert "Ørsted" not in nils.get(place + page).text
    shown = dorthe.get(f"{place}/recipients").text
    assert "i••••@k••••.example" in shown
    assert "ida@kunde" not in shown
    with everyone():
        ida = db.session.scalars(select(Recipient.id).order_by(Recipient.line)).first()
    for page in (f"/recipients/{ida}", f"/texts/da/preview/{ida}"):
        assert nils.get(place + page).status_code == 403


def test_the_message_of_a_person_is_masked_until_a_reason_is_given_and_recorded(app, cast, signed_in):
    fields = ("name", "email", "line1", "postcode", "city", "field:sum")
    row = "Ida Ørsted;ida@kunde.example;Hemmelig Vej 9;2100;By;17 kr.\n"
    incident_id, communication_id = begun(cast, f"a;b;c;d;e;f\n{row}", fields=fields)
    write(cast, incident_id, communication_id, "da", data="Dit navn og {field:sum}.")
    with everyone():
        ida = db.session.scalars(select(Recipient.id)).one()
    place, dorthe = (
        f"/incidents/{incident_id}/communications/{communication_id}/texts/da",
        signed_in(people.DORTHE),
    )
    masked = dorthe.get(f"{place}/preview/{ida}").text + dorthe.get(f"{place}/mail/{ida}").text
    picture = dorthe.get(f"{place}/letter/{ida}.png").data

    assert "Kære I•••• Ø••••" in masked
    assert not [each for each in ("Ørsted", "17 kr.", "Hemmelig") if each in masked]
    assert dorthe.post(f"{place}/preview/{ida}", data={"reason": " "}).status_code == 422
    dorthe.post(f"{place}/preview/{ida}", data={"reason": "The greeting looks odd."})
    clear = dorthe.get(f"{place}/preview/{ida}").text + dorthe.get(f"{place}/mail/{ida}").text
    assert "Kære Ida Ørsted" in clear
    assert "17 kr." in clear
    assert dorthe.get(f"{place}/letter/{ida}.png").data != picture
    assert actions(cast, incident_id, "person.revealed") == ["person.revealed"]
    assert "Ørsted" not in signed_in(people.ASTRID).get(f"{place}/preview/{ida}").text


def test_somebody_is_found_by_e_mail_or_number_and_no_address_of_a_page_says_whom(app, cast, signed_in):
    incident_id, communication_id = sent(cast)
    place = f"/incidents/{incident_id}/communications/{communication_id}/recipients/found"

    for text in ("IDA@kunde.example", "20 12 34 56"):
        found = signed_in(people.DORTHE).post(place, data={"text": text})
        assert (found.status_code, "I•••• Ø••••" in found.text, "Å••••" in found.text) == (200, True, False)
    assert signed_in(people.NILS).post(place, data={"text": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("who", "what", "status"),
    [
        (people.ASTRID, "/approval", 403), (people.ASTRID, "/sending", 403),
        (people.NILS, "/letters/da", 403), (people.OLGA, "/sending", 403), (people.ESKIL, "/sending", 404),
    ],
)  # fmt: skip
def test_only_who_may_can_approve_and_send(cast, signed_in, who, what, status):
    incident_id, communication_id = begun(cast)
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    seen = pages_hash(cast, incident_id, communication_id)

    assert signed_in(who).post(place + what, data={"seen": seen, "count": "3"}).status_code == status
    assert sending_of(communication_id) is None


def test_one_that_was_stopped_is_not_called_paused_and_says_why(cast, signed_in):
    incident_id, communication_id, people_ids = telling_rows.told(cast, 1)
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        sent = telling_rows.sending(made, [(people_ids[0], "letter", "waiting", {})], state="running")
        sent.state, sent.paused_by, sent.paused_why = "paused", "Dorthe Friis", "Wait a little."
    place = f"/incidents/{incident_id}/communications/{communication_id}"
    dorthe = signed_in(people.DORTHE)

    assert dorthe.post(f"{place}/end", data={"why": "The day in it is wrong."}).status_code == 303

    page = dorthe.get(place).text
    assert "Stopped for good by Dorthe Friis: The day in it is wrong." in page
    assert "Paused by" not in page


def test_a_providers_code_is_said_once(cast, signed_in):
    incident_id, communication_id, ids = telling_rows.told(cast, 2)
    named = {"code": "5.1.1", "why": "sendgrid could not deliver it (code 5.1.1)"}
    with everyone(), acting_for(cast.promark), transaction():
        made = db.session.get_one(SubjectCommunication, communication_id)
        unnamed = {"code": "bounce", "why": "no such user"}
        told = [(whose, "email", "failed", more) for whose, more in zip(ids, (named, unnamed), strict=True)]
        telling_rows.sending(made, told, state="running")
    place = f"/incidents/{incident_id}/communications/{communication_id}/recipients"
    first, second = (signed_in(people.DORTHE).get(f"{place}/{whose}").text for whose in ids)

    assert first.count("5.1.1") == 1
    assert "no such user (bounce)" in second


def test_on_a_telephone_whom_it_has_reached_stands_before_duties_and_sending(cast, signed_in):
    incident_id, communication_id = sent(cast)
    page = signed_in(people.DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text

    assert '<div class="bc-split bc-split--first">' in page  # else what stands beside comes first there
    assert page.index('id="reached"') < page.index('id="sending"')
