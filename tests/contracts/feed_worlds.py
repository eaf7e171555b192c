"""
The outside world of each kind of source, in the words of the contract: put a row, open the source, see which rows it hands over.

A row is a payload that holds ``row-<number>.`` somewhere; what else it is made of is the source's affair.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from auditor.delivery import Arrival, Delivery, Messages, Progress, Reader, Source
from auditor.sources.files_feed import FilesSource
from auditor.sources.files_feed.settings import FilesSettings
from auditor.sources.follow import FollowSource
from auditor.sources.follow.settings import FollowSettings
from auditor.sources.kafka import KafkaSource
from auditor.sources.sinkless import SinklessSource
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.settings import WebhookSettings
from tests.replay.server import ReplayServer
from tests.sources.feed_harness import MemoryClaims
from tests.sources.follow_harness import folder_feed
from tests.sources.kafka_brokers import Broker
from tests.sources.sinkless_harness import USERS, settings_for, shop

_ROW = re.compile(rb"row-(\d+)\.")


class World(Protocol):
    """What a source reads. ``put`` may be called while the source is open, or before."""

    #: Rows that come while a source is open are handed over; else it ends with what there was.
    endless: bool
    #: The largest payload that one delivery of many rows may hold.
    largest: int

    def put(self, number: int, payload: bytes = b"") -> None:
        """Let a row come into being; ``payload`` stands in its place as it is."""

    def settle(self) -> None:
        """Let the changefeed say that everything so far was sent."""

    def source(self) -> Source:
        """Return the source, to be opened."""


class Session:
    """An open source that is read on a thread of its own, and what it has handed over."""

    def __init__(self, world: World, claims: MemoryClaims, *, record: bool = True, **options: bool) -> None:
        """Open it; with ``record`` each delivery is recorded and acknowledged at once."""
        self.reader: Reader = world.source().open(claims, **options)
        self.deliveries: list[Delivery] = []
        self.payloads: list[bytes] = []
        self.pauses: list[float] = []
        self._claims, self._record = claims, record
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for delivery in self.reader:
                if delivery is None:
                    self.pauses.append(time.monotonic())
                    continue
                self._take(delivery)
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.failure = error

    def _take(self, delivery: Delivery) -> None:
        """Read what a delivery holds, and record it."""
        position: Any = None
        if isinstance(delivery, Messages):
            self.payloads += [value for value in delivery.values if value]
            position = delivery.position
        elif isinstance(delivery, Arrival):
            with delivery.input.open() as file:
                body = file.read()
            self.payloads += body.splitlines()
            position = delivery.position(len(body), body.count(b"\n"), True)
        elif isinstance(delivery, Progress):
            position = delivery.position
        self.deliveries.append(delivery)
        if self._record:
            if position is not None:
                self._claims.positions[delivery.shard] = position
            self.reader.committed(delivery)

    @property
    def rows(self) -> list[int]:
        """Return the numbers of the rows in their order."""
        return [int(number) for payload in self.payloads for number in _ROW.findall(payload)]

    def wait(self, enough: Callable[[Session], object], seconds: float = 15) -> None:
        """Wait until something is so, or the source ended."""
        end = time.monotonic() + seconds
        while not enough(self):
            assert time.monotonic() < end, f"only {self.rows[:20]} came, {self.failure!r}"
            time.sleep(0.01)

    def close(self) -> float:
        """Close the source from this thread; return how long its iteration took to end."""
        began = time.monotonic()
        self.reader.close()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the iteration did not end"
        return time.monotonic() - began

    def join(self, seconds: float = 15) -> None:
        """Wait for a bounded source to end by itself."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the source did not end by itself"


@contextmanager
def session(world: World, claims: MemoryClaims, **options: Any) -> Iterator[Session]:
    """Open a source for as long as the block lasts."""
    opened = Session(world, claims, **options)
    try:
        yield opened
    finally:
        opened.close()
    if opened.failure is not None:
        raise opened.failure


def payload_of(number: int, payload: bytes) -> bytes:
    """Return a row's payload."""
    return payload or b'{"after": {"id": %d, "note": "row-%d."}}' % (number, number)


