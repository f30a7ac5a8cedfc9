import importlib
import re

import pytest

from tests.incident.rules.cases import CHECKOUT

PAGES = sorted((CHECKOUT / "docs" / "law").glob("*.md"))
RULES = [page for page in PAGES if page.name != "index.md"]


def by_name(page):
    return page.stem


@pytest.mark.parametrize("page", RULES, ids=by_name)
def test_every_page_names_functions_and_tests_that_exist(page):
    text = page.read_text("utf-8")
    functions = re.findall(r"`(incident\.rules\.\w+)\.(\w+)`", text)
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)

    assert functions
    assert tests
    assert all(hasattr(importlib.import_module(module), name) for module, name in functions)
    assert all(f"def {name}(" in (CHECKOUT / path).read_text("utf-8") for path, name in tests)


@pytest.mark.parametrize("page", RULES, ids=by_name)
def test_every_page_has_its_parts_in_the_same_order(page):
    parts = re.findall(r"^\*\*(.+?)\*\*", page.read_text("utf-8"), re.MULTILINE)

    assert parts == ["Provision.", "Our reading.", "Function.", "Tests.", "How sure."]


@pytest.mark.parametrize("page", RULES, ids=by_name)
def test_the_index_calls_a_page_and_its_provision_as_the_page_does(page):
    text = page.read_text("utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    provision = re.search(r"^\*\*Provision\.\*\* (.+)$", text, re.MULTILINE)[1].removesuffix(".")
    index = (CHECKOUT / "docs" / "law" / "index.md").read_text("utf-8")

    assert f"| [{title}]({page.name}) | {provision} |" in index


def test_the_index_leads_to_every_page():
    index = (CHECKOUT / "docs" / "law" / "index.md").read_text("utf-8")

    assert set(re.findall(r"\((\w+\.md)\)", index)) == {page.name for page in RULES}
