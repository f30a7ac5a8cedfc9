"""The words of packs: one for whatever a form may print, and none that nothing reads."""

import tomllib

import pytest

from incident import drafting
from incident.authorities.forms import all_forms
from incident.packs import values
from incident.packs.printing import Printer
from incident.rules.forms import CHOICES, WORDS
from incident.rules.phases import Phase
from tests.contracts.codebase import ROOT

ZONE = "Europe/Copenhagen"
WORDS_OF = [
    each for each in sorted((ROOT / "templates/packs").glob("*/*.toml")) if each.parts[-2] != "printed"
]
READ = {"document", "phrases", "protection", "groups", "data", "consequences", "printed", "filling"}


@pytest.mark.parametrize("form", [each for versions in all_forms().values() for each in versions])
def test_every_code_that_a_form_may_print_has_words_in_its_language(app, form):
    printer = Printer(form, drafting.pack_words(form.key, form.language), ZONE)
    known = values.told_paths()

    for asked in form.fields():
        told_apart_by = {leaf.at for leaf in asked.leaves()}
        for path in set(asked.paths()) - told_apart_by:
            codes = known[path].codes or WORDS.get(known[path].kind, ())
            if known[path].kind in (*CHOICES, *WORDS) and (path != asked.answers[0] or not asked.options):
                for code in codes:
                    assert not printer.said(path, code).startswith("["), (asked.key, path, code)


@pytest.mark.parametrize("file", WORDS_OF, ids=lambda each: f"{each.parts[-2]}/{each.stem}")
def test_no_word_of_a_notification_lies_there_that_nothing_reads(file):
    texts = tomllib.loads(file.read_text("utf-8"))

    assert texts.keys() <= READ | values.told_paths().keys()
    assert texts.get("document", {}).keys() <= {"title", *Phase} - {Phase.INITIAL}
    code = "\n".join(each.read_text("utf-8") for each in (ROOT / "incident").rglob("*.py"))
    tri = {"yes", "no", "unknown", "incidental"}
    assert [key for key in texts.get("phrases", ()) if key not in tri and not _is_said(key, code)] == []


def _is_said(key, code):
    return f'"{key}"' in code or f"'{key}'" in code
