"""A changefeed that grows before one's eyes: every few seconds the next changes of each table, and a RESOLVED file after them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from auditor.sample import plan
from auditor.sample.changes import Change, Clock
from auditor.sample.formats import envelopes
from auditor.sample.formats.changefeed_json import KEYED, Messages, write_lines
from auditor.sample.formats.cloud_storage import Feed, open_feed, write_resolved
from auditor.sample.job import Job
from auditor.sample.tables import TABLES
from auditor.sample.writer import SampleOptions, prepare, write_policy

#: Changes of each table in one round; every kind is planted within so many rounds.
_CHANGES, _ROUNDS = 12, 40
_NAME = "growing"


def grow(options: SampleOptions, interval: float, *, wait: Callable[[float], bool]) -> Iterator[int]:
    """
    Yield, after each round, how many files were written; go on until ``wait`` says that it is enough.

    Rows are committed as time goes by. A file appears whole, as an object does in a bucket.
    """
    prepare(options)
    write_policy(options)
    step = int(interval * 1e9) // _CHANGES
    with options.truth.open("wb") as truth:
        planned = plan.spread(options.seed, _CHANGES * _ROUNDS)
        job = Job(options.folder, planned, Clock(time.time_ns() - _CHANGES * step, step), None, None, None, truth, [])
        feed = open_feed(job, f"changefeed/{_NAME}", "daily")
        streams = [job.changes(table) for table in TABLES]
        turn = 0
        while True:
            for number, (table, stream) in enumerate(zip(TABLES, streams, strict=True)):
                path = feed.data_file(job.clock.after(turn * _CHANGES), turn * len(TABLES) + number, table.name, ".ndjson")
                _write_whole(job, path, islice(stream, _CHANGES))
            _resolve(job, feed, job.clock.after((turn + 1) * _CHANGES))
            turn += 1
            truth.flush()
            yield len(job.written)
            if wait(interval):
                return


def _write_whole(job: Job, path: Path, changes: Iterator[Change]) -> None:
    """Write a file under another name, and give it its own at the end."""
    hidden = path.with_name(f".{path.name}")
    write_lines(job, path, changes, Messages(f"changefeed-{_NAME}", envelopes.wrapped(), KEYED), "none", under=hidden)
    hidden.replace(path)


def _resolve(job: Job, feed: Feed, wall: int) -> None:
    """Write the RESOLVED file, which is small enough to be written at once."""
    write_resolved(replace(job, written=[]), feed, wall)
