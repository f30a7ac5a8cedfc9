"""Facts evaluated line by line by the command, against reading the same lines and checking their form.

One core, no database: what `breachclock evaluate --lines` does with documents like the published cases,
each with some facts taken away and other numbers, so that no two are alike. Told is the processor time that
it takes, so that others who want the core do not count.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from incident.rules.facts import parse
from incident.rules.reading import read_json

CASES = Path(__file__).parents[1] / "tests" / "cases"
COMMAND = (sys.executable, "-c", "import wsgi; wsgi.main()", "evaluate")
MANY = 1500  # documents in each round
GOAL = 10_000  # a minute, on one core
GOAL_ONE = 1.0  # seconds for one document, start included


def run(*, rounds: int) -> None:
    """Measure and print; fails when a line is not answered, or not in its place."""
    lines = _lines()
    with tempfile.TemporaryDirectory() as folder:
        many, one = Path(folder, "many.jsonl"), Path(folder, "one.json")
        many.write_bytes(b"\n".join(lines))
        one.write_bytes(lines[0])
        floor, whole, single = [], [], []
        for _ in range(rounds):
            floor.append(_reading(lines))
            seconds, answers = _evaluated("--lines", str(many))
            whole.append(seconds)
            _check(answers, lines)
            single.append(_evaluated(str(one))[0])
    _print(median(floor), median(whole), median(single))


def _print(floor: float, whole: float, single: float) -> None:
    working = whole - single  # starting the program is told apart
    a_minute = MANY / whole * 60
    print(
        f"  {working / floor:5.0f} times reading and checking form  {working / MANY * 1000:.1f} ms a document"
    )
    print(f"  {a_minute / GOAL:5.2f} of the goal  {a_minute:.0f} documents a minute, start included")
    print(f"  {single / GOAL_ONE:5.2f} of the goal  one document, start included, {single:.2f} s")


def _lines() -> list[bytes]:
    chance = random.Random(72)
    known = [
        case["facts"]
        for name in ("published", "routing", "promise", "deadlines")
        for case in json.loads((CASES / f"{name}.json").read_text("utf-8"))
    ]
    return [json.dumps(_another(chance.choice(known), number, chance)).encode() for number in range(MANY)]


def _another(facts: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """Like a known case, with facts taken away, and a deadline that tells which line it was."""
    told = {
        part: {name: value for name, value in members.items() if chance.random() < 0.9}
        if isinstance(members, dict)
        else members
        for part, members in facts.items()
    }
    told["subjects"] = {**told.get("subjects", {}), "total": {"at_least": chance.randrange(1, 100_000)}}
    return told | {"timeline": {"aware_at": _moment(number)}}


def _moment(number: int) -> str:
    return f"2026-10-06T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"


def _reading(lines: list[bytes]) -> float:
    """Seconds of a core to read all lines and check their form."""
    start = time.process_time()
    for line in lines:
        parse(read_json(line))
    return time.process_time() - start


def _evaluated(*arguments: str) -> tuple[float, bytes]:
    """Seconds of a core that the command took, start included, and what it said."""
    before = _of_children()
    answers = subprocess.run([*COMMAND, *arguments], capture_output=True, check=True).stdout
    return _of_children() - before, answers


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _check(answers: bytes, lines: list[bytes]) -> None:
    """Every line has its answer in its place."""
    starts = [
        next(each["starts_at"] for each in json.loads(line)["clocks"] if each["kind"] != "triage")
        for line in answers.splitlines()
        if json.loads(line)["clocks"]
    ]
    if len(answers.splitlines()) != len(lines) or starts != sorted(starts):
        raise SystemExit("Some lines were not answered, or not in their order.")
