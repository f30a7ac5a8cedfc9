"""The starter of one machine: what it promises to whoever presses Ctrl-C, and to whoever pulls the plug."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis

from tests.servers import wait_for

ROOT = Path(__file__).parents[2]
PROVIDERS = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "t" * 32,
    "TWILIO_FROM": "+4570000000",
    "TWILIO_API_BASE": "http://127.0.0.1:9",
    "SENDGRID_API_KEY": "SG.made-up",
    "SENDGRID_API_BASE": "http://127.0.0.1:9",
}


class Started:
    """A starter under test and what it printed so far."""

    def __init__(self, home: Path, *names: str, **environ: str) -> None:
        self.home = home
        home.parent.mkdir(exist_ok=True)
        self.mark = os.urandom(8).hex()
        self.screen = home.parent / f"screen-{self.mark}.txt"
        with self.screen.open("wb") as screen:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.foundation.an_installation", *names],
                cwd=ROOT,
                env={**os.environ, **PROVIDERS, "BREACHCLOCK_HOME": str(home), "MARK": self.mark, **environ},
                stdout=screen,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.screen.read_text()

    def until(self, words: str) -> "Started":
        wait_for(lambda: words in self.said() or self.process.poll() is not None, repr(words))
        assert words in self.said(), self.said()
        return self

    def ended(self) -> int:
        return self.process.wait(20)

    def pids(self) -> list[int]:
        """Everything that this starter's children are and started themselves."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                ours = self.mark.encode() in (process / "environ").read_bytes()
                # the queue server writes its socket's path over its environment
                queue = f"unixsocket:{self.home}/".encode() in (process / "cmdline").read_bytes()
                if (ours or queue) and int(process.name) != self.process.pid:
                    found.append(int(process.name))
        return found


@contextmanager
def started(home: Path, *names: str, **environ: str) -> Iterator[Started]:
    one = Started(home, *names, **environ)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        for left in one.pids() if "parent" in names else ():  # a child's own child has no such bond
            os.kill(left, signal.SIGKILL)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def order_of(said: str, *words: str) -> list[int]:
    assert all(word in said for word in words), said
    return [said.index(word) for word in words]


def test_a_stop_lets_the_job_in_flight_finish_and_goes_front_to_back(home: Path) -> None:
    with started(home, "worker", "front") as one:
        one.until("all ready").until("worker at work").until("front at work")

        one.process.send_signal(signal.SIGINT)

        assert one.ended() == 0
        order = order_of(one.said(), "stopping", "front left", "job finished")
        assert order == sorted(order)
        assert one.pids() == []


def test_being_asked_to_stop_a_second_time_hastens(home: Path) -> None:
    with started(home, "stubborn") as one:
        one.until("all ready").until("stubborn at work")
        one.process.send_signal(signal.SIGINT)
        one.until("stopping")

        one.process.send_signal(signal.SIGINT)

        assert one.ended() == 0
        assert "stubborn did not stop in time and was killed" in one.said()
        assert one.pids() == []


def test_a_dead_child_is_started_again_and_that_is_said(home: Path) -> None:
    with started(home, "front") as one:
        one.until("all ready").until("front at work")
        (child,) = [
            pid for pid in one.pids() if b"front at work" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

        os.kill(child, signal.SIGKILL)

        one.until("front ended with status -9 and is started again")
        wait_for(lambda: one.said().count("front at work") == 2, "the second front")


def test_what_a_dead_child_left_behind_is_gone_before_it_starts_again(home: Path) -> None:
    with started(home, "parent") as one:
        one.until("a child's own child is")
        grandchild = int(re.findall(r"own child is (\d+)", one.said())[0])
        (child,) = [pid for pid in one.pids() if b"own child is" in Path(f"/proc/{pid}/cmdline").read_bytes()]

        os.kill(child, signal.SIGKILL)

        wait_for(lambda: one.said().count("own child is") == 2, "the second parent")
        assert grandchild not in one.pids()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux kills children with their parent"
)
def test_nothing_survives_a_starter_that_was_killed(home: Path) -> None:
    with started(home, "worker", "front") as one:
        one.until("all ready")
        assert len(one.pids()) == 3, "worker, front and queue server"

        one.process.kill()

        one.ended()
        wait_for(lambda: one.pids() == [], "the end of all children")


def test_a_second_start_says_what_runs_already_and_leaves_it_alone(home: Path) -> None:
    with started(home, "front") as first:
        first.until("all ready")

        with started(home, "front") as second:
            assert second.ended() == 1

        assert f"process {first.process.pid} serves http://127.0.0.1:8072" in second.said()
        assert first.process.poll() is None


def test_a_killed_starter_does_not_bar_the_next_one(home: Path) -> None:
    with started(home, "front") as first:
        first.until("all ready").process.kill()
        first.ended()

    with started(home, "front") as second:
        second.until("all ready")


def test_a_taken_port_is_named_before_anything_starts(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])

        with started(home, "listening", PORT=port) as one:
            assert one.ended() == 1

    assert f"listening cannot listen on 127.0.0.1:{port} (Address already in use)" in one.said()
    assert "BREACHCLOCK_BIND" in one.said()
    assert "prepared" not in one.said()


def test_ready_means_that_it_answers(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    with started(home, "listening", PORT=port) as one:
        one.until("all ready")

        assert '"GET / HTTP/1.1" 200' in one.said()


def test_a_child_that_keeps_dying_ends_the_start_with_its_name(home: Path) -> None:
    with started(home, "front", "broken") as one:
        assert one.ended() == 1

        assert "no such setting" in one.said()
        assert "refused: This does not start: broken." in one.said()
        assert one.pids() == []


def test_a_refused_preparation_leaves_nothing_running(home: Path) -> None:
    with started(home, "front", "unprepared") as one:
        assert one.ended() == 1

        assert "refused: The preparation was refused." in one.said()
        assert "front at work" not in one.said()
        assert one.pids() == []


def test_the_queue_server_remembers_over_a_stop_and_a_start(home: Path) -> None:
    with started(home) as one:
        one.until("all ready")
        with Redis.from_url(f"unix://{home}/queue.sock", decode_responses=True) as client:
            client.set("rung", "yes")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        one.process.send_signal(signal.SIGTERM)
        assert one.ended() == 0

    with started(home) as again:
        again.until("all ready")
        with Redis.from_url(f"unix://{home}/queue.sock", decode_responses=True) as client:
            assert client.get("rung") == "yes"


def test_a_home_too_deep_for_a_socket_still_has_its_queue_server(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 25) / "home"

    with started(home, "front") as one:
        one.until("all ready")


def test_the_home_and_its_keys_are_readable_by_their_owner_alone(home: Path) -> None:
    home.mkdir(mode=0o755)

    with started(home, "front") as one:
        one.until("all ready")

    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in home.iterdir() if path.is_file() and path.stat().st_mode & 0o077} == set()
    assert (home / "secret_key").exists()
    assert (home / "data_keys").exists()
