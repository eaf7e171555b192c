"""
Changefeed Parquet: the table's columns, then event type, timestamps, and the earlier row as JSON text.

A deletion has its key columns set and NULL in the others. The RESOLVED files are Parquet too, with one DECIMAL column. Names and
order: CockroachDB docs, create-changefeed; parquet.go.
"""

from __future__ import annotations

from decimal import Decimal

from auditor.sample.encode.moments import hlc
from auditor.sample.formats.cloud_storage import Feed, open_feed, segments
from auditor.sample.formats.envelopes import encoder
from auditor.sample.job import Account, Job, View
from auditor.sample.sql_types import Column, SqlType
from auditor.sample.tables import TABLES

_METADATA = tuple(
    Column(f"__crdb__{name}", SqlType.STRING, nullable=True) for name in ("event_type", "updated", "mvcc_timestamp", "before")
)
_VIEW = View(before=True, bare=True, raw_bytes=True)


def write(job: Job, layout: str) -> None:
    """Write one file a table between two resolved timestamps."""
    from auditor.sample.encode.parquet import ParquetOutput

    feed = open_feed(job, f"changefeed/{layout}", "daily")
    number = 0
    for start, end, streams in segments(job, job.changes):
        latest = start
        for table, stream in zip(TABLES, streams, strict=True):
            path = feed.data_file(start, number, table.name, ".parquet")
            number += 1
            account = Account(job, path, layout, _VIEW)
            out = ParquetOutput(path, (*table.columns, *_METADATA), job.compression or "none")
            rows = encoder(table.name)
            for row, change in enumerate(stream, 1):
                latest = max(latest, change.wall)
                values = [change.row[name] if change.op != "d" or name in table.key else None for name in table.names]
                moment = hlc(change.wall)
                before = None if change.before is None else rows.object(change.before)
                out.write((*values, change.op, moment, moment, before))
                account.saw(change, row)
                if job.size is not None and out.reached(job.size):
                    break
            out.close()
            account.close()
        _write_resolved(job, feed, end or latest + 1)


def _write_resolved(job: Job, feed: Feed, wall: int) -> None:
    from auditor.sample.encode.parquet import ParquetOutput

    path = feed.resolved_file(wall)
    job.relative(path)
    out = ParquetOutput(path, (Column("__crdb__resolved", SqlType.DECIMAL),), "none")
    out.write((Decimal(hlc(wall)),))
    out.close()
