"""Several instances of one group: each message is recorded by whoever owns its partition, and none is passed over."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping

import pytest
from confluent_kafka import Consumer, TopicPartition

from auditor.delivery import Delivery, Messages, Position, Progress
from auditor.errors import Fenced
from auditor.hlc import Timestamp
from auditor.sources.kafka import KafkaSource
from auditor.sources.kafka.properties import reader_properties
from auditor.sources.kafka.settings import KafkaSettings
from tests.sources.kafka_brokers import Broker, eventually, shared_broker

broker = shared_broker

PARTITIONS = 6


class SharedState:
    """What instances share: positions, who may move them, and every message that was recorded."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owners: dict[str, str] = {}
        self.positions: dict[str, int] = {}
        self.values: dict[str, list[bytes | None]] = {}
        self.skipped: list[str] = []
        self.repeated = self.fenced = 0
        self.movers: set[tuple[str, str]] = set()

    def record(self, owner: str, delivery: Delivery) -> None:
        """Record a delivery and its position, unless another instance has taken the shard over."""
        assert isinstance(delivery, Messages | Progress)
        assert delivery.position is not None
        shard, offset = delivery.shard, delivery.position["offset"]
        assert isinstance(offset, int)
        with self.lock:
            if self.owners.get(shard) != owner:
                self.fenced += 1
                raise Fenced("another instance has the shard", where=shard)
            before = self.positions.get(shard, 0)
            if isinstance(delivery, Messages):
                if delivery.numbers[0] > before:
                    self.skipped.append(f"{shard}: {before} to {delivery.numbers[0]}")
                self.repeated += sum(number < before for number in delivery.numbers)
                self.values.setdefault(shard, []).extend(delivery.values)
                self.movers.add((shard, owner))
            self.positions[shard] = offset


class InstanceClaims:
    """The claims of one instance; see `auditor.delivery.Claims`."""

    def __init__(self, state: SharedState, owner: str) -> None:
        self.state, self.owner = state, owner

    def claim(self, shards: Iterable[str]) -> Mapping[str, Position]:
        with self.state.lock:
            wanted = list(shards)
            self.state.owners.update(dict.fromkeys(wanted, self.owner))
            return {shard: {"offset": self.state.positions[shard]} for shard in wanted if shard in self.state.positions}

    def resolved(self, shard: str) -> Timestamp | None:
        return None

    def release(self, shards: Iterable[str]) -> None:
        """Nothing is waited for: `Instance` records each delivery before it asks for the next."""


class Instance(threading.Thread):
    """One instance, with a feed of its own."""

    def __init__(self, state: SharedState, name: str, settings: KafkaSettings, *, bounded: bool = False) -> None:
        super().__init__(name=name, daemon=True)
        self.state = state
        self.reader = KafkaSource(settings).open(InstanceClaims(state, name), until_caught_up=bounded)
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            for delivery in self.reader:
                if delivery is not None:
                    try:
                        self.state.record(self.name, delivery)
                    except Fenced:
                        continue
                    self.reader.committed(delivery)
            self.reader.close()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.failure = error

    def stop(self) -> None:
        self.reader.close()
        self.join(10)
        assert not self.is_alive()
        assert self.failure is None, self.failure


