"""Throughput of a sinkless feed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.watch.children import serving, told
from benchmarks.watch.replaying import BLOCK, TABLE
from benchmarks.watch.table import Work


@contextmanager
def work(count: int) -> Iterator[Work]:
    """Serve rows until the block ends."""
    count = count // BLOCK * BLOCK
    with serving("replaying", count) as port:
        feed = {"name": "bench", "kind": "sinkless", "host": "127.0.0.1", "port": port, "user": "auditor", "database": "shop"}
        bare = {
            f"cursor.stream(), {form}": lambda form=form: told("bare", "sinkless", port, count, form)
            for form in ("text", "binary")
        }
        yield Work("sinkless", count, lambda: {**feed, "sslmode": "disable", "tables": [TABLE]}, "started", bare, 75, 90, 1)
