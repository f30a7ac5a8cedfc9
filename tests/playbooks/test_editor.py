"""An organisation writes playbooks of its own on a page, and nothing that cannot be carried out is kept."""

import io
import json
import re

import pytest

from playbooks import library
from tests import people
from tests.incident.browsing import form
from tests.playbooks.test_cacao import foreign

KEEP = "/playbooks/own"
WITHIN = library.playbook("ransomware").text.replace(
    'title = "Ransomware"', 'title = "Ransomware at ProMark"'
)


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def keep(browser, text, *, began="", after=0, button="save"):
    return browser.post(KEEP, data={"text": text, "began": began, "after": after, button: "1"})


def test_one_of_ours_becomes_ones_own_takes_its_place_and_gives_it_back(dorthe):
    typed = form(dorthe.get("/playbooks/own/new?from=ransomware").text, KEEP)
    assert typed["text"][0].lstrip("\n") == library.playbook("ransomware").text

    answer = keep(dorthe, WITHIN, began="ransomware")

    assert answer.status_code == 303
    assert "Ransomware at ProMark" in dorthe.get("/playbooks/ransomware").text
    assert "your own, version 1" in dorthe.get("/playbooks").text
    dorthe.post("/playbooks/own/ransomware/retirement", data={"reason": "Ours will do."})
    assert "Ransomware at ProMark" not in dorthe.get("/playbooks/ransomware").text
    assert "holds no more" in dorthe.get("/playbooks/own/ransomware/versions").text


def test_a_fault_is_told_by_line_and_what_was_typed_stays(dorthe):
    wrong = WITHIN.replace('role = "it"', 'role = "janitor"', 1) + "# æøå <b>\n"

    answer = keep(dorthe, wrong, began="ransomware")

    assert answer.status_code == 422
    line = wrong.splitlines().index('role = "janitor"') + 1
    assert f'data-line="{line}"' in answer.text
    assert "janitor" in answer.text
    assert form(answer.text, KEEP)["text"][0].lstrip("\n") == wrong
    assert "<b>" not in answer.text
    assert "your own, version" not in dorthe.get("/playbooks").text


def test_checking_keeps_nothing_and_shows_what_would_come(dorthe):
    answer = keep(dorthe, WITHIN, button="check")

    assert answer.status_code == 200
    assert "Ransomware at ProMark is sound" in answer.text
    assert "takes the place of ours" in answer.text
    assert "your own, version" not in dorthe.get("/playbooks").text


def test_a_colleague_who_was_quicker_is_not_written_over(dorthe, signed_in):
    keep(dorthe, WITHIN, began="ransomware")

    late = keep(dorthe, WITHIN + "# mine\n", began="ransomware", after=0)

    assert late.status_code == 409
    assert "in the meantime" in late.text
    assert "version 1" in dorthe.get("/playbooks").text


def test_it_goes_out_as_cacao_and_others_come_in_to_be_gone_over(dorthe):
    keep(dorthe, WITHIN, began="ransomware")

    sent = dorthe.get("/playbooks/own/ransomware/cacao.json")
    assert sent.headers["Content-Disposition"] == 'attachment; filename="ransomware.cacao.json"'
    assert sent.json["name"] == "Ransomware at ProMark"

    upload = {"document": (io.BytesIO(json.dumps(foreign()).encode()), "theirs.json")}
    page = dorthe.post("/playbooks/own/import", data=upload).text
    assert "Block the sender" in page
    assert "no due times" in page
    typed = form(page, KEEP)
    assert keep(dorthe, typed["text"][0], button="check").status_code == 200


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[]", b"[" * 100_000, b'{"type": "playbook"}'])
def test_what_is_no_playbook_is_refused_in_a_sentence(dorthe, body):
    answer = dorthe.post("/playbooks/own/import", data={"document": (io.BytesIO(body), "x.json")})

    assert answer.status_code == 422
    assert re.search("not JSON|no CACAO", answer.text)


def test_who_may_not_write_them_reads_them(dorthe, signed_in):
    keep(dorthe, WITHIN, began="ransomware")
    astrid = signed_in(people.ASTRID)

    assert keep(astrid, WITHIN).status_code == 403
    assert astrid.get("/playbooks/own/new").status_code == 403
    assert "Make one of your own" not in astrid.get("/playbooks/lost_device").text
    assert astrid.get("/playbooks/own/ransomware/versions/1.toml").text == WITHIN


def test_another_organisation_has_ours(dorthe, signed_in):
    keep(dorthe, WITHIN, began="ransomware")
    stranger = signed_in(people.ESKIL)

    assert "Ransomware at ProMark" not in stranger.get("/playbooks/ransomware").text
    assert stranger.get("/playbooks/own/ransomware/versions").status_code == 404