@pytest.mark.needs("tansu")
def test_three_instances_share_the_partitions(broker: Broker):
    """Instances come and go while messages keep coming: every one of them is recorded, in order, and nothing is skipped."""
    topic, state = broker.topic(PARTITIONS), SharedState()
    settings = broker.settings(topic)
    written: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            for partition, values in written.items():
                more = [b"%d-%d" % (partition, number) for number in range(len(values), len(values) + 50)]
                broker.produce(topic, more, partition=partition)
                values.extend(more)

    def movers() -> dict[str, int]:
        with state.lock:
            return {name: sum(owner == name for owner in state.owners.values()) for name in "abc"}

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    first = Instance(state, "a", settings)
    eventually(lambda: len(state.positions) == PARTITIONS)
    second, third = Instance(state, "b", settings), Instance(state, "c", settings)
    eventually(lambda: all(movers().values()), timeout=30)
    first.stop()
    eventually(lambda: movers()["b"] + movers()["c"] == PARTITIONS, timeout=30)
    time.sleep(0.5)
    done.set()
    writer.join(20)
    expected = {f"{topic}/{partition}": len(values) for partition, values in written.items()}
    eventually(lambda: {shard: state.positions.get(shard) for shard in expected} == expected, timeout=30)
    second.stop()
    third.stop()
    assert state.skipped == []
    assert state.repeated == 0, "the first instance had time to record what it had handed over"
    assert state.values == {f"{topic}/{partition}": values for partition, values in written.items()}
    assert {owner for _, owner in state.movers} == {"a", "b", "c"}


@pytest.mark.needs("tansu")
def test_an_instance_that_lost_its_partitions_cannot_move_them(broker: Broker):
    """A delivery that is recorded after another instance has claimed its shard is refused, and read again there."""
    topic, state = broker.topic(), SharedState()
    broker.produce(topic, [b"a"])
    settings = broker.settings(topic)
    slow = KafkaSource(settings).open(InstanceClaims(state, "slow"))
    held = next(filter(None, slow))
    slow.close()
    quick = Instance(state, "quick", settings)
    eventually(lambda: state.values)
    with pytest.raises(Fenced):
        state.record("slow", held)
    quick.stop()
    assert state.values == {f"{topic}/0": [b"a"]}


@pytest.mark.needs("tansu")
def test_a_bounded_reading_waits_for_what_others_read(broker: Broker):
    """It ends when its own partitions are read, and the group's offsets say that those of other instances are."""
    topic, state = broker.topic(4), SharedState()
    for partition in range(4):
        broker.produce(topic, [b"%d" % number for number in range(500)], partition=partition)
    settings = broker.settings(topic)
    other = Consumer(reader_properties(settings))
    held: set[int] = set()
    other.subscribe(
        [topic],
        on_assign=lambda _, partitions: held.update(one.partition for one in partitions),
        on_revoke=lambda _, partitions: held.difference_update(one.partition for one in partitions),
    )
    commit, stop = threading.Event(), threading.Event()

    def poll() -> None:
        while not stop.is_set():
            other.consume(100, 0.1)
            if commit.is_set():
                commit.clear()
                other.commit(offsets=[TopicPartition(topic, partition, 500) for partition in held], asynchronous=False)
        other.close()

    polling = threading.Thread(target=poll, daemon=True)
    polling.start()
    eventually(lambda: len(held) == 4)
    bounded = Instance(state, "bounded", settings, bounded=True)
    eventually(lambda: list(state.positions.values()) == [500, 500])
    bounded.join(2)
    assert bounded.is_alive(), "two partitions are not read yet"
    assert len(held) == 2
    commit.set()
    bounded.join(10)
    assert not bounded.is_alive()
    bounded.stop()
    stop.set()
    polling.join(10)


@pytest.mark.needs("kafka")
def test_bounded_instances_leave_nothing_to_each_other():
    """
    Two that read until they have caught up end only when all partitions are read, whoever had them.

    Only on Apache Kafka: others may leave a request to join unanswered when a member leaves at that moment.
    """
    broker, state = Broker(os.environ["AUDITOR_TEST_KAFKA"], apache=True), SharedState()
    topic = broker.topic(4)
    for partition in range(4):
        broker.produce(topic, [b"%d" % number for number in range(500)], partition=partition)
    settings = broker.settings(topic)
    both = [Instance(state, name, settings, bounded=True) for name in "ab"]
    for instance in both:
        instance.join(30)
        assert not instance.is_alive()
        assert state.positions == {f"{topic}/{partition}": 500 for partition in range(4)}
        instance.stop()
    assert state.skipped == []
