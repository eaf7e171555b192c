"""What an instance does when the group shares the partitions out anew, step by step."""

from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from auditor.delivery import Progress
from auditor.sources.kafka import assignment as assignment_module
from auditor.sources.kafka.assignment import Assignment
from auditor.sources.kafka.group_offsets import GroupOffsets
from tests.sources.feed_harness import MemoryClaims
from tests.sources.kafka_brokers import settings_for


class Moves:
    """A consumer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.told += [("assign", f"{one.topic}/{one.partition}", one.offset) for one in partitions]

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.told += [("unassign", f"{one.topic}/{one.partition}", one.offset) for one in partitions]

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return 10, 20

    def commit(self, **_more: Any) -> None:
        """Take it."""


@pytest.fixture(autouse=True)
def _no_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment_module, "topic_ids", lambda *_: {})


def made(claims: MemoryClaims, **fields: Any) -> Assignment:
    return Assignment(settings_for("127.0.0.1:1", "t", **fields), claims, GroupOffsets(), rescan=False)


def test_partitions_begin_where_the_state_says():
    """At the recorded offset, at the earliest where there is none; shards are claimed, and let go of when given away."""
    claims, consumer = MemoryClaims({"t/0": {"offset": 5, "topic_id": "x"}}), Moves()
    assignment = made(claims)
    assignment.assigned(consumer, [TopicPartition("t", 0), TopicPartition("t", 1)])
    assert consumer.told == [("assign", "t/0", 5), ("assign", "t/1", OFFSET_BEGINNING)]
    assert claims.held == {"t/0", "t/1"}
    assert assignment.places["t", 0].position(6) == {"offset": 6, "topic_id": "x"}, "what is known of the topic is kept"
    assignment.revoked(consumer, [TopicPartition("t", 0)])
    assignment.lost(consumer, [TopicPartition("t", 1)])
    assert claims.held == set()
    assert assignment.places == {}


def test_only_what_was_there_at_the_start_begins_at_the_end():
    """With start: latest, a partition that comes later, or beside recorded ones, is read from its beginning."""
    consumer = Moves()
    assignment = made(MemoryClaims(), start="latest")
    assignment.assigned(consumer, [TopicPartition("t", 0)])
    assignment.assigned(consumer, [TopicPartition("t", 1)])
    assert consumer.told == [("assign", "t/0", 20), ("assign", "t/1", OFFSET_BEGINNING)]
    assert assignment.announced == [Progress("t/0", {"offset": 20})]
    beside, consumer = made(MemoryClaims({"t/0": {"offset": 5}}), start="latest"), Moves()
    beside.assigned(consumer, [TopicPartition("t", 0), TopicPartition("t", 1)])
    assert consumer.told == [("assign", "t/0", 5), ("assign", "t/1", OFFSET_BEGINNING)]


def test_a_partition_that_went_and_came_back_within_one_call_is_begun_again():
    """What that call returned of it may be older than the recorded position: none of it is handed over, none skipped."""
    claims, consumer = MemoryClaims({"t/0": {"offset": 5}, "t/1": {"offset": 7}}), Moves()
    assignment = made(claims)
    assignment.assigned(consumer, [TopicPartition("t", 0), TopicPartition("t", 1)])
    assignment.begin_call()
    assignment.revoked(consumer, [TopicPartition("t", 0)])
    assignment.assigned(consumer, [TopicPartition("t", 0)])
    consumer.told.clear()
    assert set(assignment.current(consumer)) == {("t", 1)}
    assert consumer.told == [("unassign", "t/0", 5), ("assign", "t/0", 5)]
    assignment.begin_call()
    assert set(assignment.current(consumer)) == {("t", 0), ("t", 1)}


def test_closing_asks_the_state_for_nothing():
    """Whoever closes the reader may be the one that records: to wait for it then would be for ever."""
    claims, consumer = MemoryClaims(), Moves()
    assignment = made(claims)
    assignment.assigned(consumer, [TopicPartition("t", 0)])
    assignment.closing = True
    assignment.revoked(consumer, [TopicPartition("t", 0)])
    assignment.assigned(consumer, [TopicPartition("t", 1)])
    assert claims.held == {"t/0"}
