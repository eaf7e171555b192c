"""
What the replay server pretends to be: tables, users, settings, and a timeline of what happened to the rows.

The timeline is data: a transcript that was written down (`transcripts/`), or events that a test adds while feeds are open. Only
what a changefeed's reader can notice of a cluster is here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from auditor.hlc import Timestamp

TRANSCRIPTS = Path(__file__).parent / "transcripts"
BEGINNING = Timestamp(0)


class Change(NamedTuple):
    """A version of a row. ``table`` is the full name; ``live`` is False for a deletion, which no scan sees."""

    at: Timestamp
    table: str
    key: bytes
    value: bytes
    live: bool = True
    family: str = ""


class Resolved(NamedTuple):
    """Everything up to here was sent."""

    at: Timestamp


class Trouble(NamedTuple):
    """An error that ends every feed that comes to it; with ``once`` only the first."""

    at: Timestamp
    sqlstate: str
    message: str
    once: bool = True


class Hangup(NamedTuple):
    """The first feed that comes here loses its connection, after half a row."""

    at: Timestamp


class Flood(NamedTuple):
    """Rows that were encoded before, sent so many times as fast as the connection takes them."""

    at: Timestamp
    rows: tuple[tuple[bytes, bytes, bytes], ...]
    times: int


class Quiet(NamedTuple):
    """Nothing happened that was not seen, up to here."""

    at: Timestamp


Event = Change | Resolved | Trouble | Hangup | Flood


@dataclass
class Table:
    """A table, as far as its reader can tell."""

    families: tuple[str, ...] = ("primary",)
    grants: frozenset[str] = frozenset({"SELECT"})
    ttl: int | None = 14400
    created: Timestamp = BEGINNING


def _real_time() -> Timestamp:
    return Timestamp(time.time_ns())


@dataclass
class Cluster:
    """
    The pretended cluster. ``beats`` sends resolved rows by itself, as often as the feed asks; ``queries`` is all that was asked.

    ``unknown`` are options that this version does not have. ``gc_threshold`` is the time before which history is gone.
    """

    version: str = "CockroachDB CCL v25.4.1 (x86_64-pc-linux-gnu, built 2025/11/20 00:00:00, go1.23.12)"
    tables: dict[str, Table] = field(default_factory=dict)
    settings: dict[str, str] = field(
        default_factory=lambda: {"kv.rangefeed.enabled": "true", "feature.changefeed.enabled": "true"}
    )
    passwords: dict[str, str] = field(default_factory=dict)
    forbidden_settings: bool = False
    unknown: frozenset[str] = frozenset()
    gc_threshold: Timestamp = BEGINNING
    beats: bool = False
    clock: Callable[[], Timestamp] = _real_time
    timeline: list[Event] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def release(self) -> tuple[int, int]:
        """Return the version's two numbers."""
        major, minor = self.version.partition(" v")[2].split(".")[:2]
        return int(major), int(minor)

    @property
    def changefeeds(self) -> list[str]:
        """Return the changefeed statements seen."""
        return [query for query in self.queries if "CHANGEFEED" in query and "SHOW" not in query]

    def add(self, *events: Event) -> None:
        """Append to the timeline."""
        with self.changed:
            self.timeline.extend(events)
            self.changed.notify_all()

    def put(self, table: str, key: str, value: str, *, family: str = "") -> Timestamp:
        """Write a row now."""
        with self.changed:
            at = self.clock()
            self.add(Change(at, table, key.encode(), value.encode(), family=family))
        return at

    def resolve(self) -> Timestamp:
        """Say that everything up to now was sent."""
        with self.changed:
            at = self.clock()
            self.add(Resolved(at))
        return at

    def spend(self, event: Event) -> bool:
        """Take an event out that happens once; tell whether it was still there."""
        with self.changed:
            if event in self.timeline:
                self.timeline[self.timeline.index(event)] = Resolved(BEGINNING)
                return True
            return False

    def live(self, tables: Iterable[str], at: Timestamp) -> list[Change]:
        """Return the rows of tables as they were at a time."""
        wanted = set(tables)
        with self.changed:
            events = list(self.timeline)
        rows = {
            (event.table, event.family, event.key): event
            for event in events
            if isinstance(event, Change) and event.table in wanted and event.at <= at
        }
        return [event for event in rows.values() if event.live]

    def sweep(self) -> Iterator[Event | Quiet]:
        """Yield the timeline, and from time to time up to when there was nothing more. Never ends."""
        place = 0
        while True:
            with self.changed:
                if place == len(self.timeline):
                    self.changed.wait(0.01)
                events: list[Event] = self.timeline[place : place + 1000]
                quiet = Quiet(self.clock())
            place += len(events)
            yield from events or (quiet,)


def load(name: str) -> Cluster:
    """Make a cluster from a transcript: YAML with ``tables``, ``timeline`` and any of the cluster's fields."""
    data = yaml.safe_load((TRANSCRIPTS / f"{name}.yaml").read_text("utf-8"))
    tables = {
        table: Table(**{option: tuple(value) if isinstance(value, list) else value for option, value in (fields or {}).items()})
        for table, fields in data.pop("tables").items()
    }
    timeline = [_event(entry) for entry in data.pop("timeline")]
    return Cluster(tables=tables, timeline=timeline, **data)


def _event(entry: dict[str, object]) -> Event:
    """Read one entry of a transcript: its kind, and its fields as text."""
    fields = dict(entry)
    at = Timestamp.parse(str(fields.pop("at")))
    if "resolved" in fields:
        return Resolved(at)
    if "hangup" in fields:
        return Hangup(at)
    if "error" in fields:
        return Trouble(at, str(fields["error"]), str(fields["message"]), bool(fields.get("once", True)))
    key, value = str(fields["key"]).encode(), str(fields["value"]).encode()
    return Change(at, str(fields["table"]), key, value, bool(fields.get("live", True)), str(fields.get("family", "")))
