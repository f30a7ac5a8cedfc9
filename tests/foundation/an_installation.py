"""A small installation to start, stop and break: the program that test_processes.py runs.

Arguments: the names of the children to start.
"""

import os
import sys

from foundation.errors import Refused
from foundation.processes import Child, say, up
from foundation.settings import load

FRONT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit("front left"))
print("front at work"); time.sleep(300)
"""
WORKER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit("job finished")))
print("worker at work"); time.sleep(300)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn at work"); time.sleep(300)
"""
PARENT = """
import subprocess, sys, time
print("a child's own child is", subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]).pid)
time.sleep(300)
"""
CHILDREN = {
    "front": Child("front", (sys.executable, "-c", FRONT), stops=1),
    "worker": Child("worker", (sys.executable, "-c", WORKER), stops=2, grace=10),
    "stubborn": Child("stubborn", (sys.executable, "-c", STUBBORN), stops=2, grace=60),
    "parent": Child("parent", (sys.executable, "-c", PARENT), stops=2, grace=1),
    "broken": Child("broken", (sys.executable, "-c", "raise SystemExit('no such setting')"), stops=2),
    "listening": Child(
        "listening",
        (sys.executable, "-m", "http.server", "-b", "127.0.0.1", os.environ.get("PORT", "0")),
        stops=1,
        listens=f"127.0.0.1:{os.environ.get('PORT', '0')}",
        named_by="BREACHCLOCK_BIND",
        ready=f"http://127.0.0.1:{os.environ.get('PORT', '0')}/",
    ),
}


def prepare() -> None:
    """Take part in the start as migrations do."""
    if "unprepared" in sys.argv:
        raise Refused("The preparation was refused.")
    say("prepared")


if __name__ == "__main__":
    try:
        chosen = [CHILDREN[name] for name in sys.argv[1:] if name in CHILDREN]
        code = up(load(make_keys=True), chosen, prepare=prepare, announce=lambda: say("all ready"))
    except Refused as refusal:
        raise SystemExit(f"refused: {refusal}") from None
    raise SystemExit(code)
