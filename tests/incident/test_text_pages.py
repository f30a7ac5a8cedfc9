"""A text is written beside what is found in it, and looked at exactly as its readers will have it."""

import re

import pytest

from foundation.database import acting_for, db, utcnow
from incident import letters, subject_communication
from incident.communication_texts.measures import Measures
from incident.models import SubjectCommunication
from notifications.models import Message
from tests import people
from tests.incident import desk


@pytest.fixture
def begun(app, cast):
    """A communication with drafts in every language: (incident id, its pages' address)."""
    incident_id = desk.assessed(cast)
    with desk.working(cast, incident_id) as incident:
        made = subject_communication.create(incident, by=desk.person(cast, people.ASTRID), now=utcnow())
        return incident_id, made.id


def editor(begun, locale="en"):
    return f"/incidents/{begun[0]}/communications/{begun[1]}/letters/{locale}"


def texts(begun, locale="en"):
    return f"/incidents/{begun[0]}/communications/{begun[1]}/texts/{locale}"


def rewrite(cast, begun, locale="en", **parts):
    with desk.working(cast, begun[0]) as incident:
        found = subject_communication.of(incident, begun[1])
        subject_communication.set_texts(
            incident, found, locale, {**found.texts[locale], **parts}, seen=found.content_sha256,
            by=desk.person(cast, people.ASTRID), now=utcnow(),
        )  # fmt: skip


@pytest.fixture
def told(monkeypatch):
    """The authority was told two measures in English."""
    found = Measures("en", done=("The key is blocked.",), planned=("All keys are changed.",))
    monkeypatch.setattr(letters, "_told_measures", lambda _incident: found)
    return found


def test_a_language_that_nobody_wrote_has_no_pages(begun, signed_in):
    astrid = signed_in(people.ASTRID)

    for page in (editor(begun, "fi"), f"{texts(begun, 'fi')}/preview", f"{texts(begun, 'fi')}/mail"):
        assert astrid.get(page).status_code == 404


def test_a_person_of_a_list_is_shown_to_who_may_see_recipients_and_to_nobody_else(begun, signed_in):
    nobody = "00000000-0000-7000-8000-000000000000"
    pages = (f"preview/{nobody}", f"mail/{nobody}", f"letter/{nobody}.pdf")

    assert {signed_in(people.NILS).get(f"{texts(begun)}/{page}").status_code for page in pages} == {403}
    assert {signed_in(people.DORTHE).get(f"{texts(begun)}/{page}").status_code for page in pages} == {404}


def test_the_editor_says_what_is_in_the_way_how_hard_it_is_and_how_many_messages(begun, signed_in):
    page = signed_in(people.ASTRID).get(editor(begun)).text

    assert "cannot be approved yet" in page
    assert "Something in [brackets] is left" in page
    assert "years of school" in page
    assert "The longest sentences" in page
    assert re.search(r"\d segments?", page)


def test_measures_that_differ_stand_beside_each_other_and_are_taken_over_by_one_button(
    cast, begun, signed_in, told
):
    rewrite(cast, begun, measures="Nothing was done.")
    astrid = signed_in(people.ASTRID)
    page = astrid.get(editor(begun)).text
    link = re.search(r'href="([^"]+take=measures)#measures"', page)[1]

    taken = astrid.get(link).text

    assert "The authority was told" in page
    assert "The key is blocked." in page
    assert "Nothing is saved yet" in taken
    form = re.search(r'(?s)<textarea[^>]*id="measures".*?</textarea>', taken)[0]
    assert "– The key is blocked.\n\nWhat we will do\n– All keys are changed." in form


def test_the_same_measures_need_no_second_look(cast, begun, signed_in, told):
    rewrite(cast, begun, measures="The key is blocked.\n\nWhat we will do\nAll keys are changed.")

    assert "Take over what the authority was told" not in signed_in(people.ASTRID).get(editor(begun)).text


@pytest.mark.parametrize("locale", ["da", "nb", "sv", "en"])
def test_a_made_up_person_of_each_language_gets_all_three(begun, signed_in, locale):
    astrid = signed_in(people.ASTRID)
    page = astrid.get(f"{texts(begun, locale)}/preview").text
    mail = astrid.get(f"{texts(begun, locale)}/mail")
    pdf, png = (astrid.get(f"{texts(begun, locale)}/letter.{form}") for form in ("pdf", "png"))

    assert "segment" in page
    assert f'<html lang="{locale}">' in mail.text
    assert "⟦" not in page + mail.text
    assert (pdf.data[:5], png.data[:4]) == (b"%PDF-", b"\x89PNG")


def test_a_field_that_no_list_has_is_shown_as_missing_and_stands_in_the_way(cast, begun, signed_in):
    rewrite(cast, begun, data="Your car {field:plate}.")
    page = signed_in(people.ASTRID).get(f"{texts(begun)}/preview").text

    assert "Your car [plate]." in page


def test_an_e_mail_in_its_frame_can_run_and_load_nothing(begun, signed_in):
    policy = signed_in(people.ASTRID).get(f"{texts(begun)}/mail").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy


def test_a_proof_copy_goes_to_oneself_says_so_and_tells_nobody(app, cast, begun, signed_in):
    answer = signed_in(people.ASTRID).post(f"{texts(begun)}/proof", data={"channel": "email"})

    assert answer.status_code == 303
    with acting_for(cast.promark):
        (message,) = db.session.query(Message).filter_by(template="subject_notice").all()
        assert (message.recipient, message.kind.value) == (people.ASTRID, "internal")
        assert message.content["subject"].startswith("Proof copy: ")
        assert "Proof copy: nobody else was written to." in message.content["html"]
        assert db.session.get_one(SubjectCommunication, begun[1]).state == "draft"


def test_who_may_not_write_sends_no_proof_copies(begun, signed_in):
    assert signed_in(people.NILS).post(f"{texts(begun)}/proof", data={"channel": "email"}).status_code == 403


def test_a_channel_that_is_neither_is_refused(begun, signed_in):
    assert signed_in(people.ASTRID).post(f"{texts(begun)}/proof", data={"channel": "x"}).status_code == 409


def test_proof_copies_are_throttled(begun, signed_in):
    astrid = signed_in(people.ASTRID)
    codes = [astrid.post(f"{texts(begun)}/proof", data={"channel": "email"}).status_code for _ in range(11)]

    assert codes == [303] * 10 + [429]
