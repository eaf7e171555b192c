"""
The memory of the process: while ten million rows go through it, and while its state cannot be reached for a minute.

What counts is the resident set, looked at four times a second.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from auditor.errors import AuditorError
from benchmarks.watch import kafka, rows, sinkless
from benchmarks.watch.watched import Watch, read_state, watching
from tests.postgres_server import postgres_server

_EVERY = 0.25
_DOWN = 60.0
_LONGEST = 1800.0
_MB = 1_000_000
_LIMITS = "under 300, flat; aim 200"


class Sampler:
    """Looks at the memory of a process until the block ends; ``sizes`` are pairs of a time and MB."""

    def __init__(self, watch: Watch) -> None:
        """Take a process."""
        self._status = Path(f"/proc/{watch.process.pid}/statm")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.sizes: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def most(self, since: float, until: float) -> float:
        """Return the largest size between two times."""
        return max((size for at, size in self.sizes if since <= at <= until), default=0.0)

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            try:
                pages = int(self._status.read_text("ascii").split()[1])
            except (OSError, IndexError):
                return  # it has ended
            self.sizes.append((time.monotonic(), pages * 4096 / _MB))


def measure(address: str, count: int) -> None:
    """Measure and print."""
    print(f"\n| resident memory, MB ({_LIMITS}) | first tenth | last tenth | most |")
    print("| --- | --- | --- | --- |")
    _many_rows(count)
    _without_state(address, count // 5)


def _many_rows(count: int) -> None:
    """Let rows through."""
    with sinkless.work(count) as work, watching(work.feed(), "--until-caught-up") as watch, Sampler(watch) as sampler:
        watch.wait_for(work.since)
        began = time.monotonic()
        watch.end(stop=False)
        ended = time.monotonic()
        found = read_state(watch.state)
    if found.rows != work.rows:
        raise RuntimeError(f"{found.rows} rows were recorded of {work.rows}")
    tenth = (ended - began) / 10
    parts = (sampler.most(began, began + tenth), sampler.most(ended - tenth, ended), sampler.most(0, ended))
    print(f"| sinkless, {count:,} rows in {ended - began:.0f} s | {' | '.join(f'{size:.0f}' for size in parts)} |", flush=True)


def _without_state(address: str, count: int) -> None:
    """Stop the state's server while a feed is busy, and see that the feed goes on and misses nothing once it is back."""
    topic = kafka.filled(address, rows.many(count))
    with postgres_server() as server:
        state = server.new_database()
        with watching(kafka.feed(address, topic), state=state) as watch, Sampler(watch) as sampler:
            _wait(lambda: _rows(state) > count // 10)
            server.stop()
            down = time.monotonic()
            time.sleep(_DOWN)
            server.start()
            up = time.monotonic()
            _wait(lambda: _rows(state) >= count)
            again = time.monotonic()
            watch.end()
            if _rows(state) != count:
                raise RuntimeError(f"{_rows(state)} rows were recorded of {count}")
    print(f"\n| resident memory, MB ({_LIMITS}) | before | while the state was down for {_DOWN:.0f} s | afterwards |")
    print("| --- | --- | --- | --- |")
    parts = (sampler.most(0, down), sampler.most(down, up), sampler.most(up, again))
    print(f"| Kafka, {count:,} rows, state on PostgreSQL | {' | '.join(f'{size:.0f}' for size in parts)} |", flush=True)
    print("memory", [f"{at - down:.1f}:{size:.0f}" for at, size in sampler.sizes[::8]], file=sys.stderr, flush=True)


def _rows(state: str) -> int:
    """Return how many rows are recorded."""
    try:
        return read_state(state).rows
    except (AuditorError, ValueError):
        return 0  # there is no state yet, or nothing in it


def _wait(condition: Callable[[], bool]) -> None:
    """Wait for something."""
    until = time.monotonic() + _LONGEST
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError("it did not come about")
        time.sleep(_EVERY)