class KafkaWorld:
    """A topic with two partitions on a broker."""

    endless, largest = True, 8 << 20

    def __init__(self, broker: Broker) -> None:
        self._broker, self._topic = broker, broker.topic(2)
        self._settings = broker.settings(self._topic)

    def put(self, number: int, payload: bytes = b"") -> None:
        self._broker.produce(self._topic, [payload_of(number, payload)], partition=number % 2, key=b"[%d]" % number)

    def settle(self) -> None:
        for partition in range(2):
            self._broker.produce(self._topic, [b'{"resolved":"1784759045000000000.0000000000"}'], partition=partition)

    def source(self) -> Source:
        return KafkaSource(self._settings)


class SinklessWorld:
    """A table in a cluster that is pretended."""

    endless, largest = True, 8 << 20

    def __init__(self, stack: ExitStack) -> None:
        self._cluster = shop(beats=False)
        self._settings = settings_for(stack.enter_context(ReplayServer(self._cluster)))

    def put(self, number: int, payload: bytes = b"") -> None:
        self._cluster.put(USERS, f"[{number}]", payload_of(number, payload).decode("latin-1"))

    def settle(self) -> None:
        self._cluster.resolve()

    def source(self) -> Source:
        return SinklessSource(self._settings)


class WebhookWorld:
    """A changefeed that posts each row until it is told that it arrived."""

    endless, largest = True, 64 << 20

    def __init__(self, stack: ExitStack) -> None:
        self._settings = WebhookSettings(name="feed", port=0, path="/feed", answer_within=0.5)
        self._open: Any = None
        self._ended = threading.Event()
        self._senders: list[threading.Thread] = []
        stack.callback(self._end)

    def put(self, number: int, payload: bytes = b"") -> None:
        sender = threading.Thread(target=self._send, args=(payload_of(number, payload),))
        self._senders.append(sender)
        sender.start()

    def _send(self, body: bytes) -> None:
        while not self._ended.is_set():
            if self._open is not None:
                connection = http.client.HTTPConnection("127.0.0.1", self._open.port, timeout=5)
                try:
                    connection.request("POST", "/feed", body, {"Content-Type": "application/json"})
                    if connection.getresponse().status // 100 == 2:
                        return
                except (OSError, http.client.HTTPException):
                    pass  # as the sink does, again
                finally:
                    connection.close()
            self._ended.wait(0.05)

    def _end(self) -> None:
        self._ended.set()
        for sender in self._senders:
            sender.join()

    def settle(self) -> None:
        self.put(0, b'{"resolved":"1784759045000000000.0000000000"}')

    def source(self) -> Source:
        return _Remembering(WebhookSource(self._settings), self)


class _Remembering:
    """Tells the sender at which port the endpoint is open."""

    def __init__(self, source: WebhookSource, world: WebhookWorld) -> None:
        self._source, self._world = source, world

    def open(self, claims: MemoryClaims, **options: Any) -> Reader:
        reader = self._world._open = self._source.open(claims, **options)
        return reader

    def checks(self, position: Any = None) -> Any:
        return self._source.checks()


class FollowWorld:
    """A folder that a changefeed writes to."""

    endless, largest = True, 1 << 40

    def __init__(self, folder: Path) -> None:
        self._feed, self._folder, self._files = folder_feed(folder), folder, 0

    def put(self, number: int, payload: bytes = b"") -> None:
        self._files += 1
        self._feed.write(self._files, payload_of(number, payload) + b"\n")

    def settle(self) -> None:
        self._files += 1
        self._feed.resolve(self._files)

    def source(self) -> Source:
        return FollowSource(FollowSettings(name="feed", uri=f"file://{self._folder}", poll=0.1, settle=0))


class FilesWorld:
    """Files that are there, and are read once."""

    endless, largest = False, 1 << 40

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, number: int, payload: bytes = b"") -> None:
        (self._folder / f"{number:06d}.ndjson").write_bytes(payload_of(number, payload) + b"\n")

    def settle(self) -> None:
        pass

    def source(self) -> Source:
        return FilesSource(FilesSettings(name="feed", inputs=(str(self._folder),)))
