"""How many messages of the assigned partitions are not read yet."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException

from auditor.sources.kafka.place import Place

_EVERY = 1.0


class Lag:
    """``messages`` is None until every assigned partition has been fetched from; used by one thread, read by any."""

    def __init__(self) -> None:
        """Know nothing."""
        self.messages: int | None = None
        self._looked = 0.0

    def look(self, consumer: Consumer, places: Iterable[Place]) -> None:
        """Compare with the ends that came with the brokers' last answers, now and then; nobody is asked."""
        if time.monotonic() - self._looked < _EVERY:
            return
        self._looked = time.monotonic()
        behind = [_behind(consumer, place) for place in places]
        self.messages = None if None in behind else sum(filter(None, behind))


def _behind(consumer: Consumer, place: Place) -> int | None:
    """Return the lag of one partition, None if it is not known."""
    try:
        _, end = consumer.get_watermark_offsets(place.at(0), cached=True)
    except KafkaException:
        return None
    return None if end < 0 or place.next < 0 else max(0, end - place.next)
