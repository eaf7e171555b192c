"""When a bounded reading is over: everything that was there when it began is read, by this instance or another of its group."""

from __future__ import annotations

import time

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from auditor.errors import SourceUnavailable
from auditor.sources.kafka.assignment import Assignment
from auditor.sources.kafka.client import LOG, error_of, partitions_of
from auditor.sources.kafka.settings import KafkaSettings

#: Seconds for a question to the brokers, and between two of them.
_ANSWER, _PAUSE = 5.0, 1.0
#: Seconds without a word from a partition after which it is given up. Brokers answer twice a second.
_SILENCE = 60.0
#: Seconds without a share of the partitions after which it is given up. Others may take max.poll.interval.ms to give some away.
_UNSHARED = 330.0


class CaughtUp:
    """The end of a bounded reading. Runs on the thread that consumes."""

    def __init__(self, settings: KafkaSettings, assignment: Assignment) -> None:
        """Take what is being read."""
        self._settings, self._assignment = settings, assignment
        self._elsewhere: dict[tuple[str, int], int] = {}
        self._next_at = 0.0
        self._heard = time.monotonic()

    def heard(self) -> None:
        """Take notice of something that came, or of time that passed without anything being asked for."""
        self._heard = time.monotonic()

    def reached(self, consumer: Consumer) -> bool:
        """
        Tell whether all partitions were read to where they ended.

        Partitions of other instances are looked at too. One may be on its way from one instance to another: each could think that
        it is the other's.
        """
        if not self._own_read() or time.monotonic() < self._next_at:
            return False
        self._next_at = time.monotonic() + _PAUSE
        try:
            partitions = partitions_of(consumer.list_topics(timeout=_ANSWER), self._settings.topics)
            others = [one for one in partitions if (one.topic, one.partition) not in self._assignment.places]
            return not others or self._committed(consumer, others)
        except KafkaException as error:
            LOG.info("the group's offsets cannot be had: %s", error_of(error).name())
            return False

    def check(self) -> None:
        """Raise `SourceUnavailable` where something should have been heard by now, so that nobody waits for ever."""
        silence = time.monotonic() - self._heard
        silent = sorted(place.shard for place in self._assignment.places.values() if not place.read)
        if silent and silence > _SILENCE:
            what = f"{len(silent)} partitions have said nothing for {silence:.0f} s, {silent[0]} among them"
            raise SourceUnavailable(what, where=self._settings.name, fix="check that each partition has a leader")
        if not self._assignment.settled and silence > _UNSHARED:
            what = f"the group {self._settings.group} has given this instance no share for {silence:.0f} s"
            raise SourceUnavailable(what, where=self._settings.name, fix="look for members of the group that hang")

    def check_topics(self, consumer: Consumer) -> None:
        """Raise `SourceUnavailable` where no topic is there: one that comes later would be waited for."""
        try:
            found = partitions_of(consumer.list_topics(timeout=_ANSWER), self._settings.topics)
        except KafkaException:
            return
        if not found:
            raise SourceUnavailable("no topic matches", where=self._settings.name, fix="correct topics")

    def _own_read(self) -> bool:
        """Tell whether this instance has its share, and has read it."""
        return self._assignment.settled and all(place.read for place in self._assignment.places.values())

    def _committed(self, consumer: Consumer, others: list[TopicPartition]) -> bool:
        """Tell whether the group has committed what was there in partitions of other instances when they were first looked at."""
        for one in others:
            if (one.topic, one.partition) not in self._elsewhere:
                start, end = consumer.get_watermark_offsets(one, timeout=_ANSWER)
                # For an empty partition nothing need be committed.
                self._elsewhere[one.topic, one.partition] = end if end > start else OFFSET_INVALID
        offsets = consumer.committed(others, timeout=_ANSWER)
        return all(one.offset >= self._elsewhere[one.topic, one.partition] for one in offsets)
