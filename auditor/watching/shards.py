"""A feed's places in the state while it runs: whose they are, where they stand, and what is still under way."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from auditor.delivery import Delivery, Position, Reader
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.state import coverage, positions
from auditor.state.database import Database
from auditor.watching.events import Events

#: A rebalance waits so long for what was handed over; what is then not recorded yet is fenced off, and read elsewhere.
_LONGEST_RELEASE = 20.0


class Shards:
    """
    The claims of one opening of a feed; see `auditor.delivery.Claims`.

    `claim` and `release` are called by the reader's thread, the rest by the thread that inspects.
    """

    def __init__(self, database: Database, feed: str, key: AuditKey, adopt_before: Timestamp | None) -> None:
        """Begin with no shard."""
        self._database, self._feed, self._key, self._adopt_before = database, feed, key, adopt_before
        self._changed = threading.Condition()
        self._under_way: Counter[str] = Counter()
        self._ended = False
        self._resolved: dict[str, Timestamp | None] = {}
        self._events: dict[str, Events] = {}
        #: Shard to the epoch of its claim.
        self.epochs: dict[str, int] = {}

    def claim(self, shards: Iterable[str]) -> Mapping[str, Position]:
        """Take shards over and return where each is to be continued."""
        taken = positions.claim(self._database, self._feed, shards)
        with self._changed:
            for shard, claimed in taken.items():
                self.epochs[shard] = claimed.epoch
                self._resolved[shard] = claimed.resolved
                counted = coverage.occurrences(self._database, self._feed, shard)
                self._events[shard] = Events(self._key, claimed.resolved, counted, self._adopt_before)
        return {shard: claimed.position for shard, claimed in taken.items() if claimed.position is not None}

    def resolved(self, shard: str) -> Timestamp | None:
        """Return the resolved timestamp that was recorded when the shard was claimed."""
        return self._resolved.get(shard)

    def release(self, shards: Iterable[str]) -> None:
        """Wait until what was handed over for these shards is recorded or dropped, and forget them."""
        wanted = list(shards)
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not any(self._under_way[shard] for shard in wanted), _LONGEST_RELEASE)
            for shard in wanted:
                self.epochs.pop(shard, None)

    def handing_over(self, reader: Reader) -> Iterator[Delivery | None]:
        """Yield a reader's deliveries, and count them as under way."""
        for delivery in reader:
            if delivery is not None:
                with self._changed:
                    self._under_way[delivery.shard] += 1
            yield delivery

    @property
    def under_way(self) -> int:
        """Return how many deliveries were handed over and are neither recorded nor dropped."""
        with self._changed:
            return self._under_way.total()

    def recorded(self, delivery: Delivery) -> None:
        """Count a delivery as done."""
        with self._changed:
            self._under_way[delivery.shard] -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """Let nobody wait any longer: what is under way is dropped."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def events(self, shard: str) -> Events:
        """Return the events of a claimed shard."""
        return self._events[shard]
