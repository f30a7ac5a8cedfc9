"""The wheel runs where there is no checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contracts.codebase import ROOT

SHOW = """
import wsgi
from foundation.settings import load
app = wsgi.create_app(load(make_keys=True))
app.jinja_env.get_template("base.html")
print(wsgi.__file__)
print(app.template_folder)
print(next(wsgi.DATA.glob("migrations/versions/*.py")).parent)
print(next(wsgi.DATA.glob("translations/da/LC_MESSAGES/*.mo")).parent)
"""
PROVIDERS = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "t" * 32,
    "TWILIO_FROM": "+4570000000",
    "TWILIO_API_BASE": "http://127.0.0.1:9",
    "SENDGRID_API_KEY": "SG.made-up",
    "SENDGRID_API_BASE": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    hatchling = Path(sys.executable).parent / "hatchling"
    subprocess.run([hatchling, "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_brings_its_pages_migrations_and_translations(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=tmp_path,
        env={
            **os.environ,
            **PROVIDERS,
            "PYTHONPATH": str(installed),
            "BREACHCLOCK_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    places = [Path(line) for line in done.stdout.split()]
    assert len(places) == 4
    assert all(place.is_relative_to(installed) for place in places), places


def test_the_wheel_brings_no_tests_and_no_tools(installed: Path) -> None:
    top = {path.name for path in installed.iterdir() if not path.name.endswith((".dist-info", "__pycache__"))}

    assert top == {
        "incident", "playbooks", "notifications", "accounts", "foundation", "wsgi.py", "breachclock_data",
    }  # fmt: skip


def test_the_wheel_has_the_command_and_the_licence(installed: Path) -> None:
    (about,) = installed.glob("*.dist-info")

    assert "breachclock = wsgi:main" in (about / "entry_points.txt").read_text()
    assert "Apache License" in (about / "licenses" / "LICENSE").read_text()
