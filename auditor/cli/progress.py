"""Progress of a scan on stderr: a bar with rate and time left on a terminal, one line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich_click as click

_EVERY = 10.0


@contextmanager
def shown(total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function to be told how many more bytes were read. ``total`` is all there is, None if unknown."""
    if quiet:
        yield lambda _size: None
    elif sys.stderr.isatty():
        with _bar(total) as advance:
            yield advance
    else:
        yield _Lines(total).advance


@contextmanager
def _bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("scanning"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda size: progress.advance(task, size)


class _Lines:
    """Prints a line now and then."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._read = 0
        self._start = self._last = time.monotonic()

    def advance(self, size: int) -> None:
        """Count, and print if it is time."""
        self._read += size
        now = time.monotonic()
        if now - self._last < _EVERY:
            return
        self._last = now
        rate = self._read / (now - self._start)
        line = f"auditor: {self._read / 1e6:,.0f} MB scanned, {rate / 1e6:,.0f} MB/s"
        if self._total:
            left = max(0.0, (self._total - self._read) / rate) if rate else 0.0
            line += f", {min(100, 100 * self._read // self._total)} % of {self._total / 1e6:,.0f} MB, {left:,.0f} s left"
        click.echo(line, err=True)
