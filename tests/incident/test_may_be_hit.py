"""From the register to the facts: suggested beside them, taken over as a draft, never in silence."""

import pytest

from foundation.database import acting_for, db
from incident import clocks, drafts
from incident.models import Incident
from incident.processor_register import suggestions
from incident.processor_register.suggestions import Stands
from tests import people
from tests.incident import desk
from tests.incident.test_processor_pages import processor

NOTHING_KNOWN = {"data": None, "subjects": None}


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def hit(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        return suggestions.may_be_hit(db.session.get_one(Incident, incident_id))


def draft_of(cast, incident_id, email=people.DORTHE):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        incident = db.session.get_one(Incident, incident_id)
        held = drafts.of(incident, desk.person(cast, email))
        return held and held.typed


def test_those_named_those_below_and_those_above_are_told_apart(app, cast):
    found = hit(cast, desk.reported(cast))

    assert {each.processor.name: each.stands for each in found.places} == {
        "HostCo ApS": Stands.NAMED, "NordHost AS": Stands.NAMED, "Tapevault Inc": Stands.BELOW,
    }  # fmt: skip
    assert found.systems == ("Customer portal", "Single sign-on", "Backup of the customer portal")
    assert found.people == 12000
    assert set(found.countries) == {"DK", "NO", "US", "IE"}


def test_a_processor_is_known_by_name_alone_and_without_its_company_form(app, cast):
    chain = [{"name": "nordhost", "role": "processor"}, {"name": "Nobody Ltd", "role": "sub_processor"}]

    found = hit(cast, desk.reported(cast, processor=None, chain=chain))

    assert {each.processor.name: each.stands for each in found.places} == {
        "NordHost AS": Stands.NAMED, "Tapevault Inc": Stands.BELOW, "HostCo ApS": Stands.ABOVE,
    }  # fmt: skip
    assert found.not_known == ("Nobody Ltd",)


def test_an_incident_without_a_processor_has_nothing_of_the_register(dorthe, cast):
    incident_id = desk.reported(cast, processor=None, chain=None)

    assert hit(cast, incident_id) is None
    assert "may be hit" not in dorthe.get(f"/incidents/{incident_id}").text


def test_only_what_is_unknown_is_suggested(app, cast):
    assert hit(cast, desk.reported(cast)).suggested == ()

    partly = hit(cast, desk.reported(cast, reference="HC-2", data=None))

    assert [each.pointer for each in partly.suggested] == ["/data/categories"]


def test_taken_over_it_is_a_draft_and_no_fact(dorthe, cast):
    incident_id = desk.reported(cast, **NOTHING_KNOWN)
    assert "Put it into my draft" in dorthe.get(f"/incidents/{incident_id}").text

    answer = dorthe.post(f"/incidents/{incident_id}/may-be-hit")

    assert answer.status_code == 303
    typed = draft_of(cast, incident_id)
    assert "absence" in typed["data.categories"]
    assert (typed["subjects.total.at_most"], typed["subjects.total.estimate"]) == (["12000"], ["yes"])
    assert "HostCo ApS" in typed["reason"][0]
    with acting_for(cast.promark):
        assert "data" not in clocks.document_of(db.session.get_one(Incident, incident_id))
    page = dorthe.get(f"/incidents/{incident_id}/facts/new").text
    assert 'value="12000"' in page
    assert "In your draft now" in page


def test_what_a_person_has_typed_is_never_written_over(dorthe, cast):
    incident_id = desk.reported(cast, **NOTHING_KNOWN)
    mine = {
        "after": "1", "title": "Mine", "data.categories": ["health"], "subjects.total.at_least": "7",
        "reason": "Told by phone.",
    }  # fmt: skip
    dorthe.post(f"/incidents/{incident_id}/facts/draft", data=mine)

    dorthe.post(f"/incidents/{incident_id}/may-be-hit")

    typed = draft_of(cast, incident_id)
    assert typed["data.categories"] == ["health"]
    assert "subjects.total.at_most" not in typed
    assert typed["reason"] == ["Told by phone."]
    assert typed["subjects.groups"] == ["customers", "employees"]  # of this nothing was said


def test_a_chain_nobody_told_is_suggested_from_our_own_processor_outwards(dorthe, cast):
    incident_id = desk.reported(cast, processor=people.NORDHOST, chain=None)

    dorthe.post(f"/incidents/{incident_id}/may-be-hit")

    typed = draft_of(cast, incident_id)
    assert (typed["chain.0.name"], typed["chain.1.name"]) == (["HostCo ApS"], ["NordHost AS"])
    assert (typed["chain.1.role"], typed["at_a_processor"]) == (["sub_processor"], ["yes"])


def test_who_may_not_change_facts_may_not_take_over(app, signed_in, cast):
    incident_id = desk.reported(cast, **NOTHING_KNOWN)
    nils = signed_in(people.NILS)

    assert "may be hit" in nils.get(f"/incidents/{incident_id}").text
    assert "Put it into my draft" not in nils.get(f"/incidents/{incident_id}").text
    assert nils.post(f"/incidents/{incident_id}/may-be-hit").status_code == 403
    assert processor(cast, people.HOSTCO).people == 12000
