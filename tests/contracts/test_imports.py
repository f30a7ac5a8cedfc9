"""The arrows between packages hold, and the contracts that say so are able to break."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contracts.codebase import PACKAGES, ROOT


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's packages, to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_right() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout


def test_a_new_module_must_be_given_its_place_in_every_package() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

    exhaustive = {name for each in contracts if each.get("exhaustive") for name in each["containers"]}

    assert exhaustive == set(PACKAGES)


@pytest.mark.parametrize(
    ("module", "line", "why"),
    [
        ("incident/utils.py", "", "incident.utils"),
        ("foundation/errors.py", "import accounts.models", "foundation is not allowed to import accounts"),
        ("playbooks/runs/doing.py", "import incident.models", "playbooks is not allowed to import incident"),
        ("incident/rules/deadlines.py", "import flask", "incident.rules is not allowed to import flask"),
        ("incident/intake.py", "import incident.processors", "incident.intake -> incident.processors"),
        ("incident/intake.py", "import notifications.models", "incident.intake -> notifications.models"),
        ("notifications/jobs.py", "import twilio.rest", "notifications.jobs -> twilio"),
        (
            "notifications/jobs.py",
            "import notifications.sandbox",
            "notifications.jobs -> notifications.sandbox",
        ),
        ("notifications/sandbox/__init__.py", "import notifications.outbox", "notifications.sandbox -> "),
        ("accounts/models.py", "import wsgi", "accounts.models -> wsgi"),
    ],
)
def test_an_arrow_drawn_backwards_is_refused(copy: Path, module: str, line: str, why: str) -> None:
    place = copy / module
    before = place.read_text() if place.exists() else ""
    place.write_text(f"{before}\n{line}\n")

    done = lint_imports(copy)

    assert done.returncode != 0
    assert why in " ".join(done.stdout.split()), done.stdout
