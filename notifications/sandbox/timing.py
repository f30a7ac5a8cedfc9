"""Things that happen later, and things that happen one after another."""

import heapq
import itertools
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Job = Callable[[], float | None]  # None when done, or the seconds until it wants to be tried again


class Scheduler:
    """Runs quick tasks at their time, in one thread; a task that fails is reported and forgotten."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None], bool]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._busy = 0
        self.stopped = threading.Event()
        threading.Thread(target=self._run, name="sandbox-scheduler", daemon=True).start()

    def after(self, seconds: float, task: Callable[[], None], *, idle: bool = False) -> None:
        """Run the task in so many seconds, on the steady clock; at once when they are over.

        An `idle` task only ends a wait for a person, as a telephone that rings does: all is at rest
        while it waits.
        """
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + max(seconds, 0), next(self._order), task, idle))
            self._changed.notify()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self.stopped.is_set():
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._busy = 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def _run(self) -> None:
        while task := self._next():
            try:
                task()
            except Exception:  # noqa: BLE001  the thread must live on for everyone else
                traceback.print_exc()
            self._busy = 0

    def waiting(self) -> int:
        """Number of tasks that are not done."""
        with self._changed:
            return sum(not idle for *_, idle in self._due) + self._busy

    def forget(self) -> None:
        """Drop every task that has not begun."""
        with self._changed:
            self._due.clear()

    def stop(self) -> None:
        """End the thread; tasks not yet due are not run."""
        with self._changed:
            self.stopped.set()
            self._changed.notify()


class Lanes:
    """A bounded pool of threads in which jobs of one lane run one after another, in order."""

    def __init__(self, scheduler: Scheduler, threads: int = 16) -> None:
        self._scheduler = scheduler
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sandbox-callback")
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Job]] = {}

    def post(self, lane: str, job: Job) -> None:
        """Queue a job at the end of its lane."""
        with self._lock:
            jobs = self._lanes.setdefault(lane, deque())
            jobs.append(job)
            if len(jobs) > 1:
                return
        self._go_on(lane, jobs)

    def _go_on(self, lane: str, jobs: deque[Job]) -> None:
        if not self._scheduler.stopped.is_set():
            self._pool.submit(self._drain, lane, jobs)

    def _drain(self, lane: str, jobs: deque[Job]) -> None:
        """Run the lane dry; a job that wants another try blocks its lane, and no thread."""
        while True:
            with self._lock:
                if not jobs:
                    if self._lanes.get(lane) is jobs:
                        del self._lanes[lane]
                    return
                job = jobs[0]
            again = _run(job)
            if again is not None:
                self._scheduler.after(again, lambda: self._go_on(lane, jobs))
                return
            with self._lock:
                if jobs:
                    jobs.popleft()

    def waiting(self) -> int:
        """Number of jobs not yet done."""
        with self._lock:
            return sum(len(jobs) for jobs in self._lanes.values())

    def forget(self) -> None:
        """Drop every job that has not begun."""
        with self._lock:
            for jobs in self._lanes.values():
                jobs.clear()
            self._lanes.clear()

    def stop(self) -> None:
        """Take no more jobs; those running end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _run(job: Job) -> float | None:
    try:
        return job()
    except Exception:  # noqa: BLE001  one broken callback must not stop its lane
        traceback.print_exc()
        return None
