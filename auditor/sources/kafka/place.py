"""One partition that this instance reads."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import TopicPartition

from auditor.delivery import Position


@dataclass(slots=True)
class Place:
    """
    Where a partition is read. A shard of the state is ``topic/partition``; no topic has a slash in its name.

    ``next`` is the offset that is expected next, -1 until it is known. ``end`` is where a bounded reading may stop, -1 until it
    is known; ``ended`` says that the partition was read to its end once.
    """

    topic: str
    partition: int
    topic_id: str
    origin: str
    next: int = -1
    end: int = -1
    ended: bool = False

    @property
    def shard(self) -> str:
        """Return the name in the state."""
        return shard_of(self.topic, self.partition)

    @property
    def read(self) -> bool:
        """Tell whether everything is read that was there when reading began."""
        return self.ended or 0 <= self.end <= self.next

    def position(self, offset: int) -> Position:
        """
        Return the position that continues at an offset.

        The topic's id is part of it: offsets of a topic that was deleted mean nothing in one that got its name later.
        """
        return {"offset": offset, "topic_id": self.topic_id} if self.topic_id else {"offset": offset}

    def at(self, offset: int) -> TopicPartition:
        """Return the partition at an offset, as the client takes it."""
        return TopicPartition(self.topic, self.partition, offset)


def shard_of(topic: str, partition: int) -> str:
    """Name a partition."""
    return f"{topic}/{partition}"


def place_of(shard: str) -> tuple[str, int]:
    """Return topic and partition of a shard."""
    topic, _, partition = shard.rpartition("/")
    return topic, int(partition)


def offset_of(position: Position) -> int:
    """Return the offset that a recorded position continues at."""
    offset = position["offset"]
    assert isinstance(offset, int)
    return offset


def topic_id_of(position: Position) -> str:
    """Return the id of the topic that a position is of, '' if it is not known."""
    topic_id = position.get("topic_id", "")
    assert isinstance(topic_id, str)
    return topic_id
