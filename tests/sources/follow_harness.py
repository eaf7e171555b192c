"""A prefix that a changefeed writes to, and a runner that reads and records what a feed of files hands over."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import zstandard

from auditor.decoders.options import ReadOptions
from auditor.delivery import ALL, Arrival, Delivery, Lost, Progress, Reader, Source
from auditor.hlc import Timestamp
from auditor.names import digits_of
from auditor.toolkit import Toolkit
from auditor.unit import Place, Unit, scan_pieces
from tests.sources.feed_harness import MemoryClaims

#: 2024-05-01 12:00 UTC, in nanoseconds.
START = 1_714_564_800 * 10**9
SECOND = 10**9
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def at(seconds: float) -> Timestamp:
    """Return a time after the start of the feed."""
    return Timestamp(START + int(seconds * SECOND))


def token(number: int) -> str:
    """Return a made-up token."""
    return "acme" + "_" + hashlib.sha256(str(number).encode()).hexdigest()[:20]


def lines(first: int, count: int, each: int = 1) -> bytes:
    """Return messages, with a token of its own in one of ``each``."""
    texts = (token(number) if number % each == 0 else f"nothing in number {number}" for number in range(first, first + count))
    rows = ({"after": {"id": number, "t": text}, "key": [number]} for number, text in enumerate(texts, first))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass
class Feed:
    """
    A changefeed that writes files.

    ``layout`` is ``daily``, ``hourly``, ``flat`` or a folder; ``put`` takes a path below the prefix and a body.
    """

    put: Callable[[str, bytes], object]
    layout: str = "daily"
    session: str = "56087568dba1e6b8"
    node: int = 1
    files: int = 0

    def place(self, time: Timestamp, last: str) -> str:
        """Return where a file of this time lies."""
        digits = digits_of(time)
        day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
        folders = {"flat": "", "daily": f"{day}/", "hourly": f"{day}/{digits[8:10]}/"}
        return folders.get(self.layout, f"{self.layout}/") + last

    def name(self, time: Timestamp, table: str = "users", ending: str = ".ndjson") -> str:
        """Return the path of the next file."""
        self.files += 1
        last = f"{digits_of(time)}-{self.session}-{self.node}-{self.node + 7}-{self.files:08x}-{table}-2{ending}"
        return self.place(time, last)

    def write(self, seconds: float, body: bytes, table: str = "users", ending: str = "") -> str:
        """Write a file."""
        name = self.name(at(seconds), table, f".ndjson{ending}")
        self.put(name, PACK[ending](body))
        return name

    def resolve(self, seconds: float) -> None:
        """Write a resolved file."""
        time = at(seconds)
        self.put(self.place(time, f"{digits_of(time)}.RESOLVED"), json.dumps({"resolved": str(time)}).encode())


def folder_feed(folder: Path, layout: str = "daily", **more: object) -> Feed:
    """Return a changefeed that writes into a folder, each file whole at once."""

    def put(name: str, body: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(body)
        temporary.rename(path)

    return Feed(put, layout, **more)  # type: ignore[arg-type]


class Killed(Exception):
    """The process is gone: nothing that was not recorded is known any more."""


@dataclass
class Runner:
    """
    Reads what is handed over, and records piece by piece. ``claims`` outlive it, as a state does.

    ``kill_after`` pieces it is gone, between reading and recording. ``ends`` says when it has seen enough.
    """

    tools: Toolkit
    claims: MemoryClaims
    every: int = 1 << 20
    kill_after: int | None = None
    ends: Callable[[Runner], bool] = lambda _runner: False
    pieces: int = 0
    starts: list[tuple[str, int]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, int] = field(default_factory=dict)
    resolved: list[Timestamp] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    deliveries: int = 0

    @property
    def names(self) -> list[str]:
        """Return the last parts of the names of what was read, in order."""
        return [name for name, _ in self.starts]

    def run(self, source: Source, *, until_caught_up: bool = True, rescan: bool = False) -> Runner:
        """Open a source and take everything from it, to its end or until it is enough."""
        reader = source.open(self.claims, until_caught_up=until_caught_up, rescan=rescan)
        try:
            for delivery in reader:
                if delivery is not None:
                    self.take(reader, delivery)
                if self.ends(self):
                    break
        finally:
            reader.close()
        return self

    def take(self, reader: Reader, delivery: Delivery) -> None:
        """Record one delivery, and say so."""
        self.deliveries += 1
        if isinstance(delivery, Arrival):
            self._read(delivery)
        elif isinstance(delivery, Progress):
            self.lost += delivery.lost
            self.notes += [delivery.note] if delivery.note else []
            if delivery.position is not None:
                self._record(delivery.position)
            if delivery.resolved is not None:
                self.resolved.append(delivery.resolved)
                self.claims.resolved_at[ALL] = delivery.resolved
        reader.committed(delivery)

    def _read(self, arrival: Arrival) -> None:
        """Read a file in pieces."""
        name = arrival.input.name
        self.starts.append((name, arrival.offset))
        unit = Unit(arrival.input, ReadOptions())
        start = Place(arrival.offset, arrival.row)
        for piece in scan_pieces(unit, self.tools, lambda _size: None, every=self.every, start=start):
            if piece.broken is not None:
                raise piece.broken
            self.pieces += 1
            if self.kill_after is not None and self.pieces > self.kill_after:
                raise Killed
            self._record(arrival.position(piece.offset, piece.row, piece.done))
            self.rows[name] = piece.row
            self.gaps += [gap.reason for gap in piece.partial.gaps]
            for _, place in piece.partial.tally.places():
                for part in place.secrets.values():
                    for secret, seen in part.items():
                        self.secrets[secret] = self.secrets.get(secret, 0) + seen.count

    def _record(self, position: object) -> None:
        """Keep a position, as JSON does."""
        self.claims.positions[ALL] = orjson.loads(orjson.dumps(position))


def restarts(runner: Callable[[], Runner], source: Callable[[], Source]) -> Iterator[Runner]:
    """Run a source until it comes to its end, however often it is killed."""
    while True:
        current = runner()
        try:
            current.run(source())
        except Killed:
            yield current
            continue
        yield current
        return
