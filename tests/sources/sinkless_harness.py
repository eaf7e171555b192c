"""A sinkless feed under test: read on a thread of its own, its positions recorded as the service would."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from auditor.delivery import ALL, Delivery, Lost, Messages, Position, Progress, Reader
from auditor.sources.sinkless import SinklessSource
from auditor.sources.sinkless.settings import SinklessSettings
from tests.replay.cluster import Cluster, Table
from tests.replay.server import ReplayServer
from tests.sources.feed_harness import MemoryClaims

USERS, NOTES = "shop.public.users", "shop.public.notes"


def shop(**fields: object) -> Cluster:
    """Return a cluster with two tables, whose resolved rows come by themselves."""
    return Cluster(**{"tables": {USERS: Table(), NOTES: Table()}, "beats": True, **fields})


def user(number: int) -> tuple[str, str, str]:
    """Return a row to put: its table, key and value."""
    return USERS, f"[{number}]", f'{{"after": {{"id": {number}}}, "before": null}}'


def settings_for(server: ReplayServer, **fields: object) -> SinklessSettings:
    """Return settings that lead to a replay server."""
    given = {
        "name": "shop",
        "host": "127.0.0.1",
        "port": server.port,
        "user": "auditor",
        "database": "shop",
        "sslmode": "disable",
    }
    if "query" not in fields:
        given["tables"] = [USERS]
    return SinklessSettings.model_validate({**given, "resolved": 0.5, **fields})


class Watching:
    """What a feed has handed over so far. Every position is recorded at once."""

    def __init__(self, reader: Reader, claims: MemoryClaims) -> None:
        self.reader = reader
        self.deliveries: list[Delivery] = []
        self.pauses = 0
        self.error: BaseException | None = None
        self.ended = False
        self._claims = claims
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="reader")
        self._thread.start()

    def _read(self) -> None:
        try:
            for delivery in self.reader:
                with self._news:
                    if delivery is None:
                        self.pauses += 1
                    else:
                        self.deliveries.append(delivery)
                        if delivery.position is not None:
                            self._claims.positions[ALL] = delivery.position
                            self.reader.committed(delivery)
                    self._news.notify_all()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to see it
            self.error = error
        with self._news:
            self.ended = True
            self._news.notify_all()

    def wait(self, enough: Callable[[Watching], bool], seconds: float = 10) -> None:
        """Wait until there is enough, or the feed ended."""
        with self._news:
            assert self._news.wait_for(lambda: self.ended or enough(self), seconds), f"only {self.deliveries}"
            assert enough(self), f"ended with {self.error!r} after {self.deliveries}"

    def wait_for_end(self, seconds: float = 10) -> BaseException | None:
        """Wait until the feed ends; return the error that it ended with."""
        with self._news:
            assert self._news.wait_for(lambda: self.ended, seconds), f"only {self.deliveries}"
        return self.error

    @property
    def messages(self) -> list[Messages]:
        """Return the messages, resolved ones too."""
        return [delivery for delivery in self.deliveries if isinstance(delivery, Messages)]

    @property
    def rows(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """Return topic, key and value of every row."""
        return [
            (part.topic, key, value)
            for part in self.messages
            for key, value in zip(part.keys, part.values, strict=True)
            if key is not None
        ]

    @property
    def resolved(self) -> int:
        """Return how many resolved messages came."""
        return sum(key is None for part in self.messages for key in part.keys)

    @property
    def lost(self) -> list[Lost]:
        """Return what was reported as lost."""
        return [lost for delivery in self.deliveries if isinstance(delivery, Messages | Progress) for lost in delivery.lost]

    def close(self) -> None:
        """Close the feed and wait for its thread."""
        self.reader.close()
        self._thread.join(5)
        assert not self._thread.is_alive()


@contextmanager
def watching(
    settings: SinklessSettings,
    recorded: Position | MemoryClaims | None = None,
    **how: bool,
) -> Iterator[Watching]:
    """Read a feed until the block ends."""
    positions: Mapping[str, Position] = {ALL: recorded} if isinstance(recorded, Mapping) else {}
    claims = recorded if isinstance(recorded, MemoryClaims) else MemoryClaims(positions)
    feed = Watching(SinklessSource(settings).open(claims, **how), claims)
    try:
        yield feed
    finally:
        feed.close()
