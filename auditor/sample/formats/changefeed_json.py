"""Changefeeds as ndjson files of the cloud storage sink, one file a table between two resolved timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from auditor.sample.changes import Change
from auditor.sample.formats import envelopes
from auditor.sample.formats.cloud_storage import open_feed, segments, write_resolved
from auditor.sample.formats.envelopes import Envelope
from auditor.sample.job import Account, Job, View
from auditor.sample.output import SUFFIXES, TextOutput
from auditor.sample.tables import TABLES, logs

#: What wrapped messages with a key show of a change.
KEYED = View(before=True, key=True)


class Messages(NamedTuple):
    """What the files of one format hold, and what that shows of a change."""

    layout: str
    envelope: Envelope
    view: View


def wrapped(job: Job, layout: str, partition: str, compression: str = "none") -> None:
    """Write wrapped messages with diff, updated, mvcc_timestamp and key_in_value."""
    _feed(job, partition, job.compression or compression, Messages(layout, envelopes.wrapped(), KEYED))


def bare(job: Job, layout: str) -> None:
    """Write bare messages, which have no diff."""
    _feed(job, "flat", job.compression or "none", Messages(layout, envelopes.bare, View(key=True, bare=True)))


def _feed(job: Job, partition: str, compression: str, messages: Messages) -> None:
    feed = open_feed(job, f"changefeed/{messages.layout}", partition)
    number = 0
    for start, end, streams in segments(job, job.changes):
        latest = start
        for table, stream in zip(TABLES, streams, strict=True):
            path = feed.data_file(start, number, table.name, f".ndjson{SUFFIXES[compression]}")
            number += 1
            latest = max(latest, write_lines(job, path, stream, messages, compression))
        write_resolved(job, feed, end or latest + 1)


def write_lines(
    job: Job, path: Path, stream: Iterator[Change], messages: Messages, compression: str, *, under: Path | None = None
) -> int:
    """Write one file of messages, one a line, at first ``under`` another name; return the time of its last change."""
    account, latest, line = Account(job, path, messages.layout, messages.view), 0, 0
    with TextOutput(under or path, compression) as out:
        for change in stream:
            latest = change.wall
            message = messages.envelope(change)
            if message is not None:
                line += 1
                out.write(message + "\n")
                account.saw(change, line)
            if job.size is not None and out.reached(job.size):
                break
    account.close()
    return latest


def families(job: Job, layout: str) -> None:
    """
    Write the table logs with split_column_families: each family has its own files, ``logs+primary`` and ``logs+detail``.

    A message holds its family's columns alone, and an update that leaves a family as it was has no message there.
    """
    feed = open_feed(job, f"changefeed/{layout}", "daily")
    compression = job.compression or "none"
    place = TABLES.index(logs.TABLE)
    for start, end, streams in segments(job, job.changes):
        outputs = []
        for number, (family, columns) in enumerate(logs.TABLE.families.items()):
            path = feed.data_file(start, number, f"logs+{family}", f".ndjson{SUFFIXES[compression]}")
            account = Account(job, path, layout, KEYED._replace(columns=frozenset(columns)))
            outputs.append(_FamilyFile(columns, TextOutput(path, compression), account))
        latest = start
        for change in streams[place]:
            latest = change.wall
            for output in outputs:
                output.write(change)
            if job.size is not None and any(output.out.reached(job.size) for output in outputs):
                break
        for output in outputs:
            output.close()
        write_resolved(job, feed, end or latest + 1)


class _FamilyFile:
    """One file of one family."""

    def __init__(self, columns: tuple[str, ...], out: TextOutput, account: Account) -> None:
        self.out = out
        self._columns, self._account, self._line = columns, account, 0
        self._envelope = envelopes.wrapped({logs.TABLE.name: columns})

    def write(self, change: Change) -> None:
        before = change.before
        if change.op == "u" and before is not None and all(change.row[name] == before[name] for name in self._columns):
            return
        self._line += 1
        self.out.write(f"{self._envelope(change)}\n")
        self._account.saw(change, self._line)

    def close(self) -> None:
        with self.out:
            self._account.close()


def captured(job: Job, layout: str) -> None:
    """
    Write captures of envelopes that the cloud storage sink does not take: one file a table, one value a line.

    They are what a consumer of Kafka or webhooks keeps. A deletion in the row envelope has an empty value and leaves no line.
    """
    messages = Messages(layout, *_CAPTURED[layout])
    for table in TABLES:
        write_lines(job, job.folder / "captures" / layout / f"{table.name}.ndjson", job.changes(table), messages, "none")


_NAMED = View(before=True, key=True, named_key=True)
_CAPTURED: dict[str, tuple[Envelope, View]] = {
    "row": (envelopes.row, View()),
    "enriched": (envelopes.enriched("kafka"), _NAMED),
    "enriched-schema": (envelopes.enriched_with_schema("kafka"), _NAMED),
}


def mixed(job: Job, layout: str) -> None:
    """Write all tables into one file, in turn, each message with its topic."""
    streams = [job.changes(table) for table in TABLES]
    in_turn = (change for changes in zip(*streams, strict=True) for change in changes)
    compression = job.compression or "none"
    path = job.folder / "captures" / layout / f"feed.ndjson{SUFFIXES[compression]}"
    write_lines(job, path, in_turn, Messages(layout, envelopes.wrapped(topic=True), KEYED), compression)
