"""Units of work on one process or several, each with its own compiled rules; results come back in the order of the units."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auditor.confirming import open_confirmer
from auditor.identity import AuditKey
from auditor.memory import suit_scanning
from auditor.pipeline import Partial
from auditor.toolkit import Toolkit
from auditor.unit import Known, Unit, scan_unit

_tools: Toolkit | None = None
_read: Any = None  # bytes read by all workers, shared between processes

_known = Known()  # what this process's units of the present audit have found


class Workers(AbstractContextManager["Workers"]):
    """
    Scans units: in this process with one job, else on a pool of processes.

    On Linux workers are forked with the rules compiled already; elsewhere, and for inputs that are ``remote``, each compiles its
    own (0.3 s): a client of an object store does not survive a fork.
    """

    def __init__(
        self,
        tools: Toolkit,
        jobs: int,
        *,
        files: tuple[Sequence[Path], Sequence[Path], Path | None],
        engine: str,
        remote: bool,
        kept: bool,
        progress: Callable[[int], None],
    ) -> None:
        """
        Start the pool.

        ``files`` are those of rules, of policies and of fingerprints. ``progress`` is told how many more bytes were read.
        ``kept`` says that units are kept for later runs (see `Known`).
        """
        global _tools, _read
        self._tools, self._progress = tools, progress
        self._told = 0
        self._pool: ProcessPoolExecutor | None = None
        self._jobs = jobs
        _known.begin(kept=kept)
        gc.freeze()  # rules and modules need not be looked at again and again: 3 % in hot rows
        if jobs > 1:
            context = multiprocessing.get_context("fork" if sys.platform == "linux" and not remote else "spawn")
            _tools, _read = tools, context.Value("Q", 0)
            store = None if tools.confirmer is None else tools.confirmer.path
            self._pool = ProcessPoolExecutor(
                jobs, mp_context=context, initializer=_start, initargs=(files, store, engine, tools.key, kept, _read)
            )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the pool; units under way end first."""
        gc.unfreeze()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def scan(self, units: Iterator[Unit]) -> Iterator[tuple[Unit, Partial]]:
        """
        Yield each unit with what it found, in order.

        After a KeyboardInterrupt the units under way are still waited for and yielded; then it is raised again.
        """
        if self._pool is None:
            for unit in units:
                yield unit, scan_unit(unit, self._tools, self._progress, _known)
            return
        pending: deque[tuple[Unit, Future[Partial]]] = deque()
        interrupted = False
        try:
            for unit in units:
                pending.append((unit, self._pool.submit(_scan, unit)))
                while len(pending) > 2 * self._jobs:
                    yield self._next(pending)
        except KeyboardInterrupt:
            interrupted = True
            while pending and pending[-1][1].cancel():
                pending.pop()
        while pending:
            yield self._next(pending)
        if interrupted:
            raise KeyboardInterrupt

    def _next(self, pending: deque[tuple[Unit, Future[Partial]]]) -> tuple[Unit, Partial]:
        """Wait for the oldest unit, telling the progress meanwhile."""
        unit, future = pending[0]
        while True:
            try:
                partial = future.result(timeout=0.2)
            except TimeoutError:
                self._tell()
                continue
            pending.popleft()
            self._tell()
            return unit, partial

    def _tell(self) -> None:
        """Pass on what the workers have read since the last time."""
        total = int(_read.value)
        self._progress(total - self._told)
        self._told = total


def _start(
    files: tuple[Sequence[Path], Sequence[Path], Path | None],
    store: Path | None,
    engine: str,
    key: AuditKey,
    kept: bool,  # noqa: FBT001 - as a pool passes it
    read: Any,
) -> None:
    """Prepare a worker process: it leaves Ctrl-C to its parent, and compiles the rules unless it inherited them."""
    global _tools, _read
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    suit_scanning()
    _read = read
    _known.begin(kept=kept)
    if _tools is None:
        rules, policies, fingerprints = files
        confirmer = None if fingerprints is None or store is None else open_confirmer(fingerprints, key, store)
        _tools = Toolkit.load(rules, engine, key, policies, confirmer)


def _scan(unit: Unit) -> Partial:
    """Scan one unit in a worker."""
    assert _tools is not None
    return scan_unit(unit, _tools, _count, _known)


def _count(size: int) -> None:
    """Add to the bytes read by all workers."""
    with _read.get_lock():
        _read.value += size
