"""A source whose deliveries are written down in the test, and which keeps what a real one keeps: positions, acknowledgements."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence

from auditor.delivery import ALL, Check, Claims, Delivery, Messages, Position


class ScriptedReader:
    """Yields deliveries after the recorded position, then None until closed or, if bounded, ends."""

    def __init__(self, deliveries: Sequence[Delivery | Exception], *, endless: bool) -> None:
        self._deliveries, self._endless = deliveries, endless
        self._closed: queue.Queue[None] = queue.Queue()
        self.acknowledged: list[Delivery] = []
        self.refusals: list[Delivery] = []

    def __iter__(self) -> Iterator[Delivery | None]:
        for delivery in self._deliveries:
            if isinstance(delivery, Exception):
                raise delivery
            if not self._closed.empty():
                return
            yield delivery
        while self._endless and self._closed.empty():
            try:
                self._closed.get(timeout=0.02)
            except queue.Empty:
                yield None

    def committed(self, delivery: Delivery) -> None:
        self.acknowledged.append(delivery)

    def refused(self, delivery: Delivery) -> None:
        self.refusals.append(delivery)

    def close(self) -> None:
        self._closed.put(None)

    @property
    def backlog(self) -> int | None:
        return len(self._deliveries)


class ScriptedSource:
    """Each opening continues after the recorded number of deliveries; errors in the script happen once."""

    def __init__(self, script: Sequence[Delivery | Exception], *, endless: bool = False) -> None:
        self._script, self._endless = list(script), endless
        self.readers: list[ScriptedReader] = []
        self.rescans = 0

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> ScriptedReader:
        self.rescans += rescan
        shards = sorted({delivery.shard for delivery in self._script if not isinstance(delivery, Exception)}) or [ALL]
        positions = claims.claim(shards)
        done = max((int(str(position["done"])) for position in positions.values()), default=0)
        left = [each for each in self._script if isinstance(each, Exception) or int(str(each.position["done"])) > done]  # type: ignore[index]
        for number, each in enumerate(left):
            if isinstance(each, Exception):
                left = left[: number + 1]
                self._script.remove(each)
                break
        reader = ScriptedReader(left, endless=self._endless and not until_caught_up)
        self.readers.append(reader)
        return reader

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        yield Check("scripted", "ok", "written down")


def messages(number: int, *values: bytes, key: bytes | None = b"[1]", topic: str = "shop.public.users") -> Messages:
    """Return a delivery with the position ``number``; rows are numbered from a hundred times it."""
    rows = range(number * 100, number * 100 + len(values))
    keys = [None if b'{"resolved"' in value else key for value in values]
    return Messages("test://feed", topic, keys, values, rows, position={"done": number})
