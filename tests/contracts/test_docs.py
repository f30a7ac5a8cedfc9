"""What README and docs point at is there: files, functions, pages and pictures."""

import ast
import re
from pathlib import Path

import pytest

from tests.contracts.codebase import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"`([\w./-]+\.(?:py|toml|json|html|js|css|yaml))(?:: ?([A-Za-z_][\w.]*)(?:\(\))?)?`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def names_in(path: Path) -> set[str]:
    """What a module defines, methods as Class.method and alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def place_of(name: str, page: Path) -> Path | None:
    """The file a page names: from the root, or beside the page."""
    return next((each for each in (ROOT / name, page.parent / name) if each.is_file()), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_function_a_page_names_exists(page: Path) -> None:
    gone = []
    for name, function in CODE.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "/" not in name:
            continue  # a kind of file, such as `models.py`, and no place
        path = place_of(name, page)
        if path is None or (function and path.suffix == ".py" and function not in names_in(path)):
            gone.append(f"{name}: {function}" if function else name)

    assert gone == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    here = [each.partition("#")[0] for each in targets if not re.match(r"[a-z]+:", each)]

    assert [each for each in here if each and not (page.parent / each).exists()] == []


def test_the_story_names_a_function_at_every_stop() -> None:
    story = (ROOT / "docs/story.md").read_text(encoding="utf-8")
    stops = story.split("\n## ")[1:]

    assert len(stops) == 8
    assert [stop.partition("\n")[0] for stop in stops if not [f for _n, f in CODE.findall(stop) if f]] == []


def test_every_picture_is_shown_somewhere() -> None:
    shown = {Path(target).name for page in PAGES for target in LINK.findall(page.read_text(encoding="utf-8"))}

    assert {each.name for each in (ROOT / "docs/screenshots").glob("*.png")} <= shown
