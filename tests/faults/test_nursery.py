"""What the nursery bears is what the command line starts, and it fails loudly; see also test_two_ways."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.processes import dies_with
from tests.faults.crashing import kill_session
from tests.faults.supervisor import Supervised, Supervisor
from tests.nursery import ROOT, Born, Nursery, NurseryDiedError, nursery
from tests.servers import wait_for

pytestmark = pytest.mark.faults

ABOUT = """
import json, os, random, signal, sys, threading
print(json.dumps({
    "argv": sys.argv, "environ": dict(os.environ), "folder": os.getcwd(), "main": __name__,
    "files": sorted(each for each in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{each}")),
    "caught": [str(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "leads": os.getsid(0) == os.getpgid(0) == os.getpid(), "read": sys.stdin.read(), "mask": os.umask(0),
    "threads": [threading.active_count(), len(os.listdir("/proc/self/task"))],
}))
print(random.random(), file=sys.stderr)
"""
ENDS = {
    "": 0,
    "import sys; sys.exit(3)": 3,
    "import sys; sys.exit('no')": 1,
    "raise ValueError": 1,
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
    "import atexit, os; atexit.register(os._exit, 5)": 5,
    "import os, threading; threading.Timer(0.2, os._exit, [6]).start()": 6,
}


def bear(nest: Nursery, log: Path, *argv: str, said: Path | None = None, **environ: str) -> Born:
    with (said or log).open("ab") as output, log.open("ab") as errors, Path(os.devnull).open("rb") as nothing:
        files = (nothing.fileno(), output.fileno(), errors.fileno())
        return nest.bear([sys.executable, *argv], {"PATH": "/bin", **environ}, files)


def as_from_a_terminal() -> None:
    """Before the reference starts: a shell that ran the tests in the background had it ignore Ctrl-C."""
    for each in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)
    dies_with(os.getppid())()


@pytest.fixture
def own() -> Iterator[Nursery]:
    """A nursery that may be killed."""
    made = Nursery(empty=True)
    yield made
    made.process.kill()
    made.close()


def test_a_process_that_is_born_is_like_one_that_the_command_line_starts(tmp_path: Path):
    argv = [sys.executable, "-c", ABOUT, "--queue", "urgent"]
    environ = {"PATH": "/bin", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8", "ONE": "1"}
    started = subprocess.run(
        argv, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True,
        start_new_session=True, preexec_fn=as_from_a_terminal,
    )  # fmt: skip

    said, log = tmp_path / "said", tmp_path / "log"
    born = [bear(nursery(), log, *argv[1:], said=said, **environ) for _ in range(2)]

    assert [each.wait(20) for each in born] == [0, 0]
    about = [json.loads(line) for line in said.read_text().splitlines()]
    assert about == [json.loads(started.stdout)] * 2
    assert len(set(log.read_text().split())) == 2, "each rolls dice of its own"


@pytest.mark.parametrize("code", ENDS)
def test_its_end_is_told_as_it_was(tmp_path: Path, code: str):
    assert bear(nursery(), tmp_path / "log", "-c", code).wait(20) == ENDS[code]


def test_a_module_is_run_as_the_command_line_runs_it(tmp_path: Path):
    argv = ["-m", "gunicorn", "--version"]
    started = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=True)

    assert bear(nursery(), tmp_path / "log", *argv).wait(20) == 0
    assert (tmp_path / "log").read_text() == started.stdout


def test_what_it_started_is_of_its_session_and_can_be_frozen_and_killed(tmp_path: Path):
    code = "import os, time; print(os.fork(), flush=True); time.sleep(60)"
    born = bear(nursery(), tmp_path / "log", "-c", code)
    wait_for(lambda: (tmp_path / "log").read_text().count("\n") == 2, "the child's child")
    (child,) = [int(line) for line in (tmp_path / "log").read_text().split() if line != "0"]

    kill_session(born.pid, number=signal.SIGSTOP)
    wait_for(lambda: state(born.pid) == state(child) == "T", "both frozen")
    assert born.poll() is None
    kill_session(born.pid)

    assert born.wait(10) == -signal.SIGKILL
    wait_for(lambda: state(child) in "ZX", "the end of both")


def test_a_killed_nursery_takes_all_with_it_and_is_missed(own: Nursery, tmp_path: Path):
    born = bear(own, tmp_path / "log", "-c", "import time; time.sleep(60)")

    own.process.kill()

    own.process.wait(10)
    wait_for(lambda: state(born.pid) in "ZX", "its end")
    with pytest.raises(NurseryDiedError):
        born.wait(10)
    with pytest.raises(NurseryDiedError):
        bear(own, tmp_path / "log", "-c", "")


def test_a_supervisor_whose_nursery_was_killed_says_so(own: Nursery, tmp_path: Path):
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    supervisor = Supervisor()
    supervisor.add(Supervised("sleeper", argv, {}, tmp_path / "log", own))

    own.process.kill()

    wait_for(lambda: bool(supervisor.hopeless), "its complaint")
    assert "nursery" in supervisor.hopeless[0]


def test_only_programs_in_python_are_born(tmp_path: Path):
    with pytest.raises(AssertionError, match="not a program"):
        nursery().bear(["/bin/true", "-c"], {}, (0, 1, 2))
    with pytest.raises(AssertionError, match="no such start"):
        bear(nursery(), tmp_path / "log", "wsgi.py")


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
