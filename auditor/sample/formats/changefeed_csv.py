"""Changefeed csv: an initial scan, so current rows alone; no header, no metadata, NULL as the bare text ``NULL``."""

from __future__ import annotations

from auditor.sample.encode import csv_text, sql_text
from auditor.sample.formats.cloud_storage import open_feed
from auditor.sample.job import Account, Job, View
from auditor.sample.output import SUFFIXES, TextOutput
from auditor.sample.tables import TABLES


def write(job: Job, layout: str) -> None:
    """Write one file a table."""
    feed = open_feed(job, f"changefeed/{layout}", "flat")
    compression = job.compression or "none"
    for number, table in enumerate(TABLES):
        path = feed.data_file(job.clock.start, number, table.name, f".csv{SUFFIXES[compression]}")
        account = Account(job, path, layout, View(positional=True))
        with TextOutput(path, compression) as out:
            for row, change in enumerate(job.current(table), 1):
                out.write(csv_text.record(sql_text.export_fields(table, change.row, "NULL")))
                account.saw(change, row)
                if job.size is not None and out.reached(job.size):
                    break
        account.close()
