"""The packs of the example incident say, word for word, what was read by people and found right."""

import json

import pytest

from incident import pack_files
from incident.authorities import forms
from tests import golden_packs

CHANGED = "The pack changed. Run `python -m tests.golden_packs`, and read what is different."


@pytest.fixture(autouse=True)
def around():
    with golden_packs.app().app_context():
        yield


@pytest.mark.parametrize("authority", golden_packs.AUTHORITIES)
def test_a_pack_says_what_it_said_when_it_was_read(authority):
    kept = (golden_packs.TEXTS / f"pack-{authority}.txt").read_text(encoding="utf-8")

    assert golden_packs.text(authority) == kept, CHANGED


@pytest.mark.parametrize("authority", golden_packs.AUTHORITIES)
def test_a_pack_leaves_no_word_without_a_translation(authority):
    content = golden_packs.document(authority)

    assert f"[{content['locale']}:" not in golden_packs.text(authority)


@pytest.mark.parametrize("authority", golden_packs.AUTHORITIES)
def test_the_json_of_each_pack_answers_by_the_numbers_of_the_common_template(authority):
    content = golden_packs.document(authority)
    made = pack_files.json_bytes(content)

    told = json.loads(made)
    assert told["template"] == "EDPB common template"
    numbers = {str(field.number) for field in forms.all_forms()[forms.COMMON][-1].fields()}
    assert told["fields"].keys() <= numbers
    assert golden_packs.NAME in json.dumps(told["fields"], ensure_ascii=False)
    assert pack_files.json_bytes(content) == made
