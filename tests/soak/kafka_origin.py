"""A Kafka sink: rows by key to the partitions of a topic, resolved messages to all of them, each acknowledged by the broker."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import KafkaException, Message, Producer

from tests.soak.rows import TABLE, Rows
from tests.sources.kafka_brokers import Broker, running_tansu

PARTITIONS = 4


class Encoded(Protocol):
    """Rows as messages."""

    def key(self, number: int) -> bytes:
        """Return a row's key."""

    def value(self, number: int) -> bytes:
        """Return a row."""

    def resolved(self, number: int) -> bytes:
        """Return the resolved message that stands after a row."""


class KafkaOrigin:
    """See `tests.soak.origins.Origin`. ``more`` are further settings of the feed."""

    kind = "kafka"
    exact = True

    def __init__(self, rows: Encoded, broker: Broker, *, partitions: int = PARTITIONS, **more: Any) -> None:
        self._rows, self._broker, self._partitions, self._more = rows, broker, partitions, more
        self.topic = broker.topic(partitions, name=f"{TABLE}.{uuid.uuid4().hex}"[:60])
        self._producer = Producer(
            {"bootstrap.servers": broker.address, "acks": "all", "enable.idempotence": broker.apache, "log_level": 0}
        )
        #: By partition, for each offset whether it holds a row.
        self._log: list[list[bool]] = [[] for _ in range(partitions)]
        self._sent = (0, -1)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "kind": "kafka",
            "name": "soak",
            "bootstrap_servers": [self._broker.address],
            "topics": [self.topic],
            "group": self.topic,
            # A killed member holds its partitions until its session ends.
            "properties": {"session.timeout.ms": 1000, "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 100},
            **self._more,
        }

    def send(self, rows: range) -> None:
        self._sent = (rows.stop, self._sent[1])
        for number in rows:
            self._produce(number % self._partitions, self._rows.value(number), self._rows.key(number))
        self._flush()
        self._sent = (rows.stop, rows.stop - 1)
        for partition in range(self._partitions):
            self._produce(partition, self._rows.resolved(rows.stop - 1), None)
        self._flush()

    def _produce(self, partition: int, value: bytes, key: bytes | None) -> None:
        self._producer.produce(self.topic, value, key, partition, on_delivery=self._acknowledged)
        self._producer.poll(0)

    def _acknowledged(self, error: object, message: Message) -> None:
        if error is not None:
            raise KafkaException(error)
        log = self._log[message.partition() or 0]
        assert message.offset() == len(log), "the broker has more than was written here"
        log.append(message.key() is not None)

    def _flush(self) -> None:
        assert self._producer.flush(120) == 0

    def settled(self) -> bool:
        return True

    def handed_over(self) -> tuple[int, int]:
        return self._sent

    def in_shard(self, number: int, shard: str) -> bool:
        return number % self._partitions == int(shard.rpartition("/")[2])

    def counted(self, positions: dict[str, dict[str, Any]]) -> int | None:
        total = 0
        for shard, position in positions.items():
            if "offset" in position:
                total += sum(self._log[int(shard.rpartition("/")[2])][: position["offset"]])
        return total


@contextmanager
def tansu_origin(rows: Rows, folder: Path) -> Iterator[KafkaOrigin]:
    """Write to a Tansu of one's own."""
    with running_tansu() as (address, _):
        yield KafkaOrigin(rows, Broker(address, apache=False))


@contextmanager
def apache_origin(rows: Rows, folder: Path) -> Iterator[KafkaOrigin]:
    """Write to the Apache Kafka that AUDITOR_TEST_KAFKA names."""
    yield KafkaOrigin(rows, Broker(os.environ["AUDITOR_TEST_KAFKA"], apache=True))
