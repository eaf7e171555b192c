"""
The group's offsets, committed behind the state's positions.

Nobody reads on from them here: they let others see how far the group is. So they are committed together, now and then, without
being waited for, and one that could not be committed is tried again with the next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from auditor.sources.kafka.client import LOG

#: Seconds between two commits.
_PAUSE = 1.0


class GroupOffsets:
    """What is recorded and not yet committed. `recorded` may be called from any thread, the rest from the consumer's."""

    def __init__(self) -> None:
        """Begin with nothing to commit."""
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, int], int] = {}
        self._next_at = 0.0

    def recorded(self, topic: str, partition: int, offset: int) -> None:
        """Note the offset to continue from."""
        with self._lock:
            self._waiting[topic, partition] = offset

    def commit(self, consumer: Consumer, owned: Collection[tuple[str, int]], *, now: bool = False) -> None:
        """
        Send what waits for the partitions that are owned, at most once a second unless ``now``.

        What waits for other partitions is forgotten: their new owner commits for them.
        """
        if not now and time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + _PAUSE
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        offsets = [TopicPartition(*place, offset) for place, offset in waiting.items() if place in owned]
        if offsets:
            try:
                consumer.commit(offsets=offsets, asynchronous=True)
            except KafkaException:
                self._again(offsets)

    def answered(self, error: KafkaError | None, offsets: Sequence[TopicPartition]) -> None:
        """Take the brokers' answer to a commit (librdkafka's ``on_commit``)."""
        failed = [one for one in offsets if error is not None or one.error is not None]
        if failed:
            LOG.info("offsets of %d partitions could not be committed; they are tried again", len(failed))
            self._again(failed)

    def _again(self, offsets: Sequence[TopicPartition]) -> None:
        """Let offsets wait again, unless newer ones do."""
        with self._lock:
            for one in offsets:
                self._waiting.setdefault((one.topic, one.partition), one.offset)
