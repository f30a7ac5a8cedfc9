"""What is deployed over several containers is the whole product."""

import re

import yaml

from foundation.queue import QUEUES
from tests.contracts.codebase import ROOT

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_every_queue_has_a_worker() -> None:
    consumed = {
        command[-1] for each in SERVICES.values() if (command := each.get("command", [""]))[0] == "worker"
    }

    assert consumed == set(QUEUES)


def test_there_is_a_web_and_a_clock() -> None:
    commands = [each.get("command") for each in SERVICES.values()]

    assert ["web"] in commands
    assert ["clock"] in commands


def test_the_queue_server_evicts_nothing_and_remembers() -> None:
    options = " ".join(SERVICES["valkey"]["command"])

    assert "--maxmemory-policy noeviction" in options
    assert "--appendonly yes" in options


def test_nothing_that_is_installed_names_where_it_came_from() -> None:
    files = [*ROOT.glob("requirements*"), ROOT / "run", ROOT / "pyproject.toml", ROOT / "Dockerfile"]

    named = [
        f"{file.name}: {line}"
        for file in files
        for line in file.read_text().splitlines()
        if re.search(r"(https?|file)://|--(extra-)?index-url|--find-links", line)
    ]

    assert len(files) > 6
    assert named == []
