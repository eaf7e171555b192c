"""
What a running feed hands over, and the verbs of whoever hands it over. Nouns and protocols; no client library.

A `Source` is one configured feed. It opens a `Reader`, whose deliveries go through the detector into the state together with
the position after them; then the reader is told, and may acknowledge (commit offsets, answer a request).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from auditor.hlc import Timestamp
from auditor.protocols import Input

#: Where to continue: JSON values, opaque to all but the source that made them.
Position = Mapping[str, object]
#: The only shard of a source that has no partitions.
ALL = ""


class Lost(NamedTuple):
    """Data of a shard that was never read, in the source's own words: ``gone before offset 900, expected 512``."""

    shard: str
    reason: str


class Quarantined(NamedTuple):
    """
    A payload that could not be read at all. It is pointed to and never kept.

    ``pointer`` is a topic and offset, an object and version, or a length and keyed digest.
    """

    pointer: str
    reason: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Messages:
    """
    Payloads of one origin, in order, as they came.

    ``values[i]`` and ``keys[i]`` belong together; None and b'' are both "nothing" (deletes in the row envelope; resolved messages
    have no key). ``headers`` is None where no message has any. ``numbers[i]`` is what a report calls the message by: its offset,
    or its count since the feed began. ``topic`` is as the changefeed names it, with Kafka's escapes, '' where messages say it
    themselves. ``origin`` is the address shown in reports, without credentials. ``position`` is that after the last message.
    """

    origin: str
    topic: str
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    numbers: Sequence[int]
    headers: Sequence[Sequence[tuple[str, bytes]]] | None = None
    format: str = ""
    shard: str = ALL
    position: Position = field(default_factory=dict)
    lost: Sequence[Lost] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    An object to read, from the place where an earlier reading of the same version stopped.

    ``offset`` counts uncompressed bytes (row groups of a Parquet file), ``row`` the records before it. ``position`` makes, from
    such a place and whether it is the object's end, the position of the shard once everything before it is recorded.
    """

    input: Input
    offset: int
    row: int
    position: Callable[[int, int, bool], Position]
    shard: str = ALL


@dataclass(frozen=True, slots=True)
class Progress:
    """
    Nothing to scan, but something to record: a new position, a resolved timestamp, data that is lost.

    ``note`` is what a reader of the coverage should know, such as why no resolved timestamp is claimed.
    """

    shard: str = ALL
    position: Position | None = None
    resolved: Timestamp | None = None
    lost: Sequence[Lost] = ()
    note: str = ""


Delivery = Messages | Arrival | Progress


class Claims(Protocol):
    """A feed's places in the state."""

    def claim(self, shards: Iterable[str]) -> Mapping[str, Position]:
        """
        Take shards over and return where each is to be continued; one that was never read is missing.

        Whoever had a shard before can no longer move its position. Raise `StateError`.
        """

    def resolved(self, shard: str) -> Timestamp | None:
        """Return the newest resolved timestamp that was recorded for a shard."""

    def release(self, shards: Iterable[str]) -> None:
        """Wait until everything handed over for these shards is recorded or dropped, and forget them."""


class Reader(Protocol):
    """
    An open feed. `__iter__` runs on a thread of its own; `committed` and `close` are called from others.

    Memory is bounded: a reader waits for its deliveries to be taken, and asks its server for no more meanwhile.
    """

    def __iter__(self) -> Iterator[Delivery | None]:
        """
        Yield deliveries in order, of at most a few MiB each; None at least once a second while there is nothing.

        Ends by itself where the feed is bounded. Raise `SourceUnavailable` (try again later from the recorded position),
        `PositionLost` (rows can no longer be had) or `ConfigError` (trying again is useless).
        """

    def committed(self, delivery: Delivery) -> None:
        """Take notice that this delivery, and all before it, are recorded."""

    def refused(self, delivery: Delivery) -> None:
        """Take notice that this delivery could not be recorded; the feed will be closed."""

    def close(self) -> None:
        """End the iteration promptly, from any thread; again does nothing."""

    @property
    def backlog(self) -> int | None:
        """
        Return how much is known to wait at the source: messages, files or requests. From any thread, without asking anybody.

        None where a source cannot tell.
        """


class Check(NamedTuple):
    """One answer of `auditor doctor`. ``level`` is ``ok warn fail``; ``fix`` says what to do."""

    name: str
    level: str
    what: str
    fix: str = ""


class Source(Protocol):
    """One configured feed."""

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> Reader:
        """
        Continue after what the state has recorded.

        With ``until_caught_up`` the reader ends once it has read what was there when it was opened. With ``rescan`` positions
        that are lost are given up: everything that can still be had is read, and what is missing is handed over as `Lost`.
        """

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look, without changing anything, whether this feed can be read, and be continued from a recorded position."""


class Schemas(Protocol):
    """Where the schemas of Avro messages are had."""

    def schema(self, schema_id: int) -> str:
        """Return a schema's JSON text. Raise `SourceUnavailable` (try again), or `DecodeError` where there is no such schema."""
