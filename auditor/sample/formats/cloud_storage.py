"""
Files of the cloud storage sink: their names, partitions and RESOLVED markers.

Facts: CockroachDB docs, create-changefeed#files; sink_cloudstorage.go. A file's name begins with the first timestamp that it may
hold, the one after the last resolved timestamp, so that it sorts after that RESOLVED file and before the next one (``-`` sorts
before ``.``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from auditor.sample.changes import Change
from auditor.sample.encode.moments import utc
from auditor.sample.formats import envelopes
from auditor.sample.job import Job
from auditor.sample.output import TextOutput
from auditor.sample.sql_types import Table
from auditor.sample.tables import TABLES

_PARTITIONS = {"daily": "%Y-%m-%d", "hourly": "%Y-%m-%d/%H", "flat": ""}


class Feed(NamedTuple):
    """One feed into one folder: how it partitions, and its session, node and sink ids."""

    folder: Path
    partition: str
    session: str

    def data_file(self, wall: int, number: int, topic: str, extension: str) -> Path:
        """Return the path of a data file whose first possible timestamp follows ``wall``."""
        stamp = _stamp(wall, 1)
        return self._partition(wall) / f"{stamp}-{self.session}-1-2-{number:08x}-{topic}-1{extension}"

    def resolved_file(self, wall: int) -> Path:
        """Return the path of a RESOLVED file."""
        return self._partition(wall) / f"{_stamp(wall, 0)}.RESOLVED"

    def _partition(self, wall: int) -> Path:
        return self.folder / utc(wall).strftime(_PARTITIONS[self.partition])


def _stamp(wall: int, logical: int) -> str:
    """Return the 33 digits of a timestamp: to the second, nanoseconds, logical part."""
    return f"{utc(wall):%Y%m%d%H%M%S}{wall % 1_000_000_000:09d}{logical:010d}"


def open_feed(job: Job, folder: str, partition: str) -> Feed:
    """Return a feed with ids of its own."""
    return Feed(job.folder / folder, partition, f"{job.rng(folder).getrandbits(64):016x}")


def segments(job: Job, source: Callable[[Table], Iterator[Change]]) -> Iterator[tuple[int, int | None, list[Iterator[Change]]]]:
    """
    Yield (start, end, changes of each table) between resolved timestamps.

    There are two with ``rows``, and one with ``size``, whose end is not known before. Each table's iterator must be used up
    before the next segment is asked for.
    """
    streams = [source(table) for table in TABLES]
    if job.rows is None:
        yield job.clock.after(0), None, streams
        return
    edges = [job.clock.after(index) for index in sorted({0, (job.rows + 1) // 2, job.rows})]
    held: list[list[Change]] = [[] for _ in streams]
    for start, end in pairwise(edges):
        yield start, end, [_until(stream, end, kept) for stream, kept in zip(streams, held, strict=True)]


def _until(stream: Iterator[Change], end: int, held: list[Change]) -> Iterator[Change]:
    """Yield the changes before ``end``; the first one after it is held for the next segment."""
    for change in chain(tuple(held), stream):
        held.clear()
        if change.wall >= end:
            held.append(change)
            return
        yield change


def write_resolved(job: Job, feed: Feed, wall: int) -> None:
    """Write a RESOLVED file of a JSON feed: no line feed at its end."""
    path = feed.resolved_file(wall)
    job.relative(path)
    with TextOutput(path) as out:
        out.write(envelopes.resolved(wall))
