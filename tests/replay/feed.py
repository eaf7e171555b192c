"""What a changefeed sends: a scan, what happens after it, resolved rows, and troubles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from auditor.hlc import Timestamp
from tests.replay.cluster import Change, Cluster, Event, Flood, Hangup, Quiet, Resolved, Trouble


class SqlError(Exception):
    """An error response."""

    def __init__(self, sqlstate: str, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.sqlstate, self.message, self.fatal = sqlstate, message, fatal


class Notice(NamedTuple):
    """A notice to send."""

    message: str


Values = tuple[bytes | None, ...]
#: What a running statement sends next; None: nothing for now.
Item = Values | Notice | Hangup | Flood | None


def feed(cluster: Cluster, tables: list[str], options: dict[str, str], *, bare: bool) -> Iterator[Item]:
    """Send a scan of what is there, unless there is a cursor, then what happens after it."""
    cursor = Timestamp.parse(options["cursor"]) if "cursor" in options else None
    start = cursor or cluster.clock()
    scan = options.get("initial_scan") or ("yes" if cursor is None else "no")
    hours = (cluster.clock().wall - start.wall) // (3600 * 10**9)
    if hours >= 5 and scan != "only":
        yield Notice(f"the provided cursor is {hours} hours old; older cursors can result in increased changefeed latency")
    if scan in ("yes", "only"):
        for change in cluster.live(tables, start):
            yield _row(change, options)
    if scan != "only":
        form = options.get("envelope") or ("bare" if bare else "wrapped")
        yield from _after(cluster, start, tables, {**options, "envelope": form})


def _after(cluster: Cluster, start: Timestamp, tables: list[str], options: dict[str, str]) -> Iterator[Item]:
    """Send what happens after a time, up to the end time if there is one."""
    end = Timestamp.parse(options["end_time"]) if "end_time" in options else None
    beat = _Beat(cluster, options)
    for event in cluster.sweep():
        if not isinstance(event, Quiet):
            if event.at > start and (end is None or event.at <= end):
                yield from _sent(cluster, event, tables, options)
            continue
        if end is not None and event.at >= end:
            return
        if beat.due(event.at):
            yield None, None, resolved(options["envelope"], event.at)
        yield None


def _sent(cluster: Cluster, event: Event, tables: list[str], options: dict[str, str]) -> Iterator[Item]:
    """Send one event. Raise `SqlError`."""
    match event:
        case Change() if event.table in tables:
            yield _row(event, options)
        case Resolved() if "resolved" in options:
            yield None, None, resolved(options["envelope"], event.at)
        case Trouble() if not event.once or cluster.spend(event):
            raise SqlError(event.sqlstate, event.message, fatal=event.sqlstate == "57P01")
        case Flood():
            yield event
        case Hangup() if cluster.spend(event):
            yield event


class _Beat:
    """Says when a resolved row is due, where the cluster sends them by itself."""

    def __init__(self, cluster: Cluster, options: dict[str, str]) -> None:
        self._cluster = cluster
        self._on = "resolved" in options
        text = options.get("min_checkpoint_frequency", "30000ms")
        self._every = int(text.removesuffix("ms")) * 10**6
        self._last = cluster.clock()

    def due(self, now: Timestamp) -> bool:
        """Tell whether enough time went by."""
        if not (self._on and self._cluster.beats) or now.wall - self._last.wall < self._every:
            return False
        self._last = now
        return True


def resolved(envelope: str, at: Timestamp) -> bytes:
    """Return a resolved message in the envelope's form."""
    inner = f'{{"resolved":"{at}"}}'
    return (inner if envelope in ("wrapped", "enriched") else f'{{"__crdb__":{inner}}}').encode()


def _row(change: Change, options: dict[str, str]) -> Values:
    named = change.table if "full_table_name" in options else change.table.rpartition(".")[2]
    family = f".{change.family}" if change.family and "split_column_families" in options else ""
    return f"{named}{family}".encode(), change.key, change.value
