"""A private queue server that can be killed, flushed, frozen, taken away and put back."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from redis import Redis, RedisError

from tests import servers


class QueueServer:
    """Valkey on a socket in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder / 'queue.sock'}"
        self.client = Redis.from_url(self.url, socket_timeout=2, retry=None)
        self._running = ExitStack()

    def start(self) -> None:
        """Start it, with the memory that the one before has left."""
        if not self.answers():
            self._running.enter_context(servers.valkey(self.folder))

    def kill(self) -> None:
        """Kill -9; its file stays."""
        self._running.close()

    def lose_everything(self) -> None:
        """Kill it and take its memory away."""
        self.kill()
        for left in self.folder.rglob("*"):
            if left.is_file() or left.is_socket():
                left.unlink()

    def flush(self) -> None:
        """What an operator does by mistake."""
        self.client.flushall()

    @property
    def pid(self) -> int:
        """Of the server."""
        return int(self.client.info("server")["process_id"])

    def freeze(self) -> int:
        """Stop it: it takes connections and answers nothing. Returns what `thaw` wants."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        return pid

    @staticmethod
    def thaw(pid: int) -> None:
        """Let it go on."""
        os.kill(pid, signal.SIGCONT)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def dump(self) -> str:
        """Every key and every value, as text."""
        if not self.answers():
            return ""
        return "\n".join(f"{key!r} {self._value(key)!r}" for key in self.client.scan_iter())

    def _value(self, key: bytes) -> object:
        read = {
            b"string": self.client.get,
            b"hash": self.client.hgetall,
            b"list": lambda each: self.client.lrange(each, 0, -1),
            b"set": self.client.smembers,
            b"zset": lambda each: self.client.zrange(each, 0, -1),
        }
        return read.get(self.client.type(key), lambda _each: "")(key)
